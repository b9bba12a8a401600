/* Inside the forwarder: its state and what its files call of each other. Nobody else includes this. */
#ifndef MADKV_SMR_CHAIN_FORWARDER_STATE_H
#define MADKV_SMR_CHAIN_FORWARDER_STATE_H

#include "smr/calls.h"
#include "smr/chain/forwarder.h"
#include "smr/peers.h"
#include "wire/chain.h"

enum forwarder_state {
    FORWARDER_LOST,
    FORWARDER_OUTSIDE,
    FORWARDER_ADOPTING,
    FORWARDER_ACTIVE,
    FORWARDER_STATES
};

#define FORWARDER_RING WIRE_RING_SLOTS /* places for slots not known acknowledged */
#define FORWARDER_GREETED (WIRE_SECOND) /* whoever answers no greeting for so long is not reached */
#define FORWARDER_LEAVE (1500 * WIRE_MS) /* a process that ends waits so long to be cut out */
/* Meanwhile it asks so often. Its keeper has the others, who speak with it still, ask as soon as it has
 * heard of the new epoch. */
#define FORWARDER_LEAVE_PULSE (50 * WIRE_MS)
#define FORWARDER_PULSES 64            /* questions to the managers remembered; a power of two */
#define FORWARDER_SUBJECTS 4096        /* counters for what unacknowledged slots touch; likewise */

static_assert((FORWARDER_SUBJECTS & (FORWARDER_SUBJECTS - 1)) == 0, "index by mask");
static_assert((FORWARDER_PULSES & (FORWARDER_PULSES - 1)) == 0, "index by mask");
static_assert(FORWARDER_RING >= 2 * WIRE_AHEAD_SLOTS, "what a keeper takes has a place");

/* A slot that is not known acknowledged. */
struct forwarder_slot {
    wire_slot slot;       /* 0: empty place */
    struct buf *batch;    /* its value */
    bool stored;          /* durable here under this epoch */
    wire_time stored_at;  /* given to the own keeper last; 0: not yet, or it came from there */
    bool taken;           /* durable at the successor under this epoch */
    wire_time passed_at;  /* passed to it last; 0: not yet */
};

struct forwarder {
    struct wire_sender self;           /* how it signs */
    uint8_t replica_count;             /* r */
    struct smr_timing timing;          /* see smr/config.h */
    struct smr_peers peers;            /* whom it lets in */
    uint64_t (*subject)(struct span);  /* what a body is about; the machine's */

    enum forwarder_state state;        /* changed by forwarder_enter only */
    bool attached;                     /* the own keeper has spoken */
    bool fit;                          /* it can read all that is acknowledged */
    wire_time leaving_since;           /* this process ends: no read is answered any more; 0: it does not */
    bool gave_up;                      /* ... and nobody cuts this replica out */
    wire_slot own_chosen;              /* acknowledged and durable at the own keeper */

    struct wire_chain view;            /* newest known */
    struct wire_ballot ballot;         /* its epoch and head */
    int place;                         /* own place in it, or -1 */
    uint64_t since;                    /* member: epoch it joined in */
    bool fenced;                       /* the own keeper has the epoch durably */
    wire_slot prepare_next;            /* adopting: next chunk asked of the own keeper */
    wire_slot recovered;               /* adopting: the history reaches at least to here */
    bool broken;                       /* it lost what it held, and nobody before it has it */
    bool recovery_ended;               /* adopting: what comes is no part of it */
    wire_slot held;                    /* active: what it held when it adopted the epoch */
    bool whole;                        /* it holds all that was acknowledged before the epoch */
    bool goal_told;                    /* not whole: the predecessor said when it will be ... */
    wire_slot goal;                    /* ... namely once it holds this */
    bool linked;                       /* the successor said what it holds */
    bool link_ready;                   /* settled, so that the successor may be told ... */
    wire_slot link_last;               /* ... what was held here then */

    struct forwarder_slot ring[FORWARDER_RING]; /* by slot modulo size */
    wire_slot acked;                   /* acknowledged by the tail, as far as known */
    wire_slot last;                    /* all slots up to it are durable here, in this history */
    wire_slot next;                    /* head: next free slot */
    wire_slot taken;                   /* the successor has all up to it */
    size_t ring_bytes;                 /* of batches in the ring */
    size_t owed_bytes;                 /* passed to the successor and not known taken */
    wire_slot refresh_at;              /* `last` when the predecessor linked last */
    wire_time keeper_heard;            /* the own keeper spoke last: its disk takes what it is given */
    wire_slot told_acked;              /* tail: as it told the members last */
    wire_slot tail_acked;              /* outside: as the tail said last */
    bool tail_heard;                   /* outside: it did, in this epoch */
    uint32_t touched[FORWARDER_SUBJECTS]; /* commands of unacknowledged slots by subject */
    uint32_t touched_all;              /* of them, those that may touch anything */
    uint32_t touched_any;              /* all of them */

    struct smr_calls submits;          /* head: commands waiting for a batch */
    struct smr_batcher batcher;        /* head: makes them into batches */
    struct smr_calls reads;            /* reads not judged yet */
    struct smr_calls dirty;            /* reads that wait for the tail to be asked */
    struct smr_calls asking;           /* reads for which it is being asked */
    uint64_t ask_round;                /* that question; counts up */
    wire_time ask_deadline;            /* ask again then; WIRE_NEVER: nothing asked */

    wire_time lost_since;              /* nobody seems to hold everything since then; 0: somebody does */
    wire_time lost_said;               /* people were told so last; 0: not yet */

