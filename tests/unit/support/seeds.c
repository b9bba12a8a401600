#include "tests/unit/support/seeds.h"

#include <stdio.h>
#include "smr/image.h"
#include "smr/session.h"
#include "wire/batch.h"
#include "wire/entry.h"
#include "wire/figures.h"
#include "wire/kv.h"
#include "wire/map.h"

enum {
    SEED_TEXT_MAX = 40 /* bytes of keys and values: short, so that all of a seed can be mutated */
};

/* --- messages -------------------------------------------------------------------------------- */

#define random_u8(random) (uint8_t) random_value(random, UINT8_MAX)
#define random_u64(random) random_value(random, UINT64_MAX)
#define random_slot(random) random_value(random, UINT64_MAX / 2)
#define random_replica(random) (wire_replica) random_value(random, UINT8_MAX)
#define random_flag(random) (wire_random_below(random, 2) == 1)

static struct wire_ballot random_ballot(struct wire_random *random)
{
    struct wire_ballot ballot = {.round = random_value(random, UINT64_MAX / 2)};
    ballot.replica = random_replica(random);
    return ballot;
}

static struct wire_birth random_birth(struct wire_random *random)
{
    struct wire_birth birth = {.generation = (uint32_t)random_value(random, UINT32_MAX)};
    birth.nonce = random_u64(random);
    return birth;
}

static struct wire_births random_births(struct wire_random *random)
{
    struct wire_births births;
    for (int i = 0; i < WIRE_REPLICA_COUNT_MAX; i++)
        births.of[i] = random_birth(random);
    return births;
}

static struct wire_generations random_generations(struct wire_random *random)
{
    struct wire_generations births;
    for (int i = 0; i < WIRE_REPLICA_COUNT_MAX; i++)
        births.of[i] = (uint32_t)random_value(random, UINT32_MAX);
    return births;
}

static struct wire_sender random_sender(struct wire_random *random)
{
    struct wire_sender sender = {.cluster = random_u64(random)};
    sender.group = (uint32_t)random_value(random, UINT32_MAX);
    sender.role = (enum wire_role)wire_random_below(random, WIRE_ROLE_COUNT);
    sender.replica = random_replica(random);
    sender.birth = random_birth(random);
    sender.start = random_u64(random);
    return sender;
}

struct wire_message seed_message_of(struct wire_random *random, enum wire_type type)
{
    struct wire_message message = {.type = type, .sender = random_sender(random)};
    switch (type) {
#define M(NAME, name, payload)                                                                     \
    case WIRE_MESSAGE_##NAME: {                                                                    \
        struct wire_##name##_body *body = &message.name;                                           \
        (void)body;                                                                                \
        WIRE_##NAME##_FIELDS(F) break;                                                             \
    }
#define F(kind, field) body->field = random_##kind(random);
        WIRE_MESSAGES(M)
#undef M
#undef F
    default:
        break;
    }
    return message;
}

void seed_message(struct wire_random *random, struct wire_writer *out)
{
    enum wire_type type = (enum wire_type)(1 + wire_random_below(random, WIRE_MESSAGE_END - 1));
    struct wire_message message = seed_message_of(random, type);
    wire_message_encode(&message, out);
}

/* --- the log --------------------------------------------------------------------------------- */

static struct buf *random_command(struct wire_random *random)
{
    uint8_t text[SEED_TEXT_MAX];
    struct wire_writer out = {0};
    struct wire_command command = {
        .kind = (enum wire_call_kind)wire_random_below(random, WIRE_CALL_KINDS),
        .tag = random_u64(random),
        .session = random_u64(random),
        .number = random_slot(random),
        .lowest = random_slot(random),
    };
    command.body = random_text(random, text, wire_random_below(random, sizeof text));
    wire_command_encode(&command, &out);
    struct buf *entry = wire_writer_take(&out);
    wire_writer_free(&out);
    return entry;
}

struct buf *seed_batch_of(struct wire_random *random)
{
    struct buf *entries[3];
    uint32_t count = (uint32_t)wire_random_below(random, 4);
    struct wire_batch head = {.elapsed_ms = random_u64(random)};
    head.origin = random_replica(random);
    head.origin_start = random_u64(random);
    for (uint32_t i = 0; i < count; i++)
        entries[i] = random_command(random);
    struct buf *batch = wire_batch_build(&head, entries, count);
    for (uint32_t i = 0; i < count; i++)
        buf_unref(&entries[i]);
    return batch;
}

