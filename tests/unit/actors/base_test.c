/* The base on LMDB. What its interface promises it must do like the one in memory; the rest is
 * about the disk, and about the two threads that use it at once. */
#include "actors/base.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "actors/aside.h"
#include "smr/memory_base.h"
#include "tests/unit/actors/base_stand.h"
#include "tests/unit/actors/suites.h"
#include "tests/unit/support/capture.h"
#include "tests/unit/support/random.h"

enum {
    PAIRS = 200, /* of the threads' test */
    ROUNDS = 60, /* checkpoints of it */
    TEXT_BYTES = 64,
    CANNOT = 77,                   /* exit status of a child that may not mount */
    ROOM_BYTES = 10 * 1024 * 1024, /* of the small file system */
};

/* --- the interface ---------------------------------------------------------------------------- */

START_TEST(test_base_shows_a_checkpoint_once_it_is_committed_and_in_the_next_life)
{
    struct base *lmdb = base_open_good();
    const struct smr_base *base = base_interface(lmdb);
    base_assert_image(base, NULL);
    base_assert_value(base, "a", NULL);
    base_assert_scan(base, "", false, "");
    base->ops->begin(base->self);
    base_put_text(base, "b", "2");
    base_put_text(base, "a", "1");
    base_put_text(base, "c", "3");
    base_assert_value(base, "a", NULL);
    base_assert_image(base, NULL);
    ck_assert_int_eq(base->ops->commit(base->self, span_text("first")), WIRE_OK);
    base_assert_value(base, "a", "1");
    base_assert_image(base, "first");
    base_close(&lmdb);
    ck_assert_ptr_null(lmdb);
    lmdb = base_open_good();
    base = base_interface(lmdb);
    base_assert_image(base, "first");
    base_assert_scan(base, "", false, "a=1 b=2 c=3 ");
    base->ops->begin(base->self);
    base_put_text(base, "a", "changed");
    base_put_text(base, "b", "");    /* removed */
    base_put_text(base, "none", ""); /* nothing to remove */
    ck_assert_int_eq(base->ops->commit(base->self, span_text("second")), WIRE_OK);
    base_assert_value(base, "b", NULL);
    base_assert_scan(base, "", false, "a=changed c=3 ");
    base_assert_image(base, "second");
    base_close(&lmdb);
}
END_TEST

START_TEST(test_base_scans_in_byte_order_from_anywhere)
{
    struct base *lmdb = base_open_good();
    const struct smr_base *base = base_interface(lmdb);
    base->ops->begin(base->self);
    base_put_text(base, "b", "1");
    base_put_text(base, "\xff", "2");
    base_put_text(base, "ba", "3");
    base_put_text(base, "Z", "4");
    ck_assert_int_eq(base->ops->commit(base->self, span_text("i")), WIRE_OK);
    base_assert_scan(base, "", true, "Z=4 b=1 ba=3 \xff=2 ");
    base_assert_scan(base, "a", false, "b=1 ba=3 \xff=2 ");
    base_assert_scan(base, "b", false, "b=1 ba=3 \xff=2 ");
    base_assert_scan(base, "b", true, "ba=3 \xff=2 ");
    base_assert_scan(base, "b!", true, "ba=3 \xff=2 ");
    base_assert_scan(base, "\xff", true, "");
    base_close(&lmdb);
}
END_TEST

START_TEST(test_base_holds_the_longest_keys_and_values_and_large_images)
{
    struct base *lmdb = base_open_good();
    const struct smr_base *base = base_interface(lmdb);
    uint8_t *fill;
    struct buf *bytes = buf_new(20 * 1024 * 1024, &fill);
    memset(fill, 'x', bytes->size);
    struct span key = span_of(bytes->data, WIRE_KEY_BYTES_MAX);
    struct span value = span_of(bytes->data, WIRE_VALUE_BYTES_MAX);
    base->ops->begin(base->self);
    base->ops->put(base->self, key, value);
    ck_assert_int_eq(base->ops->commit(base->self, buf_span(bytes)), WIRE_OK);
    struct buf *got = base->ops->get(base->self, key);
    ck_assert(span_equal(buf_span(got), value));
    buf_unref(&got);
    got = base->ops->image(base->self);
    ck_assert(span_equal(buf_span(got), buf_span(bytes)));
    buf_unref(&got);
    buf_unref(&bytes);
    base_close(&lmdb);
}
END_TEST

