/* How a server replica's disk becomes one that may vote: it learns the cluster from the managers,
 * checks its flags against it, makes itself a birth and has that registered.
 *
 *     ask for the map, until there is one        nothing durable yet: the flags may be wrong
 *     if one is known already: wait until a      so that no disk is put out of date by one that
 *     majority of the group votes without it,    never comes to vote, or that is still needed
 *     or one of the chain holds everything
 *     make a birth later than the one known      durable, before anybody hears of it
 *     register the birth                         the managers log it; once is enough
 *     admitted if it is the replica's first      durable
 *     cluster and partitions                     durable
 *
 * A crash between any two steps is repaired by starting again at the first. The last step is what
 * later starts look at: from then on they need no managers, and only if these answer at once are
 * the directory and the flags held against their map. A birth that is not the first one ever
 * registered for this replica means that it voted from another disk: it serves, but does not vote before
 * its peers have told it what that one may have promised (smr/paxos/acceptor_birth.c); of a chain, it is cut
 * out as the member it was and joins as another one (manager/chains.h). Alone in its group
 * it has none; then all it held is lost, and its owner must say that he knows.
 *
 * Thread: `main`, before anything is served. */
#ifndef MADKV_SERVER_JOIN_H
#define MADKV_SERVER_JOIN_H

#include "actors/node.h"

/* Does what is missing; asks the node's managers for as long as it takes. What makes no sense ends the
 * process. */
void server_join(struct node *node);

/* The same without managers: a whole cluster by itself. */
void server_stand_alone(struct node *node);
/* The id of every such cluster: no message ever leaves it. */
uint64_t server_alone_cluster(void);

#endif
