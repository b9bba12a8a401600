/* Leading: Phase 2 for many slots at once, heartbeats, and stepping down. */
#include "smr/paxos/proposer_state.h"

#include "wire/batch.h"


/* --- Accepts -------------------------------------------------------------------------------------- */

/* Sends the slot to one acceptor unless too much is on its way there already. Links keep their order,
 * so an answer to one message says that everything sent before it is off the network too. */
static void send_accept(struct proposer *self, wire_time now, struct proposal *p, wire_replica to,
                        struct smr_out *out)
{
    struct proposer_acceptor *acceptor = &self->acceptors[to];
    uint64_t owed = acceptor->sent - acceptor->taken;
    if (owed > 0 && owed + p->batch->size > WIRE_CREDIT_BYTES) {
        self->counters.withheld_accepts++;
        return;
    }
    self->counters.resent_accepts += p->sent_at[to] != 0;
    acceptor->sent += p->batch->size + WIRE_HEAD_BYTES_MAX;
    p->sent_to[to] = acceptor->sent;
    p->sent_at[to] = now;
    struct wire_message *m =
        proposer_send(self, out, WIRE_MESSAGE_ACCEPT, WIRE_ROLE_ACCEPTOR, to);
    m->accept.ballot = self->ballot;
    m->accept.slot = p->slot;
    m->accept.chosen = self->chosen;
    m->payload = buf_ref(p->batch);
}

/* --- the own vote ----------------------------------------------------------------------------------
 *
 * A leader need not wait for its own disk: with r >= 3 the others are a majority. So its own acceptor
 * is not asked at once. Mostly it is handed the slot when that is chosen already, needs no answer then,
 * and writes many slots in one commit beside the round that is in flight. Where the others are no
 * majority in time, its vote is asked for after all, and for a while at once: twice as long each time that
 * they are late again soon after, so that a hiccup costs little and a peer that is down little more. */

enum { EAGER_TIME_HEARTBEATS = 5 }; /* at most */

static bool holds_own_back(const struct proposer *self, wire_time now)
{
    return self->replica_count > 1 && self->timing.own_vote > 0 && now >= self->eager_until;
}

static bool is_held_back(const struct proposer *self, const struct proposal *p)
{
    return p->sent_at[self->self.replica] == 0;
}

/* The slot is chosen: the own acceptor gets the value as such. Lost, it asks a peer for it. */
static void hand_to_own(struct proposer *self, const struct proposal *p, struct smr_out *out)
{
    struct wire_message *m = proposer_send(self, out, WIRE_MESSAGE_ACCEPT, WIRE_ROLE_ACCEPTOR,
                                           self->self.replica);
    m->accept.ballot = self->ballot;
    m->accept.slot = p->slot;
    m->accept.chosen = p->slot;
    m->payload = buf_ref(p->batch);
    self->counters.handed_slots++;
}

/* The others were late. */
static void be_eager(struct proposer *self, wire_time now)
{
    wire_time longest = EAGER_TIME_HEARTBEATS * self->timing.heartbeat;
    wire_time again = 2 * self->eager_time;
    bool soon = self->eager_time > 0 && now - self->eager_until <= again;
    self->eager_time = soon ? again : self->timing.own_vote;
    if (self->eager_time > longest)
        self->eager_time = longest;
    self->eager_until = now + self->eager_time;
}

static void ask_own_vote(struct proposer *self, wire_time now, struct smr_out *out)
{
    for (wire_slot slot = self->chosen + 1; slot < self->next; slot++) {
        struct proposal *p = proposer_place(self, slot);
        if (is_held_back(self, p))
            send_accept(self, now, p, self->self.replica, out);
    }
    self->counters.own_votes_late++;
    self->own_due = WIRE_NEVER;
    be_eager(self, now);
}

/* After slots were chosen: the oldest that is left counts. */
static void renew_own_due(struct proposer *self)
{
    self->own_due = WIRE_NEVER;
    for (wire_slot slot = self->chosen + 1; slot < self->next; slot++) {
        const struct proposal *p = proposer_place(self, slot);
        if (is_held_back(self, p)) {
            self->own_due = p->proposed_at + self->timing.own_vote;
            return;
        }
    }
}

