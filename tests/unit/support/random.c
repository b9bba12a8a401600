#include "tests/unit/support/random.h"

uint64_t random_next(struct random *self)
{
    uint64_t z = self->state += 0x9e3779b97f4a7c15u;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

uint64_t random_below(struct random *self, uint64_t bound)
{
    return random_next(self) % bound;
}

uint64_t random_value(struct random *self, uint64_t max)
{
    static const uint64_t edges[] = {0,         1,          0x7f,      0x80,       0xff,
                                     0x100,     UINT16_MAX, 0x10000,   UINT32_MAX, 1ull << 32,
                                     INT64_MAX, 1ull << 63, UINT64_MAX};
    uint64_t value = random_next(self) >> random_below(self, 64);
    if (random_below(self, 2) == 0)
        value = edges[random_below(self, sizeof edges / sizeof edges[0])];
    return value <= max ? value : max - value % 2;
}

struct span random_text(struct random *self, uint8_t *text, size_t size)
{
    for (size_t i = 0; i < size; i++)
        text[i] = (uint8_t)(0x21 + random_below(self, 0x100 - 0x21));
    return span_of(text, size);
}
