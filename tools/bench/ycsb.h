/* What a client of a YCSB run does next. Pure but for keys.h, which it shares with others; one
 * thread. The same workload and seed give the same operations while no other generator inserts. */
#ifndef MADKV_TOOLS_BENCH_YCSB_H
#define MADKV_TOOLS_BENCH_YCSB_H

#include "tools/bench/keys.h"
#include "tools/bench/zipfian.h"

struct ycsb_operation {
    enum ycsb_kind kind; /* what to do */
    uint64_t record;     /* on which record; of SCAN: from its key on */
    uint64_t scan_count; /* of SCAN: how many records */
};

struct ycsb_generator {
    const struct ycsb_workload *workload; /* what is asked for */
    struct ycsb_keys *keys;               /* which records there are */
    struct wire_random random;            /* of all choices */
    struct ycsb_zipfian request;          /* of ZIPFIAN and LATEST */
    struct ycsb_zipfian scan;             /* of ZIPFIAN scan lengths */
    uint64_t space;                       /* of ZIPFIAN: records that ranks are scattered over */
};

/* Workload and keys must outlive it. Of LATEST, takes time in proportion to the records. */
void ycsb_generator_init(struct ycsb_generator *self, const struct ycsb_workload *workload,
                         struct ycsb_keys *keys, uint64_t seed);

/* The next operation. The record of an INSERT was taken from the keys: acknowledge it when done. */
struct ycsb_operation ycsb_generator_next(struct ycsb_generator *self);

/* Fills a value with random bytes from "!" to "`", which are legal in any value. */
void ycsb_value_fill(struct wire_random *random, uint8_t *value, size_t size);

#endif
