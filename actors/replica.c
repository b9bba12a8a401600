#include "actors/replica.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const struct replica_placement replica_thread_per_actor = {
    .name = "role",
    .threads = {0, 1, 2, 3, 4, 5, 6},
};
const struct replica_placement replica_fused = {
    .name = "fused",
    .threads = {0, 0, 1, 0, 2, 3, 0},
};

struct replica {
    struct runtime *runtime; /* owns the actors */
    void *api_listen;        /* the clients' ROUTER; owned by the API */
    void *p2p_listen;        /* the peers' ROUTER, NULL where r is 1; owned by the acceptor */
    void *proposer_peers[WIRE_REPLICA_COUNT_MAX]; /* DEALERs; owned by the proposer */
    void *learner_peers[WIRE_REPLICA_COUNT_MAX];  /* DEALERs; owned by the acceptor */
    void *streamer_peers[WIRE_REPLICA_COUNT_MAX]; /* DEALERs; owned by the streamer */
    void *managers[WIRE_REPLICA_COUNT_MAX];       /* DEALERs; owned by the courier, if there is one */
};

/* Everything while a replica is put together: once an actor has a socket, the actor closes it. */
struct assembly {
    const struct replica_config *config;  /* what was asked for */
    struct replica *replica;              /* what becomes of it */
    struct actor *actors[REPLICA_ACTORS]; /* not yet hosted; NULL: there is no such one */
    char *problem;                        /* for one line */
};

static const enum wire_role roles[REPLICA_ACTORS] = {
    [REPLICA_API] = WIRE_ROLE_API,
    [REPLICA_PROPOSER] = WIRE_ROLE_PROPOSER,
    [REPLICA_ACCEPTOR] = WIRE_ROLE_ACCEPTOR,
    [REPLICA_APPLIER] = WIRE_ROLE_APPLIER,
    [REPLICA_CHECKPOINTER] = WIRE_ROLE_CHECKPOINTER,
    [REPLICA_STREAMER] = WIRE_ROLE_STREAMER,
    [REPLICA_COURIER] = WIRE_ROLE_COURIER,
};

static void make_actors(struct assembly *self)
{
    const struct replica_config *config = self->config;
    for (int i = 0; i < REPLICA_ACTORS; i++) {
        if (config->roles[i].ops == NULL)
            continue;
        struct actor_config actor = {
            .role = config->roles[i],
            .self = config->self,
            .replica_count = config->replica_count,
            .link_patience = ACTOR_LINK_PATIENCE,
        };
        actor.self.role = roles[i];
        if (i == REPLICA_ACCEPTOR) {
            actor.log = config->log;
            actor.log_figures = config->log_figures;
            actor.log_figures_self = config->log_figures_self;
        }
        self->actors[i] = actor_new(&actor);
    }
}

/* --- sockets ---------------------------------------------------------------------------------- */

static bool make_pair(struct assembly *self, enum replica_actor one, enum replica_actor other)
{
    const struct replica_config *config = self->config;
    char name[64];
    void *ends[2];
    if (self->actors[one] == NULL || self->actors[other] == NULL)
        return true;
    snprintf(name, sizeof name, "%p.%s.%s", (void *)self->replica, wire_role_text(roles[one]),
             wire_role_text(roles[other]));
    if (!socket_pair(config->context, name, ends, self->problem))
        return false;
    wire_replica own = config->self.replica;
    actor_add_socket(self->actors[one], ends[0], ACTOR_LINK_SIBLING, roles[other], own);
    actor_add_socket(self->actors[other], ends[1], ACTOR_LINK_SIBLING, roles[one], own);
    return true;
}

/* Every actor speaks with every other. */
static bool make_pairs(struct assembly *self)
{
    for (int one = 0; one < REPLICA_ACTORS; one++)
        for (int other = one + 1; other < REPLICA_ACTORS; other++)
            if (!make_pair(self, (enum replica_actor)one, (enum replica_actor)other))
                return false;
    return true;
}

static bool listen_to_clients(struct assembly *self)
{
    const struct replica_config *config = self->config;
    void *socket =
        socket_bind_clients(config->context, config->api_flag, config->api_listen, self->problem);
    if (socket == NULL)
        return false;
    self->replica->api_listen = socket;
    actor_add_socket(self->actors[REPLICA_API], socket, ACTOR_LINK_CLIENTS, WIRE_ROLE_CLIENT, 0);
    return true;
}

static bool listen_to_peers(struct assembly *self)
{
    const struct replica_config *config = self->config;
    if (config->replica_count == 1)
        return true;
    assert(config->p2p_listen != NULL);
    void *socket =
        socket_bind_peers(config->context, "--p2p_listen", config->p2p_listen, self->problem);
    if (socket == NULL)
        return false;
    self->replica->p2p_listen = socket;
    actor_add_socket(self->actors[REPLICA_ACCEPTOR], socket, ACTOR_LINK_PEERS, WIRE_ROLE_PROPOSER,
                     0);
    return true;
}

