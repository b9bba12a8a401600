#include "smr/session.h"

#include <stdio.h>
#include "tests/unit/smr/stand.h"
#include "tests/unit/smr/suites.h"

static struct smr_sessions *table;
static struct smr_counters counters;
static struct smr_answer kept;

static void setup(void)
{
    table = smr_sessions_new();
    counters = (struct smr_counters){0};
}

static void teardown(void)
{
    smr_sessions_free(table);
}

static void open_at(uint64_t id, uint64_t log_time_ms)
{
    smr_sessions_open(table, id, log_time_ms, &counters);
}

static enum smr_call_verdict judge(uint64_t id, uint64_t number, uint64_t lowest)
{
    return smr_sessions_judge(table, id, number, lowest, 0, &kept);
}

static void remember(uint64_t id, uint64_t number, struct buf *body)
{
    smr_sessions_remember(table, id, number,
                          (struct smr_answer){.status = WIRE_STATUS_OK, .body = body}, &counters);
}

/* A call that was never applied is, and its answer is kept. */
static void apply(uint64_t id, uint64_t number, uint64_t lowest, const char *answer)
{
    ck_assert_int_eq(judge(id, number, lowest), SMR_CALL_FRESH);
    struct buf *body = answer == NULL ? NULL : text_buf(answer);
    remember(id, number, body);
    buf_unref(&body);
}

static void assert_repeat(uint64_t id, uint64_t number, uint64_t lowest, const char *answer)
{
    ck_assert_int_eq(judge(id, number, lowest), SMR_CALL_REPEAT);
    ck_assert(span_equal(buf_span(kept.body), span_text(answer)));
}

START_TEST(test_session_answers_a_repeat_with_what_came_out_then)
{
    open_at(1, 0);
    apply(1, 1, 1, "one");
    apply(1, 2, 1, NULL);
    assert_repeat(1, 1, 1, "one");
    assert_repeat(1, 2, 1, "");
    ck_assert_int_eq(judge(1, 3, 1), SMR_CALL_FRESH);
    smr_sessions_remember(table, 1, 3, (struct smr_answer){.status = WIRE_STATUS_WRONG_GROUP},
                          &counters);
    assert_repeat(1, 3, 1, "");
    ck_assert_int_eq(kept.status, WIRE_STATUS_WRONG_GROUP);
}
END_TEST

START_TEST(test_session_keeps_calls_of_different_sessions_apart)
{
    open_at(1, 0);
    open_at(2, 0);
    apply(1, 1, 1, "one");
    apply(2, 1, 1, "other");
    assert_repeat(1, 1, 1, "one");
    assert_repeat(2, 1, 1, "other");
}
END_TEST

START_TEST(test_session_forgets_answers_its_client_has)
{
    open_at(1, 0);
    size_t empty = smr_sessions_bytes(table);
    apply(1, 1, 1, "one");
    apply(1, 2, 1, "two");
    apply(1, 3, 3, "three");
    ck_assert_uint_eq(smr_sessions_bytes(table), empty + strlen("three"));
    ck_assert_int_eq(judge(1, 1, 1), SMR_CALL_STALE);
    ck_assert_int_eq(judge(1, 2, 2), SMR_CALL_STALE);
    assert_repeat(1, 3, 3, "three");
}
END_TEST

START_TEST(test_session_does_not_bring_back_what_it_forgot)
{
    open_at(1, 0);
    apply(1, 1, 1, "one");
    apply(1, 2, 2, "two");
    assert_repeat(1, 2, 1, "two"); /* sent before the client had the answer to 1 */
    ck_assert_int_eq(judge(1, 1, 1), SMR_CALL_STALE);
    apply(1, 3, 2, "three");
}
END_TEST

