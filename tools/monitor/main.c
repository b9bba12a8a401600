/* madkv-monitor: a cluster on a full screen, or one picture of it as text (--once) or JSON
 * (--json), or line by line (--stat, --events), or as metrics (--prometheus). */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tools/monitor/live.h"
#include "tools/monitor/render.h"
#include "tools/monitor/terminal.h"
#include "wire/flags.h"
#include "wire/say.h"

/* What the command line said. */
struct settings {
    const char *manager_addrs; /* one of the two at least is given */
    const char *server_addrs;  /* in place of managers, or until they say who the servers are */
    const char *prometheus;    /* --prometheus */
    uint64_t interval_ms;      /* --interval_ms */
    bool once;                 /* --once */
    bool json;                 /* --json */
    bool stat;                 /* --stat */
    bool events;               /* --events */
    bool allow_admin;          /* --allow-admin */
};

static struct settings settings = {.interval_ms = 1000};

static const struct wire_flag flags[] = {
    {.name = "manager_addrs",
     .argument = "ADDRESS,...",
     .help = "all managers, by replica; they know the servers",
     .text = &settings.manager_addrs},
    {.name = "server_addrs",
     .argument = "ADDRESS,...",
     .help = "all servers, by partition, then replica: in place of managers, or until those answer",
     .text = &settings.server_addrs},
    {.name = "once", .help = "print one overview as text", .on = &settings.once},
    {.name = "json", .help = "print one picture as a line of JSON", .on = &settings.json},
    {.name = "stat", .help = "print a line a picture", .on = &settings.stat},
    {.name = "events",
     .help = "print a line an event, the remembered ones first",
     .on = &settings.events},
    {.name = "prometheus",
     .argument = "HOST:PORT",
     .help = "serve metrics at http://HOST:PORT/metrics",
     .text = &settings.prometheus},
    {.name = "interval_ms",
     .argument = "N",
     .help = "between two pictures; default 1000",
     .number = &settings.interval_ms,
     .min = 100,
     .max = 3600000},
    {.name = "allow_admin",
     .help = "the full screen may act: move a leader, step down, checkpoint",
     .on = &settings.allow_admin},
};

static const struct wire_program program = {
    .name = "madkv-monitor",
    .purpose = "Shows how a MadKV cluster is: who leads, who is missing, how many more may fail.",
    .more =
        "Without a mode it fills the screen of a terminal ('?' there explains the keys); where\n"
        "there is none it prints what --once does, on a dumb terminal what --stat does.\n"
        "Every node is asked; one that is dead or stalled holds nothing up for more than a "
        "second.\nColour needs a terminal and no NO_COLOR in the environment.\n\n"
        "exit status: 0 healthy or ended on demand, 1 output or terminal failed, 2 usage,\n"
        "  4 the address to serve metrics at cannot be listened on, 5 not healthy (--once, "
        "--json)",
    .flags = flags,
    .flag_count = sizeof flags / sizeof flags[0],
};

static size_t take_addresses(const char *flag, const char *given, struct wire_address *addresses,
                             size_t max)
{
    const char *problem;
    char bad_part[WIRE_ADDRESS_TEXT_MAX];
    size_t count = 0;
    if (given == NULL)
        return 0;
    if (wire_address_list_parse(given, addresses, max, &count, &problem, bad_part) != WIRE_OK)
        wire_flags_fail(&program, flag, bad_part, "%s", problem);
    if (count == 0)
        wire_flags_fail(&program, flag, given, "at least one address");
    return count;
}

static struct gather_targets take_targets(void)
{
    static struct wire_address managers[WIRE_REPLICA_COUNT_MAX];
    static struct wire_address servers[WIRE_SERVER_COUNT_MAX];
    struct gather_targets targets = {.managers = managers, .servers = servers};
    if (settings.manager_addrs == NULL && settings.server_addrs == NULL)
        wire_flags_fail(&program, "manager_addrs", NULL, "ADDRESS,...");
    targets.manager_count =
        take_addresses("manager_addrs", settings.manager_addrs, managers, WIRE_REPLICA_COUNT_MAX);
    targets.server_count =
        take_addresses("server_addrs", settings.server_addrs, servers, WIRE_SERVER_COUNT_MAX);
    return targets;
}

static void check_modes(void)
{
    struct wire_address address;
    const char *problem;
    int modes = settings.once + settings.json + settings.stat + settings.events +
                (settings.prometheus != NULL);
    if (modes > 1)
        wire_flags_fail(&program, "once", "several modes",
                        "one of --once, --json, --stat, --events and --prometheus");
    if (settings.prometheus != NULL &&
        wire_address_parse(settings.prometheus, &address, &problem) != WIRE_OK)
        wire_flags_fail(&program, "prometheus", settings.prometheus, "%s", problem);
}

/* https://no-color.org: present and not empty. */
static bool may_colour(void)
{
    const char *no_color = getenv("NO_COLOR");
    return terminal_is_fit() && (no_color == NULL || no_color[0] == '\0');
}

static int print_one(const struct gather_targets *targets)
{
    struct wire_writer out = {0};
    struct gather *gather = gather_new(targets);
    struct picture *picture = gather_picture(gather);
    int status = picture->healthy ? WIRE_EXIT_OK : WIRE_EXIT_UNHEALTHY;
    if (settings.json)
        render_json(picture, &out);
    else
        render_text(picture, may_colour(), &out);
    if (!wire_print(wire_writer_span(&out))) {
        wire_say("cannot write to stdout: %s", strerror(errno));
        status = WIRE_EXIT_FAILED;
    }
    picture_free(&picture);
    gather_free(&gather);
    wire_writer_free(&out);
    return status;
}

int main(int argc, char **argv)
{
    wire_flags_parse(&program, argc, argv);
    check_modes();
    struct live_settings live = {.targets = take_targets(),
                                 .interval_ms = settings.interval_ms,
                                 .may_act = settings.allow_admin};
    wire_say_as("madkv-monitor");
    bool no_mode = !settings.stat && !settings.events && settings.prometheus == NULL;
    if (settings.once || settings.json || (no_mode && !isatty(STDOUT_FILENO)))
        return print_one(&live.targets);
    live_begin();
    if (settings.prometheus != NULL)
        return live_prometheus(&live, settings.prometheus);
    if (settings.events)
        return live_events(&live);
    if (settings.stat || !terminal_is_fit())
        return live_stat(&live);
    return live_screen(&live);
}
