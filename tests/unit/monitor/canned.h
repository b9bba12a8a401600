/* A made-up cluster of three managers and two partitions of three, whose answers a test spoils as
 * it likes before it has the picture made. */
#ifndef MADKV_TESTS_MONITOR_CANNED_H
#define MADKV_TESTS_MONITOR_CANNED_H

#include "tools/monitor/picture.h"

#define CANNED_CLUSTER UINT64_C(0x00c0ffee12345678)

enum {
    CANNED_MANAGERS = 3,
    CANNED_SERVERS = 6,
    CANNED_NODES = CANNED_MANAGERS + CANNED_SERVERS,
};

/* Indexes of nodes: the managers, then the servers by partition and replica. */
enum { M0, M1, M2, S00, S01, S02, S10, S11, S12 };

struct canned {
    unsigned age;                        /* seconds the cluster has worked: counters grow by it */
    const char *addresses[CANNED_NODES]; /* where each node was asked */
    struct client_status answers[CANNED_NODES]; /* what it said */
    struct picture_plan plan;                   /* of all of them */
};

/* All is well: m.0, s0.1 and s1.2 lead. */
void canned_begin(struct canned *self);
/* All is well and it is that old: who leads answers 1,000 calls a second in 900 us each. */
void canned_grow(struct canned *self, unsigned age);
/* The node tells an event: event.<role>.<number>. */
void canned_event(struct canned *self, int node, const char *name, const char *text);
/* Forgets what a node said. */
void canned_silence(struct canned *self, int node);
/* The node now says this of itself, and nothing else. */
void canned_say(struct canned *self, int node, const char *state, uint64_t round,
                wire_replica leader, wire_slot chosen, wire_slot applied);
/* The picture so far; free it. */
struct picture *canned_picture(const struct canned *self);
void canned_end(struct canned *self);

#endif
