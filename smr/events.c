#include "smr/events.h"

#include "wire/figures.h"

static void add(struct smr_events *self, struct smr_event event)
{
    self->ring[self->count++ % SMR_EVENTS_KEPT] = event;
}

void smr_events_add_ballot(struct smr_events *self, wire_time now, enum smr_event_name name,
                           struct wire_ballot ballot)
{
    add(self, (struct smr_event){.at = now, .name = name, .ballot = ballot});
}

void smr_events_add_number(struct smr_events *self, wire_time now, enum smr_event_name name,
                           uint64_t number)
{
    add(self, (struct smr_event){.at = now, .name = name, .number = number});
}

const struct smr_event *smr_events_last(const struct smr_events *self)
{
    return self->count == 0 ? NULL : &self->ring[(self->count - 1) % SMR_EVENTS_KEPT];
}

void smr_events_figures(const struct smr_events *self, const char *role, wire_time now,
                        struct wire_writer *out)
{
    static const struct {
        const char *kind; /* as in the list */
        const char *text; /* likewise */
    } words[] = {
#define X(name, kind, text) [SMR_EVENT_##name] = {kind, text},
        SMR_EVENTS(X)
#undef X
    };
    uint64_t first = self->count > SMR_EVENTS_KEPT ? self->count - SMR_EVENTS_KEPT : 0;
    for (uint64_t i = first; i < self->count; i++) {
        const struct smr_event *event = &self->ring[i % SMR_EVENTS_KEPT];
        struct wire_figure_event shown = {.age = now - event->at,
                                          .kind = words[event->name].kind,
                                          .text = words[event->name].text,
                                          .ballot = event->ballot,
                                          .detail = event->number};
        wire_figure_event(out, role, i + 1, &shown);
    }
}
