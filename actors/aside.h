/* A damaged state, set aside: what a replica does with a base that it must not read from any more. The files
 * of <backer_path>/state are moved to <backer_path>/state.damaged in one step, and the replica begins with
 * an empty state, which its log or a snapshot of a peer fills again (smr/paxos/learner_snapshot.c).
 *
 * What is set aside is not read by anybody. It stays until there is a whole state again, since until then
 * it may be the best there is in the world, and a person may want it; then it is removed. If damage is met
 * while there is one already, that is the older and fuller one, and what was met goes.
 *
 * Each function is durable when it returns and gives 0 or an errno. Thread: any, one at a time; of files that
 * a process still has open it keeps what it has. */
#ifndef MADKV_ACTORS_ASIDE_H
#define MADKV_ACTORS_ASIDE_H

#include <stdbool.h>

/* Sets the state in the directory aside. */
int aside_put(const char *directory);
bool aside_is_there(const char *directory);
/* Removes what was set aside; there need be nothing. */
int aside_remove(const char *directory);
/* Removes the state and what was set aside of it; there need be neither. */
int aside_wipe(const char *directory);

#endif
