/* Requests of the client core: queues, sends, pauses, which replica to ask next. See core_inside.h.
 *
 * All requests to a group share its target and its pause: what one send learns, that a replica is
 * gone, refuses or knows the leader, holds for the others. Of sends that went out under one epoch
 * only the first that comes back changes target or pause; the rest just queue up again. */
#include "client/core_inside.h"

#include <assert.h>
#include <stdlib.h>

/* A tag is the serial number of the send, then the place of the request. */
#define PLACE_BITS 20
#define PLACE_COUNT (1u << PLACE_BITS)
#define SERIAL_MAX ((UINT64_C(1) << (64 - PLACE_BITS)) - 1)

/* An OPEN per group, the MAP, and per call a request to each partition at most. */
static_assert(PLACE_COUNT >
                  CLIENT_CALLS_MAX * WIRE_PARTITION_COUNT_MAX + WIRE_PARTITION_COUNT_MAX + 1,
              "places never run out");
/* A newer ballot makes pauses short again at most that often: elections are no more frequent. */
#define RENEWAL_TIME WIRE_SECOND
/* A replica of a chain that did not answer a read gets none for so long: about as long as it takes until
 * it serves again, or is known to be no member. */
#define SHUN_TIME (WIRE_SECOND / 2)
/* A trouble that a replica gave as its reason outlives mere silence for that long. */
#define REASON_LIFE (2 * WIRE_SECOND)

/* --- groups ----------------------------------------------------------------------------------- */

void group_init(struct client_core *core, struct group *group, uint32_t id, uint8_t replica_count)
{
    assert(replica_count >= 1 && replica_count <= WIRE_REPLICA_COUNT_MAX);
    *group = (struct group){.id = id, .replica_count = replica_count};
    group->target = group->turn = (wire_replica)wire_random_below(&core->random, replica_count);
    group->read_turn = group->target;
    group->renewed = -RENEWAL_TIME;
    group->next_number = group->lowest = 1;
    TAILQ_INIT(&group->waiting);
    TAILQ_INIT(&group->ready);
    TAILQ_INIT(&group->flight);
}

void group_clear(struct client_core *core, struct group *group)
{
    if (group->opening != NULL)
        request_free(core, &group->opening);
    assert(TAILQ_EMPTY(&group->waiting) && TAILQ_EMPTY(&group->ready) &&
           TAILQ_EMPTY(&group->flight));
}

struct group *group_find(struct client_core *core, uint32_t id)
{
    if (id == WIRE_GROUP_MANAGERS)
        return core->fixed ? NULL : &core->managers;
    return id < core->server_groups ? &core->servers[id] : NULL;
}

static void group_pause(struct client_core *core, struct group *group)
{
    group->not_before = core->now + core_pause(core, group->pauses++);
    group->hops = 0;
}

static void group_note(struct client_core *core, struct group *group, enum client_trouble trouble)
{
    if (group->trouble == CLIENT_TROUBLE_NONE)
        group->trouble_since = core->now;
    else if (trouble == CLIENT_TROUBLE_UNREACHABLE && group->trouble != trouble &&
             core->now - group->trouble_last < REASON_LIFE)
        return;
    group->trouble = trouble;
    group->trouble_last = core->now;
}

/* Every replica has its turn, whatever hints lie between; the one that just failed not twice. */
static wire_replica next_in_turn(struct group *group)
{
    do {
        group->turn = (wire_replica)((group->turn + 1) % group->replica_count);
    } while (group->turn == group->target && group->replica_count > 1);
    return group->turn;
}

void group_retreat(struct client_core *core, struct group *group, uint64_t epoch, wire_replica to,
                   enum client_trouble trouble)
{
    group_note(core, group, trouble);
    if (epoch != group->epoch)
        return;
    group_pause(core, group);
    group->target = to == WIRE_NO_REPLICA ? next_in_turn(group) : to;
    group->epoch++;
}

