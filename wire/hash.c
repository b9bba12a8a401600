#include "wire/hash.h"

#include <xxhash.h>
#include "wire/limits.h"

uint64_t wire_hash(struct span bytes)
{
    return XXH3_64bits(bytes.data, bytes.size);
}

uint64_t wire_hash_seeded(struct span bytes, uint64_t seed)
{
    return XXH3_64bits_withSeed(bytes.data, bytes.size, seed);
}

uint32_t wire_hash_slot(struct span key)
{
    return (uint32_t)(wire_hash(key) % WIRE_HASH_SLOT_COUNT);
}

void wire_put_u64(uint8_t *at, uint64_t value)
{
    for (int i = 0; i < 8; i++)
        at[i] = (uint8_t)(value >> (8 * i));
}

uint64_t wire_get_u64(const uint8_t *at)
{
    uint64_t value = 0;
    for (int i = 7; i >= 0; i--)
        value = value << 8 | at[i];
    return value;
}

void wire_put_u32(uint8_t *at, uint32_t value)
{
    for (int i = 0; i < 4; i++)
        at[i] = (uint8_t)(value >> (8 * i));
}

uint32_t wire_get_u32(const uint8_t *at)
{
    uint32_t value = 0;
    for (int i = 3; i >= 0; i--)
        value = value << 8 | at[i];
    return value;
}
