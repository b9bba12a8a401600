/* madkv-client: calls on stdin, answers on stdout, one line each (CONTRACT, section 3); everything
 * for people on stderr. One thread. Each answer is written out before the next line is read. With a
 * call behind the flags it makes that one (once.c); on a terminal it is a shell (shell.c).
 *
 * The service is contacted by the first call only, and neither STOP nor the end of the input waits
 * for it. While a call waits, stdout is watched: when its reader is gone there is nobody left to
 * answer, and the program ends. The end of stdin is no such sign: a script's last call is answered
 * first. */
#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include "client/line.h"
#include "client/madkv.h"
#include "client/once.h"
#include "client/shell.h"
#include "client/show.h"
#include "wire/address.h"
#include "wire/error.h"
#include "wire/flags.h"
#include "wire/say.h"

enum {
    INPUT_BYTES = 64 * 1024,       /* read at a time */
    OUTPUT_BYTES = 64 * 1024,      /* of a scan gathered before they are written */
    TIMEOUT_SECONDS_MAX = 1000000, /* --timeout */
};

struct program {
    struct madkv *kv;          /* the service */
    struct wire_writer answer; /* what is about to be written */
    struct line_reader reader; /* the line at hand */
    bool any_error;            /* a line got ERROR */
    bool ended;                /* STOP, or nobody reads any more */
};

/* --- writing ---------------------------------------------------------------------------------- */

static void add(struct program *self, const char *text)
{
    wire_write_raw(&self->answer, span_text(text));
}

/* Somebody made stdout non-blocking: wait until it takes more. */
static bool wait_for_room(void)
{
    struct pollfd room = {.fd = STDOUT_FILENO, .events = POLLOUT};
    int ready = poll(&room, 1, -1);
    return ready >= 0 || errno == EINTR;
}

static void flush(struct program *self)
{
    struct span left = wire_writer_span(&self->answer);
    while (left.size > 0 && !self->ended) {
        ssize_t written = write(STDOUT_FILENO, left.data, left.size);
        if (written > 0)
            left = span_of(left.data + written, left.size - (size_t)written);
        else if (errno == EAGAIN || errno == EWOULDBLOCK)
            self->ended = !wait_for_room();
        else if (errno != EINTR)
            self->ended = true;
        self->any_error |= self->ended;
    }
    wire_writer_clear(&self->answer);
}

static void add_error(struct program *self, const char *problem)
{
    add(self, "ERROR ");
    add(self, problem);
    add(self, "\n");
    self->any_error = true;
}

/* --- calls ------------------------------------------------------------------------------------ */

static void fail(struct program *self, enum madkv_outcome outcome)
{
    if (outcome == MADKV_HUNG_UP)
        self->ended = self->any_error = true;
    else
        add_error(self, madkv_problem(self->kv));
}

static void do_key_call(struct program *self, const struct wire_kv_call *call)
{
    struct show_answer answer = show_call(self->kv, call);
    if (answer.outcome == MADKV_OK)
        show_line(call, &answer, &self->answer);
    else
        fail(self, answer.outcome);
}

static void add_bytes(struct program *self, struct madkv_bytes bytes)
{
    wire_write_raw(&self->answer, span_of(bytes.data, bytes.size));
}

static void add_pairs(struct program *self)
{
    struct madkv_bytes key, value;
    while (madkv_next(self->kv, &key, &value) && !self->ended) {
        add(self, "  ");
        add_bytes(self, key);
        add(self, " ");
        add_bytes(self, value);
        add(self, "\n");
        if (self->answer.size >= OUTPUT_BYTES)
            flush(self);
    }
}

/* Nothing is printed before the whole result is there. */
static void do_scan(struct program *self, const struct wire_kv_call *call)
{
    enum madkv_outcome outcome = show_call(self->kv, call).outcome;
    if (outcome == MADKV_HUNG_UP) {
        fail(self, outcome);
        return;
    }
    add(self, "SCAN ");
    wire_write_raw(&self->answer, call->key);
    add(self, " ");
    wire_write_raw(&self->answer, call->value);
    add(self, " BEGIN\n");
    if (outcome == MADKV_OK) {
        add_pairs(self);
        add(self, "SCAN END\n");
    } else {
        fail(self, outcome);
    }
}

static void do_line(struct program *self)
{
    struct line line = line_reader_parse(&self->reader);
    switch (line.kind) {
    case LINE_EMPTY:
        break;
    case LINE_STOP:
        add(self, "STOP\n");
        break;
    case LINE_ERROR:
        add_error(self, line.problem);
        break;
    case LINE_CALL:
        if (line.call.op == WIRE_KV_SCAN)
            do_scan(self, &line.call);
        else
            do_key_call(self, &line.call);
        break;
    }
    flush(self);
    self->ended |= line.kind == LINE_STOP;
    line_reader_next(&self->reader);
}

/* --- input ------------------------------------------------------------------------------------ */

