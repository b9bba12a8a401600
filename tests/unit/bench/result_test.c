/* Counting, merging and showing. */
#include <stdlib.h>

#include "tests/unit/bench/suites.h"
#include "wire/random.h"
#include "tools/bench/result.h"

static const struct bench_about about = {
    .workload = "a \"b\"\\\n", .clients = 3, .records = 1000, .value_bytes = 100};

/* What `print` writes; to be freed. */
static char *printed(void (*print)(const struct bench_result *, const struct bench_about *, FILE *),
                     const struct bench_result *result)
{
    char *text;
    size_t size;
    FILE *file = open_memstream(&text, &size);
    print(result, &about, file);
    fclose(file);
    return text;
}

static int ascending(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a;
    uint64_t y = *(const uint64_t *)b;
    return x < y ? -1 : x > y;
}

START_TEST(test_merged_results_are_those_of_all_values)
{
    enum { VALUES = 10000, PARTS = 7 };
    static struct bench_result parts[PARTS], merged, whole;
    static uint64_t values[VALUES];
    struct wire_random random = {1};
    for (int i = 0; i < VALUES; i++) {
        values[i] = wire_random_below(&random, UINT64_C(1) << (4 + i % 20));
        bench_tally_add(&whole.kinds[YCSB_SCAN], (wire_time)values[i]);
        bench_tally_add(&parts[i % PARTS].kinds[YCSB_SCAN], (wire_time)values[i]);
    }
    for (int i = 0; i < PARTS; i++)
        bench_result_merge(&merged, &parts[i]);
    const struct bench_tally *got = &merged.kinds[YCSB_SCAN];
    ck_assert_mem_eq(got, &whole.kinds[YCSB_SCAN], sizeof *got);
    qsort(values, VALUES, sizeof *values, ascending);
    ck_assert_uint_eq(got->min, values[0]);
    ck_assert_uint_eq(got->latency.max, values[VALUES - 1]);
    const double shares[] = {0.5, 0.9, 0.99, 0.999};
    for (size_t i = 0; i < sizeof shares / sizeof shares[0]; i++) {
        uint64_t exact = values[(size_t)(shares[i] * VALUES) - 1];
        uint64_t shown = wire_histogram_percentile(&got->latency, shares[i]);
        ck_assert(shown >= exact && shown <= exact + exact / 32 + 1);
    }
}
END_TEST

START_TEST(test_merging_keeps_the_rest)
{
    static struct bench_result a, b;
    a.elapsed = 5;
    b.elapsed = 7;
    a.kinds[YCSB_READ].errors = 1;
    b.kinds[YCSB_READ].errors = 2;
    b.kinds[YCSB_READ].missing = 3;
    b.retries = b.unstarted = b.unanswered = 4;
    b.cpu = 6;
    b.partial = true;
    bench_result_merge(&a, &b);
    ck_assert_int_eq(a.elapsed, 7);
    ck_assert_uint_eq(a.kinds[YCSB_READ].errors, 3);
    ck_assert_uint_eq(a.kinds[YCSB_READ].missing, 3);
    ck_assert_uint_eq(a.retries, 4);
    ck_assert_uint_eq(a.unstarted, 4);
    ck_assert_uint_eq(a.unanswered, 4);
    ck_assert_int_eq(a.cpu, 6);
    ck_assert(a.partial);
}
END_TEST

static void fill(struct bench_result *result)
{
    *result = (struct bench_result){.elapsed = 2 * WIRE_SECOND, .retries = 5, .cpu = 40};
    for (int i = 1; i <= 4; i++)
        bench_tally_add(&result->kinds[YCSB_READ], i * 10);
    result->kinds[YCSB_UPDATE].errors = 1;
}

START_TEST(test_json_is_one_line_of_all_figures)
{
    static struct bench_result result;
    fill(&result);
    char *text = printed(bench_result_print_json, &result);
    ck_assert_str_eq(
        text, "{\"workload\":\"a \\\"b\\\"\\\\\\u000a\",\"clients\":3,\"records\":1000,"
              "\"value_size\":100,\"seconds\":2.000,"
              "\"tput\":2.0,\"ops\":4,\"avg_us\":25,\"min_us\":10,\"p50_us\":20,\"p99_us\":40,"
              "\"p999_us\":40,\"max_us\":40,\"errors\":1,\"missing\":0,"
              "\"retries\":5,\"unstarted\":0,\"unanswered\":0,\"client_cpu_us_per_op\":10.0,"
              "\"partial\":false,\"by_op\":{"
              "\"READ\":{\"tput\":2.0,\"ops\":4,\"avg_us\":25,\"min_us\":10,\"p50_us\":20,"
              "\"p99_us\":40,\"p999_us\":40,\"max_us\":40,\"errors\":0,\"missing\":0},"
              "\"UPDATE\":{\"tput\":0.0,\"ops\":0,\"avg_us\":0,\"min_us\":0,\"p50_us\":0,"
              "\"p99_us\":0,\"p999_us\":0,\"max_us\":0,\"errors\":1,\"missing\":0}}}\n");
    free(text);
}
END_TEST

