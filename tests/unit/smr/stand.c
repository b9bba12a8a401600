#include "tests/unit/smr/stand.h"

#include <stdio.h>
#include <stdlib.h>
#include "smr/memory_log.h"
#include "smr/paxos/acceptor.h"
#include "smr/paxos/proposer.h"
#include "wire/batch.h"
#include "wire/entry.h"
#include "wire/figures.h"

/* --- lives -------------------------------------------------------------------------------------- */

struct wire_sender stand_sender(enum wire_role role, wire_replica replica)
{
    return (struct wire_sender){.cluster = 7,
                                .group = 0,
                                .role = role,
                                .replica = replica,
                                .birth = {.generation = 1, .nonce = 100 + (uint64_t)replica},
                                .start = 1};
}

struct smr_config stand_config(uint8_t replica_count)
{
    return (struct smr_config){.self = stand_sender(WIRE_ROLE_CLIENT, 0),
                               .replica_count = replica_count,
                               .seed = 1,
                               .timing = smr_timing_default(),
                               .reads = SMR_READS_INDEX};
}

/* Effects that were all looked at make room for new ones. */
static void begin(struct stand *stand)
{
    if (stand->seen < stand->out.count)
        return;
    smr_out_clear(&stand->out);
    stand->seen = 0;
}

static void queue_puts(struct stand *stand, size_t from)
{
    for (size_t i = from; i < stand->out.count; i++) {
        const struct smr_effect *effect = &stand->out.effects[i];
        if (effect->kind == SMR_PUT_SLOT)
            stand->log.ops->put_slot(stand->log.self, &effect->entry);
        else if (effect->kind == SMR_PUT_STATE)
            stand->log.ops->put_state(stand->log.self, &effect->state);
        else if (effect->kind == SMR_CUT)
            stand->log.ops->cut(stand->log.self, effect->upto);
    }
}

static void wake(struct stand *stand)
{
    begin(stand);
    size_t before = stand->out.count;
    stand->role.ops->wake(stand->role.self, stand->now, &stand->out);
    queue_puts(stand, before);
}

void stand_outwait_leases(struct stand *stand)
{
    stand->now += smr_lease_granted(SMR_LEASE_MAX);
}

/* --- events ------------------------------------------------------------------------------------- */

void stand_feed(struct stand *stand, struct wire_message message)
{
    begin(stand);
    size_t before = stand->out.count;
    stand->role.ops->receive(stand->role.self, stand->now, &message, &stand->out);
    queue_puts(stand, before);
    wire_message_clear(&message);
}

static bool shows_its_disk(const struct stand *stand)
{
    if (stand->seen == stand->out.count)
        return false;
    const struct smr_effect *effect = &stand->out.effects[stand->seen];
    return effect->kind == SMR_SEND_DURABLE && effect->message.type == WIRE_MESSAGE_BIRTH &&
           effect->message.birth.admitted;
}

/* A disk that votes is shown to the peers at each start, and they have it written down. */
static void know_birth(struct stand *stand)
{
    bool shown = shows_its_disk(stand);
    while (shows_its_disk(stand))
        stand->seen++;
    for (wire_replica peer = 1; shown && peer < stand->config.replica_count; peer++)
        stand_feed(stand, FROM(ACCEPTOR, peer, BIRTH_KNOWN,
                               .birth_known = {.nonce = stand->config.self.birth.nonce,
                                               .recorded = true,
                                               .generation = 1}));
}

struct stand *stand_new(const struct smr_config *config, struct smr_role role, struct smr_log log)
{
    struct stand *stand = wire_calloc(1, sizeof *stand);
    *stand = (struct stand){
        .config = *config, .role = role, .log = log, .now = 10 * WIRE_SECOND};
    wake(stand);
    struct wire_hard_state state = {0};
    wire_slot highest;
    if (log.ops != NULL && log.ops->load(log.self, &state, &highest) == WIRE_OK && state.admitted)
        stand_outwait_leases(stand);
    know_birth(stand);
    return stand;
}

struct stand *stand_acceptor(uint8_t replica_count)
{
    struct smr_config config = stand_config(replica_count);
    struct smr_log log = smr_memory_log_new();
    struct wire_hard_state state = {.admitted = true};
    log.ops->put_state(log.self, &state);
    log.ops->commit(log.self);
    return stand_new(&config, smr_acceptor_new(&config, log), log);
}

struct stand *stand_proposer(uint8_t replica_count)
{
    struct smr_config config = stand_config(replica_count);
    struct stand *stand = stand_new(&config, smr_proposer_new(&config), (struct smr_log){0});
    stand_sent(stand, WIRE_MESSAGE_ATTACH, WIRE_ROLE_ACCEPTOR, 0);
    stand_nothing(stand);
    return stand;
}

