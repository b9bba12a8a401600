#include "smr/api.h"

#include <stdlib.h>
#include "smr/events.h"
#include "wire/batch.h"
#include "wire/figures.h"
#include "wire/histogram.h"

enum {
    STATUS_ASKS_MAX = 16,           /* clients waiting for STATUS; more: dropped, they ask again */
    STATUS_SIBLINGS = 6,            /* actors whose figures are put together */
    STATUS_PATIENCE_MS = 300,       /* after that an answer without a sibling that is stuck */
    ORDER_PATIENCE_MS = 5000,       /* likewise of an order; longer than a hand-over may take */
};

#define BUSY_SAID (10 * WIRE_SECOND) /* being overloaded is an event at most that often */
/* Of the overseer's own command: no place in the table has so high an index. */
#define OVERSEER_TAG UINT32_MAX

/* A call that was handed on. Its tag is generation << 32 | index in the table, so that a late answer
 * to an earlier call in the same place is told apart. */
struct call {
    uint32_t generation;       /* of this place, counts up */
    bool open;                 /* waiting for its answer */
    bool read;                 /* changes nothing: never in doubt */
    uint8_t operation;         /* index into self->took; SMR_OPERATIONS_MAX: not measured */
    wire_time taken_at;        /* when it came in */
    uint32_t next_free;        /* index of the next free place */
    size_t bytes;              /* charged against WIRE_API_BYTES_MAX */
    struct wire_client client; /* who asked */
    uint64_t client_tag;       /* under which name */
};

struct status_ask {
    bool open;                 /* waiting for siblings */
    uint64_t tag;              /* our name for it */
    unsigned answers;          /* siblings that answered */
    wire_time deadline;        /* then without the others */
    struct wire_client client; /* who asked */
    uint64_t client_tag;       /* under which name */
    struct wire_writer text;   /* figures so far */
};

/* An order of an operator on its way: one at a time. */
struct order {
    bool open;                 /* waiting for the sibling it was handed to */
    uint64_t tag;              /* our name for it, counts up */
    wire_time deadline;        /* then it came to nothing */
    struct wire_client client; /* who gave it */
    uint64_t client_tag;       /* under which name */
};

struct api {
    struct wire_sender self;                  /* how it signs */
    const struct smr_machine_ops *machine;    /* judges a body by its bytes */
    bool reads_through_log;                   /* order reads like writes */
    bool allow_admin;                         /* orders are taken */
    bool leading;                             /* may calls be handed on */
    bool leaving;                             /* this process is ending */
    bool reads_here;                          /* may reads, although it does not lead */
    enum wire_protocol protocol;              /* how the group agrees */
    struct smr_overseer overseer;             /* ops NULL: none */
    bool wish_open;                           /* a command of the overseer is under way */
    uint32_t wish_number;                     /* which: counts up; the upper half of its tag */
    struct wire_ballot leader;                /* newest leader known, none: round 0 */
    struct call calls[WIRE_API_CALLS_MAX];    /* open ones and a free list */
    uint32_t first_free;                      /* index, or WIRE_API_CALLS_MAX */
    size_t open_count;                        /* open calls */
    size_t open_count_max;                    /* more: BUSY */
    size_t open_bytes;                        /* their bytes */
    wire_time pressed_until;                  /* no writes before: too much is in no checkpoint */
    struct status_ask asks[STATUS_ASKS_MAX];  /* STATUS in the making */
    uint64_t status_tag;                      /* last used */
    struct order order;                       /* the one in the making */
    struct wire_writer scratch;               /* for encoding entries */
    struct wire_histogram took[SMR_OPERATIONS_MAX]; /* from taking a call to answering it, by operation */
    struct wire_histogram apply_us;           /* from the applier's taking a call to the answer's leaving */
    struct smr_events events;                 /* what happened lately */
    struct smr_counters counters;
};

static const char *const plain_operations[] = {"write", "read", NULL};

static const char *const *operations_of(const struct api *self)
{
    return self->machine->operation == NULL ? plain_operations : self->machine->operations;
}

