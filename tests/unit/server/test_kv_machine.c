#include <stdio.h>
#include <stdlib.h>
#include "server/kv_machine.h"
#include "tests/unit/server/suites.h"
#include "tests/unit/support/random.h"
#include "wire/figures.h"
#include "wire/hash.h"
#include "wire/kv.h"
#include "wire/map.h"

enum {
    TWIN_KEYS = 40,
    TWIN_STEPS = 20000,
    TEXT_MAX = 8,
};

/* --- calling the machine --------------------------------------------------------------------- */

static enum wire_status call_machine(struct smr_machine machine, const struct wire_kv_call *call,
                                     struct wire_writer *answer)
{
    struct smr_moment moment = {.slot = 1};
    struct wire_writer body = {0};
    wire_writer_clear(answer);
    wire_kv_call_encode(call, &body);
    enum wire_status status;
    if (wire_kv_is_read(call->op))
        status = machine.ops->query(machine.self, wire_writer_span(&body), answer);
    else
        status = machine.ops->apply(machine.self, &moment, wire_writer_span(&body), answer);
    wire_writer_free(&body);
    return status;
}

static struct wire_kv_call call_of(enum wire_kv_op op, struct span key, struct span value)
{
    return (struct wire_kv_call){.op = op, .key = key, .value = value};
}

/* Puts, and asserts that it is taken. */
static void put(struct smr_machine machine, struct span key, struct span value)
{
    struct wire_kv_call call = call_of(WIRE_KV_PUT, key, value);
    struct wire_writer answer = {0};
    ck_assert_int_eq(call_machine(machine, &call, &answer), WIRE_STATUS_OK);
    wire_writer_free(&answer);
}

/* Calls, and asserts what is answered; expected NULL: not found. */
static void assert_answer(struct smr_machine machine, enum wire_kv_op op, const char *key,
                          const char *value, const char *expected)
{
    struct wire_kv_call call = call_of(op, span_text(key), span_text(value));
    struct wire_kv_answer read;
    struct wire_writer answer = {0};
    ck_assert_int_eq(call_machine(machine, &call, &answer), WIRE_STATUS_OK);
    ck_assert_int_eq(wire_kv_answer_decode(op, wire_writer_span(&answer), &read), WIRE_OK);
    ck_assert_int_eq(read.found, expected != NULL);
    if (expected != NULL && (op == WIRE_KV_GET || op == WIRE_KV_SWAP))
        ck_assert(span_equal(read.value, span_text(expected)));
    wire_writer_free(&answer);
}

static void end(struct smr_machine machine)
{
    machine.ops->destroy(machine.self);
}

START_TEST(test_kv_machine_answers_each_call)
{
    struct smr_machine machine = kv_machine_new(0, 1);
    assert_answer(machine, WIRE_KV_GET, "k", "", NULL);
    assert_answer(machine, WIRE_KV_PUT, "k", "1", NULL);
    assert_answer(machine, WIRE_KV_PUT, "k", "2", "");
    assert_answer(machine, WIRE_KV_GET, "k", "", "2");
    assert_answer(machine, WIRE_KV_SWAP, "k", "3", "2");
    assert_answer(machine, WIRE_KV_SWAP, "l", "4", NULL);
    assert_answer(machine, WIRE_KV_DELETE, "k", "", "");
    assert_answer(machine, WIRE_KV_DELETE, "k", "", NULL);
    assert_answer(machine, WIRE_KV_GET, "k", "", NULL);
    assert_answer(machine, WIRE_KV_GET, "l", "", "4");
    end(machine);
}
END_TEST

