/* The role: states, what comes in, who is told. */
#include "smr/chain/forwarder_state.h"

#include <stdlib.h>
#include "wire/batch.h"
#include "wire/figures.h"

/* --- states ------------------------------------------------------------------------------------- */

void forwarder_enter(struct forwarder *self, enum forwarder_state state)
{
    static const bool allowed[FORWARDER_STATES][FORWARDER_STATES] = {
        [FORWARDER_LOST] = {[FORWARDER_OUTSIDE] = true, [FORWARDER_ADOPTING] = true},
        [FORWARDER_OUTSIDE] = {[FORWARDER_OUTSIDE] = true, [FORWARDER_ADOPTING] = true},
        [FORWARDER_ADOPTING] = {[FORWARDER_OUTSIDE] = true,
                                [FORWARDER_ADOPTING] = true,
                                [FORWARDER_ACTIVE] = true},
        [FORWARDER_ACTIVE] = {[FORWARDER_OUTSIDE] = true, [FORWARDER_ADOPTING] = true},
    };
    assert(allowed[self->state][state]);
    self->state = state;
}

struct wire_message *forwarder_send(struct forwarder *self, struct smr_out *out,
                                    enum wire_type type, enum wire_role to, wire_replica replica)
{
    return smr_out_send(out, SMR_SEND, &self->self, type, to, replica);
}

void forwarder_tell_api(struct forwarder *self, wire_time now, struct smr_out *out)
{
    struct wire_message *m = forwarder_send(self, out, WIRE_MESSAGE_LEADERSHIP, WIRE_ROLE_API,
                                            self->self.replica);
    bool leading = self->state == FORWARDER_ACTIVE && forwarder_is_head(self) && !self->gave_up;
    /* What a head had ordered when its epoch ended is in doubt; reads are all answered or refused. */
    bool ends = self->told_leading && (!leading || !ballot_equal(self->told_ballot, self->ballot));
    m->leadership.leading = self->told_leading = leading;
    m->leadership.answering = !ends;
    m->leadership.why = self->leaving_since != 0 ? WIRE_LOSS_ENDING : WIRE_LOSS_BALLOT;
    self->told_ballot = self->ballot;
    m->leadership.reads = self->told_reads = chain_reads_are_served(self, now);
    m->leadership.ballot = self->ballot;
    self->told_at = now;
}

void forwarder_refuse(struct forwarder *self, uint64_t tag, struct smr_out *out)
{
    struct wire_message *m = forwarder_send(self, out, WIRE_MESSAGE_REFUSED, WIRE_ROLE_API,
                                            self->self.replica);
    m->refused.tag = tag;
    m->refused.status = WIRE_STATUS_NOT_LEADER;
    self->counters.refused++;
}

void forwarder_refuse_all(struct forwarder *self, struct smr_calls *queue, struct smr_out *out)
{
    while (queue->count > 0) {
        struct smr_call call = smr_calls_pop(queue);
        forwarder_refuse(self, call.tag, out);
        buf_unref(&call.body);
    }
}

/* --- input ---------------------------------------------------------------------------------------- */

static void receive_submit(struct forwarder *self, wire_time now, const struct wire_message *m,
                           struct smr_out *out)
{
    if (self->state == FORWARDER_ACTIVE && forwarder_is_head(self) && !self->gave_up)
        smr_calls_push(&self->submits, &(struct smr_call){m->submit.tag, now, m->payload});
    else
        forwarder_refuse(self, m->submit.tag, out);
}

static void receive_heard(struct forwarder *self, wire_time now, const struct wire_message *m,
                          struct smr_out *out)
{
    if (!self->attached) {
        self->attached = true;
        chain_epoch_pulse(self, now, out);
    }
    self->fit = m->heard.fit;
    if (m->heard.chosen > self->own_chosen)
        self->own_chosen = m->heard.chosen;
    if (self->state == FORWARDER_ACTIVE) {
        chain_slots_acknowledge(self, self->own_chosen);
        chain_slots_advance(self);
    }
}