static unsigned operation_of(const struct api *self, const struct wire_message *m)
{
    bool measured = m->request.kind == WIRE_CALL_WRITE || m->request.kind == WIRE_CALL_READ ||
                    m->request.kind == WIRE_CALL_PLAIN;
    unsigned operation = m->request.kind == WIRE_CALL_READ;
    if (measured && self->machine->operation != NULL)
        operation = self->machine->operation(buf_span(m->payload));
    return measured && operation < SMR_OPERATIONS_MAX ? operation : SMR_OPERATIONS_MAX;
}

/* --- answers ------------------------------------------------------------------------------------ */

static void reply(struct api *self, struct smr_out *out, const struct wire_client *client,
                  uint64_t client_tag, enum wire_status status, uint64_t session,
                  struct buf *payload)
{
    struct wire_message *m =
        smr_out_send(out, SMR_SEND, &self->self, WIRE_MESSAGE_REPLY, WIRE_ROLE_CLIENT, 0);
    m->client = *client;
    m->reply.tag = client_tag;
    m->reply.status = (uint8_t)status;
    m->reply.leader = ballot_is_none(self->leader) ? WIRE_NO_REPLICA : self->leader.replica;
    m->reply.ballot = self->leader;
    m->reply.session = session;
    m->payload = payload == NULL ? buf_copy(span_of(NULL, 0)) : buf_ref(payload);
    if (status == WIRE_STATUS_OK)
        self->counters.replies++;
}

static void close_call(struct api *self, struct call *call)
{
    assert(call->open);
    call->open = false;
    call->generation++;
    call->next_free = self->first_free;
    self->first_free = (uint32_t)(call - self->calls);
    self->open_count--;
    self->open_bytes -= call->bytes;
}

/* The open call of that tag, or NULL if nobody waits for it any more. */
static struct call *find_call(struct api *self, uint64_t tag)
{
    uint32_t index = (uint32_t)tag;
    if (index >= WIRE_API_CALLS_MAX)
        return NULL;
    struct call *call = &self->calls[index];
    return call->open && call->generation == (uint32_t)(tag >> 32) ? call : NULL;
}

static void answer_call(struct api *self, uint64_t tag, enum wire_status status, uint64_t session,
                        struct buf *payload, struct smr_out *out)
{
    struct call *call = find_call(self, tag);
    if (call == NULL) {
        self->counters.results_unclaimed++;
        return;
    }
    reply(self, out, &call->client, call->client_tag, status, session, payload);
    close_call(self, call);
}

static void measure(struct api *self, wire_time now, const struct wire_message *m)
{
    const struct call *call = find_call(self, m->result.tag);
    if (call == NULL || m->result.status != WIRE_STATUS_OK)
        return;
    if (call->operation < SMR_OPERATIONS_MAX)
        wire_histogram_add(&self->took[call->operation], now - call->taken_at);
    if (m->result.at != 0)
        wire_histogram_add(&self->apply_us, now - (wire_time)m->result.at);
}

/* --- requests ----------------------------------------------------------------------------------- */

static bool body_fits(const struct api *self, enum wire_call_kind kind, struct span body)
{
    switch (kind) {
    case WIRE_CALL_OPEN:
    case WIRE_CALL_CLOSE:
        return body.size == 0;
    case WIRE_CALL_WRITE:
        return self->machine->classify(body) == SMR_BODY_COMMAND;
    case WIRE_CALL_READ:
        return self->machine->classify(body) == SMR_BODY_QUERY;
    case WIRE_CALL_PLAIN:
        return self->machine->classify(body) == SMR_BODY_PLAIN;
    default:
        return false;
    }
}

/* Whether the client means this group. */
static bool means_us(const struct api *self, const struct wire_message *m)
{
    return m->sender.group == self->self.group &&
           (m->sender.cluster == 0 || m->sender.cluster == self->self.cluster ||
            self->self.group == WIRE_GROUP_MANAGERS);
}

