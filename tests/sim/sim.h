/* The simulator: whole clusters, managers, partitions and clients, in one thread, from a seed.
 *
 * It runs the unchanged roles of smr/, the state machines of the servers and managers and the
 * client's core under a made-up network, disk, clock and scheduler. Everything random comes from the
 * seed, so a failure repeats exactly. A life has two phases: faults, then healing, after which every
 * call must be answered.
 *
 *     sim_events.c   what happens when: a heap of events
 *     sim_node.c     replicas: inboxes, steps, commits, crashes, restarts
 *     sim_network.c  what the network does to messages between replicas and clients
 *     sim_client.c   clients and their workload, and the history they saw
 *     sim_faults.c   what goes wrong when
 *     sim_check.c    what must never be
 *     main.c         many seeds, counters, verdict */
#ifndef MADKV_TESTS_SIM_SIM_H
#define MADKV_TESTS_SIM_SIM_H

#include "client/core.h"
#include "smr/counters.h"
#include "smr/group.h"
#include "smr/memory_base.h"
#include "smr/memory_log.h"
#include "smr/random.h"
#include "tools/check/history.h"

#define SIM_GROUPS_MAX 3
#define SIM_NODES_MAX (SIM_GROUPS_MAX * 5)
#define SIM_CLIENTS_MAX 6
#define SIM_SLOTS_MAX 65536 /* slots a group may use in one life */
#define SIM_ROLES WIRE_ROLE_COUNT
#define SIM_REPLAYS 32

enum sim_event_kind {
    SIM_STEP,         /* a role takes what is in its inbox */
    SIM_WAKE,         /* a role's deadline */
    SIM_COMMIT,       /* an acceptor's commit returns */
    SIM_ARRIVE,       /* a message reaches a replica over the network */
    SIM_CLIENT_ARRIVE, /* a message reaches a client */
    SIM_CLIENT_WAKE,  /* a client's deadline */
    SIM_CLIENT_LOST,  /* a client notices that a replica's connection broke */
    SIM_CLIENT_CALL,  /* a client begins its next call */
    SIM_FAULT,        /* something goes wrong, or right again */
};

/* A message under way: as bytes, so that the codec is part of every run. */
struct sim_letter {
    struct buf *head;          /* encoded */
    struct buf *payload;       /* or NULL */
    enum wire_role to;         /* which role takes it */
    struct wire_client client; /* between clients and APIs */
};

struct sim_event {
    wire_time at;              /* when */
    uint64_t order;            /* of being scheduled, for equal times */
    enum sim_event_kind kind;  /* what */
    int node;                  /* of which node, or -1 */
    int client;                /* of which client, or -1 */
    enum wire_role role;       /* of STEP, WAKE */
    uint64_t life;             /* of the node when it was scheduled; stale after a crash */
    int fault;                 /* of FAULT: which kind */
    struct sim_letter letter;  /* of ARRIVE and CLIENT_ARRIVE; owned */
};

struct sim_heap {
    struct sim_event *events; /* binary heap */
    size_t count;             /* events in it */
    size_t capacity;          /* room */
    uint64_t order;           /* last used */
};

struct sim_inbox {
    struct sim_letter *letters; /* first in, first out, from `first` on */
    size_t first;               /* index of the oldest */
    size_t count;               /* how many */
    size_t capacity;            /* room */
};

/* A slot put and not yet committed, as the checks want it. */
struct sim_put {
    wire_slot slot;            /* where */
    struct wire_ballot ballot; /* under which */
    uint64_t checksum;         /* of the batch */
    bool learned;              /* not a vote */
};

/* A read on its way through a proposer. */
struct sim_read {
    uint64_t tag;      /* the API's name for it; 0: none */
    wire_slot applied; /* highest slot any replica of the group had applied when it came in */
};

