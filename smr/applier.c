#include "smr/applier.h"

#include <stdlib.h>
#include "smr/events.h"
#include "smr/image.h"
#include "smr/session.h"
#include "wire/batch.h"
#include "wire/figures.h"
#include "wire/hash.h"
#include "wire/histogram.h"

#define CHECKPOINT_AGAIN (5 * WIRE_SECOND)       /* asked for again: the edge may have refused it */
#define PRESSURE_EVERY (WIRE_PRESSURE_MS * WIRE_MS / 3)

struct waiting_read {
    uint64_t tag;     /* the API's name for it */
    wire_slot index;  /* answered once this is applied */
    struct buf *body; /* the query */
};

struct applier {
    struct wire_sender self;       /* how it signs */
    struct smr_machine machine;    /* the state */
    struct smr_sessions *sessions; /* likewise */
    uint64_t log_time_ms;          /* likewise: sum of what batches add */
    wire_slot applied;             /* all slots up to it are in the state */
    wire_slot reported;            /* last APPLIED sent */
    wire_slot saved;               /* all slots up to it are in a durable checkpoint */
    wire_slot reported_saved;      /* as the last APPLIED said */
    struct smr_checkpointing checkpointing; /* when to begin one */
    size_t log_bytes;              /* of batches applied since the last freeze */
    uint8_t replica_count;         /* r */
    bool froze;                    /* a checkpoint was begun in this life */
    bool is_behind;                /* many slots are chosen that are still to be applied */
    struct buf *image;             /* of the checkpoint being written; NULL: none is */
    wire_slot frozen;              /* the slot it is of */
    size_t frozen_bytes;           /* of changes in it */
    wire_time retry;               /* ask for it again then */
    wire_slot installing;          /* the snapshot that becomes the base just now; 0: none */
    wire_time install_retry;       /* ask for it again then */
    bool pressed;                  /* the API was told to put writes off ... */
    wire_time pressed_at;          /* ... last then */
    size_t session_count_max;      /* see smr/config.h */
    const char *broken;            /* why this life cannot begin; NULL: all well */
    wire_time report_deadline;     /* say it again then: the edge may have refused it */
    struct waiting_read *reads;    /* in order of arrival */
    size_t read_count;             /* how many */
    size_t read_capacity;          /* room at reads */
    struct wire_writer answer;     /* scratch */
    wire_time now;                 /* of the message at hand; results carry it */
    wire_time frozen_at;           /* when the checkpoint being written was begun */
    wire_time saved_at;            /* when the last one became durable; 0: none in this life */
    struct wire_histogram learn_us;      /* stage of a call: from chosen to here */
    struct wire_histogram checkpoint_us; /* from freezing a state to its being durable */
    struct smr_events events;      /* what happened lately */
    struct smr_counters counters;
};

static void send_result(struct applier *self, struct smr_out *out, uint64_t tag,
                        enum wire_status status, uint64_t session, struct buf *body)
{
    struct wire_message *m = smr_out_send(out, SMR_SEND, &self->self, WIRE_MESSAGE_RESULT,
                                          WIRE_ROLE_API, self->self.replica);
    m->result.tag = tag;
    m->result.status = (uint8_t)status;
    m->result.session = session;
    m->result.at = (uint64_t)self->now;
    m->payload = body == NULL ? buf_copy(span_of(NULL, 0)) : buf_ref(body);
}

/* Runs the machine; the answer comes back as a buf with one reference, NULL if it is empty. */
static enum wire_status run_machine(struct applier *self, const struct smr_moment *moment,
                                    struct span body, struct buf **answer)
{
    wire_writer_clear(&self->answer);
    enum wire_status status =
        self->machine.ops->apply(self->machine.self, moment, body, &self->answer);
    *answer = self->answer.size == 0 ? NULL : wire_writer_take(&self->answer);
    self->counters.applied_commands++;
    return status;
}

static enum wire_status apply_write(struct applier *self, const struct smr_moment *moment,
                                    const struct wire_command *command, struct buf **answer)
{
    struct smr_answer kept;
    switch (smr_sessions_judge(self->sessions, command->session, command->number, command->lowest,
                               self->log_time_ms, &kept)) {
    case SMR_CALL_REPEAT:
        self->counters.repeats_answered++;
        *answer = buf_ref(kept.body);
        return kept.status;
    case SMR_CALL_STALE:
        self->counters.calls_stale++;
        return WIRE_STATUS_STALE;
    case SMR_CALL_GONE:
        self->counters.sessions_unknown++;
        return WIRE_STATUS_GONE;
    case SMR_CALL_WRONG:
        return WIRE_STATUS_MALFORMED;
    case SMR_CALL_FRESH:
        break;
    }
    kept.status = run_machine(self, moment, command->body, answer);
    kept.body = *answer;
    smr_sessions_remember(self->sessions, command->session, command->number, kept,
                          &self->counters);
    return kept.status;
}

