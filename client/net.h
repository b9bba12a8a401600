/* A client core over real connections: the shell that carries out what core.h wants done. One
 * thread at a time. Under it are links (link.h), one per endpoint, opened when first needed.
 *
 * A link that is being opened holds what is sent over it, for a moment; one that was lost or did
 * not come up takes nothing until libzmq has it up again, so that the core goes on to the next
 * replica. */
#ifndef MADKV_CLIENT_NET_H
#define MADKV_CLIENT_NET_H

#include "client/core.h"

struct client_net_config {
    struct client_core_config core; /* its seed is ignored: a random one is taken */
    /* Called with a line for people, without its end, when trouble lasts, changes or is over. NULL:
     * nobody wants to know. */
    void (*notice)(void *argument, const char *line);
    void *notice_argument; /* its first argument */
    bool watch;            /* give up when the descriptor below hangs up or fails */
    int watched;           /* of a pipe or socket whose reader matters */
};

struct client_net;

struct client_net *client_net_new(const struct client_net_config *config);
/* Ends sessions, as far as that needs no waiting; drops unfinished calls. */
void client_net_destroy(struct client_net **self);

/* See client_core_submit and client_core_ask; nothing leaves before client_net_wait. */
uint64_t client_net_submit(struct client_net *self, const struct client_call *call);
uint64_t client_net_ask(struct client_net *self, const struct client_ask *ask);

enum client_net_event {
    CLIENT_NET_DONE, /* a call has ended: *done is filled and the caller's */
    CLIENT_NET_LATE, /* none did in time */
    CLIENT_NET_HUNG, /* the watched descriptor hung up */
};

/* Works until a call ends, until `until` (client_clock, WIRE_NEVER for ever) or until the watched
 * descriptor hangs up. */
enum client_net_event client_net_wait(struct client_net *self, wire_time until,
                                      struct client_done *done);

const struct client_core *client_net_core(const struct client_net *self);

#endif
