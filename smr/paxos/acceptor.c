/* Input from proposers: Phase 1b and 2b of the paper, and heartbeats. Every answer that counts for anything
 * names the births this acceptor knows: see acceptor_birth.c. */
#include "smr/paxos/acceptor_state.h"

#include <inttypes.h>
#include <stdlib.h>
#include "smr/chain/keeper.h"
#include "smr/snapshot.h"
#include "wire/batch.h"
#include "wire/figures.h"

#define REFUSAL_EVERY (1 * WIRE_SECOND) /* said of pieces of snapshots that do not fit */

struct wire_message *acceptor_answer(struct acceptor *self, struct smr_out *out,
                                     enum smr_effect_kind kind, enum wire_type type,
                                     const struct wire_message *to)
{
    return smr_out_send(out, kind, &self->self, type, to->sender.role, to->sender.replica);
}

/* Can all that is chosen be read and applied here? A chain's forwarder claims to hold everything as soon as
 * it hears so, and waits until the applier has said what it has. */
static bool is_fit(const struct acceptor *self)
{
    return self->damaged == 0 && self->votes && !self->stateless &&
           (!self->chain || self->applier_attached);
}

void acceptor_tell_proposer(struct acceptor *self, wire_time now, struct smr_out *out)
{
    /* What a chain's forwarder counts as held must be durable. */
    struct wire_message *m =
        smr_out_send(out, self->chain ? SMR_SEND_DURABLE : SMR_SEND, &self->self,
                     WIRE_MESSAGE_HEARD, WIRE_ROLE_PROPOSER, self->self.replica);
    m->heard.leader = self->leader;
    m->heard.promised = self->hard.promised;
    m->heard.chosen = self->hard.chosen;
    m->heard.heard_ago = (uint64_t)(now - self->leader_heard);
    m->heard.fit = is_fit(self);
    m->heard.standing = (uint8_t)birth_standing(self);
    m->heard.wanted = self->wanted;
    m->heard.full = self->full;
}

/* The one place where the promised ballot changes. */
void acceptor_promise(struct acceptor *self, struct wire_ballot ballot, struct smr_out *out)
{
    assert(ballot_less(self->hard.promised, ballot));
    self->hard.promised = ballot;
    acceptor_put_state(self, out);
}

void acceptor_nack(struct acceptor *self, const struct wire_message *m, struct wire_ballot ballot,
                   wire_slot slot, struct smr_out *out)
{
    struct wire_message *n = acceptor_answer(self, out, SMR_SEND, WIRE_MESSAGE_NACK, m);
    n->nack.ballot = ballot;
    n->nack.promised = self->hard.promised;
    n->nack.slot = slot;
    n->nack.chosen = self->hard.chosen;
    self->counters.nacks++;
}

/* A leader of `ballot` spoke, and nothing higher was promised. The own proposer is told of a new one;
 * whether an old one is still heard it asks when it begins to wonder. */
void acceptor_hear_leader(struct acceptor *self, wire_time now, struct wire_ballot ballot,
                          struct smr_out *out)
{
    self->leader_heard = now;
    if (!ballot_less(self->leader, ballot))
        return;
    self->leader = ballot;
    self->chosen_at = 0;
    if (ballot.replica != self->self.replica)
        acceptor_tell_proposer(self, now, out);
}

static void receive_ask(struct acceptor *self, wire_time now, const struct wire_message *m,
                        struct smr_out *out)
{
    enum wire_verdict verdict = WIRE_VERDICT_YES;
    if (!ballot_less(self->hard.promised, m->ask.ballot))
        verdict = WIRE_VERDICT_PROMISED;
    else if (lease_leader_lives(self, now, m->ask.ballot.replica))
        verdict = WIRE_VERDICT_LEADER_LIVES;
    else if (m->sender.replica != self->self.replica &&
             self->hard.chosen > m->ask.chosen + WIRE_WINDOW_SLOTS)
        verdict = WIRE_VERDICT_BEHIND;
    struct wire_message *n = acceptor_answer(self, out, SMR_SEND, WIRE_MESSAGE_ASKED, m);
    n->asked.ballot = m->ask.ballot;
    n->asked.verdict = (uint8_t)verdict;
    n->asked.promised = self->hard.promised;
    n->asked.chosen = self->hard.chosen;
    n->asked.births = birth_generations(self);
}

