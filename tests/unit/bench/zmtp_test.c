/* ZMTP as a DEALER speaks it, against bytes written by hand from RFC 23. */
#include "tests/unit/bench/suites.h"
#include "tools/bench/zmtp.h"

static const char ready[] = "\4\x1c\5READY\13Socket-Type\0\0\0\6ROUTER";

/* What a ROUTER says first, of that version and mechanism. */
static struct span greeting(uint8_t bytes[64], uint8_t version, const char *mechanism)
{
    memset(bytes, 0, 64);
    bytes[0] = 0xff;
    bytes[9] = 0x7f;
    bytes[10] = version;
    memcpy(bytes + 12, mechanism, strlen(mechanism));
    return span_of(bytes, 64);
}

static void write_hello(struct wire_writer *out)
{
    uint8_t bytes[64];
    wire_write_raw(out, greeting(bytes, 3, "NULL"));
    wire_write_raw(out, span_of(ready, sizeof ready - 1));
}

static struct wire_message reply(uint64_t tag, const char *payload)
{
    struct wire_message message = {.type = WIRE_MESSAGE_REPLY};
    message.reply.tag = tag;
    message.payload = buf_copy(span_text(payload));
    return message;
}

static void write_reply(struct wire_writer *out, uint64_t tag, const char *payload)
{
    struct wire_writer room = {0};
    struct wire_message message = reply(tag, payload);
    zmtp_write_message(&message, &room, out);
    wire_message_clear(&message);
    wire_writer_free(&room);
}

/* Reads all, `step` bytes at a time; the messages must be replies with tags from 1 on. How many. */
static unsigned read_replies(struct span input, size_t step, struct wire_writer *answers)
{
    struct zmtp zmtp = {0};
    size_t begin = 0, end = 0;
    unsigned count = 0;
    while (end < input.size) {
        end = end + step < input.size ? end + step : input.size;
        struct span in = span_of(input.data + begin, end - begin);
        struct wire_message message;
        enum zmtp_event event;
        while ((event = zmtp_read(&zmtp, &in, answers, &message)) == ZMTP_MESSAGE) {
            ck_assert_int_eq(message.type, WIRE_MESSAGE_REPLY);
            ck_assert_uint_eq(message.reply.tag, ++count);
            wire_message_clear(&message);
        }
        ck_assert_int_eq(event, ZMTP_NOTHING);
        begin = end - in.size;
    }
    ck_assert_uint_eq(begin, input.size);
    return count;
}

static void expect_bad(struct span input)
{
    struct zmtp zmtp = {0};
    struct wire_writer answers = {0};
    struct wire_message message = {0};
    ck_assert_int_eq(zmtp_read(&zmtp, &input, &answers, &message), ZMTP_BAD);
    ck_assert_ptr_null(message.payload);
    wire_writer_free(&answers);
}

/* The same behind a good hello. */
static void expect_bad_frames(const char *frames, size_t size)
{
    struct wire_writer input = {0};
    write_hello(&input);
    wire_write_raw(&input, span_of(frames, size));
    expect_bad(wire_writer_span(&input));
    wire_writer_free(&input);
}

START_TEST(test_zmtp_hello_is_as_the_rfc_draws_it)
{
    static const char expected_ready[] =
        "\4\x29\5READY\13Socket-Type\0\0\0\6DEALER\10Identity\0\0\0"; /* and its NUL */
    struct wire_writer out = {0};
    uint8_t bytes[64];
    greeting(bytes, 3, "NULL");
    bytes[8] = 1; /* what old libzmq takes for the size of an identity */
    zmtp_write_hello(&out);
    ck_assert_uint_eq(out.size, 64 + sizeof expected_ready);
    ck_assert_mem_eq(out.data, bytes, 64);
    ck_assert_mem_eq(out.data + 64, expected_ready, sizeof expected_ready);
    wire_writer_free(&out);
}
END_TEST

START_TEST(test_zmtp_reads_messages_however_they_arrive)
{
    struct wire_writer input = {0}, answers = {0};
    char large[70000];
    memset(large, 'x', sizeof large);
    large[sizeof large - 1] = '\0';
    write_hello(&input);
    write_reply(&input, 1, "value");
    write_reply(&input, 2, "");
    write_reply(&input, 3, large);
    write_reply(&input, 4, "end");
    for (size_t step = 1; step <= input.size; step = step * 3 + 1)
        ck_assert_uint_eq(read_replies(wire_writer_span(&input), step, &answers), 4);
    ck_assert_uint_eq(read_replies(wire_writer_span(&input), input.size, &answers), 4);
    ck_assert_uint_eq(answers.size, 0);
    wire_writer_free(&input);
    wire_writer_free(&answers);
}
END_TEST

