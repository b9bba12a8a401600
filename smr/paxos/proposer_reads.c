/* Reads by the leader's index (Ongaro's thesis, 6.4; in Paxos terms: the read is ordered behind
 * everything chosen before it came in).
 *
 * A round of heartbeats that begins after the reads were queued asks each acceptor whether it has
 * promised anything higher. If a majority has not, no later leader can have chosen anything yet, and
 * the leader's chosen bar at the beginning of the round covers every write that was answered before.
 * One round serves all reads that were waiting.
 *
 * With leases (Gray and Cheriton, SOSP 1989; "Paxos Made Live", 5.2) the round has been made in advance:
 * an acceptor that answered a heartbeat helps nobody else for a while, so until that while is over,
 * counted from when the heartbeat was sent and cut by what clocks may differ, no later leader exists.
 * The clock is read after the reads were taken from the queue of the API. */
#include "smr/paxos/proposer_state.h"

/* Sends a read on to the applier; takes over the reference to its body. */
static void release(struct proposer *self, wire_time now, struct smr_call call, wire_slot index,
                    struct smr_out *out)
{
    wire_histogram_add(&self->confirm_us, now - call.since);
    struct wire_message *m = proposer_send(self, out, WIRE_MESSAGE_READ_AT, WIRE_ROLE_APPLIER,
                                           self->self.replica);
    m->read_at.tag = call.tag;
    m->read_at.index = index;
    m->payload = call.body;
}

bool reads_holds_lease(const struct proposer *self, wire_time now)
{
    wire_time held = smr_lease_held(self->timing.lease);
    unsigned covered = 0;
    if (self->state != PROPOSER_LEADING)
        return false; /* and never again in this ballot */
    for (wire_replica i = 0; i < self->replica_count; i++)
        covered += now < self->acceptors[i].leased + held;
    return covered >= smr_quorum(self->replica_count);
}

wire_time reads_lease_end(const struct proposer *self)
{
    wire_time ends[WIRE_REPLICA_COUNT_MAX];
    unsigned count = 0;
    for (wire_replica i = 0; i < self->replica_count; i++) {
        wire_time end = self->acceptors[i].leased + smr_lease_held(self->timing.lease);
        unsigned at = count++;
        for (; at > 0 && ends[at - 1] < end; at--)
            ends[at] = ends[at - 1];
        ends[at] = end;
    }
    return ends[smr_quorum(self->replica_count) - 1];
}

void reads_by_lease(struct proposer *self, wire_time now, struct smr_out *out)
{
    if (self->chosen < self->opening_slot || !reads_holds_lease(self, now))
        return;
    while (self->reads.count > 0) {
        release(self, now, smr_calls_pop(&self->reads), self->chosen, out);
        self->counters.lease_reads++;
    }
}

void reads_begin_round(struct proposer *self, wire_time now, struct smr_out *out)
{
    /* What earlier leaders had chosen is covered by the bar only once the opening batch is chosen. */
    if (self->chosen < self->opening_slot)
        return;
    while (self->reads.count > 0) {
        struct smr_call call = smr_calls_pop(&self->reads);
        smr_calls_push(&self->confirming, &call);
        buf_unref(&call.body);
    }
    self->read_index = self->chosen;
    self->read_acks = 0;
    leading_heartbeat(self, now, out);
    self->read_round = self->heartbeat_number;
    self->counters.read_rounds++;
}

void reads_receive_ack(struct proposer *self, wire_time now, uint64_t round, wire_replica from,
                       struct smr_out *out)
{
    if (self->read_round == 0 || round < self->read_round)
        return;
    self->read_acks |= 1u << from;
    if (!proposer_is_majority(self, self->read_acks))
        return;
    self->read_round = 0;
    while (self->confirming.count > 0) {
        release(self, now, smr_calls_pop(&self->confirming), self->read_index, out);
        self->counters.reads++;
    }
}

void reads_drop(struct proposer *self, struct smr_out *out)
{
    self->read_round = 0;
    proposer_refuse_all(self, &self->confirming, WIRE_STATUS_NOT_LEADER, out);
    proposer_refuse_all(self, &self->reads, WIRE_STATUS_NOT_LEADER, out);
}
