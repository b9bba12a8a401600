/* Calls that wait for their turn at whoever orders them, and batches made of them. */
#ifndef MADKV_SMR_CALLS_H
#define MADKV_SMR_CALLS_H

#include "smr/config.h"
#include "wire/buf.h"

struct smr_call {
    uint64_t tag;     /* the API's name */
    wire_time since;  /* it waits since then */
    struct buf *body; /* encoded entry or query; owned */
};

/* First in, first out. Zero-initialised is empty. */
struct smr_calls {
    struct smr_call *calls; /* ring */
    size_t first;           /* index of the oldest */
    size_t count;           /* how many */
    size_t capacity;        /* power of two */
    size_t bytes;           /* of their bodies */
};

/* Takes a reference of its own to the body. */
void smr_calls_push(struct smr_calls *queue, const struct smr_call *call);
/* Hands over the oldest; the caller owns its body. */
struct smr_call smr_calls_pop(struct smr_calls *queue);
void smr_calls_free(struct smr_calls *queue);
/* As many as make a full batch wait. */
bool smr_calls_fill_batch(const struct smr_calls *queue);

/* Makes batches and measures log time between them. */
struct smr_batcher {
    wire_time batched_at; /* log time is measured from here */
    struct buf *entries[WIRE_BATCH_COMMANDS_MAX]; /* scratch, while a batch is put together */
};

/* A batch of the oldest calls, as many as fit; at least one must wait. *count: how many. */
struct buf *smr_batcher_next(struct smr_batcher *self, wire_time now,
                             const struct wire_sender *origin, struct smr_calls *queue,
                             uint32_t *count);
/* A batch of the entries given. */
struct buf *smr_batcher_build(struct smr_batcher *self, wire_time now,
                              const struct wire_sender *origin, struct buf **entries,
                              uint32_t count);

#endif
