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
 *     sim_wire.c     what corruption does to bytes, and who notices
 *     sim_client.c   clients and their workload, and the history they saw
 *     sim_values.c   the values they write, each once, so that every answer tells whose effect it saw
 *     sim_weather.c  how bad a life is: what is drawn per seed
 *     sim_faults.c   what goes wrong when; a table of all kinds
 *     sim_wipes.c    disks that are lost
 *     sim_check.c    what must never be
 *     main.c         many seeds, counters, verdict */
#ifndef MADKV_TESTS_SIM_SIM_H
#define MADKV_TESTS_SIM_SIM_H

#include "client/core.h"
#include "manager/oracle.h"
#include "smr/counters.h"
#include "smr/group.h"
#include "smr/memory_base.h"
#include "smr/memory_log.h"
#include "wire/random.h"
#include "tools/check/history.h"

#define SIM_GROUPS_MAX 3
#define SIM_REPLICAS_MAX 5
#define SIM_NODES_MAX (SIM_GROUPS_MAX * SIM_REPLICAS_MAX)
#define SIM_DISKS_MAX 4 /* of one replica that may vote for one slot in one ballot */
#define SIM_CLIENTS_MAX 12
#define SIM_ENDS_MAX (SIM_NODES_MAX + SIM_CLIENTS_MAX) /* ends of links: nodes, then clients */
#define SIM_KEYS_MAX 120
#define SIM_SLOTS_MAX 65536 /* slots a group may use in one life */
#define SIM_ROLES WIRE_ROLE_COUNT
#define SIM_REPLAYS 32
#define SIM_LEADER_WITHIN (10 * WIRE_SECOND) /* of healing every group has a leader */

enum sim_event_kind {
    SIM_STEP,         /* a role takes what is in its inbox */
    SIM_WAKE,         /* a role's deadline */
    SIM_COMMIT,       /* an acceptor's commit returns */
    SIM_LATE_COMMIT,  /* what an acceptor put off is committed now */
    SIM_RETRY,        /* an acceptor whose disk was full tries again to commit */
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
    bool damaged;              /* on the wire, such that its receiver must refuse it */
};

struct sim_event {
    wire_time at;              /* when */
    enum sim_event_kind kind;  /* what */
    int node;                  /* of which node, or -1 */
    int client;                /* of which client, or -1 */
    enum wire_role role;       /* of STEP, WAKE */
    uint64_t life;             /* of the node or client when it was scheduled; stale after a crash */
    int fault;                 /* of FAULT: which kind */
    struct sim_letter letter;  /* of ARRIVE and CLIENT_ARRIVE; owned */
};

/* What the heap orders. */
struct sim_key {
    wire_time at;   /* when */
    uint64_t order; /* of being scheduled, for equal times */
    uint32_t place; /* of the event in the pool */
};

struct sim_heap {
    struct sim_key *keys;     /* heap of four children a node */
    struct sim_event *events; /* pool */
    uint32_t *free_places;    /* stack of free places of the pool */
    size_t count;             /* events in it */
    size_t free_count;        /* free places */
    size_t capacity;          /* room, of each of the three */
    uint64_t order;           /* last used */
};

/* The clock of one machine: it drifts, and it may leap ahead, but it never goes back. That is what a
 * role is promised (smr/role.h) and what CLOCK_BOOTTIME keeps. */
struct sim_clock {
    wire_time since; /* true time when it was last touched ... */
    wire_time base;  /* ... and what it showed then */
    int64_t rate;    /* microseconds it advances per true second */
};

struct sim_inbox {
    struct sim_letter *letters; /* first in, first out, from `first` on */
    size_t first;               /* index of the oldest */
    size_t count;               /* how many */
    size_t capacity;            /* room */
};

/* Which disk a vote came from, and which disks of the others were known there. */
struct sim_disk {
    uint8_t generation;                   /* of the replica's disk */
    uint8_t named[SIM_REPLICAS_MAX];      /* by replica: generation known; 0: none */
};

/* A slot put and not yet committed, as the checks want it. */
struct sim_put {
    wire_slot slot;            /* where */
    struct wire_ballot ballot; /* under which */
    uint64_t checksum;         /* of the batch */
    bool learned;              /* not a vote */
    struct sim_disk disk;      /* it came from */
};

/* A read on its way through a proposer. */
struct sim_read {
    uint64_t tag;      /* the API's name for it; 0: none */
    wire_slot applied; /* highest slot any replica of the group had applied when it came in */
};

