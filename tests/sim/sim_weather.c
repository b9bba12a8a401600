/* How bad a life is, and what its clients do: drawn from the seed, each by itself, so that over many
 * seeds every combination occurs and no fault is always drowned by another. */
#include "tests/sim/sim.h"

static unsigned up_to(struct sim *sim, unsigned bound)
{
    return (unsigned)sim_below(sim, bound);
}

static void draw_timing(struct sim *sim)
{
    struct sim_weather *w = &sim->weather;
    w->timing = smr_timing_default();
    w->timing.piece = (50 + (wire_time)sim_below(sim, 200)) * WIRE_MS;
    w->timing.silence = (1 + (wire_time)sim_below(sim, 10)) * w->timing.piece * 2;
    if (sim_chance(sim, 500))
        w->timing.lease = 50 * WIRE_MS + (wire_time)sim_below(sim, SMR_LEASE_MAX - 50 * WIRE_MS + 1);
    if (sim_chance(sim, 300)) { /* deposed leaders that do not notice for long */
        w->timing.step_down = (1 + (wire_time)sim_below(sim, 10)) * WIRE_SECOND;
        w->timing.silence_min = (1 + (wire_time)sim_below(sim, 9)) * 100 * WIRE_MS;
        w->timing.silence_max = 2 * w->timing.silence_min;
        w->timing.ask = w->timing.silence_min / 2;
    }
    if (sim_chance(sim, 500))
        w->timing.own_vote = (1 + (wire_time)sim_below(sim, 50)) * WIRE_MS;
    w->lazy = sim_chance(sim, 500) ? 0 : (1 + (wire_time)sim_below(sim, 100)) * WIRE_MS;
    w->fault_gap = (1 + (wire_time)sim_below(sim, 25)) * 100 * WIRE_MS;
    if (sim_chance(sim, 150)) { /* leaders that lose office and win it back at once, amid old votes */
        w->timing.step_down = 150 * WIRE_MS;
        w->timing.silence_min = 100 * WIRE_MS;
        w->timing.silence_max = 250 * WIRE_MS;
        w->timing.ask = 100 * WIRE_MS;
        w->kinds = sim_kinds_cuts(); /* a restart would keep them from office for a second */
        w->replay = 300;
        w->replay_gap = 5 * WIRE_MS;
        w->fault_gap = 300 * WIRE_MS;
    }
}

void sim_weather_draw(struct sim *sim)
{
    struct sim_weather *w = &sim->weather;
    unsigned storm = up_to(sim, 4); /* 0: calm */
    w->loss = storm == 0 ? 0 : up_to(sim, 60 * storm);
    w->duplication = storm == 0 ? 0 : up_to(sim, 100 * storm);
    w->corruption = sim_chance(sim, 300) ? 1 + up_to(sim, 60) : 0;
    w->amid_fetch = sim_chance(sim, 300) ? up_to(sim, 200) : 0;
    w->forgery = sim_chance(sim, 200) ? up_to(sim, 300) : 0;
    w->inproc_loss = sim_chance(sim, 300) ? up_to(sim, 30) : 0;
    w->replay = sim_chance(sim, 400) ? 5 + up_to(sim, 100) : 0;
    w->replay_gap = (1 + (wire_time)sim_below(sim, 30)) * WIRE_MS;
    w->buffering = sim_chance(sim, 500) ? 300 : 0;
    w->delay_max = sim_chance(sim, 500) ? 300 : 30 * WIRE_MS;
    w->straggle = sim_chance(sim, 500) ? up_to(sim, 50) : 0;
    w->commit_max = sim_chance(sim, 700) ? 1000 : 40 * WIRE_MS;
    w->stall = sim_chance(sim, 300) ? up_to(sim, 20) : 0;
    w->hiccups = 20;
    w->drift = sim_chance(sim, 500) ? up_to(sim, 51) : 0;
    w->session_count_max = sim_chance(sim, 80) ? 1 + up_to(sim, 6) : 0;
    w->checkpointing = (struct smr_checkpointing){
        .changed_bytes = 64 + (size_t)sim_below(sim, 4000),
        .log_bytes = 200 + (size_t)sim_below(sim, 20000),
        .slots = 1 + sim_below(sim, 100),
        .tail_slots = sim_chance(sim, 500) ? 0 : sim_below(sim, 50),
        .tail_bytes = sim_chance(sim, 300) ? 1 + sim_below(sim, 20000) : UINT64_MAX,
        .hold_bytes = sim_chance(sim, 500) ? 1 + sim_below(sim, 20000) : UINT64_MAX,
        .unsaved_bytes_max = 2000 + (size_t)sim_below(sim, 8000),
        .piece_bytes = 30 + (size_t)sim_below(sim, sim_chance(sim, 600) ? 100 : 4000),
        .stage_bytes = 1 + (size_t)sim_below(sim, 1000),
        .pace_bytes = 1 + (size_t)sim_below(sim, 2000),
    };
    w->reads = sim_chance(sim, 100)   ? SMR_READS_LOG
               : sim_chance(sim, 300) ? SMR_READS_INDEX
                                      : SMR_READS_LEASE;
    w->allow_admin = sim_chance(sim, 950);
    if (sim->chain && w->reads == SMR_READS_INDEX)
        w->reads = SMR_READS_LEASE; /* chains know no other way but the log */
    w->kinds = sim_kinds_draw(sim);
    w->wipes = sim_chance(sim, sim->chain ? 600 : 350) ? (sim->chain ? 500 : 300) : 0;
    draw_timing(sim);
}

