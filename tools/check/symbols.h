/* Symbols: each distinct key or value of a history, stored once and named by a small integer.
 *
 * A history names the same keys and values over and over, and a value may be 1 MiB long. Interning
 * makes every comparison in the search one of integers, and a history's memory proportional to
 * the distinct text in it. Keys and values share one table: a symbol says nothing about its role.
 */
#ifndef MADKV_TOOLS_CHECK_SYMBOLS_H
#define MADKV_TOOLS_CHECK_SYMBOLS_H

#include <stddef.h>
#include <stdint.h>

/* A run of bytes that somebody else owns; not terminated. `bytes` NULL means: there is none, which
 * is not the same as a text of size 0. */
struct history_text {
    const char *bytes; /* first byte, or NULL for none */
    size_t size;       /* in bytes */
};

/* Index of a distinct text, counted from 0 in order of first appearance. */
typedef uint32_t symbol_t;

/* No text: a key that holds no value, a call without an argument. */
#define SYMBOL_NONE UINT32_MAX

/* Symbols stay below this, so that users of symbol_t may give meanings to the integers above. */
#define SYMBOL_COUNT_MAX (UINT32_MAX - 15)

struct symbols;

/* An empty table, to be freed with symbols_free. */
struct symbols *symbols_new(void);

/* Frees the table and every text in it, and sets `*symbols` to NULL. */
void symbols_free(struct symbols **symbols);

/* The symbol of `text`, which is copied when new. A text of none is SYMBOL_NONE. */
symbol_t symbols_intern(struct symbols *symbols, struct history_text text);

/* The text of `symbol`, owned by the table and valid until it is freed. SYMBOL_NONE is none. */
struct history_text symbols_text(const struct symbols *symbols, symbol_t symbol);

/* How many distinct texts there are; symbols are 0 to this, less one. */
size_t symbols_count(const struct symbols *symbols);

/* Byte order of two texts, a shorter one before those it is a prefix of: <0, 0 or >0. */
int history_text_compare(struct history_text a, struct history_text b);

#endif
