/* What goes wrong, and when it is put right again. Each kind strikes by itself at random times; how
 * often, and which kinds at all, is drawn per seed. */
#include "tests/sim/sim.h"

enum fault {
    FAULT_STRIKE,    /* draw one of the below and the time of the next */
    FAULT_RESTART,   /* a crashed replica is started again: node in event.node */
    FAULT_CALM,      /* the network is whole again */
    FAULT_HEAL,      /* the end of all faults */
    FAULT_REPLAY,    /* an old message comes again */
};

static void schedule_fault(struct sim *sim, wire_time after, enum fault fault, int node)
{
    sim_schedule(sim, sim->now + after,
                 (struct sim_event){
                     .kind = SIM_FAULT, .node = node, .client = -1, .fault = (int)fault});
}

void sim_weather_draw(struct sim *sim)
{
    struct sim_weather *w = &sim->weather;
    unsigned storm = (unsigned)sim_below(sim, 4); /* 0: calm */
    w->loss = storm == 0 ? 0 : (unsigned)sim_below(sim, 60 * storm);
    w->duplication = storm == 0 ? 0 : (unsigned)sim_below(sim, 100 * storm);
    w->inproc_loss = sim_chance(sim, 300) ? (unsigned)sim_below(sim, 30) : 0;
    w->replay = sim_chance(sim, 400) ? 5 + (unsigned)sim_below(sim, 100) : 0;
    w->buffering = sim_chance(sim, 500) ? 300 : 0;
    w->delay_max = sim_chance(sim, 500) ? 300 : 30 * WIRE_MS;
    w->straggle = sim_chance(sim, 500) ? (unsigned)sim_below(sim, 50) : 0;
    w->commit_max = sim_chance(sim, 700) ? 1000 : 40 * WIRE_MS;
    w->stall = sim_chance(sim, 300) ? (unsigned)sim_below(sim, 20) : 0;
    w->crashes = sim_chance(sim, 800);
    w->partitions = sim_chance(sim, 600);
    w->pauses = sim_chance(sim, 400);
    w->slow_disks = sim_chance(sim, 300);
    w->damage = sim_chance(sim, 200);
    w->checkpointing = (struct smr_checkpointing){
        .changed_bytes = 64 + (size_t)sim_below(sim, 4000),
        .log_bytes = 200 + (size_t)sim_below(sim, 20000),
        .slots = 1 + sim_below(sim, 100),
        .tail_slots = sim_chance(sim, 500) ? 0 : sim_below(sim, 50),
    };
    w->reads = sim_chance(sim, 100)   ? SMR_READS_LOG
               : sim_chance(sim, 300) ? SMR_READS_INDEX
                                      : SMR_READS_LEASE;
    w->timing = smr_timing_default();
    if (sim_chance(sim, 300)) { /* deposed leaders that do not notice for long */
        w->timing.step_down = (1 + (wire_time)sim_below(sim, 10)) * WIRE_SECOND;
        w->timing.silence_min = (1 + (wire_time)sim_below(sim, 9)) * 100 * WIRE_MS;
        w->timing.silence_max = 2 * w->timing.silence_min;
        w->timing.ask = w->timing.silence_min / 2;
    }
    if (sim_chance(sim, 150)) { /* leaders that lose office and win it back at once, amid old votes */
        w->timing.step_down = 150 * WIRE_MS;
        w->timing.silence_min = 100 * WIRE_MS;
        w->timing.silence_max = 250 * WIRE_MS;
        w->timing.ask = 100 * WIRE_MS;
        w->partitions = true;
        w->replay = 300;
        w->fault_gap = 200 * WIRE_MS;
        return;
    }
    w->fault_gap = (1 + (wire_time)sim_below(sim, 30)) * 100 * WIRE_MS;
}

void sim_faults_begin(struct sim *sim)
{
    sim->faults_end = (5 + (wire_time)sim_below(sim, 15)) * WIRE_SECOND;
    sim->deadline = sim->faults_end + 40 * WIRE_SECOND;
    schedule_fault(sim, sim->faults_end, FAULT_HEAL, -1);
    schedule_fault(sim, sim->weather.fault_gap, FAULT_STRIKE, -1);
    if (sim->weather.replay > 0)
        schedule_fault(sim, 0, FAULT_REPLAY, -1);
}

static struct sim_node *any_node(struct sim *sim)
{
    return &sim->nodes[sim_below(sim, (uint64_t)sim->node_count)];
}

/* A leader if there is one, else anybody. */
static struct sim_node *some_leader(struct sim *sim)
{
    for (int i = 0; i < sim->node_count; i++) {
        struct sim_node *node = &sim->nodes[(i + (int)(sim->now % 7)) % sim->node_count];
        if (sim_node_leads(node))
            return node;
    }
    return any_node(sim);
}

static void crash(struct sim *sim, struct sim_node *node)
{
    if (!node->alive)
        return;
    sim_note(sim, "--- crash of node %d", node->index);
    sim_node_crash(sim, node);
    schedule_fault(sim, 50 * WIRE_MS + (wire_time)sim_below(sim, 5 * WIRE_SECOND), FAULT_RESTART,
                   node->index);
}

static void crash_all_of_a_group(struct sim *sim)
{
    uint32_t group = any_node(sim)->group;
    for (int i = 0; i < sim->node_count; i++) {
        if (sim->nodes[i].group == group)
            crash(sim, &sim->nodes[i]);
    }
}

