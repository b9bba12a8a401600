/* data.mdb: the log, the hard state and the identity. Their checksums, and what they say of each
 * other. */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

#include "tools/inspect/report.h"
#include "wire/hash.h"

enum {
    SLOT_KEY_BYTES = 8,
    RECORD_SLOT = 8, /* where a slot record says its slot */
};

static const char slot_advice[] =
    "start the replica: it takes the slot from its peers if any of them has it, and votes on it "
    "only "
    "then; with no peer that has it, restore the directory from a copy";
static const char promise_advice[] = "start the replica as it is: it comes back as reborn, and "
                                     "votes once the others of its group have "
                                     "told it what it may have promised";
static const char identity_advice[] =
    "restore the directory from a copy, or move it away and start the replica on a new one";

static void note_slot(struct inspect_report *report, wire_slot slot, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

static void note_slot(struct inspect_report *report, wire_slot slot, const char *format, ...)
{
    struct inspect_damage damage = {.file = "data.mdb", .slot = slot, .advice = slot_advice};
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(damage.what, sizeof damage.what, format, arguments);
    va_end(arguments);
    inspect_note(report, &damage);
}

static void note_meta(struct inspect_report *report, const char *what, const char *advice)
{
    struct inspect_damage damage = {.file = "data.mdb", .advice = advice};
    snprintf(damage.what, sizeof damage.what, "%s", what);
    inspect_note(report, &damage);
}

/* A good record in the wrong place: the disk misdirected a write, or somebody moved it. */
static bool belongs_elsewhere(struct span value, wire_slot slot, wire_slot *other)
{
    struct wire_slot_record record;
    if (value.size < WIRE_SLOT_RECORD_PREFIX)
        return false;
    *other = wire_get_u64(value.data + RECORD_SLOT);
    return *other != slot && wire_slot_record_decode(value, *other, &record) == WIRE_OK;
}

/* Slots that are chosen and not cut must be there, all of them. */
static void note_gap(struct inspect_report *report, wire_slot from, wire_slot upto)
{
    wire_slot chosen = report->has_hard_state ? report->hard_state.chosen : 0;
    wire_slot first = from > report->hard_state.cut ? from : report->hard_state.cut + 1;
    wire_slot last = upto < chosen ? upto : chosen;
    if (!report->has_hard_state || first > last)
        return;
    report->log_damaged += last - first + 1;
    if (first == last)
        note_slot(report, first, "the slot is chosen and has no record");
    else
        note_slot(report, first, "the slots up to %" PRIu64 " are chosen and have no record", last);
}

static void visit_slot(struct inspect_report *report, struct span key, struct span value)
{
    wire_slot slot = 0, other = 0;
    struct wire_slot_record record;
    if (key.size != SLOT_KEY_BYTES) {
        note_meta(report, "a record of the log has a key that is no slot", identity_advice);
        return;
    }
    for (size_t i = 0; i < SLOT_KEY_BYTES; i++)
        slot = slot << 8 | key.data[i];
    note_gap(report, report->log_last + 1, slot - 1);
    if (report->log_count == 0)
        report->log_first = slot;
    report->log_last = slot;
    report->log_count++;
    report->log_bytes += value.size;
    if (wire_slot_record_decode(value, slot, &record) == WIRE_OK) {
        report->learned_count += record.learned;
        return;
    }
    report->log_damaged++;
    if (belongs_elsewhere(value, slot, &other))
        note_slot(report, slot, "the record is whole and belongs to slot %" PRIu64, other);
    else
        note_slot(report, slot, "the record's checksum does not fit");
}

static void read_identity(struct inspect_report *report, const struct inspect_tables *tables)
{
    struct span value;
    if (!inspect_get(report, tables, "meta", "identity", &value))
        return;
    report->has_identity = wire_identity_decode(value, &report->identity) == WIRE_OK;
    if (!report->has_identity)
        note_meta(report, "identity: the checksum does not fit", identity_advice);
    if (inspect_get(report, tables, "meta", "topology", &value))
        wire_write_raw(&report->topology, value);
}

static void read_hard_state(struct inspect_report *report, const struct inspect_tables *tables)
{
    struct span value;
    uint64_t noted = report->damage_count;
    bool found = inspect_get(report, tables, "meta", "hard_state", &value);
    report->has_hard_state = !found && report->damage_count == noted;
    if (!found)
        return;
    report->has_hard_state = wire_hard_state_decode(value, &report->hard_state) == WIRE_OK;
    if (!report->has_hard_state)
        note_meta(report, "hard state: the checksum does not fit; what was promised is not known",
                  promise_advice);
}

void inspect_log(struct inspect_report *report, const struct inspect_tables *tables)
{
    read_identity(report, tables);
    read_hard_state(report, tables);
    if (inspect_walk(report, tables, "log", visit_slot) && report->log.whole)
        note_gap(report, report->log_last + 1, UINT64_MAX);
}
