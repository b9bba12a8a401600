/* Messages as frames, over inproc and over TCP on ports the kernel chooses. */
#include <errno.h>
#include <stdlib.h>
#include <zmq.h>

#include "actors/frames.h"
#include "tests/unit/actors/suites.h"
#include "tests/unit/actors/toy.h"

static void *context;
static void *left, *right; /* two ends */
static struct wire_writer scratch;

static void *new_socket(int type)
{
    int linger = 0, patience = TOY_PATIENCE_SECONDS * 1000;
    void *socket = zmq_socket(context, type);
    zmq_setsockopt(socket, ZMQ_LINGER, &linger, sizeof linger);
    zmq_setsockopt(socket, ZMQ_RCVTIMEO, &patience, sizeof patience);
    return socket;
}

static void setup(void)
{
    char endpoint[128];
    size_t size = sizeof endpoint;
    context = zmq_ctx_new();
    left = new_socket(ZMQ_PAIR);
    right = new_socket(ZMQ_PAIR);
    ck_assert_int_eq(zmq_bind(left, "tcp://127.0.0.1:*"), 0);
    zmq_getsockopt(left, ZMQ_LAST_ENDPOINT, endpoint, &size);
    ck_assert_int_eq(zmq_connect(right, endpoint), 0);
}

static void setup_inproc(void)
{
    context = zmq_ctx_new();
    left = new_socket(ZMQ_PAIR);
    right = new_socket(ZMQ_PAIR);
    ck_assert_int_eq(zmq_bind(left, "inproc://ends"), 0);
    ck_assert_int_eq(zmq_connect(right, "inproc://ends"), 0);
}

static void teardown(void)
{
    zmq_close(left);
    zmq_close(right);
    zmq_ctx_term(context);
    wire_writer_free(&scratch);
}

static void wait_for(void *socket)
{
    zmq_pollitem_t item = {.socket = socket, .events = ZMQ_POLLIN};
    ck_assert_int_eq(zmq_poll(&item, 1, TOY_PATIENCE_SECONDS * 1000), 1);
}

static struct wire_message learned_of(size_t size)
{
    struct wire_message message = {.type = WIRE_MESSAGE_LEARNED};
    uint8_t *fill;
    message.sender = toy_sender(WIRE_ROLE_ACCEPTOR, 2);
    message.learned.from = size;
    message.payload = buf_new(size, &fill);
    for (size_t i = 0; i < size; i++)
        fill[i] = (uint8_t)(i * 7);
    return message;
}

static const size_t sizes[] = {0, 1, 33, 255, 257, 8000, 9000, 1000000};

static void check_round_trip(unsigned flags)
{
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        struct wire_message sent = learned_of(sizes[i]), got = {0};
        while (!frames_send(left, NULL, &sent, &scratch))
            ck_assert_int_eq(errno, EAGAIN); /* not connected yet */
        wait_for(right);
        ck_assert_int_eq(frames_receive(right, flags, &got), FRAMES_MESSAGE);
        ck_assert_int_eq(got.type, WIRE_MESSAGE_LEARNED);
        ck_assert_uint_eq(got.learned.from, sizes[i]);
        ck_assert_uint_eq(got.sender.replica, 2);
        ck_assert_ptr_nonnull(got.payload);
        ck_assert(span_equal(buf_span(got.payload), buf_span(sent.payload)));
        /* On again as it came: a reference to a reference. */
        ck_assert(frames_send(right, NULL, &got, &scratch));
        wire_message_clear(&got);
        wait_for(left);
        ck_assert_int_eq(frames_receive(left, flags, &got), FRAMES_MESSAGE);
        ck_assert(span_equal(buf_span(got.payload), buf_span(sent.payload)));
        wire_message_clear(&got);
        wire_message_clear(&sent);
    }
}

START_TEST(test_frames_carry_payloads_of_every_size_inproc)
{
    check_round_trip(0);
}
END_TEST

START_TEST(test_frames_carry_payloads_of_every_size_over_tcp)
{
    check_round_trip(FRAMES_OUTSIDE);
}
END_TEST

START_TEST(test_frames_pass_a_payload_inproc_without_a_copy)
{
    struct wire_message sent = learned_of(4096), got = {0};
    const uint8_t *bytes = sent.payload->data;
    ck_assert(frames_send(left, NULL, &sent, &scratch));
    wire_message_clear(&sent); /* the frame keeps it alive */
    wait_for(right);
    ck_assert_int_eq(frames_receive(right, 0, &got), FRAMES_MESSAGE);
    ck_assert_ptr_eq(got.payload->data, bytes);
    wire_message_clear(&got);
}
END_TEST

