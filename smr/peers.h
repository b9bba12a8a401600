/* The door: which messages from replicas of the own group are let in.
 *
 * Sockets may deliver what was queued before a crash, and an address may be reused. So each message
 * names its cluster, group, replica, the disk (birth) and the life of the process (start) it was sent
 * from; what is older than the newest known is dropped, what is newer is adopted. */
#ifndef MADKV_SMR_PEERS_H
#define MADKV_SMR_PEERS_H

#include "smr/config.h"
#include "smr/counters.h"

struct smr_peer {
    struct wire_birth birth; /* newest known disk; generation 0: none known */
    uint64_t start;          /* newest known life on that disk */
};

struct smr_peers {
    struct wire_sender self;                       /* whose door it is */
    uint8_t replica_count;                         /* r */
    struct smr_peer known[WIRE_REPLICA_COUNT_MAX]; /* per replica, the own included */
};

void smr_peers_init(struct smr_peers *self, const struct smr_config *config);

/* Does the sender belong to the own group at all, whatever disk it speaks from? Counted if not. */
bool smr_peers_belongs(const struct smr_peers *self, const struct wire_sender *sender,
                       struct smr_counters *counters);

/* True: let it in (and what it says of its sender is adopted). False: drop it; it was counted. */
bool smr_peers_admit(struct smr_peers *self, const struct wire_sender *sender,
                     struct smr_counters *counters);

#endif
