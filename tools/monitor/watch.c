#include "tools/monitor/watch.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "tools/monitor/words.h"

#define SUSPECT_FOR (2500 * WIRE_MS) /* silent for less: perhaps only slow */

struct moment {
    struct picture *picture; /* NULL: none yet; owned */
    wire_time at;            /* when */
};

struct watch {
    struct moment moments[WATCH_KEPT];       /* ring, by count modulo size */
    uint64_t count;                          /* pictures ever taken */
    time_t wall;                             /* of the newest */
    struct watch_node *nodes;                /* every node ever seen; owned */
    size_t node_count;                       /* how many */
    struct watch_event events[WATCH_EVENTS]; /* ring, by number modulo size */
    uint64_t event_count;                    /* ever */
    double history[WATCH_HISTORY];           /* throughput, the newest last */
    int history_count;                       /* how many */
    char reason[PICTURE_REASON_BYTES];       /* of the picture before; empty: it was healthy */
};

struct watch *watch_new(void)
{
    return wire_calloc(1, sizeof(struct watch));
}

void watch_free(struct watch **watch)
{
    struct watch *self = *watch;
    *watch = NULL;
    if (self == NULL)
        return;
    for (int i = 0; i < WATCH_KEPT; i++)
        picture_free(&self->moments[i].picture);
    free(self->nodes);
    free(self);
}

/* --- looking back ----------------------------------------------------------------------------- */

/* The picture `back` before the newest; NULL: none that old is kept. */
static const struct moment *moment_before(const struct watch *self, uint64_t back)
{
    if (back >= self->count || back >= WATCH_KEPT)
        return NULL;
    return &self->moments[(self->count - 1 - back) % WATCH_KEPT];
}

const struct picture *watch_picture(const struct watch *self)
{
    const struct moment *newest = moment_before(self, 0);
    return newest == NULL ? NULL : newest->picture;
}

wire_time watch_taken_at(const struct watch *self)
{
    const struct moment *newest = moment_before(self, 0);
    return newest == NULL ? 0 : newest->at;
}

time_t watch_wall(const struct watch *self)
{
    return self->wall;
}

static const struct picture_replica *find_replica(const struct picture *picture, uint32_t group,
                                                  wire_replica id)
{
    for (size_t g = 0; g < picture->group_count; g++) {
        const struct picture_group *found = &picture->groups[g];
        if (found->id == group && id < found->replica_count)
            return &found->replicas[id];
    }
    return NULL;
}

/* The same process in an earlier picture; NULL: it was another one, or did not answer. */
static const struct picture_replica *same_before(const struct moment *before,
                                                 const struct picture_replica *replica)
{
    if (before == NULL || before->picture == NULL || replica->state != PICTURE_UP)
        return NULL;
    const struct picture_replica *found =
        find_replica(before->picture, replica->group, replica->id);
    bool same = found != NULL && found->state == PICTURE_UP && found->pid.known &&
                found->pid.value == replica->pid.value &&
                found->sender.start == replica->sender.start;
    return same ? found : NULL;
}

struct watch_rate watch_rate_of(const struct watch *self, const struct picture_replica *replica,
                                const char *name)
{
    const struct moment *newest = moment_before(self, 0), *last = moment_before(self, 1);
    const struct picture_replica *before = same_before(last, replica);
    if (before == NULL || newest->at <= last->at)
        return (struct watch_rate){0};
    struct picture_number now = picture_figure(replica, name), then = picture_figure(before, name);
    double seconds = (double)(newest->at - last->at) / (double)WIRE_SECOND;
    double grown = now.value > then.value ? (double)(now.value - then.value) : 0;
    return (struct watch_rate){.known = now.known, .value = grown / seconds};
}

/* --- calls ------------------------------------------------------------------------------------ */

/* Whether the figure is one of op.*SUFFIX. */
static bool is_of_calls(struct span name, const char *suffix)
{
    struct span end = span_text(suffix);
    return name.size > 3 + end.size && memcmp(name.data, "op.", 3) == 0 &&
           memcmp(name.data + name.size - end.size, end.data, end.size) == 0;
}

