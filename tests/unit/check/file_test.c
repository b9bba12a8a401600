/* The file format: what is written is read back, and what is no history is refused with a reason.
 */
#include <stdlib.h>
#include <string.h>

#include "tests/unit/check/build.h"
#include "tests/unit/check/generate.h"
#include "tests/unit/check/suites.h"

#define HEADER "# madkv-history 1\n"

static char *written(const struct history *history, size_t *size)
{
    char *text = NULL;
    FILE *out = open_memstream(&text, size);
    history_write(history, out);
    ck_assert_int_eq(fclose(out), 0);
    return text;
}

/* Reading `text` must fail at `line`, saying something that contains `reason`. */
static void assert_refused_bytes(const char *text, size_t size, size_t line, const char *reason)
{
    struct history *history = history_new();
    struct history_error error;
    ck_assert(!read_text(history, text, size, &error));
    ck_assert_uint_eq(error.line, line);
    ck_assert_msg(strstr(error.message, reason) != NULL, "\"%s\" lacks \"%s\"", error.message,
                  reason);
    ck_assert_ptr_null(strchr(error.message, '\n'));
    history_free(&history);
}

static void assert_refused(const char *text, size_t line, const char *reason)
{
    assert_refused_bytes(text, strlen(text), line, reason);
}

START_TEST(test_history_reads_back_what_it_wrote)
{
    struct generator generator = {
        .seed = 3,
        .call_count = 300,
        .client_count = 5,
        .key_count = 6,
        .unknown_percent = 5,
        .scan_percent = 20,
        .time_step_max = 1000,
    };
    struct history *history = generate_linearizable(&generator);
    struct history *copy = history_new();
    struct history_error error;
    size_t size;
    size_t copy_size;
    char *text = written(history, &size);
    ck_assert_msg(read_text(copy, text, size, &error), "%s", error.message);
    char *copy_text = written(copy, &copy_size);
    ck_assert_uint_eq(size, copy_size);
    ck_assert_mem_eq(text, copy_text, size);
    free(text);
    free(copy_text);
    history_free(&history);
    history_free(&copy);
}
END_TEST

START_TEST(test_history_keeps_odd_bytes_apart)
{
    static const char text[] = HEADER "1\t10\t20\tPUT\t-\t==\tok\tnot_found\n"
                                      "1\t30\t40\tSWAP\t-\t=-\tok\t==\n"
                                      "1\t50\t60\tGET\t-\t-\tok\t=-\n"
                                      "1\t70\t-\tPUT\t#=%\"\\\t=\x7f\x80\xff\tunknown\t-\n"
                                      "1\t80\t90\tSCAN\t!\t=~\tok\t=- -\n";
    struct history *history = history_new();
    struct history_error error;
    size_t size;
    ck_assert_msg(read_text(history, text, sizeof(text) - 1, &error), "%s", error.message);
    ck_assert_int_eq(check_history(history, NULL, NULL), CHECK_LINEARIZABLE);
    char *copy = written(history, &size);
    ck_assert_str_eq(copy, text);
    free(copy);
    history_free(&history);
}
END_TEST

START_TEST(test_history_skips_comments)
{
    struct history *history = history_new();
    struct history_error error;
    static const char text[] = HEADER "# seed 17\n1\t10\t20\tGET\tk\t-\tok\t-\n#\n";
    ck_assert(read_text(history, text, sizeof(text) - 1, &error));
    ck_assert_uint_eq(history_count(history), 1);
    history_free(&history);
}
END_TEST

START_TEST(test_history_refuses_wrong_header)
{
    assert_refused("", 0, "empty");
    assert_refused("# madkv-history 2\n", 1, "expected \"# madkv-history 1\"");
    assert_refused("1\t10\t20\tGET\tk\t-\tok\t-\n", 1, "begins with");
}
END_TEST

START_TEST(test_history_refuses_cut_line)
{
    assert_refused(HEADER "1\t10\t20\tGET\tk\t-\tok\t=abc", 2, "cut short");
    assert_refused("# madkv-history 1", 1, "cut short");
}
END_TEST

START_TEST(test_history_refuses_wrong_number_of_fields)
{
    assert_refused(HEADER "\n", 2, "fewer than 8");
    assert_refused(HEADER "# ok\n1\t10\t20\tGET\tk\t-\tok\n", 3, "fewer than 8");
    assert_refused(HEADER "1\t10\t20\tGET\tk\t-\tok\t-\t\n", 2, "more than 8");
    assert_refused(HEADER "1 10 20 GET k - ok -\n", 2, "fewer than 8");
}
END_TEST

START_TEST(test_history_refuses_wrong_words_and_numbers)
{
    assert_refused(HEADER "x\t10\t20\tGET\tk\t-\tok\t-\n", 2, "client is \"x\"");
    assert_refused(HEADER "1\t-1\t20\tGET\tk\t-\tok\t-\n", 2, "invoke_ns is \"-1\"");
    assert_refused(HEADER "1\t\t20\tGET\tk\t-\tok\t-\n", 2, "invoke_ns is \"\"");
    assert_refused(HEADER "1\t18446744073709551616\t20\tGET\tk\t-\tok\t-\n", 2, "invoke_ns");
    assert_refused(HEADER "1\t10\t-\tGET\tk\t-\tok\t-\n", 2, "return_ns is \"-\"");
    assert_refused(HEADER "1\t10\t9\tGET\tk\t-\tok\t-\n", 2, "not before invoke_ns");
    assert_refused(HEADER "1\t10\t20\tGET\tk\t-\tunknown\t-\n", 2, "return_ns is \"20\"");
    assert_refused(HEADER "1\t10\t20\tget\tk\t-\tok\t-\n", 2, "op is \"get\"");
    assert_refused(HEADER "1\t10\t20\tGET\tk\t-\tmaybe\t-\n", 2, "outcome is \"maybe\"");
}
END_TEST