struct sim_node {
    int index;                 /* in sim.nodes */
    char name[24];             /* "s1.2": replica 2 of partition 1; "m0": a manager */
    uint32_t group;            /* wire group */
    int group_index;           /* in sim.groups */
    wire_replica replica;      /* in the group */
    bool alive;                /* a process runs */
    uint64_t life;             /* counts starts */
    struct sim_clock clock;    /* of the machine */
    wire_time ending_until;    /* it was told to end and is given until then; 0: it was not */
    wire_time paused_until;    /* takes no step before */
    wire_time stalled_until;   /* a commit begun now returns then */
    wire_slot applied_then;    /* what its group had applied when a commit last began to stall */
    wire_time slow_disk_until; /* commits take long before */
    wire_time slow_until;      /* every step takes `slowness` times as long before */
    unsigned slowness;         /* 10 to 100 */
    unsigned crash_countdown;  /* it dies before it carries out the effect so many from now; 0: not */
    bool sync_fails;           /* its next commit fails, and the process ends */
    bool disk_full;            /* its commits find no room */
    bool low_told;             /* its acceptor was told that there is little room */
    struct wire_birth birth;   /* of its disk, as its process is told */
    uint64_t disks;            /* it had before this one */
    bool doomed;               /* and must not vote from this one */
    bool damaged;              /* a record of it is, so it may be unable to vote */
    bool base_damaged;         /* a record of its base is, or that was found and is not repaired yet */
    bool base_lost;            /* found: its base was thrown away, and it has no state of its own */
    bool died_leading;         /* its last process did */
    struct sim_disk disk;      /* as its puts have it */
    struct smr_log log;        /* survives crashes but for what is queued */
    struct smr_base base;      /* survives crashes but for a checkpoint in the making */
    struct smr_group roles;    /* while alive */
    struct smr_role courier;   /* of a chain's replica, while alive; else ops NULL */
    struct smr_machine machine; /* while alive; the applier's, to be looked at */
    struct smr_overseer overseer; /* of a manager of chains, while alive; the API's */
    struct sim_inbox inbox[SIM_ROLES];
    bool step_due[SIM_ROLES];  /* a STEP is scheduled */
    wire_time wake_at[SIM_ROLES]; /* the WAKE that counts, by the node's clock */
    bool led;                  /* it led after its last step; for the transcript */
    struct smr_out held;       /* the acceptor's sends that wait for its commit */
    bool committing;           /* its thread is in the commit */
    bool put_off;              /* there is something to commit that nobody waits for yet */
    bool waits_for_room;       /* the last commit found none; it is tried again */
    struct sim_put *puts;      /* in that commit */
    size_t put_count, put_capacity;
    struct wire_hard_state put_state; /* likewise */
    bool state_put;            /* is there one */
    struct wire_ballot durable_promise; /* must never fall */
    wire_slot durable_chosen, durable_cut; /* nor these */
    wire_slot saved;           /* slot of the state in the base; nor this */
    wire_slot applied;         /* in this life; nor this */
    struct wire_ballot elected; /* ballot it last began to lead with */
    struct wire_ballot spoken_promise;  /* highest ballot this disk ever promised or accepted aloud */
    struct wire_ballot spoken_first;    /* lowest one; none: it has not voted yet */
    uint64_t whole_in;          /* epoch in which this life said last that it holds everything; 0: never */
    struct wire_ballot counted; /* highest ballot of a leader that a promise of any of its disks elected */
    struct sim_read reads[64]; /* by tag modulo size: the newest win */
    struct span opening;       /* managers: FOUND */
    struct buf *opening_bytes; /* owns it */
};

/* What a group agreed on, as the checks saw it. */
struct sim_agreement {
    uint64_t *chosen;   /* by slot: checksum of the batch handed to any applier; 0: none yet */
    uint64_t *voted;    /* by slot: checksum of the batch a majority made durable in one ballot ... */
    struct wire_ballot *voted_in; /* ... the first such */
    uint64_t *digests;  /* by slot: state after it; 0: none yet */
    wire_slot applied;  /* highest slot with a digest */
    wire_slot bar;      /* slots up to it were called chosen by some leader */
    uint64_t *acked_in; /* of a chain, by slot: epoch in which its tail acknowledged it first; 0: not yet */
};

