/* An actor: one role with the sockets it speaks through and, if it has one, its log. The shell
 * around a pure core; nothing here knows a ballot, a slot or a quorum.
 *
 * A round, in this order:
 *   1. every ready socket is drained, round robin and at most ACTOR_DRAIN_MAX messages each; each
 *      message goes to the role (receive);
 *   2. the role is woken if its deadline has passed (wake), then gathers (settle);
 *   3. what the role wants is carried out in order: puts are queued to the log, SEND leaves at
 * once, SEND_DURABLE is held if any put is not durable yet;
 *   4. one commit; then what was held leaves, and the role hears of it (durable).
 * So all that arrived while a commit was on its way to the disk shares the next one.
 *
 * A ZeroMQ socket's descriptor becomes readable when its state changes, not while messages are there, and a
 * send may eat that up (zmq_getsockopt, ZMQ_FD). So a socket is drained until it is empty, or stays `ready`
 * by itself, and after a send it is asked whether something has come (ZMQ_EVENTS).
 *
 * Drops are counted by kind and said at a limited rate. What comes from outside and makes no sense
 * is dropped; from another actor of this replica it is a bug and ends the process. Whoever a
 * message says it is from must be at the other end of the connection, so that a role may rely on
 * sender.role and sender.replica; cluster, group, birth and start are the role's to judge.
 *
 * A connection can be up and lead nowhere: whoever takes our identity at the peer's ROUTER gets it, and
 * what we send from then on is swallowed there without a word. So a DEALER through which messages leave
 * and none comes is connected afresh after link_patience, which takes the identity back.
 *
 * No room on the disk (WIRE_FULL): what is held stays held, the commit is tried again every
 * ACTOR_FULL_RETRY, and once a lot is held the messages that would add to it are dropped. The role is
 * told (room), as it is when the log says that little is left: so that what can wait is refused while
 * there is still room for what cannot.
 *
 * Thread: one at a time. Built by `main`, then run by one thread of the runtime; which one it does
 * not know. */
#ifndef MADKV_ACTORS_ACTOR_H
#define MADKV_ACTORS_ACTOR_H

#include <poll.h>
#include <zmq.h>

#include "smr/role.h"

#define ACTOR_SOCKETS_MAX 16                    /* sockets of an actor */
#define ACTOR_DRAIN_MAX 64                      /* messages taken off one socket in a round */
#define ACTOR_SLOW_COMMIT (1 * WIRE_SECOND)     /* a commit that takes so long is an event */
#define ACTOR_FULL_RETRY (1 * WIRE_SECOND)      /* between commits while the disk is full, and between
                                                   looks at how much room is left */
#define ACTOR_BIRTH_PATIENCE (3 * WIRE_SECOND)  /* then it is said who has not admitted a new disk */
#define ACTOR_WATCH_BYTES (1024 * 1024)         /* batches made durable between two such looks, at most */
#define ACTOR_LAZY_TIME (20 * WIRE_MS)          /* a commit that nobody waits for may wait so long */
#define ACTOR_LAZY_BYTES (1024 * 1024)          /* with no more batches than this in it */
#define ACTOR_LINK_PATIENCE (3 * WIRE_SECOND)   /* a peer that is sent to and says nothing for so long is
                                                   connected to afresh */
#define ACTOR_HELD_MAX 4096                     /* held messages; more while full: see above */
#define ACTOR_HELD_BYTES_MAX (32 * 1024 * 1024) /* bytes put and not durable; likewise */

/* Who is at the other end of a socket. */
enum actor_link {
    ACTOR_LINK_SIBLING, /* PAIR over inproc: the actor `role` of this replica */
    ACTOR_LINK_PEER,    /* DEALER over TCP: the actor `role` of replica `replica` */
    ACTOR_LINK_PEERS,   /* ROUTER over TCP: proposers, learners and streamers of the other replicas */
    ACTOR_LINK_CLIENTS, /* ROUTER over TCP: anybody */
    ACTOR_LINK_MANAGER, /* DEALER over TCP: the clients' port of manager `replica` */
};

struct actor_config {
    struct smr_role role;    /* owned by the actor from now on */
    struct wire_sender self; /* who it is; the sender of what the runtime answers in its name */
    uint8_t replica_count;   /* r of its group */
    wire_time link_patience; /* how long a PEER may be silent to what is sent; usually
                                ACTOR_LINK_PATIENCE */
    struct smr_log log;      /* where its puts go; ops NULL: it puts nothing. Not owned */
    void (*log_figures)(const void *self, struct wire_writer *out); /* of the log; may be NULL */
    const void *log_figures_self;                                   /* handed to it */
};

struct actor;

struct actor *actor_new(const struct actor_config *config);

/* Hands a socket over, which is already bound or connected (or will be before the actor runs). role
 * and replica say who is there, for SIBLING, PEER and MANAGER. */
void actor_add_socket(struct actor *self, void *socket, enum actor_link link, enum wire_role role,
                      wire_replica replica);

/* Closes its sockets and destroys its role; *actor becomes NULL. NULL is ignored. */
void actor_destroy(struct actor **actor);

const char *actor_name(const struct actor *self);
size_t actor_socket_count(const struct actor *self);
/* Fills one poll item per socket, in a fixed order. What a descriptor does not tell of, the deadline
 * does. */
void actor_poll_items(const struct actor *self, struct pollfd *items);

/* The first call of all: wakes the role. */
void actor_start(struct actor *self, wire_time now);
/* One round, if there is cause for one. items: as filled by actor_poll_items and polled. */
void actor_round(struct actor *self, const struct pollfd *items);
/* The process is about to end: the role may hand over what others can do in its stead. */
void actor_leave(struct actor *self);
/* Whether it has done so, or there was nothing to hand over. */
bool actor_left(const struct actor *self);
/* When the next round is due if nothing arrives; WIRE_NEVER: only then. */
wire_time actor_deadline(const struct actor *self);

/* The fixed ROUTER identity of a proposer, learner or streamer, by which an acceptor's ROUTER knows it:
 * a letter and the replica from 1 (an identity must not begin with a zero byte, and the roles of a
 * replica must differ, else each evicts the other). */
struct wire_client actor_peer_identity(enum wire_role role, wire_replica replica);

#endif
