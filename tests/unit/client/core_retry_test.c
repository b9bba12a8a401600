/* Retries of the client core: leaders, redirects, back-off, doubt. */
#include "tests/unit/client/world.h"

/* A world with a session in which one put has been sent. */
static struct world *world_with_put(uint8_t rf, uint64_t *call, struct sent *sent)
{
    struct world *world = world_new(0, rf);
    *call = world_call(world, WIRE_KV_PUT, "k", "v");
    world_give_session(world, 0, 9);
    *sent = world_sent_kind(world, WIRE_CALL_WRITE, 0);
    return world;
}

/* Gives up the old send and waits for the next one of the same call. */
static void next_send(struct world *world, struct sent *sent, enum wire_call_kind kind)
{
    sent_free(sent);
    world_until_send(world);
    *sent = world_sent_kind(world, kind, 0);
}

static wire_replica other_than(wire_replica replica, uint8_t rf, unsigned step)
{
    return (wire_replica)((replica + step) % rf);
}

START_TEST(test_core_follows_a_hint_with_a_newer_ballot_at_once)
{
    struct world *world = world_new(0, 5);
    uint64_t call = world_call(world, WIRE_KV_GET, "k", NULL);
    struct sent sent = world_sent_kind(world, WIRE_CALL_READ, 0);
    wire_replica leader = other_than(sent.to.replica, 5, 3);
    world_hint(world, &sent, leader, 7);
    sent_free(&sent);
    sent = world_sent_kind(world, WIRE_CALL_READ, 0); /* no time has passed */
    ck_assert_uint_eq(sent.to.replica, leader);
    world_reply_value(world, &sent, WIRE_KV_GET, NULL);
    sent_free(&sent);
    world_expect_done(world, call, CLIENT_OK, CLIENT_REASON_NONE);
    /* The next call goes there straight. */
    world_call(world, WIRE_KV_GET, "k", NULL);
    sent = world_sent_kind(world, WIRE_CALL_READ, 0);
    ck_assert_uint_eq(sent.to.replica, leader);
    sent_free(&sent);
    world_free(world);
}
END_TEST

START_TEST(test_core_waits_and_goes_round_when_the_hint_is_old)
{
    struct world *world = world_new(0, 5);
    world_call(world, WIRE_KV_GET, "k", NULL);
    struct sent sent = world_sent_kind(world, WIRE_CALL_READ, 0);
    wire_replica first = sent.to.replica;
    world_hint(world, &sent, other_than(first, 5, 2), 7);
    sent_free(&sent);
    sent = world_sent_kind(world, WIRE_CALL_READ, 0);
    world_hint(world, &sent, other_than(first, 5, 3), 6);
    world_expect_nothing(world);
    ck_assert_int_gt(client_core_deadline(world->core), world->now);
    next_send(world, &sent, WIRE_CALL_READ);
    ck_assert_uint_eq(sent.to.replica, other_than(first, 5, 1));
    ck_assert_uint_eq(client_core_counters(world->core)->hints_ignored, 1);
    sent_free(&sent);
    world_free(world);
}
END_TEST

START_TEST(test_core_does_not_follow_a_replica_that_names_itself)
{
    struct world *world = world_new(0, 3);
    world_call(world, WIRE_KV_GET, "k", NULL);
    struct sent sent = world_sent_kind(world, WIRE_CALL_READ, 0);
    wire_replica first = sent.to.replica;
    world_hint(world, &sent, first, 7);
    world_expect_nothing(world);
    next_send(world, &sent, WIRE_CALL_READ);
    ck_assert_uint_eq(sent.to.replica, other_than(first, 3, 1));
    sent_free(&sent);
    world_free(world);
}
END_TEST

START_TEST(test_core_asks_a_leader_that_was_not_ready_again_soon)
{
    struct world *world = world_new(0, 5);
    world_call(world, WIRE_KV_GET, "k", NULL);
    struct sent sent = world_sent_kind(world, WIRE_CALL_READ, 0);
    wire_replica leader = other_than(sent.to.replica, 5, 2);
    world_hint(world, &sent, leader, 7);
    sent_free(&sent);
    sent = world_sent_kind(world, WIRE_CALL_READ, 0);
    ck_assert_uint_eq(sent.to.replica, leader);
    wire_time start = world->now;
    world_hint(world, &sent, leader, 7);
    next_send(world, &sent, WIRE_CALL_READ);
    ck_assert_uint_ne(sent.to.replica, leader);
    world_hint(world, &sent, leader, 7);
    world_expect_nothing(world); /* no news: not without a pause */
    next_send(world, &sent, WIRE_CALL_READ);
    ck_assert_uint_eq(sent.to.replica, leader);
    ck_assert_int_lt(world->now - start, 4 * CLIENT_BACKOFF_MIN);
    sent_free(&sent);
    world_free(world);
}
END_TEST

