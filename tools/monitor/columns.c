#include "tools/monitor/columns.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "tools/monitor/words.h"

static_assert(WORDS_BYTES <= TABLE_FIELD_BYTES, "a word fits a field");

/* --- fields -------------------------------------------------------------------------------------
 */

static void put_count(struct table_field *field, int width, struct picture_number number)
{
    words_count(field->text, width, number);
    field->key = (double)number.value;
}

static void put_bytes(struct table_field *field, struct picture_number bytes)
{
    words_bytes(field->text, bytes);
    field->key = (double)bytes.value;
}

static void put_us(struct table_field *field, struct picture_number us)
{
    words_us(field->text, us);
    field->key = (double)us.value;
}

static void put_rate(struct table_field *field, struct watch_rate rate)
{
    if (rate.known)
        words_rate(field->text, rate.value);
    field->key = rate.value;
}

static void put_age_ms(struct table_field *field, struct picture_number ms)
{
    if (ms.known)
        words_age(field->text, ms.value);
    field->key = (double)ms.value;
}

static struct picture_number difference(struct picture_number large, struct picture_number small)
{
    bool known = large.known && small.known;
    uint64_t value = known && large.value > small.value ? large.value - small.value : 0;
    return (struct picture_number){.known = known, .value = value};
}

static struct picture_number sum(struct picture_number a, struct picture_number b)
{
    return (struct picture_number){.known = a.known || b.known, .value = a.value + b.value};
}

static struct picture_number figure(const struct table_row *row, const char *name)
{
    const struct picture_replica *replica = row->replica;
    return picture_figure(replica != NULL ? replica : picture_best(row->group), name);
}

/* --- what several views want --------------------------------------------------------------------
 */

static bool find_text(const struct picture_replica *replica, const char *name,
                      char text[TABLE_FIELD_BYTES])
{
    struct wire_reader in = wire_reader_of(wire_writer_span(&replica->figures));
    struct wire_figure found;
    while (wire_figure_next(&in, &found)) {
        if (found.is_text && span_equal(found.name, span_text(name))) {
            words_safe(text, TABLE_FIELD_BYTES, found.text);
            return true;
        }
    }
    return false;
}

const char *columns_protocol(const struct picture_replica *replica, char text[TABLE_FIELD_BYTES])
{
    if (!find_text(replica, "replica.protocol", text))
        snprintf(text, TABLE_FIELD_BYTES, "%s",
                 columns_chain_place(replica).known                       ? "chain"
                 : picture_figure(replica, "proposer.leader_round").known ? "multipaxos"
                                                                          : "-");
    return text;
}

/* By its number, else by the word for it, which does not tell those in the middle apart. */
struct picture_number columns_chain_place(const struct picture_replica *replica)
{
    static const char *const roles[] = {"head", "middle", "tail", "outside"};
    struct picture_number place = picture_figure(replica, "chain.position");
    char role[TABLE_FIELD_BYTES];
    if (place.known || !replica->in_chain || !find_text(replica, "chain.role", role))
        return place;
    for (unsigned i = 0; i < sizeof roles / sizeof roles[0]; i++) {
        if (strcmp(role, roles[i]) == 0)
            place.value = i;
    }
    place.known = true; /* "alone" is at the head, too */
    return place;
}

