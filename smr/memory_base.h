/* A base in memory, for the simulator and tests: it outlives the roles above it as a disk would. */
#ifndef MADKV_SMR_MEMORY_BASE_H
#define MADKV_SMR_MEMORY_BASE_H

#include "smr/base.h"

struct smr_base smr_memory_base_new(void);
void smr_memory_base_free(struct smr_base *base);

/* A crash: a checkpoint or stage that was begun and not committed is gone. */
void smr_memory_base_crash(struct smr_base base);

/* Damage at rest: of the pair that is so many thousandths of the way through the base, or (beyond them) of
 * its image. False: there is no such. Whatever reads it from then on finds nothing there, and
 * smr_memory_base_is_lost() says so: the process that read it must end before it does anything about it,
 * as one with a real base does in the middle of reading. */
bool smr_memory_base_damage(struct smr_base base, unsigned place);
bool smr_memory_base_is_lost(struct smr_base base);
/* As if damage were read now. */
void smr_memory_base_lose(struct smr_base base);

/* The next checkpoints find no room (WIRE_FULL) for as long as it is set. */
void smr_memory_base_set_full(struct smr_base base, bool full);

#endif
