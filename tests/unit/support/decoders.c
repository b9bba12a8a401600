#include "tests/unit/support/decoders.h"

#include <assert.h>
#include <stdlib.h>
#include "smr/image.h"
#include "smr/session.h"
#include "tests/unit/support/seeds.h"
#include "wire/batch.h"
#include "wire/entry.h"
#include "wire/figures.h"
#include "wire/hash.h"
#include "wire/kv.h"
#include "wire/map.h"

/* What the decoders hand out is summed up here, so that every byte of it is read. */
static volatile uint64_t seen;

static void touch(struct span bytes)
{
    for (size_t i = 0; i < bytes.size; i++)
        seen += bytes.data[i];
}

/* --- messages -------------------------------------------------------------------------------- */

static enum wire_error run_message(struct span input)
{
    struct wire_message message;
    struct wire_message again;
    char text[256];
    if (wire_message_decode(input, &message) != WIRE_OK)
        return WIRE_MALFORMED;
    assert(message.payload == NULL && message.client.size == 0);
    struct wire_writer out = {0};
    wire_message_encode(&message, &out);
    enum wire_error error = wire_message_decode(wire_writer_span(&out), &again);
    assert(error == WIRE_OK && again.type == message.type);
    touch(span_text(wire_message_print(&message, text, sizeof text)));
    wire_writer_free(&out);
    return WIRE_OK;
}

/* --- the log --------------------------------------------------------------------------------- */

static void read_batch(struct span input)
{
    struct wire_batch batch = wire_batch_open(input);
    struct wire_command command;
    uint32_t count = 0;
    while (wire_batch_next(&batch, &command)) {
        touch(command.body);
        count++;
    }
    assert(count == batch.count && count <= WIRE_BATCH_COMMANDS_MAX);
}

static enum wire_error run_batch(struct span input)
{
    enum wire_error error = wire_batch_check(input);
    if (error == WIRE_OK)
        read_batch(input);
    return error;
}

static enum wire_error run_entries(struct span input)
{
    enum wire_error error = wire_entries_check(input, 0);
    struct wire_reader in = wire_reader_of(input);
    struct wire_entry entry;
    wire_slot last = 0;
    while (wire_entry_next(&in, &entry)) {
        read_batch(entry.batch);
        last = entry.slot;
    }
    assert(error != WIRE_OK || wire_read_end(&in) == WIRE_OK);
    assert(input.size == 0 || wire_entries_check(input, last + 1) == WIRE_MALFORMED);
    return error;
}

static enum wire_error run_slot_record(struct span input)
{
    wire_slot slot = input.size < 16 ? 1 : wire_get_u64(input.data + 8);
    struct wire_slot_record record;
    uint8_t prefix[WIRE_SLOT_RECORD_PREFIX];
    assert(wire_slot_record_decode(input, slot + 1, &record) == WIRE_DAMAGED);
    enum wire_error error = wire_slot_record_decode(input, slot, &record);
    if (error != WIRE_OK)
        return error;
    assert(record.slot == slot);
    read_batch(record.batch);
    wire_slot_record_encode(&record, prefix);
    return WIRE_OK;
}

static enum wire_error run_hard_state(struct span input)
{
    struct wire_hard_state state;
    enum wire_error error = wire_hard_state_decode(input, &state);
    if (error != WIRE_OK)
        return error;
    struct wire_writer out = {0};
    wire_hard_state_encode(&state, &out);
    assert(wire_hard_state_decode(wire_writer_span(&out), &state) == WIRE_OK);
    wire_writer_free(&out);
    return WIRE_OK;
}

static enum wire_error run_identity(struct span input)
{
    struct wire_identity identity;
    enum wire_error error = wire_identity_decode(input, &identity);
    if (error != WIRE_OK)
        return error;
    struct wire_writer out = {0};
    wire_identity_encode(&identity, &out);
    assert(wire_identity_decode(wire_writer_span(&out), &identity) == WIRE_OK);
    wire_writer_free(&out);
    return WIRE_OK;
}

