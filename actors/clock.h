/* The one clock of a running replica: microseconds of CLOCK_BOOTTIME, which never goes back and,
 * unlike CLOCK_MONOTONIC, goes on while the machine is suspended. Any thread. */
#ifndef MADKV_ACTORS_CLOCK_H
#define MADKV_ACTORS_CLOCK_H

#include "wire/types.h"

wire_time clock_now(void);

#endif
