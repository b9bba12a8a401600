#include "tools/monitor/gather.h"

#include <assert.h>
#include <stdlib.h>

/* NULL: *map is there. Else why not. */
static const char *ask_map(const char *const *managers, size_t count, struct wire_map *map)
{
    const char *problem = NULL;
    struct wire_writer body = {0}, answer = {0};
    enum wire_map_verdict verdict = WIRE_MAP_OK;
    wire_map_call_encode(&(struct wire_map_call){.op = WIRE_MAP_GET}, &body);
    enum wire_error error = client_ask(managers, count, WIRE_CALL_READ, wire_writer_span(&body),
                                       GATHER_MAP_MS, &answer);
    if (error == WIRE_OK)
        error = wire_map_answer_decode(wire_writer_span(&answer), &verdict, map);
    if (error == WIRE_FAILED)
        problem = "they do not say who the servers are";
    else if (error != WIRE_OK)
        problem = "what they say of the servers makes no sense";
    else if (verdict == WIRE_MAP_NOT_FOUNDED)
        problem = "no cluster is founded yet";
    wire_writer_free(&body);
    wire_writer_free(&answer);
    return problem;
}

static void ask_status(const struct picture_plan *plan, struct client_status *answers)
{
    size_t count = plan->manager_count + plan->server_count;
    for (size_t first = 0; first < count; first += GATHER_AT_ONCE) {
        size_t left = count - first;
        client_status_many(plan->addresses + first, left < GATHER_AT_ONCE ? left : GATHER_AT_ONCE,
                           GATHER_STATUS_MS, answers + first);
    }
}

static struct picture *ask_all(const struct picture_plan *plan)
{
    size_t count = plan->manager_count + plan->server_count;
    struct client_status *answers = wire_calloc(count, sizeof *answers);
    ask_status(plan, answers);
    struct picture *picture = picture_new(plan, answers);
    for (size_t i = 0; i < count; i++)
        wire_writer_free(&answers[i].figures);
    free(answers);
    return picture;
}

struct picture *gather_picture(const struct gather_targets *targets)
{
    struct wire_map map = {0};
    struct picture_plan plan = {0};
    assert(targets->count <= WIRE_SERVER_COUNT_MAX);
    plan.addresses = wire_calloc(targets->count + WIRE_SERVER_COUNT_MAX, sizeof *plan.addresses);
    for (size_t i = 0; i < targets->count; i++)
        plan.addresses[i] = targets->addresses[i].text;
    if (targets->managers) {
        plan.manager_count = targets->count;
        plan.map_problem = ask_map(plan.addresses, targets->count, &map);
        plan.server_count = map.server_count;
        plan.server_rf = map.server_rf;
        plan.cluster = map.cluster;
    } else {
        plan.server_count = targets->count;
    }
    for (size_t i = 0; i < map.server_count; i++)
        plan.addresses[plan.manager_count + i] = map.servers[i].address;
    struct picture *picture = ask_all(&plan);
    free(plan.addresses);
    wire_map_free(&map);
    return picture;
}