void seed_batch(struct wire_random *random, struct wire_writer *out)
{
    struct buf *batch = seed_batch_of(random);
    wire_write_raw(out, buf_span(batch));
    buf_unref(&batch);
}

void seed_entries(struct wire_random *random, struct wire_writer *out)
{
    wire_slot slot = wire_random_below(random, 1000);
    for (uint64_t left = 1 + wire_random_below(random, 3); left > 0; left--) {
        struct buf *batch = seed_batch_of(random);
        struct wire_entry entry = {.slot = slot, .batch = buf_span(batch)};
        entry.ballot = random_ballot(random);
        entry.ballot.round |= 1;
        entry.chosen = random_flag(random);
        wire_entry_encode(&entry, out);
        buf_unref(&batch);
        slot += 1 + wire_random_below(random, 3);
    }
}

void seed_slot_record(struct wire_random *random, struct wire_writer *out)
{
    uint8_t prefix[WIRE_SLOT_RECORD_PREFIX];
    struct buf *batch = seed_batch_of(random);
    struct wire_slot_record record = {.slot = random_slot(random), .batch = buf_span(batch)};
    record.ballot = random_ballot(random);
    record.learned = random_flag(random);
    wire_slot_record_encode(&record, prefix);
    wire_write_raw(out, span_of(prefix, sizeof prefix));
    wire_write_raw(out, buf_span(batch));
    buf_unref(&batch);
}

struct wire_hard_state seed_hard_state_of(struct wire_random *random)
{
    struct wire_hard_state state = {.promised = random_ballot(random)};
    state.chosen = random_slot(random);
    state.cut = random_slot(random);
    state.admitted = random_flag(random);
    for (int i = 0; i < WIRE_REPLICA_COUNT_MAX; i++)
        state.births[i] = random_birth(random);
    return state;
}

void seed_hard_state(struct wire_random *random, struct wire_writer *out)
{
    struct wire_hard_state state = seed_hard_state_of(random);
    wire_hard_state_encode(&state, out);
}

struct wire_identity seed_identity_of(struct wire_random *random)
{
    struct wire_identity identity = {.cluster = random_u64(random)};
    identity.topology = random_u64(random);
    identity.group = (uint32_t)random_value(random, UINT32_MAX);
    identity.replica = random_replica(random);
    identity.replica_count = random_u8(random);
    identity.partitions = (uint32_t)random_value(random, WIRE_PARTITION_COUNT_MAX);
    identity.birth = random_birth(random);
    identity.start = random_slot(random);
    identity.protocol = (enum wire_protocol)wire_random_below(random, WIRE_PROTOCOLS);
    return identity;
}

void seed_identity(struct wire_random *random, struct wire_writer *out)
{
    struct wire_identity identity = seed_identity_of(random);
    wire_identity_encode(&identity, out);
}

/* --- key-value calls ------------------------------------------------------------------------- */

static struct span short_text(struct wire_random *random, uint8_t text[SEED_TEXT_MAX])
{
    return random_text(random, text, 1 + wire_random_below(random, SEED_TEXT_MAX));
}

void seed_kv_call(struct wire_random *random, struct wire_writer *out)
{
    uint8_t key[SEED_TEXT_MAX];
    uint8_t value[SEED_TEXT_MAX];
    struct wire_kv_call call = {.op = (enum wire_kv_op)wire_random_below(random, WIRE_KV_OPS)};
    call.key = short_text(random, key);
    call.value = short_text(random, value);
    call.after = random_flag(random);
    wire_kv_call_encode(&call, out);
}

void seed_kv_answer(struct wire_random *random, struct wire_writer *out)
{
    uint8_t value[SEED_TEXT_MAX];
    enum wire_kv_op op = (enum wire_kv_op)wire_random_below(random, WIRE_KV_SCAN);
    struct wire_kv_answer answer = {.found = random_flag(random)};
    answer.value = short_text(random, value);
    wire_kv_answer_encode(op, &answer, out);
}

void seed_kv_page(struct wire_random *random, struct wire_writer *out)
{
    uint8_t key[SEED_TEXT_MAX];
    uint8_t value[SEED_TEXT_MAX];
    uint32_t pairs = (uint32_t)wire_random_below(random, 4);
    wire_kv_page_begin(out, random_flag(random), pairs);
    for (uint32_t i = 0; i < pairs; i++)
        wire_kv_page_add(out, short_text(random, key), short_text(random, value));
}