/* Somebody acts in a newer epoch: the managers know which. */
static void receive_nack(struct forwarder *self, wire_time now, const struct wire_message *m,
                         struct smr_out *out)
{
    bool about_us = ballot_equal(m->nack.ballot, self->ballot) &&
                    ballot_less(self->ballot, m->nack.promised);
    self->counters.stale_votes += !about_us;
    if (about_us && now >= self->pulse_deadline - SMR_CHAIN_PULSE + self->timing.heartbeat / 2)
        chain_epoch_pulse(self, now, out);
}

/* What was handed on by the own keeper is from another forwarder, of this epoch if it is not older than
 * the own keeper's. */
static void receive_talk(struct forwarder *self, wire_time now, const struct wire_message *m,
                         struct smr_out *out)
{
    const struct wire_ballot ballot = m->type == WIRE_MESSAGE_LINK       ? m->link.ballot
                                      : m->type == WIRE_MESSAGE_LINKED   ? m->linked.ballot
                                      : m->type == WIRE_MESSAGE_TAIL_ASK ? m->tail_ask.ballot
                                                                         : m->tail_tell.ballot;
    if (!ballot_equal(ballot, self->ballot)) {
        self->counters.refused_epochs++;
        return;
    }
    if (m->type == WIRE_MESSAGE_LINK)
        chain_slots_receive_link(self, m, out);
    else if (m->type == WIRE_MESSAGE_LINKED)
        chain_slots_receive_linked(self, now, m);
    else if (m->type == WIRE_MESSAGE_TAIL_ASK)
        chain_reads_receive_ask(self, now, m, out);
    else
        chain_reads_receive_tell(self, now, m, out);
}

static void receive_from_keeper(struct forwarder *self, wire_time now,
                                const struct wire_message *m, struct smr_out *out)
{
    bool own = m->sender.replica == self->self.replica;
    if (own && m->type != WIRE_MESSAGE_NACK)
        self->keeper_heard = now;
    switch (m->type) {
    case WIRE_MESSAGE_ACCEPTED:
        chain_slots_receive_accepted(self, m);
        return;
    case WIRE_MESSAGE_NACK:
        receive_nack(self, now, m, out);
        return;
    case WIRE_MESSAGE_GREETED:
        if (ballot_equal(m->greeted.ballot, self->ballot))
            self->greeted[m->sender.replica] = now;
        return;
    default:
        break;
    }
    if (!own) {
        self->counters.senseless_messages++;
        return;
    }
    switch (m->type) {
    case WIRE_MESSAGE_HEARD:
        receive_heard(self, now, m, out);
        break;
    case WIRE_MESSAGE_PROMISE:
        chain_epoch_receive_promise(self, now, m, out);
        break;
    case WIRE_MESSAGE_STORED:
        chain_slots_receive_stored(self, m);
        break;
    case WIRE_MESSAGE_LINK:
    case WIRE_MESSAGE_LINKED:
    case WIRE_MESSAGE_TAIL_ASK:
    case WIRE_MESSAGE_TAIL_TELL:
        receive_talk(self, now, m, out);
        break;
    default:
        self->counters.senseless_messages++;
    }
}

/* Who is the head is for the managers to say. */
static void refuse_order(struct forwarder *self, const struct wire_message *m, struct smr_out *out)
{
    struct wire_message *n = forwarder_send(self, out, WIRE_MESSAGE_ADMIN_DONE, WIRE_ROLE_API,
                                            self->self.replica);
    n->admin_done.tag = m->admin.tag;
    n->admin_done.outcome = WIRE_ADMIN_UNFIT;
    n->admin_done.leader = self->view.count == 0 ? WIRE_NO_REPLICA : self->ballot.replica;
    n->admin_done.ballot = self->ballot;
}

static void forwarder_receive(void *role, wire_time now, const struct wire_message *m,
                              struct smr_out *out)
{
    struct forwarder *self = role;
    switch (m->type) {
    case WIRE_MESSAGE_SUBMIT:
        receive_submit(self, now, m, out);
        return;
    case WIRE_MESSAGE_READ:
        smr_calls_push(&self->reads, &(struct smr_call){m->read.tag, now, m->payload});
        return;
    case WIRE_MESSAGE_ADMIN:
        refuse_order(self, m, out);
        return;
    case WIRE_MESSAGE_VIEW:
        chain_epoch_receive_view(self, now, m, out);
        return;
    default:
        break;
    }
    if (!smr_peers_admit(&self->peers, &m->sender, &self->counters))
        return;
    if (m->sender.role == WIRE_ROLE_ACCEPTOR)
        receive_from_keeper(self, now, m, out);
    else
        self->counters.senseless_messages++;
}

