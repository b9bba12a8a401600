/* What a checkpoint holds beside keys and values: the image, and the session table in it. Both come
 * from a disk, so whatever stands there must be read in bounds and without a leak. */
#include "smr/image.h"

#include <stdio.h>
#include <stdlib.h>
#include "wire/random.h"
#include "smr/session.h"
#include "tests/unit/smr/stand.h"
#include "tests/unit/smr/suites.h"

/* ck_assert tells its parent of every check; millions of them are too many to tell. */
#define require(condition, ...)                                                                    \
    do {                                                                                           \
        if (!(condition))                                                                          \
            ck_abort_msg(__VA_ARGS__);                                                             \
    } while (0)

static struct smr_counters counters;

/* --- tables --------------------------------------------------------------------------------------
 */

static void apply(struct smr_sessions *table, uint64_t id, uint64_t number, uint64_t lowest,
                  uint64_t log_time_ms, size_t answer_bytes)
{
    struct smr_answer answer;
    uint8_t *fill;
    if (smr_sessions_judge(table, id, number, lowest, log_time_ms, &answer) != SMR_CALL_FRESH)
        return;
    struct buf *body = answer_bytes == 0 ? NULL : buf_new(answer_bytes, &fill);
    if (body != NULL)
        memset(fill, (int)('a' + number % 26), answer_bytes);
    answer = (struct smr_answer){
        .status = number % 5 == 0 ? WIRE_STATUS_WRONG_GROUP : WIRE_STATUS_OK, .body = body};
    smr_sessions_remember(table, id, number, answer, &counters);
    buf_unref(&body);
}

/* Sessions used in no order, with windows of every width. */
static struct smr_sessions *table_of(uint64_t seed, uint64_t sessions, uint64_t calls)
{
    struct wire_random random = {.state = seed};
    struct smr_sessions *table = smr_sessions_new();
    uint64_t sent[64] = {0}, lowest[64];
    for (uint64_t id = 1; id <= sessions; id++) {
        smr_sessions_open(table, id * 1025, id, &counters);
        lowest[id] = 1;
    }
    for (uint64_t i = 0; i < calls; i++) {
        uint64_t id = 1 + wire_random_below(&random, sessions);
        lowest[id] += wire_random_below(&random, sent[id] + 2 - lowest[id]);
        if (sent[id] + 1 - lowest[id] < WIRE_SESSION_WINDOW)
            apply(table, id * 1025, ++sent[id], lowest[id], 100 + i,
                  (size_t)wire_random_below(&random, 5));
    }
    return table;
}

/* Decodes a copy that ends where its memory ends, so that a read past it is noticed. */
static struct smr_sessions *decode_exact(struct span bytes)
{
    uint8_t *exact = malloc(bytes.size == 0 ? 1 : bytes.size);
    if (bytes.size > 0)
        memcpy(exact, bytes.data, bytes.size);
    struct smr_sessions *table = smr_sessions_decode(span_of(exact, bytes.size));
    free(exact);
    return table;
}

static void free_table(struct smr_sessions *table)
{
    if (table != NULL)
        smr_sessions_free(table);
}

START_TEST(test_sessions_are_the_same_after_a_round_trip)
{
    struct smr_sessions *table = table_of((uint64_t)_i, (uint64_t)_i * 3, (uint64_t)_i * 200);
    struct wire_writer bytes = {0};
    smr_sessions_encode(table, &bytes);
    struct smr_sessions *twin = decode_exact(wire_writer_span(&bytes));
    ck_assert_ptr_nonnull(twin);
    ck_assert_uint_eq(smr_sessions_digest(twin), smr_sessions_digest(table));
    ck_assert_uint_eq(smr_sessions_count(twin), smr_sessions_count(table));
    ck_assert_uint_eq(smr_sessions_bytes(twin), smr_sessions_bytes(table));
    /* And goes on like it: the same calls again, and the same sessions expire. */
    for (uint64_t id = 1025; id <= 1025 * 12; id += 1025)
        for (uint64_t number = 1; number < 300; number += 7) {
            apply(table, id, number, number, 5000 + number, 3);
            apply(twin, id, number, number, 5000 + number, 3);
        }
    smr_sessions_open(table, 99999, 9999, &counters);
    smr_sessions_open(twin, 99999, 9999, &counters);
    ck_assert_uint_eq(smr_sessions_digest(twin), smr_sessions_digest(table));
    smr_sessions_expire(table, 5200 + WIRE_SESSION_LIFE_MS, &counters);
    smr_sessions_expire(twin, 5200 + WIRE_SESSION_LIFE_MS, &counters);
    ck_assert_uint_eq(smr_sessions_digest(twin), smr_sessions_digest(table));
    smr_sessions_free(table);
    smr_sessions_free(twin);
    wire_writer_free(&bytes);
}
END_TEST

