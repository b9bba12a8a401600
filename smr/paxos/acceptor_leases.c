/* Leases as the acceptor sees them (Gray and Cheriton, SOSP 1989): whoever hears a leader's heartbeat helps
 * nobody else for a while, so that the leader may read without asking; and how a leader gives that up.
 *
 * A lease binds the acceptor to the leader of one ballot. One of a lower ballot needs none: a leader is
 * elected by a majority whose leases have run out or were released, so of all earlier leaders none holds
 * a lease any more, and its late heartbeats change nothing here.
 *
 * What a restart forgets of leases is made up for by helping nobody for the longest lease there is
 * (helps_after, set by load). A release does not shorten that: it speaks for one ballot, and this
 * acceptor no longer knows whom it had promised to help alone. */
#include "smr/paxos/acceptor_state.h"

void lease_grant(struct acceptor *self, wire_time now, struct wire_ballot ballot)
{
    if (ballot_less(ballot, self->lease) || !ballot_less(self->released, ballot))
        return;
    self->lease = ballot;
    self->lease_until = now + smr_lease_granted(self->timing.lease);
}

bool lease_binds(const struct acceptor *self, wire_time now, wire_replica candidate)
{
    return now < self->helps_after ||
           (now < self->lease_until && candidate != self->lease.replica);
}

bool lease_leader_lives(const struct acceptor *self, wire_time now, wire_replica candidate)
{
    return now < self->leader_heard + self->timing.silence_min &&
           self->leader.replica != candidate && ballot_less(self->released, self->leader);
}

/* Not answered while this acceptor is bound by what it forgot: the answer means "I can vote now", and
 * the question comes again. */
void lease_receive_release(struct acceptor *self, wire_time now, const struct wire_message *m,
                           struct smr_out *out)
{
    struct wire_ballot ballot = m->release.ballot;
    if (ballot_less(ballot, self->hard.promised)) {
        acceptor_nack(self, m, ballot, 0, out);
        return;
    }
    if (ballot_less(self->released, ballot))
        self->released = ballot;
    if (ballot_equal(self->lease, ballot) && now < self->lease_until) {
        self->counters.leases_released++;
        self->lease_until = now;
    }
    learner_note_chosen(self, now, ballot, m->release.chosen, out);
    if (now < self->helps_after)
        return;
    struct wire_message *n = acceptor_answer(self, out, SMR_SEND, WIRE_MESSAGE_RELEASED, m);
    n->released.ballot = ballot;
    n->released.chosen = self->hard.chosen;
}

void lease_receive_succeed(struct acceptor *self, const struct wire_message *m,
                           struct smr_out *out)
{
    if (ballot_less(m->succeed.ballot, self->hard.promised) ||
        ballot_less(m->succeed.ballot, self->leader))
        return; /* late: somebody has campaigned since */
    struct wire_message *n = smr_out_send(out, SMR_SEND, &self->self, WIRE_MESSAGE_SUCCEED,
                                          WIRE_ROLE_PROPOSER, self->self.replica);
    n->succeed.ballot = m->succeed.ballot;
    n->succeed.chosen = self->hard.chosen;
}
