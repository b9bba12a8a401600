/* Where the log of the peers does not reach back to what is wanted here (smr/snapshot.h): when a snapshot
 * is fetched, what passes between its receiver and its sender, and what an installed one does to the log. */
#include "smr/paxos/acceptor_state.h"

#include <inttypes.h>

#define COMPLAIN_EVERY (30 * WIRE_SECOND) /* of what nobody can repair */

wire_slot learner_wanted(const struct acceptor *self)
{
    return self->damaged != 0 ? self->damaged : self->hard.chosen + 1;
}

/* --- wanting one ------------------------------------------------------------------------------------- */

static void send_fetch(struct acceptor *self, wire_slot from, struct smr_out *out)
{
    struct wire_message *m = smr_out_send(out, SMR_SEND, &self->self, WIRE_MESSAGE_FETCH,
                                          WIRE_ROLE_CHECKPOINTER, self->self.replica);
    m->fetch.from = from;
    m->fetch.leader = ballot_is_none(self->leader) ? WIRE_NO_REPLICA : self->leader.replica;
    m->fetch.heard = self->bar_heard;
    m->fetch.held = self->held_there;
    self->fetching = from != 0;
}

/* Damaged here, and each peer was asked twice: none has it, in its log or in a snapshot, that could answer. */
static void complain(struct acceptor *self, wire_time now, struct smr_out *out)
{
    if (self->damaged == 0 || self->asked_in_vain < 2u * self->replica_count ||
        (self->complained != 0 && now - self->complained < COMPLAIN_EVERY))
        return;
    self->complained = now;
    smr_out_say(out, false,
                "slot %" PRIu64 " of the log is damaged and no peer that answers has it: this replica "
                "neither leads nor promises until one does; start the other replicas",
                self->damaged);
}

void learner_note_cut(struct acceptor *self, wire_replica peer, wire_slot cut)
{
    if (cut < learner_wanted(self))
        return;
    if (self->cut_at == 0 || cut < self->cut_least)
        self->cut_least = cut;
    self->cut_at |= 1u << peer;
}

/* Peers may keep tails of different lengths, so each is asked for the slot first; and an older snapshot
 * than that of the longest tail would lead to nothing but another one. */
void learner_note_asked(struct acceptor *self, wire_time now, struct smr_out *out)
{
    wire_slot wanted = learner_wanted(self), from = self->stateless ? self->hard.cut : 0;
    if (self->cut_at != 0 && self->asked_in_vain + 1 >= self->replica_count)
        from = wanted > self->cut_least ? wanted : self->cut_least; /* both behind the own cut */
    if (from != 0) {
        if (!self->fetching) {
            self->counters.fetches_wanted++;
            self->held_there = 0;
        }
        send_fetch(self, from, out);
    } else {
        complain(self, now, out);
    }
    self->asked_in_vain++;
}

void learner_note_helped(struct acceptor *self, struct smr_out *out)
{
    self->asked_in_vain = 0;
    self->cut_at = 0;
    if (self->fetching && !self->stateless)
        send_fetch(self, 0, out);
}

/* --- the own state is lost ----------------------------------------------------------------------------- */

/* This replica votes on, since its log and what it promised are whole, and hands on what its log has. But it
 * can answer nothing, so it does not lead. */
void learner_note_stateless(struct acceptor *self, wire_time now, bool stateless,
                            struct smr_out *out)
{
    if (stateless == self->stateless)
        return;
    self->stateless = stateless;
    if (stateless) {
        self->counters.states_lost++;
        smr_events_add_number(&self->events, now, SMR_EVENT_STATELESS, self->hard.cut);
        smr_out_say(out, false,
                    "the state here is older than the log, which begins behind slot %" PRIu64
                    ": it is fetched from the other replicas; meanwhile this one votes and does not lead",
                    self->hard.cut);
    } else {
        smr_events_add_number(&self->events, now, SMR_EVENT_STATE_BACK, self->saved);
        self->fetching = false;
    }
    self->learn_deadline = WIRE_NEVER;
    acceptor_tell_proposer(self, now, out);
    learner_ask_if_wanting(self, now, out);
}

/* --- what passes through ------------------------------------------------------------------------------ */

void learner_relay_ask(struct acceptor *self, const struct wire_message *m, struct smr_out *out)
{
    wire_replica peer = m->snapshot_ask.peer;
    assert(peer < self->replica_count && peer != self->self.replica);
    struct wire_message *n = smr_out_send(out, SMR_SEND, &self->learner, WIRE_MESSAGE_SNAPSHOT_ASK,
                                          WIRE_ROLE_STREAMER, peer);
    n->snapshot_ask = m->snapshot_ask;
    n->payload = buf_ref(m->payload);
}

void learner_relay_answer(struct acceptor *self, const struct wire_message *m, struct smr_out *out)
{
    if (m->sender.role != WIRE_ROLE_STREAMER || m->sender.replica == self->self.replica) {
        self->counters.senseless_messages++;
        return;
    }
    struct wire_message *n = smr_out_send(out, SMR_SEND, &self->self, m->type,
                                          WIRE_ROLE_CHECKPOINTER, self->self.replica);
    if (m->type == WIRE_MESSAGE_SNAPSHOT) {
        n->snapshot = m->snapshot;
        n->snapshot.peer = m->sender.replica;
        n->payload = buf_ref(m->payload);
    } else {
        n->snapshot_denied = m->snapshot_denied;
        n->snapshot_denied.peer = m->sender.replica;
    }
}

void learner_receive_streaming(struct acceptor *self, wire_time now, const struct wire_message *m)
{
    self->held = m->streaming.slot;
    self->held_until = now + WIRE_HOLD_MS * WIRE_MS;
}

/* --- having one --------------------------------------------------------------------------------------- */

/* All slots up to it are chosen, since a state that they led to is durable here. This log may hold other
 * values for them, of ballots that lost, or none: so it is cut as far, in the same commit, and every
 * promise says so from then on. What was promised stays as it is. */
void learner_jump(struct acceptor *self, wire_time now, wire_slot slot, struct smr_out *out)
{
    assert(slot > self->hard.cut && slot == self->saved);
    self->counters.jumps++;
    self->hard.cut = slot;
    if (slot > self->hard.chosen)
        self->hard.chosen = slot;
    if (slot > self->highest)
        self->highest = slot;
    if (slot > self->bar_heard)
        self->bar_heard = slot;
    if (self->damaged <= slot)
        self->damaged = 0;
    self->asked_in_vain = self->cut_at = 0;
    self->fetching = false;
    smr_out_cut(out, slot);
    acceptor_put_state(self, out);
    acceptor_tell_proposer(self, now, out);
}
