/* Sessions of the client core: one per group, opened when the first write to it comes up. See
 * core_inside.h; the servers' side is the session table of smr (Ongaro's thesis, 6.3).
 *
 * Numbers are given in order and their ends come in any order; `ended` has a bit for each number
 * from `lowest` on, and lowest moves over ended ones. The servers keep answers from lowest up and
 * hold all below it for stale, so a number must count as ended only once nobody waits for it. */
#include "client/core_inside.h"

#include <assert.h>

static_assert(WIRE_SESSION_WINDOW <= 64, "a window fits the bits of `ended`");

static bool window_open(const struct group *group)
{
    return group->session != 0 && group->next_number - group->lowest < WIRE_SESSION_WINDOW;
}

static void number_end(struct group *group, uint64_t number)
{
    assert(number >= group->lowest && number < group->next_number);
    group->ended |= UINT64_C(1) << (number - group->lowest);
    while ((group->ended & 1) != 0) {
        group->ended >>= 1;
        group->lowest++;
    }
    assert(group->lowest <= group->next_number);
}

static void open_session(struct client_core *core, struct group *group)
{
    uint8_t *nothing;
    group->opening =
        request_new(core, REQUEST_FOR_OPEN, WIRE_CALL_OPEN, group->id, buf_new(0, &nothing));
    request_enqueue(core, group->opening);
}

void session_advance(struct client_core *core, struct group *group)
{
    struct request *request;
    while ((request = TAILQ_FIRST(&group->waiting)) != NULL && window_open(group)) {
        request->session = group->session;
        request->life = group->life;
        request->number = group->next_number++;
        request->lowest = group->lowest;
        request_enqueue(core, request);
    }
    if (request != NULL && group->session == 0 && group->opening == NULL)
        open_session(core, group);
}

void session_opened(struct client_core *core, struct group *group, uint64_t session)
{
    assert(group->session == 0 && session != 0);
    request_free(core, &group->opening);
    group->session = session;
    group->life++;
    group->next_number = group->lowest = 1;
    group->ended = 0;
    core->counters.sessions++;
}

void session_release(struct client_core *core, const struct request *request)
{
    struct group *group = group_find(core, request->group);
    if (group != NULL && session_is_current(group, request))
        number_end(group, request->number);
}

void session_unnumber(struct client_core *core, struct request *request)
{
    assert(!request->in_doubt);
    session_release(core, request);
    request->session = request->life = request->number = request->lowest = 0;
    /* Answers to what went out under that number mean nothing any more. */
    if (request->first_serial != 0)
        request->first_serial = request->last_serial + 1;
}

void session_gone(struct client_core *core, struct group *group, uint64_t life)
{
    if (group->life == life)
        group->session = 0;
    struct request *request = TAILQ_FIRST(&group->ready);
    while (request != NULL) {
        struct request *next = TAILQ_NEXT(request, link);
        if (request->number != 0 && request->life == life && !request->in_doubt) {
            request_hold(core, request);
            session_unnumber(core, request);
            request_enqueue(core, request);
        }
        request = next;
    }
}

void session_close(struct client_core *core, struct group *group)
{
    if (group->session == 0)
        return;
    uint8_t *nothing;
    struct wire_message *message = group_message(core, group, group->target);
    message->request.kind = WIRE_CALL_CLOSE;
    message->request.session = group->session;
    message->payload = buf_new(0, &nothing);
    group->session = 0;
}