static struct span random_key(struct wire_random *random, char text[TEXT_BYTES])
{
    snprintf(text, TEXT_BYTES, "key%u", (unsigned)wire_random_below(random, 300));
    return span_text(text);
}

static void assert_same(const struct smr_base *one, const struct smr_base *other)
{
    struct wire_writer pairs = {0}, others = {0};
    one->ops->scan(one->self, span_text("k"), false, base_add_pair, &pairs);
    other->ops->scan(other->self, span_text("k"), false, base_add_pair, &others);
    ck_assert(span_equal(wire_writer_span(&pairs), wire_writer_span(&others)));
    wire_writer_free(&pairs);
    wire_writer_free(&others);
}

START_TEST(test_base_does_what_the_one_in_memory_does)
{
    struct base *lmdb = base_open_good();
    struct smr_base twin = smr_memory_base_new();
    struct wire_random random = {.state = 5};
    for (int checkpoint = 0; checkpoint < 30; checkpoint++) {
        const struct smr_base *bases[] = {base_interface(lmdb), &twin};
        uint64_t changes = wire_random_below(&random, 100), state = wire_random_next(&random);
        for (int i = 0; i < 2; i++) {
            struct wire_random same = {.state = state};
            bases[i]->ops->begin(bases[i]->self);
            for (uint64_t n = 0; n < changes; n++) {
                char key[TEXT_BYTES];
                uint8_t value[3000];
                struct span at = random_key(&same, key);
                size_t size = wire_random_below(&same, 4) == 0 ? 0 : wire_random_below(&same, sizeof value);
                bases[i]->ops->put(bases[i]->self, at, random_text(&same, value, size));
            }
            ck_assert_int_eq(bases[i]->ops->commit(bases[i]->self, span_text("image")), WIRE_OK);
        }
        assert_same(bases[0], bases[1]);
        if (checkpoint % 10 == 9) {
            base_close(&lmdb);
            lmdb = base_open_good();
        }
    }
    base_close(&lmdb);
    smr_memory_base_free(&twin);
}
END_TEST

/* --- snapshots --------------------------------------------------------------------------------- */

enum { KINDS = 2 }; /* of bases: on LMDB, in memory */

static struct base *lmdb_of_test;
static struct smr_base memory_of_test;

static const struct smr_base *begin_kind(int kind)
{
    memory_of_test = smr_memory_base_new();
    lmdb_of_test = base_open_good();
    return kind == 0 ? base_interface(lmdb_of_test) : &memory_of_test;
}

/* Another life; what was begun and not committed is gone. */
static const struct smr_base *again(int kind)
{
    smr_memory_base_crash(memory_of_test);
    base_close(&lmdb_of_test);
    lmdb_of_test = base_open_good();
    return kind == 0 ? base_interface(lmdb_of_test) : &memory_of_test;
}

static void end_kind(void)
{
    base_close(&lmdb_of_test);
    smr_memory_base_free(&memory_of_test);
}

static void checkpoint(const struct smr_base *base, const char *key, const char *value,
                       const char *image)
{
    base->ops->begin(base->self);
    base_put_text(base, key, value);
    ck_assert_int_eq(base->ops->commit(base->self, span_text(image)), WIRE_OK);
}

static void stage(const struct smr_base *base, bool afresh, const char *key, const char *mark)
{
    base->ops->stage(base->self, afresh);
    base_put_text(base, key, "staged");
    ck_assert_int_eq(base->ops->stage_commit(base->self, span_text(mark)), WIRE_OK);
}

static void assert_mark(const struct smr_base *base, const char *expected)
{
    struct buf *mark = base->ops->staged(base->self);
    ck_assert_int_eq(mark != NULL, expected != NULL);
    if (expected != NULL)
        ck_assert(span_equal(buf_span(mark), span_text(expected)));
    buf_unref(&mark);
}

