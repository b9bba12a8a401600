/* Explain: finding the first answer that has no order, and telling about it (see explain.h). */
#include "tools/check/explain.h"

#include <assert.h>
#include <inttypes.h>

#include "tools/check/memory.h"
#include "tools/check/search.h"
#include "tools/check/timeline.h"

/* How much to show. */
#define ORDER_SHOWN_MAX 12
#define ANSWERS_SHOWN_MAX 8

/* Other answers tried for a call that shows a value; each costs a search. */
#define ANSWERS_TRIED_MAX 24

/* The violation being explained. */
struct violation {
    const struct history *history;
    const struct subhistory *subhistory;
    size_t memo_size_max;   /* bytes for each search */
    size_t *by_return;      /* indices of the known calls in order of return */
    size_t known_count;     /* indices in by_return */
    size_t *return_ranks;   /* by index of call: its place in by_return; unknown ones SIZE_MAX */
    size_t culprit;         /* index of the call whose answer ends all orders */
    struct subcall *prefix; /* scratch: the calls as they stood at some time */
    size_t *prefix_calls;   /* by index in prefix: index of the call */
};

/* --- Bisection ------------------------------------------------------------------------------- */

struct known_return {
    uint64_t return_ns;
    size_t index;
};

static int compare_returns(const void *a, const void *b)
{
    const struct known_return *x = a;
    const struct known_return *y = b;
    if (x->return_ns != y->return_ns) {
        return x->return_ns < y->return_ns ? -1 : 1;
    }
    return (x->index > y->index) - (x->index < y->index);
}

static void sort_by_return(struct violation *violation)
{
    const struct subhistory *subhistory = violation->subhistory;
    size_t count = subhistory->call_count;
    struct known_return *returns = memory_resize(NULL, count, sizeof(*returns));
    violation->by_return = memory_resize(NULL, count, sizeof(*violation->by_return));
    violation->return_ranks = memory_resize(NULL, count, sizeof(*violation->return_ranks));
    for (size_t i = 0; i < count; i++) {
        violation->return_ranks[i] = SIZE_MAX;
        if (subhistory->calls[i].need != NEED_NOTHING) {
            returns[violation->known_count++] =
                (struct known_return){subhistory->calls[i].return_ns, i};
        }
    }
    qsort(returns, violation->known_count, sizeof(*returns), compare_returns);
    for (size_t rank = 0; rank < violation->known_count; rank++) {
        violation->by_return[rank] = returns[rank].index;
        violation->return_ranks[returns[rank].index] = rank;
    }
    free(returns);
}

/* Fills violation->prefix with the history as it stood after the first `returned` returns: calls
 * not yet invoked are absent, and those not yet returned have an unknown outcome. Returns how
 * many calls that is. */
static size_t make_prefix(struct violation *violation, size_t returned)
{
    const struct subcall *calls = violation->subhistory->calls;
    uint64_t now_ns = returned > 0 ? calls[violation->by_return[returned - 1]].return_ns : 0;
    size_t count = 0;
    for (size_t i = 0; i < violation->subhistory->call_count; i++) {
        bool open = violation->return_ranks[i] >= returned;
        if (calls[i].invoke_ns > now_ns || (open && calls[i].effect == EFFECT_NOTHING)) {
            continue;
        }
        violation->prefix[count] = calls[i];
        if (open) {
            violation->prefix[count].need = NEED_NOTHING;
            violation->prefix[count].return_ns = RETURN_NEVER;
        }
        violation->prefix_calls[count++] = i;
    }
    return count;
}

static enum search_verdict search_prefix(struct violation *violation, size_t returned)
{
    struct search_result result;
    search_run(violation->prefix, make_prefix(violation, returned), violation->memo_size_max,
               &result);
    free(result.order);
    return result.verdict;
}

/* Sets violation->culprit and returns how many calls returned before it. */
static size_t find_culprit(struct violation *violation)
{
    size_t good = 0;
    size_t bad = violation->known_count;
    while (bad - good > 1) {
        size_t middle = good + (bad - good) / 2;
        if (search_prefix(violation, middle) == SEARCH_NONE) {
            bad = middle;
        } else {
            good = middle;
        }
    }
    violation->culprit = violation->by_return[good];
    return good;
}

/* --- Telling --------------------------------------------------------------------------------- */

static void print_call(const struct violation *violation, size_t index, FILE *out)
{
    const struct subcall *subcall = &violation->subhistory->calls[index];
    char text[TIMELINE_TEXT_SIZE];
    fprintf(out, "client %" PRIu64 ": %s", history_call(violation->history, subcall->call)->client,
            timeline_describe(violation->history, violation->subhistory->key, subcall, text));
}

