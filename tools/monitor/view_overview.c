/* The overview: groups, what is wrong and what it means, throughput, the last events. */
#include "tools/monitor/views.h"

#include <stdio.h>
#include <string.h>

#include "tools/monitor/columns.h"
#include "tools/monitor/words.h"

char *view_clock(time_t at, char text[16])
{
    struct tm local;
    localtime_r(&at, &local);
    snprintf(text, 16, "%02d:%02d:%02d", local.tm_hour, local.tm_min, local.tm_sec);
    return text;
}

void view_consequence(const struct picture_group *group, char *text, size_t room)
{
    char name[PICTURE_NAME_BYTES] = "managers";
    if (group->id != WIRE_GROUP_MANAGERS)
        picture_group_name(group->id, name);
    if (group->majority_lost)
        snprintf(text, room, "%s: STOPPED, too few are up", name);
    else if (group->can_lose == 0)
        snprintf(text, room, "%s can lose 0 more: one more failure stops it", name);
    else
        snprintf(text, room, "%s can lose %u more", name, group->can_lose);
}

static int draw_groups(const struct view *view, int top, int bottom)
{
    struct table_row rows[WIRE_PARTITION_COUNT_MAX + 1] = {0};
    const struct picture *picture = watch_picture(view->watch);
    struct table table = {columns_of_groups.list, columns_of_groups.count, view->watch};
    struct table_wish *wish = &view->screen->wishes[SCREEN_OVERVIEW];
    size_t count = 0;
    for (size_t g = 0; g < picture->group_count && g <= WIRE_PARTITION_COUNT_MAX; g++)
        rows[count++].group = &picture->groups[g];
    const struct table_row *selected =
        table_draw(&table, wish, rows, &count, view->grid, top, bottom);
    if (selected != NULL) {
        const struct picture_replica *best = picture_best(selected->group);
        view->screen->selected = (struct screen_target){true, best->group, best->id};
    }
    int end = top + 1 + (int)count;
    return end < bottom ? end : bottom;
}

/* A line for each replica that is not simply up, with what that means for its group. */
static int draw_trouble(const struct view *view, int row, int bottom)
{
    const struct picture *picture = watch_picture(view->watch);
    int first = row;
    for (size_t g = 0; g < picture->group_count; g++) {
        const struct picture_group *group = &picture->groups[g];
        for (wire_replica r = 0; r < group->replica_count; r++) {
            char name[PICTURE_NAME_BYTES], state[TABLE_FIELD_BYTES], means[96];
            enum grid_mood mood = columns_state(view->watch, &group->replicas[r], state);
            if (mood == GRID_GOOD || row >= bottom)
                continue;
            view_consequence(group, means, sizeof means);
            int column = grid_printf(view->grid, row, 0, mood, "%-6s %-13s ",
                                     picture_node_name(group->id, r, name), state);
            grid_put(view->grid, row++, column, GRID_PLAIN, means);
        }
    }
    if (row == first && row < bottom)
        grid_put(view->grid, row++, 0, GRID_GOOD, "nothing is wrong: every replica is up");
    return row;
}

static int draw_throughput(const struct view *view, int row)
{
    enum { LABEL = 10, HIGHEST = 14 };
    int count;
    const double *values = watch_history(view->watch, &count);
    double highest = 0;
    char text[WORDS_BYTES];
    int width = view->grid->columns - LABEL - HIGHEST;
    if (width > WATCH_HISTORY)
        width = WATCH_HISTORY;
    for (int i = count > width ? count - width : 0; i < count; i++)
        highest = values[i] > highest ? values[i] : highest;
    grid_put(view->grid, row, 0, GRID_FAINT, "OP/S");
    grid_sparkline(view->grid, row, LABEL, width, values, count);
    grid_printf(view->grid, row, LABEL + width + 1, GRID_FAINT, "max %s",
                words_rate(text, highest));
    return row + 1;
}

static void draw_last_events(const struct view *view, int row)
{
    size_t count = watch_event_count(view->watch);
    int room = view->bottom - row;
    size_t first = count > (size_t)(room > 0 ? room : 0) ? count - (size_t)room : 0;
    for (size_t i = first; i < count && room > 0; i++) {
        const struct watch_event *event = watch_event(view->watch, i);
        char at[16];
        grid_printf(view->grid, row++, 0, GRID_PLAIN, "%s %-7s %-10s %s", view_clock(event->at, at),
                    event->node, event->kind, event->text);
    }
}

void view_overview(const struct view *view)
{
    enum { BELOW = 4 }; /* rows that are kept for what stands below the groups */
    int row = draw_groups(view, view->top, view->bottom - BELOW) + 1;
    row = draw_trouble(view, row, view->bottom - 2) + 1;
    if (row < view->bottom)
        row = draw_throughput(view, row) + 1;
    if (row < view->bottom)
        draw_last_events(view, row);
}
