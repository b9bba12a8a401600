/* Asking a cluster for its picture: the managers for the map, then everybody for STATUS, side by
 * side.
 *
 * Blocks for at most GATHER_MAP_MS plus GATHER_STATUS_MS and a little, however many nodes are dead
 * or stalled; only beyond GATHER_AT_ONCE nodes it takes a GATHER_STATUS_MS more for each further
 * lot. */
#ifndef MADKV_MONITOR_GATHER_H
#define MADKV_MONITOR_GATHER_H

#include "tools/monitor/picture.h"
#include "wire/address.h"

#define GATHER_MAP_MS 2000    /* the managers' leader has to give the map within it */
#define GATHER_STATUS_MS 1000 /* a node that has not answered by then counts as down */
#define GATHER_AT_ONCE 256    /* connections at a time: two descriptors each, of usually 1024 */

/* Whom to ask: the managers, by replica, or without managers the servers, by partition and
 * replica. */
struct gather_targets {
    const struct wire_address *addresses; /* all of them */
    size_t count;                         /* how many */
    bool managers;                        /* which of the two */
};

/* The picture at about now; the caller frees it. */
struct picture *gather_picture(const struct gather_targets *targets);

#endif
