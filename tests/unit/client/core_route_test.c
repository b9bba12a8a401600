/* The cluster map in the client core. */
#include "tests/unit/client/world.h"

#include <stdio.h>

#include "wire/hash.h"

/* A key that partition p of n owns. */
static const char *key_of(uint32_t partition, uint32_t partitions)
{
    static char key[16];
    for (int i = 0;; i++) {
        snprintf(key, sizeof key, "key%d", i);
        if (wire_map_partition(wire_hash_slot(span_text(key)), partitions) == partition)
            return key;
    }
}

START_TEST(test_core_asks_for_the_map_once_and_routes_by_it)
{
    struct world *world = world_new(3, 3);
    ck_assert_ptr_null(client_core_map(world->core));
    for (uint32_t p = 0; p < 3; p++)
        world_call(world, WIRE_KV_GET, key_of(p, 3), NULL);
    ck_assert_uint_eq(world->send_count, 1);
    ck_assert_uint_eq(world->sends[0].message.sender.cluster, 0);
    world_give_map(world);
    for (uint32_t p = 0; p < 3; p++) {
        struct sent sent = world_sent_kind(world, WIRE_CALL_READ, p);
        ck_assert_uint_eq(sent.message.sender.cluster, WORLD_CLUSTER);
        char address[16];
        snprintf(address, sizeof address, "s%u:1", (unsigned)(p * 3 + sent.to.replica));
        ck_assert_str_eq(client_core_address(world->core, sent.to), address);
        sent_free(&sent);
    }
    ck_assert_uint_eq(client_core_map(world->core)->server_count, 9);
    ck_assert_str_eq(
        client_core_address(world->core, (struct client_endpoint){WIRE_GROUP_MANAGERS, 1}), "b:1");
    ck_assert_ptr_null(client_core_address(world->core, (struct client_endpoint){0, 3}));
    ck_assert_ptr_null(client_core_address(world->core, (struct client_endpoint){3, 0}));
    world_free(world);
}
END_TEST

START_TEST(test_core_waits_until_the_cluster_is_founded)
{
    struct world *world = world_new(1, 1);
    world_call(world, WIRE_KV_GET, "k", NULL);
    struct wire_writer bytes = {0};
    wire_map_answer_encode(WIRE_MAP_NOT_FOUNDED, NULL, &bytes);
    wire_time start = world->now;
    for (int i = 0; i < 10; i++) {
        struct sent sent = world_sent_kind(world, WIRE_CALL_READ, WIRE_GROUP_MANAGERS);
        world_reply_bytes(world, &sent, wire_writer_span(&bytes));
        sent_free(&sent);
        world_expect_nothing(world);
        ck_assert_int_eq(client_core_health(world->core).trouble, CLIENT_TROUBLE_NOT_FOUNDED);
        world_until_send(world);
    }
    ck_assert_int_gt(world->now - start, 2 * CLIENT_BACKOFF_MAX);
    wire_writer_free(&bytes);
    world_give_map(world);
    struct sent sent = world_sent_kind(world, WIRE_CALL_READ, 0);
    sent_free(&sent);
    world_free(world);
}
END_TEST

START_TEST(test_core_survives_a_map_that_makes_no_sense)
{
    struct world *world = world_new(1, 3);
    world_call(world, WIRE_KV_GET, "k", NULL);
    struct sent sent = world_sent_kind(world, WIRE_CALL_READ, WIRE_GROUP_MANAGERS);
    wire_replica first = sent.to.replica;
    world_reply_bytes(world, &sent, span_text("rubbish"));
    sent_free(&sent);
    world_until_send(world);
    sent = world_sent_kind(world, WIRE_CALL_READ, WIRE_GROUP_MANAGERS);
    ck_assert_uint_ne(sent.to.replica, first);
    world_reply(world, &sent, WIRE_STATUS_MALFORMED); /* a server's address among the managers' */
    sent_free(&sent);
    ck_assert_int_eq(client_core_health(world->core).trouble, CLIENT_TROUBLE_STRANGE);
    world_until_send(world);
    world_give_map(world);
    world_forget(world);
    world_free(world);
}
END_TEST

/* A world with a session at the group of "k", in which one put has been sent to it. */
static struct world *world_with_put(uint64_t *call, struct sent *sent)
{
    struct world *world = world_new(2, 1);
    *call = world_call(world, WIRE_KV_PUT, key_of(1, 2), "v");
    world_give_map(world);
    world_give_session(world, 1, 9);
    *sent = world_sent_kind(world, WIRE_CALL_WRITE, 1);
    return world;
}

