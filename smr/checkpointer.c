#include "smr/checkpointer.h"

#include <stdlib.h>
#include "smr/fetch.h"
#include "smr/image.h"

struct checkpointer {
    struct wire_sender self;      /* how it signs */
    struct smr_machine machine;   /* whose frozen state it saves */
    wire_slot saved;              /* the base holds the state after this slot, or a later one */
    struct smr_fetch fetch;       /* snapshots on their way here */
    struct smr_counters counters;
};

/* What is frozen may be gone by the time a question comes for the second time. */
static void receive_checkpoint(struct checkpointer *self, wire_time now,
                               const struct wire_message *message, struct smr_out *out)
{
    enum wire_error outcome = WIRE_OK;
    wire_slot slot = message->checkpoint.slot;
    if (slot > self->saved) {
        smr_fetch_pause(&self->fetch, now);
        outcome = self->machine.ops->save(self->machine.self, buf_span(message->payload));
    } else {
        self->counters.checkpoints_again++;
    }
    if (outcome == WIRE_OK && slot > self->saved) {
        self->saved = slot;
        smr_fetch_note_saved(&self->fetch, slot);
    }
    struct wire_message *m = smr_out_send(out, SMR_SEND, &self->self, WIRE_MESSAGE_CHECKPOINTED,
                                          WIRE_ROLE_APPLIER, self->self.replica);
    m->checkpointed.slot = slot;
    m->checkpointed.outcome = (uint8_t)outcome;
}

static enum wire_error install(struct checkpointer *self, wire_time now, wire_slot slot,
                               struct smr_out *out)
{
    if (slot == self->saved)
        return WIRE_OK; /* done before, and asked again */
    if (self->fetch.state != SMR_FETCH_WHOLE || self->fetch.at.snapshot != slot)
        return WIRE_NOT_FOUND;
    enum wire_error error = smr_fetch_install(&self->fetch, now, out);
    if (error == WIRE_OK)
        self->saved = slot;
    return error;
}

static void receive_install(struct checkpointer *self, wire_time now,
                            const struct wire_message *message, struct smr_out *out)
{
    wire_slot slot = message->install.slot;
    bool whole = self->fetch.state == SMR_FETCH_WHOLE && self->fetch.at.snapshot == slot;
    if (!message->install.yes) {
        self->counters.snapshots_dropped += whole;
        if (whole)
            smr_fetch_drop(&self->fetch);
        return;
    }
    struct wire_message *m = smr_out_send(out, SMR_SEND, &self->self, WIRE_MESSAGE_INSTALLED,
                                          WIRE_ROLE_APPLIER, self->self.replica);
    m->installed.slot = slot;
    m->installed.outcome = (uint8_t)install(self, now, slot, out);
}

static void checkpointer_receive(void *role, wire_time now, const struct wire_message *message,
                                 struct smr_out *out)
{
    struct checkpointer *self = role;
    assert(message->sender.replica == self->self.replica); /* siblings only */
    switch (message->type) {
    case WIRE_MESSAGE_CHECKPOINT:
        receive_checkpoint(self, now, message, out);
        break;
    case WIRE_MESSAGE_INSTALL:
        receive_install(self, now, message, out);
        break;
    case WIRE_MESSAGE_FETCH:
        smr_fetch_want(&self->fetch, now, message, out);
        break;
    case WIRE_MESSAGE_SNAPSHOT_DENIED:
        smr_fetch_denied(&self->fetch, now, message, out);
        break;
    default:
        assert(message->type == WIRE_MESSAGE_SNAPSHOT);
        smr_fetch_take(&self->fetch, now, message, out);
        break;
    }
}

static void checkpointer_wake(void *role, wire_time now, struct smr_out *out)
{
    smr_fetch_wake(&((struct checkpointer *)role)->fetch, now, out);
}

static wire_time checkpointer_deadline(const void *role)
{
    return ((const struct checkpointer *)role)->fetch.deadline;
}

static void checkpointer_figures(const void *role, wire_time now, struct wire_writer *out)
{
    const struct checkpointer *self = role;
    (void)now;
    smr_fetch_figures(&self->fetch, out);
    smr_counters_figures(&self->counters, "checkpointer", out);
}

static void checkpointer_destroy(void *role)
{
    struct checkpointer *self = role;
    smr_fetch_free(&self->fetch);
    free(self);
}

static wire_slot slot_of_base(const struct smr_base *base)
{
    struct smr_image image = {0};
    struct buf *bytes = base == NULL ? NULL : base->ops->image(base->self);
    if (bytes != NULL && smr_image_decode(buf_span(bytes), &image) != WIRE_OK)
        image.applied = 0; /* the applier will say so and end */
    buf_unref(&bytes);
    return image.applied;
}

static const struct smr_role_ops checkpointer_ops = {
    .name = "checkpointer",
    .receive = checkpointer_receive,
    .wake = checkpointer_wake,
    .deadline = checkpointer_deadline,
    .figures = checkpointer_figures,
    .destroy = checkpointer_destroy,
};

struct smr_role smr_checkpointer_new(const struct smr_config *config, struct smr_machine machine)
{
    struct checkpointer *self = wire_calloc(1, sizeof *self);
    self->self = config->self;
    self->self.role = WIRE_ROLE_CHECKPOINTER;
    self->machine = machine;
    self->saved = slot_of_base(machine.base);
    smr_fetch_init(&self->fetch, config, machine, &self->counters);
    smr_fetch_note_saved(&self->fetch, self->saved);
    return (struct smr_role){.ops = &checkpointer_ops, .self = self};
}

const struct smr_counters *smr_checkpointer_counters(struct smr_role checkpointer)
{
    assert(checkpointer.ops == &checkpointer_ops);
    return &((struct checkpointer *)checkpointer.self)->counters;
}