enum grid_mood columns_state(const struct watch *watch, const struct picture_replica *replica,
                             char text[TABLE_FIELD_BYTES])
{
    static const char *const words[] = {
        [PICTURE_UNKNOWN] = "?", [PICTURE_STRANGER] = "OTHER", [PICTURE_GARBLED] = "GARBLED"};
    char age[WORDS_BYTES];
    struct picture_number catch_up = picture_figure(replica, "acceptor.catch_up_percent");
    struct picture_number snapshot = picture_figure(replica, "fetch.percent");
    if (replica->state == PICTURE_SILENT && watch_is_suspect(watch, replica)) {
        snprintf(text, TABLE_FIELD_BYTES, "suspect");
        return GRID_WARN;
    }
    if (replica->state == PICTURE_SILENT) {
        snprintf(text, TABLE_FIELD_BYTES, "DOWN %s",
                 words_age(age, watch_since_ms(watch, replica)));
        return GRID_BAD;
    }
    if (replica->state != PICTURE_UP) {
        snprintf(text, TABLE_FIELD_BYTES, "%s", words[replica->state]);
        return GRID_BAD;
    }
    if (snapshot.known || catch_up.known) {
        snprintf(text, TABLE_FIELD_BYTES, "%s %" PRIu64 "%%",
                 snapshot.known ? "snapshot" : "catch-up",
                 snapshot.known ? snapshot.value : catch_up.value);
        return GRID_WARN;
    }
    snprintf(text, TABLE_FIELD_BYTES, "%s", replica->votes ? "up" : "NO VOTE");
    return replica->votes ? GRID_GOOD : GRID_BAD;
}

static void fill_node(const struct watch *watch, const struct table_row *row,
                      struct table_field *field)
{
    char name[PICTURE_NAME_BYTES];
    (void)watch;
    picture_node_name(row->replica->group, row->replica->id, name);
    snprintf(field->text, sizeof field->text, "%s", name);
}

static void fill_state(const struct watch *watch, const struct table_row *row,
                       struct table_field *field)
{
    field->mood = columns_state(watch, row->replica, field->text);
    field->key = field->mood; /* the worst has the largest */
}

/* --- groups -------------------------------------------------------------------------------------
 */

static void fill_group(const struct watch *watch, const struct table_row *row,
                       struct table_field *field)
{
    char name[PICTURE_NAME_BYTES];
    (void)watch;
    bool managers = row->group->id == WIRE_GROUP_MANAGERS;
    snprintf(field->text, sizeof field->text, "%s",
             managers ? "managers" : picture_group_name(row->group->id, name));
}

static void fill_leader(const struct watch *watch, const struct table_row *row,
                        struct table_field *field)
{
    char name[PICTURE_NAME_BYTES] = "none";
    (void)watch;
    if (row->group->has_leader)
        picture_node_name(row->group->id, row->group->leader, name);
    snprintf(field->text, sizeof field->text, "%s", name);
    field->mood = row->group->has_leader ? GRID_PLAIN : GRID_BAD;
    field->key = !row->group->has_leader;
}

static void fill_ballot(const struct watch *watch, const struct table_row *row,
                        struct table_field *field)
{
    struct picture_number epoch = figure(row, "chain.epoch");
    struct picture_number round = {.known = row->group->leader_round != 0,
                                   .value = row->group->leader_round};
    (void)watch;
    put_count(field, 6, epoch.known ? epoch : round);
}

static void fill_up(const struct watch *watch, const struct table_row *row,
                    struct table_field *field)
{
    const struct picture_group *group = row->group;
    (void)watch;
    snprintf(field->text, sizeof field->text, "%u/%u", group->up_count, group->replica_count);
    field->mood = group->up_count == group->replica_count ? GRID_PLAIN : GRID_BAD;
    field->key = (double)group->replica_count - group->up_count;
}

static void fill_lose(const struct watch *watch, const struct table_row *row,
                      struct table_field *field)
{
    const struct picture_group *group = row->group;
    (void)watch;
    if (group->majority_lost)
        snprintf(field->text, sizeof field->text, "stopped");
    else
        snprintf(field->text, sizeof field->text, "%u more", group->can_lose);
    bool full = group->can_lose == (group->replica_count - 1u) / 2u;
    field->mood = group->majority_lost                               ? GRID_BAD
                  : group->can_lose == 0 && group->replica_count > 1 ? GRID_BAD
                  : full                                             ? GRID_GOOD
                                                                     : GRID_WARN;
    field->key = -(double)group->can_lose + group->majority_lost;
}

