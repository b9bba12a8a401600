#include "smr/chain/keeper.h"

#include "wire/batch.h"

static bool is_own(const struct acceptor *self, const struct wire_message *m)
{
    return m->sender.replica == self->self.replica;
}

static struct wire_message *tell(struct acceptor *self, struct smr_out *out,
                                 enum smr_effect_kind kind, enum wire_type type,
                                 wire_replica replica)
{
    return smr_out_send(out, kind, &self->self, type, WIRE_ROLE_PROPOSER, replica);
}

/* Is it of the epoch that was adopted here? */
static bool is_current(struct acceptor *self, const struct wire_message *m,
                       struct wire_ballot ballot, struct smr_out *out)
{
    if (ballot_equal(ballot, self->hard.promised) && !ballot_is_none(ballot))
        return true;
    self->counters.refused_epochs++;
    acceptor_nack(self, m, ballot, 0, out);
    return false;
}

/* The own forwarder adopts an epoch, or asks again what is stored in it. Nothing is done in the epoch
 * before it is durable, since the answer is what the forwarder waits for. */
static void receive_prepare(struct acceptor *self, const struct wire_message *m,
                            struct smr_out *out)
{
    struct wire_ballot ballot = m->prepare.ballot;
    bool damaged = false;
    if (!is_own(self, m) || ballot_less(ballot, self->hard.promised)) {
        self->counters.refused_epochs++;
        acceptor_nack(self, m, ballot, 0, out);
        return;
    }
    wire_slot from = m->prepare.from;
    wire_slot through = acceptor_list(self, from, self->highest, false, &damaged, out);
    if (ballot_less(self->hard.promised, ballot)) {
        self->counters.promises++;
        self->hard.promised = ballot;
        acceptor_put_state(self, out);
    }
    struct wire_message *n =
        tell(self, out, SMR_SEND_DURABLE, WIRE_MESSAGE_PROMISE, self->self.replica);
    n->promise.ballot = ballot;
    n->promise.from = from;
    n->promise.through = through;
    n->promise.last = damaged || through >= self->highest;
    n->promise.damaged = damaged;
    n->promise.chosen = self->hard.chosen;
    n->promise.cut = self->hard.cut;
    n->payload = wire_writer_take(&self->scratch);
}

/* --- slots -------------------------------------------------------------------------------------- */

static void say_stored(struct acceptor *self, const struct wire_message *m, struct smr_out *out)
{
    struct wire_message *n =
        tell(self, out, SMR_SEND_DURABLE, WIRE_MESSAGE_ACCEPTED, m->sender.replica);
    n->accepted.ballot = m->accept.ballot;
    n->accepted.slot = m->accept.slot;
    n->accepted.chosen = self->hard.chosen;
    if (is_own(self, m))
        return;
    n = tell(self, out, SMR_SEND_DURABLE, WIRE_MESSAGE_STORED, self->self.replica);
    n->stored.ballot = m->accept.ballot;
    n->stored.slot = m->accept.slot;
    n->payload = buf_ref(m->payload);
}

static void store(struct acceptor *self, const struct wire_message *m, struct smr_out *out)
{
    const struct smr_log_entry *have;
    enum wire_error error = acceptor_slot(self, m->accept.slot, &have, out);
    if (error == WIRE_FAILED)
        return;
    bool same = error == WIRE_OK && wire_batch_checksum(buf_span(have->batch)) ==
                                        wire_batch_checksum(buf_span(m->payload));
    if (error == WIRE_OK && ballot_equal(have->ballot, m->accept.ballot) && !same &&
        !is_own(self, m)) {
        /* What is passed on has one value in an epoch. A head that starts again may have stored a slot
         * behind a gap, passed nothing on, and gives it another value now. */
        self->counters.senseless_messages++;
        return;
    }
    if (same && ballot_equal(have->ballot, m->accept.ballot)) {
        self->counters.accepts_again++;
    } else {
        struct smr_log_entry entry = {
            .slot = m->accept.slot, .ballot = m->accept.ballot, .batch = m->payload};
        self->counters.accepts++;
        acceptor_store(self, &entry, out);
    }
    say_stored(self, m, out);
}

