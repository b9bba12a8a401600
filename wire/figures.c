#include "wire/figures.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum {
    EVENT_BYTES = 200 /* of an event's text with its NUL */
};

void wire_figure_number(struct wire_writer *out, const char *name, uint64_t number)
{
    wire_write_array(out, 2);
    wire_write_bin(out, span_text(name));
    wire_write_uint(out, number);
}

void wire_figure_number_of(struct wire_writer *out, const char *prefix, const char *name,
                           uint64_t number)
{
    char full[WIRE_FIGURE_NAME_MAX + 1];
    snprintf(full, sizeof full, "%s.%s", prefix, name);
    wire_figure_number(out, full, number);
}

void wire_figure_text(struct wire_writer *out, const char *name, const char *text)
{
    wire_write_array(out, 2);
    wire_write_bin(out, span_text(name));
    wire_write_bin(out, span_text(text));
}

/* The text with what stands for %b and %n, cut where it does not fit. */
static void print_event(const struct wire_figure_event *event, char *line, size_t room)
{
    size_t size = strlen(line);
    for (const char *text = event->text; *text != '\0' && size + 1 < room; text++) {
        char piece[48] = {*text};
        bool stands_for = *text == '%' && text[1] != '\0';
        text += stands_for;
        if (stands_for && *text == 'b')
            snprintf(piece, sizeof piece, "%" PRIu64 ".%u", event->ballot.round,
                     event->ballot.replica);
        else if (stands_for)
            snprintf(piece, sizeof piece, "%" PRIu64, event->detail);
        int added = snprintf(line + size, room - size, "%s", piece);
        size += (size_t)added;
    }
}

void wire_figure_event(struct wire_writer *out, const char *role, uint64_t number,
                       const struct wire_figure_event *event)
{
    char name[WIRE_FIGURE_NAME_MAX + 1], line[EVENT_BYTES];
    wire_time age = event->age > 0 ? event->age / WIRE_MS : 0;
    snprintf(name, sizeof name, "event.%s.%" PRIu64, role, number);
    snprintf(line, sizeof line, "%" PRId64 " %s ", age, event->kind);
    print_event(event, line, sizeof line);
    wire_figure_text(out, name, line);
}

bool wire_figure_next(struct wire_reader *in, struct wire_figure *figure)
{
    if (!wire_read_more(in))
        return false;
    *figure = (struct wire_figure){0};
    wire_read_array_of(in, 2);
    figure->name = wire_read_bin(in, WIRE_FIGURE_NAME_MAX);
    /* bin formats are 0xc4 to 0xc6; anything else has to be a number. */
    if (wire_read_more(in) && *in->at >= 0xc4 && *in->at <= 0xc6) {
        figure->is_text = true;
        figure->text = wire_read_bin(in, WIRE_FIGURE_TEXT_MAX);
    } else {
        figure->number = wire_read_uint(in, UINT64_MAX);
    }
    return !in->bad;
}
