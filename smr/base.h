/* The base: the durable state beneath a machine, as an interface. LMDB in a running replica
 * (actors/base.h), memory in the simulator (smr/memory_base.h).
 *
 * It holds keys with values and one image, and changes only by a checkpoint: all of one becomes durable
 * at once, or nothing. So what it holds is always the state after some slot, and the image says which.
 *
 * Beside it lies room for another state that takes shape piece by piece, a snapshot: what is staged there
 * nobody sees until it is installed, which is at once too and makes it the base. It outlives a crash,
 * together with a mark that says how far it has come.
 *
 * Reading belongs to the applier's thread, checkpoints and staging to the checkpointer's, a view to
 * whoever opened it; all may go on at once, and a reader sees the base as some checkpoint left it. A base
 * that cannot be read, or is damaged, ends this life of the process in the middle of reading: "cannot tell"
 * must never become "not there". The next life begins without what was damaged. */
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

    /* More of a snapshot: stage, puts in ascending order of keys, then stage_commit, which is as
     * commit; the mark is what staged() says from then on. afresh: what was staged before goes. */
    void (*stage)(void *self, bool afresh);
    enum wire_error (*stage_commit)(void *self, struct span mark);
    /* The mark, with one reference for the caller, or NULL: nothing is staged. */
    struct buf *(*staged)(void *self);
    /* What is staged becomes the base, with that image. WIRE_OK, or WIRE_FULL: nothing has changed. */
    enum wire_error (*install)(void *self, struct span image);
    /* What is staged goes; WIRE_FULL is no harm, it goes later. */
    void (*unstage)(void *self);

    /* The base as it is now, for one thread to read on while it changes for all others. What it holds
     * on to costs room, so it is to be closed soon. */
    void *(*view_open)(void *self);
    struct buf *(*view_image)(void *view);
    uint64_t (*view_pairs)(void *view);
    void (*view_scan)(void *view, struct span from, bool after, smr_base_visit *visit, void *context);
    void (*view_close)(void *view);
};

struct smr_base {
    const struct smr_base_ops *ops; /* which implementation */
    void *self;                     /* its state */
};

#endif
