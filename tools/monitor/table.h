/* Tables of nodes or groups: columns that a view lists, as many of them as the width has room for,
 * rows sorted, filtered and scrolled. Pure. */
#ifndef MADKV_MONITOR_TABLE_H
#define MADKV_MONITOR_TABLE_H

#include "tools/monitor/grid.h"
#include "tools/monitor/watch.h"

#define TABLE_FIELD_BYTES 48
#define TABLE_FILTER_BYTES 32
#define TABLE_ROWS_MAX (WIRE_SERVER_COUNT_MAX + WIRE_REPLICA_COUNT_MAX)

/* What a row is about. */
struct table_row {
    const struct picture_group *group;     /* a group ... */
    const struct picture_replica *replica; /* ... or one of its replicas, else NULL */
};

/* What one column says of one row. */
struct table_field {
    char text[TABLE_FIELD_BYTES]; /* as shown */
    enum grid_mood mood;          /* likewise */
    double key; /* by which rows are sorted; of equal ones the given order stays */
};

struct table_column {
    const char *title; /* the heading */
    int width;         /* characters */
    bool left;         /* texts begin at the left; else they end at the right */
    unsigned needed;   /* 0: always shown; of the others the highest goes first if room is short */
    void (*fill)(const struct watch *watch, const struct table_row *row,
                 struct table_field *field); /* the field comes empty */
};

/* What the user asked of a table. */
struct table_wish {
    unsigned sort;                   /* 0: as given; else the column, from 1 */
    bool reversed;                   /* the other way round */
    char filter[TABLE_FILTER_BYTES]; /* rows that do not hold it are left out; empty: none is */
    int selected; /* row the keys act on, from 0; corrected if there is none such */
};

struct table {
    const struct table_column *columns; /* all of them */
    unsigned column_count;              /* at most 16 */
    const struct watch *watch;          /* whom the fields are about */
};

/* Draws heading and rows into the rows of the grid from `top` to before `bottom`. rows: sorted and
 * filtered in place; *count too. Returns the row that is selected, NULL if there is none. */
const struct table_row *table_draw(const struct table *self, struct table_wish *wish,
                                   struct table_row *rows, size_t *count, struct grid *grid,
                                   int top, int bottom);

/* Whether `text` holds `wanted`, whatever the case of letters. */
bool table_holds(const char *text, const char *wanted);

#endif