START_TEST(test_core_gives_every_replica_its_turn_while_all_name_a_dead_one)
{
    struct world *world = world_new(0, 5);
    unsigned visits[5] = {0};
    world_call(world, WIRE_KV_GET, "k", NULL);
    wire_replica dead = other_than(world->sends[0].to.replica, 5, 2);
    for (int i = 0; i < 20; i++) {
        if (world->send_count == 0)
            world_until_send(world);
        struct sent sent = world_sent_kind(world, WIRE_CALL_READ, 0);
        visits[sent.to.replica]++;
        if (sent.to.replica == dead)
            world_unsent(world, &sent);
        else
            world_hint(world, &sent, dead, 7);
        sent_free(&sent);
    }
    for (int i = 0; i < 5; i++)
        ck_assert_uint_ge(visits[i], 2);
    world_forget(world);
    world_free(world);
}
END_TEST

/* Sends within a second when each replica answers at once that the next one leads; ballots rise by
 * `step` an answer. */
static int sends_of_a_loop(uint64_t step)
{
    struct world *world = world_new(0, 2);
    world_call(world, WIRE_KV_GET, "k", NULL);
    wire_time end = world->now + WIRE_SECOND;
    uint64_t round = 5;
    int sends = 0;
    while (world->now < end) {
        if (world->send_count == 0)
            world_until_send(world);
        struct sent sent = world_sent_kind(world, WIRE_CALL_READ, 0);
        world_hint(world, &sent, other_than(sent.to.replica, 2, 1), round);
        round += step;
        sent_free(&sent);
        sends++;
        ck_assert_int_lt(sends, 1000);
    }
    ck_assert_int_eq(client_core_health(world->core).trouble, CLIENT_TROUBLE_NO_LEADER);
    world_forget(world);
    world_free(world);
    return sends;
}

START_TEST(test_core_does_not_loop_between_two_that_name_each_other)
{
    ck_assert_int_lt(sends_of_a_loop(0), 25);
    ck_assert_int_lt(sends_of_a_loop(1), 25 * (CLIENT_HOPS_MAX + 1));
}
END_TEST

START_TEST(test_core_keeps_the_number_over_all_sends)
{
    uint64_t call;
    struct sent sent;
    struct world *world = world_with_put(3, &call, &sent);
    static const enum wire_status refusals[] = {WIRE_STATUS_NOT_LEADER, WIRE_STATUS_BUSY,
                                                WIRE_STATUS_FULL, WIRE_STATUS_IN_DOUBT};
    uint64_t tag = sent.message.request.tag;
    for (int i = 0; i < 4; i++) {
        world_reply(world, &sent, refusals[i]);
        next_send(world, &sent, WIRE_CALL_WRITE);
        ck_assert_uint_eq(sent.message.request.session, 9);
        ck_assert_uint_eq(sent.message.request.number, 1);
        ck_assert_uint_ne(sent.message.request.tag, tag);
        tag = sent.message.request.tag;
    }
    world_lose(world, sent.to);
    next_send(world, &sent, WIRE_CALL_WRITE);
    next_send(world, &sent, WIRE_CALL_WRITE); /* a time-out */
    ck_assert_uint_eq(sent.message.request.number, 1);
    world_reply_value(world, &sent, WIRE_KV_PUT, NULL);
    sent_free(&sent);
    world_expect_done(world, call, CLIENT_OK, CLIENT_REASON_NONE);
    const struct client_counters *counters = client_core_counters(world->core);
    ck_assert_uint_eq(counters->retries, 6);
    ck_assert_uint_eq(counters->timeouts, 1);
    ck_assert_uint_eq(counters->lost, 1);
    ck_assert_int_eq(client_core_health(world->core).trouble, CLIENT_TROUBLE_NONE);
    world_free(world);
}
END_TEST

START_TEST(test_core_stays_with_a_busy_replica)
{
    struct world *world = world_new(0, 3);
    world_call(world, WIRE_KV_GET, "k", NULL);
    struct sent sent = world_sent_kind(world, WIRE_CALL_READ, 0);
    wire_replica first = sent.to.replica;
    wire_time longest = 0;
    for (int i = 0; i < 20; i++) {
        wire_time before = world->now;
        world_reply(world, &sent, WIRE_STATUS_BUSY);
        next_send(world, &sent, WIRE_CALL_READ);
        ck_assert_uint_eq(sent.to.replica, first);
        ck_assert_int_ge(world->now - before, CLIENT_BACKOFF_MIN / 2);
        if (world->now - before > longest)
            longest = world->now - before;
    }
    ck_assert_int_gt(longest, CLIENT_BACKOFF_MAX / 2);
    ck_assert_int_le(longest, CLIENT_BACKOFF_MAX);
    sent_free(&sent);
    world_free(world);
}
END_TEST

