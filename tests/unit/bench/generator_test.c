/* Keys and choices against values known from YCSB itself. */
#include <math.h>
#include <stdlib.h>

#include "tests/unit/bench/suites.h"
#include "tools/bench/ycsb.h"
#include "wire/kv.h"

enum {
    DRAWS = 1000000, /* of a distribution: a share of 4 % is then within 0.1 % by five sigma */
};

/* A generator over a built-in workload. */
struct fixture {
    struct ycsb_workload workload;
    struct ycsb_keys *keys;
    struct ycsb_generator generator;
};

static void begin(struct fixture *self, const char *letter, uint64_t seed)
{
    ck_assert_int_eq(ycsb_workload_builtin(letter, &self->workload), WIRE_OK);
    self->keys = ycsb_keys_new(&self->workload);
    ycsb_generator_init(&self->generator, &self->workload, self->keys, seed);
}

static void end(struct fixture *self)
{
    ycsb_keys_destroy(&self->keys);
}

START_TEST(test_keys_are_ycsbs)
{
    const struct {
        uint64_t record;
        const char *key;
    } known[] = {
        {0, "user6284781860667377211"},
        {1, "user8517097267634966620"},
        {2, "user1820151046732198393"},
        {999, "user2071219101098386137"},
    };
    struct ycsb_workload workload;
    ycsb_workload_builtin("a", &workload);
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
        char key[YCSB_KEY_BYTES];
        ck_assert_uint_eq(ycsb_workload_key(&workload, known[i].record, key), strlen(known[i].key));
        ck_assert_str_eq(key, known[i].key);
    }
}
END_TEST

static int descending(const void *a, const void *b)
{
    unsigned x = *(const unsigned *)a;
    unsigned y = *(const unsigned *)b;
    return x > y ? -1 : x < y;
}

static unsigned *draw_records(const char *letter)
{
    struct fixture fixture;
    begin(&fixture, letter, 12345);
    unsigned *counts = calloc(1000, sizeof *counts);
    for (int i = 0; i < DRAWS; i++) {
        struct ycsb_operation operation = ycsb_generator_next(&fixture.generator);
        if (operation.kind == YCSB_INSERT) {
            i--; /* never acknowledged: the records stay the thousand they are */
            continue;
        }
        if (operation.record >= 1000) /* a ck_assert would take longer than the draw */
            ck_abort_msg("a record that is not there");
        counts[operation.record]++;
    }
    end(&fixture);
    return counts;
}

static void expect_percent(unsigned count, double percent, double slack)
{
    double got = 100.0 * count / DRAWS;
    ck_assert_msg(fabs(got - percent) <= slack, "%.3f %%, expected %.2f", got, percent);
}

START_TEST(test_zipfian_hot_records_are_ycsbs)
{
    unsigned *counts = draw_records("a");
    expect_percent(counts[144], 3.86, 0.1);
    expect_percent(counts[610], 1.99, 0.1);
    expect_percent(counts[213], 1.61, 0.1);
    qsort(counts, 1000, sizeof *counts, descending);
    expect_percent(counts[0], 3.86, 0.1);
    unsigned ten = 0;
    for (int i = 0; i < 10; i++)
        ten += counts[i];
    expect_percent(ten, 12.6, 0.2);
    free(counts);
}
END_TEST

START_TEST(test_latest_prefers_the_newest)
{
    unsigned *counts = draw_records("d");
    expect_percent(counts[999], 12.94, 0.2);
    expect_percent(counts[998], 12.94 / pow(2, 0.99), 0.2);
    ck_assert_uint_eq(counts[0], 0); /* YCSB never reads the oldest with it */
    free(counts);
}
END_TEST

