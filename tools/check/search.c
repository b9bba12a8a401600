/* Search: depth first over the orders of the calls on one key (see search.h for the method and
 * search_setup.h for the form of the calls).
 *
 * A configuration is the set of calls placed and the value the key holds. The trail holds the calls
 * placed so far in their order; a frame holds how long the trail was, what the value was, and
 * which choice to try next. Going back to a frame undoes the trail down to that length. */
#include "tools/check/search.h"

#include <assert.h>
#include <string.h>

#include "tools/check/memo.h"
#include "tools/check/memory.h"
#include "tools/check/search_setup.h"

/* In the trail, an unknown call is its index with this bit set. */
#define TRAIL_UNKNOWN 0x80000000u

#define HELPER_NONE UINT32_MAX

/* One step: a known call, and the value that an unknown call must write for it just before. */
struct choice {
    uint32_t call;   /* known call */
    uint32_t helper; /* effect of the unknown call, or HELPER_NONE */
};

/* A configuration on the path, and how far its choices have been tried. */
struct frame {
    size_t trail_count; /* calls placed */
    uint32_t state;     /* the value */
    uint32_t node;      /* the invocation whose call is to be tried next */
    uint32_t attempt;   /* for that call, with helpers: how many were tried */
    bool helpers;       /* all calls were tried as they are, now with a helper */
};

struct search {
    struct search_setup setup; /* the calls; its list and counts are those still to be placed */
    uint32_t state;            /* number of the value the key holds */
    uint32_t *trail;           /* calls placed, in order */
    size_t trail_count;        /* at most known and unknown calls together */
    struct frame *frames;      /* path from the start to the present configuration */
    size_t frame_count;        /* at most known calls and one */
    uint64_t *placed;          /* bit set: known calls placed */
    uint64_t *used;            /* bit set: unknown calls placed */
    uint64_t *words;           /* scratch: a key for the memo */
    struct memo *memo;         /* configurations seen */
};

static size_t words_for(size_t bits)
{
    return bits / 64 + 1;
}

static void toggle_bit(uint64_t *bits, size_t index)
{
    bits[index / 64] ^= (uint64_t)1 << (index % 64);
}

/* --- Placing calls and taking them back ------------------------------------------------------ */

static void unlink_node(struct search_node *nodes, uint32_t node)
{
    nodes[nodes[node].previous].next = nodes[node].next;
    nodes[nodes[node].next].previous = nodes[node].previous;
}

/* Right only if every node unlinked after `node` has been linked again. */
static void relink_node(struct search_node *nodes, uint32_t node)
{
    nodes[nodes[node].previous].next = node;
    nodes[nodes[node].next].previous = node;
}

/* `sign` is 1 to count the call as still to be placed and -1 to count it as placed. */
static void count_call(struct search *search, const struct search_call *call, uint32_t sign)
{
    if (call->need != NEED_PRESENT) {
        search->setup.values[call->need].need_count += sign;
    }
    if (call->effect != EFFECT_NOTHING) {
        search->setup.values[call->effect].effect_count += sign;
    }
}

static void place_call(struct search *search, uint32_t index)
{
    const struct search_call *call = &search->setup.calls[index];
    unlink_node(search->setup.nodes, call->invoke_node);
    unlink_node(search->setup.nodes, call->return_node);
    count_call(search, call, UINT32_MAX);
    toggle_bit(search->placed, index);
    search->trail[search->trail_count++] = index;
    if (call->effect != EFFECT_NOTHING) {
        search->state = call->effect;
    }
}

static void place_unknown(struct search *search, uint32_t effect)
{
    struct search_value *value = &search->setup.values[effect];
    assert(value->unknown_first < value->unknown_end);
    uint32_t index = value->unknown_first++;
    value->effect_count--;
    toggle_bit(search->used, index);
    search->trail[search->trail_count++] = index | TRAIL_UNKNOWN;
    search->state = effect;
}

static void undo_last(struct search *search)
{
    uint32_t entry = search->trail[--search->trail_count];
    uint32_t index = entry & ~TRAIL_UNKNOWN;
    if (entry & TRAIL_UNKNOWN) {
        struct search_value *value = &search->setup.values[search->setup.unknowns[index].effect];
        value->unknown_first--;
        value->effect_count++;
        toggle_bit(search->used, index);
        return;
    }
    const struct search_call *call = &search->setup.calls[index];
    relink_node(search->setup.nodes, call->return_node);
    relink_node(search->setup.nodes, call->invoke_node);
    count_call(search, call, 1);
    toggle_bit(search->placed, index);
}

static void go_back(struct search *search, const struct frame *frame)
{
    while (search->trail_count > frame->trail_count) {
        undo_last(search);
    }
    search->state = frame->state;
}

/* --- What may come next ---------------------------------------------------------------------- */

static bool is_finished(const struct search *search)
{
    return search->setup.nodes[0].next == 0;
}

