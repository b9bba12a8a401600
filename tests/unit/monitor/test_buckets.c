#include <stdio.h>

#include "tests/unit/monitor/suites.h"
#include "tools/monitor/buckets.h"
#include "tools/monitor/words.h"

static struct buckets buckets;

static void begin(void)
{
    buckets = (struct buckets){0};
}

static bool add(const char *text, int times)
{
    return buckets_add(&buckets, span_text(text), times);
}

START_TEST(test_buckets_of_nothing_know_no_percentile)
{
    ck_assert(add("", 1));
    ck_assert(!buckets_percentile(&buckets, 0.5).known);
    ck_assert_uint_eq(buckets_total(&buckets), 0);
}
END_TEST

START_TEST(test_buckets_percentiles_are_ends_of_buckets)
{
    ck_assert(add("31:50,40:49,1000:1", 1));
    ck_assert_uint_eq(buckets_percentile(&buckets, 0.50).value, 31);
    ck_assert_uint_eq(buckets_percentile(&buckets, 0.51).value, 40);
    ck_assert_uint_eq(buckets_percentile(&buckets, 0.99).value, 40);
    ck_assert_uint_eq(buckets_percentile(&buckets, 1).value, 1000);
    ck_assert_uint_eq(buckets_between(&buckets, 0, 32), 50);
    ck_assert_uint_eq(buckets_between(&buckets, 32, 1000), 49);
    ck_assert_uint_eq(buckets_between(&buckets, 32, 1001), 50);
}
END_TEST

START_TEST(test_buckets_of_a_span_are_a_difference)
{
    ck_assert(add("31:60,40:40,90:5", 1));
    ck_assert(add("31:60,40:10", -1));
    ck_assert_uint_eq(buckets_total(&buckets), 35);
    ck_assert_uint_eq(buckets_percentile(&buckets, 0.01).value, 40);
    ck_assert(add("15:100", 1)); /* of another replica, in any order */
    ck_assert_uint_eq(buckets_percentile(&buckets, 0.01).value, 15);
}
END_TEST

START_TEST(test_buckets_take_no_nonsense)
{
    static const char *const bad[] = {
        "x", "1", "1:", "1:2,", ":1", "1:2;3:4", "-1:2", "1: 2", "99999999999999999999:1"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        begin();
        ck_assert_msg(!add(bad[i], 1), "%s", bad[i]);
    }
    char many[4096] = "";
    for (int i = 0; i < BUCKETS_MAX + 1; i++)
        snprintf(many + strlen(many), sizeof many - strlen(many), "%s%d:1", i == 0 ? "" : ",", i);
    begin();
    ck_assert(!add(many, 1));
}
END_TEST

START_TEST(test_words_are_short)
{
    char text[WORDS_BYTES];
    struct picture_number number = {.known = true, .value = 1234567};
    ck_assert_str_eq(words_count(text, 7, number), "1234567");
    ck_assert_str_eq(words_count(text, 6, number), "1234k");
    ck_assert_str_eq(words_count(text, 6, (struct picture_number){0}), "-");
    ck_assert_str_eq(words_bytes(text, number), "1.2 MB");
    ck_assert_str_eq(words_us(text, number), "1.2 s");
    ck_assert_str_eq(words_age(text, 59999), "59s");
    ck_assert_str_eq(words_age(text, 61000), "1m01s");
    ck_assert_str_eq(words_age(text, 3600000 * 25ULL), "1d1h");
    ck_assert_str_eq(words_rate(text, 0), "0");
    ck_assert_str_eq(words_rate(text, 0.44), "0.4");
    ck_assert_str_eq(words_rate(text, 9999), "9999");
    ck_assert_str_eq(words_rate(text, 12345678), "12M");
    ck_assert_str_eq(words_rate(text, 1e30), "1000000000000E");
    ck_assert_str_eq(words_safe(text, sizeof text, span_text("a\033[31m\n\x80")), "a?[31m??");
}
END_TEST

Suite *buckets_suite(void)
{
    Suite *suite = suite_create("monitor buckets");
    TCase *tests = tcase_create("buckets");
    tcase_add_checked_fixture(tests, begin, NULL);
    tcase_add_test(tests, test_buckets_of_nothing_know_no_percentile);
    tcase_add_test(tests, test_buckets_percentiles_are_ends_of_buckets);
    tcase_add_test(tests, test_buckets_of_a_span_are_a_difference);
    tcase_add_test(tests, test_buckets_take_no_nonsense);
    tcase_add_test(tests, test_words_are_short);
    suite_add_tcase(suite, tests);
    return suite;
}
