/* The cluster map as a state machine: what the managers replicate (smr/machine.h).
 *
 * Calls and answers are those of wire/map.h. FOUND and REGISTER are PLAIN: applying one twice is
 * the same as once, so they need no session. MAP is a query. Every answer carries the map as it
 * stands after the call.
 *
 *   FOUND     the first one makes the map; every later one finds it made and changes nothing.
 *   REGISTER  a birth of a later generation than known is recorded: OK. The same again: OK. Any other:
 * REBORN, and the map says which is known. So each generation is given once, and a call that comes late
 * takes nobody's place. A place the map does not have, or a server of another cluster: STRANGER. Before
 * FOUND: NOT_FOUNDED.
 *
 * The map rules, not the flags. A manager whose flags contradict what was founded must end; it
 * learns so here, from `conflict`, which is a way out of the process and no part of the state: a
 * replica that has none applies the same commands with the same result.
 *
 * Used by the applier's thread alone, but for classify, which looks at no state. */
#ifndef MADKV_MANAGER_MAP_MACHINE_H
#define MADKV_MANAGER_MAP_MACHINE_H

#include "smr/machine.h"
#include "wire/chain.h"
#include "wire/map.h"

/* Called on the applier's thread when a FOUND was applied and the map has another factor or other
 * addresses than the flags. Both are good for the call only. May end the process. */
typedef void map_conflict_fn(void *context, const struct wire_map *founded,
                             const struct wire_map *flags);

/* What this manager was told on its command line. */
struct map_flags {
    const struct wire_map *map; /* server_rf and addresses; copied; NULL: nothing to compare with */
    uint8_t manager_count;      /* managers of the group, for the figures */
    map_conflict_fn *conflict;  /* NULL: nobody wants to know */
    void *context;              /* handed to conflict */
    const struct smr_base *base; /* where checkpoints go, must outlive the machine; NULL: nowhere */
};

/* The map as the machine has it now; cluster 0: not founded. For the simulator. */
const struct wire_map *map_machine_map(struct smr_machine machine);
/* The chain of a partition as the machine has it now; NULL: none. For the simulator. */
const struct wire_chain *map_machine_chain(struct smr_machine machine, uint32_t partition);

/* A machine without a map. flags may be NULL. Ends with ops->destroy. */
struct smr_machine map_machine_new(const struct map_flags *flags);

#endif
