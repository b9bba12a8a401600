/* Skewed choices exactly as YCSB makes them (Cooper et al., SoCC 2010; ZipfianGenerator and
 * ScrambledZipfianGenerator), so that the same records are hot here and there.
 *
 * The method is Gray et al., "Quickly Generating Billion-Record Synthetic Databases" (SIGMOD 1994):
 * rank 0 with probability 1/zeta(n), rank 1 with 1/2^theta of that, and so on. YCSB scatters the
 * ranks over the records by a hash: it draws a rank out of ten billion, whose zeta it has as a
 * constant, and takes the hash of the rank modulo the number of records. One thread. */
#ifndef MADKV_TOOLS_BENCH_ZIPFIAN_H
#define MADKV_TOOLS_BENCH_ZIPFIAN_H

#include "wire/random.h"

#define YCSB_ZIPFIAN_THETA 0.99                    /* ZipfianGenerator.ZIPFIAN_CONSTANT */
#define YCSB_SCRAMBLED_ITEMS UINT64_C(10000000000) /* ScrambledZipfianGenerator.ITEM_COUNT */
#define YCSB_SCRAMBLED_ZETA 26.46902820178302      /* its ZETAN */

/* YCSB's Utils.fnvhash64: FNV-1a over the eight bytes of a number, lowest first, then the absolute
 * value of that as a signed number. */
uint64_t ycsb_hash(uint64_t number);

struct ycsb_zipfian {
    uint64_t items; /* ranks that zeta counts */
    double zeta;    /* sum of 1 / i^theta over 1 .. items */
    double zeta2;   /* the same over 1 .. 2 */
    double alpha;   /* 1 / (1 - theta) */
    double eta;     /* of the paper, follows from the above */
};

/* Ranks 0 .. items - 1; items > 0. Takes time in proportion to them. */
void ycsb_zipfian_init(struct ycsb_zipfian *self, uint64_t items);
/* Ranks out of YCSB's ten billion. */
void ycsb_zipfian_init_scrambled(struct ycsb_zipfian *self);

/* A rank. `items`, how many there are by now, may be more than at the last call, never less; a rank
 * at the end may be one too large by rounding, as in YCSB. */
uint64_t ycsb_zipfian_next(struct ycsb_zipfian *self, struct wire_random *random, uint64_t items);
/* A record out of 0 .. space - 1 by the scrambled generator. */
uint64_t ycsb_zipfian_next_scrambled(struct ycsb_zipfian *self, struct wire_random *random,
                                     uint64_t space);

#endif
