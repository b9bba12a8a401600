/* Replicas: four roles with an inbox each, a disk, and a scheduler that is as unfair as it likes.
 *
 * A role takes some of what is in its inbox, then settles, then its effects are carried out. The
 * acceptor's puts are committed after that; its thread does nothing else until the commit returns,
 * and only then do the sends leave that had to wait for it.
 *
 * A crash comes between two events or between two effects of one step, and loses what was not
 * committed. A commit that is under way then, or that fails, is durable as a whole or not at all: an
 * LMDB transaction takes effect by the one write of its meta page. A commit that finds no room stays
 * queued, and so does what waits for it; meanwhile the acceptor takes in more, up to a bound, as in
 * actors/actor.c. */
#include "tests/sim/sim.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include "manager/map_machine.h"
#include "server/courier.h"
#include "server/kv_machine.h"
#include "smr/api.h"
#include "smr/applier.h"
#include "smr/checkpointer.h"
#include "smr/paxos/acceptor.h"
#include "smr/streamer.h"
#include "wire/batch.h"

enum {
    HELD_MAX = 32 /* sends and puts that wait for room; ACTOR_HELD_MAX of the real one, but small */
};

static struct smr_role role_of(struct sim_node *node, enum wire_role role)
{
    switch (role) {
    case WIRE_ROLE_API:
        return node->roles.api;
    case WIRE_ROLE_PROPOSER:
        return node->roles.proposer;
    case WIRE_ROLE_APPLIER:
        return node->roles.applier;
    case WIRE_ROLE_CHECKPOINTER:
        return node->roles.checkpointer;
    case WIRE_ROLE_STREAMER:
        return node->roles.streamer;
    case WIRE_ROLE_COURIER:
        return node->courier;
    default:
        return node->roles.acceptor;
    }
}

/* What its clock shows: the only time a role ever sees. */
static wire_time time_at(const struct sim *sim, const struct sim_node *node)
{
    return sim_clock_now(&node->clock, sim->now);
}

bool sim_node_leads(const struct sim_node *node)
{
    return node->alive && smr_group_leads(&node->roles);
}

/* --- inboxes --------------------------------------------------------------------------------------- */

static void inbox_push(struct sim_inbox *inbox, struct sim_letter letter)
{
    if (inbox->first + inbox->count == inbox->capacity) {
        if (inbox->first > 0)
            memmove(inbox->letters, inbox->letters + inbox->first, inbox->count * sizeof letter);
        inbox->first = 0;
        if (inbox->count * 2 >= inbox->capacity) {
            inbox->capacity = inbox->capacity == 0 ? 64 : inbox->capacity * 2;
            inbox->letters = wire_realloc(inbox->letters, inbox->capacity * sizeof letter);
        }
    }
    inbox->letters[inbox->first + inbox->count++] = letter;
}

static void inbox_empty(struct sim_inbox *inbox)
{
    for (size_t i = 0; i < inbox->count; i++)
        sim_letter_free(&inbox->letters[inbox->first + i]);
    inbox->count = inbox->first = 0;
}

static void schedule_step(struct sim *sim, struct sim_node *node, enum wire_role role)
{
    if (node->step_due[role])
        return;
    node->step_due[role] = true;
    /* A checkpoint takes as long as the disk likes, and a crash meanwhile leaves nothing of it. */
    bool writes = role == WIRE_ROLE_CHECKPOINTER && sim_chance(sim, 100);
    uint64_t longest = writes                                     ? 300000
                       : sim_chance(sim, sim->weather.hiccups) ? 20000
                                                               : 100;
    wire_time wait = 1 + (wire_time)sim_below(sim, longest);
    if (sim->now < node->slow_until)
        wait *= writes ? 5 : node->slowness; /* what it writes to is no slower than it is */
    sim_schedule(sim, sim->now + wait,
                 (struct sim_event){.kind = SIM_STEP,
                                    .node = node->index,
                                    .client = -1,
                                    .role = role,
                                    .life = node->life});
}

void sim_node_deliver(struct sim *sim, struct sim_node *node, struct sim_letter letter)
{
    if (!node->alive) {
        sim_letter_free(&letter);
        return;
    }
    enum wire_role role = letter.to == WIRE_ROLE_LEARNER ? WIRE_ROLE_ACCEPTOR : letter.to;
    inbox_push(&node->inbox[role], letter);
    schedule_step(sim, node, role);
}

