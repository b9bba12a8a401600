/* Inside the acceptor: its state and what its files call of each other. Nobody else includes this. */
#ifndef MADKV_SMR_PAXOS_ACCEPTOR_STATE_H
#define MADKV_SMR_PAXOS_ACCEPTOR_STATE_H

#include "smr/events.h"
#include "smr/paxos/acceptor.h"
#include "smr/peers.h"
#include "wire/random.h"

#define ACCEPTOR_CACHE_SLOTS 4096 /* places of the cache; a power of two */

/* A slot in memory. Everything accepted and not yet durable is here, and what is not here can be read
 * from the log. */
struct slot_cached {
    struct smr_log_entry entry; /* batch NULL: empty place */
    uint64_t put_number;        /* of its last put; durable once self->durable_puts reaches it */
};

/* What a peer said about a disk of this replica that does not vote yet. */
struct birth_answer {
    bool given;                  /* it has said something */
    bool recorded;               /* it has written that disk down */
    bool votes;                  /* it remembers all it ever said */
    uint32_t generation;         /* of the disk it spoke from */
    struct wire_ballot promised; /* by it */
    wire_slot highest;           /* up to which it voted */
};

struct acceptor {
    struct wire_sender self;      /* how it signs as an acceptor */
    struct wire_sender learner;   /* how it signs as a learner */
    uint8_t replica_count;        /* r */
    bool chain;                   /* it keeps the log of a replica of a chain: smr/chain/keeper.h */
    wire_slot told_chosen;        /* of a chain: the bar the own proposer was told last */
    struct smr_timing timing;     /* see smr/config.h */
    struct smr_peers peers;       /* whom it lets in */
    struct smr_log log;           /* read only; the caller's */
    bool loaded;                  /* the first wake has read it */

    /* What must not be forgotten. hard.chosen is the bar: every slot up to it is chosen and its value
     * is the one in this log. The bar in memory may run ahead of the durable one, which is safe: it
     * is learned again. Never falls: hard.promised, hard.chosen, hard.cut. */
    struct wire_hard_state hard;
    bool state_dirty;             /* hard.chosen moved since the last put of the state */
    bool put_this_round;          /* something is put already, so the bar rides along for free */
    uint64_t puts;                /* puts so far */
    uint64_t durable_puts;        /* of them known durable */
    bool full;                    /* the disk has no room for more */
    wire_slot highest;            /* highest slot ever accepted or learned */

    struct slot_cached cache[ACCEPTOR_CACHE_SLOTS]; /* by slot modulo size */
    size_t cache_bytes;           /* of batches in it */
    wire_slot cache_low;          /* no slot below is cached */
    struct smr_log_entry lent;    /* last read that the cache had no place for */

    struct wire_ballot leader;    /* ballot last heard from a leader */
    wire_time leader_heard;       /* when; long ago for never */
    wire_time helps_after;        /* nobody is helped before: for leases that an earlier life granted */
    struct wire_ballot lease;     /* newest leader a lease was granted to ... */
    wire_time lease_until;        /* ... and nobody else is helped before */
    struct wire_ballot released;  /* newest leader that wants no lease any more, for good */
    wire_slot bar_heard;          /* highest chosen bar anybody spoke of; slots up to it are chosen */

    wire_replica teacher;         /* peer asked for slots, or to be asked next */
    wire_time learn_deadline;     /* the answer is overdue then; WIRE_NEVER: nothing asked */
    bool curious;                 /* since it began nobody has said how far the others are ... */
    wire_time curious_at;         /* ... and then a peer is asked, long before a leader may find the way
                                     here: it waits longer and longer between two attempts */
    wire_slot damaged;            /* chosen slot to be repaired from a peer; 0: none */

    bool applier_attached;        /* it said where to feed from */
    wire_slot applied;            /* as the applier said last */
    wire_slot fed;                /* last slot sent to it */
    size_t fed_bytes;             /* bytes on their way to it */
    uint32_t fed_sizes[WIRE_FEED_SLOTS]; /* of the slots on their way, by slot modulo size */
    wire_time feed_deadline;      /* no progress until then: feed again from applied */

