/* One of many clients in one thread: a client core (client/core.h) over connections of its own, one
 * to each replica it has to do with, all in an epoll set of the thread's. It routes, retries and
 * keeps a session exactly as the client library does, since that is the same core.
 *
 * A connection is opened when something is to be sent over it. One that breaks, or cannot be made,
 * is reported to the core as lost, and tried again by the next send after a short pause; sends
 * before that are refused, so that the core goes on to another replica. */
#ifndef MADKV_TOOLS_BENCH_CLIENT_H
#define MADKV_TOOLS_BENCH_CLIENT_H

#include "client/core.h"

struct bench_client;

struct bench_client_config {
    struct client_core_config core; /* whom to talk to, and the seed */
    int epoll;                      /* the set its connections join; outlives it */
    /* Called for every call that ended, at the time given; may submit. The result is taken away
     * afterwards. */
    void (*done)(void *argument, const struct client_done *done, wire_time now);
    void *argument; /* its first argument */
};

struct bench_client *bench_client_new(const struct bench_client_config *config);
/* Drops unfinished calls, says goodbye as far as that needs no waiting. */
void bench_client_destroy(struct bench_client **self, wire_time now);

/* As client_core_submit. Nothing leaves before bench_client_settle or, within `done`, its return.
 */
uint64_t bench_client_submit(struct bench_client *self, wire_time now,
                             const struct client_call *call);
/* Sends what was submitted, and does all else that follows from it. */
void bench_client_settle(struct bench_client *self, wire_time now);
/* The epoll set reports `owner`. Returns whose it was. */
struct bench_client *bench_client_ready(void *owner, uint32_t events, wire_time now);
/* The deadline has passed. */
void bench_client_wake(struct bench_client *self, wire_time now);

const struct client_core *bench_client_core(const struct bench_client *self);
/* Sockets the system refused for lack of descriptors or memory; the last reason in errno's numbers.
 */
int bench_client_refused(const struct bench_client *self);

/* Microseconds since some moment, monotonic. */
wire_time bench_clock(void);

#endif
