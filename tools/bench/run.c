#include "tools/bench/run.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/bench/caller.h"

enum {
    WHY_BYTES = 256,
    ROUNDS_PER_LINE = 5, /* of looking after the threads, for each line of progress */
};
#define LOOK_EVERY (100 * WIRE_MS)

static volatile sig_atomic_t interrupted;

/* The threads of one run, and what is known of them. */
struct crew {
    const struct bench_plan *plan; /* what to do */
    struct bench_shared shared;    /* theirs */
    struct bench_worker **workers; /* one for each thread */
    pthread_t *threads;            /* those that were started */
    size_t worker_count;           /* how many workers there are */
    size_t thread_count;           /* how many threads run, or have */
    pthread_mutex_t mutex;         /* guards finished */
    pthread_cond_t changed;        /* it has changed; on the monotonic clock */
    size_t finished;               /* threads that are done */
};

/* What a thread is given. */
struct assignment {
    struct crew *crew;           /* its crew */
    struct bench_worker *worker; /* its work */
};

void bench_run_interrupt(void)
{
    interrupted = 1;
}

/* --- threads --------------------------------------------------------------------------------- */

static void *work(void *argument)
{
    struct assignment assignment = *(struct assignment *)argument;
    struct crew *crew = assignment.crew;
    free(argument);
    bench_worker_run(assignment.worker);
    pthread_mutex_lock(&crew->mutex);
    crew->finished++;
    pthread_cond_signal(&crew->changed);
    pthread_mutex_unlock(&crew->mutex);
    return NULL;
}

/* False: the system has no room; errno says of what. */
static bool start_thread(struct crew *self)
{
    struct bench_worker *worker = bench_worker_new(self->plan, &self->shared, self->worker_count);
    if (worker == NULL)
        return false;
    self->workers[self->worker_count++] = worker;
    struct assignment *assignment = wire_alloc(sizeof *assignment);
    *assignment = (struct assignment){.crew = self, .worker = worker};
    int failed = pthread_create(&self->threads[self->thread_count], NULL, work, assignment);
    if (failed != 0) {
        free(assignment);
        errno = failed;
        return false;
    }
    self->thread_count++;
    return true;
}

static void crew_begin(struct crew *self, const struct bench_plan *plan)
{
    pthread_condattr_t attributes;
    *self = (struct crew){.plan = plan};
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&self->changed, &attributes);
    pthread_condattr_destroy(&attributes);
    pthread_mutex_init(&self->mutex, NULL);
    self->workers = wire_calloc(plan->threads, sizeof(struct bench_worker *));
    self->threads = wire_calloc(plan->threads, sizeof *self->threads);
    if (plan->load)
        atomic_store(&self->shared.begin, bench_clock());
}

static void crew_join(struct crew *self)
{
    for (size_t i = 0; i < self->thread_count; i++)
        pthread_join(self->threads[i], NULL);
}

static void crew_end(struct crew *self)
{
    for (size_t i = 0; i < self->worker_count; i++)
        bench_worker_destroy(&self->workers[i]);
    pthread_cond_destroy(&self->changed);
    pthread_mutex_destroy(&self->mutex);
    free(self->workers);
    free(self->threads);
}

/* --- watching -------------------------------------------------------------------------------- */

static uint64_t answered(const struct crew *self)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < self->worker_count; i++)
        sum += bench_worker_answered(self->workers[i]);
    return sum;
}

/* Waits until then, or until all threads have finished, which is the result. */
static bool wait_until(struct crew *self, wire_time until)
{
    struct timespec then = {.tv_sec = until / WIRE_SECOND, .tv_nsec = until % WIRE_SECOND * 1000};
    pthread_mutex_lock(&self->mutex);
    int error = 0;
    while (self->finished < self->thread_count && error == 0)
        error = pthread_cond_timedwait(&self->changed, &self->mutex, &then);
    assert(error == 0 || error == ETIMEDOUT);
    bool all = self->finished == self->thread_count;
    pthread_mutex_unlock(&self->mutex);
    return all;
}

