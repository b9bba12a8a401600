#include "tools/bench/pipe.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
    IN_BYTES = 64 * 1024, /* received at a time */
    END_LIMIT_MS = 2000,  /* a program that was told to end is killed after it */
    EXIT_NOT_RUN = 127,   /* the child's status if the program cannot be run; as shells do */
};

static const char *const WORDS[] = {[WIRE_KV_PUT] = "PUT",
                                    [WIRE_KV_SWAP] = "SWAP",
                                    [WIRE_KV_GET] = "GET",
                                    [WIRE_KV_DELETE] = "DELETE",
                                    [WIRE_KV_SCAN] = "SCAN"};

struct bench_pipe {
    struct bench_caller caller; /* first: what the worker sees */
    struct bench_source source; /* what the epoll set reports */
    bench_done_fn *done;        /* told of ended calls */
    void *argument;             /* its first argument */
    int epoll;                  /* the set */
    int to;                     /* our end of the pipe to its stdin */
    int from;                   /* our end of the pipe from its stdout; in the set */
    pid_t process;              /* the program */
    struct wire_writer out;     /* the call's line */
    size_t out_sent;            /* bytes of it that the pipe took */
    bool wants_room;            /* `to` is in the set as well, since the pipe is full */
    struct wire_writer in;      /* of the answer's current line: what came so far */
    struct wire_writer key;     /* of the call under way */
    enum wire_kv_op op;         /* of the call under way */
    uint64_t call;              /* number of the call under way, or of the last one */
    bool under_way;             /* there is one */
    bool first;                 /* no line of its answer has come */
    const char *trouble;        /* see bench_caller_trouble */
};

static struct bench_pipe *pipe_of(struct bench_caller *caller)
{
    return (struct bench_pipe *)caller;
}

/* --- the language ---------------------------------------------------------------------------- */

static bool begins_with(struct span line, const char *text, struct span *rest)
{
    size_t size = strlen(text);
    if (line.size < size || memcmp(line.data, text, size) != 0)
        return false;
    *rest = span_of(line.data + size, line.size - size);
    return true;
}

/* Takes a word and the blank before it off the line. */
static bool take_word(struct span *line, struct span word)
{
    if (line->size < word.size + 1 || line->data[0] != ' ' ||
        memcmp(line->data + 1, word.data, word.size) != 0)
        return false;
    *line = span_of(line->data + 1 + word.size, line->size - 1 - word.size);
    return true;
}

static enum bench_answer judge_scan(struct span key, bool first, struct span line)
{
    struct span rest;
    if (!first && begins_with(line, "  ", &rest))
        return BENCH_ANSWER_MORE;
    if (!first)
        return span_equal(line, span_text("SCAN END")) ? BENCH_ANSWER_FOUND : BENCH_ANSWER_BAD;
    if (!begins_with(line, WORDS[WIRE_KV_SCAN], &rest) || !take_word(&rest, key))
        return BENCH_ANSWER_BAD;
    return BENCH_ANSWER_MORE;
}

enum bench_answer bench_pipe_judge(enum wire_kv_op op, struct span key, bool first,
                                   struct span line)
{
    struct span rest;
    if (begins_with(line, "ERROR ", &rest))
        return BENCH_ANSWER_FAILED;
    if (op == WIRE_KV_SCAN)
        return judge_scan(key, first, line);
    if (!begins_with(line, WORDS[op], &rest) || !take_word(&rest, key) || rest.size < 2 ||
        rest.data[0] != ' ')
        return BENCH_ANSWER_BAD;
    bool changes = op == WIRE_KV_PUT || op == WIRE_KV_DELETE;
    if (span_equal(rest, span_text(changes ? " not_found" : " null")))
        return BENCH_ANSWER_NONE;
    return !changes || span_equal(rest, span_text(" found")) ? BENCH_ANSWER_FOUND
                                                             : BENCH_ANSWER_BAD;
}

/* --- sending --------------------------------------------------------------------------------- */

static void watch(struct bench_pipe *self, int descriptor, uint32_t events)
{
    struct epoll_event event = {.events = events, .data.ptr = &self->source};
    int failed = epoll_ctl(self->epoll, EPOLL_CTL_ADD, descriptor, &event);
    assert(!failed);
}

/* Leaves the set: what the program still says is of no interest. */
static void give_up(struct bench_pipe *self, const char *why)
{
    if (self->trouble != NULL)
        return;
    self->trouble = why;
    epoll_ctl(self->epoll, EPOLL_CTL_DEL, self->from, NULL);
    if (self->wants_room)
        epoll_ctl(self->epoll, EPOLL_CTL_DEL, self->to, NULL);
}