void stand_free(struct stand *stand)
{
    stand->role.ops->destroy(stand->role.self);
    if (stand->log.ops != NULL)
        stand->log.ops->close(stand->log.self);
    smr_out_free(&stand->out);
    free(stand);
}

void stand_restart_acceptor(struct stand *stand, bool crash)
{
    stand->role.ops->destroy(stand->role.self);
    stand_forget(stand);
    if (crash)
        smr_memory_log_crash(stand->log);
    stand->config.self.start++;
    stand->role = smr_acceptor_new(&stand->config, stand->log);
    wake(stand);
    stand_outwait_leases(stand);
    know_birth(stand);
}


void stand_settle(struct stand *stand)
{
    begin(stand);
    size_t before = stand->out.count;
    stand->role.ops->settle(stand->role.self, stand->now, &stand->out);
    queue_puts(stand, before);
}

void stand_commit(struct stand *stand)
{
    begin(stand);
    ck_assert_int_eq(stand->log.ops->commit(stand->log.self), WIRE_OK);
    stand->role.ops->durable(stand->role.self, stand->now, &stand->out);
}

void stand_pass(struct stand *stand, wire_time time)
{
    wire_time end = stand->now + time;
    wire_time deadline;
    while ((deadline = stand->role.ops->deadline(stand->role.self)) <= end) {
        if (deadline > stand->now)
            stand->now = deadline;
        wake(stand);
        ck_assert_int_gt(stand->role.ops->deadline(stand->role.self), stand->now);
    }
    stand->now = end;
}

void stand_until(struct stand *stand, enum wire_type type)
{
    for (int wakes = 0; wakes < 100; wakes++) {
        wire_time deadline = stand->role.ops->deadline(stand->role.self);
        ck_assert_msg(deadline != WIRE_NEVER, "no deadline, and no %s", wire_type_text(type));
        if (deadline > stand->now)
            stand->now = deadline;
        wake(stand);
        if (stand_count(stand, type) > 0)
            return;
    }
    ck_abort_msg("no %s in a hundred wake-ups", wire_type_text(type));
}

/* --- effects ------------------------------------------------------------------------------------ */

static const char *effect_text(const struct stand *stand, char *text, size_t size)
{
    static const char *const kinds[] = {"send", "send when durable", "put of a slot",
                                        "put of the state", "cut"};
    if (stand->seen == stand->out.count)
        return "nothing";
    const struct smr_effect *effect = &stand->out.effects[stand->seen];
    if (effect->kind != SMR_SEND && effect->kind != SMR_SEND_DURABLE)
        return kinds[effect->kind];
    int used = snprintf(text, size, "%s to %s %u: ", kinds[effect->kind],
                        wire_role_text(effect->to), effect->to_replica);
    wire_message_print(&effect->message, text + used, size - (size_t)used);
    return text;
}

static const struct smr_effect *take(struct stand *stand, enum smr_effect_kind kind,
                                     const char *what)
{
    char text[300];
    bool fits =
        stand->seen < stand->out.count && stand->out.effects[stand->seen].kind == kind;
    ck_assert_msg(fits, "expected %s, got %s", what, effect_text(stand, text, sizeof text));
    return &stand->out.effects[stand->seen++];
}

static const struct wire_message *take_send(struct stand *stand, enum smr_effect_kind kind,
                                            enum wire_type type, enum wire_role to,
                                            wire_replica to_replica)
{
    char what[100];
    snprintf(what, sizeof what, "%s %s to %s %u", kind == SMR_SEND ? "a" : "a durable",
             wire_type_text(type), wire_role_text(to), to_replica);
    const struct smr_effect *effect = take(stand, kind, what);
    bool fits = effect->message.type == type && effect->to == to &&
                effect->to_replica == to_replica;
    if (!fits) {
        char text[300];
        stand->seen--;
        ck_abort_msg("expected %s, got %s", what, effect_text(stand, text, sizeof text));
    }
    return &effect->message;
}

const struct wire_message *stand_sent(struct stand *stand, enum wire_type type, enum wire_role to,
                                      wire_replica to_replica)
{
    return take_send(stand, SMR_SEND, type, to, to_replica);
}

const struct wire_message *stand_sent_durable(struct stand *stand, enum wire_type type,
                                              enum wire_role to, wire_replica to_replica)
{
    return take_send(stand, SMR_SEND_DURABLE, type, to, to_replica);
}

const struct smr_log_entry *stand_put_slot(struct stand *stand)
{
    return &take(stand, SMR_PUT_SLOT, "a put of a slot")->entry;
}

