/* Replicas of toy roles: who reaches whom, and what comes in from outside. Ports are the kernel's
 * choice. */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "actors/actor.h"
#include "actors/frames.h"
#include "actors/replica.h"
#include "tests/unit/actors/suites.h"
#include "tests/unit/actors/toy.h"

static void *context;
static struct wire_writer scratch;
static struct tally tally = TALLY_INIT;
static char problem[SOCKET_PROBLEM_BYTES];

struct trio {
    struct replica *replicas[3];        /* the group */
    struct toy toys[3][REPLICA_ACTORS]; /* its roles */
    struct toy_log logs[3];             /* its logs */
};
static struct trio trio;

static void setup(void)
{
    context = zmq_ctx_new();
}

static void teardown(void)
{
    for (int r = 0; r < 3; r++)
        replica_destroy(&trio.replicas[r]);
    zmq_ctx_term(context);
    wire_writer_free(&scratch);
}

static const enum wire_role roles[REPLICA_ACTORS] = {WIRE_ROLE_API, WIRE_ROLE_PROPOSER,
                                                     WIRE_ROLE_ACCEPTOR, WIRE_ROLE_APPLIER};

static struct replica_config config_of(wire_replica r, uint8_t count)
{
    struct replica_config config = {
        .context = context,
        .self = toy_sender(WIRE_ROLE_API, r),
        .replica_count = count,
        .api_flag = "--api_listen",
        .api_listen = "localhost:0",
        .p2p_listen = count == 1 ? NULL : "127.0.0.1:0",
        .log = toy_log_of(&trio.logs[r]),
    };
    for (int i = 0; i < REPLICA_ACTORS; i++) {
        trio.toys[r][i].sender = toy_sender(roles[i], r);
        trio.toys[r][i].tally = &tally;
        if (i != REPLICA_COURIER)
            config.roles[i] = toy_role(&trio.toys[r][i]);
    }
    return config;
}

static void make(wire_replica r, uint8_t count, const struct replica_placement *placement)
{
    struct replica_config config = config_of(r, count);
    config.placement = placement;
    trio.replicas[r] = replica_new(&config, problem);
    ck_assert_msg(trio.replicas[r] != NULL, "%s", problem);
}

static void make_three(const struct replica_placement *placement)
{
    for (wire_replica r = 0; r < 3; r++)
        make(r, 3, placement);
    for (wire_replica r = 0; r < 3; r++)
        for (wire_replica peer = 0; peer < 3; peer++) {
            char address[SOCKET_ENDPOINT_BYTES];
            if (peer == r)
                continue;
            replica_p2p_address(trio.replicas[peer], address);
            ck_assert(replica_connect(trio.replicas[r], peer, address, problem));
        }
    for (wire_replica r = 0; r < 3; r++)
        ck_assert(replica_start(trio.replicas[r]));
}

/* --- every edge ------------------------------------------------------------------------------- */

enum {
    RESEND_MS = 250, /* under a sanitizer answers of 100 kB can take longer to come than to ask for */
    EDGES_PROPOSER = 3, /* each acceptor */
    EDGES_LEARNER = 2,  /* each other acceptor */
    EDGES_INSIDE = 2,   /* applier and API answered */
    PAYLOAD = 100000,
};

/* What one replica's roles have heard, each from its own thread. */
static bool heard[3][8];

/* A message may be lost until connections are up, so it is sent again until it was answered. */
static void proposer_wakes(struct toy *self, wire_time now, struct smr_out *out)
{
    bool *done = heard[self->sender.replica];
    self->deadline = now + RESEND_MS * WIRE_MS;
    for (wire_replica r = 0; r < 3; r++)
        if (!done[r])
            toy_send(self, out, SMR_SEND, WIRE_MESSAGE_ASK, WIRE_ROLE_ACCEPTOR, r);
    if (!done[3])
        toy_send(self, out, SMR_SEND, WIRE_MESSAGE_READ_AT, WIRE_ROLE_APPLIER,
                 self->sender.replica);
}

static void note(struct toy *self, int edge)
{
    bool *done = &heard[self->sender.replica][edge];
    if (!*done)
        tally_add(self->tally, 1);
    *done = true;
}