/* --- effects --------------------------------------------------------------------------------------- */

/* The births known behind what was put last; in order, like the puts. */
static void note_births(struct sim_node *node, const struct wire_hard_state *state)
{
    uint32_t own = state->births[node->replica].generation;
    for (int i = 0; i < SIM_REPLICAS_MAX; i++)
        node->disk.named[i] = (uint8_t)state->births[i].generation;
    node->disk.generation = (uint8_t)(own > node->birth.generation ? own : node->birth.generation);
}

static void note_put(struct sim_node *node, const struct smr_log_entry *entry)
{
    if (node->put_count == node->put_capacity) {
        node->put_capacity = node->put_capacity == 0 ? 16 : node->put_capacity * 2;
        node->puts = wire_realloc(node->puts, node->put_capacity * sizeof *node->puts);
    }
    node->puts[node->put_count++] =
        (struct sim_put){.slot = entry->slot,
                         .ballot = entry->ballot,
                         .checksum = wire_batch_checksum(buf_span(entry->batch)),
                         .learned = entry->learned,
                         .disk = node->disk};
}

static void hold(struct sim_node *node, const struct smr_effect *effect)
{
    struct wire_message *m =
        smr_out_send(&node->held, SMR_SEND_DURABLE, &effect->message.sender, effect->message.type,
                     effect->to, effect->to_replica);
    *m = effect->message;
    buf_ref(m->payload);
}

static void carry_out_one(struct sim *sim, struct sim_node *node, const struct smr_effect *effect)
{
    switch (effect->kind) {
    case SMR_SEND:
        sim_network_send(sim, node, effect);
        break;
    case SMR_SEND_DURABLE:
        hold(node, effect);
        break;
    case SMR_PUT_SLOT:
        note_put(node, &effect->entry);
        node->log.ops->put_slot(node->log.self, &effect->entry);
        break;
    case SMR_CUT:
        node->log.ops->cut(node->log.self, effect->upto);
        break;
    case SMR_SAY:
        sim_note(sim, "%-4s says     %.*s", node->name, (int)effect->say.line->size,
                 (const char *)effect->say.line->data);
        break;
    case SMR_PUT_STATE:
        note_births(node, &effect->state);
        node->put_state = effect->state;
        node->state_put = true;
        node->log.ops->put_state(node->log.self, &effect->state);
        break;
    }
}

void sim_node_lose_base(struct sim *sim, struct sim_node *node)
{
    sim->happenings->bases_lost++;
    sim->happenings->bases_lost_by_leaders += sim_node_leads(node);
    sim->happenings->chain_bases_lost += sim_node_is_chain(sim, node);
    sim_fault_crash(sim, node, "ends: its base is damaged");
    smr_memory_base_free(&node->base);
    node->base = smr_memory_base_new();
    smr_memory_base_set_full(node->base, node->disk_full);
    node->base_lost = true;
    node->saved = 0;
}

/* False: it died amid the effects, and nothing of it may be touched any more. */
static bool carry_out(struct sim *sim, struct sim_node *node, struct smr_out *out)
{
    if (smr_memory_base_is_lost(node->base)) {
        smr_out_clear(out);
        sim_node_lose_base(sim, node);
        return false;
    }
    if (out->fatal != WIRE_OK)
        sim_fail(sim, "node %d cannot go on: %s", node->index, out->fatal_text);
    bool dies = false;
    for (size_t i = 0; i < out->count && !dies; i++) {
        dies = node->crash_countdown > 0 && --node->crash_countdown == 0;
        if (!dies)
            carry_out_one(sim, node, &out->effects[i]);
    }
    smr_out_clear(out);
    if (dies) {
        sim->happenings->crashes_amid_effects++;
        sim_fault_crash(sim, node, "crashes amid what it was doing");
    }
    return !dies;
}

/* --- commits --------------------------------------------------------------------------------------- */

static wire_time commit_time(struct sim *sim, const struct sim_node *node)
{
    if (sim->now < node->stalled_until)
        return node->stalled_until - sim->now;
    if (sim->now < node->slow_disk_until)
        return (wire_time)sim_below(sim, 3 * WIRE_SECOND);
    if (sim_chance(sim, sim->weather.stall))
        return (wire_time)sim_below(sim, WIRE_SECOND);
    return 50 + (wire_time)sim_below(sim, (uint64_t)sim->weather.commit_max);
}

