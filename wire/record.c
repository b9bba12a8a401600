#include "wire/record.h"

#include "wire/batch.h"
#include "wire/hash.h"

enum {
    SEAL_BYTES = 9, /* format and checksum of the small records */
    FLAG_LEARNED = 1,
};

void wire_slot_record_encode(const struct wire_slot_record *record,
                             uint8_t prefix[WIRE_SLOT_RECORD_PREFIX])
{
    memset(prefix, 0, WIRE_SLOT_RECORD_PREFIX);
    prefix[0] = WIRE_RECORD_FORMAT;
    prefix[1] = record->learned ? FLAG_LEARNED : 0;
    wire_put_u32(prefix + 4, (uint32_t)record->batch.size);
    wire_put_u64(prefix + 8, record->slot);
    wire_put_u64(prefix + 16, record->ballot.round);
    prefix[24] = record->ballot.replica;
    wire_put_u64(prefix + 32, wire_batch_checksum(record->batch));
    wire_put_u64(prefix + 40, wire_hash(span_of(prefix, 40)));
}

enum wire_error wire_slot_record_decode(struct span bytes, wire_slot slot,
                                        struct wire_slot_record *record)
{
    if (bytes.size < WIRE_SLOT_RECORD_PREFIX)
        return WIRE_DAMAGED;
    const uint8_t *at = bytes.data;
    struct span batch =
        span_of(at + WIRE_SLOT_RECORD_PREFIX, bytes.size - WIRE_SLOT_RECORD_PREFIX);
    if (wire_hash(span_of(at, 40)) != wire_get_u64(at + 40) || at[0] != WIRE_RECORD_FORMAT ||
        wire_get_u64(at + 8) != slot || wire_get_u32(at + 4) != batch.size)
        return WIRE_DAMAGED;
    if (wire_batch_check(batch) != WIRE_OK || wire_batch_checksum(batch) != wire_get_u64(at + 32))
        return WIRE_DAMAGED;
    record->slot = slot;
    record->ballot = (struct wire_ballot){.round = wire_get_u64(at + 16), .replica = at[24]};
    record->learned = (at[1] & FLAG_LEARNED) != 0;
    record->batch = batch;
    return WIRE_OK;
}

/* Leaves room for the seal; what follows is sealed by seal_end. */
static size_t seal_begin(struct wire_writer *out)
{
    static const uint8_t room[SEAL_BYTES];
    size_t begin = out->size;
    wire_write_raw(out, span_of(room, sizeof room));
    return begin;
}

static void seal_end(struct wire_writer *out, size_t begin)
{
    uint8_t *at = out->data + begin;
    struct span body = span_of(at + SEAL_BYTES, out->size - begin - SEAL_BYTES);
    at[0] = WIRE_RECORD_FORMAT;
    wire_put_u64(at + 1, wire_hash(body));
}

static bool seal_checks(struct span bytes)
{
    return bytes.size >= SEAL_BYTES &&
           wire_hash(span_of(bytes.data + SEAL_BYTES, bytes.size - SEAL_BYTES)) ==
               wire_get_u64(bytes.data + 1);
}

static struct wire_reader seal_open(struct span bytes)
{
    if (!seal_checks(bytes) || bytes.data[0] != WIRE_RECORD_FORMAT)
        return (struct wire_reader){.bad = true};
    return wire_reader_of(span_of(bytes.data + SEAL_BYTES, bytes.size - SEAL_BYTES));
}

unsigned wire_record_foreign_format(struct span bytes)
{
    return seal_checks(bytes) && bytes.data[0] != WIRE_RECORD_FORMAT ? bytes.data[0] : 0;
}

void wire_hard_state_encode(const struct wire_hard_state *state, struct wire_writer *out)
{
    size_t begin = seal_begin(out);
    wire_write_ballot(out, state->promised);
    wire_write_uint(out, state->chosen);
    wire_write_uint(out, state->cut);
    wire_write_bool(out, state->admitted);
    for (int i = 0; i < WIRE_REPLICA_COUNT_MAX; i++) {
        wire_write_uint(out, state->births[i].generation);
        wire_write_uint(out, state->births[i].nonce);
    }
    seal_end(out, begin);
}

enum wire_error wire_hard_state_decode(struct span bytes, struct wire_hard_state *state)
{
    struct wire_reader in = seal_open(bytes);
    struct wire_hard_state read;
    read.promised = wire_read_ballot(&in);
    read.chosen = wire_read_uint(&in, UINT64_MAX / 2);
    read.cut = wire_read_uint(&in, UINT64_MAX / 2);
    read.admitted = wire_read_bool(&in);
    for (int i = 0; i < WIRE_REPLICA_COUNT_MAX; i++) {
        read.births[i].generation = (uint32_t)wire_read_uint(&in, UINT32_MAX);
        read.births[i].nonce = wire_read_uint(&in, UINT64_MAX);
    }
    if (wire_read_end(&in) != WIRE_OK)
        return WIRE_DAMAGED;
    *state = read;
    return WIRE_OK;
}

void wire_identity_encode(const struct wire_identity *identity, struct wire_writer *out)
{
    size_t begin = seal_begin(out);
    wire_write_uint(out, identity->cluster);
    wire_write_uint(out, identity->topology);
    wire_write_uint(out, identity->group);
    wire_write_uint(out, identity->replica);
    wire_write_uint(out, identity->replica_count);
    wire_write_uint(out, identity->partitions);
    wire_write_uint(out, identity->birth.generation);
    wire_write_uint(out, identity->birth.nonce);
    wire_write_uint(out, identity->start);
    if (identity->protocol != WIRE_PROTOCOL_MULTIPAXOS)
        wire_write_uint(out, identity->protocol);
    seal_end(out, begin);
}

enum wire_error wire_identity_decode(struct span bytes, struct wire_identity *identity)
{
    struct wire_reader in = seal_open(bytes);
    struct wire_identity read;
    read.cluster = wire_read_uint(&in, UINT64_MAX);
    read.topology = wire_read_uint(&in, UINT64_MAX);
    read.group = (uint32_t)wire_read_uint(&in, UINT32_MAX);
    read.replica = (wire_replica)wire_read_uint(&in, UINT8_MAX);
    read.replica_count = (uint8_t)wire_read_uint(&in, UINT8_MAX);
    read.partitions = (uint32_t)wire_read_uint(&in, WIRE_PARTITION_COUNT_MAX);
    read.birth.generation = (uint32_t)wire_read_uint(&in, UINT32_MAX);
    read.birth.nonce = wire_read_uint(&in, UINT64_MAX);
    read.start = wire_read_uint(&in, UINT64_MAX / 2);
    read.protocol = wire_read_more(&in)
                        ? (enum wire_protocol)wire_read_uint(&in, WIRE_PROTOCOLS - 1)
                        : WIRE_PROTOCOL_MULTIPAXOS;
    if (wire_read_end(&in) != WIRE_OK)
        return WIRE_DAMAGED;
    *identity = read;
    return WIRE_OK;
}
