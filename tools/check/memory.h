/* Allocation for the checker: it either succeeds or ends the process.
 *
 * A checker that ran out of memory has no verdict to give, so no caller could do anything useful
 * with a NULL. The one structure that may grow without bound, the search's memo, is limited by its
 * owner (memo.h) and never by a failing malloc. */
#ifndef MADKV_TOOLS_CHECK_MEMORY_H
#define MADKV_TOOLS_CHECK_MEMORY_H

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

/* Resizes `array` (NULL for a new one) to `count` elements of `size` bytes. The caller frees it.
 * New elements are not initialised. Never returns NULL, also not for `count` 0. */
static inline void *memory_resize(void *array, size_t count, size_t size)
{
    void *resized = reallocarray(array, count > 0 ? count : 1, size);
    if (resized == NULL) {
        fprintf(stderr, "madkv-check: out of memory: %zu x %zu bytes\n", count, size);
        abort();
    }
    return resized;
}

/* A new array of `count` zeroed elements of `size` bytes, which the caller frees. */
static inline void *memory_zeroed(size_t count, size_t size)
{
    void *array = calloc(count > 0 ? count : 1, size);
    if (array == NULL) {
        fprintf(stderr, "madkv-check: out of memory: %zu x %zu bytes\n", count, size);
        abort();
    }
    return array;
}

/* Makes room for at least `needed` elements, doubling so that n appends cost O(n). Returns the
 * array, which may have moved, and updates `*capacity`, both in elements. */
static inline void *memory_grow(void *array, size_t *capacity, size_t needed, size_t size)
{
    if (needed <= *capacity) {
        return array;
    }
    size_t wanted = *capacity < 16 ? 16 : *capacity * 2;
    *capacity = wanted < needed ? needed : wanted;
    return memory_resize(array, *capacity, size);
}

#endif
