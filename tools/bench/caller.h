/* Who makes the calls of one client of a run. There are two kinds: a client core over connections
 * of its own (client.h), and a program that is given calls on its stdin and answers on its stdout
 * (pipe.h). A worker drives many of them, of either kind, in one thread and one epoll set, and need
 * not know which.
 *
 * A call that is submitted has ended when `done` of the caller's configuration is told so; `done`
 * may submit the next one. Nothing leaves before bench_caller_settle, or within `done` its return.
 */
#ifndef MADKV_TOOLS_BENCH_CALLER_H
#define MADKV_TOOLS_BENCH_CALLER_H

#include "client/core.h"

struct bench_caller;

/* What an epoll set reports: the first member of whatever a caller adds to one. */
struct bench_source {
    struct bench_caller *caller; /* whose */
};

/* Called for every call that ended, at the time given. The result is taken away afterwards. */
typedef void bench_done_fn(void *argument, const struct client_done *done, wire_time now);

/* What a kind of caller does; see the functions of the same names. */
struct bench_caller_class {
    uint64_t (*submit)(struct bench_caller *self, wire_time now, const struct client_call *call);
    void (*settle)(struct bench_caller *self, wire_time now);
    void (*ready)(struct bench_source *source, uint32_t events, wire_time now);
    void (*wake)(struct bench_caller *self, wire_time now);
    wire_time (*deadline)(const struct bench_caller *self);
    uint64_t (*retries)(const struct bench_caller *self);
    struct client_health (*health)(const struct bench_caller *self);
    const char *(*trouble)(const struct bench_caller *self);
    void (*destroy)(struct bench_caller *self, wire_time now);
};

/* The first member of every kind. */
struct bench_caller {
    const struct bench_caller_class *class; /* which kind it is */
};

/* Starts a call; as client_core_submit. */
static inline uint64_t bench_caller_submit(struct bench_caller *self, wire_time now,
                                           const struct client_call *call)
{
    return self->class->submit(self, now, call);
}

/* Sends what was submitted, and does all else that follows from it. */
static inline void bench_caller_settle(struct bench_caller *self, wire_time now)
{
    self->class->settle(self, now);
}

/* The epoll set reports `source`, which is its caller's. */
static inline void bench_caller_ready(struct bench_source *source, uint32_t events, wire_time now)
{
    source->caller->class->ready(source, events, now);
}

/* The deadline has passed. */
static inline void bench_caller_wake(struct bench_caller *self, wire_time now)
{
    self->class->wake(self, now);
}

/* When to wake it next, or WIRE_NEVER. */
static inline wire_time bench_caller_deadline(const struct bench_caller *self)
{
    return self->class->deadline(self);
}

/* Messages it sent again, as far as it knows. */
static inline uint64_t bench_caller_retries(const struct bench_caller *self)
{
    return self->class->retries(self);
}

/* Why calls are waiting; trouble NONE: it does not know. */
static inline struct client_health bench_caller_health(const struct bench_caller *self)
{
    return self->class->health(self);
}

/* What keeps it from working that is no fault of the service, in words, or NULL. */
static inline const char *bench_caller_trouble(const struct bench_caller *self)
{
    return self->class->trouble(self);
}

/* Drops unfinished calls; waits for nobody but a program of its own, and for that one not long. */
static inline void bench_caller_destroy(struct bench_caller **self_p, wire_time now)
{
    struct bench_caller *self = *self_p;
    *self_p = NULL;
    if (self != NULL)
        self->class->destroy(self, now);
}

/* Microseconds since some moment, monotonic. */
wire_time bench_clock(void);

#endif
