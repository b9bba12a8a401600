/* The role: states, what comes in, who is told. */
#include "smr/paxos/proposer_state.h"

#include <stdlib.h>
#include "wire/batch.h"
#include "wire/figures.h"

static_assert((PROPOSER_ROUNDS & (PROPOSER_ROUNDS - 1)) == 0, "index by mask");

/* --- states --------------------------------------------------------------------------------------- */

struct wire_message *proposer_send(struct proposer *self, struct smr_out *out, enum wire_type type,
                                   enum wire_role to, wire_replica replica)
{
    return smr_out_send(out, SMR_SEND, &self->self, type, to, replica);
}

void proposer_enter(struct proposer *self, enum proposer_state state)
{
    static const bool allowed[PROPOSER_STATES][PROPOSER_STATES] = {
        [PROPOSER_FOLLOWING] = {[PROPOSER_FOLLOWING] = true, [PROPOSER_ASKING] = true},
        [PROPOSER_ASKING] = {[PROPOSER_FOLLOWING] = true, [PROPOSER_CLAIMING] = true},
        [PROPOSER_CLAIMING] = {[PROPOSER_FOLLOWING] = true, [PROPOSER_PREPARING] = true},
        [PROPOSER_PREPARING] = {[PROPOSER_FOLLOWING] = true, [PROPOSER_LEADING] = true},
        [PROPOSER_LEADING] = {[PROPOSER_FOLLOWING] = true, [PROPOSER_YIELDING] = true},
        [PROPOSER_YIELDING] = {[PROPOSER_FOLLOWING] = true},
    };
    assert(allowed[self->state][state]);
    self->state = state;
}

struct proposal *proposer_place(struct proposer *self, wire_slot slot)
{
    struct proposal *p = &self->ring[slot & (WIRE_RING_SLOTS - 1)];
    if (p->slot != slot) {
        buf_unref(&p->batch);
        memset(p, 0, sizeof *p);
        p->slot = slot;
    }
    return p;
}

void proposer_empty_ring(struct proposer *self)
{
    for (size_t i = 0; i < WIRE_RING_SLOTS; i++) {
        buf_unref(&self->ring[i].batch);
        self->ring[i].slot = 0;
    }
}

void proposer_tell_api(struct proposer *self, wire_time now, bool answering, struct smr_out *out)
{
    struct wire_message *m = proposer_send(self, out, WIRE_MESSAGE_LEADERSHIP, WIRE_ROLE_API,
                                           self->self.replica);
    m->leadership.leading = self->state == PROPOSER_LEADING;
    m->leadership.ballot = self->state == PROPOSER_LEADING ? self->ballot
                           : ballot_is_none(self->leader)  ? hand_over_hint(self)
                                                           : self->leader;
    m->leadership.answering = answering;
    m->leadership.why = (uint8_t)self->loss;
    self->told_at = now;
}

static void refuse(struct proposer *self, uint64_t tag, enum wire_status status,
                   struct smr_out *out)
{
    struct wire_message *m = proposer_send(self, out, WIRE_MESSAGE_REFUSED, WIRE_ROLE_API,
                                           self->self.replica);
    m->refused.tag = tag;
    m->refused.status = (uint8_t)status;
    if (status == WIRE_STATUS_FULL)
        self->counters.refused_full++;
    else
        self->counters.refused++;
}

void proposer_refuse_all(struct proposer *self, struct smr_calls *queue, enum wire_status status,
                         struct smr_out *out)
{
    while (queue->count > 0) {
        struct smr_call call = smr_calls_pop(queue);
        refuse(self, call.tag, status, out);
        buf_unref(&call.body);
    }
}

/* How long a silence from `since` on is borne. */
static void draw_silence(struct proposer *self, wire_time since)
{
    wire_time spread = self->timing.silence_max - self->timing.silence_min;
    self->deadline = since + self->timing.silence_min +
                     (wire_time)wire_random_below(&self->random, (uint64_t)spread);
    self->wondering = false;
}

/* A campaign that came to nothing is repeated sooner than a silence: asking disturbs nobody. */
static void draw_retry(struct proposer *self, wire_time now)
{
    self->deadline = now + self->timing.heartbeat +
                     (wire_time)wire_random_below(&self->random, (uint64_t)self->timing.ask);
    self->wondering = false;
}

/* What was not proposed is refused first: that is definite, and says where to go instead. What was is in
 * doubt, unless all of it is known chosen: then the applier answers it. */
