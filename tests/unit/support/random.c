#include "tests/unit/support/random.h"

uint64_t random_value(struct wire_random *self, uint64_t max)
{
    static const uint64_t edges[] = {0,         1,          0x7f,      0x80,       0xff,
                                     0x100,     UINT16_MAX, 0x10000,   UINT32_MAX, 1ull << 32,
                                     INT64_MAX, 1ull << 63, UINT64_MAX};
    uint64_t value = wire_random_next(self) >> wire_random_below(self, 64);
    if (wire_random_below(self, 2) == 0)
        value = edges[wire_random_below(self, sizeof edges / sizeof edges[0])];
    return value <= max ? value : max - value % 2;
}

struct span random_text(struct wire_random *self, uint8_t *text, size_t size)
{
    for (size_t i = 0; i < size; i++)
        text[i] = (uint8_t)(0x21 + wire_random_below(self, 0x100 - 0x21));
    return span_of(text, size);
}
