#include "tools/monitor/table.h"

#include <assert.h>
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { COLUMNS_MAX = 16 };

bool table_holds(const char *text, const char *wanted)
{
    size_t size = strlen(wanted);
    for (; strlen(text) >= size; text++) {
        size_t same = 0;
        while (same < size &&
               tolower((unsigned char)text[same]) == tolower((unsigned char)wanted[same]))
            same++;
        if (same == size)
            return true;
    }
    return false;
}

static struct table_field field_of(const struct table *self, unsigned column,
                                   const struct table_row *row)
{
    struct table_field field = {.text = "-", .mood = GRID_PLAIN, .key = 0};
    self->columns[column].fill(self->watch, row, &field);
    return field;
}

/* --- which rows, in which order -----------------------------------------------------------------
 */

static bool row_holds(const struct table *self, const struct table_row *row, const char *wanted)
{
    for (unsigned i = 0; i < self->column_count; i++) {
        struct table_field field = field_of(self, i, row);
        if (table_holds(field.text, wanted))
            return true;
    }
    return false;
}

static size_t filter_rows(const struct table *self, const char *wanted, struct table_row *rows,
                          size_t count)
{
    size_t left = 0;
    for (size_t i = 0; i < count; i++) {
        if (wanted[0] == '\0' || row_holds(self, &rows[i], wanted))
            rows[left++] = rows[i];
    }
    return left;
}

struct keyed {
    double key;           /* of the column */
    size_t place;         /* as given */
    struct table_row row; /* what is sorted */
};

static int compare(const void *a, const void *b)
{
    const struct keyed *one = a, *other = b;
    if (one->key != other->key)
        return one->key > other->key ? -1 : 1; /* the largest first: the worst is on top */
    return one->place < other->place ? -1 : one->place > other->place;
}

static void sort_rows(const struct table *self, const struct table_wish *wish,
                      struct table_row *rows, size_t count)
{
    bool sorted = wish->sort > 0 && wish->sort <= self->column_count;
    struct keyed *keyed = wire_calloc(count == 0 ? 1 : count, sizeof *keyed);
    for (size_t i = 0; i < count; i++)
        keyed[i] = (struct keyed){
            .key = sorted ? field_of(self, wish->sort - 1, &rows[i]).key : 0,
            .place = i,
            .row = rows[i],
        };
    if (sorted)
        qsort(keyed, count, sizeof *keyed, compare);
    for (size_t i = 0; i < count; i++)
        rows[i] = keyed[wish->reversed ? count - 1 - i : i].row;
    free(keyed);
}

/* --- drawing ------------------------------------------------------------------------------------
 */

/* Leaves columns out, the least needed first, until the rest fits. */
static void choose_columns(const struct table *self, int width, bool shown[COLUMNS_MAX])
{
    assert(self->column_count <= COLUMNS_MAX);
    for (;;) {
        int wanted = -1;
        unsigned least = COLUMNS_MAX;
        for (unsigned i = 0; i < self->column_count; i++) {
            if (!shown[i])
                continue;
            wanted += self->columns[i].width + 1;
            if (self->columns[i].needed > 0 &&
                (least == COLUMNS_MAX || self->columns[i].needed >= self->columns[least].needed))
                least = i;
        }
        if (wanted <= width || least == COLUMNS_MAX)
            return;
        shown[least] = false;
    }
}

static void put_padded(struct grid *grid, int row, int column, const struct table_column *of,
                       const struct table_field *field)
{
    char padded[2 * TABLE_FIELD_BYTES];
    int width = of->width < TABLE_FIELD_BYTES ? of->width : TABLE_FIELD_BYTES;
    snprintf(padded, sizeof padded, "%*.*s", of->left ? -width : width, width, field->text);
    grid_put(grid, row, column, field->mood, padded);
}

static void draw_heading(const struct table *self, const struct table_wish *wish,
                         const bool shown[COLUMNS_MAX], struct grid *grid, int row)
{
    int column = 0;
    for (unsigned i = 0; i < self->column_count; i++) {
        if (!shown[i])
            continue;
        struct table_field field = {.mood = wish->sort == i + 1 ? GRID_PLAIN : GRID_FAINT};
        snprintf(field.text, sizeof field.text, "%s", self->columns[i].title);
        put_padded(grid, row, column, &self->columns[i], &field);
        column += self->columns[i].width + 1;
    }
}

static void draw_row(const struct table *self, const bool shown[COLUMNS_MAX],
                     const struct table_row *row, struct grid *grid, int at)
{
    int column = 0;
    for (unsigned i = 0; i < self->column_count; i++) {
        if (!shown[i])
            continue;
        struct table_field field = field_of(self, i, row);
        put_padded(grid, at, column, &self->columns[i], &field);
        column += self->columns[i].width + 1;
    }
}

/* The first row shown, so that the selected one is among them. */
static int first_row(int selected, int count, int room)
{
    int first = selected - room + 1;
    if (first < 0)
        first = 0;
    return first < count ? first : 0;
}

const struct table_row *table_draw(const struct table *self, struct table_wish *wish,
                                   struct table_row *rows, size_t *count, struct grid *grid,
                                   int top, int bottom)
{
    bool shown[COLUMNS_MAX];
    memset(shown, true, sizeof shown);
    choose_columns(self, grid->columns, shown);
    *count = filter_rows(self, wish->filter, rows, *count);
    sort_rows(self, wish, rows, *count);
    if (wish->selected >= (int)*count)
        wish->selected = (int)*count - 1;
    if (wish->selected < 0)
        wish->selected = 0;
    draw_heading(self, wish, shown, grid, top);
    int room = bottom - top - 1;
    int first = first_row(wish->selected, (int)*count, room);
    for (int i = first; i < (int)*count && i - first < room; i++) {
        draw_row(self, shown, &rows[i], grid, top + 1 + i - first);
        if (i == wish->selected)
            grid_mark(grid, top + 1 + i - first, GRID_CHOSEN);
    }
    return *count == 0 ? NULL : &rows[wish->selected];
}