/* Begins Phase 2 for the slot; takes over the reference to the batch. */
static void propose(struct proposer *self, wire_time now, wire_slot slot, struct buf *batch,
                    struct smr_out *out)
{
    struct proposal *p = proposer_place(self, slot);
    p->proposed_at = now;
    p->batch = batch;
    p->votes = 0;
    p->chosen = false;
    memset(p->sent_at, 0, sizeof p->sent_at);
    memset(p->sent_to, 0, sizeof p->sent_to);
    self->rounds++;
    self->flight_bytes += batch->size;
    bool held_back = holds_own_back(self, now);
    if (held_back && self->own_due == WIRE_NEVER)
        self->own_due = now + self->timing.own_vote;
    for (wire_replica i = 0; i < self->replica_count; i++) {
        if (i != self->self.replica || !held_back)
            send_accept(self, now, p, i, out);
    }
}

/* Log time that has passed since the last batch, in whole milliseconds; what is left counts later. */
static uint64_t take_elapsed_ms(struct proposer *self, wire_time now)
{
    uint64_t elapsed = (uint64_t)((now - self->batched_at) / WIRE_MS);
    self->batched_at += (wire_time)elapsed * WIRE_MS;
    return elapsed < WIRE_LOG_TIME_STEP_MS_MAX ? elapsed : WIRE_LOG_TIME_STEP_MS_MAX;
}

static struct buf *build(struct proposer *self, wire_time now, struct buf *const *entries,
                         uint32_t count)
{
    struct wire_batch head = {.elapsed_ms = take_elapsed_ms(self, now),
                              .origin = self->self.replica,
                              .origin_start = self->self.start};
    self->counters.batches++;
    self->counters.commands += count;
    return wire_batch_build(&head, entries, count);
}

static void propose_next_batch(struct proposer *self, wire_time now, struct smr_out *out)
{
    struct buf **entries = self->entries;
    uint32_t count = 0;
    size_t bytes = 0;
    while (self->submits.count > 0 && count < WIRE_BATCH_COMMANDS_MAX) {
        const struct smr_call *head = &self->submits.calls[self->submits.first];
        if (count > 0 && bytes + head->body->size > WIRE_BATCH_BYTES_MAX - WIRE_HEAD_BYTES_MAX)
            break;
        bytes += head->body->size;
        wire_histogram_add(&self->queue_us, now - head->since);
        entries[count++] = smr_calls_pop(&self->submits).body;
    }
    struct buf *batch = build(self, now, entries, count);
    for (uint32_t i = 0; i < count; i++)
        buf_unref(&entries[i]);
    propose(self, now, self->next++, batch, out);
}

/* Batching is natural: while rounds are in flight, what arrives waits and goes together. A few small rounds may
 * follow each other closely, so that a few clients do not wait for one another. Of larger ones there are two,
 * and the second begins when it is about as much as the first: more and smaller ones would cost processors
 * time, which many clients need. */
static bool is_worth_a_round(const struct proposer *self)
{
    size_t flight = self->flight_bytes, waiting = self->submits.bytes;
    if (self->rounds == 0 || smr_calls_fill_batch(&self->submits))
        return true;
    if (flight + waiting <= WIRE_SMALL_ROUNDS_BYTES)
        return self->rounds < WIRE_ROUNDS_MAX;
    return self->rounds < WIRE_LARGE_ROUNDS_MAX && waiting + WIRE_ROUND_SLACK_BYTES >= flight;
}

static bool may_propose(const struct proposer *self)
{
    return self->submits.count > 0 && self->hand.step < HAND_OVER_DRAINING &&
           self->next <= self->chosen + WIRE_WINDOW_SLOTS &&
           (self->rounds == 0 || self->flight_bytes < WIRE_WINDOW_BYTES) && is_worth_a_round(self);
}

/* --- beginning ------------------------------------------------------------------------------------ */

/* Everything that may have been chosen under an earlier ballot is proposed again, gaps become no-ops,
 * and the opening batch of this ballot goes behind them. */
