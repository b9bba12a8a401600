#include "wire/pack.h"

#include <assert.h>
#include <msgpack.h>
#include <stdlib.h>

static int writer_append(void *data, const char *bytes, size_t size)
{
    struct wire_writer *self = data;
    if (size == 0)
        return 0;
    if (self->capacity - self->size < size) {
        size_t capacity = self->capacity == 0 ? 256 : self->capacity;
        while (capacity - self->size < size)
            capacity *= 2;
        self->data = wire_realloc(self->data, capacity);
        self->capacity = capacity;
    }
    memcpy(self->data + self->size, bytes, size);
    self->size += size;
    return 0;
}

static msgpack_packer packer_of(struct wire_writer *self)
{
    msgpack_packer packer;
    msgpack_packer_init(&packer, self, writer_append);
    return packer;
}

void wire_writer_free(struct wire_writer *self)
{
    free(self->data);
    *self = (struct wire_writer){0};
}

void wire_writer_clear(struct wire_writer *self)
{
    self->size = 0;
}

struct buf *wire_writer_take(struct wire_writer *self)
{
    struct buf *taken = buf_copy(wire_writer_span(self));
    wire_writer_clear(self);
    return taken;
}

void wire_write_raw(struct wire_writer *self, struct span bytes)
{
    writer_append(self, (const char *)bytes.data, bytes.size);
}

void wire_write_array(struct wire_writer *self, uint32_t count)
{
    msgpack_packer packer = packer_of(self);
    msgpack_pack_array(&packer, count);
}

void wire_write_uint(struct wire_writer *self, uint64_t value)
{
    msgpack_packer packer = packer_of(self);
    msgpack_pack_uint64(&packer, value);
}

void wire_write_bool(struct wire_writer *self, bool value)
{
    msgpack_packer packer = packer_of(self);
    if (value)
        msgpack_pack_true(&packer);
    else
        msgpack_pack_false(&packer);
}

void wire_write_bin(struct wire_writer *self, struct span bytes)
{
    msgpack_packer packer = packer_of(self);
    msgpack_pack_bin(&packer, bytes.size);
    msgpack_pack_bin_body(&packer, bytes.data, bytes.size);
}

void wire_write_nil(struct wire_writer *self)
{
    msgpack_packer packer = packer_of(self);
    msgpack_pack_nil(&packer);
}

void wire_write_ballot(struct wire_writer *self, struct wire_ballot ballot)
{
    wire_write_uint(self, ballot.round);
    wire_write_uint(self, ballot.replica);
}

/* --- reading: the format bytes are those of the msgpack specification ---------------------------- */

static size_t left(const struct wire_reader *self)
{
    return (size_t)(self->end - self->at);
}

static uint64_t fail(struct wire_reader *self)
{
    self->bad = true;
    self->at = self->end;
    return 0;
}

/* The next `size` bytes as a big-endian number. */
static uint64_t take_number(struct wire_reader *self, size_t size)
{
    if (left(self) < size)
        return fail(self);
    uint64_t value = 0;
    for (size_t i = 0; i < size; i++)
        value = value << 8 | self->at[i];
    self->at += size;
    return value;
}

static uint8_t take_format(struct wire_reader *self)
{
    if (self->bad || left(self) < 1) {
        fail(self);
        return 0xc1; /* the one byte msgpack never uses */
    }
    return *self->at++;
}

uint32_t wire_read_array(struct wire_reader *self)
{
    uint8_t format = take_format(self);
    uint64_t count;
    if ((format & 0xf0) == 0x90)
        count = format & 0x0f;
    else if (format == 0xdc)
        count = take_number(self, 2);
    else if (format == 0xdd)
        count = take_number(self, 4);
    else
        return (uint32_t)fail(self);
    /* Every element takes a byte at the least. */
    return count > left(self) ? (uint32_t)fail(self) : (uint32_t)count;
}

void wire_read_array_of(struct wire_reader *self, uint32_t count)
{
    if (wire_read_array(self) != count)
        fail(self);
}

uint64_t wire_read_uint(struct wire_reader *self, uint64_t max)
{
    uint8_t format = take_format(self);
    uint64_t value;
    if (format < 0x80)
        value = format;
    else if (format >= 0xcc && format <= 0xcf)
        value = take_number(self, (size_t)1 << (format - 0xcc));
    else
        return fail(self);
    return value > max ? fail(self) : value;
}

bool wire_read_bool(struct wire_reader *self)
{
    uint8_t format = take_format(self);
    if (format != 0xc2 && format != 0xc3)
        return fail(self);
    return format == 0xc3;
}

struct span wire_read_bin(struct wire_reader *self, size_t size_max)
{
    uint8_t format = take_format(self);
    uint64_t size = 0;
    if (format >= 0xc4 && format <= 0xc6)
        size = take_number(self, (size_t)1 << (format - 0xc4));
    else
        fail(self);
    if (self->bad || size > size_max || size > left(self)) {
        fail(self);
        return span_of(NULL, 0);
    }
    struct span bytes = span_of(self->at, (size_t)size);
    self->at += size;
    return bytes;
}

bool wire_read_nil(struct wire_reader *self)
{
    if (self->bad || left(self) < 1 || *self->at != 0xc0)
        return false;
    self->at++;
    return true;
}

struct wire_ballot wire_read_ballot(struct wire_reader *self)
{
    struct wire_ballot ballot = {.round = wire_read_uint(self, UINT64_MAX / 2)};
    ballot.replica = (wire_replica)wire_read_uint(self, UINT8_MAX);
    return ballot;
}

enum wire_error wire_read_end(const struct wire_reader *self)
{
    return self->bad || self->at != self->end ? WIRE_MALFORMED : WIRE_OK;
}
