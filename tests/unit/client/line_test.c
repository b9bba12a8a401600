/* The line protocol's parser and reader. */
#include "tests/unit/client/world.h"

#include <stdlib.h>

#include "client/line.h"
#include "tests/unit/support/random.h"

static const struct {
    const char *text;    /* the line */
    enum line_kind kind; /* what it is */
    enum wire_kv_op op;  /* of a call */
    const char *key;     /* of a call */
    const char *value;   /* of a call; NULL: none */
} LINES[] = {
    {"PUT k v", LINE_CALL, WIRE_KV_PUT, "k", "v"},
    {"  PUT \t k  v\r", LINE_CALL, WIRE_KV_PUT, "k", "v"},
    {"SWAP k \"a=[%]\x7f\xff", LINE_CALL, WIRE_KV_SWAP, "k", "\"a=[%]\x7f\xff"},
    {"GET k", LINE_CALL, WIRE_KV_GET, "k", NULL},
    {"DELETE PUT", LINE_CALL, WIRE_KV_DELETE, "PUT", NULL},
    {"SCAN a b", LINE_CALL, WIRE_KV_SCAN, "a", "b"},
    {"SCAN b a", LINE_CALL, WIRE_KV_SCAN, "b", "a"},
    {"STOP", LINE_STOP, 0, NULL, NULL},
    {" STOP \r", LINE_STOP, 0, NULL, NULL},
    {"", LINE_EMPTY, 0, NULL, NULL},
    {" \t\r\v\f", LINE_EMPTY, 0, NULL, NULL},
    {"put k v", LINE_ERROR, 0, NULL, NULL},
    {"PUTS k v", LINE_ERROR, 0, NULL, NULL},
    {"PU k v", LINE_ERROR, 0, NULL, NULL},
    {"PUT k", LINE_ERROR, 0, NULL, NULL},
    {"PUT k v w", LINE_ERROR, 0, NULL, NULL},
    {"PUT k v w x y z", LINE_ERROR, 0, NULL, NULL},
    {"PUT", LINE_ERROR, 0, NULL, NULL},
    {"GET", LINE_ERROR, 0, NULL, NULL},
    {"GET a b", LINE_ERROR, 0, NULL, NULL},
    {"SCAN a", LINE_ERROR, 0, NULL, NULL},
    {"STOP now", LINE_ERROR, 0, NULL, NULL},
    {"stop", LINE_ERROR, 0, NULL, NULL},
    {"ERROR", LINE_ERROR, 0, NULL, NULL},
};

START_TEST(test_line_is_what_the_contract_says)
{
    struct line line = line_parse(span_text(LINES[_i].text));
    ck_assert_int_eq(line.kind, LINES[_i].kind);
    if (line.kind == LINE_ERROR)
        ck_assert_ptr_nonnull(line.problem);
    if (line.kind != LINE_CALL)
        return;
    ck_assert_int_eq(line.call.op, LINES[_i].op);
    ck_assert(span_equal(line.call.key, span_text(LINES[_i].key)));
    const char *value = LINES[_i].value == NULL ? "" : LINES[_i].value;
    ck_assert(span_equal(line.call.value, span_text(value)));
    ck_assert(!line.call.after);
}
END_TEST

START_TEST(test_line_with_a_nul_is_an_error)
{
    ck_assert_int_eq(line_parse(span_of("GET k\0", 6)).kind, LINE_ERROR);
    ck_assert_int_eq(line_parse(span_of("\0", 1)).kind, LINE_ERROR);
    ck_assert_int_eq(line_parse(span_of("PUT k a\0b", 9)).kind, LINE_ERROR);
}
END_TEST

/* "<head><size times c>" as one line. */
static enum line_kind kind_of_long(const char *head, size_t size, const char *tail)
{
    static char filling[3 * WIRE_VALUE_BYTES_MAX];
    memset(filling, 'x', sizeof filling);
    struct wire_writer bytes = {0};
    wire_write_raw(&bytes, span_text(head));
    wire_write_raw(&bytes, span_of(filling, size));
    wire_write_raw(&bytes, span_text(tail));
    wire_write_raw(&bytes, span_text("\n"));
    struct line_reader reader = {0};
    struct span input = wire_writer_span(&bytes);
    ck_assert(line_reader_feed(&reader, &input));
    ck_assert_uint_eq(input.size, 0);
    ck_assert_uint_le(reader.bytes.size, LINE_BYTES_MAX);
    enum line_kind kind = line_reader_parse(&reader).kind;
    line_reader_free(&reader);
    wire_writer_free(&bytes);
    return kind;
}