START_TEST(test_json_of_nothing_is_whole)
{
    static struct bench_result result;
    result.partial = true;
    char *text = printed(bench_result_print_json, &result);
    ck_assert_ptr_nonnull(strstr(text, "\"tput\":0.0,"));
    ck_assert_ptr_nonnull(strstr(text, "\"partial\":true,\"by_op\":{}}\n"));
    free(text);
}
END_TEST

START_TEST(test_text_names_what_went_wrong)
{
    static struct bench_result result;
    fill(&result);
    char *text = printed(bench_result_print, &result);
    ck_assert_ptr_nonnull(strstr(text, "Throughput:  2 ops/sec\n"));
    ck_assert_ptr_nonnull(strstr(text, "ops 4  avg 25  min 10  max 40  p50 20  p99 40"));
    ck_assert_ptr_nonnull(strstr(text, "Errors:  1   Retries:  5\n"));
    ck_assert_ptr_null(strstr(text, "PARTIAL"));
    free(text);
    result.partial = true;
    result.unanswered = 8;
    text = printed(bench_result_print, &result);
    ck_assert_ptr_nonnull(strstr(text, "PARTIAL: the run ended early, with 8 operations"));
    free(text);
}
END_TEST

START_TEST(test_histogram_file_adds_up)
{
    static struct bench_result result;
    fill(&result);
    bench_tally_add(&result.kinds[YCSB_READ], 65);
    bench_tally_add(&result.kinds[YCSB_READ], 64);
    char *text;
    size_t size;
    FILE *file = open_memstream(&text, &size);
    bench_result_print_histogram(&result, file);
    fclose(file);
    ck_assert_str_eq(text, "# madkv-histogram 1\n# operation, microseconds at most, count\n"
                           "READ 10 1\nREAD 20 1\nREAD 30 1\nREAD 40 1\nREAD 65 2\n");
    free(text);
}
END_TEST

/* A phase in the layout that scripts parse. */
static void check_phase(const struct bench_result *result, const char *expected)
{
    char *text;
    size_t size;
    FILE *file = open_memstream(&text, &size);
    bench_result_print_phase(result, "Run", file);
    fclose(file);
    ck_assert_str_eq(text, expected);
    free(text);
}

START_TEST(test_phase_counts_calls_and_operations)
{
    static struct bench_result result;
    fill(&result);
    bench_tally_add(&result.kinds[YCSB_READ_MODIFY_WRITE], 30);
    bench_tally_add(&result.first, 5);
    bench_tally_add(&result.second, 25);
    result.kinds[YCSB_UPDATE].errors = 0;
    check_phase(&result, "  [Run]  2000 ms\n"
                         "    Throughput:  2.50 ops/sec\n"
                         "    Latency:    UPDATE  ops 1  avg 25  min 25  max 25  p99 25  us\n"
                         "                READ  ops 5  avg 21  min 5  max 40  p99 40  us\n");
}
END_TEST

START_TEST(test_partial_phase_says_so)
{
    static struct bench_result result;
    fill(&result);
    result.partial = true;
    result.unanswered = 3;
    check_phase(&result, "  [Run]  2000 ms\n"
                         "    Throughput:  2.00 ops/sec\n"
                         "    Latency:    READ  ops 4  avg 25  min 10  max 40  p99 40  us\n"
                         "    ERRORS: 1 calls failed\n"
                         "    PARTIAL: the phase ended early, with 3 calls unanswered\n");
}
END_TEST

Suite *result_suite(void)
{
    Suite *suite = suite_create("result");
    TCase *tests = tcase_create("result");
    tcase_add_test(tests, test_merged_results_are_those_of_all_values);
    tcase_add_test(tests, test_merging_keeps_the_rest);
    tcase_add_test(tests, test_json_is_one_line_of_all_figures);
    tcase_add_test(tests, test_json_of_nothing_is_whole);
    tcase_add_test(tests, test_text_names_what_went_wrong);
    tcase_add_test(tests, test_histogram_file_adds_up);
    tcase_add_test(tests, test_phase_counts_calls_and_operations);
    tcase_add_test(tests, test_partial_phase_says_so);
    suite_add_tcase(suite, tests);
    return suite;
}