static void schedule_disk(struct sim *sim, const struct sim_node *node, enum sim_event_kind kind,
                          wire_time after)
{
    sim_schedule(sim, sim->now + after,
                 (struct sim_event){
                     .kind = kind, .node = node->index, .client = -1, .life = node->life});
}

static void commit_now(struct sim *sim, struct sim_node *node)
{
    bool anything = node->put_count > 0 || node->state_put;
    if (node->committing || node->waits_for_room || (!anything && node->held.count == 0))
        return;
    node->committing = true;
    if (anything && sim->now < node->stalled_until)
        sim_fault_stalls(sim, node);
    schedule_disk(sim, node, SIM_COMMIT, anything ? commit_time(sim, node) : 0);
}

static void begin_commit(struct sim *sim, struct sim_node *node)
{
    if (node->held.count > 0 || sim->weather.lazy == 0) {
        commit_now(sim, node);
    } else if (!node->put_off) {
        node->put_off = true;
        schedule_disk(sim, node, SIM_LATE_COMMIT, sim->weather.lazy);
    }
}

static void note_durable(const struct sim *sim, const struct sim_node *node)
{
    if (!sim->verbose || (node->put_count == 0 && !node->state_put))
        return;
    char state[64] = "", slots[64] = "";
    if (node->state_put)
        snprintf(state, sizeof state, ", promised %" PRIu64 ".%u, chosen %" PRIu64,
                 node->put_state.promised.round, node->put_state.promised.replica,
                 node->put_state.chosen);
    if (node->put_count > 0)
        snprintf(slots, sizeof slots, ", slots %" PRIu64 " to %" PRIu64, node->puts[0].slot,
                 node->puts[node->put_count - 1].slot);
    sim_note(sim, "%-4s disk     durable%s%s", node->name, slots, state);
}

/* False: there was no room, and all stays queued. */
static bool make_durable(struct sim *sim, struct sim_node *node)
{
    enum wire_error error = node->log.ops->commit(node->log.self);
    if (error == WIRE_FULL)
        return false;
    if (error != WIRE_OK)
        sim_fail(sim, "node %d: commit failed", node->index);
    sim_check_durable(sim, node);
    note_durable(sim, node);
    node->put_count = 0;
    node->state_put = false;
    return true;
}

static void wait_for_room(struct sim *sim, struct sim_node *node)
{
    sim->happenings->commits_full++;
    sim_note(sim, "%-4s disk     no room", node->name);
    node->waits_for_room = true;
    schedule_disk(sim, node, SIM_RETRY, 20 * WIRE_MS + (wire_time)sim_below(sim, WIRE_SECOND));
}

/* What the disk says is "failed"; what it has done is known only to the next process. */
static void fail_commit(struct sim *sim, struct sim_node *node)
{
    node->sync_fails = false;
    sim->happenings->sync_errors++;
    if (sim_chance(sim, 500) && make_durable(sim, node))
        sim->happenings->sync_errors_durable++;
    node->committing = false;
    sim_fault_crash(sim, node, "ends: its disk failed a commit");
}

static void end_commit(struct sim *sim, struct sim_node *node)
{
    if (node->sync_fails && (node->put_count > 0 || node->state_put)) {
        fail_commit(sim, node);
        return;
    }
    node->committing = false;
    if (!make_durable(sim, node)) {
        wait_for_room(sim, node);
    } else {
        for (size_t i = 0; i < node->held.count; i++)
            sim_network_send(sim, node, &node->held.effects[i]);
        smr_out_clear(&node->held);
        struct smr_out out = {0};
        struct smr_role acceptor = node->roles.acceptor;
        acceptor.ops->durable(acceptor.self, time_at(sim, node), &out);
        bool lives = carry_out(sim, node, &out);
        smr_out_free(&out);
        if (!lives)
            return;
        begin_commit(sim, node);
    }
    if (node->inbox[WIRE_ROLE_ACCEPTOR].count > 0)
        schedule_step(sim, node, WIRE_ROLE_ACCEPTOR);
}

static void retry_commit(struct sim *sim, struct sim_node *node)
{
    node->waits_for_room = false;
    begin_commit(sim, node);
}

