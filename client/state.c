#include "client/state.h"

#include <stdio.h>
#include <stdlib.h>

#include "client/ask.h"
#include "client/link.h"
#include "wire/address.h"
#include "wire/figures.h"
#include "wire/map.h"

#define MAP_AGAIN (10 * WIRE_SECOND) /* a map that nobody gave is asked for again then */

struct state {
    struct wire_address managers[WIRE_REPLICA_COUNT_MAX]; /* as given */
    size_t manager_count;                                 /* 0: a service without managers */
    struct wire_address *nodes;                           /* managers, then servers; owned */
    size_t node_count;                                    /* how many */
    size_t server_rf;                                     /* of the servers; 0: not known */
    wire_time map_deadline;                               /* ask for the map then */
    struct client_asker *asker;                           /* of all nodes */
    struct client_status *answers;                        /* of the last round, by node; owned */
};

static void set_nodes(struct state *self, const struct wire_address *servers, size_t count)
{
    const char *texts[WIRE_SERVER_COUNT_MAX + WIRE_REPLICA_COUNT_MAX];
    size_t total = self->manager_count + count;
    for (size_t i = 0; i < self->node_count; i++)
        wire_writer_free(&self->answers[i].figures);
    self->nodes = wire_realloc(self->nodes, total * sizeof *self->nodes);
    self->answers = wire_realloc(self->answers, total * sizeof *self->answers);
    memset(self->answers, 0, total * sizeof *self->answers);
    for (size_t i = 0; i < total; i++) {
        self->nodes[i] =
            i < self->manager_count ? self->managers[i] : servers[i - self->manager_count];
        texts[i] = self->nodes[i].text;
    }
    self->node_count = total;
    client_asker_free(&self->asker);
    self->asker = client_asker_new(texts, total);
}

struct state *state_new(const char *manager_addrs, const char *server_addrs)
{
    struct state *self = wire_calloc(1, sizeof *self);
    struct wire_address given[WIRE_REPLICA_COUNT_MAX];
    const char *problem;
    char bad_part[WIRE_ADDRESS_TEXT_MAX];
    size_t count = 0;
    const char *list = manager_addrs != NULL ? manager_addrs : server_addrs;
    wire_address_list_parse(list, given, WIRE_REPLICA_COUNT_MAX, &count, &problem, bad_part);
    if (manager_addrs != NULL) {
        memcpy(self->managers, given, sizeof given);
        self->manager_count = count;
        set_nodes(self, NULL, 0);
    } else {
        self->map_deadline = WIRE_NEVER;
        self->server_rf = count;
        set_nodes(self, given, count);
    }
    return self;
}

void state_free(struct state **state)
{
    struct state *self = *state;
    *state = NULL;
    if (self == NULL)
        return;
    for (size_t i = 0; i < self->node_count; i++)
        wire_writer_free(&self->answers[i].figures);
    client_asker_free(&self->asker);
    free(self->answers);
    free(self->nodes);
    free(self);
}

/* --- the map ---------------------------------------------------------------------------------- */

static void take_map(struct state *self, const struct wire_map *map)
{
    size_t count = map->server_count;
    struct wire_address *servers = wire_calloc(count == 0 ? 1 : count, sizeof *servers);
    for (size_t i = 0; i < count; i++)
        memcpy(servers[i].text, map->servers[i].address, sizeof servers[i].text);
    self->server_rf = map->server_rf;
    self->map_deadline = WIRE_NEVER;
    set_nodes(self, servers, count);
    free(servers);
}

static void learn_map(struct state *self)
{
    const char *addresses[WIRE_REPLICA_COUNT_MAX];
    struct wire_writer body = {0}, answer = {0};
    struct wire_map map = {0};
    enum wire_map_verdict verdict = WIRE_MAP_NOT_FOUNDED;
    for (size_t i = 0; i < self->manager_count; i++)
        addresses[i] = self->managers[i].text;
    wire_map_call_encode(&(struct wire_map_call){.op = WIRE_MAP_GET}, &body);
    self->map_deadline = client_clock() + MAP_AGAIN;
    if (client_read_quietly(addresses, self->manager_count, wire_writer_span(&body), STATE_MAP_MS,
                            &answer) == WIRE_OK &&
        wire_map_answer_decode(wire_writer_span(&answer), &verdict, &map) == WIRE_OK &&
        verdict == WIRE_MAP_OK)
        take_map(self, &map);
    wire_map_free(&map);
    wire_writer_free(&body);
    wire_writer_free(&answer);
}

