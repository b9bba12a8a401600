/* Views that are lists of lines: events, one node, help. */
#include "tools/monitor/views.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "tools/monitor/columns.h"
#include "tools/monitor/words.h"

/* --- events -------------------------------------------------------------------------------------
 */

static bool event_holds(const struct watch_event *event, const char *wanted)
{
    return wanted[0] == '\0' || table_holds(event->node, wanted) ||
           table_holds(event->kind, wanted) || table_holds(event->text, wanted);
}

static enum grid_mood event_mood(const struct watch_event *event)
{
    static const char *const bad[] = {"alarm", "down", "unhealthy"};
    static const char *const warn[] = {"suspicion", "refusal", "restart"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        if (strcmp(event->kind, bad[i]) == 0)
            return GRID_BAD;
    }
    for (size_t i = 0; i < sizeof warn / sizeof warn[0]; i++) {
        if (strcmp(event->kind, warn[i]) == 0)
            return GRID_WARN;
    }
    return GRID_PLAIN;
}

/* Newest at the top; the selection scrolls. */
void view_events(const struct view *view)
{
    struct table_wish *wish = &view->screen->wishes[SCREEN_EVENTS];
    int row = view->top, skipped = 0, shown = 0;
    grid_put(view->grid, row++, 0, GRID_FAINT, "TIME     NODE    KIND       WHAT");
    for (size_t i = watch_event_count(view->watch); i-- > 0;) {
        const struct watch_event *event = watch_event(view->watch, i);
        char at[16];
        if (!event_holds(event, wish->filter))
            continue;
        if (skipped++ < wish->selected)
            continue;
        if (row >= view->bottom)
            break;
        shown++;
        grid_printf(view->grid, row++, 0, event_mood(event), "%s %-7s %-10s %s",
                    view_clock(event->at, at), event->node, event->kind, event->text);
    }
    if (shown == 0 && wish->selected > 0)
        wish->selected = skipped > 0 ? skipped - 1 : 0;
}

/* --- a node -------------------------------------------------------------------------------------
 */

static const struct picture_replica *find_subject(const struct view *view,
                                                  const struct picture_group **group)
{
    const struct picture *picture = watch_picture(view->watch);
    const struct screen_target *subject = &view->screen->subject;
    for (size_t g = 0; g < picture->group_count; g++) {
        *group = &picture->groups[g];
        if ((*group)->id == subject->group && subject->id < (*group)->replica_count)
            return &(*group)->replicas[subject->id];
    }
    return NULL;
}

static void print_figure(const struct wire_figure *figure, char *line, size_t room)
{
    char name[WIRE_FIGURE_NAME_MAX + 1], text[WIRE_FIGURE_TEXT_MAX + 1];
    words_safe(name, sizeof name, figure->name);
    if (figure->is_text)
        snprintf(line, room, "%-38s %s", name, words_safe(text, sizeof text, figure->text));
    else
        snprintf(line, room, "%-38s %" PRIu64, name, figure->number);
}

/* All it says of itself, from the selection on. */
static void draw_figures(const struct view *view, const struct picture_replica *replica, int row)
{
    struct table_wish *wish = &view->screen->wishes[SCREEN_NODE];
    struct wire_reader in = wire_reader_of(wire_writer_span(&replica->figures));
    struct wire_figure figure;
    int skipped = 0;
    while (wire_figure_next(&in, &figure) && row < view->bottom) {
        char line[WIRE_FIGURE_TEXT_MAX + WIRE_FIGURE_NAME_MAX + 8];
        print_figure(&figure, line, sizeof line);
        if (!table_holds(line, wish->filter) || skipped++ < wish->selected)
            continue;
        grid_put(view->grid, row++, 0, GRID_PLAIN, line);
    }
}

void view_node(const struct view *view)
{
    const struct picture_group *group;
    const struct picture_replica *replica = find_subject(view, &group);
    char state[TABLE_FIELD_BYTES], name[PICTURE_NAME_BYTES], means[96], address[64];
    if (replica == NULL)
        return;
    view->screen->selected = (struct screen_target){true, replica->group, replica->id};
    enum grid_mood mood = columns_state(view->watch, replica, state);
    const char *role = picture_role_text(replica->role);
    int column = grid_printf(view->grid, view->top, 0, mood, "%s %s",
                             picture_node_name(replica->group, replica->id, name), state);
    words_safe(address, sizeof address, span_text(replica->address));
    grid_printf(view->grid, view->top, column + 2, GRID_PLAIN, "%s  at %s  pid %" PRIu64,
                role == NULL ? "no role known" : role, address, replica->pid.value);
    view_consequence(group, means, sizeof means);
    grid_put(view->grid, view->top + 1, 0, GRID_PLAIN, means);
    draw_figures(view, replica, view->top + 3);
}

/* --- help ---------------------------------------------------------------------------------------
 */

void view_help(const struct view *view)
{
    static const char *const lines[] = {
        "1..7, Tab      the views: 1 overview, 2 replicas, 3 latency, 4 storage, ...",
        "up, down, j k  choose a line; PgUp, PgDn, Home, End",
        "Enter          all figures of the chosen node; Esc leads back",
        "s, left right  sort by the next column; S: back to the given order; r: reverse",
        "/              show only lines that hold a text; Enter keeps it, Esc drops it",
        "p              pause and go on      space: a new picture now",
        "+ -            a shorter, a longer interval",
        "a              act on the chosen node (only with --allow-admin)",
        "? q            this help; leave",
        "",
        "CAN LOSE       replicas that may still fail before the group stops",
        "LAG            slots that a replica has not applied and its group has chosen",
        "LEASE          of a leader: how long it may still answer reads alone;",
        "               of others: how long they have promised to help nobody else",
        "QUEUE          calls and slots that wait inside the replica",
        "FSYNC99        99 of 100 commits to the log in the last 10 s took at most that",
        "P50 P99        of calls, from their coming in to their answer, in the last 10 s",
        "CKPT           since the last checkpoint of this process; UNSAVED: slots since",
        "INDOUBT        calls whose leader was deposed before their answer was known",
    };
    int row = view->top;
    for (size_t i = 0; i < sizeof lines / sizeof lines[0] && row < view->bottom; i++)
        grid_put(view->grid, row++, 0, GRID_PLAIN, lines[i]);
}
