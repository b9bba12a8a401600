/* MadKV's client library: put, swap, get, delete and scan on a replicated, partitioned key-value
 * store.
 *
 * Calls block until they have an answer, however many replicas die meanwhile, unless a time-out
 * was asked for; madkv_start begins many at once. Put, swap, get and delete are linearizable per
 * key and take effect at most once; a call that may or may not have taken effect says so
 * (MADKV_UNKNOWN) and is never held for failed.
 *
 * Keys are 1 to 511 bytes, values 1 byte to 1 MiB, of any bytes but white space and NUL. What is
 * passed in is copied. What is handed out belongs to the handle and is good until the next call on
 * it (but for madkv_start, which hands out nothing).
 *
 * A handle belongs to one thread at a time; a process may have many. It starts no thread of its own
 * beside those of ZeroMQ and touches neither signals nor stdio; writing to the network never raises
 * SIGPIPE.
 *
 *     struct madkv_options options = {.manager_addrs = "127.0.0.1:3666,127.0.0.1:3667"};
 *     struct madkv *kv;
 *     const char *problem;
 *     bool found;
 *     if (madkv_open(&options, &kv, &problem) != MADKV_OK)
 *         errx(1, "%s", problem);
 *     if (madkv_put(kv, "k", 1, "v", 1, &found) != MADKV_OK)
 *         errx(1, "%s", madkv_problem(kv));
 *     madkv_close(&kv);
 */
#ifndef MADKV_H
#define MADKV_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

struct madkv; /* a client of one cluster */

/* How a call ended. */
enum madkv_outcome {
    MADKV_OK = 0,  /* done; the results are filled in */
    MADKV_FAILED,  /* not applied, and never will be */
    MADKV_UNKNOWN, /* may or may not have been applied, and may still be; never of get and scan */
    MADKV_INVALID, /* an argument is not legal; nothing was sent */
    MADKV_HUNG_UP, /* the watched descriptor hung up; a write may or may not be applied. Only
                    * madkv_close makes sense now */
    MADKV_FULL,    /* of madkv_start: MADKV_CALLS_MAX calls are in flight; madkv_wait first */
    MADKV_LATE,    /* of madkv_wait: no call has ended in that time */
    MADKV_IDLE,    /* of madkv_wait: no call is in flight */
};

/* Zero is the default of each. */
struct madkv_options {
    const char *manager_addrs; /* host:port, comma-separated, in the order of the replicas */
    const char *server_addrs;  /* instead: the replicas of a service that has no managers */
    int64_t timeout_ms;        /* a call gives up after it; 0: never */
    void (*notice)(void *argument, const char *line); /* NULL, or told when the service cannot be
                                                       * reached, why, and when it can be again */
    void *notice_argument;                            /* passed to notice */
    bool watch;  /* a call ends with MADKV_HUNG_UP when `watched` hangs up or fails */
    int watched; /* a descriptor, e.g. the output that answers are for */
};

/* Bytes that belong to the handle; NULL and 0 if there are none. Not a string: no NUL at the end.
 */
struct madkv_bytes {
    const char *data; /* the first */
    size_t size;      /* how many */
};

/* A client; nothing is connected before the first call. MADKV_OK: *kv is the caller's, to be
 * closed. MADKV_INVALID: *kv is NULL and *problem (may be NULL) a static text that says what is
 * wrong. */
enum madkv_outcome madkv_open(const struct madkv_options *options, struct madkv **kv,
                              const char **problem);
/* Never waits for the service. *kv becomes NULL; NULL is ignored. */
void madkv_close(struct madkv **kv);

/* Sets the value of a key. *found (may be NULL): there was one before. */
enum madkv_outcome madkv_put(struct madkv *kv, const void *key, size_t key_size, const void *value,
                             size_t value_size, bool *found);
/* Sets the value of a key; *old is the one before, if *found. */
enum madkv_outcome madkv_swap(struct madkv *kv, const void *key, size_t key_size, const void *value,
                              size_t value_size, bool *found, struct madkv_bytes *old);
