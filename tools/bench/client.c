#include "tools/bench/client.h"

#include <assert.h>
#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <time.h>

#include "tools/bench/connection.h"

enum {
    PEERS_MAX = 4096, /* more endpoints than any cluster has (WIRE_SERVER_COUNT_MAX and managers) */
};
#define RETRY_AFTER (50 * WIRE_MS) /* a connection that failed is not tried again before */

/* What a connection leads to. Its address is what the epoll set reports. */
struct peer {
    struct bench_source source;          /* first: the client it belongs to */
    struct client_endpoint endpoint;     /* as the core names it */
    char address[WIRE_ADDRESS_TEXT_MAX]; /* as it was when last resolved */
    struct sockaddr_storage resolved;    /* that address */
    socklen_t resolved_size;             /* its size; 0: it cannot be resolved */
    wire_time retry_at;                  /* sends before that are refused, unless connected */
    struct bench_connection connection;  /* maybe closed */
};

struct bench_client {
    struct bench_caller caller;        /* first: what the worker sees */
    struct client_core *core;          /* who decides */
    struct client_out out;             /* what it wants done */
    struct bench_client_config config; /* epoll and done; the rest is not kept */
    struct peer **peers;               /* in the order of first use; each owned */
    size_t peer_count;                 /* how many */
    struct wire_writer room;           /* scratch space to encode in */
    bool busy;                         /* effects are being carried out */
    int refused;                       /* errno of a socket the system refused; 0: none */
};

static struct bench_client *client_of(struct bench_caller *caller)
{
    return (struct bench_client *)caller;
}

static const struct bench_client *client_of_const(const struct bench_caller *caller)
{
    return (const struct bench_client *)caller;
}

static_assert(PEERS_MAX >= WIRE_SERVER_COUNT_MAX + WIRE_REPLICA_COUNT_MAX, "a peer per endpoint");

wire_time bench_clock(void)
{
    struct timespec time;
    int failed = clock_gettime(CLOCK_MONOTONIC, &time);
    assert(!failed);
    return (wire_time)time.tv_sec * WIRE_SECOND + time.tv_nsec / 1000;
}

/* --- peers ----------------------------------------------------------------------------------- */

/* "host:port" or "[v6]:port" as an address. */
static void resolve(struct peer *peer)
{
    char host[WIRE_ADDRESS_TEXT_MAX];
    snprintf(host, sizeof host, "%s", peer->address);
    char *colon = strrchr(host, ':');
    struct addrinfo *found = NULL;
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM};
    peer->resolved_size = 0;
    if (colon == NULL)
        return;
    *colon = '\0';
    char *name = host;
    if (name[0] == '[' && colon > name + 1 && colon[-1] == ']') {
        colon[-1] = '\0';
        name++;
    }
    if (getaddrinfo(name, colon + 1, &hints, &found) != 0)
        return;
    assert(found->ai_addrlen <= sizeof peer->resolved);
    memcpy(&peer->resolved, found->ai_addr, found->ai_addrlen);
    peer->resolved_size = found->ai_addrlen;
    freeaddrinfo(found);
}

static struct peer *peer_add(struct bench_client *self, struct client_endpoint endpoint)
{
    assert(self->peer_count < PEERS_MAX);
    struct peer *peer = wire_calloc(1, sizeof *peer);
    peer->source.caller = &self->caller;
    peer->endpoint = endpoint;
    peer->connection.descriptor = -1;
    self->peers = wire_realloc(self->peers, (self->peer_count + 1) * sizeof(struct peer *));
    self->peers[self->peer_count++] = peer;
    return peer;
}

/* What was written to it may or may not have arrived. */
static void peer_lose(struct peer *peer, wire_time now)
{
    struct bench_client *self = client_of(peer->source.caller);
    bench_connection_close(&peer->connection);
    peer->retry_at = now + RETRY_AFTER;
    client_core_lost(self->core, now, peer->endpoint, &self->out);
}

/* The peer of an endpoint; NULL if the core has no address for it (any more). */
static struct peer *peer_find(struct bench_client *self, struct client_endpoint endpoint,
                              wire_time now)
{
    const char *address = client_core_address(self->core, endpoint);
    struct peer *peer = NULL;
    if (address == NULL)
        return NULL;
    for (size_t i = 0; i < self->peer_count && peer == NULL; i++) {
        struct client_endpoint other = self->peers[i]->endpoint;
        if (other.group == endpoint.group && other.replica == endpoint.replica)
            peer = self->peers[i];
    }
    if (peer == NULL)
        peer = peer_add(self, endpoint);
    if (strcmp(peer->address, address) != 0) {
        snprintf(peer->address, sizeof peer->address, "%s", address);
        if (bench_connection_is_open(&peer->connection))
            peer_lose(peer, now);
        resolve(peer);
        peer->retry_at = now;
    }
    return peer;
}

static bool peer_connect(struct peer *peer, wire_time now)
{
    if (peer->resolved_size == 0 || now < peer->retry_at)
        return false;
    struct bench_client *self = client_of(peer->source.caller);
    if (bench_connection_open(&peer->connection, self->config.epoll, peer,
                              (const struct sockaddr *)&peer->resolved, peer->resolved_size))
        return true;
    if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM)
        self->refused = errno;
    peer->retry_at = now + RETRY_AFTER;
    return false;
}