static void end_leadership(struct proposer *self, wire_time now, bool all_chosen,
                           struct smr_out *out)
{
    if (!ballot_less(self->ballot, self->leader))
        self->leader = (struct wire_ballot){0};
    proposer_tell_api(self, now, true, out);
    proposer_refuse_all(self, &self->submits, WIRE_STATUS_NOT_LEADER, out);
    reads_drop(self, out);
    if (!all_chosen)
        proposer_tell_api(self, now, false, out);
    bool succeeded = self->hand.wanted == WIRE_NO_REPLICA
                         ? !ballot_is_none(self->leader)
                         : self->leader.replica == self->hand.wanted;
    hand_over_end(self, succeeded ? WIRE_ADMIN_DONE : WIRE_ADMIN_FAILED, out);
}

void proposer_become_following(struct proposer *self, wire_time now, struct smr_out *out)
{
    bool led = self->state >= PROPOSER_LEADING;
    /* An applier that is fed by a thread which waits for its disk answers nothing soon. */
    bool all_chosen = self->state == PROPOSER_YIELDING && self->rounds == 0 &&
                      self->hand.why != WIRE_LOSS_STALLED;
    proposer_enter(self, PROPOSER_FOLLOWING);
    if (led)
        draw_silence(self, now);
    else
        draw_retry(self, now);
    self->resend_deadline = WIRE_NEVER;
    self->heartbeat_deadline = WIRE_NEVER;
    proposer_empty_ring(self);
    if (led)
        end_leadership(self, now, all_chosen, out);
}

void proposer_note_loss(struct proposer *self, wire_time now, enum wire_loss why)
{
    static const enum smr_event_name events[WIRE_LOSS_COUNT] = {
        [WIRE_LOSS_BALLOT] = SMR_EVENT_BEATEN,   [WIRE_LOSS_MAJORITY] = SMR_EVENT_ABANDONED,
        [WIRE_LOSS_DAMAGE] = SMR_EVENT_UNFIT,    [WIRE_LOSS_ORDER] = SMR_EVENT_ORDERED,
        [WIRE_LOSS_ENDING] = SMR_EVENT_ENDING,   [WIRE_LOSS_STALLED] = SMR_EVENT_STALLED,
        [WIRE_LOSS_FULL] = SMR_EVENT_FULL,
    };
    self->loss = why;
    smr_events_add_ballot(&self->events, now, events[why], self->ballot);
}

void proposer_give_up(struct proposer *self, wire_time now, enum wire_loss why,
                      struct smr_out *out)
{
    if (self->state == PROPOSER_FOLLOWING)
        return;
    if (self->state == PROPOSER_LEADING) {
        self->counters.step_downs++;
        proposer_note_loss(self, now, why);
    }
    proposer_become_following(self, now, out);
}

/* Nobody was heard yet in this life. A lone replica need not wait for anybody; the others wait less
 * than a full silence, since asking first keeps them from disturbing a leader. */
static void draw_first(struct proposer *self, wire_time now)
{
    draw_silence(self, now - self->timing.silence_min * 4 / 5);
    if (self->replica_count == 1) {
        self->deadline = now;
        self->wondering = true;
    }
}

/* --- input ---------------------------------------------------------------------------------------- */

static void see_round(struct proposer *self, uint64_t round)
{
    if (round > self->round_seen)
        self->round_seen = round;
}

/* A leader was heard at `heard_at`: its silence counts from then. */
static void hear_leader(struct proposer *self, wire_time now, wire_time heard_at,
                        struct wire_ballot leader, struct smr_out *out)
{
    if (leader.replica == self->self.replica || heard_at + self->timing.silence_min <= now)
        return;
    bool beaten = self->state != PROPOSER_FOLLOWING && ballot_less(self->ballot, leader);
    if (beaten || self->state == PROPOSER_ASKING)
        proposer_give_up(self, now, WIRE_LOSS_BALLOT, out); /* the old leader is there after all, or
                                                               a newer one */
    if (self->state == PROPOSER_FOLLOWING)
        draw_silence(self, heard_at);
}

/* Whether a promise to somebody else ends what this replica is about. One that yields waits for a leader,
 * not for a candidate. */
static bool is_beaten(const struct proposer *self, struct wire_ballot promised)
{
    return self->state >= PROPOSER_CLAIMING && self->state != PROPOSER_YIELDING &&
           ballot_less(self->ballot, promised);
}

