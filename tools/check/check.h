/* Check: is a history linearizable?
 *
 * A history (history.h) is linearizable if each call that was answered can be given one instant
 * between its invocation and its return, and each call of unknown outcome one instant after its
 * invocation or none, such that all answers are those of a map that served the calls one at a time
 * in the order of these instants (Herlihy and Wing 1990).
 *
 * Put, Swap, Get and Delete are held to this per key, which for calls on one key each is the same
 * as for the whole map. Of a Scan only what MadKV promises is checked: its pairs are in ascending
 * order inside its range, and each pair, and each key of the range that it did not return and that
 * occurs anywhere in the history, is linearizable as a Get of its own.
 *
 * How: subhistory.h splits by key, search.h looks for an order, explain.h tells a person why
 * there is none. The verdict is exact, except that a search too large for its memory gives up.
 *
 * No state outlives a call and nothing is shared: threads may check different histories at once. */
#ifndef MADKV_TOOLS_CHECK_CHECK_H
#define MADKV_TOOLS_CHECK_CHECK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "tools/check/history.h"

/* What the search of one key may remember by default. */
#define CHECK_MEMO_SIZE_DEFAULT ((size_t)1 << 30)

struct check_options {
    size_t memo_size_max; /* bytes that the search of one key may remember; one key at a time */
};

enum check_verdict {
    CHECK_LINEARIZABLE,
    CHECK_VIOLATION, /* there is a key with no order, or a Scan with wrong pairs */
    CHECK_UNDECIDED, /* no violation was found, and a key needed more memory than allowed */
};

struct check_result {
    enum check_verdict verdict;
    size_t key_count;           /* keys that calls took or may have taken effect on */
    size_t violation_count;     /* keys without an order, and Scans with wrong pairs */
    size_t undecided_count;     /* keys given up */
    size_t configuration_count; /* configurations searched for all keys: how hard it was */
    bool is_scan;               /* CHECK_VIOLATION: the first one is the Scan `call` */
    size_t call;                /* index of that call */
    symbol_t key;               /* the first key without an order, else the first given up */
};

/* Checks `history`. `options` NULL means the defaults. Fills `*result`, which may be NULL, and
 * returns the verdict. Every key is checked, whatever the verdict on those before. */
enum check_verdict check_history(const struct history *history, const struct check_options *options,
                                 struct check_result *result);

/* Writes to `out`, for people, what `result` says about `history`, which must be the one it came
 * from; for a violation also a counterexample, which takes some further searches to find. */
void check_explain(const struct history *history, const struct check_options *options,
                   const struct check_result *result, FILE *out);

#endif
