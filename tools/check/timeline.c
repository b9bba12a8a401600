/* Timeline: choosing the calls worth showing, and drawing them (see timeline.h). */
#include "tools/check/timeline.h"

#include <inttypes.h>
#include <string.h>

#include "tools/check/memory.h"

/* Calls shown, at most, of each of the three kinds. */
#define OVERLAPPING_MAX 24
#define WRITERS_MAX 4
#define EARLIER_MAX 8

#define BAR_WIDTH 40

/* The drawing of one subhistory. */
struct timeline {
    const struct history *history;
    const struct subhistory *subhistory;
    const struct subcall *marked; /* the call that everything is relative to */
    const struct subcall **shown; /* the calls drawn, without repetition */
    size_t shown_count;
    uint64_t from_ns; /* what the left end of the bars stands for */
    uint64_t to_ns;   /* and the right end; after from_ns */
};

static struct history_text text_of(const struct history *history, symbol_t symbol)
{
    return symbols_text(history_symbols(history), symbol);
}

static const char *describe_result(const struct history *history, const struct history_call *call,
                                   const struct subcall *subcall, char *out, size_t out_size)
{
    if (subcall->need == NEED_NOTHING) {
        return "unknown";
    }
    if (call->op == HISTORY_PUT || call->op == HISTORY_DELETE) {
        return call->found ? "found" : "not_found";
    }
    return history_quote(text_of(history, subcall->need), out, out_size);
}

char *timeline_describe(const struct history *history, symbol_t key, const struct subcall *subcall,
                        char *out)
{
    const struct history_call *call = history_call(history, subcall->call);
    char first[40];
    char second[40];
    char result[60];
    const char *told = describe_result(history, call, subcall, result, sizeof(result));
    const char *name = history_op_name(call->op);
    history_quote(text_of(history, call->argument), second, sizeof(second));
    if (call->op == HISTORY_SCAN) {
        history_quote(text_of(history, call->key), first, sizeof(first));
        char at[40];
        history_quote(text_of(history, key), at, sizeof(at));
        snprintf(out, TIMELINE_TEXT_SIZE, "%s %s %s -> at %s %s", name, first, second, at, told);
    } else if (call->argument != SYMBOL_NONE) {
        snprintf(out, TIMELINE_TEXT_SIZE, "%s %s -> %s", name, second, told);
    } else {
        snprintf(out, TIMELINE_TEXT_SIZE, "%s -> %s", name, told);
    }
    return out;
}

static bool overlaps(const struct subcall *a, const struct subcall *b)
{
    return a->invoke_ns <= b->return_ns && b->invoke_ns <= a->return_ns;
}

/* An unknown call overlaps everything after it, and is of interest only near its invocation. */
static bool is_near(const struct subcall *subcall, const struct subcall *marked)
{
    return subcall->return_ns == RETURN_NEVER
               ? subcall->invoke_ns >= marked->invoke_ns && subcall->invoke_ns <= marked->return_ns
               : overlaps(subcall, marked);
}

static bool is_writer(const struct subcall *subcall, const struct subcall *marked)
{
    return subcall->effect == marked->need && subcall->invoke_ns <= marked->return_ns;
}

static bool is_earlier(const struct subcall *subcall, const struct subcall *marked)
{
    return subcall->invoke_ns < marked->invoke_ns;
}

/* By invocation, the latest first. */
static int compare_latest(const void *a, const void *b)
{
    const struct subcall *x = *(const struct subcall *const *)a;
    const struct subcall *y = *(const struct subcall *const *)b;
    if (x->invoke_ns != y->invoke_ns) {
        return x->invoke_ns > y->invoke_ns ? -1 : 1;
    }
    return (x > y) - (x < y);
}

/* Moves up to `max` calls that `belongs` is true of from `rest`, the latest first, to those shown.
 * Returns how many are left. */
static size_t choose(struct timeline *timeline, const struct subcall **rest, size_t rest_count,
                     bool (*belongs)(const struct subcall *, const struct subcall *), size_t max)
{
    size_t kept = 0;
    for (size_t i = 0; i < rest_count; i++) {
        if (max > 0 && belongs(rest[i], timeline->marked)) {
            timeline->shown[timeline->shown_count++] = rest[i];
            max--;
        } else {
            rest[kept++] = rest[i];
        }
    }
    return kept;
}

