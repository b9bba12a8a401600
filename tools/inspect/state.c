/* state/data.mdb: the last checkpoint, i.e. pairs and an image, each with a hash (actors/base.h).
 * Which of two tables holds the pairs a record says; in the other one a snapshot may have been on
 * its way. */
#include <inttypes.h>
#include <stdio.h>
#include <sys/stat.h>

#include "smr/image.h"
#include "smr/session.h"
#include "tools/inspect/report.h"
#include "wire/hash.h"

enum { HASH_BYTES = 8 };

static const char state_advice[] = "start the replica: it takes its state from its log and the "
                                   "others; alone in its group: restore the whole directory from "
                                   "one copy";

static void note(struct inspect_report *report, const char *what)
{
    struct inspect_damage damage = {.file = "state/data.mdb", .advice = state_advice};
    snprintf(damage.what, sizeof damage.what, "%s", what);
    inspect_note(report, &damage);
}

/* The value in a record; false: its hash does not fit it or its key. */
static bool open_record(struct span key, struct span record, struct span *value)
{
    if (record.size < HASH_BYTES)
        return false;
    *value = span_of(record.data + HASH_BYTES, record.size - HASH_BYTES);
    return wire_hash_seeded(*value, wire_hash(key)) == wire_get_u64(record.data);
}

/* Keys are their owners' business: damage names a place, not a key. */
static void visit_pair(struct inspect_report *report, struct span key, struct span record)
{
    struct span value;
    report->pair_count++;
    report->pair_bytes += key.size + record.size;
    if (open_record(key, record, &value)) {
        report->pair_bytes -= HASH_BYTES;
        return;
    }
    char what[INSPECT_TEXT_BYTES];
    snprintf(what, sizeof what,
             "pair %" PRIu64 " of the state, its key %zu bytes: the checksum does not fit",
             report->pair_count, key.size);
    note(report, what);
}

static void read_image(struct inspect_report *report, struct span record)
{
    struct span bytes;
    struct smr_image image;
    if (!open_record(span_text("image"), record, &bytes)) {
        note(report, "the image of the checkpoint: the checksum does not fit");
        return;
    }
    if (smr_image_decode(bytes, &image) != WIRE_OK) {
        note(report, "the image of the checkpoint is of another format");
        return;
    }
    struct smr_sessions *sessions = smr_sessions_decode(image.sessions);
    if (sessions == NULL) {
        note(report, "the sessions in the checkpoint make no sense");
        return;
    }
    report->has_checkpoint = true;
    report->applied = image.applied;
    report->log_time_ms = image.log_time_ms;
    report->session_count = smr_sessions_count(sessions);
    report->session_bytes = smr_sessions_bytes(sessions);
    smr_sessions_free(sessions);
    if (report->has_identity && report->identity.cluster != 0 &&
        (image.cluster != report->identity.cluster || image.group != report->identity.group))
        note(report, "the checkpoint is of another cluster or group than the directory");
}

static const char *current_table(struct inspect_report *report, const struct inspect_tables *tables)
{
    struct span record, name = {0};
    if (!inspect_get(report, tables, "meta", "current", &record))
        return "kv";
    if (!open_record(span_text("current"), record, &name))
        note(report, "the record of which table is the state: the checksum does not fit");
    return span_equal(name, span_text("kv2")) ? "kv2" : "kv";
}

void inspect_state(struct inspect_report *report, const struct inspect_tables *tables)
{
    struct span record;
    char path[4200];
    struct stat status;
    snprintf(path, sizeof path, "%s/state/data.mdb", report->path);
    report->written = stat(path, &status) == 0 ? (int64_t)status.st_mtime : 0;
    if (inspect_get(report, tables, "meta", "image", &record))
        read_image(report, record);
    inspect_walk(report, tables, current_table(report, tables), visit_pair);
}

void inspect_compare(struct inspect_report *report)
{
    bool unknown = report->state.there && !report->state.whole;
    if (!report->has_hard_state || report->hard_state.cut == 0 || unknown)
        return;
    if (report->has_checkpoint && report->applied >= report->hard_state.cut)
        return;
    char what[INSPECT_TEXT_BYTES];
    snprintf(what, sizeof what,
             "the state is older than the log: it is of slot %" PRIu64
             ", and the log is cut up to %" PRIu64,
             report->applied, report->hard_state.cut);
    note(report, what);
}
