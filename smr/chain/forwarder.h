/* The forwarder of a replica of a chain (van Renesse and Schneider, "Chain replication for supporting high
 * throughput and availability", OSDI 2004; Terrace and Freedman, "Object storage on CRAQ", USENIX ATC
 * 2009). It runs where MultiPaxos has its proposer, over the same acceptor (smr/chain/keeper.h), API and
 * applier.
 *
 *     lost -> outside <-> adopting -> active
 *                            ^----------'      (every new epoch)
 *
 *   lost      nothing was heard from the managers in this life
 *   outside   no member: it adopts epochs so that older ones are refused, learns what the tail has
 *             acknowledged, and asks to join once it is nearly there
 *   adopting  a member: the epoch is being made durable, and the own keeper asked what it holds
 *   active    a member at work; settled once all it held is stored again under the epoch
 *
 * The way of a write: the head gives it a slot; every member makes it durable (its keeper), and only then
 * passes it on; at the tail it is acknowledged. The tail says so to all members at once rather than hop by
 * hop: each needs it for its applier, and a slot that the tail holds is held by all before it. Slots stay
 * numbered as they are over all epochs, so (epoch, slot) never names two values.
 *
 * What was stored and not known acknowledged is stored again under each new epoch, and passed to the
 * successor from what that one says it holds (LINK, LINKED). Records above the chosen bar that are from
 * before this replica joined are no part of the history and are left out; so is what an old head never
 * passed on.
 *
 * A member is a replica on a disk: on another disk it is outside, whatever the chain says of its replica.
 *
 * A member that joins is the tail at once, so nothing is acknowledged without it; it is whole, may answer
 * reads and be the last one left only once it holds what its predecessor held when the epoch began.
 *
 * Reads, at every member (CRAQ): see forwarder_reads.c.
 *
 * Takes SUBMIT and READ from the API; PROMISE, ACCEPTED, STORED, HEARD, NACK and what other forwarders say
 * from acceptors; VIEW from the courier. Sends PREPARE, ACCEPT, CHOOSE, CATCH_UP to its own acceptor;
 * ACCEPT, CHOOSE, LINK, LINKED, TAIL_ASK, TAIL_TELL to those of others; LEADERSHIP ("is head") and REFUSED
 * to the API, READ_AT to the applier, PULSE to the courier.
 *
 * Files: forwarder.c the role and what comes in; forwarder_epoch.c views, leases and epochs;
 * forwarder_slots.c the way of a slot; forwarder_reads.c. */
#ifndef MADKV_SMR_CHAIN_FORWARDER_H
#define MADKV_SMR_CHAIN_FORWARDER_H

#include "smr/config.h"
#include "smr/counters.h"
#include "smr/role.h"
#include "wire/chain.h"

/* A process that ends asks to be cut out, which need not wait for a lease, since it answers no read any more;
 * meanwhile it goes on as a member. Whoever is needed, or hears nothing from the managers, gives up soon.
 *
 * `subject` is the machine's. */
struct smr_role smr_forwarder_new(const struct smr_config *config,
                                  uint64_t (*subject)(struct span body));

/* For the simulator and tests. */
const struct smr_counters *smr_forwarder_counters(struct smr_role forwarder);
bool smr_forwarder_is_head(struct smr_role forwarder);
/* Would it answer a read right now, on its own clock? */
bool smr_forwarder_serves(struct smr_role forwarder, wire_time now);
/* The epoch it acts in, or that it is adopting. */
uint64_t smr_forwarder_epoch(struct smr_role forwarder);
bool smr_forwarder_is_tail(struct smr_role forwarder);
/* The chain it knows of. */
const struct wire_chain *smr_forwarder_view(struct smr_role forwarder);

#endif