/* --- the cluster map ------------------------------------------------------------------------- */

static void random_map(struct wire_random *random, struct wire_map *map)
{
    map->cluster = random_u64(random) | 1;
    map->server_rf = (uint8_t)(1 + 2 * wire_random_below(random, 3));
    map->server_count = map->server_rf * (uint32_t)(1 + wire_random_below(random, 2));
    map->servers = wire_calloc(map->server_count, sizeof *map->servers);
    for (uint32_t i = 0; i < map->server_count; i++) {
        struct wire_map_server *server = &map->servers[i];
        snprintf(server->address, sizeof server->address, "10.0.0.%u:%u", (unsigned)i,
                 (unsigned)(1 + wire_random_below(random, UINT16_MAX)));
        server->birth = random_birth(random);
    }
}

void seed_map_call(struct wire_random *random, struct wire_writer *out)
{
    struct wire_map_call call = {.op = (enum wire_map_op)wire_random_below(random, WIRE_MAP_OPS)};
    if (call.op == WIRE_MAP_FOUND)
        random_map(random, &call.map);
    call.cluster = random_u64(random);
    call.partition = (uint32_t)random_value(random, UINT32_MAX);
    call.replica = random_replica(random);
    call.birth = random_birth(random);
    call.birth.generation |= 1;
    wire_map_call_encode(&call, out);
    wire_map_call_free(&call);
}

void seed_map_answer(struct wire_random *random, struct wire_writer *out)
{
    struct wire_map map = {0};
    enum wire_map_verdict verdict =
        (enum wire_map_verdict)wire_random_below(random, WIRE_MAP_VERDICTS);
    if (verdict != WIRE_MAP_NOT_FOUNDED)
        random_map(random, &map);
    wire_map_answer_encode(verdict, &map, out);
    wire_map_free(&map);
}

/* --- figures --------------------------------------------------------------------------------- */

void seed_figures(struct wire_random *random, struct wire_writer *out)
{
    for (uint64_t left = wire_random_below(random, 4); left > 0; left--) {
        if (random_flag(random))
            wire_figure_number(out, "log.commit_us_p99", random_u64(random));
        else
            wire_figure_text(out, "replica.role", "leading");
    }
}

/* --- checkpoints ----------------------------------------------------------------------------- */

static void apply_call(struct wire_random *random, struct smr_sessions *table, uint64_t id,
                       uint64_t number)
{
    uint8_t text[SEED_TEXT_MAX];
    struct smr_counters counters = {0};
    struct smr_answer answer;
    uint64_t lowest = number - wire_random_below(random, number < 20 ? number : 20);
    if (smr_sessions_judge(table, id, number, lowest, 1000, &answer) != SMR_CALL_FRESH)
        return;
    answer = (struct smr_answer){.status = WIRE_STATUS_OK};
    if (random_flag(random))
        answer.body = buf_copy(short_text(random, text));
    smr_sessions_remember(table, id, number, answer, &counters);
    buf_unref(&answer.body);
}

void seed_sessions(struct wire_random *random, struct wire_writer *out)
{
    struct smr_sessions *table = smr_sessions_new();
    struct smr_counters counters = {0};
    uint64_t sessions = 1 + wire_random_below(random, 3);
    for (uint64_t id = 1; id <= sessions; id++)
        smr_sessions_open(table, id << 20, id, &counters);
    for (uint64_t left = wire_random_below(random, 6); left > 0; left--)
        apply_call(random, table, (1 + wire_random_below(random, sessions)) << 20,
                   1 + wire_random_below(random, 40));
    smr_sessions_encode(table, out);
    smr_sessions_free(table);
}

void seed_image(struct wire_random *random, struct wire_writer *out)
{
    uint8_t sessions[SEED_TEXT_MAX];
    uint8_t part[SEED_TEXT_MAX];
    struct smr_image image = {.applied = random_slot(random), .log_time_ms = random_u64(random)};
    image.cluster = random_u64(random);
    image.group = (uint32_t)random_value(random, UINT32_MAX);
    image.sessions = short_text(random, sessions);
    image.part = short_text(random, part);
    smr_image_encode(&image, out);
}
