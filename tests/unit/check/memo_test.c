/* The memo: equal keys are found, and what spent more is covered by what spent less. */
#include <check.h>

#include "tests/unit/check/suites.h"
#include "tools/check/memo.h"

/* Adds a configuration with a key of two words and `spent` as its bit set, if not 0. */
static enum memo_answer add(struct memo *memo, uint64_t a, uint64_t b, uint64_t spent)
{
    uint64_t key[] = {a, b};
    struct memo_entry entry = {key, 2, &spent, spent != 0};
    return memo_add(memo, &entry);
}

START_TEST(test_memo_finds_what_was_added)
{
    struct memo *memo = memo_new(1 << 20);
    for (unsigned round = 0; round < 2; round++) {
        for (uint64_t i = 0; i < 2000; i++) {
            ck_assert_int_eq(add(memo, i, i / 2, 0), round == 0 ? MEMO_NEW : MEMO_SEEN);
        }
    }
    ck_assert_uint_eq(memo_count(memo), 2000);
    memo_free(&memo);
    ck_assert_ptr_null(memo);
}
END_TEST

START_TEST(test_memo_covers_supersets_of_what_was_spent)
{
    struct memo *memo = memo_new(1 << 20);
    ck_assert_int_eq(add(memo, 1, 2, 5), MEMO_NEW);
    ck_assert_int_eq(add(memo, 1, 2, 5), MEMO_SEEN);
    ck_assert_int_eq(add(memo, 1, 2, 7), MEMO_SEEN);
    ck_assert_int_eq(add(memo, 1, 3, 7), MEMO_NEW);
    memo_free(&memo);
}
END_TEST

START_TEST(test_memo_keeps_subsets_and_others_apart)
{
    struct memo *memo = memo_new(1 << 20);
    ck_assert_int_eq(add(memo, 1, 2, 6), MEMO_NEW);
    ck_assert_int_eq(add(memo, 1, 2, 5), MEMO_NEW);
    ck_assert_int_eq(add(memo, 1, 2, 4), MEMO_NEW);
    ck_assert_int_eq(add(memo, 1, 2, 3), MEMO_NEW);
    ck_assert_int_eq(add(memo, 1, 2, 0), MEMO_NEW);
    ck_assert_int_eq(add(memo, 1, 2, 1), MEMO_SEEN);
    memo_free(&memo);
}
END_TEST

START_TEST(test_memo_compares_bit_sets_of_different_size)
{
    struct memo *memo = memo_new(1 << 20);
    uint64_t key = 1;
    uint64_t high[] = {1, 1};
    struct memo_entry entry = {&key, 1, high, 2};
    ck_assert_int_eq(memo_add(memo, &entry), MEMO_NEW);
    entry.spent_count = 1;
    ck_assert_int_eq(memo_add(memo, &entry), MEMO_NEW);
    high[1] = 2;
    entry.spent_count = 2;
    ck_assert_int_eq(memo_add(memo, &entry), MEMO_SEEN);
    memo_free(&memo);
}
END_TEST

START_TEST(test_memo_tells_word_from_next_part)
{
    struct memo *memo = memo_new(1 << 20);
    uint64_t words[] = {1, 2};
    struct memo_entry long_key = {words, 2, NULL, 0};
    struct memo_entry short_key = {words, 1, words + 1, 1};
    ck_assert_int_eq(memo_add(memo, &short_key), MEMO_NEW);
    ck_assert_int_eq(memo_add(memo, &long_key), MEMO_NEW);
    memo_free(&memo);
}
END_TEST

START_TEST(test_memo_says_when_it_is_full)
{
    struct memo *memo = memo_new(16384);
    uint64_t i = 0;
    while (i < 10000 && add(memo, i, i, 0) == MEMO_NEW) {
        i++;
    }
    ck_assert_uint_gt(i, 0);
    ck_assert_uint_lt(i, 10000);
    ck_assert_int_eq(add(memo, i, i, 0), MEMO_FULL);
    ck_assert_int_eq(add(memo, 0, 0, 0), MEMO_SEEN);
    memo_free(&memo);
}
END_TEST

Suite *memo_suite(void)
{
    Suite *suite = suite_create("memo");
    TCase *tcase = tcase_create("memo");
    tcase_add_test(tcase, test_memo_finds_what_was_added);
    tcase_add_test(tcase, test_memo_covers_supersets_of_what_was_spent);
    tcase_add_test(tcase, test_memo_keeps_subsets_and_others_apart);
    tcase_add_test(tcase, test_memo_compares_bit_sets_of_different_size);
    tcase_add_test(tcase, test_memo_tells_word_from_next_part);
    tcase_add_test(tcase, test_memo_says_when_it_is_full);
    suite_add_tcase(suite, tcase);
    return suite;
}
