#include "smr/peers.h"

void smr_peers_init(struct smr_peers *self, const struct smr_config *config)
{
    assert(config->replica_count >= 1 && config->replica_count <= WIRE_REPLICA_COUNT_MAX);
    assert(config->self.replica < config->replica_count);
    *self = (struct smr_peers){.self = config->self, .replica_count = config->replica_count};
    self->known[config->self.replica] =
        (struct smr_peer){.birth = config->self.birth, .start = config->self.start};
}

bool smr_peers_belongs(const struct smr_peers *self, const struct wire_sender *sender,
                       struct smr_counters *counters)
{
    bool ours = sender->cluster == self->self.cluster && sender->group == self->self.group &&
                sender->replica < self->replica_count;
    counters->foreign_messages += !ours;
    return ours;
}

bool smr_peers_admit(struct smr_peers *self, const struct wire_sender *sender,
                     struct smr_counters *counters)
{
    if (!smr_peers_belongs(self, sender, counters))
        return false;
    struct smr_peer *known = &self->known[sender->replica];
    /* The own roles are of one process; a new disk is known to the acceptor first. */
    bool own = sender->replica == self->self.replica;
    if (!own && !birth_equal(sender->birth, known->birth)) {
        if (sender->birth.generation <= known->birth.generation) {
            counters->old_births++;
            return false;
        }
        *known = (struct smr_peer){.birth = sender->birth};
    }
    if (sender->start < known->start) {
        counters->old_starts++;
        return false;
    }
    known->start = sender->start;
    return true;
}
