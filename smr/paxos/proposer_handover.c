/* Handing leadership over on purpose (Ongaro's thesis, 3.10), because an operator orders it, the process is
 * about to end, or its disk is in trouble. Nobody waits for a silence: clients notice a pause of some round trips.
 *
 *   probing    leading as ever. Which acceptors answer a heartbeat sent from now on, and are ready?
 *   draining   leading still, but nothing new is proposed, so that all that was gets chosen; calls
 *              queue up
 *   releasing  yielding from here on, and there is no way back in this ballot: no read under a lease any
 *              more, for good; then the acceptors are told to let go of the lease
 *   waiting    a majority has; one of them that has all that is chosen is told to campaign. Once its
 *              first word as the leader comes, the calls that queued up are refused with its name
 *
 * The order is what matters (etcd-io/raft#99, tikv#1593: a lease that outlived a transfer): the lease is
 * dropped before any acceptor is free to help another, and the successor campaigns only when a majority
 * is. An acceptor lets go of the lease of one ballot, so a RELEASE that comes late or twice is harmless.
 *
 * Each step has its time, so that all of it takes two seconds at most. Up to draining nothing is lost
 * by stopping: the leader leads on, unless it must go; then it goes without a successor, and the others
 * notice its silence. */
#include "smr/paxos/proposer_state.h"

struct hand_over hand_over_none(void)
{
    return (struct hand_over){.wanted = WIRE_NO_REPLICA,
                              .successor = WIRE_NO_REPLICA,
                              .deadline = WIRE_NEVER};
}

/* --- who is ready ---------------------------------------------------------------------------------- */

static unsigned answered_bits(const struct proposer *self, bool ready)
{
    unsigned bits = 0;
    for (wire_replica i = 0; i < self->replica_count; i++) {
        const struct proposer_acceptor *acceptor = &self->acceptors[i];
        bits |= (unsigned)(acceptor->acked >= self->hand.began && (acceptor->ready || !ready)) << i;
    }
    return bits;
}

/* The others that are ready and not far behind, and among the wanted. */
static unsigned fit_bits(const struct proposer *self)
{
    unsigned bits = answered_bits(self, true);
    for (wire_replica i = 0; i < self->replica_count; i++) {
        bool wanted = self->hand.wanted == WIRE_NO_REPLICA || self->hand.wanted == i;
        if (i == self->self.replica || !wanted ||
            self->acceptors[i].chosen + WIRE_WINDOW_SLOTS < self->chosen)
            bits &= ~(1u << i);
    }
    return bits;
}

/* A majority could vote at once, and somebody it could vote for is there. */
static bool somebody_is_fit(const struct proposer *self)
{
    return proposer_is_majority(self, answered_bits(self, true)) && fit_bits(self) != 0;
}

/* --- steps ----------------------------------------------------------------------------------------- */

static void begin(struct proposer *self, wire_time now, struct hand_over hand, struct smr_out *out)
{
    assert(self->state == PROPOSER_LEADING && self->hand.step == HAND_OVER_NONE);
    self->counters.hand_overs++;
    self->hand = hand;
    self->hand.step = HAND_OVER_PROBING;
    self->hand.successor = WIRE_NO_REPLICA;
    self->hand.began = now;
    self->hand.deadline = now + self->timing.ask;
    leading_heartbeat(self, now, out);
}

static void drain(struct proposer *self, wire_time now)
{
    self->hand.step = HAND_OVER_DRAINING;
    self->hand.deadline = now + self->timing.ask;
}

static void send_release(struct proposer *self, wire_replica to, struct smr_out *out)
{
    struct wire_message *m =
        proposer_send(self, out, WIRE_MESSAGE_RELEASE, WIRE_ROLE_ACCEPTOR, to);
    m->release.ballot = self->ballot;
    m->release.chosen = self->chosen;
}

static void release(struct proposer *self, wire_time now, struct smr_out *out)
{
    proposer_enter(self, PROPOSER_YIELDING);
    proposer_note_loss(self, now, self->hand.why);
    self->heartbeat_deadline = WIRE_NEVER;
    self->hand.step = HAND_OVER_RELEASING;
    self->hand.deadline = now + self->timing.ask;
    hand_over_resend(self, now, out);
}

