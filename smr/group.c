#include "smr/group.h"

#include "smr/api.h"
#include "smr/applier.h"
#include "smr/chain/forwarder.h"
#include "smr/checkpointer.h"
#include "smr/paxos/acceptor.h"
#include "smr/paxos/proposer.h"
#include "smr/streamer.h"

struct smr_group smr_group_new(const struct smr_config *config, struct smr_machine machine,
                               struct smr_log log)
{
    struct smr_config acceptors = *config;
    if (machine.base == NULL) /* no snapshot for whoever is behind: the log goes once all have it */
        acceptors.checkpointing.tail_slots = acceptors.checkpointing.tail_bytes = UINT64_MAX;
    bool chain = config->protocol == WIRE_PROTOCOL_CHAIN;
    return (struct smr_group){
        .protocol = config->protocol,
        .api = smr_api_new(config, machine.ops),
        .proposer = chain ? smr_forwarder_new(config, machine.ops->subject)
                          : smr_proposer_new(config),
        .acceptor = smr_acceptor_new(&acceptors, log),
        .applier = smr_applier_new(config, machine),
        .checkpointer = smr_checkpointer_new(config, machine),
        .streamer = smr_streamer_new(config, machine.base),
    };
}

void smr_group_free(struct smr_group *group)
{
    group->api.ops->destroy(group->api.self);
    group->proposer.ops->destroy(group->proposer.self);
    group->acceptor.ops->destroy(group->acceptor.self);
    group->streamer.ops->destroy(group->streamer.self);
    group->checkpointer.ops->destroy(group->checkpointer.self);
    group->applier.ops->destroy(group->applier.self);
    *group = (struct smr_group){0};
}

const struct smr_counters *smr_group_proposer_counters(const struct smr_group *group)
{
    return group->protocol == WIRE_PROTOCOL_CHAIN ? smr_forwarder_counters(group->proposer)
                                                  : smr_proposer_counters(group->proposer);
}

bool smr_group_leads(const struct smr_group *group)
{
    return group->protocol == WIRE_PROTOCOL_CHAIN ? smr_forwarder_is_head(group->proposer)
                                                  : smr_proposer_leads(group->proposer);
}

struct wire_ballot smr_group_ballot(const struct smr_group *group)
{
    if (group->protocol == WIRE_PROTOCOL_CHAIN)
        return (struct wire_ballot){.round = smr_forwarder_epoch(group->proposer)};
    return smr_proposer_ballot(group->proposer);
}
