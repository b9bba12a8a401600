/* Sockets as they are set up for use, against peers that misbehave. */
#include <arpa/inet.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>
#include <zmq.h>

#include "actors/socket.h"
#include "tests/unit/actors/suites.h"

enum {
    FLOOD_MESSAGES = 100000, /* more than a queue and the kernel's buffers take */
    MESSAGE_BYTES = 200,
    WATCH_MS = 6000, /* longer than any timer of an idle connection */
};

static void *context;
static void *socket_under_test;
static struct sockaddr_in address;

static void setup(void)
{
    char problem[SOCKET_PROBLEM_BYTES], bound[SOCKET_ENDPOINT_BYTES];
    context = zmq_ctx_new();
    socket_under_test = socket_bind_clients(context, "--listen", "127.0.0.1:0", problem);
    ck_assert_msg(socket_under_test != NULL, "%s", problem);
    socket_bound_address(socket_under_test, bound);
    address = (struct sockaddr_in){.sin_family = AF_INET,
                                   .sin_port = htons((uint16_t)atoi(strrchr(bound, ':') + 1)),
                                   .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
}

static void teardown(void)
{
    zmq_close(socket_under_test);
    zmq_ctx_term(context);
}

static void receive(int peer, unsigned char *bytes, size_t size)
{
    ck_assert_int_eq(recv(peer, bytes, size, MSG_WAITALL), (ssize_t)size);
}

/* A DEALER's handshake by hand (rfc.zeromq.org/spec/23). It ends with the other's READY: whoever speaks
 * before that is cut off, if the other side has not sent it yet. */
static int connect_by_hand(void)
{
    static const char greeting[64] = "\xff\0\0\0\0\0\0\0\1\x7f\3\0NULL";
    static const char ready[] = "\4\x1c\5READY\x0bSocket-Type\0\0\0\6"
                                "DEALER";
    int peer = socket(AF_INET, SOCK_STREAM, 0);
    ck_assert_int_eq(connect(peer, (struct sockaddr *)&address, sizeof address), 0);
    ck_assert_int_eq(write(peer, greeting, sizeof greeting), sizeof greeting);
    ck_assert_int_eq(write(peer, ready, sizeof ready - 1), sizeof ready - 1);
    unsigned char answer[256];
    receive(peer, answer, sizeof greeting);
    receive(peer, answer, 2); /* of its READY: flags, size */
    receive(peer, answer, answer[1]);
    return peer;
}

/* Until nobody takes any more for a while. */
static void flood(int peer)
{
    char message[2 + MESSAGE_BYTES] = {0, (char)MESSAGE_BYTES};
    for (int i = 0; i < FLOOD_MESSAGES; i++) {
        struct pollfd item = {.fd = peer, .events = POLLOUT};
        if (poll(&item, 1, 500) == 0)
            return;
        if (send(peer, message, sizeof message, MSG_DONTWAIT) != sizeof message)
            return;
    }
}

START_TEST(test_socket_survives_a_flood_that_ends_in_a_reset)
{
    struct linger reset = {.l_onoff = 1};
    int peer = connect_by_hand();
    flood(peer);
    zmq_pollitem_t item = {.socket = socket_under_test, .events = ZMQ_POLLIN};
    ck_assert_int_eq(zmq_poll(&item, 1, WATCH_MS), 1);
    setsockopt(peer, SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
    close(peer);
    poll(NULL, 0, WATCH_MS); /* what must not happen in that time is an abort */
}
END_TEST

Suite *socket_suite(void)
{
    Suite *suite = suite_create("socket");
    TCase *hostile = tcase_create("hostile");
    tcase_set_timeout(hostile, 60);
    tcase_add_checked_fixture(hostile, setup, teardown);
    tcase_add_test(hostile, test_socket_survives_a_flood_that_ends_in_a_reset);
    suite_add_tcase(suite, hostile);
    return suite;
}