static void print_order(struct violation *violation, size_t returned, FILE *out)
{
    struct search_result result;
    search_run(violation->prefix, make_prefix(violation, returned), violation->memo_size_max,
               &result);
    if (result.verdict == SEARCH_FOUND && result.order_count > 0) {
        size_t first =
            result.order_count > ORDER_SHOWN_MAX ? result.order_count - ORDER_SHOWN_MAX : 0;
        fprintf(out, "\nUp to then an order of %zu calls explains all answers%s:\n",
                result.order_count, first > 0 ? "; it ends" : "");
        for (size_t i = first; i < result.order_count; i++) {
            size_t index = violation->prefix_calls[result.order[i]];
            fprintf(out, "  %8zu. ", i + 1);
            print_call(violation, index, out);
            fputs(violation->return_ranks[index] >= returned ? " (not returned then)\n" : "\n",
                  out);
        }
    }
    free(result.order);
}

/* Whether the prefix with `returned` returns, the last of them the culprit's, has an order if the
 * culprit's answer is replaced by one that needs `need`. */
static bool is_possible(struct violation *violation, size_t returned, uint32_t need)
{
    size_t count = make_prefix(violation, returned);
    for (size_t i = 0; i < count; i++) {
        if (violation->prefix_calls[i] == violation->culprit) {
            violation->prefix[i].need = need;
        }
    }
    struct search_result result;
    search_run(violation->prefix, count, violation->memo_size_max, &result);
    free(result.order);
    return result.verdict == SEARCH_FOUND;
}

/* What the key held, in terms of `need`, as a value or a word. */
static void print_answer(const struct violation *violation, uint32_t need, bool first, FILE *out)
{
    char text[60];
    const char *answer = need == NEED_PRESENT ? "some value" : text;
    if (need != NEED_PRESENT) {
        history_quote(symbols_text(history_symbols(violation->history), need), text, sizeof(text));
    }
    fprintf(out, "%s%s", first ? "" : ", ", answer);
}

/* A value that a call wrote, for sorting by how late that may have been. */
struct candidate {
    uint64_t invoke_ns;
    uint32_t effect;
};

static int compare_candidates(const void *a, const void *b)
{
    const struct candidate *x = a;
    const struct candidate *y = b;
    if (x->invoke_ns != y->invoke_ns) {
        return x->invoke_ns > y->invoke_ns ? -1 : 1;
    }
    return (x->effect > y->effect) - (x->effect < y->effect);
}

/* The latest invocation among the writes that had returned when the culprit was invoked: what a
 * call that returned before that wrote was overwritten. */
static uint64_t latest_overwrite(const struct violation *violation)
{
    const struct subhistory *subhistory = violation->subhistory;
    const struct subcall *culprit = &subhistory->calls[violation->culprit];
    uint64_t latest_ns = 0;
    for (size_t i = 0; i < subhistory->call_count; i++) {
        const struct subcall *subcall = &subhistory->calls[i];
        if (subcall->effect != EFFECT_NOTHING && subcall->return_ns < culprit->invoke_ns &&
            subcall->invoke_ns > latest_ns) {
            latest_ns = subcall->invoke_ns;
        }
    }
    return latest_ns;
}

/* The values written before the culprit returned and not clearly overwritten, the latest first,
 * with absence in front: every key begins with it. Owned by the caller. */
static struct candidate *collect_candidates(const struct violation *violation, size_t *count)
{
    const struct subhistory *subhistory = violation->subhistory;
    const struct subcall *culprit = &subhistory->calls[violation->culprit];
    struct candidate *candidates =
        memory_resize(NULL, subhistory->call_count + 1, sizeof(*candidates));
    uint64_t overwrite_ns = latest_overwrite(violation);
    size_t total = 0;
    candidates[total++] = (struct candidate){UINT64_MAX, STATE_ABSENT};
    for (size_t i = 0; i < subhistory->call_count; i++) {
        const struct subcall *subcall = &subhistory->calls[i];
        if (subcall != culprit && subcall->invoke_ns <= culprit->return_ns &&
            subcall->return_ns >= overwrite_ns && subcall->effect != EFFECT_NOTHING &&
            subcall->effect != STATE_ABSENT) {
            candidates[total++] = (struct candidate){subcall->invoke_ns, subcall->effect};
        }
    }
    qsort(candidates, total, sizeof(*candidates), compare_candidates);
    *count = total;
    return candidates;
}