static void show_progress(const char *name, wire_time elapsed, uint64_t count, wire_time time)
{
    fprintf(stderr, "\r%s  %.1f s  %.0f ops/s \033[K", name, (double)elapsed / WIRE_SECOND,
            (double)count * WIRE_SECOND / (double)time);
}

/* Until all threads have finished, or there is a reason to tell them to. */
static enum bench_end watch(struct crew *self, const char *progress)
{
    wire_time begin = bench_clock();
    wire_time shown_at = begin, changed_at = begin;
    uint64_t shown = 0, before = 0;
    for (uint64_t round = 1;; round++) {
        if (wait_until(self, begin + (wire_time)round * LOOK_EVERY))
            return BENCH_DONE;
        wire_time now = bench_clock();
        uint64_t count = answered(self);
        changed_at = count == before ? changed_at : now;
        before = count;
        if (progress != NULL && round % ROUNDS_PER_LINE == 0) {
            show_progress(progress, now - begin, count - shown, now - shown_at);
            shown = count;
            shown_at = now;
        }
        if (interrupted)
            return BENCH_INTERRUPTED;
        if (atomic_load(&self->shared.broken))
            return BENCH_BROKEN;
        if (now - changed_at >= BENCH_PATIENCE)
            return BENCH_DEAD;
    }
}

/* --- what came of it ------------------------------------------------------------------------- */

/* Of the first client that is in any. */
static const char *find_trouble(const struct crew *self)
{
    const char *trouble = NULL;
    for (size_t i = 0; i < self->worker_count && trouble == NULL; i++)
        trouble = bench_worker_trouble(self->workers[i]);
    return trouble;
}

static struct client_health find_health(const struct crew *self)
{
    struct client_health health = {0};
    for (size_t i = 0; i < self->worker_count && health.trouble == CLIENT_TROUBLE_NONE; i++)
        health = bench_worker_health(self->workers[i]);
    return health;
}

static void explain_death(const struct crew *self, char *why)
{
    struct client_health health = find_health(self);
    const char *trouble = find_trouble(self);
    char who[64] = "the service";
    if (health.trouble != CLIENT_TROUBLE_NONE && health.group == WIRE_GROUP_MANAGERS)
        snprintf(who, sizeof who, "the managers");
    else if (health.trouble != CLIENT_TROUBLE_NONE)
        snprintf(who, sizeof who, "partition %" PRIu32, health.group);
    if (trouble == NULL && self->plan->command != NULL)
        trouble = "the clients wait for it";
    snprintf(why, WHY_BYTES, "no call was answered for %d s; %s: %s",
             (int)(BENCH_PATIENCE / WIRE_SECOND), who,
             trouble != NULL ? trouble : client_trouble_text(health.trouble));
}

static void explain(const struct crew *self, enum bench_end end, int error, char *why)
{
    if (end == BENCH_DEAD)
        explain_death(self, why);
    else if (end == BENCH_INTERRUPTED)
        snprintf(why, WHY_BYTES, "interrupted");
    else if (end == BENCH_REFUSED)
        snprintf(why, WHY_BYTES, "cannot start a client or a thread: %s", strerror(error));
    else if (end == BENCH_BROKEN)
        snprintf(why, WHY_BYTES, "%s", find_trouble(self));
}

enum bench_end bench_run(const struct bench_plan *plan, const char *progress,
                         struct bench_result *result, char *why)
{
    struct crew crew;
    enum bench_end end = BENCH_DONE;
    int error = 0;
    crew_begin(&crew, plan);
    while (crew.worker_count < plan->threads && end == BENCH_DONE) {
        if (!start_thread(&crew)) {
            error = errno;
            end = BENCH_REFUSED;
        }
    }
    if (end == BENCH_DONE)
        end = watch(&crew, progress);
    atomic_store(&crew.shared.stop, end != BENCH_DONE);
    crew_join(&crew);
    if (progress != NULL)
        fprintf(stderr, "\r\033[K");
    for (size_t i = 0; i < crew.worker_count; i++)
        bench_worker_report(crew.workers[i], result);
    result->partial |= end != BENCH_DONE;
    explain(&crew, end, error, why);
    crew_end(&crew);
    return end;
}