/* *session: of an OPEN the new id. *answer: one reference or NULL. */
static enum wire_status apply_command(struct applier *self, const struct smr_moment *moment,
                                      const struct wire_command *command, uint64_t *session,
                                      struct buf **answer)
{
    switch (command->kind) {
    case WIRE_CALL_WRITE:
        return apply_write(self, moment, command, answer);
    case WIRE_CALL_OPEN:
        *session = moment->slot * WIRE_BATCH_COMMANDS_MAX + moment->index;
        smr_sessions_open(self->sessions, *session, self->log_time_ms, &self->counters);
        self->counters.sessions_opened++;
        return WIRE_STATUS_OK;
    case WIRE_CALL_CLOSE:
        if (!smr_sessions_close(self->sessions, command->session))
            return WIRE_STATUS_GONE;
        self->counters.sessions_closed++;
        return WIRE_STATUS_OK;
    case WIRE_CALL_READ:
    case WIRE_CALL_PLAIN:
        return run_machine(self, moment, command->body, answer);
    default:
        return WIRE_STATUS_MALFORMED;
    }
}

static void apply_batch(struct applier *self, wire_slot slot, struct span bytes,
                        struct smr_out *out)
{
    struct wire_batch batch = wire_batch_open(bytes);
    bool ours = batch.origin == self->self.replica && batch.origin_start == self->self.start;
    uint64_t step = batch.elapsed_ms < WIRE_LOG_TIME_STEP_MS_MAX ? batch.elapsed_ms
                                                                 : WIRE_LOG_TIME_STEP_MS_MAX;
    self->log_time_ms += step;
    smr_sessions_expire(self->sessions, self->log_time_ms, &self->counters);
    struct smr_moment moment = {.slot = slot, .log_time_ms = self->log_time_ms};
    struct wire_command command;
    while (wire_batch_next(&batch, &command)) {
        struct buf *answer = NULL;
        uint64_t session = 0;
        enum wire_status status = apply_command(self, &moment, &command, &session, &answer);
        if (ours)
            send_result(self, out, command.tag, status, session, answer);
        buf_unref(&answer);
        moment.index++;
    }
    self->applied = slot;
    self->log_bytes += bytes.size;
    self->counters.applied_slots++;
    self->counters.applied_noops += batch.count == 0;
}

/* --- reads -------------------------------------------------------------------------------------- */

static void answer_read(struct applier *self, uint64_t tag, struct span query,
                        struct smr_out *out)
{
    wire_writer_clear(&self->answer);
    enum wire_status status =
        self->machine.ops->query(self->machine.self, query, &self->answer);
    struct buf *answer = wire_writer_take(&self->answer);
    send_result(self, out, tag, status, 0, answer);
    buf_unref(&answer);
}

static void answer_waiting(struct applier *self, struct smr_out *out)
{
    size_t left = 0;
    for (size_t i = 0; i < self->read_count; i++) {
        struct waiting_read *read = &self->reads[i];
        if (read->index > self->applied) {
            self->reads[left++] = *read;
            continue;
        }
        answer_read(self, read->tag, buf_span(read->body), out);
        buf_unref(&read->body);
    }
    self->read_count = left;
}

static void receive_read(struct applier *self, const struct wire_message *message,
                         struct smr_out *out)
{
    if (message->read_at.index <= self->applied && self->installing == 0) {
        answer_read(self, message->read_at.tag, buf_span(message->payload), out);
        return;
    }
    self->counters.reads_waited++;
    if (self->read_count == self->read_capacity) {
        self->read_capacity = self->read_capacity == 0 ? 16 : self->read_capacity * 2;
        self->reads = wire_realloc(self->reads, self->read_capacity * sizeof *self->reads);
    }
    self->reads[self->read_count++] = (struct waiting_read){.tag = message->read_at.tag,
                                                            .index = message->read_at.index,
                                                            .body = buf_ref(message->payload)};
}