void sim_node_set_full(struct sim *sim, struct sim_node *node, bool full, bool low)
{
    sim_note(sim, "%-4s ******** its disk %s", node->name,
             full  ? "is full"
             : low ? "is nearly full"
                   : "has room");
    node->disk_full = full;
    smr_memory_log_set_full(node->log, full);
    smr_memory_log_set_low(node->log, low);
    smr_memory_base_set_full(node->base, full);
}

/* While the disk takes nothing, more than a bound is not taken in: whoever sent it sends it again. */
static bool must_drop(const struct sim_node *node, enum wire_role role, enum wire_type type)
{
    bool stores = type == WIRE_MESSAGE_ACCEPT || type == WIRE_MESSAGE_PREPARE ||
                  type == WIRE_MESSAGE_LEARNED || type == WIRE_MESSAGE_BIRTH;
    return role == WIRE_ROLE_ACCEPTOR && stores && node->waits_for_room &&
           (node->held.count >= HELD_MAX || node->put_count >= HELD_MAX);
}

/* --- steps ----------------------------------------------------------------------------------------- */

static void schedule_wake(struct sim *sim, struct sim_node *node, enum wire_role role)
{
    struct smr_role r = role_of(node, role);
    wire_time at = r.ops->deadline(r.self);
    if (at == WIRE_NEVER || at == node->wake_at[role])
        return;
    node->wake_at[role] = at;
    sim_schedule(sim, sim_clock_when(&node->clock, at),
                 (struct sim_event){.kind = SIM_WAKE,
                                    .node = node->index,
                                    .client = -1,
                                    .role = role,
                                    .life = node->life});
}

void sim_node_reschedule(struct sim *sim, struct sim_node *node)
{
    if (!node->alive)
        return;
    for (int role = WIRE_ROLE_API; role < SIM_ROLES; role++) {
        if (role == WIRE_ROLE_LEARNER || role == WIRE_ROLE_MANAGER ||
            role_of(node, (enum wire_role)role).ops == NULL)
            continue; /* the acceptor's; another node's; nobody's */
        node->wake_at[role] = WIRE_NEVER;
        schedule_wake(sim, node, (enum wire_role)role);
    }
}

/* As watch_room of actors/actor.c; false: it died. */
static bool watch_room(struct sim *sim, struct sim_node *node)
{
    bool low = node->waits_for_room || node->log.ops->is_low(node->log.self);
    if (low == node->low_told)
        return true;
    node->low_told = low;
    struct smr_out out = {0};
    struct smr_role acceptor = node->roles.acceptor;
    acceptor.ops->room(acceptor.self, time_at(sim, node), !low, &out);
    bool lives = carry_out(sim, node, &out);
    smr_out_free(&out);
    return lives;
}

static void note_leadership(struct sim *sim, struct sim_node *node)
{
    bool leads = sim_node_leads(node);
    if (leads == node->led)
        return;
    node->led = leads;
    struct wire_ballot ballot = smr_group_ballot(&node->roles);
    sim_note(sim, "%-4s ======== %s, ballot %" PRIu64 ".%u", node->name,
             leads ? "leads" : "leads no more", ballot.round, ballot.replica);
}

static void after_step(struct sim *sim, struct sim_node *node, enum wire_role role,
                       struct smr_out *out)
{
    struct smr_role r = role_of(node, role);
    if (r.ops->settle != NULL)
        r.ops->settle(r.self, time_at(sim, node), out);
    bool lives = carry_out(sim, node, out);
    smr_out_free(out);
    if (!lives)
        return;
    if (role == WIRE_ROLE_ACCEPTOR) {
        if (!watch_room(sim, node))
            return;
        begin_commit(sim, node);
    }
    if (role == WIRE_ROLE_APPLIER)
        sim_check_applied(sim, node);
    if (role == WIRE_ROLE_CHECKPOINTER) {
        sim_check_base(sim, node);
        sim_fault_amid_fetch(sim, node);
    }
    if (role == WIRE_ROLE_PROPOSER)
        note_leadership(sim, node);
    schedule_wake(sim, node, role);
}

static void leave(struct sim *sim, struct sim_node *node, enum wire_role role)
{
    struct smr_role r = role_of(node, role);
    struct smr_out out = {0};
    if (!node->alive)
        return; /* it died amid what another role did about it */
    r.ops->leave(r.self, time_at(sim, node), &out);
    after_step(sim, node, role, &out);
}

void sim_node_leave(struct sim *sim, struct sim_node *node)
{
    leave(sim, node, WIRE_ROLE_API);
    if (node->roles.proposer.ops->leave != NULL)
        leave(sim, node, WIRE_ROLE_PROPOSER);
}