START_TEST(test_kv_machine_classifies_by_bytes_alone)
{
    static const enum smr_body expected[WIRE_KV_OPS] = {
        [WIRE_KV_PUT] = SMR_BODY_COMMAND,    [WIRE_KV_SWAP] = SMR_BODY_COMMAND,
        [WIRE_KV_DELETE] = SMR_BODY_COMMAND, [WIRE_KV_GET] = SMR_BODY_QUERY,
        [WIRE_KV_SCAN] = SMR_BODY_QUERY,
    };
    struct smr_machine machine = kv_machine_new(0, 0);
    for (int op = 0; op < WIRE_KV_OPS; op++) {
        struct wire_kv_call call = call_of((enum wire_kv_op)op, span_text("a"), span_text("b"));
        struct wire_writer body = {0};
        wire_kv_call_encode(&call, &body);
        ck_assert_int_eq(machine.ops->classify(wire_writer_span(&body)), expected[op]);
        wire_writer_free(&body);
    }
    ck_assert_int_eq(machine.ops->classify(span_text("what")), SMR_BODY_MALFORMED);
    end(machine);
}
END_TEST

START_TEST(test_kv_machine_refuses_malformed_bodies_unchanged)
{
    struct smr_machine machine = kv_machine_new(0, 1);
    struct smr_moment moment = {.slot = 1};
    struct wire_writer answer = {0};
    struct wire_writer body = {0};
    struct wire_kv_call call = call_of(WIRE_KV_PUT, span_text("k"), span_text("v"));
    uint64_t before = machine.ops->digest(machine.self);
    ck_assert_int_eq(machine.ops->apply(machine.self, &moment, span_text("what"), &answer),
                     WIRE_STATUS_MALFORMED);
    ck_assert_int_eq(machine.ops->query(machine.self, span_of(NULL, 0), &answer),
                     WIRE_STATUS_MALFORMED);
    wire_kv_call_encode(&call, &body);
    ck_assert_int_eq(machine.ops->query(machine.self, wire_writer_span(&body), &answer),
                     WIRE_STATUS_MALFORMED);
    ck_assert_uint_eq(answer.size, 0);
    ck_assert_uint_eq(machine.ops->digest(machine.self), before);
    wire_writer_free(&body);
    wire_writer_free(&answer);
    end(machine);
}
END_TEST

START_TEST(test_kv_machine_answers_queries_that_came_through_the_log)
{
    struct smr_machine machine = kv_machine_new(0, 1);
    struct smr_moment moment = {.slot = 1};
    struct wire_kv_call call = call_of(WIRE_KV_GET, span_text("k"), span_of(NULL, 0));
    struct wire_kv_answer read;
    struct wire_writer answer = {0};
    struct wire_writer body = {0};
    put(machine, span_text("k"), span_text("v"));
    wire_kv_call_encode(&call, &body);
    ck_assert_int_eq(machine.ops->apply(machine.self, &moment, wire_writer_span(&body), &answer),
                     WIRE_STATUS_OK);
    ck_assert_int_eq(wire_kv_answer_decode(WIRE_KV_GET, wire_writer_span(&answer), &read), WIRE_OK);
    ck_assert(span_equal(read.value, span_text("v")));
    wire_writer_free(&body);
    wire_writer_free(&answer);
    end(machine);
}
END_TEST

/* --- partitions ------------------------------------------------------------------------------ */

START_TEST(test_kv_machine_takes_each_key_in_one_partition_only)
{
    enum { PARTITIONS = 3, KEYS = 200 };
    struct smr_machine machines[PARTITIONS];
    struct wire_writer answer = {0};
    for (uint32_t i = 0; i < PARTITIONS; i++)
        machines[i] = kv_machine_new(i, PARTITIONS);
    for (int key = 0; key < KEYS; key++) {
        char text[TEXT_MAX];
        snprintf(text, sizeof text, "%d", key);
        for (int op = 0; op < WIRE_KV_SCAN; op++) {
            struct wire_kv_call call =
                call_of((enum wire_kv_op)op, span_text(text), span_text("v"));
            uint32_t owner = wire_map_partition(wire_hash_slot(call.key), PARTITIONS);
            for (uint32_t i = 0; i < PARTITIONS; i++) {
                uint64_t before = machines[i].ops->digest(machines[i].self);
                enum wire_status status = call_machine(machines[i], &call, &answer);
                ck_assert_int_eq(status, i == owner ? WIRE_STATUS_OK : WIRE_STATUS_WRONG_GROUP);
                if (i == owner)
                    continue;
                ck_assert_uint_eq(answer.size, 0);
                ck_assert_uint_eq(machines[i].ops->digest(machines[i].self), before);
            }
        }
    }
    wire_writer_free(&answer);
    for (uint32_t i = 0; i < PARTITIONS; i++)
        end(machines[i]);
}
END_TEST

