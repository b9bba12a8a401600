/* A replica: its actors put together, whatever state machine is behind them.
 *
 *     clients --ROUTER api_listen-- API ===== PROPOSER --DEALER-- each peer's p2p_listen
 *                                    ||  \\      ||   \\
 *                                    ||   \\     ||    \\        === PAIR over inproc, between any two
 *                                 ACCEPTOR ==== (own)   APPLIER ==== CHECKPOINTER
 *                                    |
 *          peers --ROUTER p2p_listen-+--DEALER-- each peer's p2p_listen, as a learner
 *                                     STREAMER --DEALER-- each peer's p2p_listen
 *
 * The streamer sends snapshots over connections of its own, from a thread of its own: what it sends
 * stands in nobody's way here, and at its receiver's only in that of a replica that is behind anyway.
 *
 * A replica of a chain has a courier beside them, a DEALER to each manager's port for clients.
 *
 * The proposer reaches its own acceptor over a pair of their own rather than over the acceptor's
 * ROUTER: to the roles it is a route like any other, and nobody outside can speak as the own
 * proposer.
 *
 * Order: replica_new (listens: an address in use shows here), replica_connect for each peer and
 * replica_connect_manager for each manager of a courier, replica_start, replica_destroy. All by `main`. */
#ifndef MADKV_ACTORS_REPLICA_H
#define MADKV_ACTORS_REPLICA_H

#include "actors/runtime.h"
#include "actors/socket.h"

/* The actors of a replica, in the order in which they are stopped: no new calls first. */
enum replica_actor {
    REPLICA_API,
    REPLICA_PROPOSER,
    REPLICA_ACCEPTOR,
    REPLICA_APPLIER,
    REPLICA_CHECKPOINTER,
    REPLICA_STREAMER,
    REPLICA_COURIER, /* of a chain only */
    REPLICA_ACTORS
};

/* Which thread each actor runs on. */
struct replica_placement {
    const char *name;                 /* for a flag */
    unsigned threads[REPLICA_ACTORS]; /* numbers below RUNTIME_THREADS_MAX */
};
extern const struct replica_placement replica_thread_per_actor;
/* All that never waits for the disk on one thread: fewer wake-ups for a call. */
extern const struct replica_placement replica_fused;

struct replica_config {
    void *context;           /* the process's ZeroMQ context; must live longer */
    struct wire_sender self; /* cluster, group, replica, birth, start; the role is filled in */
    uint8_t replica_count;   /* r of the group */
    const char *api_flag;    /* the flag api_listen came from, for messages */
    const char *api_listen;  /* host:port for clients */
    const char *p2p_listen;  /* host:port for peers; NULL where r is 1 */
    struct smr_role roles[REPLICA_ACTORS]; /* owned by the replica from the call on; ops NULL: there
                                              is none */
    size_t manager_count;                  /* whom a courier speaks with; else 0 */
    struct smr_log log;                    /* of the acceptor; not owned, must live longer */
    void (*log_figures)(const void *self, struct wire_writer *out); /* may be NULL */
    const void *log_figures_self;                                   /* its argument */
    const struct replica_placement *placement;                      /* NULL: a thread per actor */
    wire_time spin;                                                 /* see runtime_spin */
};

struct replica;

/* Makes the sockets and listens. NULL: an address cannot be listened on, and `problem`
 * (SOCKET_PROBLEM_BYTES) says which; the roles are destroyed. */
struct replica *replica_new(const struct replica_config *config, char *problem);

/* Connects to a peer's p2p address, once per peer. False: the address makes no sense to ZeroMQ. */
bool replica_connect(struct replica *self, wire_replica peer, const char *address, char *problem);

/* The same to a manager's port for clients, once per manager of a courier. */
bool replica_connect_manager(struct replica *self, wire_replica manager, const char *address,
                             char *problem);

/* Starts the threads. False: the system gives none. */
bool replica_start(struct replica *self);

/* What is listened on, as host:port; p2p only where r is above 1. */
void replica_api_address(const struct replica *self, char address[SOCKET_ENDPOINT_BYTES]);
void replica_p2p_address(const struct replica *self, char address[SOCKET_ENDPOINT_BYTES]);

/* Before replica_destroy: a leader hands leadership over, and calls that wait are answered. Takes at
 * most so many milliseconds. */
void replica_leave(struct replica *self, long patience_ms);

/* Stops the threads in order, destroys the roles, closes all sockets; *replica becomes NULL. NULL
 * is ignored. Answers to clients that are on their way may still leave while the context is
 * terminated. */
void replica_destroy(struct replica **replica);

#endif
