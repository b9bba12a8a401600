/* One actor, run round by round in the test's own thread: what leaves when. */
#include <signal.h>
#include <stdlib.h>

#include "actors/actor_private.h"
#include "actors/clock.h"
#include "actors/socket.h"
#include "tests/unit/actors/suites.h"
#include "tests/unit/actors/toy.h"

static void *context;
static void *outside; /* the test's end of the pair to the actor */
static struct frames_inbox inbox; /* of that end */
static struct actor *actor;
static struct toy toy;
static struct toy_log toy_log;
static struct wire_writer scratch;
static uint64_t received_count; /* messages the role got */

static void setup(void)
{
    char problem[SOCKET_PROBLEM_BYTES];
    void *ends[2];
    context = zmq_ctx_new();
    ck_assert(socket_pair(context, "actor", ends, problem));
    outside = ends[1];
    frames_inbox_init(&inbox);
    toy = (struct toy){.sender = toy_sender(WIRE_ROLE_ACCEPTOR, 0)};
    struct actor_config config = {.role = toy_role(&toy),
                                  .self = toy.sender,
                                  .replica_count = 1,
                                  .log = toy_log_of(&toy_log)};
    actor = actor_new(&config);
    actor_add_socket(actor, ends[0], ACTOR_LINK_SIBLING, WIRE_ROLE_PROPOSER, 0);
}

static void teardown(void)
{
    actor_destroy(&actor);
    frames_inbox_free(&inbox);
    zmq_close(outside);
    zmq_ctx_term(context);
    wire_writer_free(&scratch);
}

/* --- the other side --------------------------------------------------------------------------- */

static void post(const struct wire_message *message)
{
    struct frames_parcel *parcel = NULL;
    frames_pack(&parcel, message);
    ck_assert(frames_post(outside, &parcel));
}

static void tell(enum wire_type type, uint64_t number)
{
    struct wire_message message = {.type = type, .sender = toy_sender(WIRE_ROLE_PROPOSER, 0)};
    if (type == WIRE_MESSAGE_PREPARE)
        message.prepare.from = number;
    else
        message.status_ask.tag = number;
    post(&message);
}

/* The slot or tag of the next message; 0: there is none. */
static uint64_t hear(struct wire_message *message)
{
    struct wire_message own;
    struct wire_message *to = message == NULL ? &own : message;
    if (frames_unpack(&inbox, outside, to) == FRAMES_NOTHING)
        return 0;
    uint64_t number = to->type == WIRE_MESSAGE_ACCEPTED ? to->accepted.slot : to->status.tag;
    if (message == NULL)
        wire_message_clear(to);
    return number;
}

static void step_within(wire_time wait)
{
    struct pollfd items[ACTOR_SOCKETS_MAX];
    actor_poll_items(actor, items);
    int ready =
        poll(items, actor_socket_count(actor), wait <= 0 ? 0 : (int)(wait / WIRE_MS) + 1);
    ck_assert_int_ge(ready, 0);
    actor_round(actor, items);
}

/* Waits as the runtime would, at most to the next deadline, then one round. */
static void step(void)
{
    step_within(actor_deadline(actor) - clock_now());
}

/* A round that must not wait. */
static void step_now(void)
{
    step_within(0);
}

static uint64_t figure(const char *name)
{
    struct wire_message status;
    tell(WIRE_MESSAGE_STATUS_ASK, 9);
    step_now();
    ck_assert_uint_eq(hear(&status), 9);
    ck_assert_int_eq(status.type, WIRE_MESSAGE_STATUS);
    uint64_t number = toy_figure(buf_span(status.payload), name);
    wire_message_clear(&status);
    return number;
}

/* --- what the role does ----------------------------------------------------------------------- */

static void put(struct smr_out *out, wire_slot slot)
{
    struct smr_log_entry entry = {.slot = slot, .batch = toy_batch(100)};
    smr_out_put_slot(out, &entry);
    buf_unref(&entry.batch);
}

static void send(struct toy *self, struct smr_out *out, enum smr_effect_kind kind, uint64_t slot)
{
    toy_send(self, out, kind, WIRE_MESSAGE_ACCEPTED, WIRE_ROLE_PROPOSER, 0)->accepted.slot = slot;
}