static void proposer_receives(struct toy *self, wire_time now, const struct wire_message *message,
                              struct smr_out *out)
{
    (void)now;
    (void)out;
    if (message->type == WIRE_MESSAGE_ASKED)
        note(self, message->sender.replica);
    else if (message->sender.role == WIRE_ROLE_APPLIER)
        note(self, 3);
}

static void acceptor_wakes(struct toy *self, wire_time now, struct smr_out *out)
{
    self->deadline = now + RESEND_MS * WIRE_MS;
    for (wire_replica r = 0; r < 3; r++)
        if (r != self->sender.replica && !heard[self->sender.replica][4 + r]) {
            struct wire_message *m =
                toy_send(self, out, SMR_SEND, WIRE_MESSAGE_LEARN, WIRE_ROLE_ACCEPTOR, r);
            m->sender.role = WIRE_ROLE_LEARNER;
        }
}

static void acceptor_receives(struct toy *self, wire_time now, const struct wire_message *message,
                              struct smr_out *out)
{
    (void)now;
    uint8_t *fill;
    struct wire_message *m;
    switch (message->type) {
    case WIRE_MESSAGE_ASK:
        toy_send(self, out, SMR_SEND, WIRE_MESSAGE_ASKED, WIRE_ROLE_PROPOSER,
                 message->sender.replica);
        break;
    case WIRE_MESSAGE_LEARN:
        ck_assert_int_eq(message->sender.role, WIRE_ROLE_LEARNER);
        m = toy_send(self, out, SMR_SEND, WIRE_MESSAGE_LEARNED, WIRE_ROLE_LEARNER,
                     message->sender.replica);
        m->payload = buf_new(PAYLOAD, &fill);
        memset(fill, self->sender.replica, PAYLOAD);
        break;
    case WIRE_MESSAGE_LEARNED:
        ck_assert_uint_eq(message->payload->size, PAYLOAD);
        ck_assert_uint_eq(message->payload->data[PAYLOAD - 1], message->sender.replica);
        note(self, 4 + message->sender.replica);
        break;
    default:
        ck_abort_msg("unexpected %s", wire_type_text(message->type));
    }
}

static void applier_receives(struct toy *self, wire_time now, const struct wire_message *message,
                             struct smr_out *out)
{
    (void)now;
    if (message->type == WIRE_MESSAGE_READ_AT)
        toy_send(self, out, SMR_SEND, WIRE_MESSAGE_APPLIED, WIRE_ROLE_PROPOSER,
                 self->sender.replica);
}

START_TEST(test_replica_reaches_every_actor_of_every_replica)
{
    for (int r = 0; r < 3; r++) {
        trio.toys[r][REPLICA_PROPOSER].wake = proposer_wakes;
        trio.toys[r][REPLICA_PROPOSER].receive = proposer_receives;
        trio.toys[r][REPLICA_ACCEPTOR].wake = acceptor_wakes;
        trio.toys[r][REPLICA_ACCEPTOR].receive = acceptor_receives;
        trio.toys[r][REPLICA_APPLIER].receive = applier_receives;
    }
    make_three(_i == 0 ? NULL : &replica_fused);
    tally_wait(&tally, 3 * (EDGES_PROPOSER + 1 + EDGES_LEARNER));
}
END_TEST

/* --- clients ---------------------------------------------------------------------------------- */

static void echo(struct toy *self, wire_time now, const struct wire_message *message,
                 struct smr_out *out)
{
    (void)now;
    ck_assert_int_eq(message->sender.role, WIRE_ROLE_CLIENT);
    if (message->type == WIRE_MESSAGE_STATUS_ASK) {
        struct wire_message *s =
            toy_send(self, out, SMR_SEND, WIRE_MESSAGE_STATUS, WIRE_ROLE_CLIENT, 0);
        s->client = message->client;
        s->status.tag = message->status_ask.tag;
        return;
    }
    struct wire_message *m = toy_send(self, out, SMR_SEND, WIRE_MESSAGE_REPLY, WIRE_ROLE_CLIENT, 0);
    m->client = message->client;
    m->reply.tag = message->request.tag;
    m->payload = buf_ref(message->payload);
}

