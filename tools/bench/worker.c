#include "tools/bench/worker.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#include "tools/bench/client.h"
#include "tools/bench/pipe.h"

enum {
    EVENTS = 128,     /* taken from the epoll set at a time */
    FIRST_CALLS = 16, /* of each client, before counting begins: every partition gets its share */
    LOOK_UP_MS = 100, /* the longest sleep: after it, was the run stopped? */
};
#define LATE_MAX WIRE_SECOND /* what is due within the duration may begin that long after it */

struct member;

/* One operation at a time. */
struct slot {
    struct member *member;           /* whose client makes the calls */
    uint64_t call;                   /* the call under way; 0: none */
    struct ycsb_operation operation; /* what it is for */
    bool counted;                    /* it goes into the result */
    bool found;                      /* what was read was there */
    bool second;                     /* of READ_MODIFY_WRITE: the read is done */
    wire_time started;               /* when it was, or was due */
    wire_time second_started;        /* of READ_MODIFY_WRITE: when its write was */
    size_t key_size;                 /* bytes of key */
    char key[YCSB_KEY_BYTES];        /* of the record */
};

/* One client of this thread. */
struct member {
    struct bench_worker *worker; /* whose */
    struct bench_caller *caller; /* speaks to the service */
    struct slot *slots;          /* as many as the plan is deep */
    uint64_t answered;           /* operations */
    uint64_t retries_before;     /* messages sent again before counting began */
    bool counting;               /* it has begun a counted operation */
};

struct bench_worker {
    const struct bench_plan *plan;   /* what to do */
    struct bench_shared *shared;     /* what all threads know */
    struct member *members;          /* the clients */
    size_t member_count;             /* how many */
    struct slot **idle;              /* of a rate: slots without an operation */
    size_t idle_count;               /* how many */
    uint64_t under_way;              /* slots with one */
    bool over;                       /* no further operation starts */
    struct ycsb_generator generator; /* of operations; not of a load */
    struct wire_random random;       /* of values */
    uint8_t *value;                  /* room for one */
    int epoll;                       /* everything this thread waits for */
    int timer;                       /* of a rate: when the next operation is due; -1: none */
    uint64_t index;                  /* which thread, from 0 */
    uint64_t due;                    /* of a rate: operations of this thread started so far */
    wire_time next_wake;             /* no client's deadline is before */
    wire_time last_end;              /* when the last counted operation ended; 0: none has */
    wire_time cpu_before;            /* processor time when counting began; -1: it has not */
    struct client_health health;     /* see bench_worker_health */
    const char *trouble;             /* see bench_worker_trouble */
    struct bench_result result;      /* what was measured */
    atomic_uint_fast64_t answered;   /* see bench_worker_answered; written by this thread only */
};

/* --- operations ------------------------------------------------------------------------------ */

static struct span value_of(struct bench_worker *self)
{
    ycsb_value_fill(&self->random, self->value, self->plan->value_bytes);
    return span_of(self->value, self->plan->value_bytes);
}

/* Makes the call that the operation is about next. */
static void submit(struct slot *slot, wire_time now)
{
    struct bench_worker *self = slot->member->worker;
    struct client_call call = {.op = WIRE_KV_GET, .key = span_of(slot->key, slot->key_size)};
    char end[YCSB_KEY_BYTES];
    switch (slot->operation.kind) {
    case YCSB_INSERT:
        call.op = WIRE_KV_PUT;
        call.value = value_of(self);
        break;
    case YCSB_SCAN:
        call.op = WIRE_KV_SCAN;
        call.value = span_of(
            end, ycsb_keys_scan_end(self->plan->keys, slot->key, slot->operation.scan_count, end));
        break;
    default:
        if (slot->operation.kind == YCSB_UPDATE || slot->second) {
            call.op = WIRE_KV_SWAP;
            call.value = value_of(self);
        }
    }
    slot->call = bench_caller_submit(slot->member->caller, now, &call);
    assert(slot->call != 0);
}

static wire_time thread_cpu(void)
{
    struct timespec time;
    int failed = clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
    assert(!failed);
    return (wire_time)time.tv_sec * WIRE_SECOND + time.tv_nsec / 1000;
}

static void begin_counting(struct slot *slot)
{
    struct member *member = slot->member;
    if (!member->counting)
        member->retries_before = bench_caller_retries(member->caller);
    member->counting = true;
    if (member->worker->cpu_before < 0)
        member->worker->cpu_before = thread_cpu();
}

static void start(struct slot *slot, struct ycsb_operation operation, wire_time started,
                  wire_time now)
{
    struct bench_worker *self = slot->member->worker;
    assert(slot->call == 0);
    slot->operation = operation;
    slot->second = false;
    slot->started = started;
    slot->key_size = ycsb_workload_key(self->plan->workload, operation.record, slot->key);
    if (slot->counted)
        begin_counting(slot);
    self->under_way++;
    submit(slot, now);
}

