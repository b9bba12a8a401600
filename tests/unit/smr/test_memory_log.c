#include "smr/memory_log.h"
#include "tests/unit/smr/stand.h"
#include "tests/unit/smr/suites.h"

static struct smr_log memory;

static void setup(void)
{
    memory = smr_memory_log_new();
}

static void teardown(void)
{
    memory.ops->close(memory.self);
}

static void put(wire_slot slot, uint64_t round, const char *text)
{
    struct smr_log_entry entry = {
        .slot = slot, .ballot = BALLOT(round, 1), .batch = batch_of(text)};
    memory.ops->put_slot(memory.self, &entry);
    buf_unref(&entry.batch);
}

static void put_promise(uint64_t round)
{
    struct wire_hard_state state = {.promised = BALLOT(round, 1)};
    memory.ops->put_state(memory.self, &state);
}

static enum wire_error commit(void)
{
    return memory.ops->commit(memory.self);
}

static void assert_slot(wire_slot slot, enum wire_error error, uint64_t round, const char *text)
{
    struct smr_log_entry entry;
    ck_assert_int_eq(memory.ops->read(memory.self, slot, &entry), error);
    if (error != WIRE_OK)
        return;
    ck_assert_uint_eq(entry.slot, slot);
    ck_assert_uint_eq(entry.ballot.round, round);
    assert_batch(entry.batch, text);
    buf_unref(&entry.batch);
}

static void assert_loads(uint64_t round, wire_slot highest)
{
    struct wire_hard_state state;
    wire_slot loaded;
    ck_assert_int_eq(memory.ops->load(memory.self, &state, &loaded), WIRE_OK);
    ck_assert_uint_eq(state.promised.round, round);
    ck_assert_uint_eq(loaded, highest);
}

START_TEST(test_memory_log_shows_puts_only_once_committed)
{
    assert_loads(0, 0);
    put(1, 3, "x");
    put_promise(3);
    assert_slot(1, WIRE_NOT_FOUND, 0, NULL);
    assert_loads(0, 0);
    ck_assert_int_eq(commit(), WIRE_OK);
    assert_slot(1, WIRE_OK, 3, "x");
    assert_slot(2, WIRE_NOT_FOUND, 0, NULL);
    assert_loads(3, 1);
}
END_TEST

START_TEST(test_memory_log_loses_what_is_not_committed_in_a_crash)
{
    put(1, 3, "x");
    ck_assert_int_eq(commit(), WIRE_OK);
    put(1, 4, "y");
    put(2, 4, "y");
    put_promise(4);
    smr_memory_log_crash(memory);
    ck_assert_int_eq(commit(), WIRE_OK);
    assert_slot(1, WIRE_OK, 3, "x");
    assert_slot(2, WIRE_NOT_FOUND, 0, NULL);
    assert_loads(0, 1);
}
END_TEST

START_TEST(test_memory_log_keeps_its_queue_while_full)
{
    smr_memory_log_set_full(memory, true);
    ck_assert_int_eq(commit(), WIRE_OK); /* of nothing */
    put(70, 3, "x");
    put_promise(3);
    ck_assert_int_eq(commit(), WIRE_FULL);
    assert_slot(70, WIRE_NOT_FOUND, 0, NULL);
    smr_memory_log_set_full(memory, false);
    ck_assert_int_eq(commit(), WIRE_OK);
    assert_slot(70, WIRE_OK, 3, "x");
    assert_loads(3, 70);
}
END_TEST

START_TEST(test_memory_log_replaces_a_record_with_the_last_put)
{
    put(300, 3, "x");
    put(300, 4, "y");
    ck_assert_int_eq(commit(), WIRE_OK);
    assert_slot(300, WIRE_OK, 4, "y");
    put(5, 4, "z");
    ck_assert_int_eq(commit(), WIRE_OK);
    assert_slot(5, WIRE_OK, 4, "z");
    assert_loads(0, 300);
}
END_TEST

START_TEST(test_memory_log_damage_lasts_until_the_record_is_written_again)
{
    put(1, 3, "x");
    ck_assert_int_eq(commit(), WIRE_OK);
    smr_memory_log_damage(memory, 1);
    assert_slot(1, WIRE_DAMAGED, 0, NULL);
    put(1, 3, "x");
    ck_assert_int_eq(commit(), WIRE_OK);
    assert_slot(1, WIRE_OK, 3, "x");
}
END_TEST

START_TEST(test_memory_log_cuts_with_the_commit)
{
    put(3, 3, "x");
    put(4, 3, "y");
    put(200, 3, "z");
    ck_assert_int_eq(commit(), WIRE_OK);
    memory.ops->cut(memory.self, 3);
    assert_slot(3, WIRE_OK, 3, "x");
    ck_assert_int_eq(commit(), WIRE_OK);
    assert_slot(3, WIRE_NOT_FOUND, 0, NULL);
    assert_slot(4, WIRE_OK, 3, "y");
    put(2, 9, "old"); /* of what is gone */
    ck_assert_int_eq(commit(), WIRE_OK);
    assert_slot(2, WIRE_NOT_FOUND, 0, NULL);
    memory.ops->cut(memory.self, 1000); /* all there is, and more */
    put(1001, 4, "new");
    ck_assert_int_eq(commit(), WIRE_OK);
    assert_slot(200, WIRE_NOT_FOUND, 0, NULL);
    put(1002, 4, "new");
    ck_assert_int_eq(commit(), WIRE_OK);
    assert_slot(1002, WIRE_OK, 4, "new");
}
END_TEST

START_TEST(test_memory_log_forgets_a_cut_in_a_crash)
{
    put(1, 3, "x");
    ck_assert_int_eq(commit(), WIRE_OK);
    memory.ops->cut(memory.self, 1);
    smr_memory_log_crash(memory);
    ck_assert_int_eq(commit(), WIRE_OK);
    assert_slot(1, WIRE_OK, 3, "x");
}
END_TEST

Suite *memory_log_suite(void)
{
    Suite *suite = suite_create("memory_log");
    TCase *tests = tcase_create("memory_log");
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_test(tests, test_memory_log_shows_puts_only_once_committed);
    tcase_add_test(tests, test_memory_log_loses_what_is_not_committed_in_a_crash);
    tcase_add_test(tests, test_memory_log_keeps_its_queue_while_full);
    tcase_add_test(tests, test_memory_log_replaces_a_record_with_the_last_put);
    tcase_add_test(tests, test_memory_log_damage_lasts_until_the_record_is_written_again);
    tcase_add_test(tests, test_memory_log_cuts_with_the_commit);
    tcase_add_test(tests, test_memory_log_forgets_a_cut_in_a_crash);
    suite_add_tcase(suite, tests);
    return suite;
}