static bool satisfies(uint32_t state, uint32_t need)
{
    return need == NEED_PRESENT ? state != VALUE_ABSENT : state == need;
}

/* The call that returns first of those to be placed: nothing invoked later may come before it. */
static const struct search_call *first_return(const struct search *search)
{
    const struct search_node *nodes = search->setup.nodes;
    uint32_t node = nodes[0].next;
    while (!nodes[node].is_return) {
        node = nodes[node].next;
    }
    return &search->setup.calls[nodes[node].call];
}

/* Places every read that may come next and is right (point 1 in search.h). One pass is enough: the
 * state stays, and reads that become possible stand behind the return that was taken out. */
static void place_reads(struct search *search)
{
    const struct search_node *nodes = search->setup.nodes;
    uint32_t node = nodes[0].next;
    while (node != 0 && !nodes[node].is_return) {
        const struct search_call *call = &search->setup.calls[nodes[node].call];
        uint32_t next = nodes[node].next;
        if (call->effect == EFFECT_NOTHING && satisfies(search->state, call->need)) {
            place_call(search, nodes[node].call);
            next = next == call->return_node ? nodes[next].next : next;
        }
        node = next;
    }
}

/* Whether an unknown call that writes `value` may be placed now. */
static bool has_helper(const struct search *search, uint32_t value, uint64_t bound_ns)
{
    const struct search_value *entry = &search->setup.values[value];
    return entry->unknown_first < entry->unknown_end &&
           search->setup.unknowns[entry->unknown_first].invoke_ns <= bound_ns;
}

/* The next value, from `frame->attempt` on, that an unknown call may write so that `need` is
 * satisfied, which it is not now; or HELPER_NONE. */
static uint32_t next_helper(const struct search *search, struct frame *frame, uint32_t need,
                            uint64_t bound_ns)
{
    if (need != NEED_PRESENT) {
        bool first = frame->attempt++ == 0;
        return first && has_helper(search, need, bound_ns) ? need : HELPER_NONE;
    }
    /* A value that nothing will ask for, which is the first if it is one at all, is the best to use
     * up and makes the others needless: what comes after a call with this need does not see which
     * value it was. */
    while (frame->attempt < search->setup.helper_count) {
        uint32_t value = search->setup.helpers[frame->attempt++];
        if (has_helper(search, value, bound_ns)) {
            frame->attempt = value == VALUE_OTHER ? UINT32_MAX : frame->attempt;
            return value;
        }
    }
    return HELPER_NONE;
}

static bool next_plain_choice(const struct search *search, struct frame *frame,
                              struct choice *choice)
{
    const struct search_node *nodes = search->setup.nodes;
    while (!nodes[frame->node].is_return) {
        uint32_t index = nodes[frame->node].call;
        frame->node = nodes[frame->node].next;
        if (satisfies(search->state, search->setup.calls[index].need)) {
            *choice = (struct choice){index, HELPER_NONE};
            return true;
        }
    }
    return false;
}

static bool next_helped_choice(const struct search *search, struct frame *frame,
                               struct choice *choice)
{
    const struct search_node *nodes = search->setup.nodes;
    uint64_t bound_ns = first_return(search)->return_ns;
    for (; !nodes[frame->node].is_return; frame->node = nodes[frame->node].next) {
        uint32_t index = nodes[frame->node].call;
        uint32_t need = search->setup.calls[index].need;
        if (!satisfies(search->state, need)) {
            uint32_t helper = next_helper(search, frame, need, bound_ns);
            if (helper != HELPER_NONE) {
                *choice = (struct choice){index, helper};
                return true;
            }
        }
        frame->attempt = 0;
    }
    return false;
}

/* The next choice of the configuration that the search is in; false if there is no further one.
 * Calls of unknown outcome come last, since one that was used needlessly is missed much later. */
static bool next_choice(const struct search *search, struct frame *frame, struct choice *choice)
{
    if (!frame->helpers) {
        if (next_plain_choice(search, frame, choice)) {
            return true;
        }
        frame->helpers = true;
        frame->node = search->setup.nodes[0].next;
    }
    return next_helped_choice(search, frame, choice);
}

/* --- The search ------------------------------------------------------------------------------ */

/* Whether `value`, which has just been overwritten, is needed and gone (point 3 in search.h). */
static bool is_lost(const struct search *search, uint32_t value)
{
    const struct search_value *entry = &search->setup.values[value];
    return value != search->state && entry->need_count > 0 && entry->effect_count == 0;
}

/* Whether the value the key now holds was written too early (point 4 in search.h): it is not
 * written again, so all that need it come before all else; yet something else returns before the
 * last of them is invoked. */
static bool is_premature(const struct search *search)
{
    const struct search_value *entry = &search->setup.values[search->state];
    if (entry->effect_count > 0 || entry->need_count < entry->need_total) {
        return false;
    }
    const struct search_node *nodes = search->setup.nodes;
    for (uint32_t node = nodes[0].next; node != 0; node = nodes[node].next) {
        const struct search_call *call = &search->setup.calls[nodes[node].call];
        if (nodes[node].is_return && call->need != search->state) {
            return call->return_ns < entry->need_latest_ns;
        }
    }
    return false;
}

