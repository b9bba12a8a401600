/* A node: what madkv-server and madkv-manager have in common around their state machines. Flags
 * that both take, the directory, the birth, the replica from start to end.
 *
 * Whatever is wrong ends the process with one line and the fixed exit status of its kind, so that
 * both programs say the same in the same words. Thread: `main`. */
#ifndef MADKV_ACTORS_NODE_H
#define MADKV_ACTORS_NODE_H

#include "actors/base.h"
#include "actors/replica.h"
#include "actors/store.h"
#include "smr/config.h"
#include "wire/address.h"
#include "wire/flags.h"

/* The exit statuses, for --help of both. */
extern const char node_exit_statuses[];
/* Help for --accept_data_loss. */
extern const char node_accept_data_loss_help[];

/* Flags as they were given; NULL: not given. */
#define NODE_SPIN_US_MAX 10000 /* --spin_us */
/* In units of NODE_MB bytes. */
#define NODE_MB ((uint64_t)1024 * 1024)
#define NODE_CHECKPOINT_MB (WIRE_CHECKPOINT_BYTES / NODE_MB) /* --checkpoint_mb if it is not given */
#define NODE_CHECKPOINT_MB_MAX 1024
#define NODE_LOG_TAIL_MB (WIRE_TAIL_BYTES / NODE_MB) /* --log_tail_mb if it is not given */
#define NODE_LOG_TAIL_MB_MAX (1024 * 1024)
/* For --help of both programs. */
extern const char node_checkpoint_mb_help[];
extern const char node_log_tail_mb_help[];
/* Likewise, for --protocol. */
extern const char node_protocol_help[];

struct node_flags {
    uint64_t replica_id;     /* --replica_id */
    const char *listen_flag; /* what the program calls its clients' address, without dashes */
    const char *listen;      /* its value */
    const char *p2p_listen;  /* --p2p_listen */
    const char *peer_addrs;  /* --peer_addrs */
    const char *backer_path; /* --backer_path */
    const char *threads;     /* --threads */
    uint64_t spin_us;        /* --spin_us */
    uint64_t checkpoint_mb;  /* --checkpoint_mb */
    uint64_t log_tail_mb;    /* --log_tail_mb */
    bool allow_admin;        /* --allow_admin */
    bool accept_data_loss;   /* --accept_data_loss */
};

/* Makes the courier of a replica of a chain (server/courier.h). */
typedef struct smr_role node_courier_fn(const struct smr_config *config,
                                        const char *const *managers, size_t manager_count);

struct node {
    const struct wire_program *program;                /* for usage errors */
    void *context;                                     /* of ZeroMQ */
    uint32_t group;                                    /* partition, or WIRE_GROUP_MANAGERS */
    wire_replica replica;                              /* own place in the group */
    uint8_t replica_count;                             /* r: peers and this one */
    const char *listen_flag;                           /* as in node_flags */
    struct wire_address listen;                        /* for clients */
    struct wire_address p2p_listen;                    /* for peers, where r is above 1 */
    struct wire_address peers[WIRE_REPLICA_COUNT_MAX]; /* by replica; the own one is empty */
    const char *backer_path;                           /* NULL: memory only */
    const struct replica_placement *placement;         /* which actor on which thread */
    wire_time spin;                                    /* see runtime_spin */
    size_t checkpoint_bytes;                           /* changes in memory before a checkpoint */
    uint64_t log_tail_bytes;                           /* log kept for replicas that are behind */
    enum smr_reads reads;                              /* see smr/config.h */
    bool allow_admin;                                  /* likewise */
    bool accept_data_loss;                             /* alone, it may start without what it held */
    enum wire_protocol protocol;                       /* how its group agrees */
    struct smr_overseer overseer;                      /* see smr/config.h */
    node_courier_fn *courier;                          /* NULL: it has none */
    const char *managers[WIRE_REPLICA_COUNT_MAX];      /* addresses that one speaks with */
    size_t manager_count;                              /* how many */
    struct store *store;                               /* once open */
    struct base *base;                                 /* likewise; NULL in memory */
};

/* Checks the flags against each other and fills the node in; usage errors end the process. group is
 * the caller's to check. Says everything from here on in the node's name. */
void node_init(struct node *self, const struct wire_program *program, uint32_t group,
               const struct node_flags *flags);

/* What --protocol says. */
enum wire_protocol node_take_protocol(const struct wire_program *program, const char *given);

/* Opens the directory. self_identity: cluster, topology and partitions as far as they are known;
 * who it is is filled in. If what the replica promised is damaged there, the directory is emptied and
 * gets a new birth, of the next generation and no cluster yet; a replica alone in its group ends
 * instead, unless it was told to accept that. */
void node_open(struct node *self, const struct wire_identity *known, const char *topology);

/* Opens the state's base in the open directory; NULL: memory only. Good until node_serve returns. A damaged
 * one is set aside, now or when that is found, unless this replica is alone in its group: actors/base.h. */
const struct smr_base *node_base(struct node *self);

/* Whose directory it is. */
const struct wire_identity *node_identity(const struct node *self);
/* Makes it durable. */
void node_put_identity(struct node *self, const struct wire_identity *identity);
/* Gives a directory that has none a birth, durably, before anybody hears of it. */
void node_ensure_birth(struct node *self);
/* Gives it a birth of that generation, likewise. */
void node_take_birth(struct node *self, uint32_t generation);
/* Whether this disk may vote. */
bool node_is_admitted(struct node *self);
/* Makes it so, durably. */
void node_admit(struct node *self);

/* Serves until told to end, then closes everything. cluster: what message heads carry. opening: see
 * smr/config.h. Takes over the machine. Returns the exit status. */
int node_serve(struct node *self, uint64_t cluster, struct smr_machine machine,
               struct span opening);

/* Random bits of the system, for ids; never 0. Ends the process if there are none. */
uint64_t node_random(void);

#endif