/* Of changes that a checkpoint is still to be made of, or that one is being made of. */
static size_t unsaved_bytes(const struct applier *self)
{
    if (self->machine.base == NULL)
        return 0;
    return self->frozen_bytes + self->machine.ops->unsaved_bytes(self->machine.self);
}

/* More than what may still be on its way when writes are put off. */
static size_t unsaved_bytes_stop(const struct applier *self)
{
    size_t max = self->checkpointing.unsaved_bytes_max;
    return max < SIZE_MAX / 2 ? 2 * max : SIZE_MAX;
}

static void receive_chosen(struct applier *self, const struct wire_message *message,
                           struct smr_out *out)
{
    wire_slot slot = message->chosen.slot;
    if (slot <= self->applied || self->installing != 0)
        return; /* fed a second time after a silence, or to be fed again */
    if (unsaved_bytes(self) >= unsaved_bytes_stop(self)) {
        self->counters.applies_put_off++;
        return; /* likewise */
    }
    if (slot != self->applied + 1) {
        self->counters.applier_gaps++;
        return; /* the acceptor feeds again from what APPLIED said last */
    }
    if (message->chosen.at != 0)
        wire_histogram_add(&self->learn_us, self->now - (wire_time)message->chosen.at);
    self->is_behind = message->chosen.behind;
    apply_batch(self, slot, buf_span(message->payload), out);
    if (self->read_count > 0)
        answer_waiting(self, out);
}

/* --- checkpoints -------------------------------------------------------------------------------- */

static void send_checkpoint(struct applier *self, wire_time now, struct smr_out *out)
{
    struct wire_message *m = smr_out_send(out, SMR_SEND, &self->self, WIRE_MESSAGE_CHECKPOINT,
                                          WIRE_ROLE_CHECKPOINTER, self->self.replica);
    m->checkpoint.slot = self->frozen;
    m->payload = buf_ref(self->image);
    self->retry = now + CHECKPOINT_AGAIN;
}

/* Replicas apply the same, so all of them would write checkpoints at the same time, and clients wait.
 * Instead the first of a life is begun earlier the higher the replica's number, and from then on they take
 * turns: the others are a majority that goes on. Who is behind has no time for any, unless too much would
 * have to be kept. */
static uint64_t due_after(const struct applier *self, uint64_t whole)
{
    if (self->is_behind)
        return whole < UINT64_MAX / WIRE_CHECKPOINT_BEHIND ? whole * WIRE_CHECKPOINT_BEHIND : UINT64_MAX;
    return self->froze ? whole : whole - whole / self->replica_count * self->self.replica;
}

static bool is_due(const struct applier *self)
{
    const struct smr_checkpointing *when = &self->checkpointing;
    uint64_t unsaved = self->machine.ops->unsaved_bytes(self->machine.self);
    return self->applied > self->saved &&
           (unsaved >= due_after(self, when->changed_bytes) || unsaved >= when->unsaved_bytes_max / 2 ||
            self->log_bytes >= due_after(self, when->log_bytes) ||
            self->applied - self->saved >= due_after(self, when->slots));
}

static void freeze(struct applier *self, wire_time now, struct smr_out *out)
{
    self->frozen_bytes = self->machine.ops->unsaved_bytes(self->machine.self);
    struct wire_writer sessions = {0}, part = {0}, whole = {0};
    smr_sessions_encode(self->sessions, &sessions);
    self->machine.ops->freeze(self->machine.self, &part);
    struct smr_image image = {.applied = self->applied,
                              .cluster = self->self.cluster,
                              .group = self->self.group,
                              .log_time_ms = self->log_time_ms,
                              .sessions = wire_writer_span(&sessions),
                              .part = wire_writer_span(&part)};
    smr_image_encode(&image, &whole);
    self->image = wire_writer_take(&whole);
    self->frozen = self->applied;
    self->frozen_at = now;
    self->froze = true;
    self->log_bytes = 0;
    wire_writer_free(&sessions);
    wire_writer_free(&part);
    wire_writer_free(&whole);
    send_checkpoint(self, now, out);
}

/* Once per checkpoint, however often it is tried. */
static void note_unsaved(struct applier *self, wire_time now)
{
    const struct smr_event *last = smr_events_last(&self->events);
    if (last == NULL || last->name != SMR_EVENT_UNSAVED || last->number != self->frozen)
        smr_events_add_number(&self->events, now, SMR_EVENT_UNSAVED, self->frozen);
}