/* Phase 1b, a chunk of it: the same Prepare with a larger `from` gets the next one. What was accepted
 * below this ballot can no longer change, so the chunks are of one state. */
static void receive_prepare(struct acceptor *self, wire_time now, const struct wire_message *m,
                            struct smr_out *out)
{
    struct wire_ballot ballot = m->prepare.ballot;
    if (ballot_less(ballot, self->hard.promised)) {
        acceptor_nack(self, m, ballot, 0, out);
        return;
    }
    if (lease_binds(self, now, ballot.replica)) {
        self->counters.leases_kept++;
        acceptor_nack(self, m, ballot, 0, out); /* it asks again, and by then the lease may be over */
        return;
    }
    wire_slot from = m->prepare.from;
    bool damaged;
    wire_slot through = acceptor_list(self, from, self->highest, false, &damaged, out);
    if (damaged)
        return; /* a damaged vote was a vote: without it no promise can be told in full */
    if (ballot_less(self->hard.promised, ballot)) {
        self->counters.promises++;
        acceptor_promise(self, ballot, out);
        if (ballot.replica != self->self.replica)
            acceptor_tell_proposer(self, now, out);
    }
    struct wire_message *n = acceptor_answer(self, out, SMR_SEND_DURABLE, WIRE_MESSAGE_PROMISE, m);
    n->promise.ballot = ballot;
    n->promise.from = from;
    n->promise.through = through;
    n->promise.last = through >= self->highest;
    n->promise.damaged = false;
    n->promise.chosen = self->hard.chosen;
    n->promise.cut = self->hard.cut;
    n->promise.births = birth_generations(self);
    n->payload = wire_writer_take(&self->scratch);
}

static void send_accepted(struct acceptor *self, const struct wire_message *m,
                          struct smr_out *out)
{
    struct wire_message *n = acceptor_answer(self, out, SMR_SEND_DURABLE, WIRE_MESSAGE_ACCEPTED, m);
    n->accepted.ballot = m->accept.ballot;
    n->accepted.slot = m->accept.slot;
    n->accepted.chosen = self->hard.chosen;
    n->accepted.births = birth_generations(self);
}

/* Phase 2b. */
static void accept(struct acceptor *self, const struct wire_message *m, struct smr_out *out)
{
    const struct smr_log_entry *have;
    enum wire_error error = acceptor_slot(self, m->accept.slot, &have, out);
    if (error == WIRE_FAILED)
        return;
    bool same = error == WIRE_OK && wire_batch_checksum(buf_span(have->batch)) ==
                                        wire_batch_checksum(buf_span(m->payload));
    if (error == WIRE_OK && (have->learned || ballot_equal(have->ballot, m->accept.ballot))) {
        /* One ballot proposes one value for a slot, and a chosen value is the only one. */
        if (!same) {
            self->counters.senseless_messages++;
            return;
        }
        self->counters.accepts_again++;
    } else {
        assert(error != WIRE_OK || ballot_less(have->ballot, m->accept.ballot));
        struct smr_log_entry entry = {
            .slot = m->accept.slot, .ballot = m->accept.ballot, .batch = m->payload};
        self->counters.accepts++;
        acceptor_store(self, &entry, out);
    }
    if (m->accept.chosen < m->accept.slot) /* else nobody counts votes for it any more */
        send_accepted(self, m, out);
}

static void receive_accept(struct acceptor *self, wire_time now, const struct wire_message *m,
                           struct smr_out *out)
{
    struct wire_ballot ballot = m->accept.ballot;
    wire_slot slot = m->accept.slot;
    if (ballot_less(ballot, self->hard.promised)) {
        acceptor_nack(self, m, ballot, slot, out);
        return;
    }
    acceptor_hear_leader(self, now, ballot, out);
    if (slot <= self->hard.chosen) {
        /* Chosen here, so the value proposed again is the one this log has (2.1, P2). */
        self->counters.accepts_again++;
        send_accepted(self, m, out);
    } else if (slot > self->hard.chosen + WIRE_AHEAD_SLOTS || !acceptor_has_place(self, slot)) {
        self->counters.accepts_ahead++;
        acceptor_nack(self, m, ballot, slot, out);
    } else {
        if (ballot_less(self->hard.promised, ballot))
            acceptor_promise(self, ballot, out); /* accepting a ballot is promising it */
        accept(self, m, out);
    }
    learner_note_chosen(self, now, ballot, m->accept.chosen, out);
}

