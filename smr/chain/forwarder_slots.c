/* The way of a slot: at the head into being, to the own disk, to the successor, and off the ring once the
 * tail has it. */
#include "smr/chain/forwarder_state.h"

#include "wire/batch.h"

/* --- the ring ------------------------------------------------------------------------------------ */

static void empty_place(struct forwarder *self, struct forwarder_slot *place)
{
    if (place->batch != NULL) {
        chain_reads_touch(self, buf_span(place->batch), -1);
        self->ring_bytes -= place->batch->size;
        if (place->passed_at != 0 && !place->taken)
            self->owed_bytes -= place->batch->size;
    }
    buf_unref(&place->batch);
    *place = (struct forwarder_slot){0};
}

static struct forwarder_slot *place_of(struct forwarder *self, wire_slot slot)
{
    return &self->ring[slot & (FORWARDER_RING - 1)];
}

/* The slot, or NULL: it is not in the ring. */
static struct forwarder_slot *find(struct forwarder *self, wire_slot slot)
{
    struct forwarder_slot *place = place_of(self, slot);
    return place->slot == slot ? place : NULL;
}

bool chain_slots_keep(struct forwarder *self, wire_slot slot, struct buf *batch, bool stored)
{
    if (slot <= self->acked || slot >= self->acked + FORWARDER_RING)
        return false;
    struct forwarder_slot *place = place_of(self, slot);
    if (place->slot == slot) {
        place->stored |= stored;
        return true;
    }
    empty_place(self, place);
    *place = (struct forwarder_slot){.slot = slot, .batch = buf_ref(batch), .stored = stored};
    self->ring_bytes += batch->size;
    chain_reads_touch(self, buf_span(batch), 1);
    return true;
}

void chain_slots_empty(struct forwarder *self)
{
    for (size_t i = 0; i < FORWARDER_RING; i++)
        empty_place(self, &self->ring[i]);
    assert(self->ring_bytes == 0 && self->owed_bytes == 0 && self->touched_any == 0);
}

void chain_slots_advance(struct forwarder *self)
{
    if (self->state != FORWARDER_ACTIVE)
        return;
    for (;;) {
        const struct forwarder_slot *next = find(self, self->last + 1);
        if (next == NULL || !next->stored)
            break;
        self->last++;
    }
    if (self->goal_told && self->last >= self->goal)
        self->whole = true;
    if (forwarder_is_tail(self))
        chain_slots_acknowledge(self, self->last);
}

void chain_slots_acknowledge(struct forwarder *self, wire_slot acked)
{
    for (wire_slot slot = self->acked + 1; slot <= acked && slot < self->acked + FORWARDER_RING;
         slot++) {
        if (find(self, slot) != NULL)
            empty_place(self, place_of(self, slot));
    }
    if (acked > self->acked)
        self->acked = acked;
    if (self->last < self->acked)
        self->last = self->acked;
    if (self->taken < self->acked)
        self->taken = self->acked;
}

void chain_slots_learn_acked(struct forwarder *self, wire_slot acked, struct smr_out *out)
{
    if (acked <= self->own_chosen)
        return;
    struct wire_message *m = forwarder_send(self, out, WIRE_MESSAGE_CHOOSE, WIRE_ROLE_ACCEPTOR,
                                            self->self.replica);
    m->choose.ballot = self->ballot;
    m->choose.chosen = acked;
    chain_slots_acknowledge(self, acked);
}

/* --- to the own disk ------------------------------------------------------------------------------- */

static void store(struct forwarder *self, wire_time now, struct forwarder_slot *place,
                  struct smr_out *out)
{
    place->stored_at = now;
    struct wire_message *m = forwarder_send(self, out, WIRE_MESSAGE_ACCEPT, WIRE_ROLE_ACCEPTOR,
                                            self->self.replica);
    m->accept.ballot = self->ballot;
    m->accept.slot = place->slot;
    m->accept.chosen = 0; /* what is acknowledged the keeper hears from the tail and from CHOOSE */
    m->payload = buf_ref(place->batch);
}

void chain_slots_store_held(struct forwarder *self, wire_time now, struct smr_out *out)
{
    for (wire_slot slot = self->acked + 1; slot <= self->held; slot++) {
        struct forwarder_slot *place = find(self, slot);
        assert(place != NULL);
        self->counters.chain_recovered += !place->stored;
        if (!place->stored)
            store(self, now, place, out);
    }
}

