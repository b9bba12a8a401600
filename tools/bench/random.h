/* The generator of a workload's choices (splitmix64, Steele et al., OOPSLA 2014), seeded at birth,
 * so that a workload repeats from its seed. One thread. */
#ifndef MADKV_TOOLS_BENCH_RANDOM_H
#define MADKV_TOOLS_BENCH_RANDOM_H

#include <stdint.h>

struct bench_random {
    uint64_t state; /* any seed will do */
};

static inline uint64_t bench_random_next(struct bench_random *self)
{
    uint64_t z = (self->state += 0x9e3779b97f4a7c15u);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

/* Uniform in 0 .. bound - 1; bound > 0. */
static inline uint64_t bench_random_below(struct bench_random *self, uint64_t bound)
{
    return bench_random_next(self) % bound;
}

/* Uniform, at least 0 and below 1, in steps of 2^-53. */
static inline double bench_random_unit(struct bench_random *self)
{
    return (double)(bench_random_next(self) >> 11) * 0x1p-53;
}

#endif