static void fill_throughput(const struct watch *watch, const struct table_row *row,
                            struct table_field *field)
{
    put_rate(field, watch_throughput(watch, row->group));
}

static void put_percentile(const struct watch *watch, const struct table_row *row, double share,
                           struct table_field *field)
{
    struct buckets buckets = {0};
    watch_calls(watch, row->group, &buckets);
    put_us(field, buckets_percentile(&buckets, share));
}

static void fill_p50(const struct watch *watch, const struct table_row *row,
                     struct table_field *field)
{
    put_percentile(watch, row, 0.50, field);
}

static void fill_p99(const struct watch *watch, const struct table_row *row,
                     struct table_field *field)
{
    put_percentile(watch, row, 0.99, field);
}

static void fill_chosen(const struct watch *watch, const struct table_row *row,
                        struct table_field *field)
{
    (void)watch;
    put_count(field, 9, row->replica == NULL ? row->group->chosen : row->replica->chosen);
}

static void fill_applied(const struct watch *watch, const struct table_row *row,
                         struct table_field *field)
{
    (void)watch;
    put_count(field, 9, row->replica == NULL ? row->group->applied : row->replica->applied);
}

static void fill_lag(const struct watch *watch, const struct table_row *row,
                     struct table_field *field)
{
    (void)watch;
    put_count(field, 6, row->replica == NULL ? row->group->lag : row->replica->lag);
}

static void fill_stored(const struct watch *watch, const struct table_row *row,
                        struct table_field *field)
{
    (void)watch;
    put_bytes(field, figure(row, "kv.bytes"));
}

static void fill_disk(const struct watch *watch, const struct table_row *row,
                      struct table_field *field)
{
    (void)watch;
    put_bytes(field, figure(row, "disk.used_bytes"));
}

static void fill_checkpoint(const struct watch *watch, const struct table_row *row,
                            struct table_field *field)
{
    (void)watch;
    put_age_ms(field, figure(row, "checkpoint.age_ms"));
    if (figure(row, "checkpoint.under_way").value != 0)
        snprintf(field->text, sizeof field->text, "now");
}

static void fill_protocol(const struct watch *watch, const struct table_row *row,
                          struct table_field *field)
{
    (void)watch;
    columns_protocol(picture_best(row->group), field->text);
}

static const struct table_column group_columns[] = {
    {"GROUP", 8, true, 0, fill_group},      {"PROTOCOL", 10, true, 9, fill_protocol},
    {"LEADER", 6, true, 0, fill_leader},    {"BALLOT", 6, false, 6, fill_ballot},
    {"UP", 4, false, 0, fill_up},           {"CAN LOSE", 8, false, 0, fill_lose},
    {"OP/S", 6, false, 0, fill_throughput}, {"P50", 6, false, 1, fill_p50},
    {"P99", 6, false, 1, fill_p99},         {"COMMIT", 9, false, 4, fill_chosen},
    {"APPLIED", 9, false, 7, fill_applied}, {"LAG", 6, false, 2, fill_lag},
    {"STORED", 6, false, 3, fill_stored},   {"DISK", 6, false, 5, fill_disk},
    {"CKPT", 6, false, 8, fill_checkpoint},
};
const struct columns columns_of_groups = {group_columns,
                                          sizeof group_columns / sizeof group_columns[0]};

/* --- replicas -----------------------------------------------------------------------------------
 */

static void fill_role(const struct watch *watch, const struct table_row *row,
                      struct table_field *field)
{
    const char *word = picture_role_text(row->replica->role);
    struct picture_number place = columns_chain_place(row->replica);
    (void)watch;
    bool leads = row->replica->role == PICTURE_ROLE_LEADER;
    if (leads && row->replica->id != row->group->leader)
        word = "deposed"; /* it has not noticed yet */
    if (place.known && find_text(row->replica, "chain.role", field->text))
        return;
    snprintf(field->text, sizeof field->text, "%s", word == NULL ? "-" : leads ? "LEADER" : word);
    field->key = leads;
}