static void receive_heartbeat(struct acceptor *self, wire_time now, const struct wire_message *m,
                              struct smr_out *out)
{
    struct wire_ballot ballot = m->heartbeat.ballot;
    if (ballot_less(ballot, self->hard.promised)) {
        acceptor_nack(self, m, ballot, 0, out);
        return;
    }
    acceptor_hear_leader(self, now, ballot, out);
    lease_grant(self, now, ballot);
    learner_note_chosen(self, now, ballot, m->heartbeat.chosen, out);
    struct wire_message *n = acceptor_answer(self, out, SMR_SEND, WIRE_MESSAGE_HEARTBEAT_ACK, m);
    n->heartbeat_ack.ballot = ballot;
    n->heartbeat_ack.round = m->heartbeat.round;
    n->heartbeat_ack.chosen = self->hard.chosen;
    n->heartbeat_ack.stored = self->stored < self->saved ? self->stored : self->saved;
    n->heartbeat_ack.ready = is_fit(self) && !self->full && now >= self->helps_after;
    n->heartbeat_ack.full = self->full;
    n->heartbeat_ack.births = birth_generations(self);
    if (m->heartbeat.safe > self->safe)
        self->safe = m->heartbeat.safe;
}

static void receive_choose(struct acceptor *self, wire_time now, const struct wire_message *m,
                           struct smr_out *out)
{
    if (m->sender.replica != self->self.replica)
        return;
    self->chosen_at = m->choose.at;
    learner_note_chosen(self, now, m->choose.ballot, m->choose.chosen, out);
}

/* --- the role ------------------------------------------------------------------------------------- */

/* Is the second frame what this type wants? Checked here once, trusted from then on. */
static bool payload_fits(const struct wire_message *m)
{
    switch (m->type) {
    case WIRE_MESSAGE_ACCEPT:
        return m->accept.slot > 0 && !ballot_is_none(m->accept.ballot) &&
               wire_batch_check(buf_span(m->payload)) == WIRE_OK;
    case WIRE_MESSAGE_PREPARE:
        return m->prepare.from > 0 && !ballot_is_none(m->prepare.ballot);
    case WIRE_MESSAGE_SNAPSHOT:
        return m->snapshot.checksum == smr_snapshot_checksum(m);
    default:
        return true;
    }
}

/* Of a snapshot people are told, since it is not just lost: whoever fetches it asks again. */
static void refuse_payload(struct acceptor *self, wire_time now, const struct wire_message *m,
                           struct smr_out *out)
{
    self->counters.senseless_messages++;
    if (m->type != WIRE_MESSAGE_SNAPSHOT || now < self->refusal_said + REFUSAL_EVERY)
        return;
    self->refusal_said = now;
    smr_out_say(out, false,
                "a piece of the snapshot of slot %" PRIu64 " from replica %u is refused: its checksum "
                "does not fit; it is asked for again",
                m->snapshot.snapshot, m->sender.replica);
}

/* A ballot speaks for the replica it names, and only that one's proposer may use it. */
static bool ballot_fits(const struct wire_message *m)
{
    switch (m->type) {
    case WIRE_MESSAGE_ASK:
        return m->ask.ballot.replica == m->sender.replica;
    case WIRE_MESSAGE_PREPARE:
        return m->prepare.ballot.replica == m->sender.replica;
    case WIRE_MESSAGE_ACCEPT:
        return m->accept.ballot.replica == m->sender.replica;
    case WIRE_MESSAGE_HEARTBEAT:
        return m->heartbeat.ballot.replica == m->sender.replica;
    case WIRE_MESSAGE_RELEASE:
        return m->release.ballot.replica == m->sender.replica;
    case WIRE_MESSAGE_SUCCEED:
        return m->succeed.ballot.replica == m->sender.replica;
    default:
        return true;
    }
}

