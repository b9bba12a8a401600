/* The suites of the benchmark's tests, by what they look at. */
#ifndef MADKV_TESTS_UNIT_BENCH_SUITES_H
#define MADKV_TESTS_UNIT_BENCH_SUITES_H

#include <check.h>

Suite *property_suite(void);  /* property files as text */
Suite *workload_suite(void);  /* what they mean, and what is refused */
Suite *generator_suite(void); /* keys and choices against YCSB's known values */
Suite *keys_suite(void);      /* which records there are, and where scans end */
Suite *zmtp_suite(void);      /* the wire protocol, as bytes */
Suite *result_suite(void);
Suite *pipe_suite(void);    /* counting, merging, showing */

#endif
