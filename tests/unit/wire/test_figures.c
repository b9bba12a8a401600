#include "tests/unit/wire/suites.h"
#include "wire/figures.h"

START_TEST(test_figures_round_trip_in_order)
{
    struct wire_writer out = {0};
    struct wire_figure figure;
    wire_figure_number(&out, "kv.records", 0);
    wire_figure_text(&out, "replica.role", "leading");
    wire_figure_number(&out, "log.commit_us_p99", UINT64_MAX);
    wire_figure_text(&out, "empty", "");
    struct wire_reader in = wire_reader_of(wire_writer_span(&out));
    ck_assert(wire_figure_next(&in, &figure));
    ck_assert(span_equal(figure.name, span_text("kv.records")) && !figure.is_text);
    ck_assert_uint_eq(figure.number, 0);
    ck_assert(wire_figure_next(&in, &figure));
    ck_assert(figure.is_text && span_equal(figure.text, span_text("leading")));
    ck_assert(wire_figure_next(&in, &figure));
    ck_assert_uint_eq(figure.number, UINT64_MAX);
    ck_assert(wire_figure_next(&in, &figure));
    ck_assert(figure.is_text && figure.text.size == 0);
    ck_assert(!wire_figure_next(&in, &figure));
    ck_assert_int_eq(wire_read_end(&in), WIRE_OK);
    wire_writer_free(&out);
}
END_TEST

START_TEST(test_figures_with_a_long_name_or_text_are_refused)
{
    struct wire_figure figure;
    char text[WIRE_FIGURE_TEXT_MAX + 2];
    memset(text, 'x', sizeof text);
    text[WIRE_FIGURE_TEXT_MAX + 1] = '\0';
    struct wire_writer out = {0};
    wire_figure_text(&out, "name", text);
    struct wire_reader in = wire_reader_of(wire_writer_span(&out));
    ck_assert(!wire_figure_next(&in, &figure) && in.bad);
    text[WIRE_FIGURE_NAME_MAX + 1] = '\0';
    wire_writer_clear(&out);
    wire_figure_number(&out, text, 1);
    in = wire_reader_of(wire_writer_span(&out));
    ck_assert(!wire_figure_next(&in, &figure) && in.bad);
    wire_writer_free(&out);
}
END_TEST

START_TEST(test_event_text_is_read_from_its_beginning_to_its_end)
{
    static const char texts[] = "%%b at %n%"; /* the event's begins behind the first byte */
    struct wire_figure_event event = {.kind = "word", .text = texts + 1, .detail = 5};
    event.ballot = (struct wire_ballot){.round = 7, .replica = 2};
    struct wire_writer out = {0};
    struct wire_figure figure;
    wire_figure_event(&out, "x", 1, &event);
    event.text = texts + 2; /* a percent sign stands before it, and is none of it */
    wire_figure_event(&out, "x", 2, &event);
    struct wire_reader in = wire_reader_of(wire_writer_span(&out));
    ck_assert(wire_figure_next(&in, &figure));
    ck_assert(span_equal(figure.text, span_text("0 word 7.2 at 5%")));
    ck_assert(wire_figure_next(&in, &figure));
    ck_assert(span_equal(figure.text, span_text("0 word b at 5%")));
    wire_writer_free(&out);
}
END_TEST

Suite *figures_suite(void)
{
    Suite *suite = suite_create("figures");
    TCase *tests = tcase_create("figures");
    tcase_add_test(tests, test_figures_round_trip_in_order);
    tcase_add_test(tests, test_figures_with_a_long_name_or_text_are_refused);
    tcase_add_test(tests, test_event_text_is_read_from_its_beginning_to_its_end);
    suite_add_tcase(suite, tests);
    return suite;
}