START_TEST(test_frames_give_an_empty_payload_where_there_is_none)
{
    struct wire_message sent = {.type = WIRE_MESSAGE_RESULT}, got = {0};
    ck_assert(frames_send(left, NULL, &sent, &scratch));
    wait_for(right);
    ck_assert_int_eq(frames_receive(right, 0, &got), FRAMES_MESSAGE);
    ck_assert_ptr_nonnull(got.payload);
    ck_assert_uint_eq(got.payload->size, 0);
    wire_message_clear(&got);
}
END_TEST

/* --- parcels ---------------------------------------------------------------------------------- */

static struct frames_inbox inbox;

static enum frames_outcome unpack(struct wire_message *message)
{
    return frames_unpack(&inbox, right, message);
}

static void expect_learned(wire_slot from)
{
    struct wire_message got = {0};
    ck_assert_int_eq(unpack(&got), FRAMES_MESSAGE);
    ck_assert_int_eq(got.type, WIRE_MESSAGE_LEARNED);
    ck_assert_uint_eq(got.learned.from, from);
    ck_assert_uint_eq(got.payload->size, from);
    wire_message_clear(&got);
}

static void pack_learned(struct frames_parcel **parcel, size_t size)
{
    struct wire_message learned = learned_of(size);
    frames_pack(parcel, &learned);
    wire_message_clear(&learned);
}

START_TEST(test_frames_of_a_parcel_come_out_in_order_and_whole)
{
    struct wire_message got = {0}, bare = {.type = WIRE_MESSAGE_APPLIED, .applied = {.slot = 7}};
    frames_inbox_init(&inbox);
    for (int round = 0; round < 3; round++) {
        struct frames_parcel *parcel = NULL;
        for (size_t size = 0; size < 10 * 299; size += 299)
            pack_learned(&parcel, size);
        frames_pack(&parcel, &bare);
        ck_assert_uint_eq(frames_parcel_count(parcel), 11);
        ck_assert_int_eq(unpack(&got), FRAMES_NOTHING);
        ck_assert(frames_post(left, &parcel));
        ck_assert_ptr_null(parcel);
        pack_learned(&parcel, 11);
        ck_assert(frames_post(left, &parcel));
        for (size_t size = 0; size < 10 * 299; size += 299)
            expect_learned(size);
        ck_assert_int_eq(unpack(&got), FRAMES_MESSAGE);
        ck_assert_int_eq(got.type, WIRE_MESSAGE_APPLIED);
        ck_assert_uint_eq(got.applied.slot, 7);
        expect_learned(11);
        ck_assert_int_eq(unpack(&got), FRAMES_NOTHING);
    }
    frames_inbox_free(&inbox);
}
END_TEST

START_TEST(test_frames_pass_a_parcel_without_a_copy_of_payloads)
{
    struct wire_message sent = learned_of(100), got = {0};
    struct frames_parcel *parcel = NULL;
    const uint8_t *bytes = sent.payload->data;
    frames_inbox_init(&inbox);
    frames_pack(&parcel, &sent);
    wire_message_clear(&sent); /* the parcel keeps it alive */
    ck_assert(frames_post(left, &parcel));
    ck_assert_int_eq(unpack(&got), FRAMES_MESSAGE);
    ck_assert_ptr_eq(got.payload->data, bytes);
    wire_message_clear(&got);
    frames_inbox_free(&inbox);
}
END_TEST

START_TEST(test_frames_give_an_empty_payload_in_a_parcel_where_there_is_none)
{
    struct wire_message sent = {.type = WIRE_MESSAGE_RESULT}, got = {0};
    struct frames_parcel *parcel = NULL;
    frames_inbox_init(&inbox);
    frames_pack(&parcel, &sent);
    ck_assert(frames_post(left, &parcel));
    ck_assert_int_eq(unpack(&got), FRAMES_MESSAGE);
    ck_assert_ptr_nonnull(got.payload);
    wire_message_clear(&got);
    frames_inbox_free(&inbox);
}
END_TEST

