/* A run from its start to its result: starts the threads, watches over them, merges what they
 * measured.
 *
 * A run ends early when somebody asks for it (bench_run_interrupt) or when no operation has been
 * answered for BENCH_PATIENCE though some are under way; the result so far is kept and marked. A
 * failover is over long before. */
#ifndef MADKV_TOOLS_BENCH_RUN_H
#define MADKV_TOOLS_BENCH_RUN_H

#include "tools/bench/worker.h"

#define BENCH_PATIENCE (10 * WIRE_SECOND) /* without an answer: the service is dead */

enum bench_end {
    BENCH_DONE,        /* all was done */
    BENCH_DEAD,        /* the service does not answer */
    BENCH_INTERRUPTED, /* by a signal */
    BENCH_REFUSED,     /* the system has no more sockets, threads or processes */
    BENCH_BROKEN,      /* a program that a client talked through failed */
};

/* Runs the plan and adds to the result. `progress` (may be NULL): what to call the run in a line on
 * stderr that shows how it goes. For all but DONE the result is partial, and `why` (of 256 bytes) a
 * line for people. */
enum bench_end bench_run(const struct bench_plan *plan, const char *progress,
                         struct bench_result *result, char *why);

/* Makes the run that is under way, or the next one, end. For signal handlers. */
void bench_run_interrupt(void);

#endif
