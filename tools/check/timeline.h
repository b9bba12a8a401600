/* Timeline: calls on one key drawn for people, one a line.
 *
 *     client        from          to   microseconds, 0 is where the marked call begins
 *   >      3       0.000      30.000   |             [==]| GET -> "v17"
 *          1     -20.500        none   |     [==========>| PUT "v20" -> unknown
 */
#ifndef MADKV_TOOLS_CHECK_TIMELINE_H
#define MADKV_TOOLS_CHECK_TIMELINE_H

#include <stdio.h>

#include "tools/check/history.h"
#include "tools/check/subhistory.h"

/* Enough for a line of timeline_describe. */
#define TIMELINE_TEXT_SIZE 256

/* Writes what the call behind `subcall` asked of `key` and what it was told, as in
 * `PUT "a" -> found`, into `out` of TIMELINE_TEXT_SIZE bytes, and returns it. */
char *timeline_describe(const struct history *history, symbol_t key, const struct subcall *subcall,
                        char *out);

/* Draws the calls around calls[marked] of `subhistory` to `out`: those whose intervals meet its
 * own, those that wrote what it claims to have seen, and the last ones before. */
void timeline_draw(const struct history *history, const struct subhistory *subhistory,
                   size_t marked, FILE *out);

#endif
