#include "tests/unit/actors/toy.h"

#include <check.h>
#include <errno.h>
#include <time.h>

#include "wire/batch.h"
#include "wire/figures.h"

/* --- tallies ---------------------------------------------------------------------------------- */

void tally_add(struct tally *self, uint64_t more)
{
    pthread_mutex_lock(&self->mutex);
    self->count += more;
    pthread_cond_broadcast(&self->raised);
    pthread_mutex_unlock(&self->mutex);
}

uint64_t tally_get(struct tally *self)
{
    pthread_mutex_lock(&self->mutex);
    uint64_t count = self->count;
    pthread_mutex_unlock(&self->mutex);
    return count;
}

uint64_t tally_wait(struct tally *self, uint64_t at_least)
{
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += TOY_PATIENCE_SECONDS;
    pthread_mutex_lock(&self->mutex);
    int code = 0;
    while (self->count < at_least && code != ETIMEDOUT)
        code = pthread_cond_timedwait(&self->raised, &self->mutex, &until);
    uint64_t count = self->count;
    pthread_mutex_unlock(&self->mutex);
    ck_assert_uint_ge(count, at_least);
    return count;
}

/* --- roles ------------------------------------------------------------------------------------ */

static void toy_receive(void *self, wire_time now, const struct wire_message *message,
                        struct smr_out *out)
{
    struct toy *toy = self;
    if (toy->receive != NULL)
        toy->receive(toy, now, message, out);
}

static void toy_settle(void *self, wire_time now, struct smr_out *out)
{
    struct toy *toy = self;
    if (toy->settle != NULL)
        toy->settle(toy, now, out);
}

static void toy_wake(void *self, wire_time now, struct smr_out *out)
{
    struct toy *toy = self;
    if (toy->wake != NULL)
        toy->wake(toy, now, out);
}

static void toy_durable(void *self, wire_time now, struct smr_out *out)
{
    struct toy *toy = self;
    if (toy->durable != NULL)
        toy->durable(toy, now, out);
}

static void toy_room(void *self, wire_time now, bool enough, struct smr_out *out)
{
    struct toy *toy = self;
    if (toy->room != NULL)
        toy->room(toy, now, enough, out);
}

static void toy_leave(void *self, wire_time now, struct smr_out *out)
{
    struct toy *toy = self;
    if (toy->leave != NULL)
        toy->leave(toy, now, out);
}

static bool toy_left(const void *self)
{
    const struct toy *toy = self;
    return !toy->stays;
}

static wire_time toy_deadline(const void *self)
{
    const struct toy *toy = self;
    return toy->deadline == 0 ? WIRE_NEVER : toy->deadline;
}

static void toy_figures(const void *self, wire_time now, struct wire_writer *out)
{
    (void)self;
    (void)now;
    wire_figure_number(out, "toy.is_here", 1);
}

static void toy_destroy(void *self)
{
    (void)self;
}

struct smr_role toy_role(struct toy *toy)
{
    static const struct smr_role_ops ops = {
        .name = "toy",
        .receive = toy_receive,
        .settle = toy_settle,
        .wake = toy_wake,
        .durable = toy_durable,
        .room = toy_room,
        .leave = toy_leave,
        .left = toy_left,
        .deadline = toy_deadline,
        .figures = toy_figures,
        .destroy = toy_destroy,
    };
    return (struct smr_role){.ops = &ops, .self = toy};
}

struct wire_sender toy_sender(enum wire_role role, wire_replica replica)
{
    return (struct wire_sender){.cluster = 1, .role = role, .replica = replica, .start = 1};
}

struct wire_message *toy_send(struct toy *self, struct smr_out *out, enum smr_effect_kind kind,
                              enum wire_type type, enum wire_role to, wire_replica to_replica)
{
    return smr_out_send(out, kind, &self->sender, type, to, to_replica);
}

/* --- logs ------------------------------------------------------------------------------------- */

static enum wire_error toy_log_read(void *self, wire_slot slot, struct smr_log_entry *entry)
{
    (void)self;
    (void)slot;
    (void)entry;
    return WIRE_NOT_FOUND;
}

static enum wire_error toy_log_load(void *self, struct wire_hard_state *state, wire_slot *highest)
{
    (void)self;
    memset(state, 0, sizeof *state);
    *highest = 0;
    return WIRE_OK;
}

static void toy_log_put_slot(void *self, const struct smr_log_entry *entry)
{
    struct toy_log *log = self;
    (void)entry;
    log->put++;
}

static void toy_log_put_state(void *self, const struct wire_hard_state *state)
{
    (void)self;
    (void)state;
}

static bool toy_log_is_low(void *self)
{
    return ((struct toy_log *)self)->low;
}

static enum wire_error toy_log_commit(void *self)
{
    struct toy_log *log = self;
    log->commits++;
    if (log->gate != NULL)
        tally_wait(log->gate, log->commits);
    if (log->answer == WIRE_OK)
        log->committed = log->put;
    return (enum wire_error)log->answer;
}

static void toy_log_close(void *self)
{
    (void)self;
}

struct smr_log toy_log_of(struct toy_log *self)
{
    static const struct smr_log_ops ops = {
        .is_low = toy_log_is_low,
        .read = toy_log_read,
        .load = toy_log_load,
        .put_slot = toy_log_put_slot,
        .put_state = toy_log_put_state,
        .commit = toy_log_commit,
        .close = toy_log_close,
    };
    return (struct smr_log){.ops = &ops, .self = self};
}

struct buf *toy_batch(size_t size)
{
    struct wire_writer entry = {0};
    uint8_t *fill;
    struct buf *body = buf_new(size, &fill);
    memset(fill, 'b', size);
    struct wire_command command = {.kind = WIRE_CALL_PLAIN, .body = buf_span(body)};
    wire_command_encode(&command, &entry);
    struct buf *encoded = wire_writer_take(&entry);
    struct wire_batch head = {.origin_start = 1};
    struct buf *batch = wire_batch_build(&head, &encoded, 1);
    buf_unref(&encoded);
    buf_unref(&body);
    wire_writer_free(&entry);
    return batch;
}

uint64_t toy_figure(struct span figures, const char *name)
{
    struct wire_reader in = wire_reader_of(figures);
    struct wire_figure figure;
    while (wire_figure_next(&in, &figure))
        if (span_equal(figure.name, span_text(name)) && !figure.is_text)
            return figure.number;
    ck_assert(!in.bad);
    return UINT64_MAX;
}
