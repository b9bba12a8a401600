/* What happened lately in one role: a bounded ring of lines for people, shown by STATUS.
 *
 *     per event  event.<role>.<number>  "<age in ms> <kind> <text>"
 *
 * The number counts up from 1 in one life of a process, so that whoever asks again knows what is
 * new and what it missed. Ages, because clocks of two machines share no zero. Pure: the role says
 * when. No allocation; one thread. */
#ifndef MADKV_SMR_EVENTS_H
#define MADKV_SMR_EVENTS_H

#include "wire/pack.h"
#include "wire/types.h"

#define SMR_EVENTS_KEPT 16 /* of each role; an older one is forgotten */

/* (NAME, kind, text). The kind is one word, to filter by; "alarm" is what a person should look at.
 * In the text %b is the event's ballot and %n its number. */
#define SMR_EVENTS(X)                                                                              \
    X(LEADS, "leader", "leads with ballot %b")                                                     \
    X(FOLLOWS, "leader", "follows ballot %b")                                                      \
    X(BEATEN, "leader", "leads no more: there is a higher ballot than %b")                         \
    X(ABANDONED, "leader", "leads no more: no majority answers ballot %b")                         \
    X(UNFIT, "leader", "leads no more: its own log is damaged; ballot %b")                         \
    X(ORDERED, "leader", "leads no more: ordered to hand over; ballot %b")                         \
    X(ENDING, "leader", "leads no more: this process is ending; ballot %b")                        \
    X(STALLED, "alarm", "leads no more: its own disk stalls; ballot %b")                           \
    X(FULL, "alarm", "leads no more: its own disk is full; ballot %b")                             \
    X(SUSPECTS, "suspicion", "hears nothing from the leader of ballot %b")                         \
    X(CAMPAIGNS, "suspicion", "campaigns with ballot %b")                                          \
    X(BUSY, "refusal", "refuses calls: %n are open")                                               \
    X(BEHIND, "catchup", "is %n slots behind and fetches them")                                    \
    X(CAUGHT_UP, "catchup", "has caught up at slot %n")                                            \
    X(DAMAGED, "alarm", "the record of slot %n is damaged")                                        \
    X(STATELESS, "alarm", "its state is lost and fetched from peers: it must be of slot %n or later")  \
    X(STATE_BACK, "catchup", "has a state again, of slot %n")                                      \
    X(CHECKPOINT, "checkpoint", "slot %n is in a durable checkpoint")                              \
    X(UNSAVED, "alarm", "no room on the disk for the checkpoint of slot %n")                       \
    X(NO_ROOM, "alarm", "no room on the disk: it stores and votes nothing")                        \
    X(LOW, "alarm", "little room on the disk: it takes no new writes")                             \
    X(ROOM, "disk", "there is room on the disk again")                                             \
    X(SLOW_COMMIT, "alarm", "a commit to the disk took %n ms")

enum smr_event_name {
#define X(name, kind, text) SMR_EVENT_##name,
    SMR_EVENTS(X)
#undef X
};

struct smr_event {
    wire_time at;              /* when */
    enum smr_event_name name;  /* what */
    struct wire_ballot ballot; /* of those whose text says so */
    uint64_t number;           /* likewise */
};

/* Zero-initialised is empty. */
struct smr_events {
    struct smr_event ring[SMR_EVENTS_KEPT]; /* by number modulo size */
    uint64_t count;                         /* ever added */
};

void smr_events_add_ballot(struct smr_events *self, wire_time now, enum smr_event_name name,
                           struct wire_ballot ballot);
void smr_events_add_number(struct smr_events *self, wire_time now, enum smr_event_name name,
                           uint64_t number);
/* The newest one; NULL: there is none. */
const struct smr_event *smr_events_last(const struct smr_events *self);
/* Appends a figure for each that is kept, the oldest first. role: one word. */
void smr_events_figures(const struct smr_events *self, const char *role, wire_time now,
                        struct wire_writer *out);

#endif
