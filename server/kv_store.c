#include "server/kv_store.h"

#include <assert.h>

enum {
    RECORD_BYTES = 96 /* what a change costs in memory beside its key and value */
};

void kv_store_init(struct kv_store *self, const struct smr_base *base)
{
    *self = (struct kv_store){.base = base};
}

void kv_store_clear(struct kv_store *self)
{
    kv_tree_clear(&self->active);
    kv_tree_clear(&self->frozen);
    buf_unref(&self->lent);
}

/* --- one key ---------------------------------------------------------------------------------- */

struct kv_found kv_store_find(struct kv_store *self, struct span key)
{
    struct kv_found found = {.active = kv_tree_find(&self->active, key)};
    const struct kv_record *change = found.active;
    if (change == NULL && self->is_frozen)
        change = kv_tree_find(&self->frozen, key);
    if (change != NULL) {
        found.value = change->value;
        found.is_there = change->value.size > 0;
    } else if (self->base != NULL) {
        buf_unref(&self->lent);
        self->lent = self->base->ops->get(self->base->self, key);
        found.value = buf_span(self->lent);
        found.is_there = self->lent != NULL;
    }
    return found;
}

void kv_store_replace(struct kv_store *self, const struct kv_found *found, struct span key,
                      struct span value)
{
    if (found->is_there) {
        self->records--;
        self->bytes -= key.size + found->value.size;
        self->hash_sum -= smr_pair_hash(key, found->value);
    }
    if (value.size > 0) {
        self->records++;
        self->bytes += key.size + value.size;
        self->hash_sum += smr_pair_hash(key, value);
    }
    if (value.size > 0 || (found->is_there && self->base != NULL))
        kv_tree_put(&self->active, found->active, key, value);
    else if (found->is_there)
        kv_tree_remove(&self->active, key);
}

bool kv_store_get(struct kv_store *self, struct span key, struct span *value)
{
    struct kv_found found = kv_store_find(self, key);
    *value = found.value;
    return found.is_there;
}

void kv_store_set(struct kv_store *self, struct span key, struct span value)
{
    struct kv_found found = kv_store_find(self, key);
    kv_store_replace(self, &found, key, value);
}

uint64_t kv_store_digest(const struct kv_store *self)
{
    uint8_t text[16];
    wire_put_u64(text, self->hash_sum);
    wire_put_u64(text + 8, self->records);
    return wire_hash(span_of(text, sizeof text));
}

/* --- a range ---------------------------------------------------------------------------------- */

/* The changes of both maps, merged; where both have a key the active one counts. */
struct changes {
    const struct kv_record *active; /* next of each; NULL: at the end */
    const struct kv_record *frozen;
};

static const struct kv_record *peek(const struct changes *changes)
{
    if (changes->frozen == NULL)
        return changes->active;
    if (changes->active == NULL)
        return changes->frozen;
    return span_compare(changes->active->key, changes->frozen->key) <= 0 ? changes->active
                                                                         : changes->frozen;
}

static void step(struct changes *changes)
{
    struct span key = peek(changes)->key;
    if (changes->frozen != NULL && span_equal(changes->frozen->key, key))
        changes->frozen = kv_tree_next(changes->frozen);
    if (changes->active != NULL && span_equal(changes->active->key, key))
        changes->active = kv_tree_next(changes->active);
}

/* The three levels while a scan goes over them. */
struct merge {
    struct changes changes;  /* not yet visited */
    smr_base_visit *visit;   /* the caller's */
    void *context;           /* for it */
    bool enough;             /* it said so */
};

/* Visits the changes with keys below `limit`, or all of them. */
static void visit_changes(struct merge *merge, const struct span *limit)
{
    const struct kv_record *change = peek(&merge->changes);
    while (!merge->enough && change != NULL &&
           (limit == NULL || span_compare(change->key, *limit) < 0)) {
        if (change->value.size > 0)
            merge->enough = !merge->visit(merge->context, change->key, change->value);
        step(&merge->changes);
        change = peek(&merge->changes);
    }
}

static bool visit_base(void *context, struct span key, struct span value)
{
    struct merge *merge = context;
    visit_changes(merge, &key);
    const struct kv_record *change = peek(&merge->changes);
    if (merge->enough)
        return false;
    if (change != NULL && span_equal(change->key, key))
        return true; /* overlaid; it is visited as a change */
    merge->enough = !merge->visit(merge->context, key, value);
    return !merge->enough;
}

void kv_store_scan(struct kv_store *self, struct span from, bool after, smr_base_visit *visit,
                   void *context)
{
    struct merge merge = {.visit = visit, .context = context};
    merge.changes.active = kv_tree_seek(&self->active, from, after);
    if (self->is_frozen)
        merge.changes.frozen = kv_tree_seek(&self->frozen, from, after);
    if (self->base != NULL)
        self->base->ops->scan(self->base->self, from, after, visit_base, &merge);
    visit_changes(&merge, NULL);
}

/* --- checkpoints ------------------------------------------------------------------------------ */

size_t kv_store_unsaved_bytes(const struct kv_store *self)
{
    return self->base == NULL ? 0 : self->active.bytes + self->active.count * RECORD_BYTES;
}

void kv_store_freeze(struct kv_store *self, struct wire_writer *part)
{
    assert(self->base != NULL && !self->is_frozen && self->frozen.count == 0);
    self->frozen = self->active;
    self->active = (struct kv_tree){0};
    self->is_frozen = true;
    wire_write_array(part, 3);
    wire_write_uint(part, self->records);
    wire_write_uint(part, self->bytes);
    wire_write_uint(part, self->hash_sum);
}

enum wire_error kv_store_save(const struct kv_store *self, struct span image)
{
    const struct smr_base *base = self->base;
    base->ops->begin(base->self);
    for (const struct kv_record *record = kv_tree_seek(&self->frozen, span_of(NULL, 0), false);
         record != NULL; record = kv_tree_next(record))
        base->ops->put(base->self, record->key, record->value);
    return base->ops->commit(base->self, image);
}

void kv_store_thaw(struct kv_store *self)
{
    assert(self->is_frozen);
    self->is_frozen = false;
    kv_tree_clear(&self->frozen);
}

static bool read_part(struct span part, struct smr_totals *totals)
{
    struct wire_reader in = wire_reader_of(part);
    wire_read_array_of(&in, 3);
    totals->pairs = wire_read_uint(&in, UINT64_MAX);
    totals->bytes = wire_read_uint(&in, UINT64_MAX);
    totals->hash_sum = wire_read_uint(&in, UINT64_MAX);
    return wire_read_end(&in) == WIRE_OK;
}

bool kv_store_restore(struct kv_store *self, struct span part)
{
    struct smr_totals totals;
    if (!read_part(part, &totals))
        return false;
    kv_store_clear(self);
    self->is_frozen = false;
    self->records = totals.pairs;
    self->bytes = totals.bytes;
    self->hash_sum = totals.hash_sum;
    return true;
}

bool kv_store_fits(struct span part, const struct smr_totals *totals)
{
    struct smr_totals said;
    return read_part(part, &said) && said.pairs == totals->pairs && said.bytes == totals->bytes &&
           said.hash_sum == totals->hash_sum;
}
