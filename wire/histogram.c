#include "wire/histogram.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>

#include "wire/figures.h"

enum {
    SPLIT_BITS = WIRE_HISTOGRAM_SPLIT_BITS,
    SPLIT = 1 << SPLIT_BITS,
    SHOWN = 4, /* buckets of a power of two that figures tell apart */
};

static_assert(WIRE_HISTOGRAM_BUCKETS % SPLIT == 0, "buckets come in whole powers of two");
static_assert(WIRE_HISTOGRAM_BUCKETS / SPLIT * (13 + 1 + 13 + 1) <= WIRE_FIGURE_TEXT_MAX,
              "a text of coarse buckets holds counts of 13 digits, more than a process reaches");

static const uint64_t value_max = ((uint64_t)1 << WIRE_HISTOGRAM_VALUE_BITS) - 1;

static size_t bucket_of(uint64_t value)
{
    if (value < SPLIT)
        return value;
    unsigned shift = 63u - (unsigned)__builtin_clzll(value) - SPLIT_BITS;
    /* value >> shift is in SPLIT .. 2 * SPLIT - 1. */
    return ((size_t)shift << SPLIT_BITS) + (value >> shift);
}

uint64_t wire_histogram_bucket_end(size_t bucket)
{
    if (bucket < SPLIT)
        return bucket;
    unsigned shift = (unsigned)(bucket >> SPLIT_BITS) - 1;
    uint64_t first = (uint64_t)(bucket - ((size_t)shift << SPLIT_BITS)) << shift;
    return first + ((uint64_t)1 << shift) - 1;
}

void wire_histogram_add(struct wire_histogram *self, wire_time value)
{
    uint64_t counted = value < 0 ? 0 : (uint64_t)value;
    if (counted > value_max)
        counted = value_max;
    size_t bucket = bucket_of(counted);
    assert(bucket < WIRE_HISTOGRAM_BUCKETS);
    self->counts[bucket]++;
    self->count++;
    self->sum += counted;
    if (counted > self->max)
        self->max = counted;
}

void wire_histogram_merge(struct wire_histogram *self, const struct wire_histogram *other)
{
    for (size_t i = 0; i < WIRE_HISTOGRAM_BUCKETS; i++)
        self->counts[i] += other->counts[i];
    self->count += other->count;
    self->sum += other->sum;
    if (other->max > self->max)
        self->max = other->max;
}

uint64_t wire_histogram_percentile(const struct wire_histogram *self, double share)
{
    double exact = share * (double)self->count;
    uint64_t rank = exact < 0 ? 0 : (uint64_t)exact;
    if ((double)rank < exact || rank == 0)
        rank++;
    uint64_t seen = 0;
    for (size_t i = 0; i < WIRE_HISTOGRAM_BUCKETS; i++) {
        seen += self->counts[i];
        if (seen >= rank)
            return wire_histogram_bucket_end(i) < self->max ? wire_histogram_bucket_end(i)
                                                            : self->max;
    }
    return self->max;
}

/* The text of all buckets that hold anything, put together `merged` at a time. False: no room. */
static bool print_buckets(const struct wire_histogram *self, size_t merged,
                          char text[WIRE_FIGURE_TEXT_MAX + 1])
{
    size_t size = 0;
    text[0] = '\0';
    for (size_t first = 0; first < WIRE_HISTOGRAM_BUCKETS; first += merged) {
        uint64_t count = 0;
        for (size_t i = first; i < first + merged; i++)
            count += self->counts[i];
        if (count == 0)
            continue;
        size += (size_t)snprintf(text + size, WIRE_FIGURE_TEXT_MAX + 1 - size,
                                 "%s%" PRIu64 ":%" PRIu64, size == 0 ? "" : ",",
                                 wire_histogram_bucket_end(first + merged - 1), count);
        if (size > WIRE_FIGURE_TEXT_MAX)
            return false;
    }
    return true;
}

static void buckets_figure(const struct wire_histogram *self, const char *name,
                           struct wire_writer *out)
{
    char text[WIRE_FIGURE_TEXT_MAX + 1], full[WIRE_FIGURE_NAME_MAX + 1];
    if (!print_buckets(self, SPLIT / SHOWN, text)) {
        bool fits = print_buckets(self, SPLIT, text);
        assert(fits);
    }
    snprintf(full, sizeof full, "%s_buckets", name);
    wire_figure_text(out, full, text);
}

void wire_histogram_figures(const struct wire_histogram *self, const char *name,
                            struct wire_writer *out)
{
    enum {
        COUNT = 3 /* place of the count below */
    };
    const struct {
        const char *suffix; /* of the name */
        uint64_t value;     /* what it is */
    } figures[] = {
        {"p50", wire_histogram_percentile(self, 0.50)},
        {"p99", wire_histogram_percentile(self, 0.99)},
        {"max", self->max},
        {"count", self->count},
        {"sum", self->sum},
    };
    size_t first = self->count == 0 ? COUNT : 0; /* the rest says nothing of nothing */
    for (size_t i = first; i < sizeof figures / sizeof figures[0]; i++) {
        char text[WIRE_FIGURE_NAME_MAX + 1];
        int size = snprintf(text, sizeof text, "%s_%s", name, figures[i].suffix);
        assert(size > 0 && (size_t)size < sizeof text);
        wire_figure_number(out, text, figures[i].value);
    }
    if (self->count > 0)
        buckets_figure(self, name, out);
}

void wire_histogram_figures_of(const struct wire_histogram *self, const char *prefix,
                               const char *name, struct wire_writer *out)
{
    char full[WIRE_FIGURE_NAME_MAX + 1];
    int size = snprintf(full, sizeof full, "%s.%s_us", prefix, name);
    assert(size > 0 && (size_t)size < sizeof full);
    wire_histogram_figures(self, full, out);
}
