#include <stdlib.h>
#include "tests/unit/wire/suites.h"
#include "wire/kv.h"

START_TEST(test_kv_text_is_anything_but_white_space_and_nul)
{
    for (int c = 0; c < 256; c++) {
        uint8_t text[3] = {'a', (uint8_t)c, 'b'};
        bool blank = c == 0 || c == ' ' || (c >= 9 && c <= 13);
        ck_assert_int_eq(wire_kv_key_ok(span_of(text, 3)), !blank);
        ck_assert_int_eq(wire_kv_value_ok(span_of(text, 3)), !blank);
        ck_assert_int_eq(wire_kv_key_ok(span_of(text + 1, 1)), !blank);
    }
}
END_TEST

START_TEST(test_kv_text_lengths_end_at_the_limits)
{
    uint8_t *text = wire_alloc(WIRE_VALUE_BYTES_MAX + 1);
    memset(text, 'x', WIRE_VALUE_BYTES_MAX + 1);
    ck_assert(!wire_kv_key_ok(span_of(text, 0)));
    ck_assert(!wire_kv_value_ok(span_of(NULL, 0)));
    ck_assert(wire_kv_key_ok(span_of(text, WIRE_KEY_BYTES_MAX)));
    ck_assert(!wire_kv_key_ok(span_of(text, WIRE_KEY_BYTES_MAX + 1)));
    ck_assert(wire_kv_value_ok(span_of(text, WIRE_VALUE_BYTES_MAX)));
    ck_assert(!wire_kv_value_ok(span_of(text, WIRE_VALUE_BYTES_MAX + 1)));
    free(text);
}
END_TEST

static enum wire_error decode_call(enum wire_kv_op op, struct span key, struct span value)
{
    struct wire_kv_call call = {.op = op, .key = key, .value = value};
    struct wire_writer out = {0};
    wire_kv_call_encode(&call, &out);
    enum wire_error error = wire_kv_call_decode(wire_writer_span(&out), &call);
    wire_writer_free(&out);
    return error;
}

START_TEST(test_kv_call_with_illegal_text_is_malformed)
{
    uint8_t *long_text = wire_alloc(WIRE_VALUE_BYTES_MAX + 1);
    memset(long_text, 'x', WIRE_VALUE_BYTES_MAX + 1);
    struct span good = span_text("x");
    for (int i = 0; i < WIRE_KV_OPS; i++) {
        enum wire_kv_op op = (enum wire_kv_op)i;
        bool two = op == WIRE_KV_PUT || op == WIRE_KV_SWAP || op == WIRE_KV_SCAN;
        struct span over = op == WIRE_KV_SCAN ? span_of(long_text, WIRE_KEY_BYTES_MAX + 1)
                                              : span_of(long_text, WIRE_VALUE_BYTES_MAX + 1);
        ck_assert_int_eq(decode_call(op, good, good), WIRE_OK);
        ck_assert_int_eq(decode_call(op, span_text(""), good), WIRE_MALFORMED);
        ck_assert_int_eq(decode_call(op, span_text("a b"), good), WIRE_MALFORMED);
        ck_assert_int_eq(decode_call(op, span_of(long_text, WIRE_KEY_BYTES_MAX + 1), good),
                         WIRE_MALFORMED);
        ck_assert_int_eq(decode_call(op, good, over), two ? WIRE_MALFORMED : WIRE_OK);
        ck_assert_int_eq(decode_call(op, good, span_text("\n")), two ? WIRE_MALFORMED : WIRE_OK);
        ck_assert_int_eq(decode_call(op, good, span_text("")), two ? WIRE_MALFORMED : WIRE_OK);
    }
    free(long_text);
}
END_TEST

