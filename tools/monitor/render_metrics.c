/* Metrics in Prometheus's text exposition format: what the picture judges, chosen figures of every
 * replica, and its latencies as histograms. A metric's samples stand together behind its HELP and
 * TYPE, as the format wants; what a replica does not say has no sample. */
#include "tools/monitor/render.h"

#include <inttypes.h>
#include <stdio.h>

#include "tools/monitor/words.h"

static void add(struct wire_writer *out, const char *text)
{
    wire_write_raw(out, span_text(text));
}

static void add_head(struct wire_writer *out, const char *name, const char *type, const char *help)
{
    add(out, "# HELP ");
    add(out, name);
    add(out, " ");
    add(out, help);
    add(out, "\n# TYPE ");
    add(out, name);
    add(out, " ");
    add(out, type);
    add(out, "\n");
}

/* labels: without braces; empty: none. */
static void add_sample(struct wire_writer *out, const char *name, const char *labels, double value)
{
    char line[320];
    bool any = labels[0] != '\0';
    bool whole = value < 1e15 && (double)(uint64_t)value == value; /* never negative */
    snprintf(line, sizeof line, whole ? "%s%s%s%s %.0f\n" : "%s%s%s%s %.12g\n", name,
             any ? "{" : "", labels, any ? "}" : "", value);
    add(out, line);
}

/* group="s0",node="s0.1" */
static char *label_node(const struct picture_replica *replica, char text[64])
{
    char group[PICTURE_NAME_BYTES], node[PICTURE_NAME_BYTES];
    snprintf(text, 64, "group=\"%s\",node=\"%s\"", picture_group_name(replica->group, group),
             picture_node_name(replica->group, replica->id, node));
    return text;
}

/* --- groups -------------------------------------------------------------------------------------
 */

static double group_has_leader(const struct picture_group *group)
{
    return group->has_leader;
}

static double group_can_lose(const struct picture_group *group)
{
    return group->can_lose;
}

static double group_stopped(const struct picture_group *group)
{
    return group->majority_lost;
}

static double group_up(const struct picture_group *group)
{
    return group->up_count;
}

static double group_replicas(const struct picture_group *group)
{
    return group->replica_count;
}

static double group_lag(const struct picture_group *group)
{
    return (double)group->lag.value;
}

static const struct group_metric {
    const char *name; /* of the metric */
    const char *help; /* its meaning */
    double (*value)(const struct picture_group *group);
} group_metrics[] = {
    {"madkv_group_has_leader", "1: somebody leads the group.", group_has_leader},
    {"madkv_group_can_lose_replicas", "Replicas that may still fail before the group stops.",
     group_can_lose},
    {"madkv_group_stopped", "1: too few replicas are up to go on.", group_stopped},
    {"madkv_group_up_replicas", "Replicas that are up.", group_up},
    {"madkv_group_replicas", "Replicas of the group.", group_replicas},
    {"madkv_group_lag_slots", "Slots that the last replica is behind what is chosen.", group_lag},
};

static void add_groups(const struct picture *picture, struct wire_writer *out)
{
    for (size_t i = 0; i < sizeof group_metrics / sizeof group_metrics[0]; i++) {
        const struct group_metric *metric = &group_metrics[i];
        add_head(out, metric->name, "gauge", metric->help);
        for (size_t g = 0; g < picture->group_count; g++) {
            char label[64], name[PICTURE_NAME_BYTES];
            snprintf(label, sizeof label, "group=\"%s\"",
                     picture_group_name(picture->groups[g].id, name));
            add_sample(out, metric->name, label, metric->value(&picture->groups[g]));
        }
    }
}

/* --- replicas -----------------------------------------------------------------------------------
 */

static struct picture_number replica_up(const struct picture_replica *replica)
{
    return (struct picture_number){.known = true, .value = replica->state == PICTURE_UP};
}

static struct picture_number replica_leads(const struct picture_replica *replica)
{
    return (struct picture_number){.known = replica->state == PICTURE_UP,
                                   .value = replica->role == PICTURE_ROLE_LEADER};
}

static struct picture_number replica_votes(const struct picture_replica *replica)
{
    return (struct picture_number){.known = replica->state == PICTURE_UP, .value = replica->votes};
}

static struct picture_number replica_chosen(const struct picture_replica *replica)
{
    return replica->chosen;
}

static struct picture_number replica_applied(const struct picture_replica *replica)
{
    return replica->applied;
}

static struct picture_number replica_lag(const struct picture_replica *replica)
{
    return replica->lag;
}

#define MS 1e-3
#define US 1e-6

