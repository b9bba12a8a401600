/* History files: reading and writing the format drawn in history.h, encoder and decoder of each
 * field side by side.
 *
 * The file comes from outside, so nothing in it is trusted: a line that is not exactly a call is
 * reported with its number, what it held and what was expected, and ends the reading. */
#include "tools/check/history.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <string.h>

#include "tools/check/memory.h"

#define HEADER "# madkv-history 1"

enum field {
    FIELD_CLIENT,
    FIELD_INVOKE,
    FIELD_RETURN,
    FIELD_OP,
    FIELD_KEY,
    FIELD_ARGUMENT,
    FIELD_OUTCOME,
    FIELD_RESULT,
    FIELD_COUNT
};

static const char *const field_names[FIELD_COUNT] = {
    "client", "invoke_ns", "return_ns", "op", "key", "argument", "outcome", "result",
};

static const char *const op_names[HISTORY_OP_COUNT] = {"PUT", "SWAP", "GET", "DELETE", "SCAN"};

static const char *const outcome_names[HISTORY_OUTCOME_COUNT] = {"ok", "fail", "unknown"};

/* One line on its way to becoming a call. */
struct line {
    struct history_text fields[FIELD_COUNT]; /* pieces of the reader's buffer */
    struct history_record record;            /* what the fields say */
    struct history_text *pairs;              /* what record.pairs points at; owned */
    size_t pair_capacity;                    /* texts that fit in pairs */
    struct history_error *error;             /* where to say what is wrong */
};

const char *history_op_name(enum history_op op)
{
    assert(op < HISTORY_OP_COUNT);
    return op_names[op];
}

const char *history_outcome_name(enum history_outcome outcome)
{
    assert(outcome < HISTORY_OUTCOME_COUNT);
    return outcome_names[outcome];
}

/* Always returns false, so that a parser can return what this returns. */
static bool reject(struct line *line, enum field field, const char *expected)
{
    char given[80];
    history_quote(line->fields[field], given, sizeof(given));
    snprintf(line->error->message, sizeof(line->error->message), "%s is %s, expected %s",
             field_names[field], given, expected);
    return false;
}

static bool text_is(struct history_text text, const char *word)
{
    return text.size == strlen(word) && memcmp(text.bytes, word, text.size) == 0;
}

static bool text_is_token(struct history_text text)
{
    for (size_t i = 0; i < text.size; i++) {
        if (text.bytes[i] == '\0' || strchr(" \t\n\v\f\r", text.bytes[i]) != NULL) {
            return false;
        }
    }
    return text.size > 0;
}

static bool parse_number(struct history_text text, uint64_t *number)
{
    uint64_t value = 0;
    for (size_t i = 0; i < text.size; i++) {
        unsigned digit = (unsigned)(unsigned char)text.bytes[i] - '0';
        if (digit > 9 || value > (UINT64_MAX - digit) / 10) {
            return false;
        }
        value = value * 10 + digit;
    }
    *number = value;
    return text.size > 0;
}

/* Reads `-` as none and `=token` as the token. */
static bool parse_optional(struct history_text text, struct history_text *value)
{
    if (text_is(text, "-")) {
        *value = (struct history_text){NULL, 0};
        return true;
    }
    if (text.size == 0 || text.bytes[0] != '=') {
        return false;
    }
    *value = (struct history_text){text.bytes + 1, text.size - 1};
    return text_is_token(*value);
}

static void write_optional(FILE *out, struct history_text value)
{
    if (value.bytes == NULL) {
        fputc('-', out);
        return;
    }
    fputc('=', out);
    fwrite(value.bytes, 1, value.size, out);
}

static bool parse_client_and_times(struct line *line)
{
    struct history_record *record = &line->record;
    if (!parse_number(line->fields[FIELD_CLIENT], &record->client)) {
        return reject(line, FIELD_CLIENT, "a decimal number below 2^64");
    }
    if (!parse_number(line->fields[FIELD_INVOKE], &record->invoke_ns)) {
        return reject(line, FIELD_INVOKE, "a decimal number below 2^64");
    }
    if (record->outcome != HISTORY_OK) {
        return text_is(line->fields[FIELD_RETURN], "-") ||
               reject(line, FIELD_RETURN, "- because the outcome is not ok");
    }
    if (!parse_number(line->fields[FIELD_RETURN], &record->return_ns)) {
        return reject(line, FIELD_RETURN, "a decimal number because the outcome is ok");
    }
    return record->return_ns >= record->invoke_ns ||
           reject(line, FIELD_RETURN, "a time not before invoke_ns");
}

