/* What a person is told: the call that cannot be placed, what would have been right, who else. */
#include <stdlib.h>
#include <string.h>

#include "tests/unit/check/build.h"
#include "tests/unit/check/generate.h"
#include "tests/unit/check/suites.h"

/* What is told about the history `lines` must contain `part`. */
static void assert_told(const char *lines, const char *part)
{
    char *text = explanation_of(lines);
    ck_assert_msg(strstr(text, part) != NULL, "no \"%s\" in:\n%s", part, text);
    free(text);
}

#define STALE                                                                                      \
    "1 1000 2000 PUT k =a ok not_found\n"                                                          \
    "1 3000 4000 PUT k =b ok found\n"                                                              \
    "2 5000 6000 GET k - ok =a\n"                                                                  \
    "2 7000 8000 GET k - ok =b\n"

START_TEST(test_explanation_names_key_and_call)
{
    assert_told(STALE, "NOT linearizable: key \"k\", 4 calls");
    assert_told(STALE, "The first 2 of 4 answers can be explained");
    assert_told(STALE, "\n  client 2: GET -> \"a\"\n");
}
END_TEST

START_TEST(test_explanation_tells_possible_values)
{
    assert_told(STALE, "can only have held: \"b\"\n");
    assert_told("1 10 20 PUT k =a ok not_found\n"
                "3 12 - DELETE k - unknown -\n"
                "1 30 60 PUT k =b ok found\n"
                "2 40 50 GET k - ok =c\n",
                "can only have held: none, \"b\", \"a\"\n");
    assert_told("1 10 20 PUT k =a ok not_found\n"
                "1 30 40 PUT k =b ok not_found\n",
                "can only have held: some value\n");
    assert_told("1 10 20 DELETE k - ok found\n", "can only have held: none\n");
}
END_TEST

START_TEST(test_explanation_tells_of_value_never_written)
{
    assert_told("2 40 50 GET k - ok =c\n", "No call ever wrote that value.");
}
END_TEST

START_TEST(test_explanation_shows_prefix_and_timeline)
{
    assert_told(STALE, "Up to then an order of 2 calls explains all answers:\n"
                       "         1. client 1: PUT \"a\" -> not_found\n"
                       "         2. client 1: PUT \"b\" -> found\n");
    assert_told(STALE, "\n>        2         0.000         1.000 |");
    assert_told(STALE, "\n         1        -2.000        -1.000 |");
}
END_TEST

START_TEST(test_explanation_shows_scan_as_read_of_the_key)
{
    assert_told("1 10 20 PUT k =a ok not_found\n"
                "2 30 40 SCAN a =z ok -\n",
                "client 2: SCAN \"a\" \"z\" -> at \"k\" none\n");
}
END_TEST

START_TEST(test_explanation_names_pairs_out_of_place)
{
    assert_told("2 30 40 SCAN b =y ok =a,1,c,2,c,3\n", "pair 1: key \"a\" is outside the range");
    assert_told("2 30 40 SCAN b =y ok =a,1,c,2,c,3\n", "pair 3: key \"c\" is not after");
}
END_TEST

START_TEST(test_explanation_counts_further_keys)
{
    assert_told("1 10 20 GET k - ok =a\n"
                "1 10 20 GET m - ok =a\n",
                "2 keys violate linearizability in all");
}
END_TEST

START_TEST(test_explanation_of_good_history_is_one_line)
{
    assert_told("1 10 20 GET k - ok -\n", "linearizable: 1 calls on 1 keys");
}
END_TEST

START_TEST(test_explanation_survives_any_violation)
{
    struct generator generator = {.seed = 8, .time_step_max = 8};
    for (unsigned i = 0; i < 500; i++) {
        generator.call_count = 1 + i % 20;
        generator.unknown_percent = i % 60;
        struct history *history = generate_arbitrary(&generator);
        struct check_result result;
        char *text = NULL;
        size_t size = 0;
        FILE *out = open_memstream(&text, &size);
        check_history(history, NULL, &result);
        check_explain(history, NULL, &result, out);
        fclose(out);
        ck_assert_uint_gt(size, 0);
        ck_assert_ptr_null(strstr(text, "held: \n"));
        free(text);
        history_free(&history);
    }
}
END_TEST

Suite *explain_suite(void)
{
    Suite *suite = suite_create("explain");
    TCase *tcase = tcase_create("explain");
    tcase_add_test(tcase, test_explanation_names_key_and_call);
    tcase_add_test(tcase, test_explanation_tells_possible_values);
    tcase_add_test(tcase, test_explanation_tells_of_value_never_written);
    tcase_add_test(tcase, test_explanation_shows_prefix_and_timeline);
    tcase_add_test(tcase, test_explanation_shows_scan_as_read_of_the_key);
    tcase_add_test(tcase, test_explanation_names_pairs_out_of_place);
    tcase_add_test(tcase, test_explanation_counts_further_keys);
    tcase_add_test(tcase, test_explanation_of_good_history_is_one_line);
    tcase_add_test(tcase, test_explanation_survives_any_violation);
    suite_add_tcase(suite, tcase);
    return suite;
}