START_TEST(test_kv_machine_scans_a_range_whoever_owns_its_ends)
{
    struct wire_kv_call call = call_of(WIRE_KV_SCAN, span_text("a"), span_text("z"));
    struct wire_writer answer = {0};
    for (uint32_t i = 0; i < 5; i++) {
        struct smr_machine machine = kv_machine_new(i, 5);
        ck_assert_int_eq(call_machine(machine, &call, &answer), WIRE_STATUS_OK);
        end(machine);
    }
    wire_writer_free(&answer);
}
END_TEST

/* --- scans ----------------------------------------------------------------------------------- */

/* One page; returns its pairs and leaves the last key in *last, which points into the answer. */
static uint32_t scan_page(struct smr_machine machine, const struct wire_kv_call *call,
                          struct wire_writer *answer, bool *more, struct span *last)
{
    uint32_t pairs = 0;
    struct span key = call->key;
    struct span value;
    ck_assert_int_eq(call_machine(machine, call, answer), WIRE_STATUS_OK);
    struct wire_reader page = wire_kv_page_open(wire_writer_span(answer), more);
    for (; wire_kv_page_next(&page, &key, &value); pairs++) {
        int order = span_compare(key, pairs == 0 ? call->key : *last);
        ck_assert(order > 0 || (order == 0 && pairs == 0 && !call->after));
        *last = key;
    }
    ck_assert(!page.bad);
    return pairs;
}

/* Reads a range page by page, each from behind the last key; returns the pairs and counts the
 * pages. */
static uint32_t scan_all(struct smr_machine machine, const char *from, const char *to,
                         uint32_t *pages)
{
    uint8_t resume[WIRE_KEY_BYTES_MAX];
    struct wire_kv_call call = call_of(WIRE_KV_SCAN, span_text(from), span_text(to));
    struct wire_writer answer = {0};
    struct span last = {0};
    uint32_t pairs = 0;
    bool more = true;
    for (*pages = 0; more; ++*pages) {
        uint32_t found = scan_page(machine, &call, &answer, &more, &last);
        ck_assert(found > 0 || !more);
        ck_assert_uint_le(found, WIRE_SCAN_PAGE_COUNT);
        ck_assert_uint_le(answer.size, WIRE_RESULT_BYTES_MAX);
        pairs += found;
        if (found > 0)
            memcpy(resume, last.data, last.size);
        call.key = span_of(resume, last.size);
        call.after = true;
    }
    wire_writer_free(&answer);
    return pairs;
}

START_TEST(test_kv_machine_scans_exactly_the_range)
{
    struct smr_machine machine = kv_machine_new(0, 1);
    uint32_t pages;
    ck_assert_uint_eq(scan_all(machine, "a", "z", &pages), 0);
    put(machine, span_text("b"), span_text("1"));
    put(machine, span_text("bb"), span_text("2"));
    put(machine, span_text("c"), span_text("3"));
    ck_assert_uint_eq(scan_all(machine, "b", "c", &pages), 3);
    ck_assert_uint_eq(scan_all(machine, "b", "b", &pages), 1);
    ck_assert_uint_eq(scan_all(machine, "ba", "bz", &pages), 1);
    ck_assert_uint_eq(scan_all(machine, "d", "z", &pages), 0);
    ck_assert_uint_eq(scan_all(machine, "z", "a", &pages), 0);
    ck_assert_uint_eq(pages, 1);
    end(machine);
}
END_TEST

