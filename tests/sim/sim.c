/* One life: a cluster drawn from the seed, faults, healing, verdict. */
#include "tests/sim/sim.h"

const char *sim_replay_command = "madkv-sim";
enum sim_protocol sim_protocol = SIM_PROTOCOL_BY_SEED;

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include "smr/applier.h"
#include "smr/paxos/acceptor.h"

static void say(const struct sim *sim, FILE *to, const char *prefix, const char *format,
                va_list arguments)
{
    fprintf(to, "%s%10.6f ", prefix, (double)sim->now / 1e6);
    vfprintf(to, format, arguments);
    fputc('\n', to);
}

static const char *commit; /* of the sources, or NULL */

void sim_set_commit(const char *text)
{
    commit = text;
}

void sim_fail(const struct sim *sim, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    if (commit != NULL)
        fprintf(stderr, "commit %s ", commit);
    fprintf(stderr, "seed %" PRIu64 " ", sim->seed);
    say(sim, stderr, "FAILED at ", format, arguments);
    va_end(arguments);
    fprintf(stderr, "see it again with: %s --seed %" PRIu64 " --verbose\n", sim_replay_command,
            sim->seed);
    fflush(NULL);
    _Exit(1);
}

void sim_note(const struct sim *sim, const char *format, ...)
{
    if (!sim->verbose)
        return;
    va_list arguments;
    va_start(arguments, format);
    say(sim, stdout, "", format, arguments);
    va_end(arguments);
}

/* --- the cluster -------------------------------------------------------------------------------------- */

static struct buf *found_command(struct sim *sim)
{
    static struct wire_map_server servers[SIM_NODES_MAX];
    uint32_t count = 0;
    uint8_t rf = 0;
    for (int i = 1; i < sim->group_count; i++) {
        for (int j = 0; j < sim->groups[i].replica_count; j++)
            snprintf(servers[count++].address, WIRE_ADDRESS_TEXT_MAX, "s%d.%d:1", i - 1, j);
        rf = (uint8_t)sim->groups[i].replica_count;
    }
    struct wire_map_call call = {
        .op = WIRE_MAP_FOUND,
        .map = {.cluster = 7,
                .server_rf = rf,
                .protocol = sim->chain ? WIRE_PROTOCOL_CHAIN : WIRE_PROTOCOL_MULTIPAXOS,
                .server_count = count,
                .servers = servers}};
    struct wire_writer out = {0};
    wire_map_call_encode(&call, &out);
    struct buf *bytes = wire_writer_take(&out);
    wire_writer_free(&out);
    return bytes;
}

static void add_group(struct sim *sim, uint32_t group, int replica_count)
{
    struct sim_cluster_group *g = &sim->groups[sim->group_count];
    *g = (struct sim_cluster_group){
        .group = group,
        .protocol = sim->chain && group != WIRE_GROUP_MANAGERS ? WIRE_PROTOCOL_CHAIN
                                                               : WIRE_PROTOCOL_MULTIPAXOS,
        .first_node = sim->node_count,
        .replica_count = replica_count};
    for (int i = 0; i < replica_count; i++) {
        struct sim_node *node = &sim->nodes[sim->node_count];
        node->index = sim->node_count++;
        node->group = group;
        node->group_index = sim->group_count;
        node->replica = (wire_replica)i;
        if (group == WIRE_GROUP_MANAGERS)
            snprintf(node->name, sizeof node->name, "m%d", i);
        else
            snprintf(node->name, sizeof node->name, "s%u.%d", group % 10, i);
        node->birth = (struct wire_birth){.generation = 1, .nonce = 100 + (uint64_t)node->index};
        node->log = smr_memory_log_new();
        node->base = smr_memory_base_new();
    }
    sim->group_count++;
}

/* Servers are admitted by the managers before their first life; managers admit each other. */
static void admit(struct sim *sim)
{
    for (int i = 0; i < sim->node_count; i++) {
        struct sim_node *node = &sim->nodes[i];
        if (node->group == WIRE_GROUP_MANAGERS && sim->groups[0].replica_count > 1)
            continue;
        struct wire_hard_state state = {.admitted = true};
        node->log.ops->put_state(node->log.self, &state);
        node->log.ops->commit(node->log.self);
    }
}

