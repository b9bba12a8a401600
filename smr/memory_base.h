/* A base in memory, for the simulator and tests: it outlives the roles above it as a disk would. */
#ifndef MADKV_SMR_MEMORY_BASE_H
#define MADKV_SMR_MEMORY_BASE_H

#include "smr/base.h"

struct smr_base smr_memory_base_new(void);
void smr_memory_base_free(struct smr_base *base);

/* A crash: a checkpoint or stage that was begun and not committed is gone. */
void smr_memory_base_crash(struct smr_base base);

/* The next checkpoints find no room (WIRE_FULL) for as long as it is set. */
void smr_memory_base_set_full(struct smr_base base, bool full);

#endif
