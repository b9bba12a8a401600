/* Inside the proposer: its state and what its files call of each other. Nobody else includes this. */
#ifndef MADKV_SMR_PAXOS_PROPOSER_STATE_H
#define MADKV_SMR_PAXOS_PROPOSER_STATE_H

#include "smr/events.h"
#include "smr/calls.h"
#include "smr/paxos/proposer.h"
#include "smr/peers.h"
#include "wire/histogram.h"
#include "wire/random.h"

enum proposer_state {
    PROPOSER_FOLLOWING,
    PROPOSER_ASKING,
    PROPOSER_CLAIMING,
    PROPOSER_PREPARING,
    PROPOSER_LEADING,
    PROPOSER_YIELDING,
    PROPOSER_STATES
};

#define PROPOSER_NO_LEASE (INT64_MIN / 2) /* no heartbeat of this ballot was acknowledged yet */
#define PROPOSER_ROUNDS 64 /* heartbeat rounds remembered; a power of two */

/* A slot this proposer works on: recovered while preparing, in flight while leading. */
struct proposal {
    wire_slot slot;              /* 0: place is empty */
    struct buf *batch;           /* its value; NULL: nothing reported yet (a gap) */
    struct wire_ballot reported; /* while preparing: highest ballot a value was reported with */
    bool reported_chosen;        /* while preparing: some acceptor knows it chosen */
    unsigned votes;              /* while leading: bit per acceptor that accepted */
    bool chosen;                 /* a majority did */
    wire_time proposed_at;       /* while leading: when Phase 2 began */
    wire_time sent_at[WIRE_REPLICA_COUNT_MAX]; /* last Accept to each; 0: none yet */
    uint64_t sent_to[WIRE_REPLICA_COUNT_MAX];  /* value of acceptor.sent behind that Accept */
};

/* What the proposer knows of one acceptor. */
struct proposer_acceptor {
    wire_slot prepare_next; /* preparing: next chunk begins here */
    bool promised;          /* preparing: its promise is complete */
    uint64_t sent;          /* bytes of Accepts ever sent to it */
    uint64_t taken;         /* of them no longer in the network: taken or lost */
    wire_slot stored;       /* it has all slots up to it on its disk, as far as it said */
    wire_slot chosen;       /* its chosen bar, as it said last in this ballot */
    bool ready;             /* it could vote and lead, as it said last in this ballot */
    bool full;              /* its disk has no room, as it said last in this ballot */
    wire_time leased;       /* when the newest heartbeat it acknowledged in this ballot was sent */
    wire_time acked;        /* when the newest heartbeat it acknowledged was sent */
};

/* One round of heartbeats. */
struct heartbeat_round {
    uint64_t number;                       /* which; 0: none */
    wire_time sent_at;                     /* when */
    uint64_t sent[WIRE_REPLICA_COUNT_MAX]; /* acceptor.sent at that moment: links are in order */
};

/* How far a hand-over is. */
enum hand_over_step {
    HAND_OVER_NONE,      /* none is under way */
    HAND_OVER_PROBING,   /* leading as ever: who is ready? */
    HAND_OVER_DRAINING,  /* leading, but nothing new is proposed */
    HAND_OVER_RELEASING, /* yielding: the acceptors are told to let go of the lease */
    HAND_OVER_WAITING,   /* yielding: the successor was told to campaign */
};

struct hand_over {
    enum hand_over_step step; /* see above */
    enum wire_loss why;       /* what for */
    bool must;                /* leadership ends even if nobody is ready to succeed */
    bool ordered;             /* the API waits to hear what became of it ... */
    uint64_t tag;             /* ... under this name */
    wire_replica wanted;      /* who is to succeed; WIRE_NO_REPLICA: whoever is fittest */
    wire_replica successor;   /* WAITING: who was told */
    wire_time began;          /* answers to earlier heartbeats do not count */
    wire_time deadline;       /* of this step; WIRE_NEVER if none is under way */
    unsigned released;        /* bit per acceptor that let go of the lease */
    unsigned current;         /* bit per acceptor that did and has all that is chosen */
};

struct proposer {
    struct wire_sender self;  /* how it signs */
    uint8_t replica_count;    /* r */
    struct smr_timing timing; /* see smr/config.h */
    struct smr_peers peers;   /* whom it lets in */
    struct wire_random random; /* for elections */
    bool leases;              /* reads rely on them */
    struct buf *opening;      /* encoded entry for the first batch of a leadership, or NULL */