START_TEST(test_session_window_holds_64_calls_in_any_order)
{
    open_at(1, 0);
    for (uint64_t i = 0; i < WIRE_SESSION_WINDOW; i++) {
        uint64_t number = 1 + i * 37 % WIRE_SESSION_WINDOW;
        char text[8];
        snprintf(text, sizeof text, "%u", (unsigned)number);
        apply(1, number, 1, text);
    }
    for (uint64_t number = 1; number <= WIRE_SESSION_WINDOW; number++) {
        char text[8];
        snprintf(text, sizeof text, "%u", (unsigned)number);
        assert_repeat(1, number, 1, text);
    }
    apply(1, 5000, 4990, "far"); /* one that has answers to all before */
    assert_repeat(1, 5000, 4990, "far");
    ck_assert_int_eq(judge(1, 64, 64), SMR_CALL_STALE);
}
END_TEST

START_TEST(test_session_window_refuses_what_does_not_fit_it)
{
    open_at(1, 0);
    ck_assert_int_eq(judge(1, 0, 0), SMR_CALL_WRONG);
    ck_assert_int_eq(judge(1, 1, 2), SMR_CALL_WRONG);
    ck_assert_int_eq(judge(1, 1 + WIRE_SESSION_WINDOW, 1), SMR_CALL_WRONG);
    /* 0 is below the lowest a session begins with: it moves nothing. */
    ck_assert_int_eq(judge(1, WIRE_SESSION_WINDOW, 0), SMR_CALL_WRONG);
    ck_assert_int_eq(judge(1, WIRE_SESSION_WINDOW - 1, 0), SMR_CALL_FRESH);
}
END_TEST

START_TEST(test_session_unknown_or_closed_is_gone)
{
    open_at(5, 0);
    ck_assert_int_eq(judge(4, 1, 1), SMR_CALL_GONE);
    ck_assert_int_eq(judge(6, 1, 1), SMR_CALL_GONE);
    apply(5, 1, 1, "one");
    ck_assert(smr_sessions_close(table, 5));
    ck_assert(!smr_sessions_close(table, 5));
    ck_assert_int_eq(judge(5, 1, 1), SMR_CALL_GONE);
    ck_assert_uint_eq(smr_sessions_count(table), 0);
    ck_assert_uint_eq(smr_sessions_bytes(table), 0);
    ck_assert_uint_eq(counters.sessions_expired, 0);
}
END_TEST

START_TEST(test_session_expires_after_a_day_without_use)
{
    open_at(1, 0);
    open_at(2, 0);
    ck_assert_int_eq(smr_sessions_judge(table, 1, 1, 1, 10, &kept), SMR_CALL_FRESH);
    smr_sessions_expire(table, WIRE_SESSION_LIFE_MS - 1, &counters);
    ck_assert_uint_eq(smr_sessions_count(table), 2);
    smr_sessions_expire(table, WIRE_SESSION_LIFE_MS, &counters);
    ck_assert_int_eq(judge(2, 1, 1), SMR_CALL_GONE);
    ck_assert_uint_eq(smr_sessions_count(table), 1);
    smr_sessions_expire(table, WIRE_SESSION_LIFE_MS + 10, &counters);
    ck_assert_uint_eq(smr_sessions_count(table), 0);
    ck_assert_uint_eq(counters.sessions_expired, 2);
}
END_TEST

START_TEST(test_session_least_recently_used_ends_when_there_are_too_many)
{
    for (uint64_t id = 1; id <= WIRE_SESSION_COUNT_MAX; id++)
        open_at(id, 0);
    ck_assert_int_eq(judge(1, 1, 1), SMR_CALL_FRESH); /* used: 2 is the oldest now */
    open_at(WIRE_SESSION_COUNT_MAX + 1, 0);
    ck_assert_uint_eq(smr_sessions_count(table), WIRE_SESSION_COUNT_MAX);
    ck_assert_int_eq(judge(2, 1, 1), SMR_CALL_GONE);
    ck_assert_int_eq(judge(1, 1, 1), SMR_CALL_FRESH);
    ck_assert_int_eq(judge(3, 1, 1), SMR_CALL_FRESH);
    ck_assert_uint_eq(counters.sessions_expired, 1);
}
END_TEST

