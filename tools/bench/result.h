/* What a run measured, how it is merged and shown. One thread. */
#ifndef MADKV_TOOLS_BENCH_RESULT_H
#define MADKV_TOOLS_BENCH_RESULT_H

#include <stdio.h>

#include "tools/bench/workload.h"
#include "wire/histogram.h"

/* Of one kind of operation. */
struct bench_tally {
    struct wire_histogram latency; /* of those that were answered, microseconds */
    uint64_t min;                  /* the shortest of them; 0 if there is none */
    uint64_t errors;               /* operations that ended otherwise */
    uint64_t missing;              /* reads that found nothing; they count as answered too */
};

/* Zero-initialised is empty. */
struct bench_result {
    struct bench_tally kinds[YCSB_KIND_COUNT]; /* by enum ycsb_kind */
    struct bench_tally first, second;          /* the reads and the writes of READ_MODIFY_WRITEs */
    wire_time elapsed;   /* from the first counted operation's start to the last one's end */
    uint64_t retries;    /* messages sent again meanwhile */
    uint64_t unstarted;  /* of a given rate: operations that were due and never began */
    uint64_t unanswered; /* counted operations still under way when a run was ended early */
    wire_time cpu;       /* processor time of this program meanwhile, both modes, all threads */
    bool partial;        /* it ended before it should have */
};

void bench_tally_add(struct bench_tally *self, wire_time latency);
/* Adds counts; the longer time of the two; partial if either is. */
void bench_result_merge(struct bench_result *self, const struct bench_result *other);
/* All kinds in one. */
void bench_result_total(const struct bench_result *self, struct bench_tally *total);

/* What was run, for the output. */
struct bench_about {
    const char *workload; /* as it was given */
    uint64_t clients;     /* how many */
    uint64_t records;     /* before the run */
    uint64_t value_bytes; /* of each value written */
};

/* Several lines for people. */
void bench_result_print(const struct bench_result *self, const struct bench_about *about,
                        FILE *out);
/* One phase in the layout that scripts parse: a line with the phase's name and milliseconds, the
 * throughput, and a line for each kind of call that occurred (the two of a READ_MODIFY_WRITE are a
 * READ and an UPDATE; in the throughput they are one). A partial result gets a line that says so.
 */
void bench_result_print_phase(const struct bench_result *self, const char *name, FILE *out);
/* One line of JSON. */
void bench_result_print_json(const struct bench_result *self, const struct bench_about *about,
                             FILE *out);
/* The histograms as text: "# madkv-histogram 1", then KIND, the largest value of a bucket in
 * microseconds and how many fell into it, for every bucket that is not empty. Files add up line by
 * line. */
void bench_result_print_histogram(const struct bench_result *self, FILE *out);

#endif