START_TEST(test_sessions_cut_short_are_refused_or_fewer)
{
    struct smr_sessions *table = table_of(7, 5, 60);
    struct wire_writer bytes = {0};
    smr_sessions_encode(table, &bytes);
    for (size_t size = 0; size < bytes.size; size++) {
        struct smr_sessions *twin = decode_exact(span_of(bytes.data, size));
        require(twin == NULL || smr_sessions_count(twin) < 5, "cut to %d", (int)size);
        free_table(twin);
    }
    smr_sessions_free(table);
    wire_writer_free(&bytes);
}
END_TEST

START_TEST(test_sessions_with_changed_bytes_are_refused_or_a_table)
{
    struct smr_sessions *table = table_of(9, 3, 40);
    struct wire_writer bytes = {0}, again = {0};
    smr_sessions_encode(table, &bytes);
    for (size_t at = 0; at < bytes.size; at++) {
        uint8_t kept = bytes.data[at];
        for (unsigned change = 1; change < 256; change++) {
            bytes.data[at] = (uint8_t)(kept ^ change);
            struct smr_sessions *changed = decode_exact(wire_writer_span(&bytes));
            if (changed == NULL)
                continue;
            wire_writer_clear(&again);
            smr_sessions_encode(changed, &again);
            struct smr_sessions *twin = decode_exact(wire_writer_span(&again));
            require(twin != NULL && smr_sessions_digest(twin) == smr_sessions_digest(changed),
                    "byte %d ^ %u", (int)at, change);
            free_table(twin);
            free_table(changed);
        }
        bytes.data[at] = kept;
    }
    smr_sessions_free(table);
    wire_writer_free(&bytes);
    wire_writer_free(&again);
}
END_TEST

static void write_session(struct wire_writer *out, uint64_t id, uint64_t lowest, uint64_t first,
                          uint64_t second)
{
    wire_write_array(out, 10);
    wire_write_uint(out, id);
    wire_write_uint(out, 5);
    wire_write_uint(out, lowest);
    wire_write_uint(out, 2);
    wire_write_uint(out, first);
    wire_write_uint(out, WIRE_STATUS_OK);
    wire_write_bin(out, span_text("one"));
    wire_write_uint(out, second);
    wire_write_uint(out, WIRE_STATUS_OK);
    wire_write_bin(out, span_text("two"));
}