static bool parse_words(struct line *line)
{
    size_t op = 0;
    while (op < HISTORY_OP_COUNT && !text_is(line->fields[FIELD_OP], op_names[op])) {
        op++;
    }
    if (op == HISTORY_OP_COUNT) {
        return reject(line, FIELD_OP, "PUT, SWAP, GET, DELETE or SCAN");
    }
    size_t outcome = 0;
    while (outcome < HISTORY_OUTCOME_COUNT &&
           !text_is(line->fields[FIELD_OUTCOME], outcome_names[outcome])) {
        outcome++;
    }
    if (outcome == HISTORY_OUTCOME_COUNT) {
        return reject(line, FIELD_OUTCOME, "ok, fail or unknown");
    }
    line->record.op = (enum history_op)op;
    line->record.outcome = (enum history_outcome)outcome;
    return true;
}

static bool parse_key_and_argument(struct line *line)
{
    struct history_record *record = &line->record;
    record->key = line->fields[FIELD_KEY];
    if (!text_is_token(record->key)) {
        return reject(line, FIELD_KEY, "one byte or more without white space or NUL");
    }
    bool parsed = parse_optional(line->fields[FIELD_ARGUMENT], &record->argument);
    bool present = record->argument.bytes != NULL;
    if (record->op == HISTORY_GET || record->op == HISTORY_DELETE) {
        return (parsed && !present) || reject(line, FIELD_ARGUMENT, "- for GET and DELETE");
    }
    return (parsed && present) ||
           reject(line, FIELD_ARGUMENT,
                  record->op == HISTORY_SCAN ? "=last_key for SCAN" : "=value for PUT and SWAP");
}

/* Splits `key value key value ...` at single spaces into line->pairs. */
static bool parse_pairs(struct line *line, struct history_text rest)
{
    size_t count = 0;
    const char *end = rest.bytes + rest.size;
    for (const char *start = rest.bytes; start <= end;) {
        const char *space = memchr(start, ' ', (size_t)(end - start));
        const char *stop = space != NULL ? space : end;
        line->pairs =
            memory_grow(line->pairs, &line->pair_capacity, count + 1, sizeof(*line->pairs));
        line->pairs[count] = (struct history_text){start, (size_t)(stop - start)};
        if (!text_is_token(line->pairs[count])) {
            return false;
        }
        count++;
        start = stop + 1;
    }
    line->record.pairs = line->pairs;
    line->record.pair_count = count / 2;
    return count % 2 == 0;
}

static bool parse_scan_result(struct line *line)
{
    struct history_text result = line->fields[FIELD_RESULT];
    if (text_is(result, "-")) {
        return true;
    }
    if (result.size > 0 && result.bytes[0] == '=' &&
        parse_pairs(line, (struct history_text){result.bytes + 1, result.size - 1})) {
        return true;
    }
    return reject(line, FIELD_RESULT, "=key value key value ... or - for SCAN");
}

static bool parse_result(struct line *line)
{
    struct history_record *record = &line->record;
    struct history_text result = line->fields[FIELD_RESULT];
    if (record->outcome != HISTORY_OK) {
        return text_is(result, "-") ||
               reject(line, FIELD_RESULT, "- because the outcome is not ok");
    }
    switch (record->op) {
    case HISTORY_PUT:
    case HISTORY_DELETE:
        record->found = text_is(result, "found");
        return record->found || text_is(result, "not_found") ||
               reject(line, FIELD_RESULT, "found or not_found for PUT and DELETE");
    case HISTORY_GET:
    case HISTORY_SWAP:
        return parse_optional(result, &record->value) ||
               reject(line, FIELD_RESULT, "=value or - for GET and SWAP");
    case HISTORY_SCAN:
        return parse_scan_result(line);
    case HISTORY_OP_COUNT:
        break;
    }
    abort();
}

static bool split_fields(struct line *line, struct history_text text)
{
    size_t count = 0;
    const char *start = text.bytes;
    const char *end = text.bytes + text.size;
    for (const char *tab = start; tab != NULL && count < FIELD_COUNT; count++) {
        tab = memchr(start, '\t', (size_t)(end - start));
        const char *stop = tab != NULL && count + 1 < FIELD_COUNT ? tab : end;
        line->fields[count] = (struct history_text){start, (size_t)(stop - start)};
        start = stop + (stop < end);
    }
    if (count == FIELD_COUNT &&
        memchr(line->fields[FIELD_RESULT].bytes, '\t', line->fields[FIELD_RESULT].size) == NULL) {
        return true;
    }
    char given[80];
    snprintf(line->error->message, sizeof(line->error->message),
             "%s has %s than 8 fields, expected 8 with one tab between",
             history_quote(text, given, sizeof(given)), count < FIELD_COUNT ? "fewer" : "more");
    return false;
}

