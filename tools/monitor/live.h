/* The programs that go on until they are ended: the full screen, and lines for those who want no
 * screen. Each ends at SIGTERM, SIGINT or when its output is gone, and returns the exit status. */
#ifndef MADKV_MONITOR_LIVE_H
#define MADKV_MONITOR_LIVE_H

#include "tools/monitor/gather.h"

/* What the command line said. */
struct live_settings {
    struct gather_targets targets; /* whom to ask */
    uint64_t interval_ms;          /* between two pictures */
    bool may_act;                  /* --allow-admin */
};

/* First thing, before any thread: stop signals end the loops below, czmq's own handling is off. */
void live_begin(void);
/* Whether SIGTERM or SIGINT came. */
bool live_is_ended(void);

/* The full screen. The terminal must be fit (terminal.h). */
int live_screen(const struct live_settings *settings);
/* A line a picture (--stat), or a line an event (--events). */
int live_stat(const struct live_settings *settings);
int live_events(const struct live_settings *settings);
/* Serves metrics over HTTP at host:port (--prometheus). */
int live_prometheus(const struct live_settings *settings, const char *address);

#endif
