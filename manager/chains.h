/* The chains of all partitions, as part of the managers' state: which replicas make up each, in which
 * order, in which epoch (van Renesse and Schneider, OSDI 2004, 3: the master). Pure bookkeeping: who is
 * taken for dead is decided by manager/oracle.h, and comes here as a logged command.
 *
 *   TAKE    a manager that begins to lead names its term; CHANGE and WHOLE of another term are refused
 *           from then on, so whatever an earlier leader still has under way changes nothing.
 *   CHANGE  ends an epoch. Never leaves a chain without a member that holds everything. A member is a
 *           replica on a disk: on another disk it is somebody else, who joins like anybody.
 *   WHOLE   a member that joined holds everything now. Same epoch: nobody acts on it but the oracle.
 *   PULSE   changes nothing.
 *
 * A replica that joins an existing chain becomes its tail at once, so that nothing is acknowledged
 * without it, but counts as one that holds everything only after WHOLE. */
#ifndef MADKV_MANAGER_CHAINS_H
#define MADKV_MANAGER_CHAINS_H

#include "wire/chain.h"
#include "wire/map.h"

struct chains {
    uint64_t term;             /* newest taken; 0: none */
    uint32_t count;            /* partitions; 0: not founded, or servers that need no oracle */
    struct wire_chain *chains; /* by partition; owned */
};

/* As many empty chains. */
void chains_found(struct chains *self, uint32_t partitions);
void chains_free(struct chains *self);

/* Runs a call. The map says which disks are registered. Returns what is to be answered. */
struct wire_chain_answer chains_run(struct chains *self, const struct wire_map *map,
                                    const struct wire_chain_call *call);

/* Chains of which every member that held everything has lost its disk: they wait for ever. */
uint32_t chains_lost(const struct chains *self, const struct wire_map *map);

/* All of it as msgpack, and back. False: it is none. */
void chains_encode(const struct chains *self, struct wire_writer *out);
bool chains_decode(struct chains *self, struct wire_reader *in);

#endif
