/* Who is at the other end: routes out, and who may speak on which socket. */
#include "actors/actor_private.h"

#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>

#include "actors/clock.h"
#include "actors/crash.h"
#include "actors/socket.h"

enum {
    LETTER_PROPOSER = 'P',
    LETTER_LEARNER = 'L',
    LETTER_STREAMER = 'S',
};

static bool connects_to_peers(enum wire_role role)
{
    return role == WIRE_ROLE_PROPOSER || role == WIRE_ROLE_LEARNER || role == WIRE_ROLE_STREAMER;
}

struct wire_client actor_peer_identity(enum wire_role role, wire_replica replica)
{
    assert(connects_to_peers(role));
    assert(replica < WIRE_REPLICA_COUNT_MAX);
    struct wire_client identity = {.size = 2};
    identity.bytes[0] = role == WIRE_ROLE_PROPOSER  ? LETTER_PROPOSER
                        : role == WIRE_ROLE_LEARNER ? LETTER_LEARNER
                                                    : LETTER_STREAMER;
    identity.bytes[1] = (uint8_t)(replica + 1);
    return identity;
}

/* --- routes ----------------------------------------------------------------------------------- */

static void add_route(struct actor *self, enum wire_role to, wire_replica replica, void *handle,
                      const struct wire_client *identity)
{
    struct actor_route *route = &self->routes[to][replica];
    assert(route->handle == NULL && self->sockets[self->socket_count - 1].handle == handle);
    route->handle = handle;
    route->socket = self->socket_count - 1;
    route->routed = identity != NULL;
    if (identity != NULL)
        route->to = *identity;
}

static void add_peer_routes(struct actor *self, void *handle)
{
    for (wire_replica r = 0; r < self->replica_count; r++) {
        if (r == self->self.replica)
            continue;
        struct wire_client proposer = actor_peer_identity(WIRE_ROLE_PROPOSER, r);
        struct wire_client learner = actor_peer_identity(WIRE_ROLE_LEARNER, r);
        struct wire_client streamer = actor_peer_identity(WIRE_ROLE_STREAMER, r);
        add_route(self, WIRE_ROLE_PROPOSER, r, handle, &proposer);
        add_route(self, WIRE_ROLE_LEARNER, r, handle, &learner);
        add_route(self, WIRE_ROLE_STREAMER, r, handle, &streamer);
    }
}

void actor_add_socket(struct actor *self, void *socket, enum actor_link link, enum wire_role role,
                      wire_replica replica)
{
    static const struct wire_client any = {.size = 0};
    assert(self->socket_count < ACTOR_SOCKETS_MAX);
    self->sockets[self->socket_count++] = (struct actor_socket){.handle = socket,
                                                                .link = link,
                                                                .role = role,
                                                                .replica = replica,
                                                                .ready = true};
    frames_inbox_init(&self->sockets[self->socket_count - 1].inbox);
    switch (link) {
    case ACTOR_LINK_SIBLING:
        assert(replica == self->self.replica);
        add_route(self, role, replica, socket, NULL);
        self->routes[role][replica].is_sibling = true;
        break;
    case ACTOR_LINK_PEER:
        assert(replica != self->self.replica && replica < self->replica_count);
        add_route(self, role, replica, socket, NULL);
        self->routes[role][replica].is_link = true;
        break;
    case ACTOR_LINK_PEERS:
        add_peer_routes(self, socket);
        break;
    case ACTOR_LINK_CLIENTS:
        add_route(self, WIRE_ROLE_CLIENT, 0, socket, &any);
        break;
    case ACTOR_LINK_MANAGER:
        assert(role == WIRE_ROLE_MANAGER);
        add_route(self, role, replica, socket, NULL);
        break;
    }
}

/* Whether the transport takes it shows when the parcel is posted. */
static void pack(struct actor *self, struct actor_route *route, const struct wire_message *message)
{
    if (route->parcel == NULL) {
        assert(self->open_count < WIRE_ROLE_COUNT);
        self->open[self->open_count++] = route;
    }
    frames_pack(&route->parcel, message);
}

static size_t payload_size(const struct wire_message *message)
{
    return message->payload == NULL ? 0 : message->payload->size;
}

/* A message has just left through it. */
static void watch_link(struct actor *self, struct actor_route *route)
{
    wire_time now = clock_now();
    if (route->unanswered == 0)
        route->unanswered = now;
    if (now - route->unanswered < self->link_patience)
        return;
    route->unanswered = 0;
    self->relinked++;
    socket_relink(route->handle);
}

/* Out of this process. */
static void send_outside(struct actor *self, struct actor_route *route,
                         const struct wire_message *message)
{
    const struct wire_client *id = NULL;
    if (route->routed)
        id = route->to.size == 0 ? &message->client : &route->to;
    crash_at(CRASH_SEND_BEFORE);
    self->sockets[route->socket].sent = true;
    if (frames_send(route->handle, id, message, &self->scratch)) {
        route->sent++;
        route->sent_bytes += self->scratch.size + payload_size(message);
        if (route->is_link)
            watch_link(self, route);
    } else {
        route->refused++;
    }
    crash_at(CRASH_SEND_AFTER);
}