struct sim_vote {
    wire_slot slot;            /* durable accept of a slot ... */
    struct wire_ballot ballot; /* ... in a ballot ... */
    uint64_t checksum;         /* ... with that value ... */
    struct {
        struct sim_disk disks[SIM_DISKS_MAX]; /* from which it was voted for */
        int count;                            /* how many */
    } replicas[SIM_REPLICAS_MAX];             /* ... at these replicas */
};

struct sim_cluster_group {
    uint32_t group;            /* wire group */
    enum wire_protocol protocol; /* how it agrees */
    int first_node;            /* in sim.nodes */
    int replica_count;         /* r */
    struct sim_agreement agreement;
    struct sim_vote *votes;    /* open hash by (slot, ballot) */
    size_t vote_capacity, vote_count;
    wire_time led_at;          /* after healing: when it was first seen to have a leader; 0: not yet */
    bool wiped;                /* a disk of it was */
    bool doomed;               /* so many were at once that it must wait for ever */
};

struct sim_client {
    int index;                 /* in sim.clients */
    uint64_t life;             /* counts the clients that took this place one after the other */
    struct client_core *core;  /* the real one */
    struct sim_clock clock;    /* of its machine */
    wire_time wake_at;         /* the WAKE that counts, by that clock */
    int calls_left;            /* still to begin, over all lives */
    int open;                  /* begun and not ended */
    int pipeline;              /* begun at once at most */
    int asks_open;             /* servers it is showing to the managers */
    bool ask_failed;           /* one of that was damaged on its way: all again */
    wire_time timeout;         /* its calls give up after that; 0: never */
    struct {
        uint64_t id;           /* the core's; 0: free place */
        size_t record;         /* in the history */
        uint32_t value;        /* of PUT and SWAP: number of the value it writes */
        int key;               /* index of the key; -1: a SCAN */
    } calls[CLIENT_CALLS_MAX];
};

/* A value a client ever wrote: each is written by one call only. */
struct sim_value {
    uint32_t size;   /* bytes of its text */
    int key;         /* index of the key it was written to */
    bool swapped_in; /* its SWAP was answered */
    bool taken;      /* a SWAP was told that it replaced it: at most one may be */
};

/* What the clients do: drawn per seed. */
struct sim_workload {
    bool swaps;            /* SWAP and GET only: the values of a key form one chain */
    int key_count;         /* that all clients share */
    unsigned large;        /* values of up to half a MiB, per thousand */
    int calls_min, calls_more; /* a client makes calls_min and up to calls_more more */
    int pipeline_max;      /* calls a client has open at once at most; drawn for each */
    unsigned pipelined;    /* clients that have more than one open, per thousand */
    wire_time think_max;   /* between calls */
    bool absent;           /* the last replica of each group is started only when faults end */
    unsigned leave;        /* of a client to close its session when it is through, per thousand */
};

/* How bad it is: drawn per seed, so that some lives are calm and some are wild (swarm testing, Groce
 * et al., ISSTA 2012). Probabilities per thousand. */
struct sim_weather {
    unsigned loss;        /* of messages between replicas and with clients */
    unsigned duplication; /* of messages between replicas, and of replies */
    unsigned corruption;  /* of messages on the wire */
    unsigned amid_fetch;  /* of a step of a replica that has part of a snapshot to meet a fault */
    unsigned forgery;     /* of pieces of snapshots to be made by somebody else */
    unsigned inproc_loss; /* of messages between the actors of a replica that may be refused */
    unsigned buffering;   /* of a message on a cut link to arrive seconds later */
    unsigned replay;      /* of a message to be kept, to come again much later */
    wire_time replay_gap; /* between two such messages, at most */
    wire_time delay_max;  /* of a message, usually */
    unsigned straggle;    /* of a message to take up to half a second */
    wire_time commit_max; /* of a commit, usually */
    wire_time lazy;       /* how long a commit that nobody waits for is put off */
    unsigned stall;       /* of a commit to take up to a second */
    unsigned hiccups;     /* of a step to wait for its processor for up to 20 ms */
    unsigned drift;       /* of clocks, in per mille of the time, either way */
    unsigned wipes;       /* of a restart to find an empty disk or a damaged hard state */
    uint64_t kinds;       /* bit per kind of fault that strikes: see sim_faults.c */
    bool stalls_only;     /* nothing else goes wrong, so service must go on soon */
    wire_time fault_gap;  /* between faults, on average */
    struct smr_checkpointing checkpointing; /* how often, and how short the log's tail */
    enum smr_reads reads;     /* how they are made current */
    bool allow_admin;         /* replicas take orders */
    uint32_t api_calls_max;     /* 0: the real bound */
    uint32_t session_count_max; /* 0: the real bound */
    struct smr_timing timing; /* of the protocol: safety must not depend on it */
};

