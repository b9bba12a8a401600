#include "tools/monitor/gather.h"

#include <assert.h>
#include <stdlib.h>

#include "client/link.h"

struct gather {
    struct wire_address managers[WIRE_REPLICA_COUNT_MAX]; /* as given */
    size_t manager_count;                                 /* how many */
    char (*servers)[WIRE_ADDRESS_TEXT_MAX]; /* as the map says, else as given; owned */
    size_t server_count;                    /* how many */
    uint8_t server_rf;                      /* as the map says; 0: there is none */
    uint64_t cluster;                       /* likewise */
    const char *map_problem;                /* why there is none; NULL: none wanted */
    wire_time map_deadline;                 /* ask again then; WIRE_NEVER: it is there */
    struct client_asker *asker;             /* of all; NULL: made anew each time */
};

static void set_servers(struct gather *self, size_t count)
{
    free(self->servers);
    self->servers = wire_calloc(count == 0 ? 1 : count, sizeof *self->servers);
    self->server_count = count;
    client_asker_free(&self->asker); /* it knows the old ones */
}

struct gather *gather_new(const struct gather_targets *targets)
{
    struct gather *self = wire_calloc(1, sizeof *self);
    assert(targets->manager_count <= WIRE_REPLICA_COUNT_MAX);
    assert(targets->server_count <= WIRE_SERVER_COUNT_MAX);
    self->manager_count = targets->manager_count;
    for (size_t i = 0; i < self->manager_count; i++)
        self->managers[i] = targets->managers[i];
    set_servers(self, targets->server_count);
    for (size_t i = 0; i < self->server_count; i++)
        memcpy(self->servers[i], targets->servers[i].text, WIRE_ADDRESS_TEXT_MAX);
    self->map_deadline = self->manager_count == 0 ? WIRE_NEVER : 0;
    return self;
}

void gather_free(struct gather **gather)
{
    struct gather *self = *gather;
    *gather = NULL;
    if (self == NULL)
        return;
    client_asker_free(&self->asker);
    free(self->servers);
    free(self);
}

/* --- the map ------------------------------------------------------------------------------------
 */

static void take_map(struct gather *self, const struct wire_map *map)
{
    set_servers(self, map->server_count);
    for (size_t i = 0; i < map->server_count; i++)
        memcpy(self->servers[i], map->servers[i].address, WIRE_ADDRESS_TEXT_MAX);
    self->server_rf = map->server_rf;
    self->cluster = map->cluster;
    self->map_deadline = WIRE_NEVER;
    self->map_problem = NULL;
}

/* NULL: *map is there. Else why not. */
static const char *ask_map(const struct gather *self, struct wire_map *map)
{
    const char *problem = NULL, *addresses[WIRE_REPLICA_COUNT_MAX];
    struct wire_writer body = {0}, answer = {0};
    enum wire_map_verdict verdict = WIRE_MAP_OK;
    for (size_t i = 0; i < self->manager_count; i++)
        addresses[i] = self->managers[i].text;
    wire_map_call_encode(&(struct wire_map_call){.op = WIRE_MAP_GET}, &body);
    enum wire_error error = client_read_quietly(addresses, self->manager_count,
                                                wire_writer_span(&body), GATHER_MAP_MS, &answer);
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

static void learn_map(struct gather *self)
{
    struct wire_map map = {0};
    if (client_clock() < self->map_deadline)
        return;
    const char *problem = ask_map(self, &map);
    if (problem == NULL)
        take_map(self, &map);
    else
        self->map_deadline = client_clock() + GATHER_MAP_AGAIN_MS * WIRE_MS;
    self->map_problem = problem;
    wire_map_free(&map);
}

/* --- everybody ----------------------------------------------------------------------------------
 */

static void ask_status(struct gather *self, const char *const *addresses, size_t count,
                       struct client_status *answers)
{
    if (count <= GATHER_AT_ONCE) {
        if (self->asker == NULL)
            self->asker = client_asker_new(addresses, count);
        client_asker_round(self->asker, GATHER_STATUS_MS, answers);
        return;
    }
    for (size_t first = 0; first < count; first += GATHER_AT_ONCE) {
        size_t left = count - first;
        client_status_many(addresses + first, left < GATHER_AT_ONCE ? left : GATHER_AT_ONCE,
                           GATHER_STATUS_MS, answers + first);
    }
}

struct picture *gather_picture(struct gather *self)
{
    learn_map(self);
    size_t count = self->manager_count + self->server_count;
    struct client_status *answers = wire_calloc(count == 0 ? 1 : count, sizeof *answers);
    struct picture_plan plan = {
        .addresses = wire_calloc(count == 0 ? 1 : count, sizeof *plan.addresses),
        .manager_count = self->manager_count,
        .server_count = self->server_count,
        .server_rf = self->server_rf,
        .cluster = self->cluster,
        .map_problem = self->map_problem,
    };
    for (size_t i = 0; i < count; i++)
        plan.addresses[i] = i < self->manager_count ? self->managers[i].text
                                                    : self->servers[i - self->manager_count];
    ask_status(self, plan.addresses, count, answers);
    struct picture *picture = picture_new(&plan, answers);
    for (size_t i = 0; i < count; i++)
        wire_writer_free(&answers[i].figures);
    free(answers);
    free(plan.addresses);
    return picture;
}