/* Wherever a parcel is left: in hand, on the way, half unpacked, or refused. */
START_TEST(test_frames_of_a_parcel_that_nobody_takes_are_released)
{
    struct wire_message sent = learned_of(5000), got = {0};
    struct frames_parcel *parcel = NULL;
    frames_inbox_init(&inbox);
    for (int i = 0; i < 3; i++) {
        frames_pack(&parcel, &sent);
        frames_pack(&parcel, &sent);
        ck_assert(i == 2 || frames_post(left, &parcel));
    }
    ck_assert_int_eq(unpack(&got), FRAMES_MESSAGE);
    wire_message_clear(&got);
    ck_assert_uint_eq(atomic_load(&sent.payload->refs), 1 + 5);
    frames_inbox_free(&inbox);
    ck_assert_uint_eq(atomic_load(&sent.payload->refs), 1 + 4);
    frames_parcel_destroy(&parcel);
    ck_assert_uint_eq(atomic_load(&sent.payload->refs), 1 + 2);
    zmq_close(right);
    right = new_socket(ZMQ_PAIR);
    frames_inbox_init(&inbox);
    while (atomic_load(&sent.payload->refs) > 1 &&
           frames_unpack(&inbox, left, &got) == FRAMES_NOTHING)
        ; /* the pipe is torn down as its other end takes note */
    frames_inbox_free(&inbox);
    ck_assert_uint_eq(atomic_load(&sent.payload->refs), 1);
    frames_pack(&parcel, &sent);
    ck_assert(!frames_post(left, &parcel));
    ck_assert_uint_eq(atomic_load(&sent.payload->refs), 1);
    wire_message_clear(&sent);
}
END_TEST

START_TEST(test_frames_take_what_is_no_parcel_for_a_fault)
{
    struct wire_message got = {0};
    frames_inbox_init(&inbox);
    ck_assert_int_eq(zmq_send(left, "word", 4, 0), 4);
    ck_assert_int_eq(unpack(&got), FRAMES_BAD_HEAD);
    ck_assert_int_eq(unpack(&got), FRAMES_NOTHING);
    frames_inbox_free(&inbox);
}
END_TEST

/* Sends frames as they are: parts[i] of sizes[i] bytes. */
static void send_raw(void *socket, int count, const void *const *parts, const size_t *part_sizes)
{
    for (int i = 0; i < count; i++)
        ck_assert_int_ge(zmq_send(socket, parts[i], part_sizes[i], i + 1 < count ? ZMQ_SNDMORE : 0),
                         0);
}

START_TEST(test_frames_tell_every_fault_and_lose_nothing_after_it)
{
    static uint8_t zeros[WIRE_HEAD_BYTES_MAX + 1];
    struct wire_message learn = {.type = WIRE_MESSAGE_LEARN}, learned = {0}, got = {0};
    struct wire_writer bare = {0}, full = {0};
    learned.type = WIRE_MESSAGE_LEARNED;
    wire_message_encode(&learn, &bare);
    wire_message_encode(&learned, &full);
    const struct {
        int count;
        const void *parts[4];
        size_t part_sizes[4];
        enum frames_outcome expected;
    } cases[] = {
        {1, {zeros}, {0}, FRAMES_BAD_HEAD},
        {1, {zeros}, {sizeof zeros}, FRAMES_BAD_HEAD},
        {3, {"x", bare.data, bare.data}, {1, bare.size, bare.size}, FRAMES_BAD_HEAD},
        {1, {bare.data}, {bare.size - 1}, FRAMES_BAD_HEAD},
        {1, {bare.data}, {bare.size}, FRAMES_MESSAGE},
        {2, {bare.data, "x"}, {bare.size, 1}, FRAMES_BAD_PAYLOAD},
        {1, {full.data}, {full.size}, FRAMES_BAD_PAYLOAD},
        {2, {full.data, "x"}, {full.size, 1}, FRAMES_MESSAGE},
        {3, {full.data, "x", "y"}, {full.size, 1, 1}, FRAMES_BAD_PAYLOAD},
        {4, {full.data, "x", "y", "z"}, {full.size, 1, 1, 1}, FRAMES_BAD_PAYLOAD},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        send_raw(left, cases[i].count, cases[i].parts, cases[i].part_sizes);
        wait_for(right);
        ck_assert_int_eq(frames_receive(right, 0, &got), cases[i].expected);
        ck_assert_int_eq(frames_receive(right, 0, &got), FRAMES_NOTHING);
        if (cases[i].expected == FRAMES_MESSAGE)
            wire_message_clear(&got);
    }
    wire_writer_free(&bare);
    wire_writer_free(&full);
}
END_TEST

