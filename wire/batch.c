#include "wire/batch.h"

#include "wire/hash.h"

enum {
    BATCH_FORMAT = 1,
    BATCH_PREFIX = 9,  /* format and checksum */
    ENTRY_VALUES = 6,
    HEAD_BYTES_MAX = 40, /* four msgpack numbers */
};

void wire_command_encode(const struct wire_command *command, struct wire_writer *out)
{
    wire_write_array(out, ENTRY_VALUES);
    wire_write_uint(out, command->kind);
    wire_write_uint(out, command->tag);
    wire_write_uint(out, command->session);
    wire_write_uint(out, command->number);
    wire_write_uint(out, command->lowest);
    wire_write_bin(out, command->body);
}

struct buf *wire_batch_build(const struct wire_batch *head, struct buf *const *entries,
                             uint32_t count)
{
    assert(count <= WIRE_BATCH_COMMANDS_MAX);
    struct wire_writer front = {0};
    wire_write_uint(&front, head->elapsed_ms);
    wire_write_uint(&front, head->origin);
    wire_write_uint(&front, head->origin_start);
    wire_write_uint(&front, count);
    assert(front.size <= HEAD_BYTES_MAX);
    size_t size = BATCH_PREFIX + front.size;
    for (uint32_t i = 0; i < count; i++)
        size += entries[i]->size;
    assert(size <= WIRE_BATCH_BYTES_MAX);
    uint8_t *fill;
    struct buf *batch = buf_new(size, &fill);
    uint8_t *at = fill + BATCH_PREFIX;
    memcpy(at, front.data, front.size);
    at += front.size;
    wire_writer_free(&front);
    for (uint32_t i = 0; i < count; i++) {
        memcpy(at, entries[i]->data, entries[i]->size);
        at += entries[i]->size;
    }
    fill[0] = BATCH_FORMAT;
    wire_put_u64(fill + 1, wire_hash(span_of(fill + BATCH_PREFIX, size - BATCH_PREFIX)));
    return batch;
}

static void read_command(struct wire_reader *in, struct wire_command *command)
{
    wire_read_array_of(in, ENTRY_VALUES);
    command->kind = (enum wire_call_kind)wire_read_uint(in, WIRE_CALL_KINDS - 1);
    command->tag = wire_read_uint(in, UINT64_MAX);
    command->session = wire_read_uint(in, UINT64_MAX);
    command->number = wire_read_uint(in, UINT64_MAX / 2);
    command->lowest = wire_read_uint(in, UINT64_MAX / 2);
    command->body = wire_read_bin(in, WIRE_COMMAND_BYTES_MAX);
}

static struct wire_batch read_head(struct span bytes)
{
    struct wire_batch batch = {0};
    struct wire_reader in =
        wire_reader_of(span_of(bytes.data + BATCH_PREFIX, bytes.size - BATCH_PREFIX));
    batch.elapsed_ms = wire_read_uint(&in, UINT64_MAX);
    batch.origin = (wire_replica)wire_read_uint(&in, UINT8_MAX);
    batch.origin_start = wire_read_uint(&in, UINT64_MAX);
    batch.count = (uint32_t)wire_read_uint(&in, WIRE_BATCH_COMMANDS_MAX);
    batch.unread = in;
    return batch;
}

enum wire_error wire_batch_check(struct span bytes)
{
    if (bytes.size < BATCH_PREFIX || bytes.size > WIRE_BATCH_BYTES_MAX)
        return WIRE_MALFORMED;
    struct span content = span_of(bytes.data + BATCH_PREFIX, bytes.size - BATCH_PREFIX);
    if (bytes.data[0] != BATCH_FORMAT || wire_hash(content) != wire_get_u64(bytes.data + 1))
        return WIRE_DAMAGED;
    struct wire_batch batch = read_head(bytes);
    struct wire_command command;
    for (uint32_t i = 0; i < batch.count && !batch.unread.bad; i++)
        read_command(&batch.unread, &command);
    return wire_read_end(&batch.unread);
}

struct wire_batch wire_batch_open(struct span bytes)
{
    assert(bytes.size >= BATCH_PREFIX);
    struct wire_batch batch = read_head(bytes);
    assert(!batch.unread.bad);
    return batch;
}

bool wire_batch_next(struct wire_batch *batch, struct wire_command *command)
{
    if (!wire_read_more(&batch->unread))
        return false;
    read_command(&batch->unread, command);
    assert(!batch->unread.bad);
    return true;
}

uint64_t wire_batch_checksum(struct span bytes)
{
    assert(bytes.size >= BATCH_PREFIX);
    return wire_get_u64(bytes.data + 1);
}
