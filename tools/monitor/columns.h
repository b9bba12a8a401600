/* What the tables of the views show: each a list of columns. Pure. */
#ifndef MADKV_MONITOR_COLUMNS_H
#define MADKV_MONITOR_COLUMNS_H

#include "tools/monitor/table.h"

/* A list of columns and how many. */
struct columns {
    const struct table_column *list; /* static */
    unsigned count;                  /* at most 16 */
};

extern const struct columns columns_of_groups;   /* rows are groups */
extern const struct columns columns_of_replicas; /* rows are replicas, here and below */
extern const struct columns columns_of_storage;
extern const struct columns columns_of_clients;
extern const struct columns columns_of_chain;

/* "DOWN 12s", "catch-up 47%", "up": how a replica is, and how well that is. */
enum grid_mood columns_state(const struct watch *watch, const struct picture_replica *replica,
                             char text[TABLE_FIELD_BYTES]);
/* "multipaxos" or what the replica says it runs. */
const char *columns_protocol(const struct picture_replica *replica, char text[TABLE_FIELD_BYTES]);
/* The place in its chain, from 0 at the head; not known where there is no chain. */
struct picture_number columns_chain_place(const struct picture_replica *replica);

#endif
