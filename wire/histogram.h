/* Latencies in microseconds, counted in log-linear buckets.
 *
 *     value  0 1 2 .. 31 | 32 33 .. 63 | 64 66 .. 126 | 128 132 .. | ...
 *     width  1           | 1           | 2            | 4          | ...
 *
 * Every power of two is split into 32 buckets, so that a percentile is at most 1/32 above the truth
 * and never below it. Two histograms add up bucket by bucket: merging is exact. No allocation, one
 * thread. */
#ifndef MADKV_WIRE_HISTOGRAM_H
#define MADKV_WIRE_HISTOGRAM_H

#include "wire/pack.h"

#define WIRE_HISTOGRAM_SPLIT_BITS 5  /* 32 buckets a power of two */
#define WIRE_HISTOGRAM_VALUE_BITS 40 /* larger values (12 days) count as the largest */
#define WIRE_HISTOGRAM_BUCKETS                                                                     \
    ((WIRE_HISTOGRAM_VALUE_BITS - WIRE_HISTOGRAM_SPLIT_BITS + 1) << WIRE_HISTOGRAM_SPLIT_BITS)

/* Zero-initialised is empty. */
struct wire_histogram {
    uint64_t counts[WIRE_HISTOGRAM_BUCKETS]; /* values per bucket; they sum up to count */
    uint64_t count;                          /* values in all */
    uint64_t sum;                            /* of all values */
    uint64_t max;                            /* the largest value, exactly */
};

/* Counts one value, microseconds. A negative one (no clock of ours gives it) counts as 0. */
void wire_histogram_add(struct wire_histogram *self, wire_time value);

/* Adds everything counted in `other`. */
void wire_histogram_merge(struct wire_histogram *self, const struct wire_histogram *other);

/* The value that at least `share` (0 to 1) of all values do not exceed, rounded up to the end of
 * its bucket but not above the maximum; 0 if nothing was counted. */
uint64_t wire_histogram_percentile(const struct wire_histogram *self, double share);

/* The largest value that falls into a bucket. */
uint64_t wire_histogram_bucket_end(size_t bucket);

/* Appends the figures NAME_p50, NAME_p99, NAME_max, NAME_count, NAME_sum and, as a text,
 * NAME_buckets: "31:5,40:2" says that 5 values were at most 31 and 2 further ones at most 40. Every
 * figure grows from the process's start on, so the difference of two askings tells of the time
 * between. NAME should end in its unit.
 *
 * Of an empty histogram only the last two numbers are shown. The buckets shown are coarser than
 * those counted, four to a power of two, and one if the text would be longer than a figure's text
 * may be. */
void wire_histogram_figures(const struct wire_histogram *self, const char *name,
                            struct wire_writer *out);
/* The same for the name `prefix.NAME_us`. */
void wire_histogram_figures_of(const struct wire_histogram *self, const char *prefix,
                               const char *name, struct wire_writer *out);

#endif
