/* What the tests of the base begin with: a directory of their own, and short words for what a base does. */
#ifndef MADKV_TESTS_ACTORS_BASE_STAND_H
#define MADKV_TESTS_ACTORS_BASE_STAND_H

#include <check.h>
#include <ftw.h>

#include "actors/base.h"

extern char base_directory[64]; /* a fresh one per test, removed afterwards */
extern char base_problem[STORE_PROBLEM_BYTES];

/* The fixture. */
void base_setup(void);
void base_teardown(void);
/* For nftw: removes each. */
int base_remove_one(const char *name, const struct stat *stat, int type, struct FTW *walk);

struct base *base_open_good(void);
void base_put_text(const struct smr_base *base, const char *key, const char *value);
/* Visits pairs; context: a wire_writer that "key=value " is appended to. */
bool base_add_pair(void *context, struct span key, struct span value);
/* NULL: there is none. */
void base_assert_value(const struct smr_base *base, const char *key, const char *expected);
void base_assert_image(const struct smr_base *base, const char *expected);
void base_assert_scan(const struct smr_base *base, const char *from, bool after,
                      const char *expected);

#endif
