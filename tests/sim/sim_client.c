/* Clients: the real core, a workload on keys that all of them share, and the history of what they asked
 * and were told.
 *
 * A client may vanish with calls open, whose outcomes nobody will ever know, or close its session and
 * go; another takes its place. Answers to the one before do not reach it: a connection is a client and
 * its life. A client's clock drifts and leaps like any other; the history has the true time. */
#include "tests/sim/sim.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

struct key_name {
    char text[8]; /* the first few are short, so that some are prefixes and neighbours */
};

static struct span key_of(int key, struct key_name *name)
{
    int size = key < 3   ? snprintf(name->text, sizeof name->text, "%c", 'a' + key)
               : key < 6 ? snprintf(name->text, sizeof name->text, "%c%c", 'a' + key, 'a' + key)
                         : snprintf(name->text, sizeof name->text, "k%03d", key % 1000);
    return span_of(name->text, (size_t)size);
}

static wire_time time_at(const struct sim *sim, const struct sim_client *client)
{
    return sim_clock_now(&client->clock, sim->now);
}

static struct sim_node *endpoint_node(struct sim *sim, struct client_endpoint endpoint)
{
    for (int i = 0; i < sim->group_count; i++) {
        if (sim->groups[i].group == endpoint.group)
            return &sim->nodes[sim->groups[i].first_node + endpoint.replica];
    }
    sim_fail(sim, "a client asks for group %u", endpoint.group);
}

static struct history_text text_of(struct span bytes)
{
    return (struct history_text){.bytes = (const char *)bytes.data, .size = bytes.size};
}

static enum history_op history_op_of(enum wire_kv_op op)
{
    static const enum history_op ops[WIRE_KV_OPS] = {
        [WIRE_KV_PUT] = HISTORY_PUT,       [WIRE_KV_SWAP] = HISTORY_SWAP,
        [WIRE_KV_DELETE] = HISTORY_DELETE, [WIRE_KV_GET] = HISTORY_GET,
        [WIRE_KV_SCAN] = HISTORY_SCAN};
    return ops[op];
}

/* --- the end of a call ------------------------------------------------------------------------------ */

static void call_later(struct sim *sim, const struct sim_client *client, wire_time wait_max)
{
    sim_schedule(sim, sim->now + (wire_time)sim_below(sim, (uint64_t)wait_max),
                 (struct sim_event){.kind = SIM_CLIENT_CALL,
                                    .node = -1,
                                    .client = client->index,
                                    .life = client->life});
}

static int place_of(struct sim *sim, const struct sim_client *client, uint64_t id)
{
    for (int place = 0; place < CLIENT_CALLS_MAX; place++) {
        if (client->calls[place].id == id)
            return place;
    }
    sim_fail(sim, "client %d: a call ended twice or never began", client->index);
}

/* What is in the history of a scan's result. */
struct scan_texts {
    struct history_text pairs[2 * SIM_KEYS_MAX];           /* key, value, key, value */
    char names[SIM_KEYS_MAX][SIM_VALUE_NAME_MAX];          /* of the values */
};

static void read_scan(struct sim *sim, const struct sim_client *client,
                      const struct client_done *done, struct scan_texts *texts,
                      struct history_record *record)
{
    struct wire_reader page = wire_reader_of(buf_span(done->result));
    struct span key, value;
    while (wire_kv_page_next(&page, &key, &value)) {
        size_t i = record->pair_count++;
        if (i == (size_t)sim->workload.key_count)
            sim_fail(sim, "client %d: a scan repeats a key", client->index);
        texts->pairs[2 * i] = text_of(key);
        texts->pairs[2 * i + 1] =
            text_of(sim_value_name(sim_value_read(sim, value), texts->names[i]));
    }
    record->pairs = texts->pairs;
}

static void note_end(struct sim *sim, const struct sim_client *client,
                     const struct client_done *done, const struct history_record *record)
{
    static const char *const ends[] = {"ok", "failed", "unknown"};
    sim_note(sim, "c%-3d call %-4" PRIu64 " %s %s%s%.*s", client->index, done->call,
             history_op_name(record->op), ends[done->outcome],
             done->reason == CLIENT_REASON_NONE ? record->value.bytes != NULL ? ": " : "" : ", ",
             done->reason == CLIENT_REASON_NONE ? (int)record->value.size : 40,
             done->reason == CLIENT_REASON_NONE
                 ? (record->value.bytes != NULL ? record->value.bytes : "")
                 : client_reason_text(done->reason));
}

/* Calls of one client on one key take effect in the order in which they were begun. */
static void check_order(struct sim *sim, const struct sim_client *client,
                        const struct client_done *done, int place)
{
    if (done->outcome != CLIENT_OK || done->op == WIRE_KV_SCAN)
        return;
    for (int other = 0; other < CLIENT_CALLS_MAX; other++) {
        if (client->calls[other].id != 0 && client->calls[other].id < done->call &&
            client->calls[other].key == client->calls[place].key)
            sim_fail(sim, "client %d: call %" PRIu64 " is done before %" PRIu64 " on the same key",
                     client->index, done->call, client->calls[other].id);
    }
}

