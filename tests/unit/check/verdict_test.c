/* Verdicts on histories of one key that a person can judge. */
#include "tests/unit/check/build.h"
#include "tests/unit/check/suites.h"

#define ck_assert_good(lines) ck_assert_int_eq(verdict_on(lines), CHECK_LINEARIZABLE)
#define ck_assert_bad(lines) ck_assert_int_eq(verdict_on(lines), CHECK_VIOLATION)

START_TEST(test_checker_accepts_empty_history)
{
    ck_assert_good("");
}
END_TEST

START_TEST(test_checker_accepts_sequential_calls)
{
    ck_assert_good("1 10 20 GET k - ok -\n"
                   "1 30 40 PUT k =a ok not_found\n"
                   "1 50 60 SWAP k =b ok =a\n"
                   "1 70 80 DELETE k - ok found\n"
                   "1 90 95 DELETE k - ok not_found\n"
                   "1 96 97 SWAP k =c ok -\n"
                   "1 98 99 PUT k =d ok found\n");
}
END_TEST

START_TEST(test_checker_rejects_stale_read)
{
    ck_assert_bad("1 10 20 PUT k =a ok not_found\n"
                  "1 30 40 PUT k =b ok found\n"
                  "2 50 60 GET k - ok =a\n");
}
END_TEST

START_TEST(test_checker_accepts_old_value_while_write_is_open)
{
    ck_assert_good("1 10 20 PUT k =a ok not_found\n"
                   "1 30 60 PUT k =b ok found\n"
                   "2 40 50 GET k - ok =a\n");
}
END_TEST

START_TEST(test_checker_rejects_old_value_after_new_one_was_read)
{
    ck_assert_bad("1 10 20 PUT k =a ok not_found\n"
                  "1 30 90 PUT k =b ok found\n"
                  "2 40 50 GET k - ok =b\n"
                  "3 60 70 GET k - ok =a\n");
}
END_TEST

START_TEST(test_checker_rejects_lost_write)
{
    ck_assert_bad("1 10 20 PUT k =a ok not_found\n"
                  "2 30 40 GET k - ok -\n");
}
END_TEST

START_TEST(test_checker_rejects_value_never_written)
{
    ck_assert_bad("1 10 20 GET k - ok =a\n");
}
END_TEST

START_TEST(test_checker_rejects_duplicated_effect_visible_via_swap)
{
    /* The swap to b took effect twice, the second time after c, so that d finds b. */
    ck_assert_bad("1 10 20 SWAP k =a ok -\n"
                  "1 30 40 SWAP k =b ok =a\n"
                  "2 50 60 SWAP k =c ok =b\n"
                  "3 70 80 SWAP k =d ok =b\n");
}
END_TEST

START_TEST(test_checker_rejects_unknown_swap_taking_effect_twice)
{
    ck_assert_bad("1 10 - SWAP k =a unknown -\n"
                  "2 50 60 SWAP k =c ok =a\n"
                  "3 70 80 SWAP k =d ok =c\n"
                  "3 90 95 SWAP k =e ok =a\n");
}
END_TEST

START_TEST(test_checker_rejects_swap_that_reports_its_own_value)
{
    ck_assert_bad("1 10 20 SWAP k =a ok =a\n");
}
END_TEST

START_TEST(test_checker_rejects_write_resurrected_after_delete)
{
    ck_assert_bad("1 10 20 PUT k =a ok not_found\n"
                  "1 30 40 DELETE k - ok found\n"
                  "2 50 60 GET k - ok =a\n");
}
END_TEST

START_TEST(test_checker_rejects_two_deletes_finding_one_value)
{
    ck_assert_bad("1 10 20 PUT k =a ok not_found\n"
                  "1 30 50 DELETE k - ok found\n"
                  "2 30 50 DELETE k - ok found\n");
}
END_TEST

START_TEST(test_checker_rejects_put_that_misses_a_value)
{
    ck_assert_bad("1 10 20 PUT k =a ok not_found\n"
                  "2 30 40 PUT k =b ok not_found\n");
}
END_TEST

START_TEST(test_checker_accepts_unknown_write_taking_effect_late)
{
    ck_assert_good("1 10 - PUT k =a unknown -\n"
                   "2 30 40 PUT k =b ok not_found\n"
                   "2 50 60 GET k - ok =b\n"
                   "2 70 80 GET k - ok =a\n");
}
END_TEST