/* WIRE_STATUS_OK: it may be handed on. */
static enum wire_status judge(const struct api *self, wire_time now, const struct wire_message *m)
{
    if (!means_us(self, m))
        return WIRE_STATUS_WRONG_GROUP;
    if (m->request.kind >= WIRE_CALL_KINDS || buf_span(m->payload).size > WIRE_COMMAND_BYTES_MAX ||
        !body_fits(self, (enum wire_call_kind)m->request.kind, buf_span(m->payload)))
        return WIRE_STATUS_MALFORMED;
    bool here = self->leading || (self->reads_here && m->request.kind == WIRE_CALL_READ &&
                                  !self->reads_through_log);
    if (!here)
        return WIRE_STATUS_NOT_LEADER;
    if (self->open_count >= self->open_count_max ||
        self->open_bytes + m->payload->size > WIRE_API_BYTES_MAX ||
        (m->request.kind == WIRE_CALL_WRITE && now < self->pressed_until))
        return WIRE_STATUS_BUSY;
    return WIRE_STATUS_OK;
}

static uint64_t open_call(struct api *self, wire_time now, const struct wire_message *m)
{
    uint32_t index = self->first_free;
    struct call *call = &self->calls[index];
    self->first_free = call->next_free;
    call->open = true;
    call->read = m->request.kind == WIRE_CALL_READ;
    call->operation = (uint8_t)operation_of(self, m);
    call->taken_at = now;
    call->bytes = m->payload->size;
    call->client = m->client;
    call->client_tag = m->request.tag;
    self->open_count++;
    self->open_bytes += call->bytes;
    return (uint64_t)call->generation << 32 | index;
}

static void submit(struct api *self, wire_time now, uint64_t tag, const struct wire_message *m,
                   struct smr_out *out)
{
    struct wire_command command = {
        .kind = (enum wire_call_kind)m->request.kind,
        .tag = tag,
        .session = m->request.session,
        .number = m->request.number,
        .lowest = m->request.lowest,
        .body = buf_span(m->payload),
    };
    wire_writer_clear(&self->scratch);
    wire_command_encode(&command, &self->scratch);
    struct wire_message *s = smr_out_send(out, SMR_SEND, &self->self, WIRE_MESSAGE_SUBMIT,
                                          WIRE_ROLE_PROPOSER, self->self.replica);
    s->submit.tag = tag;
    s->submit.at = (uint64_t)now;
    s->payload = wire_writer_take(&self->scratch);
}

static void note_busy(struct api *self, wire_time now)
{
    const struct smr_event *last = smr_events_last(&self->events);
    if (last == NULL || now - last->at >= BUSY_SAID)
        smr_events_add_number(&self->events, now, SMR_EVENT_BUSY, self->open_count);
}

static void receive_request(struct api *self, wire_time now, const struct wire_message *m,
                            struct smr_out *out)
{
    self->counters.requests++;
    enum wire_status status = judge(self, now, m);
    if (status != WIRE_STATUS_OK) {
        self->counters.requests_refused++;
        if (status == WIRE_STATUS_BUSY)
            note_busy(self, now);
        reply(self, out, &m->client, m->request.tag, status, 0, NULL);
        return;
    }
    uint64_t tag = open_call(self, now, m);
    if (m->request.kind == WIRE_CALL_READ && self->overseer.ops != NULL)
        self->overseer.ops->asked(self->overseer.self, now, buf_span(m->payload));
    if (m->request.kind == WIRE_CALL_READ && !self->reads_through_log) {
        struct wire_message *s = smr_out_send(out, SMR_SEND, &self->self, WIRE_MESSAGE_READ,
                                              WIRE_ROLE_PROPOSER, self->self.replica);
        s->read.tag = tag;
        s->read.at = (uint64_t)now;
        s->payload = buf_ref(m->payload);
    } else {
        submit(self, now, tag, m, out);
    }
}

/* --- from the siblings --------------------------------------------------------------------------- */

static void doubt_all(struct api *self, struct smr_out *out)
{
    for (uint32_t i = 0; i < WIRE_API_CALLS_MAX && self->open_count > 0; i++) {
        struct call *call = &self->calls[i];
        if (!call->open)
            continue;
        self->counters.calls_in_doubt++;
        reply(self, out, &call->client, call->client_tag,
              call->read ? WIRE_STATUS_NOT_LEADER : WIRE_STATUS_IN_DOUBT, 0, NULL);
        close_call(self, call);
    }
}