static void receive_heard(struct proposer *self, wire_time now, const struct wire_message *m,
                          struct smr_out *out)
{
    if (m->sender.replica != self->self.replica)
        return;
    if (!self->attached) {
        self->attached = true;
        self->resend_deadline = WIRE_NEVER;
        draw_first(self, now);
    }
    see_round(self, m->heard.promised.round);
    see_round(self, m->heard.leader.round);
    self->fit = m->heard.fit;
    self->full = m->heard.full;
    if (!self->fit)
        proposer_give_up(self, now, WIRE_LOSS_DAMAGE, out);
    if (is_beaten(self, m->heard.promised))
        proposer_give_up(self, now, WIRE_LOSS_BALLOT, out);
    bool led = self->state >= PROPOSER_LEADING;
    bool news = ballot_less(self->leader, m->heard.leader);
    if (m->heard.leader.replica != self->self.replica && news) {
        self->leader = m->heard.leader;
        smr_events_add_ballot(&self->events, now, SMR_EVENT_FOLLOWS, self->leader);
    }
    hear_leader(self, now, now - (wire_time)m->heard.heard_ago, m->heard.leader, out);
    if (self->state == PROPOSER_FOLLOWING && !led && (news || now - self->told_at >= WIRE_SECOND))
        proposer_tell_api(self, now, false, out);
}

static void receive_nack(struct proposer *self, wire_time now, const struct wire_message *m,
                         struct smr_out *out)
{
    see_round(self, m->nack.promised.round);
    bool about_us = ballot_equal(m->nack.ballot, self->ballot) &&
                    self->state >= PROPOSER_CLAIMING;
    if (!about_us) {
        self->counters.stale_votes++;
        return;
    }
    if (is_beaten(self, m->nack.promised))
        proposer_give_up(self, now, WIRE_LOSS_BALLOT, out);
    /* Else the acceptor is too far behind for that slot; it catches up and is sent it again. */
}

/* at: when the API took it. */
static void receive_call(struct proposer *self, wire_time now, const struct wire_message *m,
                         struct smr_out *out)
{
    bool reads = m->type == WIRE_MESSAGE_READ;
    uint64_t tag = reads ? m->read.tag : m->submit.tag;
    uint64_t at = reads ? m->read.at : m->submit.at;
    struct smr_call call = {.tag = tag, .since = now, .body = m->payload};
    if (self->state < PROPOSER_LEADING) {
        refuse(self, tag, WIRE_STATUS_NOT_LEADER, out);
        return;
    }
    if (at != 0)
        wire_histogram_add(&self->api_us, now - (wire_time)at);
    if (reads && self->chosen < self->opening_slot)
        self->counters.reads_held++;
    smr_calls_push(reads ? &self->reads : &self->submits, &call);
}

/* Every answer tells how far the acceptor is; of the own one a later campaign needs to know. */
static void note_own_chosen(struct proposer *self, const struct wire_message *m)
{
    wire_slot chosen = m->type == WIRE_MESSAGE_ASKED           ? m->asked.chosen
                       : m->type == WIRE_MESSAGE_ACCEPTED      ? m->accepted.chosen
                       : m->type == WIRE_MESSAGE_HEARTBEAT_ACK ? m->heartbeat_ack.chosen
                       : m->type == WIRE_MESSAGE_HEARD         ? m->heard.chosen
                       : m->type == WIRE_MESSAGE_SUCCEED       ? m->succeed.chosen
                                                               : 0;
    if (m->sender.replica == self->self.replica && chosen > self->own_chosen)
        self->own_chosen = chosen;
}

static void receive_from_acceptor(struct proposer *self, wire_time now,
                                  const struct wire_message *m, struct smr_out *out)
{
    switch (m->type) {
    case WIRE_MESSAGE_HEARD:
        receive_heard(self, now, m, out);
        break;
    case WIRE_MESSAGE_ASKED:
        see_round(self, m->asked.promised.round);
        election_receive_asked(self, now, m, out);
        break;
    case WIRE_MESSAGE_PROMISE:
        election_receive_promise(self, now, m, out);
        break;
    case WIRE_MESSAGE_ACCEPTED:
        leading_receive_accepted(self, now, m, out);
        break;
    case WIRE_MESSAGE_HEARTBEAT_ACK:
        leading_receive_ack(self, now, m, out);
        break;
    case WIRE_MESSAGE_NACK:
        receive_nack(self, now, m, out);
        break;
    case WIRE_MESSAGE_RELEASED:
        hand_over_receive_released(self, now, m, out);
        break;
    case WIRE_MESSAGE_SUCCEED:
        hand_over_receive_succeed(self, now, m, out);
        break;
    case WIRE_MESSAGE_FILL:
        leading_receive_fill(self, m);
        break;
    default:
        self->counters.senseless_messages++;
    }
}