static uint64_t count_calls(const struct picture_replica *replica)
{
    struct wire_reader in = wire_reader_of(wire_writer_span(&replica->figures));
    struct wire_figure figure;
    uint64_t sum = 0;
    while (wire_figure_next(&in, &figure)) {
        if (!figure.is_text && is_of_calls(figure.name, "_us_count"))
            sum += figure.number;
    }
    return sum;
}

static struct watch_rate group_throughput(const struct watch *self,
                                          const struct picture_group *group)
{
    const struct moment *newest = moment_before(self, 0), *last = moment_before(self, 1);
    struct watch_rate rate = {0};
    for (wire_replica r = 0; r < group->replica_count; r++) {
        const struct picture_replica *before = same_before(last, &group->replicas[r]);
        if (before == NULL || newest->at <= last->at)
            continue;
        uint64_t now = count_calls(&group->replicas[r]), then = count_calls(before);
        rate.known = true;
        rate.value += now > then ? (double)(now - then) : 0;
    }
    if (rate.known)
        rate.value /= (double)(newest->at - last->at) / (double)WIRE_SECOND;
    return rate;
}

struct watch_rate watch_throughput(const struct watch *self, const struct picture_group *group)
{
    const struct picture *picture = watch_picture(self);
    struct watch_rate sum = {0};
    if (group != NULL)
        return group_throughput(self, group);
    for (size_t g = 0; picture != NULL && g < picture->group_count; g++) {
        if (picture->groups[g].id == WIRE_GROUP_MANAGERS)
            continue;
        struct watch_rate one = group_throughput(self, &picture->groups[g]);
        sum.known |= one.known;
        sum.value += one.value;
    }
    return sum;
}

const double *watch_history(const struct watch *self, int *count)
{
    *count = self->history_count;
    return self->history;
}

static void add_history(struct watch *self)
{
    struct watch_rate rate = watch_throughput(self, NULL);
    if (!rate.known)
        return;
    if (self->history_count == WATCH_HISTORY)
        memmove(self->history, self->history + 1, (WATCH_HISTORY - 1) * sizeof self->history[0]);
    else
        self->history_count++;
    self->history[self->history_count - 1] = rate.value;
}

/* --- latencies -------------------------------------------------------------------------------- */

static bool text_figure(const struct picture_replica *replica, struct span name, struct span *text)
{
    struct wire_reader in = wire_reader_of(wire_writer_span(&replica->figures));
    struct wire_figure figure;
    while (wire_figure_next(&in, &figure)) {
        if (figure.is_text && span_equal(figure.name, name)) {
            *text = figure.text;
            return true;
        }
    }
    return false;
}

/* The oldest picture of the window in which the same process answered. */
static const struct picture_replica *window_begin(const struct watch *self,
                                                  const struct picture_replica *replica)
{
    const struct picture_replica *oldest = NULL;
    const struct moment *newest = moment_before(self, 0);
    for (uint64_t back = 1; back < WATCH_KEPT; back++) {
        const struct moment *moment = moment_before(self, back);
        if (moment == NULL || newest->at - moment->at > WATCH_WINDOW)
            break;
        const struct picture_replica *same = same_before(moment, replica);
        oldest = same != NULL ? same : oldest;
    }
    return oldest;
}

/* name: of the buckets. */
static void add_latency(const struct watch *self, const struct picture_replica *replica,
                        struct span name, struct buckets *out)
{
    struct span now, then;
    const struct picture_replica *before = window_begin(self, replica);
    if (before == NULL || !text_figure(replica, name, &now))
        return;
    if (buckets_add(out, now, 1) && text_figure(before, name, &then))
        buckets_add(out, then, -1);
}

void watch_latency(const struct watch *self, const struct picture_replica *replica,
                   const char *name, struct buckets *out)
{
    char full[WIRE_FIGURE_NAME_MAX + 1];
    snprintf(full, sizeof full, "%s_buckets", name);
    add_latency(self, replica, span_text(full), out);
}