static void receive_leadership(struct api *self, wire_time now, const struct wire_message *m,
                               struct smr_out *out)
{
    bool same = m->leadership.leading && ballot_equal(self->leader, m->leadership.ballot);
    bool begins = m->leadership.leading && !(self->leading && same);
    bool ends = self->leading && !same;
    self->leading = m->leadership.leading;
    self->reads_here = m->leadership.reads;
    self->leader = m->leadership.ballot;
    if (!same && !m->leadership.answering)
        doubt_all(self, out);
    if (self->overseer.ops != NULL && (begins || ends)) {
        self->wish_open = false;
        self->overseer.ops->lead(self->overseer.self, now, self->leading);
    }
}

/* --- the overseer -------------------------------------------------------------------------------- */

static void oversee(struct api *self, wire_time now, struct smr_out *out)
{
    if (self->overseer.ops == NULL || !self->leading || self->wish_open)
        return;
    struct wire_writer body = {0};
    self->overseer.ops->wish(self->overseer.self, now, &body);
    if (body.size > 0) {
        assert(self->machine->classify(wire_writer_span(&body)) == SMR_BODY_PLAIN);
        struct wire_command command = {.kind = WIRE_CALL_PLAIN,
                                       .tag = (uint64_t)++self->wish_number << 32 | OVERSEER_TAG,
                                       .body = wire_writer_span(&body)};
        wire_writer_clear(&self->scratch);
        wire_command_encode(&command, &self->scratch);
        struct wire_message *s = smr_out_send(out, SMR_SEND, &self->self, WIRE_MESSAGE_SUBMIT,
                                              WIRE_ROLE_PROPOSER, self->self.replica);
        s->submit.tag = command.tag;
        s->submit.at = (uint64_t)now;
        s->payload = wire_writer_take(&self->scratch);
        self->wish_open = true;
    }
    wire_writer_free(&body);
}

static void end_wish(struct api *self, wire_time now, enum wire_status status, struct span answer)
{
    self->wish_open = false;
    self->overseer.ops->done(self->overseer.self, now, status, answer);
}

/* True: the answer is to the overseer's command. */
static bool take_wish(struct api *self, wire_time now, uint64_t tag, enum wire_status status,
                      struct buf *payload)
{
    if ((uint32_t)tag != OVERSEER_TAG)
        return false;
    if (self->wish_open && (uint32_t)(tag >> 32) == self->wish_number) {
        end_wish(self, now, status, buf_span(payload));
    } else {
        self->counters.results_unclaimed++;
    }
    return true;
}

/* Is the answer to be kept back? Then the client is to ask again. */
static bool keep_answer(struct api *self, wire_time now, const struct wire_message *m)
{
    const struct call *call = find_call(self, m->result.tag);
    return self->overseer.ops != NULL && call != NULL && call->read &&
           m->result.status == WIRE_STATUS_OK &&
           !self->overseer.ops->answered(self->overseer.self, now, buf_span(m->payload));
}

static void receive_result(struct api *self, wire_time now, const struct wire_message *m,
                           struct smr_out *out)
{
    enum wire_status status = (enum wire_status)m->result.status;
    if (take_wish(self, now, m->result.tag, status, m->payload))
        return;
    if (keep_answer(self, now, m))
        answer_call(self, m->result.tag, WIRE_STATUS_NOT_LEADER, 0, NULL, out);
    else
        answer_call(self, m->result.tag, status, m->result.session, m->payload, out);
}

/* A snapshot took the place of slots: nobody can tell which open calls were in them, and no other answer
 * comes to those that were. The overseer's command is one of them, or it would wait for ever. */
static void receive_skipped(struct api *self, wire_time now, struct smr_out *out)
{
    doubt_all(self, out);
    if (self->wish_open)
        end_wish(self, now, WIRE_STATUS_IN_DOUBT, span_of(NULL, 0));
}

static void receive_refused(struct api *self, wire_time now, const struct wire_message *m,
                            struct smr_out *out)
{
    struct buf *nothing = buf_copy(span_of(NULL, 0));
    self->counters.requests_refused++;
    if (!take_wish(self, now, m->refused.tag, (enum wire_status)m->refused.status, nothing))
        answer_call(self, m->refused.tag, (enum wire_status)m->refused.status, 0, NULL, out);
    buf_unref(&nothing);
}

