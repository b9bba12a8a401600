#include "wire/figures.h"

#include <stdio.h>

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