/* --- when to start which --------------------------------------------------------------------- */

static void note_deadline(struct bench_worker *self, const struct bench_caller *caller)
{
    wire_time deadline = bench_caller_deadline(caller);
    if (deadline < self->next_wake)
        self->next_wake = deadline;
}

static bool is_counting(const struct bench_worker *self, wire_time now)
{
    wire_time begin = atomic_load(&self->shared->begin);
    return begin != 0 && now >= begin;
}

/* Whether a counted operation may start now that is, or was, due then. If not, none ever will. */
static bool may_count(struct bench_worker *self, wire_time due, wire_time now, uint64_t *ticket)
{
    const struct bench_plan *plan = self->plan;
    wire_time end = atomic_load(&self->shared->begin) + plan->duration;
    if (plan->duration > 0 && (due >= end || now >= end + LATE_MAX)) {
        self->over = true;
    } else if (plan->ops > 0) {
        *ticket = atomic_fetch_add(&self->shared->taken, 1);
        self->over = *ticket >= plan->ops;
    }
    return !self->over;
}

static void start_counted(struct slot *slot, uint64_t ticket, wire_time started, wire_time now)
{
    struct bench_worker *self = slot->member->worker;
    slot->counted = true;
    if (self->plan->load)
        start(slot, (struct ycsb_operation){.kind = YCSB_INSERT, .record = ticket}, started, now);
    else
        start(slot, ycsb_generator_next(&self->generator), started, now);
}

/* When this thread's operation after `due` others is due. Threads take turns. */
static wire_time due_time(const struct bench_worker *self, uint64_t due)
{
    double place = (double)due * (double)self->plan->threads + (double)self->index;
    return atomic_load(&self->shared->begin) +
           (wire_time)(place * (double)WIRE_SECOND / (double)self->plan->rate);
}

/* Of a rate: starts what is due, as far as there are slots. The clients are to be settled. */
static void start_due(struct bench_worker *self, wire_time now)
{
    while (self->idle_count > 0 && !self->over && !atomic_load(&self->shared->stop)) {
        uint64_t ticket = 0;
        wire_time due = due_time(self, self->due);
        if (now < due || !may_count(self, due, now, &ticket))
            return;
        self->due++;
        struct slot *slot = self->idle[--self->idle_count];
        start_counted(slot, ticket, due, now);
        bench_caller_settle(slot->member->caller, now);
        note_deadline(self, slot->member->caller);
    }
}

/* The slot has nothing to do. */
static void next(struct slot *slot, wire_time now)
{
    struct bench_worker *self = slot->member->worker;
    uint64_t ticket = 0;
    if (atomic_load_explicit(&self->shared->stop, memory_order_relaxed) || self->over)
        return;
    if (!is_counting(self, now)) {
        slot->counted = false;
        start(slot, ycsb_generator_next(&self->generator), now, now);
    } else if (self->plan->rate > 0) {
        self->idle[self->idle_count++] = slot;
    } else if (may_count(self, now, now, &ticket)) {
        start_counted(slot, ticket, now, now);
    }
}

/* --- how they end ---------------------------------------------------------------------------- */

static void count(struct slot *slot, enum client_outcome outcome, wire_time now)
{
    struct bench_worker *self = slot->member->worker;
    struct bench_tally *tally = &self->result.kinds[slot->operation.kind];
    bool reads =
        slot->operation.kind == YCSB_READ || slot->operation.kind == YCSB_READ_MODIFY_WRITE;
    if (outcome == CLIENT_OK) {
        bench_tally_add(tally, now - slot->started);
        if (slot->second) {
            bench_tally_add(&self->result.first, slot->second_started - slot->started);
            bench_tally_add(&self->result.second, now - slot->second_started);
        }
        tally->missing += reads && !slot->found;
    } else {
        tally->errors++;
    }
    self->last_end = now;
}

/* The last client that is through its first calls sets the moment from which on all count. */
static void note_answer(struct member *member, wire_time now)
{
    struct bench_worker *self = member->worker;
    uint64_t answered = atomic_load_explicit(&self->answered, memory_order_relaxed);
    atomic_store_explicit(&self->answered, answered + 1, memory_order_relaxed);
    member->answered++;
    if (self->plan->load || member->answered != FIRST_CALLS)
        return;
    if (atomic_fetch_add(&self->shared->ready, 1) + 1 == self->plan->clients)
        atomic_store(&self->shared->begin, now + self->plan->warmup);
}

static void finish(struct slot *slot, enum client_outcome outcome, wire_time now)
{
    struct bench_worker *self = slot->member->worker;
    /* YCSB acknowledges failed inserts too: else readers would stay behind them for ever. */
    if (slot->operation.kind == YCSB_INSERT && !self->plan->load)
        ycsb_keys_acknowledge(self->plan->keys, slot->operation.record);
    if (slot->counted)
        count(slot, outcome, now);
    slot->call = 0;
    self->under_way--;
    note_answer(slot->member, now);
    next(slot, now);
}

