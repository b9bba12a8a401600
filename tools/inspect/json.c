/* The report for programs: one object on one line. What is not known is null. */
#include <stdio.h>

#include "tools/inspect/report.h"
#include "wire/json.h"
#include "wire/message.h"

static void name(struct json *json, const char *text)
{
    json_name(json, span_text(text));
}

static void number(struct json *json, const char *text, bool known, uint64_t value)
{
    name(json, text);
    if (known)
        json_number(json, value);
    else
        json_null(json);
}

static void text_member(struct json *json, const char *text, const char *value)
{
    name(json, text);
    json_text(json, span_text(value));
}

/* Numbers of 64 random bits are words here: readers keep numbers as doubles. */
static void hex_member(struct json *json, const char *text, bool known, uint64_t value)
{
    char hex[24];
    snprintf(hex, sizeof hex, "%016llx", (unsigned long long)value);
    name(json, text);
    if (known)
        json_text(json, span_text(hex));
    else
        json_null(json);
}

static void write_identity(struct json *json, const struct inspect_report *report)
{
    const struct wire_identity *id = &report->identity;
    char node[32];
    bool known = report->has_identity;
    bool manager = id->group == WIRE_GROUP_MANAGERS;
    snprintf(node, sizeof node, manager ? "m.%u" : "s%u.%u", manager ? id->replica : id->group,
             id->replica);
    name(json, "node");
    if (known)
        json_text(json, span_text(node));
    else
        json_null(json);
    hex_member(json, "cluster", known && id->cluster != 0, id->cluster);
    number(json, "partition", known && !manager, id->group);
    number(json, "replica", known, id->replica);
    number(json, "replica_count", known, id->replica_count);
    name(json, "protocol");
    if (known)
        json_text(json, span_text(wire_protocol_text(id->protocol)));
    else
        json_null(json);
    number(json, "birth_generation", known, id->birth.generation);
    hex_member(json, "birth_nonce", known, id->birth.nonce);
    number(json, "start", known, id->start);
}

static void write_hard_state(struct json *json, const struct inspect_report *report)
{
    const struct wire_hard_state *state = &report->hard_state;
    bool known = report->has_hard_state;
    number(json, "promised_round", known, state->promised.round);
    number(json, "promised_replica", known && !ballot_is_none(state->promised),
           state->promised.replica);
    number(json, "chosen_slot", known, state->chosen);
    number(json, "cut_slot", known, state->cut);
    name(json, "may_vote");
    if (known)
        json_bool(json, state->admitted);
    else
        json_null(json);
}

static void write_file(struct json *json, const char *text, const struct inspect_file *file)
{
    name(json, text);
    json_open(json, '{');
    number(json, "bytes", file->there, file->bytes);
    number(json, "live_bytes", file->live_bytes > 0, file->live_bytes);
    json_close(json, '}');
}

static void write_state(struct json *json, const struct inspect_report *report)
{
    bool known = report->has_checkpoint;
    number(json, "checkpoint_slot", known, report->applied);
    number(json, "checkpoint_log_time_ms", known, report->log_time_ms);
    number(json, "checkpoint_written_s", known, (uint64_t)report->written);
    number(json, "sessions", known, report->session_count);
    number(json, "session_bytes", known, report->session_bytes);
    number(json, "pairs", known, report->pair_count);
    number(json, "pair_bytes", known, report->pair_bytes);
}

static void write_damage(struct json *json, const struct inspect_report *report)
{
    name(json, "damage_count");
    json_number(json, report->damage_count);
    name(json, "damage");
    json_open(json, '[');
    for (uint64_t i = 0; i < report->damage_count && i < INSPECT_DAMAGE_MAX; i++) {
        const struct inspect_damage *damage = &report->damage[i];
        json_open(json, '{');
        text_member(json, "file", damage->file);
        number(json, "slot", damage->slot != 0, damage->slot);
        text_member(json, "what", damage->what);
        text_member(json, "advice", damage->advice);
        json_close(json, '}');
    }
    json_close(json, ']');
}

void inspect_write_json(const struct inspect_report *report, struct wire_writer *out)
{
    struct json json = {.out = out};
    json_open(&json, '{');
    text_member(&json, "backer_path", report->path);
    write_identity(&json, report);
    write_hard_state(&json, report);
    number(&json, "log_first_slot", report->log_count > 0, report->log_first);
    number(&json, "log_last_slot", report->log_count > 0, report->log_last);
    number(&json, "log_records", true, report->log_count);
    number(&json, "log_bytes", true, report->log_bytes);
    number(&json, "log_learned", true, report->learned_count);
    number(&json, "log_damaged", true, report->log_damaged);
    write_state(&json, report);
    write_file(&json, "log_file", &report->log);
    write_file(&json, "state_file", &report->state);
    write_damage(&json, report);
    json_close(&json, '}');
    wire_write_raw(out, span_text("\n"));
}
