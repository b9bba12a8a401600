#include "tools/bench/ycsb.h"

#include <assert.h>

/* YCSB's guess of how many records a run adds, twice over to be safe (CoreWorkload.init), and one
 * more than there are records: its bounds are both included. A draw past the newest record is
 * repeated, so that hot records stay hot while records are added. */
static uint64_t scattered_space(const struct ycsb_workload *workload)
{
    double sum = 0;
    for (int kind = 0; kind < YCSB_KIND_COUNT; kind++)
        sum += workload->shares[kind];
    double inserts = workload->shares[YCSB_INSERT] / sum * (double)workload->operation_count;
    double space_max = (double)YCSB_RECORDS_MAX;
    double added = inserts * 2 < space_max ? inserts * 2 : space_max;
    return workload->record_count + (uint64_t)added + 1;
}

void ycsb_generator_init(struct ycsb_generator *self, const struct ycsb_workload *workload,
                         struct ycsb_keys *keys, uint64_t seed)
{
    *self = (struct ycsb_generator){.workload = workload, .keys = keys, .random = {seed}};
    if (workload->request == YCSB_ZIPFIAN) {
        self->space = scattered_space(workload);
        ycsb_zipfian_init_scrambled(&self->request);
    } else if (workload->request == YCSB_LATEST) {
        /* One fewer than there are records, as in YCSB: the oldest is never chosen. */
        uint64_t last = ycsb_keys_last(keys);
        ycsb_zipfian_init(&self->request, last == 0 ? 1 : last);
    }
    if (workload->scan_length == YCSB_ZIPFIAN)
        ycsb_zipfian_init(&self->scan, workload->scan_max - workload->scan_min + 1);
}

static enum ycsb_kind choose_kind(struct ycsb_generator *self)
{
    const double *shares = self->workload->shares;
    double sum = 0;
    for (int kind = 0; kind < YCSB_KIND_COUNT; kind++)
        sum += shares[kind];
    double left = wire_random_unit(&self->random) * sum;
    enum ycsb_kind last = YCSB_READ;
    for (int kind = 0; kind < YCSB_KIND_COUNT; kind++) {
        if (shares[kind] <= 0)
            continue;
        last = (enum ycsb_kind)kind;
        if (left < shares[kind])
            break;
        left -= shares[kind];
    }
    return last;
}

/* Up to the newest record. */
static uint64_t choose_latest(struct ycsb_generator *self)
{
    uint64_t last = ycsb_keys_last(self->keys);
    uint64_t age = ycsb_zipfian_next(&self->request, &self->random,
                                     last > self->request.items ? last : self->request.items);
    return age > last ? 0 : last - age;
}

static uint64_t choose_record(struct ycsb_generator *self)
{
    uint64_t record;
    switch (self->workload->request) {
    case YCSB_UNIFORM:
        return wire_random_below(&self->random, self->workload->record_count);
    case YCSB_LATEST:
        return choose_latest(self);
    case YCSB_ZIPFIAN:
        do {
            record = ycsb_zipfian_next_scrambled(&self->request, &self->random, self->space);
        } while (record > ycsb_keys_last(self->keys));
        return record;
    }
    assert(!"a distribution");
    return 0;
}

static uint64_t choose_count(struct ycsb_generator *self)
{
    uint64_t min = self->workload->scan_min;
    uint64_t lengths = self->workload->scan_max - min + 1;
    if (self->workload->scan_length == YCSB_UNIFORM)
        return min + wire_random_below(&self->random, lengths);
    uint64_t rank = ycsb_zipfian_next(&self->scan, &self->random, lengths);
    return rank < lengths ? min + rank : self->workload->scan_max;
}

struct ycsb_operation ycsb_generator_next(struct ycsb_generator *self)
{
    struct ycsb_operation operation = {.kind = choose_kind(self)};
    operation.record =
        operation.kind == YCSB_INSERT ? ycsb_keys_take(self->keys) : choose_record(self);
    if (operation.kind == YCSB_SCAN)
        operation.scan_count = choose_count(self);
    return operation;
}

void ycsb_value_fill(struct wire_random *random, uint8_t *value, size_t size)
{
    const uint64_t six_bits = 0x3f3f3f3f3f3f3f3fu; /* of each of eight bytes */
    const uint64_t first = 0x2121212121212121u;    /* '!' in each */
    for (size_t at = 0; at < size; at += sizeof(uint64_t)) {
        uint64_t eight = (wire_random_next(random) & six_bits) + first;
        memcpy(value + at, &eight, size - at < sizeof eight ? size - at : sizeof eight);
    }
}