START_TEST(test_core_refreshes_the_map_when_told_it_is_wrong)
{
    uint64_t call;
    struct sent sent;
    struct world *world = world_with_put(&call, &sent);
    world_reply(world, &sent, WIRE_STATUS_WRONG_GROUP);
    sent_free(&sent);
    world_expect_nothing(world); /* with a pause */
    ck_assert_int_eq(client_core_health(world->core).trouble, CLIENT_TROUBLE_WRONG_GROUP);
    world_until_send(world);
    world_give_map(world);
    sent = world_sent_kind(world, WIRE_CALL_WRITE, 1);
    ck_assert_uint_eq(sent.message.request.session, 9);
    ck_assert_uint_eq(sent.message.request.number, 2); /* the answer to 1 is kept over there */
    world_reply_value(world, &sent, WIRE_KV_PUT, NULL);
    sent_free(&sent);
    world_expect_done(world, call, CLIENT_OK, CLIENT_REASON_NONE);
    ck_assert_uint_eq(client_core_counters(world->core)->maps, 2);
    ck_assert_int_eq(client_core_health(world->core).trouble, CLIENT_TROUBLE_NONE);
    world_free(world);
}
END_TEST

START_TEST(test_core_keeps_the_number_of_a_doubtful_write_of_a_wrong_group)
{
    uint64_t call;
    struct sent sent;
    struct world *world = world_with_put(&call, &sent);
    world_reply(world, &sent, WIRE_STATUS_IN_DOUBT);
    sent_free(&sent);
    world_until_send(world);
    sent = world_sent_kind(world, WIRE_CALL_WRITE, 1);
    world_reply(world, &sent, WIRE_STATUS_WRONG_GROUP);
    sent_free(&sent);
    world_until_send(world);
    world_give_map(world);
    sent = world_sent_kind(world, WIRE_CALL_WRITE, 1);
    ck_assert_uint_eq(sent.message.request.number, 1);
    world_reply_value(world, &sent, WIRE_KV_PUT, NULL);
    sent_free(&sent);
    world_expect_done(world, call, CLIENT_OK, CLIENT_REASON_NONE);
    world_free(world);
}
END_TEST

START_TEST(test_core_moves_to_a_map_of_another_shape)
{
    uint64_t doubtful, wrong;
    struct sent first;
    struct world *world = world_with_put(&doubtful, &first);
    wrong = world_call(world, WIRE_KV_GET, key_of(0, 2), NULL);
    struct sent sent = world_sent_kind(world, WIRE_CALL_READ, 0);
    world_reply(world, &sent, WIRE_STATUS_WRONG_GROUP);
    sent_free(&sent);
    uint64_t scan = world_call(world, WIRE_KV_SCAN, "a", "z");
    world_forget(world);
    world_until_send(world);
    sent = world_sent_kind(world, WIRE_CALL_READ, WIRE_GROUP_MANAGERS);
    world_reply_map(world, &sent, WORLD_CLUSTER, 1, 1);
    sent_free(&sent);
    world_expect_done(world, doubtful, CLIENT_UNKNOWN, CLIENT_REASON_MOVED);
    for (int i = 0; i < 2; i++) {
        sent = world_sent_kind(world, WIRE_CALL_READ, 0);
        struct wire_kv_call call;
        ck_assert_int_eq(wire_kv_call_decode(buf_span(sent.message.payload), &call), WIRE_OK);
        if (call.op == WIRE_KV_GET) {
            world_reply_value(world, &sent, WIRE_KV_GET, NULL);
            world_expect_done(world, wrong, CLIENT_OK, CLIENT_REASON_NONE);
        } else {
            struct wire_writer page = {0};
            wire_kv_page_begin(&page, false, 0);
            world_reply_bytes(world, &sent, wire_writer_span(&page));
            wire_writer_free(&page);
            world_expect_done(world, scan, CLIENT_OK, CLIENT_REASON_NONE);
        }
        sent_free(&sent);
    }
    world_reply_value(world, &first, WIRE_KV_PUT, NULL);
    sent_free(&first);
    world_free(world);
}
END_TEST

START_TEST(test_core_with_fixed_servers_fails_on_a_wrong_group)
{
    struct world *world = world_new(0, 1);
    uint64_t call = world_call(world, WIRE_KV_GET, "k", NULL);
    struct sent sent = world_sent_kind(world, WIRE_CALL_READ, 0);
    world_reply(world, &sent, WIRE_STATUS_WRONG_GROUP);
    sent_free(&sent);
    world_expect_done(world, call, CLIENT_FAILED, CLIENT_REASON_WRONG_GROUP);
    world_free(world);
}
END_TEST

TCase *core_route_case(void)
{
    TCase *tcase = tcase_create("core_route");
    tcase_add_test(tcase, test_core_asks_for_the_map_once_and_routes_by_it);
    tcase_add_test(tcase, test_core_waits_until_the_cluster_is_founded);
    tcase_add_test(tcase, test_core_survives_a_map_that_makes_no_sense);
    tcase_add_test(tcase, test_core_refreshes_the_map_when_told_it_is_wrong);
    tcase_add_test(tcase, test_core_keeps_the_number_of_a_doubtful_write_of_a_wrong_group);
    tcase_add_test(tcase, test_core_moves_to_a_map_of_another_shape);
    tcase_add_test(tcase, test_core_with_fixed_servers_fails_on_a_wrong_group);
    return tcase;
}
