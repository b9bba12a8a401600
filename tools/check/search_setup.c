/* Search setup: sorting, numbering and linking the calls on one key (see search_setup.h). */
#include "tools/check/search_setup.h"

#include <assert.h>

#include "tools/check/memory.h"

static int compare_symbols(const void *a, const void *b)
{
    symbol_t x = *(const symbol_t *)a;
    symbol_t y = *(const symbol_t *)b;
    return (x > y) - (x < y);
}

static int compare_calls(const void *a, const void *b)
{
    const struct search_call *x = a;
    const struct search_call *y = b;
    if (x->invoke_ns != y->invoke_ns) {
        return x->invoke_ns < y->invoke_ns ? -1 : 1;
    }
    return (x->subcall > y->subcall) - (x->subcall < y->subcall);
}

static int compare_unknowns(const void *a, const void *b)
{
    const struct search_unknown *x = a;
    const struct search_unknown *y = b;
    if (x->effect != y->effect) {
        return x->effect < y->effect ? -1 : 1;
    }
    if (x->invoke_ns != y->invoke_ns) {
        return x->invoke_ns < y->invoke_ns ? -1 : 1;
    }
    return (x->subcall > y->subcall) - (x->subcall < y->subcall);
}

/* A return of a known call, for sorting. */
struct call_return {
    uint64_t return_ns;
    uint32_t call; /* index into setup->calls */
};

static int compare_returns(const void *a, const void *b)
{
    const struct call_return *x = a;
    const struct call_return *y = b;
    if (x->return_ns != y->return_ns) {
        return x->return_ns < y->return_ns ? -1 : 1;
    }
    return (x->call > y->call) - (x->call < y->call);
}

static bool is_named(uint32_t need)
{
    return need != STATE_ABSENT && need != NEED_PRESENT && need != NEED_NOTHING;
}

/* The distinct symbols that results name, sorted, so that a value's number is VALUE_NAMED more than
 * its symbol's index. Owned by the caller. */
static symbol_t *collect_named(const struct subcall *calls, size_t count, size_t *named_count)
{
    symbol_t *named = memory_resize(NULL, count, sizeof(*named));
    size_t total = 0;
    for (size_t i = 0; i < count; i++) {
        if (is_named(calls[i].need)) {
            named[total++] = calls[i].need;
        }
    }
    if (total > 0) {
        qsort(named, total, sizeof(*named), compare_symbols);
    }
    size_t distinct = 0;
    for (size_t i = 0; i < total; i++) {
        if (distinct == 0 || named[distinct - 1] != named[i]) {
            named[distinct++] = named[i];
        }
    }
    *named_count = distinct;
    return named;
}

/* The number of the need or effect `state`; NEED_ and EFFECT_ stay as they are. */
static uint32_t number_of(uint32_t state, const symbol_t *named, size_t named_count)
{
    if (state == STATE_ABSENT) {
        return VALUE_ABSENT;
    }
    if (state == NEED_PRESENT || state == EFFECT_NOTHING) {
        return state;
    }
    const symbol_t *found =
        named_count > 0 ? bsearch(&state, named, named_count, sizeof(*named), compare_symbols)
                        : NULL;
    return found != NULL ? (uint32_t)(VALUE_NAMED + (found - named)) : VALUE_OTHER;
}

static void split_calls(struct search_setup *setup, const struct subcall *calls, size_t count)
{
    size_t named_count;
    symbol_t *named = collect_named(calls, count, &named_count);
    setup->calls = memory_resize(NULL, count, sizeof(*setup->calls));
    setup->unknowns = memory_resize(NULL, count, sizeof(*setup->unknowns));
    setup->value_count = VALUE_NAMED + named_count;
    for (size_t i = 0; i < count; i++) {
        uint32_t effect = number_of(calls[i].effect, named, named_count);
        if (calls[i].need == NEED_NOTHING) {
            if (effect != EFFECT_NOTHING) {
                setup->unknowns[setup->unknown_count++] =
                    (struct search_unknown){calls[i].invoke_ns, i, effect};
            }
            continue;
        }
        uint32_t need = number_of(calls[i].need, named, named_count);
        setup->calls[setup->call_count++] = (struct search_call){
            .invoke_ns = calls[i].invoke_ns,
            .return_ns = calls[i].return_ns,
            .subcall = i,
            .need = need,
            /* A SWAP of a value for itself is no more than a read. */
            .effect = effect == need ? EFFECT_NOTHING : effect,
        };
    }
    free(named);
}