static void build(struct sim *sim)
{
    static const int factors[] = {1, 3, 3, 5, 5};
    int factor = factors[sim_below(sim, 5)];
    sim->chain = sim_protocol == SIM_PROTOCOL_CHAIN ||
                 (sim_protocol == SIM_PROTOCOL_BY_SEED && sim->seed % 3 == 0);
    sim->happenings->chain_lives += sim->chain;
    if (sim_chance(sim, 400) || sim->chain) {
        add_group(sim, WIRE_GROUP_MANAGERS, sim_chance(sim, 800) ? 3 : 1);
        add_group(sim, 0, factor);
        if (sim_chance(sim, 500))
            add_group(sim, 1, factor);
        for (int i = 0; i < sim->groups[0].replica_count; i++) {
            sim->nodes[i].opening_bytes = found_command(sim);
            sim->nodes[i].opening = buf_span(sim->nodes[i].opening_bytes);
        }
    } else {
        add_group(sim, 0, factor);
    }
    admit(sim);
}

/* --- clocks ------------------------------------------------------------------------------------------- */

/* A machine that has been up for a while, its clock as good or bad as this life's are. */
void sim_clock_set(struct sim *sim, struct sim_clock *clock)
{
    int64_t drift = (int64_t)sim_below(sim, 2 * sim->weather.drift + 1) - sim->weather.drift;
    *clock = (struct sim_clock){.since = sim->now,
                                .base = (wire_time)sim_below(sim, 100 * WIRE_SECOND),
                                .rate = WIRE_SECOND + drift * WIRE_SECOND / 1000};
}

void sim_clock_jump(struct sim *sim, struct sim_clock *clock, wire_time ahead)
{
    assert(ahead >= 0);
    clock->base = sim_clock_now(clock, sim->now) + ahead;
    clock->since = sim->now;
}

/* --- the life ----------------------------------------------------------------------------------------- */

static void happen(struct sim *sim, struct sim_event *event)
{
    switch (event->kind) {
    case SIM_CLIENT_ARRIVE:
    case SIM_CLIENT_WAKE:
    case SIM_CLIENT_LOST:
    case SIM_CLIENT_CALL:
        sim_client_event(sim, event);
        break;
    case SIM_FAULT:
        sim_fault_event(sim, event);
        break;
    default:
        sim_node_event(sim, event);
        break;
    }
    sim_letter_free(&event->letter);
}

/* Nothing is asked of a life with such a group but that it does nothing wrong. */
static bool is_doomed(const struct sim *sim)
{
    for (int i = 0; i < sim->group_count; i++) {
        const struct sim_cluster_group *group = &sim->groups[i];
        bool lost = group->protocol == WIRE_PROTOCOL_CHAIN && group->wiped &&
                    sim_chain_is_lost(sim, group);
        if (group->doomed || lost)
            return true;
    }
    return false;
}

/* Too many of the group were wiped at once: those still wait. */
static void check_doomed(struct sim *sim)
{
    for (int i = 0; i < sim->node_count; i++) {
        const struct sim_node *node = &sim->nodes[i];
        if (node->doomed && sim_node_is_admitted(node))
            sim_fail(sim, "node %d votes afresh, but a majority of its group has forgotten", i);
    }
    for (int i = 0; i < sim->group_count; i++) {
        const struct sim_cluster_group *group = &sim->groups[i];
        if (group->protocol != WIRE_PROTOCOL_CHAIN || !sim_chain_is_lost(sim, group))
            continue;
        sim->happenings->chains_lost++;
        if (!sim_chain_is_silent(sim, group))
            sim_fail(sim, "the chain of %s answers, but nobody holds everything any more",
                     sim->nodes[group->first_node].name);
    }
}

static bool all_is_well(const struct sim *sim)
{
    if (sim->now <= sim->faults_end || !sim_clients_done(sim))
        return false;
    for (int i = 0; i < sim->group_count; i++) {
        if (sim->groups[i].protocol == WIRE_PROTOCOL_CHAIN &&
            !sim_chain_is_whole(sim, &sim->groups[i]))
            return false;
    }
    for (int i = 0; i < sim->node_count && sim->chain; i++) {
        if (!sim->nodes[i].alive || !smr_acceptor_votes(sim->nodes[i].roles.acceptor))
            return false;
    }
    for (int i = 0; i < sim->group_count; i++) {
        if (sim->groups[i].led_at == 0)
            return false;
    }
    return true;
}

/* Until `until`, or until after healing every group is led and every call is answered. */
static void live(struct sim *sim, wire_time until, bool stop_when_done)
{
    struct sim_event event;
    while (sim_next(sim, &event)) {
        sim->now = event.at;
        happen(sim, &event);
        if (sim->now >= until)
            break;
        if (stop_when_done && (all_is_well(sim) || (is_doomed(sim) && sim->now > sim->faults_end + 8 * WIRE_SECOND)))
            break;
    }
}

