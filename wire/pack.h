/* Writing msgpack with msgpack-c, reading it with a bounded reader of our own.
 *
 * msgpack-c's own unpacker trusts declared sizes: a few bytes that announce a large array make it
 * allocate gigabytes. The reader here allocates nothing at all: it walks the input, checks every
 * declared size against what is there, and hands out spans that point into it. Any violation makes
 * the reader bad for good, so that a decoder may read all its fields and ask once at the end. */
#ifndef MADKV_WIRE_PACK_H
#define MADKV_WIRE_PACK_H

#include "wire/buf.h"
#include "wire/error.h"
#include "wire/types.h"

/* A growing byte string. Zero-initialised is empty; wire_writer_free gives the memory back. */
struct wire_writer {
    uint8_t *data;   /* bytes written so far */
    size_t size;     /* how many */
    size_t capacity; /* room at data */
};

void wire_writer_free(struct wire_writer *self);
/* Forgets what was written, keeps the room. */
void wire_writer_clear(struct wire_writer *self);
/* What was written, good until the next write. */
static inline struct span wire_writer_span(const struct wire_writer *self)
{
    return span_of(self->data, self->size);
}
/* What was written as a buf of its own; the writer is empty afterwards. */
struct buf *wire_writer_take(struct wire_writer *self);

void wire_write_raw(struct wire_writer *self, struct span bytes);
void wire_write_array(struct wire_writer *self, uint32_t count);
void wire_write_uint(struct wire_writer *self, uint64_t value);
void wire_write_bool(struct wire_writer *self, bool value);
void wire_write_bin(struct wire_writer *self, struct span bytes);
void wire_write_nil(struct wire_writer *self);
void wire_write_ballot(struct wire_writer *self, struct wire_ballot ballot);

struct wire_reader {
    const uint8_t *at;  /* next byte */
    const uint8_t *end; /* one past the last */
    bool bad;           /* something did not fit; every further read yields zero */
};

static inline struct wire_reader wire_reader_of(struct span bytes)
{
    /* Nothing is added to the NULL that an empty span may have: C does not know that sum. */
    const uint8_t *end = bytes.size == 0 ? bytes.data : bytes.data + bytes.size;
    return (struct wire_reader){.at = bytes.data, .end = end, .bad = false};
}

/* Each reads one value and returns it; on anything else than that value the reader goes bad and the
 * result is 0, false or empty. A count is never larger than the bytes that are left. */
uint32_t wire_read_array(struct wire_reader *self);
void wire_read_array_of(struct wire_reader *self, uint32_t count);
uint64_t wire_read_uint(struct wire_reader *self, uint64_t max);
bool wire_read_bool(struct wire_reader *self);
struct span wire_read_bin(struct wire_reader *self, size_t size_max);
/* True if the next value is nil, which is then consumed. */
bool wire_read_nil(struct wire_reader *self);
struct wire_ballot wire_read_ballot(struct wire_reader *self);
/* True while there is more and all was well. */
static inline bool wire_read_more(const struct wire_reader *self)
{
    return !self->bad && self->at < self->end;
}
/* WIRE_OK if all was well and nothing is left over, else WIRE_MALFORMED. */
enum wire_error wire_read_end(const struct wire_reader *self);

#endif
