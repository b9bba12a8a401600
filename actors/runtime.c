#include "actors/runtime.h"

#include <assert.h>
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>

#include "actors/clock.h"
#include "actors/socket.h"

enum {
    ITEMS_MAX = 1 + RUNTIME_THREAD_ACTORS_MAX * ACTOR_SOCKETS_MAX,
    NAME_BYTES = 16,        /* what Linux gives a thread's name */
    BACKGROUND_NICE = 5,    /* a third of the share of those that answer calls, where cores are short */
    TIMEOUT_MAX_MS = 60000, /* an idle thread looks at the clock at least this often */
};

struct runtime_thread {
    struct actor *actors[RUNTIME_THREAD_ACTORS_MAX]; /* hosted here */
    size_t actor_count;                              /* how many */
    void *inside;                                    /* the thread's end of the control pair */
    void *outside;                                   /* main's end */
    pthread_t thread;                                /* while it runs */
    bool runs;                                       /* started and not joined */
    bool background;                                 /* others go first */
    wire_time spin;                                  /* how long it looks before it sleeps */
    wire_time last_event;                            /* when something was there last */
    bool is_busy;                                    /* and that was within `spin` of the time before */
    bool leaving;                                    /* told to hand over; the thread's own */
};

struct runtime {
    void *context;                                      /* of ZeroMQ */
    struct runtime_thread threads[RUNTIME_THREADS_MAX]; /* by number; those without actors unused */
};

struct runtime *runtime_new(void *context)
{
    struct runtime *self = wire_calloc(1, sizeof *self);
    self->context = context;
    return self;
}

void runtime_spin(struct runtime *self, wire_time spin)
{
    for (int i = 0; i < RUNTIME_THREADS_MAX; i++)
        self->threads[i].spin = spin;
}

void runtime_background(struct runtime *self, unsigned thread)
{
    assert(thread < RUNTIME_THREADS_MAX && !self->threads[thread].runs);
    self->threads[thread].background = true;
}

void runtime_host(struct runtime *self, struct actor *actor, unsigned thread)
{
    assert(thread < RUNTIME_THREADS_MAX);
    struct runtime_thread *host = &self->threads[thread];
    assert(!host->runs && host->actor_count < RUNTIME_THREAD_ACTORS_MAX);
    host->actors[host->actor_count++] = actor;
}

/* --- the loop --------------------------------------------------------------------------------- */

static int poll_timeout_ms(const struct runtime_thread *self)
{
    wire_time deadline = WIRE_NEVER;
    for (size_t i = 0; i < self->actor_count; i++) {
        wire_time wish = actor_deadline(self->actors[i]);
        deadline = wish < deadline ? wish : deadline;
    }
    wire_time now = clock_now();
    if (deadline <= now)
        return 0;
    if (deadline - now >= TIMEOUT_MAX_MS * WIRE_MS)
        return TIMEOUT_MAX_MS;
    /* Rounded up: waking before the deadline would mean to poll again for nothing. */
    return (int)((deadline - now + WIRE_MS - 1) / WIRE_MS);
}

/* Item 0 is the control pair; the sockets of each actor follow in order. */
static nfds_t fill_items(const struct runtime_thread *self, struct pollfd items[ITEMS_MAX])
{
    nfds_t count = 1;
    items[0] = (struct pollfd){.fd = socket_descriptor(self->inside), .events = POLLIN};
    for (size_t i = 0; i < self->actor_count; i++) {
        actor_poll_items(self->actors[i], items + count);
        count += actor_socket_count(self->actors[i]);
    }
    return count;
}

static void run_rounds(struct runtime_thread *self, const struct pollfd *items)
{
    for (size_t i = 0; i < self->actor_count; i++) {
        actor_round(self->actors[i], items);
        items += actor_socket_count(self->actors[i]);
    }
}

