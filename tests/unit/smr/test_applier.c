#include "smr/applier.h"
#include "tests/unit/smr/counting_machine.h"
#include "tests/unit/smr/stand.h"
#include "tests/unit/smr/suites.h"
#include "wire/batch.h"

static struct stand *stand;

static struct stand *applier_new(wire_replica replica, uint64_t start)
{
    struct smr_config config = stand_config(3);
    config.self = stand_sender(WIRE_ROLE_CLIENT, replica);
    config.self.start = start;
    return stand_new(&config, smr_applier_new(&config, counting_machine_new()),
                     (struct smr_log){0});
}

static void setup(void)
{
    stand = applier_new(0, 1);
    ck_assert_uint_eq(
        stand_sent(stand, WIRE_MESSAGE_APPLIED, WIRE_ROLE_ACCEPTOR, 0)->applied.slot, 0);
    stand_nothing(stand);
}

static void teardown(void)
{
    stand_free(stand);
}

/* --- batches ------------------------------------------------------------------------------------ */

static struct wire_command command(enum wire_call_kind kind, uint64_t tag, const char *body)
{
    return (struct wire_command){.kind = kind, .tag = tag, .body = span_text(body)};
}

static struct wire_command write_of(uint64_t tag, uint64_t session, uint64_t number,
                                    uint64_t lowest)
{
    struct wire_command write = command(WIRE_CALL_WRITE, tag, "w");
    write.session = session;
    write.number = number;
    write.lowest = lowest;
    return write;
}

/* Replica 0 took these calls, in its first life. */
static struct wire_batch our_head(void)
{
    return (struct wire_batch){.origin = 0, .origin_start = 1};
}

static void feed_batch(struct stand *to, wire_slot slot, struct wire_batch head,
                       const struct wire_command *commands, uint32_t count)
{
    struct buf *entries[8];
    struct wire_writer out = {0};
    ck_assert_uint_le(count, 8);
    for (uint32_t i = 0; i < count; i++) {
        wire_command_encode(&commands[i], &out);
        entries[i] = wire_writer_take(&out);
    }
    struct wire_message m = FROM(ACCEPTOR, to->config.self.replica, CHOSEN,
                                 .chosen = {.slot = slot});
    m.payload = wire_batch_build(&head, entries, count);
    for (uint32_t i = 0; i < count; i++)
        buf_unref(&entries[i]);
    wire_writer_free(&out);
    stand_feed(to, m);
}

static void feed_one(wire_slot slot, struct wire_command only)
{
    feed_batch(stand, slot, our_head(), &only, 1);
}

static void feed_noop(wire_slot slot, uint64_t elapsed_ms)
{
    struct wire_batch head = our_head();
    head.elapsed_ms = elapsed_ms;
    feed_batch(stand, slot, head, NULL, 0);
}

static const struct wire_message *assert_result(uint64_t tag, enum wire_status status,
                                                const char *answer)
{
    const struct wire_message *m = stand_sent(stand, WIRE_MESSAGE_RESULT, WIRE_ROLE_API, 0);
    ck_assert_uint_eq(m->result.tag, tag);
    ck_assert_str_eq(wire_status_text(m->result.status), wire_status_text(status));
    ck_assert_ptr_nonnull(m->payload);
    ck_assert_msg(span_equal(buf_span(m->payload), span_text(answer)), "answer '%.*s', not '%s'",
                  (int)m->payload->size, (const char *)m->payload->data, answer);
    return m;
}

static const struct smr_counters *counters(void)
{
    return smr_applier_counters(stand->role);
}

/* Opens a session in that slot and returns its id. */
static uint64_t open_session(wire_slot slot)
{
    feed_one(slot, command(WIRE_CALL_OPEN, 1, ""));
    uint64_t session = assert_result(1, WIRE_STATUS_OK, "")->result.session;
    stand_nothing(stand);
    return session;
}

/* --- slots -------------------------------------------------------------------------------------- */

START_TEST(test_applier_applies_in_order_and_answers_the_calls_of_its_replica)
{
    const struct wire_command commands[] = {command(WIRE_CALL_PLAIN, 11, "p"),
                                            command(WIRE_CALL_PLAIN, 12, "p!"),
                                            command(WIRE_CALL_READ, 13, "q"),
                                            command(WIRE_CALL_PLAIN, 14, "x")};
    feed_batch(stand, 1, our_head(), commands, 4);
    assert_result(11, WIRE_STATUS_OK, "1");
    assert_result(12, WIRE_STATUS_WRONG_GROUP, "");
    assert_result(13, WIRE_STATUS_OK, "1");
    assert_result(14, WIRE_STATUS_MALFORMED, "");
    stand_nothing(stand);
    feed_one(2, command(WIRE_CALL_PLAIN, 15, "p"));
    assert_result(15, WIRE_STATUS_OK, "2");
    ck_assert_uint_eq(smr_applier_applied(stand->role), 2);
}
END_TEST

