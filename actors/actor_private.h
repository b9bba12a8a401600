/* What actor.c (rounds), actor_link.c (sockets, routes) and actor_figures.c share. Nobody else
 * includes it. */
#ifndef MADKV_ACTORS_ACTOR_PRIVATE_H
#define MADKV_ACTORS_ACTOR_PRIVATE_H

#include "actors/actor.h"
#include "actors/frames.h"
#include "smr/events.h"
#include "wire/histogram.h"
#include "wire/say.h"

struct actor_socket {
    void *handle;         /* the ZeroMQ socket, owned */
    enum actor_link link; /* who may be there */
    enum wire_role role;  /* of SIBLING and PEER: who is */
    wire_replica replica; /* likewise */
    bool ready;           /* there is more to take, whatever the descriptor says */
    bool sent;            /* something was sent since it was last looked at */
    struct frames_inbox inbox; /* of a SIBLING: what came and was not taken up yet */
};

/* How to reach one actor of one replica. */
struct actor_route {
    void *handle;          /* through which socket; NULL: not at all */
    size_t socket;         /* its place among the actor's */
    bool is_sibling;       /* the messages of a round go in one parcel ... */
    struct frames_parcel *parcel; /* ... this one; NULL: nothing is in it */
    bool routed;           /* that socket is a ROUTER: `to` comes first */
    struct wire_client to; /* the identity there; size 0: the message names the client */
    bool is_link;          /* through a DEALER of its own */
    wire_time unanswered;  /* of a link: since when it sends and hears nothing; 0: all was answered */
    uint64_t sent;         /* messages taken by the transport */
    uint64_t sent_bytes;   /* of those taken by a transport out of this process */
    uint64_t refused;      /* messages it would not take; lost */
};

struct actor {
    struct smr_role role;                                           /* the core */
    struct wire_sender self;                                        /* who it is */
    uint8_t replica_count;                                          /* r */
    wire_time link_patience;                                        /* as configured */
    struct smr_log log;                                             /* ops NULL: none */
    void (*log_figures)(const void *self, struct wire_writer *out); /* NULL: none */
    const void *log_figures_self;                                   /* its argument */

    struct actor_socket sockets[ACTOR_SOCKETS_MAX]; /* all of them */
    size_t socket_count;                            /* how many */
    size_t first_socket;                            /* where the next round begins to drain */
    struct actor_route routes[WIRE_ROLE_COUNT][WIRE_REPLICA_COUNT_MAX]; /* [to][to_replica] */

    struct actor_route *open[WIRE_ROLE_COUNT];                          /* routes with something packed */
    size_t open_count;                                                  /* how many */

    struct smr_out out;         /* what the role wanted in this round */
    struct smr_out held;        /* SEND_DURABLEs that wait for a commit */
    bool dirty;                 /* something was put and is not durable yet */
    uint64_t dirty_bytes;       /* batches among it */
    wire_time dirty_since;      /* since when */
    bool full;                  /* the last commit found no room */
    wire_time retry;            /* while full: when to try again */
    bool low;                   /* the role was told that there is no room for more */
    wire_time room_due;         /* when to look for that again */
    uint64_t unwatched_bytes;   /* batches made durable since the last look */
    struct wire_writer scratch; /* room to encode in */

    bool leads;                    /* of a proposer: it said so last ... */
    struct wire_ballot leads_with; /* ... of this ballot */
    wire_time birth_asked;         /* of an acceptor: when it first asked to be admitted; 0: never */
    unsigned birth_said;           /* bit per peer that people were told it waits for */
    enum wire_standing standing;   /* of an acceptor: as people were told last */

    uint64_t relinked;                       /* times a DEALER was connected afresh */
    uint64_t rounds;                         /* rounds that had a cause */
    uint64_t received[FRAMES_OUTCOME_COUNT]; /* messages taken off sockets, by what they were */
    uint64_t dropped_full;                   /* messages dropped because the disk is full */
    struct wire_histogram commit_us;         /* how long commits took */
    struct wire_histogram round_us;          /* how long rounds took, from the first message on */
    struct smr_events events;                /* what happened lately to the log */
    struct wire_say_gate gate;               /* for lines that outsiders cause */
};

/* Puts a message on the way; a refusal is counted as a loss. */
void actor_send(struct actor *self, enum wire_role to, wire_replica to_replica,
                const struct wire_message *message);

/* Posts what is packed: now siblings see it. */
void actor_flush(struct actor *self);

/* At the end: destroys what is packed and was not posted. */
void actor_drop_packed(struct actor *self);

/* After sends: which sockets have something that their descriptors may no longer tell of. */
void actor_look_again(struct actor *self);

/* Takes one message off a socket and judges who sent it. Faults are counted and said here. */
enum frames_outcome actor_receive(struct actor *self, struct actor_socket *socket,
                                  struct wire_message *message);

/* Answers a STATUS_ASK in the name of the role. */
void actor_answer_status(struct actor *self, const struct wire_message *ask);
/* The API's answer to a client with this actor's own figures behind it. */
void actor_extend_status(struct actor *self, struct wire_message *status);

#endif