bool sim_node_left(const struct sim_node *node)
{
    const struct smr_role *proposer = &node->roles.proposer;
    return node->roles.api.ops->left(node->roles.api.self) &&
           (proposer->ops->left == NULL || proposer->ops->left(proposer->self));
}

static void note_message(struct sim *sim, const struct sim_node *node, enum wire_role role,
                         const struct wire_message *message)
{
    char text[256], from[48];
    if (!sim->verbose)
        return;
    if (message->client.size > 0)
        snprintf(from, sizeof from, "c%u", message->client.bytes[0]);
    else if (message->sender.replica == node->replica)
        snprintf(from, sizeof from, "own %s", wire_role_text(message->sender.role));
    else
        snprintf(from, sizeof from, "%.*s%u %s", (int)strlen(node->name) - 1, node->name,
                 message->sender.replica, wire_role_text(message->sender.role));
    sim_note(sim, "%-4s %-8s <- %-13s %s", node->name, wire_role_text(role), from,
             wire_message_print(message, text, sizeof text));
}

/* Whoever takes a damaged message must do nothing about it; the API may say that it is none, and a
 * courier asks again, or hands on bytes that the forwarder knows to be none. */
static void receive_damaged(struct sim *sim, struct sim_node *node, enum wire_role role,
                            const struct wire_message *message, struct smr_out *out)
{
    struct smr_role r = role_of(node, role);
    size_t before = out->count, done = 0;
    sim_note(sim, "%-4s %-8s <- a damaged message", node->name, wire_role_text(role));
    r.ops->receive(r.self, time_at(sim, node), message, out);
    bool passes_on = role == WIRE_ROLE_API || role == WIRE_ROLE_COURIER;
    for (size_t i = before; i < out->count; i++)
        done += out->effects[i].kind != SMR_SAY;
    if (out->fatal != WIRE_OK || (!passes_on && done > 0))
        sim_fail(sim, "node %d: the %s acts on a damaged message", node->index,
                 wire_role_text(role));
}

static void receive(struct sim *sim, struct sim_node *node, enum wire_role role,
                    struct sim_letter *letter, struct smr_out *out)
{
    struct wire_message message;
    if (wire_message_decode(buf_span(letter->head), &message) != WIRE_OK ||
        wire_type_has_payload(message.type) != (letter->payload != NULL)) {
        if (!letter->damaged)
            sim_fail(sim, "node %d: a message does not decode", node->index);
        return; /* the transport counts and drops it: actors/frames.c */
    }
    if (must_drop(node, role, message.type)) {
        sim->happenings->dropped_while_full++;
        return;
    }
    message.payload = letter->payload;
    message.client = letter->client;
    if (letter->damaged) {
        receive_damaged(sim, node, role, &message, out);
        return;
    }
    note_message(sim, node, role, &message);
    if (role == WIRE_ROLE_APPLIER && message.type == WIRE_MESSAGE_CHOSEN)
        sim_check_chosen(sim, node, message.chosen.slot,
                         wire_batch_checksum(buf_span(message.payload)));
    if (message.type == WIRE_MESSAGE_READ)
        sim_check_read(sim, node, message.read.tag);
    struct smr_role r = role_of(node, role);
    r.ops->receive(r.self, time_at(sim, node), &message, out);
}

static void step(struct sim *sim, struct sim_node *node, enum wire_role role)
{
    node->step_due[role] = false;
    if (role == WIRE_ROLE_ACCEPTOR && node->committing)
        return; /* end_commit looks again */
    struct sim_inbox *inbox = &node->inbox[role];
    size_t take = 1 + (size_t)sim_below(sim, 64);
    struct smr_out out = {0};
    for (; take > 0 && inbox->count > 0; take--) {
        struct sim_letter letter = inbox->letters[inbox->first++];
        inbox->count--;
        receive(sim, node, role, &letter, &out);
        sim_letter_free(&letter);
    }
    after_step(sim, node, role, &out);
    if (inbox->count > 0)
        schedule_step(sim, node, role);
}