START_TEST(test_line_limits_are_exact)
{
    ck_assert_int_eq(kind_of_long("GET ", WIRE_KEY_BYTES_MAX, ""), LINE_CALL);
    ck_assert_int_eq(kind_of_long("GET ", WIRE_KEY_BYTES_MAX + 1, ""), LINE_ERROR);
    ck_assert_int_eq(kind_of_long("SCAN a ", WIRE_KEY_BYTES_MAX, ""), LINE_CALL);
    ck_assert_int_eq(kind_of_long("SCAN a ", WIRE_KEY_BYTES_MAX + 1, ""), LINE_ERROR);
    ck_assert_int_eq(kind_of_long("PUT k ", WIRE_VALUE_BYTES_MAX, " \t "), LINE_CALL);
    ck_assert_int_eq(kind_of_long("PUT k ", WIRE_VALUE_BYTES_MAX + 1, ""), LINE_ERROR);
    ck_assert_int_eq(kind_of_long("PUT k ", 3 * WIRE_VALUE_BYTES_MAX, ""), LINE_ERROR);
}
END_TEST

START_TEST(test_line_takes_any_number_of_blanks)
{
    struct line_reader reader = {0};
    struct wire_writer blanks = {0};
    for (int i = 0; i < 10000; i++)
        wire_write_raw(&blanks, span_text(" "));
    const char *parts[] = {"SWAP", "k", "v"};
    for (int i = 0; i < 3; i++) {
        struct span part = span_text(parts[i]);
        ck_assert(!line_reader_feed(&reader, &part));
        for (int j = 0; j < 200; j++) {
            part = wire_writer_span(&blanks);
            ck_assert(!line_reader_feed(&reader, &part));
        }
    }
    ck_assert(line_reader_has_rest(&reader));
    ck_assert_int_eq(line_reader_parse(&reader).kind, LINE_CALL);
    line_reader_free(&reader);
    wire_writer_free(&blanks);
}
END_TEST

/* However the bytes are cut, the lines are the same. */
START_TEST(test_line_reader_does_not_care_how_bytes_arrive)
{
    static const char text[] = "PUT k v\n\n  GET\tk\r\nx\nSTOP\nDELETE k";
    static const enum line_kind kinds[] = {LINE_CALL,  LINE_EMPTY, LINE_CALL,
                                           LINE_ERROR, LINE_STOP,  LINE_CALL};
    struct wire_random random = {(uint64_t)_i};
    struct line_reader reader = {0};
    size_t at = 0, lines = 0;
    while (at < sizeof text - 1) {
        size_t size = 1 + wire_random_below(&random, 9);
        if (size > sizeof text - 1 - at)
            size = sizeof text - 1 - at;
        struct span input = span_of(text + at, size);
        at += size;
        while (line_reader_feed(&reader, &input)) {
            ck_assert_int_eq(line_reader_parse(&reader).kind, kinds[lines++]);
            line_reader_next(&reader);
        }
    }
    ck_assert(line_reader_has_rest(&reader));
    ck_assert_int_eq(line_reader_parse(&reader).kind, kinds[lines++]);
    ck_assert_uint_eq(lines, sizeof kinds / sizeof kinds[0]);
    line_reader_free(&reader);
}
END_TEST

START_TEST(test_line_calls_are_always_legal)
{
    static const char *const pieces[] = {"PUT", "GET", "SWAP", "SCAN", "DELETE", "STOP", " ",
                                         "\t",  "k",   "v",    "\r",   "\xff",   " ",    " "};
    struct wire_random random = {(uint64_t)_i};
    struct wire_writer bytes = {0};
    for (uint64_t left = wire_random_below(&random, 12); left > 0; left--)
        wire_write_raw(&bytes, wire_random_below(&random, 30) == 0
                                   ? span_of("", 1)
                                   : span_text(pieces[wire_random_below(&random, 14)]));
    struct span text = bytes.size == 0 ? span_text("") : wire_writer_span(&bytes);
    struct line line = line_parse(text);
    if (line.kind == LINE_CALL) {
        ck_assert(wire_kv_key_ok(line.call.key));
        if (line.call.op == WIRE_KV_PUT || line.call.op == WIRE_KV_SWAP)
            ck_assert(wire_kv_value_ok(line.call.value));
    }
    wire_writer_free(&bytes);
}
END_TEST

TCase *line_case(void)
{
    TCase *tcase = tcase_create("line");
    tcase_set_timeout(tcase, 60);
    tcase_add_loop_test(tcase, test_line_is_what_the_contract_says, 0,
                        (int)(sizeof LINES / sizeof LINES[0]));
    tcase_add_test(tcase, test_line_with_a_nul_is_an_error);
    tcase_add_test(tcase, test_line_limits_are_exact);
    tcase_add_test(tcase, test_line_takes_any_number_of_blanks);
    tcase_add_loop_test(tcase, test_line_reader_does_not_care_how_bytes_arrive, 0, 50);
    tcase_add_loop_test(tcase, test_line_calls_are_always_legal, 0, 300);
    return tcase;
}
