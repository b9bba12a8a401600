/* Chains and the calls on them: commands and queries by which the managers are the oracle of chain
 * replication (smr/chain/). They are calls of the managers' state machine like those of wire/map.h, with
 * other numbers.
 *
 *     command  [TAKE, term]                                          a new leader takes over
 *              [CHANGE, term, partition, epoch, drop mask, add mask]
 *              [WHOLE, term, partition, epoch, replica]
 *     query    [PULSE, cluster, partition, replica, generation, nonce, start, epoch, flags,
 *                  mask of members reached]
 *     answer   [CHAIN, verdict, term, partition, replica, epoch, count,
 *                  (replica, generation, nonce, since, whole) ...]
 *
 * A chain is its members in order, head first. The epoch counts its changes; epoch 0 has no members. */
#ifndef MADKV_WIRE_CHAIN_H
#define MADKV_WIRE_CHAIN_H

#include "wire/limits.h"
#include "wire/pack.h"

struct wire_chain_member {
    wire_replica replica;    /* which replica ... */
    struct wire_birth birth; /* ... on which disk */
    uint64_t since;          /* epoch in which it joined; what its log holds above the chosen bar from
                                an earlier one is no part of the chain's history */
    bool whole;              /* it holds all that was ever acknowledged; else it is being brought there */
};

struct wire_chain {
    uint64_t epoch;                                           /* 0: none yet */
    uint8_t count;                                            /* members */
    struct wire_chain_member members[WIRE_REPLICA_COUNT_MAX]; /* head first, tail last */
};

enum wire_chain_op {
    WIRE_CHAIN_TAKE = 16, /* changes that carry another term are refused from now on */
    WIRE_CHAIN_CHANGE,    /* epoch `epoch` ends: members of the drop mask leave, then replicas of the add
                             mask become the tail, in order of their numbers */
    WIRE_CHAIN_WHOLE,     /* the member holds all that was ever acknowledged */
    WIRE_CHAIN_PULSE,     /* a replica lives, and asks for its chain; see smr/overseer.h */
    WIRE_CHAIN_OPS
};

#define WIRE_CHAIN_ANSWER 32 /* first value of an answer */

enum wire_chain_verdict {
    WIRE_CHAIN_OK,      /* done, or a PULSE of a registered disk */
    WIRE_CHAIN_REFUSED, /* another term or epoch, or nobody would be left who holds everything */
    WIRE_CHAIN_UNKNOWN, /* no such partition or replica, another disk than the registered one, not
                           founded, or servers of another protocol */
    WIRE_CHAIN_VERDICTS
};

#define WIRE_PULSE_READY 1u /* no member, but it holds so much that it may become the tail */
#define WIRE_PULSE_WHOLE 2u /* a member that holds all that was acknowledged before `epoch` */
#define WIRE_PULSE_LOST 4u  /* no sign of life, and no lease is taken: a member that cannot do its work asks
                               whether it is cut out yet */
#define WIRE_PULSE_LEAVING 8u /* it answers no read any more in this life, so that no lease of it has to run
                                 out: it is to be cut out if others can do without it */

struct wire_chain_call {
    enum wire_chain_op op;
    uint64_t term;           /* of TAKE, CHANGE, WHOLE: whose change it is */
    uint64_t cluster;        /* of PULSE */
    uint32_t partition;      /* of all but TAKE */
    uint64_t epoch;          /* of CHANGE, WHOLE: the one that is; of PULSE: the one it acts in */
    wire_replica replica;    /* of WHOLE and PULSE */
    struct wire_birth birth; /* of PULSE */
    uint64_t start;          /* of PULSE: the life of the process */
    uint64_t drop, add;      /* of CHANGE: bit per replica */
    uint64_t flags;          /* of PULSE: WIRE_PULSE_... */
    uint64_t reached;        /* of PULSE: bit per member that it reaches, itself too */
};

struct wire_chain_answer {
    enum wire_chain_verdict verdict;
    uint64_t term;           /* the newest that was taken; 0: none */
    uint32_t partition;      /* of the call */
    wire_replica replica;    /* of a PULSE: whose it was; else 0 */
    struct wire_chain chain; /* as it stands after the call */
};

/* Its place in the chain, from 0, or -1: not a member. */
static inline int wire_chain_place(const struct wire_chain *chain, wire_replica replica)
{
    for (int i = 0; i < chain->count; i++) {
        if (chain->members[i].replica == replica)
            return i;
    }
    return -1;
}

void wire_chain_call_encode(const struct wire_chain_call *call, struct wire_writer *out);
/* WIRE_OK or WIRE_MALFORMED; then *call is zero. */
enum wire_error wire_chain_call_decode(struct span bytes, struct wire_chain_call *call);
void wire_chain_answer_encode(const struct wire_chain_answer *answer, struct wire_writer *out);
/* WIRE_OK or WIRE_MALFORMED; then *answer is zero. */
enum wire_error wire_chain_answer_decode(struct span bytes, struct wire_chain_answer *answer);

/* A chain alone, as part of something larger. */
void wire_chain_encode(const struct wire_chain *chain, struct wire_writer *out);
/* in->bad if there is none. */
struct wire_chain wire_chain_read(struct wire_reader *in);
/* How many values that takes. */
uint32_t wire_chain_values(const struct wire_chain *chain);

#endif