/* Slot n: puts it, says n when it is durable, and n + 1000 at once. */
static void put_and_say(struct toy *self, wire_time now, const struct wire_message *message,
                        struct smr_out *out)
{
    (void)now;
    received_count++;
    put(out, message->prepare.from);
    send(self, out, SMR_SEND_DURABLE, message->prepare.from);
    send(self, out, SMR_SEND, message->prepare.from + 1000);
}

static void say_durable_only(struct toy *self, wire_time now, const struct wire_message *message,
                             struct smr_out *out)
{
    (void)now;
    received_count++;
    send(self, out, SMR_SEND_DURABLE, message->prepare.from);
    send(self, out, SMR_SEND, message->prepare.from + 1000);
}

/* --- durability ------------------------------------------------------------------------------- */

START_TEST(test_actor_sends_durable_only_after_the_commit)
{
    toy.receive = put_and_say;
    tell(WIRE_MESSAGE_PREPARE, 1);
    tell(WIRE_MESSAGE_PREPARE, 2);
    step();
    const uint64_t expected[] = {1001, 1002, 1, 2, 0};
    for (int i = 0; i < 5; i++)
        ck_assert_uint_eq(hear(NULL), expected[i]);
    ck_assert_uint_eq(toy_log.commits, 1);
    ck_assert_uint_eq(toy_log.committed, 2);
}
END_TEST

START_TEST(test_actor_sends_durable_at_once_when_nothing_was_put)
{
    toy.receive = say_durable_only;
    tell(WIRE_MESSAGE_PREPARE, 1);
    step();
    ck_assert_uint_eq(hear(NULL), 1);
    ck_assert_uint_eq(hear(NULL), 1001);
    ck_assert_uint_eq(toy_log.commits, 0);
}
END_TEST

START_TEST(test_actor_commits_once_a_round)
{
    toy.receive = put_and_say;
    for (uint64_t i = 1; i <= 50; i++)
        tell(WIRE_MESSAGE_PREPARE, i);
    step();
    ck_assert_uint_eq(received_count, 50);
    ck_assert_uint_eq(toy_log.commits, 1);
}
END_TEST

START_TEST(test_actor_drains_a_bounded_number)
{
    toy.receive = put_and_say;
    for (uint64_t i = 1; i <= ACTOR_DRAIN_MAX + 10; i++)
        tell(WIRE_MESSAGE_PREPARE, i);
    step();
    ck_assert_uint_eq(received_count, ACTOR_DRAIN_MAX);
    step();
    ck_assert_uint_eq(received_count, ACTOR_DRAIN_MAX + 10);
}
END_TEST

static void put_only(struct toy *self, wire_time now, const struct wire_message *message,
                     struct smr_out *out)
{
    (void)self;
    (void)now;
    received_count++;
    put(out, message->prepare.from);
}

START_TEST(test_actor_puts_off_a_commit_that_nobody_waits_for)
{
    toy.receive = put_only;
    wire_time begin = clock_now();
    tell(WIRE_MESSAGE_PREPARE, 1);
    step_now();
    ck_assert_uint_eq(received_count, 1);
    ck_assert_int_gt(actor_deadline(actor), 0);
    while (toy_log.commits == 0)
        step();
    ck_assert_int_ge(clock_now() - begin, ACTOR_LAZY_TIME);
    ck_assert_int_eq(actor_deadline(actor), WIRE_NEVER);
}
END_TEST

START_TEST(test_actor_commits_what_was_put_off_as_soon_as_somebody_waits)
{
    toy.receive = put_only;
    tell(WIRE_MESSAGE_PREPARE, 1);
    step_now();
    toy.receive = put_and_say;
    tell(WIRE_MESSAGE_PREPARE, 2);
    step_now();
    ck_assert_uint_eq(toy_log.committed, 2);
    ck_assert_uint_eq(hear(NULL), 1002);
    ck_assert_uint_eq(hear(NULL), 2);
}
END_TEST

static void put_a_lot(struct toy *self, wire_time now, const struct wire_message *message,
                      struct smr_out *out)
{
    struct smr_log_entry entry = {.slot = message->prepare.from,
                                  .batch = toy_batch(ACTOR_LAZY_BYTES)};
    (void)self;
    (void)now;
    smr_out_put_slot(out, &entry);
    buf_unref(&entry.batch);
}

