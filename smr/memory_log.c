#include "smr/memory_log.h"

#include <assert.h>
#include <stdlib.h>

struct record {
    struct smr_log_entry entry; /* batch NULL: no record */
    bool damaged;               /* as if its checksum did not fit */
};

struct memory_log {
    struct record *records;       /* durable; records[i] is of slot first + i */
    size_t record_count;          /* places at records */
    wire_slot first;              /* slots below are gone, and have no place */
    wire_slot queued_cut;         /* cut and not committed; 0: none */
    struct wire_hard_state state; /* durable */
    wire_slot highest;            /* highest slot with a record */
    struct smr_log_entry *queue;  /* put and not committed */
    size_t queue_count;           /* how many */
    size_t queue_capacity;        /* room at queue */
    struct wire_hard_state queued_state; /* put and not committed */
    bool state_queued;                   /* is there one */
    bool full;                           /* commits find no room */
    uint64_t bytes;                      /* of the batches of records */
    bool low;                            /* there is little */
};

static struct record *find(struct memory_log *log, wire_slot slot)
{
    if (slot < log->first || slot - log->first >= log->record_count ||
        log->records[slot - log->first].entry.batch == NULL)
        return NULL;
    return &log->records[slot - log->first];
}

static enum wire_error memory_read(void *self, wire_slot slot, struct smr_log_entry *entry)
{
    const struct record *record = find(self, slot);
    if (record == NULL)
        return WIRE_NOT_FOUND;
    if (record->damaged)
        return WIRE_DAMAGED;
    *entry = record->entry;
    buf_ref(entry->batch);
    return WIRE_OK;
}

static enum wire_error memory_load(void *self, struct wire_hard_state *state, wire_slot *highest)
{
    struct memory_log *log = self;
    *state = log->state;
    *highest = log->highest;
    return WIRE_OK;
}

static void memory_put_slot(void *self, const struct smr_log_entry *entry)
{
    struct memory_log *log = self;
    if (log->queue_count == log->queue_capacity) {
        log->queue_capacity = log->queue_capacity == 0 ? 16 : log->queue_capacity * 2;
        log->queue = wire_realloc(log->queue, log->queue_capacity * sizeof *log->queue);
    }
    log->queue[log->queue_count] = *entry;
    buf_ref(entry->batch);
    log->queue_count++;
}

static void memory_put_state(void *self, const struct wire_hard_state *state)
{
    struct memory_log *log = self;
    log->queued_state = *state;
    log->state_queued = true;
}

static void drop_record(struct memory_log *log, struct record *record)
{
    log->bytes -= buf_span(record->entry.batch).size;
    buf_unref(&record->entry.batch);
}

static void store(struct memory_log *log, struct smr_log_entry *entry)
{
    if (entry->slot < log->first) { /* cut in the same commit, or before */
        buf_unref(&entry->batch);
        return;
    }
    size_t place = (size_t)(entry->slot - log->first);
    if (place >= log->record_count) {
        size_t count = log->record_count == 0 ? 64 : log->record_count;
        while (count <= place)
            count *= 2;
        log->records = wire_realloc(log->records, count * sizeof *log->records);
        memset(log->records + log->record_count, 0,
               (count - log->record_count) * sizeof *log->records);
        log->record_count = count;
    }
    struct record *record = &log->records[place];
    drop_record(log, record);
    log->bytes += entry->batch->size;
    *record = (struct record){.entry = *entry};
    entry->batch = NULL;
    if (record->entry.slot > log->highest)
        log->highest = record->entry.slot;
}

static void remove_through(struct memory_log *log, wire_slot upto)
{
    size_t gone = (size_t)(upto - log->first) + 1;
    for (size_t i = 0; i < gone && i < log->record_count; i++)
        drop_record(log, &log->records[i]);
    size_t moved = gone < log->record_count ? log->record_count - gone : 0;
    if (moved > 0) {
        memmove(log->records, log->records + gone, moved * sizeof *log->records);
        memset(log->records + moved, 0, (log->record_count - moved) * sizeof *log->records);
    }
    log->first = upto + 1;
}

static void memory_cut(void *self, wire_slot upto)
{
    ((struct memory_log *)self)->queued_cut = upto;
}

static enum wire_error memory_commit(void *self)
{
    struct memory_log *log = self;
    if (log->full && (log->queue_count > 0 || log->state_queued || log->queued_cut > 0))
        return WIRE_FULL;
    for (size_t i = 0; i < log->queue_count; i++)
        store(log, &log->queue[i]);
    log->queue_count = 0;
    if (log->queued_cut >= log->first)
        remove_through(log, log->queued_cut);
    log->queued_cut = 0;
    if (log->state_queued)
        log->state = log->queued_state;
    log->state_queued = false;
    return WIRE_OK;
}

static uint64_t memory_bytes(void *self)
{
    return ((const struct memory_log *)self)->bytes;
}

static void drop_queue(struct memory_log *log)
{
    for (size_t i = 0; i < log->queue_count; i++)
        buf_unref(&log->queue[i].batch);
    log->queue_count = 0;
    log->queued_cut = 0;
    log->state_queued = false;
}

static bool memory_is_low(void *self)
{
    const struct memory_log *log = self;
    return log->low || log->full;
}

static void memory_close(void *self)
{
    struct memory_log *log = self;
    drop_queue(log);
    for (size_t i = 0; i < log->record_count; i++)
        buf_unref(&log->records[i].entry.batch);
    free(log->records);
    free(log->queue);
    free(log);
}

static const struct smr_log_ops memory_ops = {
    .read = memory_read,
    .load = memory_load,
    .put_slot = memory_put_slot,
    .put_state = memory_put_state,
    .cut = memory_cut,
    .commit = memory_commit,
    .bytes = memory_bytes,
    .is_low = memory_is_low,
    .close = memory_close,
};

struct smr_log smr_memory_log_new(void)
{
    return (struct smr_log){.ops = &memory_ops, .self = wire_calloc(1, sizeof(struct memory_log))};
}

void smr_memory_log_crash(struct smr_log log)
{
    assert(log.ops == &memory_ops);
    drop_queue(log.self);
}

void smr_memory_log_set_low(struct smr_log log, bool low)
{
    assert(log.ops == &memory_ops);
    ((struct memory_log *)log.self)->low = low;
}

void smr_memory_log_set_full(struct smr_log log, bool full)
{
    assert(log.ops == &memory_ops);
    ((struct memory_log *)log.self)->full = full;
}

void smr_memory_log_damage(struct smr_log log, wire_slot slot)
{
    assert(log.ops == &memory_ops);
    struct memory_log *memory = log.self;
    struct record *record = find(memory, slot);
    assert(record != NULL);
    record->damaged = true;
}