static void check_progress(const struct sim *sim)
{
    for (int i = 0; i < sim->group_count; i++) {
        const struct sim_cluster_group *group = &sim->groups[i];
        if (group->protocol != WIRE_PROTOCOL_CHAIN)
            continue;
        if (!sim_chain_is_whole(sim, group))
            sim_fail(sim, "the chain of %s is not whole %d s after healing",
                     sim->nodes[group->first_node].name,
                     (int)((sim->deadline - sim->faults_end) / WIRE_SECOND));
        sim->happenings->chains_whole_again++;
    }
    for (int i = 0; i < sim->client_count; i++) {
        if (sim->clients[i].open > 0 || sim->clients[i].calls_left > 0)
            sim_fail(sim, "client %d: %d calls are not answered %d s after healing", i,
                     sim->clients[i].open + sim->clients[i].calls_left,
                     (int)((sim->deadline - sim->faults_end) / WIRE_SECOND));
    }
}

static bool has_converged(const struct sim *sim)
{
    for (int i = 0; i < sim->node_count; i++) {
        const struct sim_node *node = &sim->nodes[i];
        const struct sim_node *first = &sim->nodes[sim->groups[node->group_index].first_node];
        if (!smr_acceptor_votes(node->roles.acceptor) ||
            smr_applier_applied(node->roles.applier) != smr_applier_applied(first->roles.applier))
            return false;
    }
    return true;
}

/* Some seconds without faults later all replicas are equal; later where several fetch snapshots, for of
 * each replica one does at a time, and who began and went elsewhere is waited for. */
static void converge(struct sim *sim)
{
    for (int turn = 0; turn == 0 || (turn < 4 && !has_converged(sim)); turn++)
        live(sim, sim->now + 8 * WIRE_SECOND, false);
}

static void check_convergence(const struct sim *sim)
{
    for (int i = 0; i < sim->node_count; i++) {
        const struct sim_node *node = &sim->nodes[i];
        const struct sim_node *first = &sim->nodes[sim->groups[node->group_index].first_node];
        if (!smr_acceptor_votes(node->roles.acceptor))
            sim_fail(sim, "node %d does not vote, long after healing", i);
        wire_slot applied = smr_applier_applied(node->roles.applier);
        if (sim->chain && node->group == WIRE_GROUP_MANAGERS)
            continue; /* servers never cease to ask, which may go through the log */
        if (applied != smr_applier_applied(first->roles.applier))
            sim_fail(sim, "node %d has applied %" PRIu64 " slots, its peer %" PRIu64, i, applied,
                     smr_applier_applied(first->roles.applier));
    }
}

static bool is_absent(const struct sim *sim, const struct sim_node *node)
{
    int count = sim->groups[node->group_index].replica_count;
    /* Managers are needed all, the first time: they admit each other's disks. */
    return sim->workload.absent && node->group != WIRE_GROUP_MANAGERS && count >= 3 &&
           node->replica == count - 1;
}

void sim_run(uint64_t seed, struct smr_counters *counters, struct sim_happenings *happenings,
             bool verbose)
{
    struct sim *sim = wire_calloc(1, sizeof *sim);
    sim->seed = seed;
    sim->random.state = seed;
    sim->verbose = verbose;
    sim->counters = counters;
    sim->happenings = happenings;
    build(sim);
    sim_check_begin(sim);
    sim_weather_draw(sim);
    sim_workload_draw(sim);
    sim_clients_new(sim);
    sim_faults_begin(sim);
    sim_weather_note(sim);
    for (int i = 0; i < sim->node_count; i++) {
        if (is_absent(sim, &sim->nodes[i]))
            sim->happenings->late_starts++; /* healing starts it */
        else
            sim_node_start(sim, &sim->nodes[i]);
    }
    sim_clients_begin(sim);
    live(sim, sim->deadline, true);
    check_doomed(sim);
    if (!is_doomed(sim)) {
        check_progress(sim);
        converge(sim);
        check_convergence(sim);
        sim_values_check(sim);
    }
    sim_check_history(sim);
    happenings->simulated_ms += (uint64_t)(sim->now / WIRE_MS);
    sim_clients_free(sim);
    for (int i = 0; i < sim->node_count; i++)
        sim_node_free(sim, &sim->nodes[i]);
    sim_network_free(sim);
    sim_check_free(sim);
    sim_heap_free(&sim->heap);
    free(sim->values);
    free(sim);
}
