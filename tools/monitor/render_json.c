#include "tools/monitor/render.h"

#include <inttypes.h>
#include <stdio.h>

#include "wire/json.h"

static void name(struct json *json, const char *text)
{
    json_name(json, span_text(text));
}

static void number_member(struct json *json, const char *text, struct picture_number number)
{
    name(json, text);
    if (number.known)
        json_number(json, number.value);
    else
        json_null(json);
}

static void text_member(struct json *json, const char *text, const char *value)
{
    name(json, text);
    if (value != NULL)
        json_text(json, span_text(value));
    else
        json_null(json);
}

static void figures_member(struct json *json, const struct picture_replica *replica)
{
    struct wire_reader in = wire_reader_of(wire_writer_span(&replica->figures));
    struct wire_figure figure;
    name(json, "figures");
    json_open(json, '{');
    while (wire_figure_next(&in, &figure)) {
        json_name(json, figure.name);
        if (figure.is_text)
            json_text(json, figure.text);
        else
            json_number(json, figure.number);
    }
    json_close(json, '}');
}

static void write_replica(struct json *json, const struct picture_replica *replica)
{
    char node[PICTURE_NAME_BYTES];
    json_open(json, '{');
    text_member(json, "node", picture_node_name(replica->group, replica->id, node));
    text_member(json, "addr", replica->address);
    name(json, "up");
    json_bool(json, replica->state == PICTURE_UP);
    text_member(json, "state", picture_state_text(replica->state));
    name(json, "votes");
    json_bool(json, replica->state == PICTURE_UP && replica->votes);
    number_member(json, "pid", replica->pid);
    text_member(json, "role", picture_role_text(replica->role));
    number_member(json, "chosen_slot", replica->chosen);
    number_member(json, "applied_slot", replica->applied);
    number_member(json, "lag_slots", replica->lag);
    figures_member(json, replica);
    json_close(json, '}');
}

static void write_group(struct json *json, const struct picture_group *group)
{
    char text[PICTURE_NAME_BYTES];
    struct picture_number leader = {.known = group->has_leader, .value = group->leader};
    json_open(json, '{');
    text_member(json, "group", picture_group_name(group->id, text));
    number_member(json, "leader", leader);
    name(json, "leader_round");
    json_number(json, group->leader_round);
    name(json, "can_lose");
    json_number(json, group->can_lose);
    name(json, "majority_lost");
    json_bool(json, group->majority_lost);
    name(json, "up_count");
    json_number(json, group->up_count);
    name(json, "replica_count");
    json_number(json, group->replica_count);
    number_member(json, "chosen_slot", group->chosen);
    number_member(json, "applied_slot", group->applied);
    number_member(json, "lag_slots", group->lag);
    name(json, "replicas");
    json_open(json, '[');
    for (wire_replica r = 0; r < group->replica_count; r++)
        write_replica(json, &group->replicas[r]);
    json_close(json, ']');
    json_close(json, '}');
}

void render_json(const struct picture *picture, struct wire_writer *out)
{
    char cluster[24];
    struct json json = {.out = out};
    snprintf(cluster, sizeof cluster, "%016" PRIx64, picture->cluster);
    json_open(&json, '{');
    name(&json, "version");
    json_number(&json, 1);
    name(&json, "healthy");
    json_bool(&json, picture->healthy);
    text_member(&json, "reason", picture->reason);
    text_member(&json, "cluster", picture->cluster == 0 ? NULL : cluster);
    name(&json, "servers_known");
    json_bool(&json, picture->servers_known);
    name(&json, "groups");
    json_open(&json, '[');
    for (size_t g = 0; g < picture->group_count; g++)
        write_group(&json, &picture->groups[g]);
    json_close(&json, ']');
    json_close(&json, '}');
    wire_write_raw(out, span_text("\n"));
}