static void on_done(void *argument, const struct client_done *done, wire_time now)
{
    struct member *member = argument;
    struct slot *slot = member->slots;
    if (done->reason == CLIENT_REASON_CLOSED)
        return; /* it is being closed with calls under way */
    while (slot->call != done->call)
        slot++;
    assert(slot < member->slots + member->worker->plan->depth);
    if (done->op == WIRE_KV_GET)
        slot->found = done->found;
    if (slot->operation.kind == YCSB_READ_MODIFY_WRITE && !slot->second &&
        done->outcome == CLIENT_OK) {
        slot->second = true;
        slot->second_started = now;
        submit(slot, now);
    } else {
        finish(slot, done->outcome, now);
    }
}

/* --- the loop -------------------------------------------------------------------------------- */

/* Deadlines are a try's time-out away while all is well, so that this is rare. */
static void wake_members(struct bench_worker *self, wire_time now)
{
    if (now < self->next_wake)
        return;
    self->next_wake = WIRE_NEVER;
    for (size_t i = 0; i < self->member_count; i++) {
        struct bench_caller *caller = self->members[i].caller;
        if (bench_caller_deadline(caller) <= now)
            bench_caller_wake(caller, now);
        note_deadline(self, caller);
    }
}

/* Of a rate: sets the timer for the next operation that a slot is free for. */
static void set_timer(struct bench_worker *self)
{
    if (self->timer < 0 || self->idle_count == 0 || self->over)
        return;
    wire_time due = due_time(self, self->due);
    struct itimerspec when = {0};
    when.it_value.tv_sec = due / WIRE_SECOND;
    when.it_value.tv_nsec = due % WIRE_SECOND * 1000;
    int failed = timerfd_settime(self->timer, TFD_TIMER_ABSTIME, &when, NULL);
    assert(!failed);
}

static void handle(struct bench_worker *self, const struct epoll_event *event)
{
    uint64_t expirations;
    struct bench_source *source = event->data.ptr;
    if (source == NULL) {
        if (read(self->timer, &expirations, sizeof expirations) < 0)
            return; /* set anew meanwhile */
    } else {
        bench_caller_ready(source, event->events, bench_clock());
        note_deadline(self, source->caller);
        if (bench_caller_trouble(source->caller) != NULL && self->plan->command != NULL)
            atomic_store(&self->shared->broken, true);
    }
}

static int sleep_ms(const struct bench_worker *self, wire_time now)
{
    wire_time left = self->next_wake - now;
    if (left <= 0)
        return 0;
    return left > LOOK_UP_MS * WIRE_MS ? LOOK_UP_MS : (int)((left + WIRE_MS - 1) / WIRE_MS);
}

static bool is_finished(const struct bench_worker *self)
{
    return atomic_load(&self->shared->stop) || (self->over && self->under_way == 0);
}

static void start_all(struct bench_worker *self)
{
    wire_time now = bench_clock();
    for (size_t i = 0; i < self->member_count; i++) {
        struct member *member = &self->members[i];
        for (uint64_t j = 0; j < self->plan->depth; j++)
            next(&member->slots[j], now);
        bench_caller_settle(member->caller, now);
        note_deadline(self, member->caller);
    }
}

/* What a person is told when operations are still waiting. */
static void note_health(struct bench_worker *self)
{
    for (size_t i = 0; i < self->member_count; i++) {
        const struct bench_caller *caller = self->members[i].caller;
        if (self->trouble == NULL)
            self->trouble = bench_caller_trouble(caller);
        if (self->health.trouble == CLIENT_TROUBLE_NONE)
            self->health = bench_caller_health(caller);
    }
}

/* Of a rate: what was due and never began, because no slot was ever free for it. */
static uint64_t count_unstarted(const struct bench_worker *self)
{
    const struct bench_plan *plan = self->plan;
    wire_time begin = atomic_load(&self->shared->begin);
    wire_time until = bench_clock();
    if (plan->rate == 0 || begin == 0 || plan->duration == 0)
        return 0;
    if (until > begin + plan->duration)
        until = begin + plan->duration;
    uint64_t due = self->due;
    while (due_time(self, due) < until)
        due++;
    return due - self->due;
}

static void sum_up(struct bench_worker *self)
{
    note_health(self);
    self->result.unstarted = count_unstarted(self);
    if (self->cpu_before >= 0)
        self->result.cpu = thread_cpu() - self->cpu_before;
    if (self->last_end != 0)
        self->result.elapsed = self->last_end - atomic_load(&self->shared->begin);
    for (size_t i = 0; i < self->member_count; i++) {
        const struct member *member = &self->members[i];
        uint64_t retries = bench_caller_retries(member->caller);
        self->result.retries += member->counting ? retries - member->retries_before : 0;
        for (uint64_t j = 0; j < self->plan->depth; j++)
            self->result.unanswered += member->slots[j].call != 0 && member->slots[j].counted;
    }
}