START_TEST(test_kv_machine_pages_by_count)
{
    static const struct {
        uint32_t keys;
        uint32_t pages;
    } cases[] = {
        {WIRE_SCAN_PAGE_COUNT - 1, 1},
        {WIRE_SCAN_PAGE_COUNT, 1},
        {WIRE_SCAN_PAGE_COUNT + 1, 2},
        {2 * WIRE_SCAN_PAGE_COUNT + 1, 3},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct smr_machine machine = kv_machine_new(0, 1);
        uint32_t pages;
        for (uint32_t key = 0; key < cases[i].keys; key++) {
            char text[16];
            snprintf(text, sizeof text, "%u", (unsigned)key);
            put(machine, span_text(text), span_text("v"));
        }
        put(machine, span_text("zz"), span_text("behind"));
        ck_assert_uint_eq(scan_all(machine, "0", "z", &pages), cases[i].keys);
        ck_assert_uint_eq(pages, cases[i].pages);
        end(machine);
    }
}
END_TEST

/* A page ends with the first pair that reaches its size, and holds that one whatever its size. */
START_TEST(test_kv_machine_pages_by_bytes)
{
    struct smr_machine machine = kv_machine_new(0, 1);
    uint8_t *value = wire_alloc(WIRE_VALUE_BYTES_MAX);
    uint32_t pages;
    memset(value, 'v', WIRE_VALUE_BYTES_MAX);
    put(machine, span_text("a"), span_of(value, WIRE_VALUE_BYTES_MAX));
    put(machine, span_text("b"), span_of(value, WIRE_VALUE_BYTES_MAX));
    ck_assert_uint_eq(scan_all(machine, "a", "z", &pages), 2);
    ck_assert_uint_eq(pages, 2);
    put(machine, span_text("a"), span_of(value, WIRE_SCAN_PAGE_BYTES - 2));
    ck_assert_uint_eq(scan_all(machine, "a", "z", &pages), 2);
    ck_assert_uint_eq(pages, 1);
    put(machine, span_text("a"), span_of(value, WIRE_SCAN_PAGE_BYTES - 1));
    ck_assert_uint_eq(scan_all(machine, "a", "z", &pages), 2);
    ck_assert_uint_eq(pages, 2);
    ck_assert_uint_eq(scan_all(machine, "a", "a", &pages), 1);
    ck_assert_uint_eq(pages, 1);
    free(value);
    end(machine);
}
END_TEST

START_TEST(test_kv_machine_scans_on_behind_a_key_that_is_gone)
{
    struct smr_machine machine = kv_machine_new(0, 1);
    struct wire_kv_call call = call_of(WIRE_KV_SCAN, span_text("b"), span_text("z"));
    struct wire_writer answer = {0};
    struct span last;
    bool more;
    put(machine, span_text("a"), span_text("1"));
    put(machine, span_text("b"), span_text("2"));
    put(machine, span_text("c"), span_text("3"));
    call.after = true;
    ck_assert_uint_eq(scan_page(machine, &call, &answer, &more, &last), 1);
    assert_answer(machine, WIRE_KV_DELETE, "b", "", "");
    ck_assert_uint_eq(scan_page(machine, &call, &answer, &more, &last), 1);
    ck_assert(span_equal(last, span_text("c")) && !more);
    wire_writer_free(&answer);
    end(machine);
}
END_TEST

/* --- against a naive twin -------------------------------------------------------------------- */

struct pair {
    char key[TEXT_MAX];   /* never changes; keys stand in byte order */
    char value[TEXT_MAX]; /* empty: there is none */
};

struct twin {
    struct pair pairs[TWIN_KEYS];
};

static int compare_pairs(const void *a, const void *b)
{
    const struct pair *first = a;
    const struct pair *second = b;
    return span_compare(span_text(first->key), span_text(second->key));
}

