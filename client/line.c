#include "client/line.h"

enum {
    FIELDS_MAX = 4, /* one more than any call has, to know that there are too many */
};

static bool is_white(uint8_t c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

/* --- lines ------------------------------------------------------------------------------------ */

static size_t split(struct span bytes, struct span fields[FIELDS_MAX])
{
    size_t count = 0;
    size_t at = 0;
    while (count < FIELDS_MAX) {
        while (at < bytes.size && is_white(bytes.data[at]))
            at++;
        if (at == bytes.size)
            break;
        size_t start = at;
        while (at < bytes.size && !is_white(bytes.data[at]))
            at++;
        fields[count++] = span_of(bytes.data + start, at - start);
    }
    return count;
}

/* What stands at the beginning of a line. */
static const struct word {
    const char *text;   /* the word itself */
    enum wire_kv_op op; /* its meaning; WIRE_KV_OPS: STOP */
    size_t fields;      /* with the word */
    const char *usage;  /* if the fields are not as many */
} WORDS[] = {
    {"PUT", WIRE_KV_PUT, 3, "PUT takes a key and a value"},
    {"SWAP", WIRE_KV_SWAP, 3, "SWAP takes a key and a value"},
    {"GET", WIRE_KV_GET, 2, "GET takes a key"},
    {"DELETE", WIRE_KV_DELETE, 2, "DELETE takes a key"},
    {"SCAN", WIRE_KV_SCAN, 3, "SCAN takes two keys"},
    {"STOP", WIRE_KV_OPS, 1, "STOP takes nothing"},
};

static const struct word *find_word(struct span field)
{
    for (size_t i = 0; i < sizeof WORDS / sizeof WORDS[0]; i++) {
        if (span_equal(field, span_text(WORDS[i].text)))
            return &WORDS[i];
    }
    return NULL;
}

static struct line error(const char *problem)
{
    return (struct line){.kind = LINE_ERROR, .problem = problem};
}

static struct line call_of(const struct word *word, const struct span *fields)
{
    struct line line = {.kind = LINE_CALL, .call.op = word->op, .call.key = fields[1]};
    if (word->fields > 2)
        line.call.value = fields[2];
    bool second_is_key = word->op == WIRE_KV_SCAN;
    if (line.call.key.size > WIRE_KEY_BYTES_MAX ||
        (second_is_key && line.call.value.size > WIRE_KEY_BYTES_MAX))
        return error("a key is longer than 511 bytes");
    if (line.call.value.size > WIRE_VALUE_BYTES_MAX)
        return error("the value is longer than 1 MiB");
    return line;
}

void line_raise_word(uint8_t *bytes, size_t size)
{
    size_t at = 0;
    while (at < size && is_white(bytes[at]))
        at++;
    for (; at < size && !is_white(bytes[at]); at++) {
        if (bytes[at] >= 'a' && bytes[at] <= 'z')
            bytes[at] = (uint8_t)(bytes[at] - 'a' + 'A');
    }
}

struct line line_parse(struct span bytes)
{
    struct span fields[FIELDS_MAX];
    size_t count = split(bytes, fields);
    if (bytes.size > 0 && memchr(bytes.data, 0, bytes.size) != NULL)
        return error("a NUL byte in the line");
    if (count == 0)
        return (struct line){.kind = LINE_EMPTY};
    const struct word *word = find_word(fields[0]);
    if (word == NULL)
        return error("no such call: expected PUT, SWAP, GET, DELETE, SCAN or STOP");
    if (count != word->fields)
        return error(word->usage);
    if (word->op == WIRE_KV_OPS)
        return (struct line){.kind = LINE_STOP};
    return call_of(word, fields);
}

/* --- gathering -------------------------------------------------------------------------------- */

static void take_text(struct line_reader *self, struct span text)
{
    if (self->too_long || text.size == 0)
        return;
    if (self->bytes.size + text.size > LINE_BYTES_MAX)
        self->too_long = true;
    else
        wire_write_raw(&self->bytes, text);
}

/* Takes one run, white or not, that begins at `at`; returns where it ends. */
static size_t take_run(struct line_reader *self, struct span input, size_t at)
{
    bool white = is_white(input.data[at]);
    size_t end = at;
    while (end < input.size && input.data[end] != '\n' && is_white(input.data[end]) == white)
        end++;
    if (!white)
        take_text(self, span_of(input.data + at, end - at));
    else if (!self->blank)
        take_text(self, span_text(" "));
    self->blank = white;
    self->started = true;
    return end;
}

bool line_reader_feed(struct line_reader *self, struct span *input)
{
    size_t at = 0;
    while (at < input->size && input->data[at] != '\n')
        at = take_run(self, *input, at);
    bool complete = at < input->size;
    at += complete;
    *input = span_of(input->data + at, input->size - at);
    return complete;
}

struct line line_reader_parse(const struct line_reader *self)
{
    if (self->too_long)
        return error("the line is longer than any call");
    return line_parse(wire_writer_span(&self->bytes));
}

void line_reader_next(struct line_reader *self)
{
    wire_writer_clear(&self->bytes);
    self->too_long = self->started = self->blank = false;
}

void line_reader_free(struct line_reader *self)
{
    wire_writer_free(&self->bytes);
    *self = (struct line_reader){0};
}
