/* Random values for tests, drawn from a generator with a seed of its own, so that a failure
 * repeats. */
#ifndef MADKV_TESTS_RANDOM_H
#define MADKV_TESTS_RANDOM_H

#include "wire/random.h"
#include "wire/span.h"

/* 0 .. max, with many small ones and many near the edges of the encoding's sizes. */
uint64_t random_value(struct wire_random *self, uint64_t max);
/* Fills text with `size` bytes that are legal in keys and values. */
struct span random_text(struct wire_random *self, uint8_t *text, size_t size);

#endif