void actor_send(struct actor *self, enum wire_role to, wire_replica to_replica,
                const struct wire_message *message)
{
    assert((unsigned)to < WIRE_ROLE_COUNT && to_replica < WIRE_REPLICA_COUNT_MAX);
    struct actor_route *route = &self->routes[to][to == WIRE_ROLE_CLIENT ? 0 : to_replica];
    assert(route->handle != NULL);
    if (route->is_sibling)
        pack(self, route, message);
    else
        send_outside(self, route, message);
}

void actor_flush(struct actor *self)
{
    for (size_t i = 0; i < self->open_count; i++) {
        struct actor_route *route = self->open[i];
        size_t count = frames_parcel_count(route->parcel);
        self->sockets[route->socket].sent = true;
        if (frames_post(route->handle, &route->parcel))
            route->sent += count;
        else
            route->refused += count;
    }
    self->open_count = 0;
}

void actor_drop_packed(struct actor *self)
{
    for (size_t i = 0; i < self->open_count; i++)
        frames_parcel_destroy(&self->open[i]->parcel);
    self->open_count = 0;
}

void actor_look_again(struct actor *self)
{
    for (size_t i = 0; i < self->socket_count; i++) {
        struct actor_socket *socket = &self->sockets[i];
        int events = 0;
        size_t size = sizeof events;
        if (!socket->sent)
            continue;
        socket->sent = false;
        if (!socket->ready && zmq_getsockopt(socket->handle, ZMQ_EVENTS, &events, &size) == 0)
            socket->ready = (events & ZMQ_POLLIN) != 0;
    }
}

/* --- who speaks ------------------------------------------------------------------------------- */

static bool from_peer(const struct actor *self, const struct wire_message *message)
{
    enum wire_role role = message->sender.role;
    wire_replica replica = message->sender.replica;
    if (!connects_to_peers(role))
        return false;
    if (replica >= self->replica_count || replica == self->self.replica)
        return false;
    struct wire_client expected = actor_peer_identity(role, replica);
    return expected.size == message->client.size &&
           memcmp(expected.bytes, message->client.bytes, expected.size) == 0;
}

static bool speaker_fits(const struct actor *self, const struct actor_socket *socket,
                         const struct wire_message *message)
{
    switch (socket->link) {
    case ACTOR_LINK_SIBLING:
    case ACTOR_LINK_PEER:
        return message->sender.role == socket->role && message->sender.replica == socket->replica;
    case ACTOR_LINK_PEERS:
        return from_peer(self, message);
    case ACTOR_LINK_CLIENTS:
        return message->sender.role == WIRE_ROLE_CLIENT;
    case ACTOR_LINK_MANAGER:
        return message->sender.role == WIRE_ROLE_API &&
               message->sender.group == WIRE_GROUP_MANAGERS &&
               message->sender.replica == socket->replica;
    }
    return false;
}

static void say_fault(struct actor *self, const struct actor_socket *socket,
                      enum frames_outcome outcome)
{
    static const char *const places[] = {
        [ACTOR_LINK_SIBLING] = "another actor",
        [ACTOR_LINK_PEER] = "a peer",
        [ACTOR_LINK_PEERS] = "the peers' port",
        [ACTOR_LINK_CLIENTS] = "the clients' port",
        [ACTOR_LINK_MANAGER] = "a manager",
    };
    wire_say_gated(&self->gate, clock_now(), "%s: dropped a message from %s: bad %s",
                   self->role.ops->name, places[socket->link], frames_outcome_text(outcome));
}

static unsigned frame_flags(enum actor_link link)
{
    switch (link) {
    case ACTOR_LINK_PEER:
    case ACTOR_LINK_MANAGER:
        return FRAMES_OUTSIDE;
    default:
        return FRAMES_OUTSIDE | FRAMES_ROUTED;
    }
}

enum frames_outcome actor_receive(struct actor *self, struct actor_socket *socket,
                                  struct wire_message *message)
{
    enum frames_outcome outcome =
        socket->link == ACTOR_LINK_SIBLING
            ? frames_unpack(&socket->inbox, socket->handle, message)
            : frames_receive(socket->handle, frame_flags(socket->link), message);
    if (outcome == FRAMES_NOTHING)
        return outcome;
    if (outcome == FRAMES_MESSAGE && !speaker_fits(self, socket, message)) {
        wire_message_clear(message);
        outcome = FRAMES_BAD_SENDER;
    }
    self->received[outcome]++;
    if (outcome == FRAMES_MESSAGE && socket->link == ACTOR_LINK_PEER)
        self->routes[socket->role][socket->replica].unanswered = 0;
    if (outcome == FRAMES_MESSAGE)
        return outcome;
    if (socket->link == ACTOR_LINK_SIBLING) {
        wire_say("%s: bug: a message from the %s of this process has a bad %s",
                 self->role.ops->name, wire_role_text(socket->role), frames_outcome_text(outcome));
        abort();
    }
    say_fault(self, socket, outcome);
    return outcome;
}