    wire_slot saved;              /* as the applier said last: in a durable checkpoint */
    wire_slot safe;               /* every replica has all slots up to it on its disk */
    wire_slot put_chosen;         /* the bar as last put */
    wire_slot stored;             /* the durable bar: known chosen even after a crash; for the leader */
    struct smr_checkpointing checkpointing; /* how much of the log is kept */
    wire_slot held;               /* a peer is sent the state after it, and will need what is behind ... */
    wire_time held_until;         /* ... until then */
    unsigned asked_in_vain;       /* questions for slots since one helped */
    unsigned cut_at;              /* bit per peer that has cut the slot asked for ... */
    wire_slot cut_least;          /* ... and how far the one that cut least */
    bool fetching;                /* the checkpointer was told to fetch a snapshot ... */
    uint64_t held_there;          /* ... and the peer that sends it said `held` of its log last, ... */
    wire_replica held_by;         /* ... namely this one; meaningless while that is 0 */
    bool stateless;               /* the applier's state is older than this log reaches back: it was lost,
                                     and a snapshot is wanted before anything can be applied */
    wire_time refusal_said;       /* people were told last of a piece of a snapshot that does not fit */
    wire_time complained;         /* people were told last of a slot that nobody can repair */

    bool votes;                   /* hard.admitted, and that is durable */
    struct birth_answer answers[WIRE_REPLICA_COUNT_MAX]; /* newest of each peer, while it does not */
    bool adopted;                 /* reborn: enough have answered */
    uint32_t other;               /* a manager: highest generation, not below the own one, that a peer
                                     knows another disk of; 0: none */
    wire_slot wanted;             /* reborn, adopted: known chosen up to there before it votes */
    wire_time birth_deadline;     /* peers are shown this disk again then */
    uint64_t seed;                /* of the nonce of a new birth */

    uint64_t chosen_at;           /* when the own proposer last raised the bar; 0: another one leads */
    wire_slot behind_from;        /* the bar when this replica fell behind; 0: it is not */
    struct wire_writer scratch;   /* for lists */
    struct smr_events events;     /* what happened lately */
    struct smr_counters counters;
};

/* --- acceptor_slots.c ---------------------------------------------------------------------------- */

/* The slot as this replica has it: WIRE_OK (*entry borrowed, good until the next slot function),
 * WIRE_NOT_FOUND, WIRE_DAMAGED. A log that cannot be read sets out->fatal and yields WIRE_FAILED. */
enum wire_error acceptor_slot(struct acceptor *self, wire_slot slot,
                              const struct smr_log_entry **entry, struct smr_out *out);
/* Whether the slot may be stored: its place in memory is not taken by another one that is not durable
 * yet. So what waits for a commit is bounded, however long that takes. */
bool acceptor_has_place(struct acceptor *self, wire_slot slot);
/* Keeps the entry in memory and puts it. There must be a place. */
void acceptor_store(struct acceptor *self, const struct smr_log_entry *entry, struct smr_out *out);
/* Puts the hard state as it is now. */
void acceptor_put_state(struct acceptor *self, struct smr_out *out);
/* Percent of the room in which the log is held for a peer that is sent a snapshot that it takes; 0: it is
 * not. */
uint64_t acceptor_held_percent(const struct acceptor *self, wire_time now);
/* Removes some of what nobody will ever ask for; called when a commit happens anyway. */
void acceptor_cut(struct acceptor *self, wire_time now, struct smr_out *out);
void acceptor_cache_clear(struct acceptor *self);
/* Appends entries from `from` to `to` to self->scratch until a chunk is full, and returns the last
 * slot covered (a slot without an entry is covered). chosen_only: stop before the first slot that is
 * missing. On a damaged slot *damaged is set and the list ends before it. */
wire_slot acceptor_list(struct acceptor *self, wire_slot from, wire_slot to, bool chosen_only,
                        bool *damaged, struct smr_out *out);

/* --- acceptor_leases.c ---------------------------------------------------------------------------- */

/* The answer to a heartbeat of that leader is a promise to help nobody else for a while. */
void lease_grant(struct acceptor *self, wire_time now, struct wire_ballot ballot);
/* Whether a lease forbids to promise anything to that candidate. */
bool lease_binds(const struct acceptor *self, wire_time now, wire_replica candidate);
/* Whether the leader was heard so lately that nobody else should campaign. */
bool lease_leader_lives(const struct acceptor *self, wire_time now, wire_replica candidate);
void lease_receive_release(struct acceptor *self, wire_time now, const struct wire_message *m,
                           struct smr_out *out);
void lease_receive_succeed(struct acceptor *self, const struct wire_message *m,
                           struct smr_out *out);

/* --- acceptor.c ----------------------------------------------------------------------------------- */

/* A message back to who sent `to`, to be filled in. */
struct wire_message *acceptor_answer(struct acceptor *self, struct smr_out *out,
                                     enum smr_effect_kind kind, enum wire_type type,
                                     const struct wire_message *to);