/* One answer of a megabyte, kept again and again. */
static void remember_megabytes(uint64_t id, uint64_t count, struct buf *megabyte)
{
    for (uint64_t number = 1; number <= count; number++) {
        ck_assert_int_eq(judge(id, number, 1), SMR_CALL_FRESH);
        remember(id, number, megabyte);
    }
}

START_TEST(test_session_least_recently_used_ends_when_answers_take_too_much)
{
    uint8_t *fill;
    struct buf *megabyte = buf_new(1024 * 1024, &fill);
    memset(fill, 'x', megabyte->size);
    open_at(1, 0);
    open_at(2, 0);
    open_at(3, 0);
    remember_megabytes(2, 20, megabyte);
    remember_megabytes(1, 30, megabyte);
    remember_megabytes(3, 20, megabyte);
    ck_assert_uint_le(smr_sessions_bytes(table), WIRE_SESSION_BYTES_MAX);
    ck_assert_int_eq(judge(2, 1, 1), SMR_CALL_GONE);
    ck_assert_int_eq(judge(1, 30, 1), SMR_CALL_REPEAT);
    ck_assert_int_eq(judge(3, 20, 1), SMR_CALL_REPEAT);
    ck_assert_uint_eq(counters.sessions_expired, 1);
    buf_unref(&megabyte);
}
END_TEST

START_TEST(test_session_alone_is_not_ended_by_the_size_of_its_own_answers)
{
    uint8_t *fill;
    struct buf *large = buf_new(2 * 1024 * 1024, &fill);
    memset(fill, 'x', large->size);
    open_at(1, 0);
    remember_megabytes(1, 40, large);
    ck_assert_int_eq(judge(1, 40, 1), SMR_CALL_REPEAT);
    buf_unref(&large);
}
END_TEST

START_TEST(test_session_digest_shows_every_part_of_the_table)
{
    struct smr_sessions *twin = smr_sessions_new();
    open_at(1, 7);
    smr_sessions_open(twin, 1, 7, &counters);
    ck_assert_uint_eq(smr_sessions_digest(table), smr_sessions_digest(twin));
    apply(1, 1, 1, "one");
    ck_assert_uint_ne(smr_sessions_digest(table), smr_sessions_digest(twin));
    struct buf *other = text_buf("two");
    ck_assert_int_eq(smr_sessions_judge(twin, 1, 1, 1, 0, &kept), SMR_CALL_FRESH);
    smr_sessions_remember(twin, 1, 1, (struct smr_answer){.body = other}, &counters);
    ck_assert_uint_ne(smr_sessions_digest(table), smr_sessions_digest(twin));
    buf_unref(&other);
    smr_sessions_free(twin);
}
END_TEST

/* --- in a checkpoint ---------------------------------------------------------------------------- */

/* The table as it comes back from a checkpoint, or NULL. */
static struct smr_sessions *copy_of(const struct smr_sessions *from)
{
    struct wire_writer out = {0};
    smr_sessions_encode(from, &out);
    struct smr_sessions *copy = smr_sessions_decode(wire_writer_span(&out));
    wire_writer_free(&out);
    return copy;
}

START_TEST(test_session_table_comes_back_from_a_checkpoint_as_it_was)
{
    open_at(3, 5);
    open_at(8, 6);
    open_at(9, 6);
    for (uint64_t number = 1; number <= 40; number++)
        apply(8, number, number / 2 + 1, number % 3 == 0 ? NULL : "an answer");
    apply(3, 2, 1, "two");
    struct smr_sessions *copy = copy_of(table);
    ck_assert_ptr_nonnull(copy);
    ck_assert_uint_eq(smr_sessions_digest(copy), smr_sessions_digest(table));
    ck_assert_uint_eq(smr_sessions_bytes(copy), smr_sessions_bytes(table));
    ck_assert_uint_eq(smr_sessions_count(copy), 3);
    /* And it goes on alike: repeats, the window, and who ends first. */
    ck_assert_int_eq(smr_sessions_judge(copy, 8, 40, 21, 0, &kept), SMR_CALL_REPEAT);
    ck_assert_int_eq(smr_sessions_judge(copy, 8, 5, 5, 0, &kept), SMR_CALL_STALE);
    ck_assert_int_eq(smr_sessions_judge(copy, 3, 1, 1, 0, &kept), SMR_CALL_FRESH);
    smr_sessions_open(copy, 10, 7, &counters);
    smr_sessions_free(copy);
}
END_TEST