static void choose_shown(struct timeline *timeline)
{
    const struct subhistory *subhistory = timeline->subhistory;
    const struct subcall **rest = memory_resize(NULL, subhistory->call_count, sizeof(*rest));
    size_t count = 0;
    for (size_t i = 0; i < subhistory->call_count; i++) {
        if (&subhistory->calls[i] != timeline->marked) {
            rest[count++] = &subhistory->calls[i];
        }
    }
    qsort(rest, count, sizeof(*rest), compare_latest);
    timeline->shown[timeline->shown_count++] = timeline->marked;
    count = choose(timeline, rest, count, is_near, OVERLAPPING_MAX);
    count = choose(timeline, rest, count, is_writer, WRITERS_MAX);
    choose(timeline, rest, count, is_earlier, EARLIER_MAX);
    qsort(timeline->shown, timeline->shown_count, sizeof(*timeline->shown), compare_latest);
    free(rest);
}

/* The bars reach from the first invocation shown to a bit behind the marked return. Writers from
 * long ago are left out of the scale, or the rest would be squeezed into one column. */
static void choose_scale(struct timeline *timeline)
{
    const struct subcall *marked = timeline->marked;
    timeline->from_ns = marked->invoke_ns;
    for (size_t i = 0; i < timeline->shown_count; i++) {
        const struct subcall *subcall = timeline->shown[i];
        bool far = is_writer(subcall, marked) && !is_near(subcall, marked);
        if (!far && subcall->invoke_ns < timeline->from_ns) {
            timeline->from_ns = subcall->invoke_ns;
        }
    }
    timeline->to_ns = marked->return_ns + (marked->return_ns - timeline->from_ns) / 8;
    if (timeline->to_ns <= timeline->from_ns) {
        timeline->to_ns = timeline->from_ns + 1;
    }
}

static size_t column_of(const struct timeline *timeline, uint64_t time_ns)
{
    if (time_ns <= timeline->from_ns) {
        return 0;
    }
    if (time_ns >= timeline->to_ns) {
        return BAR_WIDTH - 1;
    }
    double share =
        (double)(time_ns - timeline->from_ns) / (double)(timeline->to_ns - timeline->from_ns);
    return (size_t)(share * (BAR_WIDTH - 1));
}

/* `[===]`, with `<` and `>` in place of a bracket for an end that lies outside. */
static void draw_bar(const struct timeline *timeline, const struct subcall *subcall, char *bar)
{
    memset(bar, ' ', BAR_WIDTH);
    bar[BAR_WIDTH] = '\0';
    if (subcall->return_ns < timeline->from_ns) {
        bar[0] = '<';
        return;
    }
    size_t first = column_of(timeline, subcall->invoke_ns);
    size_t last = column_of(timeline, subcall->return_ns);
    memset(bar + first, '=', last - first + 1);
    bar[last] = subcall->return_ns > timeline->to_ns ? '>' : ']';
    bar[first] = subcall->invoke_ns < timeline->from_ns ? '<' : first == last ? '|' : '[';
}

static void print_time(FILE *out, uint64_t time_ns, uint64_t zero_ns)
{
    if (time_ns == RETURN_NEVER) {
        fprintf(out, " %13s", "never");
        return;
    }
    bool before = time_ns < zero_ns;
    uint64_t distance_ns = before ? zero_ns - time_ns : time_ns - zero_ns;
    char text[40];
    snprintf(text, sizeof(text), "%s%" PRIu64 ".%03" PRIu64, before ? "-" : "", distance_ns / 1000,
             distance_ns % 1000);
    fprintf(out, " %13s", text);
}

static void draw_line(const struct timeline *timeline, const struct subcall *subcall, FILE *out)
{
    const struct history *history = timeline->history;
    char bar[BAR_WIDTH + 1];
    char text[TIMELINE_TEXT_SIZE];
    draw_bar(timeline, subcall, bar);
    fprintf(out, "%c %8" PRIu64, subcall == timeline->marked ? '>' : ' ',
            history_call(history, subcall->call)->client);
    print_time(out, subcall->invoke_ns, timeline->marked->invoke_ns);
    print_time(out, subcall->return_ns, timeline->marked->invoke_ns);
    fprintf(out, " |%s| %s\n", bar,
            timeline_describe(history, timeline->subhistory->key, subcall, text));
}

void timeline_draw(const struct history *history, const struct subhistory *subhistory,
                   size_t marked, FILE *out)
{
    struct timeline timeline = {history, subhistory, &subhistory->calls[marked], NULL, 0, 0, 0};
    timeline.shown = memory_resize(NULL, OVERLAPPING_MAX + WRITERS_MAX + EARLIER_MAX + 1,
                                   sizeof(*timeline.shown));
    choose_shown(&timeline);
    choose_scale(&timeline);
    fprintf(out, "  %8s %13s %13s  microseconds, 0 is where the marked call begins\n", "client",
            "from", "to");
    for (size_t i = timeline.shown_count; i > 0; i--) {
        draw_line(&timeline, timeline.shown[i - 1], out);
    }
    free(timeline.shown);
}
