#include "tools/monitor/screen.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/monitor/columns.h"
#include "tools/monitor/views.h"
#include "tools/monitor/words.h"

enum {
    VIEW_TOP = 4,   /* row where the view begins */
    PAGE_LINES = 10 /* of PgUp and PgDn */
};

static const uint64_t intervals_ms[] = {250, 500, 1000, 2000, 5000, 10000, 30000, 60000};
enum { INTERVALS = sizeof intervals_ms / sizeof intervals_ms[0] };

static const char *const titles[] = {
#define X(name, title) title,
    SCREEN_VIEWS(X)
#undef X
};

const char *screen_act_text(enum screen_act act)
{
    static const char *const texts[] = {
        [SCREEN_NOTHING] = "do nothing",
        [SCREEN_MOVE_LEADER] = "move leadership here",
        [SCREEN_STEP_DOWN] = "step down",
        [SCREEN_CHECKPOINT] = "begin a checkpoint",
    };
    return texts[act];
}

const struct picture_replica *screen_addressee(const struct screen *self, const struct watch *watch)
{
    const struct picture *picture = watch_picture(watch);
    for (size_t g = 0; picture != NULL && g < picture->group_count; g++) {
        const struct picture_group *group = &picture->groups[g];
        if (group->id != self->subject.group || self->subject.id >= group->replica_count)
            continue;
        if (self->order != SCREEN_MOVE_LEADER)
            return &group->replicas[self->subject.id];
        return group->has_leader ? &group->replicas[group->leader] : NULL;
    }
    return NULL;
}

void screen_init(struct screen *self, uint64_t interval_ms, bool may_act)
{
    *self = (struct screen){.interval_ms = interval_ms, .may_act = may_act};
    self->wishes[SCREEN_LATENCY].selected = 1; /* the first partition: managers have little to do */
}

/* --- keys ---------------------------------------------------------------------------------------
 */

static void show(struct screen *self, enum screen_view view)
{
    if (self->view != SCREEN_NODE && self->view != SCREEN_HELP)
        self->before = self->view;
    self->view = view;
}

static void go_back(struct screen *self)
{
    if (self->view == SCREEN_NODE || self->view == SCREEN_HELP)
        self->view = self->before;
    else
        self->wishes[self->view].filter[0] = '\0';
}

static void open_node(struct screen *self)
{
    if (!self->selected.known || self->view == SCREEN_NODE)
        return;
    self->subject = self->selected;
    self->wishes[SCREEN_NODE] = (struct table_wish){0};
    show(self, SCREEN_NODE);
}

static void change_interval(struct screen *self, bool shorter)
{
    int at = 0;
    while (at < INTERVALS - 1 && intervals_ms[at] < self->interval_ms)
        at++;
    if (shorter && at > 0)
        at--;
    else if (!shorter && at < INTERVALS - 1 && self->interval_ms >= intervals_ms[at])
        at++;
    self->interval_ms = intervals_ms[at];
}

/* The columns of a view that is a table, no column of any other. */
static const struct columns *columns_of(enum screen_view view)
{
    static const struct columns none;
    return view == SCREEN_OVERVIEW   ? &columns_of_groups
           : view == SCREEN_REPLICAS ? &columns_of_replicas
           : view == SCREEN_STORAGE  ? &columns_of_storage
           : view == SCREEN_CLIENTS  ? &columns_of_clients
                                     : &none;
}

static void sort_by(struct screen *self, bool next)
{
    struct table_wish *wish = &self->wishes[self->view];
    unsigned count = columns_of(self->view)->count;
    wish->sort = (wish->sort + (next ? 1 : count)) % (count + 1);
}

static void ask(struct screen *self, enum screen_question question)
{
    self->question = question;
    self->input[0] = '\0';
    if (question == SCREEN_FILTER)
        snprintf(self->input, sizeof self->input, "%s", self->wishes[self->view].filter);
}

static void begin_action(struct screen *self)
{
    if (!self->may_act) {
        snprintf(self->said, sizeof self->said,
                 "actions are off: start madkv-monitor with --allow-admin");
        return;
    }
    if (!self->selected.known)
        return;
    self->subject = self->selected;
    ask(self, SCREEN_ACTION);
}