/* "No": promised is higher than ballot, or something else stands against it. */
void acceptor_nack(struct acceptor *self, const struct wire_message *m, struct wire_ballot ballot,
                   wire_slot slot, struct smr_out *out);

/* Says to the own proposer how things stand. */
void acceptor_tell_proposer(struct acceptor *self, wire_time now, struct smr_out *out);
/* Raises the promised ballot. */
void acceptor_promise(struct acceptor *self, struct wire_ballot ballot, struct smr_out *out);
/* A leader of `ballot` spoke, and nothing higher was promised. */
void acceptor_hear_leader(struct acceptor *self, wire_time now, struct wire_ballot ballot,
                          struct smr_out *out);

/* --- acceptor_birth.c ----------------------------------------------------------------------------- */

/* Whether this disk votes, and if not, what it waits for. */
enum wire_standing birth_standing(const struct acceptor *self);
const char *birth_standing_text(enum wire_standing standing);
/* The births every vote carries. */
struct wire_generations birth_generations(const struct acceptor *self);
/* The hard state was read. */
void birth_load(struct acceptor *self);
/* A peer shows its disk. */
void birth_receive(struct acceptor *self, const struct wire_message *m, struct smr_out *out);
/* A peer of this group, whose message was turned away at the door, is told if its disk is the reason. */
void birth_refuse(struct acceptor *self, const struct wire_message *m, struct smr_out *out);
void birth_receive_known(struct acceptor *self, wire_time now, const struct wire_message *m,
                         struct smr_out *out);
/* A message of a proposer while this disk does not vote. */
void birth_hear(struct acceptor *self, wire_time now, const struct wire_message *m,
                struct smr_out *out);
/* Takes the next step towards voting if all it needs is there. */
void birth_settle(struct acceptor *self, wire_time now, struct smr_out *out);
void birth_durable(struct acceptor *self, wire_time now, struct smr_out *out);
void birth_wake(struct acceptor *self, wire_time now, struct smr_out *out);

/* --- learner.c ------------------------------------------------------------------------------------ */

/* Slots up to `bar` are chosen; those this replica accepted under `ballot` have that value. */
void learner_note_chosen(struct acceptor *self, wire_time now, struct wire_ballot ballot,
                         wire_slot bar, struct smr_out *out);
void learner_receive_learn(struct acceptor *self, wire_time now, const struct wire_message *m,
                           struct smr_out *out);
void learner_receive_learned(struct acceptor *self, wire_time now, const struct wire_message *m,
                             struct smr_out *out);
void learner_receive_catch_up(struct acceptor *self, wire_time now, const struct wire_message *m,
                              struct smr_out *out);
void learner_receive_applied(struct acceptor *self, wire_time now, const struct wire_message *m,
                             struct smr_out *out);
/* Asks a peer for slots if some are wanted and no question is open. */
void learner_ask_if_wanting(struct acceptor *self, wire_time now, struct smr_out *out);
void learner_feed(struct acceptor *self, wire_time now, struct smr_out *out);
void learner_wake(struct acceptor *self, wire_time now, struct smr_out *out);

/* --- learner_snapshot.c --------------------------------------------------------------------------- */

/* The slot that a peer is asked for: the damaged one, or the one behind the bar. */
wire_slot learner_wanted(const struct acceptor *self);
/* A question for slots is about to be asked: if all peers were asked and one has cut them, or if the own
 * state is lost, a snapshot is wanted. */
void learner_note_asked(struct acceptor *self, wire_time now, struct smr_out *out);
/* A peer has no slots up to `cut` any more. */
void learner_note_cut(struct acceptor *self, wire_replica peer, wire_slot cut);
/* Slots were learned. */
void learner_note_helped(struct acceptor *self, struct smr_out *out);
/* The applier says that its state is one that this log does not lead on from, or (false) no longer. */
void learner_note_stateless(struct acceptor *self, wire_time now, bool stateless,
                            struct smr_out *out);
/* The own state is after `slot`, though the log does not lead there: a snapshot was installed. */
void learner_jump(struct acceptor *self, wire_time now, wire_slot slot, struct smr_out *out);
/* SNAPSHOT_ASK of the own checkpointer, STREAMING of the own streamer; answers of peers' streamers, on
 * their way to the own checkpointer. */
void learner_relay_ask(struct acceptor *self, const struct wire_message *m, struct smr_out *out);
void learner_receive_streaming(struct acceptor *self, wire_time now, const struct wire_message *m);
void learner_relay_answer(struct acceptor *self, const struct wire_message *m, struct smr_out *out);

#endif
