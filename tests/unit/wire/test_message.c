#include "tests/unit/support/seeds.h"
#include "tests/unit/wire/suites.h"

enum {
    ROUNDS = 200 /* random messages per type */
};

/* Encodes, decodes and encodes again; what a decoder drops or swaps shows in the second encoding.
 */
static void assert_round_trip(const struct wire_message *message)
{
    struct wire_writer first = {0};
    struct wire_writer second = {0};
    struct wire_message read;
    wire_message_encode(message, &first);
    ck_assert_uint_le(first.size, WIRE_HEAD_BYTES_MAX);
    ck_assert_int_eq(wire_message_decode(wire_writer_span(&first), &read), WIRE_OK);
    ck_assert_int_eq(read.type, message->type);
    wire_message_encode(&read, &second);
    ck_assert(span_equal(wire_writer_span(&first), wire_writer_span(&second)));
    wire_writer_free(&first);
    wire_writer_free(&second);
}

START_TEST(test_message_of_every_type_round_trips)
{
    struct wire_random random = {.state = 1};
    for (int type = 1; type < WIRE_MESSAGE_END; type++) {
        for (int i = 0; i < ROUNDS; i++) {
            struct wire_message message = seed_message_of(&random, (enum wire_type)type);
            assert_round_trip(&message);
        }
    }
}
END_TEST

START_TEST(test_message_keeps_every_field_where_it_was)
{
    struct wire_message message = {.type = WIRE_MESSAGE_PROMISE};
    message.sender = (struct wire_sender){.cluster = 1, .group = 2, .role = WIRE_ROLE_ACCEPTOR};
    message.sender.replica = 4;
    message.sender.birth = (struct wire_birth){.generation = 5, .nonce = 6};
    message.sender.start = 7;
    message.promise.ballot = (struct wire_ballot){.round = 8, .replica = 9};
    message.promise.from = 10;
    message.promise.through = 11;
    message.promise.last = true;
    message.promise.chosen = 12;
    message.promise.cut = 13;
    struct wire_writer out = {0};
    struct wire_message read;
    wire_message_encode(&message, &out);
    ck_assert_int_eq(wire_message_decode(wire_writer_span(&out), &read), WIRE_OK);
    wire_writer_free(&out);
    ck_assert_uint_eq(read.sender.cluster, 1);
    ck_assert_uint_eq(read.sender.group, 2);
    ck_assert_int_eq(read.sender.role, WIRE_ROLE_ACCEPTOR);
    ck_assert_uint_eq(read.sender.replica, 4);
    ck_assert(birth_equal(read.sender.birth, message.sender.birth));
    ck_assert_uint_eq(read.sender.start, 7);
    ck_assert(ballot_equal(read.promise.ballot, message.promise.ballot));
    ck_assert_uint_eq(read.promise.from, 10);
    ck_assert_uint_eq(read.promise.through, 11);
    ck_assert(read.promise.last);
    ck_assert_uint_eq(read.promise.chosen, 12);
    ck_assert_uint_eq(read.promise.cut, 13);
}
END_TEST

START_TEST(test_message_that_is_refused_leaves_its_target_untouched)
{
    struct wire_random random = {.state = 2};
    struct wire_message message = seed_message_of(&random, WIRE_MESSAGE_ACCEPT);
    struct wire_message read;
    struct wire_writer out = {0};
    memset(&read, 0x5a, sizeof read);
    wire_message_encode(&message, &out);
    ck_assert_int_eq(wire_message_decode(span_of(out.data, out.size - 1), &read), WIRE_MALFORMED);
    for (size_t i = 0; i < sizeof read; i++)
        ck_assert_uint_eq(((const uint8_t *)&read)[i], 0x5a);
    wire_writer_free(&out);
}
END_TEST

static void write_head(struct wire_writer *out, uint32_t values, uint64_t type, uint64_t format,
                       uint64_t role)
{
    wire_write_array(out, values);
    wire_write_uint(out, type);
    wire_write_uint(out, format);
    wire_write_uint(out, 1);
    wire_write_uint(out, 2);
    wire_write_uint(out, role);
    wire_write_uint(out, 3);
    wire_write_uint(out, 4);
    wire_write_uint(out, 5);
    wire_write_uint(out, 6);
}