START_TEST(test_checker_accepts_unknown_write_never_taking_effect)
{
    ck_assert_good("1 10 - PUT k =a unknown -\n"
                   "2 30 40 GET k - ok -\n"
                   "2 50 60 PUT k =b ok not_found\n"
                   "2 70 80 GET k - ok =b\n");
}
END_TEST

START_TEST(test_checker_accepts_unknown_delete_explaining_absence)
{
    ck_assert_good("2 10 20 PUT k =a ok not_found\n"
                   "1 15 - DELETE k - unknown -\n"
                   "2 30 40 GET k - ok =a\n"
                   "2 50 60 GET k - ok -\n");
}
END_TEST

START_TEST(test_checker_rejects_unknown_write_seen_before_its_invocation)
{
    ck_assert_bad("2 10 20 GET k - ok =a\n"
                  "1 21 - PUT k =a unknown -\n");
}
END_TEST

START_TEST(test_checker_rejects_unknown_write_taking_effect_twice)
{
    ck_assert_bad("1 10 - PUT k =a unknown -\n"
                  "2 20 30 GET k - ok =a\n"
                  "2 40 50 PUT k =b ok found\n"
                  "2 60 70 GET k - ok =a\n");
}
END_TEST

START_TEST(test_checker_accepts_two_unknown_writes_of_one_value)
{
    ck_assert_good("1 10 - PUT k =a unknown -\n"
                   "3 35 - SWAP k =a unknown -\n"
                   "2 20 30 GET k - ok =a\n"
                   "2 40 50 PUT k =b ok found\n"
                   "2 60 70 GET k - ok =a\n");
}
END_TEST

START_TEST(test_checker_saves_unknown_write_for_the_read_that_names_it)
{
    /* Both could explain the delete, but a must be left for the read. */
    ck_assert_good("1 10 - PUT k =a unknown -\n"
                   "2 10 - PUT k =b unknown -\n"
                   "3 20 30 DELETE k - ok found\n"
                   "3 40 50 GET k - ok -\n"
                   "3 60 70 GET k - ok =a\n");
    ck_assert_bad("1 10 - PUT k =a unknown -\n"
                  "3 20 30 DELETE k - ok found\n"
                  "3 40 50 GET k - ok -\n"
                  "3 60 70 GET k - ok =a\n");
}
END_TEST

START_TEST(test_checker_ignores_failed_calls_and_unknown_reads)
{
    ck_assert_good("1 10 - PUT k =a fail -\n"
                   "2 10 - GET k - unknown -\n"
                   "3 20 30 GET k - ok -\n");
    ck_assert_bad("1 10 - PUT k =a fail -\n"
                  "3 20 30 GET k - ok =a\n");
}
END_TEST

START_TEST(test_checker_treats_equal_timestamps_as_concurrent)
{
    ck_assert_good("1 10 20 PUT k =a ok not_found\n"
                   "2 20 30 GET k - ok -\n");
    ck_assert_bad("1 10 20 PUT k =a ok not_found\n"
                  "2 21 30 GET k - ok -\n");
}
END_TEST

START_TEST(test_checker_accepts_instantaneous_calls_in_either_order)
{
    ck_assert_good("1 10 10 GET k - ok =a\n"
                   "2 10 10 PUT k =a ok not_found\n");
    ck_assert_good("1 10 10 GET k - ok -\n"
                   "2 10 10 PUT k =a ok not_found\n");
}
END_TEST

START_TEST(test_checker_accepts_unknown_write_invoked_as_the_read_returns)
{
    ck_assert_good("2 10 20 GET k - ok =a\n"
                   "1 20 - PUT k =a unknown -\n");
}
END_TEST

START_TEST(test_checker_keeps_keys_apart)
{
    ck_assert_good("1 10 20 PUT k =a ok not_found\n"
                   "1 30 40 GET m - ok -\n"
                   "1 50 60 PUT m =a ok not_found\n");
    ck_assert_bad("1 10 20 PUT k =a ok not_found\n"
                  "1 30 40 GET m - ok =a\n");
}
END_TEST

