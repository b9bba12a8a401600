/* Search setup: the calls on one key, brought into the form that the search works on.
 *
 * Private to search.c. The known calls (outcome ok) are numbered in order of invocation, and their
 * invocations and returns are nodes of a list in order of time, an invocation before a return at
 * the same time:
 *
 *     head -> invoke 0 -> invoke 1 -> return 1 -> invoke 2 -> return 0 -> return 2 -> head
 *
 * Placing a call takes its two nodes out; those that may be placed next are then the invocations
 * before the first return. Calls of unknown outcome, which never return, stand beside the list.
 *
 * Values are numbered anew for the key: VALUE_ABSENT, VALUE_OTHER for all that no result names, and
 * from VALUE_NAMED on those that one does. */
#ifndef MADKV_TOOLS_CHECK_SEARCH_SETUP_H
#define MADKV_TOOLS_CHECK_SEARCH_SETUP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tools/check/subhistory.h"

#define VALUE_ABSENT 0
#define VALUE_OTHER 1
#define VALUE_NAMED 2

/* A known call. */
struct search_call {
    uint64_t invoke_ns;
    uint64_t return_ns;
    size_t subcall;         /* index into the calls searched */
    uint32_t need;          /* a value's number or NEED_PRESENT */
    uint32_t effect;        /* a value's number or EFFECT_NOTHING */
    uint32_t invoke_node;   /* its nodes */
    uint32_t return_node;   /* after invoke_node */
    uint32_t invoked_count; /* known calls invoked before it returned: those numbered below this */
};

/* A call of unknown outcome. Always writes. */
struct search_unknown {
    uint64_t invoke_ns;
    size_t subcall;  /* index into the calls searched */
    uint32_t effect; /* a value's number */
};

/* One event in the list. */
struct search_node {
    uint32_t next; /* index into nodes; 0, the head, after the last */
    uint32_t previous;
    uint32_t call;  /* whose event it is */
    bool is_return; /* else an invocation */
};

/* What is left to place concerning one value. */
struct search_value {
    uint32_t need_count;     /* known calls to be placed whose need it is */
    uint32_t need_total;     /* what need_count was before any was placed */
    uint64_t need_latest_ns; /* the latest invocation of a known call whose need it is, or 0 */
    uint32_t effect_count;   /* known and unknown calls to be placed whose effect it is */
    uint32_t unknown_first;  /* first unknown call to be placed next with this effect */
    uint32_t unknown_end;    /* one past the last of them */
};

struct search_setup {
    struct search_call *calls; /* known calls by invocation */
    size_t call_count;
    struct search_unknown *unknowns; /* by effect, then by invocation */
    size_t unknown_count;
    struct search_node *nodes;   /* nodes[0] is the head; 2 * call_count + 1 of them */
    struct search_value *values; /* by number */
    size_t value_count;
    uint32_t *helpers; /* ascending numbers of the values, not absence, that unknown calls write */
    size_t helper_count;
};

/* Builds the form of the `count` calls at `calls`; to be released with search_setup_clear. */
void search_setup_make(struct search_setup *setup, const struct subcall *calls, size_t count);

/* Frees what search_setup_make allocated. */
void search_setup_clear(struct search_setup *setup);

#endif
