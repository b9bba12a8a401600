/* The overview of --once: the verdict, then a table of groups and a table of replicas. */
#include "tools/monitor/render.h"

#include <assert.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

#include "tools/monitor/words.h"

enum {
    CELL_BYTES = 32, /* room for the text of any number */
    GROUP_WIDTH = 8, /* columns of the table of groups, characters */
    LEADER_WIDTH = 7,
    BALLOT_WIDTH = 6,
    SLOT_WIDTH = 11,
    LAG_WIDTH = 7,
    LOSE_WIDTH = 8,
    COUNT_WIDTH = 8,
    BYTES_WIDTH = 6, /* "999 kB" */
    NODE_WIDTH = 6,  /* columns of the table of replicas */
    STATE_WIDTH = 7,
    ROLE_WIDTH = 9,
    ADDRESS_WIDTH = 22,
    APPLIED_WIDTH = 10,
    BEHIND_WIDTH = 6,
    COMMIT_WIDTH = 7,
};

static_assert(GROUP_WIDTH + LEADER_WIDTH + BALLOT_WIDTH + 2 * SLOT_WIDTH + LAG_WIDTH + LOSE_WIDTH +
                      COUNT_WIDTH + BYTES_WIDTH + 8 <=
                  RENDER_COLUMNS,
              "the groups fit");
static_assert(NODE_WIDTH + STATE_WIDTH + ROLE_WIDTH + ADDRESS_WIDTH + APPLIED_WIDTH + BEHIND_WIDTH +
                      COMMIT_WIDTH + BYTES_WIDTH + 7 <=
                  RENDER_COLUMNS,
              "the replicas fit");

enum mood { PLAIN, GOOD, BAD, FAINT };

struct page {
    struct wire_writer *out; /* where it goes */
    bool colour;             /* whether moods show */
    bool begun;              /* the line at hand has a cell already */
};