START_TEST(test_applier_leaves_answers_to_the_replica_and_life_that_took_the_calls)
{
    struct wire_command plain = command(WIRE_CALL_PLAIN, 11, "p");
    feed_batch(stand, 1, (struct wire_batch){.origin = 1, .origin_start = 1}, &plain, 1);
    feed_batch(stand, 2, (struct wire_batch){.origin = 0, .origin_start = 2}, &plain, 1);
    stand_nothing(stand);
    ck_assert_uint_eq(stand_figure(stand, "machine.count"), 2);
}
END_TEST

START_TEST(test_applier_applies_a_slot_once_and_none_before_its_predecessor)
{
    feed_one(1, command(WIRE_CALL_PLAIN, 11, "p"));
    stand_forget(stand);
    feed_one(1, command(WIRE_CALL_PLAIN, 11, "p"));
    feed_one(3, command(WIRE_CALL_PLAIN, 12, "p"));
    stand_nothing(stand);
    ck_assert_uint_eq(stand_figure(stand, "machine.count"), 1);
    ck_assert_uint_eq(smr_applier_applied(stand->role), 1);
    ck_assert_uint_eq(counters()->applier_gaps, 1);
    feed_noop(2, 0);
    feed_one(3, command(WIRE_CALL_PLAIN, 12, "p"));
    assert_result(12, WIRE_STATUS_OK, "2");
    ck_assert_uint_eq(counters()->applied_noops, 1);
}
END_TEST

START_TEST(test_applier_reports_progress_once_a_round_and_every_second)
{
    feed_noop(1, 0);
    feed_noop(2, 0);
    stand_nothing(stand);
    stand_settle(stand);
    ck_assert_uint_eq(
        stand_sent(stand, WIRE_MESSAGE_APPLIED, WIRE_ROLE_ACCEPTOR, 0)->applied.slot, 2);
    stand_settle(stand);
    stand_nothing(stand);
    stand_pass(stand, 3 * WIRE_SECOND);
    ck_assert_uint_eq(stand_count(stand, WIRE_MESSAGE_APPLIED), 3);
    stand_forget(stand);
    stand->role.ops->wake(stand->role.self, stand->now, &stand->out); /* too early: harmless */
    stand_nothing(stand);
}
END_TEST

/* --- sessions ------------------------------------------------------------------------------------- */

START_TEST(test_applier_answers_repeat_from_table)
{
    uint64_t session = open_session(1);
    feed_one(2, write_of(21, session, 1, 1));
    assert_result(21, WIRE_STATUS_OK, "1");
    feed_one(3, write_of(22, session, 1, 1));
    assert_result(22, WIRE_STATUS_OK, "1");
    ck_assert_uint_eq(stand_figure(stand, "machine.count"), 1);
    ck_assert_uint_eq(counters()->repeats_answered, 1);
    feed_one(4, write_of(23, session, 2, 2));
    assert_result(23, WIRE_STATUS_OK, "2");
    feed_one(5, write_of(24, session, 1, 1));
    assert_result(24, WIRE_STATUS_STALE, "");
    ck_assert_uint_eq(counters()->calls_stale, 1);
    ck_assert_uint_eq(stand_figure(stand, "machine.count"), 2);
}
END_TEST

START_TEST(test_applier_keeps_answers_without_bytes_and_refusals_of_the_machine_too)
{
    uint64_t session = open_session(1);
    struct wire_command silent = write_of(21, session, 1, 1);
    silent.body = span_text("ws");
    struct wire_command refused = write_of(22, session, 2, 1);
    refused.body = span_text("w!");
    for (wire_slot slot = 2; slot < 6; slot += 2) {
        feed_one(slot, silent);
        assert_result(21, WIRE_STATUS_OK, "");
        feed_one(slot + 1, refused);
        assert_result(22, WIRE_STATUS_WRONG_GROUP, "");
    }
    ck_assert_uint_eq(counters()->repeats_answered, 2);
}
END_TEST