static const struct replica_metric {
    const char *name;                                                      /* of the metric */
    const char *type;                                                      /* gauge or counter */
    const char *help;                                                      /* its meaning */
    struct picture_number (*value)(const struct picture_replica *replica); /* NULL: the figure */
    const char *figure;                                                    /* of that name */
    double scale; /* what it is multiplied with; 0: not at all */
} replica_metrics[] = {
    {"madkv_up", "gauge", "1: the replica answers as itself.", replica_up, NULL, 0},
    {"madkv_leader", "gauge", "1: the replica says that it leads its group.", replica_leads, NULL,
     0},
    {"madkv_votes", "gauge", "1: its disk may vote.", replica_votes, NULL, 0},
    {"madkv_chosen_slot", "gauge", "Slots up to it are known chosen.", replica_chosen, NULL, 0},
    {"madkv_applied_slot", "gauge", "Slots up to it are applied.", replica_applied, NULL, 0},
    {"madkv_lag_slots", "gauge", "Slots not applied that its group has chosen.", replica_lag, NULL,
     0},
    {"madkv_ballot_round", "gauge", "Round of the newest leader's ballot it knows.", NULL,
     "proposer.leader_round", 0},
    {"madkv_lease_left_seconds", "gauge", "How long the leader may still answer reads alone.", NULL,
     "proposer.lease_left_us", US},
    {"madkv_queued_commands", "gauge", "Commands waiting for a batch.", NULL,
     "proposer.queued_commands", 0},
    {"madkv_queued_reads", "gauge", "Reads waiting to be confirmed.", NULL, "proposer.queued_reads",
     0},
    {"madkv_open_calls", "gauge", "Calls being worked on.", NULL, "api.open_calls", 0},
    {"madkv_requests_total", "counter", "Calls taken.", NULL, "api.requests", 0},
    {"madkv_requests_refused_total", "counter", "Calls refused.", NULL, "api.requests_refused", 0},
    {"madkv_calls_in_doubt_total", "counter", "Calls open when leadership was lost.", NULL,
     "api.calls_in_doubt", 0},
    {"madkv_elections_total", "counter", "Campaigns won.", NULL, "proposer.elections", 0},
    {"madkv_sessions", "gauge", "Sessions of clients.", NULL, "applier.sessions", 0},
    {"madkv_records", "gauge", "Keys stored.", NULL, "kv.records", 0},
    {"madkv_stored_bytes", "gauge", "Bytes of keys and values.", NULL, "kv.bytes", 0},
    {"madkv_disk_used_bytes", "gauge", "Bytes the directory takes.", NULL, "disk.used_bytes", 0},
    {"madkv_disk_free_bytes", "gauge", "Bytes free on its file system.", NULL, "disk.free_bytes",
     0},
    {"madkv_disk_size_bytes", "gauge", "Bytes of its file system.", NULL, "disk.size_bytes", 0},
    {"madkv_disk_full", "gauge", "1: nothing is stored for want of room.", NULL, "log.full", 0},
    {"madkv_log_bytes_written_total", "counter", "Bytes of records made durable.", NULL,
     "log.bytes_written", 0},
    {"madkv_damaged_records_total", "counter", "Reads that found a damaged record.", NULL,
     "log.damaged_reads", 0},
    {"madkv_checkpoint_age_seconds", "gauge", "Since the last checkpoint of this process.", NULL,
     "checkpoint.age_ms", MS},
    {"madkv_memory_bytes", "gauge", "Resident memory.", NULL, "process.rss_bytes", 0},
    {"madkv_cpu_seconds_total", "counter", "Processor time.", NULL, "process.cpu_ms", MS},
    {"madkv_uptime_seconds", "gauge", "Since the process started.", NULL, "process.uptime_ms", MS},
};

static void add_replica(const struct replica_metric *metric, const struct picture_replica *replica,
                        struct wire_writer *out)
{
    char labels[64];
    struct picture_number number =
        metric->value != NULL ? metric->value(replica) : picture_figure(replica, metric->figure);
    double scale = metric->scale > 0 ? metric->scale : 1;
    if (number.known)
        add_sample(out, metric->name, label_node(replica, labels), (double)number.value * scale);
}

static void add_replicas(const struct picture *picture, struct wire_writer *out)
{
    for (size_t i = 0; i < sizeof replica_metrics / sizeof replica_metrics[0]; i++) {
        const struct replica_metric *metric = &replica_metrics[i];
        add_head(out, metric->name, metric->type, metric->help);
        for (size_t g = 0; g < picture->group_count; g++) {
            for (wire_replica r = 0; r < picture->groups[g].replica_count; r++)
                add_replica(metric, &picture->groups[g].replicas[r], out);
        }
    }
}

