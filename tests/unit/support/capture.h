/* Running a function in a process of its own, to see what it prints and how it ends. */
#ifndef MADKV_TESTS_CAPTURE_H
#define MADKV_TESTS_CAPTURE_H

struct capture {
    char out[8192]; /* what went to stdout, with a NUL; more is cut */
    char err[8192]; /* what went to stderr, likewise */
    int status;     /* exit status; -1: it did not exit by itself */
};

/* Runs body(context) in a child; the child exits with 0 when body returns. Waits for its end. */
struct capture capture_run(void (*body)(void *context), void *context);

#endif