START_TEST(test_base_keeps_what_is_staged_apart_until_it_is_installed)
{
    const struct smr_base *base = begin_kind(_i);
    checkpoint(base, "old", "1", "first");
    assert_mark(base, NULL);
    stage(base, true, "k1", "one");
    stage(base, false, "k2", "two");
    base_assert_scan(base, "", false, "old=1 ");
    base_assert_image(base, "first");
    base = again(_i);
    assert_mark(base, "two");
    checkpoint(base, "older", "2", "second"); /* goes on beside it */
    base_assert_scan(base, "", false, "old=1 older=2 ");
    ck_assert_int_eq(base->ops->install(base->self, span_text("installed")), WIRE_OK);
    base_assert_scan(base, "", false, "k1=staged k2=staged ");
    base_assert_image(base, "installed");
    assert_mark(base, NULL);
    base = again(_i);
    base_assert_scan(base, "", false, "k1=staged k2=staged ");
    base_assert_image(base, "installed");
    checkpoint(base, "k3", "3", "third"); /* and so does the next one */
    stage(base, true, "n", "next");
    ck_assert_int_eq(base->ops->install(base->self, span_text("again")), WIRE_OK);
    base = again(_i);
    base_assert_scan(base, "", false, "n=staged ");
    base_assert_image(base, "again");
    end_kind();
}
END_TEST

START_TEST(test_base_begins_a_stage_anew_and_drops_it)
{
    const struct smr_base *base = begin_kind(_i);
    checkpoint(base, "old", "1", "first");
    stage(base, true, "k1", "one");
    stage(base, true, "a", "another"); /* a key below: the first is gone */
    ck_assert_int_eq(base->ops->install(base->self, span_text("installed")), WIRE_OK);
    base_assert_scan(base, "", false, "a=staged ");
    stage(base, true, "k1", "one");
    base->ops->unstage(base->self);
    assert_mark(base, NULL);
    base_assert_scan(base, "", false, "a=staged ");
    base = again(_i);
    assert_mark(base, NULL);
    base_assert_scan(base, "", false, "a=staged ");
    end_kind();
}
END_TEST

START_TEST(test_base_view_stays_as_it_was_opened)
{
    const struct smr_base *base = begin_kind(_i);
    struct wire_writer out = {0};
    checkpoint(base, "a", "1", "first");
    checkpoint(base, "b", "2", "second");
    void *view = base->ops->view_open(base->self);
    checkpoint(base, "b", "", "third");
    stage(base, true, "z", "one");
    ck_assert_int_eq(base->ops->install(base->self, span_text("installed")), WIRE_OK);
    base->ops->view_scan(view, span_text("a"), true, base_add_pair, &out);
    ck_assert(span_equal(wire_writer_span(&out), span_text("b=2 ")));
    ck_assert_uint_eq(base->ops->view_pairs(view), 2);
    struct buf *image = base->ops->view_image(view);
    ck_assert(span_equal(buf_span(image), span_text("second")));
    buf_unref(&image);
    wire_writer_free(&out);
    base->ops->view_close(view);
    view = base->ops->view_open(base->self);
    ck_assert_uint_eq(base->ops->view_pairs(view), 1);
    base->ops->view_close(view);
    end_kind();
}
END_TEST

/* The file of a base that is replaced by snapshots again and again: what was the base is room for the
 * next one. */