void leading_begin(struct proposer *self, wire_time now, struct smr_out *out)
{
    proposer_enter(self, PROPOSER_LEADING);
    self->counters.elections++;
    smr_events_add_ballot(&self->events, now, SMR_EVENT_LEADS, self->ballot);
    self->chosen = self->base - 1;
    self->rounds = 0;
    self->flight_bytes = 0;
    self->batched_at = now;
    self->bar_moved = false;
    self->own_due = WIRE_NEVER;
    self->eager_until = now;
    self->eager_time = 0;
    self->read_round = 0;
    self->resend_deadline = WIRE_NEVER;
    self->fill = 0;
    self->heartbeat_deadline = now + self->timing.heartbeat;
    disk_begin(self, now);
    for (wire_replica i = 0; i < self->replica_count; i++) {
        self->acceptors[i].acked = now;
        self->acceptors[i].leased = PROPOSER_NO_LEASE;
        self->acceptors[i].taken = self->acceptors[i].sent;
        self->acceptors[i].stored = 0;
        self->acceptors[i].chosen = 0;
        self->acceptors[i].ready = self->acceptors[i].full = false;
    }
    for (wire_slot slot = self->base; slot < self->next; slot++) {
        struct proposal *p = proposer_place(self, slot);
        struct buf *value = p->batch;
        p->batch = NULL;
        self->counters.recovered_slots += value != NULL;
        self->counters.noop_fills += value == NULL;
        propose(self, now, slot, value != NULL ? value : build(self, now, NULL, 0), out);
    }
    self->opening_slot = self->next++;
    propose(self, now, self->opening_slot,
            build(self, now, &self->opening, self->opening != NULL ? 1 : 0), out);
    proposer_tell_api(self, now, false, out);
    leading_heartbeat(self, now, out);
}

/* --- votes ---------------------------------------------------------------------------------------- */

static void raise_chosen(struct proposer *self, struct smr_out *out)
{
    while (self->chosen + 1 < self->next) {
        struct proposal *p = proposer_place(self, self->chosen + 1);
        if (!p->chosen)
            break;
        self->chosen++;
        if (is_held_back(self, p))
            hand_to_own(self, p, out);
        self->bar_moved = true;
        self->rounds--;
        self->flight_bytes -= p->batch->size;
        buf_unref(&p->batch);
    }
    if (self->own_due != WIRE_NEVER)
        renew_own_due(self);
}

static bool in_flight(const struct proposer *self, wire_slot slot)
{
    return self->state >= PROPOSER_LEADING && slot > self->chosen && slot < self->next;
}

void leading_receive_accepted(struct proposer *self, wire_time now, const struct wire_message *m,
                              struct smr_out *out)
{
    wire_replica from = m->sender.replica;
    if (!ballot_equal(m->accepted.ballot, self->ballot) || !in_flight(self, m->accepted.slot)) {
        self->counters.stale_votes++;
        return;
    }
    struct proposal *p = proposer_place(self, m->accepted.slot);
    struct proposer_acceptor *acceptor = &self->acceptors[from];
    if (p->sent_to[from] > acceptor->taken)
        acceptor->taken = p->sent_to[from];
    if ((p->votes >> from & 1) != 0) {
        self->counters.doubled_votes++;
        return;
    }
    p->votes |= 1u << from;
    if (proposer_is_majority(self, p->votes)) {
        if (!p->chosen)
            wire_histogram_add(&self->quorum_us, now - p->proposed_at);
        p->chosen = true;
        raise_chosen(self, out);
    }
}

/* --- heartbeats ------------------------------------------------------------------------------------ */

/* What every replica has, the ones that are down included: as they said last in this ballot. */
static wire_slot safe_slot(const struct proposer *self)
{
    wire_slot safe = self->acceptors[0].stored;
    for (wire_replica i = 1; i < self->replica_count; i++) {
        if (self->acceptors[i].stored < safe)
            safe = self->acceptors[i].stored;
    }
    return safe;
}

void leading_heartbeat(struct proposer *self, wire_time now, struct smr_out *out)
{
    uint64_t number = ++self->heartbeat_number;
    struct heartbeat_round *round = &self->heartbeats[number & (PROPOSER_ROUNDS - 1)];
    round->number = number;
    round->sent_at = now;
    for (wire_replica i = 0; i < self->replica_count; i++) {
        round->sent[i] = self->acceptors[i].sent;
        struct wire_message *m =
            proposer_send(self, out, WIRE_MESSAGE_HEARTBEAT, WIRE_ROLE_ACCEPTOR, i);
        m->heartbeat.ballot = self->ballot;
        m->heartbeat.chosen = self->chosen;
        m->heartbeat.round = number;
        m->heartbeat.safe = safe_slot(self);
    }
    disk_note_heartbeat(self, now);
}