static void forwarder_settle(void *role, wire_time now, struct smr_out *out)
{
    struct forwarder *self = role;
    chain_slots_settle(self, now, out);
    chain_reads_settle(self, now, out);
    if (self->told_reads != chain_reads_are_served(self, now))
        forwarder_tell_api(self, now, out);
}

/* --- time ----------------------------------------------------------------------------------------- */

/* Everything that may have been lost on its way is said again. */
static void look_again(struct forwarder *self, wire_time now, struct smr_out *out)
{
    self->tick = now + self->timing.resend;
    bool unanswered = self->state == FORWARDER_ADOPTING ||
                      (self->state == FORWARDER_OUTSIDE && !self->fenced);
    if (unanswered && self->view.epoch > 0)
        chain_epoch_prepare(self, out);
    chain_slots_resend(self, now, out);
    if (self->state == FORWARDER_OUTSIDE && self->fenced && self->view.count > 0)
        chain_reads_ask_tail(self, now, out);
    else if (now >= self->ask_deadline && self->state == FORWARDER_ACTIVE)
        chain_reads_ask_tail(self, now, out);
}

/* --- the end --------------------------------------------------------------------------------------- */

static void forwarder_leave(void *role, wire_time now, struct smr_out *out)
{
    struct forwarder *self = role;
    self->leaving_since = now;
    self->gave_up = self->place < 0 || self->view.count == 1;
    forwarder_tell_api(self, now, out);
    if (!self->gave_up)
        chain_epoch_pulse(self, now, out);
}

static bool forwarder_left(const void *role)
{
    const struct forwarder *self = role;
    return self->place < 0 || self->gave_up;
}

static void look_for_the_end(struct forwarder *self, wire_time now, struct smr_out *out)
{
    if (self->leaving_since == 0 || self->gave_up ||
        now - self->leaving_since < FORWARDER_LEAVE)
        return;
    self->gave_up = true;
    forwarder_tell_api(self, now, out);
}

static void forwarder_wake(void *role, wire_time now, struct smr_out *out)
{
    struct forwarder *self = role;
    if (!self->attached) {
        forwarder_send(self, out, WIRE_MESSAGE_ATTACH, WIRE_ROLE_ACCEPTOR, self->self.replica);
        self->tick = now + self->timing.resend;
        return;
    }
    if (now >= self->pulse_deadline) {
        chain_epoch_pulse(self, now, out);
        chain_slots_link(self, out);
        chain_epoch_greet(self, out);
        if (now - self->told_at >= WIRE_SECOND)
            forwarder_tell_api(self, now, out);
    }
    look_for_the_end(self, now, out);
    if (now >= self->tick)
        look_again(self, now, out);
}

static bool waits_for_something(const struct forwarder *self)
{
    return !self->attached || !forwarder_is_settled(self) || self->ring_bytes > 0 ||
           self->ask_deadline != WIRE_NEVER || (!forwarder_is_tail(self) && !self->linked) ||
           self->own_chosen < self->acked;
}

static wire_time forwarder_deadline(const void *role)
{
    const struct forwarder *self = role;
    wire_time pulse = self->attached ? self->pulse_deadline : WIRE_NEVER;
    return waits_for_something(self) && self->tick < pulse ? self->tick : pulse;
}

/* --- the role ------------------------------------------------------------------------------------- */

static const char *role_text(const struct forwarder *self)
{
    if (self->place < 0)
        return "outside";
    if (forwarder_is_head(self))
        return self->view.count == 1 ? "alone" : "head";
    return forwarder_is_tail(self) ? "tail" : "middle";
}