const struct wire_hard_state *stand_put_state(struct stand *stand)
{
    return &take(stand, SMR_PUT_STATE, "a put of the state")->state;
}

wire_slot stand_cut(struct stand *stand)
{
    return take(stand, SMR_CUT, "a cut")->upto;
}

void stand_nothing(const struct stand *stand)
{
    char text[300];
    ck_assert_msg(stand->seen == stand->out.count, "expected nothing, got %s",
                  effect_text(stand, text, sizeof text));
    ck_assert_int_eq(stand->out.fatal, WIRE_OK);
}

void stand_forget(struct stand *stand)
{
    stand->seen = stand->out.count;
}

static bool is_send_of(const struct smr_effect *effect, enum wire_type type)
{
    return (effect->kind == SMR_SEND || effect->kind == SMR_SEND_DURABLE) &&
           effect->message.type == type;
}

size_t stand_count(const struct stand *stand, enum wire_type type)
{
    size_t count = 0;
    for (size_t i = stand->seen; i < stand->out.count; i++)
        count += is_send_of(&stand->out.effects[i], type);
    return count;
}

const struct wire_message *stand_find(struct stand *stand, enum wire_type type)
{
    while (stand->seen < stand->out.count) {
        const struct smr_effect *effect = &stand->out.effects[stand->seen++];
        if (is_send_of(effect, type))
            return &effect->message;
    }
    ck_abort_msg("no %s", wire_type_text(type));
}

uint64_t stand_figure(const struct stand *stand, const char *name)
{
    struct wire_writer out = {0};
    stand->role.ops->figures(stand->role.self, stand->now, &out);
    struct wire_reader in = wire_reader_of(wire_writer_span(&out));
    struct wire_figure figure;
    uint64_t number = 0;
    while (wire_figure_next(&in, &figure)) {
        if (!figure.is_text && span_equal(figure.name, span_text(name)))
            number = figure.number;
    }
    ck_assert(!in.bad);
    wire_writer_free(&out);
    return number;
}

/* --- what messages carry -------------------------------------------------------------------------- */

static struct buf *batch_with(struct span body, bool empty)
{
    struct wire_command command = {.kind = WIRE_CALL_PLAIN, .tag = 1, .body = body};
    struct wire_batch head = {.origin = 0, .origin_start = 1};
    struct wire_writer out = {0};
    wire_command_encode(&command, &out);
    struct buf *entry = wire_writer_take(&out);
    struct buf *batch = wire_batch_build(&head, &entry, empty ? 0 : 1);
    buf_unref(&entry);
    wire_writer_free(&out);
    return batch;
}

struct buf *batch_of(const char *text)
{
    return batch_with(text == NULL ? span_of(NULL, 0) : span_text(text), text == NULL);
}

struct buf *batch_of_size(size_t size)
{
    uint8_t *bytes = wire_calloc(1, size);
    struct buf *batch = batch_with(span_of(bytes, size), false);
    free(bytes);
    return batch;
}

void assert_batch(const struct buf *batch, const char *text)
{
    ck_assert_ptr_nonnull(batch);
    ck_assert_int_eq(wire_batch_check(buf_span(batch)), WIRE_OK);
    struct wire_batch opened = wire_batch_open(buf_span(batch));
    struct wire_command command;
    bool any = wire_batch_next(&opened, &command);
    ck_assert_msg(any == (text != NULL), "expected %s", text == NULL ? "a no-op" : text);
    if (any)
        ck_assert_msg(span_equal(command.body, span_text(text)), "expected '%s', got '%.*s'", text,
                      (int)command.body.size, (const char *)command.body.data);
}

struct buf *entries_of(const struct entry_text *entries, size_t count)
{
    struct wire_writer out = {0};
    for (size_t i = 0; i < count; i++) {
        struct buf *batch = batch_of(entries[i].text);
        struct wire_entry entry = {.slot = entries[i].slot,
                                   .ballot = entries[i].ballot,
                                   .chosen = entries[i].chosen,
                                   .batch = buf_span(batch)};
        wire_entry_encode(&entry, &out);
        buf_unref(&batch);
    }
    struct buf *list = wire_writer_take(&out);
    wire_writer_free(&out);
    return list;
}

struct buf *no_bytes(void)
{
    return buf_copy(span_of(NULL, 0));
}

struct buf *text_buf(const char *text)
{
    return buf_copy(span_text(text));
}

void assert_ballot(struct wire_ballot ballot, uint64_t round, wire_replica replica)
{
    ck_assert_uint_eq(ballot.round, round);
    ck_assert_uint_eq(ballot.replica, replica);
}
