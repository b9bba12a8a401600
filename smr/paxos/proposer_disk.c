/* The leader and its own disk.
 *
 * A disk that stalls: the acceptor's thread is in the commit and cannot say so. But it answers heartbeats
 * at once at any other time, and the leader sends it one with each round; so how long the oldest is
 * unanswered is how long a commit takes (hashicorp/raft#683: a leader that never looks keeps its office
 * and serves nothing). An idle leader's acceptor has nothing to commit and answers. For half a lease that
 * is nothing; then leases are renewed no longer, and after timing.stall leadership is handed over to
 * somebody who answers. If nobody does, all disks stall, and changing the leader would not help.
 * Nor does a replica stand for election while its disk stalls: it claims no ballot without a word of its
 * own acceptor.
 *
 * A disk without room: new commands are refused, and if others have room, leadership is handed over.
 * Reads, elections and heartbeats need none and go on. */
#include "smr/paxos/proposer_state.h"

void disk_begin(struct proposer *self, wire_time now)
{
    self->owed_since = WIRE_NEVER;
    self->watched_at = now;
    self->next_hand_over = now;
}

void disk_note_heartbeat(struct proposer *self, wire_time now)
{
    if (self->owed_since == WIRE_NEVER)
        self->owed_since = now;
}

void disk_note_ack(struct proposer *self, uint64_t round)
{
    const struct heartbeat_round *next = &self->heartbeats[(round + 1) & (PROPOSER_ROUNDS - 1)];
    if (round == self->heartbeat_number)
        self->owed_since = WIRE_NEVER;
    else if (next->number == round + 1 && next->sent_at > self->owed_since)
        self->owed_since = next->sent_at;
}

wire_time disk_stalls(const struct proposer *self, wire_time now)
{
    return self->owed_since == WIRE_NEVER ? 0 : now - self->owed_since;
}

bool disk_has_no_room(const struct proposer *self)
{
    unsigned full = self->full;
    for (wire_replica i = 0; i < self->replica_count; i++)
        full += i != self->self.replica && self->acceptors[i].full;
    return self->full || full > self->replica_count - smr_quorum(self->replica_count);
}

static bool others_have_room(const struct proposer *self)
{
    unsigned ready = 0;
    for (wire_replica i = 0; i < self->replica_count; i++)
        ready += i != self->self.replica && self->acceptors[i].ready;
    return ready >= smr_quorum(self->replica_count);
}

void disk_watch(struct proposer *self, wire_time now, struct smr_out *out)
{
    /* Was it this thread that stood still (a process that was stopped)? Then nothing is known. */
    if (now - self->watched_at > 2 * self->timing.heartbeat && self->owed_since != WIRE_NEVER)
        self->owed_since = now;
    self->watched_at = now;
    if (self->hand.step != HAND_OVER_NONE || now < self->next_hand_over ||
        self->replica_count == 1)
        return;
    bool stalls = disk_stalls(self, now) >= self->timing.stall;
    if (!stalls && !(self->full && others_have_room(self)))
        return;
    self->next_hand_over = now + self->timing.stall;
    hand_over_for_disk(self, now, stalls ? WIRE_LOSS_STALLED : WIRE_LOSS_FULL, out);
}