START_TEST(test_zmtp_payload_arrives_whole)
{
    struct wire_writer input = {0}, answers = {0};
    struct zmtp zmtp = {0};
    struct wire_message message;
    write_hello(&input);
    write_reply(&input, 9, "a value");
    struct span in = wire_writer_span(&input);
    ck_assert_int_eq(zmtp_read(&zmtp, &in, &answers, &message), ZMTP_MESSAGE);
    ck_assert(span_equal(buf_span(message.payload), span_text("a value")));
    wire_message_clear(&message);
    wire_writer_free(&input);
}
END_TEST

START_TEST(test_zmtp_answers_ping_with_its_context)
{
    struct wire_writer input = {0}, answers = {0};
    write_hello(&input);
    wire_write_raw(&input, span_of("\4\7\4PING\0\12", 9));
    wire_write_raw(&input, span_of("\4\12\4PING\0\12abc", 12));
    wire_write_raw(&input, span_of("\4\5\4PONG", 7));
    ck_assert_uint_eq(read_replies(wire_writer_span(&input), 1, &answers), 0);
    ck_assert(span_equal(wire_writer_span(&answers), span_of("\4\5\4PONG\4\10\4PONGabc", 17)));
    wire_writer_free(&input);
    wire_writer_free(&answers);
}
END_TEST

START_TEST(test_zmtp_refuses_other_protocols)
{
    uint8_t bytes[64];
    expect_bad(span_text("HTTP/1.1 400 Bad Request\r\n"));
    expect_bad(greeting(bytes, 2, "NULL"));
    expect_bad(greeting(bytes, 3, "CURVE"));
    expect_bad(greeting(bytes, 3, "NULLX"));
}
END_TEST

START_TEST(test_zmtp_refuses_message_before_ready)
{
    struct wire_writer input = {0};
    uint8_t bytes[64];
    wire_write_raw(&input, greeting(bytes, 3, "NULL"));
    write_reply(&input, 1, "x");
    expect_bad(wire_writer_span(&input));
    wire_writer_free(&input);
}
END_TEST

START_TEST(test_zmtp_refuses_frames_that_make_no_sense)
{
    expect_bad_frames("\10\0", 2);                              /* an unknown flag */
    expect_bad_frames("\5\1x", 3);                              /* a command with more to come */
    expect_bad_frames("\0\3abc", 5);                            /* no head of ours */
    expect_bad_frames("\2\377\377\377\377\377\377\377\377", 9); /* a frame as large as memory */
    expect_bad_frames("\2\0\0\0\0\177\377\377\377", 9);         /* a frame over the limit */
    expect_bad_frames("\4\6\5ERROR", 8);                        /* it says that it goes */
}
END_TEST

START_TEST(test_zmtp_refuses_messages_of_wrong_length)
{
    struct wire_writer whole = {0}, cut = {0};
    write_hello(&whole);
    size_t hello = whole.size;
    write_reply(&whole, 1, "x");
    /* The head alone, though a reply has a payload. */
    wire_write_raw(&cut, span_of(whole.data, whole.size - 3));
    cut.data[hello] = 0;
    expect_bad(wire_writer_span(&cut));
    /* A third frame. */
    wire_writer_clear(&cut);
    wire_write_raw(&cut, wire_writer_span(&whole));
    cut.data[cut.size - 3] = 1;
    wire_write_raw(&cut, span_of("\0\1y", 3));
    expect_bad(wire_writer_span(&cut));
    wire_writer_free(&whole);
    wire_writer_free(&cut);
}
END_TEST

Suite *zmtp_suite(void)
{
    Suite *suite = suite_create("zmtp");
    TCase *tests = tcase_create("zmtp");
    tcase_set_timeout(tests, 60);
    tcase_add_test(tests, test_zmtp_hello_is_as_the_rfc_draws_it);
    tcase_add_test(tests, test_zmtp_reads_messages_however_they_arrive);
    tcase_add_test(tests, test_zmtp_payload_arrives_whole);
    tcase_add_test(tests, test_zmtp_answers_ping_with_its_context);
    tcase_add_test(tests, test_zmtp_refuses_other_protocols);
    tcase_add_test(tests, test_zmtp_refuses_message_before_ready);
    tcase_add_test(tests, test_zmtp_refuses_frames_that_make_no_sense);
    tcase_add_test(tests, test_zmtp_refuses_messages_of_wrong_length);
    suite_add_tcase(suite, tests);
    return suite;
}