struct sim_happenings {
#define SIM_HAPPENINGS(X)                                                                          \
    /* processes */                                                                                \
    X(crashes) X(restarts) X(crashes_in_commit) X(crashes_amid_effects) X(fetchers_crashed) X(leaders_crashed)         \
    X(groups_crashed) X(endings) X(endings_in_order) X(leaders_ended) X(orders)                    \
    X(cut_off_amid_hand_overs) X(paused_amid_hand_overs) X(late_starts) X(pauses) X(slow_replicas)                                    \
    /* disks */                                                                                    \
    X(stalled_commits) X(stalled_leaders_replaced) X(low_disks) X(stall_lives)                      \
    X(unsynced_writes_lost) X(sync_errors) X(sync_errors_durable) X(full_disks) X(commits_full)    \
    X(dropped_while_full) X(restarts_put_off) X(slow_disks) X(damaged_records) X(wiped_disks)      \
    X(damaged_bases) X(bases_lost) X(bases_lost_by_leaders) X(bases_repaired)                      \
    X(wiped_leaders) X(wiped_half_reborn) X(damaged_states) X(crashed_half_reborn) X(doomed_groups) \
    /* clocks */                                                                                   \
    X(drifting_clocks) X(clock_jumps)                                                              \
    /* network */                                                                                  \
    X(partitions) X(one_way_cuts) X(isolations) X(ring_cuts) X(client_cuts) X(clogs) X(heals)      \
    X(messages) X(messages_lost) X(messages_doubled) X(messages_replayed) X(messages_straggled)    \
    X(messages_buffered) X(messages_clogged) X(corruptions_refused) X(corruptions_left_to_tcp)     \
    X(forgeries) X(inproc_lost)                                                                                 \
    /* clients */                                                                                  \
    X(overloads) X(long_lives) X(large_values) X(swap_chains) X(client_crashes) X(client_leaves)   \
    X(calls) X(calls_amid_faults) X(calls_unknown) X(calls_failed) X(calls_abandoned)              \
    X(client_retries) X(client_redirects) X(client_timeouts) X(client_lost) X(client_unsent)       \
    X(client_busy) X(client_full) X(client_in_doubt) X(client_sessions) X(client_sessions_gone)                   \
    X(client_late_answers)                                                                         \
    /* chains */                                                                                   \
    X(chain_lives) X(chains_whole_again) X(oracle_terms) X(oracle_pulses) X(oracle_formed)         \
    X(oracle_cut) X(oracle_left) X(oracle_avoided) X(oracle_joined) X(oracle_whole) X(oracle_kept) \
    X(oracle_all_silent)                                                                           \
    X(reads_by_head) X(reads_by_middle) X(reads_by_tail) X(manager_cuts)                           \
    X(chain_disks_wiped) X(chain_members_wiped) X(chain_joiners_wiped) X(chain_starts_put_off)     \
    X(chain_slots_cut) X(chain_snapshots) X(chain_records_damaged) X(chain_bases_lost) X(chains_lost)                  \
    /* time */                                                                                     \
    X(simulated_ms)
#define X(name) uint64_t name;
    SIM_HAPPENINGS(X)
#undef X
};

struct sim {
    uint64_t seed;
    bool chain;                 /* the servers are chains, and there are managers */
    struct wire_random random;
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
    int client_count_max; /* of this life */
    bool damaged;         /* a record was: not twice in a life */
    bool nothing_taken[SIM_KEYS_MAX]; /* by key: a SWAP was told that there was no value */
    bool cut[SIM_ENDS_MAX][SIM_ENDS_MAX];             /* [from][to]: nothing passes */
    wire_time clogged_until[SIM_ENDS_MAX][SIM_ENDS_MAX]; /* [from][to]: it all waits, in order */
    struct sim_weather weather;
    struct sim_workload workload;
    struct sim_value *values; /* by number, from 1 */
    uint32_t value_count;     /* numbers given so far */
    uint32_t value_capacity;  /* room at values */
    struct sim_letter replays[SIM_REPLAYS]; /* old messages that may come again; the upper half votes */
    int replay_to[SIM_REPLAYS];             /* which node each goes to */
    struct history *history;
    struct smr_counters *counters;     /* summed over the run of many seeds */
    struct sim_happenings *happenings; /* likewise */
    bool verbose;
};

