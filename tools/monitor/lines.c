/* Lines for those who want no screen: --stat and --events. */
#include "tools/monitor/live.h"

#include <inttypes.h>
#include <stdio.h>

#include "client/link.h"
#include "tools/monitor/poller.h"
#include "tools/monitor/render.h"
#include "tools/monitor/watch.h"
#include "wire/say.h"

enum {
    HEADING_EVERY = 20, /* lines of --stat */
    WAIT_MS = 500       /* between looks at whether it is ended */
};

/* Feeds pictures to `show` until it says that nobody reads any more. */
static int follow(const struct live_settings *settings,
                  bool (*show)(const struct watch *watch, struct wire_writer *out))
{
    struct watch *watch = watch_new();
    struct wire_writer out = {0};
    zactor_t *poller = poller_new(&settings->targets, settings->interval_ms);
    zpoller_t *waits = zpoller_new(poller, NULL);
    zpoller_set_nonstop(waits, true);
    bool read = true;
    while (read && !live_is_ended()) {
        struct poller_news news;
        zpoller_wait(waits, WAIT_MS);
        while (read && poller_take(poller, &news)) {
            watch_take(watch, client_clock(), time(NULL), news.picture);
            wire_writer_clear(&out);
            read = show(watch, &out) && wire_print(wire_writer_span(&out));
        }
    }
    zpoller_destroy(&waits);
    poller_destroy(&poller);
    watch_free(&watch);
    wire_writer_free(&out);
    return read ? WIRE_EXIT_OK : WIRE_EXIT_FAILED;
}

static bool show_stat(const struct watch *watch, struct wire_writer *out)
{
    static int lines;
    if (lines++ % HEADING_EVERY == 0)
        render_stat_heading(out);
    render_stat(watch, out);
    return true;
}

int live_stat(const struct live_settings *settings)
{
    return follow(settings, show_stat);
}

static bool show_events(const struct watch *watch, struct wire_writer *out)
{
    static uint64_t shown;
    render_events(watch, &shown, out);
    return true;
}

int live_events(const struct live_settings *settings)
{
    return follow(settings, show_events);
}
