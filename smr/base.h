/* The base: the durable state beneath a machine, as an interface. LMDB in a running replica
 * (actors/base.h), memory in the simulator (smr/memory_base.h).
 *
 * It holds keys with values and one image, and changes only by a checkpoint: all of one becomes durable
 * at once, or nothing. So what it holds is always the state after some slot, and the image says which.
 *
 * Reading belongs to the applier's thread, checkpoints to the checkpointer's; both may go on at once,
 * and a reader sees the base as some checkpoint left it. A base that cannot be read ends the process:
 * "cannot tell" must never become "not there". */
#ifndef MADKV_SMR_BASE_H
#define MADKV_SMR_BASE_H

#include "wire/buf.h"
#include "wire/error.h"

/* Called for one pair; the spans are good during the call. False: enough. */
typedef bool smr_base_visit(void *context, struct span key, struct span value);

struct smr_base_ops {
    /* The value of a key, with one reference for the caller, or NULL: there is none. */
    struct buf *(*get)(void *self, struct span key);
    /* Visits the pairs from `from` (without it, if `after`) in byte order. */
    void (*scan)(void *self, struct span from, bool after, smr_base_visit *visit, void *context);
    /* The image, with one reference for the caller, or NULL: no checkpoint was ever made. */
    struct buf *(*image)(void *self);
    /* A checkpoint: begin, any number of puts, then commit. A value of no bytes removes the key.
     * Errors are kept until commit, which says WIRE_OK, or WIRE_FULL: nothing of it is there. */
    void (*begin)(void *self);
    void (*put)(void *self, struct span key, struct span value);
    enum wire_error (*commit)(void *self, struct span image);
};

struct smr_base {
    const struct smr_base_ops *ops; /* which implementation */
    void *self;                     /* its state */
};

#endif
