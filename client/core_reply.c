/* Answers, by status. See core_inside.h and enum wire_status.
 *
 * An answer that belongs to an earlier send counts only if it is the result itself. Refusals of
 * earlier sends are dropped: such a send left the request in doubt, and nothing takes that back. */
#include "client/core_inside.h"

#include <assert.h>

/* What an answer is about. */
struct answer {
    struct group *group;                /* who gave it */
    struct request *request;            /* to what */
    wire_replica from;                  /* which replica */
    bool last;                          /* to the last send, of which nothing was known yet */
    const struct wire_message *message; /* itself */
};

static struct span payload_of(const struct answer *answer)
{
    const struct buf *payload = answer->message->payload;
    return payload == NULL || payload->size == 0 ? span_text("") : buf_span(payload);
}

/* Sends the request again after a pause; `to` as of group_retreat. */
static void again(struct client_core *core, const struct answer *answer, wire_replica to,
                  enum client_trouble trouble)
{
    group_retreat(core, answer->group, answer->request->epoch, to, trouble);
    request_enqueue(core, answer->request);
}

/* --- OK --------------------------------------------------------------------------------------- */

static void bad_answer(struct client_core *core, struct call *call, struct request *request)
{
    core->counters.malformed++;
    /* It was applied, in some way. */
    request->in_doubt = request_changes(request);
    call_fail(core, call, CLIENT_REASON_BAD_ANSWER);
}

static void ok_call(struct client_core *core, const struct answer *answer)
{
    struct call *call = answer->request->call;
    struct wire_kv_answer result;
    if (wire_kv_answer_decode(call->op, payload_of(answer), &result) != WIRE_OK ||
        (call->op != WIRE_KV_GET && call->op != WIRE_KV_SWAP && result.value.size != 0)) {
        bad_answer(core, call, answer->request);
        return;
    }
    struct client_done done = {.found = result.found, .value = result.value};
    done.result = buf_ref(answer->message->payload);
    call_end(core, call, CLIENT_OK, CLIENT_REASON_NONE, &done);
}

static void ok_page(struct client_core *core, const struct answer *answer)
{
    struct call *call = answer->request->call;
    if (!scan_page(core, answer->request, payload_of(answer), answer->message->payload))
        bad_answer(core, call, answer->request);
}

static void ok_open(struct client_core *core, const struct answer *answer)
{
    uint64_t session = answer->message->reply.session;
    if (session != 0) {
        session_opened(core, answer->group, session);
        return;
    }
    core->counters.malformed++;
    if (answer->last)
        again(core, answer, WIRE_NO_REPLICA, CLIENT_TROUBLE_STRANGE);
}

static void ok_ask(struct client_core *core, const struct answer *answer)
{
    struct client_done done = {.result = buf_ref(answer->message->payload)};
    call_end(core, answer->request->call, CLIENT_OK, CLIENT_REASON_NONE, &done);
}

static void on_ok(struct client_core *core, const struct answer *answer)
{
    core->counters.late += !answer->last;
    if (answer->request->purpose == REQUEST_FOR_MAP) {
        route_map_answer(core, answer->request, payload_of(answer));
        return;
    }
    group_well(answer->group);
    if (answer->request->purpose == REQUEST_FOR_ASK) {
        ok_ask(core, answer);
        return;
    }
    core->wrong_groups = 0;
    if (answer->request->purpose == REQUEST_FOR_CALL)
        ok_call(core, answer);
    else if (answer->request->purpose == REQUEST_FOR_PAGE)
        ok_page(core, answer);
    else
        ok_open(core, answer);
}

/* --- refusals --------------------------------------------------------------------------------- */

