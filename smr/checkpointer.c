#include "smr/checkpointer.h"

#include <stdlib.h>

struct checkpointer {
    struct wire_sender self;    /* how it signs */
    struct smr_machine machine; /* whose frozen state it saves */
};

static void checkpointer_receive(void *role, wire_time now, const struct wire_message *message,
                                 struct smr_out *out)
{
    struct checkpointer *self = role;
    (void)now;
    assert(message->type == WIRE_MESSAGE_CHECKPOINT &&
           message->sender.replica == self->self.replica);
    enum wire_error outcome =
        self->machine.ops->save(self->machine.self, buf_span(message->payload));
    struct wire_message *m = smr_out_send(out, SMR_SEND, &self->self, WIRE_MESSAGE_CHECKPOINTED,
                                          WIRE_ROLE_APPLIER, self->self.replica);
    m->checkpointed.slot = message->checkpoint.slot;
    m->checkpointed.outcome = (uint8_t)outcome;
}

static void checkpointer_wake(void *role, wire_time now, struct smr_out *out)
{
    (void)role;
    (void)now;
    (void)out;
}

static wire_time checkpointer_deadline(const void *role)
{
    (void)role;
    return WIRE_NEVER;
}

static void checkpointer_figures(const void *role, wire_time now, struct wire_writer *out)
{
    (void)role; /* the applier tells of checkpoints */
    (void)now;
    (void)out;
}

static void checkpointer_destroy(void *role)
{
    free(role);
}

struct smr_role smr_checkpointer_new(const struct smr_config *config, struct smr_machine machine)
{
    static const struct smr_role_ops ops = {
        .name = "checkpointer",
        .receive = checkpointer_receive,
        .wake = checkpointer_wake,
        .deadline = checkpointer_deadline,
        .figures = checkpointer_figures,
        .destroy = checkpointer_destroy,
    };
    struct checkpointer *self = wire_calloc(1, sizeof *self);
    self->self = config->self;
    self->self.role = WIRE_ROLE_CHECKPOINTER;
    self->machine = machine;
    return (struct smr_role){.ops = &ops, .self = self};
}