static void add(struct page *page, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void add(struct page *page, const char *format, ...)
{
    char text[2 * RENDER_COLUMNS];
    va_list arguments;
    va_start(arguments, format);
    int size = vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    assert(size >= 0 && (size_t)size < sizeof text);
    wire_write_raw(page->out, span_of(text, (size_t)size));
}

static void add_mood(struct page *page, enum mood mood, const char *text)
{
    static const char *const codes[] = {
        [GOOD] = "\033[32m", [BAD] = "\033[1;31m", [FAINT] = "\033[2m"};
    bool shown = page->colour && mood != PLAIN;
    add(page, "%s%s%s", shown ? codes[mood] : "", text, shown ? "\033[0m" : "");
}

/* --- cells --------------------------------------------------------------------------------- */

/* width: below 0 to the left, above 0 to the right. A text that is too long is the caller's bug. */
static void cell(struct page *page, enum mood mood, int width, const char *text)
{
    char padded[2 * CELL_BYTES];
    snprintf(padded, sizeof padded, "%*s", width, text);
    assert(strlen(padded) == (size_t)(width < 0 ? -width : width));
    if (page->begun)
        add(page, " ");
    add_mood(page, mood, padded);
    page->begun = true;
}

static void end_line(struct page *page)
{
    add(page, "\n");
    page->begun = false;
}

static void count_cell(struct page *page, int width, struct picture_number number)
{
    char text[WORDS_BYTES];
    cell(page, PLAIN, width, words_count(text, width, number));
}

static void bytes_cell(struct page *page, int width, struct picture_number bytes)
{
    char text[WORDS_BYTES];
    cell(page, PLAIN, width, words_bytes(text, bytes));
}

static void duration_cell(struct page *page, int width, struct picture_number us)
{
    char text[WORDS_BYTES];
    cell(page, PLAIN, width, words_us(text, us));
}

static void address_cell(struct page *page, int width, const char *address)
{
    char text[WORDS_BYTES];
    cell(page, PLAIN, -width, words_address(text, width, address));
}

/* --- groups -------------------------------------------------------------------------------- */

static void add_group_heads(struct page *page)
{
    cell(page, FAINT, -GROUP_WIDTH, "GROUP");
    cell(page, FAINT, -LEADER_WIDTH, "LEADER");
    cell(page, FAINT, BALLOT_WIDTH, "BALLOT");
    cell(page, FAINT, SLOT_WIDTH, "CHOSEN");
    cell(page, FAINT, SLOT_WIDTH, "APPLIED");
    cell(page, FAINT, LAG_WIDTH, "LAG");
    cell(page, FAINT, LOSE_WIDTH, "CAN LOSE");
    cell(page, FAINT, COUNT_WIDTH, "RECORDS");
    cell(page, FAINT, BYTES_WIDTH, "BYTES");
    end_line(page);
}

static void leader_cell(struct page *page, const struct picture_group *group)
{
    char name[PICTURE_NAME_BYTES] = "none";
    if (group->has_leader)
        picture_node_name(group->id, group->leader, name);
    cell(page, group->has_leader ? PLAIN : BAD, -LEADER_WIDTH, name);
}

static void lose_cell(struct page *page, const struct picture_group *group)
{
    char text[CELL_BYTES] = "stopped";
    if (!group->majority_lost)
        snprintf(text, sizeof text, "%u more", group->can_lose);
    cell(page, group->can_lose == 0 && group->replica_count > 1 ? BAD : PLAIN, LOSE_WIDTH, text);
}

static void add_group(struct page *page, const struct picture_group *group)
{
    char name[PICTURE_NAME_BYTES];
    bool managers = group->id == WIRE_GROUP_MANAGERS;
    struct picture_number ballot = {.known = group->leader_round != 0,
                                    .value = group->leader_round};
    cell(page, PLAIN, -GROUP_WIDTH, managers ? "managers" : picture_group_name(group->id, name));
    leader_cell(page, group);
    count_cell(page, BALLOT_WIDTH, ballot);
    count_cell(page, SLOT_WIDTH, group->chosen);
    count_cell(page, SLOT_WIDTH, group->applied);
    count_cell(page, LAG_WIDTH, group->lag);
    lose_cell(page, group);
    count_cell(page, COUNT_WIDTH, picture_figure(picture_best(group), "kv.records"));
    bytes_cell(page, BYTES_WIDTH, picture_figure(picture_best(group), "kv.bytes"));
    end_line(page);
}

/* --- replicas ------------------------------------------------------------------------------ */

static void add_replica_heads(struct page *page)
{
    cell(page, FAINT, -NODE_WIDTH, "NODE");
    cell(page, FAINT, -STATE_WIDTH, "STATE");
    cell(page, FAINT, -ROLE_WIDTH, "ROLE");
    cell(page, FAINT, -ADDRESS_WIDTH, "ADDRESS");
    cell(page, FAINT, APPLIED_WIDTH, "APPLIED");
    cell(page, FAINT, BEHIND_WIDTH, "LAG");
    cell(page, FAINT, COMMIT_WIDTH, "COMMIT*");
    cell(page, FAINT, BYTES_WIDTH, "MEMORY");
    end_line(page);
}

static void state_cell(struct page *page, const struct picture_replica *replica)
{
    static const char *const words[] = {[PICTURE_UNKNOWN] = "?",
                                        [PICTURE_SILENT] = "DOWN",
                                        [PICTURE_STRANGER] = "OTHER",
                                        [PICTURE_GARBLED] = "GARBLED"};
    if (replica->state != PICTURE_UP)
        cell(page, BAD, -STATE_WIDTH, words[replica->state]);
    else if (!replica->votes)
        cell(page, BAD, -STATE_WIDTH, "NO VOTE");
    else
        cell(page, GOOD, -STATE_WIDTH, "up");
}

static void role_cell(struct page *page, const struct picture_group *group,
                      const struct picture_replica *replica)
{
    const char *word = picture_role_text(replica->role);
    if (replica->role == PICTURE_ROLE_LEADER && replica->id != group->leader)
        word = "deposed"; /* it has not noticed yet */
    cell(page, PLAIN, -ROLE_WIDTH, word == NULL ? "-" : word);
}

static void add_replica(struct page *page, const struct picture_group *group,
                        const struct picture_replica *replica)
{
    char name[PICTURE_NAME_BYTES];
    struct picture_number commit = picture_figure(replica, "log.commit_us_p99");
    if (picture_figure(replica, "log.commit_us_count").value == 0)
        commit.known = false; /* nothing was committed: the figure says nothing */
    cell(page, PLAIN, -NODE_WIDTH, picture_node_name(replica->group, replica->id, name));
    state_cell(page, replica);
    role_cell(page, group, replica);
    address_cell(page, ADDRESS_WIDTH, replica->address);
    count_cell(page, APPLIED_WIDTH, replica->applied);
    count_cell(page, BEHIND_WIDTH, replica->lag);
    duration_cell(page, COMMIT_WIDTH, commit);
    bytes_cell(page, BYTES_WIDTH, picture_figure(replica, "process.rss_bytes"));
    end_line(page);
}

/* --- the whole ----------------------------------------------------------------------------- */

static void add_verdict(struct page *page, const struct picture *picture)
{
    add_mood(page, picture->healthy ? GOOD : BAD, picture->healthy ? "HEALTHY" : "NOT HEALTHY");
    add(page, ": %s\n",
        picture->healthy ? "every group has a leader, every replica is up" : picture->reason);
}

static void add_size(struct page *page, const struct picture *picture)
{
    unsigned replicas = 0, up = 0;
    bool managers = picture->group_count > 0 && picture->groups[0].id == WIRE_GROUP_MANAGERS;
    size_t partitions = picture->group_count - managers;
    for (size_t g = 0; g < picture->group_count; g++) {
        replicas += picture->groups[g].replica_count;
        up += picture->groups[g].up_count;
    }
    if (picture->cluster != 0)
        add(page, "cluster %016" PRIx64 ": ", picture->cluster);
    if (managers)
        add(page, "%u manager%s, ", picture->groups[0].replica_count,
            picture->groups[0].replica_count == 1 ? "" : "s");
    if (picture->servers_known)
        add(page, "%zu partition%s; ", partitions, partitions == 1 ? "" : "s");
    else
        add(page, "servers not known; ");
    add(page, "%u of %u replicas up\n", up, replicas);
}

void render_text(const struct picture *picture, bool colour, struct wire_writer *out)
{
    struct page page = {.out = out, .colour = colour};
    add_verdict(&page, picture);
    add_size(&page, picture);
    add(&page, "\n");
    add_group_heads(&page);
    for (size_t g = 0; g < picture->group_count; g++)
        add_group(&page, &picture->groups[g]);
    add(&page, "\n");
    add_replica_heads(&page);
    for (size_t g = 0; g < picture->group_count; g++) {
        const struct picture_group *group = &picture->groups[g];
        for (wire_replica r = 0; r < group->replica_count; r++)
            add_replica(&page, group, &group->replicas[r]);
    }
    add(&page, "* 99 of 100 commits to the log took at most that long\n");
}
