/* What the simulator knows of chains: when one is led, when one is whole again, and a fault that only they
 * know, a server that cannot speak with the managers. */
#include "tests/sim/sim.h"

#include "smr/chain/forwarder.h"

/* Every replica is a member, holds everything and answers reads. */
bool sim_chain_is_whole(const struct sim *sim, const struct sim_cluster_group *group)
{
    for (int i = 0; i < group->replica_count; i++) {
        const struct sim_node *node = &sim->nodes[group->first_node + i];
        if (!node->alive || !smr_forwarder_serves(node->roles.proposer,
                                                  sim_clock_now(&node->clock, sim->now)))
            return false;
    }
    return true;
}

/* A head, and all members of its chain are in its epoch. */
bool sim_chain_has_head(const struct sim *sim, const struct sim_cluster_group *group)
{
    const struct sim_node *nodes = &sim->nodes[group->first_node];
    for (int i = 0; i < group->replica_count; i++) {
        if (!sim_node_leads(&nodes[i]))
            continue;
        const struct wire_chain *view = smr_forwarder_view(nodes[i].roles.proposer);
        int in = 0;
        for (int k = 0; k < view->count; k++) {
            const struct sim_node *member = &nodes[view->members[k].replica];
            in += member->alive && smr_forwarder_epoch(member->roles.proposer) == view->epoch;
        }
        if (in == view->count)
            return true;
    }
    return false;
}

bool sim_chain_is_last(const struct sim *sim, const struct sim_node *node)
{
    int serving = 0;
    for (int i = 0; i < sim->groups[node->group_index].replica_count; i++) {
        const struct sim_node *other = &sim->nodes[sim->groups[node->group_index].first_node + i];
        serving += sim_node_is_chain(sim, node) && other != node && other->alive &&
                   smr_forwarder_serves(other->roles.proposer,
                                        sim_clock_now(&other->clock, sim->now));
    }
    return sim_node_is_chain(sim, node) && serving == 0;
}

void sim_chain_cut_from_managers(struct sim *sim, const struct sim_node *lone)
{
    if (!sim_node_is_chain(sim, lone))
        return;
    unsigned how = 1 + (unsigned)sim_below(sim, 3);
    sim->happenings->manager_cuts++;
    sim_note(sim, "%-4s ******** is cut off from the managers", lone->name);
    for (int m = 0; m < sim->groups[0].replica_count; m++) {
        sim->cut[lone->index][m] |= (how & 1) != 0;
        sim->cut[m][lone->index] |= (how & 2) != 0;
    }
}