static void wake(struct sim *sim, struct sim_node *node, enum wire_role role)
{
    struct smr_role r = role_of(node, role);
    wire_time now = time_at(sim, node);
    if (node->wake_at[role] <= now)
        node->wake_at[role] = WIRE_NEVER;
    if (role == WIRE_ROLE_ACCEPTOR && node->committing) {
        node->wake_at[role] = WIRE_NEVER;
        sim_schedule(sim, sim->now + 1000,
                     (struct sim_event){.kind = SIM_WAKE,
                                        .node = node->index,
                                        .client = -1,
                                        .role = role,
                                        .life = node->life});
        return;
    }
    if (r.ops->deadline(r.self) > now) {
        schedule_wake(sim, node, role);
        return;
    }
    struct smr_out out = {0};
    r.ops->wake(r.self, now, &out);
    after_step(sim, node, role, &out);
}

/* Peers know each other over restarts, so what is on its way arrives. A courier's connection ends with its
 * process, as a client's does, and an answer to an earlier one must not pass for one of this one's. */
static bool outlives_process(const struct sim_event *event)
{
    return event->kind == SIM_ARRIVE && event->letter.to != WIRE_ROLE_COURIER;
}

void sim_node_event(struct sim *sim, struct sim_event *event)
{
    struct sim_node *node = &sim->nodes[event->node];
    if (!node->alive || (!outlives_process(event) && event->life != node->life))
        return;
    if (sim->now < node->paused_until) {
        struct sim_event later = *event;
        event->letter = (struct sim_letter){0};
        /* A process that goes on takes up its threads in any order. */
        sim_schedule(sim, node->paused_until + (wire_time)sim_below(sim, 5000), later);
        return;
    }
    switch (event->kind) {
    case SIM_STEP:
        step(sim, node, event->role);
        break;
    case SIM_WAKE:
        wake(sim, node, event->role);
        break;
    case SIM_COMMIT:
        end_commit(sim, node);
        break;
    case SIM_LATE_COMMIT:
        node->put_off = false;
        commit_now(sim, node);
        break;
    case SIM_RETRY:
        retry_commit(sim, node);
        break;
    default:
        sim_node_deliver(sim, node, event->letter);
        event->letter = (struct sim_letter){0};
        break;
    }
}

/* --- lives ----------------------------------------------------------------------------------------- */

static uint32_t partitions_of(const struct sim *sim)
{
    uint32_t partitions = 0;
    for (int i = 0; i < sim->group_count; i++)
        partitions += sim->groups[i].group != WIRE_GROUP_MANAGERS;
    return partitions;
}

static struct smr_machine machine_of(struct sim *sim, const struct sim_node *node)
{
    if (node->group == WIRE_GROUP_MANAGERS)
        return map_machine_new(&(struct map_flags){.base = &node->base});
    return kv_machine_new_on(&node->base, node->group, partitions_of(sim));
}

/* Of chains: managers have an oracle, servers somebody who speaks with it. */
static void add_oracle(struct sim *sim, struct sim_node *node, struct smr_config *config)
{
    static const char *const managers[] = {"m:1", "m:2", "m:3"};
    node->courier = (struct smr_role){0};
    node->overseer = (struct smr_overseer){0};
    if (!sim->chain)
        return;
    if (node->group == WIRE_GROUP_MANAGERS)
        node->overseer = oracle_new(partitions_of(sim), (uint8_t)sim->groups[1].replica_count,
                                    config->seed);
    else
        node->courier = courier_new(config, managers, (size_t)sim->groups[0].replica_count);
    config->overseer = node->overseer;
}