/* Short keys over few letters, high bytes among them, so that many are prefixes of others. */
static void twin_init(struct twin *twin, struct wire_random *random)
{
    static const char letters[] = "ab\x7f\xfe";
    memset(twin, 0, sizeof *twin);
    for (size_t i = 0; i < TWIN_KEYS; i++) {
        char *key = twin->pairs[i].key;
        size_t size = 1 + wire_random_below(random, 4);
        memset(key, 0, TEXT_MAX);
        for (size_t at = 0; at < size; at++)
            key[at] = letters[wire_random_below(random, 4)];
        for (size_t other = 0; other < i; other++) {
            if (strcmp(key, twin->pairs[other].key) == 0) {
                i--;
                break;
            }
        }
    }
    qsort(twin->pairs, TWIN_KEYS, sizeof twin->pairs[0], compare_pairs);
}

static void compare_scan(struct smr_machine machine, const struct twin *twin, size_t from,
                         size_t to, bool after)
{
    struct wire_kv_call call =
        call_of(WIRE_KV_SCAN, span_text(twin->pairs[from].key), span_text(twin->pairs[to].key));
    struct wire_writer answer = {0};
    struct span key;
    struct span value;
    bool more;
    call.after = after;
    ck_assert_int_eq(call_machine(machine, &call, &answer), WIRE_STATUS_OK);
    struct wire_reader page = wire_kv_page_open(wire_writer_span(&answer), &more);
    for (size_t i = from + after; i <= to; i++) {
        if (twin->pairs[i].value[0] == '\0')
            continue;
        if (!wire_kv_page_next(&page, &key, &value) ||
            !span_equal(key, span_text(twin->pairs[i].key)) ||
            !span_equal(value, span_text(twin->pairs[i].value)))
            ck_abort_msg("scan differs at %s", twin->pairs[i].key);
    }
    if (wire_kv_page_next(&page, &key, &value) || page.bad || more)
        ck_abort_msg("scan goes on");
    wire_writer_free(&answer);
}

/* The same call on both, the same answer. */
static void compare_call(struct smr_machine machine, struct pair *pair, enum wire_kv_op op,
                         const char *value)
{
    struct wire_kv_call call = call_of(op, span_text(pair->key), span_text(value));
    struct wire_kv_answer read;
    struct wire_writer answer = {0};
    bool answers_value = op == WIRE_KV_GET || op == WIRE_KV_SWAP;
    if (call_machine(machine, &call, &answer) != WIRE_STATUS_OK ||
        wire_kv_answer_decode(op, wire_writer_span(&answer), &read) != WIRE_OK)
        ck_abort_msg("no answer");
    if (read.found != (pair->value[0] != '\0') ||
        (answers_value && !span_equal(read.value, span_text(pair->value))))
        ck_abort_msg("answer to %d on %s differs", (int)op, pair->key);
    if (op == WIRE_KV_DELETE)
        memset(pair->value, 0, TEXT_MAX);
    else if (op != WIRE_KV_GET)
        snprintf(pair->value, TEXT_MAX, "%s", value);
    wire_writer_free(&answer);
}

static void assert_same_digest(struct smr_machine machine, const struct twin *twin)
{
    struct smr_machine fresh = kv_machine_new(0, 1);
    for (size_t i = TWIN_KEYS; i-- > 0;) {
        if (twin->pairs[i].value[0] != '\0')
            put(fresh, span_text(twin->pairs[i].key), span_text(twin->pairs[i].value));
    }
    ck_assert_uint_eq(fresh.ops->digest(fresh.self), machine.ops->digest(machine.self));
    end(fresh);
}