START_TEST(test_actor_puts_off_no_more_than_so_many_bytes)
{
    toy.receive = put_a_lot;
    tell(WIRE_MESSAGE_PREPARE, 1);
    step_now();
    ck_assert_uint_eq(toy_log.commits, 1);
}
END_TEST

static void put_more(struct toy *self, wire_time now, struct smr_out *out)
{
    (void)now;
    if (toy_log.commits < 3)
        put(out, 100 + toy_log.commits);
    send(self, out, SMR_SEND_DURABLE, 500 + toy_log.commits);
}

START_TEST(test_actor_carries_out_what_follows_a_commit)
{
    toy.receive = put_and_say;
    toy.durable = put_more;
    tell(WIRE_MESSAGE_PREPARE, 1);
    step();
    ck_assert_int_eq(actor_deadline(actor), 0); /* there is a put to make durable, at once */
    step();
    step();
    ck_assert_uint_eq(toy_log.commits, 3);
    ck_assert_int_eq(actor_deadline(actor), WIRE_NEVER);
    const uint64_t expected[] = {1001, 1, 501, 502, 503, 0};
    for (int i = 0; i < 6; i++)
        ck_assert_uint_eq(hear(NULL), expected[i]);
}
END_TEST

/* --- no room ---------------------------------------------------------------------------------- */

START_TEST(test_actor_holds_durable_sends_while_the_disk_is_full)
{
    toy.receive = put_and_say;
    toy_log.answer = WIRE_FULL;
    tell(WIRE_MESSAGE_PREPARE, 1);
    step();
    ck_assert_uint_eq(hear(NULL), 1001);
    ck_assert_uint_eq(hear(NULL), 0);
    /* Nothing was put by this one, but the put before it is not durable. */
    toy.receive = say_durable_only;
    tell(WIRE_MESSAGE_PREPARE, 2);
    step_now();
    ck_assert_uint_eq(hear(NULL), 1002);
    ck_assert_uint_eq(hear(NULL), 0);
    ck_assert_uint_eq(figure("log.full"), 1);
    ck_assert_uint_eq(figure("log.held_messages"), 2);
    /* Not tried again before its time, then it is, and what was held leaves in order. */
    toy_log.answer = WIRE_OK;
    step_now();
    ck_assert_uint_eq(toy_log.commits, 1);
    ck_assert_int_gt(actor_deadline(actor), clock_now());
    while (toy_log.commits == 1)
        step();
    ck_assert_uint_eq(hear(NULL), 1);
    ck_assert_uint_eq(hear(NULL), 2);
    ck_assert_uint_eq(figure("log.full"), 0);
    ck_assert_int_eq(actor_deadline(actor), WIRE_NEVER);
}
END_TEST

START_TEST(test_actor_takes_in_no_more_than_it_may_hold)
{
    toy.receive = put_and_say;
    toy_log.answer = WIRE_FULL;
    const uint64_t told = ACTOR_HELD_MAX + 200;
    for (uint64_t i = 1; i <= told; i++) {
        tell(WIRE_MESSAGE_PREPARE, i);
        step_now();
        hear(NULL);
    }
    ck_assert_uint_eq(received_count, ACTOR_HELD_MAX);
    ck_assert_uint_eq(figure("toy.dropped_full_messages"), 200);
    tell(WIRE_MESSAGE_HEARTBEAT, 0); /* asks for nothing to be stored, so it is let in */
    toy.receive = say_durable_only;
    step_now();
    ck_assert_uint_eq(hear(NULL), 1000);
    ck_assert_uint_eq(figure("toy.dropped_full_messages"), 200);
    toy_log.answer = WIRE_OK;
    while (toy_log.committed == 0)
        step();
    for (uint64_t i = 1; i <= ACTOR_HELD_MAX; i++)
        ck_assert_uint_eq(hear(NULL), i);
    ck_assert_uint_eq(hear(NULL), 0);
}
END_TEST

static int room_told; /* -1: not told, else what it was told last */

static void take_room(struct toy *self, wire_time now, bool enough, struct smr_out *out)
{
    (void)self;
    (void)now;
    (void)out;
    ck_assert_int_ne(room_told, enough); /* only when it changes */
    room_told = enough;
}