bool group_follow(struct client_core *core, struct group *group, wire_replica from,
                  wire_replica leader, struct wire_ballot ballot)
{
    if (leader == from || leader >= group->replica_count || !ballot_less(group->ballot, ballot))
        return false;
    group->ballot = ballot;
    if (group->hops >= CLIENT_HOPS_MAX) {
        group_note(core, group, CLIENT_TROUBLE_NO_LEADER);
        group_pause(core, group);
    } else {
        group->hops++;
        group->not_before = core->now;
        if (core->now - group->renewed >= RENEWAL_TIME) {
            group->renewed = core->now;
            group->pauses = 0;
        }
    }
    group->target = leader;
    group->epoch++;
    core->counters.redirects++;
    return true;
}

wire_replica group_hinted(const struct group *group, wire_replica from, wire_replica leader,
                          struct wire_ballot ballot)
{
    bool known = leader != from && leader < group->replica_count && !ballot_is_none(ballot) &&
                 ballot_equal(group->ballot, ballot);
    return known ? leader : WIRE_NO_REPLICA;
}

void group_well(struct group *group)
{
    group->hops = 0;
    group->pauses = 0;
    group->trouble = CLIENT_TROUBLE_NONE;
}

/* --- requests --------------------------------------------------------------------------------- */

static uint32_t take_place(struct client_core *core)
{
    if (core->free_count == 0) {
        uint32_t old = core->request_room;
        uint32_t room = old == 0 ? 64 : old * 2;
        assert(room <= PLACE_COUNT);
        core->requests = wire_realloc(core->requests, room * sizeof *core->requests);
        core->free_places = wire_realloc(core->free_places, room * sizeof *core->free_places);
        for (uint32_t place = room; place > old; place--)
            core->free_places[core->free_count++] = place - 1;
        memset(core->requests + old, 0, (room - old) * sizeof *core->requests);
        core->request_room = room;
    }
    return core->free_places[--core->free_count];
}

struct request *request_new(struct client_core *core, enum request_purpose purpose,
                            enum wire_call_kind kind, uint32_t group, struct buf *payload)
{
    struct request *request = wire_calloc(1, sizeof *request);
    request->purpose = purpose;
    request->kind = kind;
    request->group = group;
    request->payload = payload;
    request->place = take_place(core);
    core->requests[request->place] = request;
    return request;
}

static struct request_queue *queue_of(struct client_core *core, const struct request *request)
{
    struct group *group = group_find(core, request->group);
    assert(group != NULL);
    switch (request->state) {
    case REQUEST_WAITING:
        return &group->waiting;
    case REQUEST_READY:
        return &group->ready;
    case REQUEST_FLIGHT:
        return &group->flight;
    case REQUEST_HELD:
        break;
    }
    return NULL;
}

void request_hold(struct client_core *core, struct request *request)
{
    struct request_queue *queue = queue_of(core, request);
    if (queue != NULL)
        TAILQ_REMOVE(queue, request, link);
    request->state = REQUEST_HELD;
}

void request_free(struct client_core *core, struct request **request_p)
{
    struct request *request = *request_p;
    *request_p = NULL;
    request_hold(core, request);
    core->requests[request->place] = NULL;
    core->free_places[core->free_count++] = request->place;
    buf_unref(&request->payload);
    free(request);
}

/* Among the waiting by age: a write that lost its number goes back to where it was. */
static void insert_waiting(struct group *group, struct request *request)
{
    struct request *before = TAILQ_LAST(&group->waiting, request_queue);
    while (before != NULL && before->call->id > request->call->id)
        before = TAILQ_PREV(before, request_queue, link);
    if (before == NULL)
        TAILQ_INSERT_HEAD(&group->waiting, request, link);
    else
        TAILQ_INSERT_AFTER(&group->waiting, before, request, link);
}

void request_enqueue(struct client_core *core, struct request *request)
{
    struct group *group = group_find(core, request->group);
    request_hold(core, request);
    if (request->kind == WIRE_CALL_WRITE && request->number == 0) {
        request->state = REQUEST_WAITING;
        insert_waiting(group, request);
    } else {
        request->state = REQUEST_READY;
        TAILQ_INSERT_TAIL(&group->ready, request, link);
    }
}

struct request *request_find(struct client_core *core, uint64_t tag)
{
    uint32_t place = (uint32_t)(tag & (PLACE_COUNT - 1));
    uint64_t serial = request_tag_serial(tag);
    if (place >= core->request_room || core->requests[place] == NULL)
        return NULL;
    struct request *request = core->requests[place];
    bool own = request->first_serial != 0 && serial >= request->first_serial &&
               serial <= request->last_serial;
    return own ? request : NULL;
}