START_TEST(test_sessions_that_cannot_be_are_refused)
{
    static const struct {
        uint64_t id, lowest, first, second;
        bool good;
    } cases[] = {
        {1, 1, 1, 2, true},           {1, 1, 64, 2, true}, {0, 1, 1, 2, false},
        {1, 0, 0, 0, false},          {1, 0, 1, 2, false}, {1, 1, 1, 1, false},
        {1, 1, 65, 2, false},         {1, 3, 4, 2, false}, {1, UINT64_MAX / 2, 1, 2, false},
        {1, UINT64_MAX, 1, 2, false}, {1, 1, 0, 2, false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct wire_writer bytes = {0};
        write_session(&bytes, cases[i].id, cases[i].lowest, cases[i].first, cases[i].second);
        struct smr_sessions *table = decode_exact(wire_writer_span(&bytes));
        ck_assert_msg((table != NULL) == cases[i].good, "case %d", (int)i);
        free_table(table);
        if (cases[i].good) { /* nor is it two sessions of one id */
            write_session(&bytes, cases[i].id, 1, 1, 2);
            ck_assert_ptr_null(decode_exact(wire_writer_span(&bytes)));
        }
        wire_writer_free(&bytes);
    }
}
END_TEST

/* --- images --------------------------------------------------------------------------------------
 */

static void write_image(struct wire_writer *out)
{
    struct smr_image image = {.cluster = 0xfedcba9876543210u,
                              .group = 3,
                              .applied = 70000,
                              .log_time_ms = 123456789,
                              .sessions = span_text("the sessions"),
                              .part = span_text("a part")};
    smr_image_encode(&image, out);
}

static enum wire_error decode_image(struct span bytes)
{
    struct smr_image image;
    uint8_t *exact = malloc(bytes.size == 0 ? 1 : bytes.size);
    if (bytes.size > 0)
        memcpy(exact, bytes.data, bytes.size);
    enum wire_error error = smr_image_decode(span_of(exact, bytes.size), &image);
    if (error == WIRE_OK) {
        struct wire_writer again = {0};
        smr_image_encode(&image, &again); /* reads every byte of both spans */
        require(smr_image_decode(wire_writer_span(&again), &image) == WIRE_OK, "not again");
        wire_writer_free(&again);
    }
    free(exact);
    return error;
}

START_TEST(test_image_is_the_same_after_a_round_trip)
{
    struct wire_writer bytes = {0};
    struct smr_image image;
    write_image(&bytes);
    ck_assert_int_eq(smr_image_decode(wire_writer_span(&bytes), &image), WIRE_OK);
    ck_assert_uint_eq(image.cluster, 0xfedcba9876543210u);
    ck_assert_uint_eq(image.group, 3);
    ck_assert_uint_eq(image.applied, 70000);
    ck_assert_uint_eq(image.log_time_ms, 123456789);
    ck_assert(span_equal(image.sessions, span_text("the sessions")));
    ck_assert(span_equal(image.part, span_text("a part")));
    wire_writer_free(&bytes);
}
END_TEST

START_TEST(test_image_cut_short_or_too_long_is_refused)
{
    struct wire_writer bytes = {0};
    write_image(&bytes);
    for (size_t size = 0; size < bytes.size; size++)
        require(decode_image(span_of(bytes.data, size)) == WIRE_MALFORMED, "%d", (int)size);
    wire_write_uint(&bytes, 0);
    ck_assert_int_eq(decode_image(wire_writer_span(&bytes)), WIRE_MALFORMED);
    wire_writer_free(&bytes);
}
END_TEST

START_TEST(test_image_with_changed_bytes_is_refused_or_read_in_bounds)
{
    struct wire_writer bytes = {0};
    write_image(&bytes);
    for (size_t at = 0; at < bytes.size; at++) {
        uint8_t kept = bytes.data[at];
        for (unsigned change = 1; change < 256; change++) {
            bytes.data[at] = (uint8_t)(kept ^ change);
            enum wire_error error = decode_image(wire_writer_span(&bytes));
            require(error == WIRE_MALFORMED || at > 1, "byte %d ^ %u", (int)at, change);
        }
        bytes.data[at] = kept;
    }
    wire_writer_free(&bytes);
}
END_TEST

Suite *image_suite(void)
{
    Suite *suite = suite_create("image");
    TCase *tests = tcase_create("image");
    tcase_set_timeout(tests, 60);
    tcase_add_loop_test(tests, test_sessions_are_the_same_after_a_round_trip, 1, 8);
    tcase_add_test(tests, test_sessions_cut_short_are_refused_or_fewer);
    tcase_add_test(tests, test_sessions_with_changed_bytes_are_refused_or_a_table);
    tcase_add_test(tests, test_sessions_that_cannot_be_are_refused);
    tcase_add_test(tests, test_image_is_the_same_after_a_round_trip);
    tcase_add_test(tests, test_image_cut_short_or_too_long_is_refused);
    tcase_add_test(tests, test_image_with_changed_bytes_is_refused_or_read_in_bounds);
    suite_add_tcase(suite, tests);
    return suite;
}
