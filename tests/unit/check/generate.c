/* Generate: random histories (see generate.h).
 *
 * The linearizable ones come from a map, served one event at a time: an event is the invocation,
 * the effect or the return of some client's call, and time goes on by a random step with each. A
 * client whose call ends unknown goes on under a new number while the call may still take effect.
 */
#include "tests/unit/check/generate.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#define CLIENT_COUNT_MAX 64
#define KEY_COUNT_MAX 26
#define WORD_SIZE 16

enum phase { IDLE, INVOKED, APPLIED };

struct open_call {
    enum phase phase;
    size_t call;                  /* index in the history */
    enum history_op op;           /* what it is */
    unsigned key;                 /* its key, or the first key of a SCAN */
    unsigned last;                /* the last key of a SCAN */
    char argument[WORD_SIZE];     /* what it writes */
    struct history_record record; /* its outcome */
    char value[WORD_SIZE];        /* what record.value points at */
    char pairs[KEY_COUNT_MAX][2][WORD_SIZE];
    struct history_text texts[2 * KEY_COUNT_MAX];
};

struct world {
    struct generator *generator;
    struct history *history;
    uint64_t now_ns;
    uint64_t next_client;
    uint64_t next_value;
    unsigned made;
    char map[KEY_COUNT_MAX][WORD_SIZE]; /* by key; empty for no value */
    struct open_call open[CLIENT_COUNT_MAX];
    uint64_t clients[CLIENT_COUNT_MAX]; /* the number each goes by at present */
};

uint64_t generate_below(struct generator *generator, uint64_t bound)
{
    /* xorshift64*, Vigna 2016. */
    uint64_t x = generator->seed != 0 ? generator->seed : 1;
    x ^= x >> 12;
    x ^= x << 25;
    x ^= x >> 27;
    generator->seed = x;
    return (x * UINT64_C(2685821657736338717) >> 33) % bound;
}

static void make_key(char *out, unsigned key)
{
    out[0] = (char)('a' + key);
    out[1] = '\0';
}

static enum history_op random_op(struct generator *generator)
{
    static const enum history_op ops[] = {HISTORY_GET, HISTORY_GET,  HISTORY_GET,
                                          HISTORY_PUT, HISTORY_SWAP, HISTORY_DELETE};
    if (generate_below(generator, 100) < generator->scan_percent) {
        return HISTORY_SCAN;
    }
    return ops[generate_below(generator, sizeof(ops) / sizeof(ops[0]))];
}

static void make_value(struct world *world, char *out)
{
    uint64_t number = world->generator->value_count > 0
                          ? generate_below(world->generator, world->generator->value_count)
                          : world->next_value++;
    snprintf(out, WORD_SIZE, "v%llu", (unsigned long long)number);
}

static void invoke(struct world *world, unsigned client)
{
    struct open_call *open = &world->open[client];
    struct generator *generator = world->generator;
    char key[WORD_SIZE];
    *open = (struct open_call){.phase = INVOKED, .op = random_op(generator)};
    open->key = (unsigned)generate_below(generator, generator->key_count);
    open->last = (unsigned)generate_below(generator, generator->key_count);
    make_key(key, open->key);
    struct history_record record = {
        .client = world->clients[client],
        .invoke_ns = world->now_ns,
        .op = open->op,
        .key = history_text(key),
    };
    if (open->op == HISTORY_SCAN) {
        make_key(open->argument, open->last);
    } else if (open->op == HISTORY_PUT || open->op == HISTORY_SWAP) {
        make_value(world, open->argument);
    }
    record.argument = history_text(open->argument[0] != '\0' ? open->argument : NULL);
    open->call = history_begin(world->history, &record);
    world->made++;
}

static void scan(struct world *world, struct open_call *open)
{
    size_t count = 0;
    for (unsigned key = open->key; key <= open->last; key++) {
        if (world->map[key][0] != '\0') {
            make_key(open->pairs[count][0], key);
            strcpy(open->pairs[count][1], world->map[key]);
            open->texts[2 * count] = history_text(open->pairs[count][0]);
            open->texts[2 * count + 1] = history_text(open->pairs[count][1]);
            count++;
        }
    }
    open->record.pairs = open->texts;
    open->record.pair_count = count;
}

static void apply(struct world *world, struct open_call *open)
{
    char *held = world->map[open->key];
    open->phase = APPLIED;
    open->record.outcome = HISTORY_OK;
    open->record.found = held[0] != '\0';
    strcpy(open->value, held);
    open->record.value = history_text(held[0] != '\0' ? open->value : NULL);
    if (open->op == HISTORY_SCAN) {
        scan(world, open);
    } else if (open->op == HISTORY_DELETE) {
        held[0] = '\0';
    } else if (open->op != HISTORY_GET) {
        strcpy(held, open->argument);
    }
}

/* Ends the call without an answer: it took effect already or, if not, never will. */
static void lose(struct world *world, unsigned client)
{
    world->open[client].phase = IDLE;
    world->clients[client] = world->next_client++;
}

