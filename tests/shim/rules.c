/* Rules: which calls are late, and which fail.
 *
 *     OPERATION [delay=MS] [fail=EIO|ENOSPC|EDQUOT|EROFS] [kill] [skip=N] [count=N] [file=TEXT]
 *
 * OPERATION is write, dsync, fdatasync, fsync, msync (shim.h), or sync for the last four. A rule
 * takes the calls whose path ends in TEXT; it lets the first `skip` of them pass and strikes the
 * next `count` (all, if not given): waits, then kills the process or fails. All rules that strike a
 * call add up; of several that fail it the first one counts. `#` begins a comment.
 *
 *     fdatasync delay=200                   # a slow disk
 *     sync delay=3600000                    # one that stalled, until other rules come
 *     fdatasync fail=EIO skip=10 count=1    # the eleventh fails
 *     write fail=ENOSPC                     # a full one
 *     dsync kill skip=3                     # dies between data and the fourth meta page
 *
 * A rule that cannot be read ends the process with a line on stderr. */
#include "tests/shim/shim.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

enum {
    RULES_MAX = 32,
    TEXT_MAX = 8192,   /* bytes of all rules together */
    WAIT_STEP_MS = 10, /* a delayed call looks this often whether the rules have changed */
    SYNC_OPERATIONS = 1 << SHIM_DSYNC | 1 << SHIM_FDATASYNC | 1 << SHIM_FSYNC | 1 << SHIM_MSYNC,
};

struct rule {
    unsigned operations; /* bit per shim_operation */
    long delay_ms;       /* to wait; 0: not at all */
    int fault;           /* errno to fail with; 0: none */
    bool kill;           /* the process dies */
    long skip;           /* calls still to let pass */
    long count;          /* calls still to strike; -1: all */
    char file[64];       /* the end of the path; "": any */
    char text[128];      /* the rule as it was given, for the log */
};

static struct {
    pthread_mutex_t mutex;        /* guards all of it */
    bool begun;                   /* the environment was read */
    const char *control;          /* path of the file of rules, or NULL */
    struct stat seen;             /* of that file when it was read last */
    unsigned generation;          /* of the rules: grows when they are replaced */
    struct rule rules[RULES_MAX]; /* in order */
    int count;                    /* how many */
} state = {.mutex = PTHREAD_MUTEX_INITIALIZER};

static const char *const operation_names[] = {
    [SHIM_WRITE] = "write", [SHIM_DSYNC] = "dsync", [SHIM_FDATASYNC] = "fdatasync",
    [SHIM_FSYNC] = "fsync", [SHIM_MSYNC] = "msync",
};

/* What the rules say about one call. */
struct verdict {
    long delay_ms; /* to wait first */
    int fault;     /* errno; 0: none */
    bool kill;     /* die */
};

void shim_die(const char *what, const char *detail)
{
    char line[512];
    int size = snprintf(line, sizeof line, "madkv shim: %s: '%s'\n", what, detail);
    syscall(SYS_write, STDERR_FILENO, line, (size_t)size < sizeof line ? size : (int)sizeof line);
    abort();
}

/* --- reading rules ---------------------------------------------------------------------------- */

static long number_of(const char *text, const char *rule)
{
    char *end;
    long number = strtol(text, &end, 10);
    if (*text == '\0' || *end != '\0' || number < 0)
        shim_die("no number in the rule", rule);
    return number;
}

static int fault_of(const char *name, const char *rule)
{
    static const struct {
        const char *name; /* as a rule says it */
        int code;         /* errno */
    } faults[] = {{"EIO", EIO}, {"ENOSPC", ENOSPC}, {"EDQUOT", EDQUOT}, {"EROFS", EROFS}};
    for (size_t i = 0; i < sizeof faults / sizeof faults[0]; i++)
        if (strcmp(faults[i].name, name) == 0)
            return faults[i].code;
    shim_die("no such error in the rule", rule);
}

static unsigned operations_of(const char *name, const char *rule)
{
    if (strcmp(name, "sync") == 0)
        return SYNC_OPERATIONS;
    for (unsigned i = 0; i < sizeof operation_names / sizeof operation_names[0]; i++)
        if (strcmp(operation_names[i], name) == 0)
            return 1u << i;
    shim_die("no such operation in the rule", rule);
}

static void take_option(struct rule *rule, char *word)
{
    char *value = strchr(word, '=');
    if (value != NULL)
        *value++ = '\0';
    if (value == NULL && strcmp(word, "kill") == 0)
        rule->kill = true;
    else if (value != NULL && strcmp(word, "delay") == 0)
        rule->delay_ms = number_of(value, rule->text);
    else if (value != NULL && strcmp(word, "fail") == 0)
        rule->fault = fault_of(value, rule->text);
    else if (value != NULL && strcmp(word, "skip") == 0)
        rule->skip = number_of(value, rule->text);
    else if (value != NULL && strcmp(word, "count") == 0)
        rule->count = number_of(value, rule->text);
    else if (value != NULL && strcmp(word, "file") == 0 && strlen(value) < sizeof rule->file)
        strcpy(rule->file, value);
    else
        shim_die("no such option in the rule", rule->text);
}