void bench_worker_run(struct bench_worker *self)
{
    struct epoll_event events[EVENTS];
    start_all(self);
    while (!is_finished(self)) {
        int count = epoll_wait(self->epoll, events, EVENTS, sleep_ms(self, bench_clock()));
        for (int i = 0; i < count; i++)
            handle(self, &events[i]);
        wire_time now = bench_clock();
        wake_members(self, now);
        if (self->plan->rate > 0 && is_counting(self, now)) {
            start_due(self, now);
            set_timer(self);
        }
    }
    sum_up(self);
}

/* --- lifetime -------------------------------------------------------------------------------- */

static struct bench_caller *new_caller(struct bench_worker *self, struct member *member,
                                       uint64_t number)
{
    const struct bench_plan *plan = self->plan;
    if (plan->command != NULL) {
        struct bench_pipe_config config = {.command = plan->command,
                                           .diagnostics = plan->diagnostics,
                                           .epoll = self->epoll,
                                           .done = on_done,
                                           .argument = member};
        return bench_pipe_new(&config);
    }
    struct bench_client_config config = {
        .core = plan->service, .epoll = self->epoll, .done = on_done, .argument = member};
    config.core.seed = plan->seed + number;
    return bench_client_new(&config);
}

/* False: the system refuses; errno says why. */
static bool add_member(struct bench_worker *self, uint64_t number)
{
    struct member *member = &self->members[self->member_count];
    member->worker = self;
    member->caller = new_caller(self, member, number);
    if (member->caller == NULL)
        return false;
    self->member_count++;
    member->slots = wire_calloc(self->plan->depth, sizeof *member->slots);
    for (uint64_t i = 0; i < self->plan->depth; i++)
        member->slots[i].member = member;
    return true;
}

/* The descriptors it needs for itself. */
static bool open_descriptors(struct bench_worker *self)
{
    self->timer = -1;
    self->epoll = epoll_create1(EPOLL_CLOEXEC);
    if (self->epoll < 0 || self->plan->rate == 0)
        return self->epoll >= 0;
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = NULL};
    self->timer = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
    if (self->timer >= 0 && epoll_ctl(self->epoll, EPOLL_CTL_ADD, self->timer, &event) == 0)
        return true;
    if (self->timer >= 0)
        close(self->timer);
    close(self->epoll);
    return false;
}

struct bench_worker *bench_worker_new(const struct bench_plan *plan, struct bench_shared *shared,
                                      uint64_t index)
{
    struct bench_worker *self = wire_calloc(1, sizeof *self);
    self->plan = plan;
    self->shared = shared;
    self->index = index;
    self->cpu_before = -1;
    self->next_wake = WIRE_NEVER;
    self->random.state = ~plan->seed - index;
    if (!open_descriptors(self)) {
        free(self);
        return NULL;
    }
    size_t count = plan->clients / plan->threads + (index < plan->clients % plan->threads);
    if (!plan->load)
        ycsb_generator_init(&self->generator, plan->workload, plan->keys, plan->seed + index);
    self->value = wire_alloc(plan->value_bytes);
    self->members = wire_calloc(count, sizeof *self->members);
    self->idle = wire_calloc(count * plan->depth, sizeof *self->idle);
    bool good = true;
    for (size_t i = 0; i < count && good; i++)
        good = add_member(self, index + i * plan->threads);
    if (!good) {
        int why = errno;
        bench_worker_destroy(&self);
        errno = why;
    }
    return self;
}

void bench_worker_destroy(struct bench_worker **self_p)
{
    struct bench_worker *self = *self_p;
    *self_p = NULL;
    if (self == NULL)
        return;
    for (size_t i = 0; i < self->member_count; i++) {
        bench_caller_destroy(&self->members[i].caller, bench_clock());
        free(self->members[i].slots);
    }
    if (self->timer >= 0)
        close(self->timer);
    close(self->epoll);
    free(self->members);
    free(self->idle);
    free(self->value);
    free(self);
}

/* --- what came out --------------------------------------------------------------------------- */

uint64_t bench_worker_answered(const struct bench_worker *self)
{
    return atomic_load_explicit(&self->answered, memory_order_relaxed);
}

void bench_worker_report(const struct bench_worker *self, struct bench_result *result)
{
    bench_result_merge(result, &self->result);
}

struct client_health bench_worker_health(const struct bench_worker *self)
{
    return self->health;
}

const char *bench_worker_trouble(const struct bench_worker *self)
{
    return self->trouble;
}
