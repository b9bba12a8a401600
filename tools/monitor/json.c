#include "tools/monitor/json.h"

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