static void finish(struct sim *sim, struct sim_client *client, const struct client_done *done)
{
    int place = place_of(sim, client, done->call);
    check_order(sim, client, done, place);
    char name[SIM_VALUE_NAME_MAX];
    struct scan_texts texts;
    bool has_value = done->found && (done->op == WIRE_KV_GET || done->op == WIRE_KV_SWAP);
    uint32_t value = has_value ? sim_value_read(sim, done->value) : 0;
    struct history_record record = {
        .op = history_op_of(done->op),
        .outcome = done->outcome == CLIENT_OK       ? HISTORY_OK
                   : done->outcome == CLIENT_FAILED ? HISTORY_FAIL
                                                    : HISTORY_UNKNOWN,
        .return_ns = (uint64_t)sim->now * 1000,
        .found = done->found,
        .value = has_value ? text_of(sim_value_name(value, name)) : history_text(NULL)};
    if (done->outcome == CLIENT_OK && done->op == WIRE_KV_SCAN)
        read_scan(sim, client, done, &texts, &record);
    if (done->outcome == CLIENT_OK && done->op == WIRE_KV_SWAP)
        sim_value_swapped(sim, client->calls[place].key, client->calls[place].value, value);
    sim->happenings->calls_amid_faults += done->outcome == CLIENT_OK && sim->now < sim->faults_end;
    sim->happenings->calls_unknown += done->outcome == CLIENT_UNKNOWN;
    sim->happenings->calls_failed += done->outcome == CLIENT_FAILED;
    note_end(sim, client, done, &record);
    history_end(sim->history, client->calls[place].record, &record);
    client->calls[place].id = 0;
    client->open--;
    if (client->calls_left > 0)
        call_later(sim, client, sim->workload.think_max);
}

static void schedule_wake(struct sim *sim, struct sim_client *client)
{
    wire_time at = client_core_deadline(client->core);
    if (at == WIRE_NEVER || at == client->wake_at)
        return;
    client->wake_at = at;
    sim_schedule(sim, sim_clock_when(&client->clock, at),
                 (struct sim_event){.kind = SIM_CLIENT_WAKE,
                                    .node = -1,
                                    .client = client->index,
                                    .life = client->life});
}

/* Servers of chains are known to the managers before they can be members. Every client shows all of
 * them, and again when one has another disk: showing one twice is the same as once. */
static void register_servers(struct sim *sim, struct sim_client *client, struct client_out *out)
{
    client->ask_failed = false;
    for (int i = 0; i < sim->node_count && sim->chain; i++) {
        const struct sim_node *node = &sim->nodes[i];
        if (node->group == WIRE_GROUP_MANAGERS)
            continue;
        struct wire_map_call call = {.op = WIRE_MAP_REGISTER,
                                     .cluster = 7,
                                     .partition = node->group,
                                     .replica = node->replica,
                                     .birth = node->birth};
        struct wire_writer body = {0};
        wire_map_call_encode(&call, &body);
        struct client_ask ask = {.kind = WIRE_CALL_PLAIN, .body = wire_writer_span(&body)};
        client->asks_open += client_core_ask(client->core, time_at(sim, client), &ask, out) != 0;
        wire_writer_free(&body);
    }
}

static void carry_out(struct sim *sim, struct sim_client *client, struct client_out *out)
{
    for (size_t i = 0; i < out->count; i++) {
        if (out->effects[i].kind == CLIENT_DONE && out->effects[i].done.is_ask) {
            client->ask_failed |= out->effects[i].done.outcome != CLIENT_OK;
            if (--client->asks_open == 0 && client->ask_failed)
                register_servers(sim, client, out);
            continue;
        }
        if (out->effects[i].kind == CLIENT_DONE) {
            struct client_done done = out->effects[i].done;
            finish(sim, client, &done);
            continue;
        }
        struct sim_node *to = endpoint_node(sim, out->effects[i].to);
        uint64_t tag = out->effects[i].message.request.tag;
        if (!sim_network_from_client(sim, client, to, &out->effects[i].message))
            client_core_unsent(client->core, time_at(sim, client), tag, out);
    }
    client_out_free(out);
    schedule_wake(sim, client);
}

void sim_client_register(struct sim *sim, struct sim_client *client)
{
    struct client_out out = {0};
    if (client->asks_open == 0)
        register_servers(sim, client, &out);
    carry_out(sim, client, &out);
}

void sim_client_reschedule(struct sim *sim, struct sim_client *client)
{
    client->wake_at = WIRE_NEVER;
    schedule_wake(sim, client);
}

