/* Lifetime, events and calls of the client core; see core.h and core_inside.h. Pure; one thread. */
#include "client/core_inside.h"

#include <assert.h>
#include <stdlib.h>

#include "wire/hash.h"

/* --- texts and effects ------------------------------------------------------------------------ */

#define X(name, text) text,
static const char *const OUTCOME_TEXTS[] = {CLIENT_OUTCOMES(X)};
static const char *const REASON_TEXTS[] = {CLIENT_REASONS(X)};
static const char *const TROUBLE_TEXTS[] = {CLIENT_TROUBLES(X)};
#undef X

const char *client_outcome_text(enum client_outcome outcome)
{
    return OUTCOME_TEXTS[outcome];
}

const char *client_reason_text(enum client_reason reason)
{
    return REASON_TEXTS[reason];
}

const char *client_trouble_text(enum client_trouble trouble)
{
    return TROUBLE_TEXTS[trouble];
}

void client_out_clear(struct client_out *out)
{
    for (size_t i = 0; i < out->count; i++) {
        struct client_effect *effect = &out->effects[i];
        if (effect->kind == CLIENT_SEND)
            wire_message_clear(&effect->message);
        else
            buf_unref(&effect->done.result);
    }
    out->count = 0;
}

void client_out_free(struct client_out *out)
{
    client_out_clear(out);
    free(out->effects);
    *out = (struct client_out){0};
}

struct client_effect *core_effect(struct client_core *core, enum client_effect_kind kind)
{
    struct client_out *out = core->out;
    if (out->count == out->capacity) {
        out->capacity = out->capacity == 0 ? 16 : out->capacity * 2;
        out->effects = wire_realloc(out->effects, out->capacity * sizeof *out->effects);
    }
    struct client_effect *effect = &out->effects[out->count++];
    *effect = (struct client_effect){.kind = kind};
    return effect;
}

/* --- pauses ------------------------------------------------------------------------------------
 */

wire_time core_pause(struct client_core *core, uint32_t pauses)
{
    wire_time pause = core->backoff_min;
    for (uint32_t i = 0; i < pauses && pause < core->backoff_max; i++)
        pause *= 2;
    if (pause > core->backoff_max)
        pause = core->backoff_max;
    return pause / 2 + (wire_time)wire_random_below(&core->random, (uint64_t)(pause / 2) + 1);
}

/* --- lifetime --------------------------------------------------------------------------------- */

static void copy_addresses(struct client_core *core, const char *const *addresses, size_t count)
{
    assert(count >= 1 && count <= WIRE_REPLICA_COUNT_MAX);
    core->address_count = (uint8_t)count;
    for (size_t i = 0; i < count; i++) {
        size_t size = strlen(addresses[i]);
        assert(size < WIRE_ADDRESS_TEXT_MAX);
        memcpy(core->addresses[i], addresses[i], size + 1);
    }
}

static wire_time or_default(wire_time given, wire_time otherwise)
{
    assert(given >= 0);
    return given == 0 ? otherwise : given;
}

struct client_core *client_core_new(const struct client_core_config *config)
{
    assert((config->manager_count == 0) != (config->server_count == 0));
    struct client_core *core = wire_calloc(1, sizeof *core);
    core->random.state = config->seed;
    core->try_timeout = or_default(config->try_timeout, CLIENT_TRY_TIMEOUT);
    core->backoff_min = or_default(config->backoff_min, CLIENT_BACKOFF_MIN);
    core->backoff_max = or_default(config->backoff_max, CLIENT_BACKOFF_MAX);
    core->fixed = config->manager_count == 0;
    TAILQ_INIT(&core->calls);
    core->next_timeout = WIRE_NEVER;
    if (core->fixed) {
        copy_addresses(core, config->servers, config->server_count);
        core->servers = wire_calloc(1, sizeof *core->servers);
        core->server_groups = 1;
        group_init(core, &core->servers[0], 0, core->address_count);
    } else {
        copy_addresses(core, config->managers, config->manager_count);
    }
    group_init(core, &core->managers, WIRE_GROUP_MANAGERS, core->address_count);
    return core;
}

static void call_free(struct client_core *core, struct call *call)
{
    if (call->request != NULL)
        request_free(core, &call->request);
    if (call->scan != NULL)
        scan_stop(core, call);
    TAILQ_REMOVE(&core->calls, call, link);
    core->call_count--;
    core->blocked_count -= call->blocked;
    core->homeless_count -= call->homeless;
    free(call);
}