static void take_rule(char *line)
{
    char *hash = strchr(line, '#'), *rest;
    if (hash != NULL)
        *hash = '\0';
    struct rule rule = {.count = -1};
    snprintf(rule.text, sizeof rule.text, "%s", line);
    char *word = strtok_r(line, " \t", &rest);
    if (word == NULL)
        return;
    rule.operations = operations_of(word, rule.text);
    while ((word = strtok_r(NULL, " \t", &rest)) != NULL)
        take_option(&rule, word);
    if (state.count == RULES_MAX)
        shim_die("too many rules", rule.text);
    state.rules[state.count++] = rule;
}

static void take_rules(const char *text)
{
    char copy[TEXT_MAX], *rest;
    if (strlen(text) >= sizeof copy)
        shim_die("the rules are too long", text);
    strcpy(copy, text);
    state.count = 0;
    state.generation++;
    for (char *line = strtok_r(copy, ";\n", &rest); line != NULL;
         line = strtok_r(NULL, ";\n", &rest))
        take_rule(line);
}

static bool is_same(const struct stat *a, const struct stat *b)
{
    return a->st_ino == b->st_ino && a->st_size == b->st_size &&
           a->st_mtim.tv_sec == b->st_mtim.tv_sec && a->st_mtim.tv_nsec == b->st_mtim.tv_nsec;
}

/* Whoever controls us replaces the file by rename, so what is read is whole. */
static void look_at_control(void)
{
    struct stat now;
    if (state.control == NULL || stat(state.control, &now) != 0 || is_same(&now, &state.seen))
        return;
    char text[TEXT_MAX];
    int fd = open(state.control, O_RDONLY | O_CLOEXEC);
    ssize_t size = fd < 0 ? -1 : read(fd, text, sizeof text - 1);
    if (fd >= 0)
        close(fd);
    if (size < 0)
        return;
    text[size] = '\0';
    state.seen = now;
    take_rules(text);
}

static void begin(void)
{
    if (state.begun)
        return;
    state.begun = true;
    const char *rules = getenv("MADKV_SHIM_RULES");
    state.control = getenv("MADKV_SHIM_CONTROL");
    if (rules != NULL)
        take_rules(rules);
}

/* --- applying them ---------------------------------------------------------------------------- */

/* What was done, for whoever has to prove that it was. */
static void note_strike(const struct rule *rule, enum shim_operation operation, const char *path)
{
    char name[PATH_MAX + 8], line[PATH_MAX + 256];
    if (state.control == NULL)
        return;
    snprintf(name, sizeof name, "%s.log", state.control);
    int size =
        snprintf(line, sizeof line, "%s %s: %s\n", operation_names[operation], path, rule->text);
    int fd = open(name, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    if (fd < 0)
        return;
    syscall(SYS_write, fd, line, (size_t)size);
    close(fd);
}

static bool ends_in(const char *path, const char *end)
{
    size_t path_size = strlen(path), end_size = strlen(end);
    return path_size >= end_size && strcmp(path + path_size - end_size, end) == 0;
}

static bool strikes(struct rule *rule, enum shim_operation operation, const char *path)
{
    if ((rule->operations >> operation & 1) == 0 || !ends_in(path, rule->file) || rule->count == 0)
        return false;
    if (rule->skip > 0) {
        rule->skip--;
        return false;
    }
    if (rule->count > 0)
        rule->count--;
    return true;
}

static struct verdict judge(enum shim_operation operation, const char *path)
{
    struct verdict verdict = {0};
    for (int i = 0; i < state.count; i++) {
        struct rule *rule = &state.rules[i];
        if (!strikes(rule, operation, path))
            continue;
        note_strike(rule, operation, path);
        verdict.delay_ms += rule->delay_ms;
        verdict.kill = verdict.kill || rule->kill;
        if (verdict.fault == 0)
            verdict.fault = rule->fault;
    }
    return verdict;
}

/* Until the time is over or there are other rules. */
static void wait_out(long delay_ms, unsigned generation)
{
    for (long left_ms = delay_ms; left_ms > 0; left_ms -= WAIT_STEP_MS) {
        poll(NULL, 0, left_ms < WAIT_STEP_MS ? (int)left_ms : WAIT_STEP_MS);
        pthread_mutex_lock(&state.mutex);
        look_at_control();
        bool changed = state.generation != generation;
        pthread_mutex_unlock(&state.mutex);
        if (changed)
            return;
    }
}

int shim_rules_apply(enum shim_operation operation, const char *path)
{
    pthread_mutex_lock(&state.mutex);
    begin();
    look_at_control();
    struct verdict verdict = judge(operation, path);
    unsigned generation = state.generation;
    pthread_mutex_unlock(&state.mutex);
    wait_out(verdict.delay_ms, generation);
    if (verdict.kill)
        kill(getpid(), SIGKILL);
    return verdict.fault;
}
