/* The client core against a service that answers at random, and against one that is merely bad:
 * every call ends exactly once, nothing crashes, and what is said of writes is true. */
#include "tests/unit/client/world.h"

#include <stdio.h>
#include <stdlib.h>

#include "tests/unit/support/random.h"

enum { STEPS = 1500 };

static void submit_something(struct world *world, struct wire_random *random)
{
    char key[8];
    snprintf(key, sizeof key, "k%u", (unsigned)wire_random_below(random, 30));
    enum wire_kv_op op = (enum wire_kv_op)wire_random_below(random, WIRE_KV_OPS);
    wire_time timeout =
        wire_random_below(random, 3) == 0 ? (wire_time)wire_random_below(random, 5000000) : 0;
    world_call_for(world, op, key, op == WIRE_KV_SCAN ? "k9" : "v", timeout);
}

static struct wire_message random_reply(struct wire_random *random, const struct sent *sent)
{
    struct wire_message reply = {.type = WIRE_MESSAGE_REPLY};
    reply.sender.group =
        wire_random_below(random, 50) == 0 ? (uint32_t)wire_random_next(random) : sent->to.group;
    reply.sender.cluster = wire_random_below(random, 50) == 0 ? 5 : WORLD_CLUSTER;
    reply.reply.tag = sent->message.request.tag;
    if (wire_random_below(random, 20) == 0)
        reply.reply.tag ^= UINT64_C(1) << wire_random_below(random, 64);
    reply.reply.status = (uint8_t)wire_random_below(random, WIRE_STATUS_COUNT + 1);
    if (wire_random_below(random, 2) == 0)
        reply.reply.status = WIRE_STATUS_OK;
    reply.reply.leader = (wire_replica)wire_random_below(random, 5);
    reply.reply.ballot.round = wire_random_below(random, 100);
    reply.reply.session = wire_random_below(random, 5);
    return reply;
}

/* A payload that may fit the request. */
static struct buf *random_payload(struct wire_random *random, const struct sent *sent)
{
    struct wire_writer bytes = {0};
    uint8_t text[20];
    struct wire_kv_answer answer = {.found = wire_random_below(random, 2) == 0,
                                    .value = span_text("v")};
    uint32_t shape = (uint32_t)wire_random_below(random, 8);
    if (shape == 0) {
        wire_write_raw(&bytes, random_text(random, text, wire_random_below(random, sizeof text)));
    } else if (sent->to.group == WIRE_GROUP_MANAGERS) {
        uint32_t partitions = shape < 3 ? 1 : 2;
        struct wire_map map = {.cluster = WORLD_CLUSTER, .server_rf = 3};
        map.server_count = partitions * map.server_rf;
        map.servers = wire_calloc(map.server_count, sizeof *map.servers);
        for (uint32_t i = 0; i < map.server_count; i++)
            strcpy(map.servers[i].address, "h:1");
        wire_map_answer_encode(WIRE_MAP_OK, &map, &bytes);
        wire_map_free(&map);
    } else if (shape < 5) {
        wire_kv_answer_encode(shape < 3 ? WIRE_KV_PUT : WIRE_KV_GET, &answer, &bytes);
    } else {
        wire_kv_page_begin(&bytes, shape == 5, shape == 6 ? 0 : 1);
        if (shape != 6)
            wire_kv_page_add(&bytes, span_text("k5"), span_text("v"));
    }
    struct buf *payload = wire_writer_take(&bytes);
    wire_writer_free(&bytes);
    return payload;
}

/* Something happens to one of the sends; it stays in the list for a while, to be answered again. */
static void happen(struct world *world, struct wire_random *random)
{
    if (world->send_count == 0)
        return;
    size_t index = wire_random_below(random, world->send_count);
    struct sent *sent = &world->sends[index];
    struct wire_message kept = sent->message;
    struct sent copy = {sent->to, kept};
    copy.message.payload = buf_ref(kept.payload);
    uint64_t what = wire_random_below(random, 20);
    if (what == 0) {
        world_lose(world, copy.to);
    } else if (what == 1) {
        world_unsent(world, &copy);
    } else {
        struct wire_message reply = random_reply(random, &copy);
        reply.payload = random_payload(random, &copy);
        client_core_receive(world->core, world->now, copy.to, &reply, &world->out);
        wire_message_clear(&reply);
        world_carry_out(world);
    }
    sent_free(&copy);
    while (world->send_count > 40) {
        struct sent old = world_sent(world);
        sent_free(&old);
    }
}

static size_t count_ends(struct world *world)
{
    size_t count = world->done_count;
    for (size_t i = 0; i < count; i++) {
        const struct client_done *done = &world->dones[i];
        ck_assert_int_eq(done->outcome == CLIENT_OK, done->reason == CLIENT_REASON_NONE);
        ck_assert_int_eq(done->outcome == CLIENT_OK, done->result != NULL);
        ck_assert(done->outcome != CLIENT_UNKNOWN || !wire_kv_is_read(done->op));
        buf_unref(&world->dones[i].result);
    }
    world->done_count = 0;
    return count;
}

START_TEST(test_core_survives_any_answers)
{
    struct wire_random random = {(uint64_t)_i};
    struct world *world = world_new(_i % 4 == 0 ? 0 : 2, 3);
    size_t ends = 0;
    for (int step = 0; step < STEPS; step++) {
        if (wire_random_below(&random, 4) == 0)
            submit_something(world, &random);
        happen(world, &random);
        if (wire_random_below(&random, 10) == 0)
            world_pass(world, (wire_time)wire_random_below(&random, 400000));
        ends += count_ends(world);
    }
    client_core_close(world->core, world->now, &world->out);
    world_carry_out(world);
    ends += count_ends(world);
    ck_assert_uint_eq(ends, client_core_counters(world->core)->calls);
    ck_assert_uint_eq(client_core_unfinished(world->core), 0);
    world_forget(world);
    world_free(world);
}
END_TEST

TCase *core_random_case(void)
{
    TCase *tcase = tcase_create("core_random");
    tcase_set_timeout(tcase, 120);
    tcase_add_loop_test(tcase, test_core_survives_any_answers, 1, 40);
    return tcase;
}