static void peer_send(struct bench_client *self, struct client_endpoint to,
                      const struct wire_message *message, wire_time now)
{
    struct peer *peer = peer_find(self, to, now);
    if (peer != NULL && (bench_connection_is_open(&peer->connection) || peer_connect(peer, now)))
        bench_connection_send(&peer->connection, message, &self->room);
    else
        client_core_unsent(self->core, now, message->request.tag, &self->out);
}

/* Whether a connection broke. */
static bool flush_peers(struct bench_client *self, wire_time now)
{
    bool broke = false;
    for (size_t i = 0; i < self->peer_count; i++) {
        struct peer *peer = self->peers[i];
        struct bench_connection *connection = &peer->connection;
        /* One that waits for room is flushed when the set reports it. */
        if (!bench_connection_is_open(connection) || connection->wants_room ||
            connection->out.size == 0 || bench_connection_flush(connection))
            continue;
        peer_lose(peer, now);
        broke = true;
    }
    return broke;
}

/* --- effects --------------------------------------------------------------------------------- */

/* Refused sends and ended calls make the core append to the list while it is carried out. */
static void carry_out(struct bench_client *self, wire_time now)
{
    for (size_t i = 0; i < self->out.count; i++) {
        struct client_effect effect = self->out.effects[i];
        if (effect.kind == CLIENT_SEND)
            peer_send(self, effect.to, &effect.message, now);
        else
            self->config.done(self->config.argument, &effect.done, now);
    }
    client_out_clear(&self->out);
}

static void settle(struct bench_client *self, wire_time now)
{
    if (self->busy)
        return; /* whoever is at it comes to it */
    self->busy = true;
    do {
        carry_out(self, now);
    } while (flush_peers(self, now));
    self->busy = false;
}

/* --- events ---------------------------------------------------------------------------------- */

static uint64_t client_submit(struct bench_caller *caller, wire_time now,
                              const struct client_call *call)
{
    struct bench_client *self = client_of(caller);
    return client_core_submit(self->core, now, call, &self->out);
}

static void client_settle(struct bench_caller *caller, wire_time now)
{
    settle(client_of(caller), now);
}

/* False: the connection is of no more use. */
static bool peer_receive(struct peer *peer, wire_time now)
{
    struct bench_client *self = client_of(peer->source.caller);
    struct wire_message message;
    bool alive = bench_connection_fill(&peer->connection);
    enum zmtp_event event;
    while ((event = bench_connection_next(&peer->connection, &message)) == ZMTP_MESSAGE) {
        client_core_receive(self->core, now, peer->endpoint, &message, &self->out);
        wire_message_clear(&message);
    }
    return alive && event != ZMTP_BAD;
}

static void client_ready(struct bench_source *source, uint32_t events, wire_time now)
{
    struct peer *peer = (struct peer *)source;
    if (!bench_connection_is_open(&peer->connection))
        return; /* closed by what an earlier event of the same round led to */
    bool alive = true;
    if ((events & (EPOLLIN | EPOLLERR | EPOLLHUP)) != 0)
        alive = peer_receive(peer, now);
    if (alive && (events & EPOLLOUT) != 0)
        alive = bench_connection_flush(&peer->connection);
    if (!alive)
        peer_lose(peer, now);
    settle(client_of(source->caller), now);
}

static void client_wake(struct bench_caller *caller, wire_time now)
{
    struct bench_client *self = client_of(caller);
    client_core_wake(self->core, now, &self->out);
    settle(self, now);
}

static wire_time client_deadline(const struct bench_caller *caller)
{
    return client_core_deadline(client_of_const(caller)->core);
}

static uint64_t client_retries(const struct bench_caller *caller)
{
    return client_core_counters(client_of_const(caller)->core)->retries;
}

static struct client_health client_health_of(const struct bench_caller *caller)
{
    return client_core_health(client_of_const(caller)->core);
}

static const char *client_trouble(const struct bench_caller *caller)
{
    int refused = client_of_const(caller)->refused;
    return refused == 0 ? NULL : strerror(refused);
}

/* --- lifetime -------------------------------------------------------------------------------- */

static void client_destroy(struct bench_caller *caller, wire_time now)
{
    struct bench_client *self = client_of(caller);
    assert(!self->busy);
    client_core_close(self->core, now, &self->out);
    settle(self, now);
    for (size_t i = 0; i < self->peer_count; i++) {
        bench_connection_close(&self->peers[i]->connection);
        free(self->peers[i]);
    }
    client_out_free(&self->out);
    client_core_destroy(&self->core);
    wire_writer_free(&self->room);
    free(self->peers);
    free(self);
}

static const struct bench_caller_class CLASS = {.submit = client_submit,
                                                .settle = client_settle,
                                                .ready = client_ready,
                                                .wake = client_wake,
                                                .deadline = client_deadline,
                                                .retries = client_retries,
                                                .health = client_health_of,
                                                .trouble = client_trouble,
                                                .destroy = client_destroy};

struct bench_caller *bench_client_new(const struct bench_client_config *config)
{
    struct bench_client *self = wire_calloc(1, sizeof *self);
    self->caller.class = &CLASS;
    self->config = *config;
    self->core = client_core_new(&config->core);
    self->config.core = (struct client_core_config){0};
    return &self->caller;
}
