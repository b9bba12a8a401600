/* The acceptor and learner of a MultiPaxos replica (Lamport, "Paxos Made Simple", 2.2 and 2.3; van
 * Renesse and Altinbuken, "Paxos Made Moderately Complex", 4.4): votes, keeps the log, learns what is
 * chosen, and feeds it to the applier in slot order.
 *
 * What it promises and accepts is durable before it is spoken: every Promise, Accepted and answer to
 * a Birth is a SEND_DURABLE behind the put it speaks of. Its promised ballot never falls, and only
 * one function raises it.
 *
 * Takes from proposers ASK, PREPARE, ACCEPT, HEARTBEAT, RELEASE, SUCCEED; from the own proposer also ATTACH, CHOOSE,
 * CATCH_UP; from peers' learners LEARN, BIRTH; as a learner LEARNED, BIRTH_KNOWN; from the applier
 * APPLIED; from the streamer STREAMING. Answers each where it came from; sends CHOSEN to the applier,
 * HEARD and SUCCEED to the own proposer, LEARN and BIRTH to its peers, FILL to a leader it may not vote for
 * yet, FETCH to the checkpointer. What the checkpointer and the streamers of peers say to each other passes
 * through here, since here are the sockets.
 *
 * Files, by where the input comes from: acceptor.c proposers; acceptor_birth.c whether this disk may
 * vote; learner.c what is chosen, peers, the applier; learner_snapshot.c what has to do with snapshots;
 * acceptor_leases.c leases; acceptor_slots.c the
 * slots in memory and on disk. */
#ifndef MADKV_SMR_PAXOS_ACCEPTOR_H
#define MADKV_SMR_PAXOS_ACCEPTOR_H

#include "smr/config.h"
#include "smr/counters.h"
#include "smr/role.h"

/* Only reads the log, which stays the caller's and must outlive the role; what it wants written it
 * puts out as effects. A log that cannot be read makes the first wake() end with out->fatal. */
struct smr_role smr_acceptor_new(const struct smr_config *config, struct smr_log log);

/* For the simulator and tests. */
const struct smr_counters *smr_acceptor_counters(struct smr_role acceptor);
wire_slot smr_acceptor_chosen(struct smr_role acceptor);
struct wire_ballot smr_acceptor_promised(struct smr_role acceptor);
/* Does its disk vote? */
bool smr_acceptor_votes(struct smr_role acceptor);

#endif
