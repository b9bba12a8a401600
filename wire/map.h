/* The cluster map and the calls on it: commands and queries of the managers' state machine.
 *
 *     command  [FOUND, cluster, server_rf, protocol, count, address ...]
 *              [REGISTER, cluster, partition, replica, generation, nonce]
 *              [MAP]                                              (a query)
 *     answer   [verdict, cluster, server_rf, protocol, count, (address, generation, nonce) ...]
 *
 * Addresses stand as the managers' --server_addrs gave them, partition by partition, replica by
 * replica. Partition p of n owns the hash slots h with h * n / WIRE_HASH_SLOT_COUNT == p. */
#ifndef MADKV_WIRE_MAP_H
#define MADKV_WIRE_MAP_H

#include "wire/limits.h"
#include "wire/pack.h"

enum wire_map_op {
    WIRE_MAP_FOUND,    /* the first command of a fresh cluster; later ones change nothing */
    WIRE_MAP_REGISTER, /* a server replica shows its disk before it votes */
    WIRE_MAP_GET,      /* the map */
    WIRE_MAP_OPS
};

enum wire_map_verdict {
    WIRE_MAP_OK,         /* the map follows; REGISTER: this is the replica's newest disk */
    WIRE_MAP_NOT_FOUNDED, /* there is no map yet */
    WIRE_MAP_REBORN,     /* REGISTER: another disk of that or a later generation is known */
    WIRE_MAP_STRANGER,   /* REGISTER: no such partition or replica, or another cluster */
    WIRE_MAP_VERDICTS
};

struct wire_map_server {
    char address[WIRE_ADDRESS_TEXT_MAX]; /* its API, host:port */
    struct wire_birth birth;             /* its registered disk; generation 0: none yet */
};

struct wire_map {
    uint64_t cluster;                /* random, never 0 once founded */
    uint8_t server_rf;               /* replicas of a partition */
    enum wire_protocol protocol;     /* how they agree */
    uint32_t server_count;           /* partitions x server_rf */
    struct wire_map_server *servers; /* [partition * server_rf + replica]; owned */
};

struct wire_map_call {
    enum wire_map_op op;
    struct wire_map map;     /* of FOUND; owned */
    uint64_t cluster;        /* of REGISTER: the server's cluster, 0 if it knows none */
    uint32_t partition;      /* of REGISTER */
    wire_replica replica;    /* of REGISTER */
    struct wire_birth birth; /* of REGISTER */
};

/* The partition that owns a hash slot, out of `partitions`. */
static inline uint32_t wire_map_partition(uint32_t hash_slot, uint32_t partitions)
{
    return (uint32_t)((uint64_t)hash_slot * partitions / WIRE_HASH_SLOT_COUNT);
}
static inline uint32_t wire_map_partition_count(const struct wire_map *map)
{
    return map->server_rf == 0 ? 0 : map->server_count / map->server_rf;
}

void wire_map_free(struct wire_map *map);
/* A deep copy; the old content of *to is freed. */
void wire_map_copy(struct wire_map *to, const struct wire_map *from);
void wire_map_call_encode(const struct wire_map_call *call, struct wire_writer *out);
/* WIRE_OK: *call is filled, wire_map_call_free it. Else WIRE_MALFORMED, *call is zero. Checks that a
 * FOUND has a legal factor and a multiple of it in servers. */
enum wire_error wire_map_call_decode(struct span bytes, struct wire_map_call *call);
void wire_map_call_free(struct wire_map_call *call);

/* map may be NULL with NOT_FOUNDED. */
void wire_map_answer_encode(enum wire_map_verdict verdict, const struct wire_map *map,
                            struct wire_writer *out);
/* WIRE_OK: *verdict is set, and *map, whose old content is not looked at; wire_map_free it. Else
 * WIRE_MALFORMED, both untouched. */
enum wire_error wire_map_answer_decode(struct span bytes, enum wire_map_verdict *verdict,
                                       struct wire_map *map);

/* Names the topology before a cluster has an id: never 0. */
uint64_t wire_map_topology(uint8_t manager_count, const struct wire_map *map);

#endif