/* --- sending ---------------------------------------------------------------------------------- */

struct wire_message *group_message(struct client_core *core, const struct group *group,
                                   wire_replica to)
{
    struct client_effect *effect = core_effect(core, CLIENT_SEND);
    effect->to = (struct client_endpoint){group->id, to};
    struct wire_message *message = &effect->message;
    message->type = WIRE_MESSAGE_REQUEST;
    message->sender.role = WIRE_ROLE_CLIENT;
    message->sender.group = group->id;
    message->sender.cluster = core->map.cluster;
    core->counters.sends++;
    return message;
}

/* Whose turn a read is: whoever did not refuse one lately, one after the other. */
static bool take_read_turn(struct client_core *core, struct group *group)
{
    for (int i = 0; i < group->replica_count && group->spreads; i++) {
        group->read_turn = (wire_replica)((group->read_turn + 1) % group->replica_count);
        if (core->now >= group->shunned[group->read_turn])
            return true;
    }
    return false;
}

static void request_send(struct client_core *core, struct group *group, struct request *request)
{
    request_hold(core, request);
    uint64_t serial = ++core->last_serial;
    assert(serial <= SERIAL_MAX);
    core->counters.retries += request->first_serial != 0;
    if (request->first_serial == 0)
        request->first_serial = serial;
    request->last_serial = serial;
    request->sent = core->now;
    request->spread = request->kind == WIRE_CALL_READ && take_read_turn(core, group);
    request->to = request->spread ? group->read_turn : group->target;
    request->epoch = group->epoch;
    request->state = REQUEST_FLIGHT;
    TAILQ_INSERT_TAIL(&group->flight, request, link);
    struct wire_message *message = group_message(core, group, request->to);
    message->request.tag = serial << PLACE_BITS | request->place;
    message->request.kind = (uint8_t)request->kind;
    message->request.session = request->session;
    message->request.number = request->number;
    /* Under a session that was given up only the number itself is known to be safe. */
    message->request.lowest = session_is_current(group, request) ? group->lowest : request->lowest;
    message->payload = buf_ref(request->payload);
}

bool group_shun(struct client_core *core, struct group *group, struct request *request)
{
    if (!request->spread)
        return false;
    group->shunned[request->to] = core->now + SHUN_TIME;
    request_enqueue(core, request);
    return true;
}

void group_pump(struct client_core *core, struct group *group)
{
    session_advance(core, group);
    while (core->now >= group->not_before && !TAILQ_EMPTY(&group->ready))
        request_send(core, group, TAILQ_FIRST(&group->ready));
}

/* The last send of the request ended without an answer. */
static void request_unanswered(struct client_core *core, struct group *group,
                               struct request *request)
{
    request->in_doubt = request_changes(request);
    if (group_shun(core, group, request))
        return;
    group_retreat(core, group, request->epoch, WIRE_NO_REPLICA, CLIENT_TROUBLE_UNREACHABLE);
    request_enqueue(core, request);
}

void group_lose(struct client_core *core, struct group *group, wire_replica replica)
{
    struct request *request = TAILQ_FIRST(&group->flight);
    while (request != NULL) {
        struct request *next = TAILQ_NEXT(request, link);
        if (request->to == replica) {
            core->counters.lost++;
            request_unanswered(core, group, request);
        }
        request = next;
    }
}

/* The flight queue is in the order of sending, so its first is the first to time out. */
void group_time_out(struct client_core *core, struct group *group)
{
    struct request *request;
    while ((request = TAILQ_FIRST(&group->flight)) != NULL &&
           core->now - request->sent >= core->try_timeout) {
        core->counters.timeouts++;
        request_unanswered(core, group, request);
    }
}

wire_time group_deadline(const struct client_core *core, const struct group *group)
{
    wire_time deadline = TAILQ_EMPTY(&group->ready) ? WIRE_NEVER : group->not_before;
    if (!TAILQ_EMPTY(&group->flight)) {
        wire_time timeout = TAILQ_FIRST(&group->flight)->sent + core->try_timeout;
        if (timeout < deadline)
            deadline = timeout;
    }
    return deadline;
}