/* From the own keeper or the successor's: the slot is durable there. */
void chain_slots_receive_accepted(struct forwarder *self, const struct wire_message *m)
{
    if (self->state != FORWARDER_ACTIVE || !ballot_equal(m->accepted.ballot, self->ballot)) {
        self->counters.stale_votes++;
        return;
    }
    struct forwarder_slot *place = find(self, m->accepted.slot);
    if (place == NULL)
        return; /* acknowledged since */
    if (m->sender.replica == self->self.replica) {
        place->stored = true;
        chain_slots_advance(self);
    } else if (!forwarder_is_tail(self) && m->sender.replica == forwarder_neighbour(self, 1)) {
        if (place->passed_at != 0 && !place->taken)
            self->owed_bytes -= place->batch->size;
        place->taken = true;
    }
}

void chain_slots_receive_stored(struct forwarder *self, const struct wire_message *m)
{
    if (self->state < FORWARDER_ADOPTING || !ballot_equal(m->stored.ballot, self->ballot)) {
        self->counters.stale_votes++;
        return;
    }
    chain_slots_keep(self, m->stored.slot, m->payload, true);
    chain_slots_advance(self);
}

/* --- the head ---------------------------------------------------------------------------------------- */

/* Batching is natural: while slots are on their way down, what arrives waits and goes together, unless it
 * fills a batch by itself. A chain is as many commits long as it has members, and as many may be filled. */
static bool may_order(const struct forwarder *self)
{
    wire_slot flight = self->next - 1 - self->acked;
    return self->submits.count > 0 && flight < WIRE_WINDOW_SLOTS &&
           (flight == 0 || self->ring_bytes < WIRE_WINDOW_BYTES) &&
           (flight < (wire_slot)WIRE_ROUNDS_MAX + self->view.count ||
            smr_calls_fill_batch(&self->submits));
}

static void order(struct forwarder *self, wire_time now, struct smr_out *out)
{
    uint32_t count;
    struct buf *batch =
        smr_batcher_next(&self->batcher, now, &self->self, &self->submits, &count);
    self->counters.batches++;
    self->counters.commands += count;
    bool kept = chain_slots_keep(self, self->next, batch, false);
    assert(kept);
    store(self, now, find(self, self->next), out);
    self->next++;
    buf_unref(&batch);
}

/* --- to the successor ---------------------------------------------------------------------------------- */

static void pass(struct forwarder *self, wire_time now, struct forwarder_slot *place,
                 struct smr_out *out)
{
    if (place->passed_at == 0) {
        if (self->owed_bytes > 0 && self->owed_bytes + place->batch->size > WIRE_CREDIT_BYTES) {
            self->counters.withheld_passes++;
            return;
        }
        self->owed_bytes += place->batch->size;
        self->counters.passed_slots++;
    } else {
        self->counters.resent_passes++;
    }
    place->passed_at = now;
    struct wire_message *m = forwarder_send(self, out, WIRE_MESSAGE_ACCEPT, WIRE_ROLE_ACCEPTOR,
                                            forwarder_neighbour(self, 1));
    m->accept.ballot = self->ballot;
    m->accept.slot = place->slot;
    m->accept.chosen = self->acked;
    m->payload = buf_ref(place->batch);
}

/* Only what is durable here; again what was not answered for long. */
static void pass_all(struct forwarder *self, wire_time now, bool overdue, struct smr_out *out)
{
    if (!forwarder_is_settled(self) || forwarder_is_tail(self) || !self->linked)
        return;
    for (wire_slot slot = self->taken + 1; slot <= self->last; slot++) {
        struct forwarder_slot *place = find(self, slot);
        assert(place != NULL && place->stored);
        if (place->taken && slot == self->taken + 1)
            self->taken = slot;
        else if (!place->taken &&
                 (place->passed_at == 0 ||
                  (overdue && now - place->passed_at >= self->timing.resend)))
            pass(self, now, place, out);
    }
}

/* What this replica holds of the time before the epoch, so that the next one knows when it is whole.
 * Sent now and then: whoever starts again has forgotten it. */
void chain_slots_link(struct forwarder *self, struct smr_out *out)
{
    if (!self->link_ready || forwarder_is_tail(self) || !self->whole)
        return;
    struct wire_message *m = forwarder_send(self, out, WIRE_MESSAGE_LINK, WIRE_ROLE_ACCEPTOR,
                                            forwarder_neighbour(self, 1));
    m->link.ballot = self->ballot;
    m->link.from = self->self.replica;
    m->link.last = self->link_last;
    m->link.chosen = self->acked;
    m->link.taken = self->taken;
}

