#include "tools/bench/zipfian.h"

#include <assert.h>
#include <math.h>

uint64_t ycsb_hash(uint64_t number)
{
    uint64_t hash = 0xcbf29ce484222325u;
    for (int i = 0; i < 8; i++) {
        hash ^= number & 0xff;
        hash *= 1099511628211u;
        number >>= 8;
    }
    return hash > INT64_MAX ? -hash : hash;
}

/* Zeta of `items`, given that of fewer. */
static double zeta_extend(uint64_t from, double zeta, uint64_t items)
{
    for (uint64_t i = from; i < items; i++)
        zeta += 1 / pow((double)(i + 1), YCSB_ZIPFIAN_THETA);
    return zeta;
}

static void set_items(struct ycsb_zipfian *self, uint64_t items, double zeta)
{
    self->items = items;
    self->zeta = zeta;
    self->eta = (1 - pow(2.0 / (double)items, 1 - YCSB_ZIPFIAN_THETA)) / (1 - self->zeta2 / zeta);
}

static void init(struct ycsb_zipfian *self, uint64_t items, double zeta)
{
    self->zeta2 = zeta_extend(0, 0, 2);
    self->alpha = 1 / (1 - YCSB_ZIPFIAN_THETA);
    set_items(self, items, zeta);
}

void ycsb_zipfian_init(struct ycsb_zipfian *self, uint64_t items)
{
    assert(items > 0);
    init(self, items, zeta_extend(0, 0, items));
}

void ycsb_zipfian_init_scrambled(struct ycsb_zipfian *self)
{
    /* Ranks 0 to ITEM_COUNT, both included, with the zeta of one fewer: that is what YCSB does. */
    init(self, YCSB_SCRAMBLED_ITEMS + 1, YCSB_SCRAMBLED_ZETA);
}

uint64_t ycsb_zipfian_next(struct ycsb_zipfian *self, struct wire_random *random, uint64_t items)
{
    assert(items >= self->items);
    if (items > self->items)
        set_items(self, items, zeta_extend(self->items, self->zeta, items));
    double unit = wire_random_unit(random);
    double scaled = unit * self->zeta;
    if (scaled < 1)
        return 0;
    if (scaled < self->zeta2)
        return 1;
    return (uint64_t)((double)items * pow(self->eta * unit - self->eta + 1, self->alpha));
}

uint64_t ycsb_zipfian_next_scrambled(struct ycsb_zipfian *self, struct wire_random *random,
                                     uint64_t space)
{
    return ycsb_hash(ycsb_zipfian_next(self, random, self->items)) % space;
}
