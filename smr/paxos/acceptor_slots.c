/* The acceptor's slots: a cache of recent ones over the durable log. */
#include "smr/paxos/acceptor_state.h"

#include "wire/entry.h"

enum {
    LIST_SLOTS_MAX = ACCEPTOR_CACHE_SLOTS / 2 /* however small: a learner must have places for them */
};

static_assert((ACCEPTOR_CACHE_SLOTS & (ACCEPTOR_CACHE_SLOTS - 1)) == 0, "index by mask");
static_assert(ACCEPTOR_CACHE_SLOTS >= 4 * WIRE_AHEAD_SLOTS, "what is not chosen has a place");

static struct slot_cached *place(struct acceptor *self, wire_slot slot)
{
    return &self->cache[slot & (ACCEPTOR_CACHE_SLOTS - 1)];
}

static void evict(struct acceptor *self, struct slot_cached *cached)
{
    if (cached->entry.batch == NULL)
        return;
    self->cache_bytes -= cached->entry.batch->size;
    buf_unref(&cached->entry.batch);
}

void acceptor_cache_clear(struct acceptor *self)
{
    for (size_t i = 0; i < ACCEPTOR_CACHE_SLOTS; i++)
        evict(self, &self->cache[i]);
    buf_unref(&self->lent.batch);
}

/* Drops the oldest slots while the cache is too large; never one that is not durable. */
static void keep_bound(struct acceptor *self)
{
    while (self->cache_bytes > WIRE_CACHE_BYTES && self->cache_low < self->highest) {
        struct slot_cached *cached = place(self, self->cache_low);
        if (cached->entry.batch != NULL && cached->entry.slot == self->cache_low) {
            if (cached->put_number > self->durable_puts)
                return;
            evict(self, cached);
        }
        self->cache_low++;
    }
}

bool acceptor_has_place(struct acceptor *self, wire_slot slot)
{
    const struct slot_cached *cached = place(self, slot);
    return cached->entry.batch == NULL || cached->entry.slot == slot ||
           cached->put_number <= self->durable_puts;
}

/* Takes over the reference to the entry's batch. */
static struct slot_cached *cache(struct acceptor *self, struct smr_log_entry entry,
                                 uint64_t put_number)
{
    struct slot_cached *cached = place(self, entry.slot);
    assert(acceptor_has_place(self, entry.slot));
    evict(self, cached);
    *cached = (struct slot_cached){.entry = entry, .put_number = put_number};
    self->cache_bytes += entry.batch->size;
    if (entry.slot < self->cache_low)
        self->cache_low = entry.slot;
    return cached;
}

enum wire_error acceptor_slot(struct acceptor *self, wire_slot slot,
                              const struct smr_log_entry **entry, struct smr_out *out)
{
    struct slot_cached *cached = place(self, slot);
    if (slot <= self->hard.cut || slot > self->highest)
        return WIRE_NOT_FOUND;
    if (cached->entry.batch != NULL && cached->entry.slot == slot) {
        *entry = &cached->entry;
        return WIRE_OK;
    }
    struct smr_log_entry read;
    enum wire_error error = self->log.ops->read(self->log.self, slot, &read);
    if (error == WIRE_FAILED)
        smr_out_die(out, WIRE_FAILED, "the log cannot be read");
    if (error == WIRE_DAMAGED)
        self->counters.damaged_slots++;
    if (error != WIRE_OK)
        return error;
    if ((cached->entry.batch != NULL && cached->entry.slot > slot) ||
        !acceptor_has_place(self, slot) ||
        self->cache_bytes + read.batch->size > WIRE_CACHE_BYTES) {
        /* An old slot does not push a newer one out of the cache. */
        buf_unref(&self->lent.batch);
        self->lent = read;
        *entry = &self->lent;
        return WIRE_OK;
    }
    *entry = &cache(self, read, 0)->entry;
    return WIRE_OK;
}

void acceptor_store(struct acceptor *self, const struct smr_log_entry *entry, struct smr_out *out)
{
    smr_out_put_slot(out, entry);
    struct smr_log_entry kept = *entry;
    buf_ref(kept.batch);
    cache(self, kept, ++self->puts);
    self->put_this_round = true;
    if (entry->slot > self->highest)
        self->highest = entry->slot;
    keep_bound(self);
}

void acceptor_put_state(struct acceptor *self, struct smr_out *out)
{
    smr_out_put_state(out, &self->hard);
    self->puts++;
    self->put_this_round = true;
    self->state_dirty = false;
    self->put_chosen = self->hard.chosen;
}

/* Up to where only a replica that is far behind needs the log; it may fetch a snapshot. */
static wire_slot behind_the_tail(struct acceptor *self, wire_time now)
{
    const struct smr_checkpointing *keep = &self->checkpointing;
    uint64_t bytes = self->log.ops->bytes(self->log.self);
    wire_slot free = self->saved > keep->tail_slots ? self->saved - keep->tail_slots : 0;
    if (bytes > keep->tail_bytes)
        free = self->saved;
    bool holds = now < self->held_until &&
                 (bytes < keep->hold_bytes || bytes - keep->hold_bytes <= keep->tail_bytes);
    return holds && self->held < free ? self->held : free;
}

uint64_t acceptor_held_percent(const struct acceptor *self, wire_time now)
{
    const struct smr_checkpointing *keep = &self->checkpointing;
    uint64_t bytes = self->log.ops->bytes(self->log.self);
    if (now >= self->held_until || bytes <= keep->tail_bytes)
        return 0;
    uint64_t percent = (bytes - keep->tail_bytes) * 100 / keep->hold_bytes;
    return percent < 100 ? percent : 100;
}

/* Never ahead of the own checkpoint. What every replica has in one nobody will ask for; of the rest a tail
 * is kept. */
void acceptor_cut(struct acceptor *self, wire_time now, struct smr_out *out)
{
    wire_slot free = self->saved < self->safe ? self->saved : self->safe;
    wire_slot behind = behind_the_tail(self, now);
    if (behind > free)
        free = behind;
    if (free > self->hard.chosen)
        free = self->hard.chosen;
    if (free <= self->hard.cut)
        return;
    wire_slot upto = self->hard.cut + WIRE_CUT_SLOTS;
    if (upto > free)
        upto = free;
    self->counters.cut_slots += upto - self->hard.cut;
    self->hard.cut = upto;
    self->state_dirty = true;
    self->put_this_round = true;
    smr_out_cut(out, upto);
}

wire_slot acceptor_list(struct acceptor *self, wire_slot from, wire_slot to, bool chosen_only,
                        bool *damaged, struct smr_out *out)
{
    *damaged = false;
    wire_writer_clear(&self->scratch);
    wire_slot slot = from;
    for (; slot <= to && self->scratch.size < WIRE_CHUNK_BYTES && slot - from < LIST_SLOTS_MAX;
         slot++) {
        const struct smr_log_entry *entry;
        enum wire_error error = acceptor_slot(self, slot, &entry, out);
        if (error == WIRE_OK) {
            struct wire_entry listed = {.slot = slot,
                                        .ballot = entry->ballot,
                                        .chosen = entry->learned || slot <= self->hard.chosen,
                                        .batch = buf_span(entry->batch)};
            wire_entry_encode(&listed, &self->scratch);
        } else if (error != WIRE_NOT_FOUND || chosen_only) {
            *damaged = error != WIRE_NOT_FOUND;
            break;
        }
    }
    return slot - 1;
}
