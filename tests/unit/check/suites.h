/* The suites of the checker's tests, by what they look at. */
#ifndef MADKV_TESTS_UNIT_CHECK_SUITES_H
#define MADKV_TESTS_UNIT_CHECK_SUITES_H

#include <check.h>

Suite *verdict_suite(void); /* histories known good and known bad */
Suite *scan_suite(void);    /* the same with scans */
Suite *random_suite(void);  /* generated histories, and the comparison with the naive checker */
Suite *memo_suite(void);    /* what a search remembers */
Suite *file_suite(void);    /* the file format */
Suite *explain_suite(void); /* what a person is told */

#endif
