/* The store over LMDB with its two threads: one saves what is frozen while the other reads and
 * changes on top of it. ThreadSanitizer has to find nothing (`tests/run`), and nothing may get
 * lost. */
#include <ftw.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "actors/base.h"
#include "server/kv_store.h"
#include "tests/unit/server/suites.h"
#include "tests/unit/support/random.h"

enum {
    KEYS = 500,
    ROUNDS = 25, /* checkpoints */
    STEPS = 400, /* while each is written, at the least */
    TEXT_BYTES = 32,
};

static char directory[64];
static struct base *base;
static struct kv_store store;
static unsigned values[KEYS]; /* what it should hold; 0: nothing */
static struct wire_random dice;

static int remove_one(const char *name, const struct stat *stat, int type, struct FTW *walk)
{
    (void)stat, (void)type, (void)walk;
    return remove(name);
}

static void open_store(void)
{
    char problem[STORE_PROBLEM_BYTES];
    enum wire_error error = base_open(directory, &base, problem);
    ck_assert_msg(error == WIRE_OK, "%s", problem);
    kv_store_init(&store, base_interface(base));
}

static void close_store(void)
{
    kv_store_clear(&store);
    base_close(&base);
}

static void setup(void)
{
    snprintf(directory, sizeof directory, "/tmp/madkv-threads-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(directory));
    dice.state = 11;
    open_store();
}

static void teardown(void)
{
    close_store();
    nftw(directory, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

static struct span key_of(unsigned at, char text[TEXT_BYTES])
{
    snprintf(text, TEXT_BYTES, "key%04u", at);
    return span_text(text);
}

static struct span value_of(unsigned number, char text[TEXT_BYTES])
{
    snprintf(text, TEXT_BYTES, "%u", number);
    return number == 0 ? span_of(NULL, 0) : span_text(text);
}

static void change_one(unsigned number)
{
    char key[TEXT_BYTES], value[TEXT_BYTES];
    unsigned at = (unsigned)wire_random_below(&dice, KEYS);
    values[at] = wire_random_below(&dice, 4) == 0 ? 0 : number;
    kv_store_set(&store, key_of(at, key), value_of(values[at], value));
}

static void check_one(void)
{
    char key[TEXT_BYTES], value[TEXT_BYTES];
    unsigned at = (unsigned)wire_random_below(&dice, KEYS);
    struct span found = {0};
    bool there = kv_store_get(&store, key_of(at, key), &found);
    if (there != (values[at] != 0) || (there && !span_equal(found, value_of(values[at], value))))
        ck_abort_msg("key %u", at);
}

static bool count_pair(void *context, struct span key, struct span value)
{
    (void)key, (void)value;
    ++*(unsigned *)context;
    return true;
}

static void check_all(void)
{
    unsigned expected = 0, found = 0;
    for (unsigned at = 0; at < KEYS; at++)
        expected += values[at] != 0;
    kv_store_scan(&store, span_text("key"), false, count_pair, &found);
    if (found != expected || store.records != expected)
        ck_abort_msg("%u pairs, expected %u", found, expected);
}

/* What the checkpointer's thread is given, as messages would. */
struct saving {
    struct span image;       /* to save */
    enum wire_error outcome; /* of it, once joined */
};

static void *save(void *context)
{
    struct saving *saving = context;
    saving->outcome = kv_store_save(&store, saving->image);
    return NULL;
}

static void live_a_round(unsigned round, struct wire_writer *part)
{
    pthread_t checkpointer;
    struct saving saving;
    for (unsigned step = 0; step < STEPS; step++)
        change_one(round * 10 + 1);
    wire_writer_clear(part);
    kv_store_freeze(&store, part);
    saving.image = wire_writer_span(part);
    ck_assert_int_eq(pthread_create(&checkpointer, NULL, save, &saving), 0);
    for (unsigned step = 0; step < STEPS; step++) {
        check_one();
        change_one(round * 10 + 2);
        if (step % 20 == 0)
            check_all();
    }
    pthread_join(checkpointer, NULL);
    ck_assert_int_eq(saving.outcome, WIRE_OK);
    kv_store_thaw(&store);
    check_all();
}

START_TEST(test_kv_store_is_read_and_changed_while_it_is_saved)
{
    struct wire_writer part = {0};
    for (unsigned round = 1; round <= ROUNDS; round++)
        live_a_round(round, &part);
    uint64_t digest = kv_store_digest(&store);
    wire_writer_clear(&part);
    kv_store_freeze(&store, &part);
    ck_assert_int_eq(kv_store_save(&store, wire_writer_span(&part)), WIRE_OK);
    close_store();
    open_store();
    ck_assert(kv_store_restore(&store, wire_writer_span(&part)));
    ck_assert_uint_eq(kv_store_digest(&store), digest);
    check_all();
    for (unsigned step = 0; step < STEPS; step++)
        check_one();
    wire_writer_free(&part);
}
END_TEST

Suite *kv_threads_suite(void)
{
    Suite *suite = suite_create("kv_threads");
    TCase *tests = tcase_create("kv_threads");
    tcase_set_timeout(tests, 120);
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_test(tests, test_kv_store_is_read_and_changed_while_it_is_saved);
    suite_add_tcase(suite, tests);
    return suite;
}