/* Looks again and again, giving way to others in between, until something is there. */
static int spin(const struct runtime_thread *self, struct pollfd *items, nfds_t count)
{
    wire_time until = self->last_event + self->spin;
    int ready = 0;
    while (ready == 0 && clock_now() < until && poll_timeout_ms(self) > 0) {
        sched_yield();
        ready = poll(items, count, 0);
    }
    return ready;
}

static void note_event(struct runtime_thread *self)
{
    wire_time now = clock_now();
    self->is_busy = now - self->last_event < self->spin;
    self->last_event = now;
}

/* As poll answers. A thread whose events come further apart than it would spin sleeps at once, so
 * that an idle replica costs nothing. */
static int wait_for_events(struct runtime_thread *self, struct pollfd *items, nfds_t count)
{
    int ready = self->is_busy ? spin(self, items, count) : 0;
    if (ready == 0)
        ready = poll(items, count, poll_timeout_ms(self));
    if (self->spin > 0 && ready > 0)
        note_event(self);
    return ready;
}

/* What main says, word by word until there is none left: only then does the descriptor tell of the next
 * one. False: to stop. */
static bool take_words(struct runtime_thread *self)
{
    char word[8];
    int size;
    while ((size = zmq_recv(self->inside, word, sizeof word, ZMQ_DONTWAIT)) >= 0 || errno == EINTR) {
        if (size == 4) /* "stop" */
            return false;
        self->leaving = self->leaving || size == 5;
        for (size_t i = 0; i < self->actor_count && size == 5; i++)
            actor_leave(self->actors[i]);
    }
    return true;
}

/* Once all actors have handed over, main is told. True: it was. */
static bool say_left(struct runtime_thread *self)
{
    bool all = self->leaving;
    for (size_t i = 0; i < self->actor_count; i++)
        all = all && actor_left(self->actors[i]);
    if (!all)
        return false;
    self->leaving = false;
    int sent = zmq_send(self->inside, "left", 4, 0);
    assert(sent == 4);
    (void)sent;
    return true;
}

static void run_loop(struct runtime_thread *self)
{
    struct pollfd items[ITEMS_MAX];
    nfds_t count = fill_items(self, items);
    bool look = true; /* there may be a word that the descriptor does not tell of */
    for (;;) {
        if ((look || items[0].revents != 0) && !take_words(self))
            return;
        run_rounds(self, items + 1);
        look = say_left(self);
        int ready = look ? 0 : wait_for_events(self, items, count);
        assert(ready >= 0 || errno == EINTR);
        if (ready <= 0)
            for (nfds_t i = 0; i < count; i++)
                items[i].revents = 0;
    }
}

static void *run_thread(void *thread)
{
    struct runtime_thread *self = thread;
    if (self->background)
        setpriority(PRIO_PROCESS, 0, BACKGROUND_NICE); /* on Linux: of this thread; no harm if refused */
    for (size_t i = 0; i < self->actor_count; i++)
        actor_start(self->actors[i], clock_now());
    int sent = zmq_send(self->inside, "ready", 5, 0);
    assert(sent == 5);
    (void)sent;
    run_loop(self);
    return NULL;
}

/* --- start and stop --------------------------------------------------------------------------- */

static void close_control(struct runtime_thread *self)
{
    if (self->inside != NULL)
        zmq_close(self->inside);
    if (self->outside != NULL)
        zmq_close(self->outside);
    self->inside = self->outside = NULL;
}

static bool open_control(struct runtime_thread *self, void *context)
{
    char endpoint[64];
    int linger = 0;
    snprintf(endpoint, sizeof endpoint, "inproc://control.%p", (void *)self);
    self->inside = zmq_socket(context, ZMQ_PAIR);
    self->outside = zmq_socket(context, ZMQ_PAIR);
    bool ok = self->inside != NULL && self->outside != NULL &&
              zmq_setsockopt(self->inside, ZMQ_LINGER, &linger, sizeof linger) == 0 &&
              zmq_setsockopt(self->outside, ZMQ_LINGER, &linger, sizeof linger) == 0 &&
              zmq_bind(self->inside, endpoint) == 0 && zmq_connect(self->outside, endpoint) == 0;
    if (!ok)
        close_control(self);
    return ok;
}