START_TEST(test_applier_never_applies_a_call_of_an_unknown_session)
{
    feed_one(1, write_of(21, 77, 1, 1));
    assert_result(21, WIRE_STATUS_GONE, "");
    ck_assert_uint_eq(stand_figure(stand, "machine.count"), 0);
    ck_assert_uint_eq(counters()->sessions_unknown, 1);
}
END_TEST

START_TEST(test_applier_never_applies_a_call_past_the_window)
{
    uint64_t session = open_session(1);
    feed_one(2, write_of(21, session, 1 + WIRE_SESSION_WINDOW, 1));
    assert_result(21, WIRE_STATUS_MALFORMED, "");
    ck_assert_uint_eq(stand_figure(stand, "machine.count"), 0);
}
END_TEST

START_TEST(test_applier_names_sessions_by_their_place_in_the_log)
{
    const struct wire_command opens[] = {command(WIRE_CALL_OPEN, 1, ""),
                                         command(WIRE_CALL_OPEN, 2, "")};
    feed_batch(stand, 1, our_head(), opens, 2);
    uint64_t first = assert_result(1, WIRE_STATUS_OK, "")->result.session;
    uint64_t second = assert_result(2, WIRE_STATUS_OK, "")->result.session;
    ck_assert_uint_eq(first, WIRE_BATCH_COMMANDS_MAX);
    ck_assert_uint_eq(second, WIRE_BATCH_COMMANDS_MAX + 1);
    ck_assert_uint_eq(open_session(2), 2 * WIRE_BATCH_COMMANDS_MAX);
    ck_assert_uint_eq(counters()->sessions_opened, 3);
}
END_TEST

START_TEST(test_applier_closes_a_session_once)
{
    uint64_t session = open_session(1);
    struct wire_command close = command(WIRE_CALL_CLOSE, 31, "");
    close.session = session;
    feed_one(2, close);
    assert_result(31, WIRE_STATUS_OK, "");
    feed_one(3, close);
    assert_result(31, WIRE_STATUS_GONE, "");
    feed_one(4, write_of(21, session, 1, 1));
    assert_result(21, WIRE_STATUS_GONE, "");
    ck_assert_uint_eq(counters()->sessions_closed, 1);
}
END_TEST

START_TEST(test_applier_takes_at_most_a_second_of_log_time_from_a_batch)
{
    feed_noop(1, 400);
    ck_assert_uint_eq(stand_figure(stand, "applier.log_time_ms"), 400);
    feed_noop(2, 3600 * 1000);
    ck_assert_uint_eq(stand_figure(stand, "applier.log_time_ms"), 1400);
    feed_noop(3, UINT64_MAX);
    ck_assert_uint_eq(stand_figure(stand, "applier.log_time_ms"), 2400);
}
END_TEST

START_TEST(test_applier_ends_a_session_after_a_day_of_log_time)
{
    uint64_t session = open_session(1);
    wire_slot slot = 1;
    while (stand_figure(stand, "applier.log_time_ms") < WIRE_SESSION_LIFE_MS - 1000)
        for (int i = 0; i < 100 && slot < 24 * 3600; i++)
            feed_noop(++slot, 1000);
    feed_one(++slot, write_of(21, session, 1, 1));
    assert_result(21, WIRE_STATUS_OK, "1"); /* used: another day */
    feed_noop(++slot, 1000);
    feed_one(++slot, write_of(22, session, 2, 1));
    assert_result(22, WIRE_STATUS_OK, "2");
    uint64_t idle = open_session(++slot);
    for (int i = 0; i < 24 * 3600; i++)
        feed_noop(++slot, 1000);
    feed_one(++slot, write_of(23, idle, 1, 1));
    assert_result(23, WIRE_STATUS_GONE, "");
    ck_assert_uint_eq(counters()->sessions_expired, 2);
    ck_assert_uint_eq(stand_figure(stand, "applier.sessions"), 0);
}
END_TEST

/* --- replicas --------------------------------------------------------------------------------------- */

START_TEST(test_applier_state_is_a_function_of_the_log_alone)
{
    struct stand *other = applier_new(2, 9);
    const struct wire_command open = command(WIRE_CALL_OPEN, 1, "");
    uint64_t session = WIRE_BATCH_COMMANDS_MAX;
    const struct wire_command writes[] = {write_of(2, session, 1, 1), write_of(3, session, 2, 1),
                                          write_of(4, session, 1, 1)};
    struct wire_batch head = our_head();
    head.elapsed_ms = 700;
    struct stand *stands[] = {stand, other};
    uint64_t before = smr_applier_digest(stand->role);
    for (int i = 0; i < 2; i++) {
        stands[i]->now += i * WIRE_SECOND;
        feed_batch(stands[i], 1, head, &open, 1);
        feed_batch(stands[i], 2, head, writes, 3);
    }
    ck_assert_uint_eq(smr_applier_digest(stand->role), smr_applier_digest(other->role));
    ck_assert_uint_ne(smr_applier_digest(stand->role), before);
    stand_free(other);
}
END_TEST

