#include "tests/unit/client/world.h"

#include <stdio.h>
#include <stdlib.h>

static const char *const ADDRESSES[] = {"a:1", "b:1", "c:1", "d:1", "e:1"};

struct world *world_new(uint32_t partitions, uint8_t rf)
{
    struct world *world = wire_calloc(1, sizeof *world);
    struct client_core_config config = {.seed = 42};
    if (partitions == 0) {
        config.servers = ADDRESSES;
        config.server_count = rf;
    } else {
        config.managers = ADDRESSES;
        config.manager_count = rf;
    }
    world->partitions = partitions;
    world->rf = rf;
    world->core = client_core_new(&config);
    world->now = 1000;
    return world;
}

void world_free(struct world *world)
{
    world_expect_nothing(world);
    client_core_destroy(&world->core);
    client_out_free(&world->out);
    free(world->sends);
    free(world->dones);
    free(world);
}

void world_carry_out(struct world *world)
{
    for (size_t i = 0; i < world->out.count; i++) {
        struct client_effect *effect = &world->out.effects[i];
        if (effect->kind == CLIENT_SEND) {
            ck_assert_int_eq(effect->message.type, WIRE_MESSAGE_REQUEST);
            ck_assert_ptr_nonnull(effect->message.payload);
            ck_assert_int_eq(effect->message.sender.role, WIRE_ROLE_CLIENT);
            ck_assert_uint_eq(effect->message.sender.group, effect->to.group);
            ck_assert_ptr_nonnull(client_core_address(world->core, effect->to));
            world->sends =
                wire_realloc(world->sends, (world->send_count + 1) * sizeof *world->sends);
            world->sends[world->send_count++] = (struct sent){effect->to, effect->message};
            effect->message.payload = NULL;
        } else {
            world->dones =
                wire_realloc(world->dones, (world->done_count + 1) * sizeof *world->dones);
            world->dones[world->done_count++] = effect->done;
            effect->done.result = NULL;
        }
    }
    client_out_clear(&world->out);
}

uint64_t world_call_for(struct world *world, enum wire_kv_op op, const char *key, const char *value,
                        wire_time timeout)
{
    struct client_call call = {.op = op, .key = span_text(key), .timeout = timeout};
    if (value != NULL)
        call.value = span_text(value);
    uint64_t id = client_core_submit(world->core, world->now, &call, &world->out);
    world_carry_out(world);
    return id;
}

uint64_t world_call(struct world *world, enum wire_kv_op op, const char *key, const char *value)
{
    return world_call_for(world, op, key, value, 0);
}

void world_pass(struct world *world, wire_time time)
{
    wire_time end = world->now + time;
    for (;;) {
        wire_time deadline = client_core_deadline(world->core);
        if (deadline > end)
            break;
        if (deadline > world->now)
            world->now = deadline;
        client_core_wake(world->core, world->now, &world->out);
        world_carry_out(world);
        ck_assert_int_gt(client_core_deadline(world->core), world->now);
    }
    world->now = end;
}

void world_until_send(struct world *world)
{
    for (int i = 0; i < 100 && world->send_count == 0; i++) {
        wire_time deadline = client_core_deadline(world->core);
        ck_assert_int_ne(deadline, WIRE_NEVER);
        world_pass(world, deadline > world->now ? deadline - world->now : 0);
    }
    ck_assert_uint_gt(world->send_count, 0);
}

struct sent world_sent(struct world *world)
{
    ck_assert_uint_gt(world->send_count, 0);
    struct sent sent = world->sends[0];
    world->send_count--;
    memmove(world->sends, world->sends + 1, world->send_count * sizeof *world->sends);
    return sent;
}

struct sent world_sent_kind(struct world *world, enum wire_call_kind kind, uint32_t group)
{
    struct sent sent = world_sent(world);
    ck_assert_int_eq(sent.message.request.kind, kind);
    ck_assert_uint_eq(sent.to.group, group);
    return sent;
}

void sent_free(struct sent *sent)
{
    wire_message_clear(&sent->message);
}

void world_forget(struct world *world)
{
    for (size_t i = 0; i < world->send_count; i++)
        sent_free(&world->sends[i]);
    world->send_count = 0;
}

/* --- answers ---------------------------------------------------------------------------------- */

static struct wire_message reply_to(const struct sent *sent, enum wire_status status)
{
    struct wire_message reply = {.type = WIRE_MESSAGE_REPLY};
    reply.sender.role = WIRE_ROLE_API;
    reply.sender.group = sent->to.group;
    reply.sender.replica = sent->to.replica;
    reply.sender.cluster = WORLD_CLUSTER;
    reply.reply.tag = sent->message.request.tag;
    reply.reply.status = (uint8_t)status;
    reply.reply.leader = WIRE_NO_REPLICA;
    return reply;
}