/* Rounds that commit one slot each, until the role was told so. */
static void step_until_told(bool enough)
{
    for (uint64_t slot = 1; room_told != enough; slot++) {
        tell(WIRE_MESSAGE_PREPARE, slot);
        step();
        while (hear(NULL) != 0)
            continue;
    }
}

START_TEST(test_actor_tells_its_role_how_much_room_there_is)
{
    room_told = true;
    toy.receive = put_and_say;
    toy.room = take_room;
    toy_log.low = true;
    step_until_told(false);
    ck_assert_uint_eq(figure("log.low"), 1);
    ck_assert_uint_eq(figure("log.full"), 0);
    toy_log.low = false;
    step_until_told(true);
    ck_assert_uint_eq(figure("log.low"), 0);
    toy_log.answer = WIRE_FULL;
    step_until_told(false);
    toy_log.answer = WIRE_OK;
    step_until_told(true);
}
END_TEST

START_TEST(test_actor_ends_the_process_when_a_commit_fails)
{
    toy.receive = put_and_say;
    toy_log.answer = WIRE_FAILED;
    tell(WIRE_MESSAGE_PREPARE, 1);
    step();
    ck_abort_msg("it went on");
}
END_TEST

static void give_up(struct toy *self, wire_time now, const struct wire_message *message,
                    struct smr_out *out)
{
    put_and_say(self, now, message, out);
    smr_out_die(out, WIRE_IDENTITY, "the role cannot go on");
}

START_TEST(test_actor_ends_the_process_when_its_role_must_not_go_on)
{
    toy.receive = give_up;
    tell(WIRE_MESSAGE_PREPARE, 1);
    step();
    ck_abort_msg("it went on");
}
END_TEST

/* --- the rest --------------------------------------------------------------------------------- */

static void receive_nothing(struct toy *self, wire_time now, const struct wire_message *message,
                            struct smr_out *out)
{
    (void)self;
    (void)now;
    (void)message;
    (void)out;
    ck_abort_msg("the role must not see this");
}

START_TEST(test_actor_answers_status_itself)
{
    toy.receive = receive_nothing;
    ck_assert_uint_eq(figure("toy.is_here"), 1);
    ck_assert_uint_eq(figure("toy.received_messages"), 2);
    ck_assert_uint_eq(figure("log.commit_us_count"), 0);
    ck_assert_uint_eq(figure("toy.to_proposer_0.sent_messages"), 3);
    ck_assert_uint_eq(figure("toy.to_proposer_0.refused_messages"), 0);
}
END_TEST

static void wake_and_count(struct toy *self, wire_time now, struct smr_out *out)
{
    ck_assert_int_ge(now, self->deadline);
    self->deadline = now + 20 * WIRE_MS;
    send(self, out, SMR_SEND, ++received_count);
}

START_TEST(test_actor_wakes_its_role_when_due_and_not_before)
{
    toy.wake = wake_and_count;
    wire_time begin = clock_now();
    actor_start(actor, begin);
    for (uint64_t i = 1; i <= 5; i++) {
        ck_assert_uint_eq(hear(NULL), i);
        ck_assert_uint_eq(hear(NULL), 0);
        step_now();
        step();
    }
    ck_assert_int_ge(clock_now() - begin, 5 * 20 * WIRE_MS);
}
END_TEST

START_TEST(test_actor_does_nothing_without_cause)
{
    for (int i = 0; i < 10; i++)
        step_now();
    ck_assert_uint_eq(figure("toy.rounds"), 0);
    ck_assert_uint_eq(figure("toy.rounds"), 1);
    ck_assert_int_eq(actor_deadline(actor), WIRE_NEVER);
}
END_TEST

START_TEST(test_actor_takes_nonsense_of_a_sibling_for_a_bug)
{
    ck_assert_int_eq(zmq_send(outside, "nonsense", 8, 0), 8);
    step();
}
END_TEST

START_TEST(test_actor_takes_a_sibling_under_another_name_for_a_bug)
{
    struct wire_message message = {.type = WIRE_MESSAGE_PREPARE,
                                   .sender = toy_sender(WIRE_ROLE_APPLIER, 0)};
    post(&message);
    step();
}
END_TEST