/* NOT_LEADER and IN_DOUBT: elsewhere, at once if the hint is news. */
static void on_elsewhere(struct client_core *core, const struct answer *answer)
{
    bool in_doubt = answer->message->reply.status == WIRE_STATUS_IN_DOUBT;
    if (answer->last && group_shun(core, answer->group, answer->request))
        return;
    wire_replica leader = answer->message->reply.leader;
    struct wire_ballot ballot = answer->message->reply.ballot;
    bool followed = group_follow(core, answer->group, answer->from, leader, ballot);
    wire_replica next = group_hinted(answer->group, answer->from, leader, ballot);
    core->counters.hints_ignored += !followed;
    core->counters.in_doubt += in_doubt;
    if (!answer->last) {
        core->counters.duplicates++;
        return;
    }
    if (in_doubt && request_changes(answer->request))
        answer->request->in_doubt = true;
    if (followed)
        request_enqueue(core, answer->request);
    else
        again(core, answer, next, in_doubt ? CLIENT_TROUBLE_IN_DOUBT : CLIENT_TROUBLE_NO_LEADER);
}

static void on_overload(struct client_core *core, const struct answer *answer)
{
    bool full = answer->message->reply.status == WIRE_STATUS_FULL;
    core->counters.full += full;
    core->counters.busy += !full;
    if (group_shun(core, answer->group, answer->request))
        return;
    again(core, answer, answer->from, full ? CLIENT_TROUBLE_FULL : CLIENT_TROUBLE_BUSY);
}

/* The session has ended, by count, size or age. What was never in doubt may go on under a new one.
 */
static void on_gone(struct client_core *core, const struct answer *answer)
{
    struct request *request = answer->request;
    core->counters.gone++;
    if (session_is_current(answer->group, request)) /* else the next one is on its way already */
        group_retreat(core, answer->group, request->epoch, answer->from, CLIENT_TROUBLE_SESSION);
    request_hold(core, request);
    session_gone(core, answer->group, request->life);
    if (request->in_doubt) {
        call_fail(core, request->call, CLIENT_REASON_SESSION_GONE);
        return;
    }
    session_unnumber(core, request);
    request_enqueue(core, request);
}

static void on_stale(struct client_core *core, const struct answer *answer)
{
    group_well(answer->group);
    answer->request->in_doubt = true;
    call_fail(core, answer->request->call, CLIENT_REASON_STALE);
}

/* MALFORMED and WRONG_GROUP. */
static void on_misfit(struct client_core *core, const struct answer *answer)
{
    struct request *request = answer->request;
    bool wrong_group = answer->message->reply.status == WIRE_STATUS_WRONG_GROUP;
    core->counters.wrong_group += wrong_group;
    core->counters.malformed += !wrong_group;
    if (request->call == NULL) {
        /* Whoever knows neither OPEN nor MAP is not who we look for. */
        again(core, answer, WIRE_NO_REPLICA, CLIENT_TROUBLE_STRANGE);
        return;
    }
    request_hold(core, request);
    if (wrong_group)
        route_wrong_group(core, request);
    else
        call_fail(core, request->call, CLIENT_REASON_REFUSED);
}

void reply_handle(struct client_core *core, struct request *request, wire_replica from, bool last,
                  const struct wire_message *message)
{
    const struct answer answer = {group_find(core, request->group), request, from, last, message};
    enum wire_status status = (enum wire_status)message->reply.status;
    bool elsewhere = status == WIRE_STATUS_NOT_LEADER || status == WIRE_STATUS_IN_DOUBT;
    bool of_session = status == WIRE_STATUS_GONE || status == WIRE_STATUS_STALE;
    if (status >= WIRE_STATUS_COUNT || (of_session && request->kind != WIRE_CALL_WRITE)) {
        core->counters.malformed++; /* the send will time out */
    } else if (status == WIRE_STATUS_OK) {
        on_ok(core, &answer);
    } else if (elsewhere) {
        on_elsewhere(core, &answer);
    } else if (!last) {
        core->counters.duplicates++;
    } else if (status == WIRE_STATUS_BUSY || status == WIRE_STATUS_FULL) {
        on_overload(core, &answer);
    } else if (status == WIRE_STATUS_GONE) {
        on_gone(core, &answer);
    } else if (status == WIRE_STATUS_STALE) {
        on_stale(core, &answer);
    } else {
        on_misfit(core, &answer);
    }
}