START_TEST(test_applier_digest_shows_log_time_and_sessions)
{
    struct stand *other = applier_new(1, 1);
    struct wire_batch later = our_head();
    later.elapsed_ms = 1;
    feed_noop(1, 0);
    feed_batch(other, 1, later, NULL, 0);
    ck_assert_uint_ne(smr_applier_digest(stand->role), smr_applier_digest(other->role));
    stand_free(other);
}
END_TEST

/* --- reads ------------------------------------------------------------------------------------------ */

static void read_at(uint64_t tag, wire_slot index, const char *query)
{
    stand_feed(stand, FROM(PROPOSER, 0, READ_AT, .read_at = {.tag = tag, .index = index},
                           .payload = text_buf(query)));
}

START_TEST(test_applier_answers_a_read_at_once_if_its_index_is_applied)
{
    feed_one(1, command(WIRE_CALL_PLAIN, 11, "p"));
    stand_forget(stand);
    read_at(41, 1, "q");
    assert_result(41, WIRE_STATUS_OK, "1");
    read_at(42, 0, "q!");
    assert_result(42, WIRE_STATUS_WRONG_GROUP, "");
    read_at(43, 0, "x");
    assert_result(43, WIRE_STATUS_MALFORMED, "");
    ck_assert_uint_eq(counters()->reads_waited, 0);
}
END_TEST

START_TEST(test_applier_holds_a_read_until_its_index_is_applied)
{
    for (uint64_t i = 0; i < 20; i++)
        read_at(100 + i, 1 + i % 2, "q");
    stand_nothing(stand);
    ck_assert_uint_eq(stand_figure(stand, "applier.waiting_reads"), 20);
    feed_noop(1, 0);
    for (uint64_t i = 0; i < 20; i += 2)
        assert_result(100 + i, WIRE_STATUS_OK, "0");
    stand_nothing(stand);
    feed_one(2, command(WIRE_CALL_PLAIN, 11, "p"));
    assert_result(11, WIRE_STATUS_OK, "1");
    for (uint64_t i = 1; i < 20; i += 2)
        assert_result(100 + i, WIRE_STATUS_OK, "1");
    stand_nothing(stand);
    ck_assert_uint_eq(counters()->reads_waited, 20);
    read_at(200, 9, "q"); /* still waiting at the end: freed with the role */
}
END_TEST

Suite *applier_suite(void)
{
    Suite *suite = suite_create("applier");
    TCase *tests = tcase_create("applier");
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_set_timeout(tests, 60);
    tcase_add_test(tests, test_applier_applies_in_order_and_answers_the_calls_of_its_replica);
    tcase_add_test(tests, test_applier_leaves_answers_to_the_replica_and_life_that_took_the_calls);
    tcase_add_test(tests, test_applier_applies_a_slot_once_and_none_before_its_predecessor);
    tcase_add_test(tests, test_applier_reports_progress_once_a_round_and_every_second);
    tcase_add_test(tests, test_applier_answers_repeat_from_table);
    tcase_add_test(tests, test_applier_keeps_answers_without_bytes_and_refusals_of_the_machine_too);
    tcase_add_test(tests, test_applier_never_applies_a_call_of_an_unknown_session);
    tcase_add_test(tests, test_applier_never_applies_a_call_past_the_window);
    tcase_add_test(tests, test_applier_names_sessions_by_their_place_in_the_log);
    tcase_add_test(tests, test_applier_closes_a_session_once);
    tcase_add_test(tests, test_applier_takes_at_most_a_second_of_log_time_from_a_batch);
    tcase_add_test(tests, test_applier_ends_a_session_after_a_day_of_log_time);
    tcase_add_test(tests, test_applier_state_is_a_function_of_the_log_alone);
    tcase_add_test(tests, test_applier_digest_shows_log_time_and_sessions);
    tcase_add_test(tests, test_applier_answers_a_read_at_once_if_its_index_is_applied);
    tcase_add_test(tests, test_applier_holds_a_read_until_its_index_is_applied);
    suite_add_tcase(suite, tests);
    return suite;
}
