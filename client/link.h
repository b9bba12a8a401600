/* One connection to one address: a DEALER that carries messages of wire/message.h. One thread.
 *
 * libzmq connects, and connects again after a loss, by itself. With ZMQ_IMMEDIATE a DEALER is
 * writable exactly while it has a peer that shook hands, so that its writability says whether the
 * link is up: no monitor socket is needed, a killed peer shows within the time its TCP reset takes,
 * and nothing is ever queued for one that is not there, to be delivered stale to whoever comes
 * next.
 *
 * Its descriptor is edge-triggered: whoever sleeps on it must have called client_link_look last,
 * and must have been told that there is nothing to receive. */
#ifndef MADKV_CLIENT_LINK_H
#define MADKV_CLIENT_LINK_H

#include "wire/message.h"

struct client_link; /* one connection */

/* Starts to connect and returns at once. NULL: the process is out of sockets. All links of a
 * process share one ZeroMQ context, which goes with the last one. */
struct client_link *client_link_open(const char *address);
/* What has not left yet has `linger_ms` to do so, after this has returned. */
void client_link_close(struct client_link **self, int linger_ms);

/* Becomes readable when anything about the link has changed. */
int client_link_descriptor(const struct client_link *self);
/* How things stand: whether a peer is there, and whether something can be received. */
void client_link_look(struct client_link *self, bool *up, bool *readable);
/* Hands a message to libzmq, which delivers it at most once. False: it was not taken. Never waits.
 * The message stays the caller's; its payload travels by reference. */
bool client_link_send(struct client_link *self, const struct wire_message *message);
/* The next message that arrived; false if there is none. What is no message is counted and dropped.
 * *message is the caller's then. */
bool client_link_receive(struct client_link *self, struct wire_message *message);
/* How much was dropped. */
uint64_t client_link_malformed(const struct client_link *self);

/* Microseconds since some moment, monotonic, also in suspend. */
wire_time client_clock(void);

#endif