/* --- the beginning of a call ------------------------------------------------------------------------- */

static enum wire_kv_op draw_op(struct sim *sim)
{
    static const enum wire_kv_op mix[] = {WIRE_KV_PUT, WIRE_KV_PUT,    WIRE_KV_SWAP,
                                          WIRE_KV_SWAP, WIRE_KV_GET,   WIRE_KV_GET,
                                          WIRE_KV_GET,  WIRE_KV_DELETE, WIRE_KV_SCAN};
    if (sim->workload.swaps)
        return sim_chance(sim, 700) ? WIRE_KV_SWAP : WIRE_KV_GET;
    enum wire_kv_op op = mix[sim_below(sim, sizeof mix / sizeof mix[0])];
    /* A scan of large values is a slow way to learn little. */
    return op == WIRE_KV_SCAN && sim->workload.large > 0 && sim_chance(sim, 900) ? WIRE_KV_PUT : op;
}

static void submit(struct sim *sim, struct sim_client *client, const struct client_call *call,
                   struct history_text argument, struct client_out *out)
{
    struct history_record record = {.client = client->life << 8 | (uint64_t)client->index,
                                    .invoke_ns = (uint64_t)sim->now * 1000,
                                    .op = history_op_of(call->op),
                                    .key = text_of(call->key),
                                    .argument = argument};
    int place = place_of(sim, client, 0);
    uint64_t id = client_core_submit(client->core, time_at(sim, client), call, out);
    if (id == 0)
        sim_fail(sim, "client %d: a call is not taken", client->index);
    client->calls[place].id = id;
    client->calls[place].record = history_begin(sim->history, &record);
    sim_note(sim, "c%-3d call %-4" PRIu64 " %s %.*s %.*s", client->index, id,
             history_op_name(record.op), (int)call->key.size, (const char *)call->key.data,
             (int)argument.size, argument.bytes == NULL ? "" : argument.bytes);
    client->calls_left--;
    client->open++;
    sim->happenings->calls++;
}

static void begin_call(struct sim *sim, struct sim_client *client, struct client_out *out)
{
    struct key_name key_name;
    char value_name[SIM_VALUE_NAME_MAX];
    struct buf *value = NULL;
    struct history_text argument = history_text(NULL);
    if (client->calls_left == 0 || client->open >= client->pipeline)
        return;
    int key = (int)sim_below(sim, (uint64_t)sim->workload.key_count);
    int place = place_of(sim, client, 0);
    struct client_call call = {
        .op = draw_op(sim), .key = key_of(key, &key_name), .timeout = client->timeout};
    client->calls[place].key = call.op == WIRE_KV_SCAN ? -1 : key;
    if (call.op == WIRE_KV_SCAN) {
        call.key = span_text("a");
        call.value = span_text("z");
        argument = text_of(call.value);
    } else if (call.op == WIRE_KV_PUT || call.op == WIRE_KV_SWAP) {
        client->calls[place].value = sim_value_new(sim, key);
        value = sim_value_bytes(sim, client->calls[place].value);
        call.value = buf_span(value);
        argument = text_of(sim_value_name(client->calls[place].value, value_name));
    }
    submit(sim, client, &call, argument, out);
    buf_unref(&value);
}

/* --- clients come and go ------------------------------------------------------------------------------ */

static void collect_counters(struct sim *sim, const struct client_core *core)
{
    const struct client_counters *counters = client_core_counters(core);
    sim->happenings->client_retries += counters->retries;
    sim->happenings->client_redirects += counters->redirects;
    sim->happenings->client_timeouts += counters->timeouts;
    sim->happenings->client_lost += counters->lost;
    sim->happenings->client_unsent += counters->unsent;
    sim->happenings->client_busy += counters->busy;
    sim->happenings->client_full += counters->full;
    sim->happenings->client_in_doubt += counters->in_doubt;
    sim->happenings->client_sessions += counters->sessions;
    sim->happenings->client_sessions_gone += counters->gone;
    sim->happenings->client_late_answers += counters->late;
}

static struct client_core *new_core(struct sim *sim)
{
    static const char *const addresses[] = {"m:1", "m:2", "m:3", "m:4", "m:5"};
    size_t count = (size_t)sim->groups[0].replica_count;
    struct client_core_config config = {.seed = wire_random_next(&sim->random)};
    if (sim->groups[0].group == WIRE_GROUP_MANAGERS) {
        config.managers = addresses;
        config.manager_count = count;
    } else {
        config.servers = addresses;
        config.server_count = count;
    }
    return client_core_new(&config);
}

