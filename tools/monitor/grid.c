#include "tools/monitor/grid.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void grid_init(struct grid *self, int rows, int columns, bool unicode)
{
    assert(rows >= 0 && columns >= 0);
    size_t count = (size_t)rows * (size_t)columns;
    *self = (struct grid){.rows = rows, .columns = columns, .unicode = unicode};
    self->cells = wire_calloc(count == 0 ? 1 : count, sizeof *self->cells);
    for (size_t i = 0; i < count; i++)
        self->cells[i].code = ' ';
}

void grid_free(struct grid *self)
{
    free(self->cells);
    *self = (struct grid){0};
}

static void set(struct grid *self, int row, int column, enum grid_mood mood, uint32_t code)
{
    if (row < 0 || row >= self->rows || column < 0 || column >= self->columns)
        return;
    self->cells[row * self->columns + column] = (struct grid_cell){code, (uint8_t)mood};
}

int grid_put(struct grid *self, int row, int column, enum grid_mood mood, const char *text)
{
    for (; *text != '\0'; text++, column++) {
        unsigned char c = (unsigned char)*text;
        set(self, row, column, mood, c >= ' ' && c <= '~' ? c : '?');
    }
    return column;
}

int grid_printf(struct grid *self, int row, int column, enum grid_mood mood, const char *format,
                ...)
{
    char text[512];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    return grid_put(self, row, column, mood, text);
}

void grid_mark(struct grid *self, int row, enum grid_mood mood)
{
    for (int column = 0; row >= 0 && row < self->rows && column < self->columns; column++) {
        struct grid_cell *cell = &self->cells[row * self->columns + column];
        if (cell->mood != GRID_BAD && cell->mood != GRID_WARN)
            cell->mood = (uint8_t)mood;
    }
}

void grid_bar(struct grid *self, int row, int column, int width, double share)
{
    double full = share * width + 0.5;
    for (int i = 0; i < width; i++)
        set(self, row, column + i, i + 1 <= full ? GRID_GOOD : GRID_FAINT,
            i + 1 <= full ? '#' : '.');
}

void grid_sparkline(struct grid *self, int row, int column, int width, const double *values,
                    int count)
{
    static const char levels[] = "_.-=+*#@";
    enum { TOP = sizeof levels - 2, LOWEST_BLOCK = 0x2581 };
    int shown = count < width ? count : width;
    double highest = 0;
    for (int i = count - shown; i < count; i++)
        highest = values[i] > highest ? values[i] : highest;
    for (int i = 0; i < shown; i++) {
        double share = highest > 0 ? values[count - shown + i] / highest : 0;
        int level = (int)(share * TOP + 0.5);
        set(self, row, column + width - shown + i, GRID_PLAIN,
            self->unicode ? (uint32_t)(LOWEST_BLOCK + level) : (uint32_t)levels[level]);
    }
}

char *grid_utf8(uint32_t code, char text[5])
{
    memset(text, 0, 5);
    if (code < 0x80) {
        text[0] = (char)code;
    } else { /* nothing outside the basic plane is ever drawn */
        text[0] = (char)(0xe0 | code >> 12);
        text[1] = (char)(0x80 | (code >> 6 & 0x3f));
        text[2] = (char)(0x80 | (code & 0x3f));
    }
    return text;
}

void grid_text(const struct grid *self, struct wire_writer *out)
{
    for (int row = 0; row < self->rows; row++) {
        const struct grid_cell *cells = &self->cells[row * self->columns];
        int end = self->columns;
        char text[5];
        while (end > 0 && cells[end - 1].code == ' ')
            end--;
        for (int column = 0; column < end; column++)
            wire_write_raw(out, span_text(grid_utf8(cells[column].code, text)));
        wire_write_raw(out, span_text("\n"));
    }
}
