/* The suites of the monitor's unit tests, one per file here, and the picture they share. */
#ifndef MADKV_TESTS_MONITOR_SUITES_H
#define MADKV_TESTS_MONITOR_SUITES_H

#include <check.h>

#include "tests/unit/monitor/canned.h"

#define MONITOR_SUITES(X)                                                                          \
    X(buckets)                                                                                     \
    X(json)                                                                                        \
    X(metrics)                                                                                     \
    X(picture)                                                                                     \
    X(screen)                                                                                      \
    X(text)                                                                                        \
    X(watch)

#define X(name) Suite *name##_suite(void);
MONITOR_SUITES(X)
#undef X

#endif
