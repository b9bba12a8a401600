/* The words of the protocols as types, so that a ballot cannot be passed as a slot.
 *
 * Time is counted in microseconds of a clock that never goes back and does not stop in suspend
 * (CLOCK_BOOTTIME in a running replica, made up in the simulator). */
#ifndef MADKV_WIRE_TYPES_H
#define MADKV_WIRE_TYPES_H

#include <stdbool.h>
#include <stdint.h>

typedef uint64_t wire_slot;  /* position in the replicated log; the first is 1, 0 is "none" */
typedef int64_t wire_time;   /* microseconds, monotonic */
typedef uint8_t wire_replica; /* index of a replica in its group, from 0 */

#define WIRE_SECOND ((wire_time)1000000)
#define WIRE_MS ((wire_time)1000)
#define WIRE_NEVER INT64_MAX

#define WIRE_NO_REPLICA ((wire_replica)255)

/* How the replicas of a partition agree. Managers always run MultiPaxos. */
enum wire_protocol {
    WIRE_PROTOCOL_MULTIPAXOS, /* smr/paxos/ */
    WIRE_PROTOCOL_CHAIN,      /* smr/chain/ */
    WIRE_PROTOCOLS
};
/* As flags and people call it. */
const char *wire_protocol_text(enum wire_protocol protocol);
/* False: nobody calls one so. */
bool wire_protocol_parse(const char *text, enum wire_protocol *protocol);

/* A ballot (Lamport, "Paxos Made Simple", 2.2: proposal number): totally ordered, by round and then
 * by replica, and never used twice. Round 0 is "none" and below every real ballot. */
struct wire_ballot {
    uint64_t round;       /* chosen by the candidate, durable at its acceptor before it is spoken */
    wire_replica replica; /* the candidate */
};

static inline int ballot_compare(struct wire_ballot a, struct wire_ballot b)
{
    if (a.round != b.round)
        return a.round < b.round ? -1 : 1;
    return a.replica < b.replica ? -1 : a.replica > b.replica;
}

static inline bool ballot_equal(struct wire_ballot a, struct wire_ballot b)
{
    return ballot_compare(a, b) == 0;
}

static inline bool ballot_less(struct wire_ballot a, struct wire_ballot b)
{
    return ballot_compare(a, b) < 0;
}

static inline bool ballot_is_none(struct wire_ballot a)
{
    return a.round == 0;
}

/* Which disk a replica speaks from: made anew whenever its directory is formatted. */
struct wire_birth {
    uint32_t generation; /* 0: none; 1: the first disk of this replica; more: a reborn one */
    uint64_t nonce;      /* random, tells two disks of one generation apart */
};

static inline bool birth_equal(struct wire_birth a, struct wire_birth b)
{
    return a.generation == b.generation && a.nonce == b.nonce;
}

#endif
