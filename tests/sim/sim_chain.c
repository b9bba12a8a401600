/* What the simulator knows of chains: when one is led, when one is whole again, and a fault that only they
 * know, a server that cannot speak with the managers. */
#include "tests/sim/sim.h"

#include "manager/map_machine.h"
#include "manager/oracle.h"
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

/* --- disks that were lost ------------------------------------------------------------------------------ */

/* As some manager knows it, none as a newer one; NULL: nobody knows any. */
static const struct wire_chain *newest_chain(const struct sim *sim, uint32_t partition)
{
    const struct wire_chain *newest = NULL;
    for (int i = 0; i < sim->groups[0].replica_count; i++) {
        const struct wire_chain *chain =
            sim->nodes[i].alive ? map_machine_chain(sim->nodes[i].machine, partition) : NULL;
        if (chain != NULL && (newest == NULL || chain->epoch >= newest->epoch))
            newest = chain;
    }
    return newest;
}

/* The member that this replica is on the disk it has now, or NULL. */
static const struct wire_chain_member *member_of(const struct sim *sim, const struct sim_node *node)
{
    const struct wire_chain *chain = newest_chain(sim, node->group);
    int place = chain == NULL ? -1 : wire_chain_place(chain, node->replica);
    if (place < 0 || !birth_equal(chain->members[place].birth, node->birth))
        return NULL;
    return &chain->members[place];
}

bool sim_chain_is_whole_member(const struct sim *sim, const struct sim_node *node)
{
    const struct wire_chain_member *member = member_of(sim, node);
    return member != NULL && member->whole;
}

bool sim_chain_is_lost(const struct sim *sim, const struct sim_cluster_group *group)
{
    const struct wire_chain *chain = newest_chain(sim, group->group);
    for (int i = 0; i < group->replica_count; i++) {
        if (sim_chain_is_whole_member(sim, &sim->nodes[group->first_node + i]))
            return false;
    }
    return chain != NULL && chain->count > 0;
}

bool sim_chain_is_silent(const struct sim *sim, const struct sim_cluster_group *group)
{
    for (int i = 0; i < group->replica_count; i++) {
        const struct sim_node *node = &sim->nodes[group->first_node + i];
        if (node->alive && smr_forwarder_serves(node->roles.proposer,
                                                sim_clock_now(&node->clock, sim->now)))
            return false;
    }
    return true;
}

bool sim_chain_may_start(const struct sim *sim, const struct sim_node *node)
{
    if (!sim_node_is_chain(sim, node) || node->disks == 0)
        return true;
    for (int i = 0; i < sim->groups[0].replica_count; i++) {
        if (!sim->nodes[i].alive)
            continue;
        const struct wire_map *map = map_machine_map(sim->nodes[i].machine);
        uint32_t place = node->group * map->server_rf + node->replica;
        if (place < map->server_count && birth_equal(map->servers[place].birth, node->birth))
            return true;
    }
    return false;
}

void sim_chain_note_wipe(struct sim *sim, const struct sim_node *node)
{
    const struct wire_chain_member *member = member_of(sim, node);
    sim->happenings->chain_disks_wiped++;
    sim->happenings->chain_members_wiped += member != NULL && member->whole;
    sim->happenings->chain_joiners_wiped += node->disks > 0 && (member == NULL || !member->whole);
}

bool sim_chain_is_last(const struct sim *sim, const struct sim_node *node)
{
    int serving = 0;
    for (int i = 0; i < sim->groups[node->group_index].replica_count; i++) {
        const struct sim_node *other = &sim->nodes[sim->groups[node->group_index].first_node + i];
        serving += sim_node_is_chain(sim, node) && other != node && other->alive && !other->damaged &&
                   !other->base_damaged &&
                   smr_forwarder_serves(other->roles.proposer,
                                        sim_clock_now(&other->clock, sim->now));
    }
    return sim_node_is_chain(sim, node) && serving == 0;
}

/* --- the network ---------------------------------------------------------------------------------------- */

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

void sim_chain_collect(struct sim_happenings *happenings, const struct oracle_counters *counters)
{
    happenings->oracle_terms += counters->terms;
    happenings->oracle_pulses += counters->pulses;
    happenings->oracle_formed += counters->chains_formed;
    happenings->oracle_cut += counters->members_cut;
    happenings->oracle_left += counters->members_left;
    happenings->oracle_avoided += counters->members_avoided;
    happenings->oracle_joined += counters->members_joined;
    happenings->oracle_whole += counters->members_whole;
    happenings->oracle_kept += counters->answers_kept;
    happenings->oracle_all_silent += counters->all_silent;
}