static void send_succeed(struct proposer *self, struct smr_out *out)
{
    struct wire_message *m = proposer_send(self, out, WIRE_MESSAGE_SUCCEED, WIRE_ROLE_ACCEPTOR,
                                           self->hand.successor);
    m->succeed.ballot = self->ballot;
    m->succeed.chosen = self->chosen;
}

/* The next one in turn, so that a replica which goes down after the other does not lead again at once. */
static wire_replica pick(const struct proposer *self, unsigned bits)
{
    wire_replica i = self->self.replica;
    do {
        i = (wire_replica)((i + 1) % self->replica_count);
    } while ((bits >> i & 1) == 0);
    return i;
}

static void tell_successor(struct proposer *self, wire_time now, struct smr_out *out)
{
    unsigned fit = self->hand.current & fit_bits(self);
    if (!proposer_is_majority(self, self->hand.released) || fit == 0)
        return;
    self->hand.step = HAND_OVER_WAITING;
    self->hand.successor = pick(self, fit);
    /* The own acceptor, which would hear of the new leader, cannot speak while its disk stalls. */
    self->hand.deadline = now + (self->hand.why == WIRE_LOSS_STALLED ? self->timing.ask / 4
                                                                     : 2 * self->timing.ask);
    self->resend_deadline = now + self->timing.resend;
    send_succeed(self, out);
}

void hand_over_advance(struct proposer *self, wire_time now, struct smr_out *out)
{
    if (self->hand.step == HAND_OVER_PROBING && somebody_is_fit(self))
        drain(self, now);
    if (self->hand.step == HAND_OVER_DRAINING && self->rounds == 0 && somebody_is_fit(self))
        release(self, now, out);
}

void hand_over_resend(struct proposer *self, wire_time now, struct smr_out *out)
{
    self->resend_deadline = now + self->timing.resend;
    for (wire_replica i = 0; i < self->replica_count; i++) {
        if ((self->hand.current >> i & 1) == 0)
            send_release(self, i, out);
    }
    if (self->hand.step == HAND_OVER_WAITING)
        send_succeed(self, out);
}

struct wire_ballot hand_over_hint(const struct proposer *self)
{
    struct wire_ballot none = {0};
    struct wire_ballot next = {.round = self->ballot.round + 1, .replica = self->hand.successor};
    return self->hand.successor == WIRE_NO_REPLICA ? none : next;
}

/* --- the end --------------------------------------------------------------------------------------- */

void hand_over_end(struct proposer *self, enum wire_admin_outcome outcome, struct smr_out *out)
{
    if (self->hand.ordered) {
        struct wire_message *m = proposer_send(self, out, WIRE_MESSAGE_ADMIN_DONE, WIRE_ROLE_API,
                                               self->self.replica);
        m->admin_done.tag = self->hand.tag;
        m->admin_done.outcome = (uint8_t)outcome;
    }
    if (self->hand.step == HAND_OVER_WAITING && !ballot_is_none(self->leader))
        self->counters.hand_overs_done++;
    self->hand = hand_over_none();
}

/* Nobody is there to succeed. */
static void go_without(struct proposer *self, wire_time now, struct smr_out *out)
{
    if (!self->hand.must) {
        hand_over_end(self, WIRE_ADMIN_UNFIT, out);
        return;
    }
    proposer_give_up(self, now, self->hand.why, out);
}

/* An acceptor that started lately helps nobody for a while (SMR_LEASE_MAX). If it is only that, one that
 * must go can wait. */
static bool may_wait(const struct proposer *self, wire_time now)
{
    return self->hand.must && proposer_is_majority(self, answered_bits(self, false)) &&
           self->replica_count > 1 && now < self->hand.began + SMR_LEASE_MAX + self->timing.ask;
}