    enum proposer_state state;   /* changed by become_* only */
    struct wire_ballot ballot;   /* of this campaign or leadership; while asking the one it would be */
    uint64_t round_seen;         /* highest round known of any ballot */
    struct wire_ballot leader;   /* newest leader heard of */
    bool attached;               /* the own acceptor has spoken */
    bool fit;                    /* it can read all that is chosen: this replica may lead */
    wire_slot own_chosen;        /* chosen bar of the own acceptor, as far as known */
    wire_time deadline;          /* following: wonder, then campaign; campaigning: give up then */
    bool wondering;              /* following: the own acceptor is being asked whom it heard */
    bool full;                   /* the own acceptor's disk has no room for more */
    wire_time resend_deadline;   /* ask, prepare, attach again then */
    wire_time told_at;           /* the API was told last who leads */

    unsigned yes;                /* asking: bit per acceptor that would promise */

    wire_time owed_since;        /* leading: the own acceptor has not answered the heartbeat sent then;
                                    WIRE_NEVER: it owes no answer */
    wire_time watched_at;        /* leading: when that was looked at last */
    wire_time next_hand_over;    /* leading: none for the sake of the disk before */
    bool leaving;                /* the process is ending: never campaign again */
    struct hand_over hand;       /* of leadership, on purpose */
    enum wire_loss loss;         /* why the last leadership ended */

    struct proposer_acceptor acceptors[WIRE_REPLICA_COUNT_MAX];
    struct wire_generations births; /* newest disk of each replica that itself or another one named */
    struct proposal ring[WIRE_RING_SLOTS]; /* by slot modulo size */
    wire_slot base;              /* preparing and leading: first slot of this leadership's interest */
    wire_slot next;              /* preparing: past the highest reported; leading: next free slot */
    wire_slot chosen;            /* leading: all slots up to it are chosen */
    wire_slot opening_slot;      /* leading: the own first batch; nothing is served before */
    wire_slot fill;              /* leading: a reborn replica waits for all slots up to it */
    bool bar_moved;              /* leading: the own acceptor was not told of `chosen` yet */
    unsigned rounds;             /* leading: slots in flight */
    size_t flight_bytes;         /* leading: their bytes */
    wire_time batched_at;        /* leading: log time is measured from here */
    wire_time own_due;           /* leading: then slots held back from the own acceptor go to it */
    wire_time eager_until;       /* leading: none is held back before */
    wire_time eager_time;        /* leading: how long that was last time; 0: never yet */
    struct buf *entries[WIRE_BATCH_COMMANDS_MAX]; /* scratch, while a batch is put together */

    uint64_t heartbeat_number;   /* last round of heartbeats */
    wire_time heartbeat_deadline; /* next one */
    struct heartbeat_round heartbeats[PROPOSER_ROUNDS]; /* by number modulo size */

    struct smr_calls submits;   /* commands waiting for a batch */
    struct smr_calls reads;     /* reads waiting for a round */
    struct smr_calls confirming; /* reads in the round in flight */
    uint64_t read_round;         /* that round; 0: none in flight */
    wire_slot read_index;        /* chosen bar when it began */
    unsigned read_acks;          /* bit per acceptor that confirmed */

    struct wire_histogram api_us;     /* stages of a call: from the API to here ... */
    struct wire_histogram queue_us;   /* ... waiting for a batch ... */
    struct wire_histogram quorum_us;  /* ... from proposing to being chosen, per slot; */
    struct wire_histogram confirm_us; /* of a read: waiting to be confirmed */
    struct smr_events events;         /* what happened lately */
    struct smr_counters counters;
};

static inline unsigned proposer_count_bits(unsigned bits)
{
    return (unsigned)__builtin_popcount(bits);
}

static inline bool proposer_is_majority(const struct proposer *self, unsigned bits)
{
    return proposer_count_bits(bits) >= smr_quorum(self->replica_count);
}

/* --- proposer.c ----------------------------------------------------------------------------------- */

struct wire_message *proposer_send(struct proposer *self, struct smr_out *out, enum wire_type type,
                                   enum wire_role to, wire_replica replica);
/* The only ways to change self->state. */
void proposer_become_following(struct proposer *self, wire_time now, struct smr_out *out);
void proposer_enter(struct proposer *self, enum proposer_state state);
/* For people: why leadership ends. */
void proposer_note_loss(struct proposer *self, wire_time now, enum wire_loss why);
/* What this replica wanted or had is over, for that reason. */
void proposer_give_up(struct proposer *self, wire_time now, enum wire_loss why,
                      struct smr_out *out);
/* answering: see LEADERSHIP. */
void proposer_tell_api(struct proposer *self, wire_time now, bool answering, struct smr_out *out);
/* The place of a slot in the ring, emptied if it held another one. */
struct proposal *proposer_place(struct proposer *self, wire_slot slot);
void proposer_empty_ring(struct proposer *self);

/* --- proposer_election.c -------------------------------------------------------------------------- */