START_TEST(test_history_refuses_wrong_arguments_and_results)
{
    assert_refused(HEADER "1\t10\t20\tGET\t\t-\tok\t-\n", 2, "key is \"\"");
    assert_refused(HEADER "1\t10\t20\tGET\ta b\t-\tok\t-\n", 2, "key is \"a b\"");
    assert_refused(HEADER "1\t10\t20\tGET\tk\t=v\tok\t-\n", 2, "argument is \"=v\"");
    assert_refused(HEADER "1\t10\t20\tPUT\tk\t-\tok\tfound\n", 2, "argument is \"-\"");
    assert_refused(HEADER "1\t10\t20\tPUT\tk\tv\tok\tfound\n", 2, "argument is \"v\"");
    assert_refused(HEADER "1\t10\t20\tPUT\tk\t=\tok\tfound\n", 2, "argument is \"=\"");
    assert_refused(HEADER "1\t10\t20\tSCAN\tk\t-\tok\t-\n", 2, "=last_key for SCAN");
    assert_refused(HEADER "1\t10\t20\tPUT\tk\t=v\tok\t-\n", 2, "result is \"-\"");
    assert_refused(HEADER "1\t10\t20\tGET\tk\t-\tok\tnull\n", 2, "result is \"null\"");
    assert_refused(HEADER "1\t10\t20\tGET\tk\t-\tok\t=v\r\n", 2, "result is \"=v\\x0d\"");
    assert_refused(HEADER "1\t10\t-\tPUT\tk\t=v\tfail\tfound\n", 2, "result is \"found\"");
    assert_refused(HEADER "1\t10\t20\tSCAN\ta\t=b\tok\t=a\n", 2, "result is \"=a\"");
    assert_refused(HEADER "1\t10\t20\tSCAN\ta\t=b\tok\t=a 1 \n", 2, "result is");
    assert_refused(HEADER "1\t10\t20\tSCAN\ta\t=b\tok\t=\n", 2, "result is \"=\"");
}
END_TEST

START_TEST(test_history_refuses_nul_and_cuts_long_text_in_message)
{
    static const char nul[] = HEADER "1\t10\t20\tGET\ta\0b\t-\tok\t-\n";
    assert_refused_bytes(nul, sizeof(nul) - 1, 2, "key is \"a\\x00b\"");
    static const char head[] = HEADER "1\t10\t20\t";
    char text[4096];
    memset(text, 'x', sizeof(text));
    memcpy(text, head, sizeof(head) - 1);
    strcpy(text + sizeof(text) - 20, "\tk\t-\tok\t-\n");
    assert_refused(text, 2, "xxx...\", expected PUT");
}
END_TEST

START_TEST(test_history_built_live_equals_appended_one)
{
    struct history *history = history_new();
    struct history_record put = {
        .client = 1,
        .invoke_ns = 10,
        .op = HISTORY_PUT,
        .key = history_text("k"),
        .argument = history_text("a"),
    };
    struct history_record get = {
        .client = 2, .invoke_ns = 12, .op = HISTORY_GET, .key = history_text("k")};
    size_t put_call = history_begin(history, &put);
    size_t get_call = history_begin(history, &get);
    ck_assert_int_eq(history_call(history, put_call)->outcome, HISTORY_UNKNOWN);
    get.outcome = HISTORY_OK;
    get.return_ns = 15;
    get.value = history_text("a");
    history_end(history, get_call, &get);
    ck_assert_int_eq(check_history(history, NULL, NULL), CHECK_LINEARIZABLE);
    put.outcome = HISTORY_FAIL;
    history_end(history, put_call, &put);
    ck_assert_int_eq(check_history(history, NULL, NULL), CHECK_VIOLATION);
    history_free(&history);
}
END_TEST

Suite *file_suite(void)
{
    Suite *suite = suite_create("file");
    TCase *tcase = tcase_create("file");
    tcase_add_test(tcase, test_history_reads_back_what_it_wrote);
    tcase_add_test(tcase, test_history_keeps_odd_bytes_apart);
    tcase_add_test(tcase, test_history_skips_comments);
    tcase_add_test(tcase, test_history_refuses_wrong_header);
    tcase_add_test(tcase, test_history_refuses_cut_line);
    tcase_add_test(tcase, test_history_refuses_wrong_number_of_fields);
    tcase_add_test(tcase, test_history_refuses_wrong_words_and_numbers);
    tcase_add_test(tcase, test_history_refuses_wrong_arguments_and_results);
    tcase_add_test(tcase, test_history_refuses_nul_and_cuts_long_text_in_message);
    tcase_add_test(tcase, test_history_built_live_equals_appended_one);
    suite_add_tcase(suite, tcase);
    return suite;
}
