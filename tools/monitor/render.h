/* A picture as text, as JSON, as lines and as metrics. Pure: bytes into a writer. One thread.
 *
 * The JSON, version 1: one object on one line with its end of line. It may get further members;
 * what is here keeps its meaning, or the version changes. What is not known is null. schema.json
 * describes it for programs.
 *
 *     {"version":1, "healthy":bool, "reason":"...",          reason: empty if healthy
 *      "cluster":"16 hex digits", "servers_known":bool,
 *      "groups":[
 *        {"group":"m" or "s<partition>",
 *         "leader":replica id, "leader_round":n,             leader_round: of the newest ballot
 * known "can_lose":n, "majority_lost":bool,                failures until the group stops
 *         "up_count":n, "replica_count":n,
 *         "chosen_slot":n, "applied_slot":n, "lag_slots":n,  lag: the greatest
 *         "replicas":[
 *           {"node":"s0.1", "addr":"host:port" or "", "up":bool,
 *            "state":"up|silent|stranger|garbled|unknown",   why it is not up
 *            "votes":bool, "pid":n,
 *            "role":"leader|follower|candidate",             as it says itself; see "leader"
 *            "chosen_slot":n, "applied_slot":n, "lag_slots":n,
 *            "figures":{"name":number or "text", ...}}]}]}   all it says of itself */
#ifndef MADKV_MONITOR_RENDER_H
#define MADKV_MONITOR_RENDER_H

#include "tools/monitor/picture.h"
#include "tools/monitor/watch.h"

#define RENDER_COLUMNS 80 /* no line of the text is longer */

/* colour: mark good and bad with terminal colours, too; the words say it in any case. */
void render_text(const struct picture *picture, bool colour, struct wire_writer *out);
void render_json(const struct picture *picture, struct wire_writer *out);
/* A line of what changes, and the heading for it. */
void render_stat_heading(struct wire_writer *out);
void render_stat(const struct watch *watch, struct wire_writer *out);
/* A line "<time> <node> <kind> <text>" for each event whose number is above *shown. */
void render_events(const struct watch *watch, uint64_t *shown, struct wire_writer *out);
/* All metrics in Prometheus's text exposition format 0.0.4. */
void render_metrics(const struct picture *picture, struct wire_writer *out);

#endif