void watch_calls(const struct watch *self, const struct picture_group *group, struct buckets *out)
{
    for (wire_replica r = 0; r < group->replica_count; r++) {
        const struct picture_replica *replica = &group->replicas[r];
        struct wire_reader in = wire_reader_of(wire_writer_span(&replica->figures));
        struct wire_figure figure;
        while (wire_figure_next(&in, &figure)) {
            if (figure.is_text && is_of_calls(figure.name, "_us_buckets"))
                add_latency(self, replica, figure.name, out);
        }
    }
}

/* --- events ----------------------------------------------------------------------------------- */

static struct watch_event *add_event(struct watch *self, time_t at, const char *node,
                                     const char *kind)
{
    struct watch_event *event = &self->events[self->event_count % WATCH_EVENTS];
    *event = (struct watch_event){.number = ++self->event_count, .at = at};
    snprintf(event->node, sizeof event->node, "%s", node);
    snprintf(event->kind, sizeof event->kind, "%s", kind);
    return event;
}

size_t watch_event_count(const struct watch *self)
{
    return self->event_count < WATCH_EVENTS ? (size_t)self->event_count : WATCH_EVENTS;
}

const struct watch_event *watch_event(const struct watch *self, size_t i)
{
    assert(i < watch_event_count(self));
    uint64_t first = self->event_count - watch_event_count(self);
    return &self->events[(first + i) % WATCH_EVENTS];
}

/* What a node's role has told so far; NULL: too many roles. */
static struct watch_told *told_by(struct watch_node *node, const char *role)
{
    for (int i = 0; i < WATCH_ROLES; i++) {
        struct watch_told *told = &node->told[i];
        if (told->role[0] == '\0')
            snprintf(told->role, sizeof told->role, "%s", role);
        if (strcmp(told->role, role) == 0)
            return told;
    }
    return NULL;
}

/* Whether the figure's name is event.<role>.<number> of an event that is news. */
static bool is_news(struct watch_node *node, struct span name)
{
    char text[WIRE_FIGURE_NAME_MAX + 1], role[16];
    uint64_t number;
    int end = 0;
    words_safe(text, sizeof text, name);
    if (sscanf(text, "event.%15[a-z].%" SCNu64 "%n", role, &number, &end) != 2 || text[end] != '\0')
        return false;
    struct watch_told *told = told_by(node, role);
    if (told == NULL || number <= told->number)
        return false;
    told->number = number;
    return true;
}

/* "<age_ms> <kind> <text>", from a node; anything else is left out. */
static void take_event(struct watch *self, const struct watch_node *node, struct span words)
{
    char line[WATCH_EVENT_TEXT + 64], kind[WATCH_KIND_BYTES], name[PICTURE_NAME_BYTES];
    uint64_t age_ms;
    int at = 0;
    words_safe(line, sizeof line, words);
    if (sscanf(line, "%" SCNu64 " %15[a-z] %n", &age_ms, kind, &at) != 2 || at == 0)
        return;
    picture_node_name(node->group, node->id, name);
    struct watch_event *event = add_event(self, self->wall - (time_t)(age_ms / 1000), name, kind);
    words_safe(event->text, sizeof event->text, span_text(line + at));
}

static void take_events(struct watch *self, struct watch_node *node,
                        const struct picture_replica *replica)
{
    struct wire_reader in = wire_reader_of(wire_writer_span(&replica->figures));
    struct wire_figure figure;
    while (wire_figure_next(&in, &figure)) {
        if (figure.is_text && is_news(node, figure.name))
            take_event(self, node, figure.text);
    }
}

/* The events that came with one picture, by time, whoever told them. */
static void sort_events(struct watch *self, uint64_t first)
{
    if (self->event_count - first > WATCH_EVENTS)
        first = self->event_count - WATCH_EVENTS;
    for (uint64_t i = first + 1; i < self->event_count; i++) {
        struct watch_event event = self->events[i % WATCH_EVENTS];
        uint64_t at = i;
        for (; at > first && self->events[(at - 1) % WATCH_EVENTS].at > event.at; at--)
            self->events[at % WATCH_EVENTS] = self->events[(at - 1) % WATCH_EVENTS];
        self->events[at % WATCH_EVENTS] = event;
    }
    for (uint64_t i = first; i < self->event_count; i++)
        self->events[i % WATCH_EVENTS].number = i + 1;
}

