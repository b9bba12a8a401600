/* Check: the verdict on a whole history (see check.h). */
#include "tools/check/check.h"

#include <stdlib.h>

#include "tools/check/explain.h"
#include "tools/check/search.h"
#include "tools/check/subhistory.h"

static size_t memo_size_max(const struct check_options *options)
{
    return options != NULL ? options->memo_size_max : CHECK_MEMO_SIZE_DEFAULT;
}

/* Scans with pairs out of order or out of range are found first: they are wrong whatever the other
 * calls say, and the sweep over the keys relies on the order. */
static void check_scans(const struct history *history, struct check_result *result)
{
    for (size_t i = 0; i < history_count(history); i++) {
        const struct history_call *call = history_call(history, i);
        if (call->op != HISTORY_SCAN || call->outcome != HISTORY_OK ||
            subhistory_scan_is_ordered(history, call)) {
            continue;
        }
        if (result->violation_count++ == 0) {
            result->is_scan = true;
            result->call = i;
        }
    }
}

static void check_key(const struct subhistory *subhistory, size_t memo_size,
                      struct check_result *result)
{
    struct search_result found;
    search_run(subhistory->calls, subhistory->call_count, memo_size, &found);
    free(found.order);
    result->key_count++;
    result->configuration_count += found.configuration_count;
    switch (found.verdict) {
    case SEARCH_FOUND:
        break;
    case SEARCH_NONE:
        if (result->violation_count++ == 0) {
            result->key = subhistory->key;
        }
        break;
    case SEARCH_GAVE_UP:
        if (result->undecided_count++ == 0 && result->violation_count == 0) {
            result->key = subhistory->key;
        }
        break;
    }
}

enum check_verdict check_history(const struct history *history, const struct check_options *options,
                                 struct check_result *result)
{
    struct check_result found = {.key = SYMBOL_NONE};
    check_scans(history, &found);
    if (found.violation_count == 0) {
        struct subhistories *sweep = subhistories_new(history);
        struct subhistory subhistory;
        while (subhistories_next(sweep, &subhistory)) {
            check_key(&subhistory, memo_size_max(options), &found);
        }
        subhistories_free(&sweep);
    }
    found.verdict = found.violation_count > 0   ? CHECK_VIOLATION
                    : found.undecided_count > 0 ? CHECK_UNDECIDED
                                                : CHECK_LINEARIZABLE;
    if (result != NULL) {
        *result = found;
    }
    return found.verdict;
}

static void explain_key(const struct history *history, const struct check_options *options,
                        const struct check_result *result, FILE *out)
{
    struct subhistories *sweep = subhistories_new(history);
    struct subhistory subhistory;
    while (subhistories_next(sweep, &subhistory)) {
        if (subhistory.key == result->key) {
            explain_violation(history, &subhistory, memo_size_max(options), out);
            break;
        }
    }
    subhistories_free(&sweep);
}

void check_explain(const struct history *history, const struct check_options *options,
                   const struct check_result *result, FILE *out)
{
    char key[80];
    switch (result->verdict) {
    case CHECK_LINEARIZABLE:
        fprintf(out, "linearizable: %zu calls on %zu keys, %zu configurations searched\n",
                history_count(history), result->key_count, result->configuration_count);
        break;
    case CHECK_UNDECIDED:
        history_quote(symbols_text(history_symbols(history), result->key), key, sizeof(key));
        fprintf(out,
                "undecided: no violation found, but %zu of %zu keys needed more than the %zu MiB "
                "allowed for one key, the first of them %s\n",
                result->undecided_count, result->key_count, memo_size_max(options) >> 20, key);
        break;
    case CHECK_VIOLATION:
        if (result->is_scan) {
            explain_scan(history, result->call, out);
        } else {
            explain_key(history, options, result, out);
        }
        if (result->violation_count > 1) {
            fprintf(out, "\n%zu %s violate linearizability in all; the first is shown.\n",
                    result->violation_count, result->is_scan ? "scans" : "keys");
        }
        break;
    }
}