void hand_over_wake(struct proposer *self, wire_time now, struct smr_out *out)
{
    switch (self->hand.step) {
    case HAND_OVER_PROBING:
        if (may_wait(self, now))
            self->hand.deadline = now + self->timing.ask / 2;
        else
            go_without(self, now, out);
        break;
    case HAND_OVER_DRAINING:
        if (somebody_is_fit(self))
            release(self, now, out);
        else
            go_without(self, now, out);
        break;
    default:
        proposer_become_following(self, now, out);
        break;
    }
}

/* --- input ----------------------------------------------------------------------------------------- */

void hand_over_receive_order(struct proposer *self, wire_time now, const struct wire_message *m,
                             struct smr_out *out)
{
    bool move = m->admin.action == WIRE_ADMIN_MOVE_LEADER;
    struct hand_over hand = {.why = WIRE_LOSS_ORDER,
                             .ordered = true,
                             .tag = m->admin.tag,
                             .wanted = move ? m->admin.replica : WIRE_NO_REPLICA};
    enum wire_admin_outcome refusal = self->state != PROPOSER_LEADING ? WIRE_ADMIN_NOT_LEADER
                                      : self->hand.step != HAND_OVER_NONE ? WIRE_ADMIN_BUSY
                                      : move && m->admin.replica == self->self.replica
                                          ? WIRE_ADMIN_DONE
                                      : self->replica_count == 1 ||
                                              (move && m->admin.replica >= self->replica_count)
                                          ? WIRE_ADMIN_UNFIT
                                          : WIRE_ADMIN_OUTCOME_COUNT;
    if (refusal == WIRE_ADMIN_OUTCOME_COUNT) {
        begin(self, now, hand, out);
        return;
    }
    struct wire_message *n = proposer_send(self, out, WIRE_MESSAGE_ADMIN_DONE, WIRE_ROLE_API,
                                           self->self.replica);
    n->admin_done.tag = m->admin.tag;
    n->admin_done.outcome = (uint8_t)refusal;
}

void hand_over_for_disk(struct proposer *self, wire_time now, enum wire_loss why,
                        struct smr_out *out)
{
    self->counters.stalls += why == WIRE_LOSS_STALLED;
    self->counters.full_leaders += why == WIRE_LOSS_FULL;
    begin(self, now, (struct hand_over){.why = why, .wanted = WIRE_NO_REPLICA}, out);
}

void hand_over_leave(struct proposer *self, wire_time now, struct smr_out *out)
{
    self->leaving = true;
    bool alone = self->replica_count == 1;
    if (self->state == PROPOSER_LEADING && self->hand.step == HAND_OVER_NONE && !alone) {
        struct hand_over hand = {
            .why = WIRE_LOSS_ENDING, .must = true, .wanted = WIRE_NO_REPLICA};
        begin(self, now, hand, out);
    } else if (self->state == PROPOSER_LEADING && !alone) {
        self->hand.must = true;
    } else if (self->state != PROPOSER_YIELDING) {
        proposer_give_up(self, now, WIRE_LOSS_ENDING, out);
    }
}

void hand_over_receive_released(struct proposer *self, wire_time now, const struct wire_message *m,
                                struct smr_out *out)
{
    wire_replica from = m->sender.replica;
    if (self->state != PROPOSER_YIELDING || !ballot_equal(m->released.ballot, self->ballot)) {
        self->counters.stale_votes++;
        return;
    }
    self->hand.released |= 1u << from;
    if (m->released.chosen >= self->chosen)
        self->hand.current |= 1u << from;
    if (self->hand.step == HAND_OVER_RELEASING)
        tell_successor(self, now, out);
}

void hand_over_receive_succeed(struct proposer *self, wire_time now, const struct wire_message *m,
                               struct smr_out *out)
{
    if (m->sender.replica != self->self.replica) {
        self->counters.senseless_messages++;
        return;
    }
    if (self->state != PROPOSER_FOLLOWING || !self->attached || !self->fit || self->leaving)
        return;
    if (m->succeed.ballot.round > self->round_seen)
        self->round_seen = m->succeed.ballot.round;
    self->counters.successions++;
    election_begin(self, now, out);
}