static void flush(struct bench_pipe *self)
{
    bool wants_room = false;
    while (self->out_sent < self->out.size && !wants_room && self->trouble == NULL) {
        ssize_t sent =
            write(self->to, self->out.data + self->out_sent, self->out.size - self->out_sent);
        if (sent >= 0)
            self->out_sent += (size_t)sent;
        else if (errno == EAGAIN)
            wants_room = true;
        else if (errno != EINTR)
            give_up(self, "a client program ended");
    }
    if (wants_room == self->wants_room || self->trouble != NULL)
        return;
    self->wants_room = wants_room;
    if (wants_room)
        watch(self, self->to, EPOLLOUT);
    else
        epoll_ctl(self->epoll, EPOLL_CTL_DEL, self->to, NULL);
}

static uint64_t pipe_submit(struct bench_caller *caller, wire_time now,
                            const struct client_call *call)
{
    struct bench_pipe *self = pipe_of(caller);
    (void)now;
    assert(!self->under_way);
    self->under_way = self->first = true;
    self->op = call->op;
    wire_writer_clear(&self->key);
    wire_write_raw(&self->key, call->key);
    wire_writer_clear(&self->out);
    self->out_sent = 0;
    wire_write_raw(&self->out, span_text(WORDS[call->op]));
    wire_write_raw(&self->out, span_text(" "));
    wire_write_raw(&self->out, call->key);
    if (call->value.size > 0) {
        wire_write_raw(&self->out, span_text(" "));
        wire_write_raw(&self->out, call->value);
    }
    wire_write_raw(&self->out, span_text("\n"));
    return ++self->call;
}

static void pipe_settle(struct bench_caller *caller, wire_time now)
{
    (void)now;
    flush(pipe_of(caller));
}

/* --- receiving ------------------------------------------------------------------------------- */

static void end_call(struct bench_pipe *self, enum bench_answer answer, wire_time now)
{
    struct client_done done = {.call = self->call, .op = self->op};
    done.outcome = answer == BENCH_ANSWER_FAILED ? CLIENT_FAILED : CLIENT_OK;
    done.reason = answer == BENCH_ANSWER_FAILED ? CLIENT_REASON_REFUSED : CLIENT_REASON_NONE;
    done.found = answer == BENCH_ANSWER_FOUND;
    self->under_way = false;
    self->done(self->argument, &done, now);
}

static void take_line(struct bench_pipe *self, struct span line, wire_time now)
{
    if (!self->under_way) {
        give_up(self, "a client program writes what nobody asked for");
        return;
    }
    enum bench_answer answer =
        bench_pipe_judge(self->op, wire_writer_span(&self->key), self->first, line);
    self->first = false;
    if (answer == BENCH_ANSWER_BAD)
        give_up(self, "a client program writes what is no answer to its call");
    else if (answer != BENCH_ANSWER_MORE)
        end_call(self, answer, now);
}

/* Lines, whole or in pieces; a whole one is looked at where it is. */
static void take_bytes(struct bench_pipe *self, struct span bytes, wire_time now)
{
    const uint8_t *end;
    while (bytes.size > 0 && (end = memchr(bytes.data, '\n', bytes.size)) != NULL &&
           self->trouble == NULL) {
        struct span line = span_of(bytes.data, (size_t)(end - bytes.data));
        bytes = span_of(end + 1, bytes.size - line.size - 1);
        if (self->in.size > 0) {
            wire_write_raw(&self->in, line);
            line = wire_writer_span(&self->in);
        }
        take_line(self, line, now);
        wire_writer_clear(&self->in);
    }
    wire_write_raw(&self->in, bytes);
    if (self->in.size > 2 * WIRE_VALUE_BYTES_MAX)
        give_up(self, "a client program writes a line that is longer than any answer");
}

static void pipe_ready(struct bench_source *source, uint32_t events, wire_time now)
{
    struct bench_pipe *self = pipe_of(source->caller);
    uint8_t bytes[IN_BYTES];
    if ((events & EPOLLOUT) != 0)
        flush(self);
    if ((events & (EPOLLIN | EPOLLERR | EPOLLHUP)) == 0 || self->trouble != NULL)
        return;
    ssize_t received = read(self->from, bytes, sizeof bytes);
    if (received > 0)
        take_bytes(self, span_of(bytes, (size_t)received), now);
    else if (received == 0 || (errno != EAGAIN && errno != EINTR))
        give_up(self, "a client program ended");
    flush(self);
}

