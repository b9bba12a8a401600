/* One thread of a run: some of the clients, each a bench_caller, in one epoll loop.
 *
 * A run begins with the clients' first calls, which connect them, fetch the cluster map and open
 * their sessions, and are not counted; counting begins, for all threads at one moment, when the
 * last client is through with them and the warm-up is over. Until then clients go on calling.
 *
 * Closed loop: each of a client's slots starts its next operation when the last one has ended. Open
 * loop (a rate): operations are due at fixed moments, whichever slot is free takes the next one,
 * and its latency counts from when it was due, so that a stall shows in every operation it delayed.
 *
 * Operations that started in time are waited for, and counted, even when they end later. */
#ifndef MADKV_TOOLS_BENCH_WORKER_H
#define MADKV_TOOLS_BENCH_WORKER_H

#include <stdatomic.h>

#include "client/core.h"
#include "tools/bench/result.h"
#include "tools/bench/ycsb.h"

#define BENCH_DEPTH_MAX WIRE_SESSION_WINDOW /* calls a client may have in flight */

/* What to do; the same for all threads, constant while they run. */
struct bench_plan {
    struct client_core_config service; /* whom to talk to; the seed is ignored */
    char *const *command; /* instead: the program that each client talks through; see pipe.h */
    int diagnostics;      /* what becomes the stderr of those programs; -1: ours */
    const struct ycsb_workload *workload; /* what to ask */
    struct ycsb_keys *keys;               /* shared by all; of a load: NULL */
    bool load;        /* instead: insert the workload's records, `ops` of them, none uncounted */
    uint64_t clients; /* in all; at least threads */
    uint64_t threads; /* 1 .. */
    uint64_t depth;   /* operations a client has in flight, 1 .. BENCH_DEPTH_MAX */
    uint64_t value_bytes; /* of each value written, 1 .. WIRE_VALUE_BYTES_MAX */
    uint64_t seed;        /* of all choices; thread i takes seed + i */
    wire_time warmup;     /* before counting begins */
    wire_time duration;   /* counted operations start within it; 0: no limit */
    uint64_t ops;         /* counted operations, of all threads; 0: no limit */
    uint64_t rate;        /* operations due a second, of all threads; 0: closed loop */
};

/* What the threads of a run tell each other. Zero-initialised is ready; of a load, begin is set. */
struct bench_shared {
    _Atomic wire_time begin;    /* when counting begins; 0: not known yet */
    atomic_uint_fast64_t ready; /* clients that are through their first calls */
    atomic_uint_fast64_t taken; /* counted operations that were started, or would have been */
    atomic_bool stop;           /* end at once */
    atomic_bool broken;         /* a program that a client talks through is of no more use */
};

struct bench_worker;

/* Plan and shared must outlive it. NULL: the system refuses descriptors or
 * processes; errno says why. */
struct bench_worker *bench_worker_new(const struct bench_plan *plan, struct bench_shared *shared,
                                      uint64_t index);
/* Works until everything is done or it is told to stop. The thread's whole work. */
void bench_worker_run(struct bench_worker *self);
void bench_worker_destroy(struct bench_worker **self);

/* Operations answered so far, counted or not; any thread. */
uint64_t bench_worker_answered(const struct bench_worker *self);
/* After it has run: adds what it measured. */
void bench_worker_report(const struct bench_worker *self, struct bench_result *result);
/* After it has run: why operations were still waiting, if they were; trouble NONE: unknown. */
struct client_health bench_worker_health(const struct bench_worker *self);
/* After it has run: what kept its clients from working that is no fault of the service, or NULL. */
const char *bench_worker_trouble(const struct bench_worker *self);

#endif
