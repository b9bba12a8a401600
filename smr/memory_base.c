#include "smr/memory_base.h"

#include <assert.h>
#include <stdlib.h>

struct pair {
    struct buf *key;   /* owned */
    struct buf *value; /* owned; in a checkpoint NULL: remove the key */
    bool damaged;      /* its checksum does not fit */
};

struct pairs {
    struct pair *at; /* ascending by key */
    size_t count;    /* how many */
    size_t capacity; /* room */
};

struct memory_base {
    struct pairs pairs;  /* durable */
    struct buf *image;   /* durable; NULL: none yet */
    struct pairs staged; /* durable: the snapshot that takes shape */
    struct buf *mark;    /* durable: how far it has; NULL: nothing is staged */
    struct pairs begun;  /* of the checkpoint or stage in the making, in the order put */
    bool open;           /* there is one */
    bool afresh;         /* it is a stage, and begins with nothing */
    bool full;           /* commits find no room */
    bool image_damaged;  /* its checksum does not fit */
    bool *lost;          /* what was damaged has been read, of the base or of a view of it */
    bool own_lost;       /* of the base; a view points to it */
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
    if (!holds(&base->pairs, at, key))
        return NULL;
    const struct pair *pair = &base->pairs.at[at];
    *base->lost |= pair->damaged;
    return pair->damaged ? NULL : buf_ref(pair->value);
}

static void memory_scan(void *self, struct span from, bool after, smr_base_visit *visit,
                        void *context)
{
    struct memory_base *base = self;
    for (size_t i = seek(&base->pairs, from, after); i < base->pairs.count; i++) {
        const struct pair *pair = &base->pairs.at[i];
        *base->lost |= pair->damaged;
        if (pair->damaged || !visit(context, buf_span(pair->key), buf_span(pair->value)))
            return;
    }
}

static struct buf *memory_image(void *self)
{
    struct memory_base *base = self;
    *base->lost |= base->image_damaged;
    return base->image_damaged ? NULL : buf_ref(base->image);
}

static void memory_begin(void *self)
{
    struct memory_base *base = self;
    assert(!base->open);
    base->open = true;
    base->afresh = false;
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
    pairs->at[at].damaged = false;
    if (pair->value != NULL)
        return;
    buf_unref(&pairs->at[at].key);
    memmove(pairs->at + at, pairs->at + at + 1, (pairs->count - 1 - at) * sizeof *pairs->at);
    pairs->count--;
}

/* Moves what was begun to where it belongs; the text beside it is replaced with it. */
static enum wire_error end(struct memory_base *base, struct pairs *pairs, struct buf **beside,
                           struct span text)
{
    assert(base->open);
    base->open = false;
    if (base->full) {
        empty(&base->begun);
        return WIRE_FULL;
    }
    if (base->afresh)
        empty(pairs);
    for (size_t i = 0; i < base->begun.count; i++)
        store(pairs, &base->begun.at[i]);
    empty(&base->begun);
    buf_unref(beside);
    *beside = buf_copy(text);
    return WIRE_OK;
}

static enum wire_error memory_commit(void *self, struct span image)
{
    struct memory_base *base = self;
    enum wire_error error = end(base, &base->pairs, &base->image, image);
    if (error == WIRE_OK)
        base->image_damaged = false;
    return error;
}

/* --- snapshots ---------------------------------------------------------------------------------- */

static void memory_stage(void *self, bool afresh)
{
    memory_begin(self);
    ((struct memory_base *)self)->afresh = afresh;
}

static enum wire_error memory_stage_commit(void *self, struct span mark)
{
    struct memory_base *base = self;
    return end(base, &base->staged, &base->mark, mark);
}

static struct buf *memory_staged(void *self)
{
    return buf_ref(((struct memory_base *)self)->mark);
}

static void memory_unstage(void *self)
{
    struct memory_base *base = self;
    assert(!base->open);
    empty(&base->staged);
    buf_unref(&base->mark);
}

static enum wire_error memory_install(void *self, struct span image)
{
    struct memory_base *base = self;
    assert(!base->open && base->mark != NULL);
    if (base->full)
        return WIRE_FULL;
    struct pairs old = base->pairs;
    base->pairs = base->staged;
    base->staged = old;
    buf_unref(&base->image);
    base->image = buf_copy(image);
    base->image_damaged = false;
    memory_unstage(base);
    return WIRE_OK;
}

/* A view shares the pairs' bytes. */
static void *memory_view_open(void *self)
{
    const struct memory_base *base = self;
    struct memory_base *view = wire_calloc(1, sizeof *view);
    for (size_t i = 0; i < base->pairs.count; i++)
        append(&view->pairs, (struct pair){.key = buf_ref(base->pairs.at[i].key),
                                           .value = buf_ref(base->pairs.at[i].value),
                                           .damaged = base->pairs.at[i].damaged});
    view->image = buf_ref(base->image);
    view->image_damaged = base->image_damaged;
    view->lost = base->lost;
    return view;
}

static uint64_t memory_view_pairs(void *view)
{
    return ((const struct memory_base *)view)->pairs.count;
}

static void release(struct memory_base *self)
{
    empty(&self->pairs);
    empty(&self->staged);
    empty(&self->begun);
    buf_unref(&self->image);
    buf_unref(&self->mark);
    free(self->pairs.at);
    free(self->staged.at);
    free(self->begun.at);
    free(self);
}

static void memory_view_close(void *view)
{
    release(view);
}

static const struct smr_base_ops memory_ops = {
    .get = memory_get,
    .scan = memory_scan,
    .image = memory_image,
    .begin = memory_begin,
    .put = memory_put,
    .commit = memory_commit,
    .stage = memory_stage,
    .stage_commit = memory_stage_commit,
    .staged = memory_staged,
    .install = memory_install,
    .unstage = memory_unstage,
    .view_open = memory_view_open,
    .view_image = memory_image,
    .view_pairs = memory_view_pairs,
    .view_scan = memory_scan,
    .view_close = memory_view_close,
};

struct smr_base smr_memory_base_new(void)
{
    struct memory_base *self = wire_calloc(1, sizeof *self);
    self->lost = &self->own_lost;
    return (struct smr_base){.ops = &memory_ops, .self = self};
}

bool smr_memory_base_damage(struct smr_base base, unsigned place)
{
    assert(base.ops == &memory_ops);
    struct memory_base *self = base.self;
    if (place >= 1000) {
        self->image_damaged = self->image != NULL;
        return self->image_damaged;
    }
    if (self->pairs.count == 0)
        return false;
    struct pair *pair = &self->pairs.at[place * self->pairs.count / 1000];
    uint8_t *fill;
    struct buf *flipped = buf_new(pair->value->size, &fill);
    memcpy(fill, pair->value->data, pair->value->size);
    fill[0] ^= 1;
    buf_unref(&pair->value);
    pair->value = flipped;
    pair->damaged = true;
    return true;
}

void smr_memory_base_lose(struct smr_base base)
{
    assert(base.ops == &memory_ops);
    *((struct memory_base *)base.self)->lost = true;
}

bool smr_memory_base_is_lost(struct smr_base base)
{
    assert(base.ops == &memory_ops);
    return *((struct memory_base *)base.self)->lost;
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
    release(base->self);
    *base = (struct smr_base){0};
}