static void receive_checkpointed(struct applier *self, wire_time now,
                                 const struct wire_message *message)
{
    if (self->image == NULL || message->checkpointed.slot != self->frozen)
        return; /* the answer to a question that was asked again */
    if (message->checkpointed.outcome != WIRE_OK) {
        self->counters.checkpoints_failed++;
        self->retry = now + WIRE_SECOND;
        note_unsaved(self, now);
        return;
    }
    self->counters.checkpoints++;
    self->saved = self->frozen;
    self->saved_at = now;
    wire_histogram_add(&self->checkpoint_us, now - self->frozen_at);
    smr_events_add_number(&self->events, now, SMR_EVENT_CHECKPOINT, self->saved);
    self->frozen_bytes = 0;
    buf_unref(&self->image);
    self->machine.ops->thaw(self->machine.self);
}

/* A checkpoint now, whether or not one is due. */
static void receive_order(struct applier *self, wire_time now, const struct wire_message *message,
                          struct smr_out *out)
{
    assert(message->admin.action == WIRE_ADMIN_CHECKPOINT);
    bool in_memory = self->machine.base == NULL;
    bool busy = self->image != NULL || self->installing != 0;
    enum wire_admin_outcome outcome = in_memory ? WIRE_ADMIN_FAILED
                                      : busy    ? WIRE_ADMIN_BUSY
                                                : WIRE_ADMIN_DONE;
    if (outcome == WIRE_ADMIN_DONE && self->applied > self->saved)
        freeze(self, now, out);
    struct wire_message *m = smr_out_send(out, SMR_SEND, &self->self, WIRE_MESSAGE_ADMIN_DONE,
                                          WIRE_ROLE_API, self->self.replica);
    m->admin_done.tag = message->admin.tag;
    m->admin_done.outcome = (uint8_t)outcome;
}

/* A checkpoint of that slot or a later one, for a peer that has lost its state. What was asked for too early
 * is asked for again. */
static void receive_save(struct applier *self, wire_time now, const struct wire_message *message,
                         struct smr_out *out)
{
    bool idle = self->machine.base != NULL && self->image == NULL && self->installing == 0;
    if (!idle || self->applied < message->save.slot || self->saved >= message->save.slot)
        return;
    self->counters.checkpoints_for_peers++;
    freeze(self, now, out);
}

/* Goes on where the base is. */
static void restore(struct applier *self)
{
    const struct smr_base *base = self->machine.base;
    struct buf *bytes = base == NULL ? NULL : base->ops->image(base->self);
    struct smr_image image;
    if (bytes == NULL)
        return;
    struct smr_sessions *sessions = NULL;
    bool decoded = smr_image_decode(buf_span(bytes), &image) == WIRE_OK;
    bool ours = decoded && image.cluster == self->self.cluster && image.group == self->self.group;
    if (ours)
        sessions = smr_sessions_decode(image.sessions);
    if (decoded && !ours) {
        self->broken = "the state in the directory is that of another group or cluster: give it "
                       "back its own";
    } else if (sessions == NULL || !self->machine.ops->restore(self->machine.self, image.part)) {
        self->broken = "the checkpoint makes no sense: restore the directory from a copy";
    } else {
        self->applied = self->saved = image.applied;
        self->log_time_ms = image.log_time_ms;
    }
    if (sessions != NULL) {
        smr_sessions_free(self->sessions);
        self->sessions = sessions;
        if (self->session_count_max > 0)
            smr_sessions_bound(self->sessions, self->session_count_max);
    }
    buf_unref(&bytes);
}

/* --- snapshots ------------------------------------------------------------------------------------ */

static void send_install(struct applier *self, wire_time now, wire_slot slot, bool yes,
                         struct smr_out *out)
{
    struct wire_message *m = smr_out_send(out, SMR_SEND, &self->self, WIRE_MESSAGE_INSTALL,
                                          WIRE_ROLE_CHECKPOINTER, self->self.replica);
    m->install.slot = slot;
    m->install.yes = yes;
    self->install_retry = now + WIRE_SECOND;
}

static void receive_staged(struct applier *self, wire_time now, const struct wire_message *message,
                           struct smr_out *out)
{
    wire_slot slot = message->staged.slot;
    bool yes = slot > self->applied;
    if (self->installing != 0)
        return; /* it is asked about again */
    if (yes)
        self->installing = slot;
    send_install(self, now, slot, yes, out);
}

