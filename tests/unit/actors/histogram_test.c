#include <stdlib.h>

#include <stdio.h>

#include "tests/unit/actors/suites.h"
#include "wire/figures.h"
#include "wire/histogram.h"

START_TEST(test_histogram_of_nothing_is_zero)
{
    static struct wire_histogram h;
    ck_assert_uint_eq(wire_histogram_percentile(&h, 0.5), 0);
    ck_assert_uint_eq(wire_histogram_percentile(&h, 1), 0);
}
END_TEST

START_TEST(test_histogram_percentile_is_at_most_a_32nd_above_the_truth)
{
    for (uint64_t value = 1; value < (uint64_t)1 << 39; value = value * 9 / 8 + 1) {
        struct wire_histogram *h = calloc(1, sizeof *h);
        wire_histogram_add(h, (wire_time)value);
        wire_histogram_add(h, (wire_time)value * 2);
        uint64_t got = wire_histogram_percentile(h, 0.5);
        ck_assert_uint_ge(got, value);
        ck_assert_uint_le(got, value + value / 32);
        ck_assert_uint_eq(wire_histogram_percentile(h, 1), value * 2);
        free(h);
    }
}
END_TEST

START_TEST(test_histogram_ranks_count_values)
{
    static struct wire_histogram h;
    for (int i = 1; i <= 100; i++)
        wire_histogram_add(&h, i <= 98 ? 10 : 30);
    ck_assert_uint_eq(wire_histogram_percentile(&h, 0), 10);
    ck_assert_uint_eq(wire_histogram_percentile(&h, 0.98), 10);
    ck_assert_uint_eq(wire_histogram_percentile(&h, 0.99), 30);
    ck_assert_uint_eq(h.sum, 98 * 10 + 2 * 30);
}
END_TEST

START_TEST(test_histogram_takes_absurd_values)
{
    static struct wire_histogram h;
    wire_histogram_add(&h, -5);
    wire_histogram_add(&h, INT64_MAX);
    ck_assert_uint_eq(h.count, 2);
    ck_assert_uint_eq(wire_histogram_percentile(&h, 0.5), 0);
    ck_assert_uint_eq(h.max, ((uint64_t)1 << WIRE_HISTOGRAM_VALUE_BITS) - 1);
}
END_TEST

START_TEST(test_histogram_merge_is_exact)
{
    static struct wire_histogram one, other, all;
    uint64_t x = 88172645463325252u;
    for (int i = 0; i < 10000; i++) {
        x ^= x << 13, x ^= x >> 7, x ^= x << 17;
        wire_time value = (wire_time)(x >> (24 + x % 40));
        wire_histogram_add(i % 3 == 0 ? &one : &other, value);
        wire_histogram_add(&all, value);
    }
    wire_histogram_merge(&one, &other);
    ck_assert_mem_eq(&one, &all, sizeof all);
}
END_TEST

/* The text of NAME_buckets of the histogram. */
static void assert_buckets(const struct wire_histogram *h, const char *text)
{
    struct wire_writer out = {0};
    struct wire_figure figure;
    wire_histogram_figures(h, "x_us", &out);
    struct wire_reader in = wire_reader_of(wire_writer_span(&out));
    while (wire_figure_next(&in, &figure) && !figure.is_text)
        continue;
    ck_assert(span_equal(figure.name, span_text("x_us_buckets")));
    ck_assert_msg(span_equal(figure.text, span_text(text)), "%.*s", (int)figure.text.size,
                  (const char *)figure.text.data);
    ck_assert(!wire_figure_next(&in, &figure) && !in.bad);
    wire_writer_free(&out);
}

START_TEST(test_histogram_shows_its_buckets_four_to_a_power_of_two)
{
    static struct wire_histogram h;
    wire_histogram_add(&h, 31);
    wire_histogram_add(&h, 32);
    wire_histogram_add(&h, 39);
    wire_histogram_add(&h, 1000);
    assert_buckets(&h, "31:1,39:2,1023:1");
}
END_TEST

START_TEST(test_histogram_shows_coarser_buckets_if_they_are_many)
{
    static struct wire_histogram h;
    struct wire_writer text = {0};
    for (int bit = 0; bit < 35; bit++) {
        for (wire_time part = 0; part < 4; part++)
            wire_histogram_add(&h, ((wire_time)32 << bit) + ((wire_time)8 << bit) * part);
        char piece[48];
        snprintf(piece, sizeof piece, "%s%llu:4", bit == 0 ? "" : ",", (64ULL << bit) - 1);
        wire_write_raw(&text, span_text(piece));
    }
    wire_write_raw(&text, span_of("", 1));
    assert_buckets(&h, (const char *)text.data);
    wire_writer_free(&text);
}
END_TEST

START_TEST(test_histogram_shows_its_figures)
{
    static struct wire_histogram h;
    struct wire_writer out = {0};
    wire_histogram_add(&h, 7);
    wire_histogram_figures(&h, "x_us", &out);
    const char *names[] = {"x_us_p50", "x_us_p99", "x_us_max", "x_us_count", "x_us_sum"};
    struct wire_reader in = wire_reader_of(wire_writer_span(&out));
    struct wire_figure figure;
    for (int i = 0; i < 5; i++) {
        ck_assert(wire_figure_next(&in, &figure));
        ck_assert(span_equal(figure.name, span_text(names[i])));
        ck_assert_uint_eq(figure.number, i == 3 ? 1 : 7);
    }
    ck_assert(wire_figure_next(&in, &figure) && figure.is_text);
    ck_assert(!wire_figure_next(&in, &figure) && !in.bad);
    wire_writer_free(&out);
}
END_TEST

Suite *histogram_suite(void)
{
    Suite *suite = suite_create("histogram");
    TCase *tests = tcase_create("all");
    tcase_add_test(tests, test_histogram_of_nothing_is_zero);
    tcase_add_test(tests, test_histogram_percentile_is_at_most_a_32nd_above_the_truth);
    tcase_add_test(tests, test_histogram_ranks_count_values);
    tcase_add_test(tests, test_histogram_takes_absurd_values);
    tcase_add_test(tests, test_histogram_merge_is_exact);
    tcase_add_test(tests, test_histogram_shows_its_figures);
    tcase_add_test(tests, test_histogram_shows_its_buckets_four_to_a_power_of_two);
    tcase_add_test(tests, test_histogram_shows_coarser_buckets_if_they_are_many);
    suite_add_tcase(suite, tests);
    return suite;
}