void chain_slots_receive_link(struct forwarder *self, const struct wire_message *m,
                              struct smr_out *out)
{
    if (self->state != FORWARDER_ACTIVE || forwarder_is_head(self) ||
        m->link.from != forwarder_neighbour(self, -1)) {
        self->counters.stale_votes++;
        return;
    }
    if (!self->goal_told) {
        self->goal_told = true;
        self->goal = m->link.last;
    }
    if (m->link.chosen > self->last) {
        struct wire_message *c = forwarder_send(self, out, WIRE_MESSAGE_CATCH_UP,
                                                WIRE_ROLE_ACCEPTOR, self->self.replica);
        c->catch_up.upto = m->link.chosen;
        c->catch_up.peer = m->link.from;
    }
    if (!forwarder_is_settled(self))
        return; /* it asks again */
    chain_slots_advance(self);
    if (m->link.taken > self->last && self->refresh_at == self->last) {
        self->counters.refreshes++;
        chain_epoch_prepare(self, out);
    }
    self->refresh_at = self->last;
    struct wire_message *n = forwarder_send(self, out, WIRE_MESSAGE_LINKED, WIRE_ROLE_ACCEPTOR,
                                            m->link.from);
    n->linked.ballot = self->ballot;
    n->linked.from = self->self.replica;
    n->linked.last = self->last;
}

/* The successor had more once: it lost a record to damage. */
static void pass_again(struct forwarder *self, wire_time now, wire_slot after)
{
    for (wire_slot slot = self->last; slot > after && slot > self->acked; slot--) {
        struct forwarder_slot *place = find(self, slot);
        if (place == NULL || !place->taken || now - place->passed_at < 2 * self->timing.resend)
            continue;
        place->taken = false;
        place->passed_at = 0;
        if (slot <= self->taken)
            self->taken = slot - 1;
    }
}

void chain_slots_receive_linked(struct forwarder *self, wire_time now,
                                const struct wire_message *m)
{
    if (!forwarder_is_settled(self) || forwarder_is_tail(self) ||
        m->linked.from != forwarder_neighbour(self, 1)) {
        self->counters.stale_votes++;
        return;
    }
    self->linked = true;
    for (wire_slot slot = self->taken + 1; slot <= m->linked.last && slot <= self->last; slot++) {
        struct forwarder_slot *place = find(self, slot);
        assert(place != NULL);
        if (place->passed_at != 0 && !place->taken)
            self->owed_bytes -= place->batch->size;
        place->taken = true;
    }
    pass_again(self, now, m->linked.last);
}

/* --- now and then ---------------------------------------------------------------------------------------- */

/* The tail tells everybody; the own keeper hears it like the others. */
static void tell_acked(struct forwarder *self, struct smr_out *out)
{
    self->told_acked = self->acked;
    for (int i = 0; i < self->view.count; i++) {
        struct wire_message *m = forwarder_send(self, out, WIRE_MESSAGE_CHOOSE,
                                                WIRE_ROLE_ACCEPTOR, self->view.members[i].replica);
        m->choose.ballot = self->ballot;
        m->choose.chosen = self->acked;
    }
}

void chain_slots_settle(struct forwarder *self, wire_time now, struct smr_out *out)
{
    if (!forwarder_is_settled(self))
        return;
    if (!self->link_ready) {
        self->link_ready = true;
        self->link_last = self->last;
        chain_slots_link(self, out);
    }
    while (forwarder_is_head(self) && may_order(self))
        order(self, now, out);
    if (forwarder_is_tail(self) && self->acked > self->told_acked)
        tell_acked(self, out);
    pass_all(self, now, false, out);
}

void chain_slots_resend(struct forwarder *self, wire_time now, struct smr_out *out)
{
    if (self->state != FORWARDER_ACTIVE)
        return;
    wire_slot end = forwarder_is_head(self) ? self->next - 1 : self->held;
    for (wire_slot slot = self->last + 1; slot <= end; slot++) {
        struct forwarder_slot *place = find(self, slot);
        if (place != NULL && !place->stored && now - place->stored_at >= self->timing.resend) {
            self->counters.resent_accepts++;
            store(self, now, place, out);
        }
    }
    pass_all(self, now, true, out);
    if (forwarder_is_tail(self) && self->own_chosen < self->acked)
        tell_acked(self, out);
    else
        chain_slots_learn_acked(self, self->acked, out);
    if (!self->linked)
        chain_slots_link(self, out);
    /* What the tail said may have been lost on the way. */
    if (!forwarder_is_tail(self) && self->taken > self->acked && self->ask_deadline == WIRE_NEVER)
        chain_reads_ask_tail(self, now, out);
}
