#include "client/ask.h"

#include <assert.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>

#include "client/link.h"
#include "client/net.h"
#include "wire/say.h"

static void say_notice(void *argument, const char *line)
{
    (void)argument;
    wire_say("%s", line);
}

static enum wire_error ask_once(const struct client_net_config *config,
                                const struct client_ask *ask, struct wire_writer *answer)
{
    struct client_net *net = client_net_new(config);
    uint64_t call = client_net_ask(net, ask);
    assert(call != 0);
    struct client_done done;
    enum client_net_event event = client_net_wait(net, WIRE_NEVER, &done);
    assert(event == CLIENT_NET_DONE && done.call == call);
    enum wire_error error = WIRE_FAILED;
    if (done.outcome == CLIENT_OK) {
        wire_write_raw(answer, buf_span(done.result));
        error = WIRE_OK;
    } else if (done.reason != CLIENT_REASON_TIMEOUT && done.reason != CLIENT_REASON_NO_ROOM) {
        error = WIRE_MALFORMED;
    }
    buf_unref(&done.result);
    client_net_destroy(&net);
    return error;
}

enum wire_error client_ask(const char *const *addresses, size_t count, enum wire_call_kind kind,
                           struct span body, int64_t timeout_ms, struct wire_writer *answer)
{
    struct client_net_config config = {.notice = say_notice};
    struct client_ask ask = {.kind = kind, .body = body};
    config.core.managers = addresses;
    config.core.manager_count = count;
    /* A time-out of 0 would be none. */
    ask.timeout = timeout_ms < 0 ? 0 : timeout_ms * WIRE_MS + 1;
    return ask_once(&config, &ask, answer);
}

enum wire_error client_read_quietly(const char *const *addresses, size_t count, struct span body,
                                    int64_t timeout_ms, struct wire_writer *answer)
{
    struct client_net_config config = {0};
    struct client_ask ask = {.kind = WIRE_CALL_READ, .body = body};
    config.core.managers = addresses;
    config.core.manager_count = count;
    ask.timeout = timeout_ms * WIRE_MS + 1;
    return ask_once(&config, &ask, answer);
}

/* --- status ----------------------------------------------------------------------------------- */

/* One that is asked. */
struct asked {
    char address[WIRE_ADDRESS_TEXT_MAX]; /* where */
    struct client_link *link;            /* NULL: the process was out of sockets */
    bool fresh;                          /* the link was just opened: it is given time to connect */
    bool sent;                           /* in this round: the question has left */
    bool done;                           /* likewise: answered, or given up */
};

struct client_asker {
    struct asked *asked;  /* all of them */
    struct pollfd *polls; /* room for as many */
    size_t count;         /* how many */
    uint64_t tag;         /* of the last round's questions */
};

struct client_asker *client_asker_new(const char *const *addresses, size_t count)
{
    struct client_asker *self = wire_calloc(1, sizeof *self);
    self->asked = wire_calloc(count == 0 ? 1 : count, sizeof *self->asked);
    self->polls = wire_calloc(count == 0 ? 1 : count, sizeof *self->polls);
    self->count = count;
    self->tag = (uint64_t)client_clock();
    for (size_t i = 0; i < count; i++)
        snprintf(self->asked[i].address, sizeof self->asked[i].address, "%s", addresses[i]);
    return self;
}

void client_asker_free(struct client_asker **asker)
{
    struct client_asker *self = *asker;
    *asker = NULL;
    if (self == NULL)
        return;
    for (size_t i = 0; i < self->count; i++)
        client_link_close(&self->asked[i].link, 0);
    free(self->asked);
    free(self->polls);
    free(self);
}

static void begin_round(struct client_asker *self, struct client_status *results)
{
    self->tag++;
    for (size_t i = 0; i < self->count; i++) {
        struct asked *asked = &self->asked[i];
        asked->fresh = asked->link == NULL;
        if (asked->fresh)
            asked->link = client_link_open(asked->address);
        asked->sent = false;
        asked->done = asked->link == NULL;
        results[i].error = WIRE_FAILED;
    }
}

static void take_status(struct asked *asked, uint64_t tag, struct client_status *result)
{
    struct wire_message message;
    while (client_link_receive(asked->link, &message)) {
        if (message.type == WIRE_MESSAGE_STATUS && message.status.tag == tag) {
            wire_writer_clear(&result->figures);
            wire_write_raw(&result->figures, buf_span(message.payload));
            result->sender = message.sender;
            result->error = WIRE_OK;
            asked->done = true;
        }
        wire_message_clear(&message);
    }
}

/* Takes what came and sends the question once the link is up. Afterwards nothing is left to be
 * received, so that the link may be slept on. */
