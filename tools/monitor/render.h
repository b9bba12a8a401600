/* A picture as text and as JSON. Pure: bytes into a writer. One thread.
 *
 * The JSON, version 1: one object on one line with its end of line. It may get further members;
 * what is here keeps its meaning, or the version changes. What is not known is null.
 *
 *     {"version":1, "healthy":bool, "reason":"...",          reason: empty if healthy
 *      "cluster":"16 hex digits",
 *      "groups":[
 *        {"group":"m" or "s<partition>",
 *         "leader":replica id, "leader_round":n,             leader_round: of the newest ballot
 * known "can_lose":n,                                      failures until the group stops
 *         "replicas":[
 *           {"node":"s0.1", "addr":"host:port" or "", "up":bool,
 *            "state":"up|silent|stranger|garbled|unknown",   why it is not up
 *            "pid":n, "role":"leader|follower|candidate",    as it says itself; see "leader"
 *            "chosen_slot":n, "applied_slot":n,
 *            "figures":{"name":number or "text", ...}}]}]}   all it says of itself */
#ifndef MADKV_MONITOR_RENDER_H
#define MADKV_MONITOR_RENDER_H

#include "tools/monitor/picture.h"

#define RENDER_COLUMNS 80 /* no line of the text is longer */

/* colour: mark good and bad with terminal colours, too; the words say it in any case. */
void render_text(const struct picture *picture, bool colour, struct wire_writer *out);
void render_json(const struct picture *picture, struct wire_writer *out);

#endif