static void move(struct screen *self, int by)
{
    struct table_wish *wish = &self->wishes[self->view];
    wish->selected =
        by > 0 && wish->selected > INT32_MAX / 2 ? wish->selected : wish->selected + by;
    if (wish->selected < 0)
        wish->selected = 0;
}

/* True if it was one of these. */
static bool press_movement(struct screen *self, int key)
{
    switch (key) {
    case SCREEN_KEY_UP:
    case 'k':
        move(self, -1);
        return true;
    case SCREEN_KEY_DOWN:
    case 'j':
        move(self, 1);
        return true;
    case SCREEN_KEY_PAGE_UP:
        move(self, -PAGE_LINES);
        return true;
    case SCREEN_KEY_PAGE_DOWN:
        move(self, PAGE_LINES);
        return true;
    case SCREEN_KEY_HOME:
        move(self, -INT32_MAX / 2);
        return true;
    case SCREEN_KEY_END:
        move(self, INT32_MAX / 2);
        return true;
    default:
        return false;
    }
}

static void press_command(struct screen *self, int key)
{
    if (key >= '1' && key < '1' + SCREEN_NODE)
        show(self, (enum screen_view)(key - '1'));
    else if (key == '\t')
        show(self, self->view >= SCREEN_CHAIN ? SCREEN_OVERVIEW : self->view + 1);
    else if (key == '?' || key == 'h')
        show(self, SCREEN_HELP);
    else if (key == 'q')
        self->quit = true;
    else if (key == SCREEN_KEY_ENTER)
        open_node(self);
    else if (key == SCREEN_KEY_ESCAPE || key == SCREEN_KEY_BACKSPACE)
        go_back(self);
    else if (key == 's' || key == SCREEN_KEY_RIGHT || key == SCREEN_KEY_LEFT)
        sort_by(self, key != SCREEN_KEY_LEFT);
    else if (key == 'S')
        self->wishes[self->view].sort = 0;
    else if (key == 'r')
        self->wishes[self->view].reversed = !self->wishes[self->view].reversed;
    else if (key == '/')
        ask(self, SCREEN_FILTER);
    else if (key == 'p')
        self->paused = !self->paused;
    else if (key == ' ')
        self->refresh = true;
    else if (key == '+' || key == '-')
        change_interval(self, key == '+');
    else if (key == 'a')
        begin_action(self);
}

/* --- what is typed in ---------------------------------------------------------------------------
 */

static void choose_action(struct screen *self)
{
    static const enum screen_act acts[] = {SCREEN_MOVE_LEADER, SCREEN_STEP_DOWN, SCREEN_CHECKPOINT};
    int number = self->input[0] - '1';
    self->question = SCREEN_NO_QUESTION;
    if (number < 0 || number > 2 || self->input[1] != '\0') {
        snprintf(self->said, sizeof self->said, "nothing done: '%s' is no action of 1 to 3",
                 self->input);
        return;
    }
    self->asked = acts[number];
    ask(self, SCREEN_CONFIRM);
}

static void confirm(struct screen *self)
{
    char name[PICTURE_NAME_BYTES];
    picture_node_name(self->subject.group, self->subject.id, name);
    self->question = SCREEN_NO_QUESTION;
    if (strcmp(self->input, name) == 0)
        self->order = self->asked;
    else
        snprintf(self->said, sizeof self->said, "nothing done: '%s' is not %s", self->input, name);
}

static void answer(struct screen *self)
{
    if (self->question == SCREEN_FILTER) {
        snprintf(self->wishes[self->view].filter, TABLE_FILTER_BYTES, "%.*s",
                 TABLE_FILTER_BYTES - 1, self->input);
        self->question = SCREEN_NO_QUESTION;
    } else if (self->question == SCREEN_ACTION) {
        choose_action(self);
    } else {
        confirm(self);
    }
}

