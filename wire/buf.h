/* Immutable bytes with a reference count, shared between threads.
 *
 * A batch of commands is encoded once into a buf; the same buf then travels to every acceptor, into
 * the log and to the applier. Whoever keeps a buf past a call takes a reference; whoever drops the
 * last one frees it, on whatever thread that happens. Content never changes once shared.
 *
 * A failed allocation ends the process: a crash is an ordinary fault in this system. */
#ifndef MADKV_WIRE_BUF_H
#define MADKV_WIRE_BUF_H

#include <stdatomic.h>
#include "wire/span.h"

struct buf {
    const uint8_t *data;              /* first byte */
    size_t size;                      /* bytes */
    atomic_uint refs;                 /* references held; freed at 0 */
    void (*release)(struct buf *self); /* frees the buf and what it owns */
};

/* A buf of `size` bytes to be filled through *fill before it is shared. One reference. */
struct buf *buf_new(size_t size, uint8_t **fill);

/* A buf that holds a copy of the span. One reference. */
struct buf *buf_copy(struct span bytes);

/* One more reference; returns its argument. NULL is passed through. */
struct buf *buf_ref(struct buf *self);

/* Gives up the reference in *self and sets it to NULL. NULL is ignored. */
void buf_unref(struct buf **self);

static inline struct span buf_span(const struct buf *self)
{
    return self == NULL ? span_of(NULL, 0) : span_of(self->data, self->size);
}

/* malloc family that never fails: it ends the process instead. Units: bytes, elements. */
void *wire_alloc(size_t size);
void *wire_calloc(size_t count, size_t size);
void *wire_realloc(void *old, size_t size);

#endif
