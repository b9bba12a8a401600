/* The shell over libedit.
 *
 * Every byte that comes from the service is shown through show_safe; what people type is theirs.
 * The history is kept in $XDG_STATE_HOME/madkv/history (~/.local/state/madkv/history), readable for
 * the user only, since it may hold keys and values. Ctrl-C drops the line being typed, or gives the
 * call up that waits: the descriptor that the library watches hangs up, and a new handle is opened,
 * because after that the old one is good for nothing. */
#include "client/shell.h"

#include <errno.h>
#include <fcntl.h>
#include <histedit.h>
#include <locale.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include "client/line.h"
#include "client/link.h"
#include "client/show.h"
#include "client/state.h"
#include "wire/error.h"
#include "wire/say.h"

enum {
    HISTORY_LINES = 1000, /* kept between runs */
    PATH_BYTES = 4096,    /* of the history's path */
    PROMPT_BYTES = STATE_TEXT_BYTES + 16
};

struct shell {
    struct madkv_options options; /* to open the service with */
    struct madkv *kv;             /* the service */
    struct state *state;          /* for the prompt */
    EditLine *editor;             /* libedit's */
    History *history;             /* likewise */
    char path[PATH_BYTES];        /* of the history; empty: it is not kept */
    char prompt[PROMPT_BYTES];    /* what stands before the cursor */
    struct wire_writer out;       /* what is about to be printed */
    bool untimed;                 /* timing off */
    bool ended;                   /* exit, STOP, end of input */
};

/* What the signal handler may touch. */
static volatile sig_atomic_t interrupted; /* Ctrl-C since this was last cleared */
static volatile int hang_up = -1;         /* closed by it; -1: no call waits */

static void interrupt(int signal_number)
{
    (void)signal_number;
    int descriptor = hang_up;
    interrupted = 1;
    hang_up = -1;
    if (descriptor >= 0)
        close(descriptor);
}

/* --- printing --------------------------------------------------------------------------------- */

static void add(struct shell *self, const char *text)
{
    wire_write_raw(&self->out, span_text(text));
}

static void flush(struct shell *self)
{
    fwrite(self->out.data, 1, self->out.size, stdout);
    fflush(stdout);
    wire_writer_clear(&self->out);
}

static void add_line(void *argument, const char *line)
{
    struct shell *self = argument;
    show_safe(span_text(line), &self->out);
    add(self, "\n");
}

static void add_pairs(struct shell *self)
{
    struct madkv_bytes key, value;
    size_t count = 0;
    char text[48];
    for (; !interrupted && madkv_next(self->kv, &key, &value); count++) {
        add(self, "  ");
        show_safe(span_of(key.data, key.size), &self->out);
        add(self, " ");
        show_safe(span_of(value.data, value.size), &self->out);
        add(self, "\n");
        flush(self);
    }
    snprintf(text, sizeof text, "%zu pair%s", count, count == 1 ? "" : "s");
    add(self, text);
}

static void add_answer(struct shell *self, const struct wire_kv_call *call,
                       const struct show_answer *answer)
{
    if (call->op == WIRE_KV_SCAN)
        add_pairs(self);
    else if (call->op == WIRE_KV_PUT || call->op == WIRE_KV_DELETE)
        add(self, answer->found ? "found" : "not_found");
    else if (answer->found)
        show_safe(span_of(answer->value.data, answer->value.size), &self->out);
    else
        add(self, "null");
}

/* --- the service ------------------------------------------------------------------------------ */

static void open_service(struct shell *self)
{
    const char *problem;
    if (madkv_open(&self->options, &self->kv, &problem) != MADKV_OK)
        wire_say_die(WIRE_EXIT_USAGE, "%s", problem);
}

/* A call that Ctrl-C can end: the library watches a pipe whose other end the handler closes. */
static struct show_answer call_watched(struct shell *self, const struct wire_kv_call *call)
{
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0)
        wire_say_die(WIRE_EXIT_FAILED, "cannot make a pipe: %s", strerror(errno));
    dup3(ends[0], self->options.watched, O_CLOEXEC);
    close(ends[0]);
    hang_up = ends[1];
    struct show_answer answer = show_call(self->kv, call);
    sigset_t interrupts;
    sigemptyset(&interrupts);
    sigaddset(&interrupts, SIGINT);
    sigprocmask(SIG_BLOCK, &interrupts, NULL); /* or the handler might close it, too */
    if (hang_up >= 0)
        close(hang_up);
    hang_up = -1;
    sigprocmask(SIG_UNBLOCK, &interrupts, NULL);
    return answer;
}