static void step(struct world *world)
{
    struct generator *generator = world->generator;
    unsigned client = (unsigned)generate_below(generator, generator->client_count);
    struct open_call *open = &world->open[client];
    world->now_ns += generate_below(generator, generator->time_step_max + 1);
    if (open->phase == IDLE) {
        if (world->made < generator->call_count) {
            invoke(world, client);
        }
    } else if (generate_below(generator, 200) < generator->unknown_percent) {
        lose(world, client);
    } else if (open->phase == INVOKED) {
        apply(world, open);
    } else {
        open->record.return_ns = world->now_ns;
        history_end(world->history, open->call, &open->record);
        open->phase = IDLE;
    }
}

static bool is_busy(const struct world *world)
{
    bool busy = world->made < world->generator->call_count;
    for (unsigned i = 0; i < world->generator->client_count; i++) {
        busy = busy || world->open[i].phase != IDLE;
    }
    return busy;
}

struct history *generate_linearizable(struct generator *generator)
{
    struct world *world = calloc(1, sizeof(*world));
    ck_assert_ptr_nonnull(world);
    ck_assert_uint_le(generator->client_count, CLIENT_COUNT_MAX);
    ck_assert_uint_le(generator->key_count, KEY_COUNT_MAX);
    world->generator = generator;
    world->history = history_new();
    for (unsigned i = 0; i < generator->client_count; i++) {
        world->clients[i] = world->next_client++;
    }
    while (is_busy(world)) {
        step(world);
    }
    struct history *history = world->history;
    free(world);
    return history;
}

/* --- Mutation -------------------------------------------------------------------------------- */

static struct history_text text_of(const struct history *history, symbol_t symbol)
{
    return symbols_text(history_symbols(history), symbol);
}

/* The argument of a random earlier write, or none. */
static struct history_text older_value(struct generator *generator, const struct history *history,
                                       size_t before)
{
    for (unsigned attempt = 0; attempt < 16 && before > 0; attempt++) {
        const struct history_call *call = history_call(history, generate_below(generator, before));
        if (call->op == HISTORY_PUT || call->op == HISTORY_SWAP) {
            return text_of(history, call->argument);
        }
    }
    return history_text(NULL);
}

static void mutate(struct generator *generator, const struct history *history, size_t index,
                   struct history_record *record)
{
    record->found = !record->found;
    record->value = older_value(generator, history, index);
    if (record->pair_count > 0) {
        record->pair_count--;
    }
}

static void copy_call(struct generator *generator, const struct history *history, size_t index,
                      bool mutated, struct history *copy)
{
    const struct history_call *call = history_call(history, index);
    struct history_text pairs[2 * KEY_COUNT_MAX];
    for (size_t i = 0; i < call->pair_count; i++) {
        pairs[2 * i] = text_of(history, call->pairs[i].key);
        pairs[2 * i + 1] = text_of(history, call->pairs[i].value);
    }
    struct history_record record = {
        .client = call->client,
        .invoke_ns = call->invoke_ns,
        .op = call->op,
        .key = text_of(history, call->key),
        .argument = text_of(history, call->argument),
        .outcome = call->outcome,
        .return_ns = call->return_ns,
        .found = call->found,
        .value = text_of(history, call->value),
        .pairs = pairs,
        .pair_count = call->pair_count,
    };
    if (mutated) {
        mutate(generator, history, index, &record);
    }
    history_append(copy, &record);
}

struct history *generate_mutated(struct generator *generator, const struct history *history)
{
    size_t count = history_count(history);
    size_t victim = generate_below(generator, count);
    for (size_t i = 0; i < count && history_call(history, victim)->outcome != HISTORY_OK; i++) {
        victim = (victim + 1) % count;
    }
    struct history *copy = history_new();
    for (size_t i = 0; i < count; i++) {
        copy_call(generator, history, i, i == victim, copy);
    }
    return copy;
}

struct history *generate_arbitrary(struct generator *generator)
{
    static const char *const values[] = {"v0", "v1", "v2", "v3"};
    struct history *history = history_new();
    for (unsigned i = 0; i < generator->call_count; i++) {
        struct history_record record = {.client = i, .op = random_op(generator)};
        record.key = history_text("a");
        record.invoke_ns = generate_below(generator, 4 * generator->time_step_max);
        record.return_ns =
            record.invoke_ns + generate_below(generator, 2 * generator->time_step_max);
        if (record.op == HISTORY_PUT || record.op == HISTORY_SWAP) {
            record.argument = history_text(values[generate_below(generator, 4)]);
        }
        bool unknown = generate_below(generator, 100) < generator->unknown_percent;
        record.outcome = unknown ? HISTORY_UNKNOWN : HISTORY_OK;
        record.found = generate_below(generator, 2) == 0;
        uint64_t choice = generate_below(generator, 6);
        record.value = history_text(choice < 4 ? values[choice] : NULL);
        history_append(history, &record);
    }
    return history;
}
