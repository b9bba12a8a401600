#include "server/kv_tree.h"

#include <assert.h>
#include <stdlib.h>
#include "wire/buf.h"
#include "wire/hash.h"

static int record_compare(const struct kv_record *a, const struct kv_record *b)
{
    return span_compare(a->key, b->key);
}

/* Not the static ones: those want a macro __unused, which not every libbsd defines. */
RB_PROTOTYPE(kv_tree_root, kv_record, link, record_compare)
RB_GENERATE(kv_tree_root, kv_record, link, record_compare)

/* The macros of the tree take no const root; looking up changes nothing. */
static struct kv_tree_root *root_of(const struct kv_tree *self)
{
    return (struct kv_tree_root *)&self->root;
}

static struct kv_record *find(const struct kv_tree *self, struct span key)
{
    struct kv_record probe = {.key = key};
    return RB_FIND(kv_tree_root, root_of(self), &probe);
}

/* Takes a record into, or out of, what the map says about itself. */
static void count_in(struct kv_tree *self, const struct kv_record *record)
{
    self->count++;
    self->bytes += record->key.size + record->value.size;
    self->hash_sum += record->hash;
}

static void count_out(struct kv_tree *self, const struct kv_record *record)
{
    self->count--;
    self->bytes -= record->key.size + record->value.size;
    self->hash_sum -= record->hash;
}

static void fill_value(struct kv_record *record, struct span value)
{
    uint8_t *at = record->bytes + record->key.size;
    if (value.size > 0)
        memcpy(at, value.data, value.size);
    record->value = span_of(at, value.size);
    record->hash = wire_hash_seeded(value, wire_hash(record->key));
}

static struct kv_record *record_new(struct span key, struct span value)
{
    struct kv_record *record = wire_alloc(sizeof *record + key.size + value.size);
    if (key.size > 0)
        memcpy(record->bytes, key.data, key.size);
    record->key = span_of(record->bytes, key.size);
    fill_value(record, value);
    return record;
}

static void take_out(struct kv_tree *self, struct kv_record *record)
{
    count_out(self, record);
    RB_REMOVE(kv_tree_root, &self->root, record);
    free(record);
}

/* A tree is at most some forty levels deep. */
static uint64_t free_all(struct kv_record *record)
{
    if (record == NULL)
        return 0;
    uint64_t count = 1 + free_all(RB_LEFT(record, link)) + free_all(RB_RIGHT(record, link));
    free(record);
    return count;
}

/* Nothing is rebalanced on the way: a whole checkpoint's changes go while calls wait. */
void kv_tree_clear(struct kv_tree *self)
{
    uint64_t count = free_all(RB_ROOT(&self->root));
    assert(count == self->count);
    (void)count;
    *self = (struct kv_tree){0};
}

const struct kv_record *kv_tree_find(const struct kv_tree *self, struct span key)
{
    return find(self, key);
}

const struct kv_record *kv_tree_seek(const struct kv_tree *self, struct span key, bool after)
{
    struct kv_record probe = {.key = key};
    const struct kv_record *record = RB_NFIND(kv_tree_root, root_of(self), &probe);
    if (after && record != NULL && span_equal(record->key, key))
        return kv_tree_next(record);
    return record;
}

const struct kv_record *kv_tree_next(const struct kv_record *record)
{
    return RB_NEXT(kv_tree_root, NULL, (struct kv_record *)record);
}

void kv_tree_set(struct kv_tree *self, struct span key, struct span value)
{
    kv_tree_put(self, find(self, key), key, value);
}

void kv_tree_put(struct kv_tree *self, const struct kv_record *found, struct span key,
                 struct span value)
{
    struct kv_record *record = (struct kv_record *)found; /* this map's, so it may change it */
    if (record != NULL && record->value.size == value.size) {
        count_out(self, record);
        fill_value(record, value);
        count_in(self, record);
        return;
    }
    if (record != NULL)
        take_out(self, record);
    record = record_new(key, value);
    const struct kv_record *twin = RB_INSERT(kv_tree_root, &self->root, record);
    assert(twin == NULL);
    count_in(self, record);
}

bool kv_tree_remove(struct kv_tree *self, struct span key)
{
    struct kv_record *record = find(self, key);
    if (record == NULL)
        return false;
    take_out(self, record);
    return true;
}

uint64_t kv_tree_digest(const struct kv_tree *self)
{
    uint8_t text[16];
    wire_put_u64(text, self->hash_sum);
    wire_put_u64(text + 8, self->count);
    return wire_hash(span_of(text, sizeof text));
}
