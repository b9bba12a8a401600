/* The applier: runs the state machine over the chosen batches, in slot order, and the session table
 * that makes each call count once; answers the calls its own replica took, and reads once their
 * index is applied. Owns the state.
 *
 * Of a machine with a base it also makes checkpoints (Ongaro's thesis, 5.1, where the state is large):
 * it freezes machine, sessions, log time and applied slot together, which is quick, and has the
 * checkpointer write them while it applies on; what is frozen is dropped once that is durable. A life
 * begins from the last checkpoint and replays only what came after it. While more than a bound is in no
 * checkpoint the API is told to put writes off, and past a second bound nothing is applied either: the log
 * has it.
 *
 * A snapshot that lies ready is installed between two batches: from INSTALL to INSTALLED the applier
 * neither applies nor reads, since the base may be of one slot or the other; then it drops what it has in
 * memory and goes on from the new base. It never goes back: a snapshot that is not ahead is turned down.
 *
 * Takes CHOSEN from the acceptor, READ_AT from the proposer, CHECKPOINTED, STAGED and INSTALLED from the
 * checkpointer, SAVE from the streamer; sends APPLIED, RESULT, CHECKPOINT, INSTALL, PRESSURE, SKIPPED. */
#ifndef MADKV_SMR_APPLIER_H
#define MADKV_SMR_APPLIER_H

#include "smr/config.h"
#include "smr/counters.h"
#include "smr/role.h"

/* Takes over the machine, and restores it from its base. */
struct smr_role smr_applier_new(const struct smr_config *config, struct smr_machine machine);

/* For the simulator and tests. */
const struct smr_counters *smr_applier_counters(struct smr_role applier);
wire_slot smr_applier_applied(struct smr_role applier);
/* Over machine, sessions and log time. */
uint64_t smr_applier_digest(struct smr_role applier);

#endif