/* --- sim.c ---------------------------------------------------------------------------------------- */
/* The command that replays a seed, as far as the seed itself: printed with every failure. */
extern const char *sim_replay_command;
/* Which protocol the servers of a life run: by its seed, or always one. */
enum sim_protocol { SIM_PROTOCOL_BY_SEED, SIM_PROTOCOL_MULTIPAXOS, SIM_PROTOCOL_CHAIN };
extern enum sim_protocol sim_protocol;
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
    return wire_random_below(&sim->random, bound);
}
static inline bool sim_chance(struct sim *sim, unsigned per_thousand)
{
    return per_thousand > 0 && sim_below(sim, 1000) < per_thousand;
}

static inline wire_time sim_clock_now(const struct sim_clock *clock, wire_time now)
{
    return clock->base + (now - clock->since) * clock->rate / WIRE_SECOND;
}
/* The first true time at which the clock shows `shown` or more. */
static inline wire_time sim_clock_when(const struct sim_clock *clock, wire_time shown)
{
    return clock->since + ((shown - clock->base) * WIRE_SECOND + clock->rate - 1) / clock->rate;
}
void sim_clock_set(struct sim *sim, struct sim_clock *clock);
void sim_clock_jump(struct sim *sim, struct sim_clock *clock, wire_time ahead);

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
/* Its process is told to end; and whether there is nothing left to wait for. */
void sim_node_leave(struct sim *sim, struct sim_node *node);
bool sim_node_left(const struct sim_node *node);
void sim_node_event(struct sim *sim, struct sim_event *event);
/* Puts a letter into a role's inbox; takes it over. */
void sim_node_deliver(struct sim *sim, struct sim_node *node, struct sim_letter letter);
bool sim_node_leads(const struct sim_node *node);
/* Its group is a chain. */
static inline bool sim_node_is_chain(const struct sim *sim, const struct sim_node *node)
{
    return sim->groups[node->group_index].protocol == WIRE_PROTOCOL_CHAIN;
}
/* The node's clock was changed: its deadlines come at other times. */
void sim_node_reschedule(struct sim *sim, struct sim_node *node);
/* full: commits find no room; low: there is little. */
void sim_node_set_full(struct sim *sim, struct sim_node *node, bool full, bool low);

/* --- sim_wipes.c ---------------------------------------------------------------------------------- */
/* The disk of a node that is down is empty, or (damaged) tells no more than whose it was. */
void sim_wipe(struct sim *sim, struct sim_node *node, bool damaged);
/* May it vote, for all its disk says? */
bool sim_node_is_admitted(const struct sim_node *node);
/* Without this one the others are a majority that can vote, or one of them serves its chain: a group that
 * has none waits for ever, and rightly. */
bool sim_wipe_may(const struct sim *sim, const struct sim_node *node);
/* It has not come to vote, or to hold all of its chain, since its disk was wiped. */
bool sim_wipe_is_half_done(const struct sim *sim, const struct sim_node *node);
/* More disks of a group than may be: they must wait for ever, and vote for nothing. */
void sim_wipe_too_many(struct sim *sim, int group_index);

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
/* After the nodes were started. */
void sim_clients_begin(struct sim *sim);
void sim_client_event(struct sim *sim, struct sim_event *event);
bool sim_clients_done(const struct sim *sim);
/* The client vanishes, or closes its session and goes, calls open or not; another takes its place. */
void sim_client_replace(struct sim *sim, struct sim_client *client, bool leaves);
/* Shows all servers of chains to the managers, unless it is at that already. */
void sim_client_register(struct sim *sim, struct sim_client *client);
/* The client's clock was changed. */
void sim_client_reschedule(struct sim *sim, struct sim_client *client);
void sim_clients_free(struct sim *sim);

/* --- sim_values.c --------------------------------------------------------------------------------- */
#define SIM_VALUE_NAME_MAX 16
/* A value that was never written before, to be written to that key. Its number, from 1. */
uint32_t sim_value_new(struct sim *sim, int key);
/* Its bytes, one reference. */
struct buf *sim_value_bytes(const struct sim *sim, uint32_t number);
/* The number of the value with those bytes; fails if no client ever wrote them. */
uint32_t sim_value_read(const struct sim *sim, struct span bytes);
/* What it is called in the history. */
struct span sim_value_name(uint32_t number, char name[SIM_VALUE_NAME_MAX]);
/* A SWAP that wrote `number` to the key was told that it replaced `old`; 0: nothing. */
void sim_value_swapped(struct sim *sim, int key, uint32_t number, uint32_t old);
/* Every call is answered: in a life of SWAPs alone, is each value still there or replaced? */
void sim_values_check(const struct sim *sim);