/* --- STATUS ------------------------------------------------------------------------------------- */

static void finish_status(struct api *self, struct status_ask *ask, struct smr_out *out)
{
    struct wire_message *m =
        smr_out_send(out, SMR_SEND, &self->self, WIRE_MESSAGE_STATUS, WIRE_ROLE_CLIENT, 0);
    m->client = ask->client;
    m->status.tag = ask->client_tag;
    m->payload = wire_writer_take(&ask->text);
    ask->open = false;
}

static void latency_figures(const struct api *self, struct wire_writer *out)
{
    const char *const *operations = operations_of(self);
    for (int i = 0; i < SMR_OPERATIONS_MAX && operations[i] != NULL; i++) {
        wire_histogram_figures_of(&self->took[i], "op", operations[i], out);
    }
    wire_histogram_figures(&self->apply_us, "stage.apply_us", out);
}

static void own_figures(const struct api *self, wire_time now, struct wire_writer *out)
{
    wire_figure_number(out, "replica.cluster", self->self.cluster);
    wire_figure_number(out, "replica.group", self->self.group);
    wire_figure_number(out, "replica.id", self->self.replica);
    wire_figure_number(out, "replica.birth_generation", self->self.birth.generation);
    wire_figure_number(out, "replica.start", self->self.start);
    wire_figure_text(out, "replica.version", MADKV_VERSION);
    wire_figure_text(out, "replica.protocol", wire_protocol_text(self->protocol));
    wire_figure_number(out, "api.open_calls", self->open_count);
    wire_figure_number(out, "api.open_bytes", self->open_bytes);
    wire_figure_number(out, "api.open_calls_max", self->open_count_max);
    wire_figure_number(out, "api.allow_admin", self->allow_admin);
    if (self->overseer.ops != NULL)
        self->overseer.ops->figures(self->overseer.self, out);
    smr_counters_figures(&self->counters, "api", out);
    latency_figures(self, out);
    smr_events_figures(&self->events, "api", now, out);
}

/* Only a replica of a chain has a courier. */
static unsigned sibling_count(const struct api *self)
{
    return self->protocol == WIRE_PROTOCOL_CHAIN ? STATUS_SIBLINGS : STATUS_SIBLINGS - 1;
}

static void receive_status_ask(struct api *self, wire_time now, const struct wire_message *m,
                               struct smr_out *out)
{
    struct status_ask *ask = NULL;
    for (int i = 0; i < STATUS_ASKS_MAX && ask == NULL; i++) {
        if (!self->asks[i].open)
            ask = &self->asks[i];
    }
    if (ask == NULL) {
        self->counters.requests_refused++;
        return;
    }
    ask->open = true;
    ask->tag = ++self->status_tag;
    ask->answers = 0;
    ask->deadline = now + STATUS_PATIENCE_MS * WIRE_MS;
    ask->client = m->client;
    ask->client_tag = m->status_ask.tag;
    wire_writer_clear(&ask->text);
    own_figures(self, now, &ask->text);
    static const enum wire_role siblings[STATUS_SIBLINGS] = {
        WIRE_ROLE_PROPOSER, WIRE_ROLE_ACCEPTOR, WIRE_ROLE_APPLIER, WIRE_ROLE_CHECKPOINTER,
        WIRE_ROLE_STREAMER, WIRE_ROLE_COURIER};
    for (unsigned i = 0; i < sibling_count(self); i++) {
        struct wire_message *s = smr_out_send(out, SMR_SEND, &self->self, WIRE_MESSAGE_STATUS_ASK,
                                              siblings[i], self->self.replica);
        s->status_ask.tag = ask->tag;
    }
}

static void receive_status(struct api *self, const struct wire_message *m, struct smr_out *out)
{
    for (int i = 0; i < STATUS_ASKS_MAX; i++) {
        struct status_ask *ask = &self->asks[i];
        if (!ask->open || ask->tag != m->status.tag)
            continue;
        wire_write_raw(&ask->text, buf_span(m->payload));
        if (++ask->answers == sibling_count(self))
            finish_status(self, ask, out);
    }
}

