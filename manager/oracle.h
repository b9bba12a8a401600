/* The oracle of the chains: notices which servers live, and orders what follows from it (van Renesse and
 * Schneider, OSDI 2004, 3; ARCHITECTURE: the managers are the oracle).
 *
 * A server asks for its chain every ORACLE_PULSE (wire/chain.h: PULSE), a plain query. The answer is a
 * lease: until ORACLE_LEASE after it asked, the server may answer reads in that epoch, and none of the
 * members is cut out before that. So here a member counts as dead only when it was not heard for a lease,
 * made longer by what clocks may differ; a lease was granted at the latest when the question came in.
 *
 * A member that leaves in good order answers no read any more, and says so. It is cut out as soon as it has
 * said so for ORACLE_LEAVE, in which others that leave with it would have spoken: nothing is changed for those
 * that leave together, so that all of a cluster that is shut down are members when they return.
 *
 * Members that all speak with the managers may still not reach each other, and each pulse says whom it reaches.
 * Of those that miss somebody the one that misses most, or is missed, is avoided: its questions are not
 * answered any more, as if it were silent, until its lease is over and it is cut out, or until all is well.
 *
 * A manager that begins to lead does not know which leases its predecessor granted. It first has its term
 * taken (TAKE): what a predecessor ordered later than that changes nothing, and no answer a predecessor
 * gave can be newer. It assumes that each lease there is was granted at that moment, and it lets no answer
 * out before. While a change is under way nobody it drops gets an answer, so none gets a lease.
 *
 * If all members of a chain are silent at once it is the network or the managers, and nothing changes. Nor
 * does it before one that would stay says, in this epoch, that it holds everything: whoever has just started
 * does not know yet what its disk lost.
 *
 * An smr_overseer of the managers' API. Pure; that thread. */
#ifndef MADKV_MANAGER_ORACLE_H
#define MADKV_MANAGER_ORACLE_H

#include "smr/config.h"
#include "smr/overseer.h"

struct oracle_counters {
#define ORACLE_COUNTERS(X)                                                                         \
    X(terms)          /* taken */                                                                  \
    X(pulses)         /* servers that asked */                                                     \
    X(chains_formed)  /* first epochs */                                                           \
    X(members_cut)    /* members taken for dead */                                                 \
    X(members_left)   /* of them, leaving in good order */                                         \
    X(members_avoided) /* members that others do not reach */                                      \
    X(members_joined) /* replicas made the tail */                                                 \
    X(members_whole)  /* of them, found to hold everything */                                      \
    X(answers_kept)   /* answers withheld, since they might be leases */                           \
    X(all_silent)     /* times that a whole chain was silent, and nothing was changed */
#define X(name) uint64_t name;
    ORACLE_COUNTERS(X)
#undef X
};

/* For clusters of `partitions` chains of `server_rf` replicas; seed: of the terms. */
struct smr_overseer oracle_new(uint32_t partitions, uint8_t server_rf, uint64_t seed);

/* For the simulator and tests. */
const struct oracle_counters *oracle_counters(struct smr_overseer oracle);

#endif