static void deliver(struct world *world, const struct sent *sent, struct wire_message *reply)
{
    client_core_receive(world->core, world->now, sent->to, reply, &world->out);
    wire_message_clear(reply);
    world_carry_out(world);
}

void world_reply(struct world *world, const struct sent *sent, enum wire_status status)
{
    struct wire_message reply = reply_to(sent, status);
    deliver(world, sent, &reply);
}

void world_hint(struct world *world, const struct sent *sent, wire_replica leader, uint64_t round)
{
    struct wire_message reply = reply_to(sent, WIRE_STATUS_NOT_LEADER);
    reply.reply.leader = leader;
    reply.reply.ballot = (struct wire_ballot){round, leader};
    deliver(world, sent, &reply);
}

void world_reply_bytes(struct world *world, const struct sent *sent, struct span bytes)
{
    struct wire_message reply = reply_to(sent, WIRE_STATUS_OK);
    reply.payload = buf_copy(bytes);
    deliver(world, sent, &reply);
}

void world_reply_value(struct world *world, const struct sent *sent, enum wire_kv_op op,
                       const char *value)
{
    struct wire_kv_answer answer = {.found = value != NULL};
    if (value != NULL)
        answer.value = span_text(value);
    struct wire_writer bytes = {0};
    wire_kv_answer_encode(op, &answer, &bytes);
    world_reply_bytes(world, sent, wire_writer_span(&bytes));
    wire_writer_free(&bytes);
}

void world_reply_session(struct world *world, const struct sent *sent, uint64_t session)
{
    struct wire_message reply = reply_to(sent, WIRE_STATUS_OK);
    reply.reply.session = session;
    deliver(world, sent, &reply);
}

void world_reply_map(struct world *world, const struct sent *sent, uint64_t cluster,
                     uint32_t partitions, uint8_t rf)
{
    struct wire_map map = {.cluster = cluster, .server_rf = rf, .server_count = partitions * rf};
    map.servers = wire_calloc(map.server_count, sizeof *map.servers);
    for (uint32_t i = 0; i < map.server_count; i++)
        snprintf(map.servers[i].address, sizeof map.servers[i].address, "s%u:1", (unsigned)i);
    struct wire_writer bytes = {0};
    wire_map_answer_encode(WIRE_MAP_OK, &map, &bytes);
    world_reply_bytes(world, sent, wire_writer_span(&bytes));
    wire_writer_free(&bytes);
    wire_map_free(&map);
}

void world_lose(struct world *world, struct client_endpoint endpoint)
{
    client_core_lost(world->core, world->now, endpoint, &world->out);
    world_carry_out(world);
}

void world_unsent(struct world *world, const struct sent *sent)
{
    client_core_unsent(world->core, world->now, sent->message.request.tag, &world->out);
    world_carry_out(world);
}

void world_give_map(struct world *world)
{
    struct sent sent = world_sent_kind(world, WIRE_CALL_READ, WIRE_GROUP_MANAGERS);
    world_reply_map(world, &sent, WORLD_CLUSTER, world->partitions, world->rf);
    sent_free(&sent);
}

void world_give_session(struct world *world, uint32_t group, uint64_t session)
{
    struct sent sent = world_sent_kind(world, WIRE_CALL_OPEN, group);
    world_reply_session(world, &sent, session);
    sent_free(&sent);
}

/* --- ends ------------------------------------------------------------------------------------- */

struct client_done world_done(struct world *world, uint64_t call, enum client_outcome outcome,
                              enum client_reason reason)
{
    ck_assert_uint_gt(world->done_count, 0);
    struct client_done done = world->dones[0];
    world->done_count--;
    memmove(world->dones, world->dones + 1, world->done_count * sizeof *world->dones);
    ck_assert_uint_eq(done.call, call);
    ck_assert_str_eq(client_outcome_text(done.outcome), client_outcome_text(outcome));
    ck_assert_str_eq(client_reason_text(done.reason), client_reason_text(reason));
    return done;
}

void world_expect_done(struct world *world, uint64_t call, enum client_outcome outcome,
                       enum client_reason reason)
{
    struct client_done done = world_done(world, call, outcome, reason);
    buf_unref(&done.result);
}

void world_expect_nothing(const struct world *world)
{
    ck_assert_uint_eq(world->send_count, 0);
    ck_assert_uint_eq(world->done_count, 0);
}
