/* Subhistory: a history as one key sees it.
 *
 * Linearizability is a local property: a history is linearizable if and only if its part on each
 * object is (Herlihy and Wing 1990, theorem 1). Keys are the objects here, so the checker splits
 * a history by key and searches each part alone, which turns one exponential search into many
 * small ones (Horn and Kroening 2015, "P-compositionality").
 *
 * A SCAN promises only that each pair it returns, and each key of its range that it does not
 * return, is linearizable on its own; so it becomes one read in every key of its range. Its range
 * may cover every key, so these reads are made for one key at a time and never all at once: a sweep
 * over the keys in byte order keeps the scans whose range holds the present key, each with a
 * cursor into its pairs, which stand in the same order. */
#ifndef MADKV_TOOLS_CHECK_SUBHISTORY_H
#define MADKV_TOOLS_CHECK_SUBHISTORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tools/check/history.h"

/* What a key holds: the symbol of its value, or STATE_ABSENT. A subcall may also say: */
#define STATE_ABSENT SYMBOL_NONE
#define NEED_PRESENT (UINT32_MAX - 1)   /* its result shows that there was a value, not which */
#define NEED_NOTHING (UINT32_MAX - 2)   /* its result is not known */
#define EFFECT_NOTHING (UINT32_MAX - 3) /* it leaves the key as it was */

/* The return of a call that may take effect at any later time. */
#define RETURN_NEVER UINT64_MAX

/* One call on one key. The four calls of the service differ only in what the key must have held
 * for their result to be right, and in what it holds after:
 *
 *     call      result      need          effect
 *     PUT v     found       NEED_PRESENT  v
 *     PUT v     not_found   STATE_ABSENT  v
 *     SWAP v    w           w             v
 *     SWAP v    none        STATE_ABSENT  v
 *     GET       w           w             EFFECT_NOTHING
 *     GET       none        STATE_ABSENT  EFFECT_NOTHING
 *     DELETE    found       NEED_PRESENT  STATE_ABSENT
 *     DELETE    not_found   STATE_ABSENT  EFFECT_NOTHING
 *
 * A PUT, SWAP or DELETE whose outcome is unknown has need NEED_NOTHING and return RETURN_NEVER. */
struct subcall {
    uint64_t invoke_ns; /* start of the interval */
    uint64_t return_ns; /* end of the interval, or RETURN_NEVER */
    size_t call;        /* index in the history */
    uint32_t need;      /* a symbol, STATE_ABSENT or NEED_ */
    uint32_t effect;    /* a symbol, STATE_ABSENT or EFFECT_NOTHING */
};

/* The calls on one key, in no particular order. */
struct subhistory {
    symbol_t key;
    const struct subcall *calls;
    size_t call_count;
};

struct subhistories;

/* Begins the sweep over the keys of `history`, which must not change until it is freed. Every ok
 * SCAN in it must have passed subhistory_scan_is_ordered. */
struct subhistories *subhistories_new(const struct history *history);

/* Frees the sweep and sets `*sweep` to NULL. */
void subhistories_free(struct subhistories **sweep);

/* Moves to the next key, in byte order; false after the last. What `*subhistory` points at is
 * valid until the next call on `sweep`. */
bool subhistories_next(struct subhistories *sweep, struct subhistory *subhistory);

/* Whether the pairs of the ok SCAN `call` are in strictly ascending byte order of keys and all
 * inside its range, as every answer to a SCAN must be. */
bool subhistory_scan_is_ordered(const struct history *history, const struct history_call *call);

#endif