void election_begin(struct proposer *self, wire_time now, struct smr_out *out);
void election_receive_asked(struct proposer *self, wire_time now, const struct wire_message *m,
                            struct smr_out *out);
void election_receive_promise(struct proposer *self, wire_time now, const struct wire_message *m,
                              struct smr_out *out);
void election_resend(struct proposer *self, wire_time now, struct smr_out *out);

/* --- proposer_leading.c --------------------------------------------------------------------------- */

void leading_begin(struct proposer *self, wire_time now, struct smr_out *out);
void leading_receive_accepted(struct proposer *self, wire_time now, const struct wire_message *m,
                              struct smr_out *out);
void leading_receive_ack(struct proposer *self, wire_time now, const struct wire_message *m,
                         struct smr_out *out);
/* A round to all, the own acceptor included: it needs no sign of life, but has to give one. */
void leading_heartbeat(struct proposer *self, wire_time now, struct smr_out *out);
void leading_settle(struct proposer *self, wire_time now, struct smr_out *out);
void leading_wake(struct proposer *self, wire_time now, struct smr_out *out);

/* --- proposer_handover.c -------------------------------------------------------------------------- */

/* None is under way. */
struct hand_over hand_over_none(void);
/* The API hands on an order of an operator. */
void hand_over_receive_order(struct proposer *self, wire_time now, const struct wire_message *m,
                             struct smr_out *out);
/* The own acceptor: the leader has chosen this replica to succeed it. */
void hand_over_receive_succeed(struct proposer *self, wire_time now, const struct wire_message *m,
                               struct smr_out *out);
void hand_over_receive_released(struct proposer *self, wire_time now, const struct wire_message *m,
                                struct smr_out *out);
/* The process is ending. */
void hand_over_leave(struct proposer *self, wire_time now, struct smr_out *out);
/* Leading: goes on as far as what is known by now allows. */
void hand_over_advance(struct proposer *self, wire_time now, struct smr_out *out);
/* The deadline of the step has passed. */
void hand_over_wake(struct proposer *self, wire_time now, struct smr_out *out);
/* Yielding: what was not answered is sent again. */
void hand_over_resend(struct proposer *self, wire_time now, struct smr_out *out);
/* Who leads soon, if all goes well, and no later than in that ballot; none if nobody was told to. */
struct wire_ballot hand_over_hint(const struct proposer *self);
/* Leadership is over, or the attempt is: whoever waits to hear of it is told. */
void hand_over_end(struct proposer *self, enum wire_admin_outcome outcome, struct smr_out *out);
/* A reborn replica waits for slots to be chosen. */
void leading_receive_fill(struct proposer *self, const struct wire_message *m);

/* --- proposer_births.c ---------------------------------------------------------------------------- */

/* Takes note of the births an acceptor names. False: its disk is known to be gone, and what it says
 * must not count. */
bool births_admit(struct proposer *self, wire_time now, const struct wire_message *m,
                  struct smr_out *out);

/* Leading: the own disk is why somebody else should. */
void hand_over_for_disk(struct proposer *self, wire_time now, enum wire_loss why,
                        struct smr_out *out);

/* --- proposer_disk.c ------------------------------------------------------------------------------ */

/* Leading begins: nothing is owed. */
void disk_begin(struct proposer *self, wire_time now);
/* A round of heartbeats leaves. */
void disk_note_heartbeat(struct proposer *self, wire_time now);
/* The own acceptor has answered that round. */
void disk_note_ack(struct proposer *self, uint64_t round);
/* How long the own acceptor has not answered: so long its thread is in a commit. */
wire_time disk_stalls(const struct proposer *self, wire_time now);
/* Whether so many disks have no room that no command should be taken. */
bool disk_has_no_room(const struct proposer *self);
/* Hands leadership over if the own disk stalls, or is full where others are not. */
void disk_watch(struct proposer *self, wire_time now, struct smr_out *out);

/* --- proposer_reads.c ----------------------------------------------------------------------------- */

/* A majority of acceptors helps nobody else at this moment. */
bool reads_holds_lease(const struct proposer *self, wire_time now);
/* Until when it does, as things stand; leading only. */
wire_time reads_lease_end(const struct proposer *self);
/* Answers the waiting reads at once if a lease covers this moment. */
void reads_by_lease(struct proposer *self, wire_time now, struct smr_out *out);
void reads_begin_round(struct proposer *self, wire_time now, struct smr_out *out);
void reads_receive_ack(struct proposer *self, wire_time now, uint64_t round, wire_replica from,
                       struct smr_out *out);
void reads_drop(struct proposer *self, struct smr_out *out);
void proposer_refuse_all(struct proposer *self, struct smr_calls *queue, enum wire_status status,
                         struct smr_out *out);

#endif