    uint64_t pulse_number;             /* last question to the managers */
    wire_time pulse_sent[FORWARDER_PULSES]; /* when each was asked, by number modulo size */
    wire_time pulse_deadline;          /* next one */
    uint64_t lease_epoch;              /* epoch in which this replica may answer reads ... */
    wire_time lease_until;             /* ... before then */
    wire_time tick;                    /* next look at what is overdue */
    bool told_leading;                 /* the API was told that this is the head ... */
    struct wire_ballot told_ballot;    /* ... of this epoch */
    bool told_reads;                   /* the API was told that reads are served here */
    wire_time told_at;                 /* the API was told last */
    wire_time greeted[WIRE_REPLICA_COUNT_MAX]; /* whose acceptor answered a greeting in this epoch last
                                                  when; as if so when the epoch began */
    struct smr_counters counters;
};

static inline bool forwarder_is_head(const struct forwarder *self)
{
    return self->place == 0;
}

static inline bool forwarder_is_tail(const struct forwarder *self)
{
    return self->place >= 0 && self->place == self->view.count - 1;
}

/* All it held is stored under this epoch. */
static inline bool forwarder_is_settled(const struct forwarder *self)
{
    return self->state == FORWARDER_ACTIVE && self->last >= self->held && !self->broken;
}

static inline wire_replica forwarder_neighbour(const struct forwarder *self, int step)
{
    return self->view.members[self->place + step].replica;
}

static inline wire_replica forwarder_tail(const struct forwarder *self)
{
    return self->view.members[self->view.count - 1].replica;
}

/* --- forwarder.c ----------------------------------------------------------------------------------- */

/* The only way to change self->state. */
void forwarder_enter(struct forwarder *self, enum forwarder_state state);
struct wire_message *forwarder_send(struct forwarder *self, struct smr_out *out,
                                    enum wire_type type, enum wire_role to, wire_replica replica);
void forwarder_tell_api(struct forwarder *self, wire_time now, struct smr_out *out);
void forwarder_refuse(struct forwarder *self, uint64_t tag, struct smr_out *out);
void forwarder_refuse_all(struct forwarder *self, struct smr_calls *queue, struct smr_out *out);

/* --- forwarder_epoch.c ------------------------------------------------------------------------------ */

void chain_epoch_pulse(struct forwarder *self, wire_time now, struct smr_out *out);
void chain_epoch_receive_view(struct forwarder *self, wire_time now, const struct wire_message *m,
                        struct smr_out *out);
void chain_epoch_receive_promise(struct forwarder *self, wire_time now, const struct wire_message *m,
                           struct smr_out *out);
/* Asks the own keeper again: while adopting, or because it seems to hold more than it said. */
void chain_epoch_prepare(struct forwarder *self, struct smr_out *out);
/* Greets all other members; whether they answer is for the managers to know. */
void chain_epoch_greet(struct forwarder *self, struct smr_out *out);
bool chain_epoch_holds_lease(const struct forwarder *self, wire_time now);
/* As far as is known here, nobody is left who holds all that was acknowledged. */
bool chain_epoch_is_lost(const struct forwarder *self);

/* --- forwarder_slots.c ------------------------------------------------------------------------------ */

/* Keeps a slot that is not known acknowledged; takes a reference to the batch. False: no place. */
bool chain_slots_keep(struct forwarder *self, wire_slot slot, struct buf *batch, bool stored);
void chain_slots_empty(struct forwarder *self);
/* Stores again, under this epoch, what was recovered. */
void chain_slots_store_held(struct forwarder *self, wire_time now, struct smr_out *out);
void chain_slots_receive_accepted(struct forwarder *self, const struct wire_message *m);
void chain_slots_receive_stored(struct forwarder *self, const struct wire_message *m);
void chain_slots_receive_link(struct forwarder *self, const struct wire_message *m, struct smr_out *out);
void chain_slots_receive_linked(struct forwarder *self, wire_time now,
                                const struct wire_message *m);
/* The tail has acknowledged slots up to `acked`. */
void chain_slots_acknowledge(struct forwarder *self, wire_slot acked);
/* The same, heard from somebody else than the own keeper, which is told. */
void chain_slots_learn_acked(struct forwarder *self, wire_slot acked, struct smr_out *out);
/* Moves `last` over what is stored. */
void chain_slots_advance(struct forwarder *self);
void chain_slots_settle(struct forwarder *self, wire_time now, struct smr_out *out);
void chain_slots_resend(struct forwarder *self, wire_time now, struct smr_out *out);
void chain_slots_link(struct forwarder *self, struct smr_out *out);

/* --- forwarder_reads.c ------------------------------------------------------------------------------ */

bool chain_reads_are_served(const struct forwarder *self, wire_time now);
void chain_reads_settle(struct forwarder *self, wire_time now, struct smr_out *out);
void chain_reads_receive_ask(struct forwarder *self, wire_time now, const struct wire_message *m,
                       struct smr_out *out);
void chain_reads_receive_tell(struct forwarder *self, wire_time now, const struct wire_message *m,
                        struct smr_out *out);
/* Asks the tail, for reads or for what it has acknowledged. */
void chain_reads_ask_tail(struct forwarder *self, wire_time now, struct smr_out *out);
void chain_reads_drop(struct forwarder *self, struct smr_out *out);
/* The commands of the batch concern these subjects; by +1 or -1. */
void chain_reads_touch(struct forwarder *self, struct span batch, int by);

#endif
