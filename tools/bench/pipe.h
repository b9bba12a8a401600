/* A caller (caller.h) that makes its calls through a program: each is written to the program's
 * stdin as a line of the client's language (CALL key value), its answer read from the program's
 * stdout. So what is timed is what a script that drives the client sees. One call at a time.
 *
 * The program runs in a session of its own, so that Ctrl-C is for the benchmark, and is killed by
 * the kernel if the benchmark's main thread ends first. One that ends by itself, or writes what is
 * no answer, is of no more use: its call under way never ends, and bench_caller_trouble says why.
 */
#ifndef MADKV_TOOLS_BENCH_PIPE_H
#define MADKV_TOOLS_BENCH_PIPE_H

#include "tools/bench/caller.h"

struct bench_pipe_config {
    char *const
        *command;    /* program and arguments, NULL at the end; the program is looked up in PATH */
    int diagnostics; /* descriptor that becomes its stderr; -1: ours */
    int epoll;       /* the set its stdout joins; outlives it */
    bench_done_fn *done; /* told of every call that ended; may submit */
    void *argument;      /* its first argument */
};

/* NULL: the system refuses; errno says why. A program that cannot be run counts as one that ended.
 */
struct bench_caller *bench_pipe_new(const struct bench_pipe_config *config);

/* What a line that the program wrote means for the call under way; pure. */
enum bench_answer {
    BENCH_ANSWER_MORE,   /* the answer has further lines */
    BENCH_ANSWER_FOUND,  /* it ends here; there was a value */
    BENCH_ANSWER_NONE,   /* likewise, there was none */
    BENCH_ANSWER_FAILED, /* ERROR */
    BENCH_ANSWER_BAD,    /* no answer to that call */
};
/* `first`: no line of the answer has come yet. */
enum bench_answer bench_pipe_judge(enum wire_kv_op op, struct span key, bool first,
                                   struct span line);

#endif