/* Of a leader what its lease has left; of others what they promised it. */
static void fill_lease(const struct watch *watch, const struct table_row *row,
                       struct table_field *field)
{
    (void)watch;
    put_us(field, figure(row, row->replica->role == PICTURE_ROLE_LEADER
                                  ? "proposer.lease_left_us"
                                  : "acceptor.lease_granted_left_us"));
}

static void fill_queue(const struct watch *watch, const struct table_row *row,
                       struct table_field *field)
{
    struct picture_number queued =
        sum(figure(row, "proposer.queued_commands"), figure(row, "proposer.queued_reads"));
    (void)watch;
    queued = sum(queued, figure(row, "acceptor.applying_slots"));
    put_count(field, 6, sum(queued, figure(row, "applier.waiting_reads")));
}

static void fill_commit_p99(const struct watch *watch, const struct table_row *row,
                            struct table_field *field)
{
    struct buckets buckets = {0};
    watch_latency(watch, row->replica, "log.commit_us", &buckets);
    put_us(field, buckets_percentile(&buckets, 0.99));
    field->mood = field->key >= 100000 ? GRID_WARN : GRID_PLAIN;
}

static void fill_memory(const struct watch *watch, const struct table_row *row,
                        struct table_field *field)
{
    (void)watch;
    put_bytes(field, figure(row, "process.rss_bytes"));
}

static void fill_cpu(const struct watch *watch, const struct table_row *row,
                     struct table_field *field)
{
    struct watch_rate rate = watch_rate_of(watch, row->replica, "process.cpu_ms");
    if (rate.known)
        snprintf(field->text, sizeof field->text, "%.0f%%", rate.value / 10);
    field->key = rate.value;
}

static void fill_uptime(const struct watch *watch, const struct table_row *row,
                        struct table_field *field)
{
    (void)watch;
    put_age_ms(field, figure(row, "process.uptime_ms"));
}

static void fill_version(const struct watch *watch, const struct table_row *row,
                         struct table_field *field)
{
    (void)watch;
    find_text(row->replica, "replica.version", field->text);
}

static void fill_applied_rate(const struct watch *watch, const struct table_row *row,
                              struct table_field *field)
{
    put_rate(field, watch_rate_of(watch, row->replica, "applier.applied_slot"));
}

static void fill_address(const struct watch *watch, const struct table_row *row,
                         struct table_field *field)
{
    (void)watch;
    words_address(field->text, 22, row->replica->address);
}

static const struct table_column replica_columns[] = {
    {"NODE", 6, true, 0, fill_node},         {"STATE", 12, true, 0, fill_state},
    {"ROLE", 9, true, 0, fill_role},         {"LEASE", 6, false, 6, fill_lease},
    {"LAG", 6, false, 1, fill_lag},          {"SLOT/S", 6, false, 9, fill_applied_rate},
    {"QUEUE", 6, false, 2, fill_queue},      {"FSYNC99", 7, false, 1, fill_commit_p99},
    {"MEMORY", 6, false, 3, fill_memory},    {"CPU", 5, false, 4, fill_cpu},
    {"UPTIME", 7, false, 5, fill_uptime},    {"VERSION", 8, true, 8, fill_version},
    {"APPLIED", 9, false, 10, fill_applied}, {"ADDRESS", 22, true, 7, fill_address},
};
const struct columns columns_of_replicas = {replica_columns,
                                            sizeof replica_columns / sizeof replica_columns[0]};

/* --- storage ------------------------------------------------------------------------------------
 */

static void fill_records(const struct watch *watch, const struct table_row *row,
                         struct table_field *field)
{
    (void)watch;
    put_count(field, 8, figure(row, "kv.records"));
}

static void fill_free(const struct watch *watch, const struct table_row *row,
                      struct table_field *field)
{
    (void)watch;
    put_bytes(field, figure(row, "disk.free_bytes"));
}

