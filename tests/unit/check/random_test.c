/* Random histories: linearizable ones are accepted, and on small ones of any kind the checker says
 * what the naive one says. */
#include "tests/unit/check/build.h"
#include "tests/unit/check/generate.h"
#include "tests/unit/check/naive.h"
#include "tests/unit/check/suites.h"

/* Rounds of each kind of small history. */
#define ROUND_COUNT 4000

static void assert_accepted(struct generator *generator)
{
    uint64_t seed = generator->seed;
    struct history *history = generate_linearizable(generator);
    enum check_verdict verdict = check_history(history, NULL, NULL);
    ck_assert_msg(verdict == CHECK_LINEARIZABLE, "seed %llu", (unsigned long long)seed);
    history_free(&history);
}

/* Returns whether the history is linearizable, so that tests can ask for some of both. */
static bool assert_same_verdict(const struct history *history, uint64_t seed)
{
    bool expected = naive_is_linearizable(history);
    struct check_result result;
    bool given = check_history(history, NULL, &result) == CHECK_LINEARIZABLE;
    if (given != expected) {
        history_write(history, stderr);
    }
    ck_assert_msg(given == expected, "seed %llu: naive says %d", (unsigned long long)seed,
                  expected);
    return given;
}

START_TEST(test_checker_accepts_random_linearizable_histories)
{
    for (uint64_t seed = 1; seed <= 60; seed++) {
        struct generator generator = {
            .seed = seed * 7919,
            .call_count = 500,
            .client_count = 2 + (unsigned)seed % 7,
            .key_count = 1 + (unsigned)seed % 5,
            .value_count = seed % 3 == 0 ? 3 : 0,
            .unknown_percent = (unsigned)seed % 4,
            .scan_percent = seed % 2 == 0 ? 20 : 0,
            .time_step_max = seed % 5 == 0 ? 1 : 1000,
        };
        assert_accepted(&generator);
    }
}
END_TEST

START_TEST(test_checker_agrees_with_naive_on_arbitrary_histories)
{
    struct generator generator = {.seed = 42, .time_step_max = 8};
    unsigned good = 0;
    for (unsigned i = 0; i < 4 * ROUND_COUNT; i++) {
        uint64_t seed = generator.seed;
        generator.call_count = 1 + i % 7;
        generator.unknown_percent = i % 60;
        struct history *history = generate_arbitrary(&generator);
        good += assert_same_verdict(history, seed);
        history_free(&history);
    }
    ck_assert_uint_gt(good, ROUND_COUNT / 10);
    ck_assert_uint_lt(good, 4 * ROUND_COUNT);
}
END_TEST

START_TEST(test_checker_agrees_with_naive_on_mutated_histories)
{
    struct generator generator = {.seed = 4711, .client_count = 4, .key_count = 1};
    unsigned good = 0;
    for (unsigned i = 0; i < ROUND_COUNT; i++) {
        uint64_t seed = generator.seed;
        generator.call_count = 2 + i % 6;
        generator.unknown_percent = i % 40;
        generator.value_count = i % 3;
        generator.time_step_max = 1 + i % 4;
        struct history *history = generate_linearizable(&generator);
        struct history *mutated = generate_mutated(&generator, history);
        ck_assert(assert_same_verdict(history, seed));
        good += assert_same_verdict(mutated, seed);
        history_free(&history);
        history_free(&mutated);
    }
    ck_assert_uint_gt(good, ROUND_COUNT / 10);
    ck_assert_uint_lt(good, ROUND_COUNT - ROUND_COUNT / 10);
}
END_TEST

/* Appends to `reads` what `scan` says of `key`, as a GET. */
static void append_read(struct history *reads, const struct history *history,
                        const struct history_call *scan, char key)
{
    const struct symbols *symbols = history_symbols(history);
    struct history_record record = {
        .client = scan->client,
        .invoke_ns = scan->invoke_ns,
        .op = HISTORY_GET,
        .key = {&key, 1},
        .outcome = HISTORY_OK,
        .return_ns = scan->return_ns,
    };
    for (size_t i = 0; i < scan->pair_count; i++) {
        if (symbols_text(symbols, scan->pairs[i].key).bytes[0] == key) {
            record.value = symbols_text(symbols, scan->pairs[i].value);
        }
    }
    history_append(reads, &record);
}