START_TEST(test_checker_tells_value_null_from_no_value)
{
    ck_assert_good("1 10 20 PUT k =null ok not_found\n"
                   "1 30 40 GET k - ok =null\n");
    ck_assert_bad("1 10 20 PUT k =null ok not_found\n"
                  "1 30 40 GET k - ok -\n");
    ck_assert_good("1 10 20 PUT k =- ok not_found\n"
                   "1 30 40 GET k - ok =-\n");
}
END_TEST

START_TEST(test_checker_counts_keys_and_violations)
{
    struct history *history = build("1 10 20 GET k - ok =a\n"
                                    "1 10 20 GET m - ok -\n"
                                    "1 10 20 GET n - ok =a\n");
    struct check_result result;
    ck_assert_int_eq(check_history(history, NULL, &result), CHECK_VIOLATION);
    ck_assert_uint_eq(result.key_count, 3);
    ck_assert_uint_eq(result.violation_count, 2);
    ck_assert_int_eq(symbols_text(history_symbols(history), result.key).bytes[0], 'k');
    history_free(&history);
}
END_TEST

START_TEST(test_checker_gives_up_when_memory_is_used_up)
{
    struct history *history = build("1 10 20 PUT k =a ok not_found\n"
                                    "2 10 20 PUT k =b ok found\n"
                                    "3 10 20 SWAP k =c ok =b\n");
    struct check_options options = {.memo_size_max = 1};
    struct check_result result;
    ck_assert_int_eq(check_history(history, &options, &result), CHECK_UNDECIDED);
    ck_assert_uint_eq(result.undecided_count, 1);
    ck_assert_int_eq(check_history(history, NULL, &result), CHECK_LINEARIZABLE);
    history_free(&history);
}
END_TEST

Suite *verdict_suite(void)
{
    Suite *suite = suite_create("verdict");
    TCase *known = tcase_create("known");
    tcase_add_test(known, test_checker_accepts_empty_history);
    tcase_add_test(known, test_checker_accepts_sequential_calls);
    tcase_add_test(known, test_checker_rejects_stale_read);
    tcase_add_test(known, test_checker_accepts_old_value_while_write_is_open);
    tcase_add_test(known, test_checker_rejects_old_value_after_new_one_was_read);
    tcase_add_test(known, test_checker_rejects_lost_write);
    tcase_add_test(known, test_checker_rejects_value_never_written);
    tcase_add_test(known, test_checker_rejects_duplicated_effect_visible_via_swap);
    tcase_add_test(known, test_checker_rejects_swap_that_reports_its_own_value);
    tcase_add_test(known, test_checker_rejects_write_resurrected_after_delete);
    tcase_add_test(known, test_checker_rejects_two_deletes_finding_one_value);
    tcase_add_test(known, test_checker_rejects_put_that_misses_a_value);
    tcase_add_test(known, test_checker_treats_equal_timestamps_as_concurrent);
    tcase_add_test(known, test_checker_accepts_instantaneous_calls_in_either_order);
    tcase_add_test(known, test_checker_keeps_keys_apart);
    tcase_add_test(known, test_checker_tells_value_null_from_no_value);
    tcase_add_test(known, test_checker_counts_keys_and_violations);
    tcase_add_test(known, test_checker_gives_up_when_memory_is_used_up);
    suite_add_tcase(suite, known);
    TCase *unknown = tcase_create("unknown outcomes");
    tcase_add_test(unknown, test_checker_rejects_unknown_swap_taking_effect_twice);
    tcase_add_test(unknown, test_checker_accepts_unknown_write_taking_effect_late);
    tcase_add_test(unknown, test_checker_accepts_unknown_write_never_taking_effect);
    tcase_add_test(unknown, test_checker_accepts_unknown_delete_explaining_absence);
    tcase_add_test(unknown, test_checker_rejects_unknown_write_seen_before_its_invocation);
    tcase_add_test(unknown, test_checker_rejects_unknown_write_taking_effect_twice);
    tcase_add_test(unknown, test_checker_accepts_two_unknown_writes_of_one_value);
    tcase_add_test(unknown, test_checker_saves_unknown_write_for_the_read_that_names_it);
    tcase_add_test(unknown, test_checker_ignores_failed_calls_and_unknown_reads);
    tcase_add_test(unknown, test_checker_accepts_unknown_write_invoked_as_the_read_returns);
    suite_add_tcase(suite, unknown);
    return suite;
}
