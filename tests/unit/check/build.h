/* Build: histories in a line or two, for the tests of the checker.
 *
 * A history is a C string of lines as in history.h but without the header and with spaces in place
 * of tabs, which makes them fit into a test:
 *
 *     build("1 10 20 PUT k =a ok not_found\n"
 *           "2 30 40 GET k - ok =a\n")
 *
 * Where a SCAN's result needs spaces inside, write commas: `=k,a,m,b`. */
#ifndef MADKV_TESTS_UNIT_CHECK_BUILD_H
#define MADKV_TESTS_UNIT_CHECK_BUILD_H

#include "tools/check/check.h"

/* The history that `lines` describe, to be freed with history_free; fails the test if it is none.
 */
struct history *build(const char *lines);

/* The verdict on the history that `lines` describe. */
enum check_verdict verdict_on(const char *lines);

/* What check_explain writes about the history that `lines` describe; to be freed. */
char *explanation_of(const char *lines);

/* Reads `size` bytes at `text` as a history file, into `history`. */
bool read_text(struct history *history, const char *text, size_t size, struct history_error *error);

#endif
