/* A small generator for protocol decisions (splitmix64, Steele et al., OOPSLA 2014), seeded at birth,
 * so that a run repeats from its seed. Never rand(): libraries reseed it behind our back. */
#ifndef MADKV_SMR_RANDOM_H
#define MADKV_SMR_RANDOM_H

#include <stdint.h>

struct smr_random {
    uint64_t state; /* any seed will do */
};

static inline uint64_t smr_random_next(struct smr_random *self)
{
    uint64_t z = (self->state += 0x9e3779b97f4a7c15u);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

/* Uniform in 0 .. bound - 1; bound > 0. */
static inline uint64_t smr_random_below(struct smr_random *self, uint64_t bound)
{
    return smr_random_next(self) % bound;
}

#endif