void leading_receive_ack(struct proposer *self, wire_time now, const struct wire_message *m,
                         struct smr_out *out)
{
    wire_replica from = m->sender.replica;
    uint64_t number = m->heartbeat_ack.round;
    const struct heartbeat_round *round = &self->heartbeats[number & (PROPOSER_ROUNDS - 1)];
    if (self->state != PROPOSER_LEADING || !ballot_equal(m->heartbeat_ack.ballot, self->ballot) ||
        number > self->heartbeat_number) {
        self->counters.stale_votes++;
        return;
    }
    struct proposer_acceptor *acceptor = &self->acceptors[from];
    if (m->heartbeat_ack.stored > acceptor->stored)
        acceptor->stored = m->heartbeat_ack.stored;
    acceptor->chosen = m->heartbeat_ack.chosen;
    acceptor->ready = m->heartbeat_ack.ready;
    acceptor->full = m->heartbeat_ack.full;
    if (from == self->self.replica) {
        self->full = m->heartbeat_ack.full; /* it said so when that changed, which may have been refused */
        disk_note_ack(self, number);
    }
    if (round->number == number) {
        if (round->sent_at > acceptor->acked)
            acceptor->acked = round->sent_at;
        if (disk_stalls(self, now) <= self->timing.lease / 2)
            acceptor->leased = acceptor->acked;
        if (round->sent[from] > acceptor->taken)
            acceptor->taken = round->sent[from];
    }
    reads_receive_ack(self, now, number, from, out);
}

/* --- time ----------------------------------------------------------------------------------------- */

static void tell_own_acceptor(struct proposer *self, wire_time now, struct smr_out *out)
{
    struct wire_message *m = proposer_send(self, out, WIRE_MESSAGE_CHOOSE, WIRE_ROLE_ACCEPTOR,
                                           self->self.replica);
    m->choose.ballot = self->ballot;
    m->choose.chosen = self->chosen;
    m->choose.at = (uint64_t)now;
    self->bar_moved = false;
}

void leading_settle(struct proposer *self, wire_time now, struct smr_out *out)
{
    if (self->bar_moved)
        tell_own_acceptor(self, now, out);
    if (self->leases && self->reads.count > 0)
        reads_by_lease(self, now, out);
    if (self->state == PROPOSER_LEADING && self->read_round == 0 && self->reads.count > 0)
        reads_begin_round(self, now, out);
    if (self->submits.count > 0 && self->hand.step == HAND_OVER_NONE && disk_has_no_room(self))
        proposer_refuse_all(self, &self->submits, WIRE_STATUS_FULL, out);
    while (may_propose(self))
        propose_next_batch(self, now, out);
    for (; self->hand.step < HAND_OVER_DRAINING && self->next <= self->fill &&
           self->next <= self->chosen + WIRE_WINDOW_SLOTS;
         self->next++) {
        self->counters.fills++;
        propose(self, now, self->next, build(self, now, NULL, 0), out);
    }
    if (self->state == PROPOSER_LEADING && self->hand.step != HAND_OVER_NONE)
        hand_over_advance(self, now, out);
}

/* A vote for a slot is never more than so far ahead of what is chosen; it asks again if this is late. */
void leading_receive_fill(struct proposer *self, const struct wire_message *m)
{
    bool sensible = m->fill.upto <= self->chosen + WIRE_AHEAD_SLOTS;
    if (self->state == PROPOSER_LEADING && sensible && m->fill.upto > self->fill)
        self->fill = m->fill.upto;
}

static void resend_accepts(struct proposer *self, wire_time now, struct smr_out *out)
{
    for (wire_slot slot = self->chosen + 1; slot < self->next; slot++) {
        struct proposal *p = proposer_place(self, slot);
        for (wire_replica i = 0; i < self->replica_count && !p->chosen; i++) {
            if ((p->votes >> i & 1) == 0 && now - p->sent_at[i] >= self->timing.resend)
                send_accept(self, now, p, i, out);
        }
    }
}

static bool majority_lives(const struct proposer *self, wire_time now)
{
    unsigned alive = 0;
    for (wire_replica i = 0; i < self->replica_count; i++)
        alive += i == self->self.replica ||
                 now - self->acceptors[i].acked < self->timing.step_down;
    return alive >= smr_quorum(self->replica_count);
}

void leading_wake(struct proposer *self, wire_time now, struct smr_out *out)
{
    if (now >= self->own_due)
        ask_own_vote(self, now, out);
    if (now < self->heartbeat_deadline)
        return;
    if (!majority_lives(self, now)) {
        self->counters.majority_lost++;
        proposer_note_loss(self, now, WIRE_LOSS_MAJORITY);
        proposer_become_following(self, now, out);
        return;
    }
    /* Not put off by rounds that reads asked for, or what else is done here would never come up. */
    self->heartbeat_deadline = now + self->timing.heartbeat;
    leading_heartbeat(self, now, out);
    disk_watch(self, now, out);
    resend_accepts(self, now, out);
    if (now - self->told_at >= WIRE_SECOND)
        proposer_tell_api(self, now, false, out);
}
