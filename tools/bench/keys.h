/* Which records there are: what all generators of one run share. Any thread; each function is
 * atomic.
 *
 * Records are numbered from 0 in the order in which they are inserted, and so are those that a run
 * adds. Readers choose among those up to the newest one that is acknowledged together with all
 * before it, as in YCSB (AcknowledgedCounterGenerator), so that nobody reads what is not there yet.
 *
 * For workloads with scans the known keys are also kept in byte order, since a scan of n records
 * has to name the key it ends at. Known is what was there from the start or is acknowledged. */
#ifndef MADKV_TOOLS_BENCH_KEYS_H
#define MADKV_TOOLS_BENCH_KEYS_H

#include "tools/bench/workload.h"

struct ycsb_keys;

/* With the workload's record_count records. The workload must outlive it. */
struct ycsb_keys *ycsb_keys_new(const struct ycsb_workload *workload);
void ycsb_keys_destroy(struct ycsb_keys **self);

/* The next record to insert. */
uint64_t ycsb_keys_take(struct ycsb_keys *self);
/* A taken record is there now (or never will be: YCSB does not tell the two apart). Once each. */
void ycsb_keys_acknowledge(struct ycsb_keys *self, uint64_t record);
/* The newest record that may be chosen. */
uint64_t ycsb_keys_last(struct ycsb_keys *self);

/* Where a scan of `count` (at least 1) records from `start` ends: at the count-th known key from
 * start on, start included; at the last known one if there are fewer; at start if there is none.
 * The key is written to `end`; its size. Only of a workload with scans. */
size_t ycsb_keys_scan_end(struct ycsb_keys *self, const char *start, uint64_t count,
                          char end[YCSB_KEY_BYTES]);

#endif
