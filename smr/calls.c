#include "smr/calls.h"

#include <stdlib.h>
#include "wire/batch.h"

void smr_calls_push(struct smr_calls *queue, const struct smr_call *call)
{
    if (queue->count == queue->capacity) {
        size_t capacity = queue->capacity == 0 ? 64 : queue->capacity * 2;
        struct smr_call *calls = wire_alloc(capacity * sizeof *calls);
        for (size_t i = 0; i < queue->count; i++)
            calls[i] = queue->calls[(queue->first + i) & (queue->capacity - 1)];
        free(queue->calls);
        queue->calls = calls;
        queue->first = 0;
        queue->capacity = capacity;
    }
    size_t place = (queue->first + queue->count++) & (queue->capacity - 1);
    queue->calls[place] = *call;
    buf_ref(call->body);
    queue->bytes += call->body->size;
}

struct smr_call smr_calls_pop(struct smr_calls *queue)
{
    assert(queue->count > 0);
    struct smr_call call = queue->calls[queue->first];
    queue->first = (queue->first + 1) & (queue->capacity - 1);
    queue->count--;
    queue->bytes -= call.body->size;
    return call;
}

void smr_calls_free(struct smr_calls *queue)
{
    while (queue->count > 0) {
        struct smr_call call = smr_calls_pop(queue);
        buf_unref(&call.body);
    }
    free(queue->calls);
    *queue = (struct smr_calls){0};
}

bool smr_calls_fill_batch(const struct smr_calls *queue)
{
    return queue->count >= WIRE_BATCH_COMMANDS_MAX || queue->bytes >= WIRE_BATCH_BYTES_MAX / 2;
}

/* Log time that has passed since the last batch, in whole milliseconds; what is left counts later. */
static uint64_t take_elapsed_ms(struct smr_batcher *self, wire_time now)
{
    uint64_t elapsed = (uint64_t)((now - self->batched_at) / WIRE_MS);
    self->batched_at += (wire_time)elapsed * WIRE_MS;
    return elapsed < WIRE_LOG_TIME_STEP_MS_MAX ? elapsed : WIRE_LOG_TIME_STEP_MS_MAX;
}

struct buf *smr_batcher_build(struct smr_batcher *self, wire_time now,
                              const struct wire_sender *origin, struct buf **entries,
                              uint32_t count)
{
    struct wire_batch head = {.elapsed_ms = take_elapsed_ms(self, now),
                              .origin = origin->replica,
                              .origin_start = origin->start};
    return wire_batch_build(&head, entries, count);
}

struct buf *smr_batcher_next(struct smr_batcher *self, wire_time now,
                             const struct wire_sender *origin, struct smr_calls *queue,
                             uint32_t *count)
{
    size_t bytes = 0;
    *count = 0;
    assert(queue->count > 0);
    while (queue->count > 0 && *count < WIRE_BATCH_COMMANDS_MAX) {
        size_t more = queue->calls[queue->first].body->size;
        if (*count > 0 && bytes + more > WIRE_BATCH_BYTES_MAX - WIRE_HEAD_BYTES_MAX)
            break;
        bytes += more;
        self->entries[(*count)++] = smr_calls_pop(queue).body;
    }
    struct buf *batch = smr_batcher_build(self, now, origin, self->entries, *count);
    for (uint32_t i = 0; i < *count; i++)
        buf_unref(&self->entries[i]);
    return batch;
}