START_TEST(test_base_uses_the_room_of_what_it_replaced_again)
{
    enum { SNAPSHOTS = 8, PAIRS_EACH = 500, BYTES_EACH = 2000 };
    struct base *lmdb = base_open_good();
    const struct smr_base *base = base_interface(lmdb);
    uint8_t value[BYTES_EACH] = {1};
    struct stat file;
    off_t after_two = 0;
    char path[128];
    snprintf(path, sizeof path, "%s/state/data.mdb", base_directory);
    for (int i = 0; i < SNAPSHOTS; i++) {
        base->ops->stage(base->self, true);
        for (int k = 0; k < PAIRS_EACH; k++) {
            char key[TEXT_BYTES];
            snprintf(key, sizeof key, "k%06d", k);
            base->ops->put(base->self, span_text(key), span_of(value, sizeof value));
        }
        ck_assert_int_eq(base->ops->stage_commit(base->self, span_text("whole")), WIRE_OK);
        ck_assert_int_eq(base->ops->install(base->self, span_text("image")), WIRE_OK);
        ck_assert_int_eq(stat(path, &file), 0);
        if (i == 1)
            after_two = file.st_size;
    }
    ck_assert_msg(file.st_size <= after_two + 2 * PAIRS_EACH * BYTES_EACH,
                  "%lld bytes after %d snapshots, %lld after two", (long long)file.st_size,
                  (int)SNAPSHOTS, (long long)after_two);
    base_close(&lmdb);
}
END_TEST

/* --- two threads -------------------------------------------------------------------------------
 */

/* The last checkpoint whose commit has returned. A reader must see it or a later one. It may see one
 * that is just being committed, and the one before again: LMDB's reader takes its transaction number
 * first and the root that belongs to it a moment later. The store does not mind, since what differs
 * between the two is frozen in memory until the commit has returned. */
static atomic_uint announced;

/* Checkpoint n sets every key to n, so a reader that sees two of them at once saw half of one. */
static void write_round(const struct smr_base *base, unsigned round)
{
    char key[TEXT_BYTES], value[TEXT_BYTES];
    snprintf(value, sizeof value, "%u", round);
    base->ops->begin(base->self);
    for (unsigned i = 0; i < PAIRS; i++) {
        snprintf(key, sizeof key, "k%03u", i);
        base->ops->put(base->self, span_text(key), span_text(value));
    }
    enum wire_error error = base->ops->commit(base->self, span_text(value));
    assert(error == WIRE_OK);
    atomic_store(&announced, round);
}

static void *write_rounds(void *context)
{
    for (unsigned round = 2; round <= ROUNDS; round++)
        write_round(context, round);
    return NULL;
}

struct sight {
    unsigned round; /* of all pairs so far; 0: none yet */
    unsigned pairs; /* seen */
};

static unsigned number_of(struct span text)
{
    unsigned number = 0;
    for (size_t i = 0; i < text.size; i++)
        number = number * 10 + (unsigned)(text.data[i] - '0');
    return number;
}

static bool see_pair(void *context, struct span key, struct span value)
{
    struct sight *sight = context;
    (void)key;
    if (sight->round != 0 && sight->round != number_of(value))
        return false;
    sight->round = number_of(value);
    sight->pairs++;
    return true;
}

START_TEST(test_base_is_read_while_a_checkpoint_is_written)
{
    struct base *lmdb = base_open_good();
    const struct smr_base *base = base_interface(lmdb);
    pthread_t writer;
    unsigned least = 0;
    write_round(base, 1);
    ck_assert_int_eq(pthread_create(&writer, NULL, write_rounds, (void *)(uintptr_t)base), 0);
    while (least < ROUNDS) {
        struct sight sight = {0};
        least = atomic_load(&announced);
        base->ops->scan(base->self, span_text("k"), false, see_pair, &sight);
        struct buf *value = base->ops->get(base->self, span_text("k100"));
        struct buf *image = base->ops->image(base->self);
        if (sight.pairs != PAIRS || sight.round < least)
            ck_abort_msg("%u pairs of round %u after %u", sight.pairs, sight.round, least);
        if (number_of(buf_span(value)) < least || number_of(buf_span(image)) < least)
            ck_abort_msg("a checkpoint that was committed is not seen");
        buf_unref(&value);
        buf_unref(&image);
    }
    pthread_join(writer, NULL);
    base_close(&lmdb);
}
END_TEST

/* --- the disk ----------------------------------------------------------------------------------
 */

/* Mounts a small file system of its own over the directory; only this process sees it. */
static bool mount_small(void)
{
    char options[64];
    snprintf(options, sizeof options, "size=%d", (int)ROOM_BYTES);
    return unshare(CLONE_NEWNS) == 0 && mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0 &&
           mount("tmpfs", base_directory, "tmpfs", 0, options) == 0;
}