static void receive_from_proposer(struct acceptor *self, wire_time now,
                                  const struct wire_message *m, struct smr_out *out)
{
    if (m->type == WIRE_MESSAGE_ATTACH) {
        acceptor_tell_proposer(self, now, out);
        return;
    }
    if (self->chain) {
        keeper_receive(self, now, m, out);
        return;
    }
    if (!self->votes) {
        birth_hear(self, now, m, out);
        return;
    }
    switch (m->type) {
    case WIRE_MESSAGE_ASK:
        receive_ask(self, now, m, out);
        break;
    case WIRE_MESSAGE_PREPARE:
        receive_prepare(self, now, m, out);
        break;
    case WIRE_MESSAGE_ACCEPT:
        receive_accept(self, now, m, out);
        break;
    case WIRE_MESSAGE_HEARTBEAT:
        receive_heartbeat(self, now, m, out);
        break;
    case WIRE_MESSAGE_RELEASE:
        lease_receive_release(self, now, m, out);
        break;
    case WIRE_MESSAGE_SUCCEED:
        lease_receive_succeed(self, m, out);
        break;
    case WIRE_MESSAGE_CHOOSE:
        receive_choose(self, now, m, out);
        break;
    case WIRE_MESSAGE_CATCH_UP:
        learner_receive_catch_up(self, now, m, out);
        break;
    default:
        self->counters.senseless_messages++;
    }
}

static void receive_from_peer(struct acceptor *self, wire_time now, const struct wire_message *m,
                              struct smr_out *out)
{
    switch (m->type) {
    case WIRE_MESSAGE_LEARN:
        learner_receive_learn(self, now, m, out);
        break;
    case WIRE_MESSAGE_LEARNED:
        learner_receive_learned(self, now, m, out);
        break;
    case WIRE_MESSAGE_BIRTH_KNOWN:
        birth_receive_known(self, now, m, out);
        break;
    case WIRE_MESSAGE_SNAPSHOT:
    case WIRE_MESSAGE_SNAPSHOT_DENIED:
        learner_relay_answer(self, m, out);
        break;
    default:
        self->counters.senseless_messages++;
    }
}

/* Not from the proposer, which is taken for one like the others. True: it was one of these. */
static bool receive_from_sibling(struct acceptor *self, wire_time now, const struct wire_message *m,
                                 struct smr_out *out)
{
    switch (m->type) {
    case WIRE_MESSAGE_APPLIED:
        assert(m->sender.replica == self->self.replica);
        learner_receive_applied(self, now, m, out);
        return true;
    case WIRE_MESSAGE_SNAPSHOT_ASK:
        assert(m->sender.replica == self->self.replica);
        learner_relay_ask(self, m, out);
        return true;
    case WIRE_MESSAGE_STREAMING:
        assert(m->sender.replica == self->self.replica);
        learner_receive_streaming(self, now, m);
        return true;
    default:
        return false;
    }
}

/* A streamer sends what is chosen, from whatever disk and life; and when a manager's acceptor learns which
 * disk it has, its streamer is not told. */
static bool is_let_in(struct acceptor *self, const struct wire_message *m)
{
    return m->type == WIRE_MESSAGE_SNAPSHOT || m->type == WIRE_MESSAGE_SNAPSHOT_DENIED ||
           smr_peers_admit(&self->peers, &m->sender, &self->counters);
}

static void acceptor_receive(void *role, wire_time now, const struct wire_message *m,
                             struct smr_out *out)
{
    struct acceptor *self = role;
    if (receive_from_sibling(self, now, m, out))
        return;
    if (!smr_peers_belongs(&self->peers, &m->sender, &self->counters))
        return;
    if (m->type == WIRE_MESSAGE_BIRTH) { /* from a disk that nobody may know: that is the question */
        birth_receive(self, m, out);
        return;
    }
    if (!is_let_in(self, m)) {
        birth_refuse(self, m, out);
        return;
    }
    if (!payload_fits(m) || (!self->chain && !ballot_fits(m)))
        refuse_payload(self, now, m, out);
    else if (m->sender.role == WIRE_ROLE_PROPOSER)
        receive_from_proposer(self, now, m, out);
    else
        receive_from_peer(self, now, m, out);
}