struct sim_node {
    int index;                 /* in sim.nodes */
    uint32_t group;            /* wire group */
    int group_index;           /* in sim.groups */
    wire_replica replica;      /* in the group */
    bool alive;                /* a process runs */
    uint64_t life;             /* counts starts */
    wire_time paused_until;    /* takes no step before */
    wire_time slow_disk_until; /* commits take long before */
    struct wire_birth birth;   /* of its disk */
    struct smr_log log;        /* survives crashes but for what is queued */
    struct smr_base base;      /* survives crashes but for a checkpoint in the making */
    struct smr_group roles;    /* while alive */
    struct sim_inbox inbox[SIM_ROLES];
    bool step_due[SIM_ROLES];  /* a STEP is scheduled */
    wire_time wake_at[SIM_ROLES]; /* the WAKE that counts */
    struct smr_out held;       /* the acceptor's sends that wait for its commit */
    bool committing;           /* its thread is in the commit */
    struct sim_put *puts;      /* in that commit */
    size_t put_count, put_capacity;
    struct wire_hard_state put_state; /* likewise */
    bool state_put;            /* is there one */
    struct wire_ballot durable_promise; /* must never fall */
    struct wire_ballot elected; /* ballot it last began to lead with */
    struct wire_ballot spoken_promise;  /* highest ballot it ever promised or accepted aloud */
    struct sim_read reads[64]; /* by tag modulo size: the newest win */
    struct span opening;       /* managers: FOUND */
    struct buf *opening_bytes; /* owns it */
};

/* What a group agreed on, as the checks saw it. */
struct sim_agreement {
    uint64_t *chosen;   /* by slot: checksum of the batch handed to any applier; 0: none yet */
    uint64_t *voted;    /* by slot: checksum of the batch a majority made durable in one ballot */
    uint64_t *digests;  /* by slot: state after it; 0: none yet */
    wire_slot applied;  /* highest slot with a digest */
    wire_slot bar;      /* slots up to it were called chosen by some leader */
};

struct sim_vote {
    wire_slot slot;            /* durable accept of a slot ... */
    struct wire_ballot ballot; /* ... in a ballot ... */
    uint64_t checksum;         /* ... with that value ... */
    unsigned nodes;            /* ... at these replicas */
};

struct sim_cluster_group {
    uint32_t group;            /* wire group */
    int first_node;            /* in sim.nodes */
    int replica_count;         /* r */
    struct sim_agreement agreement;
    struct sim_vote *votes;    /* open hash by (slot, ballot) */
    size_t vote_capacity, vote_count;
};

struct sim_client {
    int index;                 /* in sim.clients */
    struct client_core *core;  /* the real one */
    wire_time wake_at;         /* the WAKE that counts */
    int calls_left;            /* still to begin */
    int open;                  /* begun and not ended */
    int pipeline;              /* begun at once at most */
    uint64_t number;           /* of calls begun, makes values unique */
    wire_time timeout;         /* its calls give up after that; 0: never */
    struct {
        uint64_t id;           /* the core's */
        size_t record;         /* in the history */
    } calls[CLIENT_CALLS_MAX];
};

/* How bad it is: drawn per seed, so that some lives are calm and some are wild (swarm testing, Groce
 * et al., ISSTA 2012). Probabilities per thousand. */
struct sim_weather {
    unsigned loss;        /* of messages between replicas and with clients */
    unsigned duplication; /* of messages between replicas, and of replies */
    unsigned inproc_loss; /* of messages between the actors of a replica that may be refused */
    unsigned buffering;   /* of a message on a cut link to arrive seconds later */
    unsigned replay;      /* of an old message to come again much later */
    wire_time delay_max;  /* of a message, usually */
    unsigned straggle;    /* of a message to take up to half a second */
    wire_time commit_max; /* of a commit, usually */
    unsigned stall;       /* of a commit to take up to a second */
    bool crashes, partitions, pauses, slow_disks, damage; /* which faults strike */
    wire_time fault_gap;  /* between faults, on average */
    struct smr_checkpointing checkpointing; /* how often, and how short the log's tail */
    enum smr_reads reads;     /* how they are made current */
    struct smr_timing timing; /* of the protocol: safety must not depend on it */
};

struct sim_happenings {
#define SIM_HAPPENINGS(X)                                                                          \
    X(crashes) X(restarts) X(crashes_in_commit) X(unsynced_writes_lost) X(partitions)              \
    X(one_way_cuts) X(heals) X(pauses) X(slow_disks) X(damaged_records) X(leaders_crashed)         \
    X(messages) X(messages_lost) X(messages_doubled) X(messages_replayed) X(messages_straggled) X(messages_buffered)    \
    X(inproc_lost) X(calls) X(calls_unknown) X(calls_failed) X(client_retries) X(client_redirects)
#define X(name) uint64_t name;
    SIM_HAPPENINGS(X)
#undef X
};

