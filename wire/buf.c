#include "wire/buf.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

static void *or_die(void *memory, size_t size)
{
    if (memory == NULL) {
        fprintf(stderr, "madkv: out of memory (%zu bytes asked for)\n", size);
        abort();
    }
    return memory;
}

void *wire_alloc(size_t size)
{
    return or_die(malloc(size == 0 ? 1 : size), size);
}

void *wire_calloc(size_t count, size_t size)
{
    return or_die(calloc(count == 0 ? 1 : count, size == 0 ? 1 : size), count * size);
}

void *wire_realloc(void *old, size_t size)
{
    return or_die(realloc(old, size == 0 ? 1 : size), size);
}

static void buf_release_heap(struct buf *self)
{
    free(self);
}

struct buf *buf_new(size_t size, uint8_t **fill)
{
    struct buf *self = wire_alloc(sizeof *self + size);
    uint8_t *bytes = (uint8_t *)(self + 1);
    self->data = bytes;
    self->size = size;
    atomic_init(&self->refs, 1);
    self->release = buf_release_heap;
    *fill = bytes;
    return self;
}

struct buf *buf_copy(struct span bytes)
{
    uint8_t *fill;
    struct buf *self = buf_new(bytes.size, &fill);
    if (bytes.size > 0)
        memcpy(fill, bytes.data, bytes.size);
    return self;
}

struct buf *buf_ref(struct buf *self)
{
    if (self != NULL) {
        unsigned before = atomic_fetch_add_explicit(&self->refs, 1, memory_order_relaxed);
        assert(before > 0);
    }
    return self;
}

void buf_unref(struct buf **self)
{
    struct buf *gone = *self;
    *self = NULL;
    if (gone == NULL)
        return;
    /* Release, then acquire on the last one: what other holders read of the bytes happens before
     * they are freed. */
    unsigned before = atomic_fetch_sub_explicit(&gone->refs, 1, memory_order_acq_rel);
    assert(before > 0);
    if (before == 1)
        gone->release(gone);
}
