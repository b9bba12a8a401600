/* Symbols: an open addressing hash table from texts to integers (see symbols.h).
 *
 * The table holds indices into `entries`, so that growing it moves four bytes a symbol and never a
 * text. A slot of SLOT_FREE is free; nothing is ever removed. */
#include "tools/check/symbols.h"

#include <assert.h>
#include <string.h>

#include <xxhash.h>

#include "tools/check/memory.h"

#define SLOT_FREE UINT32_MAX
#define SLOT_COUNT_MIN 64

struct entry {
    char *bytes;   /* the copy this table owns */
    size_t size;   /* in bytes */
    uint64_t hash; /* of the bytes, kept so that growing hashes nothing again */
};

struct symbols {
    struct entry *entries; /* by symbol */
    size_t entry_count;    /* at most half of slot_count */
    size_t entry_capacity; /* of entries */
    uint32_t *slots;       /* symbol or SLOT_FREE */
    size_t slot_count;     /* a power of two */
};

static void make_slots(struct symbols *symbols, size_t slot_count)
{
    symbols->slots = memory_resize(symbols->slots, slot_count, sizeof(*symbols->slots));
    symbols->slot_count = slot_count;
    memset(symbols->slots, 0xff, slot_count * sizeof(*symbols->slots));
    for (size_t i = 0; i < symbols->entry_count; i++) {
        size_t slot = symbols->entries[i].hash & (slot_count - 1);
        while (symbols->slots[slot] != SLOT_FREE) {
            slot = (slot + 1) & (slot_count - 1);
        }
        symbols->slots[slot] = (uint32_t)i;
    }
}

struct symbols *symbols_new(void)
{
    struct symbols *symbols = memory_zeroed(1, sizeof(*symbols));
    make_slots(symbols, SLOT_COUNT_MIN);
    return symbols;
}

void symbols_free(struct symbols **symbols)
{
    if (*symbols == NULL) {
        return;
    }
    for (size_t i = 0; i < (*symbols)->entry_count; i++) {
        free((*symbols)->entries[i].bytes);
    }
    free((*symbols)->entries);
    free((*symbols)->slots);
    free(*symbols);
    *symbols = NULL;
}

static symbol_t append_entry(struct symbols *symbols, struct history_text text, uint64_t hash)
{
    assert(symbols->entry_count < SYMBOL_COUNT_MAX);
    symbols->entries = memory_grow(symbols->entries, &symbols->entry_capacity,
                                   symbols->entry_count + 1, sizeof(*symbols->entries));
    struct entry *entry = &symbols->entries[symbols->entry_count];
    entry->bytes = memory_resize(NULL, text.size, 1);
    memcpy(entry->bytes, text.bytes, text.size);
    entry->size = text.size;
    entry->hash = hash;
    return (symbol_t)symbols->entry_count++;
}

symbol_t symbols_intern(struct symbols *symbols, struct history_text text)
{
    if (text.bytes == NULL) {
        return SYMBOL_NONE;
    }
    uint64_t hash = XXH3_64bits(text.bytes, text.size);
    size_t mask = symbols->slot_count - 1;
    size_t slot = hash & mask;
    for (; symbols->slots[slot] != SLOT_FREE; slot = (slot + 1) & mask) {
        const struct entry *entry = &symbols->entries[symbols->slots[slot]];
        if (entry->hash == hash && entry->size == text.size &&
            memcmp(entry->bytes, text.bytes, text.size) == 0) {
            return symbols->slots[slot];
        }
    }
    symbol_t symbol = append_entry(symbols, text, hash);
    symbols->slots[slot] = symbol;
    if (symbols->entry_count * 2 > symbols->slot_count) {
        make_slots(symbols, symbols->slot_count * 2);
    }
    return symbol;
}

struct history_text symbols_text(const struct symbols *symbols, symbol_t symbol)
{
    if (symbol == SYMBOL_NONE) {
        return (struct history_text){NULL, 0};
    }
    assert(symbol < symbols->entry_count);
    const struct entry *entry = &symbols->entries[symbol];
    return (struct history_text){entry->bytes, entry->size};
}

size_t symbols_count(const struct symbols *symbols)
{
    return symbols->entry_count;
}

int history_text_compare(struct history_text a, struct history_text b)
{
    size_t shorter = a.size < b.size ? a.size : b.size;
    int order = shorter > 0 ? memcmp(a.bytes, b.bytes, shorter) : 0;
    return order != 0 ? order : (a.size > b.size) - (a.size < b.size);
}
