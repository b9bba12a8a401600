#include "server/courier.h"

#include <stdlib.h>
#include "client/core.h"
#include "wire/figures.h"

#define COURIER_TRY SMR_CHAIN_PULSE            /* then another manager is asked */
#define COURIER_PATIENCE (3 * SMR_CHAIN_PULSE) /* with a question */
static_assert(COURIER_PATIENCE > COURIER_TRY, "a question does not end with who does not answer it");
#define COURIER_OPEN_MAX 8 /* questions under way; more: dropped, and the forwarder asks again */

struct courier {
    struct wire_sender self;   /* how it signs towards the forwarder */
    struct client_core *core;  /* finds the manager that leads */
    struct client_out effects; /* of the core */
    struct {
        uint64_t call;         /* the core's name for it; 0: free place */
        uint64_t number;       /* the forwarder's */
    } open[COURIER_OPEN_MAX];
    uint64_t questions, answers, dropped; /* so far */
};

static void answer(struct courier *self, const struct client_done *done, struct smr_out *out)
{
    for (int i = 0; i < COURIER_OPEN_MAX; i++) {
        if (self->open[i].call != done->call)
            continue;
        self->open[i].call = 0;
        if (done->outcome != CLIENT_OK || done->result == NULL) {
            self->dropped++;
            return;
        }
        self->answers++;
        struct wire_message *m = smr_out_send(out, SMR_SEND, &self->self, WIRE_MESSAGE_VIEW,
                                              WIRE_ROLE_PROPOSER, self->self.replica);
        m->view.number = self->open[i].number;
        m->payload = buf_ref(done->result);
        return;
    }
}

static void carry_out(struct courier *self, struct smr_out *out)
{
    for (size_t i = 0; i < self->effects.count; i++) {
        struct client_effect *effect = &self->effects.effects[i];
        if (effect->kind == CLIENT_DONE) {
            answer(self, &effect->done, out);
            continue;
        }
        struct wire_message *m =
            smr_out_send(out, SMR_SEND, &effect->message.sender, WIRE_MESSAGE_REQUEST,
                         WIRE_ROLE_MANAGER, effect->to.replica);
        *m = effect->message;
        buf_ref(m->payload);
    }
    client_out_clear(&self->effects);
}

static void ask(struct courier *self, wire_time now, const struct wire_message *m)
{
    int place = 0;
    while (place < COURIER_OPEN_MAX && self->open[place].call != 0)
        place++;
    self->questions++;
    if (place == COURIER_OPEN_MAX) {
        self->dropped++;
        return;
    }
    struct client_ask question = {
        .kind = WIRE_CALL_READ, .body = buf_span(m->payload), .timeout = COURIER_PATIENCE};
    uint64_t call = client_core_ask(self->core, now, &question, &self->effects);
    assert(call != 0);
    self->open[place].call = call;
    self->open[place].number = m->pulse.number;
}

static void courier_receive(void *role, wire_time now, const struct wire_message *m,
                            struct smr_out *out)
{
    struct courier *self = role;
    if (m->type == WIRE_MESSAGE_PULSE && m->sender.role == WIRE_ROLE_PROPOSER) {
        ask(self, now, m);
    } else {
        struct client_endpoint from = {WIRE_GROUP_MANAGERS, m->sender.replica};
        client_core_receive(self->core, now, from, m, &self->effects);
    }
    carry_out(self, out);
}

static void courier_wake(void *role, wire_time now, struct smr_out *out)
{
    struct courier *self = role;
    client_core_wake(self->core, now, &self->effects);
    carry_out(self, out);
}

static wire_time courier_deadline(const void *role)
{
    return client_core_deadline(((const struct courier *)role)->core);
}

static void courier_figures(const void *role, wire_time now, struct wire_writer *out)
{
    const struct courier *self = role;
    (void)now;
    wire_figure_number(out, "courier.questions", self->questions);
    wire_figure_number(out, "courier.answers", self->answers);
    wire_figure_number(out, "courier.dropped", self->dropped);
}

static void courier_destroy(void *role)
{
    struct courier *self = role;
    client_core_destroy(&self->core);
    client_out_free(&self->effects);
    free(self);
}

struct smr_role courier_new(const struct smr_config *config, const char *const *managers,
                            size_t manager_count)
{
    static const struct smr_role_ops ops = {
        .name = "courier",
        .receive = courier_receive,
        .wake = courier_wake,
        .deadline = courier_deadline,
        .figures = courier_figures,
        .destroy = courier_destroy,
    };
    struct courier *self = wire_calloc(1, sizeof *self);
    const struct client_core_config core = {.managers = managers,
                                            .manager_count = manager_count,
                                            .seed = config->seed,
                                            .try_timeout = COURIER_TRY};
    self->self = config->self;
    self->self.role = WIRE_ROLE_COURIER;
    self->core = client_core_new(&core);
    return (struct smr_role){.ops = &ops, .self = self};
}