/* --- links to peers --------------------------------------------------------------------------- */

static void *peers; /* the ROUTER of replica 1 */

/* What the test tells the actor goes on to the acceptor of replica 1. */
static void pass_on(struct toy *self, wire_time now, const struct wire_message *message,
                    struct smr_out *out)
{
    (void)now;
    if (message->type == WIRE_MESSAGE_PREPARE)
        toy_send(self, out, SMR_SEND, WIRE_MESSAGE_PREPARE, WIRE_ROLE_ACCEPTOR, 1);
}

static void *connect_as(const struct wire_client *identity, const char *address)
{
    char problem[SOCKET_PROBLEM_BYTES];
    void *socket = socket_new_peer(context, identity, problem);
    ck_assert_msg(socket != NULL && socket_connect(socket, address, problem), "%s", problem);
    return socket;
}

/* Replica 0 of two, whose proposer is under test, with a ROUTER in place of replica 1. */
static void link_setup(void)
{
    char problem[SOCKET_PROBLEM_BYTES], address[SOCKET_ENDPOINT_BYTES];
    void *ends[2];
    context = zmq_ctx_new();
    ck_assert(socket_pair(context, "actor", ends, problem));
    outside = ends[1];
    frames_inbox_init(&inbox);
    peers = socket_bind_peers(context, "--listen", "127.0.0.1:0", problem);
    ck_assert_msg(peers != NULL, "%s", problem);
    socket_bound_address(peers, address);
    toy = (struct toy){.sender = toy_sender(WIRE_ROLE_PROPOSER, 0), .receive = pass_on};
    struct actor_config config = {.role = toy_role(&toy),
                                  .self = toy.sender,
                                  .replica_count = 2,
                                  .link_patience = 20 * WIRE_MS};
    actor = actor_new(&config);
    actor_add_socket(actor, ends[0], ACTOR_LINK_SIBLING, WIRE_ROLE_PROPOSER, 0);
    struct wire_client identity = actor_peer_identity(WIRE_ROLE_PROPOSER, 0);
    actor_add_socket(actor, connect_as(&identity, address), ACTOR_LINK_PEER, WIRE_ROLE_ACCEPTOR, 1);
}

static void link_teardown(void)
{
    zmq_close(peers);
    teardown();
}

/* Lets the actor send until something of the wanted kind arrives at replica 1; answers if told to.
 */
static void send_until_heard(bool answer)
{
    wire_time deadline = clock_now() + TOY_PATIENCE_SECONDS * WIRE_SECOND;
    struct wire_message message;
    do {
        ck_assert_msg(clock_now() < deadline, "nothing arrives any more");
        tell(WIRE_MESSAGE_PREPARE, 1);
        step_now();
        zmq_pollitem_t item = {.socket = peers, .events = ZMQ_POLLIN};
        zmq_poll(&item, 1, 5);
    } while (frames_receive(peers, FRAMES_OUTSIDE | FRAMES_ROUTED, &message) != FRAMES_MESSAGE);
    struct wire_client from = message.client;
    wire_message_clear(&message);
    if (!answer)
        return;
    message = (struct wire_message){.type = WIRE_MESSAGE_PROMISE,
                                    .sender = toy_sender(WIRE_ROLE_ACCEPTOR, 1)};
    frames_send(peers, &from, &message, &scratch);
}

/* What a stranger under our name must not do for good: take our connection over in silence. */
START_TEST(test_actor_takes_its_identity_back)
{
    char address[SOCKET_ENDPOINT_BYTES];
    socket_bound_address(peers, address);
    send_until_heard(false);
    struct wire_client identity = actor_peer_identity(WIRE_ROLE_PROPOSER, 0);
    void *stranger = connect_as(&identity, address);
    char word[8];
    while (zmq_send(stranger, "mine", 4, 0) != 4)
        ;
    do /* until the stranger is who bears that name there */
        ck_assert_int_ge(zmq_recv(peers, word, sizeof word, 0), 0);
    while (memcmp(word, "mine", 4) != 0);
    send_until_heard(false);
    ck_assert_uint_ge(actor->relinked, 1);
    zmq_close(stranger);
}
END_TEST