/* --- nodes ------------------------------------------------------------------------------------ */

const struct watch_node *watch_node(const struct watch *self, uint32_t group, wire_replica id)
{
    for (size_t i = 0; i < self->node_count; i++) {
        if (self->nodes[i].group == group && self->nodes[i].id == id)
            return &self->nodes[i];
    }
    return NULL;
}

uint64_t watch_since_ms(const struct watch *self, const struct picture_replica *replica)
{
    const struct watch_node *node = watch_node(self, replica->group, replica->id);
    return node == NULL ? 0 : (uint64_t)((watch_taken_at(self) - node->since) / WIRE_MS);
}

bool watch_is_suspect(const struct watch *self, const struct picture_replica *replica)
{
    const struct watch_node *node = watch_node(self, replica->group, replica->id);
    return replica->state == PICTURE_SILENT && node != NULL && node->answered != 0 &&
           watch_taken_at(self) - node->answered < SUSPECT_FOR;
}

static struct watch_node *make_node(struct watch *self, const struct picture_replica *replica,
                                    wire_time now)
{
    self->nodes = wire_realloc(self->nodes, (self->node_count + 1) * sizeof *self->nodes);
    struct watch_node *node = &self->nodes[self->node_count++];
    *node = (struct watch_node){
        .group = replica->group, .id = replica->id, .state = replica->state, .since = now};
    return node;
}

/* What an observer sees: it is gone, it is back, it is another process. */
static void note_change(struct watch *self, const struct watch_node *node,
                        const struct picture_replica *replica)
{
    char name[PICTURE_NAME_BYTES];
    picture_node_name(node->group, node->id, name);
    bool was_up = node->state == PICTURE_UP, is_up = replica->state == PICTURE_UP;
    if (was_up && !is_up)
        snprintf(add_event(self, self->wall, name, "down")->text, WATCH_EVENT_TEXT,
                 "answers no more (%s)", picture_state_text(replica->state));
    if (!was_up && is_up)
        snprintf(add_event(self, self->wall, name, "up")->text, WATCH_EVENT_TEXT,
                 node->answered == 0 ? "answers" : "answers again");
    if (is_up && node->pid != 0 && replica->pid.known && node->pid != replica->pid.value)
        snprintf(add_event(self, self->wall, name, "restart")->text, WATCH_EVENT_TEXT,
                 "runs anew as process %" PRIu64, replica->pid.value);
}

static void take_replica(struct watch *self, wire_time now, const struct picture_replica *replica)
{
    struct watch_node *node = (struct watch_node *)watch_node(self, replica->group, replica->id);
    if (node == NULL)
        node = make_node(self, replica, now);
    else
        note_change(self, node, replica);
    if (node->state != replica->state) {
        node->state = replica->state;
        node->since = now;
    }
    if (replica->state != PICTURE_UP)
        return;
    if (node->pid != replica->pid.value)
        memset(node->told, 0, sizeof node->told);
    node->pid = replica->pid.value;
    node->answered = now;
    take_events(self, node, replica);
}

static void note_health(struct watch *self, const struct picture *picture)
{
    if (self->count > 1 && strcmp(self->reason, picture->reason) != 0) {
        struct watch_event *event =
            add_event(self, self->wall, "cluster", picture->healthy ? "healthy" : "unhealthy");
        snprintf(event->text, sizeof event->text, "%s",
                 picture->healthy ? "every group has a leader, every replica is up"
                                  : picture->reason);
    }
    memcpy(self->reason, picture->reason, sizeof self->reason);
}

void watch_take(struct watch *self, wire_time now, time_t wall, struct picture *picture)
{
    struct moment *moment = &self->moments[self->count++ % WATCH_KEPT];
    uint64_t events_before = self->event_count;
    picture_free(&moment->picture);
    *moment = (struct moment){.picture = picture, .at = now};
    self->wall = wall;
    for (size_t g = 0; g < picture->group_count; g++) {
        for (wire_replica r = 0; r < picture->groups[g].replica_count; r++)
            take_replica(self, now, &picture->groups[g].replicas[r]);
    }
    note_health(self, picture);
    sort_events(self, events_before);
    add_history(self);
}
