/* The picture of a cluster: what all nodes said of themselves at about one moment, put together.
 *
 * Pure: made out of answers, drawn elsewhere (render.h), so that every view shows the same
 * judgement of who leads, who is missing and how many more failures each group can take. Nothing
 * here trusts what a node says beyond itself: an answer that makes no sense, or that comes from
 * another node than the one expected at that address, counts as none.
 *
 * One thread. */
#ifndef MADKV_MONITOR_PICTURE_H
#define MADKV_MONITOR_PICTURE_H

#include "client/ask.h"
#include "wire/figures.h"
#include "wire/map.h"

#define PICTURE_NAME_BYTES 16   /* of "s255.8" and "managers", with the NUL */
#define PICTURE_REASON_BYTES 80 /* of a reason, with the NUL: fits a line */

/* How asking a replica went. The words stand in the JSON. */
#define PICTURE_STATES(X)                                                                          \
    X(UNKNOWN, "unknown")   /* it was not asked: nobody gave its address */                        \
    X(SILENT, "silent")     /* no answer in time */                                                \
    X(STRANGER, "stranger") /* somebody else answers at its address */                             \
    X(GARBLED, "garbled")   /* the answer makes no sense */                                        \
    X(UP, "up")

enum picture_state {
#define X(name, text) PICTURE_##name,
    PICTURE_STATES(X)
#undef X
};

/* What a replica says it is. The words stand in the JSON. */
#define PICTURE_ROLES(X)                                                                           \
    X(NONE, NULL) /* not known: it is not up, or its proposer is stuck */                          \
    X(FOLLOWER, "follower")                                                                        \
    X(CANDIDATE, "candidate")                                                                      \
    X(LEADER, "leader")

enum picture_role {
#define X(name, text) PICTURE_ROLE_##name,
    PICTURE_ROLES(X)
#undef X
};

/* A figure that may be missing. */
struct picture_number {
    bool known;     /* somebody said it */
    uint64_t value; /* if known; else 0 */
};

struct picture_replica {
    uint32_t group;                      /* partition, or WIRE_GROUP_MANAGERS */
    wire_replica id;                     /* which replica of it */
    char address[WIRE_ADDRESS_TEXT_MAX]; /* where it was asked; empty: nowhere */
    enum picture_state state;            /* only of UP the fields behind `sender` say anything */
    struct wire_sender sender;           /* of UP and STRANGER: who answered */
    enum picture_role role;              /* as it says itself */
    bool votes;                          /* its disk may vote */
    bool in_chain;                       /* it runs chain replication */
    bool whole;                          /* of a chain: it is a member that has all it must have */
    struct wire_ballot ballot;           /* newest leader it knows; of a leader: its own */
    struct picture_number pid;           /* process */
    struct picture_number chosen;        /* it knows slots up to it to be chosen */
    struct picture_number applied;       /* slots up to it are in its state */
    struct picture_number lag;           /* slots its state is behind what its group has chosen */
    struct wire_writer figures;          /* all it said: wire/figures.h, checked; owned */
};

struct picture_group {
    uint32_t id;                   /* partition, or WIRE_GROUP_MANAGERS */
    uint8_t replica_count;         /* r */
    unsigned up_count;             /* replicas that are UP */
    unsigned can_lose;             /* replicas that may fail before the group stops */
    bool majority_lost;            /* too few are up to go on, however those not asked are; of a
                                    * chain: no member is */
    bool has_leader;               /* somebody says it leads */
    wire_replica leader;           /* who, by the highest ballot; if has_leader */
    uint64_t leader_round;         /* of the newest ballot anybody knows */
    struct picture_number chosen;  /* the highest anybody knows */
    struct picture_number applied; /* by the leader, else the highest */
    struct picture_number lag;     /* the greatest */
    struct picture_replica replicas[WIRE_REPLICA_COUNT_MAX]; /* the first replica_count */
};

struct picture {
    bool healthy;                      /* every group has a leader and every replica is up */
    char reason[PICTURE_REASON_BYTES]; /* what is wrong, the worst first; healthy: empty */
    uint64_t cluster;                  /* 0: nobody knows */
    bool servers_known;                /* else the managers gave no map, and servers are missing */
    size_t group_count;                /* how many */
    struct picture_group *groups;      /* the managers if there are any, then by partition; owned */
};

/* Whom to ask, in the order of the answers. */
struct picture_plan {
    const char **addresses; /* the managers by replica, then the servers by partition and replica */
    size_t manager_count;   /* at most WIRE_REPLICA_COUNT_MAX; 0: a service without managers */
    size_t server_count;    /* at most WIRE_SERVER_COUNT_MAX */
    uint8_t server_rf;      /* 0: no map says it, so that the servers' answers must */
    uint64_t cluster;       /* as the map says; 0: there is none */
    const char *map_problem; /* why the managers gave no map; NULL: they did, or there are none */
};

/* Puts it together. answers: one per address of the plan; both are only looked at. */
struct picture *picture_new(const struct picture_plan *plan, const struct client_status *answers);
void picture_free(struct picture **self);

/* The replica whose word counts for its group: its leader, else who has applied most. */
const struct picture_replica *picture_best(const struct picture_group *group);
/* The number of that name among a replica's figures. */
struct picture_number picture_figure(const struct picture_replica *replica, const char *name);

/* "m.0", "s3.1". Returns text. */
char *picture_node_name(uint32_t group, wire_replica id, char text[PICTURE_NAME_BYTES]);
/* "m", "s3". Returns text. */
char *picture_group_name(uint32_t group, char text[PICTURE_NAME_BYTES]);

/* The words above; NULL for PICTURE_ROLE_NONE. */
const char *picture_state_text(enum picture_state state);
const char *picture_role_text(enum picture_role role);

#endif
