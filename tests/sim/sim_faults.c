/* What goes wrong, and when it is put right again; and where the like of it is made on real processes:
 * `cluster X` is tests/cluster/X_tests.py, the shim is tests/shim/, chaos and torment are tools/. Which
 * kinds strike in a life is drawn per seed; each time one of them is drawn, and the time of the next.
 *
 *     fault                          in the simulator                    on real processes
 *     -----------------------------  ----------------------------------  --------------------------------
 *     crash: anybody, a leader,      crash, crash_leader, crash_group    kill -9: cluster failover;
 *       all of a group                                                     cluster outage; chaos; torment
 *     crash between two effects      crash_amid; sim_node carry_out      MADKV_CRASH_AT: cluster crash
 *     crash or full disk amid a      weather.amid_fetch; strike_fetcher  cluster snapshot, crash
 *       snapshot
 *     forged snapshot                weather.forgery; sim_wire           unit tests of the checkpointer
 *     unsynced writes lost           sim_node_crash                      cluster disk: the shim's undo log;
 *                                                                          torment
 *     torn writes                    none: a transaction of LMDB is      cluster disk: some sectors of what
 *                                      durable by one write of its meta      was not synced are lost, some not
 *                                      page, so of a commit that met a
 *                                      crash or an error all is there
 *                                      afterwards, or nothing
 *     failed commit (fsync error)    sync_error; sim_node fail_commit    cluster disk: EIO from fdatasync
 *     full disk                      full_disk; sim_node wait_for_room   cluster disk: ENOSPC from the shim,
 *                                                                          small file systems
 *     slow disk                      slow_disk; weather.stall            cluster disk: delays by the shim
 *     stalled disk of a leader       stall_leader; lives of nothing      cluster disk: the same
 *                                      else: sim_weather draw_stalls
 *     damage at rest                 damage_record                       cluster inspect: flipped bits,
 *                                                                          truncated files
 *     damaged record of the base     damage_base; sim_node_lose_base     cluster repair: flipped bits
 *     wiped disk, damaged hard state weather.wipes, of restarts;         cluster directory, rebirth; torment
 *                                      sim_wipes
 *     hand-over of leadership,       order; strike_amid                  cluster hand-over
 *       the old leader cut off or
 *       paused amid it
 *     orderly end                    end_leader, end_anybody             SIGTERM: cluster hand-over
 *     pause, suspend                 pause_replica: its clock goes on    SIGSTOP: cluster failover;
 *                                                                          chaos pause; torment
 *     slow replica                   slow_replica; sim_node steps        -
 *     late start                     workload.absent                     restarts: cluster failover
 *     clock drift                    weather.drift                       -
 *     clock leaps ahead              clock_jump: see there               -
 *     clock goes back                none: CLOCK_BOOTTIME does not       -
 *     loss, delay, reordering        weather; sim_network                -
 *     duplicates, old messages       weather; sim_network_replay         -
 *     corruption on the wire         weather; sim_wire                   cluster hostile; fuzzers
 *     two halves, one-way, one       split, one_way, isolate             chaos partition, oneway
 *       replica alone
 *     a server without managers      cut_from_managers: chains only      -
 *     ring: neighbours only          ring                                -
 *     clients cut off                cut_client                          -
 *     clogged links                  clog_links; sim_network held_up     -
 *     refused sends in a replica     weather.inproc_loss                 unit tests of the actor
 *     overload                       sim_weather draw_overload           bench with an open loop
 *     client vanishes                client_crash                        killed by hand only
 *     client leaves in good order    client_leave                        STOP: cluster client
 *     configuration changes          - (there are none yet)              -
 */
#include "tests/sim/sim.h"

#include <inttypes.h>
#include "smr/paxos/acceptor.h"
#include "smr/paxos/proposer.h"

