/* Two toy actors on two threads, and on one; sleeping at once, and looking for the next event first. */
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>

#include "actors/clock.h"
#include "actors/runtime.h"
#include "actors/socket.h"
#include "tests/unit/actors/suites.h"
#include "tests/unit/actors/toy.h"

static void *context;
static struct runtime *runtime;
static struct tally tally = TALLY_INIT;

static void setup(void)
{
    context = zmq_ctx_new();
    runtime = runtime_new(context);
}

static void teardown(void)
{
    runtime_destroy(&runtime);
    zmq_ctx_term(context);
}

/* API and proposer with a pair between them. */
static void host_two(struct toy *api, struct toy *proposer, unsigned thread, unsigned other_thread)
{
    struct toy *toys[2] = {api, proposer};
    const enum wire_role roles[2] = {WIRE_ROLE_API, WIRE_ROLE_PROPOSER};
    const unsigned threads[2] = {thread, other_thread};
    char problem[SOCKET_PROBLEM_BYTES];
    void *ends[2];
    ck_assert(socket_pair(context, "two", ends, problem));
    for (int i = 0; i < 2; i++) {
        toys[i]->sender = toy_sender(roles[i], 0);
        toys[i]->tally = &tally;
        struct actor_config config = {
            .role = toy_role(toys[i]), .self = toys[i]->sender, .replica_count = 1};
        struct actor *actor = actor_new(&config);
        actor_add_socket(actor, ends[i], ACTOR_LINK_SIBLING, roles[1 - i], 0);
        runtime_host(runtime, actor, threads[i]);
    }
}

/* The tests' loop variable: one thread or two, with and without spinning. */
static void host_variant(struct toy *api, struct toy *proposer, int variant)
{
    host_two(api, proposer, 0, (unsigned)(variant & 1));
    runtime_spin(runtime, (variant & 2) != 0 ? WIRE_MS : 0);
}

enum { ROUND_TRIPS = 2000, VARIANTS = 4, LEAVE_PATIENCE_MS = 60000, SHORT_PATIENCE_MS = 20 };

static void submit(struct toy *self, struct smr_out *out, uint64_t tag)
{
    uint8_t *fill;
    struct wire_message *m =
        toy_send(self, out, SMR_SEND, WIRE_MESSAGE_SUBMIT, WIRE_ROLE_PROPOSER, 0);
    m->submit.tag = tag;
    m->payload = buf_new(tag % 1000, &fill);
    memset(fill, (int)(tag & 0xff), tag % 1000);
}

static void serve(struct toy *self, wire_time now, struct smr_out *out)
{
    (void)now;
    submit(self, out, 1);
}

static void return_ball(struct toy *self, wire_time now, const struct wire_message *message,
                        struct smr_out *out)
{
    (void)now;
    for (size_t i = 0; i < message->payload->size; i++)
        ck_assert_uint_eq(message->payload->data[i], message->submit.tag & 0xff);
    toy_send(self, out, SMR_SEND, WIRE_MESSAGE_REFUSED, WIRE_ROLE_API, 0)->refused.tag =
        message->submit.tag;
}

static void play_on(struct toy *self, wire_time now, const struct wire_message *message,
                    struct smr_out *out)
{
    (void)now;
    tally_add(self->tally, 1);
    if (message->refused.tag < ROUND_TRIPS)
        submit(self, out, message->refused.tag + 1);
}

START_TEST(test_runtime_carries_a_ball_to_and_fro)
{
    struct toy api = {.wake = serve, .receive = play_on}, proposer = {.receive = return_ball};
    host_variant(&api, &proposer, _i);
    ck_assert(runtime_start(runtime));
    tally_wait(&tally, ROUND_TRIPS);
    runtime_stop(runtime);
    ck_assert_uint_eq(tally_get(&tally), ROUND_TRIPS);
}
END_TEST

/* What it hands over takes a message to and fro. */
static void hand_over(struct toy *self, wire_time now, struct smr_out *out)
{
    (void)now;
    tally_add(self->tally, 1);
    submit(self, out, 1);
}

static void go_when_told(struct toy *self, wire_time now, const struct wire_message *message,
                         struct smr_out *out)
{
    (void)now;
    (void)message;
    (void)out;
    self->stays = false;
}

