/* Workloads: the built-in ones, property files, and what is refused. */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "tests/unit/bench/suites.h"
#include "tools/bench/workload.h"

static enum wire_error of_text(const char *text, struct ycsb_workload *workload,
                               struct ycsb_problem *problem)
{
    struct ycsb_properties properties = {0};
    ycsb_properties_add(&properties, span_text(text));
    enum wire_error error = ycsb_workload_of(&properties, workload, problem);
    ycsb_properties_free(&properties);
    return error;
}

static void expect_refused(const char *text, const char *line)
{
    struct ycsb_problem problem = {{0}};
    struct ycsb_workload workload = {.record_count = 77};
    ck_assert_int_eq(of_text(text, &workload, &problem), WIRE_USAGE);
    ck_assert_str_eq(problem.text, line);
    ck_assert_uint_eq(workload.record_count, 77); /* untouched */
}

static struct ycsb_workload builtin(const char *letter)
{
    struct ycsb_workload workload;
    ck_assert_int_eq(ycsb_workload_builtin(letter, &workload), WIRE_OK);
    return workload;
}

START_TEST(test_workload_letters_have_ycsbs_mixes)
{
    const struct {
        const char *letter;
        double shares[YCSB_KIND_COUNT]; /* read, update, insert, scan, read-modify-write */
        enum ycsb_distribution request;
    } expected[] = {
        {"a", {0.5, 0.5, 0, 0, 0}, YCSB_ZIPFIAN},   {"b", {0.95, 0.05, 0, 0, 0}, YCSB_ZIPFIAN},
        {"c", {1, 0, 0, 0, 0}, YCSB_ZIPFIAN},       {"d", {0.95, 0, 0.05, 0, 0}, YCSB_LATEST},
        {"e", {0, 0, 0.05, 0.95, 0}, YCSB_ZIPFIAN}, {"f", {0.5, 0, 0, 0, 0.5}, YCSB_ZIPFIAN},
        {"w", {0, 1, 0, 0, 0}, YCSB_ZIPFIAN},
    };
    for (size_t i = 0; i < sizeof expected / sizeof expected[0]; i++) {
        struct ycsb_workload workload = builtin(expected[i].letter);
        for (int kind = 0; kind < YCSB_KIND_COUNT; kind++)
            ck_assert_double_eq(workload.shares[kind], expected[i].shares[kind]);
        ck_assert_int_eq(workload.request, expected[i].request);
        ck_assert_uint_eq(workload.record_count, 1000);
        ck_assert_uint_eq(ycsb_workload_record_bytes(&workload), 1000);
        ck_assert_uint_eq(ycsb_workload_update_bytes(&workload), 100);
    }
    ck_assert_uint_eq(builtin("E").scan_max, 100);
    ck_assert_uint_eq(builtin("e").scan_min, 1);
}
END_TEST

START_TEST(test_workload_no_other_letter_is_built_in)
{
    struct ycsb_workload workload;
    const char *letters[] = {"g", "", "aa", "A ", "/"};
    for (size_t i = 0; i < sizeof letters / sizeof letters[0]; i++)
        ck_assert_int_eq(ycsb_workload_builtin(letters[i], &workload), WIRE_NOT_FOUND);
}
END_TEST

START_TEST(test_workload_reads_ycsbs_own_file)
{
    struct ycsb_workload workload;
    struct ycsb_problem problem;
    ck_assert_int_eq(of_text("# Yahoo! Cloud System Benchmark\n"
                             "recordcount=2000\noperationcount=3000\n"
                             "workload=site.ycsb.workloads.CoreWorkload\n\n"
                             "readallfields=true\n\nreadproportion=0\nupdateproportion=0\n"
                             "scanproportion=0.95\ninsertproportion=0.05\n\n"
                             "requestdistribution=zipfian\n\nmaxscanlength=100\n\n"
                             "scanlengthdistribution=zipfian\nwriteallfields=true\n"
                             "fieldcount=4\nfieldlength=25\ninsertorder=ordered\nzeropadding=6\n",
                             &workload, &problem),
                     WIRE_OK);
    ck_assert_uint_eq(workload.record_count, 2000);
    ck_assert_uint_eq(workload.operation_count, 3000);
    ck_assert_int_eq(workload.scan_length, YCSB_ZIPFIAN);
    ck_assert_uint_eq(ycsb_workload_update_bytes(&workload), 100);
    char key[YCSB_KEY_BYTES];
    ck_assert_uint_eq(ycsb_workload_key(&workload, 42, key), 10);
    ck_assert_str_eq(key, "user000042");
}
END_TEST

START_TEST(test_workload_without_properties_has_ycsbs_defaults)
{
    struct ycsb_workload workload;
    struct ycsb_problem problem;
    ck_assert_int_eq(of_text("table=x", &workload, &problem), WIRE_OK);
    ck_assert_double_eq(workload.shares[YCSB_READ], 0.95);
    ck_assert_double_eq(workload.shares[YCSB_UPDATE], 0.05);
    ck_assert_int_eq(workload.request, YCSB_UNIFORM);
    ck_assert_uint_eq(workload.scan_max, 1000);
}
END_TEST

