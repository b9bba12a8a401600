/* A replicated state machine (Schneider, "Implementing fault-tolerant services using the state
 * machine approach", 1990): what `smr` replicates without knowing what it means.
 *
 * apply() must be a function of the machine's state and its arguments alone: no clock, no random
 * number, no file, no "is this my client". It runs on every replica, in slot order, with the same
 * result. One thread, the applier's, calls everything here but classify(). */
#ifndef MADKV_SMR_MACHINE_H
#define MADKV_SMR_MACHINE_H

#include "smr/base.h"
#include "wire/hash.h"
#include "wire/message.h"
#include "wire/pack.h"

#define SMR_OPERATIONS_MAX 8 /* kinds of calls a machine tells apart */

/* Where in the replicated history a command stands. */
struct smr_moment {
    wire_slot slot;        /* slot of its batch */
    uint32_t index;        /* place in the batch, from 0 */
    uint64_t log_time_ms;  /* time as the log counts it, the same on every replica */
};

/* Of all pairs in a base. */
struct smr_totals {
    uint64_t pairs;    /* how many */
    uint64_t bytes;    /* of their keys and values */
    uint64_t hash_sum; /* of smr_pair_hash of each, modulo 2^64 */
};

static inline uint64_t smr_pair_hash(struct span key, struct span value)
{
    return wire_hash_seeded(value, wire_hash(key));
}

/* What a body is, judged by its bytes alone. */
enum smr_body {
    SMR_BODY_MALFORMED, /* neither command nor query of this machine */
    SMR_BODY_COMMAND,   /* changes state; wants a session, so that it is applied at most once */
    SMR_BODY_PLAIN,     /* changes state; applying it twice is the same as once; no session */
    SMR_BODY_QUERY,     /* reads */
};

#define SMR_SUBJECT_ALL 0

struct smr_machine_ops {
    /* Any thread: touches no state. */
    enum smr_body (*classify)(struct span body);
    /* Which of the operations below a body that was classified as fit is; any thread. NULL: the machine
     * tells none apart. */
    unsigned (*operation)(struct span body);
    const char *const *operations; /* their words for figures, up to a NULL; at most SMR_OPERATIONS_MAX */
    /* What a body is about: a hash that is equal where two bodies may concern the same part of the
     * state, and SMR_SUBJECT_ALL where it may be any part. Any thread: touches no state. */
    uint64_t (*subject)(struct span body);
    /* Applies a command whose body was classified COMMAND or PLAIN, or answers a query that came
     * through the log. Appends the answer. Returns WIRE_STATUS_OK, MALFORMED or WRONG_GROUP; on
     * anything but OK the state is unchanged and the answer empty. */
    enum wire_status (*apply)(void *self, const struct smr_moment *moment, struct span body,
                              struct wire_writer *answer);
    /* Answers a query from the present state; never changes it. Returns as apply. */
    enum wire_status (*query)(void *self, struct span body, struct wire_writer *answer);
    /* A hash of the whole state: equal on replicas that applied the same slots. */
    uint64_t (*digest)(const void *self);
    /* Appends figures about itself (wire/figures.h). */
    void (*figures)(const void *self, struct wire_writer *out);
    void (*destroy)(void *self);

    /* Checkpoints (smr/base.h), of machines with a base only; see smr/applier.h for who calls when. */
    /* Bytes changed since the last freeze. */
    size_t (*unsaved_bytes)(const void *self);
    /* Freezes all changes so far, to be saved; later ones go on top. Appends the part of the state
     * that is not keys and values. Never called while something is frozen. */
    void (*freeze)(void *self, struct wire_writer *part);
    /* Checkpointer's thread: writes what is frozen and the image to the base, durably and at once.
     * WIRE_OK or WIRE_FULL (then nothing of it is). What is frozen stays as it is. */
    enum wire_error (*save)(void *self, struct span image);
    /* What was frozen is saved: drop it. */
    void (*thaw)(void *self);
    /* The base holds another state, after a restart or because a snapshot was installed, and this is its
     * part, which freeze once appended: takes that state over and drops all changes held in memory. False:
     * it is none of this machine's. */
    bool (*restore)(void *self, struct span part);
    /* Any thread: touches no state. Is that the part of a state with such pairs in its base? */
    bool (*fits)(struct span part, const struct smr_totals *totals);
};

struct smr_machine {
    const struct smr_machine_ops *ops; /* what it can do */
    void *self;                        /* its state */
    const struct smr_base *base;       /* where its checkpoints go; NULL: memory only */
};

#endif