/* --- latencies ----------------------------------------------------------------------------------
 */

enum {
    BIT_FIRST = 4, /* buckets end at powers of two: 16 us ... */
    BIT_LAST = 24  /* ... 17 s; then infinity */
};

/* The figures prefix + * + "_us" become one histogram with * as a label. */
static const struct family {
    const char *name;   /* of the metric */
    const char *help;   /* its meaning */
    const char *prefix; /* of the figures */
    const char *label;  /* what * becomes */
} families[] = {
    {"madkv_call_seconds", "Calls, from their coming in to their answer.", "op.", "op"},
    {"madkv_stage_seconds", "Stages of a call inside the service.", "stage.", "stage"},
    {"madkv_commit_seconds", "Synchronous commits to the log.", "log.commit", NULL},
};

static void add_histogram(const struct family *family, const char *labels,
                          const struct buckets *buckets, uint64_t sum_us, struct wire_writer *out)
{
    char name[64], full[160];
    snprintf(name, sizeof name, "%s_bucket", family->name);
    for (int bit = BIT_FIRST; bit <= BIT_LAST; bit++) {
        uint64_t end = UINT64_C(1) << bit;
        snprintf(full, sizeof full, "%s,le=\"%.6g\"", labels, (double)end * US);
        add_sample(out, name, full, (double)buckets_between(buckets, 0, end));
    }
    snprintf(full, sizeof full, "%s,le=\"+Inf\"", labels);
    add_sample(out, name, full, (double)buckets_total(buckets));
    snprintf(name, sizeof name, "%s_sum", family->name);
    add_sample(out, name, labels, (double)sum_us * US);
    snprintf(name, sizeof name, "%s_count", family->name);
    add_sample(out, name, labels, (double)buckets_total(buckets));
}

/* Whether the figure's name is prefix + * + "_us_buckets"; then what * is. */
static bool is_of_family(const struct family *family, struct span name, char middle[32])
{
    char text[WIRE_FIGURE_NAME_MAX + 1];
    words_safe(text, sizeof text, name);
    size_t size = strlen(text), prefix = strlen(family->prefix), suffix = strlen("_us_buckets");
    if (size < prefix + suffix || strncmp(text, family->prefix, prefix) != 0 ||
        strcmp(text + size - suffix, "_us_buckets") != 0)
        return false;
    text[size - suffix] = '\0';
    snprintf(middle, 32, "%.31s", text + prefix);
    for (char *c = middle; *c != '\0'; c++) {
        if ((*c < 'a' || *c > 'z') && (*c < '0' || *c > '9'))
            *c = '_';
    }
    return true;
}

static void add_family_of(const struct family *family, const struct picture_replica *replica,
                          struct wire_writer *out)
{
    struct wire_reader in = wire_reader_of(wire_writer_span(&replica->figures));
    struct wire_figure figure;
    while (wire_figure_next(&in, &figure)) {
        struct buckets buckets = {0};
        char middle[32], labels[128], node[64], sum[WIRE_FIGURE_NAME_MAX + 8];
        if (!figure.is_text || !is_of_family(family, figure.name, middle) ||
            !buckets_add(&buckets, figure.text, 1))
            continue;
        snprintf(sum, sizeof sum, "%s%s_us_sum", family->prefix, middle);
        if (family->label != NULL)
            snprintf(labels, sizeof labels, "%s,%s=\"%s\"", label_node(replica, node),
                     family->label, middle);
        else
            snprintf(labels, sizeof labels, "%s", label_node(replica, node));
        add_histogram(family, labels, &buckets, picture_figure(replica, sum).value, out);
    }
}

static void add_latencies(const struct picture *picture, struct wire_writer *out)
{
    for (size_t i = 0; i < sizeof families / sizeof families[0]; i++) {
        add_head(out, families[i].name, "histogram", families[i].help);
        for (size_t g = 0; g < picture->group_count; g++) {
            for (wire_replica r = 0; r < picture->groups[g].replica_count; r++)
                add_family_of(&families[i], &picture->groups[g].replicas[r], out);
        }
    }
}

void render_metrics(const struct picture *picture, struct wire_writer *out)
{
    add_head(out, "madkv_healthy", "gauge", "1: every group has a leader, every replica is up.");
    add_sample(out, "madkv_healthy", "", picture->healthy);
    add_groups(picture, out);
    add_replicas(picture, out);
    add_latencies(picture, out);
}