void sim_node_start(struct sim *sim, struct sim_node *node)
{
    static const enum wire_role order[] = {WIRE_ROLE_ACCEPTOR, WIRE_ROLE_APPLIER,
                                           WIRE_ROLE_CHECKPOINTER, WIRE_ROLE_STREAMER,
                                           WIRE_ROLE_PROPOSER, WIRE_ROLE_API,
                                           WIRE_ROLE_COURIER};
    assert(!node->alive);
    note_births(node, &(struct wire_hard_state){0});
    struct wire_hard_state state;
    wire_slot highest;
    if (node->log.ops->load(node->log.self, &state, &highest) == WIRE_OK)
        note_births(node, &state);
    node->alive = true;
    node->life++;
    node->whole_in = 0;
    struct smr_config config = {
        .self = {.cluster = 7,
                 .group = node->group,
                 .replica = node->replica,
                 .birth = node->birth,
                 .start = node->life},
        .replica_count = (uint8_t)sim->groups[node->group_index].replica_count,
        .protocol = sim->groups[node->group_index].protocol,
        .seed = wire_random_next(&sim->random),
        .timing = sim->weather.timing,
        .checkpointing = sim->weather.checkpointing,
        .reads = sim->weather.reads,
        .allow_admin = sim->weather.allow_admin,
        .api_calls_max = sim->weather.api_calls_max,
        .session_count_max = sim->weather.session_count_max,
        .opening = node->opening,
    };
    add_oracle(sim, node, &config);
    node->machine = machine_of(sim, node);
    node->roles = smr_group_new(&config, node->machine, node->log);
    for (int role = 0; role < SIM_ROLES; role++)
        node->wake_at[role] = WIRE_NEVER;
    for (size_t i = 0; i < sizeof order / sizeof order[0] && node->alive; i++) {
        struct smr_role r = role_of(node, order[i]);
        if (r.ops == NULL)
            continue;
        struct smr_out out = {0};
        r.ops->wake(r.self, time_at(sim, node), &out);
        after_step(sim, node, order[i], &out);
    }
}

static void collect_counters(struct sim *sim, struct sim_node *node)
{
    if (sim_node_is_chain(sim, node)) {
        sim->happenings->chain_slots_cut += smr_acceptor_counters(node->roles.acceptor)->cut_slots;
        sim->happenings->chain_snapshots += smr_applier_counters(node->roles.applier)->takeovers;
    }
    if (node->overseer.ops != NULL)
        sim_chain_collect(sim->happenings, oracle_counters(node->overseer));
    smr_counters_add(sim->counters, smr_api_counters(node->roles.api));
    smr_counters_add(sim->counters, smr_group_proposer_counters(&node->roles));
    smr_counters_add(sim->counters, smr_acceptor_counters(node->roles.acceptor));
    smr_counters_add(sim->counters, smr_applier_counters(node->roles.applier));
    smr_counters_add(sim->counters, smr_checkpointer_counters(node->roles.checkpointer));
    smr_counters_add(sim->counters, smr_streamer_counters(node->roles.streamer));
}

static void end_roles(struct sim_node *node)
{
    smr_group_free(&node->roles);
    if (node->courier.ops != NULL)
        node->courier.ops->destroy(node->courier.self);
    node->courier = (struct smr_role){0};
    node->overseer = (struct smr_overseer){0};
}

void sim_node_crash(struct sim *sim, struct sim_node *node)
{
    assert(node->alive);
    sim->happenings->crashes++;
    node->died_leading = sim_node_leads(node);
    sim->happenings->leaders_crashed += node->died_leading;
    if (node->committing && sim_chance(sim, 500) && make_durable(sim, node)) {
        sim->happenings->crashes_in_commit++; /* it was durable, but nobody was told */
    } else if (node->put_count > 0 || node->state_put) {
        sim->happenings->unsynced_writes_lost++;
    }
    smr_memory_log_crash(node->log);
    smr_memory_base_crash(node->base);
    node->put_count = 0;
    node->state_put = false;
    node->committing = false;
    node->put_off = false;
    node->waits_for_room = node->low_told = false;
    smr_out_clear(&node->held);
    collect_counters(sim, node);
    end_roles(node);
    for (int role = 0; role < SIM_ROLES; role++) {
        inbox_empty(&node->inbox[role]);
        node->step_due[role] = false;
    }
    node->alive = false;
    node->led = false;
    node->applied = 0;
    node->crash_countdown = 0;
    node->paused_until = node->ending_until = 0;
    memset(node->reads, 0, sizeof node->reads);
    for (int i = 0; i < sim->client_count; i++) {
        sim_schedule(sim, sim->now + (wire_time)sim_below(sim, 5000),
                     (struct sim_event){.kind = SIM_CLIENT_LOST,
                                        .node = node->index,
                                        .client = i,
                                        .life = sim->clients[i].life});
    }
}

void sim_node_free(struct sim *sim, struct sim_node *node)
{
    if (node->alive) {
        collect_counters(sim, node);
        end_roles(node);
    }
    for (int role = 0; role < SIM_ROLES; role++) {
        inbox_empty(&node->inbox[role]);
        free(node->inbox[role].letters);
    }
    node->log.ops->close(node->log.self);
    smr_memory_base_free(&node->base);
    smr_out_free(&node->held);
    buf_unref(&node->opening_bytes);
    free(node->puts);
}
