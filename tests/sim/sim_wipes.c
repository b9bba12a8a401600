/* Disks that are lost: of which replica, when nobody misses it and when everybody does, and what its process
 * finds when it starts again. */
#include "tests/sim/sim.h"

bool sim_node_is_admitted(const struct sim_node *node)
{
    struct wire_hard_state state;
    wire_slot highest;
    return node->log.ops->load(node->log.self, &state, &highest) == WIRE_OK && state.admitted;
}

/* What actors/node.c and server/join.c do with such a directory: a manager's process takes an empty one
 * for its first; a server is told by the managers which one it is. */
void sim_wipe(struct sim *sim, struct sim_node *node, bool damaged)
{
    assert(!node->alive);
    bool learns_from_peers = node->group == WIRE_GROUP_MANAGERS && !damaged;
    uint32_t last = node->disk.generation > node->birth.generation ? node->disk.generation
                                                                   : node->birth.generation;
    sim->happenings->wiped_disks++;
    if (sim_node_is_chain(sim, node))
        sim_chain_note_wipe(sim, node);
    sim->happenings->damaged_states += damaged;
    sim->happenings->wiped_leaders += node->died_leading;
    sim->happenings->wiped_half_reborn += !sim_node_is_admitted(node) && last > 1;
    sim->groups[node->group_index].wiped = true;
    node->log.ops->close(node->log.self);
    smr_memory_base_free(&node->base);
    node->log = smr_memory_log_new();
    node->base = smr_memory_base_new();
    node->disks++;
    node->damaged = node->base_damaged = node->base_lost = false;
    node->birth = (struct wire_birth){.generation = learns_from_peers ? 1 : last + 1,
                                      .nonce = 100 + (uint64_t)node->index + 1000 * node->disks};
    node->durable_promise = node->spoken_promise = node->spoken_first = (struct wire_ballot){0};
    node->durable_chosen = node->durable_cut = node->saved = 0;
    sim_note(sim, "%-4s ******** its disk %s", node->name,
             damaged ? "has lost what it promised" : "is empty");
}

bool sim_wipe_may(const struct sim *sim, const struct sim_node *node)
{
    const struct sim_cluster_group *group = &sim->groups[node->group_index];
    int voters = 0;
    if (sim_node_is_chain(sim, node))
        return !group->doomed && group->replica_count >= 3 && !sim_chain_is_last(sim, node);
    for (int i = 0; i < group->replica_count; i++) {
        const struct sim_node *other = &sim->nodes[group->first_node + i];
        voters += other != node && !other->damaged && !other->base_damaged &&
                  sim_node_is_admitted(other);
    }
    return !group->doomed && group->replica_count >= 3 && voters > group->replica_count / 2;
}

bool sim_wipe_is_half_done(const struct sim *sim, const struct sim_node *node)
{
    bool done = sim_node_is_chain(sim, node) ? sim_chain_is_whole_member(sim, node)
                                             : sim_node_is_admitted(node);
    return node->alive && !done && node->birth.generation + node->disks >= 2;
}

/* All that hold everything, and of the others some. */
static void doom_chain(struct sim *sim, struct sim_cluster_group *group)
{
    uint64_t others = wire_random_next(&sim->random), whole = 0;
    for (int i = 0; i < group->replica_count; i++)
        whole |= (uint64_t)sim_chain_is_whole_member(sim, &sim->nodes[group->first_node + i]) << i;
    if (whole == 0)
        return; /* there is no chain yet */
    group->doomed = true;
    sim->happenings->doomed_groups++;
    for (int i = 0; i < group->replica_count; i++) {
        struct sim_node *node = &sim->nodes[group->first_node + i];
        if (((whole | others) >> i & 1) == 0)
            continue;
        sim_fault_crash(sim, node, "crashes, and so do all that hold everything");
        sim_wipe(sim, node, false);
    }
}

void sim_wipe_too_many(struct sim *sim, int group_index)
{
    struct sim_cluster_group *group = &sim->groups[group_index];
    if (group->protocol == WIRE_PROTOCOL_CHAIN) {
        doom_chain(sim, group);
        return;
    }
    int lost = group->replica_count / 2 + 1;
    int first = (int)sim_below(sim, (uint64_t)group->replica_count);
    for (int i = 0; i < group->replica_count; i++) {
        const struct sim_node *node = &sim->nodes[group->first_node + i];
        if (node->life == 0 || !sim_node_is_admitted(node))
            return; /* one that never voted would be right to do so */
    }
    group->doomed = true;
    sim->happenings->doomed_groups++;
    for (int i = 0; i < lost; i++) {
        struct sim_node *node =
            &sim->nodes[group->first_node + (first + i) % group->replica_count];
        sim_fault_crash(sim, node, "crashes, and so do too many");
        sim_wipe(sim, node, false);
        node->doomed = true;
    }
}