START_TEST(test_session_table_without_sessions_comes_back_too)
{
    struct smr_sessions *copy = copy_of(table);
    ck_assert_ptr_nonnull(copy);
    ck_assert_uint_eq(smr_sessions_count(copy), 0);
    smr_sessions_free(copy);
}
END_TEST

/* One session [id, used, lowest, kept, then kept times (number, status, answer)]. */
static bool decodes(uint32_t values, const uint64_t head[4], const uint64_t *numbers)
{
    struct wire_writer out = {0};
    wire_write_array(&out, values);
    for (int i = 0; i < 4; i++)
        wire_write_uint(&out, head[i]);
    for (uint64_t i = 0; i < head[3]; i++) {
        wire_write_uint(&out, numbers[i]);
        wire_write_uint(&out, WIRE_STATUS_OK);
        wire_write_bin(&out, span_text("x"));
    }
    struct smr_sessions *read = smr_sessions_decode(wire_writer_span(&out));
    wire_writer_free(&out);
    if (read != NULL)
        smr_sessions_free(read);
    return read != NULL;
}

START_TEST(test_session_table_that_makes_no_sense_is_refused)
{
    const uint64_t good[] = {5, 0, 1, 2}, nameless[] = {0, 0, 1, 0};
    const uint64_t numbers[] = {1, 2}, twice[] = {2, 2}, low[] = {0, 2}, far[] = {1, 65};
    ck_assert(decodes(10, good, numbers));
    ck_assert(!decodes(7, good, numbers));
    ck_assert(!decodes(4, nameless, NULL));
    ck_assert(!decodes(10, good, twice));
    ck_assert(!decodes(10, good, low));
    ck_assert(!decodes(10, good, far));
    struct wire_writer out = {0};
    open_at(5, 0);
    smr_sessions_encode(table, &out);
    smr_sessions_encode(table, &out); /* the same session a second time */
    ck_assert_ptr_null(smr_sessions_decode(wire_writer_span(&out)));
    ck_assert_ptr_null(smr_sessions_decode(span_of(out.data, out.size - 1)));
    wire_writer_free(&out);
}
END_TEST

Suite *session_suite(void)
{
    Suite *suite = suite_create("session");
    TCase *tests = tcase_create("session");
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_test(tests, test_session_answers_a_repeat_with_what_came_out_then);
    tcase_add_test(tests, test_session_keeps_calls_of_different_sessions_apart);
    tcase_add_test(tests, test_session_forgets_answers_its_client_has);
    tcase_add_test(tests, test_session_does_not_bring_back_what_it_forgot);
    tcase_add_test(tests, test_session_window_holds_64_calls_in_any_order);
    tcase_add_test(tests, test_session_window_refuses_what_does_not_fit_it);
    tcase_add_test(tests, test_session_unknown_or_closed_is_gone);
    tcase_add_test(tests, test_session_expires_after_a_day_without_use);
    tcase_add_test(tests, test_session_least_recently_used_ends_when_there_are_too_many);
    tcase_add_test(tests, test_session_least_recently_used_ends_when_answers_take_too_much);
    tcase_add_test(tests, test_session_alone_is_not_ended_by_the_size_of_its_own_answers);
    tcase_add_test(tests, test_session_digest_shows_every_part_of_the_table);
    tcase_add_test(tests, test_session_table_comes_back_from_a_checkpoint_as_it_was);
    tcase_add_test(tests, test_session_table_without_sessions_comes_back_too);
    tcase_add_test(tests, test_session_table_that_makes_no_sense_is_refused);
    suite_add_tcase(suite, tests);
    return suite;
}