START_TEST(test_actor_leaves_a_link_alone_that_answers)
{
    actor->link_patience = WIRE_NEVER;
    send_until_heard(true);
    const struct actor_route *route = &actor->routes[WIRE_ROLE_ACCEPTOR][1];
    ck_assert_int_gt(route->unanswered, 0);
    wire_time deadline = clock_now() + TOY_PATIENCE_SECONDS * WIRE_SECOND;
    while (route->unanswered != 0 && clock_now() < deadline)
        step_within(WIRE_SECOND);
    ck_assert_int_eq(route->unanswered, 0);
}
END_TEST

static bool is_readable(const struct actor_socket *socket)
{
    struct pollfd item = {.fd = socket_descriptor(socket->handle), .events = POLLIN};
    return poll(&item, 1, 0) == 1;
}

/* To send through a socket may take in that something came, and then its descriptor is silent again. */
START_TEST(test_actor_misses_nothing_that_a_send_took_note_of)
{
    struct pollfd silent[ACTOR_SOCKETS_MAX] = {{.fd = -1}, {.fd = -1}};
    const struct actor_socket *link = &actor->sockets[1];
    actor->link_patience = WIRE_NEVER;
    send_until_heard(true);
    wire_time deadline = clock_now() + TOY_PATIENCE_SECONDS * WIRE_SECOND;
    while (!is_readable(link) && clock_now() < deadline)
        ;
    while (is_readable(link) && clock_now() < deadline) {
        tell(WIRE_MESSAGE_PREPARE, 1); /* which is passed on through the link */
        actor->sockets[0].ready = true;
        actor_round(actor, silent);
    }
    ck_assert(!is_readable(link));
    ck_assert_int_eq(actor_deadline(actor), 0);
    actor_round(actor, silent);
    ck_assert_int_eq(actor->routes[WIRE_ROLE_ACCEPTOR][1].unanswered, 0);
}
END_TEST

Suite *actor_suite(void)
{
    Suite *suite = suite_create("actor");
    TCase *tests = tcase_create("all");
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_set_timeout(tests, 60);
    tcase_add_test(tests, test_actor_sends_durable_only_after_the_commit);
    tcase_add_test(tests, test_actor_sends_durable_at_once_when_nothing_was_put);
    tcase_add_test(tests, test_actor_commits_once_a_round);
    tcase_add_test(tests, test_actor_drains_a_bounded_number);
    tcase_add_test(tests, test_actor_puts_off_a_commit_that_nobody_waits_for);
    tcase_add_test(tests, test_actor_commits_what_was_put_off_as_soon_as_somebody_waits);
    tcase_add_test(tests, test_actor_puts_off_no_more_than_so_many_bytes);
    tcase_add_test(tests, test_actor_carries_out_what_follows_a_commit);
    tcase_add_test(tests, test_actor_holds_durable_sends_while_the_disk_is_full);
    tcase_add_test(tests, test_actor_tells_its_role_how_much_room_there_is);
    tcase_add_test(tests, test_actor_takes_in_no_more_than_it_may_hold);
    tcase_add_exit_test(tests, test_actor_ends_the_process_when_a_commit_fails, WIRE_EXIT_STORAGE);
    tcase_add_exit_test(tests, test_actor_ends_the_process_when_its_role_must_not_go_on,
                        WIRE_EXIT_IDENTITY);
    tcase_add_test(tests, test_actor_answers_status_itself);
    tcase_add_test(tests, test_actor_wakes_its_role_when_due_and_not_before);
    tcase_add_test(tests, test_actor_does_nothing_without_cause);
    tcase_add_test_raise_signal(tests, test_actor_takes_nonsense_of_a_sibling_for_a_bug, SIGABRT);
    tcase_add_test_raise_signal(tests, test_actor_takes_a_sibling_under_another_name_for_a_bug,
                                SIGABRT);
    suite_add_tcase(suite, tests);
    TCase *links = tcase_create("links");
    tcase_add_checked_fixture(links, link_setup, link_teardown);
    tcase_set_timeout(links, 60);
    tcase_add_test(links, test_actor_takes_its_identity_back);
    tcase_add_test(links, test_actor_leaves_a_link_alone_that_answers);
    tcase_add_test(links, test_actor_misses_nothing_that_a_send_took_note_of);
    suite_add_tcase(suite, links);
    return suite;
}
