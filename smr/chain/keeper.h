/* The keeper of a chain's log: what the acceptor (smr/paxos/acceptor.h) does differently where the group
 * is a chain. Records, catching up by slots or by a snapshot, the way to the applier and cutting are the
 * same; what is a ballot there is an epoch here. There are no votes, so no disk waits to be admitted: one
 * that takes the place of another is another member (manager/chains.h).
 *
 *   - The promised ballot is the epoch. It rises only when the own forwarder adopts one (PREPARE), which
 *     also tells what is stored beyond the chosen bar; a message of any other epoch is refused and counted.
 *   - Slots come from the own forwarder (the head's, and what it stores again in a new epoch) or from the
 *     predecessor's. Once a slot is durable whoever sent it is told, and of a predecessor's slot the own
 *     forwarder, with the batch, so that it can be passed on.
 *   - "Chosen" is "acknowledged by the tail": the tail's forwarder says so (CHOOSE), and the own one is
 *     told what that comes to (HEARD), once it is durable.
 *   - What forwarders of other replicas have to say to the own one is handed on. */
#ifndef MADKV_SMR_CHAIN_KEEPER_H
#define MADKV_SMR_CHAIN_KEEPER_H

#include "smr/paxos/acceptor_state.h"

/* A message from a forwarder, but for ATTACH. */
void keeper_receive(struct acceptor *self, wire_time now, const struct wire_message *m,
                    struct smr_out *out);
/* At the end of every step. */
void keeper_settle(struct acceptor *self, wire_time now, struct smr_out *out);

#endif
