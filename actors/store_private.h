/* What store.c (records) and store_open.c (directory, identity) share. Nobody else includes it. */
#ifndef MADKV_ACTORS_STORE_PRIVATE_H
#define MADKV_ACTORS_STORE_PRIVATE_H

#include <lmdb.h>

#include "actors/store.h"
#include "wire/say.h"

struct store {
    struct wire_identity identity; /* as it is durable */
    struct smr_log memory;         /* without a directory: the log itself; else zero */
    char *path;                    /* the directory, NULL without one */
    int directory;                 /* its descriptor, -1 if none */
    int lock;                      /* descriptor of LOCK, locked; -1 if none */
    MDB_env *env;                  /* the environment */
    MDB_dbi log;                   /* slots */
    MDB_dbi meta;                  /* everything else */
    MDB_txn *reader;               /* reset between reads, so that no old page is kept alive */
    wire_slot highest;             /* highest slot with a durable record; 0: none */
    uint64_t reserve_bytes;        /* see STORE_RESERVE_BYTES */
    uint64_t map_bytes;            /* see STORE_MAP_BYTES */
    bool low;                      /* little room was left when last asked */
    uint64_t room;                 /* free on the disk when last looked at */
    uint64_t room_used;            /* what was asked of it since */

    struct smr_log_entry *queue;  /* put, not yet committed; owns the batches */
    size_t queue_count;           /* how many */
    size_t queue_capacity;        /* room at queue */
    uint64_t queue_bytes;         /* of their batches */
    struct wire_hard_state state; /* put, not yet committed */
    bool state_queued;            /* whether there is one */
    wire_slot queued_cut;         /* slots up to it are to go; 0: none */
    uint64_t log_bytes;           /* of the pages that hold slots */

    struct wire_writer scratch; /* room to encode a record in */
    uint64_t commit_count;      /* transactions made durable */
    uint64_t put_count;         /* records in them */
    uint64_t put_bytes;         /* bytes of those records */
    uint8_t *map;               /* where the file is mapped; NULL: not known yet */
    uint64_t unmapped_at;       /* put_bytes when the map was emptied last */
    uint64_t full_count;        /* commits refused for want of room */
    uint64_t damaged_count;     /* reads that found a damaged record */
    struct wire_say_gate gate;  /* for lines about them */
};

/* What an LMDB or errno code means to us. Anything that is not plainly "no such key" or "no room"
 * is WIRE_FAILED. */
enum wire_error store_error(int code);

/* Bytes free on the directory's file system; UINT64_MAX if it does not say. */
uint64_t store_room(const struct store *self);

/* One small record of `meta`, copied to the end of *out. WIRE_OK, WIRE_NOT_FOUND or WIRE_FAILED. */
enum wire_error store_read_meta(MDB_txn *txn, MDB_dbi meta, const char *name,
                                struct wire_writer *out);
int store_put_meta(MDB_txn *txn, MDB_dbi meta, const char *name, struct span bytes);
/* It need not be there. */
int store_delete_meta(MDB_txn *txn, MDB_dbi meta, const char *name);

/* Finds the highest slot. WIRE_OK, WIRE_DAMAGED or WIRE_FAILED. */
enum wire_error store_find_highest(struct store *self, MDB_txn *txn);

#endif
