/* The log in memory when it is cut: more than test_memory_log.c has. */
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

static void put(wire_slot slot, const char *text)
{
    struct smr_log_entry entry = {.slot = slot, .ballot = BALLOT(3, 1), .batch = batch_of(text)};
    memory.ops->put_slot(memory.self, &entry);
    buf_unref(&entry.batch);
}

static void fill(wire_slot from, wire_slot to)
{
    for (wire_slot slot = from; slot <= to; slot++)
        put(slot, "x");
    ck_assert_int_eq(memory.ops->commit(memory.self), WIRE_OK);
}

static void cut(wire_slot upto)
{
    memory.ops->cut(memory.self, upto);
    ck_assert_int_eq(memory.ops->commit(memory.self), WIRE_OK);
}

static enum wire_error read_slot(wire_slot slot)
{
    struct smr_log_entry entry;
    enum wire_error error = memory.ops->read(memory.self, slot, &entry);
    if (error == WIRE_OK) {
        ck_assert_uint_eq(entry.slot, slot);
        buf_unref(&entry.batch);
    }
    return error;
}

/* Exactly these are there. */
static void assert_slots(wire_slot from, wire_slot to)
{
    struct wire_hard_state state;
    wire_slot highest;
    for (wire_slot slot = 1; slot <= to + 200; slot++)
        ck_assert_int_eq(read_slot(slot), slot >= from && slot <= to ? WIRE_OK : WIRE_NOT_FOUND);
    ck_assert_int_eq(memory.ops->load(memory.self, &state, &highest), WIRE_OK);
    ck_assert_uint_eq(highest, to);
}

START_TEST(test_memory_log_cut_takes_effect_with_the_commit)
{
    fill(1, 100);
    memory.ops->cut(memory.self, 40);
    assert_slots(1, 100);
    ck_assert_int_eq(memory.ops->commit(memory.self), WIRE_OK);
    assert_slots(41, 100);
    cut(41);
    assert_slots(42, 100);
    cut(30); /* gone already */
    assert_slots(42, 100);
    fill(101, 300);
    assert_slots(42, 300);
    cut(300);
    assert_slots(301, 300);
    fill(301, 302);
    assert_slots(301, 302);
}
END_TEST

START_TEST(test_memory_log_damage_is_of_a_slot_and_not_of_a_place)
{
    fill(1, 100);
    smr_memory_log_damage(memory, 50);
    cut(49);
    ck_assert_int_eq(read_slot(50), WIRE_DAMAGED);
    ck_assert_int_eq(read_slot(51), WIRE_OK);
    smr_memory_log_damage(memory, 99);
    ck_assert_int_eq(read_slot(99), WIRE_DAMAGED);
    cut(50);
    ck_assert_int_eq(read_slot(50), WIRE_NOT_FOUND);
    ck_assert_int_eq(read_slot(51), WIRE_OK);
}
END_TEST

START_TEST(test_memory_log_keeps_a_cut_queued_while_full)
{
    fill(1, 100);
    memory.ops->cut(memory.self, 40);
    smr_memory_log_set_full(memory, true);
    ck_assert_int_eq(memory.ops->commit(memory.self), WIRE_FULL);
    assert_slots(1, 100);
    smr_memory_log_set_full(memory, false);
    ck_assert_int_eq(memory.ops->commit(memory.self), WIRE_OK);
    assert_slots(41, 100);
}
END_TEST

Suite *memory_cut_suite(void)
{
    Suite *suite = suite_create("memory_cut");
    TCase *tests = tcase_create("memory_cut");
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_test(tests, test_memory_log_cut_takes_effect_with_the_commit);
    tcase_add_test(tests, test_memory_log_damage_is_of_a_slot_and_not_of_a_place);
    tcase_add_test(tests, test_memory_log_keeps_a_cut_queued_while_full);
    suite_add_tcase(suite, tests);
    return suite;
}
