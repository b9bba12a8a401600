/* The checkpointer: writes a frozen state to the machine's base while the applier goes on. It has a
 * thread of its own because a checkpoint may take seconds, and does one thing at a time.
 *
 * Takes CHECKPOINT from the applier and answers CHECKPOINTED. */
#ifndef MADKV_SMR_CHECKPOINTER_H
#define MADKV_SMR_CHECKPOINTER_H

#include "smr/config.h"
#include "smr/role.h"

/* The machine stays the applier's; only its save() is called here. */
struct smr_role smr_checkpointer_new(const struct smr_config *config, struct smr_machine machine);

#endif