START_TEST(test_core_goes_on_under_a_new_session_if_every_send_was_refused)
{
    uint64_t call;
    struct sent sent;
    struct world *world = world_with_put(3, &call, &sent);
    uint64_t second = world_call(world, WIRE_KV_PUT, "other", "v");
    struct sent other = world_sent_kind(world, WIRE_CALL_WRITE, 0);
    world_reply(world, &sent, WIRE_STATUS_NOT_LEADER);
    next_send(world, &sent, WIRE_CALL_WRITE);
    world_unsent(world, &sent);
    world_reply(world, &other, WIRE_STATUS_NOT_LEADER);
    next_send(world, &sent, WIRE_CALL_WRITE);
    sent_free(&other);
    other = world_sent_kind(world, WIRE_CALL_WRITE, 0);
    world_reply(world, &other,
                WIRE_STATUS_BUSY); /* is about to be sent again when the news comes */
    sent_free(&other);
    world_expect_nothing(world);
    world_reply(world, &sent, WIRE_STATUS_GONE);
    sent_free(&sent);
    world_until_send(world);
    world_give_session(world, 0, 10);
    for (uint64_t number = 1; number <= 2; number++) {
        sent = world_sent_kind(world, WIRE_CALL_WRITE, 0);
        ck_assert_uint_eq(sent.message.request.session, 10);
        ck_assert_uint_eq(sent.message.request.number, number);
        world_reply_value(world, &sent, WIRE_KV_PUT, NULL);
        sent_free(&sent);
    }
    world_expect_done(world, call, CLIENT_OK, CLIENT_REASON_NONE);
    world_expect_done(world, second, CLIENT_OK, CLIENT_REASON_NONE);
    world_free(world);
}
END_TEST

/* What puts a send in doubt. */
enum doubt { DOUBT_TIMEOUT, DOUBT_LOST, DOUBT_IN_DOUBT, DOUBTS };

START_TEST(test_core_does_not_know_what_became_of_a_doubtful_write_of_a_gone_session)
{
    uint64_t call;
    struct sent sent;
    struct world *world = world_with_put(3, &call, &sent);
    if (_i == DOUBT_LOST)
        world_lose(world, sent.to);
    else if (_i == DOUBT_IN_DOUBT)
        world_reply(world, &sent, WIRE_STATUS_IN_DOUBT);
    next_send(world, &sent, WIRE_CALL_WRITE);
    /* A later refusal takes nothing back. */
    world_reply(world, &sent, WIRE_STATUS_NOT_LEADER);
    next_send(world, &sent, WIRE_CALL_WRITE);
    world_reply(world, &sent, WIRE_STATUS_GONE);
    sent_free(&sent);
    world_expect_done(world, call, CLIENT_UNKNOWN, CLIENT_REASON_SESSION_GONE);
    world_free(world);
}
END_TEST

START_TEST(test_core_takes_a_late_refusal_for_nothing)
{
    uint64_t call;
    struct sent early;
    struct world *world = world_with_put(3, &call, &early);
    world_until_send(world); /* timed out */
    struct sent sent = world_sent_kind(world, WIRE_CALL_WRITE, 0);
    world_reply(world, &early, WIRE_STATUS_NOT_LEADER);
    world_expect_nothing(world);
    world_reply(world, &sent, WIRE_STATUS_GONE);
    world_expect_done(world, call, CLIENT_UNKNOWN, CLIENT_REASON_SESSION_GONE);
    sent_free(&early);
    sent_free(&sent);
    world_free(world);
}
END_TEST

START_TEST(test_core_takes_a_stale_write_for_unknown)
{
    uint64_t call;
    struct sent sent;
    struct world *world = world_with_put(3, &call, &sent);
    world_reply(world, &sent, WIRE_STATUS_STALE);
    sent_free(&sent);
    world_expect_done(world, call, CLIENT_UNKNOWN, CLIENT_REASON_STALE);
    world_free(world);
}
END_TEST

