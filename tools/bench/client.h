/* A caller (caller.h) that talks to the service itself: a client core (client/core.h) over
 * connections of its own, one to each replica it has to do with, all in an epoll set of the
 * thread's. It routes, retries and keeps a session exactly as the client library does, since that
 * is the same core.
 *
 * A connection is opened when something is to be sent over it. One that breaks, or cannot be made,
 * is reported to the core as lost, and tried again by the next send after a short pause; sends
 * before that are refused, so that the core goes on to another replica. */
#ifndef MADKV_TOOLS_BENCH_CLIENT_H
#define MADKV_TOOLS_BENCH_CLIENT_H

#include "tools/bench/caller.h"

struct bench_client_config {
    struct client_core_config core; /* whom to talk to, and the seed */
    int epoll;                      /* the set its connections join; outlives it */
    bench_done_fn *done;            /* told of every call that ended; may submit */
    void *argument;                 /* its first argument */
};

struct bench_caller *bench_client_new(const struct bench_client_config *config);

#endif