/* What a SIM_FAULT event is about. */
enum {
    FAULT_STRIKE,  /* draw a kind and the time of the next */
    FAULT_FETCHER, /* a replica in the middle of fetching a snapshot: event.node */
    FAULT_RESTART, /* a crashed replica is started again: event.node */
    FAULT_CALM,    /* no link is cut any more */
    FAULT_ROOM,    /* a full disk has room again: event.node */
    FAULT_PAUSE,   /* a replica is paused: event.node */
    FAULT_CUT_OFF, /* a replica is cut off from all others: event.node */
    FAULT_ENDING,  /* has a replica that is to end handed over: event.node */
    FAULT_RESUMED, /* is a group that had a leader with a stalled disk served again: event.node */
    FAULT_REPLAY,  /* an old message comes again */
    FAULT_HEAL,    /* the end of all faults */
    FAULT_DOOM,    /* more disks than may be are wiped at once: event.node is of the group */
    FAULT_WATCH,   /* after it: has every group a leader? */
};

static void schedule_fault(struct sim *sim, wire_time after, int fault, int node)
{
    sim_schedule(sim, sim->now + after,
                 (struct sim_event){.kind = SIM_FAULT, .node = node, .client = -1, .fault = fault});
}

static wire_time up_to(struct sim *sim, wire_time bound)
{
    return (wire_time)sim_below(sim, (uint64_t)bound);
}

static struct sim_node *any_node(struct sim *sim)
{
    return &sim->nodes[sim_below(sim, (uint64_t)sim->node_count)];
}

static struct sim_client *any_client(struct sim *sim)
{
    return &sim->clients[sim_below(sim, (uint64_t)sim->client_count)];
}