START_TEST(test_latest_follows_acknowledged_inserts)
{
    struct fixture fixture;
    begin(&fixture, "d", 1);
    for (int i = 0; i < 500; i++)
        ycsb_keys_acknowledge(fixture.keys, ycsb_keys_take(fixture.keys));
    unsigned newest = 0;
    for (int i = 0; i < DRAWS / 10; i++) {
        struct ycsb_operation operation = ycsb_generator_next(&fixture.generator);
        ck_assert(operation.kind == YCSB_INSERT || operation.record <= 1499);
        newest += operation.kind == YCSB_READ && operation.record == 1499;
    }
    /* 95 % of 1 / zeta(1499): a wider field, so a little less than before. */
    double zeta = 0;
    for (int i = 1; i < 1500; i++)
        zeta += 1 / pow(i, YCSB_ZIPFIAN_THETA);
    expect_percent(10 * newest, 95 / zeta, 0.5);
    end(&fixture);
}
END_TEST

START_TEST(test_zipfian_never_draws_what_is_not_acknowledged)
{
    struct fixture fixture;
    ycsb_workload_builtin("e", &fixture.workload);
    fixture.workload.operation_count = 100000;
    fixture.keys = ycsb_keys_new(&fixture.workload);
    ycsb_generator_init(&fixture.generator, &fixture.workload, fixture.keys, 3);
    unsigned beyond = 0;
    for (int i = 0; i < 50000; i++) {
        struct ycsb_operation operation = ycsb_generator_next(&fixture.generator);
        if (operation.kind == YCSB_INSERT && operation.record % 2 == 0) {
            /* Odd ones stay open: nothing from 1001 on is known to be there. */
            ycsb_keys_acknowledge(fixture.keys, operation.record);
        } else if (operation.kind == YCSB_SCAN) {
            ck_assert_uint_le(operation.record, ycsb_keys_last(fixture.keys));
            beyond += operation.record > 999;
        }
    }
    ck_assert_uint_eq(ycsb_keys_last(fixture.keys), 1000);
    ck_assert_uint_gt(beyond, 0);
    end(&fixture);
}
END_TEST

START_TEST(test_uniform_reaches_every_record_alike)
{
    struct fixture fixture;
    ycsb_workload_builtin("c", &fixture.workload);
    fixture.workload.request = YCSB_UNIFORM;
    fixture.keys = ycsb_keys_new(&fixture.workload);
    ycsb_generator_init(&fixture.generator, &fixture.workload, fixture.keys, 9);
    unsigned counts[1000] = {0};
    for (int i = 0; i < DRAWS; i++)
        counts[ycsb_generator_next(&fixture.generator).record]++;
    for (int i = 0; i < 1000; i++) /* 1000 expected, sigma 32 */
        ck_assert(counts[i] > 800 && counts[i] < 1200);
    end(&fixture);
}
END_TEST

START_TEST(test_mix_is_as_asked)
{
    const char *letters[] = {"a", "b", "c", "d", "e", "f", "w"};
    for (size_t i = 0; i < sizeof letters / sizeof letters[0]; i++) {
        struct fixture fixture;
        begin(&fixture, letters[i], 77);
        double counts[YCSB_KIND_COUNT] = {0};
        for (int draw = 0; draw < 100000; draw++)
            counts[ycsb_generator_next(&fixture.generator).kind]++;
        for (int kind = 0; kind < YCSB_KIND_COUNT; kind++)
            ck_assert_double_eq_tol(counts[kind] / 100000, fixture.workload.shares[kind], 0.01);
        end(&fixture);
    }
}
END_TEST

START_TEST(test_scan_lengths_are_uniform_from_1_to_100)
{
    struct fixture fixture;
    begin(&fixture, "e", 5);
    unsigned counts[101] = {0};
    for (int i = 0; i < 100000; i++) {
        struct ycsb_operation operation = ycsb_generator_next(&fixture.generator);
        if (operation.kind != YCSB_SCAN)
            continue;
        ck_assert(operation.scan_count >= 1 && operation.scan_count <= 100);
        counts[operation.scan_count]++;
    }
    for (int i = 1; i <= 100; i++) /* 950 expected, sigma 31 */
        ck_assert(counts[i] > 760 && counts[i] < 1140);
    end(&fixture);
}
END_TEST

