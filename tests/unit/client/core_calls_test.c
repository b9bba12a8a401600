/* Calls, sessions and the window of the client core. */
#include "tests/unit/client/world.h"

#include <stdio.h>

START_TEST(test_core_puts_under_a_session_and_number)
{
    struct world *world = world_new(0, 1);
    uint64_t call = world_call(world, WIRE_KV_PUT, "k", "v");
    world_give_session(world, 0, 9);
    struct sent sent = world_sent_kind(world, WIRE_CALL_WRITE, 0);
    ck_assert_uint_eq(sent.message.request.session, 9);
    ck_assert_uint_eq(sent.message.request.number, 1);
    ck_assert_uint_eq(sent.message.request.lowest, 1);
    world_reply_value(world, &sent, WIRE_KV_PUT, NULL);
    sent_free(&sent);
    struct client_done done = world_done(world, call, CLIENT_OK, CLIENT_REASON_NONE);
    ck_assert(!done.found);
    buf_unref(&done.result);
    ck_assert_int_eq(client_core_deadline(world->core), WIRE_NEVER);
    world_free(world);
}
END_TEST

START_TEST(test_core_reads_without_a_session)
{
    struct world *world = world_new(0, 1);
    uint64_t call = world_call(world, WIRE_KV_GET, "k", NULL);
    struct sent sent = world_sent_kind(world, WIRE_CALL_READ, 0);
    ck_assert_uint_eq(sent.message.request.session, 0);
    world_reply_value(world, &sent, WIRE_KV_GET, "value");
    sent_free(&sent);
    struct client_done done = world_done(world, call, CLIENT_OK, CLIENT_REASON_NONE);
    ck_assert(done.found && span_equal(done.value, span_text("value")));
    buf_unref(&done.result);
    world_free(world);
}
END_TEST

START_TEST(test_core_sends_calls_on_one_key_one_after_the_other)
{
    struct world *world = world_new(0, 1);
    uint64_t first = world_call(world, WIRE_KV_SWAP, "k", "1");
    world_give_session(world, 0, 9);
    uint64_t second = world_call(world, WIRE_KV_GET, "k", NULL);
    uint64_t third = world_call(world, WIRE_KV_SWAP, "k", "2");
    uint64_t other = world_call(world, WIRE_KV_GET, "other", NULL);
    struct sent swap = world_sent_kind(world, WIRE_CALL_WRITE, 0);
    struct sent get = world_sent_kind(world, WIRE_CALL_READ, 0);
    world_reply_value(world, &get, WIRE_KV_GET, NULL);
    sent_free(&get);
    world_expect_done(world, other, CLIENT_OK, CLIENT_REASON_NONE);
    world_expect_nothing(world);
    world_reply_value(world, &swap, WIRE_KV_SWAP, NULL);
    sent_free(&swap);
    world_expect_done(world, first, CLIENT_OK, CLIENT_REASON_NONE);
    get = world_sent_kind(world, WIRE_CALL_READ, 0);
    world_expect_nothing(world);
    world_reply_value(world, &get, WIRE_KV_GET, "1");
    sent_free(&get);
    world_expect_done(world, second, CLIENT_OK, CLIENT_REASON_NONE);
    swap = world_sent_kind(world, WIRE_CALL_WRITE, 0);
    ck_assert_uint_eq(swap.message.request.number, 2);
    world_reply_value(world, &swap, WIRE_KV_SWAP, "1");
    sent_free(&swap);
    world_expect_done(world, third, CLIENT_OK, CLIENT_REASON_NONE);
    world_free(world);
}
END_TEST