START_TEST(test_frames_route_by_client_and_refuse_strangers)
{
    int on = 1;
    void *router = new_socket(ZMQ_ROUTER);
    void *dealers[2] = {new_socket(ZMQ_DEALER), new_socket(ZMQ_DEALER)};
    ck_assert_int_eq(zmq_setsockopt(router, ZMQ_ROUTER_MANDATORY, &on, sizeof on), 0);
    ck_assert_int_eq(zmq_bind(router, "inproc://router"), 0);
    zmq_setsockopt(dealers[0], ZMQ_ROUTING_ID, "one", 3);
    zmq_setsockopt(dealers[1], ZMQ_ROUTING_ID, "a routing id that is far too long for us", 40);
    struct wire_message message = {.type = WIRE_MESSAGE_LEARN}, got = {0};
    for (int i = 0; i < 2; i++) {
        ck_assert_int_eq(zmq_connect(dealers[i], "inproc://router"), 0);
        ck_assert(frames_send(dealers[i], NULL, &message, &scratch));
        wait_for(router);
        ck_assert_int_eq(frames_receive(router, FRAMES_ROUTED, &got),
                         i == 0 ? FRAMES_MESSAGE : FRAMES_BAD_ROUTING_ID);
    }
    ck_assert_uint_eq(got.client.size, 3);
    ck_assert_mem_eq(got.client.bytes, "one", 3);
    ck_assert(frames_send(router, &got.client, &message, &scratch));
    wait_for(dealers[0]);
    ck_assert_int_eq(frames_receive(dealers[0], 0, &message), FRAMES_MESSAGE);
    got.client.bytes[0] = 'x';
    ck_assert(!frames_send(router, &got.client, &message, &scratch));
    zmq_close(router);
    zmq_close(dealers[0]);
    zmq_close(dealers[1]);
}
END_TEST

START_TEST(test_frames_release_a_refused_payload)
{
    int one = 1, on = 1;
    void *dealer = new_socket(ZMQ_DEALER);
    zmq_setsockopt(dealer, ZMQ_SNDHWM, &one, sizeof one);
    zmq_setsockopt(dealer, ZMQ_IMMEDIATE, &on, sizeof on);
    ck_assert_int_eq(zmq_connect(dealer, "tcp://127.0.0.1:1"), 0);
    struct wire_message message = learned_of(5000);
    ck_assert(!frames_send(dealer, NULL, &message, &scratch));
    ck_assert_uint_eq(atomic_load(&message.payload->refs), 1);
    wire_message_clear(&message);
    zmq_close(dealer);
}
END_TEST

/* Sessions may keep more answers than fit a frame of the network. */
START_TEST(test_frames_pass_an_image_larger_than_any_frame_between_actors)
{
    struct wire_message got, message = {.type = WIRE_MESSAGE_CHECKPOINT};
    struct frames_parcel *parcel = NULL;
    uint8_t *fill;
    message.payload = buf_new(3 * (size_t)WIRE_FRAME_BYTES_MAX, &fill);
    memset(fill, 'i', message.payload->size);
    frames_inbox_init(&inbox);
    frames_pack(&parcel, &message);
    ck_assert(frames_post(left, &parcel));
    ck_assert_int_eq(unpack(&got), FRAMES_MESSAGE);
    ck_assert(span_equal(buf_span(got.payload), buf_span(message.payload)));
    wire_message_clear(&got);
    wire_message_clear(&message);
    frames_inbox_free(&inbox);
}
END_TEST

Suite *frames_suite(void)
{
    Suite *suite = suite_create("frames");
    TCase *tcp = tcase_create("tcp");
    tcase_add_checked_fixture(tcp, setup, teardown);
    tcase_set_timeout(tcp, 60);
    tcase_add_test(tcp, test_frames_carry_payloads_of_every_size_over_tcp);
    suite_add_tcase(suite, tcp);
    TCase *inproc = tcase_create("inproc");
    tcase_add_checked_fixture(inproc, setup_inproc, teardown);
    tcase_set_timeout(inproc, 60);
    tcase_add_test(inproc, test_frames_carry_payloads_of_every_size_inproc);
    tcase_add_test(inproc, test_frames_pass_a_payload_inproc_without_a_copy);
    tcase_add_test(inproc, test_frames_pass_an_image_larger_than_any_frame_between_actors);
    tcase_add_test(inproc, test_frames_give_an_empty_payload_where_there_is_none);
    tcase_add_test(inproc, test_frames_tell_every_fault_and_lose_nothing_after_it);
    tcase_add_test(inproc, test_frames_route_by_client_and_refuse_strangers);
    tcase_add_test(inproc, test_frames_release_a_refused_payload);
    tcase_add_test(inproc, test_frames_of_a_parcel_come_out_in_order_and_whole);
    tcase_add_test(inproc, test_frames_pass_a_parcel_without_a_copy_of_payloads);
    tcase_add_test(inproc, test_frames_give_an_empty_payload_in_a_parcel_where_there_is_none);
    tcase_add_test(inproc, test_frames_of_a_parcel_that_nobody_takes_are_released);
    tcase_add_test(inproc, test_frames_take_what_is_no_parcel_for_a_fault);
    suite_add_tcase(suite, inproc);
    return suite;
}
