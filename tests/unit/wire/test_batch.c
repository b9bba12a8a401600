#include <stdlib.h>
#include "tests/unit/support/seeds.h"
#include "tests/unit/wire/suites.h"
#include "wire/batch.h"
#include "wire/entry.h"

static struct buf *entry_of(const struct wire_command *command)
{
    struct wire_writer out = {0};
    wire_command_encode(command, &out);
    struct buf *entry = wire_writer_take(&out);
    wire_writer_free(&out);
    return entry;
}

static struct buf *batch_of_two(void)
{
    struct wire_batch head = {.elapsed_ms = 70000, .origin = 2, .origin_start = 300};
    struct wire_command first = {.kind = WIRE_CALL_WRITE, .tag = 1, .session = 2, .number = 3};
    struct wire_command second = {.kind = WIRE_CALL_OPEN, .tag = UINT64_MAX};
    first.lowest = 3;
    first.body = span_text("body");
    struct buf *entries[] = {entry_of(&first), entry_of(&second)};
    struct buf *batch = wire_batch_build(&head, entries, 2);
    buf_unref(&entries[0]);
    buf_unref(&entries[1]);
    return batch;
}

START_TEST(test_batch_round_trips)
{
    struct buf *bytes = batch_of_two();
    struct wire_command command;
    ck_assert_int_eq(wire_batch_check(buf_span(bytes)), WIRE_OK);
    struct wire_batch batch = wire_batch_open(buf_span(bytes));
    ck_assert_uint_eq(batch.elapsed_ms, 70000);
    ck_assert_uint_eq(batch.origin, 2);
    ck_assert_uint_eq(batch.origin_start, 300);
    ck_assert_uint_eq(batch.count, 2);
    ck_assert(wire_batch_next(&batch, &command));
    ck_assert_int_eq(command.kind, WIRE_CALL_WRITE);
    ck_assert_uint_eq(command.session, 2);
    ck_assert_uint_eq(command.number, 3);
    ck_assert_uint_eq(command.lowest, 3);
    ck_assert(span_equal(command.body, span_text("body")));
    ck_assert(wire_batch_next(&batch, &command));
    ck_assert_int_eq(command.kind, WIRE_CALL_OPEN);
    ck_assert_uint_eq(command.tag, UINT64_MAX);
    ck_assert(!wire_batch_next(&batch, &command));
    buf_unref(&bytes);
}
END_TEST

START_TEST(test_batch_without_commands_is_a_no_op)
{
    struct wire_batch head = {.origin = 1};
    struct wire_command command;
    struct buf *bytes = wire_batch_build(&head, NULL, 0);
    ck_assert_int_eq(wire_batch_check(buf_span(bytes)), WIRE_OK);
    struct wire_batch batch = wire_batch_open(buf_span(bytes));
    ck_assert_uint_eq(batch.count, 0);
    ck_assert(!wire_batch_next(&batch, &command));
    buf_unref(&bytes);
}
END_TEST

START_TEST(test_batch_takes_the_largest_command)
{
    uint8_t *body = wire_calloc(1, WIRE_COMMAND_BYTES_MAX);
    struct wire_command command = {.kind = WIRE_CALL_WRITE, .tag = UINT64_MAX};
    struct wire_batch head = {.elapsed_ms = UINT64_MAX, .origin = 255, .origin_start = UINT64_MAX};
    command.body = span_of(body, WIRE_COMMAND_BYTES_MAX);
    struct buf *entry = entry_of(&command);
    struct buf *batch = wire_batch_build(&head, &entry, 1);
    ck_assert_int_eq(wire_batch_check(buf_span(batch)), WIRE_OK);
    buf_unref(&batch);
    buf_unref(&entry);
    free(body);
}
END_TEST

START_TEST(test_batch_with_any_byte_changed_is_damaged)
{
    struct buf *batch = batch_of_two();
    uint8_t *bytes = wire_alloc(batch->size);
    for (size_t i = 0; i < batch->size; i++) {
        memcpy(bytes, batch->data, batch->size);
        bytes[i] ^= 1;
        ck_assert_int_eq(wire_batch_check(span_of(bytes, batch->size)), WIRE_DAMAGED);
    }
    free(bytes);
    buf_unref(&batch);
}
END_TEST