static void receive_slot(struct acceptor *self, wire_time now, const struct wire_message *m,
                         struct smr_out *out)
{
    struct wire_ballot ballot = m->accept.ballot;
    wire_slot slot = m->accept.slot;
    if (!is_current(self, m, ballot, out))
        return;
    if (slot <= self->hard.chosen) {
        self->counters.accepts_again++;
        say_stored(self, m, out);
    } else if (slot > self->hard.chosen + WIRE_AHEAD_SLOTS || !acceptor_has_place(self, slot)) {
        self->counters.accepts_ahead++;
        acceptor_nack(self, m, ballot, slot, out);
    } else {
        store(self, m, out);
    }
    learner_note_chosen(self, now, ballot, m->accept.chosen, out);
}

static void receive_choose(struct acceptor *self, wire_time now, const struct wire_message *m,
                           struct smr_out *out)
{
    if (is_current(self, m, m->choose.ballot, out))
        learner_note_chosen(self, now, m->choose.ballot, m->choose.chosen, out);
}

/* --- what is for the own forwarder -------------------------------------------------------------- */

/* What the message says of its sender and epoch; false: it is none of those that are handed on. */
static bool read_talk(const struct wire_message *m, struct wire_ballot *ballot, wire_replica *from)
{
    switch (m->type) {
#define TALK(NAME, name)                                                                           \
    case WIRE_MESSAGE_##NAME:                                                                      \
        *ballot = m->name.ballot;                                                                  \
        *from = m->name.from;                                                                      \
        return true;
        TALK(LINK, link)
        TALK(LINKED, linked)
        TALK(TAIL_ASK, tail_ask)
        TALK(TAIL_TELL, tail_tell)
#undef TALK
    default:
        return false;
    }
}

static void hand_on(struct acceptor *self, const struct wire_message *m, struct smr_out *out)
{
    struct wire_ballot ballot;
    wire_replica from;
    if (!read_talk(m, &ballot, &from) || from != m->sender.replica || is_own(self, m)) {
        self->counters.senseless_messages++;
        return;
    }
    if (!is_current(self, m, ballot, out))
        return;
    struct wire_message *n = tell(self, out, SMR_SEND, m->type, self->self.replica);
    struct wire_sender own = n->sender;
    *n = *m;
    n->sender = own;
}

static void receive_greet(struct acceptor *self, const struct wire_message *m, struct smr_out *out)
{
    if (!is_current(self, m, m->greet.ballot, out))
        return;
    struct wire_message *n =
        tell(self, out, SMR_SEND, WIRE_MESSAGE_GREETED, m->sender.replica);
    n->greeted.ballot = m->greet.ballot;
}

void keeper_receive(struct acceptor *self, wire_time now, const struct wire_message *m,
                    struct smr_out *out)
{
    switch (m->type) {
    case WIRE_MESSAGE_PREPARE:
        receive_prepare(self, m, out);
        break;
    case WIRE_MESSAGE_ACCEPT:
        receive_slot(self, now, m, out);
        break;
    case WIRE_MESSAGE_CHOOSE:
        receive_choose(self, now, m, out);
        break;
    case WIRE_MESSAGE_CATCH_UP:
        learner_receive_catch_up(self, now, m, out);
        break;
    case WIRE_MESSAGE_GREET:
        receive_greet(self, m, out);
        break;
    default:
        hand_on(self, m, out);
        break;
    }
}

void keeper_settle(struct acceptor *self, wire_time now, struct smr_out *out)
{
    if (self->told_chosen == self->hard.chosen)
        return;
    self->told_chosen = self->hard.chosen;
    acceptor_tell_proposer(self, now, out);
}
