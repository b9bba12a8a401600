/* What an actor says about itself: STATUS. */
#include "actors/actor_private.h"

#include <assert.h>
#include <stdio.h>

#include "actors/clock.h"
#include "actors/process.h"
#include "wire/figures.h"

static void route_figures(const struct actor *self, enum wire_role to, wire_replica replica,
                          struct wire_writer *out)
{
    const struct actor_route *route = &self->routes[to][replica];
    if (route->handle == NULL)
        return;
    char prefix[WIRE_FIGURE_NAME_MAX];
    if (to == WIRE_ROLE_CLIENT)
        snprintf(prefix, sizeof prefix, "%s.to_clients", self->role.ops->name);
    else
        snprintf(prefix, sizeof prefix, "%s.to_%s_%u", self->role.ops->name, wire_role_text(to),
                 replica);
    wire_figure_number_of(out, prefix, "sent_messages", route->sent);
    if (!route->is_sibling)
        wire_figure_number_of(out, prefix, "sent_bytes", route->sent_bytes);
    wire_figure_number_of(out, prefix, "refused_messages", route->refused);
}

static char *round_name(const char *role, char text[WIRE_FIGURE_NAME_MAX])
{
    snprintf(text, WIRE_FIGURE_NAME_MAX, "%s.round_us", role);
    return text;
}

static void shell_figures(const struct actor *self, wire_time now, struct wire_writer *out)
{
    const char *name = self->role.ops->name;
    char text[WIRE_FIGURE_NAME_MAX];
    wire_figure_number_of(out, name, "rounds", self->rounds);
    wire_figure_number_of(out, name, "received_messages", self->received[FRAMES_MESSAGE]);
    wire_figure_number_of(out, name, "relinks", self->relinked);
    for (int i = FRAMES_MESSAGE + 1; i < FRAMES_OUTCOME_COUNT; i++) {
        snprintf(text, sizeof text, "dropped_%s_messages",
                 frames_outcome_text((enum frames_outcome)i));
        wire_figure_number_of(out, name, text, self->received[i]);
    }
    for (int to = 0; to < WIRE_ROLE_COUNT; to++)
        for (wire_replica r = 0; r < WIRE_REPLICA_COUNT_MAX; r++)
            route_figures(self, (enum wire_role)to, r, out);
    wire_histogram_figures(&self->round_us, round_name(name, text), out);
    if (self->log.ops == NULL)
        return;
    smr_events_figures(&self->events, "log", now, out);
    wire_histogram_figures(&self->commit_us, "log.commit_us", out);
    wire_figure_number(out, "log.full", self->full);
    wire_figure_number(out, "log.low", self->low);
    wire_figure_number(out, "log.held_messages", self->held.count);
    wire_figure_number_of(out, name, "dropped_full_messages", self->dropped_full);
    if (self->log_figures != NULL)
        self->log_figures(self->log_figures_self, out);
}

void actor_answer_status(struct actor *self, const struct wire_message *ask)
{
    struct wire_writer figures = {0};
    wire_time now = clock_now();
    self->role.ops->figures(self->role.self, now, &figures);
    shell_figures(self, now, &figures);
    struct wire_message answer = {.type = WIRE_MESSAGE_STATUS, .sender = self->self};
    answer.status.tag = ask->status_ask.tag;
    answer.payload = wire_writer_take(&figures);
    wire_writer_free(&figures);
    actor_send(self, ask->sender.role, ask->sender.replica, &answer);
    wire_message_clear(&answer);
}

void actor_extend_status(struct actor *self, struct wire_message *status)
{
    struct wire_writer figures = {0};
    wire_write_raw(&figures, buf_span(status->payload));
    shell_figures(self, clock_now(), &figures);
    process_figures(&figures);
    wire_message_clear(status);
    status->payload = wire_writer_take(&figures);
    wire_writer_free(&figures);
}
