#include <stdio.h>
#include "tests/unit/support/capture.h"
#include "tests/unit/wire/suites.h"
#include "wire/error.h"
#include "wire/flags.h"

enum { ARGUMENTS_MAX = 8 };

/* A program with one flag of each kind, which prints what it was given. */
struct trial {
    const char *rest;                     /* as in wire_program */
    const char *arguments[ARGUMENTS_MAX]; /* after the program's name; NULL ends them */
};

static void run_program(void *context)
{
    const struct trial *trial = context;
    uint64_t id = 0;
    const char *address = NULL;
    const char *path = "./backer";
    bool json = false;
    bool given = false;
    struct wire_flag flags[] = {
        {.name = "replica_id", .argument = "N", .help = "which one", .number = &id, .max = 8},
        {.name = "man_listen", .argument = "ADDRESS", .help = "where", .text = &address},
        {.name = "backer_path", .letter = 'b', .argument = "PATH", .help = "keeps", .text = &path},
        {.name = "json", .letter = 'j', .help = "as JSON", .on = &json},
    };
    struct wire_program program = {.name = "madkv-try", .purpose = "Tries.", .flags = flags};
    flags[0].required = true;
    flags[1].required = true;
    flags[2].given = &given;
    program.flag_count = sizeof flags / sizeof flags[0];
    program.rest = trial->rest;
    program.more = "exit status 2: usage";
    char texts[ARGUMENTS_MAX + 1][64] = {"madkv-try"};
    char *argv[ARGUMENTS_MAX + 2] = {texts[0]};
    int argc = 1;
    for (; argc <= ARGUMENTS_MAX && trial->arguments[argc - 1] != NULL; argc++) {
        snprintf(texts[argc], sizeof texts[argc], "%s", trial->arguments[argc - 1]);
        argv[argc] = texts[argc];
    }
    int index = wire_flags_parse(&program, argc, argv);
    printf("id=%d address=%s path=%s%s json=%d rest=%s\n", (int)id, address, path,
           given ? "(given)" : "", json, index < argc ? argv[index] : "-");
}

static struct capture run(struct trial trial)
{
    return capture_run(run_program, &trial);
}

static void assert_values(struct trial trial, const char *expected)
{
    struct capture seen = run(trial);
    ck_assert_str_eq(seen.err, "");
    ck_assert_str_eq(seen.out, expected);
    ck_assert_int_eq(seen.status, 0);
}

START_TEST(test_flags_fill_their_places)
{
    assert_values((struct trial){NULL, {"--replica_id", "3", "--man_listen", "a:1"}},
                  "id=3 address=a:1 path=./backer json=0 rest=-\n");
    assert_values((struct trial){NULL, {"--json", "--man_listen=a=b", "--replica_id=8"}},
                  "id=8 address=a=b path=./backer json=1 rest=-\n");
}
END_TEST

START_TEST(test_flags_take_hyphens_for_underscores)
{
    assert_values(
        (struct trial){NULL,
                       {"--replica-id", "3", "--man-listen=my-host:1", "--backer-path", "./a-b_c"}},
        "id=3 address=my-host:1 path=./a-b_c(given) json=0 rest=-\n");
}
END_TEST

START_TEST(test_flags_given_twice_count_the_last_time)
{
    assert_values(
        (struct trial){NULL, {"--replica_id", "3", "--man_listen", "a:1", "--replica-id", "4"}},
        "id=4 address=a:1 path=./backer json=0 rest=-\n");
}
END_TEST

START_TEST(test_flags_have_short_forms)
{
    struct trial trial = {
        .arguments = {"-b", "x", "-j", "--replica_id", "1", "--man_listen", "a:1"}};
    assert_values(trial, "id=1 address=a:1 path=x(given) json=1 rest=-\n");
}
END_TEST

START_TEST(test_flags_leave_the_rest_to_the_program)
{
    assert_values((struct trial){"FILE", {"--replica_id=0", "FILE", "--man_listen=a:1", "--json"}},
                  "id=0 address=a:1 path=./backer json=1 rest=FILE\n");
    assert_values((struct trial){"FILE", {"--replica_id=0", "--man_listen=a:1", "--", "--json"}},
                  "id=0 address=a:1 path=./backer json=0 rest=--json\n");
}
END_TEST