START_TEST(test_message_of_another_format_type_or_role_is_refused)
{
    static const struct {
        uint32_t values;
        uint64_t type;
        uint64_t format;
        uint64_t role;
        enum wire_error expected;
    } heads[] = {
        {9, WIRE_MESSAGE_ATTACH, WIRE_FORMAT, 0, WIRE_OK},
        {9, WIRE_MESSAGE_ATTACH, WIRE_FORMAT + 1, 0, WIRE_MALFORMED},
        {9, WIRE_MESSAGE_ATTACH, 0, 0, WIRE_MALFORMED},
        {9, WIRE_MESSAGE_NONE, WIRE_FORMAT, 0, WIRE_MALFORMED},
        {9, WIRE_MESSAGE_END, WIRE_FORMAT, 0, WIRE_MALFORMED},
        {9, UINT64_MAX, WIRE_FORMAT, 0, WIRE_MALFORMED},
        {9, WIRE_MESSAGE_ATTACH, WIRE_FORMAT, WIRE_ROLE_COUNT, WIRE_MALFORMED},
        {8, WIRE_MESSAGE_ATTACH, WIRE_FORMAT, 0, WIRE_MALFORMED},
        {10, WIRE_MESSAGE_ATTACH, WIRE_FORMAT, 0, WIRE_MALFORMED},
        {9, WIRE_MESSAGE_LEARN, WIRE_FORMAT, 0, WIRE_MALFORMED},
    };
    for (size_t i = 0; i < sizeof heads / sizeof heads[0]; i++) {
        struct wire_writer out = {0};
        struct wire_message read;
        write_head(&out, heads[i].values, heads[i].type, heads[i].format, heads[i].role);
        ck_assert_int_eq(wire_message_decode(wire_writer_span(&out), &read), heads[i].expected);
        wire_writer_free(&out);
    }
}
END_TEST

START_TEST(test_message_with_a_slot_that_would_wrap_is_refused)
{
    struct wire_message message = {.type = WIRE_MESSAGE_LEARN};
    struct wire_message read;
    struct wire_writer out = {0};
    message.learn.from = UINT64_MAX / 2;
    wire_message_encode(&message, &out);
    ck_assert_int_eq(wire_message_decode(wire_writer_span(&out), &read), WIRE_OK);
    wire_writer_clear(&out);
    message.learn.from = UINT64_MAX / 2 + 1;
    wire_message_encode(&message, &out);
    ck_assert_int_eq(wire_message_decode(wire_writer_span(&out), &read), WIRE_MALFORMED);
    wire_writer_free(&out);
}
END_TEST

START_TEST(test_message_prints_within_its_room)
{
    struct wire_random random = {.state = 3};
    char text[400];
    for (int type = 1; type < WIRE_MESSAGE_END; type++) {
        struct wire_message message = seed_message_of(&random, (enum wire_type)type);
        for (size_t size = 1; size < sizeof text; size += 7) {
            memset(text, '!', sizeof text);
            ck_assert_ptr_eq(wire_message_print(&message, text, size), text);
            ck_assert_uint_lt(strlen(text), size);
            ck_assert_int_eq(text[size], '!');
        }
        ck_assert_ptr_eq(strstr(text, wire_type_text((enum wire_type)type)), text);
    }
}
END_TEST

START_TEST(test_message_names_are_there_for_every_number)
{
    for (int i = -1; i < 300; i++) {
        ck_assert_ptr_nonnull(wire_role_text((enum wire_role)i));
        ck_assert_ptr_nonnull(wire_status_text((enum wire_status)i));
        ck_assert_ptr_nonnull(wire_type_text((enum wire_type)i));
        ck_assert_ptr_nonnull(wire_error_text((enum wire_error)i));
    }
    ck_assert_str_eq(wire_role_text(WIRE_ROLE_APPLIER), "applier");
    ck_assert_str_eq(wire_type_text(WIRE_MESSAGE_READ_AT), "read_at");
    ck_assert_str_eq(wire_error_text(WIRE_NOT_FOUND), "not found");
    ck_assert(wire_type_has_payload(WIRE_MESSAGE_ACCEPT));
    ck_assert(!wire_type_has_payload(WIRE_MESSAGE_ACCEPTED));
}
END_TEST

Suite *message_suite(void)
{
    Suite *suite = suite_create("message");
    TCase *tests = tcase_create("message");
    tcase_add_test(tests, test_message_of_every_type_round_trips);
    tcase_add_test(tests, test_message_keeps_every_field_where_it_was);
    tcase_add_test(tests, test_message_that_is_refused_leaves_its_target_untouched);
    tcase_add_test(tests, test_message_of_another_format_type_or_role_is_refused);
    tcase_add_test(tests, test_message_with_a_slot_that_would_wrap_is_refused);
    tcase_add_test(tests, test_message_prints_within_its_room);
    tcase_add_test(tests, test_message_names_are_there_for_every_number);
    suite_add_tcase(suite, tests);
    return suite;
}