/* --- sim_wire.c ----------------------------------------------------------------------------------- */
/* Alters bytes of the letter, which was written from `sent`. True: whoever takes it must refuse it.
 * False: nothing of MadKV could tell, so the letter was left as it is. */
bool sim_wire_corrupt(struct sim *sim, struct sim_letter *letter, const struct wire_message *sent);
/* A piece of a snapshot with another value in it and a checksum that fits: only the whole tells. NULL
 * letter.head: the message is none, or has no value. */
struct sim_letter sim_wire_forge(struct sim *sim, const struct wire_message *sent, enum wire_role to);

/* --- sim_weather.c -------------------------------------------------------------------------------- */
void sim_weather_draw(struct sim *sim);
void sim_workload_draw(struct sim *sim);
/* For the transcript: what was drawn. */
void sim_weather_note(const struct sim *sim);

/* --- sim_faults.c --------------------------------------------------------------------------------- */
/* Draws which kinds strike in this life. */
uint64_t sim_kinds_draw(struct sim *sim);
/* The kinds that cut links between replicas. */
uint64_t sim_kinds_cuts(void);
/* The kind that stalls the disks of leaders. */
uint64_t sim_kinds_stalls(void);
/* A commit of that node begins, and its disk stalls. */
void sim_fault_stalls(struct sim *sim, struct sim_node *node);
void sim_faults_begin(struct sim *sim);
/* A checkpointer has finished a step: perhaps something goes wrong just now. */
void sim_fault_amid_fetch(struct sim *sim, struct sim_node *node);
void sim_fault_event(struct sim *sim, const struct sim_event *event);
/* The process dies, for whatever reason, and is started again later. */
void sim_fault_crash(struct sim *sim, struct sim_node *node, const char *why);
/* Damage of its base was read: its process does nothing about what it read, sets the base aside and starts
 * again without one (actors/base.c). */
void sim_node_lose_base(struct sim *sim, struct sim_node *node);

/* --- sim_chain.c ---------------------------------------------------------------------------------- */
/* Every replica is a member, holds everything and answers reads. */
bool sim_chain_is_whole(const struct sim *sim, const struct sim_cluster_group *group);
/* There is a head, and all members of its chain are in its epoch. */
bool sim_chain_has_head(const struct sim *sim, const struct sim_cluster_group *group);
/* Every member that held everything was wiped since, as far as any manager knows: nothing of such a
 * chain may ever be served again. */
bool sim_chain_is_lost(const struct sim *sim, const struct sim_cluster_group *group);
/* No replica of it answers reads. */
bool sim_chain_is_silent(const struct sim *sim, const struct sim_cluster_group *group);
/* The managers know its disk, or it is its first: a server of a chain starts no sooner. */
bool sim_chain_may_start(const struct sim *sim, const struct sim_node *node);
/* Is its disk to be wiped: how far it has come is counted. */
void sim_chain_note_wipe(struct sim *sim, const struct sim_node *node);
/* A member, on the disk it has now, that held everything when a manager heard of it last. */
bool sim_chain_is_whole_member(const struct sim *sim, const struct sim_node *node);
/* Of a chain, and perhaps the only member that holds everything. */
bool sim_chain_is_last(const struct sim *sim, const struct sim_node *node);
/* Adds what an oracle counted. */
struct oracle_counters;
void sim_chain_collect(struct sim_happenings *happenings, const struct oracle_counters *counters);
/* Cuts a server off from the managers, in one direction or both, if it needs them. */
void sim_chain_cut_from_managers(struct sim *sim, const struct sim_node *lone);

/* --- sim_check.c ---------------------------------------------------------------------------------- */
void sim_check_begin(struct sim *sim);
/* A chosen slot is handed to an applier. */
void sim_check_chosen(struct sim *sim, struct sim_node *node, wire_slot slot, uint64_t checksum);
/* An applier has finished a step. */
void sim_check_applied(struct sim *sim, struct sim_node *node);
/* A checkpointer has finished a step. */
void sim_check_base(struct sim *sim, struct sim_node *node);
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