static void proposer_receive(void *role, wire_time now, const struct wire_message *m,
                             struct smr_out *out)
{
    struct proposer *self = role;
    if (m->type == WIRE_MESSAGE_SUBMIT || m->type == WIRE_MESSAGE_READ ||
        m->type == WIRE_MESSAGE_ADMIN) {
        assert(m->sender.role == WIRE_ROLE_API && m->sender.replica == self->self.replica);
        if (m->type == WIRE_MESSAGE_ADMIN)
            hand_over_receive_order(self, now, m, out);
        else
            receive_call(self, now, m, out);
        return;
    }
    if (!smr_peers_admit(&self->peers, &m->sender, &self->counters))
        return;
    if (m->sender.role != WIRE_ROLE_ACCEPTOR) {
        self->counters.senseless_messages++;
        return;
    }
    if (!births_admit(self, now, m, out))
        return;
    note_own_chosen(self, m);
    receive_from_acceptor(self, now, m, out);
}

static void proposer_settle(void *role, wire_time now, struct smr_out *out)
{
    struct proposer *self = role;
    if (self->state >= PROPOSER_LEADING)
        leading_settle(self, now, out);
}

/* --- time ----------------------------------------------------------------------------------------- */

static void attach(struct proposer *self, wire_time now, struct smr_out *out)
{
    proposer_send(self, out, WIRE_MESSAGE_ATTACH, WIRE_ROLE_ACCEPTOR, self->self.replica);
    self->resend_deadline = now + self->timing.resend;
}

/* Not even its own acceptor has heard the leader lately. Once per leader, however often it is asked for
 * in vain. */
static void note_silence(struct proposer *self, wire_time now)
{
    const struct smr_event *last = smr_events_last(&self->events);
    if (!ballot_is_none(self->leader) && (last == NULL || last->name != SMR_EVENT_SUSPECTS ||
                                          !ballot_equal(last->ballot, self->leader)))
        smr_events_add_ballot(&self->events, now, SMR_EVENT_SUSPECTS, self->leader);
}

/* Following: the silence is over. The own acceptor, which hears every heartbeat, is asked first and
 * given a moment to say so; then the others are. Campaigning: it came to nothing. */
static void reach_deadline(struct proposer *self, wire_time now, struct smr_out *out)
{
    if (self->state != PROPOSER_FOLLOWING) {
        proposer_become_following(self, now, out);
    } else if (self->leaving) {
        self->deadline = WIRE_NEVER;
    } else if (!self->wondering || !self->fit) {
        self->wondering = true;
        self->deadline = now + self->timing.heartbeat / 2;
        proposer_send(self, out, WIRE_MESSAGE_ATTACH, WIRE_ROLE_ACCEPTOR, self->self.replica);
    } else {
        note_silence(self, now);
        election_begin(self, now, out);
    }
}

static void proposer_wake(void *role, wire_time now, struct smr_out *out)
{
    struct proposer *self = role;
    if (!self->attached) {
        if (now >= self->resend_deadline)
            attach(self, now, out);
        return;
    }
    if (now >= self->hand.deadline)
        hand_over_wake(self, now, out);
    if (self->state == PROPOSER_LEADING) {
        leading_wake(self, now, out);
    } else if (self->state == PROPOSER_YIELDING) {
        if (now >= self->resend_deadline)
            hand_over_resend(self, now, out);
    } else if (now >= self->deadline) {
        reach_deadline(self, now, out);
    } else if (now >= self->resend_deadline) {
        election_resend(self, now, out);
    }
}

static wire_time proposer_deadline(const void *role)
{
    const struct proposer *self = role;
    if (!self->attached)
        return self->resend_deadline;
    wire_time first = self->resend_deadline < self->hand.deadline ? self->resend_deadline
                                                                   : self->hand.deadline;
    wire_time own = self->deadline;
    if (self->state == PROPOSER_LEADING)
        own = self->own_due < self->heartbeat_deadline ? self->own_due : self->heartbeat_deadline;
    return self->state != PROPOSER_YIELDING && own < first ? own : first;
}

static void proposer_leave(void *role, wire_time now, struct smr_out *out)
{
    hand_over_leave(role, now, out);
}

static bool proposer_left(const void *role)
{
    const struct proposer *self = role;
    return self->leaving && self->state == PROPOSER_FOLLOWING;
}

/* --- the role ------------------------------------------------------------------------------------- */

static void lease_figure(const struct proposer *self, wire_time now, struct wire_writer *out)
{
    wire_time left = self->state == PROPOSER_LEADING ? reads_lease_end(self) - now : 0;
    wire_figure_number(out, "proposer.lease_left_us", left > 0 ? (uint64_t)left : 0);
}

