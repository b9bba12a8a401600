/* The suites of server/'s unit tests, one per file here. */
#ifndef MADKV_TESTS_SERVER_SUITES_H
#define MADKV_TESTS_SERVER_SUITES_H

#include <check.h>

Suite *kv_tree_suite(void);
Suite *kv_store_suite(void);
Suite *kv_machine_suite(void);
Suite *kv_checkpoint_suite(void);
Suite *kv_threads_suite(void);
Suite *courier_suite(void);

#endif
