#include "actors/crash.h"

#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "wire/error.h"
#include "wire/say.h"

static const char *const names[] = {
#define X(NAME, name, text) name,
    CRASH_POINTS(X)
#undef X
};

static enum crash_point armed = CRASH_POINT_COUNT; /* where to die; COUNT: nowhere */
static atomic_long left;                           /* times still to reach it */

static enum crash_point find(const char *name, size_t size)
{
    for (int i = 0; i < CRASH_POINT_COUNT; i++)
        if (strlen(names[i]) == size && memcmp(names[i], name, size) == 0)
            return (enum crash_point)i;
    return CRASH_POINT_COUNT;
}

void crash_arm(void)
{
    const char *text = getenv("MADKV_CRASH_AT");
    if (text == NULL)
        return;
    size_t size = strcspn(text, ":");
    char *end = NULL;
    long count = text[size] == ':' ? strtol(text + size + 1, &end, 10) : 1;
    armed = find(text, size);
    if (armed == CRASH_POINT_COUNT || count < 1 || (end != NULL && *end != '\0'))
        wire_say_die(WIRE_EXIT_USAGE,
                     "MADKV_CRASH_AT is '%s'; expected PLACE or PLACE:N, as in commit.after:3; "
                     "--help lists the places",
                     text);
    left = count;
    wire_say("MADKV_CRASH_AT=%s: this process dies there on purpose", text);
}

void crash_at(enum crash_point point)
{
    if (point == armed && --left == 0)
        kill(getpid(), SIGKILL);
}