/* A leader whose own acceptor fell behind may have ordered calls in what is skipped. */
static void tell_skipped(struct applier *self, struct smr_out *out)
{
    struct wire_message *m = smr_out_send(out, SMR_SEND, &self->self, WIRE_MESSAGE_SKIPPED,
                                          WIRE_ROLE_API, self->self.replica);
    m->skipped.slot = self->applied;
}

/* The checkpointer does one thing after another, so no checkpoint is being written any more: what was
 * frozen may go. */
static void receive_installed(struct applier *self, const struct wire_message *message,
                              struct smr_out *out)
{
    if (self->installing == 0 || message->installed.slot != self->installing)
        return;
    self->installing = 0;
    if (message->installed.outcome == WIRE_OK) {
        buf_unref(&self->image);
        self->frozen_bytes = self->log_bytes = 0;
        restore(self);
        self->counters.takeovers++;
        tell_skipped(self, out);
        if (self->broken != NULL)
            smr_out_die(out, WIRE_DAMAGED, self->broken);
    }
    answer_waiting(self, out);
}

/* --- pressure --------------------------------------------------------------------------------------- */

/* If the end of it gets lost, it ends by itself. */
static void press(struct applier *self, wire_time now, struct smr_out *out)
{
    bool high = unsaved_bytes(self) >= self->checkpointing.unsaved_bytes_max;
    if (high == self->pressed && (!high || now - self->pressed_at < PRESSURE_EVERY))
        return;
    self->counters.pressures += high && !self->pressed;
    self->pressed = high;
    self->pressed_at = now;
    struct wire_message *m = smr_out_send(out, SMR_SEND, &self->self, WIRE_MESSAGE_PRESSURE,
                                          WIRE_ROLE_API, self->self.replica);
    m->pressure.on = high;
}

/* --- the role ------------------------------------------------------------------------------------ */

static void applier_receive(void *role, wire_time now, const struct wire_message *message,
                            struct smr_out *out)
{
    struct applier *self = role;
    assert(message->sender.replica == self->self.replica); /* siblings only */
    self->now = now;
    if (message->type == WIRE_MESSAGE_CHOSEN) {
        receive_chosen(self, message, out);
    } else if (message->type == WIRE_MESSAGE_CHECKPOINTED) {
        receive_checkpointed(self, now, message);
    } else if (message->type == WIRE_MESSAGE_ADMIN) {
        receive_order(self, now, message, out);
    } else if (message->type == WIRE_MESSAGE_SAVE) {
        receive_save(self, now, message, out);
    } else if (message->type == WIRE_MESSAGE_STAGED) {
        receive_staged(self, now, message, out);
    } else if (message->type == WIRE_MESSAGE_INSTALLED) {
        receive_installed(self, message, out);
    } else {
        assert(message->type == WIRE_MESSAGE_READ_AT);
        receive_read(self, message, out);
    }
}

/* Tells the acceptor where to feed from: at start, on progress, and now and then, since a message to
 * it may be refused. */
static void report(struct applier *self, wire_time now, struct smr_out *out)
{
    struct wire_message *m = smr_out_send(out, SMR_SEND, &self->self, WIRE_MESSAGE_APPLIED,
                                          WIRE_ROLE_ACCEPTOR, self->self.replica);
    m->applied.slot = self->applied;
    m->applied.saved = self->saved;
    self->reported = self->applied;
    self->reported_saved = self->saved;
    self->report_deadline = now + WIRE_SECOND;
}

static void applier_settle(void *role, wire_time now, struct smr_out *out)
{
    struct applier *self = role;
    if (self->machine.base == NULL)
        self->saved = self->applied; /* memory only: nothing is ever read back */
    else if (self->image == NULL && self->installing == 0 && is_due(self))
        freeze(self, now, out);
    press(self, now, out);
    if (self->reported != self->applied || self->reported_saved != self->saved)
        report(self, now, out);
}

static void applier_wake(void *role, wire_time now, struct smr_out *out)
{
    struct applier *self = role;
    if (self->broken != NULL)
        smr_out_die(out, WIRE_DAMAGED, self->broken);
    if (self->image != NULL && self->installing == 0 && now >= self->retry)
        send_checkpoint(self, now, out);
    if (self->installing != 0 && now >= self->install_retry)
        send_install(self, now, self->installing, true, out);
    if (now >= self->report_deadline)
        report(self, now, out);
}

