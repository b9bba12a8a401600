/* The store on its levels against a naive twin: an array of what each key holds. The base is in
 * memory and refuses a commit now and then, as a full disk does. */
#include "server/kv_store.h"

#include <stdio.h>
#include "smr/memory_base.h"
#include "tests/unit/server/suites.h"
#include "tests/unit/support/random.h"

enum {
    KEYS = 48,
    TEXT_BYTES = 32,
    STEPS = 6000,
    RUNS = 12, /* seeds */
};

/* ck_assert tells its parent of every check; this many are too many to tell. */
#define require(condition)                                                                         \
    do {                                                                                           \
        if (!(condition))                                                                          \
            ck_abort_msg("step %d: %s", world.step, #condition);                                   \
    } while (0)

/* What every key holds; 0: nothing, else the number its value is made of. */
struct twin {
    unsigned values[KEYS];
};

static struct {
    struct wire_random random;
    int step;
    struct smr_base memory;  /* what is durable */
    struct smr_base base;    /* the same, refusing commits now and then */
    struct kv_store store;   /* under test */
    struct twin twin;        /* what it should hold */
    struct wire_writer part; /* of the last freeze */
    struct twin frozen;      /* what the twin held then */
    struct buf *saved_part;  /* of the last freeze that was saved; NULL: none */
    struct twin saved;       /* what the twin held then */
    bool is_saved;           /* the frozen state is durable, and not thawed yet */
} world;

/* Ascending in byte order, and some are the beginning of the next. */
static struct span key_of(int at, char text[TEXT_BYTES])
{
    static const char *const endings[] = {"", "a", "aa", "b"};
    snprintf(text, TEXT_BYTES, "%c%s", 'A' + at / 4, endings[at % 4]);
    return span_text(text);
}

static struct span value_of(unsigned number, char text[TEXT_BYTES])
{
    snprintf(text, TEXT_BYTES, "%u%.*s", number, (int)(number % 9), "xxxxxxxxx");
    return number == 0 ? span_of(NULL, 0) : span_text(text);
}

/* --- a base that is full now and then ----------------------------------------------------------
 */

static struct buf *fickle_get(void *self, struct span key)
{
    (void)self;
    return world.memory.ops->get(world.memory.self, key);
}

static void fickle_scan(void *self, struct span from, bool after, smr_base_visit *visit,
                        void *context)
{
    (void)self;
    world.memory.ops->scan(world.memory.self, from, after, visit, context);
}

static struct buf *fickle_image(void *self)
{
    (void)self;
    return world.memory.ops->image(world.memory.self);
}

static void fickle_begin(void *self)
{
    (void)self;
    world.memory.ops->begin(world.memory.self);
}

static void fickle_put(void *self, struct span key, struct span value)
{
    (void)self;
    world.memory.ops->put(world.memory.self, key, value);
}

static enum wire_error fickle_commit(void *self, struct span image)
{
    (void)self;
    if (wire_random_below(&world.random, 3) != 0)
        return world.memory.ops->commit(world.memory.self, image);
    smr_memory_base_crash(world.memory);
    return WIRE_FULL;
}

static const struct smr_base_ops fickle_ops = {
    .get = fickle_get,
    .scan = fickle_scan,
    .image = fickle_image,
    .begin = fickle_begin,
    .put = fickle_put,
    .commit = fickle_commit,
};

static void begin_world(uint64_t seed)
{
    memset(&world, 0, sizeof world);
    world.random.state = seed;
    world.memory = smr_memory_base_new();
    world.base = (struct smr_base){.ops = &fickle_ops, .self = &world};
    kv_store_init(&world.store, &world.base);
}

static void end_world(void)
{
    kv_store_clear(&world.store);
    smr_memory_base_free(&world.memory);
    wire_writer_free(&world.part);
    buf_unref(&world.saved_part);
}

/* --- steps -------------------------------------------------------------------------------------
 */

static void change_one(void)
{
    char key[TEXT_BYTES], value[TEXT_BYTES];
    int at = (int)wire_random_below(&world.random, KEYS);
    unsigned number = wire_random_below(&world.random, 3) == 0 ? 0 : (unsigned)world.step + 1;
    kv_store_set(&world.store, key_of(at, key), value_of(number, value));
    world.twin.values[at] = number;
}

static void get_one(void)
{
    char key[TEXT_BYTES], value[TEXT_BYTES];
    int at = (int)wire_random_below(&world.random, KEYS);
    struct span found = {0};
    bool there = kv_store_get(&world.store, key_of(at, key), &found);
    require(there == (world.twin.values[at] != 0));
    require(!there || span_equal(found, value_of(world.twin.values[at], value)));
}

/* A scan in progress: the next key the twin has, and how many the visitor still wants. */
struct expectation {
    int next;
    unsigned wanted;
};

static void skip_absent(struct expectation *expected)
{
    while (expected->next < KEYS && world.twin.values[expected->next] == 0)
        expected->next++;
}

static bool expect_pair(void *context, struct span key, struct span value)
{
    struct expectation *expected = context;
    char twin_key[TEXT_BYTES], twin_value[TEXT_BYTES];
    require(expected->wanted > 0); /* not called again after it said enough */
    skip_absent(expected);
    require(expected->next < KEYS);
    require(span_equal(key, key_of(expected->next, twin_key)));
    require(span_equal(value, value_of(world.twin.values[expected->next], twin_value)));
    expected->next++;
    return --expected->wanted > 0;
}

static void scan_from(int at, bool after, unsigned wanted)
{
    char key[TEXT_BYTES];
    struct expectation expected = {.next = after ? at + 1 : at, .wanted = wanted};
    kv_store_scan(&world.store, key_of(at, key), after, expect_pair, &expected);
    skip_absent(&expected);
    require(expected.wanted == 0 || expected.next == KEYS);
}

static void scan_some(void)
{
    unsigned wanted = wire_random_below(&world.random, 2) == 0 ? 2 * KEYS : 1;
    scan_from((int)wire_random_below(&world.random, KEYS), wire_random_below(&world.random, 2) == 0,
              wanted + (unsigned)wire_random_below(&world.random, 8));
}

static void freeze(void)
{
    if (world.store.is_frozen)
        return;
    wire_writer_clear(&world.part);
    kv_store_freeze(&world.store, &world.part);
    require(kv_store_unsaved_bytes(&world.store) == 0);
    world.frozen = world.twin;
}

/* Again while the disk is full: what is frozen stays as it is. */
static void save(void)
{
    if (!world.store.is_frozen || world.is_saved)
        return;
    if (kv_store_save(&world.store, wire_writer_span(&world.part)) != WIRE_OK)
        return;
    buf_unref(&world.saved_part);
    world.saved_part = buf_copy(wire_writer_span(&world.part));
    world.saved = world.frozen;
    world.is_saved = true;
}

static void thaw(void)
{
    if (!world.is_saved)
        return;
    kv_store_thaw(&world.store);
    world.is_saved = false;
}

/* The next life finds the state of the last checkpoint, whatever came after it. */
static void crash(void)
{
    kv_store_clear(&world.store);
    kv_store_init(&world.store, &world.base);
    world.twin = (struct twin){0};
    world.is_saved = false;
    struct buf *image = world.base.ops->image(world.base.self);
    require((image == NULL) == (world.saved_part == NULL));
    if (image == NULL)
        return;
    require(span_equal(buf_span(image), buf_span(world.saved_part)));
    require(kv_store_restore(&world.store, buf_span(image)));
    world.twin = world.saved;
    buf_unref(&image);
}

/* Count, bytes and digest say nothing of the levels. */
static void compare_with_memory_only(void)
{
    struct kv_store plain;
    kv_store_init(&plain, NULL);
    for (int at = 0; at < KEYS; at++) {
        char key[TEXT_BYTES], value[TEXT_BYTES];
        kv_store_set(&plain, key_of(at, key), value_of(1, value));
        kv_store_set(&plain, key_of(at, key), value_of(world.twin.values[at], value));
    }
    require(plain.records == world.store.records);
    require(plain.bytes == world.store.bytes);
    require(kv_store_digest(&plain) == kv_store_digest(&world.store));
    require(kv_store_unsaved_bytes(&plain) == 0);
    kv_store_clear(&plain);
}

static void step(void)
{
    uint64_t dice = wire_random_below(&world.random, 1000);
    if (dice < 450)
        change_one();
    else if (dice < 700)
        get_one();
    else if (dice < 850)
        scan_some();
    else if (dice < 900)
        freeze();
    else if (dice < 950)
        save();
    else if (dice < 990)
        thaw();
    else if (dice < 996)
        compare_with_memory_only();
    else
        crash();
}

START_TEST(test_kv_store_agrees_with_a_naive_twin)
{
    begin_world((uint64_t)_i + 1);
    for (world.step = 0; world.step < STEPS; world.step++)
        step();
    scan_from(0, false, 2 * KEYS);
    compare_with_memory_only();
    end_world();
}
END_TEST

/* --- single cases ------------------------------------------------------------------------------
 */

static void set(struct kv_store *store, const char *key, const char *value)
{
    kv_store_set(store, span_text(key), span_text(value));
}

static bool add_pair(void *context, struct span key, struct span value)
{
    struct wire_writer *out = context;
    wire_write_raw(out, key);
    wire_write_raw(out, span_text("="));
    wire_write_raw(out, value);
    wire_write_raw(out, span_text(" "));
    return true;
}

static void assert_pairs(struct kv_store *store, const char *expected)
{
    struct wire_writer out = {0};
    kv_store_scan(store, span_of(NULL, 0), false, add_pair, &out);
    ck_assert_msg(span_equal(wire_writer_span(&out), span_text(expected)), "'%.*s', not '%s'",
                  (int)out.size, (const char *)out.data, expected);
    wire_writer_free(&out);
}

/* Freezes, saves and thaws. */
static void checkpoint(struct kv_store *store)
{
    struct wire_writer part = {0};
    kv_store_freeze(store, &part);
    ck_assert_int_eq(kv_store_save(store, wire_writer_span(&part)), WIRE_OK);
    kv_store_thaw(store);
    wire_writer_free(&part);
}

START_TEST(test_kv_store_removes_across_all_levels)
{
    struct smr_base base = smr_memory_base_new();
    struct wire_writer part = {0};
    struct kv_store store;
    kv_store_init(&store, &base);
    set(&store, "a", "1");
    set(&store, "b", "1");
    set(&store, "c", "1");
    set(&store, "d", "1");
    checkpoint(&store);
    set(&store, "a", ""); /* removed in what is frozen */
    set(&store, "b", "");
    set(&store, "e", "1"); /* there in what is frozen only */
    kv_store_freeze(&store, &part);
    set(&store, "b", "2"); /* and back in what is active */
    set(&store, "c", "");  /* removed in what is active */
    set(&store, "e", "");
    assert_pairs(&store, "b=2 d=1 ");
    ck_assert_uint_eq(store.records, 2);
    ck_assert_uint_eq(store.bytes, 4);
    ck_assert_int_eq(kv_store_save(&store, wire_writer_span(&part)), WIRE_OK);
    assert_pairs(&store, "b=2 d=1 "); /* durable and not thawed: the levels overlap */
    kv_store_thaw(&store);
    assert_pairs(&store, "b=2 d=1 ");
    checkpoint(&store);
    assert_pairs(&store, "b=2 d=1 ");
    ck_assert_uint_eq(kv_store_unsaved_bytes(&store), 0);
    kv_store_clear(&store);
    wire_writer_free(&part);
    smr_memory_base_free(&base);
}
END_TEST

/* What was never there leaves nothing behind to be written down. */
START_TEST(test_kv_store_removing_nothing_changes_nothing)
{
    struct smr_base base = smr_memory_base_new();
    struct kv_store store;
    kv_store_init(&store, &base);
    uint64_t empty = kv_store_digest(&store);
    set(&store, "a", "");
    ck_assert_uint_eq(kv_store_unsaved_bytes(&store), 0);
    set(&store, "a", "1");
    set(&store, "a", "");
    ck_assert_uint_eq(store.records, 0);
    ck_assert_uint_eq(kv_store_digest(&store), empty);
    kv_store_clear(&store);
    smr_memory_base_free(&base);
}
END_TEST

START_TEST(test_kv_store_refuses_a_part_of_something_else)
{
    struct smr_base base = smr_memory_base_new();
    struct wire_writer part = {0};
    struct kv_store store;
    kv_store_init(&store, &base);
    set(&store, "a", "1");
    kv_store_freeze(&store, &part);
    kv_store_clear(&store);
    kv_store_init(&store, &base);
    for (size_t size = 0; size < part.size; size++)
        ck_assert(!kv_store_restore(&store, span_of(part.data, size)));
    ck_assert_uint_eq(store.records, 0);
    ck_assert(kv_store_restore(&store, wire_writer_span(&part)));
    ck_assert_uint_eq(store.records, 1);
    wire_write_uint(&part, 0);
    ck_assert(!kv_store_restore(&store, wire_writer_span(&part)));
    kv_store_clear(&store);
    wire_writer_free(&part);
    smr_memory_base_free(&base);
}
END_TEST

Suite *kv_store_suite(void)
{
    Suite *suite = suite_create("kv_store");
    TCase *tests = tcase_create("kv_store");
    tcase_set_timeout(tests, 60);
    tcase_add_loop_test(tests, test_kv_store_agrees_with_a_naive_twin, 0, RUNS);
    tcase_add_test(tests, test_kv_store_removes_across_all_levels);
    tcase_add_test(tests, test_kv_store_removing_nothing_changes_nothing);
    tcase_add_test(tests, test_kv_store_refuses_a_part_of_something_else);
    suite_add_tcase(suite, tests);
    return suite;
}
