/* Clients: the real core, a workload on a few keys that all of them share, and the history of what
 * they asked and were told. Every value is written once, so that a read tells which write it saw. */
#include "tests/sim/sim.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

static const char *const keys[] = {"a", "b", "c", "dd", "ee"};
enum {
    KEY_COUNT = 5
};

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

static void finish(struct sim *sim, struct sim_client *client, const struct client_done *done)
{
    int place = 0;
    while (place < CLIENT_CALLS_MAX && client->calls[place].id != done->call)
        place++;
    if (place == CLIENT_CALLS_MAX)
        sim_fail(sim, "client %d: a call ended twice or never began", client->index);
    struct history_record record = {
        .op = history_op_of(done->op),
        .outcome = done->outcome == CLIENT_OK       ? HISTORY_OK
                   : done->outcome == CLIENT_FAILED ? HISTORY_FAIL
                                                    : HISTORY_UNKNOWN,
        .return_ns = (uint64_t)sim->now * 1000,
        .found = done->found,
        .value = done->found && (done->op == WIRE_KV_GET || done->op == WIRE_KV_SWAP)
                     ? text_of(done->value)
                     : history_text(NULL)};
    struct history_text pairs[2 * KEY_COUNT];
    if (done->outcome == CLIENT_OK && done->op == WIRE_KV_SCAN) {
        struct wire_reader page = wire_reader_of(buf_span(done->result));
        struct span key, value;
        while (wire_kv_page_next(&page, &key, &value)) {
            if (record.pair_count == KEY_COUNT)
                sim_fail(sim, "client %d: a scan repeats a key", client->index);
            pairs[2 * record.pair_count] = text_of(key);
            pairs[2 * record.pair_count + 1] = text_of(value);
            record.pair_count++;
        }
        record.pairs = pairs;
    }
    sim->happenings->calls_unknown += done->outcome == CLIENT_UNKNOWN;
    sim->happenings->calls_failed += done->outcome == CLIENT_FAILED;
    history_end(sim->history, client->calls[place].record, &record);
    client->calls[place].id = 0;
    client->open--;
    if (client->calls_left > 0)
        sim_schedule(sim, sim->now + (wire_time)sim_below(sim, 100 * WIRE_MS),
                     (struct sim_event){
                         .kind = SIM_CLIENT_CALL, .node = -1, .client = client->index});
}

static void carry_out(struct sim *sim, struct sim_client *client, struct client_out *out)
{
    for (size_t i = 0; i < out->count; i++) {
        if (out->effects[i].kind == CLIENT_DONE) {
            struct client_done done = out->effects[i].done;
            finish(sim, client, &done);
            continue;
        }
        struct sim_node *to = endpoint_node(sim, out->effects[i].to);
        uint64_t tag = out->effects[i].message.request.tag;
        if (!sim_network_from_client(sim, client, to, &out->effects[i].message))
            client_core_unsent(client->core, sim->now, tag, out);
    }
    client_out_free(out);
    wire_time at = client_core_deadline(client->core);
    if (at == WIRE_NEVER || at == client->wake_at)
        return;
    client->wake_at = at;
    sim_schedule(sim, at,
                 (struct sim_event){.kind = SIM_CLIENT_WAKE, .node = -1, .client = client->index});
}

/* --- the beginning of a call ------------------------------------------------------------------------- */