static void press_into_question(struct screen *self, int key)
{
    size_t size = strlen(self->input);
    if (key == SCREEN_KEY_ENTER) {
        answer(self);
    } else if (key == SCREEN_KEY_ESCAPE) {
        if (self->question == SCREEN_FILTER)
            self->wishes[self->view].filter[0] = '\0';
        self->question = SCREEN_NO_QUESTION;
    } else if (key == SCREEN_KEY_BACKSPACE && size > 0) {
        self->input[size - 1] = '\0';
    } else if (key >= ' ' && key <= '~' && size + 1 < sizeof self->input) {
        self->input[size] = (char)key;
        self->input[size + 1] = '\0';
    }
}

void screen_press(struct screen *self, int key)
{
    self->said[0] = '\0';
    if (self->question != SCREEN_NO_QUESTION)
        press_into_question(self, key);
    else if (!press_movement(self, key))
        press_command(self, key);
}

/* --- drawing ------------------------------------------------------------------------------------
 */

static void draw_verdict(const struct watch *watch, struct grid *grid)
{
    const struct picture *picture = watch_picture(watch);
    char at[16];
    view_clock(watch_wall(watch), at);
    int column = grid_put(grid, 0, 0, picture->healthy ? GRID_GOOD : GRID_BAD,
                          picture->healthy ? "HEALTHY" : "NOT HEALTHY");
    grid_printf(grid, 0, column, GRID_PLAIN, ": %s",
                picture->healthy ? "every group has a leader, every replica is up"
                                 : picture->reason);
    grid_printf(grid, 0, grid->columns - (int)strlen(at) - 1, GRID_FAINT, " %s", at);
}

static void draw_summary(const struct screen *self, const struct watch *watch, struct grid *grid)
{
    const struct picture *picture = watch_picture(watch);
    unsigned replicas = 0, up = 0;
    char rate[WORDS_BYTES] = "-";
    bool managers = picture->group_count > 0 && picture->groups[0].id == WIRE_GROUP_MANAGERS;
    size_t partitions = picture->group_count - managers;
    struct watch_rate throughput = watch_throughput(watch, NULL);
    for (size_t g = 0; g < picture->group_count; g++) {
        replicas += picture->groups[g].replica_count;
        up += picture->groups[g].up_count;
    }
    if (throughput.known)
        words_rate(rate, throughput.value);
    grid_printf(grid, 1, 0, GRID_PLAIN,
                "cluster %08" PRIx64 "  %u of %u replicas up, %zu partition%s  %s op/s  every %g s",
                picture->cluster >> 32, up, replicas, partitions, partitions == 1 ? "" : "s", rate,
                (double)self->interval_ms / 1000);
}

static void draw_tabs(const struct screen *self, struct grid *grid)
{
    int column = 0;
    for (int view = 0; view < SCREEN_NODE; view++) {
        bool shown = (int)self->view == view;
        column = grid_printf(grid, 2, column, shown ? GRID_CHOSEN : GRID_FAINT,
                             shown ? "[%d %s]" : " %d %s ", view + 1, titles[view]);
    }
    column = 0;
    if (self->view >= SCREEN_NODE)
        column = grid_printf(grid, 3, 0, GRID_CHOSEN, "[%s] Esc leads back  ", titles[self->view]);
    const char *filter = self->wishes[self->view].filter;
    if (filter[0] != '\0')
        column = grid_printf(grid, 3, column, GRID_WARN, "only lines with '%s'  ", filter);
    unsigned sort = self->wishes[self->view].sort;
    if (sort > 0)
        column = grid_printf(grid, 3, column, GRID_FAINT, "by %s  ",
                             columns_of(self->view)->list[sort - 1].title);
    if (self->paused)
        grid_printf(grid, 3, column, GRID_WARN, "PAUSED (p goes on)");
}

