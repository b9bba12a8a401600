#include "wire/json.h"

#include <inttypes.h>
#include <stdio.h>

static void write_byte(struct json *self, char byte)
{
    wire_write_raw(self->out, span_of(&byte, 1));
}

static void separate(struct json *self)
{
    if (self->comma)
        write_byte(self, ',');
    self->comma = true;
}

static void write_escaped(struct json *self, uint8_t byte)
{
    char escape[8];
    if (byte == '"' || byte == '\\')
        write_byte(self, '\\');
    if (byte >= ' ' && byte < 0x7f) {
        write_byte(self, (char)byte);
        return;
    }
    snprintf(escape, sizeof escape, "\\u%04x", byte);
    wire_write_raw(self->out, span_text(escape));
}

static void write_quoted(struct json *self, struct span text)
{
    separate(self);
    write_byte(self, '"');
    for (size_t i = 0; i < text.size; i++)
        write_escaped(self, text.data[i]);
    write_byte(self, '"');
}

void json_open(struct json *self, char bracket)
{
    separate(self);
    write_byte(self, bracket);
    self->comma = false;
}

void json_close(struct json *self, char bracket)
{
    write_byte(self, bracket);
    self->comma = true;
}

void json_name(struct json *self, struct span name)
{
    write_quoted(self, name);
    write_byte(self, ':');
    self->comma = false;
}

void json_text(struct json *self, struct span text)
{
    write_quoted(self, text);
}

void json_utf8(struct json *self, struct span text)
{
    separate(self);
    write_byte(self, '"');
    for (size_t i = 0; i < text.size; i++) {
        if (text.data[i] >= 0x80)
            wire_write_raw(self->out, span_of(text.data + i, 1));
        else
            write_escaped(self, text.data[i]);
    }
    write_byte(self, '"');
}

/* The length of the character that begins there; 0: none does. */
static size_t character_at(struct span bytes)
{
    static const struct {
        uint8_t mask, mark; /* of the first byte */
        uint32_t least;     /* a smaller one has a shorter form */
    } forms[] = {{0x80, 0x00, 0}, {0xe0, 0xc0, 0x80}, {0xf0, 0xe0, 0x800}, {0xf8, 0xf0, 0x10000}};
    for (size_t size = 1; size <= 4 && size <= bytes.size; size++) {
        if ((bytes.data[0] & forms[size - 1].mask) != forms[size - 1].mark)
            continue;
        uint32_t code = bytes.data[0] & (uint8_t)~forms[size - 1].mask;
        for (size_t i = 1; i < size; i++) {
            if ((bytes.data[i] & 0xc0) != 0x80)
                return 0;
            code = code << 6 | (bytes.data[i] & 0x3f);
        }
        bool good =
            code >= forms[size - 1].least && code <= 0x10ffff && (code < 0xd800 || code > 0xdfff);
        return good ? size : 0;
    }
    return 0;
}

bool json_is_utf8(struct span bytes)
{
    while (bytes.size > 0) {
        size_t size = character_at(bytes);
        if (size == 0)
            return false;
        bytes = span_of(bytes.data + size, bytes.size - size);
    }
    return true;
}

void json_number(struct json *self, uint64_t number)
{
    char text[24];
    separate(self);
    snprintf(text, sizeof text, "%" PRIu64, number);
    wire_write_raw(self->out, span_text(text));
}

void json_bool(struct json *self, bool value)
{
    separate(self);
    wire_write_raw(self->out, span_text(value ? "true" : "false"));
}

void json_null(struct json *self)
{
    separate(self);
    wire_write_raw(self->out, span_text("null"));
}