void client_core_destroy(struct client_core **core_p)
{
    struct client_core *core = *core_p;
    *core_p = NULL;
    if (core == NULL)
        return;
    while (!TAILQ_EMPTY(&core->calls))
        call_free(core, TAILQ_FIRST(&core->calls));
    if (core->map_request != NULL)
        request_free(core, &core->map_request);
    for (uint32_t i = 0; i < core->server_groups; i++)
        group_clear(core, &core->servers[i]);
    group_clear(core, &core->managers);
    wire_map_free(&core->map);
    assert(core->free_count == core->request_room);
    free(core->servers);
    free(core->requests);
    free(core->free_places);
    free(core);
}

/* --- calls ------------------------------------------------------------------------------------ */

static struct call *call_new(struct client_core *core, const struct client_call *from)
{
    struct call *call = wire_calloc(1, sizeof *call + from->key.size + from->value.size);
    uint8_t *bytes = (uint8_t *)(call + 1);
    if (from->key.size > 0)
        memcpy(bytes, from->key.data, from->key.size);
    if (from->value.size > 0)
        memcpy(bytes + from->key.size, from->value.data, from->value.size);
    call->id = ++core->last_call;
    call->op = from->op;
    call->key = span_of(bytes, from->key.size);
    call->value = span_of(bytes + from->key.size, from->value.size);
    call->key_hash = wire_hash(call->key);
    call->deadline = from->timeout == 0 ? WIRE_NEVER : core->now + from->timeout;
    if (call->deadline < core->next_timeout)
        core->next_timeout = call->deadline;
    TAILQ_INSERT_TAIL(&core->calls, call, link);
    core->call_count++;
    core->counters.calls++;
    return call;
}

/* Whether calls on one key must not pass it. */
static bool call_is_ordered(const struct call *call)
{
    return !call->is_ask && call->op != WIRE_KV_SCAN;
}

/* The oldest unfinished ordered call on the key of `call`, `call` itself apart. */
static struct call *call_same_key(struct client_core *core, const struct call *call)
{
    struct call *other;
    TAILQ_FOREACH(other, &core->calls, link)
    {
        if (other != call && call_is_ordered(other) && other->key_hash == call->key_hash &&
            span_equal(other->key, call->key))
            return other;
    }
    return NULL;
}

static void call_submit(struct client_core *core, struct call *call)
{
    if (call_is_ordered(call) && call_same_key(core, call) != NULL) {
        call->blocked = true;
        core->blocked_count++;
    }
    if (!call->blocked)
        route_call(core, call);
}

void call_end(struct client_core *core, struct call *call, enum client_outcome outcome,
              enum client_reason reason, struct client_done *done)
{
    struct client_effect *effect = core_effect(core, CLIENT_DONE);
    if (done != NULL)
        effect->done = *done;
    effect->done.call = call->id;
    effect->done.is_ask = call->is_ask;
    effect->done.op = call->op;
    effect->done.outcome = outcome;
    effect->done.reason = reason;
    core->counters.failed += outcome == CLIENT_FAILED;
    core->counters.unknown += outcome == CLIENT_UNKNOWN;
    if (call->request != NULL)
        session_release(core, call->request);
    struct call *next = NULL;
    if (core->blocked_count > 0 && !call->blocked && call_is_ordered(call))
        next = call_same_key(core, call);
    call_free(core, call);
    if (next != NULL) {
        assert(next->blocked);
        next->blocked = false;
        core->blocked_count--;
        route_call(core, next);
    }
}

void call_fail(struct client_core *core, struct call *call, enum client_reason reason)
{
    bool maybe = call->request != NULL && request_maybe_proposed(call->request);
    call_end(core, call, maybe ? CLIENT_UNKNOWN : CLIENT_FAILED, reason, NULL);
}

/* What the servers said last of why they do not take it. */
static enum client_reason late_because(struct client_core *core, const struct call *call)
{
    const struct group *group =
        call->request == NULL ? NULL : group_find(core, call->request->group);
    return group != NULL && group->trouble == CLIENT_TROUBLE_FULL ? CLIENT_REASON_NO_ROOM
                                                                  : CLIENT_REASON_TIMEOUT;
}

