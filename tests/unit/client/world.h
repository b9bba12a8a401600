/* A made-up service around one client core: the test reads what the core sends, answers by hand,
 * and moves the time. Everything is checked as it comes: the queues must be empty at the end. */
#ifndef MADKV_TESTS_CLIENT_WORLD_H
#define MADKV_TESTS_CLIENT_WORLD_H

#include <check.h>

#include "client/core.h"

#define WORLD_CLUSTER 77u

/* A send the core wants made. */
struct sent {
    struct client_endpoint to;   /* where */
    struct wire_message message; /* what; owned */
};

struct world {
    struct client_core *core;  /* what is tested */
    wire_time now;             /* made-up time */
    struct client_out out;     /* effects of the last event */
    uint32_t partitions;       /* of the map the managers give; 0: a fixed server list */
    uint8_t rf;                /* replicas of each group, the managers too */
    struct sent *sends;        /* not looked at yet, oldest first */
    size_t send_count;         /* how many */
    struct client_done *dones; /* likewise */
    size_t done_count;         /* how many */
};

struct world *world_new(uint32_t partitions, uint8_t rf);
/* Fails the test if something was sent or done that nobody looked at. */
void world_free(struct world *world);

uint64_t world_call(struct world *world, enum wire_kv_op op, const char *key, const char *value);
uint64_t world_call_for(struct world *world, enum wire_kv_op op, const char *key, const char *value,
                        wire_time timeout);
/* Lets time pass, waking the core at its deadlines. */
void world_pass(struct world *world, wire_time time);
/* Lets time pass until the core sends something; fails the test if it never does. */
void world_until_send(struct world *world);

/* Carries out what the core appended to world->out; every function here does. */
void world_carry_out(struct world *world);

/* The oldest send, now the caller's. Fails the test if there is none. */
struct sent world_sent(struct world *world);
/* The oldest send, which must be a call of that kind to that group. */
struct sent world_sent_kind(struct world *world, enum wire_call_kind kind, uint32_t group);
/* Drops all sends. */
void world_forget(struct world *world);
void sent_free(struct sent *sent);

/* Answers a send; the send stays the caller's. */
void world_reply(struct world *world, const struct sent *sent, enum wire_status status);
void world_hint(struct world *world, const struct sent *sent, wire_replica leader, uint64_t round);
void world_reply_bytes(struct world *world, const struct sent *sent, struct span bytes);
/* OK with an answer to that operation; value NULL: not found. */
void world_reply_value(struct world *world, const struct sent *sent, enum wire_kv_op op,
                       const char *value);
void world_reply_session(struct world *world, const struct sent *sent, uint64_t session);
void world_reply_map(struct world *world, const struct sent *sent, uint64_t cluster,
                     uint32_t partitions, uint8_t rf);
void world_lose(struct world *world, struct client_endpoint endpoint);
void world_unsent(struct world *world, const struct sent *sent);

/* Answers the next send as the map, as the session of a group. */
void world_give_map(struct world *world);
void world_give_session(struct world *world, uint32_t group, uint64_t session);

/* The oldest end of a call, which must be of that call, outcome and reason. */
struct client_done world_done(struct world *world, uint64_t call, enum client_outcome outcome,
                              enum client_reason reason);
void world_expect_done(struct world *world, uint64_t call, enum client_outcome outcome,
                       enum client_reason reason);
void world_expect_nothing(const struct world *world);

TCase *core_calls_case(void);
TCase *core_retry_case(void);
TCase *core_route_case(void);
TCase *core_scan_case(void);
TCase *core_random_case(void);
TCase *line_case(void);
TCase *show_case(void);
TCase *library_case(void);
TCase *program_case(void);

#endif