START_TEST(test_zipfian_scan_lengths_stay_in_bounds)
{
    struct fixture fixture;
    ycsb_workload_builtin("e", &fixture.workload);
    fixture.workload.scan_length = YCSB_ZIPFIAN;
    fixture.workload.scan_min = 5;
    fixture.workload.scan_max = 8;
    fixture.keys = ycsb_keys_new(&fixture.workload);
    ycsb_generator_init(&fixture.generator, &fixture.workload, fixture.keys, 5);
    unsigned counts[9] = {0};
    for (int i = 0; i < 10000; i++) {
        struct ycsb_operation operation = ycsb_generator_next(&fixture.generator);
        if (operation.kind == YCSB_SCAN) {
            ck_assert(operation.scan_count >= 5 && operation.scan_count <= 8);
            counts[operation.scan_count]++;
        }
    }
    ck_assert(counts[5] > counts[6] && counts[6] > counts[8]);
    end(&fixture);
}
END_TEST

START_TEST(test_same_seed_gives_the_same_operations)
{
    struct fixture one, two, other;
    begin(&one, "e", 1);
    begin(&two, "e", 1);
    begin(&other, "e", 2);
    unsigned differ = 0;
    for (int i = 0; i < 1000; i++) {
        struct ycsb_operation a = ycsb_generator_next(&one.generator);
        struct ycsb_operation b = ycsb_generator_next(&two.generator);
        struct ycsb_operation c = ycsb_generator_next(&other.generator);
        ck_assert(a.kind == b.kind && a.record == b.record && a.scan_count == b.scan_count);
        differ += a.record != c.record;
    }
    ck_assert_uint_gt(differ, 500);
    end(&one);
    end(&two);
    end(&other);
}
END_TEST

START_TEST(test_one_record_is_enough_for_every_distribution)
{
    for (int request = YCSB_UNIFORM; request <= YCSB_LATEST; request++) {
        struct fixture fixture;
        ycsb_workload_builtin("c", &fixture.workload);
        fixture.workload.request = (enum ycsb_distribution)request;
        fixture.workload.record_count = 1;
        fixture.keys = ycsb_keys_new(&fixture.workload);
        ycsb_generator_init(&fixture.generator, &fixture.workload, fixture.keys, 5);
        for (int i = 0; i < 1000; i++)
            ck_assert_uint_eq(ycsb_generator_next(&fixture.generator).record, 0);
        end(&fixture);
    }
}
END_TEST

START_TEST(test_values_are_legal_and_differ)
{
    struct wire_random random = {4};
    uint8_t one[1003], two[1003];
    for (size_t size = 1; size <= sizeof one; size += 6) {
        ycsb_value_fill(&random, one, size);
        ck_assert(wire_kv_value_ok(span_of(one, size)));
    }
    ycsb_value_fill(&random, two, sizeof two);
    ck_assert(memcmp(one, two, 1000) != 0);
}
END_TEST

Suite *generator_suite(void)
{
    Suite *suite = suite_create("generator");
    TCase *tests = tcase_create("generator");
    tcase_set_timeout(tests, 120); /* sanitizers on a busy machine */
    tcase_add_test(tests, test_keys_are_ycsbs);
    tcase_add_test(tests, test_zipfian_hot_records_are_ycsbs);
    tcase_add_test(tests, test_latest_prefers_the_newest);
    tcase_add_test(tests, test_latest_follows_acknowledged_inserts);
    tcase_add_test(tests, test_zipfian_never_draws_what_is_not_acknowledged);
    tcase_add_test(tests, test_uniform_reaches_every_record_alike);
    tcase_add_test(tests, test_mix_is_as_asked);
    tcase_add_test(tests, test_scan_lengths_are_uniform_from_1_to_100);
    tcase_add_test(tests, test_zipfian_scan_lengths_stay_in_bounds);
    tcase_add_test(tests, test_same_seed_gives_the_same_operations);
    tcase_add_test(tests, test_one_record_is_enough_for_every_distribution);
    tcase_add_test(tests, test_values_are_legal_and_differ);
    suite_add_tcase(suite, tests);
    return suite;
}