/* Fails every call whose deadline has passed; next_timeout becomes exact. Ending a call frees no
 * other one, so the next link stays good. */
static void time_out_calls(struct client_core *core)
{
    if (core->now < core->next_timeout)
        return;
    wire_time next_timeout = WIRE_NEVER;
    struct call *call = TAILQ_FIRST(&core->calls);
    while (call != NULL) {
        struct call *next = TAILQ_NEXT(call, link);
        if (call->deadline <= core->now)
            call_fail(core, call, late_because(core, call));
        else if (call->deadline < next_timeout)
            next_timeout = call->deadline;
        call = next;
    }
    core->next_timeout = next_timeout;
}

/* --- events ----------------------------------------------------------------------------------- */

static void begin(struct client_core *core, wire_time now, struct client_out *out)
{
    assert(core->out == NULL && now >= core->now);
    core->now = now;
    core->out = out;
}

/* Sends what can be sent now. Routing first: it may add groups and requests. */
static void finish(struct client_core *core)
{
    if (!core->closed) {
        route_advance(core);
        if (!core->fixed)
            group_pump(core, &core->managers);
        for (uint32_t i = 0; i < core->server_groups; i++)
            group_pump(core, &core->servers[i]);
    }
    core->out = NULL;
}

uint64_t client_core_submit(struct client_core *core, wire_time now, const struct client_call *from,
                            struct client_out *out)
{
    assert(from->op < WIRE_KV_OPS && wire_kv_key_ok(from->key) && from->timeout >= 0);
    if (core->closed || core->call_count >= CLIENT_CALLS_MAX)
        return 0;
    begin(core, now, out);
    struct client_call copy = *from;
    if (copy.op == WIRE_KV_PUT || copy.op == WIRE_KV_SWAP)
        assert(wire_kv_value_ok(copy.value));
    else if (copy.op == WIRE_KV_SCAN)
        assert(wire_kv_key_ok(copy.value));
    else
        copy.value = span_of(NULL, 0);
    struct call *call = call_new(core, &copy);
    uint64_t id = call->id;
    call_submit(core, call);
    finish(core);
    return id;
}

uint64_t client_core_ask(struct client_core *core, wire_time now, const struct client_ask *ask,
                         struct client_out *out)
{
    assert(!core->fixed && (ask->kind == WIRE_CALL_READ || ask->kind == WIRE_CALL_PLAIN));
    assert(ask->timeout >= 0);
    if (core->closed || core->call_count >= CLIENT_CALLS_MAX)
        return 0;
    begin(core, now, out);
    struct call *call = call_new(core, &(struct client_call){.timeout = ask->timeout});
    call->is_ask = true;
    call->request =
        request_new(core, REQUEST_FOR_ASK, ask->kind, WIRE_GROUP_MANAGERS, buf_copy(ask->body));
    call->request->call = call;
    request_enqueue(core, call->request);
    uint64_t id = call->id;
    finish(core);
    return id;
}

/* Whether a message over that connection comes from whom it should. */
static bool is_reply_of(const struct client_core *core, const struct group *group,
                        const struct wire_message *message)
{
    const struct wire_sender *sender = &message->sender;
    if (message->type != WIRE_MESSAGE_REPLY || sender->group != group->id)
        return false;
    /* Managers speak without a cluster id until it is founded. */
    return group == &core->managers || core->map.cluster == 0 || sender->cluster == 0 ||
           sender->cluster == core->map.cluster;
}

void client_core_receive(struct client_core *core, wire_time now, struct client_endpoint from,
                         const struct wire_message *message, struct client_out *out)
{
    begin(core, now, out);
    struct group *group = group_find(core, from.group);
    if (group == NULL || from.replica >= group->replica_count ||
        !is_reply_of(core, group, message)) {
        core->counters.strangers++;
    } else {
        struct request *request = request_find(core, message->reply.tag);
        if (request == NULL || request->group != group->id) {
            core->counters.duplicates++;
        } else {
            bool last = request->state == REQUEST_FLIGHT &&
                        request_tag_serial(message->reply.tag) == request->last_serial;
            reply_handle(core, request, from.replica, last, message);
        }
    }
    finish(core);
}

void client_core_lost(struct client_core *core, wire_time now, struct client_endpoint endpoint,
                      struct client_out *out)
{
    begin(core, now, out);
    struct group *group = group_find(core, endpoint.group);
    if (group != NULL)
        group_lose(core, group, endpoint.replica);
    finish(core);
}

