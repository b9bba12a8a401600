/* The streamer: sends the state in this replica's base to a peer that asks for it, a piece an answer
 * (smr/snapshot.h). It has a thread and sockets of its own, so that votes and heartbeats never wait.
 *
 * It serves one peer at a time, from one view of the base. What it knows of the peer is which view that is
 * and when it last asked: everything else a question says itself, so that questions may be lost, doubled
 * and late. A view that nobody asks for is closed.
 *
 * Takes SNAPSHOT_ASK from learners of peers; answers SNAPSHOT or SNAPSHOT_DENIED; says STREAMING to its own
 * acceptor, and SAVE to its own applier if a newer state is asked for than there is. */
#ifndef MADKV_SMR_STREAMER_H
#define MADKV_SMR_STREAMER_H

#include "smr/config.h"
#include "smr/counters.h"
#include "smr/role.h"

/* base: NULL for a machine without one; then there is nothing to send. Must outlive the role. */
struct smr_role smr_streamer_new(const struct smr_config *config, const struct smr_base *base);

/* For the simulator and tests. */
const struct smr_counters *smr_streamer_counters(struct smr_role streamer);

#endif