static void append_node(struct search_setup *setup, uint32_t node, uint32_t call, bool is_return)
{
    setup->nodes[node] = (struct search_node){0, node - 1, call, is_return};
    setup->nodes[node - 1].next = node;
    setup->nodes[0].previous = node;
    if (is_return) {
        setup->calls[call].return_node = node;
    } else {
        setup->calls[call].invoke_node = node;
    }
}

static void link_nodes(struct search_setup *setup)
{
    size_t count = setup->call_count;
    struct call_return *returns = memory_resize(NULL, count, sizeof(*returns));
    for (size_t i = 0; i < count; i++) {
        returns[i] = (struct call_return){setup->calls[i].return_ns, (uint32_t)i};
    }
    if (count > 0) {
        qsort(returns, count, sizeof(*returns), compare_returns);
    }
    setup->nodes = memory_zeroed(2 * count + 1, sizeof(*setup->nodes));
    uint32_t node = 1;
    uint32_t invoked = 0;
    for (size_t i = 0; i < count; i++) {
        while (invoked < count && setup->calls[invoked].invoke_ns <= returns[i].return_ns) {
            append_node(setup, node++, invoked++, false);
        }
        append_node(setup, node++, returns[i].call, true);
        setup->calls[returns[i].call].invoked_count = invoked;
    }
    free(returns);
}

static void count_values(struct search_setup *setup)
{
    setup->values = memory_zeroed(setup->value_count, sizeof(*setup->values));
    for (size_t i = 0; i < setup->call_count; i++) {
        const struct search_call *call = &setup->calls[i];
        if (call->need != NEED_PRESENT) {
            struct search_value *value = &setup->values[call->need];
            value->need_count++;
            value->need_total++;
            /* Calls are sorted by invocation. */
            value->need_latest_ns = call->invoke_ns;
        }
        if (call->effect != EFFECT_NOTHING) {
            setup->values[call->effect].effect_count++;
        }
    }
    setup->helpers = memory_resize(NULL, setup->unknown_count, sizeof(*setup->helpers));
    for (size_t i = 0; i < setup->unknown_count; i++) {
        uint32_t effect = setup->unknowns[i].effect;
        struct search_value *value = &setup->values[effect];
        if (value->unknown_end == 0) {
            value->unknown_first = (uint32_t)i;
            if (effect != VALUE_ABSENT) {
                setup->helpers[setup->helper_count++] = effect;
            }
        }
        value->unknown_end = (uint32_t)i + 1;
        value->effect_count++;
    }
}

void search_setup_make(struct search_setup *setup, const struct subcall *calls, size_t count)
{
    /* Nodes and calls are numbered with 32 bits. */
    assert(count < UINT32_MAX / 4);
    *setup = (struct search_setup){0};
    split_calls(setup, calls, count);
    if (setup->call_count > 0) {
        qsort(setup->calls, setup->call_count, sizeof(*setup->calls), compare_calls);
    }
    if (setup->unknown_count > 0) {
        qsort(setup->unknowns, setup->unknown_count, sizeof(*setup->unknowns), compare_unknowns);
    }
    link_nodes(setup);
    count_values(setup);
}

void search_setup_clear(struct search_setup *setup)
{
    free(setup->calls);
    free(setup->unknowns);
    free(setup->nodes);
    free(setup->values);
    free(setup->helpers);
    *setup = (struct search_setup){0};
}