/* Many clients that ask for far more than they are let. */
static void draw_overload(struct sim *sim)
{
    struct sim_workload *work = &sim->workload;
    sim->happenings->overloads++;
    sim->client_count_max = SIM_CLIENTS_MAX;
    sim->weather.api_calls_max = 1 + (uint32_t)sim_below(sim, 24);
    work->key_count = 60 + (int)sim_below(sim, SIM_KEYS_MAX - 59);
    work->pipelined = 900;
    work->pipeline_max = 120;
    work->calls_min = 60;
    work->calls_more = 100;
    work->think_max = WIRE_MS;
}

/* So many slots that who was away for a second is far behind; and may be again by the time a snapshot has come,
 * if the log behind it is not held for long. */
static void draw_long_life(struct sim *sim)
{
    struct sim_workload *work = &sim->workload;
    sim->happenings->long_lives++;
    work->key_count = 20 + (int)sim_below(sim, 40);
    work->pipelined = 900;
    work->pipeline_max = 24;
    work->calls_min = 150;
    work->calls_more = 450;
    work->think_max = 20;
    sim->weather.delay_max = 300;
    sim->weather.commit_max = 200;
    sim->weather.replay = 0;
    if (sim_chance(sim, 800)) {
        struct smr_checkpointing *checkpointing = &sim->weather.checkpointing;
        checkpointing->tail_slots = 0;
        checkpointing->tail_bytes = 1 + sim_below(sim, 1000);
        checkpointing->hold_bytes = 500 + sim_below(sim, 8000);
        checkpointing->piece_bytes = 30;
    }
}

/* So many slots that one who was away all along cannot take in at once what a peer may send: more than
 * it keeps in memory while they are not durable. Few calls at a time, so that batches are small. */
static void draw_very_long_life(struct sim *sim)
{
    draw_long_life(sim);
    struct sim_workload *work = &sim->workload;
    sim->client_count_max = 2;
    work->swaps = work->absent = true;
    work->pipelined = 1000;
    work->pipeline_max = 6;
    work->calls_min = 3500;
    work->calls_more = 1000;
    sim->weather.kinds = 0;
    sim->weather.loss = sim->weather.straggle = sim->weather.stall = sim->weather.hiccups = 0;
}

/* Values so large that a Promise comes in chunks and a slow acceptor is spared. */
static void draw_large_values(struct sim *sim)
{
    struct sim_workload *work = &sim->workload;
    work->swaps = false;
    work->large = 200 + up_to(sim, 400);
    work->key_count = 30;
    work->pipelined = 1000;
    work->pipeline_max = 16;
    work->calls_min = 10;
    work->calls_more = 30;
    work->think_max = WIRE_MS;
    sim->weather.kinds |= sim_kinds_cuts();
    sim->weather.fault_gap = 500 * WIRE_MS;
    sim->weather.commit_max = 40 * WIRE_MS;
    sim->weather.replay = 0;
    struct smr_checkpointing *checkpointing = &sim->weather.checkpointing;
    checkpointing->changed_bytes = checkpointing->log_bytes = 8 * WIRE_VALUE_BYTES_MAX;
    checkpointing->unsaved_bytes_max = 32 * WIRE_VALUE_BYTES_MAX;
    checkpointing->piece_bytes = checkpointing->stage_bytes = 0;
    checkpointing->pace_bytes = 0; /* the real ones */
}