static void *new_dealer(const char *address)
{
    char endpoint[SOCKET_ENDPOINT_BYTES + 8];
    int linger = 0;
    void *dealer = zmq_socket(context, ZMQ_DEALER);
    zmq_setsockopt(dealer, ZMQ_LINGER, &linger, sizeof linger);
    snprintf(endpoint, sizeof endpoint, "tcp://%s", address);
    ck_assert_int_eq(zmq_connect(dealer, endpoint), 0);
    return dealer;
}

static void *new_client(wire_replica r)
{
    char address[SOCKET_ENDPOINT_BYTES];
    replica_api_address(trio.replicas[r], address);
    return new_dealer(address);
}

static struct wire_message hear(void *socket)
{
    zmq_pollitem_t item = {.socket = socket, .events = ZMQ_POLLIN};
    struct wire_message message = {0};
    ck_assert_int_eq(zmq_poll(&item, 1, TOY_PATIENCE_SECONDS * 1000), 1);
    ck_assert_int_eq(frames_receive(socket, FRAMES_OUTSIDE, &message), FRAMES_MESSAGE);
    return message;
}

static void check_echo(void *client, uint64_t tag, size_t size)
{
    uint8_t *fill;
    struct wire_message message = {.type = WIRE_MESSAGE_REQUEST,
                                   .sender = toy_sender(WIRE_ROLE_CLIENT, 0)};
    message.request.tag = tag;
    message.payload = buf_new(size, &fill);
    memset(fill, (int)(tag & 0xff), size);
    ck_assert(frames_send(client, NULL, &message, &scratch));
    struct wire_message answer = hear(client);
    ck_assert_int_eq(answer.type, WIRE_MESSAGE_REPLY);
    ck_assert_uint_eq(answer.reply.tag, tag);
    ck_assert(span_equal(buf_span(answer.payload), buf_span(message.payload)));
    wire_message_clear(&message);
    wire_message_clear(&answer);
}

static uint64_t api_figure(void *client, const char *name)
{
    struct wire_message ask = {.type = WIRE_MESSAGE_STATUS_ASK,
                               .sender = toy_sender(WIRE_ROLE_CLIENT, 0)};
    ck_assert(frames_send(client, NULL, &ask, &scratch));
    struct wire_message status = hear(client);
    ck_assert_int_eq(status.type, WIRE_MESSAGE_STATUS);
    uint64_t number = toy_figure(buf_span(status.payload), name);
    wire_message_clear(&status);
    return number;
}

START_TEST(test_replica_answers_each_client_on_its_own_connection)
{
    trio.toys[0][REPLICA_API].receive = echo;
    make(0, 1, _i == 0 ? NULL : &replica_fused);
    ck_assert(replica_start(trio.replicas[0]));
    void *clients[2] = {new_client(0), new_client(0)};
    for (uint64_t i = 1; i <= 50; i++)
        check_echo(clients[i % 2], i, i * 3001);
    ck_assert_uint_eq(api_figure(clients[0], "toy.received_messages"), 51);
    zmq_close(clients[0]);
    zmq_close(clients[1]);
}
END_TEST

