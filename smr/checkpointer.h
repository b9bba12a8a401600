/* The checkpointer: whatever is written to the machine's base. It has a thread of its own because that may
 * take seconds, and does one thing at a time: a checkpoint of a frozen state, while the applier goes on; a
 * piece of a snapshot that is fetched from a peer (smr/fetch.h); the install of a whole one.
 *
 * Takes CHECKPOINT and INSTALL from the applier, FETCH, SNAPSHOT and SNAPSHOT_DENIED from the acceptor;
 * answers CHECKPOINTED and INSTALLED, sends STAGED and SNAPSHOT_ASK. Each may be lost or come twice: who
 * asks asks again, and what was done already is answered and not done again. */
#ifndef MADKV_SMR_CHECKPOINTER_H
#define MADKV_SMR_CHECKPOINTER_H

#include "smr/config.h"
#include "smr/counters.h"
#include "smr/role.h"

/* The machine stays the applier's; only its save() and fits() are called here. */
struct smr_role smr_checkpointer_new(const struct smr_config *config, struct smr_machine machine);

/* For the simulator and tests. */
const struct smr_counters *smr_checkpointer_counters(struct smr_role checkpointer);

#endif
