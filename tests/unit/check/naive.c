/* Naive: every order of every choice of calls (see naive.h). */
#include "tests/unit/check/naive.h"

#include <assert.h>
#include <stdlib.h>

/* Whether `call` may come next: no call still to be placed returned before it was invoked. */
static bool may_be_next(const struct history *history, unsigned placed, size_t call)
{
    for (size_t i = 0; i < history_count(history); i++) {
        const struct history_call *other = history_call(history, i);
        if ((placed >> i & 1) == 0 && other->outcome == HISTORY_OK &&
            other->return_ns < history_call(history, call)->invoke_ns) {
            return false;
        }
    }
    return true;
}

/* Serves `call` when the key holds `*value` and returns whether that gives its result. */
static bool serve(const struct history_call *call, symbol_t *value)
{
    bool known = call->outcome == HISTORY_OK;
    bool found = *value != SYMBOL_NONE;
    symbol_t old = *value;
    switch (call->op) {
    case HISTORY_PUT:
        *value = call->argument;
        return !known || call->found == found;
    case HISTORY_DELETE:
        *value = SYMBOL_NONE;
        return !known || call->found == found;
    case HISTORY_SWAP:
        *value = call->argument;
        return !known || call->value == old;
    case HISTORY_GET:
        return !known || call->value == old;
    default:
        abort();
    }
}

static bool try_all(const struct history *history, unsigned placed, symbol_t value)
{
    bool finished = true;
    for (size_t i = 0; i < history_count(history); i++) {
        const struct history_call *call = history_call(history, i);
        if ((placed >> i & 1) != 0 || call->outcome == HISTORY_FAIL) {
            continue;
        }
        finished = finished && call->outcome != HISTORY_OK;
        symbol_t after = value;
        if (may_be_next(history, placed, i) && serve(call, &after) &&
            try_all(history, placed | 1u << i, after)) {
            return true;
        }
    }
    return finished;
}

bool naive_is_linearizable(const struct history *history)
{
    assert(history_count(history) <= NAIVE_CALL_COUNT_MAX);
    return try_all(history, 0, SYMBOL_NONE);
}
