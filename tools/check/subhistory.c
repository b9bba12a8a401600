/* Subhistory: splitting a history by key (see subhistory.h). */
#include "tools/check/subhistory.h"

#include <assert.h>
#include <string.h>

#include "tools/check/memory.h"

/* A SCAN during the sweep. Its keys are those of rank first to last. */
struct scan {
    size_t call;   /* index in the history */
    size_t first;  /* rank of the first key in its range */
    size_t end;    /* one past the rank of the last */
    size_t cursor; /* the first of its pairs not yet passed by the sweep */
};

struct key {
    struct history_text text; /* what ranks are ordered by */
    symbol_t symbol;          /* its symbol */
};

struct subhistories {
    const struct history *history; /* borrowed */
    struct key *keys;              /* every key a call took or may have taken effect on, by rank */
    size_t key_count;              /* keys in use */
    size_t key_capacity;           /* of keys */
    uint32_t *ranks;               /* rank by symbol; RANK_NONE for texts that are no key */
    size_t *starts;                /* by rank: where its indices begin in `calls`; one more */
    size_t *calls;                 /* indices of the calls other than SCAN, grouped by rank */
    struct scan *scans;            /* by ascending `first` */
    size_t scan_count;             /* scans in use */
    size_t scan_capacity;          /* of scans */
    size_t *active;                /* indices of the scans whose range holds the present key */
    size_t active_count;           /* active in use */
    size_t next_scan;              /* scans before it have become active */
    size_t next_key;               /* rank the sweep comes to next */
    struct subcall *subcalls;      /* of the present key */
    size_t subcall_capacity;       /* of subcalls */
};

#define RANK_NONE UINT32_MAX

bool subhistory_scan_is_ordered(const struct history *history, const struct history_call *call)
{
    const struct symbols *symbols = history_symbols(history);
    struct history_text last = symbols_text(symbols, call->argument);
    struct history_text previous = symbols_text(symbols, call->key);
    for (size_t i = 0; i < call->pair_count; i++) {
        struct history_text key = symbols_text(symbols, call->pairs[i].key);
        int order = history_text_compare(previous, key);
        if (order > 0 || (order == 0 && i > 0) || history_text_compare(key, last) > 0) {
            return false;
        }
        previous = key;
    }
    return true;
}

static void add_key(struct subhistories *sweep, symbol_t symbol)
{
    if (sweep->ranks[symbol] != RANK_NONE) {
        return;
    }
    sweep->keys =
        memory_grow(sweep->keys, &sweep->key_capacity, sweep->key_count + 1, sizeof(*sweep->keys));
    sweep->ranks[symbol] = 0; /* marks it as seen; rank_keys sets the rank */
    sweep->keys[sweep->key_count++] =
        (struct key){symbols_text(history_symbols(sweep->history), symbol), symbol};
}

static int compare_keys(const void *a, const void *b)
{
    return history_text_compare(((const struct key *)a)->text, ((const struct key *)b)->text);
}

static void rank_keys(struct subhistories *sweep)
{
    size_t symbol_count = symbols_count(history_symbols(sweep->history));
    sweep->ranks = memory_resize(NULL, symbol_count, sizeof(*sweep->ranks));
    memset(sweep->ranks, 0xff, symbol_count * sizeof(*sweep->ranks));
    for (size_t i = 0; i < history_count(sweep->history); i++) {
        const struct history_call *call = history_call(sweep->history, i);
        if (call->outcome != HISTORY_FAIL && call->op != HISTORY_SCAN) {
            add_key(sweep, call->key);
        }
        for (size_t j = 0; j < call->pair_count; j++) {
            add_key(sweep, call->pairs[j].key);
        }
    }
    if (sweep->key_count > 0) {
        qsort(sweep->keys, sweep->key_count, sizeof(*sweep->keys), compare_keys);
    }
    for (size_t rank = 0; rank < sweep->key_count; rank++) {
        sweep->ranks[sweep->keys[rank].symbol] = (uint32_t)rank;
    }
}

static bool is_subcall(const struct history_call *call)
{
    /* A read that nobody got the answer of says nothing. */
    bool silent = call->op == HISTORY_GET && call->outcome == HISTORY_UNKNOWN;
    return call->op != HISTORY_SCAN && call->outcome != HISTORY_FAIL && !silent;
}

/* Counting sort by rank: starts[rank + 1] counts, then becomes the end of its group. */
static void group_calls(struct subhistories *sweep)
{
    size_t count = history_count(sweep->history);
    sweep->starts = memory_zeroed(sweep->key_count + 2, sizeof(*sweep->starts));
    sweep->calls = memory_resize(NULL, count, sizeof(*sweep->calls));
    for (size_t i = 0; i < count; i++) {
        const struct history_call *call = history_call(sweep->history, i);
        if (is_subcall(call)) {
            sweep->starts[sweep->ranks[call->key] + 2]++;
        }
    }
    for (size_t rank = 0; rank < sweep->key_count; rank++) {
        sweep->starts[rank + 2] += sweep->starts[rank + 1];
    }
    for (size_t i = 0; i < count; i++) {
        const struct history_call *call = history_call(sweep->history, i);
        if (is_subcall(call)) {
            sweep->calls[sweep->starts[sweep->ranks[call->key] + 1]++] = i;
        }
    }
}

