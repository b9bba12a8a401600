/* One call from the command line: `madkv-client --manager_addrs A get k`. One thread. */
#ifndef MADKV_CLIENT_ONCE_H
#define MADKV_CLIENT_ONCE_H

#include "client/madkv.h"
#include "wire/pack.h"

/* For --help. */
#define ONCE_HELP                                                                                  \
    "one call:      madkv-client FLAGS get k | put k v | swap k v | delete k | scan from to\n"     \
    "  prints the value (get, swap), found or not_found (put, delete), or a line `key value` a "   \
    "pair;\n"                                                                                      \
    "  a value that is not there prints nothing. -w json prints one object. Behind -- a word may " \
    "begin\n"                                                                                      \
    "  with a dash.\n"

/* Makes the call that the words are (upper or lower case, without STOP) and prints its answer to
 * stdout: plain words, or JSON. On a terminal plain values are shown safely, else as they are.
 * Returns the exit status. Words that are no call: one line on stderr and status 2. */
int once_run(struct madkv *kv, int count, char **words, bool json);

#endif
