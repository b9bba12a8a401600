/* A line a picture, and a line an event. */
#include "tools/monitor/render.h"

#include <inttypes.h>
#include <stdio.h>

#include "tools/monitor/views.h"
#include "tools/monitor/words.h"

static void add(struct wire_writer *out, const char *text)
{
    wire_write_raw(out, span_text(text));
}

void render_stat_heading(struct wire_writer *out)
{
    add(out, "TIME      OP/S    P50    P99   LAG UP     LOSE LEADERS       HEALTH\n");
}

/* The fewest further failures that some group can take; -1: one has stopped. */
static int fewest(const struct picture *picture)
{
    int least = WIRE_REPLICA_COUNT_MAX;
    for (size_t g = 0; g < picture->group_count; g++) {
        const struct picture_group *group = &picture->groups[g];
        int lose = group->majority_lost ? -1 : (int)group->can_lose;
        least = lose < least ? lose : least;
    }
    return least;
}

/* "m.0 s0.1 s1.2", cut at a dozen characters. */
static void leaders(const struct picture *picture, char *text, size_t room)
{
    size_t size = 0;
    text[0] = '\0';
    for (size_t g = 0; g < picture->group_count && size + 1 < room; g++) {
        const struct picture_group *group = &picture->groups[g];
        char name[PICTURE_NAME_BYTES] = "none";
        if (group->has_leader)
            picture_node_name(group->id, group->leader, name);
        size += (size_t)snprintf(text + size, room - size, "%s%s", g == 0 ? "" : " ", name);
    }
}

void render_stat(const struct watch *watch, struct wire_writer *out)
{
    const struct picture *picture = watch_picture(watch);
    struct buckets calls = {0};
    struct picture_number lag = {0};
    unsigned up = 0, replicas = 0;
    char line[320], at[16], rate[WORDS_BYTES] = "-", p50[WORDS_BYTES], p99[WORDS_BYTES],
                            behind[WORDS_BYTES], who[14], ups[16], lose[8];
    struct watch_rate throughput = watch_throughput(watch, NULL);
    for (size_t g = 0; g < picture->group_count; g++) {
        const struct picture_group *group = &picture->groups[g];
        up += group->up_count;
        replicas += group->replica_count;
        if (group->id != WIRE_GROUP_MANAGERS)
            watch_calls(watch, group, &calls);
        if (group->lag.known && (!lag.known || group->lag.value > lag.value))
            lag = group->lag;
    }
    if (throughput.known)
        words_rate(rate, throughput.value);
    leaders(picture, who, sizeof who);
    snprintf(ups, sizeof ups, "%u/%u", up, replicas);
    int least = fewest(picture);
    snprintf(lose, sizeof lose, least < 0 ? "STOP" : "%d", least);
    snprintf(line, sizeof line, "%s %5s %6s %6s %5s %-6s %4s %-13s %s%s\n",
             view_clock(watch_wall(watch), at), rate,
             words_us(p50, buckets_percentile(&calls, 0.5)),
             words_us(p99, buckets_percentile(&calls, 0.99)), words_count(behind, 5, lag), ups,
             lose, who, picture->healthy ? "healthy" : "NOT HEALTHY: ", picture->reason);
    add(out, line);
}

void render_events(const struct watch *watch, uint64_t *shown, struct wire_writer *out)
{
    for (size_t i = 0; i < watch_event_count(watch); i++) {
        const struct watch_event *event = watch_event(watch, i);
        char line[WATCH_EVENT_TEXT + 96], at[32];
        struct tm local;
        if (event->number <= *shown)
            continue;
        localtime_r(&event->at, &local);
        strftime(at, sizeof at, "%Y-%m-%dT%H:%M:%S%z", &local);
        snprintf(line, sizeof line, "%s %s %s %s\n", at, event->node, event->kind, event->text);
        add(out, line);
        *shown = event->number;
    }
}