/* Nothing goes wrong but that leaders' disks stall, one after the other, under calls that never end. */
static void draw_stalls(struct sim *sim)
{
    struct sim_weather *w = &sim->weather;
    struct sim_workload *work = &sim->workload;
    sim->happenings->stall_lives++;
    w->stalls_only = true;
    w->kinds = sim_kinds_stalls();
    w->fault_gap = 4 * WIRE_SECOND;
    w->timing = smr_timing_default();
    w->loss = w->duplication = w->corruption = w->inproc_loss = w->replay = 0;
    w->straggle = w->stall = w->hiccups = w->buffering = 0;
    w->commit_max = 10 * WIRE_MS;
    work->absent = false;
    work->calls_min = 250;
    work->think_max = 120 * WIRE_MS;
}

void sim_workload_draw(struct sim *sim)
{
    struct sim_workload *work = &sim->workload;
    sim->client_count_max = 6;
    *work = (struct sim_workload){
        .swaps = sim_chance(sim, 300),
        .key_count = sim_chance(sim, 600)   ? 5
                     : sim_chance(sim, 600) ? 1 + (int)sim_below(sim, 5)
                                            : 6 + (int)sim_below(sim, 30),
        .calls_min = 20,
        .calls_more = 80,
        .pipelined = 300,
        .pipeline_max = 16,
        .think_max = 100 * WIRE_MS,
        .absent = sim_chance(sim, 40),
        .leave = 500,
    };
    unsigned shape = up_to(sim, 1000);
    if (shape < 60)
        draw_overload(sim);
    else if (shape < 100)
        draw_long_life(sim);
    else if (shape < 130)
        draw_large_values(sim);
    else if (shape < 134)
        draw_very_long_life(sim);
    else if (shape < 162)
        draw_stalls(sim);
    sim->happenings->swap_chains += work->swaps;
}

void sim_weather_note(const struct sim *sim)
{
    const struct sim_weather *w = &sim->weather;
    const struct sim_workload *work = &sim->workload;
    for (int i = 0; i < sim->group_count; i++)
        sim_note(sim, "---- group of %s: %d replicas",
                 sim->nodes[sim->groups[i].first_node].name, sim->groups[i].replica_count);
    sim_note(sim, "---- %d clients, %d keys, %s%s; faults until %d s", sim->client_count,
             work->key_count, work->swaps ? "SWAP and GET only" : "all calls",
             work->large > 0 ? ", large values" : "", (int)(sim->faults_end / WIRE_SECOND));
    sim_note(sim, "---- in 1000: loss %u, duplication %u, corruption %u, refused inside %u, "
                  "replays %u, stragglers %u, stalled commits %u",
             w->loss, w->duplication, w->corruption, w->inproc_loss, w->replay, w->straggle,
             w->stall);
    sim_note(sim, "---- messages take up to %d us, commits %d us; clocks drift by up to %u in 1000",
             (int)w->delay_max, (int)w->commit_max, w->drift);
    sim_note(sim, "---- reads by %s; leases of %d ms",
             w->reads == SMR_READS_LOG     ? "the log"
             : w->reads == SMR_READS_INDEX ? "index"
                                           : "lease",
             (int)(w->timing.lease / WIRE_MS));
    sim_note(sim, "---- leaders give up after %d ms, are missed after %d to %d ms",
             (int)(w->timing.step_down / WIRE_MS), (int)(w->timing.silence_min / WIRE_MS),
             (int)(w->timing.silence_max / WIRE_MS));
    if (w->wipes > 0)
        sim_note(sim, "---- in 1000 restarts %u find an empty disk", w->wipes);
    if (w->api_calls_max > 0 || w->session_count_max > 0)
        sim_note(sim, "---- small bounds: %u open calls, %u sessions (0: the real one)",
                 w->api_calls_max, w->session_count_max);
}