static void begin_call(struct sim *sim, struct sim_client *client, struct client_out *out)
{
    static const enum wire_kv_op mix[] = {WIRE_KV_PUT, WIRE_KV_PUT,    WIRE_KV_SWAP,
                                          WIRE_KV_SWAP, WIRE_KV_GET,   WIRE_KV_GET,
                                          WIRE_KV_GET,  WIRE_KV_DELETE, WIRE_KV_SCAN};
    if (client->calls_left == 0 || client->open >= client->pipeline)
        return;
    char value[48];
    snprintf(value, sizeof value, "c%d.%" PRIu64, client->index, ++client->number);
    struct client_call call = {.op = mix[sim_below(sim, sizeof mix / sizeof mix[0])],
                               .key = span_text(keys[sim_below(sim, KEY_COUNT)]),
                               .timeout = client->timeout};
    if (call.op == WIRE_KV_SCAN) {
        call.key = span_text("a");
        call.value = span_text("z");
    } else if (call.op == WIRE_KV_PUT || call.op == WIRE_KV_SWAP) {
        call.value = span_text(value);
    }
    int place = 0;
    while (client->calls[place].id != 0)
        place++;
    struct history_record record = {.client = (uint64_t)client->index,
                                    .invoke_ns = (uint64_t)sim->now * 1000,
                                    .op = history_op_of(call.op),
                                    .key = text_of(call.key),
                                    .argument = text_of(call.value)};
    client->calls[place].record = history_begin(sim->history, &record);
    client->calls[place].id = client_core_submit(client->core, sim->now, &call, out);
    client->calls_left--;
    client->open++;
    sim->happenings->calls++;
}

void sim_client_event(struct sim *sim, struct sim_event *event)
{
    struct sim_client *client = &sim->clients[event->client];
    struct client_out out = {0};
    struct client_endpoint endpoint = {0};
    if (event->node >= 0)
        endpoint = (struct client_endpoint){.group = sim->nodes[event->node].group,
                                            .replica = sim->nodes[event->node].replica};
    switch (event->kind) {
    case SIM_CLIENT_CALL:
        begin_call(sim, client, &out);
        break;
    case SIM_CLIENT_LOST:
        client_core_lost(client->core, sim->now, endpoint, &out);
        break;
    case SIM_CLIENT_WAKE:
        if (client->wake_at <= sim->now)
            client->wake_at = WIRE_NEVER;
        if (client_core_deadline(client->core) <= sim->now)
            client_core_wake(client->core, sim->now, &out);
        break;
    default: {
        struct wire_message message;
        if (wire_message_decode(buf_span(event->letter.head), &message) != WIRE_OK)
            sim_fail(sim, "a reply does not decode");
        message.payload = event->letter.payload;
        client_core_receive(client->core, sim->now, endpoint, &message, &out);
        break;
    }
    }
    carry_out(sim, client, &out);
}

bool sim_clients_done(const struct sim *sim)
{
    for (int i = 0; i < sim->client_count; i++) {
        if (sim->clients[i].calls_left > 0 || sim->clients[i].open > 0)
            return false;
    }
    return true;
}

void sim_clients_new(struct sim *sim)
{
    static const char *const managers[] = {"m:1", "m:2", "m:3", "m:4", "m:5"};
    bool managed = sim->groups[0].group == WIRE_GROUP_MANAGERS;
    sim->client_count = 2 + (int)sim_below(sim, SIM_CLIENTS_MAX - 1);
    for (int i = 0; i < sim->client_count; i++) {
        struct sim_client *client = &sim->clients[i];
        size_t count = (size_t)sim->groups[0].replica_count;
        struct client_core_config config = {.seed = smr_random_next(&sim->random)};
        if (managed) {
            config.managers = managers;
            config.manager_count = count;
        } else {
            config.servers = managers;
            config.server_count = count;
        }
        client->index = i;
        client->core = client_core_new(&config);
        client->wake_at = WIRE_NEVER;
        client->calls_left = 20 + (int)sim_below(sim, 80);
        client->pipeline = sim_chance(sim, 300) ? 1 + (int)sim_below(sim, 16) : 1;
        client->timeout = sim_chance(sim, 200) ? (wire_time)sim_below(sim, 2 * WIRE_SECOND) : 0;
        for (int j = 0; j < client->pipeline; j++)
            sim_schedule(sim, (wire_time)sim_below(sim, 2 * WIRE_SECOND),
                         (struct sim_event){.kind = SIM_CLIENT_CALL, .node = -1, .client = i});
    }
}

void sim_clients_free(struct sim *sim)
{
    for (int i = 0; i < sim->client_count; i++) {
        const struct client_counters *counters = client_core_counters(sim->clients[i].core);
        sim->happenings->client_retries += counters->retries;
        sim->happenings->client_redirects += counters->redirects;
        client_core_destroy(&sim->clients[i].core);
    }
}