START_TEST(test_runtime_waits_until_roles_have_handed_over)
{
    struct toy api = {.leave = hand_over, .receive = go_when_told, .stays = true};
    struct toy proposer = {.receive = return_ball};
    host_variant(&api, &proposer, _i);
    ck_assert(runtime_start(runtime));
    runtime_leave(runtime, LEAVE_PATIENCE_MS);
    ck_assert(!api.stays);
    ck_assert_uint_eq(tally_get(&tally), 1);
    runtime_stop(runtime);
}
END_TEST

START_TEST(test_runtime_waits_no_longer_than_it_is_told)
{
    struct toy api = {.stays = true}, proposer = {0};
    host_variant(&api, &proposer, _i);
    ck_assert(runtime_start(runtime));
    wire_time begun = clock_now();
    runtime_leave(runtime, SHORT_PATIENCE_MS);
    ck_assert_int_ge(clock_now() - begun, SHORT_PATIENCE_MS * WIRE_MS);
    runtime_stop(runtime);
}
END_TEST

/* Each message makes another for ever; many are on their way at any time. */
static void play_for_ever(struct toy *self, wire_time now, const struct wire_message *message,
                          struct smr_out *out)
{
    (void)now;
    tally_add(self->tally, 1);
    submit(self, out, message->refused.tag + 1);
}

static void serve_many(struct toy *self, wire_time now, struct smr_out *out)
{
    (void)now;
    for (int i = 0; i < 500; i++)
        submit(self, out, 1);
}

START_TEST(test_runtime_stops_within_a_second_while_busy)
{
    struct toy api = {.wake = serve_many, .receive = play_for_ever};
    struct toy proposer = {.receive = return_ball};
    host_variant(&api, &proposer, _i);
    ck_assert(runtime_start(runtime));
    tally_wait(&tally, 1000);
    wire_time begin = clock_now();
    runtime_stop(runtime);
    ck_assert_int_lt(clock_now() - begin, WIRE_SECOND);
}
END_TEST

static void tick(struct toy *self, wire_time now, struct smr_out *out)
{
    (void)out;
    tally_add(self->tally, 1);
    self->deadline = now + 5 * WIRE_MS;
}

START_TEST(test_runtime_wakes_roles_by_deadline_without_spinning)
{
    struct toy api = {.wake = tick}, proposer = {0};
    host_variant(&api, &proposer, _i);
    struct rusage before, after;
    getrusage(RUSAGE_SELF, &before);
    wire_time begin = clock_now();
    ck_assert(runtime_start(runtime));
    tally_wait(&tally, 100);
    runtime_stop(runtime);
    wire_time took = clock_now() - begin;
    getrusage(RUSAGE_SELF, &after);
    ck_assert_int_ge(took, 99 * 5 * WIRE_MS);
    ck_assert_uint_le(tally_get(&tally), (uint64_t)(took / (5 * WIRE_MS)) + 1);
    /* A thread that spins would have used all of it. */
    wire_time used = (after.ru_utime.tv_sec - before.ru_utime.tv_sec) * WIRE_SECOND +
                     (after.ru_utime.tv_usec - before.ru_utime.tv_usec) +
                     (after.ru_stime.tv_sec - before.ru_stime.tv_sec) * WIRE_SECOND +
                     (after.ru_stime.tv_usec - before.ru_stime.tv_usec);
    ck_assert_int_lt(used, took / 2);
}
END_TEST

START_TEST(test_runtime_stops_when_nothing_ever_happens)
{
    struct toy api = {0}, proposer = {0};
    host_two(&api, &proposer, 3, 5);
    ck_assert(runtime_start(runtime));
    runtime_stop(runtime);
    runtime_stop(runtime);
}
END_TEST

Suite *runtime_suite(void)
{
    Suite *suite = suite_create("runtime");
    TCase *tests = tcase_create("all");
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_set_timeout(tests, 60);
    tcase_add_loop_test(tests, test_runtime_carries_a_ball_to_and_fro, 0, VARIANTS);
    tcase_add_loop_test(tests, test_runtime_waits_until_roles_have_handed_over, 0, VARIANTS);
    tcase_add_loop_test(tests, test_runtime_waits_no_longer_than_it_is_told, 0, VARIANTS);
    tcase_add_loop_test(tests, test_runtime_stops_within_a_second_while_busy, 0, VARIANTS);
    tcase_add_loop_test(tests, test_runtime_wakes_roles_by_deadline_without_spinning, 0, VARIANTS);
    tcase_add_test(tests, test_runtime_stops_when_nothing_ever_happens);
    suite_add_tcase(suite, tests);
    return suite;
}
