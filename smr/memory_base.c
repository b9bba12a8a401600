#include "smr/memory_base.h"

#include <assert.h>
#include <stdlib.h>

struct pair {
    struct buf *key;   /* owned */
    struct buf *value; /* owned; in a checkpoint NULL: remove the key */
};

struct pairs {
    struct pair *at; /* ascending by key */
    size_t count;    /* how many */
    size_t capacity; /* room */
};

struct memory_base {
    struct pairs pairs;  /* durable */
    struct buf *image;   /* durable; NULL: none yet */
    struct pairs begun;  /* of the checkpoint in the making, in the order put */
    bool open;           /* there is one */
    bool full;           /* commits find no room */
};

static void append(struct pairs *pairs, struct pair pair)
{
    if (pairs->count == pairs->capacity) {
        pairs->capacity = pairs->capacity == 0 ? 16 : pairs->capacity * 2;
        pairs->at = wire_realloc(pairs->at, pairs->capacity * sizeof *pairs->at);
    }
    pairs->at[pairs->count++] = pair;
}

static void empty(struct pairs *pairs)
{
    for (size_t i = 0; i < pairs->count; i++) {
        buf_unref(&pairs->at[i].key);
        buf_unref(&pairs->at[i].value);
    }
    pairs->count = 0;
}

/* Index of the first pair whose key is not below; with `after`, above. */
static size_t seek(const struct pairs *pairs, struct span key, bool after)
{
    size_t low = 0, high = pairs->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = span_compare(buf_span(pairs->at[middle].key), key);
        if (order < 0 || (order == 0 && after))
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static bool holds(const struct pairs *pairs, size_t at, struct span key)
{
    return at < pairs->count && span_equal(buf_span(pairs->at[at].key), key);
}

static struct buf *memory_get(void *self, struct span key)
{
    struct memory_base *base = self;
    size_t at = seek(&base->pairs, key, false);
    return holds(&base->pairs, at, key) ? buf_ref(base->pairs.at[at].value) : NULL;
}

static void memory_scan(void *self, struct span from, bool after, smr_base_visit *visit,
                        void *context)
{
    struct memory_base *base = self;
    for (size_t i = seek(&base->pairs, from, after); i < base->pairs.count; i++) {
        const struct pair *pair = &base->pairs.at[i];
        if (!visit(context, buf_span(pair->key), buf_span(pair->value)))
            return;
    }
}

static struct buf *memory_image(void *self)
{
    return buf_ref(((struct memory_base *)self)->image);
}

static void memory_begin(void *self)
{
    struct memory_base *base = self;
    assert(!base->open);
    base->open = true;
}

static void memory_put(void *self, struct span key, struct span value)
{
    struct memory_base *base = self;
    assert(base->open);
    append(&base->begun, (struct pair){.key = buf_copy(key),
                                       .value = value.size == 0 ? NULL : buf_copy(value)});
}

static void store(struct pairs *pairs, struct pair *pair)
{
    size_t at = seek(pairs, buf_span(pair->key), false);
    bool there = holds(pairs, at, buf_span(pair->key));
    if (pair->value == NULL && !there)
        return;
    if (!there) {
        append(pairs, (struct pair){0});
        memmove(pairs->at + at + 1, pairs->at + at, (pairs->count - 1 - at) * sizeof *pairs->at);
        pairs->at[at] = (struct pair){.key = buf_ref(pair->key), .value = buf_ref(pair->value)};
        return;
    }
    buf_unref(&pairs->at[at].value);
    pairs->at[at].value = buf_ref(pair->value);
    if (pair->value != NULL)
        return;
    buf_unref(&pairs->at[at].key);
    memmove(pairs->at + at, pairs->at + at + 1, (pairs->count - 1 - at) * sizeof *pairs->at);
    pairs->count--;
}

static enum wire_error memory_commit(void *self, struct span image)
{
    struct memory_base *base = self;
    assert(base->open);
    base->open = false;
    if (base->full) {
        empty(&base->begun);
        return WIRE_FULL;
    }
    for (size_t i = 0; i < base->begun.count; i++)
        store(&base->pairs, &base->begun.at[i]);
    empty(&base->begun);
    buf_unref(&base->image);
    base->image = buf_copy(image);
    return WIRE_OK;
}

static const struct smr_base_ops memory_ops = {
    .get = memory_get,
    .scan = memory_scan,
    .image = memory_image,
    .begin = memory_begin,
    .put = memory_put,
    .commit = memory_commit,
};

struct smr_base smr_memory_base_new(void)
{
    return (struct smr_base){.ops = &memory_ops,
                             .self = wire_calloc(1, sizeof(struct memory_base))};
}

void smr_memory_base_crash(struct smr_base base)
{
    assert(base.ops == &memory_ops);
    struct memory_base *self = base.self;
    empty(&self->begun);
    self->open = false;
}

void smr_memory_base_set_full(struct smr_base base, bool full)
{
    assert(base.ops == &memory_ops);
    ((struct memory_base *)base.self)->full = full;
}

void smr_memory_base_free(struct smr_base *base)
{
    struct memory_base *self = base->self;
    empty(&self->pairs);
    empty(&self->begun);
    buf_unref(&self->image);
    free(self->pairs.at);
    free(self->begun.at);
    free(self);
    *base = (struct smr_base){0};
}
