/* Which records there are, and where scans end. */
#include <pthread.h>
#include <stdlib.h>

#include "tests/unit/bench/suites.h"
#include "tools/bench/keys.h"

static struct ycsb_keys *keys_of(struct ycsb_workload *workload, uint64_t records)
{
    ycsb_workload_builtin("e", workload);
    workload->record_count = records;
    return ycsb_keys_new(workload);
}

START_TEST(test_keys_newest_waits_for_all_before_it)
{
    struct ycsb_workload workload;
    struct ycsb_keys *keys = keys_of(&workload, 10);
    ck_assert_uint_eq(ycsb_keys_last(keys), 9);
    for (uint64_t record = 10; record < 14; record++)
        ck_assert_uint_eq(ycsb_keys_take(keys), record);
    ycsb_keys_acknowledge(keys, 11);
    ycsb_keys_acknowledge(keys, 12);
    ck_assert_uint_eq(ycsb_keys_last(keys), 9);
    ycsb_keys_acknowledge(keys, 10);
    ck_assert_uint_eq(ycsb_keys_last(keys), 12);
    ycsb_keys_acknowledge(keys, 13);
    ck_assert_uint_eq(ycsb_keys_last(keys), 13);
    ycsb_keys_destroy(&keys);
    ck_assert_ptr_null(keys);
}
END_TEST

static int by_bytes(const void *a, const void *b)
{
    return strcmp(a, b);
}

/* Every start and several counts against a sorted list. */
static void expect_ends(struct ycsb_keys *keys, const struct ycsb_workload *workload,
                        uint64_t records)
{
    char(*sorted)[YCSB_KEY_BYTES] = calloc(records, sizeof *sorted);
    for (uint64_t i = 0; i < records; i++)
        ycsb_workload_key(workload, i, sorted[i]);
    qsort(sorted, records, sizeof *sorted, by_bytes);
    for (uint64_t i = 0; i < records; i++) {
        for (uint64_t count = 1; count <= records + 2; count += 7) {
            uint64_t place = i + count - 1 < records ? i + count - 1 : records - 1;
            char end[YCSB_KEY_BYTES];
            ck_assert_uint_eq(ycsb_keys_scan_end(keys, sorted[i], count, end),
                              strlen(sorted[place]));
            ck_assert_str_eq(end, sorted[place]);
        }
    }
    free(sorted);
}

START_TEST(test_scan_ends_at_nth_known_key_or_the_last)
{
    struct ycsb_workload workload;
    struct ycsb_keys *keys = keys_of(&workload, 200);
    expect_ends(keys, &workload, 200);
    ycsb_keys_destroy(&keys);
}
END_TEST

START_TEST(test_scan_end_knows_acknowledged_inserts_only)
{
    struct ycsb_workload workload;
    struct ycsb_keys *keys = keys_of(&workload, 50);
    for (int i = 0; i < 20; i++)
        ycsb_keys_take(keys);
    expect_ends(keys, &workload, 50);
    for (uint64_t record = 50; record < 70; record++)
        ycsb_keys_acknowledge(keys, record);
    expect_ends(keys, &workload, 70);
    ycsb_keys_destroy(&keys);
}
END_TEST

START_TEST(test_scan_end_follows_byte_order_not_numbers)
{
    struct ycsb_workload workload;
    ycsb_workload_builtin("e", &workload);
    workload.record_count = 12;
    workload.ordered = true; /* user0 user1 user10 user11 user2 ... */
    struct ycsb_keys *keys = ycsb_keys_new(&workload);
    char end[YCSB_KEY_BYTES];
    ycsb_keys_scan_end(keys, "user1", 2, end);
    ck_assert_str_eq(end, "user10");
    ycsb_keys_scan_end(keys, "user1", 4, end);
    ck_assert_str_eq(end, "user2");
    ycsb_keys_destroy(&keys);
}
END_TEST

START_TEST(test_scan_from_behind_all_keys_ends_at_its_start)
{
    struct ycsb_workload workload;
    struct ycsb_keys *keys = keys_of(&workload, 3);
    char end[YCSB_KEY_BYTES];
    ck_assert_uint_eq(ycsb_keys_scan_end(keys, "userx", 10, end), 5);
    ck_assert_str_eq(end, "userx");
    ycsb_keys_destroy(&keys);
}
END_TEST

enum {
    THREADS = 4,
    TAKEN_EACH = 5000,
};

static void *insert_many(void *argument)
{
    struct ycsb_keys *keys = argument;
    for (int i = 0; i < TAKEN_EACH; i++) {
        char end[YCSB_KEY_BYTES];
        ycsb_keys_acknowledge(keys, ycsb_keys_take(keys));
        if (i % 100 == 0)
            ycsb_keys_scan_end(keys, "user5", 50, end);
    }
    return NULL;
}

START_TEST(test_keys_are_shared_by_threads)
{
    struct ycsb_workload workload;
    struct ycsb_keys *keys = keys_of(&workload, 100);
    pthread_t threads[THREADS];
    for (int i = 0; i < THREADS; i++)
        ck_assert_int_eq(pthread_create(&threads[i], NULL, insert_many, keys), 0);
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    ck_assert_uint_eq(ycsb_keys_last(keys), 99 + THREADS * TAKEN_EACH);
    ycsb_keys_destroy(&keys);
}
END_TEST

Suite *keys_suite(void)
{
    Suite *suite = suite_create("keys");
    TCase *tests = tcase_create("keys");
    tcase_set_timeout(tests, 60);
    tcase_add_test(tests, test_keys_newest_waits_for_all_before_it);
    tcase_add_test(tests, test_scan_ends_at_nth_known_key_or_the_last);
    tcase_add_test(tests, test_scan_end_knows_acknowledged_inserts_only);
    tcase_add_test(tests, test_scan_end_follows_byte_order_not_numbers);
    tcase_add_test(tests, test_scan_from_behind_all_keys_ends_at_its_start);
    tcase_add_test(tests, test_keys_are_shared_by_threads);
    suite_add_tcase(suite, tests);
    return suite;
}