/* Being far behind the others begins and ends here, as far as people are told. */
static void note_distance(struct acceptor *self, wire_time now)
{
    wire_slot gap = self->bar_heard > self->hard.chosen ? self->bar_heard - self->hard.chosen : 0;
    if (self->behind_from == 0 && gap > 2 * WIRE_WINDOW_SLOTS) {
        self->behind_from = self->hard.chosen + 1;
        smr_events_add_number(&self->events, now, SMR_EVENT_BEHIND, gap);
    } else if (self->behind_from != 0 && gap <= WIRE_WINDOW_SLOTS) {
        self->behind_from = 0;
        smr_events_add_number(&self->events, now, SMR_EVENT_CAUGHT_UP, self->hard.chosen);
    }
}

static void acceptor_settle(void *role, wire_time now, struct smr_out *out)
{
    struct acceptor *self = role;
    birth_settle(self, now, out);
    if (self->put_this_round || self->full) /* cutting makes room */
        acceptor_cut(self, now, out);
    if (self->state_dirty && self->put_this_round)
        acceptor_put_state(self, out); /* rides along in a commit that happens anyway */
    self->put_this_round = false;
    note_distance(self, now);
    learner_feed(self, now, out);
    if (self->chain)
        keeper_settle(self, now, out);
}

static void acceptor_durable(void *role, wire_time now, struct smr_out *out)
{
    struct acceptor *self = role;
    self->durable_puts = self->puts;
    self->stored = self->put_chosen;
    birth_durable(self, now, out);
}

/* The proposer is who refuses calls; what this acceptor is asked to store it puts all the same. */
static void acceptor_room(void *role, wire_time now, bool enough, struct smr_out *out)
{
    struct acceptor *self = role;
    self->full = !enough;
    acceptor_tell_proposer(self, now, out);
}

static void load(struct acceptor *self, wire_time now, struct smr_out *out)
{
    self->loaded = true;
    if (self->replica_count > 1 && !self->chain) /* alone, whoever held a lease is gone with the same process */
        self->helps_after = now + smr_lease_granted(SMR_LEASE_MAX);
    enum wire_error error =
        self->log.ops->load(self->log.self, &self->hard, &self->highest);
    if (error != WIRE_OK)
        smr_out_die(out, error,
                    error == WIRE_DAMAGED ? "the hard state is damaged: this replica cannot know "
                                            "what it promised and must not vote"
                                          : "the log cannot be read");
    if (self->hard.chosen > self->highest)
        self->highest = self->hard.chosen;
    self->cache_low = self->highest + 1;
    self->bar_heard = self->hard.chosen;
    self->stored = self->put_chosen = self->hard.chosen;
    self->curious = self->replica_count > 1 && self->hard.chosen > 0;
    self->curious_at = self->curious ? now + self->timing.resend / 8 : WIRE_NEVER;
    birth_load(self);
}

static void acceptor_wake(void *role, wire_time now, struct smr_out *out)
{
    struct acceptor *self = role;
    if (!self->loaded)
        load(self, now, out);
    birth_wake(self, now, out);
    learner_wake(self, now, out);
}

static wire_time acceptor_deadline(const void *role)
{
    const struct acceptor *self = role;
    wire_time first = self->birth_deadline;
    if (self->curious_at < first)
        first = self->curious_at;
    if (self->learn_deadline < first)
        first = self->learn_deadline;
    return self->feed_deadline < first ? self->feed_deadline : first;
}

static void behind_figures(const struct acceptor *self, struct wire_writer *out)
{
    wire_slot lacked = self->bar_heard + 1 - self->behind_from;
    wire_slot fetched = self->hard.chosen + 1 - self->behind_from;
    wire_figure_number(out, "acceptor.catch_up_percent", fetched * 100 / lacked);
    wire_figure_number(out, "acceptor.catch_up_slots", lacked - fetched);
}

