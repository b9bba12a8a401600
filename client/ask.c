#include "client/ask.h"

#include <assert.h>
#include <errno.h>
#include <poll.h>
#include <stdlib.h>

#include "client/link.h"
#include "client/net.h"
#include "wire/say.h"

static void say_notice(void *argument, const char *line)
{
    (void)argument;
    wire_say("%s", line);
}

enum wire_error client_ask(const char *const *addresses, size_t count, enum wire_call_kind kind,
                           struct span body, int64_t timeout_ms, struct wire_writer *answer)
{
    struct client_net_config config = {.notice = say_notice};
    config.core.managers = addresses;
    config.core.manager_count = count;
    struct client_net *net = client_net_new(&config);
    struct client_ask ask = {.kind = kind, .body = body};
    /* A time-out of 0 would be none. */
    ask.timeout = timeout_ms < 0 ? 0 : timeout_ms * WIRE_MS + 1;
    uint64_t call = client_net_ask(net, &ask);
    assert(call != 0);
    struct client_done done;
    enum client_net_event event = client_net_wait(net, WIRE_NEVER, &done);
    assert(event == CLIENT_NET_DONE && done.call == call);
    enum wire_error error = WIRE_FAILED;
    if (done.outcome == CLIENT_OK) {
        wire_write_raw(answer, buf_span(done.result));
        error = WIRE_OK;
    } else if (done.reason != CLIENT_REASON_TIMEOUT) {
        error = WIRE_MALFORMED;
    }
    buf_unref(&done.result);
    client_net_destroy(&net);
    return error;
}

/* --- status ----------------------------------------------------------------------------------- */

/* One that was asked. */
struct asked {
    struct client_link *link; /* NULL once it is done with */
    bool sent;                /* the question has left */
};

static void finish(struct asked *asked, struct client_status *result, enum wire_error error)
{
    result->error = error;
    client_link_close(&asked->link, 0);
}

static void take_status(struct asked *asked, uint64_t tag, struct client_status *result)
{
    struct wire_message message;
    while (asked->link != NULL && client_link_receive(asked->link, &message)) {
        if (message.type == WIRE_MESSAGE_STATUS && message.status.tag == tag) {
            wire_writer_clear(&result->figures);
            wire_write_raw(&result->figures, buf_span(message.payload));
            result->sender = message.sender;
            finish(asked, result, WIRE_OK);
        }
        wire_message_clear(&message);
    }
}

/* One round: sends the question once the link is up, takes the answer. True if it waits for news.
 */
static bool ask_status(struct asked *asked, uint64_t tag, struct client_status *result)
{
    bool readable = true;
    while (asked->link != NULL && readable) {
        bool up;
        take_status(asked, tag, result);
        if (asked->link == NULL)
            break;
        client_link_look(asked->link, &up, &readable);
        if (asked->sent && !up && !readable) {
            finish(asked, result, WIRE_FAILED); /* it went away */
        } else if (!asked->sent && up) {
            struct wire_message ask = {.type = WIRE_MESSAGE_STATUS_ASK};
            ask.sender.role = WIRE_ROLE_CLIENT;
            ask.status_ask.tag = tag;
            asked->sent = client_link_send(asked->link, &ask);
            readable = true; /* the send may have taken the edge */
        }
    }
    return asked->link != NULL;
}

static void wait_for_any(const struct asked *asked, size_t count, struct pollfd *polls,
                         wire_time until)
{
    nfds_t waiting = 0;
    for (size_t i = 0; i < count; i++) {
        if (asked[i].link != NULL)
            polls[waiting++] =
                (struct pollfd){.fd = client_link_descriptor(asked[i].link), .events = POLLIN};
    }
    wire_time left = until - client_clock();
    int ready = poll(polls, waiting, left <= 0 ? 0 : (int)(left / WIRE_MS) + 1);
    assert(ready >= 0 || errno == EINTR);
}

/* A question gets an answer within this after the process answers at all: one that cannot be
 * connected to need not be waited for longer. */
#define CONNECT_TIME (500 * WIRE_MS)

void client_status_many(const char *const *addresses, size_t count, int64_t timeout_ms,
                        struct client_status *results)
{
    wire_time start = client_clock();
    wire_time until = start + timeout_ms * WIRE_MS;
    wire_time connect_until = start + CONNECT_TIME < until ? start + CONNECT_TIME : until;
    uint64_t tag = (uint64_t)start;
    struct asked *asked = wire_calloc(count, sizeof *asked);
    struct pollfd *polls = wire_calloc(count, sizeof *polls);
    for (size_t i = 0; i < count; i++) {
        asked[i].link = client_link_open(addresses[i]);
        results[i].error = WIRE_FAILED;
    }
    for (;;) {
        bool waiting = false;
        bool connecting = false;
        for (size_t i = 0; i < count; i++) {
            bool waits = asked[i].link != NULL && ask_status(&asked[i], tag, &results[i]);
            waiting |= waits && asked[i].sent;
            connecting |= waits && !asked[i].sent;
        }
        wire_time now = client_clock();
        bool connect = connecting && now < connect_until;
        if (now >= until || (!waiting && !connect))
            break;
        wait_for_any(asked, count, polls, connect ? connect_until : until);
    }
    for (size_t i = 0; i < count; i++)
        client_link_close(&asked[i].link, 0);
    free(asked);
    free(polls);
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
