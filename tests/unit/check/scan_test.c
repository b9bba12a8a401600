/* Verdicts on histories with scans: each key of the range on its own. */
#include "tests/unit/check/build.h"
#include "tests/unit/check/suites.h"

#define ck_assert_good(lines) ck_assert_int_eq(verdict_on(lines), CHECK_LINEARIZABLE)
#define ck_assert_bad(lines) ck_assert_int_eq(verdict_on(lines), CHECK_VIOLATION)

#define PUT_A_B_D                                                                                  \
    "1 10 20 PUT a =1 ok not_found\n"                                                              \
    "1 10 20 PUT b =2 ok not_found\n"                                                              \
    "1 10 20 PUT d =4 ok not_found\n"

START_TEST(test_checker_accepts_scan_of_what_is_there)
{
    ck_assert_good(PUT_A_B_D "2 30 40 SCAN a =c ok =a,1,b,2\n");
    ck_assert_good(PUT_A_B_D "2 30 40 SCAN b =d ok =b,2,d,4\n");
    ck_assert_good(PUT_A_B_D "2 30 40 SCAN e =z ok -\n");
    ck_assert_good(PUT_A_B_D "2 30 40 SCAN z =a ok -\n");
}
END_TEST

START_TEST(test_checker_rejects_scan_missing_a_key)
{
    ck_assert_bad(PUT_A_B_D "2 30 40 SCAN a =c ok =a,1\n");
    ck_assert_bad(PUT_A_B_D "2 30 40 SCAN a =z ok -\n");
}
END_TEST

START_TEST(test_checker_rejects_scan_missing_a_key_at_either_bound)
{
    ck_assert_bad(PUT_A_B_D "2 30 40 SCAN a =d ok =b,2,d,4\n");
    ck_assert_bad(PUT_A_B_D "2 30 40 SCAN a =d ok =a,1,b,2\n");
}
END_TEST

START_TEST(test_checker_rejects_scan_with_stale_value)
{
    ck_assert_bad(PUT_A_B_D "1 22 24 PUT b =3 ok found\n"
                            "2 30 40 SCAN a =c ok =a,1,b,2\n");
}
END_TEST

START_TEST(test_checker_rejects_scan_with_key_never_written)
{
    ck_assert_bad(PUT_A_B_D "2 30 40 SCAN a =z ok =a,1,b,2,c,3,d,4\n");
}
END_TEST

START_TEST(test_checker_rejects_scan_with_deleted_key)
{
    ck_assert_bad(PUT_A_B_D "1 22 24 DELETE b - ok found\n"
                            "2 30 40 SCAN a =c ok =a,1,b,2\n");
}
END_TEST

START_TEST(test_checker_accepts_scan_that_is_no_snapshot)
{
    /* It sees the later of two sequential writes to different keys and not the earlier one. */
    ck_assert_good(PUT_A_B_D "2 30 90 SCAN a =b ok =a,1,b,6\n"
                             "1 40 50 PUT a =5 ok found\n"
                             "1 60 70 PUT b =6 ok found\n");
}
END_TEST

START_TEST(test_checker_rejects_read_going_back_behind_a_scan)
{
    ck_assert_bad(PUT_A_B_D "1 30 90 PUT a =5 ok found\n"
                            "2 40 50 SCAN a =a ok =a,5\n"
                            "3 60 70 GET a - ok =1\n");
}
END_TEST

START_TEST(test_checker_accepts_scan_seeing_unknown_put)
{
    ck_assert_good(PUT_A_B_D "3 25 - PUT c =3 unknown -\n"
                             "2 30 40 SCAN a =d ok =a,1,b,2,d,4\n"
                             "2 50 60 SCAN a =d ok =a,1,b,2,c,3,d,4\n");
}
END_TEST

START_TEST(test_checker_rejects_scan_out_of_order_or_range)
{
    ck_assert_bad(PUT_A_B_D "2 30 40 SCAN a =c ok =b,2,a,1\n");
    ck_assert_bad(PUT_A_B_D "2 30 40 SCAN a =c ok =a,1,a,1,b,2\n");
    ck_assert_bad(PUT_A_B_D "2 30 40 SCAN a =c ok =a,1,b,2,d,4\n");
    ck_assert_bad(PUT_A_B_D "2 30 40 SCAN b =c ok =a,1,b,2\n");
}
END_TEST

START_TEST(test_checker_ignores_scan_without_answer)
{
    ck_assert_good(PUT_A_B_D "2 30 - SCAN a =c unknown -\n"
                             "2 50 - SCAN a =c fail -\n");
}
END_TEST

START_TEST(test_checker_orders_keys_by_unsigned_bytes)
{
    ck_assert_good("1 10 20 PUT a =1 ok not_found\n"
                   "1 10 20 PUT \xff =2 ok not_found\n"
                   "1 10 20 PUT aa =3 ok not_found\n"
                   "2 30 40 SCAN a =\xff\xff ok =a,1,aa,3,\xff,2\n");
}
END_TEST

START_TEST(test_checker_keeps_overlapping_scans_apart)
{
    ck_assert_good(PUT_A_B_D "2 30 40 SCAN a =a ok =a,1\n"
                             "3 30 40 SCAN b =z ok =b,2,d,4\n"
                             "4 30 40 SCAN a =z ok =a,1,b,2,d,4\n"
                             "5 30 40 SCAN c =c ok -\n");
    ck_assert_bad(PUT_A_B_D "2 30 40 SCAN a =a ok =a,1\n"
                            "3 30 40 SCAN b =z ok =b,2\n"
                            "4 30 40 SCAN a =z ok =a,1,b,2,d,4\n");
}
END_TEST

Suite *scan_suite(void)
{
    Suite *suite = suite_create("scan");
    TCase *tcase = tcase_create("scan");
    tcase_add_test(tcase, test_checker_accepts_scan_of_what_is_there);
    tcase_add_test(tcase, test_checker_rejects_scan_missing_a_key);
    tcase_add_test(tcase, test_checker_rejects_scan_missing_a_key_at_either_bound);
    tcase_add_test(tcase, test_checker_rejects_scan_with_stale_value);
    tcase_add_test(tcase, test_checker_rejects_scan_with_key_never_written);
    tcase_add_test(tcase, test_checker_rejects_scan_with_deleted_key);
    tcase_add_test(tcase, test_checker_accepts_scan_that_is_no_snapshot);
    tcase_add_test(tcase, test_checker_rejects_read_going_back_behind_a_scan);
    tcase_add_test(tcase, test_checker_accepts_scan_seeing_unknown_put);
    tcase_add_test(tcase, test_checker_rejects_scan_out_of_order_or_range);
    tcase_add_test(tcase, test_checker_ignores_scan_without_answer);
    tcase_add_test(tcase, test_checker_orders_keys_by_unsigned_bytes);
    tcase_add_test(tcase, test_checker_keeps_overlapping_scans_apart);
    suite_add_tcase(suite, tcase);
    return suite;
}
