#include "tests/unit/support/seeds.h"
#include "tests/unit/wire/suites.h"
#include "wire/batch.h"

enum { ROUNDS = 200 };

static void write_record(struct wire_writer *out, wire_slot slot, bool learned)
{
    struct wire_random random = {.state = slot};
    uint8_t prefix[WIRE_SLOT_RECORD_PREFIX];
    struct buf *batch = seed_batch_of(&random);
    struct wire_slot_record record = {.slot = slot, .learned = learned, .batch = buf_span(batch)};
    record.ballot = (struct wire_ballot){.round = 77, .replica = 6};
    wire_slot_record_encode(&record, prefix);
    wire_write_raw(out, span_of(prefix, sizeof prefix));
    wire_write_raw(out, buf_span(batch));
    buf_unref(&batch);
}

START_TEST(test_slot_record_round_trips)
{
    for (int learned = 0; learned < 2; learned++) {
        struct wire_writer out = {0};
        struct wire_slot_record read;
        write_record(&out, 12345, learned == 1);
        ck_assert_int_eq(wire_slot_record_decode(wire_writer_span(&out), 12345, &read), WIRE_OK);
        ck_assert_uint_eq(read.slot, 12345);
        ck_assert_uint_eq(read.ballot.round, 77);
        ck_assert_uint_eq(read.ballot.replica, 6);
        ck_assert_int_eq(read.learned, learned);
        ck_assert_int_eq(wire_batch_check(read.batch), WIRE_OK);
        wire_writer_free(&out);
    }
}
END_TEST

/* A good record in the wrong place is as useless as a broken one: a page of the disk went astray.
 */
START_TEST(test_slot_record_of_another_slot_is_damaged)
{
    struct wire_writer out = {0};
    struct wire_slot_record read;
    write_record(&out, 5, false);
    ck_assert_int_eq(wire_slot_record_decode(wire_writer_span(&out), 5, &read), WIRE_OK);
    ck_assert_int_eq(wire_slot_record_decode(wire_writer_span(&out), 6, &read), WIRE_DAMAGED);
    ck_assert_int_eq(wire_slot_record_decode(wire_writer_span(&out), 4, &read), WIRE_DAMAGED);
    wire_writer_free(&out);
}
END_TEST

/* Two good records, the prefix of one before the batch of the other. */
START_TEST(test_slot_record_with_the_batch_of_another_is_damaged)
{
    struct wire_writer first = {0};
    struct wire_writer second = {0};
    struct wire_slot_record read;
    write_record(&first, 5, false);
    for (wire_slot slot = 6; second.size != first.size; slot++) {
        wire_writer_clear(&second);
        write_record(&second, slot, false);
    }
    memcpy(second.data, first.data, WIRE_SLOT_RECORD_PREFIX);
    ck_assert_int_eq(wire_slot_record_decode(wire_writer_span(&second), 5, &read), WIRE_DAMAGED);
    wire_writer_free(&first);
    wire_writer_free(&second);
}
END_TEST

START_TEST(test_hard_state_round_trips)
{
    struct wire_random random = {.state = 1};
    for (int i = 0; i < ROUNDS; i++) {
        struct wire_hard_state state = seed_hard_state_of(&random);
        struct wire_hard_state read;
        struct wire_writer out = {0};
        wire_hard_state_encode(&state, &out);
        ck_assert_int_eq(wire_hard_state_decode(wire_writer_span(&out), &read), WIRE_OK);
        wire_writer_free(&out);
        ck_assert(ballot_equal(read.promised, state.promised));
        ck_assert(read.chosen == state.chosen && read.cut == state.cut);
        ck_assert_int_eq(read.admitted, state.admitted);
        for (int replica = 0; replica < WIRE_REPLICA_COUNT_MAX; replica++)
            ck_assert(birth_equal(read.births[replica], state.births[replica]));
    }
}
END_TEST

START_TEST(test_identity_round_trips)
{
    struct wire_random random = {.state = 2};
    for (int i = 0; i < ROUNDS; i++) {
        struct wire_identity identity = seed_identity_of(&random);
        struct wire_identity read;
        struct wire_writer out = {0};
        wire_identity_encode(&identity, &out);
        ck_assert_int_eq(wire_identity_decode(wire_writer_span(&out), &read), WIRE_OK);
        wire_writer_free(&out);
        ck_assert(read.cluster == identity.cluster && read.topology == identity.topology);
        ck_assert(read.group == identity.group && read.replica == identity.replica);
        ck_assert(read.replica_count == identity.replica_count);
        ck_assert(read.partitions == identity.partitions && read.start == identity.start);
        ck_assert(read.protocol == identity.protocol);
        ck_assert(birth_equal(read.birth, identity.birth));
    }
}
END_TEST

START_TEST(test_records_of_one_kind_are_not_taken_for_the_other)
{
    struct wire_random random = {.state = 3};
    struct wire_hard_state state = seed_hard_state_of(&random);
    struct wire_identity identity = seed_identity_of(&random);
    struct wire_writer out = {0};
    wire_hard_state_encode(&state, &out);
    ck_assert_int_eq(wire_identity_decode(wire_writer_span(&out), &identity), WIRE_DAMAGED);
    wire_writer_clear(&out);
    wire_identity_encode(&identity, &out);
    ck_assert_int_eq(wire_hard_state_decode(wire_writer_span(&out), &state), WIRE_DAMAGED);
    wire_writer_free(&out);
}
END_TEST

Suite *record_suite(void)
{
    Suite *suite = suite_create("record");
    TCase *tests = tcase_create("record");
    tcase_add_test(tests, test_slot_record_round_trips);
    tcase_add_test(tests, test_slot_record_of_another_slot_is_damaged);
    tcase_add_test(tests, test_slot_record_with_the_batch_of_another_is_damaged);
    tcase_add_test(tests, test_hard_state_round_trips);
    tcase_add_test(tests, test_identity_round_trips);
    tcase_add_test(tests, test_records_of_one_kind_are_not_taken_for_the_other);
    suite_add_tcase(suite, tests);
    return suite;
}
