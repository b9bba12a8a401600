#include "client/net.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>

#include "client/link.h"

enum {
    DRAIN_MESSAGES = 64, /* taken from one link before the others have their turn */
    GOODBYE_MS = 50,     /* what the CLOSE of a session may take at the end */
    LINE_BYTES = 512 + WIRE_REPLICA_COUNT_MAX * WIRE_ADDRESS_TEXT_MAX, /* a notice */
};
#define OPENING_TIME (100 * WIRE_MS)    /* a link that is not up by then counts as down */
#define NOTICE_AFTER (1 * WIRE_SECOND)  /* trouble shorter than that is not worth a line */
#define NOTICE_AGAIN (10 * WIRE_SECOND) /* a change of its kind sooner than that neither */

enum peer_state {
    PEER_OPENING, /* connecting for the first time: sends are held */
    PEER_UP,      /* sends go out */
    PEER_DOWN,    /* libzmq tries on; sends are refused */
};

/* What a link leads to. */
struct peer {
    struct client_endpoint endpoint;     /* as the core names it */
    char address[WIRE_ADDRESS_TEXT_MAX]; /* as it was when the link was opened */
    struct client_link *link;            /* NULL: out of sockets; always DOWN */
    enum peer_state state;               /* see above */
    wire_time opened;                    /* when */
    struct wire_message *held;           /* of OPENING: sends in order, owned */
    size_t held_count;                   /* how many */
    size_t held_room;                    /* room at held */
};

struct client_net {
    struct client_core *core;        /* who decides */
    struct client_out out;           /* what it wants done */
    struct peer *peers;              /* in no order */
    size_t peer_count;               /* how many */
    struct pollfd *polls;            /* a place for each peer and the watched descriptor */
    struct client_done *dones;       /* ended calls that nobody took yet, oldest first; owned */
    size_t done_count;               /* how many */
    size_t done_room;                /* room at dones */
    struct client_net_config config; /* notice and watch; the rest is not kept */
    enum client_trouble said;        /* what was said last; NONE: that all is well */
    wire_time said_at;               /* when */
    wire_time said_since;            /* since when, as it was said */
};

/* --- lifetime --------------------------------------------------------------------------------- */

struct client_net *client_net_new(const struct client_net_config *config)
{
    struct client_net *self = wire_calloc(1, sizeof *self);
    self->config = *config;
    struct client_core_config core = config->core;
    ssize_t size = getrandom(&core.seed, sizeof core.seed, 0);
    assert(size == sizeof core.seed);
    self->core = client_core_new(&core);
    self->config.core = (struct client_core_config){0};
    self->polls = wire_alloc(sizeof *self->polls);
    return self;
}

static void drop_held(struct peer *peer)
{
    for (size_t i = 0; i < peer->held_count; i++)
        wire_message_clear(&peer->held[i]);
    free(peer->held);
    peer->held = NULL;
    peer->held_count = peer->held_room = 0;
}

static void peer_close(struct peer *peer, int linger_ms)
{
    drop_held(peer);
    client_link_close(&peer->link, linger_ms);
}

static void carry_out(struct client_net *self, wire_time now);

void client_net_destroy(struct client_net **self_p)
{
    struct client_net *self = *self_p;
    *self_p = NULL;
    if (self == NULL)
        return;
    wire_time now = client_clock();
    client_core_close(self->core, now, &self->out);
    carry_out(self, now);
    for (size_t i = 0; i < self->peer_count; i++)
        peer_close(&self->peers[i], GOODBYE_MS);
    for (size_t i = 0; i < self->done_count; i++)
        buf_unref(&self->dones[i].result);
    client_out_free(&self->out);
    client_core_destroy(&self->core);
    free(self->peers);
    free(self->polls);
    free(self->dones);
    free(self);
}

const struct client_core *client_net_core(const struct client_net *self)
{
    return self->core;
}

/* --- peers ------------------------------------------------------------------------------------ */

static void peer_open(struct peer *peer, const char *address, wire_time now)
{
    snprintf(peer->address, sizeof peer->address, "%s", address);
    peer->link = client_link_open(address);
    peer->state = peer->link == NULL ? PEER_DOWN : PEER_OPENING;
    peer->opened = now;
}

static struct peer *peer_add(struct client_net *self, struct client_endpoint endpoint)
{
    size_t count = ++self->peer_count;
    self->peers = wire_realloc(self->peers, count * sizeof *self->peers);
    self->polls = wire_realloc(self->polls, (count + 1) * sizeof *self->polls);
    self->peers[count - 1] = (struct peer){.endpoint = endpoint};
    return &self->peers[count - 1];
}

static void peer_refuse_held(struct client_net *self, struct peer *peer, wire_time now)
{
    for (size_t i = 0; i < peer->held_count; i++)
        client_core_unsent(self->core, now, peer->held[i].request.tag, &self->out);
    drop_held(peer);
}