static void do_input(struct program *self)
{
    static uint8_t input[INPUT_BYTES];
    while (!self->ended) {
        ssize_t size = read(STDIN_FILENO, input, sizeof input);
        if (size < 0 && errno == EINTR)
            continue;
        if (size < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) {
            struct pollfd more = {.fd = STDIN_FILENO, .events = POLLIN};
            poll(&more, 1, -1);
            continue;
        }
        if (size <= 0)
            break;
        struct span left = span_of(input, (size_t)size);
        while (!self->ended && line_reader_feed(&self->reader, &left))
            do_line(self);
    }
    if (!self->ended && line_reader_has_rest(&self->reader))
        do_line(self);
}

/* --- flags ------------------------------------------------------------------------------------ */

static const char *manager_addrs;
static const char *server_addrs;
static uint64_t timeout_seconds;
static const char *form = "plain";

static const struct wire_flag FLAGS[] = {
    {.name = "manager_addrs",
     .argument = "ADDRESSES",
     .help = "host:port of every manager, comma-separated, in the order of their replica ids",
     .text = &manager_addrs},
    {.name = "server_addrs",
     .argument = "ADDRESSES",
     .help = "instead: the servers of a service that has no managers",
     .text = &server_addrs},
    {.name = "timeout",
     .argument = "SECONDS",
     .help = "a call gives up after it; 0: never",
     .number = &timeout_seconds,
     .max = TIMEOUT_SECONDS_MAX},
    {.name = "write",
     .letter = 'w',
     .argument = "plain|json",
     .help = "how one call's answer is printed",
     .text = &form},
};

static const struct wire_program PROGRAM = {
    .name = "madkv-client",
    .purpose =
        "Reads calls from stdin, one a line, and writes their answers to stdout; or makes one "
        "call; or is a shell.",
    .rest = "[CALL]",
    .more = "calls: PUT k v, SWAP k v, GET k, DELETE k, SCAN from to, STOP\n" ONCE_HELP SHELL_HELP
            "exit status:\n"
            "  0  STOP or end of input, every line got its answer; the one call was made\n"
            "  1  some line got ERROR, the one call was not made, or nobody reads the answers\n"
            "  2  a flag is wrong or missing, or the one call is none\n"
            "  8  get: there is no such key\n"
            "  9  the one call may or may not take effect",
    .flags = FLAGS,
    .flag_count = sizeof FLAGS / sizeof FLAGS[0],
};

/* Exits with a line that says what is wrong with the list, if something is. */
static void check_addresses(const char *flag, const char *list)
{
    struct wire_address addresses[WIRE_REPLICA_COUNT_MAX];
    char bad_part[WIRE_ADDRESS_TEXT_MAX];
    const char *problem;
    size_t count;
    if (list == NULL)
        return;
    if (wire_address_list_parse(list, addresses, WIRE_REPLICA_COUNT_MAX, &count, &problem,
                                bad_part) != WIRE_OK)
        wire_flags_fail(&PROGRAM, flag, bad_part, "%s", problem);
    if (count == 0)
        wire_flags_fail(&PROGRAM, flag, list, "at least one host:port");
}

/* Returns where the call begins in argv. */
static int parse_flags(int argc, char **argv)
{
    int first = wire_flags_parse(&PROGRAM, argc, argv);
    if (strcmp(form, "plain") != 0 && strcmp(form, "json") != 0)
        wire_flags_fail(&PROGRAM, "write", form, "plain or json");
    if (manager_addrs == NULL && server_addrs == NULL)
        wire_flags_fail(&PROGRAM, "manager_addrs", NULL, "the managers' addresses");
    if (manager_addrs != NULL && server_addrs != NULL)
        wire_flags_fail(&PROGRAM, "server_addrs", server_addrs,
                        "only one of --manager_addrs and --server_addrs");
    check_addresses("manager_addrs", manager_addrs);
    check_addresses("server_addrs", server_addrs);
    return first;
}

static void say_notice(void *argument, const char *line)
{
    (void)argument;
    wire_say("%s", line);
}

/* One call, or those that stdin holds. */
static int run_calls(const struct madkv_options *options, int count, char **words)
{
    struct program self = {0};
    const char *problem;
    int status;
    if (madkv_open(options, &self.kv, &problem) != MADKV_OK)
        wire_say_die(WIRE_EXIT_USAGE, "%s", problem);
    if (count > 0) {
        status = once_run(self.kv, count, words, strcmp(form, "json") == 0);
    } else {
        do_input(&self);
        status = self.any_error ? WIRE_EXIT_FAILED : WIRE_EXIT_OK;
    }
    madkv_close(&self.kv);
    wire_writer_free(&self.answer);
    line_reader_free(&self.reader);
    return status;
}

int main(int argc, char **argv)
{
    wire_say_as("madkv-client");
    int first = parse_flags(argc, argv);
    signal(SIGPIPE, SIG_IGN); /* a reader that is gone shows as an error of write */
    struct madkv_options options = {.manager_addrs = manager_addrs,
                                    .server_addrs = server_addrs,
                                    .timeout_ms = (int64_t)timeout_seconds * 1000,
                                    .notice = say_notice,
                                    .watch = true,
                                    .watched = STDOUT_FILENO};
    bool shell = first == argc && isatty(STDIN_FILENO) && isatty(STDOUT_FILENO);
    return shell ? shell_run(&options) : run_calls(&options, argc - first, argv + first);
}
