/* The durable log in memory: the twin of the one on disk. It keeps nothing past the process, so it
 * serves replicas that run with `--backer_path none`, and the simulator, which decides what a crash
 * takes with it. */
#ifndef MADKV_SMR_MEMORY_LOG_H
#define MADKV_SMR_MEMORY_LOG_H

#include "smr/log.h"

/* An empty log; log.ops->close frees it. */
struct smr_log smr_memory_log_new(void);

/* A crash: whatever is queued and not committed is gone. */
void smr_memory_log_crash(struct smr_log log);

/* The next commits find no room (WIRE_FULL) for as long as it is set. */
void smr_memory_log_set_full(struct smr_log log, bool full);

/* There is little room, for as long as it is set. */
void smr_memory_log_set_low(struct smr_log log, bool low);

/* Flips a bit of the durable record of a slot: the next read says WIRE_DAMAGED. */
void smr_memory_log_damage(struct smr_log log, wire_slot slot);

#endif
