/* The suites of this program. */
#ifndef MADKV_TESTS_UNIT_MANAGER_SUITES_H
#define MADKV_TESTS_UNIT_MANAGER_SUITES_H

#include <check.h>

Suite *chains_suite(void);

#endif
