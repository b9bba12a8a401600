#include "smr/snapshot.h"

enum {
    MARK_FORMAT = 1,
    MARK_VALUES = 9
};

void smr_mark_encode(const struct smr_mark *mark, struct wire_writer *out)
{
    wire_write_array(out, MARK_VALUES);
    wire_write_uint(out, MARK_FORMAT);
    wire_write_uint(out, mark->cluster);
    wire_write_uint(out, mark->group);
    wire_write_uint(out, mark->snapshot);
    wire_write_uint(out, mark->totals.pairs);
    wire_write_uint(out, mark->totals.bytes);
    wire_write_uint(out, mark->totals.hash_sum);
    wire_write_bin(out, smr_mark_key(mark));
    wire_write_bool(out, mark->whole);
}

enum wire_error smr_mark_decode(struct span bytes, struct smr_mark *mark)
{
    struct wire_reader in = wire_reader_of(bytes);
    struct smr_mark read = {0};
    wire_read_array_of(&in, MARK_VALUES);
    uint64_t format = wire_read_uint(&in, UINT8_MAX);
    read.cluster = wire_read_uint(&in, UINT64_MAX);
    read.group = (uint32_t)wire_read_uint(&in, UINT32_MAX);
    read.snapshot = wire_read_uint(&in, UINT64_MAX / 2);
    read.totals.pairs = wire_read_uint(&in, UINT64_MAX);
    read.totals.bytes = wire_read_uint(&in, UINT64_MAX);
    read.totals.hash_sum = wire_read_uint(&in, UINT64_MAX);
    struct span key = wire_read_bin(&in, WIRE_KEY_BYTES_MAX);
    read.whole = wire_read_bool(&in);
    if (wire_read_end(&in) != WIRE_OK || format != MARK_FORMAT)
        return WIRE_MALFORMED;
    if (key.size > 0)
        memcpy(read.key, key.data, key.size);
    read.key_size = key.size;
    *mark = read;
    return WIRE_OK;
}

uint64_t smr_snapshot_checksum(const struct wire_message *message)
{
    const struct wire_snapshot_body *body = &message->snapshot;
    uint8_t head[48];
    wire_put_u64(head, message->sender.cluster);
    wire_put_u64(head + 8, message->sender.group);
    wire_put_u64(head + 16, body->snapshot);
    wire_put_u64(head + 24, body->place);
    wire_put_u64(head + 32, body->pairs);
    wire_put_u64(head + 40, (uint64_t)body->image << 1 | body->last);
    return wire_hash_seeded(buf_span(message->payload), wire_hash(span_of(head, sizeof head)));
}

void smr_snapshot_put(struct wire_writer *out, struct span key, struct span value)
{
    wire_write_bin(out, key);
    wire_write_bin(out, value);
}

bool smr_snapshot_next(struct wire_reader *in, struct span *key, struct span *value)
{
    if (!wire_read_more(in))
        return false;
    *key = wire_read_bin(in, WIRE_KEY_BYTES_MAX);
    *value = wire_read_bin(in, WIRE_VALUE_BYTES_MAX);
    if (key->size == 0 || value->size == 0)
        in->bad = true;
    return !in->bad;
}

enum wire_error smr_snapshot_check(struct span pairs, struct span after)
{
    struct wire_reader in = wire_reader_of(pairs);
    struct span key, value;
    while (smr_snapshot_next(&in, &key, &value)) {
        if (span_compare(key, after) <= 0)
            return WIRE_MALFORMED;
        after = key;
    }
    return wire_read_end(&in);
}