static void forwarder_figures(const void *role, wire_time now, struct wire_writer *out)
{
    static const char *const states[] = {"lost", "outside", "adopting", "active"};
    const struct forwarder *self = role;
    bool head = self->state == FORWARDER_ACTIVE && forwarder_is_head(self);
    wire_figure_text(out, "proposer.state", head ? "leading" : "following");
    wire_figure_number(out, "proposer.replica_count", self->replica_count);
    wire_figure_number(out, "proposer.leader_round", self->ballot.round);
    if (self->view.count > 0)
        wire_figure_number(out, "proposer.leader_replica", self->ballot.replica);
    wire_figure_number(out, "proposer.chosen_slot", self->acked);
    wire_figure_number(out, "proposer.rounds_in_flight", self->last - self->acked);
    wire_figure_number(out, "proposer.queued_commands", self->submits.count);
    wire_figure_text(out, "proposer.reads", "lease");
    wire_figure_number(out, "proposer.lease_left_us",
                       chain_reads_are_served(self, now) ? (uint64_t)(self->lease_until - now) : 0);
    wire_figure_number(out, "proposer.queued_reads",
                       self->reads.count + self->dirty.count + self->asking.count);
    wire_figure_text(out, "chain.state", states[self->state]);
    wire_figure_text(out, "chain.role", role_text(self));
    wire_figure_number(out, "chain.epoch", self->view.epoch);
    wire_figure_number(out, "chain.members", self->view.count);
    if (self->place >= 0)
        wire_figure_number(out, "chain.position", (uint64_t)self->place);
    wire_figure_number(out, "chain.whole", self->whole && self->place >= 0);
    wire_figure_number(out, "chain.lost", self->lost_since != 0);
    wire_figure_number(out, "chain.serves_reads", self->told_reads);
    wire_figure_number(out, "chain.last_slot", self->last);
    wire_figure_number(out, "chain.unpassed_slots",
                       self->last > self->taken ? self->last - self->taken : 0);
    wire_figure_number(out, "chain.unacknowledged_slots", self->last - self->acked);
    wire_figure_number(out, "chain.owed_bytes", self->owed_bytes);
    smr_counters_figures(&self->counters, "proposer", out);
}

static void forwarder_destroy(void *role)
{
    struct forwarder *self = role;
    chain_slots_empty(self);
    smr_calls_free(&self->submits);
    smr_calls_free(&self->reads);
    smr_calls_free(&self->dirty);
    smr_calls_free(&self->asking);
    free(self);
}

static const struct smr_role_ops forwarder_ops = {
    .name = "forwarder",
    .receive = forwarder_receive,
    .settle = forwarder_settle,
    .wake = forwarder_wake,
    .leave = forwarder_leave,
    .left = forwarder_left,
    .deadline = forwarder_deadline,
    .figures = forwarder_figures,
    .destroy = forwarder_destroy,
};

struct smr_role smr_forwarder_new(const struct smr_config *config,
                                  uint64_t (*subject)(struct span body))
{
    struct forwarder *self = wire_calloc(1, sizeof *self);
    self->self = config->self;
    self->self.role = WIRE_ROLE_PROPOSER;
    self->replica_count = config->replica_count;
    self->timing = config->timing;
    self->subject = subject;
    self->place = -1;
    self->ask_deadline = WIRE_NEVER;
    smr_peers_init(&self->peers, config);
    return (struct smr_role){.ops = &forwarder_ops, .self = self};
}

static const struct forwarder *state_of(struct smr_role forwarder)
{
    assert(forwarder.ops == &forwarder_ops);
    return forwarder.self;
}

const struct smr_counters *smr_forwarder_counters(struct smr_role forwarder)
{
    return &state_of(forwarder)->counters;
}

bool smr_forwarder_is_head(struct smr_role forwarder)
{
    const struct forwarder *self = state_of(forwarder);
    return self->state == FORWARDER_ACTIVE && forwarder_is_head(self);
}

bool smr_forwarder_is_tail(struct smr_role forwarder)
{
    const struct forwarder *self = state_of(forwarder);
    return self->state == FORWARDER_ACTIVE && forwarder_is_tail(self);
}

bool smr_forwarder_serves(struct smr_role forwarder, wire_time now)
{
    return chain_reads_are_served(state_of(forwarder), now);
}

uint64_t smr_forwarder_epoch(struct smr_role forwarder)
{
    return state_of(forwarder)->view.epoch;
}

const struct wire_chain *smr_forwarder_view(struct smr_role forwarder)
{
    return &state_of(forwarder)->view;
}