static void fill_full(const struct watch *watch, const struct table_row *row,
                      struct table_field *field)
{
    struct picture_number size = figure(row, "disk.size_bytes");
    (void)watch;
    if (!size.known || size.value == 0)
        return;
    double used = 1 - (double)figure(row, "disk.free_bytes").value / (double)size.value;
    snprintf(field->text, sizeof field->text, "%.0f%%", used * 100);
    field->mood = used > 0.95 ? GRID_BAD : used > 0.85 ? GRID_WARN : GRID_PLAIN;
    field->key = used;
}

static void fill_log(const struct watch *watch, const struct table_row *row,
                     struct table_field *field)
{
    (void)watch;
    put_bytes(field, figure(row, "log.file_bytes"));
}

static void fill_log_slots(const struct watch *watch, const struct table_row *row,
                           struct table_field *field)
{
    (void)watch;
    put_count(field, 9,
              difference(figure(row, "log.highest_slot"), figure(row, "acceptor.cut_slot")));
}

static void fill_unsaved(const struct watch *watch, const struct table_row *row,
                         struct table_field *field)
{
    (void)watch;
    put_count(field, 8, figure(row, "checkpoint.unsaved_slots"));
}

static void fill_written(const struct watch *watch, const struct table_row *row,
                         struct table_field *field)
{
    struct watch_rate rate = watch_rate_of(watch, row->replica, "log.bytes_written");
    put_bytes(field, (struct picture_number){.known = rate.known, .value = (uint64_t)rate.value});
}

static void fill_commits(const struct watch *watch, const struct table_row *row,
                         struct table_field *field)
{
    put_rate(field, watch_rate_of(watch, row->replica, "log.commits"));
}

static void fill_damaged(const struct watch *watch, const struct table_row *row,
                         struct table_field *field)
{
    (void)watch;
    put_count(field, 7, figure(row, "log.damaged_reads"));
    field->mood = field->key > 0 ? GRID_BAD : GRID_PLAIN;
}

static const struct table_column storage_columns[] = {
    {"NODE", 6, true, 0, fill_node},
    {"RECORDS", 8, false, 1, fill_records},
    {"STORED", 6, false, 1, fill_stored},
    {"DISK", 6, false, 1, fill_disk},
    {"FREE", 6, false, 2, fill_free},
    {"FULL", 5, false, 0, fill_full},
    {"LOG", 6, false, 3, fill_log},
    {"LOGSLOTS", 9, false, 6, fill_log_slots},
    {"CKPT", 6, false, 2, fill_checkpoint},
    {"UNSAVED", 8, false, 5, fill_unsaved},
    {"COMMIT/S", 8, false, 7, fill_commits},
    {"WRITE/S", 7, false, 4, fill_written},
    {"FSYNC99", 7, false, 3, fill_commit_p99},
    {"DAMAGED", 7, false, 8, fill_damaged},
};
const struct columns columns_of_storage = {storage_columns,
                                           sizeof storage_columns / sizeof storage_columns[0]};

/* --- clients ------------------------------------------------------------------------------------
 */

static void fill_open(const struct watch *watch, const struct table_row *row,
                      struct table_field *field)
{
    (void)watch;
    put_count(field, 6, figure(row, "api.open_calls"));
}

static void fill_calls(const struct watch *watch, const struct table_row *row,
                       struct table_field *field)
{
    put_rate(field, watch_rate_of(watch, row->replica, "api.requests"));
}

static void fill_refused(const struct watch *watch, const struct table_row *row,
                         struct table_field *field)
{
    put_rate(field, watch_rate_of(watch, row->replica, "api.requests_refused"));
}

static void fill_doubt(const struct watch *watch, const struct table_row *row,
                       struct table_field *field)
{
    (void)watch;
    put_count(field, 7, figure(row, "api.calls_in_doubt"));
}

static void fill_sessions(const struct watch *watch, const struct table_row *row,
                          struct table_field *field)
{
    (void)watch;
    put_count(field, 8, figure(row, "applier.sessions"));
}