START_TEST(test_workload_bad_numbers_are_refused_with_one_line)
{
    expect_refused("recordcount=many",
                   "recordcount: given 'many', expected a number from 1 to 100000000");
    expect_refused("recordcount=0",
                   "recordcount: given '0', expected a number from 1 to 100000000");
    expect_refused("recordcount=-1",
                   "recordcount: given '-1', expected a number from 1 to 100000000");
    expect_refused("recordcount=", "recordcount: given '', expected a number from 1 to 100000000");
    expect_refused("operationcount=99999999999999999999",
                   "operationcount: given '99999999999999999999', expected a number from 0 to "
                   "9223372036854775807");
    expect_refused("maxscanlength=10\nminscanlength=11",
                   "minscanlength: given '11', expected a number from 1 to 10");
    expect_refused("fieldcount=1000\nfieldlength=2000",
                   "fieldlength: given '2000', expected a number from 1 to 1048");
    expect_refused("zeropadding=1\x01", "zeropadding: given '1?', expected a number from 0 to 40");
}
END_TEST

START_TEST(test_workload_bad_shares_are_refused)
{
    const char *shares[] = {"-0.1", "nan", "inf", "half", "0.5x", ""};
    for (size_t i = 0; i < sizeof shares / sizeof shares[0]; i++) {
        char text[64], line[128];
        snprintf(text, sizeof text, "scanproportion=%s", shares[i]);
        snprintf(line, sizeof line,
                 "scanproportion: given '%s', expected a number that is not negative", shares[i]);
        expect_refused(text, line);
    }
    expect_refused("readproportion=0\nupdateproportion=0",
                   "readproportion and the others: given '0', expected a sum above 0");
}
END_TEST

START_TEST(test_workload_unknown_words_are_refused)
{
    expect_refused("workload=site.ycsb.workloads.TimeSeriesWorkload",
                   "workload: given 'site.ycsb.workloads.TimeSeriesWorkload', expected "
                   "site.ycsb.workloads.CoreWorkload or com.yahoo.ycsb.workloads.CoreWorkload");
    expect_refused("requestdistribution=hotspot",
                   "requestdistribution: given 'hotspot', expected uniform or zipfian or latest");
    expect_refused("insertstart=5", "insertstart: given '5', expected a number from 0 to 0");
}
END_TEST

START_TEST(test_workload_first_problem_is_the_one_named)
{
    expect_refused("fieldcount=x\nreadproportion=y",
                   "readproportion: given 'y', expected a number that is not negative");
}
END_TEST

START_TEST(test_workload_is_found_by_letter_or_file)
{
    struct ycsb_workload workload;
    struct ycsb_problem problem;
    char path[] = "/tmp/workload-XXXXXX";
    int file = mkstemp(path);
    ck_assert_int_ge(file, 0);
    ck_assert_int_eq(ycsb_workload_find(path, &workload, &problem), WIRE_USAGE);
    ck_assert_str_eq(problem.text, "the file holds no property");
    static const char text[] = "recordcount=7\n";
    ck_assert_int_eq(write(file, text, sizeof text - 1), sizeof text - 1);
    close(file);
    ck_assert_int_eq(ycsb_workload_find(path, &workload, &problem), WIRE_OK);
    ck_assert_uint_eq(workload.record_count, 7);
    unlink(path);
    ck_assert_int_eq(ycsb_workload_find(path, &workload, &problem), WIRE_USAGE);
    ck_assert_str_eq(problem.text, "neither one of a b c d e f w nor a file that can be read "
                                   "(No such file or directory)");
    ck_assert_int_eq(ycsb_workload_find("/", &workload, &problem), WIRE_USAGE);
    ck_assert_int_eq(ycsb_workload_find("B", &workload, &problem), WIRE_OK);
}
END_TEST

Suite *workload_suite(void)
{
    Suite *suite = suite_create("workload");
    TCase *tests = tcase_create("workload");
    tcase_add_test(tests, test_workload_letters_have_ycsbs_mixes);
    tcase_add_test(tests, test_workload_no_other_letter_is_built_in);
    tcase_add_test(tests, test_workload_reads_ycsbs_own_file);
    tcase_add_test(tests, test_workload_without_properties_has_ycsbs_defaults);
    tcase_add_test(tests, test_workload_bad_numbers_are_refused_with_one_line);
    tcase_add_test(tests, test_workload_bad_shares_are_refused);
    tcase_add_test(tests, test_workload_unknown_words_are_refused);
    tcase_add_test(tests, test_workload_first_problem_is_the_one_named);
    tcase_add_test(tests, test_workload_is_found_by_letter_or_file);
    suite_add_tcase(suite, tests);
    return suite;
}