static void print_possible_values(struct violation *violation, size_t returned, FILE *out)
{
    size_t count;
    struct candidate *candidates = collect_candidates(violation, &count);
    size_t tried = count < ANSWERS_TRIED_MAX ? count : ANSWERS_TRIED_MAX;
    size_t shown = 0;
    for (size_t i = 0; i < tried && shown < ANSWERS_SHOWN_MAX; i++) {
        bool repeated = false;
        for (size_t j = 0; j < i && !repeated; j++) {
            repeated = candidates[j].effect == candidates[i].effect;
        }
        if (!repeated && is_possible(violation, returned, candidates[i].effect)) {
            print_answer(violation, candidates[i].effect, shown == 0, out);
            shown++;
        }
    }
    if (shown == ANSWERS_SHOWN_MAX || tried < count) {
        fprintf(out, "%smaybe others", shown > 0 ? ", " : "");
    }
    free(candidates);
}

/* What the key can have held when the culprit took effect, in any order of the rest. */
static void print_possible(struct violation *violation, size_t returned, FILE *out)
{
    const struct subcall *culprit = &violation->subhistory->calls[violation->culprit];
    const struct history_call *call = history_call(violation->history, culprit->call);
    fprintf(out, "There the key can only have held: ");
    if (call->op == HISTORY_PUT || call->op == HISTORY_DELETE) {
        /* The one that is not ruled out by the answer being wrong. */
        print_answer(violation, call->found ? STATE_ABSENT : NEED_PRESENT, true, out);
    } else {
        print_possible_values(violation, returned, out);
    }
    fputs("\n", out);
}

static bool is_written(const struct violation *violation, uint32_t need)
{
    bool written = need == STATE_ABSENT || need == NEED_PRESENT;
    for (size_t i = 0; i < violation->subhistory->call_count && !written; i++) {
        written = violation->subhistory->calls[i].effect == need;
    }
    return written;
}

void explain_violation(const struct history *history, const struct subhistory *subhistory,
                       size_t memo_size_max, FILE *out)
{
    struct violation violation = {
        .history = history,
        .subhistory = subhistory,
        .memo_size_max = memo_size_max,
        .prefix = memory_resize(NULL, subhistory->call_count, sizeof(*violation.prefix)),
        .prefix_calls = memory_resize(NULL, subhistory->call_count, sizeof(size_t)),
    };
    sort_by_return(&violation);
    size_t returned = find_culprit(&violation);
    char key[120];
    history_quote(symbols_text(history_symbols(history), subhistory->key), key, sizeof(key));
    fprintf(out, "NOT linearizable: key %s, %zu calls\n\n", key, subhistory->call_count);
    fprintf(out,
            "The first %zu of %zu answers can be explained. With the next no order is left:\n  ",
            returned, violation.known_count);
    print_call(&violation, violation.culprit, out);
    fputs("\n", out);
    if (!is_written(&violation, subhistory->calls[violation.culprit].need)) {
        fputs("No call ever wrote that value.\n", out);
    }
    print_possible(&violation, returned + 1, out);
    print_order(&violation, returned, out);
    fputs("\nThe calls around it (> marks it):\n", out);
    timeline_draw(history, subhistory, violation.culprit, out);
    free(violation.by_return);
    free(violation.return_ranks);
    free(violation.prefix);
    free(violation.prefix_calls);
}

void explain_scan(const struct history *history, size_t index, FILE *out)
{
    const struct history_call *call = history_call(history, index);
    const struct symbols *symbols = history_symbols(history);
    char first[60];
    char last[60];
    history_quote(symbols_text(symbols, call->key), first, sizeof(first));
    history_quote(symbols_text(symbols, call->argument), last, sizeof(last));
    fprintf(out,
            "NOT linearizable: client %" PRIu64 ": SCAN %s %s, invoked at %" PRIu64
            " ns, returned keys that are not in ascending order inside its range:\n",
            call->client, first, last, call->invoke_ns);
    struct history_text previous = {NULL, 0};
    for (size_t i = 0; i < call->pair_count; i++) {
        struct history_text key = symbols_text(symbols, call->pairs[i].key);
        bool outside = history_text_compare(key, symbols_text(symbols, call->key)) < 0 ||
                       history_text_compare(key, symbols_text(symbols, call->argument)) > 0;
        bool unordered = previous.bytes != NULL && history_text_compare(previous, key) >= 0;
        if (outside || unordered) {
            fprintf(out, "  pair %zu: key %s is %s\n", i + 1,
                    history_quote(key, first, sizeof(first)),
                    outside ? "outside the range" : "not after the key before it");
        }
        previous = key;
    }
}