/* Every mistake: one line, which names flag, given and expected; exit status 2. */
START_TEST(test_flags_mistake_is_one_line_and_status_2)
{
    static const struct {
        struct trial trial;
        const char *line; /* its beginning */
    } wrong[] = {
        {{NULL, {NULL}}, "--replica_id: given nothing, expected a number from 0 to 8\n"},
        {{NULL, {"--replica_id=1"}}, "--man_listen: given nothing, expected ADDRESS\n"},
        {{NULL, {"--replica_id", "9"}}, "--replica_id: given '9', expected a number from 0 to 8\n"},
        {{NULL, {"--replica_id", "-1"}}, "--replica_id: given '-1', expected a number from"},
        {{NULL, {"--replica_id", "+1"}}, "--replica_id: given '+1', expected a number from"},
        {{NULL, {"--replica_id", "0x1"}}, "--replica_id: given '0x1', expected a number from"},
        {{NULL, {"--replica_id", " 1"}}, "--replica_id: given ' 1', expected a number from"},
        {{NULL, {"--replica_id="}}, "--replica_id: given '', expected a number from"},
        {{NULL, {"--replica_id", "18446744073709551617"}},
         "--replica_id: given '18446744073709551617', expected a number from"},
        {{NULL, {"--replica_id"}}, "--replica_id: given nothing, expected a number from"},
        {{NULL, {"--man_listen", "--json"}}, "--man_listen: given '--json', expected ADDRESS\n"},
        {{NULL, {"--man_listen="}}, "--man_listen: given '', expected ADDRESS\n"},
        {{NULL, {"--json=yes"}}, "--json: given 'yes', expected no value\n"},
        {{NULL, {"--rep", "1"}}, "given '--rep', expected one of --replica_id, --man_listen, "},
        {{NULL, {"--replica_idx", "1"}}, "given '--replica_idx', expected one of"},
        {{NULL, {"-r", "1"}}, "given '-r', expected one of"},
        {{NULL, {"--ma\nd"}}, "given '--ma?d', expected one of"},
        {{NULL, {"--replica_id=1", "--man_listen=a:1", "what"}},
         "given 'what', expected nothing after the flags\n"},
        {{NULL, {"--replica_id=1", "--man_listen=a:1", "--", "--json"}},
         "given '--json', expected nothing after the flags\n"},
    };
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        static const char name[] = "madkv-try: ";
        struct capture seen = run(wrong[i].trial);
        ck_assert_msg(seen.status == WIRE_EXIT_USAGE, "%d: %s", seen.status, seen.err);
        ck_assert_str_eq(seen.out, "");
        ck_assert_msg(strncmp(seen.err, name, strlen(name)) == 0 &&
                          strncmp(seen.err + strlen(name), wrong[i].line, strlen(wrong[i].line)) ==
                              0,
                      "%s", seen.err);
        ck_assert_ptr_eq(strchr(seen.err, '\n'), seen.err + strlen(seen.err) - 1);
    }
}
END_TEST

START_TEST(test_flags_help_goes_to_stdout)
{
    struct capture seen = run((struct trial){"FILE", {"--replica_id", "1", "--help"}});
    ck_assert_int_eq(seen.status, 0);
    ck_assert_str_eq(seen.err, "");
    ck_assert_ptr_eq(strstr(seen.out, "usage: madkv-try [flags] FILE\nTries.\n"), seen.out);
    ck_assert_ptr_nonnull(strstr(seen.out, "  --replica_id N            which one (required)\n"));
    ck_assert_ptr_nonnull(strstr(seen.out, "keeps (default ./backer)\n"));
    ck_assert_ptr_nonnull(strstr(seen.out, "exit status 2: usage\n"));
}
END_TEST

START_TEST(test_flags_version_goes_to_stdout)
{
    struct capture seen = run((struct trial){NULL, {"--version"}});
    ck_assert_int_eq(seen.status, 0);
    ck_assert_str_eq(seen.out, "madkv-try " MADKV_VERSION "\n");
}
END_TEST

static void fail_by_hand(void *context)
{
    struct wire_program program = {.name = "madkv-try"};
    char given[4000];
    memset(given, 'x', sizeof given);
    given[sizeof given - 1] = '\0';
    wire_flags_fail(&program, context, given, "%d addresses", 2);
}

START_TEST(test_flags_fail_cuts_what_was_given)
{
    char flag[] = "peer_addrs";
    struct capture seen = capture_run(fail_by_hand, flag);
    ck_assert_int_eq(seen.status, WIRE_EXIT_USAGE);
    ck_assert_ptr_eq(strstr(seen.err, "madkv-try: --peer_addrs: given 'xxx"), seen.err);
    ck_assert_ptr_nonnull(strstr(seen.err, "xxx...', expected 2 addresses\n"));
    ck_assert_uint_lt(strlen(seen.err), 300);
}
END_TEST

Suite *flags_suite(void)
{
    Suite *suite = suite_create("flags");
    TCase *tests = tcase_create("flags");
    tcase_set_timeout(tests, 60);
    tcase_add_test(tests, test_flags_fill_their_places);
    tcase_add_test(tests, test_flags_take_hyphens_for_underscores);
    tcase_add_test(tests, test_flags_given_twice_count_the_last_time);
    tcase_add_test(tests, test_flags_have_short_forms);
    tcase_add_test(tests, test_flags_leave_the_rest_to_the_program);
    tcase_add_test(tests, test_flags_mistake_is_one_line_and_status_2);
    tcase_add_test(tests, test_flags_help_goes_to_stdout);
    tcase_add_test(tests, test_flags_version_goes_to_stdout);
    tcase_add_test(tests, test_flags_fail_cuts_what_was_given);
    suite_add_tcase(suite, tests);
    return suite;
}
