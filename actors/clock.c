#include "actors/clock.h"

#include <assert.h>
#include <time.h>

wire_time clock_now(void)
{
    struct timespec now;
    int failed = clock_gettime(CLOCK_BOOTTIME, &now);
    assert(failed == 0);
    (void)failed;
    return (wire_time)now.tv_sec * WIRE_SECOND + now.tv_nsec / 1000;
}