static void make_call(struct shell *self, const struct wire_kv_call *call)
{
    wire_time began = client_clock();
    struct show_answer answer = call_watched(self, call);
    char text[48];
    if (answer.outcome == MADKV_OK) {
        add_answer(self, call, &answer);
    } else {
        add(self, "ERROR ");
        add(self,
            answer.outcome == MADKV_HUNG_UP
                ? wire_kv_is_read(call->op) ? "given up" : "given up: it may or may not take effect"
                : madkv_problem(self->kv));
    }
    if (!self->untimed) {
        snprintf(text, sizeof text, "  (%.1f ms)",
                 (double)(client_clock() - began) / (double)WIRE_MS);
        add(self, text);
    }
    add(self, "\n");
    if (answer.outcome == MADKV_HUNG_UP) {
        madkv_close(&self->kv);
        open_service(self);
    }
}

/* --- commands --------------------------------------------------------------------------------- */

static void show_help(struct shell *self);

static void show_status(struct shell *self)
{
    state_list(self->state, add_line, self);
}

static void toggle_timing(struct shell *self)
{
    self->untimed = !self->untimed;
    add(self, self->untimed ? "timing is off\n" : "timing is on\n");
}

static void leave(struct shell *self)
{
    self->ended = true;
}

static const struct command {
    const char *word;                 /* as it is typed; case does not matter */
    const char *usage;                /* for help */
    void (*run)(struct shell *shell); /* NULL: a call */
} COMMANDS[] = {
    {"get", "get k           the value of k, or null", NULL},
    {"put", "put k v         sets k; was there a value before", NULL},
    {"swap", "swap k v        sets k; the value before, or null", NULL},
    {"delete", "delete k        removes k; was there a value", NULL},
    {"scan", "scan from to    all pairs with from <= key <= to, in byte order", NULL},
    {"status", "status          the nodes and what they do", show_status},
    {"timing", "timing          shows how long calls take, or not", toggle_timing},
    {"help", "help            this", show_help},
    {"exit", "exit, Ctrl-D    leave; Ctrl-C gives up a call that waits", leave},
    {"quit", NULL, leave},
};

enum { COMMAND_COUNT = sizeof COMMANDS / sizeof COMMANDS[0] };

static void show_help(struct shell *self)
{
    for (int i = 0; i < COMMAND_COUNT; i++) {
        if (COMMANDS[i].usage != NULL)
            add_line(self, COMMANDS[i].usage);
    }
    add(self,
        "Words are separated by blanks; keys and values hold none. Bytes that a terminal must\n"
        "not get are shown as \\xNN.\n");
}

/* The command that is all there is on the line, or NULL. */
static const struct command *find_command(const char *text)
{
    char word[16], rest;
    if (sscanf(text, "%15s %c", word, &rest) != 1)
        return NULL;
    for (int i = 0; i < COMMAND_COUNT; i++) {
        if (COMMANDS[i].run != NULL && strcasecmp(word, COMMANDS[i].word) == 0)
            return &COMMANDS[i];
    }
    return NULL;
}

static void do_line(struct shell *self, const char *text)
{
    const struct command *command = find_command(text);
    if (command != NULL) {
        command->run(self);
        return;
    }
    size_t size = strlen(text);
    uint8_t *bytes = wire_alloc(size + 1);
    memcpy(bytes, text, size);
    line_raise_word(bytes, size);
    struct line line = line_parse(span_of(bytes, size));
    if (line.kind == LINE_CALL)
        make_call(self, &line.call);
    else if (line.kind == LINE_STOP)
        self->ended = true;
    else if (line.kind == LINE_ERROR)
        add_line(self, line.problem);
    free(bytes);
}

/* --- libedit ---------------------------------------------------------------------------------- */

static char *prompt_of(EditLine *editor)
{
    struct shell *self;
    el_get(editor, EL_CLIENTDATA, &self);
    return self->prompt;
}

/* Completes the first word if only one command begins like it. */
static unsigned char complete(EditLine *editor, int key)
{
    const LineInfo *line = el_line(editor);
    size_t size = (size_t)(line->cursor - line->buffer);
    const char *found = NULL;
    (void)key;
    for (int i = 0; i < COMMAND_COUNT; i++) {
        if (size == 0 || strncasecmp(COMMANDS[i].word, line->buffer, size) != 0)
            continue;
        if (found != NULL)
            return CC_ERROR; /* more than one */
        found = COMMANDS[i].word;
    }
    if (found == NULL || el_insertstr(editor, found + size) != 0 || el_insertstr(editor, " ") != 0)
        return CC_ERROR;
    return CC_REFRESH;
}