static bool parse_call(struct line *line, struct history_text text)
{
    line->record = (struct history_record){0};
    return split_fields(line, text) && parse_words(line) && parse_client_and_times(line) &&
           parse_key_and_argument(line) && parse_result(line);
}

/* `text` is the line with its newline, if it has one. */
static bool read_line(struct history *history, struct line *line, struct history_text text)
{
    struct history_error *error = line->error;
    bool ended = text.size > 0 && text.bytes[text.size - 1] == '\n';
    text.size -= ended;
    if (error->line == 1 && !text_is(text, HEADER)) {
        char given[80];
        snprintf(error->message, sizeof(error->message), "the file begins with %s, expected \"%s\"",
                 history_quote(text, given, sizeof(given)), HEADER);
        return false;
    }
    if (!ended) {
        snprintf(error->message, sizeof(error->message),
                 "the last line is cut short, expected a newline at its end");
        return false;
    }
    if (text.size > 0 && text.bytes[0] == '#') {
        return true;
    }
    if (!parse_call(line, text)) {
        return false;
    }
    history_append(history, &line->record);
    return true;
}

bool history_read(struct history *history, FILE *in, struct history_error *error)
{
    *error = (struct history_error){0};
    struct line line = {.error = error};
    char *buffer = NULL;
    size_t capacity = 0;
    bool good = true;
    while (good) {
        ssize_t size = getline(&buffer, &capacity, in);
        if (size < 0) {
            break;
        }
        error->line++;
        good = read_line(history, &line, (struct history_text){buffer, (size_t)size});
    }
    if (good && ferror(in)) {
        error->line = 0;
        snprintf(error->message, sizeof(error->message), "reading failed: %s", strerror(errno));
        good = false;
    } else if (good && error->line == 0) {
        snprintf(error->message, sizeof(error->message), "the file is empty, expected \"%s\"",
                 HEADER);
        good = false;
    }
    free(buffer);
    free(line.pairs);
    return good;
}

void history_write_header(FILE *out)
{
    fputs(HEADER "\n", out);
}

static void write_result(FILE *out, const struct history_record *record)
{
    if (record->outcome != HISTORY_OK) {
        fputc('-', out);
    } else if (record->op == HISTORY_PUT || record->op == HISTORY_DELETE) {
        fputs(record->found ? "found" : "not_found", out);
    } else if (record->op == HISTORY_SCAN) {
        fputs(record->pair_count > 0 ? "" : "-", out);
        for (size_t i = 0; i < 2 * record->pair_count; i++) {
            fputc(i > 0 ? ' ' : '=', out);
            fwrite(record->pairs[i].bytes, 1, record->pairs[i].size, out);
        }
    } else {
        write_optional(out, record->value);
    }
}

void history_write_record(FILE *out, const struct history_record *record)
{
    fprintf(out, "%" PRIu64 "\t%" PRIu64 "\t", record->client, record->invoke_ns);
    if (record->outcome == HISTORY_OK) {
        fprintf(out, "%" PRIu64, record->return_ns);
    } else {
        fputc('-', out);
    }
    fprintf(out, "\t%s\t", history_op_name(record->op));
    fwrite(record->key.bytes, 1, record->key.size, out);
    fputc('\t', out);
    write_optional(out, record->argument);
    fprintf(out, "\t%s\t", history_outcome_name(record->outcome));
    write_result(out, record);
    fputc('\n', out);
}

void history_write(const struct history *history, FILE *out)
{
    const struct symbols *symbols = history_symbols(history);
    struct history_text *pairs = NULL;
    size_t capacity = 0;
    history_write_header(out);
    for (size_t i = 0; i < history_count(history); i++) {
        const struct history_call *call = history_call(history, i);
        pairs = memory_grow(pairs, &capacity, 2 * call->pair_count, sizeof(*pairs));
        for (size_t j = 0; j < call->pair_count; j++) {
            pairs[2 * j] = symbols_text(symbols, call->pairs[j].key);
            pairs[2 * j + 1] = symbols_text(symbols, call->pairs[j].value);
        }
        struct history_record record = {
            .client = call->client,
            .invoke_ns = call->invoke_ns,
            .op = call->op,
            .key = symbols_text(symbols, call->key),
            .argument = symbols_text(symbols, call->argument),
            .outcome = call->outcome,
            .return_ns = call->return_ns,
            .found = call->found,
            .value = symbols_text(symbols, call->value),
            .pairs = pairs,
            .pair_count = call->pair_count,
        };
        history_write_record(out, &record);
    }
    free(pairs);
}
