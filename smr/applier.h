/* The applier: runs the state machine over the chosen batches, in slot order, and the session table
 * that makes each call count once; answers the calls its own replica took, and reads once their
 * index is applied. Owns the state.
 *
 * Takes CHOSEN from the acceptor and READ_AT from the proposer; sends APPLIED, RESULT. */
#ifndef MADKV_SMR_APPLIER_H
#define MADKV_SMR_APPLIER_H

#include "smr/config.h"
#include "smr/counters.h"
#include "smr/role.h"

/* Takes over the machine. */
struct smr_role smr_applier_new(const struct smr_config *config, struct smr_machine machine);

/* For the simulator and tests. */
const struct smr_counters *smr_applier_counters(struct smr_role applier);
wire_slot smr_applier_applied(struct smr_role applier);
/* Over machine, sessions and log time. */
uint64_t smr_applier_digest(struct smr_role applier);

#endif