/* The link to that endpoint, or NULL if the core has no address for it (any more). */
static struct peer *peer_find(struct client_net *self, struct client_endpoint endpoint,
                              wire_time now)
{
    const char *address = client_core_address(self->core, endpoint);
    struct peer *peer = NULL;
    for (size_t i = 0; i < self->peer_count && peer == NULL; i++) {
        struct peer *other = &self->peers[i];
        if (other->endpoint.group == endpoint.group && other->endpoint.replica == endpoint.replica)
            peer = other;
    }
    if (address == NULL)
        return NULL;
    if (peer == NULL) {
        peer = peer_add(self, endpoint);
        peer_open(peer, address, now);
    } else if (strcmp(peer->address, address) != 0) {
        peer_refuse_held(self, peer, now);
        peer_close(peer, 0);
        client_core_lost(self->core, now, endpoint, &self->out);
        peer_open(peer, address, now);
    }
    return peer;
}

static void peer_hold(struct peer *peer, const struct wire_message *message)
{
    if (peer->held_count == peer->held_room) {
        peer->held_room = peer->held_room == 0 ? 4 : peer->held_room * 2;
        peer->held = wire_realloc(peer->held, peer->held_room * sizeof *peer->held);
    }
    peer->held[peer->held_count] = *message;
    peer->held[peer->held_count++].payload = buf_ref(message->payload);
}

static void peer_send(struct client_net *self, struct client_endpoint to,
                      const struct wire_message *message, wire_time now)
{
    struct peer *peer = peer_find(self, to, now);
    if (peer != NULL && peer->state == PEER_OPENING)
        peer_hold(peer, message);
    else if (peer == NULL || peer->state == PEER_DOWN || !client_link_send(peer->link, message))
        client_core_unsent(self->core, now, message->request.tag, &self->out);
}

static void peer_flush_held(struct client_net *self, struct peer *peer, wire_time now)
{
    for (size_t i = 0; i < peer->held_count; i++) {
        if (!client_link_send(peer->link, &peer->held[i]))
            client_core_unsent(self->core, now, peer->held[i].request.tag, &self->out);
    }
    drop_held(peer);
}

/* Takes note of what became of the link. True if there is something to receive. */
static bool peer_look(struct client_net *self, struct peer *peer, wire_time now)
{
    bool up, readable;
    client_link_look(peer->link, &up, &readable);
    if (readable)
        return true; /* an answer that came before the connection broke still counts */
    if (up && peer->state != PEER_UP) {
        peer->state = PEER_UP;
        peer_flush_held(self, peer, now);
    } else if (!up && peer->state == PEER_UP) {
        peer->state = PEER_DOWN;
        client_core_lost(self->core, now, peer->endpoint, &self->out);
    } else if (!up && peer->state == PEER_OPENING && now - peer->opened >= OPENING_TIME) {
        peer->state = PEER_DOWN;
        peer_refuse_held(self, peer, now);
    }
    return false;
}

static void peer_receive(struct client_net *self, struct peer *peer, wire_time now)
{
    struct wire_message message;
    for (int i = 0; i < DRAIN_MESSAGES; i++) {
        if (!client_link_receive(peer->link, &message))
            return;
        client_core_receive(self->core, now, peer->endpoint, &message, &self->out);
        wire_message_clear(&message);
    }
}

/* --- effects ---------------------------------------------------------------------------------- */

static void keep_done(struct client_net *self, const struct client_done *done)
{
    if (self->done_count == self->done_room) {
        self->done_room = self->done_room == 0 ? 4 : self->done_room * 2;
        self->dones = wire_realloc(self->dones, self->done_room * sizeof *self->dones);
    }
    self->dones[self->done_count++] = *done;
}

/* Refused sends make the core append to the list while it is carried out. */
static void carry_out(struct client_net *self, wire_time now)
{
    for (size_t i = 0; i < self->out.count; i++) {
        struct client_effect effect = self->out.effects[i];
        if (effect.kind == CLIENT_SEND) {
            peer_send(self, effect.to, &effect.message, now);
        } else {
            keep_done(self, &effect.done);
            self->out.effects[i].done.result = NULL;
        }
    }
    client_out_clear(&self->out);
}

uint64_t client_net_submit(struct client_net *self, const struct client_call *call)
{
    return client_core_submit(self->core, client_clock(), call, &self->out);
}

uint64_t client_net_ask(struct client_net *self, const struct client_ask *ask)
{
    return client_core_ask(self->core, client_clock(), ask, &self->out);
}

/* --- notices ---------------------------------------------------------------------------------- */