START_TEST(test_kv_largest_call_and_answer_fit_their_limits)
{
    uint8_t *text = wire_alloc(WIRE_VALUE_BYTES_MAX);
    memset(text, 'x', WIRE_VALUE_BYTES_MAX);
    struct wire_kv_call call = {.op = WIRE_KV_SWAP};
    call.key = span_of(text, WIRE_KEY_BYTES_MAX);
    call.value = span_of(text, WIRE_VALUE_BYTES_MAX);
    struct wire_writer out = {0};
    wire_kv_call_encode(&call, &out);
    ck_assert_uint_le(out.size, WIRE_COMMAND_BYTES_MAX);
    struct wire_kv_answer answer = {.found = true, .value = call.value};
    wire_writer_clear(&out);
    wire_kv_answer_encode(WIRE_KV_GET, &answer, &out);
    ck_assert_uint_le(out.size, WIRE_RESULT_BYTES_MAX);
    ck_assert_int_eq(wire_kv_answer_decode(WIRE_KV_GET, wire_writer_span(&out), &answer), WIRE_OK);
    wire_writer_free(&out);
    free(text);
}
END_TEST

START_TEST(test_kv_answers_round_trip)
{
    for (int i = 0; i < WIRE_KV_SCAN * 2; i++) {
        enum wire_kv_op op = (enum wire_kv_op)(i / 2);
        bool values = op == WIRE_KV_SWAP || op == WIRE_KV_GET;
        struct wire_kv_answer answer = {.found = i % 2 == 1, .value = span_text("old")};
        struct wire_kv_answer read;
        struct wire_writer out = {0};
        wire_kv_answer_encode(op, &answer, &out);
        ck_assert_int_eq(wire_kv_answer_decode(op, wire_writer_span(&out), &read), WIRE_OK);
        ck_assert_int_eq(read.found, answer.found);
        ck_assert(span_equal(read.value, values && read.found ? answer.value : span_of(NULL, 0)));
        ck_assert_int_eq(wire_kv_answer_decode(op, span_of(out.data, out.size - 1), &read),
                         WIRE_MALFORMED);
        wire_writer_free(&out);
    }
}
END_TEST

START_TEST(test_kv_page_round_trips)
{
    struct wire_writer out = {0};
    struct span key;
    struct span value;
    bool more = false;
    wire_kv_page_begin(&out, true, 2);
    wire_kv_page_add(&out, span_text("a"), span_text("1"));
    wire_kv_page_add(&out, span_text("b"), span_text("2"));
    struct wire_reader page = wire_kv_page_open(wire_writer_span(&out), &more);
    ck_assert(more);
    ck_assert(wire_kv_page_next(&page, &key, &value));
    ck_assert(span_equal(key, span_text("a")) && span_equal(value, span_text("1")));
    ck_assert(wire_kv_page_next(&page, &key, &value));
    ck_assert(span_equal(key, span_text("b")) && span_equal(value, span_text("2")));
    ck_assert(!wire_kv_page_next(&page, &key, &value) && !page.bad);
    wire_writer_free(&out);
}
END_TEST

/* A page that was cut is no shorter page: the pairs that are missing would pass for absent. */
START_TEST(test_kv_page_with_pairs_missing_or_left_over_is_bad)
{
    for (uint32_t declared = 0; declared < 4; declared++) {
        struct wire_writer out = {0};
        struct span key;
        struct span value;
        bool more;
        uint32_t pairs = 0;
        wire_kv_page_begin(&out, false, declared);
        wire_kv_page_add(&out, span_text("a"), span_text("1"));
        wire_kv_page_add(&out, span_text("b"), span_text("2"));
        struct wire_reader page = wire_kv_page_open(wire_writer_span(&out), &more);
        while (wire_kv_page_next(&page, &key, &value))
            pairs++;
        ck_assert_int_eq(page.bad, declared != 2);
        ck_assert_uint_eq(pairs, declared == 2 ? 2 : 0);
        wire_writer_free(&out);
    }
}
END_TEST

Suite *kv_suite(void)
{
    Suite *suite = suite_create("kv");
    TCase *tests = tcase_create("kv");
    tcase_add_test(tests, test_kv_text_is_anything_but_white_space_and_nul);
    tcase_add_test(tests, test_kv_text_lengths_end_at_the_limits);
    tcase_add_test(tests, test_kv_call_with_illegal_text_is_malformed);
    tcase_add_test(tests, test_kv_largest_call_and_answer_fit_their_limits);
    tcase_add_test(tests, test_kv_answers_round_trip);
    tcase_add_test(tests, test_kv_page_round_trips);
    tcase_add_test(tests, test_kv_page_with_pairs_missing_or_left_over_is_bad);
    suite_add_tcase(suite, tests);
    return suite;
}