/* --- key-value calls ------------------------------------------------------------------------- */

static enum wire_error run_kv_call(struct span input)
{
    struct wire_kv_call call;
    struct wire_kv_call again;
    if (wire_kv_call_decode(input, &call) != WIRE_OK)
        return WIRE_MALFORMED;
    assert(wire_kv_key_ok(call.key));
    touch(call.value);
    struct wire_writer out = {0};
    wire_kv_call_encode(&call, &out);
    assert(out.size <= WIRE_COMMAND_BYTES_MAX);
    enum wire_error error = wire_kv_call_decode(wire_writer_span(&out), &again);
    assert(error == WIRE_OK && again.op == call.op && span_equal(again.key, call.key) &&
           span_equal(again.value, call.value) && again.after == call.after);
    wire_writer_free(&out);
    return WIRE_OK;
}

/* An answer is read in the light of its call: good here if it is one to any. */
static enum wire_error run_kv_answer(struct span input)
{
    enum wire_error result = WIRE_MALFORMED;
    for (int op = 0; op < WIRE_KV_SCAN; op++) {
        struct wire_kv_answer answer;
        if (wire_kv_answer_decode((enum wire_kv_op)op, input, &answer) != WIRE_OK)
            continue;
        touch(answer.value);
        result = WIRE_OK;
    }
    return result;
}

static enum wire_error run_kv_page(struct span input)
{
    bool more;
    struct span key;
    struct span value;
    struct wire_reader page = wire_kv_page_open(input, &more);
    while (wire_kv_page_next(&page, &key, &value)) {
        touch(key);
        touch(value);
    }
    return wire_read_end(&page);
}

/* --- the cluster map ------------------------------------------------------------------------- */

static enum wire_error run_map_call(struct span input)
{
    struct wire_map_call call;
    struct wire_map_call again;
    if (wire_map_call_decode(input, &call) != WIRE_OK)
        return WIRE_MALFORMED;
    struct wire_writer out = {0};
    wire_map_call_encode(&call, &out);
    enum wire_error error = wire_map_call_decode(wire_writer_span(&out), &again);
    assert(error == WIRE_OK && again.op == call.op);
    assert(wire_map_topology(3, &call.map) == wire_map_topology(3, &again.map));
    wire_writer_free(&out);
    wire_map_call_free(&again);
    wire_map_call_free(&call);
    return WIRE_OK;
}

static enum wire_error run_map_answer(struct span input)
{
    enum wire_map_verdict verdict;
    enum wire_map_verdict verdict_again;
    struct wire_map map;
    struct wire_map again;
    if (wire_map_answer_decode(input, &verdict, &map) != WIRE_OK)
        return WIRE_MALFORMED;
    struct wire_writer out = {0};
    wire_map_answer_encode(verdict, &map, &out);
    enum wire_error error = wire_map_answer_decode(wire_writer_span(&out), &verdict_again, &again);
    assert(error == WIRE_OK && verdict == verdict_again);
    wire_writer_free(&out);
    wire_map_free(&again);
    wire_map_free(&map);
    return WIRE_OK;
}

/* --- figures --------------------------------------------------------------------------------- */

static enum wire_error run_figures(struct span input)
{
    struct wire_reader in = wire_reader_of(input);
    struct wire_figure figure;
    while (wire_figure_next(&in, &figure)) {
        touch(figure.name);
        touch(figure.text);
    }
    return wire_read_end(&in);
}

/* --- checkpoints ----------------------------------------------------------------------------- */

static enum wire_error run_sessions(struct span input)
{
    struct smr_sessions *table = smr_sessions_decode(input);
    if (table == NULL)
        return WIRE_MALFORMED;
    struct wire_writer out = {0};
    smr_sessions_encode(table, &out);
    struct smr_sessions *again = smr_sessions_decode(wire_writer_span(&out));
    assert(again != NULL && smr_sessions_digest(again) == smr_sessions_digest(table));
    assert(smr_sessions_bytes(again) == smr_sessions_bytes(table));
    wire_writer_free(&out);
    smr_sessions_free(again);
    smr_sessions_free(table);
    return WIRE_OK;
}

