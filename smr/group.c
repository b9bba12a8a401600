#include "smr/group.h"

#include "smr/api.h"
#include "smr/applier.h"
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
    return (struct smr_group){
        .api = smr_api_new(config, machine.ops),
        .proposer = smr_proposer_new(config),
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
