/* The report for people. */
#include <inttypes.h>
#include <time.h>

#include "tools/inspect/report.h"
#include "wire/message.h"

/* A line of the report: its name, then the rest by the caller. */
static void begin(FILE *out, const char *name)
{
    fprintf(out, "  %-11s ", name);
}

static void write_size(FILE *out, uint64_t bytes)
{
    static const char *const units[] = {"bytes", "KB", "MB", "GB", "TB"};
    double size = (double)bytes;
    size_t unit = 0;
    while (size >= 10000 && unit + 1 < sizeof units / sizeof units[0]) {
        size /= 1000;
        unit++;
    }
    fprintf(out, "%.0f %s", size, units[unit]);
}

static void write_identity(const struct inspect_report *report, FILE *out)
{
    const struct wire_identity *id = &report->identity;
    begin(out, "node");
    if (!report->has_identity) {
        fprintf(out, "not known\n");
        return;
    }
    if (id->group == WIRE_GROUP_MANAGERS)
        fprintf(out, "manager m.%u, replica %u of %u", id->replica, id->replica, id->replica_count);
    else
        fprintf(out, "server s%" PRIu32 ".%u, replica %u of %u of partition %" PRIu32 " (%s)", id->group,
                id->replica, id->replica, id->replica_count, id->group,
                wire_protocol_text(id->protocol));
    if (id->cluster == 0)
        fprintf(out, ", of no cluster yet\n");
    else
        fprintf(out, ", cluster %016" PRIx64 "\n", id->cluster);
    if (report->topology.size > 0) {
        begin(out, "topology");
        fprintf(out, "%.*s\n", (int)report->topology.size, (const char *)report->topology.data);
    }
    begin(out, "birth");
    if (id->birth.generation == 0)
        fprintf(out, "none yet, it never voted; started %" PRIu64 " times\n", id->start);
    else
        fprintf(out, "generation %" PRIu32 ", nonce %016" PRIx64 ", started %" PRIu64 " times\n",
                id->birth.generation, id->birth.nonce, id->start);
}

static void write_promise(const struct inspect_report *report, FILE *out)
{
    const struct wire_hard_state *state = &report->hard_state;
    begin(out, "promised");
    if (!report->has_hard_state)
        fprintf(out, "not known\n");
    else if (ballot_is_none(state->promised))
        fprintf(out, "nothing yet%s\n", state->admitted ? ", may vote" : "");
    else
        fprintf(out, "ballot %" PRIu64 ".%u%s\n", state->promised.round, state->promised.replica,
                state->admitted ? ", may vote" : ", may not vote yet");
    begin(out, "chosen");
    if (report->has_hard_state)
        fprintf(out, "slots up to %" PRIu64 "\n", state->chosen);
    else
        fprintf(out, "not known\n");
}

static void write_log(const struct inspect_report *report, FILE *out)
{
    begin(out, "log");
    if (report->log_count == 0)
        fprintf(out, "no slots");
    else
        fprintf(out,
                "slots %" PRIu64 " to %" PRIu64 ", %" PRIu64 " records (%" PRIu64
                " learned from peers), ",
                report->log_first, report->log_last, report->log_count, report->learned_count);
    if (report->log_count > 0)
        write_size(out, report->log_bytes);
    fprintf(out, "; cut up to slot %" PRIu64 "\n", report->hard_state.cut);
}

static void write_state(const struct inspect_report *report, FILE *out)
{
    char when[32] = "";
    time_t written = (time_t)report->written;
    struct tm parts;
    begin(out, "checkpoint");
    if (!report->has_checkpoint) {
        fprintf(out, "none\n");
        return;
    }
    if (gmtime_r(&written, &parts) != NULL)
        strftime(when, sizeof when, "%Y-%m-%d %H:%M:%S UTC", &parts);
    fprintf(out, "of slot %" PRIu64 ", at log time %" PRIu64 " s; its file was written %s\n",
            report->applied, report->log_time_ms / 1000, when);
    begin(out, "state");
    fprintf(out, "%" PRIu64 " pairs, ", report->pair_count);
    write_size(out, report->pair_bytes);
    fprintf(out, "\n");
    begin(out, "sessions");
    fprintf(out, "%" PRIu64 " open, with answers of ", report->session_count);
    write_size(out, report->session_bytes);
    fprintf(out, "\n");
}

static void write_file(const struct inspect_file *file, const char *name, FILE *out)
{
    if (!file->there)
        return;
    begin(out, name);
    write_size(out, file->bytes);
    if (file->live_bytes > 0) {
        fprintf(out, ", of which ");
        write_size(out, file->live_bytes);
        fprintf(out, " are in use");
    }
    fprintf(out, "\n");
}

static void write_damage(const struct inspect_report *report, FILE *out)
{
    uint64_t shown =
        report->damage_count < INSPECT_DAMAGE_MAX ? report->damage_count : INSPECT_DAMAGE_MAX;
    const char *advice = NULL;
    for (uint64_t i = 0; i < shown; i++) {
        const struct inspect_damage *damage = &report->damage[i];
        if (advice != NULL && advice != damage->advice)
            fprintf(out, "    -> %s\n", advice);
        advice = damage->advice;
        if (damage->slot != 0)
            fprintf(out, "  DAMAGED %s, slot %" PRIu64 ": %s\n", damage->file, damage->slot,
                    damage->what);
        else
            fprintf(out, "  DAMAGED %s: %s\n", damage->file, damage->what);
    }
    if (advice != NULL)
        fprintf(out, "    -> %s\n", advice);
    if (report->damage_count > shown)
        fprintf(out, "  and %" PRIu64 " more\n", report->damage_count - shown);
}

void inspect_write_text(const struct inspect_report *report, FILE *out)
{
    fprintf(out, "%s\n", report->path);
    write_identity(report, out);
    write_promise(report, out);
    write_log(report, out);
    write_state(report, out);
    write_file(&report->log, "data.mdb", out);
    write_file(&report->state, "state", out);
    begin(out, "checked");
    fprintf(out,
            "%" PRIu64 " log records, %" PRIu64 " pairs, identity, hard state, checkpoint: %s\n",
            report->log_count, report->pair_count,
            report->damage_count == 0 ? "all is well" : "DAMAGED, see below");
    write_damage(report, out);
}