/* Splits every group in two at random; of a one-way cut one direction still passes. */
static void cut(struct sim *sim, bool one_way)
{
    sim->happenings->partitions += !one_way;
    sim->happenings->one_way_cuts += one_way;
    sim_note(sim, "--- %s cut", one_way ? "one-way" : "two-way");
    uint64_t side = sim_below(sim, UINT64_MAX);
    for (int a = 0; a < sim->node_count; a++) {
        for (int b = 0; b < sim->node_count; b++) {
            bool left = (side >> a & 1) != 0, right = (side >> b & 1) != 0;
            sim->cut[a][b] = one_way ? left && !right : left != right;
        }
    }
    schedule_fault(sim, 100 * WIRE_MS + (wire_time)sim_below(sim, 6 * WIRE_SECOND), FAULT_CALM, -1);
}

/* Cuts one replica off from all others, in one direction or both. */
static void isolate(struct sim *sim)
{
    int lone = some_leader(sim)->index;
    unsigned how = 1 + (unsigned)sim_below(sim, 3);
    sim->happenings->partitions += how == 3;
    sim->happenings->one_way_cuts += how != 3;
    sim_note(sim, "--- node %d isolated, directions %u", lone, how);
    for (int other = 0; other < sim->node_count; other++) {
        sim->cut[lone][other] |= (how & 1) != 0;
        sim->cut[other][lone] |= (how & 2) != 0;
    }
    schedule_fault(sim, 100 * WIRE_MS + (wire_time)sim_below(sim, 6 * WIRE_SECOND), FAULT_CALM, -1);
}

static void calm(struct sim *sim)
{
    sim->happenings->heals++;
    memset(sim->cut, 0, sizeof sim->cut);
    sim_note(sim, "--- network whole");
}

/* One record of one replica that is down, at most once a life and never where there is no peer. */
static void damage(struct sim *sim)
{
    struct sim_node *node = any_node(sim);
    wire_slot highest;
    struct wire_hard_state state;
    struct smr_log_entry entry;
    if (node->alive || sim->groups[node->group_index].replica_count < 3 ||
        node->log.ops->load(node->log.self, &state, &highest) != WIRE_OK || highest == 0)
        return;
    wire_slot slot = 1 + sim_below(sim, highest);
    if (node->log.ops->read(node->log.self, slot, &entry) != WIRE_OK)
        return;
    buf_unref(&entry.batch);
    smr_memory_log_damage(node->log, slot);
    sim->happenings->damaged_records++;
    sim->weather.damage = false;
    sim_note(sim, "--- node %d: record of slot %u damaged", node->index, (unsigned)slot);
}

static void strike(struct sim *sim)
{
    const struct sim_weather *w = &sim->weather;
    struct sim_node *node = any_node(sim);
    if (sim->now >= sim->faults_end)
        return;
    switch (sim_below(sim, 10)) {
    case 0:
    case 1:
        if (w->crashes)
            crash(sim, node);
        break;
    case 2:
        if (w->crashes)
            crash(sim, some_leader(sim));
        break;
    case 3:
        if (w->crashes && sim_chance(sim, 200))
            crash_all_of_a_group(sim);
        break;
    case 4:
    case 5:
        if (w->partitions)
            cut(sim, sim_chance(sim, 400));
        break;
    case 6:
        if (w->partitions)
            isolate(sim);
        break;
    case 7:
        if (w->pauses && node->alive) {
            node->paused_until = sim->now + (wire_time)sim_below(sim, 4 * WIRE_SECOND);
            sim->happenings->pauses++;
            sim_note(sim, "--- node %d paused", node->index);
        }
        break;
    case 8:
        if (w->slow_disks) {
            node->slow_disk_until = sim->now + (wire_time)sim_below(sim, 4 * WIRE_SECOND);
            sim->happenings->slow_disks++;
        }
        break;
    default:
        if (w->damage)
            damage(sim);
        break;
    }
    schedule_fault(sim, 1 + (wire_time)sim_below(sim, 2 * (uint64_t)w->fault_gap), FAULT_STRIKE,
                   -1);
}

void sim_heal(struct sim *sim)
{
    calm(sim);
    struct sim_weather *w = &sim->weather;
    w->loss = w->duplication = w->inproc_loss = w->replay = w->straggle = w->stall = 0;
    w->delay_max = 300;
    w->commit_max = 1000;
    for (int i = 0; i < sim->node_count; i++) {
        sim->nodes[i].slow_disk_until = 0;
        if (sim->nodes[i].paused_until > sim->now)
            sim->nodes[i].paused_until = sim->now;
        if (!sim->nodes[i].alive)
            sim_node_start(sim, &sim->nodes[i]);
    }
}

void sim_fault_event(struct sim *sim, const struct sim_event *event)
{
    switch ((enum fault)event->fault) {
    case FAULT_STRIKE:
        strike(sim);
        break;
    case FAULT_RESTART:
        if (!sim->nodes[event->node].alive) {
            sim_note(sim, "--- restart of node %d", event->node);
            sim->happenings->restarts++;
            sim_node_start(sim, &sim->nodes[event->node]);
        }
        break;
    case FAULT_CALM:
        calm(sim);
        break;
    case FAULT_REPLAY:
        if (sim->now >= sim->faults_end)
            break;
        sim_network_replay(sim);
        schedule_fault(sim, (wire_time)sim_below(sim, 5 * WIRE_MS), FAULT_REPLAY, -1);
        break;
    case FAULT_HEAL:
        sim_note(sim, "--- healing");
        sim_heal(sim);
        break;
    }
}
