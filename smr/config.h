/* What every role of a replica is told at birth. */
#ifndef MADKV_SMR_CONFIG_H
#define MADKV_SMR_CONFIG_H

#include "smr/machine.h"
#include "smr/overseer.h"
#include "wire/message.h"

/* Times of the protocol, in microseconds. The defaults are smr_timing_default(). */
struct smr_timing {
    wire_time heartbeat;   /* between two heartbeats of a leader */
    wire_time silence_min; /* of a leader before a follower asks for votes: at least ... */
    wire_time silence_max; /* ... and less than, drawn anew each time */
    wire_time step_down;   /* a leader without a majority's acknowledgement for so long gives up */
    wire_time resend;      /* a request without an answer is sent again */
    wire_time ask;         /* a round of asking or preparing may take so long */
    wire_time lease;       /* an acceptor that heard a leader helps nobody else for so long */
    wire_time stall;       /* a leader whose own commit takes so long hands leadership over */
    wire_time own_vote;    /* a leader asks its own acceptor if the others were no majority for so long;
                              0: at once */
    wire_time piece;       /* of a snapshot: asked for again, later and later, ... */
    wire_time silence;     /* ... and after so long of somebody else */
};

/* A restarted acceptor has forgotten its leases, so it helps nobody for as long as the longest that anybody
 * is configured with may last: all that a group waits for that was started again as a whole. And that is shorter
 * than any silence after which somebody would want help. */
#define SMR_LEASE_MAX (500 * WIRE_MS)
/* Clocks of two replicas may differ by so much per unit of time: an acceptor counts a lease longer by
 * this part, the leader shorter. */
#define SMR_CLOCK_DRIFT_PERCENT 10

/* Chains: a replica asks the managers for its chain so often ... */
#define SMR_CHAIN_PULSE (250 * WIRE_MS)
/* ... and the answer lets it serve reads for so long, counted from when it asked. */
#define SMR_CHAIN_LEASE (2 * WIRE_SECOND)

static inline wire_time smr_lease_granted(wire_time lease)
{
    return lease + lease * SMR_CLOCK_DRIFT_PERCENT / 100;
}

static inline wire_time smr_lease_held(wire_time lease)
{
    return lease - lease * SMR_CLOCK_DRIFT_PERCENT / 100;
}

/* How reads are made current (--reads). */
enum smr_reads {
    SMR_READS_LEASE, /* by the leader's index, confirmed in advance by leases; else as INDEX */
    SMR_READS_INDEX, /* by the leader's index, confirmed by a round of heartbeats */
    SMR_READS_LOG,   /* ordered like writes */
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
        .lease = 500 * WIRE_MS,
        .stall = 1000 * WIRE_MS,
        .own_vote = 0,
        .piece = 1000 * WIRE_MS,
        .silence = 8000 * WIRE_MS,
    };
}

/* A checkpoint begins when any of the first three is reached since the last one. */
struct smr_checkpointing {
    size_t changed_bytes; /* of the machine's state in memory */
    size_t log_bytes;     /* of batches applied */
    uint64_t slots;       /* applied */
    uint64_t tail_slots;  /* kept in the log behind the own checkpoint ... */
    uint64_t tail_bytes;  /* ... while all of the log takes no more; 0: WIRE_TAIL_BYTES */
    uint64_t hold_bytes;  /* and that much more while a snapshot is sent; 0: WIRE_HOLD_BYTES */
    size_t unsaved_bytes_max; /* changes in no checkpoint, more: writes wait;
                                 0: WIRE_UNSAVED_BYTES_MAX */
    size_t piece_bytes;   /* of a snapshot, sent at once; 0: WIRE_PIECE_BYTES, which is the most */
    size_t stage_bytes;   /* of one received, made durable together; 0: WIRE_STAGE_BYTES */
    size_t pace_bytes;    /* likewise, that come a second at least; 0: WIRE_PACE_BYTES */
};

static inline struct smr_checkpointing smr_checkpointing_default(void)
{
    return (struct smr_checkpointing){
        .changed_bytes = WIRE_CHECKPOINT_BYTES,
        .log_bytes = WIRE_CHECKPOINT_LOG_BYTES,
        .slots = WIRE_CHECKPOINT_SLOTS,
        .tail_slots = WIRE_TAIL_SLOTS,
        .tail_bytes = WIRE_TAIL_BYTES,
        .hold_bytes = WIRE_HOLD_BYTES,
        .unsaved_bytes_max = WIRE_UNSAVED_BYTES_MAX,
    };
}

struct smr_config {
    struct wire_sender self;  /* cluster, group, replica, birth, start; the role is filled in */
    uint8_t replica_count;    /* r: 1, 3, 5, 7 or 9 */
    enum wire_protocol protocol; /* how the group agrees */
    struct smr_overseer overseer; /* of the API, which owns it; ops NULL: none */
    uint64_t seed;            /* of all random choices */
    struct smr_timing timing; /* see there */
    struct smr_checkpointing checkpointing; /* when to begin one */
    enum smr_reads reads;     /* how they are made current */
    bool allow_admin;         /* the API takes orders (ADMIN) from whoever reaches it */
    uint32_t api_calls_max;   /* open calls; more: BUSY. 0: WIRE_API_CALLS_MAX, which is the most */
    uint32_t session_count_max; /* sessions; 0: WIRE_SESSION_COUNT_MAX. Part of what is replicated: the
                                   same on every replica, always. Only the simulator sets these two */
    struct span opening;      /* a PLAIN command for each new leader's first batch; may be empty;
                                 must live as long as the roles */
};

/* Replicas that make a majority of r. */
static inline unsigned smr_quorum(uint8_t replica_count)
{
    return replica_count / 2u + 1;
}

#endif