/* A connection that speaks no ZeroMQ at all. */
static int connect_raw(wire_replica r)
{
    char address[SOCKET_ENDPOINT_BYTES];
    replica_api_address(trio.replicas[r], address);
    struct sockaddr_in to = {.sin_family = AF_INET,
                             .sin_port = htons((uint16_t)atoi(strrchr(address, ':') + 1)),
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int raw = socket(AF_INET, SOCK_STREAM, 0);
    ck_assert_int_eq(connect(raw, (struct sockaddr *)&to, sizeof to), 0);
    return raw;
}

START_TEST(test_replica_survives_garbage_and_counts_it)
{
    trio.toys[0][REPLICA_API].receive = echo;
    make(0, 1, NULL);
    ck_assert(replica_start(trio.replicas[0]));
    void *client = new_client(0);
    static uint8_t garbage[5000];
    for (size_t i = 0; i < sizeof garbage; i++)
        garbage[i] = (uint8_t)(i * 31 + i / 7);
    int raws[2] = {connect_raw(0), connect_raw(0)}; /* one babbles, one never says a word */
    ssize_t written = write(raws[0], garbage, sizeof garbage);
    ck_assert_int_ge(written, 0);
    for (size_t size = 0; size < sizeof garbage; size += 501)
        ck_assert_int_eq(zmq_send(client, garbage, size, 0), size);
    ck_assert_int_eq(zmq_send(client, "a", 1, ZMQ_SNDMORE), 1);
    ck_assert_int_eq(zmq_send(client, "b", 1, ZMQ_SNDMORE), 1);
    ck_assert_int_eq(zmq_send(client, "c", 1, 0), 1);
    struct wire_message false_name = {.type = WIRE_MESSAGE_LEADERSHIP,
                                      .sender = toy_sender(WIRE_ROLE_PROPOSER, 0)};
    ck_assert(frames_send(client, NULL, &false_name, &scratch));
    struct wire_message bare = {.type = WIRE_MESSAGE_REQUEST,
                                .sender = toy_sender(WIRE_ROLE_CLIENT, 0)};
    wire_writer_clear(&scratch);
    wire_message_encode(&bare, &scratch);
    ck_assert_int_ge(zmq_send(client, scratch.data, scratch.size, 0), 0);
    check_echo(client, 7, 1000);
    ck_assert_uint_eq(api_figure(client, "toy.dropped_malformed_messages"), 11);
    ck_assert_uint_eq(api_figure(client, "toy.dropped_sender_messages"), 1);
    ck_assert_uint_eq(api_figure(client, "toy.dropped_payload_messages"), 1);
    zmq_close(client);
    close(raws[0]);
    close(raws[1]);
}
END_TEST

START_TEST(test_replica_cuts_who_sends_too_large_a_frame)
{
    trio.toys[0][REPLICA_API].receive = echo;
    make(0, 1, NULL);
    ck_assert(replica_start(trio.replicas[0]));
    void *other = new_client(0);
    check_echo(other, 1, 10);
    void *client = new_client(0);
    char *monitored = "inproc://monitor";
    ck_assert_int_eq(zmq_socket_monitor(client, monitored, ZMQ_EVENT_DISCONNECTED), 0);
    void *monitor = zmq_socket(context, ZMQ_PAIR);
    ck_assert_int_eq(zmq_connect(monitor, monitored), 0);
    uint8_t *large = calloc(1, WIRE_FRAME_BYTES_MAX + 1);
    ck_assert_int_ge(zmq_send(client, large, WIRE_FRAME_BYTES_MAX + 1, 0), 0);
    free(large);
    zmq_pollitem_t item = {.socket = monitor, .events = ZMQ_POLLIN};
    ck_assert_int_eq(zmq_poll(&item, 1, TOY_PATIENCE_SECONDS * 1000), 1);
    check_echo(other, 2, 10);
    check_echo(client, 3, 10); /* it came back under another id */
    zmq_close(client);
    zmq_close(other);
    zmq_close(monitor);
}
END_TEST

/* --- peers ------------------------------------------------------------------------------------ */

static void count_learns(struct toy *self, wire_time now, const struct wire_message *message,
                         struct smr_out *out)
{
    (void)now;
    (void)out;
    tally_add(self->tally, message->learn.from);
}

/* Sends under an identity and a name; each dealer stays, so that nothing is lost on the way. */
static void *speak(const char *address, const struct wire_client *identity, enum wire_role role,
                   wire_replica replica, wire_slot from)
{
    struct wire_message message = {.type = WIRE_MESSAGE_LEARN, .sender = toy_sender(role, replica)};
    message.learn.from = from;
    char endpoint[SOCKET_ENDPOINT_BYTES + 8];
    int linger = 0;
    void *dealer = zmq_socket(context, ZMQ_DEALER);
    zmq_setsockopt(dealer, ZMQ_LINGER, &linger, sizeof linger);
    if (identity->size > 0)
        zmq_setsockopt(dealer, ZMQ_ROUTING_ID, identity->bytes, identity->size);
    snprintf(endpoint, sizeof endpoint, "tcp://%s", address);
    ck_assert_int_eq(zmq_connect(dealer, endpoint), 0);
    ck_assert(frames_send(dealer, NULL, &message, &scratch));
    return dealer;
}

static void relay_figure(struct toy *self, wire_time now, const struct wire_message *message,
                         struct smr_out *out)
{
    (void)now;
    (void)out;
    uint64_t dropped = toy_figure(buf_span(message->payload), "toy.dropped_sender_messages");
    if (dropped != UINT64_MAX && dropped >= 6)
        tally_add(self->context, 1);
}

static void ask_acceptor(struct toy *self, wire_time now, struct smr_out *out)
{
    self->deadline = now + RESEND_MS * WIRE_MS;
    toy_send(self, out, SMR_SEND, WIRE_MESSAGE_STATUS_ASK, WIRE_ROLE_ACCEPTOR,
             self->sender.replica);
}

START_TEST(test_replica_drops_peers_under_a_false_name)
{
    static struct tally dropped = TALLY_INIT;
    struct wire_client own = actor_peer_identity(WIRE_ROLE_PROPOSER, 0);
    struct wire_client proposer = actor_peer_identity(WIRE_ROLE_PROPOSER, 1);
    struct wire_client learner = actor_peer_identity(WIRE_ROLE_LEARNER, 1);
    struct wire_client other = actor_peer_identity(WIRE_ROLE_LEARNER, 2);
    struct wire_client beyond = actor_peer_identity(WIRE_ROLE_PROPOSER, 3);
    struct wire_client none = {.size = 0};
    trio.toys[0][REPLICA_ACCEPTOR].receive = count_learns;
    trio.toys[0][REPLICA_API].wake = ask_acceptor;
    trio.toys[0][REPLICA_API].receive = relay_figure;
    trio.toys[0][REPLICA_API].context = &dropped;
    make(0, 3, NULL);
    char address[SOCKET_ENDPOINT_BYTES];
    replica_p2p_address(trio.replicas[0], address);
    ck_assert(replica_start(trio.replicas[0]));
    void *dealers[] = {
        speak(address, &own, WIRE_ROLE_PROPOSER, 0, 1000),      /* nobody outside is the own one */
        speak(address, &none, WIRE_ROLE_PROPOSER, 1, 1000),     /* no fixed identity */
        speak(address, &proposer, WIRE_ROLE_PROPOSER, 2, 1000), /* another replica */
        speak(address, &learner, WIRE_ROLE_PROPOSER, 1, 1000),  /* another role */
        speak(address, &other, WIRE_ROLE_ACCEPTOR, 2, 1000),    /* a role that connects to nobody */
        speak(address, &beyond, WIRE_ROLE_PROPOSER, 3, 1000),   /* no such replica */
    };
    tally_wait(&dropped, 1);
    void *good = speak(address, &learner, WIRE_ROLE_LEARNER, 1, 1); /* takes the identity over */
    tally_wait(&tally, 1);
    ck_assert_uint_eq(tally_get(&tally), 1);
    for (size_t i = 0; i < sizeof dealers / sizeof dealers[0]; i++)
        zmq_close(dealers[i]);
    zmq_close(good);
}
END_TEST

/* --- managers --------------------------------------------------------------------------------- */

enum { LIAR = 1 }; /* the manager that answers under a false name */

static void manager_answers(struct toy *self, wire_time now, const struct wire_message *message,
                            struct smr_out *out)
{
    (void)now;
    if (message->type != WIRE_MESSAGE_REQUEST)
        return;
    struct wire_message *m = toy_send(self, out, SMR_SEND, WIRE_MESSAGE_REPLY, WIRE_ROLE_CLIENT, 0);
    m->sender.group = self->sender.replica == LIAR ? 0 : WIRE_GROUP_MANAGERS;
    m->client = message->client;
    m->payload = buf_ref(message->payload);
}

static void courier_asks(struct toy *self, wire_time now, struct smr_out *out)
{
    self->deadline = now + RESEND_MS * WIRE_MS;
    for (wire_replica i = 0; i < 3; i++) {
        struct wire_message *m =
            toy_send(self, out, SMR_SEND, WIRE_MESSAGE_REQUEST, WIRE_ROLE_MANAGER, i);
        m->sender.role = WIRE_ROLE_CLIENT;
        m->payload = buf_copy(span_text("who is in the chain?"));
    }
}

static void courier_hears(struct toy *self, wire_time now, const struct wire_message *message,
                          struct smr_out *out)
{
    (void)now;
    (void)out;
    ck_assert_int_eq(message->type, WIRE_MESSAGE_REPLY);
    if (message->sender.replica == LIAR)
        ck_abort_msg("heard somebody else than a manager");
    note(self, message->sender.replica);
}

/* Three replicas play the managers of a fourth one. */
START_TEST(test_courier_speaks_with_managers_through_their_clients_port)
{
    static struct toy courier, others[REPLICA_ACTORS];
    courier = (struct toy){.sender = toy_sender(WIRE_ROLE_COURIER, 0),
                           .tally = &tally,
                           .wake = courier_asks,
                           .receive = courier_hears};
    for (wire_replica r = 0; r < 3; r++) {
        make(r, 3, NULL);
        trio.toys[r][REPLICA_API].receive = manager_answers;
        ck_assert(replica_start(trio.replicas[r]));
    }
    struct replica_config config = config_of(0, 1);
    for (int i = 0; i < REPLICA_ACTORS; i++)
        config.roles[i] = toy_role(&others[i]);
    config.roles[REPLICA_COURIER] = toy_role(&courier);
    config.manager_count = 3;
    config.placement = _i == 0 ? NULL : &replica_fused;
    struct replica *replica = replica_new(&config, problem);
    ck_assert_msg(replica != NULL, "%s", problem);
    for (wire_replica r = 0; r < 3; r++) {
        char address[SOCKET_ENDPOINT_BYTES];
        replica_api_address(trio.replicas[r], address);
        ck_assert(replica_connect_manager(replica, r, address, problem));
    }
    ck_assert(replica_start(replica));
    tally_wait(&tally, 2);
    replica_destroy(&replica);
}
END_TEST

/* --- addresses -------------------------------------------------------------------------------- */

START_TEST(test_replica_names_the_flag_of_an_address_in_use)
{
    char taken[SOCKET_ENDPOINT_BYTES];
    make(0, 3, NULL);
    replica_api_address(trio.replicas[0], taken);
    struct replica_config config = config_of(1, 3);
    config.api_listen = taken;
    ck_assert_ptr_null(replica_new(&config, problem));
    ck_assert_ptr_nonnull(strstr(problem, "--api_listen: "));
    ck_assert_ptr_nonnull(strstr(problem, taken));
    ck_assert_ptr_nonnull(strstr(problem, "in use"));
    config = config_of(1, 3);
    replica_p2p_address(trio.replicas[0], taken);
    config.p2p_listen = taken;
    ck_assert_ptr_null(replica_new(&config, problem));
    ck_assert_ptr_nonnull(strstr(problem, "--p2p_listen: "));
    config = config_of(1, 3);
    config.api_listen = "192.0.2.1:0"; /* RFC 5737: nobody's */
    ck_assert_ptr_null(replica_new(&config, problem));
    ck_assert_ptr_nonnull(strstr(problem, "not an address of this machine"));
}
END_TEST

Suite *replica_suite(void)
{
    Suite *suite = suite_create("replica");
    TCase *tests = tcase_create("all");
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_set_timeout(tests, 60);
    tcase_add_loop_test(tests, test_replica_reaches_every_actor_of_every_replica, 0, 2);
    tcase_add_loop_test(tests, test_replica_answers_each_client_on_its_own_connection, 0, 2);
    tcase_add_test(tests, test_replica_survives_garbage_and_counts_it);
    tcase_add_test(tests, test_replica_cuts_who_sends_too_large_a_frame);
    tcase_add_test(tests, test_replica_drops_peers_under_a_false_name);
    tcase_add_loop_test(tests, test_courier_speaks_with_managers_through_their_clients_port, 0, 2);
    tcase_add_test(tests, test_replica_names_the_flag_of_an_address_in_use);
    suite_add_tcase(suite, tests);
    return suite;
}
