/* Reads at any member (Terrace and Freedman, 2.3), judged here, where slots are passed on, never by the
 * applier: the tail may have acknowledged a slot of which the own applier knows nothing.
 *
 * A slot can be acknowledged only after this replica passed it on. So if none of those it holds beyond
 * what it knows to be acknowledged touches what is asked for, the state at that slot is current. Else it
 * asks the tail, in the same epoch, what it has acknowledged, and answers from the state there; one
 * question serves all reads that were waiting when it was sent. The tail itself never asks.
 *
 * All that needs a lease (smr/config.h), of the tail too: no member that is cut out can be overtaken by a
 * write before its lease is over, and one that is not cut out must have adopted the new epoch before a write
 * can complete in it, but for those that it has passed on already. The clock is read after the read was taken from the queue of the API, and again when the tail
 * has answered. */
#include "smr/chain/forwarder_state.h"

#include "wire/batch.h"

/* --- what is touched ------------------------------------------------------------------------------ */

static void touch(struct forwarder *self, uint64_t subject, int by)
{
    if (subject == SMR_SUBJECT_ALL)
        self->touched_all += (uint32_t)by;
    else
        self->touched[subject & (FORWARDER_SUBJECTS - 1)] += (uint32_t)by;
    self->touched_any += (uint32_t)by;
}

void chain_reads_touch(struct forwarder *self, struct span bytes, int by)
{
    struct wire_batch batch = wire_batch_open(bytes);
    struct wire_command command;
    while (wire_batch_next(&batch, &command)) {
        if (command.kind == WIRE_CALL_WRITE || command.kind == WIRE_CALL_PLAIN)
            touch(self, self->subject(command.body), by);
    }
}

static bool is_touched(const struct forwarder *self, struct span query)
{
    uint64_t subject = self->subject(query);
    if (subject == SMR_SUBJECT_ALL)
        return self->touched_any > 0;
    return self->touched_all > 0 || self->touched[subject & (FORWARDER_SUBJECTS - 1)] > 0;
}

/* --- answers ---------------------------------------------------------------------------------------- */

bool chain_reads_are_served(const struct forwarder *self, wire_time now)
{
    return forwarder_is_settled(self) && self->whole && self->leaving_since == 0 &&
           chain_epoch_holds_lease(self, now);
}

/* Sends a read on to the applier; takes over the reference to its body. */
static void release(struct forwarder *self, struct smr_call call, struct smr_out *out)
{
    struct wire_message *m = forwarder_send(self, out, WIRE_MESSAGE_READ_AT, WIRE_ROLE_APPLIER,
                                            self->self.replica);
    m->read_at.tag = call.tag;
    m->read_at.index = self->acked;
    m->payload = call.body;
}

static void judge(struct forwarder *self, struct smr_call call, struct smr_out *out)
{
    if (!forwarder_is_tail(self) && is_touched(self, buf_span(call.body))) {
        self->counters.dirty_reads++;
        smr_calls_push(&self->dirty, &call);
        buf_unref(&call.body);
        return;
    }
    self->counters.clean_reads++;
    self->counters.tail_reads += forwarder_is_tail(self);
    release(self, call, out);
}

void chain_reads_drop(struct forwarder *self, struct smr_out *out)
{
    forwarder_refuse_all(self, &self->asking, out);
    forwarder_refuse_all(self, &self->dirty, out);
    forwarder_refuse_all(self, &self->reads, out);
}

void chain_reads_settle(struct forwarder *self, wire_time now, struct smr_out *out)
{
    if (self->reads.count > 0 && !chain_reads_are_served(self, now)) {
        self->counters.unleased_reads += self->reads.count;
        forwarder_refuse_all(self, &self->reads, out);
    }
    while (self->reads.count > 0)
        judge(self, smr_calls_pop(&self->reads), out);
    if (self->dirty.count == 0 || self->asking.count > 0)
        return;
    while (self->dirty.count > 0) {
        struct smr_call call = smr_calls_pop(&self->dirty);
        smr_calls_push(&self->asking, &call);
        buf_unref(&call.body);
    }
    self->ask_round++;
    chain_reads_ask_tail(self, now, out);
}

/* --- the tail ----------------------------------------------------------------------------------------- */

void chain_reads_ask_tail(struct forwarder *self, wire_time now, struct smr_out *out)
{
    self->counters.tail_asks++;
    self->ask_deadline = now + self->timing.resend;
    struct wire_message *m = forwarder_send(self, out, WIRE_MESSAGE_TAIL_ASK, WIRE_ROLE_ACCEPTOR,
                                            forwarder_tail(self));
    m->tail_ask.ballot = self->ballot;
    m->tail_ask.from = self->self.replica;
    m->tail_ask.round = self->ask_round;
}

void chain_reads_receive_ask(struct forwarder *self, wire_time now, const struct wire_message *m,
                             struct smr_out *out)
{
    /* One that is not whole yet may lack what an earlier tail acknowledged. */
    if (!forwarder_is_tail(self) || !forwarder_is_settled(self) || !self->whole)
        return; /* it asks again */
    struct wire_message *n = forwarder_send(self, out, WIRE_MESSAGE_TAIL_TELL, WIRE_ROLE_ACCEPTOR,
                                            m->tail_ask.from);
    n->tail_tell.ballot = self->ballot;
    n->tail_tell.from = self->self.replica;
    /* Without a lease it may be cut out, and its predecessor the tail, which acknowledges at once what it
     * holds: what is said here is true then, but reads need more than that. */
    n->tail_tell.round = chain_reads_are_served(self, now) ? m->tail_ask.round : 0;
    n->tail_tell.chosen = self->acked;
}

static void fetch(struct forwarder *self, wire_slot upto, wire_replica peer, struct smr_out *out)
{
    struct wire_message *m = forwarder_send(self, out, WIRE_MESSAGE_CATCH_UP, WIRE_ROLE_ACCEPTOR,
                                            self->self.replica);
    m->catch_up.upto = upto;
    m->catch_up.peer = peer;
}

void chain_reads_receive_tell(struct forwarder *self, wire_time now, const struct wire_message *m,
                              struct smr_out *out)
{
    wire_slot chosen = m->tail_tell.chosen;
    if (self->view.count == 0 || m->tail_tell.from != forwarder_tail(self))
        return;
    if (self->state == FORWARDER_OUTSIDE) {
        self->tail_heard = true;
        self->tail_acked = chosen;
        if (chosen > self->own_chosen)
            fetch(self, chosen, m->tail_tell.from, out);
        return;
    }
    if (!forwarder_is_settled(self))
        return;
    if (chosen > self->last)
        fetch(self, chosen, m->tail_tell.from, out); /* a member that is not whole yet */
    chain_slots_learn_acked(self, chosen < self->last ? chosen : self->last, out);
    if (m->tail_tell.round != self->ask_round)
        return;
    self->ask_deadline = WIRE_NEVER;
    if (!chain_reads_are_served(self, now) || chosen > self->acked) {
        self->counters.unleased_reads += self->asking.count;
        forwarder_refuse_all(self, &self->asking, out);
    }
    while (self->asking.count > 0)
        release(self, smr_calls_pop(&self->asking), out);
}