START_TEST(test_kv_machine_agrees_with_its_naive_twin)
{
    struct wire_random random = {.state = (uint64_t)_i};
    struct smr_machine machine = kv_machine_new(0, 1);
    struct twin twin;
    twin_init(&twin, &random);
    for (int step = 0; step < TWIN_STEPS; step++) {
        enum wire_kv_op op = (enum wire_kv_op)wire_random_below(&random, WIRE_KV_OPS);
        size_t at = wire_random_below(&random, TWIN_KEYS);
        uint8_t text[TEXT_MAX] = {0};
        random_text(&random, text, 1 + wire_random_below(&random, TEXT_MAX - 1));
        if (op == WIRE_KV_SCAN)
            compare_scan(machine, &twin, at, at + wire_random_below(&random, TWIN_KEYS - at),
                         wire_random_below(&random, 2) == 1);
        else
            compare_call(machine, &twin.pairs[at], op, (const char *)text);
        if (step % 1000 == 0)
            assert_same_digest(machine, &twin);
    }
    end(machine);
}
END_TEST

/* --- figures --------------------------------------------------------------------------------- */

static uint64_t figure_of(struct smr_machine machine, const char *name)
{
    struct wire_writer out = {0};
    struct wire_figure figure;
    uint64_t number = UINT64_MAX;
    machine.ops->figures(machine.self, &out);
    struct wire_reader in = wire_reader_of(wire_writer_span(&out));
    while (wire_figure_next(&in, &figure)) {
        if (span_equal(figure.name, span_text(name)))
            number = figure.number;
    }
    ck_assert(!in.bad);
    wire_writer_free(&out);
    return number;
}

START_TEST(test_kv_machine_figures_follow_the_calls)
{
    struct smr_machine machine = kv_machine_new(0, 1);
    put(machine, span_text("a"), span_text("22"));
    put(machine, span_text("b"), span_text("333"));
    assert_answer(machine, WIRE_KV_SWAP, "a", "1", "22");
    assert_answer(machine, WIRE_KV_DELETE, "b", "", "");
    assert_answer(machine, WIRE_KV_GET, "a", "", "1");
    ck_assert_uint_eq(figure_of(machine, "kv.records"), 1);
    ck_assert_uint_eq(figure_of(machine, "kv.bytes"), 2);
    ck_assert_uint_eq(figure_of(machine, "kv.put_calls"), 2);
    ck_assert_uint_eq(figure_of(machine, "kv.swap_calls"), 1);
    ck_assert_uint_eq(figure_of(machine, "kv.delete_calls"), 1);
    ck_assert_uint_eq(figure_of(machine, "kv.get_calls"), 1);
    ck_assert_uint_eq(figure_of(machine, "kv.scan_calls"), 0);
    ck_assert_uint_eq(figure_of(machine, "kv.wrong_group_calls"), 0);
    end(machine);
}
END_TEST

Suite *kv_machine_suite(void)
{
    Suite *suite = suite_create("kv_machine");
    TCase *tests = tcase_create("kv_machine");
    tcase_set_timeout(tests, 60);
    tcase_add_test(tests, test_kv_machine_answers_each_call);
    tcase_add_test(tests, test_kv_machine_classifies_by_bytes_alone);
    tcase_add_test(tests, test_kv_machine_refuses_malformed_bodies_unchanged);
    tcase_add_test(tests, test_kv_machine_answers_queries_that_came_through_the_log);
    tcase_add_test(tests, test_kv_machine_takes_each_key_in_one_partition_only);
    tcase_add_test(tests, test_kv_machine_scans_a_range_whoever_owns_its_ends);
    tcase_add_test(tests, test_kv_machine_scans_exactly_the_range);
    tcase_add_test(tests, test_kv_machine_pages_by_count);
    tcase_add_test(tests, test_kv_machine_pages_by_bytes);
    tcase_add_test(tests, test_kv_machine_scans_on_behind_a_key_that_is_gone);
    tcase_add_loop_test(tests, test_kv_machine_agrees_with_its_naive_twin, 1, 5);
    tcase_add_test(tests, test_kv_machine_figures_follow_the_calls);
    suite_add_tcase(suite, tests);
    return suite;
}