/* Takes the step `choice`; false if it leads nowhere. */
static bool take(struct search *search, struct choice choice)
{
    uint32_t before = search->state;
    uint32_t between = before;
    if (choice.helper != HELPER_NONE) {
        place_unknown(search, choice.helper);
        between = search->state;
    }
    place_call(search, choice.call);
    if (is_lost(search, before) || is_lost(search, between) || is_premature(search)) {
        return false;
    }
    place_reads(search);
    return true;
}

/* Adds the configuration to the memo. Calls below the first one to be placed are all placed and
 * calls invoked after the first return are all not, so the bits between say it all:
 *
 *     key [first call to be placed, state][placed ...]    spent [used ...] */
static enum memo_answer remember(struct search *search)
{
    uint32_t first = search->setup.nodes[search->setup.nodes[0].next].call;
    size_t begin = first / 64;
    size_t end = words_for(first_return(search)->invoked_count);
    size_t used_count = words_for(search->setup.unknown_count);
    while (used_count > 0 && search->used[used_count - 1] == 0) {
        used_count--;
    }
    search->words[0] = first | (uint64_t)search->state << 32;
    memcpy(&search->words[1], &search->placed[begin], (end - begin) * sizeof(uint64_t));
    struct memo_entry entry = {search->words, 1 + end - begin, search->used, used_count};
    return memo_add(search->memo, &entry);
}

static void push_frame(struct search *search)
{
    search->frames[search->frame_count++] = (struct frame){
        .trail_count = search->trail_count,
        .state = search->state,
        .node = search->setup.nodes[0].next,
    };
}

static enum search_verdict explore(struct search *search)
{
    place_reads(search);
    push_frame(search);
    while (!is_finished(search)) {
        struct frame *frame = &search->frames[search->frame_count - 1];
        struct choice choice;
        go_back(search, frame);
        if (!next_choice(search, frame, &choice)) {
            if (--search->frame_count == 0) {
                return SEARCH_NONE;
            }
            continue;
        }
        if (!take(search, choice) || is_finished(search)) {
            continue;
        }
        switch (remember(search)) {
        case MEMO_NEW:
            push_frame(search);
            break;
        case MEMO_SEEN:
            break;
        case MEMO_FULL:
            return SEARCH_GAVE_UP;
        }
    }
    return SEARCH_FOUND;
}

/* Whether some result names a value that no call wrote. */
static bool needs_unwritten(const struct search *search)
{
    for (size_t value = VALUE_NAMED; value < search->setup.value_count; value++) {
        if (search->setup.values[value].effect_count == 0) {
            return true;
        }
    }
    return false;
}

static void begin_search(struct search *search, const struct subcall *calls, size_t count,
                         size_t memo_size_max)
{
    *search = (struct search){.state = VALUE_ABSENT};
    search_setup_make(&search->setup, calls, count);
    size_t known = search->setup.call_count;
    size_t unknown = search->setup.unknown_count;
    search->trail = memory_resize(NULL, known + unknown, sizeof(*search->trail));
    search->frames = memory_resize(NULL, known + 1, sizeof(*search->frames));
    search->placed = memory_zeroed(words_for(known), sizeof(*search->placed));
    search->used = memory_zeroed(words_for(unknown), sizeof(*search->used));
    search->words = memory_resize(NULL, 1 + words_for(known), sizeof(*search->words));
    search->memo = memo_new(memo_size_max);
}

static void end_search(struct search *search)
{
    memo_free(&search->memo);
    free(search->trail);
    free(search->frames);
    free(search->placed);
    free(search->used);
    free(search->words);
    search_setup_clear(&search->setup);
}

static size_t *copy_order(const struct search *search)
{
    size_t *order = memory_resize(NULL, search->trail_count, sizeof(*order));
    for (size_t i = 0; i < search->trail_count; i++) {
        uint32_t index = search->trail[i] & ~TRAIL_UNKNOWN;
        order[i] = search->trail[i] & TRAIL_UNKNOWN ? search->setup.unknowns[index].subcall
                                                    : search->setup.calls[index].subcall;
    }
    return order;
}

void search_run(const struct subcall *calls, size_t count, size_t memo_size_max,
                struct search_result *result)
{
    struct search search;
    begin_search(&search, calls, count, memo_size_max);
    *result = (struct search_result){SEARCH_NONE, 0, NULL, 0};
    if (!needs_unwritten(&search)) {
        result->verdict = explore(&search);
    }
    result->configuration_count = memo_count(search.memo);
    if (result->verdict == SEARCH_FOUND) {
        result->order = copy_order(&search);
        result->order_count = search.trail_count;
    }
    end_search(&search);
}
