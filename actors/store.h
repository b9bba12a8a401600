/* The directory of a replica (`backer_path`): whose it is, and the durable log in it.
 *
 *     LOCK       held with flock for as long as a process serves the directory; its pid as text
 *     data.mdb   LMDB. Sub-database `log`: slot, 8 bytes big-endian -> slot record (wire/record.h)
 *     lock.mdb                `meta`: "identity", "hard_state" -> their records; "topology" -> text
 *
 * Every commit is synchronous: no NOSYNC, no NOMETASYNC, no WRITEMAP. All that was queued since the
 * last commit becomes durable in one transaction, or nothing of it.
 *
 * Opening commits a new start of the process before anybody is served. That record is not only a
 * count: it makes LMDB write a new durable meta page above data that was already synced, so that
 * nothing which an earlier, failed commit left in the page cache alone is ever relied on.
 *
 * Without a path the same interface is served from memory (smr/memory_log.h).
 *
 * Thread: one at a time. `main` opens it, then the acceptor's thread uses it until that thread was
 * joined, then `main` closes it. Never opened twice in a process, never used across a fork. */
#ifndef MADKV_ACTORS_STORE_H
#define MADKV_ACTORS_STORE_H

#include "smr/log.h"

/* Address space and sparse file size set aside for the log; its growth past it is WIRE_FULL. */
#define STORE_MAP_BYTES ((uint64_t)64 << 30)
/* A commit that would leave less than this free on the file system is refused before it is begun: a
 * file system that fills up in the middle of a write gives errors that look like a broken disk. */
#define STORE_RESERVE_BYTES ((uint64_t)1 << 20)
/* Less than this free on the file system, or the last eighth of the map in use: little room is left, and
 * nothing that can wait should be added (smr/log.h). More than a window of batches, which may be on
 * their way already; half as much again ends it. */
#define STORE_LOW_BYTES ((uint64_t)20 << 20)
#define STORE_PROBLEM_BYTES 1024 /* room for what store_open has to say */

struct store_config {
    const char *path; /* the directory, made if it does not exist; NULL: memory only */
    /* Who opens it. group and replica must be those of the directory; so must replica_count; so
     * must cluster and topology where both sides know them (not 0). A new directory takes all of it
     * but birth and start. */
    struct wire_identity self;
    const char *topology;   /* the topology in words, kept in a new directory; NULL: none */
    uint64_t map_bytes;     /* 0: STORE_MAP_BYTES */
    uint64_t reserve_bytes; /* 0: STORE_RESERVE_BYTES */
};

struct store;

/* WIRE_OK: *store is open, its start is durable and one higher than ever before.
 * WIRE_IN_USE: another process serves the directory. WIRE_IDENTITY: it belongs to another replica
 * or cluster. WIRE_USAGE: it was founded with another topology or replication factor. WIRE_DAMAGED:
 * its identity cannot be read. WIRE_FULL: no room. WIRE_FAILED: anything else. On all of those
 * *store is untouched, the directory's content too, and `problem` holds one line: what is wrong,
 * what to do. */
enum wire_error store_open(const struct store_config *config, struct store **store,
                           char problem[STORE_PROBLEM_BYTES]);

/* Whose directory it is; good until the next put. */
const struct wire_identity *store_identity(const struct store *self);

/* Replaces the identity, durably. WIRE_OK, WIRE_FULL or WIRE_FAILED; said on stderr if not OK. */
enum wire_error store_put_identity(struct store *self, const struct wire_identity *identity);

/* Takes all slots and the hard state out of the log and replaces the identity, in one transaction: the
 * directory is as if it had just been made, but that it is known whose it is. Answers as
 * store_put_identity does. Nothing may be queued. */
enum wire_error store_wipe(struct store *self, const struct wire_identity *identity);

/* The log; good until the store is closed. Its close() does nothing: the store owns it. */
struct smr_log store_log(struct store *self);

/* Appends the log's figures. `self` is a struct store. */
void store_figures(const void *self, struct wire_writer *out);

/* Closes it and lets the directory go; *store becomes NULL. NULL is ignored. */
void store_close(struct store **store);

#endif
