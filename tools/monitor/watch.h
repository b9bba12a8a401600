/* Pictures over time: what changed since the one before, how fast it grows, and what happened. What
 * a single picture cannot tell: rates, latencies of the last seconds, since when a node is silent.
 *
 *     WATCH_KEPT pictures are remembered; "lately" means since the oldest of them that the same
 *     process answered, at most WATCH_WINDOW ago
 *
 * Events are of two sources: what replicas tell themselves (smr/events.h), told apart by process,
 * role and number, and what only an observer can see, such as a node that fell silent. Pure:
 * whoever asks the cluster says when it did. One thread. */
#ifndef MADKV_MONITOR_WATCH_H
#define MADKV_MONITOR_WATCH_H

#include <time.h>

#include "tools/monitor/buckets.h"
#include "tools/monitor/picture.h"

#define WATCH_KEPT 12                   /* pictures remembered */
#define WATCH_WINDOW (10 * WIRE_SECOND) /* latencies are of so long */
#define WATCH_EVENTS 400                /* events remembered; older ones are forgotten */
#define WATCH_HISTORY 240               /* throughputs remembered, one a picture */
#define WATCH_ROLES 8                   /* of a node, that tell events; more are not listened to */
#define WATCH_EVENT_TEXT 160            /* bytes of an event's text with its NUL */
#define WATCH_KIND_BYTES 16             /* of its kind */

struct watch_event {
    uint64_t number;               /* counts up over all events, from 1 */
    time_t at;                     /* when, by the clock on the wall of whoever watches */
    char node[PICTURE_NAME_BYTES]; /* of which node; "cluster": of none */
    char kind[WATCH_KIND_BYTES];   /* one word: leader, suspicion, alarm, down, up, ... */
    char text[WATCH_EVENT_TEXT];   /* printable */
};

/* Up to which of its events a role of a node is known to have told. */
struct watch_told {
    char role[16];   /* its word; empty: a place not used yet */
    uint64_t number; /* of the last one */
};

/* What is known of a node beyond the newest picture. */
struct watch_node {
    uint32_t group;                      /* which */
    wire_replica id;                     /* which of it */
    enum picture_state state;            /* as it was last */
    wire_time since;                     /* it is so since */
    wire_time answered;                  /* when it last did; 0: never */
    uint64_t pid;                        /* of the process that did; 0: none ever */
    struct watch_told told[WATCH_ROLES]; /* of this process */
};

/* A number that may be missing. */
struct watch_rate {
    bool known;   /* the same process answered twice */
    double value; /* per second */
};

struct watch;

struct watch *watch_new(void);
void watch_free(struct watch **watch);

/* The cluster at `now` (any clock that only goes up), which a wall shows as `wall`. Takes the
 * picture over. */
void watch_take(struct watch *self, wire_time now, time_t wall, struct picture *picture);

/* The newest picture; NULL before the first. */
const struct picture *watch_picture(const struct watch *self);
/* When and at what time of day it was taken. */
wire_time watch_taken_at(const struct watch *self);
time_t watch_wall(const struct watch *self);
/* NULL: never heard of. */
const struct watch_node *watch_node(const struct watch *self, uint32_t group, wire_replica id);
/* How long the node is in its state, milliseconds. */
uint64_t watch_since_ms(const struct watch *self, const struct picture_replica *replica);
/* Silent for the first time: perhaps only slow. */
bool watch_is_suspect(const struct watch *self, const struct picture_replica *replica);

/* How fast a figure of the replica grows, since the picture before. */
struct watch_rate watch_rate_of(const struct watch *self, const struct picture_replica *replica,
                                const char *name);
/* Calls answered a second by all replicas of a group; of all partitions for NULL. */
struct watch_rate watch_throughput(const struct watch *self, const struct picture_group *group);
/* The same over time, the newest last. */
const double *watch_history(const struct watch *self, int *count);
/* Adds what the replica measured lately under that name, e.g. "log.commit_us". */
void watch_latency(const struct watch *self, const struct picture_replica *replica,
                   const char *name, struct buckets *out);
/* All calls of a group lately: every op.*_us. */
void watch_calls(const struct watch *self, const struct picture_group *group, struct buckets *out);

/* Events that are kept: the i-th of watch_event_count, the oldest first. */
size_t watch_event_count(const struct watch *self);
const struct watch_event *watch_event(const struct watch *self, size_t i);

#endif