static void proposer_figures(const void *role, wire_time now, struct wire_writer *out)
{
    static const char *const states[] = {"following", "asking",  "claiming",
                                         "preparing", "leading", "yielding"};
    const struct proposer *self = role;
    bool leading = self->state == PROPOSER_LEADING;
    struct wire_ballot leader = leading ? self->ballot : self->leader;
    wire_figure_text(out, "proposer.state", states[self->state]);
    if (self->loss != WIRE_LOSS_NONE)
        wire_figure_text(out, "proposer.last_loss", wire_loss_text(self->loss));
    wire_figure_number(out, "proposer.replica_count", self->replica_count);
    wire_figure_number(out, "proposer.full", leading && disk_has_no_room(self));
    wire_figure_number(out, "proposer.commit_outstanding_us",
                       leading ? (uint64_t)disk_stalls(self, now) : 0);
    wire_figure_number(out, "proposer.leader_round", leader.round);
    if (!ballot_is_none(leader))
        wire_figure_number(out, "proposer.leader_replica", leader.replica);
    wire_figure_number(out, "proposer.chosen_slot", leading ? self->chosen : self->own_chosen);
    wire_figure_number(out, "proposer.rounds_in_flight", self->rounds);
    wire_figure_number(out, "proposer.queued_commands", self->submits.count);
    wire_figure_text(out, "proposer.reads", self->leases ? "lease" : "index");
    wire_figure_number(out, "proposer.heartbeat_number", self->heartbeat_number);
    wire_figure_number(out, "proposer.queued_reads", self->reads.count + self->confirming.count);
    if (self->leases)
        lease_figure(self, now, out);
    smr_counters_figures(&self->counters, "proposer", out);
    wire_histogram_figures(&self->api_us, "stage.api_us", out);
    wire_histogram_figures(&self->queue_us, "stage.queue_us", out);
    wire_histogram_figures(&self->quorum_us, "stage.quorum_us", out);
    wire_histogram_figures(&self->confirm_us, "stage.confirm_us", out);
    smr_events_figures(&self->events, "proposer", now, out);
}

static void proposer_destroy(void *role)
{
    struct proposer *self = role;
    proposer_empty_ring(self);
    smr_calls_free(&self->submits);
    smr_calls_free(&self->reads);
    smr_calls_free(&self->confirming);
    buf_unref(&self->opening);
    free(self);
}

static const struct smr_role_ops proposer_ops = {
    .name = "proposer",
    .receive = proposer_receive,
    .settle = proposer_settle,
    .wake = proposer_wake,
    .deadline = proposer_deadline,
    .leave = proposer_leave,
    .left = proposer_left,
    .figures = proposer_figures,
    .destroy = proposer_destroy,
};

static struct buf *encode_opening(struct span body)
{
    struct wire_command command = {.kind = WIRE_CALL_PLAIN, .body = body};
    struct wire_writer out = {0};
    wire_command_encode(&command, &out);
    struct buf *entry = wire_writer_take(&out);
    wire_writer_free(&out);
    return entry;
}

struct smr_role smr_proposer_new(const struct smr_config *config)
{
    struct proposer *self = wire_calloc(1, sizeof *self);
    self->self = config->self;
    self->self.role = WIRE_ROLE_PROPOSER;
    self->replica_count = config->replica_count;
    self->timing = config->timing;
    self->random.state = config->seed;
    self->leases = config->reads == SMR_READS_LEASE;
    self->opening = config->opening.size == 0 ? NULL : encode_opening(config->opening);
    self->heartbeat_deadline = WIRE_NEVER;
    self->hand = hand_over_none();
    smr_peers_init(&self->peers, config);
    return (struct smr_role){.ops = &proposer_ops, .self = self};
}

static const struct proposer *state_of(struct smr_role proposer)
{
    assert(proposer.ops == &proposer_ops);
    return proposer.self;
}

const struct smr_counters *smr_proposer_counters(struct smr_role proposer)
{
    return &state_of(proposer)->counters;
}

bool smr_proposer_leads(struct smr_role proposer)
{
    return state_of(proposer)->state == PROPOSER_LEADING;
}

bool smr_proposer_holds_lease(struct smr_role proposer, wire_time now)
{
    const struct proposer *self = state_of(proposer);
    return self->leases && reads_holds_lease(self, now);
}

struct wire_ballot smr_proposer_ballot(struct smr_role proposer)
{
    return state_of(proposer)->ballot;
}

unsigned smr_proposer_promises(struct smr_role proposer)
{
    const struct proposer *self = state_of(proposer);
    unsigned bits = 0;
    for (wire_replica i = 0; i < self->replica_count; i++)
        bits |= (unsigned)self->acceptors[i].promised << i;
    return bits;
}
