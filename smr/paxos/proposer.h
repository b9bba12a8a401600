/* The proposer of a MultiPaxos replica (Lamport, "The part-time parliament", 3; "Paxos Made Simple",
 * 3; van Renesse and Altinbuken, "Paxos Made Moderately Complex", 4): stands for election, and while
 * it leads, orders commands and confirms reads.
 *
 *     following -> asking -> claiming -> preparing -> leading -> yielding
 *         ^----------+----------+-----------+-----------+-----------'
 *
 *   following  a leader is heard, or its silence is not long enough yet
 *   asking     would a majority promise? raises no ballot, so that a replica which was cut off does
 *              not disturb a working leader (Ongaro's thesis, 9.6)
 *   claiming   the new ballot is being made durable at the own acceptor, before anybody else hears it:
 *              so no ballot is ever used twice, whatever crashes
 *   preparing  Phase 1 for all slots from the own chosen bar on to infinity
 *   leading    Phase 2, many slots at once; nothing is served before the opening batch of this ballot
 *              is chosen
 *   yielding   leadership is being handed over on purpose: nothing is read or proposed in this ballot
 *              any more; calls that come in wait to be told who leads now
 *
 * Takes ASKED, PROMISE, ACCEPTED, NACK, HEARTBEAT_ACK, RELEASED, FILL from acceptors; HEARD and SUCCEED
 * from its own; SUBMIT, READ and ADMIN from the API. Sends ASK, PREPARE, ACCEPT, HEARTBEAT, RELEASE,
 * SUCCEED to acceptors, ATTACH, CHOOSE and CATCH_UP to its own, REFUSED, LEADERSHIP and ADMIN_DONE to the
 * API, READ_AT to the applier.
 *
 * Files: proposer.c the role and its states; proposer_births.c which votes count at all;
 * proposer_election.c; proposer_leading.c; proposer_reads.c; proposer_handover.c. */
#ifndef MADKV_SMR_PAXOS_PROPOSER_H
#define MADKV_SMR_PAXOS_PROPOSER_H

#include "smr/config.h"
#include "smr/counters.h"
#include "smr/role.h"

struct smr_role smr_proposer_new(const struct smr_config *config);

/* For the simulator and tests. */
const struct smr_counters *smr_proposer_counters(struct smr_role proposer);
bool smr_proposer_leads(struct smr_role proposer);
/* Would it answer a read right now, on its own clock, without asking anybody? */
bool smr_proposer_holds_lease(struct smr_role proposer, wire_time now);
struct wire_ballot smr_proposer_ballot(struct smr_role proposer);
/* Bit per acceptor whose promise it counts, or counted when it began to lead. */
unsigned smr_proposer_promises(struct smr_role proposer);

#endif