static struct sim_cluster_group *any_group(struct sim *sim)
{
    return &sim->groups[sim_below(sim, (uint64_t)sim->group_count)];
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

/* --- processes -------------------------------------------------------------------------------------- */

void sim_fault_crash(struct sim *sim, struct sim_node *node, const char *why)
{
    if (!node->alive)
        return;
    sim_note(sim, "%-4s ******** %s", node->name, why);
    sim_node_crash(sim, node);
    schedule_fault(sim, 50 * WIRE_MS + up_to(sim, 5 * WIRE_SECOND), FAULT_RESTART, node->index);
}

static void crash_reborn(struct sim *sim)
{
    struct sim_node *node = any_node(sim);
    for (int i = 0; i < sim->node_count && !sim_wipe_is_half_done(sim, node); i++)
        node = &sim->nodes[(node->index + 1) % sim->node_count];
    if (!sim_wipe_is_half_done(sim, node))
        return;
    sim->happenings->crashed_half_reborn++;
    if (sim_chance(sim, 500))
        node->crash_countdown = 1 + (unsigned)sim_below(sim, 10);
    else
        sim_fault_crash(sim, node, "crashes half reborn");
}

static void crash(struct sim *sim)
{
    sim_fault_crash(sim, any_node(sim), "crashes");
}

static void crash_leader(struct sim *sim)
{
    sim_fault_crash(sim, some_leader(sim), "crashes");
}

static void crash_group(struct sim *sim)
{
    const struct sim_cluster_group *group = any_group(sim);
    sim->happenings->groups_crashed++;
    for (int i = 0; i < group->replica_count; i++)
        sim_fault_crash(sim, &sim->nodes[group->first_node + i], "crashes with its whole group");
}

/* It is back at once, so that whoever served it has the same snapshot still. */
static void strike_fetcher(struct sim *sim, struct sim_node *node)
{
    if (!node->alive || node->disk_full)
        return;
    if (sim_chance(sim, 300)) {
        sim->happenings->full_disks++;
        sim_node_set_full(sim, node, true, true);
        schedule_fault(sim, up_to(sim, WIRE_SECOND), FAULT_ROOM, node->index);
        return;
    }
    sim->happenings->fetchers_crashed++;
    sim_note(sim, "%-4s ******** crashes amid a snapshot", node->name);
    sim_node_crash(sim, node);
    schedule_fault(sim, 1 + up_to(sim, 20 * WIRE_MS), FAULT_RESTART, node->index);
}

void sim_fault_amid_fetch(struct sim *sim, struct sim_node *node)
{
    struct buf *mark = node->base.ops->staged(node->base.self);
    if (mark != NULL && sim->now < sim->faults_end && sim_chance(sim, sim->weather.amid_fetch))
        schedule_fault(sim, up_to(sim, 20 * WIRE_MS), FAULT_FETCHER, node->index);
    buf_unref(&mark);
}

static void crash_amid(struct sim *sim)
{
    struct sim_node *node = sim_chance(sim, 500) ? some_leader(sim) : any_node(sim);
    if (node->alive)
        node->crash_countdown = 1 + (unsigned)sim_below(sim, 40);
}

static void restart(struct sim *sim, struct sim_node *node)
{
    if (node->alive)
        return;
    if (node->disk_full) { /* a start commits before anything else, so it would end at once */
        sim->happenings->restarts_put_off++;
        schedule_fault(sim, 100 * WIRE_MS + up_to(sim, WIRE_SECOND), FAULT_RESTART, node->index);
        return;
    }
    if (sim->now < sim->faults_end && sim_chain_may_start(sim, node) &&
        sim_chance(sim, sim->weather.wipes) && sim_wipe_may(sim, node))
        sim_wipe(sim, node, sim_chance(sim, 300));
    if (!sim_chain_may_start(sim, node)) {
        sim->happenings->chain_starts_put_off++;
        sim_client_register(sim, any_client(sim));
        schedule_fault(sim, 1 + up_to(sim, 200 * WIRE_MS), FAULT_RESTART, node->index);
        return;
    }
    sim_note(sim, "%-4s ******** starts again", node->name);
    sim->happenings->restarts++;
    sim_node_start(sim, node);
}

static void pause_node(struct sim *sim, struct sim_node *node)
{
    if (!node->alive)
        return;
    node->paused_until = sim->now + up_to(sim, 4 * WIRE_SECOND);
    sim->happenings->pauses++;
    sim_note(sim, "%-4s ******** is paused until %.6f", node->name,
             (double)node->paused_until / WIRE_SECOND);
}

static void pause_replica(struct sim *sim)
{
    pause_node(sim, any_node(sim));
}

static void slow_replica(struct sim *sim)
{
    struct sim_node *node = any_node(sim);
    node->slowness = 10 + (unsigned)sim_below(sim, 91);
    node->slow_until = sim->now + up_to(sim, 8 * WIRE_SECOND);
    sim->happenings->slow_replicas++;
    sim_note(sim, "%-4s ******** is slow, %u times, until %.6f", node->name, node->slowness,
             (double)node->slow_until / WIRE_SECOND);
}

/* --- disks ------------------------------------------------------------------------------------------ */

static void slow_disk(struct sim *sim)
{
    struct sim_node *node = any_node(sim);
    node->slow_disk_until = sim->now + up_to(sim, 4 * WIRE_SECOND);
    sim->happenings->slow_disks++;
    sim_note(sim, "%-4s ******** its disk is slow until %.6f", node->name,
             (double)node->slow_disk_until / WIRE_SECOND);
}

/* A leader's, and for longer than it may lead with it. Of a group one at a time, or no majority is left. */
static void stall_leader(struct sim *sim)
{
    struct sim_node *node = some_leader(sim);
    const struct sim_cluster_group *group = &sim->groups[node->group_index];
    for (int i = 0; i < group->replica_count; i++) {
        if (sim->nodes[group->first_node + i].stalled_until > sim->now)
            return;
    }
    node->stalled_until = sim->now + 5 * WIRE_SECOND + up_to(sim, 5 * WIRE_SECOND);
    if (node->stalled_until > sim->faults_end)
        node->stalled_until = sim->faults_end; /* a commit that began returns when it was told to */
    sim_note(sim, "%-4s ******** its disk stalls until %.6f", node->name,
             (double)node->stalled_until / WIRE_SECOND);
}

void sim_fault_stalls(struct sim *sim, struct sim_node *node)
{
    sim->happenings->stalled_commits++;
    node->applied_then = sim->groups[node->group_index].agreement.applied;
    if (sim->weather.stalls_only && !sim->chain && sim->groups[node->group_index].replica_count > 1 &&
        sim_node_leads(node))
        schedule_fault(sim, 3 * sim->weather.timing.silence_min, FAULT_RESUMED, node->index);
}

static void sync_error(struct sim *sim)
{
    any_node(sim)->sync_fails = true; /* counted when it does */
}

static void full_disk(struct sim *sim)
{
    struct sim_node *node = sim_chance(sim, 300) ? some_leader(sim) : any_node(sim);
    bool only_low = sim_chance(sim, 400);
    sim->happenings->full_disks += !node->disk_full && !only_low;
    sim->happenings->low_disks += only_low;
    sim_node_set_full(sim, node, !only_low, true);
    schedule_fault(sim, up_to(sim, 5 * WIRE_SECOND), FAULT_ROOM, node->index);
}

/* One record of one replica that is down, at most once a life and never where there is no peer: more
 * may lose what a majority had, and nobody could say so. */
static void damage_record(struct sim *sim)
{
    struct sim_node *node = any_node(sim);
    wire_slot highest;
    struct wire_hard_state state;
    struct smr_log_entry entry;
    for (int i = 0; i < sim->node_count && node->alive; i++)
        node = &sim->nodes[(node->index + 1) % sim->node_count];
    if (node->alive || sim->damaged || !sim_wipe_may(sim, node) ||
        node->log.ops->load(node->log.self, &state, &highest) != WIRE_OK || highest == 0)
        return;
    wire_slot slot = 1 + sim_below(sim, highest);
    if (node->log.ops->read(node->log.self, slot, &entry) != WIRE_OK)
        return;
    buf_unref(&entry.batch);
    smr_memory_log_damage(node->log, slot);
    sim->happenings->damaged_records++;
    sim->happenings->chain_records_damaged += sim_node_is_chain(sim, node);
    sim->damaged = node->damaged = true;
    sim_note(sim, "%-4s ******** its record of slot %" PRIu64 " is damaged", node->name, slot);
}

/* A record of a base: it is found when it is read. Of others in the group there must be enough that have a
 * state, as for a wipe. What a member of a chain holds nobody else may have by the time it is found, so there
 * it is found at once, or when the process starts. */
static void damage_base(struct sim *sim)
{
    struct sim_node *node = sim_chance(sim, 300) ? some_leader(sim) : any_node(sim);
    bool chain = sim_node_is_chain(sim, node);
    unsigned place = (chain && !node->alive) || sim_chance(sim, 200) ? 1000 : (unsigned)sim_below(sim, 1000);
    if (node->damaged || node->base_damaged || !sim_wipe_may(sim, node) ||
        !smr_memory_base_damage(node->base, place))
        return;
    if (chain && node->alive)
        smr_memory_base_lose(node->base);
    sim->happenings->damaged_bases++;
    node->base_damaged = true;
    sim_note(sim, "%-4s ******** a record of its base is damaged", node->name);
}

/* --- clocks ----------------------------------------------------------------------------------------- */

/* No lease outlives the clock of an acceptor that leaps while its machine runs, as no protocol of leases
 * can: that CLOCK_BOOTTIME does not do so is what they rest on. A machine that sleeps is paused, and its
 * clock goes on. So where replicas hold leases only clients' clocks leap. */
static void clock_jump(struct sim *sim)
{
    wire_time ahead = WIRE_MS << sim_below(sim, 15); /* up to 16 s */
    sim->happenings->clock_jumps++;
    if (sim->chain || sim->weather.reads == SMR_READS_LEASE || sim_chance(sim, 200)) {
        struct sim_client *client = any_client(sim);
        sim_note(sim, "c%-3d ******** its clock leaps %.3f s ahead", client->index,
                 (double)ahead / WIRE_SECOND);
        sim_clock_jump(sim, &client->clock, ahead);
        sim_client_reschedule(sim, client);
        return;
    }
    struct sim_node *node = sim_chance(sim, 500) ? some_leader(sim) : any_node(sim);
    sim_note(sim, "%-4s ******** its clock leaps %.3f s ahead", node->name,
             (double)ahead / WIRE_SECOND);
    sim_clock_jump(sim, &node->clock, ahead);
    sim_node_reschedule(sim, node);
}

/* --- network ---------------------------------------------------------------------------------------- */

static void calm_later(struct sim *sim)
{
    schedule_fault(sim, 100 * WIRE_MS + up_to(sim, 6 * WIRE_SECOND), FAULT_CALM, -1);
}

/* Puts every end on one side of two at random. Of a one-way cut one direction still passes. */
static void cut_in_two(struct sim *sim, bool one_way)
{
    uint64_t side = wire_random_next(&sim->random);
    sim_note(sim, "---- ******** the network is cut in two%s", one_way ? ", one way" : "");
    for (int a = 0; a < SIM_ENDS_MAX; a++) {
        for (int b = 0; b < SIM_ENDS_MAX; b++) {
            bool left = (side >> a & 1) != 0, right = (side >> b & 1) != 0;
            bool clients = a >= SIM_NODES_MAX || b >= SIM_NODES_MAX;
            sim->cut[a][b] = !clients && (one_way ? left && !right : left != right);
        }
    }
    calm_later(sim);
}

static void split(struct sim *sim)
{
    sim->happenings->partitions++;
    cut_in_two(sim, false);
}

static void one_way(struct sim *sim)
{
    sim->happenings->one_way_cuts++;
    cut_in_two(sim, true);
}

/* Cuts an end off from all nodes, in one direction or both. */
static void cut_off(struct sim *sim, int lone, unsigned how)
{
    for (int other = 0; other < sim->node_count; other++) {
        sim->cut[lone][other] |= (how & 1) != 0;
        sim->cut[other][lone] |= (how & 2) != 0;
    }
    calm_later(sim);
}

static void isolate_node(struct sim *sim, const struct sim_node *lone)
{
    unsigned how = 1 + (unsigned)sim_below(sim, 3);
    sim->happenings->isolations++;
    sim_note(sim, "%-4s ******** is cut off%s", lone->name,
             how == 1   ? ": nobody hears it"
             : how == 2 ? ": it hears nobody"
                        : "");
    cut_off(sim, lone->index, how);
}

static void isolate(struct sim *sim)
{
    isolate_node(sim, some_leader(sim));
}

static void cut_client(struct sim *sim)
{
    const struct sim_client *lone = any_client(sim);
    sim->happenings->client_cuts++;
    sim_note(sim, "c%-3d ******** is cut off", lone->index);
    cut_off(sim, SIM_NODES_MAX + lone->index, 1 + (unsigned)sim_below(sim, 3));
}

static void cut_from_managers(struct sim *sim)
{
    sim_chain_cut_from_managers(sim, any_node(sim));
    calm_later(sim);
}

/* Every replica sees its neighbours only. Of five each sees a majority, but no two the same one; three
 * make a line, since in a ring of three all are neighbours. */
static void ring(struct sim *sim)
{
    const struct sim_cluster_group *group = any_group(sim);
    int count = group->replica_count;
    if (count < 3)
        return;
    sim->happenings->ring_cuts++;
    sim_note(sim, "%-4s ******** its group sees its neighbours only",
             sim->nodes[group->first_node].name);
    int first = (int)sim_below(sim, (uint64_t)count);
    for (int i = 0; i < count; i++) {
        for (int k = 0; k < count; k++) {
            int apart = i < k ? k - i : i - k;
            bool neighbours = apart <= 1 || (count > 3 && apart == count - 1);
            int a = group->first_node + (first + i) % count;
            int b = group->first_node + (first + k) % count;
            sim->cut[a][b] |= !neighbours;
        }
    }
    calm_later(sim);
}

/* Some links deliver nothing for a while, and then everything in order. Each by itself, as they open one
 * after the other. */
static void clog_links(struct sim *sim)
{
    unsigned share = 100 + (unsigned)sim_below(sim, 600);
    sim->happenings->clogs++;
    sim_note(sim, "---- ******** %u in 1000 links are clogged", share);
    for (int a = 0; a < SIM_ENDS_MAX; a++) {
        for (int b = 0; b < SIM_ENDS_MAX; b++) {
            wire_time until = sim->now + up_to(sim, 4 * WIRE_SECOND);
            if (sim_chance(sim, share))
                sim->clogged_until[a][b] = until < sim->faults_end ? until : sim->faults_end;
        }
    }
}

static void calm(struct sim *sim)
{
    static const bool nothing[SIM_ENDS_MAX][SIM_ENDS_MAX];
    if (memcmp(sim->cut, nothing, sizeof nothing) == 0)
        return;
    sim->happenings->heals++;
    memset(sim->cut, 0, sizeof sim->cut);
    sim_note(sim, "---- ******** no link is cut any more");
}

/* --- going on purpose --------------------------------------------------------------------------------- */

/* While leadership changes hands: messages are few and quick then, so it must be soon. */
static void strike_amid(struct sim *sim, const struct sim_node *node)
{
    if (sim_chance(sim, 300)) {
        sim->happenings->cut_off_amid_hand_overs++;
        schedule_fault(sim, up_to(sim, 3 * WIRE_MS), FAULT_CUT_OFF, node->index);
    } else if (sim_chance(sim, 400)) {
        sim->happenings->paused_amid_hand_overs++;
        schedule_fault(sim, up_to(sim, 3 * WIRE_MS), FAULT_PAUSE, node->index);
    }
}

/* An operator's tool says so, to a leader for the most part, or orders a checkpoint. */
static void order(struct sim *sim)
{
    struct sim_node *node = sim_chance(sim, 900) ? some_leader(sim) : any_node(sim);
    uint64_t replicas = (uint64_t)sim->groups[node->group_index].replica_count;
    struct wire_message order = {.type = WIRE_MESSAGE_ADMIN,
                                 .sender = {.cluster = 7, .group = node->group}};
    order.admin.tag = sim->now;
    order.admin.action = (uint8_t)sim_below(sim, WIRE_ADMIN_ACTIONS);
    order.admin.replica = (wire_replica)sim_below(sim, replicas);
    sim_note(sim, "%-4s ******** is ordered %u, replica %u", node->name, order.admin.action,
             order.admin.replica);
    if (!sim_network_from_client(sim, any_client(sim), node, &order))
        return;
    sim->happenings->orders++;
    strike_amid(sim, node);
}

/* SIGTERM: it hands over what it leads, then it ends. */
static void end(struct sim *sim, struct sim_node *node)
{
    if (!node->alive || node->ending_until != 0)
        return;
    sim_note(sim, "%-4s ******** is told to end", node->name);
    sim->happenings->leaders_ended += sim_node_leads(node);
    sim->happenings->endings++;
    node->ending_until = sim->now + 3 * WIRE_SECOND;
    sim_node_leave(sim, node);
    schedule_fault(sim, 0, FAULT_ENDING, node->index);
    strike_amid(sim, node);
}

static void end_leader(struct sim *sim)
{
    end(sim, some_leader(sim));
}

static void end_anybody(struct sim *sim)
{
    end(sim, any_node(sim));
}

static void watch_ending(struct sim *sim, struct sim_node *node)
{
    if (!node->alive || node->ending_until == 0)
        return;
    if (sim_node_left(node) || sim->now >= node->ending_until) {
        sim->happenings->endings_in_order += sim_node_left(node);
        sim_fault_crash(sim, node, "ends");
    } else {
        schedule_fault(sim, WIRE_MS, FAULT_ENDING, node->index);
    }
}

/* --- clients ---------------------------------------------------------------------------------------- */

static void client_crash(struct sim *sim)
{
    sim_client_replace(sim, any_client(sim), false);
}

static void client_leave(struct sim *sim)
{
    sim_client_replace(sim, any_client(sim), true);
}

/* --- the kinds -------------------------------------------------------------------------------------- */

/* (function, of how many lives in a thousand it is part) */
#define FAULT_KINDS(X)                                                                             \
    X(crash, 600)                                                                                  \
    X(crash_leader, 500)                                                                           \
    X(crash_group, 120)                                                                            \
    X(crash_amid, 350)                                                                             \
    X(crash_reborn, 350)                                                                           \
    X(pause_replica, 350)                                                                          \
    X(slow_replica, 200)                                                                           \
    X(slow_disk, 200)                                                                              \
    X(stall_leader, 200)                                                                           \
    X(sync_error, 200)                                                                             \
    X(full_disk, 200)                                                                              \
    X(damage_record, 200)                                                                          \
    X(damage_base, 250)                                                                            \
    X(clock_jump, 250)                                                                             \
    X(split, 450)                                                                                  \
    X(one_way, 350)                                                                                \
    X(isolate, 450)                                                                                \
    X(cut_from_managers, 300)                                                                      \
    X(ring, 150)                                                                                   \
    X(cut_client, 120)                                                                             \
    X(clog_links, 250)                                                                             \
    X(order, 350)                                                                                  \
    X(end_leader, 250)                                                                             \
    X(end_anybody, 100)                                                                            \
    X(client_crash, 200)                                                                           \
    X(client_leave, 150)

enum fault_kind {
#define X(name, lives) KIND_##name,
    FAULT_KINDS(X)
#undef X
    KIND_COUNT
};

static const struct {
    void (*strike)(struct sim *sim); /* what happens */
    unsigned lives;                  /* in how many of a thousand */
} kinds[KIND_COUNT] = {
#define X(name, lives) {name, lives},
    FAULT_KINDS(X)
#undef X
};

static_assert(KIND_COUNT <= 64, "a bit each");

uint64_t sim_kinds_draw(struct sim *sim)
{
    uint64_t drawn = 0;
    if (sim_chance(sim, 50))
        return 0; /* nothing but the weather */
    for (int kind = 0; kind < KIND_COUNT; kind++)
        drawn |= (uint64_t)sim_chance(sim, kinds[kind].lives) << kind;
    return drawn;
}

uint64_t sim_kinds_cuts(void)
{
    return UINT64_C(1) << KIND_split | UINT64_C(1) << KIND_one_way | UINT64_C(1) << KIND_isolate;
}

uint64_t sim_kinds_stalls(void)
{
    return UINT64_C(1) << KIND_stall_leader;
}

static void strike(struct sim *sim)
{
    if (sim->now >= sim->faults_end)
        return;
    uint64_t left = sim->weather.kinds;
    uint64_t chosen = sim_below(sim, (uint64_t)__builtin_popcountll(left));
    for (; chosen > 0; chosen--)
        left &= left - 1;
    kinds[__builtin_ctzll(left)].strike(sim);
    schedule_fault(sim, 1 + up_to(sim, 2 * sim->weather.fault_gap), FAULT_STRIKE, -1);
}

/* --- beginning and end ------------------------------------------------------------------------------ */

static void draw_clocks(struct sim *sim)
{
    sim->happenings->drifting_clocks += sim->weather.drift > 0;
    for (int i = 0; i < sim->node_count; i++)
        sim_clock_set(sim, &sim->nodes[i].clock);
    for (int i = 0; i < sim->client_count; i++)
        sim_clock_set(sim, &sim->clients[i].clock);
}

void sim_faults_begin(struct sim *sim)
{
    sim->faults_end = (5 + up_to(sim, 15)) * WIRE_SECOND;
    sim->deadline = sim->faults_end + 40 * WIRE_SECOND;
    draw_clocks(sim);
    schedule_fault(sim, sim->faults_end, FAULT_HEAL, -1);
    if (sim->weather.kinds != 0)
        schedule_fault(sim, up_to(sim, sim->weather.fault_gap), FAULT_STRIKE, -1);
    if (sim->weather.replay > 0)
        schedule_fault(sim, 0, FAULT_REPLAY, -1);
    int doomed = (int)sim_below(sim, (uint64_t)sim->group_count);
    if (sim->weather.wipes > 0 && sim->groups[doomed].replica_count >= 3 &&
        sim_chance(sim, sim->chain ? 80 : 30))
        schedule_fault(sim, up_to(sim, sim->faults_end), FAULT_DOOM, doomed);
}

static void heal_node(struct sim *sim, struct sim_node *node)
{
    node->slow_disk_until = node->slow_until = node->stalled_until = 0;
    node->crash_countdown = 0;
    node->sync_fails = false;
    sim_node_set_full(sim, node, false, false);
    if (node->paused_until > sim->now)
        node->paused_until = sim->now;
    if (node->alive && node->ending_until != 0)
        sim_node_crash(sim, node); /* it ends, and starts with the others */
    if (node->base_damaged && !node->base_lost)
        sim_node_lose_base(sim, node); /* found at last */
    if (!node->alive)
        restart(sim, node);
}

/* Clocks go on as they do: drift is no fault that ends. What is under way stays under way. */
static void heal(struct sim *sim)
{
    struct sim_weather *w = &sim->weather;
    sim_note(sim, "---- ******** all faults end");
    calm(sim);
    memset(sim->clogged_until, 0, sizeof sim->clogged_until);
    w->loss = w->duplication = w->corruption = w->forgery = w->inproc_loss = 0;
    w->replay = w->straggle = w->stall = 0;
    w->delay_max = 300;
    w->commit_max = 1000;
    for (int i = 0; i < sim->node_count; i++)
        heal_node(sim, &sim->nodes[i]);
    schedule_fault(sim, 0, FAULT_WATCH, -1);
}

/* One that leads in the ballot a majority is bound to: a deposed one that has not heard of it is none. */
static bool has_leader(const struct sim *sim, const struct sim_cluster_group *group)
{
    const struct sim_node *nodes = &sim->nodes[group->first_node];
    for (int i = 0; i < group->replica_count; i++) {
        int bound = 0;
        if (!sim_node_leads(&nodes[i]))
            continue;
        struct wire_ballot ballot = smr_proposer_ballot(nodes[i].roles.proposer);
        for (int k = 0; k < group->replica_count; k++)
            bound += nodes[k].alive && ballot_equal(smr_acceptor_promised(nodes[k].roles.acceptor), ballot);
        if (bound > group->replica_count / 2)
            return true;
    }
    return false;
}

/* Fewer than three of the shortest silences after a commit of a leader began to stall, and nothing else is
 * wrong: another one leads and more is applied. */
static void check_resumed(struct sim *sim, struct sim_node *node)
{
    const struct sim_cluster_group *group = &sim->groups[node->group_index];
    if (!node->committing || sim->now >= sim->faults_end || group->doomed)
        return; /* the disk is well again, or too many lost theirs */
    if (sim_node_leads(node) || !has_leader(sim, group))
        sim_fail(sim, "node %d: its disk stalls, and nobody else leads in time", node->index);
    if (group->agreement.applied <= node->applied_then)
        sim_fail(sim, "node %d: its disk stalls, and nothing is applied in time", node->index);
    sim->happenings->stalled_leaders_replaced++;
}

static void watch(struct sim *sim)
{
    bool all = true;
    for (int i = 0; i < sim->group_count; i++) {
        struct sim_cluster_group *group = &sim->groups[i];
        bool chain = group->protocol == WIRE_PROTOCOL_CHAIN;
        if (group->led_at == 0 && (chain ? sim_chain_has_head(sim, group) : has_leader(sim, group)))
            group->led_at = sim->now;
        if (group->doomed)
            continue;
        if (group->led_at == 0 && sim->now >= sim->faults_end + SIM_LEADER_WITHIN)
            sim_fail(sim, "the group of %s has no leader %d s after healing",
                     sim->nodes[group->first_node].name, (int)(SIM_LEADER_WITHIN / WIRE_SECOND));
        all &= group->led_at != 0;
    }
    if (!all)
        schedule_fault(sim, 50 * WIRE_MS, FAULT_WATCH, -1);
}

void sim_fault_event(struct sim *sim, const struct sim_event *event)
{
    switch (event->fault) {
    case FAULT_STRIKE:
        strike(sim);
        break;
    case FAULT_FETCHER:
        strike_fetcher(sim, &sim->nodes[event->node]);
        break;
    case FAULT_RESTART:
        restart(sim, &sim->nodes[event->node]);
        break;
    case FAULT_CALM:
        calm(sim);
        break;
    case FAULT_ROOM:
        sim_node_set_full(sim, &sim->nodes[event->node], false, false);
        break;
    case FAULT_RESUMED:
        check_resumed(sim, &sim->nodes[event->node]);
        break;
    case FAULT_PAUSE:
        pause_node(sim, &sim->nodes[event->node]);
        break;
    case FAULT_CUT_OFF:
        isolate_node(sim, &sim->nodes[event->node]);
        break;
    case FAULT_ENDING:
        watch_ending(sim, &sim->nodes[event->node]);
        break;
    case FAULT_REPLAY:
        if (sim->now >= sim->faults_end)
            break;
        sim_network_replay(sim);
        schedule_fault(sim, up_to(sim, sim->weather.replay_gap), FAULT_REPLAY, -1);
        break;
    case FAULT_DOOM:
        if (sim->now < sim->faults_end)
            sim_wipe_too_many(sim, event->node);
        break;
    case FAULT_HEAL:
        heal(sim);
        break;
    default:
        watch(sim);
        break;
    }
}