struct sim {
    uint64_t seed;
    struct smr_random random;
    wire_time now;
    wire_time faults_end;       /* healing begins */
    wire_time deadline;         /* then every call must have been answered */
    struct sim_heap heap;
    struct sim_cluster_group groups[SIM_GROUPS_MAX];
    int group_count;
    struct sim_node nodes[SIM_NODES_MAX];
    int node_count;
    struct sim_client clients[SIM_CLIENTS_MAX];
    int client_count;
    bool cut[SIM_NODES_MAX][SIM_NODES_MAX]; /* [from][to]: nothing passes */
    struct sim_weather weather;
    struct sim_letter replays[SIM_REPLAYS]; /* old messages that may come again; the upper half votes */
    int replay_to[SIM_REPLAYS];             /* which node each goes to */
    struct history *history;
    struct smr_counters *counters;     /* summed over the run of many seeds */
    struct sim_happenings *happenings; /* likewise */
    bool verbose;
};

/* --- sim.c ---------------------------------------------------------------------------------------- */
/* One life. Ends the process with the seed on any violation. */
void sim_run(uint64_t seed, struct smr_counters *counters, struct sim_happenings *happenings,
             bool verbose);
/* The commit of the sources, to be said with a failing seed; text stays the caller's. */
void sim_set_commit(const char *text);
/* Says what was violated, with seed, commit and time, and ends the process. */
void sim_fail(const struct sim *sim, const char *format, ...)
    __attribute__((format(printf, 2, 3), noreturn));
void sim_note(const struct sim *sim, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
static inline uint64_t sim_below(struct sim *sim, uint64_t bound)
{
    return smr_random_below(&sim->random, bound);
}
static inline bool sim_chance(struct sim *sim, unsigned per_thousand)
{
    return per_thousand > 0 && sim_below(sim, 1000) < per_thousand;
}

/* --- sim_events.c --------------------------------------------------------------------------------- */
/* Takes over the letter in the event. */
void sim_schedule(struct sim *sim, wire_time at, struct sim_event event);
bool sim_next(struct sim *sim, struct sim_event *event);
void sim_letter_free(struct sim_letter *letter);
void sim_heap_free(struct sim_heap *heap);

/* --- sim_node.c ----------------------------------------------------------------------------------- */
void sim_node_start(struct sim *sim, struct sim_node *node);
void sim_node_crash(struct sim *sim, struct sim_node *node);
void sim_node_free(struct sim *sim, struct sim_node *node);
void sim_node_event(struct sim *sim, struct sim_event *event);
/* Puts a letter into a role's inbox; takes it over. */
void sim_node_deliver(struct sim *sim, struct sim_node *node, struct sim_letter letter);
bool sim_node_leads(const struct sim_node *node);

/* --- sim_network.c -------------------------------------------------------------------------------- */
struct sim_letter sim_letter_write(const struct wire_message *message, enum wire_role to);
void sim_network_send(struct sim *sim, struct sim_node *from, const struct smr_effect *effect);
void sim_network_to_client(struct sim *sim, struct sim_node *from,
                           const struct wire_message *message);
/* False: the transport could not take it (the replica is down). */
bool sim_network_from_client(struct sim *sim, struct sim_client *from, struct sim_node *to,
                             const struct wire_message *message);
void sim_network_replay(struct sim *sim);
void sim_network_free(struct sim *sim);

/* --- sim_client.c --------------------------------------------------------------------------------- */
void sim_clients_new(struct sim *sim);
void sim_client_event(struct sim *sim, struct sim_event *event);
bool sim_clients_done(const struct sim *sim);
void sim_clients_free(struct sim *sim);

/* --- sim_faults.c --------------------------------------------------------------------------------- */
void sim_weather_draw(struct sim *sim);
void sim_faults_begin(struct sim *sim);
void sim_fault_event(struct sim *sim, const struct sim_event *event);
void sim_heal(struct sim *sim);

/* --- sim_check.c ---------------------------------------------------------------------------------- */
void sim_check_begin(struct sim *sim);
/* A chosen slot is handed to an applier. */
void sim_check_chosen(struct sim *sim, struct sim_node *node, wire_slot slot, uint64_t checksum);
/* An applier has finished a step. */
void sim_check_applied(struct sim *sim, struct sim_node *node);
/* A read comes in at a proposer. */
void sim_check_read(struct sim *sim, struct sim_node *node, uint64_t tag);
/* A commit has returned: what was put is durable. */
void sim_check_durable(struct sim *sim, struct sim_node *node);
/* A message leaves a role of a replica for a role of replica `to`. */
void sim_check_spoken(struct sim *sim, struct sim_node *node, wire_replica to,
                      const struct wire_message *message);
/* Every call is answered: is what the clients saw linearizable? */
void sim_check_history(struct sim *sim);
void sim_check_free(struct sim *sim);

#endif