/* --- judging ---------------------------------------------------------------------------------- */

static bool is_up(const struct state *self, size_t node)
{
    return self->answers[node].error == WIRE_OK;
}

/* What the node says its proposer does; empty: nothing. */
static struct span role_of(const struct state *self, size_t node)
{
    struct wire_reader in = wire_reader_of(wire_writer_span(&self->answers[node].figures));
    struct wire_figure figure;
    while (is_up(self, node) && wire_figure_next(&in, &figure)) {
        if (figure.is_text && span_equal(figure.name, span_text("proposer.state")))
            return figure.text;
    }
    return span_text("");
}

/* Whether the group of `count` nodes from `first` on does not work; then why. */
static bool group_trouble(const struct state *self, size_t first, size_t count, const char *name,
                          char text[STATE_TEXT_BYTES])
{
    size_t up = 0;
    bool led = false;
    for (size_t i = first; i < first + count; i++) {
        up += is_up(self, i);
        led |= span_equal(role_of(self, i), span_text("leading"));
    }
    if (up < count / 2 + 1)
        snprintf(text, STATE_TEXT_BYTES, "%s stopped", name);
    else if (!led)
        snprintf(text, STATE_TEXT_BYTES, "no leader in %s", name);
    return up < count / 2 + 1 || !led;
}

static bool any_trouble(const struct state *self, char text[STATE_TEXT_BYTES])
{
    if (self->manager_count > 0 && group_trouble(self, 0, self->manager_count, "managers", text))
        return true;
    for (size_t first = self->manager_count; self->server_rf > 0 && first < self->node_count;
         first += self->server_rf) {
        char name[24];
        size_t left = self->node_count - first;
        snprintf(name, sizeof name, "s%zu", (first - self->manager_count) / self->server_rf);
        if (group_trouble(self, first, left < self->server_rf ? left : self->server_rf, name, text))
            return true;
    }
    return false;
}

static void ask_all(struct state *self)
{
    if (client_clock() >= self->map_deadline)
        learn_map(self);
    client_asker_round(self->asker, STATE_ASK_MS, self->answers);
}

const char *state_ask(struct state *self, char text[STATE_TEXT_BYTES])
{
    size_t down = 0;
    ask_all(self);
    for (size_t i = 0; i < self->node_count; i++)
        down += !is_up(self, i);
    if (any_trouble(self, text))
        return text;
    if (down > 0)
        snprintf(text, STATE_TEXT_BYTES, "%zu down", down);
    else
        snprintf(text, STATE_TEXT_BYTES, "ok");
    return text;
}

void state_list(struct state *self, void (*say)(void *argument, const char *line), void *argument)
{
    if (self->map_deadline != WIRE_NEVER)
        self->map_deadline = 0; /* somebody wants to know now */
    ask_all(self);
    for (size_t i = 0; i < self->node_count; i++) {
        char line[WIRE_ADDRESS_TEXT_MAX + 80], name[40];
        size_t server = i - self->manager_count;
        struct span role = role_of(self, i);
        if (i < self->manager_count)
            snprintf(name, sizeof name, "m.%zu", i);
        else
            snprintf(name, sizeof name, "s%zu.%zu",
                     self->server_rf == 0 ? 0 : server / self->server_rf,
                     self->server_rf == 0 ? server : server % self->server_rf);
        snprintf(line, sizeof line, "%-6s %-22s %s %.*s", name, self->nodes[i].text,
                 is_up(self, i) ? "up" : "DOWN", (int)(role.size < 16 ? role.size : 16),
                 (const char *)role.data);
        say(argument, line);
    }
}
