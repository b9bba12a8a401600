/* Routing in the client core: the cluster map, and which group a call belongs to. See
 * core_inside.h.
 *
 * The map is asked for when the first call needs it, kept, and asked for again when a server says
 * that a key is not its own. Calls that wait for it are homeless. A map of another shape (another
 * cluster, another number of partitions or replicas) ends all sessions: what is in doubt stays
 * unknown, all else starts over. */
#include "client/core_inside.h"

#include <assert.h>
#include <stdlib.h>

#include "wire/hash.h"

static void make_homeless(struct client_core *core, struct call *call)
{
    if (!call->homeless) {
        call->homeless = true;
        core->homeless_count++;
    }
}

static uint32_t group_of_key(const struct client_core *core, struct span key)
{
    return wire_map_partition(wire_hash_slot(key), core->server_groups);
}

static void start_request(struct client_core *core, struct call *call, uint32_t group)
{
    struct wire_kv_call body = {.op = call->op, .key = call->key, .value = call->value};
    struct wire_writer bytes = {0};
    wire_kv_call_encode(&body, &bytes);
    enum wire_call_kind kind = wire_kv_is_read(call->op) ? WIRE_CALL_READ : WIRE_CALL_WRITE;
    call->request = request_new(core, REQUEST_FOR_CALL, kind, group, wire_writer_take(&bytes));
    wire_writer_free(&bytes);
    call->request->call = call;
    request_enqueue(core, call->request);
}

void route_call(struct client_core *core, struct call *call)
{
    assert(!call->blocked && !call->homeless);
    if (core->server_groups == 0 || core->moving) {
        make_homeless(core, call);
        return;
    }
    if (call->op == WIRE_KV_SCAN) {
        scan_start(core, call);
        return;
    }
    uint32_t group = group_of_key(core, call->key);
    if (call->request == NULL) {
        start_request(core, call, group);
    } else {
        /* In doubt when the map was asked for. Had the shape changed it would have been evicted. */
        assert(call->request->group == group);
        request_enqueue(core, call->request);
    }
}

void route_wrong_group(struct client_core *core, struct request *request)
{
    struct call *call = request->call;
    if (core->fixed || call->is_ask) {
        call_fail(core, call, CLIENT_REASON_WRONG_GROUP);
        return;
    }
    if (core->wrong_groups == 0)
        core->wrong_since = core->now;
    if (core->homeless_count == 0)
        core->map_not_before = core->now + core_pause(core, core->wrong_groups);
    core->wrong_groups++;
    if (request->purpose == REQUEST_FOR_PAGE) {
        scan_stop(core, call);
    } else if (!request->in_doubt) {
        session_release(core, request);
        request_free(core, &call->request);
    }
    make_homeless(core, call);
}

void route_advance(struct client_core *core)
{
    if (core->homeless_count == 0 || core->map_request != NULL || core->now < core->map_not_before)
        return;
    struct wire_map_call body = {.op = WIRE_MAP_GET};
    struct wire_writer bytes = {0};
    wire_map_call_encode(&body, &bytes);
    core->map_request = request_new(core, REQUEST_FOR_MAP, WIRE_CALL_READ, WIRE_GROUP_MANAGERS,
                                    wire_writer_take(&bytes));
    wire_writer_free(&bytes);
    request_enqueue(core, core->map_request);
}

/* --- a map comes ------------------------------------------------------------------------------ */

static bool same_shape(const struct wire_map *a, const struct wire_map *b)
{
    return a->cluster == b->cluster && a->protocol == b->protocol && a->server_rf == b->server_rf &&
           a->server_count == b->server_count;
}

/* Takes every call away from the groups as they are. */
static void evict_calls(struct client_core *core)
{
    core->moving = true;
    struct call *call = TAILQ_FIRST(&core->calls);
    while (call != NULL) {
        struct call *next = TAILQ_NEXT(call, link);
        if (call->request != NULL && !call->is_ask && request_maybe_proposed(call->request)) {
            call_fail(core, call, CLIENT_REASON_MOVED);
        } else if (!call->blocked && !call->is_ask) {
            if (call->request != NULL)
                request_free(core, &call->request);
            if (call->scan != NULL)
                scan_stop(core, call);
            make_homeless(core, call);
        }
        call = next;
    }
    core->moving = false;
}

static void reshape(struct client_core *core, const struct wire_map *map)
{
    evict_calls(core);
    for (uint32_t i = 0; i < core->server_groups; i++)
        group_clear(core, &core->servers[i]);
    free(core->servers);
    core->server_groups = wire_map_partition_count(map);
    core->servers = wire_calloc(core->server_groups, sizeof *core->servers);
    for (uint32_t i = 0; i < core->server_groups; i++)
        group_init(core, &core->servers[i], i, map->server_rf);
    for (uint32_t i = 0; i < core->server_groups; i++)
        core->servers[i].spreads = map->protocol == WIRE_PROTOCOL_CHAIN;
}

static void house_calls(struct client_core *core)
{
    struct call *call = TAILQ_FIRST(&core->calls);
    while (call != NULL) {
        struct call *next = TAILQ_NEXT(call, link);
        if (call->homeless) {
            call->homeless = false;
            core->homeless_count--;
            route_call(core, call);
        }
        call = next;
    }
}

static bool is_usable(const struct wire_map *map)
{
    return map->cluster != 0 && map->server_rf >= 1 && map->server_rf <= WIRE_REPLICA_COUNT_MAX &&
           map->server_count >= map->server_rf && map->server_count % map->server_rf == 0 &&
           wire_map_partition_count(map) <= WIRE_PARTITION_COUNT_MAX;
}

static void adopt(struct client_core *core, struct wire_map *map)
{
    core->counters.maps++;
    request_free(core, &core->map_request);
    if (core->server_groups == 0 || !same_shape(&core->map, map))
        reshape(core, map);
    wire_map_free(&core->map);
    core->map = *map;
    *map = (struct wire_map){0};
    house_calls(core);
}

void route_map_answer(struct client_core *core, struct request *request, struct span answer)
{
    struct wire_map map = {0};
    enum wire_map_verdict verdict = WIRE_MAP_NOT_FOUNDED;
    bool sound = wire_map_answer_decode(answer, &verdict, &map) == WIRE_OK &&
                 (verdict == WIRE_MAP_NOT_FOUNDED || (verdict == WIRE_MAP_OK && is_usable(&map)));
    core->counters.malformed += !sound;
    if (sound && verdict == WIRE_MAP_OK) {
        group_well(&core->managers);
        adopt(core, &map);
    } else {
        group_retreat(core, &core->managers, request->epoch, sound ? request->to : WIRE_NO_REPLICA,
                      sound ? CLIENT_TROUBLE_NOT_FOUNDED : CLIENT_TROUBLE_STRANGE);
        request_enqueue(core, request);
    }
    wire_map_free(&map);
}
