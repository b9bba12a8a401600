/* What a partition holds, on two levels: recent changes in memory over a durable base.
 *
 *     active   changes since the last freeze                     an ordered map
 *     frozen   changes that a checkpoint is writing down         the map before, immutable
 *     base     the state after the last checkpoint               smr/base.h; may be absent
 *
 * A read looks in this order and takes the first answer; a removed key stands in the maps as a value
 * of no bytes, which no real value has. So a restart loads nothing, and data may exceed memory. The
 * count, bytes and hash of all pairs are kept up to date on every change and are part of a
 * checkpoint's image.
 *
 * The applier's thread, but for kv_store_save: the checkpointer's, while something is frozen. */
#ifndef MADKV_SERVER_KV_STORE_H
#define MADKV_SERVER_KV_STORE_H

#include "server/kv_tree.h"
#include "smr/machine.h"
#include "wire/pack.h"

struct kv_store {
    const struct smr_base *base; /* NULL: memory only, nothing is ever frozen */
    struct kv_tree active;       /* changes since the last freeze; without a base: everything */
    struct kv_tree frozen;       /* changes being written down */
    bool is_frozen;              /* there are some */
    uint64_t records;            /* pairs in all */
    uint64_t bytes;              /* of their keys and values */
    uint64_t hash_sum;           /* of their hashes, modulo 2^64 */
    struct buf *lent;            /* last value read from the base */
};

void kv_store_init(struct kv_store *self, const struct smr_base *base);
void kv_store_clear(struct kv_store *self);

/* What is under a key; good until the next change, and the value until the next find, too. */
struct kv_found {
    bool is_there;                  /* there is a value */
    struct span value;              /* it */
    const struct kv_record *active; /* its change in the active map; NULL: none is there */
};

struct kv_found kv_store_find(struct kv_store *self, struct span key);
/* Changes what was just found: a change that answers with what was there searches once. Copies both. A
 * value of no bytes removes the key. */
void kv_store_replace(struct kv_store *self, const struct kv_found *found, struct span key,
                      struct span value);
/* False: there is none. The value is good until the next call. */
bool kv_store_get(struct kv_store *self, struct span key, struct span *value);
/* Copies both. A value of no bytes removes the key. */
void kv_store_set(struct kv_store *self, struct span key, struct span value);
/* Visits the pairs from `from` (without it, if `after`) in byte order until visit says false. */
void kv_store_scan(struct kv_store *self, struct span from, bool after, smr_base_visit *visit,
                   void *context);
/* Equal for stores with the same pairs. */
uint64_t kv_store_digest(const struct kv_store *self);

/* As in struct smr_machine_ops. */
size_t kv_store_unsaved_bytes(const struct kv_store *self);
void kv_store_freeze(struct kv_store *self, struct wire_writer *part);
enum wire_error kv_store_save(const struct kv_store *self, struct span image);
void kv_store_thaw(struct kv_store *self);
bool kv_store_restore(struct kv_store *self, struct span part);
bool kv_store_fits(struct span part, const struct smr_totals *totals);

#endif
