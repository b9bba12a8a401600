#include "tools/inspect/guard.h"

#include <setjmp.h>
#include <signal.h>
#include <stdlib.h>

static sigjmp_buf way_out;               /* out of the guarded function */
static const char *volatile what;        /* that ended it */
static volatile sig_atomic_t is_guarded; /* one runs */

static void leave(const char *why)
{
    if (!is_guarded)
        abort();
    what = why;
    siglongjmp(way_out, 1);
}

static void on_signal(int number)
{
    leave(number == SIGBUS ? "a page is not there or the disk cannot give it (SIGBUS)"
                           : "a page makes no sense (SIGSEGV)");
}

static void on_assertion(MDB_env *env, const char *text)
{
    (void)env;
    (void)text;
    leave("a page makes no sense (an assertion of LMDB)");
}

void inspect_guard_assertions(MDB_env *env)
{
    mdb_env_set_assert(env, on_assertion);
}

const char *inspect_guard(void (*body)(void *context), void *context)
{
    struct sigaction action = {.sa_handler = on_signal}, old_bus, old_segv;
    sigaction(SIGBUS, &action, &old_bus);
    sigaction(SIGSEGV, &action, &old_segv);
    what = NULL;
    is_guarded = 1;
    if (sigsetjmp(way_out, 1) == 0)
        body(context);
    is_guarded = 0;
    sigaction(SIGBUS, &old_bus, NULL);
    sigaction(SIGSEGV, &old_segv, NULL);
    return what;
}
