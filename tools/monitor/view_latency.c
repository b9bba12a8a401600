/* Where the time goes: latencies of the last seconds by operation and by stage of a call, for one
 * group, so that a slow disk and a slow network look different. */
#include "tools/monitor/views.h"

#include <stdio.h>
#include <string.h>

#include "tools/monitor/columns.h"
#include "tools/monitor/words.h"

enum {
    NAME_WIDTH = 24,
    COUNT_WIDTH = 7,
    TIME_WIDTH = 7,
    SHAPE = NAME_WIDTH + COUNT_WIDTH + 2 * TIME_WIDTH + 4, /* column where the histogram begins */
    SHAPE_WIDTH = 20,                                      /* powers of two: from 16 us up to 8 s */
    FIRST_BIT = 4, /* the first column counts all below 2^(4+1) us */
};

/* Where the next line goes. */
struct page {
    const struct view *view; /* drawn for */
    int row;                 /* next row */
};

static void put_heading(struct page *page, const char *title)
{
    const struct view *view = page->view;
    if (page->row >= view->bottom)
        return;
    grid_printf(view->grid, page->row, 0, GRID_FAINT, "%-*s %*s %*s %*s  %s", NAME_WIDTH, title,
                COUNT_WIDTH, "COUNT", TIME_WIDTH, "P50", TIME_WIDTH, "P99", ".....1ms..32ms.1s...");
    page->row++;
}

static void put_shape(struct page *page, const struct buckets *buckets)
{
    double values[SHAPE_WIDTH];
    uint64_t begin = 0;
    for (int i = 0; i < SHAPE_WIDTH; i++) {
        uint64_t end = i + 1 == SHAPE_WIDTH ? UINT64_MAX : UINT64_C(2) << (FIRST_BIT + i);
        values[i] = (double)buckets_between(buckets, begin, end);
        begin = end;
    }
    grid_sparkline(page->view->grid, page->row, SHAPE, SHAPE_WIDTH, values, SHAPE_WIDTH);
}

static void put_latency(struct page *page, const char *name, const struct buckets *buckets)
{
    char count[WORDS_BYTES], p50[WORDS_BYTES], p99[WORDS_BYTES];
    struct picture_number total = {.known = true, .value = buckets_total(buckets)};
    if (page->row >= page->view->bottom)
        return;
    grid_printf(page->view->grid, page->row, 0, GRID_PLAIN, "%-*.*s %*s %*s %*s", NAME_WIDTH,
                NAME_WIDTH, name, COUNT_WIDTH, words_count(count, COUNT_WIDTH, total), TIME_WIDTH,
                words_us(p50, buckets_percentile(buckets, 0.5)), TIME_WIDTH,
                words_us(p99, buckets_percentile(buckets, 0.99)));
    if (total.value > 0)
        put_shape(page, buckets);
    page->row++;
}

/* All replicas of the group together. */
static void sum_stage(const struct watch *watch, const struct picture_group *group,
                      const char *name, struct buckets *sum)
{
    for (wire_replica r = 0; r < group->replica_count; r++)
        watch_latency(watch, &group->replicas[r], name, sum);
}

static void put_stage(struct page *page, const struct picture_group *group, const char *figure,
                      const char *title)
{
    struct buckets sum = {0};
    sum_stage(page->view->watch, group, figure, &sum);
    put_latency(page, title, &sum);
}

/* Every op.<name>_us that the best replica shows. */
static void put_operations(struct page *page, const struct picture_group *group)
{
    const struct picture_replica *best = picture_best(group);
    struct wire_reader in = wire_reader_of(wire_writer_span(&best->figures));
    struct wire_figure figure;
    while (wire_figure_next(&in, &figure)) {
        char text[WIRE_FIGURE_NAME_MAX + 1];
        words_safe(text, sizeof text, figure.name);
        char *end = strstr(text, "_us_count");
        if (figure.is_text || strncmp(text, "op.", 3) != 0 || end == NULL || end[9] != '\0')
            continue;
        *end = '\0';
        char name[WIRE_FIGURE_NAME_MAX + 4];
        snprintf(name, sizeof name, "%s_us", text);
        put_stage(page, group, name, text + 3);
    }
}

/* The time until a majority has it on disk, without the leader's own word on it: what is left of
 * the quorum's time is the network and the others' queues. */
static void put_verdict(struct page *page, const struct picture_group *group)
{
    struct buckets quorum = {0}, disks = {0};
    sum_stage(page->view->watch, group, "stage.quorum_us", &quorum);
    sum_stage(page->view->watch, group, "log.commit_us", &disks);
    struct picture_number whole = buckets_percentile(&quorum, 0.5);
    struct picture_number disk = buckets_percentile(&disks, 0.5);
    if (!whole.known || !disk.known || page->row >= page->view->bottom)
        return;
    bool mostly_disk = disk.value * 10 >= whole.value * 6;
    grid_printf(page->view->grid, page->row++, 0, GRID_PLAIN,
                mostly_disk
                    ? "a quorum waits mostly for the disks"
                    : "a quorum waits mostly for the network and queues, not for the disks");
}

static void put_disks(struct page *page, const struct picture_group *group)
{
    for (wire_replica r = 0; r < group->replica_count; r++) {
        struct buckets buckets = {0};
        char name[PICTURE_NAME_BYTES], title[48];
        watch_latency(page->view->watch, &group->replicas[r], "log.commit_us", &buckets);
        snprintf(title, sizeof title, "persist: disk of %s", picture_node_name(group->id, r, name));
        put_latency(page, title, &buckets);
    }
}

void view_latency(const struct view *view)
{
    const struct picture *picture = watch_picture(view->watch);
    struct table_wish *wish = &view->screen->wishes[SCREEN_LATENCY];
    struct page page = {.view = view, .row = view->top};
    char name[PICTURE_NAME_BYTES] = "managers";
    if (picture->group_count == 0)
        return;
    if (wish->selected >= (int)picture->group_count)
        wish->selected = (int)picture->group_count - 1;
    const struct picture_group *group = &picture->groups[wish->selected];
    if (group->id != WIRE_GROUP_MANAGERS)
        picture_group_name(group->id, name);
    grid_printf(view->grid, page.row++, 0, GRID_PLAIN,
                "%s (%d of %zu, up and down for the others): the last %d s", name,
                wish->selected + 1, picture->group_count, (int)(WATCH_WINDOW / WIRE_SECOND));
    put_heading(&page, "CALLS");
    put_operations(&page, group);
    put_heading(&page, "STAGES");
    put_stage(&page, group, "stage.api_us", "API to proposer");
    put_stage(&page, group, "stage.queue_us", "queue: waits for a batch");
    put_stage(&page, group, "stage.quorum_us", "quorum: proposed, chosen");
    put_disks(&page, group);
    put_stage(&page, group, "stage.learn_us", "chosen to applier");
    put_stage(&page, group, "stage.apply_us", "apply and answer");
    put_stage(&page, group, "stage.confirm_us", "reads: confirm");
    put_verdict(&page, group);
    const struct picture_replica *best = picture_best(group);
    view->screen->selected = (struct screen_target){true, best->group, best->id};
}
