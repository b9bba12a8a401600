#include "tests/unit/support/capture.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

/* Files without a name, not pipes: no amount of output makes the child wait. */
static FILE *sink_open(void)
{
    FILE *sink = tmpfile();
    assert(sink != NULL);
    return sink;
}

static void sink_read(FILE *sink, char *text, size_t size)
{
    rewind(sink);
    text[fread(text, 1, size - 1, sink)] = '\0';
    fclose(sink);
}

static void run_child(FILE *out, FILE *err, void (*body)(void *context), void *context)
{
    dup2(fileno(out), STDOUT_FILENO);
    dup2(fileno(err), STDERR_FILENO);
    body(context);
    fflush(stdout);
    _exit(0);
}

struct capture capture_run(void (*body)(void *context), void *context)
{
    struct capture seen = {.status = -1};
    FILE *out = sink_open();
    FILE *err = sink_open();
    int status = 0;
    fflush(stdout);
    pid_t child = fork();
    assert(child >= 0);
    if (child == 0)
        run_child(out, err, body, context);
    if (waitpid(child, &status, 0) == child && WIFEXITED(status))
        seen.status = WEXITSTATUS(status);
    sink_read(out, seen.out, sizeof seen.out);
    sink_read(err, seen.err, sizeof seen.err);
    return seen;
}