/* A right checksum over something that is no batch: a bug of the sender, not of the disk. */
START_TEST(test_batch_that_checks_but_is_none_is_malformed)
{
    struct buf *batch = batch_of_two();
    uint8_t *bytes = wire_alloc(batch->size + 1);
    memcpy(bytes, batch->data, batch->size);
    bytes[batch->size] = 0xc0;
    decoder_seal(DECODER_batch, bytes, batch->size + 1);
    ck_assert_int_eq(wire_batch_check(span_of(bytes, batch->size + 1)), WIRE_MALFORMED);
    decoder_seal(DECODER_batch, bytes, batch->size - 1);
    ck_assert_int_eq(wire_batch_check(span_of(bytes, batch->size - 1)), WIRE_MALFORMED);
    ck_assert_int_eq(wire_batch_check(span_of(bytes, 8)), WIRE_MALFORMED);
    ck_assert_int_eq(wire_batch_check(span_of(NULL, 0)), WIRE_MALFORMED);
    free(bytes);
    buf_unref(&batch);
}
END_TEST

static void write_entry(struct wire_writer *out, wire_slot slot, uint64_t round)
{
    struct buf *batch = batch_of_two();
    struct wire_entry entry = {.slot = slot, .chosen = slot == 1, .batch = buf_span(batch)};
    entry.ballot = (struct wire_ballot){.round = round, .replica = 3};
    wire_entry_encode(&entry, out);
    buf_unref(&batch);
}

START_TEST(test_entries_round_trip)
{
    struct wire_writer out = {0};
    struct wire_entry entry;
    write_entry(&out, 1, 7);
    write_entry(&out, 5, 8);
    ck_assert_int_eq(wire_entries_check(wire_writer_span(&out), 1), WIRE_OK);
    ck_assert_int_eq(wire_entries_check(wire_writer_span(&out), 2), WIRE_MALFORMED);
    ck_assert_int_eq(wire_entries_check(span_of(NULL, 0), 9), WIRE_OK);
    struct wire_reader in = wire_reader_of(wire_writer_span(&out));
    ck_assert(wire_entry_next(&in, &entry));
    ck_assert(entry.slot == 1 && entry.chosen && entry.ballot.round == 7);
    ck_assert(wire_entry_next(&in, &entry));
    ck_assert(entry.slot == 5 && !entry.chosen && entry.ballot.replica == 3);
    ck_assert_int_eq(wire_batch_check(entry.batch), WIRE_OK);
    ck_assert(!wire_entry_next(&in, &entry) && !in.bad);
    wire_writer_free(&out);
}
END_TEST

START_TEST(test_entries_out_of_order_doubled_or_without_ballot_are_refused)
{
    static const struct {
        wire_slot first;
        wire_slot second;
        uint64_t round;
    } bad[] = {{5, 4, 1}, {5, 5, 1}, {5, 6, 0}};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct wire_writer out = {0};
        write_entry(&out, bad[i].first, 1);
        write_entry(&out, bad[i].second, bad[i].round);
        ck_assert_int_eq(wire_entries_check(wire_writer_span(&out), 1), WIRE_MALFORMED);
        wire_writer_free(&out);
    }
}
END_TEST

START_TEST(test_entries_with_a_damaged_batch_are_refused)
{
    struct wire_writer out = {0};
    write_entry(&out, 1, 1);
    out.data[out.size - 1] ^= 1;
    ck_assert_int_eq(wire_entries_check(wire_writer_span(&out), 1), WIRE_MALFORMED);
    wire_writer_free(&out);
}
END_TEST

Suite *batch_suite(void)
{
    Suite *suite = suite_create("batch");
    TCase *tests = tcase_create("batch");
    tcase_add_test(tests, test_batch_round_trips);
    tcase_add_test(tests, test_batch_without_commands_is_a_no_op);
    tcase_add_test(tests, test_batch_takes_the_largest_command);
    tcase_add_test(tests, test_batch_with_any_byte_changed_is_damaged);
    tcase_add_test(tests, test_batch_that_checks_but_is_none_is_malformed);
    tcase_add_test(tests, test_entries_round_trip);
    tcase_add_test(tests, test_entries_out_of_order_doubled_or_without_ballot_are_refused);
    tcase_add_test(tests, test_entries_with_a_damaged_batch_are_refused);
    suite_add_tcase(suite, tests);
    return suite;
}