static void draw_last_row(const struct screen *self, struct grid *grid)
{
    char name[PICTURE_NAME_BYTES];
    int row = grid->rows - 1;
    picture_node_name(self->subject.group, self->subject.id, name);
    if (self->question == SCREEN_FILTER)
        grid_printf(grid, row, 0, GRID_PLAIN, "only lines with: %s_", self->input);
    else if (self->question == SCREEN_ACTION)
        grid_printf(grid, row, 0, GRID_WARN,
                    "%s: 1 move leadership here, 2 step down, 3 checkpoint, Esc nothing: %s_", name,
                    self->input);
    else if (self->question == SCREEN_CONFIRM)
        grid_printf(grid, row, 0, GRID_WARN, "%s: type %s to %s, Esc for nothing: %s_", name, name,
                    screen_act_text(self->asked), self->input);
    else if (self->said[0] != '\0')
        grid_put(grid, row, 0, GRID_WARN, self->said);
    else
        grid_put(
            grid, row, 0, GRID_FAINT,
            "1-7 view  jk choose  Enter node  s sort  / filter  p pause  +- interval  ? help  q");
}

/* Rows for a table of replicas: all of them, or those of chains from head to tail. */
static size_t list_replicas(const struct picture *picture, bool chains, struct table_row *rows)
{
    size_t count = 0;
    for (size_t g = 0; g < picture->group_count; g++) {
        const struct picture_group *group = &picture->groups[g];
        size_t first = count;
        for (wire_replica r = 0; r < group->replica_count; r++) {
            struct table_row row = {.group = group, .replica = &group->replicas[r]};
            uint64_t place = columns_chain_place(row.replica).value;
            size_t at = count;
            if (chains && !columns_chain_place(row.replica).known)
                continue;
            for (; chains && at > first && columns_chain_place(rows[at - 1].replica).value > place;
                 at--)
                rows[at] = rows[at - 1];
            rows[at] = row;
            count++;
        }
    }
    return count;
}

static void draw_table(const struct view *view, const struct columns *columns)
{
    const struct picture *picture = watch_picture(view->watch);
    struct table_row *rows = wire_calloc(TABLE_ROWS_MAX, sizeof *rows);
    bool chains = view->screen->view == SCREEN_CHAIN;
    size_t count = list_replicas(picture, chains, rows);
    struct table table = {columns->list, columns->count, view->watch};
    if (chains && count == 0)
        grid_put(view->grid, view->top, 0, GRID_PLAIN, "no replica says that it is in a chain");
    const struct table_row *selected =
        chains && count == 0 ? NULL
                             : table_draw(&table, &view->screen->wishes[view->screen->view], rows,
                                          &count, view->grid, view->top, view->bottom);
    if (selected != NULL)
        view->screen->selected =
            (struct screen_target){true, selected->replica->group, selected->replica->id};
    free(rows);
}

static void draw_view(const struct view *view)
{
    view->screen->selected = (struct screen_target){0};
    switch (view->screen->view) {
    case SCREEN_REPLICAS:
        draw_table(view, &columns_of_replicas);
        break;
    case SCREEN_STORAGE:
        draw_table(view, &columns_of_storage);
        break;
    case SCREEN_CLIENTS:
        draw_table(view, &columns_of_clients);
        break;
    case SCREEN_CHAIN:
        draw_table(view, &columns_of_chain);
        break;
    case SCREEN_LATENCY:
        view_latency(view);
        break;
    case SCREEN_EVENTS:
        view_events(view);
        break;
    case SCREEN_NODE:
        view_node(view);
        break;
    case SCREEN_HELP:
        view_help(view);
        break;
    default:
        view_overview(view);
    }
}

void screen_draw(struct screen *self, const struct watch *watch, uint64_t waiting_ms,
                 struct grid *grid)
{
    char age[WORDS_BYTES];
    if (watch_picture(watch) == NULL) {
        grid_printf(grid, 0, 0, GRID_WARN, "asking the cluster since %s ...",
                    words_age(age, waiting_ms));
        return;
    }
    draw_verdict(watch, grid);
    if (grid->rows < SCREEN_ROWS_MIN || grid->columns < SCREEN_COLUMNS_MIN) {
        grid_printf(grid, 1, 0, GRID_WARN, "at least %dx%d for more", SCREEN_COLUMNS_MIN,
                    SCREEN_ROWS_MIN);
        return;
    }
    draw_summary(self, watch, grid);
    draw_tabs(self, grid);
    struct view view = {
        .watch = watch, .screen = self, .grid = grid, .top = VIEW_TOP, .bottom = grid->rows - 1};
    draw_view(&view);
    draw_last_row(self, grid);
}
