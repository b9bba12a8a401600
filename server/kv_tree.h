/* An ordered map from keys to values in memory: what a partition holds.
 *
 * A red-black tree (the BSD macros, bsd/sys/tree.h) of records, each one allocation: the node, then
 * the key's bytes, then the value's. The map keeps its own hash up to date on every change, so that
 * replicas can be compared at any time at no cost: the sum of one hash per record, which does not
 * depend on the order the records came in.
 *
 * One thread, the owner's. Not thread-safe, no clock, no randomness: the same changes make the same
 * map on every replica. */
#ifndef MADKV_SERVER_KV_TREE_H
#define MADKV_SERVER_KV_TREE_H

#include <bsd/sys/tree.h>
#include "wire/span.h"

struct kv_record {
    RB_ENTRY(kv_record) link; /* its place in the tree */
    uint64_t hash;            /* of key and value: this record's share of the map's hash */
    struct span key;          /* points into bytes */
    struct span value;        /* points into bytes, behind the key */
    uint8_t bytes[];          /* key, value */
};

RB_HEAD(kv_tree_root, kv_record);

/* Zero-initialised is empty. */
struct kv_tree {
    struct kv_tree_root root; /* the records by key */
    uint64_t count;           /* records */
    uint64_t bytes;           /* of keys and values together */
    uint64_t hash_sum;        /* of the records' hashes, modulo 2^64 */
};

/* Frees every record; the map is empty then. */
void kv_tree_clear(struct kv_tree *self);

/* Records stay good until the next change. NULL: there is none. */
const struct kv_record *kv_tree_find(const struct kv_tree *self, struct span key);
/* The first record with a key >= key; with `after`, > key. */
const struct kv_record *kv_tree_seek(const struct kv_tree *self, struct span key, bool after);
/* The record behind this one. */
const struct kv_record *kv_tree_next(const struct kv_record *record);

/* Copies both spans, which must not point into this map. */
void kv_tree_set(struct kv_tree *self, struct span key, struct span value);
/* The same where what kv_tree_find says of the key is known: no second search. */
void kv_tree_put(struct kv_tree *self, const struct kv_record *found, struct span key,
                 struct span value);
/* Was there one. */
bool kv_tree_remove(struct kv_tree *self, struct span key);

/* The hash of all records: equal for maps with the same content. */
uint64_t kv_tree_digest(const struct kv_tree *self);

#endif