START_TEST(test_core_keeps_within_the_window_of_a_session)
{
    struct world *world = world_new(0, 1);
    struct sent sents[WIRE_SESSION_WINDOW + 2];
    char key[16];
    for (int i = 0; i < WIRE_SESSION_WINDOW + 2; i++) {
        snprintf(key, sizeof key, "k%d", i);
        ck_assert_uint_eq(world_call(world, WIRE_KV_PUT, key, "v"), (uint64_t)i + 1);
    }
    world_give_session(world, 0, 9);
    for (int i = 0; i < WIRE_SESSION_WINDOW; i++)
        sents[i] = world_sent_kind(world, WIRE_CALL_WRITE, 0);
    world_expect_nothing(world);
    /* The second one's end does not move the window, the first one's moves it by two. */
    world_reply_value(world, &sents[1], WIRE_KV_PUT, NULL);
    world_expect_done(world, 2, CLIENT_OK, CLIENT_REASON_NONE);
    world_expect_nothing(world);
    world_reply_value(world, &sents[0], WIRE_KV_PUT, NULL);
    world_expect_done(world, 1, CLIENT_OK, CLIENT_REASON_NONE);
    for (int i = WIRE_SESSION_WINDOW; i < WIRE_SESSION_WINDOW + 2; i++) {
        sents[i] = world_sent_kind(world, WIRE_CALL_WRITE, 0);
        ck_assert_uint_eq(sents[i].message.request.number, (uint64_t)i + 1);
        ck_assert_uint_eq(sents[i].message.request.lowest, 3);
    }
    for (int i = WIRE_SESSION_WINDOW + 1; i >= 2; i--) {
        world_reply_value(world, &sents[i], WIRE_KV_PUT, NULL);
        world_expect_done(world, (uint64_t)i + 1, CLIENT_OK, CLIENT_REASON_NONE);
    }
    for (int i = 0; i < WIRE_SESSION_WINDOW + 2; i++)
        sent_free(&sents[i]);
    world_free(world);
}
END_TEST

START_TEST(test_core_refuses_calls_past_its_bound)
{
    struct world *world = world_new(1, 1);
    char key[16];
    for (int i = 0; i < CLIENT_CALLS_MAX; i++) {
        snprintf(key, sizeof key, "k%d", i);
        ck_assert_uint_ne(world_call(world, WIRE_KV_GET, key, NULL), 0);
    }
    ck_assert_uint_eq(world_call(world, WIRE_KV_GET, "another", NULL), 0);
    ck_assert_uint_eq(client_core_unfinished(world->core), CLIENT_CALLS_MAX);
    world_forget(world);
    world_free(world);
}
END_TEST

START_TEST(test_core_close_ends_calls_and_sessions)
{
    struct world *world = world_new(0, 1);
    uint64_t put = world_call(world, WIRE_KV_PUT, "k", "v");
    world_give_session(world, 0, 9);
    uint64_t blocked = world_call(world, WIRE_KV_PUT, "k", "w");
    uint64_t get = world_call(world, WIRE_KV_GET, "other", NULL);
    world_forget(world);
    client_core_close(world->core, world->now, &world->out);
    world_carry_out(world);
    ck_assert_uint_eq(world_call(world, WIRE_KV_GET, "late", NULL), 0);
    world_expect_done(world, get, CLIENT_FAILED, CLIENT_REASON_CLOSED);
    world_expect_done(world, blocked, CLIENT_FAILED, CLIENT_REASON_CLOSED);
    world_expect_done(world, put, CLIENT_UNKNOWN, CLIENT_REASON_CLOSED);
    struct sent sent = world_sent_kind(world, WIRE_CALL_CLOSE, 0);
    ck_assert_uint_eq(sent.message.request.session, 9);
    world_reply(world, &sent, WIRE_STATUS_OK);
    sent_free(&sent);
    ck_assert_int_eq(client_core_deadline(world->core), WIRE_NEVER);
    world_free(world);
}
END_TEST

START_TEST(test_core_gives_up_a_call_at_its_deadline)
{
    struct world *world = world_new(0, 3);
    uint64_t put = world_call_for(world, WIRE_KV_PUT, "k", "v", 2500 * WIRE_MS);
    world_give_session(world, 0, 9);
    uint64_t get = world_call_for(world, WIRE_KV_GET, "g", NULL, 100 * WIRE_MS);
    uint64_t blocked = world_call_for(world, WIRE_KV_PUT, "k", "w", 200 * WIRE_MS);
    world_pass(world, 300 * WIRE_MS);
    world_expect_done(world, get, CLIENT_FAILED, CLIENT_REASON_TIMEOUT);
    world_expect_done(world, blocked, CLIENT_FAILED, CLIENT_REASON_TIMEOUT);
    world_pass(world, 3 * WIRE_SECOND);
    world_expect_done(world, put, CLIENT_UNKNOWN, CLIENT_REASON_TIMEOUT);
    world_forget(world);
    ck_assert_int_eq(client_core_deadline(world->core), WIRE_NEVER);
    world_free(world);
}
END_TEST

