/* A screen as a grid of cells: what every view draws into. Pure, so that a picture can be compared
 * as text; terminal.c puts it on a real screen.
 *
 *     row 0 is at the top, column 0 at the left; whatever falls outside is cut off
 *
 * A cell holds one character (a code point one column wide) and a mood, which is shown as a colour
 * or not at all: the words always say it, too. Control characters never get in. */
#ifndef MADKV_MONITOR_GRID_H
#define MADKV_MONITOR_GRID_H

#include "wire/pack.h"

/* What a cell means to say. */
enum grid_mood {
    GRID_PLAIN,
    GRID_GOOD,   /* all is well */
    GRID_WARN,   /* look at it */
    GRID_BAD,    /* something failed */
    GRID_FAINT,  /* headings, helps */
    GRID_CHOSEN, /* the line the keys act on */
    GRID_MOODS
};

struct grid_cell {
    uint32_t code; /* Unicode */
    uint8_t mood;  /* enum grid_mood */
};

struct grid {
    int rows;                /* height */
    int columns;             /* width */
    bool unicode;            /* block characters may be used; else ASCII only */
    struct grid_cell *cells; /* [row * columns + column]; owned */
};

/* A blank one. */
void grid_init(struct grid *self, int rows, int columns, bool unicode);
void grid_free(struct grid *self);

/* Writes from that cell on, bytes that are not printable ASCII as '?'. Returns the column behind.
 */
int grid_put(struct grid *self, int row, int column, enum grid_mood mood, const char *text);
int grid_printf(struct grid *self, int row, int column, enum grid_mood mood, const char *format,
                ...) __attribute__((format(printf, 5, 6)));
/* Gives a whole row a mood, but leaves cells that are WARN or BAD as they are. */
void grid_mark(struct grid *self, int row, enum grid_mood mood);
/* The share (0 to 1) of `width` cells is full: "####..". */
void grid_bar(struct grid *self, int row, int column, int width, double share);
/* Values as a row of columns of different height, the largest as high as can be; the last `width`
 * of them, the newest at the right. */
void grid_sparkline(struct grid *self, int row, int column, int width, const double *values,
                    int count);

/* Appends a line of UTF-8 per row, blanks at its end cut off. */
void grid_text(const struct grid *self, struct wire_writer *out);
/* The bytes of one code point, as UTF-8 with a NUL. */
char *grid_utf8(uint32_t code, char text[5]);

#endif
