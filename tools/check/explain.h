/* Explain: why there is no order, told so that a person can follow it.
 *
 * That no order was found is a statement about all orders, which nobody can follow. But the part
 * of a history up to any time is linearizable if the whole is, so there is a first answer with
 * which it stops being so: bisection over the returns finds it. Up to it one order can be shown; of
 * the answer itself, which other ones would have been right. Around it stands a timeline. */
#ifndef MADKV_TOOLS_CHECK_EXPLAIN_H
#define MADKV_TOOLS_CHECK_EXPLAIN_H

#include <stdio.h>

#include "tools/check/history.h"
#include "tools/check/subhistory.h"

/* Writes to `out` why `subhistory` of `history`, for which search_run found no order, has none.
 * Each search on the way may take `memo_size_max` bytes. */
void explain_violation(const struct history *history, const struct subhistory *subhistory,
                       size_t memo_size_max, FILE *out);

/* Writes to `out` what is wrong with the pairs of the SCAN `call`, which subhistory_scan_is_ordered
 * refused. */
void explain_scan(const struct history *history, size_t call, FILE *out);

#endif