START_TEST(test_core_gives_up_a_refused_write_as_not_applied)
{
    struct world *world = world_new(0, 1);
    uint64_t put = world_call_for(world, WIRE_KV_PUT, "k", "v", WIRE_SECOND);
    world_give_session(world, 0, 9);
    wire_time end = world->now + WIRE_SECOND;
    while (world->done_count == 0) {
        ck_assert_int_le(world->now, end);
        if (world->send_count > 0) {
            struct sent sent = world_sent_kind(world, WIRE_CALL_WRITE, 0);
            world_reply(world, &sent, WIRE_STATUS_FULL);
            sent_free(&sent);
            ck_assert_int_eq(client_core_health(world->core).trouble, CLIENT_TROUBLE_FULL);
        }
        wire_time deadline = client_core_deadline(world->core);
        world_pass(world, deadline > world->now ? deadline - world->now : 0);
    }
    world_expect_done(world, put, CLIENT_FAILED, CLIENT_REASON_NO_ROOM);
    world_forget(world);
    world_free(world);
}
END_TEST

START_TEST(test_core_does_not_reuse_the_number_of_a_call_given_up)
{
    struct world *world = world_new(0, 1);
    uint64_t first = world_call_for(world, WIRE_KV_PUT, "k", "v", 100 * WIRE_MS);
    world_give_session(world, 0, 9);
    struct sent early = world_sent_kind(world, WIRE_CALL_WRITE, 0);
    world_pass(world, 200 * WIRE_MS);
    world_expect_done(world, first, CLIENT_UNKNOWN, CLIENT_REASON_TIMEOUT);
    uint64_t second = world_call(world, WIRE_KV_PUT, "k", "w");
    struct sent sent = world_sent_kind(world, WIRE_CALL_WRITE, 0);
    ck_assert_uint_eq(sent.message.request.number, 2);
    ck_assert_uint_eq(sent.message.request.lowest, 2);
    /* The answer to the one given up is nobody's. */
    world_reply_value(world, &early, WIRE_KV_PUT, NULL);
    world_expect_nothing(world);
    ck_assert_uint_eq(client_core_counters(world->core)->duplicates, 1);
    world_reply_value(world, &sent, WIRE_KV_PUT, NULL);
    world_expect_done(world, second, CLIENT_OK, CLIENT_REASON_NONE);
    sent_free(&early);
    sent_free(&sent);
    world_free(world);
}
END_TEST

START_TEST(test_core_reports_an_answer_that_makes_no_sense)
{
    struct world *world = world_new(0, 1);
    uint64_t put = world_call(world, WIRE_KV_PUT, "k", "v");
    world_give_session(world, 0, 9);
    struct sent sent = world_sent_kind(world, WIRE_CALL_WRITE, 0);
    world_reply_bytes(world, &sent, span_text("rubbish"));
    sent_free(&sent);
    world_expect_done(world, put, CLIENT_UNKNOWN, CLIENT_REASON_BAD_ANSWER);
    uint64_t get = world_call(world, WIRE_KV_GET, "k", NULL);
    sent = world_sent_kind(world, WIRE_CALL_READ, 0);
    world_reply(world, &sent, WIRE_STATUS_OK); /* no payload at all */
    sent_free(&sent);
    world_expect_done(world, get, CLIENT_FAILED, CLIENT_REASON_BAD_ANSWER);
    uint64_t again = world_call(world, WIRE_KV_PUT, "k", "v");
    sent = world_sent_kind(world, WIRE_CALL_WRITE, 0);
    world_reply(world, &sent, WIRE_STATUS_MALFORMED);
    sent_free(&sent);
    world_expect_done(world, again, CLIENT_FAILED, CLIENT_REASON_REFUSED);
    world_free(world);
}
END_TEST

TCase *core_calls_case(void)
{
    TCase *tcase = tcase_create("core_calls");
    tcase_add_test(tcase, test_core_puts_under_a_session_and_number);
    tcase_add_test(tcase, test_core_reads_without_a_session);
    tcase_add_test(tcase, test_core_sends_calls_on_one_key_one_after_the_other);
    tcase_add_test(tcase, test_core_keeps_within_the_window_of_a_session);
    tcase_add_test(tcase, test_core_refuses_calls_past_its_bound);
    tcase_add_test(tcase, test_core_close_ends_calls_and_sessions);
    tcase_add_test(tcase, test_core_gives_up_a_call_at_its_deadline);
    tcase_add_test(tcase, test_core_gives_up_a_refused_write_as_not_applied);
    tcase_add_test(tcase, test_core_does_not_reuse_the_number_of_a_call_given_up);
    tcase_add_test(tcase, test_core_reports_an_answer_that_makes_no_sense);
    return tcase;
}
