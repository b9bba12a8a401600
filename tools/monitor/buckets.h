/* Latencies of a span of time: the difference of two texts of buckets (wire/histogram.h), of which
 * the later one holds the earlier. Texts of several replicas add up. Pure. */
#ifndef MADKV_MONITOR_BUCKETS_H
#define MADKV_MONITOR_BUCKETS_H

#include "tools/monitor/picture.h"

#define BUCKETS_MAX 192 /* different ends; a text of ours has at most 148 */

/* Zero-initialised is empty. */
struct buckets {
    size_t count;               /* used below */
    uint64_t ends[BUCKETS_MAX]; /* values up to it, past the one before; ascending */
    int64_t
        values[BUCKETS_MAX]; /* how many; may be below 0 only while texts are being taken away */
};

/* Adds a text `times` times: 1, or -1 to take it away. False: it makes no sense; then part of it
 * may be added. */
bool buckets_add(struct buckets *self, struct span text, int times);
/* How many values there are. */
uint64_t buckets_total(const struct buckets *self);
/* The end of the bucket in which the value of that rank (0 to 1) lies; not known if there is none.
 */
struct picture_number buckets_percentile(const struct buckets *self, double share);
/* How many lie in buckets that end at `begin` or later and before `end`. */
uint64_t buckets_between(const struct buckets *self, uint64_t begin, uint64_t end);

#endif
