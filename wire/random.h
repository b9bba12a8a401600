/* A small generator of random numbers (splitmix64: Steele, Lea, Flood, "Fast splittable
 * pseudorandom number generators", OOPSLA 2014), seeded at birth, so that whatever uses it repeats
 * from its seed: elections, pauses between retries, a workload's choices, tests. Never rand():
 * libraries reseed it behind our back. No thread of its own; whoever owns one keeps it to itself.
 */
#ifndef MADKV_WIRE_RANDOM_H
#define MADKV_WIRE_RANDOM_H

#include <stdint.h>

struct wire_random {
    uint64_t state; /* any seed will do */
};

/* All 64 bits. */
static inline uint64_t wire_random_next(struct wire_random *self)
{
    uint64_t z = (self->state += 0x9e3779b97f4a7c15u);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

/* Uniform in 0 .. bound - 1; bound > 0. */
static inline uint64_t wire_random_below(struct wire_random *self, uint64_t bound)
{
    return wire_random_next(self) % bound;
}

/* Uniform, at least 0 and below 1, in steps of 2^-53. */
static inline double wire_random_unit(struct wire_random *self)
{
    return (double)(wire_random_next(self) >> 11) * 0x1p-53;
}

#endif
