/* madkv-inspect: what the directory of a server or manager holds, and whether all of it is as it
 * was written. Offline and read-only. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "tools/inspect/report.h"
#include "wire/flags.h"
#include "wire/say.h"

static struct {
    bool json; /* --json was given */
} settings;

static const struct wire_flag flags[] = {
    {.name = "json", .help = "print one line of JSON", .on = &settings.json},
};

static const struct wire_program program = {
    .name = "madkv-inspect",
    .purpose =
        "Looks at the directory of a server or manager that is not running, and changes nothing.",
    .more =
        "Prints whose directory it is, its birth and start, what it promised, which slots its log\n"
        "has, its last checkpoint with its sessions, and sizes; and checks every checksum: of "
        "each\n"
        "log record, of hard state and identity, of the checkpoint and each of its pairs. Damage "
        "is\n"
        "printed with its file and slot, and with what to do.\n\n"
        "exit status: 0 all is well, 1 the report could not be written or the directory not be "
        "read,\n"
        "             2 usage, 3 it is in use, of another format, or no directory of MadKV,\n"
        "             6 something is damaged",
    .flags = flags,
    .flag_count = sizeof flags / sizeof flags[0],
    .rest = "BACKER_PATH",
};

static int refuse(const char *path, enum wire_error error, const char *problem)
{
    wire_say("backer_path '%s' %s", path, problem);
    return error == WIRE_FAILED ? WIRE_EXIT_FAILED : WIRE_EXIT_IDENTITY;
}

static bool print(const struct inspect_report *report)
{
    struct wire_writer line = {0};
    if (settings.json)
        inspect_write_json(report, &line);
    else
        inspect_write_text(report, stdout);
    bool written = fwrite(line.data, 1, line.size, stdout) == line.size && fflush(stdout) == 0;
    wire_writer_free(&line);
    return written;
}

int main(int argc, char **argv)
{
    static struct inspect_report report; /* too large for a stack */
    char problem[INSPECT_TEXT_BYTES];
    wire_say_as("madkv-inspect");
    int rest = wire_flags_parse(&program, argc, argv);
    if (rest + 1 != argc) {
        wire_say("given %d arguments, expected one BACKER_PATH; --help explains", argc - rest);
        return WIRE_EXIT_USAGE;
    }
    report.path = argv[rest];
    enum wire_error error = inspect_look(&report, problem);
    if (error != WIRE_OK)
        return refuse(report.path, error, problem);
    bool written = print(&report);
    if (!written)
        wire_say("the report cannot be written: %s", strerror(errno));
    int status = !written                  ? WIRE_EXIT_FAILED
                 : report.damage_count > 0 ? WIRE_EXIT_STORAGE
                                           : WIRE_EXIT_OK;
    inspect_report_free(&report);
    return status;
}
