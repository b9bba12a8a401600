/* The test suites of actors/, run by main.c. */
#ifndef MADKV_TESTS_ACTORS_SUITES_H
#define MADKV_TESTS_ACTORS_SUITES_H

#include <check.h>

Suite *histogram_suite(void);
Suite *store_suite(void);
Suite *store_cut_suite(void);
Suite *base_suite(void);
Suite *base_damage_suite(void);
Suite *frames_suite(void);
Suite *socket_suite(void);
Suite *notify_suite(void);
Suite *actor_suite(void);
Suite *runtime_suite(void);
Suite *replica_suite(void);

#endif
