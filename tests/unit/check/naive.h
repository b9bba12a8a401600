/* Naive: a linearizability checker too simple to be wrong, to hold the real one against.
 *
 * It tries every order of the calls of a small history on one key, with a model that compares
 * values as they are and knows none of the shortcuts in tools/check/search.h. */
#ifndef MADKV_TESTS_UNIT_CHECK_NAIVE_H
#define MADKV_TESTS_UNIT_CHECK_NAIVE_H

#include <stdbool.h>

#include "tools/check/history.h"

/* Calls that naive_is_linearizable takes at most: it tries their permutations. */
#define NAIVE_CALL_COUNT_MAX 10

/* Whether `history`, without SCAN and on one key only, is linearizable. */
bool naive_is_linearizable(const struct history *history);

#endif
