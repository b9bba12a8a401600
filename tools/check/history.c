/* History: the calls in memory (see history.h; history_file.c reads and writes the file). */
#include "tools/check/history.h"

#include <assert.h>
#include <string.h>

#include "tools/check/memory.h"

struct history {
    struct history_call *calls; /* in order of appending */
    size_t call_count;          /* calls in use */
    size_t call_capacity;       /* of calls */
    struct symbols *symbols;    /* every key and value in calls */
};

struct history_text history_text(const char *string)
{
    return (struct history_text){string, string != NULL ? strlen(string) : 0};
}

struct history *history_new(void)
{
    struct history *history = memory_zeroed(1, sizeof(*history));
    history->symbols = symbols_new();
    return history;
}

void history_free(struct history **history)
{
    if (*history == NULL) {
        return;
    }
    for (size_t i = 0; i < (*history)->call_count; i++) {
        free((*history)->calls[i].pairs);
    }
    free((*history)->calls);
    symbols_free(&(*history)->symbols);
    free(*history);
    *history = NULL;
}

static bool op_takes_argument(enum history_op op)
{
    return op == HISTORY_PUT || op == HISTORY_SWAP || op == HISTORY_SCAN;
}

size_t history_begin(struct history *history, const struct history_record *record)
{
    assert(record->op < HISTORY_OP_COUNT);
    assert(record->key.bytes != NULL);
    assert((record->argument.bytes != NULL) == op_takes_argument(record->op));
    history->calls = memory_grow(history->calls, &history->call_capacity, history->call_count + 1,
                                 sizeof(*history->calls));
    history->calls[history->call_count] = (struct history_call){
        .client = record->client,
        .invoke_ns = record->invoke_ns,
        .op = record->op,
        .outcome = HISTORY_UNKNOWN,
        .key = symbols_intern(history->symbols, record->key),
        .argument = symbols_intern(history->symbols, record->argument),
        .value = SYMBOL_NONE,
    };
    return history->call_count++;
}

static void end_scan(struct history *history, struct history_call *call,
                     const struct history_record *record)
{
    if (record->pair_count == 0) {
        return;
    }
    call->pairs = memory_resize(NULL, record->pair_count, sizeof(*call->pairs));
    call->pair_count = record->pair_count;
    for (size_t i = 0; i < record->pair_count; i++) {
        assert(record->pairs[2 * i].bytes != NULL && record->pairs[2 * i + 1].bytes != NULL);
        call->pairs[i].key = symbols_intern(history->symbols, record->pairs[2 * i]);
        call->pairs[i].value = symbols_intern(history->symbols, record->pairs[2 * i + 1]);
    }
}

void history_end(struct history *history, size_t index, const struct history_record *record)
{
    assert(index < history->call_count);
    struct history_call *call = &history->calls[index];
    assert(call->outcome == HISTORY_UNKNOWN);
    assert(record->outcome < HISTORY_OUTCOME_COUNT);
    call->outcome = record->outcome;
    if (record->outcome != HISTORY_OK) {
        return;
    }
    assert(record->return_ns >= call->invoke_ns);
    call->return_ns = record->return_ns;
    switch (call->op) {
    case HISTORY_PUT:
    case HISTORY_DELETE:
        call->found = record->found;
        break;
    case HISTORY_GET:
    case HISTORY_SWAP:
        call->value = symbols_intern(history->symbols, record->value);
        break;
    case HISTORY_SCAN:
        end_scan(history, call, record);
        break;
    case HISTORY_OP_COUNT:
        abort();
    }
}

size_t history_append(struct history *history, const struct history_record *record)
{
    size_t call = history_begin(history, record);
    history_end(history, call, record);
    return call;
}

size_t history_count(const struct history *history)
{
    return history->call_count;
}

const struct history_call *history_call(const struct history *history, size_t index)
{
    assert(index < history->call_count);
    return &history->calls[index];
}

const struct symbols *history_symbols(const struct history *history)
{
    return history->symbols;
}

char *history_quote(struct history_text text, char *out, size_t out_size)
{
    assert(out_size >= 8);
    if (text.bytes == NULL) {
        return strcpy(out, "none");
    }
    /* Room is always kept for the longest ending: `..."` and the terminator. */
    size_t limit = out_size - 5;
    size_t size = 0;
    out[size++] = '"';
    for (size_t i = 0; i < text.size; i++) {
        unsigned char byte = (unsigned char)text.bytes[i];
        bool plain = byte >= 0x20 && byte < 0x7f && byte != '"' && byte != '\\';
        if (size + (plain ? 1 : 4) > limit) {
            memcpy(out + size, "...", 3);
            size += 3;
            break;
        }
        if (plain) {
            out[size++] = (char)byte;
        } else {
            size += (size_t)snprintf(out + size, 5, "\\x%02x", byte);
        }
    }
    memcpy(out + size, "\"", 2);
    return out;
}
