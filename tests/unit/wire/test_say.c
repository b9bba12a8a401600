#include <errno.h>
#include <unistd.h>
#include "tests/unit/support/capture.h"
#include "tests/unit/wire/suites.h"
#include "wire/error.h"
#include "wire/say.h"

static void say_some(void *context)
{
    (void)context;
    wire_say("before %s", "a name");
    wire_say_as("madkv-server s%d.%d", 0, 1);
    errno = ENOENT;
    wire_say("errno is kept");
    if (errno == ENOENT)
        wire_say("a\nb\tc\x1b[2J\x7f d");
}

START_TEST(test_say_prints_one_clean_line_each)
{
    struct capture seen = capture_run(say_some, NULL);
    ck_assert_str_eq(seen.err, "madkv: before a name\n"
                               "madkv-server s0.1: errno is kept\n"
                               "madkv-server s0.1: a?b?c?[2J? d\n");
    ck_assert_str_eq(seen.out, "");
}
END_TEST

static void say_much(void *context)
{
    char text[5000];
    (void)context;
    memset(text, 'x', sizeof text);
    text[sizeof text - 1] = '\0';
    wire_say_as("%s", text);
    wire_say("%s", text);
}

START_TEST(test_say_cuts_long_lines)
{
    struct capture seen = capture_run(say_much, NULL);
    ck_assert_uint_le(strlen(seen.err), 1024);
    ck_assert_ptr_eq(strchr(seen.err, '\n'), seen.err + strlen(seen.err) - 1);
    ck_assert_ptr_eq(strchr(seen.err, ':'), seen.err + 63);
}
END_TEST

static void say_gated(void *context)
{
    struct wire_say_gate gate = {0};
    (void)context;
    for (wire_time now = 0; now < 3 * WIRE_SECOND; now += WIRE_SECOND / 10)
        wire_say_gated(&gate, now, "dropped at %d", (int)(now / WIRE_MS));
}

START_TEST(test_say_gate_lets_one_line_a_second_pass_and_counts_the_rest)
{
    struct capture seen = capture_run(say_gated, NULL);
    ck_assert_str_eq(seen.err, "madkv: dropped at 0\n"
                               "madkv: dropped at 1100 (and 10 like it before)\n"
                               "madkv: dropped at 2100 (and 9 like it before)\n");
}
END_TEST

static void say_die(void *context)
{
    (void)context;
    wire_say_die(WIRE_EXIT_STORAGE, "the disk is %s", "full");
}

START_TEST(test_say_die_ends_with_its_status)
{
    struct capture seen = capture_run(say_die, NULL);
    ck_assert_str_eq(seen.err, "madkv: the disk is full\n");
    ck_assert_int_eq(seen.status, WIRE_EXIT_STORAGE);
}
END_TEST

static void say_into_nothing(void *context)
{
    (void)context;
    close(STDERR_FILENO);
    wire_say("nobody hears");
}

START_TEST(test_say_survives_a_closed_stderr)
{
    ck_assert_int_eq(capture_run(say_into_nothing, NULL).status, 0);
}
END_TEST

Suite *say_suite(void)
{
    Suite *suite = suite_create("say");
    TCase *tests = tcase_create("say");
    tcase_add_test(tests, test_say_prints_one_clean_line_each);
    tcase_add_test(tests, test_say_cuts_long_lines);
    tcase_add_test(tests, test_say_gate_lets_one_line_a_second_pass_and_counts_the_rest);
    tcase_add_test(tests, test_say_die_ends_with_its_status);
    tcase_add_test(tests, test_say_survives_a_closed_stderr);
    suite_add_tcase(suite, tests);
    return suite;
}
