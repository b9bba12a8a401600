/* Generate: random histories, linearizable by construction or arbitrary.
 *
 * Everything follows from the seed. */
#ifndef MADKV_TESTS_UNIT_CHECK_GENERATE_H
#define MADKV_TESTS_UNIT_CHECK_GENERATE_H

#include <stdint.h>

#include "tools/check/history.h"

struct generator {
    uint64_t seed;            /* state of the random numbers; changes */
    unsigned call_count;      /* calls to make */
    unsigned client_count;    /* clients that call at the same time */
    unsigned key_count;       /* keys, at most 26 */
    unsigned value_count;     /* distinct values; 0 for a new one with each write */
    unsigned unknown_percent; /* of outcomes; half of these never take effect */
    unsigned scan_percent;    /* of calls */
    unsigned time_step_max;   /* ns between events; small numbers make equal timestamps */
};

/* A pseudo-random number below `bound` (at least 1). */
uint64_t generate_below(struct generator *generator, uint64_t bound);

/* A history that an atomic map produced: each call takes effect at one random instant inside its
 * interval, an unknown one at some time after its invocation or never. To be freed. */
struct history *generate_linearizable(struct generator *generator);

/* A copy of `history` in which the result of one random ok call is replaced by another one: a
 * GET or SWAP gets a random older value, a PUT or DELETE the other word, a SCAN loses a pair. To be
 * freed. */
struct history *generate_mutated(struct generator *generator, const struct history *history);

/* Calls with random intervals and random results on one key, mostly not linearizable. To be freed.
 */
struct history *generate_arbitrary(struct generator *generator);

#endif
