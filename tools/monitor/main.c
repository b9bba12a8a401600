/* madkv-monitor: one picture of a cluster, as text for people (--once) or as JSON (--json). One
 * thread. */
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "tools/monitor/gather.h"
#include "tools/monitor/render.h"
#include "wire/flags.h"
#include "wire/say.h"

/* What the command line said. */
struct settings {
    const char *manager_addrs; /* one of the two is given */
    const char *server_addrs;  /* of a service without managers */
    bool once;                 /* --once or */
    bool json;                 /* --json is given */
};

static struct settings settings;

static const struct wire_flag flags[] = {
    {.name = "manager_addrs",
     .argument = "ADDRESS,...",
     .help = "all managers, by replica; they know the servers",
     .text = &settings.manager_addrs},
    {.name = "server_addrs",
     .argument = "ADDRESS,...",
     .help = "in place of managers: all servers, by partition, then replica",
     .text = &settings.server_addrs},
    {.name = "once", .help = "print one overview as text", .on = &settings.once},
    {.name = "json", .help = "print one picture as a line of JSON", .on = &settings.json},
};

static const struct wire_program program = {
    .name = "madkv-monitor",
    .purpose = "Shows how a MadKV cluster is: who leads, who is missing, how many more may fail.",
    .more = "Every node is asked; one that is dead or stalled holds nothing up for more than a "
            "second.\nColour needs a terminal and no NO_COLOR in the environment.\n\n"
            "exit status: 0 healthy, 1 the picture could not be written, 2 usage, 5 not healthy",
    .flags = flags,
    .flag_count = sizeof flags / sizeof flags[0],
};

static size_t take_addresses(const char *flag, const char *given, struct wire_address *addresses,
                             size_t max)
{
    const char *problem;
    char bad_part[WIRE_ADDRESS_TEXT_MAX];
    size_t count = 0;
    if (wire_address_list_parse(given, addresses, max, &count, &problem, bad_part) != WIRE_OK)
        wire_flags_fail(&program, flag, bad_part, "%s", problem);
    if (count == 0)
        wire_flags_fail(&program, flag, given, "at least one address");
    return count;
}

static struct gather_targets take_targets(void)
{
    static struct wire_address addresses[WIRE_SERVER_COUNT_MAX];
    struct gather_targets targets = {.addresses = addresses};
    if (settings.manager_addrs == NULL && settings.server_addrs == NULL)
        wire_flags_fail(&program, "manager_addrs", NULL, "ADDRESS,...");
    if (settings.manager_addrs != NULL && settings.server_addrs != NULL)
        wire_flags_fail(&program, "server_addrs", settings.server_addrs,
                        "it in place of --manager_addrs, not beside it");
    targets.managers = settings.manager_addrs != NULL;
    targets.count = targets.managers ? take_addresses("manager_addrs", settings.manager_addrs,
                                                      addresses, WIRE_REPLICA_COUNT_MAX)
                                     : take_addresses("server_addrs", settings.server_addrs,
                                                      addresses, WIRE_SERVER_COUNT_MAX);
    return targets;
}

/* https://no-color.org: present and not empty. */
static bool may_colour(void)
{
    const char *no_color = getenv("NO_COLOR");
    const char *term = getenv("TERM");
    return isatty(STDOUT_FILENO) && (no_color == NULL || no_color[0] == '\0') && term != NULL &&
           strcmp(term, "dumb") != 0;
}

static bool write_out(struct span left)
{
    while (left.size > 0) {
        ssize_t written = write(STDOUT_FILENO, left.data, left.size);
        if (written > 0)
            left = span_of(left.data + written, left.size - (size_t)written);
        else if (errno != EINTR)
            return false;
    }
    return true;
}

int main(int argc, char **argv)
{
    struct wire_writer out = {0};
    wire_flags_parse(&program, argc, argv);
    if (settings.once == settings.json)
        wire_flags_fail(&program, "once", settings.once ? "--json, too" : NULL,
                        "either --once or --json");
    struct gather_targets targets = take_targets();
    wire_say_as("madkv-monitor");
    struct picture *picture = gather_picture(&targets);
    int status = picture->healthy ? WIRE_EXIT_OK : WIRE_EXIT_UNHEALTHY;
    if (settings.json)
        render_json(picture, &out);
    else
        render_text(picture, may_colour(), &out);
    if (!write_out(wire_writer_span(&out))) {
        wire_say("cannot write to stdout: %s", strerror(errno));
        status = WIRE_EXIT_FAILED;
    }
    picture_free(&picture);
    wire_writer_free(&out);
    return status;
}