static void name_thread(struct runtime_thread *self)
{
    char name[NAME_BYTES];
    snprintf(name, sizeof name, "%s%s", actor_name(self->actors[0]),
             self->actor_count > 1 ? "+" : "");
    pthread_setname_np(self->thread, name);
}

/* The new thread inherits the mask: no signal is ever taken on it but those of its own faults. */
static int create_thread(struct runtime_thread *self)
{
    sigset_t all, before;
    sigfillset(&all);
    sigdelset(&all, SIGSEGV);
    sigdelset(&all, SIGBUS);
    sigdelset(&all, SIGFPE);
    sigdelset(&all, SIGILL);
    sigdelset(&all, SIGTRAP);
    sigdelset(&all, SIGPROF);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int code = pthread_create(&self->thread, NULL, run_thread, self);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return code;
}

static bool start_thread(struct runtime_thread *self, void *context)
{
    if (!open_control(self, context))
        return false;
    if (create_thread(self) != 0) {
        close_control(self);
        return false;
    }
    self->runs = true;
    name_thread(self);
    char word[8];
    int size;
    do
        size = zmq_recv(self->outside, word, sizeof word, 0);
    while (size < 0 && errno == EINTR);
    assert(size == 5);
    return true;
}

bool runtime_start(struct runtime *self)
{
    for (int i = 0; i < RUNTIME_THREADS_MAX; i++) {
        struct runtime_thread *thread = &self->threads[i];
        if (thread->actor_count > 0 && !start_thread(thread, self->context)) {
            runtime_stop(self);
            return false;
        }
    }
    return true;
}

static void say_word(struct runtime_thread *self, const char *word)
{
    int sent;
    do
        sent = zmq_send(self->outside, word, strlen(word), 0);
    while (sent < 0 && errno == EINTR);
    assert(sent == (int)strlen(word));
    (void)sent;
}

/* Waits until `deadline` for a thread to say that it has left. */
static void hear_left(struct runtime_thread *self, wire_time deadline)
{
    zmq_pollitem_t item = {.socket = self->outside, .events = ZMQ_POLLIN};
    wire_time now;
    while ((now = clock_now()) < deadline && (item.revents & ZMQ_POLLIN) == 0)
        zmq_poll(&item, 1, (long)((deadline - now) / WIRE_MS) + 1);
}

void runtime_leave(struct runtime *self, long patience_ms)
{
    wire_time deadline = clock_now() + patience_ms * WIRE_MS;
    for (int i = 0; i < RUNTIME_THREADS_MAX; i++)
        if (self->threads[i].runs)
            say_word(&self->threads[i], "leave");
    for (int i = 0; i < RUNTIME_THREADS_MAX; i++)
        if (self->threads[i].runs)
            hear_left(&self->threads[i], deadline);
}

static void stop_thread(struct runtime_thread *self)
{
    say_word(self, "stop");
    pthread_join(self->thread, NULL);
    self->runs = false;
    close_control(self);
}

void runtime_stop(struct runtime *self)
{
    for (int i = 0; i < RUNTIME_THREADS_MAX; i++)
        if (self->threads[i].runs)
            stop_thread(&self->threads[i]);
}

void runtime_destroy(struct runtime **runtime)
{
    struct runtime *self = *runtime;
    *runtime = NULL;
    if (self == NULL)
        return;
    runtime_stop(self);
    for (int i = 0; i < RUNTIME_THREADS_MAX; i++)
        for (size_t k = 0; k < self->threads[i].actor_count; k++)
            actor_destroy(&self->threads[i].actors[k]);
    free(self);
}