START_TEST(test_core_accepts_the_answer_to_an_earlier_send_once)
{
    uint64_t call;
    struct sent early;
    struct world *world = world_with_put(3, &call, &early);
    world_until_send(world); /* timed out */
    struct sent sent = world_sent_kind(world, WIRE_CALL_WRITE, 0);
    ck_assert_uint_ne(sent.to.replica, early.to.replica);
    world_reply_value(world, &early, WIRE_KV_PUT, "old");
    world_expect_done(world, call, CLIENT_OK, CLIENT_REASON_NONE);
    world_reply_value(world, &sent, WIRE_KV_PUT, "old");
    world_reply_value(world, &early, WIRE_KV_PUT, "old");
    world_expect_nothing(world);
    ck_assert_uint_eq(client_core_counters(world->core)->late, 1);
    ck_assert_uint_eq(client_core_counters(world->core)->duplicates, 2);
    sent_free(&early);
    sent_free(&sent);
    world_free(world);
}
END_TEST

START_TEST(test_core_drops_answers_of_strangers)
{
    struct world *world = world_new(1, 1);
    uint64_t call = world_call(world, WIRE_KV_GET, "k", NULL);
    world_give_map(world);
    struct sent sent = world_sent_kind(world, WIRE_CALL_READ, 0);
    struct wire_message reply = {.type = WIRE_MESSAGE_REPLY};
    reply.sender.cluster = WORLD_CLUSTER + 1;
    reply.reply.tag = sent.message.request.tag;
    reply.reply.status = WIRE_STATUS_MALFORMED;
    client_core_receive(world->core, world->now, sent.to, &reply, &world->out);
    reply.sender.cluster = WORLD_CLUSTER;
    reply.sender.group = 3;
    client_core_receive(world->core, world->now, sent.to, &reply, &world->out);
    client_core_receive(world->core, world->now, (struct client_endpoint){3, 0}, &reply,
                        &world->out);
    reply.type = WIRE_MESSAGE_STATUS;
    client_core_receive(world->core, world->now, sent.to, &reply, &world->out);
    ck_assert_uint_eq(world->out.count, 0);
    ck_assert_uint_eq(client_core_counters(world->core)->strangers, 4);
    world_reply_value(world, &sent, WIRE_KV_GET, NULL);
    world_expect_done(world, call, CLIENT_OK, CLIENT_REASON_NONE);
    sent_free(&sent);
    world_free(world);
}
END_TEST

START_TEST(test_core_moves_all_calls_away_from_a_lost_replica_with_one_pause)
{
    struct world *world = world_new(0, 3);
    world_call(world, WIRE_KV_GET, "a", NULL);
    world_call(world, WIRE_KV_GET, "b", NULL);
    world_call(world, WIRE_KV_GET, "c", NULL);
    wire_replica first = world->sends[0].to.replica;
    world_forget(world);
    world_lose(world, (struct client_endpoint){0, first});
    ck_assert_int_le(client_core_deadline(world->core) - world->now, CLIENT_BACKOFF_MIN);
    world_until_send(world);
    for (int i = 0; i < 3; i++) {
        struct sent sent = world_sent_kind(world, WIRE_CALL_READ, 0);
        ck_assert_uint_eq(sent.to.replica, other_than(first, 3, 1));
        sent_free(&sent);
    }
    struct client_health health = client_core_health(world->core);
    ck_assert_int_eq(health.trouble, CLIENT_TROUBLE_UNREACHABLE);
    ck_assert_uint_eq(health.group, 0);
    world_free(world);
}
END_TEST

TCase *core_retry_case(void)
{
    TCase *tcase = tcase_create("core_retry");
    tcase_add_test(tcase, test_core_follows_a_hint_with_a_newer_ballot_at_once);
    tcase_add_test(tcase, test_core_waits_and_goes_round_when_the_hint_is_old);
    tcase_add_test(tcase, test_core_does_not_follow_a_replica_that_names_itself);
    tcase_add_test(tcase, test_core_asks_a_leader_that_was_not_ready_again_soon);
    tcase_add_test(tcase, test_core_gives_every_replica_its_turn_while_all_name_a_dead_one);
    tcase_add_test(tcase, test_core_does_not_loop_between_two_that_name_each_other);
    tcase_add_test(tcase, test_core_keeps_the_number_over_all_sends);
    tcase_add_test(tcase, test_core_stays_with_a_busy_replica);
    tcase_add_test(tcase, test_core_goes_on_under_a_new_session_if_every_send_was_refused);
    tcase_add_loop_test(tcase,
                        test_core_does_not_know_what_became_of_a_doubtful_write_of_a_gone_session,
                        0, DOUBTS);
    tcase_add_test(tcase, test_core_takes_a_late_refusal_for_nothing);
    tcase_add_test(tcase, test_core_takes_a_stale_write_for_unknown);
    tcase_add_test(tcase, test_core_accepts_the_answer_to_an_earlier_send_once);
    tcase_add_test(tcase, test_core_drops_answers_of_strangers);
    tcase_add_test(tcase, test_core_moves_all_calls_away_from_a_lost_replica_with_one_pause);
    return tcase;
}
