/* Property files as Java reads them and YCSB uses them: a name and a value a line.
 *
 *     # comment          ! comment
 *     name=value         name: value         name value
 *     name=a value that \
 *          goes on here
 *
 * A backslash stands before what is meant literally (\t, \n, \r, \f as usual; no \u). A name that
 * occurs twice has its last value. Any text is some list of properties: there are no errors here.
 */
#ifndef MADKV_TOOLS_BENCH_PROPERTY_H
#define MADKV_TOOLS_BENCH_PROPERTY_H

#include "wire/span.h"

struct ycsb_property {
    char *name;  /* owned */
    char *value; /* owned; may be empty */
};

/* Zero-initialised is empty. */
struct ycsb_properties {
    struct ycsb_property *items; /* in the order of the text */
    size_t count;                /* how many */
};

/* Appends what the text holds. */
void ycsb_properties_add(struct ycsb_properties *self, struct span text);
void ycsb_properties_free(struct ycsb_properties *self);
/* The value of a name, or NULL. Good until the next change. */
const char *ycsb_properties_find(const struct ycsb_properties *self, const char *name);

#endif