/* Fills self->path and makes the directories it needs. */
static void find_history(struct shell *self)
{
    const char *state = getenv("XDG_STATE_HOME"), *home = getenv("HOME");
    if (state != NULL && state[0] == '/')
        snprintf(self->path, PATH_BYTES, "%s/madkv/history", state);
    else if (home != NULL && home[0] == '/')
        snprintf(self->path, PATH_BYTES, "%s/.local/state/madkv/history", home);
    for (char *at = self->path; *at != '\0'; at++) {
        if (*at != '/' || at == self->path)
            continue;
        *at = '\0';
        if (mkdir(self->path, 0700) != 0 && errno != EEXIST)
            at = strcpy(self->path, ""); /* nowhere to keep it */
        else
            *at = '/';
        if (self->path[0] == '\0')
            return;
    }
}

static void begin_editing(struct shell *self)
{
    HistEvent event;
    self->editor = el_init("madkv", stdin, stdout, stderr);
    self->history = history_init();
    if (self->editor == NULL || self->history == NULL)
        wire_say_die(WIRE_EXIT_FAILED,
                     "this terminal cannot be edited on: use a pipe, or one call");
    el_set(self->editor, EL_CLIENTDATA, self);
    el_set(self->editor, EL_PROMPT, prompt_of);
    el_set(self->editor, EL_EDITOR, "emacs");
    history(self->history, &event, H_SETSIZE, HISTORY_LINES);
    history(self->history, &event, H_SETUNIQUE, 1);
    el_set(self->editor, EL_HIST, history, self->history);
    /* el_set would copy both names and lose the copies. */
    el_wset(self->editor, EL_ADDFN, L"madkv-complete", L"completes a command", complete);
    el_set(self->editor, EL_BIND, "\t", "madkv-complete", NULL);
    find_history(self);
    if (self->path[0] != '\0')
        history(self->history, &event, H_LOAD, self->path);
}

static void end_editing(struct shell *self)
{
    HistEvent event;
    mode_t before = umask(077);
    if (self->path[0] != '\0' && history(self->history, &event, H_SAVE, self->path) != -1)
        chmod(self->path, 0600); /* it may have been there, more open */
    umask(before);
    history_end(self->history);
    el_end(self->editor);
}

/* --- the loop --------------------------------------------------------------------------------- */

static void make_prompt(struct shell *self)
{
    char state[STATE_TEXT_BYTES];
    snprintf(self->prompt, sizeof self->prompt, "madkv %s> ", state_ask(self->state, state));
}

/* One line: read, kept, done. */
static void take_line(struct shell *self)
{
    HistEvent event;
    int size = 0;
    make_prompt(self);
    interrupted = 0;
    const char *typed = el_gets(self->editor, &size);
    if (typed == NULL || size <= 0) {
        add(self, "\n");
        self->ended = !interrupted; /* Ctrl-C drops the line, the end of the input ends all */
        if (interrupted)
            el_reset(self->editor);
        return;
    }
    char *text = wire_alloc((size_t)size + 1);
    memcpy(text, typed, (size_t)size);
    text[size] = '\0';
    text[strcspn(text, "\r\n")] = '\0';
    if (text[strspn(text, " \t")] != '\0')
        history(self->history, &event, H_ENTER, text);
    interrupted = 0;
    do_line(self, text);
    free(text);
}

int shell_run(const struct madkv_options *options)
{
    struct shell self = {.options = *options};
    struct sigaction action = {.sa_handler = interrupt}; /* no SA_RESTART: reading ends */
    sigaction(SIGINT, &action, NULL);
    setlocale(LC_CTYPE, ""); /* what is typed may be UTF-8 */
    self.options.watch = true;
    self.options.watched = open("/dev/null", O_RDONLY | O_CLOEXEC); /* a place for pipes */
    if (self.options.watched < 0)
        wire_say_die(WIRE_EXIT_FAILED, "cannot open /dev/null: %s", strerror(errno));
    open_service(&self);
    self.state = state_new(options->manager_addrs, options->server_addrs);
    begin_editing(&self);
    while (!self.ended) {
        take_line(&self);
        flush(&self);
    }
    end_editing(&self);
    state_free(&self.state);
    madkv_close(&self.kv);
    close(self.options.watched);
    wire_writer_free(&self.out);
    return WIRE_EXIT_OK;
}