/* The value of a key, if *found. */
enum madkv_outcome madkv_get(struct madkv *kv, const void *key, size_t key_size, bool *found,
                             struct madkv_bytes *value);
/* Removes a key. *found (may be NULL): there was a value. */
enum madkv_outcome madkv_delete(struct madkv *kv, const void *key, size_t key_size, bool *found);
/* The pairs with from <= key <= to in byte order; take them with madkv_next. Each pair, and the
 * absence of each other key, is linearizable on its own; the whole is no snapshot. */
enum madkv_outcome madkv_scan(struct madkv *kv, const void *from, size_t from_size, const void *to,
                              size_t to_size);
/* The next pair of the last scan; false at its end. Good until the next call other than this. */
bool madkv_next(struct madkv *kv, struct madkv_bytes *key, struct madkv_bytes *value);

/* --- many calls in flight ---------------------------------------------------------------------
 *
 * madkv_start begins a call and returns at once; madkv_wait waits until any of those that were
 * begun has ended, and hands out its result. Calls on the same key take effect in the order in
 * which they were begun, all others in any order; a Scan is ordered with nothing. What is said
 * above of time-outs and outcomes holds for each of them.
 *
 * Nothing leaves before madkv_wait or a blocking call, so that calls begun together travel
 * together. Blocking calls may be made meanwhile; they leave the results of the others to
 * madkv_wait.
 *
 *     struct madkv_result result;
 *     for (size_t i = 0; i < count; i++) {
 *         madkv_start(kv, MADKV_PUT, keys[i], 1, values[i], 1, NULL);
 *         if (madkv_in_flight(kv) == MADKV_CALLS_MAX)
 *             madkv_wait(kv, -1, &result);
 *     }
 *     while (madkv_wait(kv, -1, &result) == MADKV_OK)
 *         continue;
 */
#define MADKV_CALLS_MAX                                                                            \
    64 /* in flight at once: what a session of the service keeps answers for                       \
        */

enum madkv_op {
    MADKV_PUT,
    MADKV_SWAP,
    MADKV_GET,    /* takes no value */
    MADKV_DELETE, /* takes no value */
    MADKV_SCAN,   /* `value` is the key to end at; the pairs are taken with madkv_next */
};

/* What became of a call in flight. */
struct madkv_result {
    uint64_t call;              /* which one */
    enum madkv_op op;           /* what it was */
    enum madkv_outcome outcome; /* OK, FAILED or UNKNOWN; why it is not OK, madkv_problem says */
    bool found;                 /* OK, not SCAN: there was a value */
    struct madkv_bytes value; /* of GET and SWAP, if found; good until the next call but a start */
};

/* Begins a call; all arguments are copied. MADKV_OK: *call (may be NULL) is its number, greater
 * than any before. MADKV_INVALID or MADKV_FULL: it was not begun. */
enum madkv_outcome madkv_start(struct madkv *kv, enum madkv_op op, const void *key, size_t key_size,
                               const void *value, size_t value_size, uint64_t *call);
/* MADKV_OK: a call has ended, *result says how, and it is no longer in flight. Waits at most
 * timeout_ms; 0: only sends what was begun and looks, -1: for ever. MADKV_LATE, MADKV_IDLE or
 * MADKV_HUNG_UP: *result is untouched. */
enum madkv_outcome madkv_wait(struct madkv *kv, int64_t timeout_ms, struct madkv_result *result);
/* Calls begun whose results madkv_wait has not handed out. */
size_t madkv_in_flight(const struct madkv *kv);

/* Why the last call did not end with MADKV_OK, in a few words; good until the next call. */
const char *madkv_problem(const struct madkv *kv);
/* Whether it was the time-out. */
bool madkv_timed_out(const struct madkv *kv);

#ifdef __cplusplus
}
#endif

#endif