/* --- orders ------------------------------------------------------------------------------------- */

static void answer_order(struct api *self, const struct wire_client *client, uint64_t client_tag,
                         enum wire_admin_outcome outcome, struct smr_out *out)
{
    struct wire_message *m =
        smr_out_send(out, SMR_SEND, &self->self, WIRE_MESSAGE_ADMIN_DONE, WIRE_ROLE_CLIENT, 0);
    m->client = *client;
    m->admin_done.tag = client_tag;
    m->admin_done.outcome = (uint8_t)outcome;
    m->admin_done.leader = ballot_is_none(self->leader) ? WIRE_NO_REPLICA : self->leader.replica;
    m->admin_done.ballot = self->leader;
}

/* WIRE_ADMIN_DONE: there is nothing against it. */
static enum wire_admin_outcome judge_order(const struct api *self, const struct wire_message *m)
{
    if (!self->allow_admin)
        return WIRE_ADMIN_NOT_ALLOWED;
    if (m->admin.action >= WIRE_ADMIN_ACTIONS || !means_us(self, m))
        return WIRE_ADMIN_MALFORMED;
    if (m->admin.action != WIRE_ADMIN_CHECKPOINT && !self->leading)
        return WIRE_ADMIN_NOT_LEADER;
    return self->order.open ? WIRE_ADMIN_BUSY : WIRE_ADMIN_DONE;
}

static void receive_order(struct api *self, wire_time now, const struct wire_message *m,
                          struct smr_out *out)
{
    enum wire_admin_outcome outcome = judge_order(self, m);
    if (outcome != WIRE_ADMIN_DONE) {
        self->counters.orders_refused++;
        answer_order(self, &m->client, m->admin.tag, outcome, out);
        return;
    }
    self->counters.orders++;
    self->order = (struct order){.open = true,
                                 .tag = self->order.tag + 1,
                                 .deadline = now + ORDER_PATIENCE_MS * WIRE_MS,
                                 .client = m->client,
                                 .client_tag = m->admin.tag};
    enum wire_role to =
        m->admin.action == WIRE_ADMIN_CHECKPOINT ? WIRE_ROLE_APPLIER : WIRE_ROLE_PROPOSER;
    struct wire_message *s = smr_out_send(out, SMR_SEND, &self->self, WIRE_MESSAGE_ADMIN, to,
                                          self->self.replica);
    s->admin = m->admin;
    s->admin.tag = self->order.tag;
}

static void end_order(struct api *self, enum wire_admin_outcome outcome, struct smr_out *out)
{
    self->order.open = false;
    answer_order(self, &self->order.client, self->order.client_tag, outcome, out);
}

static void receive_order_done(struct api *self, const struct wire_message *m, struct smr_out *out)
{
    if (self->order.open && m->admin_done.tag == self->order.tag)
        end_order(self, (enum wire_admin_outcome)m->admin_done.outcome, out);
    else
        self->counters.results_unclaimed++;
}

/* --- the role ------------------------------------------------------------------------------------ */

static void receive_from_client(struct api *self, wire_time now, const struct wire_message *m,
                                struct smr_out *out)
{
    if (m->type == WIRE_MESSAGE_REQUEST)
        receive_request(self, now, m, out);
    else if (m->type == WIRE_MESSAGE_STATUS_ASK)
        receive_status_ask(self, now, m, out);
    else if (m->type == WIRE_MESSAGE_ADMIN)
        receive_order(self, now, m, out);
    else
        self->counters.senseless_messages++;
}