static void name_group(const struct client_net *self, uint32_t group, char *text, size_t size)
{
    size_t used = group == WIRE_GROUP_MANAGERS
                      ? (size_t)snprintf(text, size, "the managers at ")
                      : (size_t)snprintf(text, size, "partition %" PRIu32 " at ", group);
    const char *address;
    for (wire_replica i = 0;
         (address = client_core_address(self->core, (struct client_endpoint){group, i})) != NULL;
         i++) {
        if (used < size)
            used += (size_t)snprintf(text + used, size - used, "%s%s", i == 0 ? "" : ",", address);
    }
}

static void say_trouble(struct client_net *self, const struct client_health *health, wire_time now)
{
    char group[LINE_BYTES - 128];
    char line[LINE_BYTES];
    name_group(self, health->group, group, sizeof group);
    snprintf(line, sizeof line, "waiting for %s: %s", group, client_trouble_text(health->trouble));
    self->config.notice(self->config.notice_argument, line);
    self->said_since = self->said == CLIENT_TROUBLE_NONE ? health->since : self->said_since;
    self->said = health->trouble;
    self->said_at = now;
}

static void say_well(struct client_net *self, wire_time now)
{
    char line[LINE_BYTES];
    int64_t ms = (now - self->said_since) / WIRE_MS;
    snprintf(line, sizeof line, "connected again after %" PRId64 ".%" PRId64 " s", ms / 1000,
             ms % 1000 / 100);
    self->config.notice(self->config.notice_argument, line);
    self->said = CLIENT_TROUBLE_NONE;
}

/* Says a change of how things stand, once. */
static void say_change(struct client_net *self, wire_time now)
{
    if (self->config.notice == NULL)
        return;
    struct client_health health = client_core_health(self->core);
    if (health.trouble == CLIENT_TROUBLE_NONE) {
        /* With nothing under way nothing is known. */
        if (self->said != CLIENT_TROUBLE_NONE && self->done_count > 0 &&
            self->dones[self->done_count - 1].outcome == CLIENT_OK)
            say_well(self, now);
    } else if (self->said == CLIENT_TROUBLE_NONE
                   ? now - health.since >= NOTICE_AFTER
                   : health.trouble != self->said && now - self->said_at >= NOTICE_AGAIN) {
        say_trouble(self, &health, now);
    }
}

/* --- the loop --------------------------------------------------------------------------------- */

/* One round over everything that may have changed. True if something did and another round is due.
 */
static bool work(struct client_net *self, wire_time now)
{
    bool more = self->out.count > 0;
    for (size_t i = 0; i < self->peer_count; i++) {
        struct peer *peer = &self->peers[i];
        if (peer->link == NULL)
            continue;
        peer_receive(self, peer, now);
        more |= peer_look(self, peer, now);
    }
    if (client_core_deadline(self->core) <= now)
        client_core_wake(self->core, now, &self->out);
    more |= self->out.count > 0;
    carry_out(self, now);
    say_change(self, now);
    return more;
}

static wire_time earliest(const struct client_net *self, wire_time until)
{
    wire_time deadline = client_core_deadline(self->core);
    for (size_t i = 0; i < self->peer_count; i++) {
        const struct peer *peer = &self->peers[i];
        if (peer->state == PEER_OPENING && peer->opened + OPENING_TIME < deadline)
            deadline = peer->opened + OPENING_TIME;
    }
    return deadline < until ? deadline : until;
}

/* Milliseconds from now to then, rounded up; -1: for ever. */
static int poll_time(wire_time now, wire_time then)
{
    if (then == WIRE_NEVER)
        return -1;
    if (then <= now)
        return 0;
    wire_time ms = (then - now + WIRE_MS - 1) / WIRE_MS;
    return ms > INT32_MAX ? INT32_MAX : (int)ms;
}

/* Sleeps until something happens. False: the watched descriptor hung up. */
static bool sleep_until(struct client_net *self, wire_time now, wire_time then)
{
    nfds_t count = 0;
    for (size_t i = 0; i < self->peer_count; i++) {
        if (self->peers[i].link != NULL)
            self->polls[count++] = (struct pollfd){
                .fd = client_link_descriptor(self->peers[i].link), .events = POLLIN};
    }
    nfds_t watched = count;
    if (self->config.watch)
        self->polls[count++] = (struct pollfd){.fd = self->config.watched};
    int ready = poll(self->polls, count, poll_time(now, then));
    assert(ready >= 0 || errno == EINTR);
    return !(ready > 0 && self->config.watch && self->polls[watched].revents != 0);
}

enum client_net_event client_net_wait(struct client_net *self, wire_time until,
                                      struct client_done *done)
{
    for (;;) {
        wire_time now = client_clock();
        bool more = work(self, now);
        if (self->done_count > 0) {
            *done = self->dones[0];
            self->done_count--;
            memmove(self->dones, self->dones + 1, self->done_count * sizeof *self->dones);
            return CLIENT_NET_DONE;
        }
        if (now >= until)
            return CLIENT_NET_LATE;
        if (!more && !sleep_until(self, now, earliest(self, until)))
            return CLIENT_NET_HUNG;
    }
}
