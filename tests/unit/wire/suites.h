/* The suites of wire/'s unit tests, one per file here. */
#ifndef MADKV_TESTS_WIRE_SUITES_H
#define MADKV_TESTS_WIRE_SUITES_H

#include <check.h>

#define WIRE_SUITES(X)                                                                             \
    X(address)                                                                                     \
    X(batch)                                                                                       \
    X(figures)                                                                                     \
    X(flags)                                                                                       \
    X(golden)                                                                                      \
    X(hostile)                                                                                     \
    X(kv)                                                                                          \
    X(map)                                                                                         \
    X(message)                                                                                     \
    X(pack)                                                                                        \
    X(record)                                                                                      \
    X(say)

#define X(name) Suite *name##_suite(void);
WIRE_SUITES(X)
#undef X

#endif
