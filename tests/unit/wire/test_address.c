#include "tests/unit/wire/suites.h"
#include "wire/address.h"

START_TEST(test_address_takes_names_and_numbers)
{
    static const struct {
        const char *text;
        uint16_t port;
    } good[] = {
        {"127.0.0.1:3666", 3666},
        {"0.0.0.0:1", 1},
        {"localhost:65535", 65535},
        {"node-1.example.org:3777", 3777},
        {"[::1]:3606", 3606},
        {"[fe80::1:2]:80", 80},
        {"a_b:9", 9},
        {"7up.example:7", 7},
    };
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        struct wire_address address;
        const char *problem = NULL;
        ck_assert_msg(wire_address_parse(good[i].text, &address, &problem) == WIRE_OK, "%s",
                      good[i].text);
        ck_assert_str_eq(address.text, good[i].text);
        ck_assert_uint_eq(address.port, good[i].port);
    }
}
END_TEST

START_TEST(test_address_refuses_what_is_none)
{
    static const char *const bad[] = {
        "",           ":",           "host",    "host:",     ":3666",      "host:0",
        "host:65536", "host:-1",     "host:+1", "host:01",   "host:1x",    "host: 1",
        "ho st:1",    "256.0.0.1:1", "1.2.3:1", "1:1",       "::1:3606",   "[::1:3606",
        "[]:1",       "[1.2.3.4]:1", "[x]:1",   "a..b:1",    ".a:1",       "a.:1",
        "-a:1",       "a-:1",        "a/b:1",   "tcp://a:1", "none",       "host:99999999999999",
        "[::1]3606",  "a-.b:1",      "a.-b:1",  "host:1:2",  "\xc3\xa9:1",
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct wire_address address = {.port = 7};
        const char *problem = NULL;
        ck_assert_msg(wire_address_parse(bad[i], &address, &problem) == WIRE_USAGE, "%s", bad[i]);
        ck_assert_ptr_nonnull(problem);
        ck_assert_uint_eq(address.port, 7);
    }
}
END_TEST

START_TEST(test_address_fits_its_limit_to_the_byte)
{
    char text[WIRE_ADDRESS_TEXT_MAX + 1];
    struct wire_address address;
    const char *problem = NULL;
    memset(text, 'a', sizeof text);
    memcpy(text + WIRE_ADDRESS_TEXT_MAX - 3, ":1", 3);
    ck_assert_uint_eq(strlen(text), WIRE_ADDRESS_TEXT_MAX - 1);
    ck_assert_int_eq(wire_address_parse(text, &address, &problem), WIRE_OK);
    memset(text, 'a', sizeof text);
    memcpy(text + WIRE_ADDRESS_TEXT_MAX - 2, ":1", 3);
    ck_assert_int_eq(wire_address_parse(text, &address, &problem), WIRE_USAGE);
    ck_assert_ptr_nonnull(strstr(problem, "71 bytes"));
}
END_TEST

START_TEST(test_address_list_splits_at_commas)
{
    struct wire_address list[3];
    const char *problem = NULL;
    char part[WIRE_ADDRESS_TEXT_MAX];
    size_t count = 9;
    ck_assert_int_eq(wire_address_list_parse("a:1,[::1]:2,c:3", list, 3, &count, &problem, part),
                     WIRE_OK);
    ck_assert_uint_eq(count, 3);
    ck_assert_str_eq(list[1].text, "[::1]:2");
    ck_assert_uint_eq(list[2].port, 3);
    ck_assert_int_eq(wire_address_list_parse("none", list, 3, &count, &problem, part), WIRE_OK);
    ck_assert_uint_eq(count, 0);
}
END_TEST

START_TEST(test_address_list_names_the_part_that_is_wrong)
{
    static const struct {
        const char *text;
        const char *part;
        const char *problem;
    } bad[] = {
        {"a:1,,c:3", "", "host:port"},
        {"a:1,b", "b", "host:port"},
        {"", "", "host:port"},
        {"a:1,b:2,", "", "host:port"},
        {"a:1,none", "none", "host:port"},
        {"a:1,b:0", "b:0", "port from 1 to 65535"},
        {"a:1,b:2,c:3,d:4", "d:4", "fewer"},
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct wire_address list[3];
        const char *problem = NULL;
        char part[WIRE_ADDRESS_TEXT_MAX];
        size_t count = 9;
        ck_assert_int_eq(wire_address_list_parse(bad[i].text, list, 3, &count, &problem, part),
                         WIRE_USAGE);
        ck_assert_uint_eq(count, 9);
        ck_assert_str_eq(part, bad[i].part);
        ck_assert_ptr_nonnull(strstr(problem, bad[i].problem));
    }
}
END_TEST

START_TEST(test_address_list_cuts_a_long_part_to_fit)
{
    char text[1000];
    struct wire_address list[3];
    const char *problem = NULL;
    char part[WIRE_ADDRESS_TEXT_MAX];
    size_t count;
    memset(text, 'x', sizeof text);
    memcpy(text + sizeof text - 3, ":1", 3);
    ck_assert_int_eq(wire_address_list_parse(text, list, 3, &count, &problem, part), WIRE_USAGE);
    ck_assert_uint_eq(strlen(part), WIRE_ADDRESS_TEXT_MAX - 1);
    ck_assert_ptr_nonnull(strstr(problem, "71 bytes"));
}
END_TEST

Suite *address_suite(void)
{
    Suite *suite = suite_create("address");
    TCase *tests = tcase_create("address");
    tcase_add_test(tests, test_address_takes_names_and_numbers);
    tcase_add_test(tests, test_address_refuses_what_is_none);
    tcase_add_test(tests, test_address_fits_its_limit_to_the_byte);
    tcase_add_test(tests, test_address_list_splits_at_commas);
    tcase_add_test(tests, test_address_list_names_the_part_that_is_wrong);
    tcase_add_test(tests, test_address_list_cuts_a_long_part_to_fit);
    suite_add_tcase(suite, tests);
    return suite;
}