/* --- the program ----------------------------------------------------------------------------- */

/* In the child: nothing but calls that are safe between fork and exec. */
static void become(const struct bench_pipe_config *config, int in, int out, pid_t parent)
{
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent)
        _exit(EXIT_NOT_RUN); /* it died before that */
    setsid();
    signal(SIGPIPE, SIG_DFL);
    if (config->diagnostics >= 0)
        dup2(config->diagnostics, STDERR_FILENO);
    dup2(in, STDIN_FILENO);
    dup2(out, STDOUT_FILENO);
    execvp(config->command[0], config->command);
    _exit(EXIT_NOT_RUN);
}

/* Closes both ends of what was opened; errno stays. */
static void close_pipe(const int ends[2])
{
    int why = errno;
    for (int i = 0; i < 2; i++) {
        if (ends[i] >= 0)
            close(ends[i]);
    }
    errno = why;
}

static bool start_program(struct bench_pipe *self, const struct bench_pipe_config *config)
{
    int in[2] = {-1, -1}, out[2] = {-1, -1}; /* of the program; [0] is where one reads */
    pid_t parent = getpid();
    self->process = -1;
    if (pipe2(in, O_CLOEXEC) == 0 && pipe2(out, O_CLOEXEC) == 0 &&
        fcntl(in[1], F_SETFL, O_NONBLOCK) == 0 && fcntl(out[0], F_SETFL, O_NONBLOCK) == 0)
        self->process = fork();
    if (self->process == 0)
        become(config, in[0], out[1], parent);
    if (self->process < 0) {
        close_pipe(in);
        close_pipe(out);
        return false;
    }
    close(in[0]);
    close(out[1]);
    self->to = in[1];
    self->from = out[0];
    return true;
}

/* Waits until it has ended, for a moment. */
static bool has_ended(pid_t process)
{
    int watch = (int)syscall(SYS_pidfd_open, process, 0);
    struct pollfd end = {.fd = watch, .events = POLLIN};
    bool ended = watch >= 0 && poll(&end, 1, END_LIMIT_MS) == 1;
    if (watch >= 0)
        close(watch);
    return ended;
}

static void pipe_destroy(struct bench_caller *caller, wire_time now)
{
    struct bench_pipe *self = pipe_of(caller);
    (void)now;
    close(self->to);
    close(self->from);
    if (self->under_way || !has_ended(self->process))
        kill(self->process, SIGKILL);
    while (waitpid(self->process, NULL, 0) < 0 && errno == EINTR)
        continue;
    wire_writer_free(&self->out);
    wire_writer_free(&self->in);
    wire_writer_free(&self->key);
    free(self);
}

/* --- the rest of its class ------------------------------------------------------------------- */

static void pipe_wake(struct bench_caller *caller, wire_time now)
{
    (void)caller;
    (void)now;
}

static wire_time pipe_deadline(const struct bench_caller *caller)
{
    (void)caller;
    return WIRE_NEVER;
}

static uint64_t pipe_retries(const struct bench_caller *caller)
{
    (void)caller;
    return 0;
}

static struct client_health pipe_health(const struct bench_caller *caller)
{
    (void)caller;
    return (struct client_health){.trouble = CLIENT_TROUBLE_NONE};
}

static const char *pipe_trouble(const struct bench_caller *caller)
{
    return ((const struct bench_pipe *)caller)->trouble;
}

static const struct bench_caller_class CLASS = {.submit = pipe_submit,
                                                .settle = pipe_settle,
                                                .ready = pipe_ready,
                                                .wake = pipe_wake,
                                                .deadline = pipe_deadline,
                                                .retries = pipe_retries,
                                                .health = pipe_health,
                                                .trouble = pipe_trouble,
                                                .destroy = pipe_destroy};

struct bench_caller *bench_pipe_new(const struct bench_pipe_config *config)
{
    struct bench_pipe *self = wire_calloc(1, sizeof *self);
    self->caller.class = &CLASS;
    self->source.caller = &self->caller;
    self->done = config->done;
    self->argument = config->argument;
    self->epoll = config->epoll;
    if (!start_program(self, config)) {
        free(self);
        return NULL;
    }
    watch(self, self->from, EPOLLIN);
    return &self->caller;
}