static wire_time applier_deadline(const void *role)
{
    const struct applier *self = role;
    wire_time first = self->report_deadline;
    if (self->image != NULL && self->installing == 0 && self->retry < first)
        first = self->retry;
    if (self->installing != 0 && self->install_retry < first)
        first = self->install_retry;
    return first;
}

static void checkpoint_figures(const struct applier *self, wire_time now, struct wire_writer *out)
{
    wire_figure_number(out, "checkpoint.under_way", self->image != NULL);
    wire_figure_number(out, "checkpoint.unsaved_slots", self->applied - self->saved);
    if (self->saved_at != 0)
        wire_figure_number(out, "checkpoint.age_ms", (uint64_t)((now - self->saved_at) / WIRE_MS));
    wire_histogram_figures(&self->checkpoint_us, "checkpoint.took_us", out);
}

static void applier_figures(const void *role, wire_time now, struct wire_writer *out)
{
    const struct applier *self = role;
    wire_figure_number(out, "applier.applied_slot", self->applied);
    wire_figure_number(out, "applier.saved_slot", self->saved);
    wire_figure_number(out, "applier.log_time_ms", self->log_time_ms);
    if (self->machine.base != NULL)
        wire_figure_number(out, "applier.unsaved_bytes", unsaved_bytes(self));
    wire_figure_number(out, "applier.sessions", smr_sessions_count(self->sessions));
    wire_figure_number(out, "applier.session_bytes", smr_sessions_bytes(self->sessions));
    wire_figure_number(out, "applier.waiting_reads", self->read_count);
    if (self->machine.base != NULL)
        checkpoint_figures(self, now, out);
    wire_histogram_figures(&self->learn_us, "stage.learn_us", out);
    smr_events_figures(&self->events, "applier", now, out);
    smr_counters_figures(&self->counters, "applier", out);
    self->machine.ops->figures(self->machine.self, out);
}

static void applier_destroy(void *role)
{
    struct applier *self = role;
    for (size_t i = 0; i < self->read_count; i++)
        buf_unref(&self->reads[i].body);
    free(self->reads);
    smr_sessions_free(self->sessions);
    buf_unref(&self->image);
    self->machine.ops->destroy(self->machine.self);
    wire_writer_free(&self->answer);
    free(self);
}

static const struct smr_role_ops applier_ops = {
    .name = "applier",
    .receive = applier_receive,
    .settle = applier_settle,
    .wake = applier_wake,
    .deadline = applier_deadline,
    .figures = applier_figures,
    .destroy = applier_destroy,
};

struct smr_role smr_applier_new(const struct smr_config *config, struct smr_machine machine)
{
    struct applier *self = wire_calloc(1, sizeof *self);
    self->self = config->self;
    self->self.role = WIRE_ROLE_APPLIER;
    self->machine = machine;
    self->replica_count = config->replica_count;
    self->sessions = smr_sessions_new();
    self->checkpointing = config->checkpointing;
    if (self->checkpointing.unsaved_bytes_max == 0)
        self->checkpointing.unsaved_bytes_max = WIRE_UNSAVED_BYTES_MAX;
    if (self->checkpointing.changed_bytes > self->checkpointing.unsaved_bytes_max / 2)
        self->checkpointing.changed_bytes = self->checkpointing.unsaved_bytes_max / 2;
    self->session_count_max = config->session_count_max;
    if (config->session_count_max > 0)
        smr_sessions_bound(self->sessions, config->session_count_max);
    restore(self);
    self->counters.restores = self->applied > 0;
    return (struct smr_role){.ops = &applier_ops, .self = self};
}

const struct smr_counters *smr_applier_counters(struct smr_role applier)
{
    assert(applier.ops == &applier_ops);
    return &((struct applier *)applier.self)->counters;
}

wire_slot smr_applier_applied(struct smr_role applier)
{
    assert(applier.ops == &applier_ops);
    return ((struct applier *)applier.self)->applied;
}

uint64_t smr_applier_digest(struct smr_role applier)
{
    assert(applier.ops == &applier_ops);
    const struct applier *self = applier.self;
    uint8_t parts[32];
    wire_put_u64(parts, self->applied);
    wire_put_u64(parts + 8, self->log_time_ms);
    wire_put_u64(parts + 16, smr_sessions_digest(self->sessions));
    wire_put_u64(parts + 24, self->machine.ops->digest(self->machine.self));
    return wire_hash(span_of(parts, sizeof parts));
}
