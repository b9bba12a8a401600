/* Standing for election: ask, claim, prepare. */
#include "smr/paxos/proposer_state.h"

#include "wire/entry.h"

static void send_ask(struct proposer *self, wire_replica to, struct smr_out *out)
{
    struct wire_message *m = proposer_send(self, out, WIRE_MESSAGE_ASK, WIRE_ROLE_ACCEPTOR, to);
    m->ask.ballot = self->ballot;
    m->ask.chosen = self->own_chosen;
}

static void send_prepare(struct proposer *self, wire_replica to, struct smr_out *out)
{
    struct wire_message *m =
        proposer_send(self, out, WIRE_MESSAGE_PREPARE, WIRE_ROLE_ACCEPTOR, to);
    m->prepare.ballot = self->ballot;
    m->prepare.from = self->acceptors[to].prepare_next;
}

void election_begin(struct proposer *self, wire_time now, struct smr_out *out)
{
    proposer_enter(self, PROPOSER_ASKING);
    self->counters.asks++;
    self->ballot =
        (struct wire_ballot){.round = self->round_seen + 1, .replica = self->self.replica};
    self->yes = 0;
    self->deadline = now + self->timing.ask;
    self->resend_deadline = WIRE_NEVER; /* one question; soon after comes another */
    for (wire_replica i = 0; i < self->replica_count; i++)
        send_ask(self, i, out);
}

/* The ballot is ours from here on, but only the own acceptor hears of it. */
static void become_claiming(struct proposer *self, wire_time now, struct smr_out *out)
{
    proposer_enter(self, PROPOSER_CLAIMING);
    self->counters.campaigns++;
    if (self->round_seen >= self->ballot.round)
        self->ballot.round = self->round_seen + 1;
    self->round_seen = self->ballot.round;
    smr_events_add_ballot(&self->events, now, SMR_EVENT_CAMPAIGNS, self->ballot);
    self->base = self->own_chosen + 1;
    self->next = self->base;
    for (wire_replica i = 0; i < self->replica_count; i++) {
        self->acceptors[i].prepare_next = self->base;
        self->acceptors[i].promised = false;
    }
    self->deadline = now + 2 * self->timing.ask;
    self->resend_deadline = now + self->timing.resend;
    send_prepare(self, self->self.replica, out);
}

static void become_preparing(struct proposer *self, wire_time now, struct smr_out *out)
{
    proposer_enter(self, PROPOSER_PREPARING);
    self->resend_deadline = now + self->timing.resend;
    for (wire_replica i = 0; i < self->replica_count; i++) {
        if (i != self->self.replica)
            send_prepare(self, i, out);
    }
}

static void catch_up_first(struct proposer *self, wire_time now, wire_slot upto,
                           wire_replica peer, struct smr_out *out)
{
    self->counters.behind_campaigns++;
    struct wire_message *m = proposer_send(self, out, WIRE_MESSAGE_CATCH_UP, WIRE_ROLE_ACCEPTOR,
                                           self->self.replica);
    m->catch_up.upto = upto;
    m->catch_up.peer = peer;
    proposer_become_following(self, now, out);
}

void election_receive_asked(struct proposer *self, wire_time now, const struct wire_message *m,
                            struct smr_out *out)
{
    wire_replica from = m->sender.replica;
    if (self->state != PROPOSER_ASKING || !ballot_equal(m->asked.ballot, self->ballot)) {
        self->counters.stale_votes++;
        return;
    }
    if (m->asked.verdict != WIRE_VERDICT_YES) {
        self->counters.asks_denied++;
        if (m->asked.verdict == WIRE_VERDICT_BEHIND)
            catch_up_first(self, now, m->asked.chosen, from, out);
        return;
    }
    self->yes |= 1u << from;
    /* Without the own acceptor there is no durable claim. */
    if ((self->yes >> self->self.replica & 1) != 0 && proposer_is_majority(self, self->yes))
        become_claiming(self, now, out);
}

/* "Paxos Made Simple", 2.2, Phase 2a: of each slot the value with the highest ballot; one that is
 * known chosen needs no comparing. */
static void recover(struct proposer *self, const struct wire_entry *entry)
{
    struct proposal *p = proposer_place(self, entry->slot);
    bool better = p->batch == NULL || (entry->chosen && !p->reported_chosen) ||
                  (!p->reported_chosen && ballot_less(p->reported, entry->ballot));
    if (entry->slot >= self->next)
        self->next = entry->slot + 1;
    if (!better)
        return;
    buf_unref(&p->batch);
    p->batch = buf_copy(entry->batch);
    p->reported = entry->ballot;
    p->reported_chosen = entry->chosen;
}

/* False: the acceptor is so far ahead, or has cut its log so far up, that this replica must catch up
 * before it may lead. */
static bool recover_chunk(struct proposer *self, const struct wire_message *m)
{
    struct wire_reader in = wire_reader_of(buf_span(m->payload));
    struct wire_entry entry;
    if (m->promise.cut >= self->base)
        return false;
    while (wire_entry_next(&in, &entry)) {
        if (entry.slot >= self->base + WIRE_RING_SLOTS - WIRE_WINDOW_SLOTS)
            return false;
        recover(self, &entry);
    }
    return true;
}

static unsigned promised_bits(const struct proposer *self)
{
    unsigned bits = 0;
    for (wire_replica i = 0; i < self->replica_count; i++)
        bits |= (unsigned)self->acceptors[i].promised << i;
    return bits;
}

static void complete_promise(struct proposer *self, wire_time now, wire_replica from,
                             struct smr_out *out)
{
    self->acceptors[from].promised = true;
    if (self->state == PROPOSER_CLAIMING)
        become_preparing(self, now, out);
    if (self->state == PROPOSER_PREPARING && proposer_is_majority(self, promised_bits(self)))
        leading_begin(self, now, out);
}

void election_receive_promise(struct proposer *self, wire_time now, const struct wire_message *m,
                              struct smr_out *out)
{
    wire_replica from = m->sender.replica;
    struct proposer_acceptor *acceptor = &self->acceptors[from];
    bool campaigning = self->state == PROPOSER_CLAIMING || self->state == PROPOSER_PREPARING;
    if (!campaigning || !ballot_equal(m->promise.ballot, self->ballot)) {
        self->counters.stale_votes++;
        return;
    }
    if (acceptor->promised || m->promise.from != acceptor->prepare_next) {
        self->counters.doubled_votes++;
        return;
    }
    if (wire_entries_check(buf_span(m->payload), m->promise.from) != WIRE_OK ||
        m->promise.through + 1 < m->promise.from) {
        self->counters.senseless_messages++;
        return;
    }
    if (!recover_chunk(self, m)) {
        catch_up_first(self, now, m->promise.chosen, from, out);
        return;
    }
    acceptor->prepare_next = m->promise.through + 1;
    if (m->promise.last) {
        complete_promise(self, now, from, out);
    } else {
        self->counters.promise_chunks++;
        send_prepare(self, from, out);
    }
}

void election_resend(struct proposer *self, wire_time now, struct smr_out *out)
{
    self->resend_deadline = now + self->timing.resend;
    for (wire_replica i = 0; i < self->replica_count; i++) {
        bool heard_of_it = self->state == PROPOSER_PREPARING || i == self->self.replica;
        if (heard_of_it && !self->acceptors[i].promised)
            send_prepare(self, i, out);
    }
}
