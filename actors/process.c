#include "actors/process.h"

#include <assert.h>
#include <czmq.h>
#include <errno.h>
#include <pthread.h>
#include <limits.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "actors/clock.h"
#include "actors/crash.h"
#include "wire/error.h"
#include "wire/figures.h"
#include "wire/say.h"

int process_exit_of(enum wire_error error)
{
    switch (error) {
    case WIRE_IDENTITY:
    case WIRE_IN_USE:
        return WIRE_EXIT_IDENTITY;
    case WIRE_USAGE:
        return WIRE_EXIT_TOPOLOGY;
    case WIRE_FULL:
    case WIRE_DAMAGED:
    case WIRE_FAILED:
        return WIRE_EXIT_STORAGE;
    default:
        return WIRE_EXIT_FAILED;
    }
}

/* A connection is a descriptor, and the default of 1024 is few. */
static void raise_file_limit(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur == limit.rlim_max)
        return;
    limit.rlim_cur = limit.rlim_max;
    if (setrlimit(RLIMIT_NOFILE, &limit) != 0)
        wire_say("cannot raise the limit of open files: %s", strerror(errno));
}

/* Before anything is served there is nothing to put in order. */
static void end_early(int signal_number)
{
    (void)signal_number;
    _exit(WIRE_EXIT_OK);
}

static void end_early_on_signals(void)
{
    struct sigaction action = {.sa_handler = end_early};
    sigaction(SIGTERM, &action, NULL);
    sigaction(SIGINT, &action, NULL);
}

void *process_begin(void)
{
    crash_arm();
    end_early_on_signals();
    umask(077);
    raise_file_limit();
    signal(SIGPIPE, SIG_IGN);
    zsys_handler_set(NULL); /* before zsys_init, which installs handlers otherwise */
    void *context = zsys_init();
    if (context == NULL)
        wire_say_die(WIRE_EXIT_FAILED, "cannot initialise ZeroMQ: %s", strerror(errno));
    return context;
}

static void stop_signals(sigset_t *set)
{
    sigemptyset(set);
    sigaddset(set, SIGTERM);
    sigaddset(set, SIGINT);
    sigaddset(set, SIGUSR1); /* from a thread of ours: start again */
}

static atomic_bool held;  /* these are waited for */
static atomic_bool again; /* a thread wants this process started again */

void process_hold_signals(void)
{
    sigset_t set;
    stop_signals(&set);
    int failed = pthread_sigmask(SIG_BLOCK, &set, NULL);
    assert(failed == 0);
    (void)failed;
    atomic_store(&held, true);
}

/* Who ends the process if it does not end itself. */
static struct {
    pthread_t thread; /* valid if it runs */
    bool runs;        /* started and not joined */
} watchdog;

static void *watch(void *nothing)
{
    (void)nothing;
    struct timespec left = {.tv_sec = PROCESS_STOP_SECONDS};
    while (clock_nanosleep(CLOCK_MONOTONIC, 0, &left, &left) == EINTR)
        continue;
    wire_say_die(WIRE_EXIT_FAILED, "did not end in %d seconds; ended the hard way",
                 PROCESS_STOP_SECONDS);
}

int process_wait(void)
{
    sigset_t set;
    int got = 0;
    stop_signals(&set);
    do {
        while (sigwait(&set, &got) != 0)
            continue;
        if (got == SIGUSR1 && atomic_load(&again))
            return 0;
    } while (got == SIGUSR1);
    watchdog.runs = pthread_create(&watchdog.thread, NULL, watch, NULL) == 0;
    return got;
}

/* --- starting again ------------------------------------------------------------------------------ */

/* The words of /proc/self/cmdline; argv as it was given. */
static char **read_arguments(void)
{
    static char text[128 * 1024];
    static char *words[4096];
    FILE *file = fopen("/proc/self/cmdline", "re");
    size_t size = file == NULL ? 0 : fread(text, 1, sizeof text - 1, file), count = 0;
    for (size_t at = 0; at < size && count + 1 < sizeof words / sizeof words[0];
         at += strlen(text + at) + 1)
        words[count++] = text + at;
    return words;
}

/* Of a file that was replaced or removed meanwhile, Linux says so behind its name. */
static void strip_deleted(char *path)
{
    static const char mark[] = " (deleted)";
    size_t size = strlen(path), more = sizeof mark - 1;
    if (size > more && strcmp(path + size - more, mark) == 0)
        path[size - more] = '\0';
}

/* A file that was replaced meanwhile is what a new start would take; one that is gone is still there. */
void process_exec(void)
{
    char path[PATH_MAX] = "";
    char **arguments = read_arguments();
    sigset_t all;
    ssize_t size = readlink("/proc/self/exe", path, sizeof path - 1);
    strip_deleted(path);
    close_range(STDERR_FILENO + 1, ~0u, CLOSE_RANGE_CLOEXEC);
    sigfillset(&all);
    pthread_sigmask(SIG_UNBLOCK, &all, NULL);
    if (size > 0 && arguments[0] != NULL)
        execv(path, arguments);
    if (arguments[0] != NULL)
        execv("/proc/self/exe", arguments);
    wire_say_die(WIRE_EXIT_STORAGE, "cannot start again by itself: %s; start it", strerror(errno));
}

void process_start_again(void)
{
    if (!atomic_load(&held))
        process_exec();
    atomic_store(&again, true);
    kill(getpid(), SIGUSR1);
    for (;;)
        pause();
}

void process_end(void)
{
    zsys_shutdown();
    /* Joined, not left behind: LeakSanitizer stops all threads at exit and now and then waits for
     * ever for one that sleeps. */
    if (watchdog.runs) {
        pthread_cancel(watchdog.thread);
        pthread_join(watchdog.thread, NULL);
        watchdog.runs = false;
    }
}

struct process_stat {
    uint64_t user_ticks;   /* field 14 of /proc/self/stat (proc(5)): clock ticks of computing ... */
    uint64_t system_ticks; /* 15: ... and of the kernel's for us */
    uint64_t start_ticks;  /* 22: from boot to our start */
    uint64_t pages;        /* 24: in memory */
};

/* Reads them. Field 2, the name, may hold anything, but the last ) ends it. */
static bool read_stat(struct process_stat *stat)
{
    char text[1024];
    FILE *file = fopen("/proc/self/stat", "re");
    if (file == NULL)
        return false;
    size_t size = fread(text, 1, sizeof text - 1, file);
    fclose(file);
    text[size] = '\0';
    const char *rest = strrchr(text, ')');
    return rest != NULL &&
           sscanf(rest,
                  ") %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %" SCNu64 " %" SCNu64
                  " %*d %*d %*d %*d %*d %*d %" SCNu64 " %*u %" SCNu64,
                  &stat->user_ticks, &stat->system_ticks, &stat->start_ticks, &stat->pages) == 4;
}

void process_figures(struct wire_writer *out)
{
    struct process_stat stat;
    wire_figure_number(out, "process.pid", (uint64_t)getpid());
    if (!read_stat(&stat))
        return;
    uint64_t ticks = (uint64_t)sysconf(_SC_CLK_TCK); /* a second */
    uint64_t start_ms = stat.start_ticks * 1000 / ticks;
    uint64_t now_ms = (uint64_t)(clock_now() / WIRE_MS);
    wire_figure_number(out, "process.rss_bytes", stat.pages * (uint64_t)sysconf(_SC_PAGESIZE));
    wire_figure_number(out, "process.cpu_ms", (stat.user_ticks + stat.system_ticks) * 1000 / ticks);
    wire_figure_number(out, "process.uptime_ms", now_ms > start_ms ? now_ms - start_ms : 0);
}
