/* The one hash of the project: XXH3, 64 bits, of the xxHash library, whose values are fixed since
 * its version 0.8.0. It guards records and batches against damage and spreads keys over hash slots;
 * both uses are on disk or agreed between machines, so neither can ever change. It is no defence
 * against somebody who forges bytes on purpose. */
#ifndef MADKV_WIRE_HASH_H
#define MADKV_WIRE_HASH_H

#include "wire/span.h"

uint64_t wire_hash(struct span bytes);
uint64_t wire_hash_seeded(struct span bytes, uint64_t seed);

/* The hash slot of a key: 0 .. WIRE_HASH_SLOT_COUNT - 1. */
uint32_t wire_hash_slot(struct span key);

/* Little-endian numbers at fixed places of durable records. */
void wire_put_u64(uint8_t *at, uint64_t value);
uint64_t wire_get_u64(const uint8_t *at);
void wire_put_u32(uint8_t *at, uint32_t value);
uint32_t wire_get_u32(const uint8_t *at);

#endif
