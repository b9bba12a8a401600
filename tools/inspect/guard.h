/* A function that reads a file LMDB maps may meet a page that is not there or makes no sense:
 * SIGBUS, SIGSEGV, or a failed assertion of LMDB's. The guard ends the function then, and the
 * program goes on.
 *
 * It is the last resort: what the function had allocated is lost, and of the environment it read,
 * which must be a read-only one, nothing may be done any more but to end its transaction and close
 * it. One at a time, one thread. */
#ifndef MADKV_INSPECT_GUARD_H
#define MADKV_INSPECT_GUARD_H

#include <lmdb.h>

/* NULL: body(context) returned. Else what ended it, in words. */
const char *inspect_guard(void (*body)(void *context), void *context);
/* Assertions of this environment end the guarded function too. */
void inspect_guard_assertions(MDB_env *env);

#endif