static void ask_status(struct asked *asked, uint64_t tag, struct client_status *result)
{
    bool readable = true;
    while (readable) {
        bool up;
        take_status(asked, tag, result);
        client_link_look(asked->link, &up, &readable);
        if (asked->sent && !up && !readable)
            asked->done = true; /* it went away */
        if (asked->sent || asked->done || !up)
            continue;
        struct wire_message ask = {.type = WIRE_MESSAGE_STATUS_ASK};
        ask.sender.role = WIRE_ROLE_CLIENT;
        ask.status_ask.tag = tag;
        asked->sent = client_link_send(asked->link, &ask);
        readable = true; /* the send may have taken the edge */
    }
}

static void wait_for_any(struct client_asker *self, wire_time until)
{
    nfds_t waiting = 0;
    for (size_t i = 0; i < self->count; i++) {
        if (!self->asked[i].done)
            self->polls[waiting++] = (struct pollfd){
                .fd = client_link_descriptor(self->asked[i].link), .events = POLLIN};
    }
    wire_time left = until - client_clock();
    int ready = poll(self->polls, waiting, left <= 0 ? 0 : (int)(left / WIRE_MS) + 1);
    assert(ready >= 0 || errno == EINTR);
}

/* A question gets an answer within this after the process answers at all: one that cannot be
 * connected to need not be waited for longer, and one that could not be before not at all. */
#define CONNECT_TIME (500 * WIRE_MS)

void client_asker_round(struct client_asker *self, int64_t timeout_ms,
                        struct client_status *results)
{
    wire_time start = client_clock();
    wire_time until = start + timeout_ms * WIRE_MS;
    wire_time connect_until = start + CONNECT_TIME < until ? start + CONNECT_TIME : until;
    begin_round(self, results);
    for (;;) {
        bool waiting = false;
        bool connecting = false;
        for (size_t i = 0; i < self->count; i++) {
            struct asked *asked = &self->asked[i];
            if (!asked->done)
                ask_status(asked, self->tag, &results[i]);
            waiting |= !asked->done && asked->sent;
            connecting |= !asked->done && !asked->sent && asked->fresh;
        }
        wire_time now = client_clock();
        bool connect = connecting && now < connect_until;
        if (now >= until || (!waiting && !connect))
            break;
        wait_for_any(self, connect ? connect_until : until);
    }
}

void client_status_many(const char *const *addresses, size_t count, int64_t timeout_ms,
                        struct client_status *results)
{
    struct client_asker *asker = client_asker_new(addresses, count);
    client_asker_round(asker, timeout_ms, results);
    client_asker_free(&asker);
}

enum wire_error client_status(const char *address, int64_t timeout_ms, struct wire_writer *figures)
{
    struct client_status result = {.error = WIRE_FAILED};
    client_status_many(&address, 1, timeout_ms, &result);
    if (result.error == WIRE_OK)
        wire_write_raw(figures, wire_writer_span(&result.figures));
    wire_writer_free(&result.figures);
    return result.error;
}

/* --- orders ----------------------------------------------------------------------------------- */

/* True: the answer is there. */
static bool take_outcome(struct client_link *link, uint64_t tag, enum wire_admin_outcome *outcome)
{
    struct wire_message message;
    bool found = false;
    while (!found && client_link_receive(link, &message)) {
        found = message.type == WIRE_MESSAGE_ADMIN_DONE && message.admin_done.tag == tag &&
                message.admin_done.outcome < WIRE_ADMIN_OUTCOME_COUNT;
        if (found)
            *outcome = (enum wire_admin_outcome)message.admin_done.outcome;
        wire_message_clear(&message);
    }
    return found;
}

enum wire_error client_give_order(const struct client_order *order, int64_t timeout_ms,
                                  enum wire_admin_outcome *outcome)
{
    struct client_link *link = client_link_open(order->address);
    wire_time until = client_clock() + timeout_ms * WIRE_MS;
    struct wire_message message = {.type = WIRE_MESSAGE_ADMIN};
    message.sender.role = WIRE_ROLE_CLIENT;
    message.sender.cluster = order->cluster;
    message.sender.group = order->group;
    message.admin.tag = (uint64_t)until;
    message.admin.action = (uint8_t)order->action;
    message.admin.replica = order->replica;
    bool sent = false, done = false;
    for (wire_time now = client_clock(); link != NULL && !done && now < until;
         now = client_clock()) {
        bool up, readable;
        done = take_outcome(link, message.admin.tag, outcome);
        client_link_look(link, &up, &readable);
        if (!sent && up) {
            sent = client_link_send(link, &message);
        } else if (!done && !readable) {
            struct pollfd news = {.fd = client_link_descriptor(link), .events = POLLIN};
            poll(&news, 1, (int)((until - now) / WIRE_MS) + 1);
        }
    }
    client_link_close(&link, 0);
    return done ? WIRE_OK : WIRE_FAILED;
}
