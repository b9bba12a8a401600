/* What every role of a replica is told at birth. */
#ifndef MADKV_SMR_CONFIG_H
#define MADKV_SMR_CONFIG_H

#include "smr/machine.h"
#include "wire/message.h"

/* Times of the protocol, in microseconds. The defaults are smr_timing_default(). */
struct smr_timing {
    wire_time heartbeat;   /* between two heartbeats of a leader */
    wire_time silence_min; /* of a leader before a follower asks for votes: at least ... */
    wire_time silence_max; /* ... and less than, drawn anew each time */
    wire_time step_down;   /* a leader without a majority's acknowledgement for so long gives up */
    wire_time resend;      /* a request without an answer is sent again */
    wire_time ask;         /* a round of asking or preparing may take so long */
};

static inline struct smr_timing smr_timing_default(void)
{
    return (struct smr_timing){
        .heartbeat = 100 * WIRE_MS,
        .silence_min = 1000 * WIRE_MS,
        .silence_max = 2000 * WIRE_MS,
        .step_down = 1000 * WIRE_MS,
        .resend = 200 * WIRE_MS,
        .ask = 300 * WIRE_MS,
    };
}

/* A checkpoint begins when any of these is reached since the last one. */
struct smr_checkpointing {
    size_t changed_bytes; /* of the machine's state in memory */
    size_t log_bytes;     /* of batches applied */
    uint64_t slots;       /* applied */
    uint64_t tail_slots;  /* kept in the log behind what could be cut */
};

static inline struct smr_checkpointing smr_checkpointing_default(void)
{
    return (struct smr_checkpointing){
        .changed_bytes = WIRE_CHECKPOINT_BYTES,
        .log_bytes = WIRE_CHECKPOINT_LOG_BYTES,
        .slots = WIRE_CHECKPOINT_SLOTS,
        .tail_slots = WIRE_TAIL_SLOTS,
    };
}

struct smr_config {
    struct wire_sender self;  /* cluster, group, replica, birth, start; the role is filled in */
    uint8_t replica_count;    /* r: 1, 3, 5, 7 or 9 */
    uint64_t seed;            /* of all random choices */
    struct smr_timing timing; /* see there */
    struct smr_checkpointing checkpointing; /* when to begin one */
    bool reads_through_log;   /* order reads like writes instead of by the leader's index */
    struct span opening;      /* a PLAIN command for each new leader's first batch; may be empty;
                                 must live as long as the roles */
};

/* Replicas that make a majority of r. */
static inline unsigned smr_quorum(uint8_t replica_count)
{
    return replica_count / 2u + 1;
}

#endif