static void api_receive(void *role, wire_time now, const struct wire_message *m,
                        struct smr_out *out)
{
    struct api *self = role;
    if (m->client.size > 0) { /* came in on the client port, whatever its head claims */
        receive_from_client(self, now, m, out);
        return;
    }
    assert(m->sender.replica == self->self.replica);
    switch (m->type) {
    case WIRE_MESSAGE_RESULT:
        measure(self, now, m);
        receive_result(self, now, m, out);
        break;
    case WIRE_MESSAGE_REFUSED:
        receive_refused(self, now, m, out);
        break;
    case WIRE_MESSAGE_LEADERSHIP:
        receive_leadership(self, now, m, out);
        break;
    case WIRE_MESSAGE_ADMIN_DONE:
        receive_order_done(self, m, out);
        break;
    case WIRE_MESSAGE_SKIPPED:
        receive_skipped(self, now, out);
        break;
    case WIRE_MESSAGE_PRESSURE:
        self->pressed_until = m->pressure.on ? now + WIRE_PRESSURE_MS * WIRE_MS : now;
        break;
    default:
        assert(m->type == WIRE_MESSAGE_STATUS);
        receive_status(self, m, out);
        break;
    }
}

static void api_settle(void *role, wire_time now, struct smr_out *out)
{
    oversee(role, now, out);
}

static void api_wake(void *role, wire_time now, struct smr_out *out)
{
    struct api *self = role;
    for (int i = 0; i < STATUS_ASKS_MAX; i++) {
        if (self->asks[i].open && self->asks[i].deadline <= now)
            finish_status(self, &self->asks[i], out);
    }
    if (self->order.open && self->order.deadline <= now)
        end_order(self, WIRE_ADMIN_FAILED, out);
}

static wire_time api_deadline(const void *role)
{
    const struct api *self = role;
    wire_time deadline = self->overseer.ops == NULL || self->wish_open
                             ? WIRE_NEVER
                             : self->overseer.ops->deadline(self->overseer.self);
    if (self->order.open && self->order.deadline < deadline)
        deadline = self->order.deadline;
    for (int i = 0; i < STATUS_ASKS_MAX; i++) {
        if (self->asks[i].open && self->asks[i].deadline < deadline)
            deadline = self->asks[i].deadline;
    }
    return deadline;
}

/* There is nothing to hand over: it only has to know when it is free to go. */
static void api_leave(void *role, wire_time now, struct smr_out *out)
{
    struct api *self = role;
    (void)now;
    (void)out;
    self->leaving = true;
}

static bool api_left(const void *role)
{
    const struct api *self = role;
    return self->leaving && !self->leading && self->open_count == 0;
}

static void api_figures(const void *role, wire_time now, struct wire_writer *out)
{
    own_figures(role, now, out);
}

static void api_destroy(void *role)
{
    struct api *self = role;
    for (int i = 0; i < STATUS_ASKS_MAX; i++)
        wire_writer_free(&self->asks[i].text);
    wire_writer_free(&self->scratch);
    if (self->overseer.ops != NULL)
        self->overseer.ops->destroy(self->overseer.self);
    free(self);
}

static const struct smr_role_ops api_ops = {
    .name = "api",
    .receive = api_receive,
    .settle = api_settle,
    .wake = api_wake,
    .deadline = api_deadline,
    .leave = api_leave,
    .left = api_left,
    .figures = api_figures,
    .destroy = api_destroy,
};

struct smr_role smr_api_new(const struct smr_config *config, const struct smr_machine_ops *machine)
{
    struct api *self = wire_calloc(1, sizeof *self);
    self->self = config->self;
    self->self.role = WIRE_ROLE_API;
    self->machine = machine;
    self->allow_admin = config->allow_admin;
    self->overseer = config->overseer;
    self->protocol = config->protocol;
    self->reads_through_log = config->reads == SMR_READS_LOG;
    self->open_count_max =
        config->api_calls_max == 0 ? WIRE_API_CALLS_MAX : config->api_calls_max;
    assert(self->open_count_max <= WIRE_API_CALLS_MAX);
    for (uint32_t i = 0; i < WIRE_API_CALLS_MAX; i++)
        self->calls[i].next_free = i + 1;
    return (struct smr_role){.ops = &api_ops, .self = self};
}

const struct smr_counters *smr_api_counters(struct smr_role api)
{
    assert(api.ops == &api_ops);
    return &((struct api *)api.self)->counters;
}

size_t smr_api_open_calls(struct smr_role api)
{
    assert(api.ops == &api_ops);
    return ((struct api *)api.self)->open_count;
}