static void acceptor_figures(const void *role, wire_time now, struct wire_writer *out)
{
    const struct acceptor *self = role;
    wire_figure_number(out, "acceptor.promised_round", self->hard.promised.round);
    wire_figure_number(out, "acceptor.promised_replica", self->hard.promised.replica);
    wire_figure_number(out, "acceptor.chosen_slot", self->hard.chosen);
    wire_figure_number(out, "acceptor.cut_slot", self->hard.cut);
    wire_figure_number(out, "acceptor.safe_slot", self->safe);
    wire_figure_number(out, "acceptor.heard_slot", self->bar_heard);
    wire_figure_number(out, "acceptor.highest_slot", self->highest);
    wire_figure_number(out, "acceptor.fed_slot", self->fed);
    wire_figure_number(out, "acceptor.cache_bytes", self->cache_bytes);
    wire_figure_number(out, "acceptor.admitted", self->votes);
    wire_figure_text(out, "acceptor.standing", birth_standing_text(birth_standing(self)));
    wire_figure_number(out, "acceptor.generation", self->self.birth.generation);
    wire_figure_number(out, "acceptor.wanted_slot", self->wanted);
    wire_figure_number(out, "acceptor.damaged_slot", self->damaged);
    wire_figure_number(out, "acceptor.fetching_snapshot", self->fetching);
    wire_figure_number(out, "acceptor.stateless", self->stateless);
    wire_figure_number(out, "acceptor.full", self->full);
    wire_figure_number(out, "acceptor.applying_slots", self->fed - self->applied);
    wire_figure_number(out, "acceptor.lease_granted_left_us",
                       self->helps_after > now ? (uint64_t)(self->helps_after - now) : 0);
    if (self->behind_from != 0)
        behind_figures(self, out);
    smr_events_figures(&self->events, "acceptor", now, out);
    smr_counters_figures(&self->counters, "acceptor", out);
}

static void acceptor_destroy(void *role)
{
    struct acceptor *self = role;
    acceptor_cache_clear(self);
    wire_writer_free(&self->scratch);
    free(self);
}

static const struct smr_role_ops acceptor_ops = {
    .name = "acceptor",
    .receive = acceptor_receive,
    .settle = acceptor_settle,
    .wake = acceptor_wake,
    .durable = acceptor_durable,
    .room = acceptor_room,
    .deadline = acceptor_deadline,
    .figures = acceptor_figures,
    .destroy = acceptor_destroy,
};

struct smr_role smr_acceptor_new(const struct smr_config *config, struct smr_log log)
{
    struct acceptor *self = wire_calloc(1, sizeof *self);
    self->self = config->self;
    self->self.role = WIRE_ROLE_ACCEPTOR;
    self->learner = config->self;
    self->learner.role = WIRE_ROLE_LEARNER;
    self->replica_count = config->replica_count;
    self->chain = config->protocol == WIRE_PROTOCOL_CHAIN;
    self->timing = config->timing;
    self->seed = config->seed;
    self->log = log;
    self->checkpointing = config->checkpointing;
    if (self->checkpointing.tail_bytes == 0)
        self->checkpointing.tail_bytes = WIRE_TAIL_BYTES;
    if (self->checkpointing.hold_bytes == 0)
        self->checkpointing.hold_bytes = WIRE_HOLD_BYTES;
    self->leader_heard = -config->timing.silence_max;
    self->refusal_said = -REFUSAL_EVERY;
    self->learn_deadline = WIRE_NEVER;
    self->curious_at = WIRE_NEVER;
    self->feed_deadline = WIRE_NEVER;
    self->teacher = config->self.replica;
    assert(config->timing.lease <= SMR_LEASE_MAX);
    smr_peers_init(&self->peers, config);
    return (struct smr_role){.ops = &acceptor_ops, .self = self};
}

static const struct acceptor *state_of(struct smr_role acceptor)
{
    assert(acceptor.ops == &acceptor_ops);
    return acceptor.self;
}

const struct smr_counters *smr_acceptor_counters(struct smr_role acceptor)
{
    return &state_of(acceptor)->counters;
}

wire_slot smr_acceptor_chosen(struct smr_role acceptor)
{
    return state_of(acceptor)->hard.chosen;
}

struct wire_ballot smr_acceptor_promised(struct smr_role acceptor)
{
    return state_of(acceptor)->hard.promised;
}

bool smr_acceptor_votes(struct smr_role acceptor)
{
    return state_of(acceptor)->votes;
}
