/* The cluster's state in a word or two, for a prompt. Blocks for at most STATE_MAP_MS the first
 * time and STATE_ASK_MS each time. One thread. */
#ifndef MADKV_CLIENT_STATE_H
#define MADKV_CLIENT_STATE_H

#include "client/madkv.h"

#define STATE_MAP_MS 700 /* the managers have to say who the servers are within it */
#define STATE_ASK_MS 300 /* a node has to answer within it, or counts as down */

#define STATE_TEXT_BYTES 48

struct state;

/* The lists as the flags gave them, checked already; one is NULL. */
struct state *state_new(const char *manager_addrs, const char *server_addrs);
void state_free(struct state **state);
/* Asks everybody: "ok", "1 down", "s0 stopped", "managers stopped", "no leader in s1". Returns
 * text. */
const char *state_ask(struct state *self, char text[STATE_TEXT_BYTES]);
/* A line for each node, for people: its name, address, and what it says it does. */
void state_list(struct state *self, void (*say)(void *argument, const char *line), void *argument);

#endif
