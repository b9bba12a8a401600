/* Signals and output, and the full screen: a poller's pictures and the keys into a screen, the
 * screen onto the terminal. */
#include "tools/monitor/live.h"

#include <signal.h>
#include <unistd.h>

#include "client/link.h"
#include "tools/monitor/poller.h"
#include "tools/monitor/screen.h"
#include "tools/monitor/terminal.h"
#include "wire/say.h"

enum {
    DRAW_AGAIN_MS = 1000 /* without any news, so that "since" goes on */
};

static volatile sig_atomic_t ended;

static void end(int signal_number)
{
    (void)signal_number;
    ended = 1;
}

void live_begin(void)
{
    struct sigaction action = {.sa_handler = end};
    zsys_handler_set(NULL); /* before zsys_init, which installs handlers otherwise */
    zsys_init();
    sigaction(SIGTERM, &action, NULL);
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGHUP, &action, NULL);
    signal(SIGPIPE, SIG_IGN); /* shows as an error of write */
}

bool live_is_ended(void)
{
    return ended != 0;
}

/* --- the full screen ----------------------------------------------------------------------------
 */

struct live {
    struct screen screen; /* what the user sees */
    struct watch *watch;  /* what is known */
    zactor_t *poller;     /* brings pictures */
    wire_time began;      /* when it was started */
    uint64_t interval_ms; /* as the poller was told last; 0: paused */
};

static void draw(struct live *self)
{
    struct grid grid;
    int rows, columns;
    bool unicode;
    terminal_size(&rows, &columns, &unicode);
    grid_init(&grid, rows, columns, unicode);
    screen_draw(&self->screen, self->watch, (uint64_t)((client_clock() - self->began) / WIRE_MS),
                &grid);
    terminal_show(&grid);
    grid_free(&grid);
}

/* Takes all that has come; the newest picture is shown. */
static void take_news(struct live *self)
{
    struct poller_news news;
    while (poller_take(self->poller, &news)) {
        if (news.picture != NULL)
            watch_take(self->watch, client_clock(), time(NULL), news.picture);
        else
            snprintf(self->screen.said, sizeof self->screen.said, "%s", news.said);
    }
}

/* Gives the order the user has confirmed. Who is to lead is told by who leads. */
static void give_order(struct live *self)
{
    static const enum wire_admin_action actions[] = {
        [SCREEN_MOVE_LEADER] = WIRE_ADMIN_MOVE_LEADER,
        [SCREEN_STEP_DOWN] = WIRE_ADMIN_STEP_DOWN,
        [SCREEN_CHECKPOINT] = WIRE_ADMIN_CHECKPOINT,
    };
    const struct screen *screen = &self->screen;
    const struct picture *picture = watch_picture(self->watch);
    const struct picture_replica *to = screen_addressee(screen, self->watch);
    if (to == NULL) {
        snprintf(self->screen.said, sizeof self->screen.said, "nobody leads there");
    } else {
        struct client_order order = {.address = to->address,
                                     .cluster = picture->cluster,
                                     .group = screen->subject.group,
                                     .action = actions[screen->order],
                                     .replica = screen->subject.id};
        snprintf(self->screen.said, sizeof self->screen.said, "%s: asked to %s ...", to->address,
                 screen_act_text(screen->order));
        poller_order(self->poller, &order);
    }
    self->screen.order = SCREEN_NOTHING;
}

/* What the keys wanted of the rest of the program. */
static void obey(struct live *self)
{
    uint64_t wanted = self->screen.paused ? 0 : self->screen.interval_ms;
    if (wanted != self->interval_ms)
        poller_set_interval(self->poller, wanted);
    if (self->screen.refresh || (wanted != 0 && self->interval_ms == 0))
        poller_now(self->poller);
    if (self->screen.order != SCREEN_NOTHING)
        give_order(self);
    self->screen.refresh = false;
    self->interval_ms = wanted;
}

static void run(struct live *self)
{
    int keyboard = STDIN_FILENO;
    zpoller_t *waits = zpoller_new(self->poller, &keyboard, NULL);
    zpoller_set_nonstop(waits, true);
    while (!self->screen.quit && !live_is_ended()) {
        int key;
        draw(self);
        void *which = zpoller_wait(waits, DRAW_AGAIN_MS);
        take_news(self);
        bool any_key = false;
        while ((key = terminal_key()) != TERMINAL_NO_KEY) {
            screen_press(&self->screen, key);
            any_key = true;
        }
        /* A keyboard that is readable and gives nothing is a terminal that went away. */
        if (which == &keyboard && !any_key && !isatty(STDIN_FILENO))
            break;
        obey(self);
    }
    zpoller_destroy(&waits);
}

int live_screen(const struct live_settings *settings)
{
    struct live self = {.watch = watch_new(), .began = client_clock()};
    self.interval_ms = settings->interval_ms;
    screen_init(&self.screen, settings->interval_ms, settings->may_act);
    if (!terminal_open()) {
        watch_free(&self.watch);
        wire_say("this terminal (TERM) is not known: --once, --stat and --json need none");
        return WIRE_EXIT_FAILED;
    }
    self.poller = poller_new(&settings->targets, settings->interval_ms);
    run(&self);
    terminal_close();
    poller_destroy(&self.poller);
    watch_free(&self.watch);
    return WIRE_EXIT_OK;
}
