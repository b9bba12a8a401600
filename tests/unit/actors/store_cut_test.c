/* The log on disk when it is cut. */
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>

#include "actors/store_private.h"
#include "tests/unit/actors/suites.h"
#include "tests/unit/support/random.h"
#include "wire/batch.h"
#include "wire/figures.h"

enum {
    SLOTS = 30000,                     /* appended and cut */
    PER_COMMIT = 50,                   /* of them */
    TAIL = 500,                        /* kept */
    FILE_BYTES_MAX = 16 * 1024 * 1024, /* of that tail and what fragments around it */
};

static char directory[64];
static char path[80];
static char problem[STORE_PROBLEM_BYTES];
static struct store *store;
static struct smr_log disk;

static void reopen(void)
{
    struct store_config config = {.path = path,
                                  .self = {.group = 2, .replica = 1, .replica_count = 3}};
    store_close(&store);
    enum wire_error error = store_open(&config, &store, problem);
    ck_assert_msg(error == WIRE_OK, "%s: %s", wire_error_text(error), problem);
    disk = store_log(store);
}

static void setup(void)
{
    snprintf(directory, sizeof directory, "/tmp/madkv-cut-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(directory));
    snprintf(path, sizeof path, "%s/backer", directory);
    reopen();
}

static int remove_one(const char *name, const struct stat *stat, int type, struct FTW *walk)
{
    (void)stat, (void)type, (void)walk;
    return remove(name);
}

static void teardown(void)
{
    store_close(&store);
    nftw(directory, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

static void put(wire_slot slot, size_t size)
{
    struct wire_batch head = {.origin = 1, .origin_start = 1};
    struct wire_command command = {.kind = WIRE_CALL_PLAIN, .tag = 1};
    struct wire_writer entry = {0};
    uint8_t *fill;
    struct buf *body = buf_new(size, &fill);
    memset(fill, 'b', size);
    command.body = buf_span(body);
    wire_command_encode(&command, &entry);
    struct buf *encoded = wire_writer_take(&entry);
    struct smr_log_entry put = {.slot = slot, .ballot = {3, 1}};
    put.batch = wire_batch_build(&head, &encoded, 1);
    disk.ops->put_slot(disk.self, &put);
    buf_unref(&put.batch);
    buf_unref(&encoded);
    buf_unref(&body);
    wire_writer_free(&entry);
}

static void fill(wire_slot from, wire_slot to)
{
    for (wire_slot slot = from; slot <= to; slot++)
        put(slot, 100 + slot % 7 * 1000);
    ck_assert_int_eq(disk.ops->commit(disk.self), WIRE_OK);
}

static void cut(wire_slot upto)
{
    disk.ops->cut(disk.self, upto);
    ck_assert_int_eq(disk.ops->commit(disk.self), WIRE_OK);
}

static bool holds(wire_slot slot)
{
    struct smr_log_entry entry;
    enum wire_error error = disk.ops->read(disk.self, slot, &entry);
    if (error != WIRE_NOT_FOUND) {
        ck_assert_int_eq(error, WIRE_OK);
        buf_unref(&entry.batch);
    }
    return error == WIRE_OK;
}

static void assert_slots(wire_slot from, wire_slot to)
{
    for (wire_slot slot = 1; slot <= to + 20; slot++) {
        if (holds(slot) != (slot >= from && slot <= to))
            ck_abort_msg("slot %d of %d..%d", (int)slot, (int)from, (int)to);
    }
}

START_TEST(test_store_cut_takes_effect_with_the_commit_and_for_good)
{
    fill(1, 300);
    disk.ops->cut(disk.self, 100);
    assert_slots(1, 300);
    ck_assert_int_eq(disk.ops->commit(disk.self), WIRE_OK);
    assert_slots(101, 300);
    cut(50); /* gone already */
    put(301, 10);
    cut(250); /* with a put in one commit */
    assert_slots(251, 301);
    reopen();
    assert_slots(251, 301);
    fill(302, 310);
    assert_slots(251, 310);
}
END_TEST

START_TEST(test_store_cut_that_was_not_committed_never_was)
{
    fill(1, 30);
    disk.ops->cut(disk.self, 10);
    reopen();
    ck_assert_int_eq(disk.ops->commit(disk.self), WIRE_OK);
    assert_slots(1, 30);
}
END_TEST

START_TEST(test_store_goes_on_after_everything_was_cut)
{
    struct wire_hard_state state = {.chosen = 30, .cut = 30};
    wire_slot highest;
    fill(1, 30);
    disk.ops->put_state(disk.self, &state);
    cut(1000);
    assert_slots(31, 30);
    reopen();
    ck_assert_int_eq(disk.ops->load(disk.self, &state, &highest), WIRE_OK);
    ck_assert_uint_eq(state.cut, 30);
    ck_assert_uint_eq(highest, 0);
    fill(31, 40);
    assert_slots(31, 40);
    ck_assert_int_eq(disk.ops->load(disk.self, &state, &highest), WIRE_OK);
    ck_assert_uint_eq(highest, 40);
}
END_TEST

START_TEST(test_store_keeps_a_cut_queued_while_there_is_no_room)
{
    fill(1, 30);
    uint64_t reserve = store->reserve_bytes;
    store->reserve_bytes = UINT64_MAX / 2;
    disk.ops->cut(disk.self, 10);
    ck_assert_int_eq(disk.ops->commit(disk.self), WIRE_FULL);
    assert_slots(1, 30);
    put(31, 10);
    disk.ops->cut(disk.self, 20); /* more of it, as the log goes on */
    ck_assert_int_eq(disk.ops->commit(disk.self), WIRE_FULL);
    store->reserve_bytes = reserve;
    ck_assert_int_eq(disk.ops->commit(disk.self), WIRE_OK);
    assert_slots(21, 31);
}
END_TEST

static uint64_t file_bytes(void)
{
    struct wire_writer out = {0};
    struct wire_figure figure;
    uint64_t bytes = 0;
    store_figures(store, &out);
    struct wire_reader in = wire_reader_of(wire_writer_span(&out));
    while (wire_figure_next(&in, &figure))
        if (span_equal(figure.name, span_text("log.file_bytes")))
            bytes = figure.number;
    ck_assert_uint_gt(bytes, 0);
    wire_writer_free(&out);
    return bytes;
}

/* Records of all sizes, so that the room of what was cut comes in pieces. */
START_TEST(test_store_file_stays_bounded_while_it_is_cut)
{
    struct wire_random random = {.state = 3};
    uint64_t written = 0, half = 0;
    for (wire_slot slot = 1; slot <= SLOTS; slot++) {
        size_t size = wire_random_below(&random, 20) == 0 ? 1 + wire_random_below(&random, 60000)
                                                          : 1 + wire_random_below(&random, 3000);
        put(slot, size);
        written += size;
        if (slot % PER_COMMIT != 0)
            continue;
        if (slot > TAIL)
            disk.ops->cut(disk.self, slot - TAIL);
        ck_assert_int_eq(disk.ops->commit(disk.self), WIRE_OK);
        if (slot == SLOTS / 2)
            half = file_bytes();
    }
    ck_assert_uint_gt(written, 4 * (uint64_t)FILE_BYTES_MAX);
    ck_assert_uint_le(file_bytes(), FILE_BYTES_MAX);
    ck_assert_uint_le(file_bytes(), half + half / 4);
    ck_assert(!holds(SLOTS - TAIL) && holds(SLOTS - TAIL + 1) && holds(SLOTS));
    reopen();
    ck_assert(!holds(SLOTS - TAIL) && holds(SLOTS - TAIL + 1) && holds(SLOTS));
}
END_TEST

Suite *store_cut_suite(void)
{
    Suite *suite = suite_create("store_cut");
    TCase *tests = tcase_create("store_cut");
    tcase_set_timeout(tests, 120);
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_test(tests, test_store_cut_takes_effect_with_the_commit_and_for_good);
    tcase_add_test(tests, test_store_cut_that_was_not_committed_never_was);
    tcase_add_test(tests, test_store_goes_on_after_everything_was_cut);
    tcase_add_test(tests, test_store_keeps_a_cut_queued_while_there_is_no_room);
    tcase_add_test(tests, test_store_file_stays_bounded_while_it_is_cut);
    suite_add_tcase(suite, tests);
    return suite;
}