/* The same history with each scan spelled out as reads of all keys from a on in its range. */
static struct history *spell_out_scans(const struct history *history, unsigned key_count)
{
    const struct symbols *symbols = history_symbols(history);
    struct history *reads = history_new();
    for (size_t i = 0; i < history_count(history); i++) {
        const struct history_call *call = history_call(history, i);
        char first = symbols_text(symbols, call->key).bytes[0];
        if (call->op != HISTORY_SCAN) {
            struct history_record record = {
                .client = call->client,
                .invoke_ns = call->invoke_ns,
                .op = call->op,
                .key = {&first, 1},
                .argument = symbols_text(symbols, call->argument),
                .outcome = call->outcome,
                .return_ns = call->return_ns,
                .found = call->found,
                .value = symbols_text(symbols, call->value),
            };
            history_append(reads, &record);
        } else if (call->outcome == HISTORY_OK) {
            char last = symbols_text(symbols, call->argument).bytes[0];
            for (char key = 'a'; key < (char)('a' + key_count); key++) {
                if (key >= first && key <= last) {
                    append_read(reads, history, call, key);
                }
            }
        }
    }
    return reads;
}

START_TEST(test_checker_treats_scans_as_reads_of_each_key)
{
    struct generator generator = {.seed = 99, .client_count = 4, .scan_percent = 40};
    unsigned good = 0;
    for (unsigned i = 0; i < ROUND_COUNT / 4; i++) {
        generator.call_count = 20;
        generator.key_count = 1 + i % 6;
        generator.unknown_percent = i % 20;
        generator.time_step_max = 100;
        struct history *history = generate_linearizable(&generator);
        struct history *mutated = generate_mutated(&generator, history);
        struct history *reads = spell_out_scans(mutated, generator.key_count);
        enum check_verdict verdict = check_history(mutated, NULL, NULL);
        ck_assert_int_eq(check_history(history, NULL, NULL), CHECK_LINEARIZABLE);
        ck_assert_int_eq(verdict, check_history(reads, NULL, NULL));
        good += verdict == CHECK_LINEARIZABLE;
        history_free(&history);
        history_free(&mutated);
        history_free(&reads);
    }
    ck_assert_uint_gt(good, 0);
    ck_assert_uint_lt(good, ROUND_COUNT / 4);
}
END_TEST

START_TEST(test_checker_finishes_long_history_on_one_key)
{
    struct generator generator = {
        .seed = 5,
        .call_count = 10000,
        .client_count = 8,
        .key_count = 1,
        .unknown_percent = 1,
        .time_step_max = 1000,
    };
    assert_accepted(&generator);
}
END_TEST

START_TEST(test_checker_finishes_long_history_on_many_keys_with_scans)
{
    struct generator generator = {
        .seed = 6,
        .call_count = 30000,
        .client_count = 8,
        .key_count = 26,
        .unknown_percent = 1,
        .scan_percent = 10,
        .time_step_max = 1000,
    };
    assert_accepted(&generator);
}
END_TEST

Suite *random_suite(void)
{
    Suite *suite = suite_create("random");
    TCase *tcase = tcase_create("random");
    /* No assertion on time; but the default limit of 4 s is too near under sanitizers. */
    tcase_set_timeout(tcase, 120);
    tcase_add_test(tcase, test_checker_accepts_random_linearizable_histories);
    tcase_add_test(tcase, test_checker_agrees_with_naive_on_arbitrary_histories);
    tcase_add_test(tcase, test_checker_agrees_with_naive_on_mutated_histories);
    tcase_add_test(tcase, test_checker_treats_scans_as_reads_of_each_key);
    tcase_add_test(tcase, test_checker_finishes_long_history_on_one_key);
    tcase_add_test(tcase, test_checker_finishes_long_history_on_many_keys_with_scans);
    suite_add_tcase(suite, tcase);
    return suite;
}
