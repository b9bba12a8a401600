/* Asking a cluster for its picture, again and again: the managers for the map, then everybody for
 * STATUS, side by side, over connections that are kept.
 *
 * Whoever was learned of once is asked for ever after, so that the picture stays whole while
 * managers or partitions are down. A round blocks for at most GATHER_STATUS_MS, and while no map is
 * known now and then for GATHER_MAP_MS more, however many nodes are dead or stalled; only beyond
 * GATHER_AT_ONCE nodes it takes a GATHER_STATUS_MS more for each further lot. One thread. */
#ifndef MADKV_MONITOR_GATHER_H
#define MADKV_MONITOR_GATHER_H

#include "tools/monitor/picture.h"
#include "wire/address.h"

#define GATHER_MAP_MS 2000        /* the managers' leader has to give the map within it */
#define GATHER_MAP_AGAIN_MS 10000 /* a map that they did not give is asked for that much later */
#define GATHER_STATUS_MS 1000     /* a node that has not answered by then counts as down */
#define GATHER_AT_ONCE 256        /* connections kept: two descriptors each, of usually 1024 */

/* Whom to ask. */
struct gather_targets {
    const struct wire_address *managers; /* by replica; they know the servers */
    size_t manager_count;                /* 0: a service without managers */
    const struct wire_address *servers;  /* by partition, then replica: until a map says better */
    size_t server_count;                 /* 0: only the map tells */
};

struct gather;

/* Copies what it needs of the targets. */
struct gather *gather_new(const struct gather_targets *targets);
void gather_free(struct gather **gather);
/* The picture at about now; the caller frees it. */
struct picture *gather_picture(struct gather *self);

#endif
