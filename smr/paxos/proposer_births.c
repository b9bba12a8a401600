/* Births: no vote of a disk counts beside one that names a newer disk of the same replica (see
 * acceptor_birth.c for why).
 *
 * What was counted is all of the newest disks this proposer knows of: it hears of a newer one either
 * from that replica or from a vote that names it, and then forgets what the older one said, before that
 * vote is counted. What a majority has chosen by then stays chosen. */
#include "smr/paxos/proposer_state.h"

static const struct wire_generations *named_by(const struct wire_message *m)
{
    switch (m->type) {
    case WIRE_MESSAGE_ASKED:
        return &m->asked.births;
    case WIRE_MESSAGE_PROMISE:
        return &m->promise.births;
    case WIRE_MESSAGE_ACCEPTED:
        return &m->accepted.births;
    case WIRE_MESSAGE_HEARTBEAT_ACK:
        return &m->heartbeat_ack.births;
    default:
        return NULL;
    }
}

static void forget_votes(struct proposer *self, wire_replica of)
{
    unsigned bit = 1u << of;
    for (size_t i = 0; i < WIRE_RING_SLOTS; i++) {
        struct proposal *p = &self->ring[i];
        self->counters.old_votes += p->slot != 0 && !p->chosen && (p->votes & bit) != 0;
        if (!p->chosen)
            p->votes &= ~bit;
    }
    self->counters.old_votes += self->acceptors[of].promised;
    self->yes &= ~bit;
    self->read_acks &= ~bit;
    self->acceptors[of].promised = false;
    self->acceptors[of].prepare_next = self->base;
    self->acceptors[of].leased = PROPOSER_NO_LEASE;
    self->acceptors[of].stored = 0;
    self->acceptors[of].ready = false;
    self->hand.released &= ~bit;
    self->hand.current &= ~bit;
}

static void learn(struct proposer *self, wire_time now, wire_replica of, uint32_t generation,
                  struct smr_out *out)
{
    if (generation <= self->births.of[of])
        return;
    self->births.of[of] = generation;
    forget_votes(self, of);
    if (of == self->self.replica && generation > self->self.birth.generation)
        proposer_give_up(self, now, WIRE_LOSS_DISK, out); /* this one is the old disk */
}

bool births_admit(struct proposer *self, wire_time now, const struct wire_message *m,
                  struct smr_out *out)
{
    wire_replica from = m->sender.replica;
    if (from == self->self.replica)
        self->self.birth = m->sender.birth; /* the own acceptor decides which disk this is */
    const struct wire_generations *named = named_by(m);
    learn(self, now, from, m->sender.birth.generation, out);
    for (wire_replica i = 0; named != NULL && i < self->replica_count; i++)
        learn(self, now, i, named->of[i], out);
    if (m->sender.birth.generation >= self->births.of[from])
        return true;
    self->counters.old_votes++;
    return false;
}