/* A DEALER to a peer's p2p_listen for one of our actors, which there speaks as `as`: who speaks back is
 * the acceptor, or as it asks a streamer, the learner. NULL: failed. */
static void *make_peer(struct assembly *self, enum replica_actor owner, enum wire_role as,
                       wire_replica peer)
{
    enum wire_role there = as == WIRE_ROLE_STREAMER ? WIRE_ROLE_LEARNER : WIRE_ROLE_ACCEPTOR;
    const struct replica_config *config = self->config;
    struct wire_client identity = actor_peer_identity(as, config->self.replica);
    void *socket = socket_new_peer(config->context, &identity, self->problem);
    if (socket != NULL)
        actor_add_socket(self->actors[owner], socket, ACTOR_LINK_PEER, there, peer);
    return socket;
}

static bool make_peers(struct assembly *self)
{
    struct replica *replica = self->replica;
    for (wire_replica peer = 0; peer < self->config->replica_count; peer++) {
        if (peer == self->config->self.replica)
            continue;
        replica->proposer_peers[peer] = make_peer(self, REPLICA_PROPOSER, WIRE_ROLE_PROPOSER, peer);
        if (replica->proposer_peers[peer] == NULL)
            return false;
        replica->learner_peers[peer] = make_peer(self, REPLICA_ACCEPTOR, WIRE_ROLE_LEARNER, peer);
        if (replica->learner_peers[peer] == NULL)
            return false;
        replica->streamer_peers[peer] = make_peer(self, REPLICA_STREAMER, WIRE_ROLE_STREAMER, peer);
        if (replica->streamer_peers[peer] == NULL)
            return false;
    }
    return true;
}

static bool make_managers(struct assembly *self)
{
    for (wire_replica i = 0; i < self->config->manager_count; i++) {
        void *socket = socket_new_peer(self->config->context, NULL, self->problem);
        if (socket == NULL)
            return false;
        actor_add_socket(self->actors[REPLICA_COURIER], socket, ACTOR_LINK_MANAGER,
                         WIRE_ROLE_MANAGER, i);
        self->replica->managers[i] = socket;
    }
    return true;
}

/* --- the doors -------------------------------------------------------------------------------- */

/* Long work that nobody waits for gives way, unless it shares its thread with somebody who must not. */
static void give_way(struct runtime *runtime, const struct replica_placement *placement,
                     enum replica_actor actor)
{
    unsigned sharing = 0;
    for (int i = 0; i < REPLICA_ACTORS; i++)
        sharing += placement->threads[i] == placement->threads[actor];
    if (sharing == 1)
        runtime_background(runtime, placement->threads[actor]);
}

struct replica *replica_new(const struct replica_config *config, char *problem)
{
    struct replica *self = wire_calloc(1, sizeof *self);
    struct assembly assembly = {.config = config, .replica = self, .problem = problem};
    const struct replica_placement *placement =
        config->placement == NULL ? &replica_thread_per_actor : config->placement;
    make_actors(&assembly);
    self->runtime = runtime_new(config->context);
    runtime_spin(self->runtime, config->spin);
    for (int i = 0; i < REPLICA_ACTORS; i++) {
        if (assembly.actors[i] != NULL)
            runtime_host(self->runtime, assembly.actors[i], placement->threads[i]);
    }
    give_way(self->runtime, placement, REPLICA_CHECKPOINTER);
    give_way(self->runtime, placement, REPLICA_STREAMER);
    if (!listen_to_clients(&assembly) || !listen_to_peers(&assembly) || !make_pairs(&assembly) ||
        !make_peers(&assembly) || !make_managers(&assembly))
        replica_destroy(&self);
    return self;
}

bool replica_connect(struct replica *self, wire_replica peer, const char *address, char *problem)
{
    assert(peer < WIRE_REPLICA_COUNT_MAX && self->proposer_peers[peer] != NULL);
    return socket_connect(self->proposer_peers[peer], address, problem) &&
           socket_connect(self->learner_peers[peer], address, problem) &&
           socket_connect(self->streamer_peers[peer], address, problem);
}

bool replica_connect_manager(struct replica *self, wire_replica manager, const char *address,
                             char *problem)
{
    assert(manager < WIRE_REPLICA_COUNT_MAX && self->managers[manager] != NULL);
    return socket_connect(self->managers[manager], address, problem);
}

bool replica_start(struct replica *self)
{
    return runtime_start(self->runtime);
}

void replica_api_address(const struct replica *self, char address[SOCKET_ENDPOINT_BYTES])
{
    socket_bound_address(self->api_listen, address);
}

void replica_p2p_address(const struct replica *self, char address[SOCKET_ENDPOINT_BYTES])
{
    assert(self->p2p_listen != NULL);
    socket_bound_address(self->p2p_listen, address);
}

void replica_leave(struct replica *self, long patience_ms)
{
    runtime_leave(self->runtime, patience_ms);
}

void replica_destroy(struct replica **replica)
{
    struct replica *self = *replica;
    *replica = NULL;
    if (self == NULL)
        return;
    runtime_destroy(&self->runtime);
    free(self);
}
