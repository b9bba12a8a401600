#include "tools/bench/property.h"

#include <stdlib.h>

#include "wire/pack.h"

static bool is_blank(uint8_t c)
{
    return c == ' ' || c == '\t' || c == '\f';
}

static bool is_end(uint8_t c)
{
    return c == '\n' || c == '\r';
}

static void skip_blanks(struct span *text)
{
    while (text->size > 0 && is_blank(text->data[0]))
        *text = span_of(text->data + 1, text->size - 1);
}

static uint8_t take(struct span *text)
{
    uint8_t c = text->data[0];
    *text = span_of(text->data + 1, text->size - 1);
    return c;
}

static void skip_line(struct span *text)
{
    while (text->size > 0 && !is_end(text->data[0]))
        take(text);
}

/* What a backslash stands before. A line end: the next line goes on, its indent dropped. */
static void take_escaped(struct span *text, struct wire_writer *out)
{
    static const char letters[] = "tnrf";
    static const char meanings[] = "\t\n\r\f";
    if (text->size == 0)
        return;
    uint8_t c = take(text);
    const char *letter = c == '\0' ? NULL : strchr(letters, c);
    if (is_end(c)) {
        if (c == '\r' && text->size > 0 && text->data[0] == '\n')
            take(text);
        skip_blanks(text);
    } else {
        const char *meant = letter == NULL ? (const char *)&c : meanings + (letter - letters);
        wire_write_raw(out, span_of(meant, 1));
    }
}

/* One word up to a line's end or, of a name, to what separates it from the value. */
static char *take_word(struct span *text, bool name)
{
    struct wire_writer word = {0};
    while (text->size > 0 && !is_end(text->data[0])) {
        uint8_t c = text->data[0];
        if (name && (is_blank(c) || c == '=' || c == ':'))
            break;
        take(text);
        if (c == '\\')
            take_escaped(text, &word);
        else if (c != '\0')
            wire_write_raw(&word, span_of(&c, 1));
    }
    /* Java keeps blanks at a value's end, and then fails on "1000 "; nobody means them. */
    while (word.size > 0 && !name && is_blank(word.data[word.size - 1]))
        word.size--;
    wire_write_raw(&word, span_of("", 1));
    return (char *)word.data;
}

static void take_property(struct ycsb_properties *self, struct span *text)
{
    struct ycsb_property property = {.name = take_word(text, true)};
    skip_blanks(text);
    if (text->size > 0 && (text->data[0] == '=' || text->data[0] == ':')) {
        take(text);
        skip_blanks(text);
    }
    property.value = take_word(text, false);
    self->items = wire_realloc(self->items, (self->count + 1) * sizeof *self->items);
    self->items[self->count++] = property;
}

void ycsb_properties_add(struct ycsb_properties *self, struct span text)
{
    while (text.size > 0) {
        skip_blanks(&text);
        if (text.size == 0)
            break;
        uint8_t c = text.data[0];
        if (is_end(c))
            take(&text);
        else if (c == '#' || c == '!')
            skip_line(&text);
        else
            take_property(self, &text);
    }
}

void ycsb_properties_free(struct ycsb_properties *self)
{
    for (size_t i = 0; i < self->count; i++) {
        free(self->items[i].name);
        free(self->items[i].value);
    }
    free(self->items);
    *self = (struct ycsb_properties){0};
}

const char *ycsb_properties_find(const struct ycsb_properties *self, const char *name)
{
    for (size_t i = self->count; i > 0; i--) {
        if (strcmp(self->items[i - 1].name, name) == 0)
            return self->items[i - 1].value;
    }
    return NULL;
}