static enum wire_error run_image(struct span input)
{
    struct smr_image image;
    struct smr_image again;
    if (smr_image_decode(input, &image) != WIRE_OK)
        return WIRE_MALFORMED;
    struct wire_writer out = {0};
    smr_image_encode(&image, &out);
    enum wire_error error = smr_image_decode(wire_writer_span(&out), &again);
    assert(error == WIRE_OK && again.cluster == image.cluster && again.group == image.group &&
           again.applied == image.applied &&
           span_equal(again.sessions, image.sessions) && span_equal(again.part, image.part));
    wire_writer_free(&out);
    return WIRE_OK;
}

/* --- the table ------------------------------------------------------------------------------- */

static const struct {
    const char *name;
    void (*seed)(struct wire_random *random, struct wire_writer *out);
    enum wire_error (*run)(struct span input);
} decoders[] = {
#define X(name) {#name, seed_##name, run_##name},
    DECODERS(X)
#undef X
};

const char *decoder_name(enum decoder_kind kind)
{
    return decoders[kind].name;
}

void decoder_seed(enum decoder_kind kind, struct wire_random *random, struct wire_writer *out)
{
    decoders[kind].seed(random, out);
}

enum wire_error decoder_run(enum decoder_kind kind, struct span input)
{
    uint8_t *exact = malloc(input.size);
    assert(exact != NULL || input.size == 0);
    if (input.size > 0)
        memcpy(exact, input.data, input.size);
    enum wire_error error = decoders[kind].run(span_of(exact, input.size));
    free(exact);
    return error;
}

bool decoder_is_sealed(enum decoder_kind kind)
{
    return kind == DECODER_batch || kind == DECODER_slot_record || kind == DECODER_hard_state ||
           kind == DECODER_identity;
}

bool decoder_is_list(enum decoder_kind kind)
{
    return kind == DECODER_entries || kind == DECODER_figures || kind == DECODER_sessions;
}

/* --- repairing checksums --------------------------------------------------------------------- */

enum {
    SEAL_BYTES = 9 /* format and checksum, of batches and small records alike */
};

static void seal_content(uint8_t *data, size_t size)
{
    if (size < SEAL_BYTES)
        return;
    data[0] = 1;
    wire_put_u64(data + 1, wire_hash(span_of(data + SEAL_BYTES, size - SEAL_BYTES)));
}

static void seal_slot_record(uint8_t *data, size_t size)
{
    if (size < WIRE_SLOT_RECORD_PREFIX + SEAL_BYTES)
        return;
    uint8_t *batch = data + WIRE_SLOT_RECORD_PREFIX;
    seal_content(batch, size - WIRE_SLOT_RECORD_PREFIX);
    data[0] = 1;
    wire_put_u32(data + 4, (uint32_t)(size - WIRE_SLOT_RECORD_PREFIX));
    wire_put_u64(data + 32, wire_get_u64(batch + 1));
    wire_put_u64(data + 40, wire_hash(span_of(data, 40)));
}

static void seal_entries(uint8_t *data, size_t size)
{
    struct wire_reader in = wire_reader_of(span_of(data, size));
    while (wire_read_more(&in)) {
        wire_read_array(&in);
        wire_read_uint(&in, UINT64_MAX);
        wire_read_ballot(&in);
        wire_read_bool(&in);
        struct span batch = wire_read_bin(&in, WIRE_BATCH_BYTES_MAX);
        if (!in.bad)
            seal_content(data + (batch.data - data), batch.size);
    }
}

void decoder_seal(enum decoder_kind kind, uint8_t *data, size_t size)
{
    if (kind == DECODER_slot_record)
        seal_slot_record(data, size);
    else if (kind == DECODER_entries)
        seal_entries(data, size);
    else if (decoder_is_sealed(kind))
        seal_content(data, size);
}