static enum wire_error save_bytes(const struct smr_base *base, unsigned records, size_t size,
                                  const char *image)
{
    uint8_t *fill;
    struct buf *value = buf_new(size, &fill);
    memset(fill, 'v', size);
    base->ops->begin(base->self);
    for (unsigned i = 0; i < records; i++) {
        char key[TEXT_BYTES];
        snprintf(key, sizeof key, "k%u", i);
        base->ops->put(base->self, span_text(key), buf_span(value));
    }
    buf_unref(&value);
    return base->ops->commit(base->self, span_text(image));
}

static void fill_small(void *context)
{
    (void)context;
    if (!mount_small())
        _exit(CANNOT);
    struct base *lmdb = base_open_good();
    const struct smr_base *base = base_interface(lmdb);
    ck_assert_int_eq(save_bytes(base, 10, 1000, "first"), WIRE_OK);
    /* Many changes of a small state: what counts is the state. */
    ck_assert_int_eq(save_bytes(base, 2000, 10, "second"), WIRE_OK);
    ck_assert_int_eq(save_bytes(base, 10, 700 * 1024, "no room for it"), WIRE_FULL);
    ck_assert_int_eq(save_bytes(base, 40, 700 * 1024, "nor in the file"), WIRE_FULL);
    base_assert_image(base, "second");
    base_assert_value(base, "k1", "vvvvvvvvvv");
    ck_assert_int_eq(save_bytes(base, 1, 1000, "third"), WIRE_OK); /* and goes on */
    base_assert_image(base, "third");
    base_close(&lmdb);
    lmdb = base_open_good();
    base_assert_image(base_interface(lmdb), "third");
    base_close(&lmdb);
}

START_TEST(test_base_on_a_full_disk_keeps_the_checkpoint_before)
{
    struct capture capture = capture_run(fill_small, NULL);
    if (capture.status == CANNOT)
        return; /* only the superuser may mount */
    ck_assert_msg(capture.status == 0, "%s%s", capture.out, capture.err);
}
END_TEST

START_TEST(test_base_that_is_wiped_is_empty)
{
    ck_assert_int_eq(aside_wipe(base_directory), 0); /* there is none yet */
    for (int life = 0; life < 2; life++) {
        struct base *lmdb = base_open_good();
        base_assert_image(base_interface(lmdb), NULL);
        ck_assert_int_eq(save_bytes(base_interface(lmdb), 20, 1000, "forgotten"), WIRE_OK);
        base_close(&lmdb);
        ck_assert_int_eq(aside_wipe(base_directory), 0);
    }
    struct base *lmdb = base_open_good();
    base_assert_value(base_interface(lmdb), "k1", NULL);
    base_close(&lmdb);
}
END_TEST

Suite *base_suite(void)
{
    Suite *suite = suite_create("base");
    TCase *tests = tcase_create("base");
    tcase_set_timeout(tests, 120);
    tcase_add_checked_fixture(tests, base_setup, base_teardown);
    tcase_add_test(tests, test_base_shows_a_checkpoint_once_it_is_committed_and_in_the_next_life);
    tcase_add_test(tests, test_base_scans_in_byte_order_from_anywhere);
    tcase_add_test(tests, test_base_holds_the_longest_keys_and_values_and_large_images);
    tcase_add_test(tests, test_base_does_what_the_one_in_memory_does);
    tcase_add_loop_test(tests, test_base_keeps_what_is_staged_apart_until_it_is_installed, 0, KINDS);
    tcase_add_loop_test(tests, test_base_begins_a_stage_anew_and_drops_it, 0, KINDS);
    tcase_add_loop_test(tests, test_base_view_stays_as_it_was_opened, 0, KINDS);
    tcase_add_test(tests, test_base_uses_the_room_of_what_it_replaced_again);
    tcase_add_test(tests, test_base_is_read_while_a_checkpoint_is_written);
    tcase_add_test(tests, test_base_on_a_full_disk_keeps_the_checkpoint_before);
    tcase_add_test(tests, test_base_that_is_wiped_is_empty);
    suite_add_tcase(suite, tests);
    return suite;
}