void client_core_unsent(struct client_core *core, wire_time now, uint64_t tag,
                        struct client_out *out)
{
    begin(core, now, out);
    struct request *request = request_find(core, tag);
    if (request != NULL && request->state == REQUEST_FLIGHT &&
        request_tag_serial(tag) == request->last_serial) {
        core->counters.unsent++;
        struct group *group = group_find(core, request->group);
        if (!group_shun(core, group, request)) {
            group_retreat(core, group, request->epoch, WIRE_NO_REPLICA,
                          CLIENT_TROUBLE_UNREACHABLE);
            request_enqueue(core, request);
        }
    }
    finish(core);
}

void client_core_wake(struct client_core *core, wire_time now, struct client_out *out)
{
    begin(core, now, out);
    time_out_calls(core);
    if (!core->fixed)
        group_time_out(core, &core->managers);
    for (uint32_t i = 0; i < core->server_groups; i++)
        group_time_out(core, &core->servers[i]);
    finish(core);
}

wire_time client_core_deadline(const struct client_core *core)
{
    if (core->closed)
        return WIRE_NEVER;
    wire_time deadline = core->next_timeout;
    if (core->homeless_count > 0 && core->map_request == NULL && core->map_not_before < deadline)
        deadline = core->map_not_before;
    wire_time of_managers = group_deadline(core, &core->managers);
    if (of_managers < deadline)
        deadline = of_managers;
    for (uint32_t i = 0; i < core->server_groups; i++) {
        wire_time of_group = group_deadline(core, &core->servers[i]);
        if (of_group < deadline)
            deadline = of_group;
    }
    return deadline;
}

void client_core_close(struct client_core *core, wire_time now, struct client_out *out)
{
    begin(core, now, out);
    if (!core->closed) {
        /* Newest first, so that no end of a call sets the next one on its key going. */
        while (!TAILQ_EMPTY(&core->calls))
            call_fail(core, TAILQ_LAST(&core->calls, call_queue), CLIENT_REASON_CLOSED);
        for (uint32_t i = 0; i < core->server_groups; i++)
            session_close(core, &core->servers[i]);
        core->closed = true;
    }
    finish(core);
}

/* --- questions -------------------------------------------------------------------------------- */

const char *client_core_address(const struct client_core *core, struct client_endpoint endpoint)
{
    if (endpoint.group == WIRE_GROUP_MANAGERS || core->fixed) {
        bool fits =
            endpoint.replica < core->address_count && (core->fixed ? endpoint.group == 0 : true);
        return fits ? core->addresses[endpoint.replica] : NULL;
    }
    if (endpoint.group >= core->server_groups || endpoint.replica >= core->map.server_rf)
        return NULL;
    return core->map.servers[endpoint.group * core->map.server_rf + endpoint.replica].address;
}

size_t client_core_unfinished(const struct client_core *core)
{
    return core->call_count;
}

const struct wire_map *client_core_map(const struct client_core *core)
{
    return core->map.server_count == 0 ? NULL : &core->map;
}

const struct client_counters *client_core_counters(const struct client_core *core)
{
    return &core->counters;
}

static bool is_busy(const struct group *group)
{
    return !TAILQ_EMPTY(&group->waiting) || !TAILQ_EMPTY(&group->ready) ||
           !TAILQ_EMPTY(&group->flight);
}

static void take_older(struct client_health *health, const struct group *group)
{
    if (group->trouble == CLIENT_TROUBLE_NONE || !is_busy(group) ||
        (health->trouble != CLIENT_TROUBLE_NONE && health->since <= group->trouble_since))
        return;
    *health = (struct client_health){group->trouble, group->id, group->trouble_since};
}

struct client_health client_core_health(const struct client_core *core)
{
    struct client_health health = {.trouble = CLIENT_TROUBLE_NONE};
    if (core->wrong_groups > 0 && core->call_count > 0)
        health = (struct client_health){CLIENT_TROUBLE_WRONG_GROUP, WIRE_GROUP_MANAGERS,
                                        core->wrong_since};
    take_older(&health, &core->managers);
    for (uint32_t i = 0; i < core->server_groups; i++)
        take_older(&health, &core->servers[i]);
    return health;
}