void sim_client_replace(struct sim *sim, struct sim_client *client, bool leaves)
{
    sim->happenings->client_leaves += leaves;
    sim->happenings->client_crashes += !leaves;
    sim_note(sim, "c%-3d ******** %s with %d calls open", client->index,
             leaves ? "closes its session and goes" : "vanishes", client->open);
    if (leaves) {
        struct client_out out = {0};
        client_core_close(client->core, time_at(sim, client), &out);
        carry_out(sim, client, &out);
    }
    /* Calls that are still open stay so in the history: nobody knows. */
    sim->happenings->calls_abandoned += (uint64_t)client->open;
    for (int place = 0; place < CLIENT_CALLS_MAX; place++)
        client->calls[place].id = 0;
    client->open = 0;
    collect_counters(sim, client->core);
    client_core_destroy(&client->core);
    client->core = new_core(sim);
    client->life++;
    client->wake_at = WIRE_NEVER;
    for (int i = 0; i < client->pipeline; i++)
        call_later(sim, client, WIRE_SECOND);
    struct client_out out = {0};
    client->asks_open = 0;
    register_servers(sim, client, &out);
    carry_out(sim, client, &out);
}

static void receive(struct sim *sim, struct sim_client *client, struct client_endpoint from,
                    struct sim_letter *letter, struct client_out *out)
{
    struct wire_message message;
    if (wire_message_decode(buf_span(letter->head), &message) != WIRE_OK) {
        if (!letter->damaged)
            sim_fail(sim, "a reply does not decode");
        return; /* client/net.c drops it */
    }
    message.payload = letter->payload;
    client_core_receive(client->core, time_at(sim, client), from, &message, out);
}

void sim_client_event(struct sim *sim, struct sim_event *event)
{
    struct sim_client *client = &sim->clients[event->client];
    struct client_out out = {0};
    struct client_endpoint endpoint = {0};
    if (event->life != client->life)
        return;
    if (event->node >= 0)
        endpoint = (struct client_endpoint){.group = sim->nodes[event->node].group,
                                            .replica = sim->nodes[event->node].replica};
    wire_time now = time_at(sim, client);
    bool was_busy = client->open > 0;
    switch (event->kind) {
    case SIM_CLIENT_CALL:
        begin_call(sim, client, &out);
        break;
    case SIM_CLIENT_LOST:
        client_core_lost(client->core, now, endpoint, &out);
        break;
    case SIM_CLIENT_WAKE:
        if (client->wake_at <= now)
            client->wake_at = WIRE_NEVER;
        if (client_core_deadline(client->core) <= now)
            client_core_wake(client->core, now, &out);
        break;
    default:
        receive(sim, client, endpoint, &event->letter, &out);
        break;
    }
    carry_out(sim, client, &out);
    if (was_busy && client->open == 0 && client->calls_left == 0 &&
        sim_chance(sim, sim->workload.leave))
        sim_client_replace(sim, client, true);
}

bool sim_clients_done(const struct sim *sim)
{
    for (int i = 0; i < sim->client_count; i++) {
        if (sim->clients[i].calls_left > 0 || sim->clients[i].open > 0)
            return false;
    }
    return true;
}

/* Calls of all clients that one key can be open for at once, nearly: in a group without a leader all of
 * them wait together, and what a checker has to try grows exponentially with their number. */
enum { CROWD_MAX = 24 };

static int draw_pipeline(struct sim *sim)
{
    const struct sim_workload *work = &sim->workload;
    int most = CROWD_MAX * work->key_count / sim->client_count;
    int drawn = sim_chance(sim, work->pipelined)
                    ? 1 + (int)sim_below(sim, (uint64_t)work->pipeline_max)
                    : 1;
    return drawn < most ? drawn : most;
}

void sim_clients_new(struct sim *sim)
{
    const struct sim_workload *work = &sim->workload;
    sim->client_count = 2 + (int)sim_below(sim, (uint64_t)sim->client_count_max - 1);
    for (int i = 0; i < sim->client_count; i++) {
        struct sim_client *client = &sim->clients[i];
        client->index = i;
        client->core = new_core(sim);
        client->wake_at = WIRE_NEVER;
        client->calls_left = work->calls_min + (int)sim_below(sim, (uint64_t)work->calls_more);
        client->pipeline = draw_pipeline(sim);
        client->timeout = sim_chance(sim, 200) ? (wire_time)sim_below(sim, 2 * WIRE_SECOND) : 0;
        for (int j = 0; j < client->pipeline; j++)
            call_later(sim, client, 2 * WIRE_SECOND);
    }
}

void sim_clients_begin(struct sim *sim)
{
    for (int i = 0; i < sim->client_count; i++) {
        struct client_out out = {0};
        register_servers(sim, &sim->clients[i], &out);
        carry_out(sim, &sim->clients[i], &out);
    }
}

void sim_clients_free(struct sim *sim)
{
    for (int i = 0; i < sim->client_count; i++) {
        collect_counters(sim, sim->clients[i].core);
        client_core_destroy(&sim->clients[i].core);
    }
}