/* How many keys are below `text`, or not above it if `inclusive`. */
static size_t count_keys_below(const struct subhistories *sweep, struct history_text text,
                               bool inclusive)
{
    size_t low = 0;
    size_t high = sweep->key_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = history_text_compare(sweep->keys[middle].text, text);
        if (order < 0 || (order == 0 && inclusive)) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

static int compare_scans(const void *a, const void *b)
{
    size_t first_a = ((const struct scan *)a)->first;
    size_t first_b = ((const struct scan *)b)->first;
    return (first_a > first_b) - (first_a < first_b);
}

static void collect_scans(struct subhistories *sweep)
{
    const struct symbols *symbols = history_symbols(sweep->history);
    for (size_t i = 0; i < history_count(sweep->history); i++) {
        const struct history_call *call = history_call(sweep->history, i);
        if (call->op != HISTORY_SCAN || call->outcome != HISTORY_OK) {
            continue;
        }
        size_t first = count_keys_below(sweep, symbols_text(symbols, call->key), false);
        size_t end = count_keys_below(sweep, symbols_text(symbols, call->argument), true);
        if (first >= end) {
            continue;
        }
        sweep->scans = memory_grow(sweep->scans, &sweep->scan_capacity, sweep->scan_count + 1,
                                   sizeof(*sweep->scans));
        sweep->scans[sweep->scan_count++] = (struct scan){i, first, end, 0};
    }
    if (sweep->scan_count > 0) {
        qsort(sweep->scans, sweep->scan_count, sizeof(*sweep->scans), compare_scans);
    }
    sweep->active = memory_resize(NULL, sweep->scan_count, sizeof(*sweep->active));
}

struct subhistories *subhistories_new(const struct history *history)
{
    struct subhistories *sweep = memory_zeroed(1, sizeof(*sweep));
    sweep->history = history;
    rank_keys(sweep);
    group_calls(sweep);
    collect_scans(sweep);
    return sweep;
}

void subhistories_free(struct subhistories **sweep)
{
    if (*sweep == NULL) {
        return;
    }
    free((*sweep)->keys);
    free((*sweep)->ranks);
    free((*sweep)->starts);
    free((*sweep)->calls);
    free((*sweep)->scans);
    free((*sweep)->active);
    free((*sweep)->subcalls);
    free(*sweep);
    *sweep = NULL;
}

static struct subcall make_subcall(const struct history_call *call, size_t index)
{
    struct subcall subcall = {
        .invoke_ns = call->invoke_ns,
        .return_ns = call->outcome == HISTORY_OK ? call->return_ns : RETURN_NEVER,
        .call = index,
    };
    bool writes = call->op == HISTORY_PUT || call->op == HISTORY_SWAP;
    subcall.effect = writes ? call->argument : EFFECT_NOTHING;
    if (call->outcome == HISTORY_UNKNOWN) {
        subcall.need = NEED_NOTHING;
    } else if (call->op == HISTORY_GET || call->op == HISTORY_SWAP) {
        subcall.need = call->value;
    } else {
        subcall.need = call->found ? NEED_PRESENT : STATE_ABSENT;
    }
    if (call->op == HISTORY_DELETE && subcall.need != STATE_ABSENT) {
        subcall.effect = STATE_ABSENT;
    }
    return subcall;
}

/* What `scan` shows of the key `symbol`, which the sweep is at. */
static struct subcall make_scan_subcall(const struct subhistories *sweep, struct scan *scan,
                                        symbol_t symbol)
{
    const struct history_call *call = history_call(sweep->history, scan->call);
    struct subcall subcall = {
        .invoke_ns = call->invoke_ns,
        .return_ns = call->return_ns,
        .call = scan->call,
        .need = STATE_ABSENT,
        .effect = EFFECT_NOTHING,
    };
    if (scan->cursor < call->pair_count && call->pairs[scan->cursor].key == symbol) {
        subcall.need = call->pairs[scan->cursor++].value;
    }
    return subcall;
}

static void update_active_scans(struct subhistories *sweep, size_t rank)
{
    while (sweep->next_scan < sweep->scan_count && sweep->scans[sweep->next_scan].first <= rank) {
        sweep->active[sweep->active_count++] = sweep->next_scan++;
    }
    for (size_t i = 0; i < sweep->active_count;) {
        if (sweep->scans[sweep->active[i]].end <= rank) {
            sweep->active[i] = sweep->active[--sweep->active_count];
        } else {
            i++;
        }
    }
}

bool subhistories_next(struct subhistories *sweep, struct subhistory *subhistory)
{
    if (sweep->next_key == sweep->key_count) {
        return false;
    }
    size_t rank = sweep->next_key++;
    symbol_t key = sweep->keys[rank].symbol;
    update_active_scans(sweep, rank);
    size_t count = sweep->starts[rank + 1] - sweep->starts[rank];
    sweep->subcalls = memory_grow(sweep->subcalls, &sweep->subcall_capacity,
                                  count + sweep->active_count, sizeof(*sweep->subcalls));
    for (size_t i = 0; i < count; i++) {
        size_t call = sweep->calls[sweep->starts[rank] + i];
        sweep->subcalls[i] = make_subcall(history_call(sweep->history, call), call);
    }
    for (size_t i = 0; i < sweep->active_count; i++) {
        struct scan *scan = &sweep->scans[sweep->active[i]];
        sweep->subcalls[count++] = make_scan_subcall(sweep, scan, key);
    }
    *subhistory = (struct subhistory){key, sweep->subcalls, count};
    return true;
}
