/* Random values for tests: a small generator with a seed of its own, so that a failure repeats. */
#ifndef MADKV_TESTS_RANDOM_H
#define MADKV_TESTS_RANDOM_H

#include "wire/span.h"

struct random {
    uint64_t state; /* any seed will do */
};

/* All 64 bits (Steele, Lea, Flood, "Fast splittable pseudorandom number generators", 2014). */
uint64_t random_next(struct random *self);
/* 0 .. bound - 1. */
uint64_t random_below(struct random *self, uint64_t bound);
/* 0 .. max, with many small ones and many near the edges of the encoding's sizes. */
uint64_t random_value(struct random *self, uint64_t max);
/* Fills text with `size` bytes that are legal in keys and values. */
struct span random_text(struct random *self, uint8_t *text, size_t size);

#endif
