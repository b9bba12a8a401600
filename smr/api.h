/* The API: takes clients' calls, hands them to the proposer or refuses them at once, and gives the
 * answers back to whoever asked.
 *
 * Takes REQUEST, STATUS_ASK and ADMIN from clients; RESULT, PRESSURE and SKIPPED from the applier; REFUSED and
 * LEADERSHIP from the proposer; STATUS and ADMIN_DONE from siblings. Nothing from the network is trusted: a
 * request is classified by its bytes before anything is kept of it. What a refusal says is definite (not
 * proposed); when leadership is lost, calls that were handed on are answered IN_DOUBT, but for those that a
 * proposer which hands over sees to. So are they when the own state came as a snapshot: it may hold them.
 *
 * Orders (ADMIN) are how an operator's tool asks a leader to hand over, or a replica to make a
 * checkpoint. Whoever can reach the API could give them, so they are refused unless the process was
 * started with --allow_admin. One at a time; each is answered (ADMIN_DONE) within some seconds, with
 * an outcome and who leads by then. To move a partition's leader to replica 2: ask STATUS who leads,
 * send that one {MOVE_LEADER, 2}, and take DONE for done; NOT_LEADER names another one to ask. */
#ifndef MADKV_SMR_API_H
#define MADKV_SMR_API_H

#include "smr/config.h"
#include "smr/counters.h"
#include "smr/role.h"

/* Of the machine the API calls classify() and operation() only, which touch no state; the machine itself
 * belongs to the applier. */
struct smr_role smr_api_new(const struct smr_config *config, const struct smr_machine_ops *machine);

/* For the simulator and tests. */
const struct smr_counters *smr_api_counters(struct smr_role api);
size_t smr_api_open_calls(struct smr_role api);

#endif