static void fill_session_bytes(const struct watch *watch, const struct table_row *row,
                               struct table_field *field)
{
    (void)watch;
    put_bytes(field, figure(row, "applier.session_bytes"));
}

static void fill_repeats(const struct watch *watch, const struct table_row *row,
                         struct table_field *field)
{
    (void)watch;
    put_count(field, 7, figure(row, "applier.repeats_answered"));
}

static void fill_expired(const struct watch *watch, const struct table_row *row,
                         struct table_field *field)
{
    (void)watch;
    put_count(field, 7, figure(row, "applier.sessions_expired"));
}

static void fill_malformed(const struct watch *watch, const struct table_row *row,
                           struct table_field *field)
{
    (void)watch;
    put_count(field, 7, figure(row, "api.dropped_malformed_messages"));
}

static const struct table_column client_columns[] = {
    {"NODE", 6, true, 0, fill_node},          {"ROLE", 9, true, 0, fill_role},
    {"OPEN", 6, false, 0, fill_open},         {"CALL/S", 6, false, 0, fill_calls},
    {"REFUSE/S", 8, false, 0, fill_refused},  {"INDOUBT", 7, false, 2, fill_doubt},
    {"SESSIONS", 8, false, 1, fill_sessions}, {"KEPT", 6, false, 1, fill_session_bytes},
    {"REPEATS", 7, false, 3, fill_repeats},   {"EXPIRED", 7, false, 5, fill_expired},
    {"GARBAGE", 7, false, 4, fill_malformed},
};
const struct columns columns_of_clients = {client_columns,
                                           sizeof client_columns / sizeof client_columns[0]};

/* --- chains -------------------------------------------------------------------------------------
 */

static void fill_place(const struct watch *watch, const struct table_row *row,
                       struct table_field *field)
{
    (void)watch;
    put_count(field, 5, columns_chain_place(row->replica));
}

static void fill_epoch(const struct watch *watch, const struct table_row *row,
                       struct table_field *field)
{
    (void)watch;
    put_count(field, 6, figure(row, "chain.epoch"));
}

static void fill_last(const struct watch *watch, const struct table_row *row,
                      struct table_field *field)
{
    (void)watch;
    put_count(field, 9, figure(row, "chain.last_slot"));
}

/* What is on its way to the next one. */
static void fill_in_flight(const struct watch *watch, const struct table_row *row,
                           struct table_field *field)
{
    (void)watch;
    put_count(field, 8, figure(row, "chain.unpassed_slots"));
}

static void fill_unacknowledged(const struct watch *watch, const struct table_row *row,
                                struct table_field *field)
{
    (void)watch;
    put_count(field, 7, figure(row, "chain.unacknowledged_slots"));
}

static void fill_serves(const struct watch *watch, const struct table_row *row,
                        struct table_field *field)
{
    struct picture_number serves = figure(row, "chain.serves_reads");
    (void)watch;
    if (serves.known)
        snprintf(field->text, sizeof field->text, "%s", serves.value != 0 ? "yes" : "no");
    field->key = (double)serves.value;
}

static const struct table_column chain_columns[] = {
    {"PLACE", 5, false, 2, fill_place},        {"NODE", 6, true, 0, fill_node},
    {"STATE", 12, true, 0, fill_state},        {"ROLE", 9, true, 0, fill_role},
    {"EPOCH", 6, false, 0, fill_epoch},        {"LAST", 9, false, 1, fill_last},
    {"INFLIGHT", 8, false, 0, fill_in_flight}, {"UNACKED", 7, false, 0, fill_unacknowledged},
    {"READS", 5, true, 1, fill_serves},        {"FSYNC99", 7, false, 3, fill_commit_p99},
    {"APPLIED", 9, false, 4, fill_applied},
};
const struct columns columns_of_chain = {chain_columns,
                                         sizeof chain_columns / sizeof chain_columns[0]};
