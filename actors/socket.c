#include "actors/socket.h"

#include <assert.h>
#include <errno.h>
#include <netdb.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <zmq.h>

enum {
    PEER_UNACKED_MS = 3000, /* sent and not acknowledged by the kernel there: the link is dead */
    CLIENT_UNACKED_MS = 10000,
    PEER_IDLE_S = 2, /* nothing came for so long: the kernel asks, every so long, PROBES times */
    CLIENT_IDLE_S = 5,
    PROBES = 2,
    /* Whoever greets no faster is cut off, and with it all it has said by then: a second is too short on
     * a machine with forty threads waiting for its cores. */
    HANDSHAKE_MS = 5000,
    CONNECT_TIMEOUT_MS = 1000,
    RECONNECT_MS = 100,
    RECONNECT_MAX_MS = 200,
    CLIENT_LINGER_MS = 500, /* answers on their way when the process is told to end */
    HOST_BYTES = 256,
};

static void *fail(char *problem, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void *fail(char *problem, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(problem, SOCKET_PROBLEM_BYTES, format, arguments);
    va_end(arguments);
    return NULL;
}

/* A wrong option is a bug of ours, never the outside's doing. */
static void set(void *socket, int option, int value)
{
    int failed = zmq_setsockopt(socket, option, &value, sizeof value);
    assert(failed == 0);
    (void)failed;
}

static void *new_socket(void *context, int type, char *problem)
{
    void *socket = zmq_socket(context, type);
    if (socket == NULL)
        return fail(problem, "cannot make a socket: %s", zmq_strerror(errno));
    set(socket, ZMQ_LINGER, 0);
    return socket;
}

/* --- between actors --------------------------------------------------------------------------- */

/* Half of the bound at each end: over inproc they add up. */
static void *new_end(void *context, char *problem)
{
    void *socket = new_socket(context, ZMQ_PAIR, problem);
    if (socket != NULL) {
        set(socket, ZMQ_SNDHWM, SOCKET_PAIR_MESSAGES / 2);
        set(socket, ZMQ_RCVHWM, SOCKET_PAIR_MESSAGES / 2);
    }
    return socket;
}

bool socket_pair(void *context, const char *name, void *ends[2], char *problem)
{
    char endpoint[SOCKET_ENDPOINT_BYTES];
    snprintf(endpoint, sizeof endpoint, "inproc://%s", name);
    void *one = new_end(context, problem);
    if (one == NULL)
        return false;
    void *other = new_end(context, problem);
    if (other == NULL)
        goto close_one;
    if (zmq_bind(one, endpoint) == 0 && zmq_connect(other, endpoint) == 0) {
        ends[0] = one;
        ends[1] = other;
        return true;
    }
    fail(problem, "cannot connect two actors: %s", zmq_strerror(errno));
    zmq_close(other);
close_one:
    zmq_close(one);
    return false;
}

/* --- over TCP --------------------------------------------------------------------------------- */

/* Links that nothing is sent on are the kernel's to watch, not ZeroMQ's heartbeats: libzmq 4.3.4 ends
 * the process (stream_engine_base.cpp, timer_event calls out_event) if a heartbeat is due on a
 * connection whose peer is gone while what it sent waits for room in the socket's queue. Anybody who
 * can connect could bring that about. */
static void set_tcp(void *socket, int messages, int unacked_ms, int idle_s)
{
    set(socket, ZMQ_TCP_MAXRT, unacked_ms);
    set(socket, ZMQ_SNDHWM, messages);
    set(socket, ZMQ_RCVHWM, messages);
    set(socket, ZMQ_TCP_KEEPALIVE, 1);
    set(socket, ZMQ_TCP_KEEPALIVE_IDLE, idle_s);
    set(socket, ZMQ_TCP_KEEPALIVE_INTVL, idle_s);
    set(socket, ZMQ_TCP_KEEPALIVE_CNT, PROBES);
    set(socket, ZMQ_HANDSHAKE_IVL, HANDSHAKE_MS);
    int64_t size_max = WIRE_FRAME_BYTES_MAX;
    int failed = zmq_setsockopt(socket, ZMQ_MAXMSGSIZE, &size_max, sizeof size_max);
    assert(failed == 0);
    (void)failed;
}

/* The host of host:port, without brackets; false if there is no port. */
static bool split(const char *address, char host[HOST_BYTES], const char **port)
{
    const char *colon = strrchr(address, ':');
    if (colon == NULL || (size_t)(colon - address) >= HOST_BYTES)
        return false;
    size_t size = (size_t)(colon - address);
    bool brackets = size >= 2 && address[0] == '[' && address[size - 1] == ']';
    memcpy(host, address + (brackets ? 1 : 0), brackets ? size - 2 : size);
    host[brackets ? size - 2 : size] = '\0';
    *port = colon + 1;
    return true;
}

/* ZeroMQ binds to numbers and interfaces only, so a name is looked up here, once. 0 or what
 * getaddrinfo says. */
static int resolve(const char *address, char endpoint[SOCKET_ENDPOINT_BYTES])
{
    char host[HOST_BYTES], number[HOST_BYTES];
    const char *port;
    if (!split(address, host, &port))
        return EAI_NONAME;
    struct addrinfo hints = {.ai_family = address[0] == '[' ? AF_INET6 : AF_INET,
                             .ai_socktype = SOCK_STREAM,
                             .ai_flags = AI_PASSIVE};
    struct addrinfo *found;
    int code = getaddrinfo(host, NULL, &hints, &found);
    if (code != 0)
        return code;
    code = getnameinfo(found->ai_addr, found->ai_addrlen, number, sizeof number, NULL, 0,
                       NI_NUMERICHOST);
    freeaddrinfo(found);
    const char *format = hints.ai_family == AF_INET6 ? "tcp://[%s]:%s" : "tcp://%s:%s";
    if (code == 0 && snprintf(endpoint, SOCKET_ENDPOINT_BYTES, format, number,
                              strcmp(port, "0") == 0 ? "*" : port) >= SOCKET_ENDPOINT_BYTES)
        return EAI_OVERFLOW;
    return code;
}

static void allow_ipv6(void *socket, const char *address)
{
    if (address[0] == '[')
        set(socket, ZMQ_IPV6, 1);
}

/* Closes the socket if that fails. */
static void *bind_to(void *socket, const char *flag, const char *address, char *problem)
{
    char endpoint[SOCKET_ENDPOINT_BYTES];
    allow_ipv6(socket, address);
    int code = resolve(address, endpoint);
    if (code != 0) {
        zmq_close(socket);
        return fail(problem, "%s: cannot listen on '%s': %s", flag, address, gai_strerror(code));
    }
    if (zmq_bind(socket, endpoint) == 0)
        return socket;
    int error = errno;
    zmq_close(socket);
    if (error == EADDRINUSE)
        return fail(problem, "%s: '%s' is in use; end what listens there or choose another port",
                    flag, address);
    if (error == EADDRNOTAVAIL || error == ENODEV)
        return fail(problem, "%s: '%s' is not an address of this machine", flag, address);
    return fail(problem, "%s: cannot listen on '%s': %s", flag, address, zmq_strerror(error));
}

void *socket_bind_peers(void *context, const char *flag, const char *address, char *problem)
{
    void *socket = new_socket(context, ZMQ_ROUTER, problem);
    if (socket == NULL)
        return NULL;
    set_tcp(socket, SOCKET_PEER_MESSAGES, PEER_UNACKED_MS, PEER_IDLE_S);
    set(socket, ZMQ_ROUTER_MANDATORY, 1);
    set(socket, ZMQ_ROUTER_HANDOVER, 1);
    return bind_to(socket, flag, address, problem);
}

void *socket_bind_clients(void *context, const char *flag, const char *address, char *problem)
{
    void *socket = new_socket(context, ZMQ_ROUTER, problem);
    if (socket == NULL)
        return NULL;
    set_tcp(socket, SOCKET_CLIENT_MESSAGES, CLIENT_UNACKED_MS, CLIENT_IDLE_S);
    set(socket, ZMQ_ROUTER_MANDATORY, 1);
    set(socket, ZMQ_LINGER, CLIENT_LINGER_MS);
    set(socket, ZMQ_BACKLOG, SOCKET_BACKLOG);
    return bind_to(socket, flag, address, problem);
}

void *socket_new_peer(void *context, const struct wire_client *identity, char *problem)
{
    void *socket = new_socket(context, ZMQ_DEALER, problem);
    if (socket == NULL)
        return NULL;
    set_tcp(socket, SOCKET_PEER_MESSAGES, PEER_UNACKED_MS, PEER_IDLE_S);
    set(socket, ZMQ_IMMEDIATE, 1);
    set(socket, ZMQ_CONNECT_TIMEOUT, CONNECT_TIMEOUT_MS);
    set(socket, ZMQ_RECONNECT_IVL, RECONNECT_MS);
    set(socket, ZMQ_RECONNECT_IVL_MAX, RECONNECT_MAX_MS);
    int failed = identity == NULL ? 0
                                  : zmq_setsockopt(socket, ZMQ_ROUTING_ID, identity->bytes,
                                                   identity->size);
    assert(failed == 0);
    (void)failed;
    return socket;
}

bool socket_connect(void *socket, const char *address, char *problem)
{
    char endpoint[SOCKET_ENDPOINT_BYTES];
    allow_ipv6(socket, address);
    snprintf(endpoint, sizeof endpoint, "tcp://%s", address);
    if (zmq_connect(socket, endpoint) == 0)
        return true;
    fail(problem, "cannot connect to '%s': %s", address, zmq_strerror(errno));
    return false;
}

/* Of a socket that was bound or connected to one place. */
static void get_endpoint(void *socket, char endpoint[SOCKET_ENDPOINT_BYTES])
{
    size_t size = SOCKET_ENDPOINT_BYTES;
    int failed = zmq_getsockopt(socket, ZMQ_LAST_ENDPOINT, endpoint, &size);
    assert(failed == 0 && strncmp(endpoint, "tcp://", 6) == 0);
    (void)failed;
}

int socket_descriptor(void *socket)
{
    int descriptor = -1;
    size_t size = sizeof descriptor;
    int failed = zmq_getsockopt(socket, ZMQ_FD, &descriptor, &size);
    assert(failed == 0);
    (void)failed;
    return descriptor;
}

void socket_relink(void *socket)
{
    char endpoint[SOCKET_ENDPOINT_BYTES];
    get_endpoint(socket, endpoint);
    /* The old connection first: of two with one identity the ROUTER there keeps the younger. */
    int failed = zmq_disconnect(socket, endpoint);
    assert(failed == 0);
    failed = zmq_connect(socket, endpoint);
    assert(failed == 0);
    (void)failed;
}

void socket_bound_address(void *socket, char address[SOCKET_ENDPOINT_BYTES])
{
    char endpoint[SOCKET_ENDPOINT_BYTES];
    get_endpoint(socket, endpoint);
    snprintf(address, SOCKET_ENDPOINT_BYTES, "%s", endpoint + 6);
}
