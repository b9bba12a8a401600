/* Memo: an open addressing set of configurations (see memo.h).
 *
 * They lie one behind the other in `words`, each after a word that holds its two lengths:
 *
 *     words   [k 2, s 1][k][k][s] [k 3, s 0][k][k][k] [k 1, s 1][k][s] ...
 *             ^ offset 0          ^ offset 4
 *
 * so that the set costs one allocation, not one for each of millions of small strings. Only the
 * key is hashed: configurations with equal keys lie in one run of slots, and are all compared. */
#include "tools/check/memo.h"

#include <stdbool.h>
#include <string.h>

#include <xxhash.h>

#include "tools/check/memory.h"

#define SLOT_COUNT_MIN 256

struct slot {
    uint64_t hash;   /* of the key */
    uint64_t offset; /* of its lengths, plus 1; 0 for a free slot */
};

struct memo {
    size_t size_max;      /* bytes that words and slots together should not pass */
    uint64_t *words;      /* see above */
    size_t word_count;    /* words in use */
    size_t word_capacity; /* of words */
    struct slot *slots;   /* at most half of them in use */
    size_t slot_count;    /* a power of two */
    size_t count;         /* configurations */
};

struct memo *memo_new(size_t size_max)
{
    struct memo *memo = memory_zeroed(1, sizeof(*memo));
    memo->size_max = size_max;
    memo->slot_count = SLOT_COUNT_MIN;
    memo->slots = memory_zeroed(memo->slot_count, sizeof(*memo->slots));
    return memo;
}

void memo_free(struct memo **memo)
{
    if (*memo == NULL) {
        return;
    }
    free((*memo)->words);
    free((*memo)->slots);
    free(*memo);
    *memo = NULL;
}

static uint64_t lengths_of(const struct memo_entry *entry)
{
    return entry->key_count | (uint64_t)entry->spent_count << 32;
}

/* Whether the configuration in `slot` has the key of `entry` and spent no more than it. */
static bool slot_covers(const struct memo *memo, const struct slot *slot, uint64_t hash,
                        const struct memo_entry *entry)
{
    const uint64_t *stored = &memo->words[slot->offset - 1];
    size_t key_count = stored[0] & UINT32_MAX;
    size_t spent_count = stored[0] >> 32;
    if (slot->hash != hash || key_count != entry->key_count || spent_count > entry->spent_count ||
        memcmp(&stored[1], entry->key, key_count * sizeof(*stored)) != 0) {
        return false;
    }
    for (size_t i = 0; i < spent_count; i++) {
        if ((stored[1 + key_count + i] & ~entry->spent[i]) != 0) {
            return false;
        }
    }
    return true;
}

static void append_entry(struct memo *memo, const struct memo_entry *entry, size_t size)
{
    memo->words = memory_grow(memo->words, &memo->word_capacity, memo->word_count + size,
                              sizeof(*memo->words));
    uint64_t *words = &memo->words[memo->word_count];
    words[0] = lengths_of(entry);
    memcpy(&words[1], entry->key, entry->key_count * sizeof(*words));
    for (size_t i = 0; i < entry->spent_count; i++) {
        words[1 + entry->key_count + i] = entry->spent[i];
    }
    memo->word_count += size;
}

static void double_slots(struct memo *memo)
{
    size_t slot_count = memo->slot_count * 2;
    struct slot *slots = memory_zeroed(slot_count, sizeof(*slots));
    for (size_t i = 0; i < memo->slot_count; i++) {
        if (memo->slots[i].offset == 0) {
            continue;
        }
        size_t index = memo->slots[i].hash & (slot_count - 1);
        while (slots[index].offset != 0) {
            index = (index + 1) & (slot_count - 1);
        }
        slots[index] = memo->slots[i];
    }
    free(memo->slots);
    memo->slots = slots;
    memo->slot_count = slot_count;
}

static bool has_room(const struct memo *memo, size_t word_count)
{
    size_t size = (memo->word_count + word_count) * sizeof(*memo->words) +
                  memo->slot_count * sizeof(*memo->slots);
    return size <= memo->size_max;
}

enum memo_answer memo_add(struct memo *memo, const struct memo_entry *entry)
{
    uint64_t hash = XXH3_64bits(entry->key, entry->key_count * sizeof(*entry->key));
    size_t mask = memo->slot_count - 1;
    size_t index = hash & mask;
    for (; memo->slots[index].offset != 0; index = (index + 1) & mask) {
        if (slot_covers(memo, &memo->slots[index], hash, entry)) {
            return MEMO_SEEN;
        }
    }
    size_t size = 1 + entry->key_count + entry->spent_count;
    if (!has_room(memo, size)) {
        return MEMO_FULL;
    }
    memo->slots[index] = (struct slot){hash, memo->word_count + 1};
    append_entry(memo, entry, size);
    if (++memo->count * 2 > memo->slot_count) {
        double_slots(memo);
    }
    return MEMO_NEW;
}

size_t memo_count(const struct memo *memo)
{
    return memo->count;
}
