/* Snapshots: the state of a base as a stream, for a replica whose peers have cut the log it would need
 * (Ongaro's thesis, 5.4.1; here the receiver asks, so that it may choose whom, and when to go on).
 *
 *     learner        "slot n is cut at my peers"            FETCH
 *     checkpointer   asks one peer, piece by piece          SNAPSHOT_ASK   (through its own acceptor)
 *     streamer       of the peer: reads a view of its base  SNAPSHOT
 *     checkpointer   stages the pieces in its base, durably; when it has all, and all of it fits
 *                    together, asks the applier             STAGED
 *     applier        stands still                           INSTALL
 *     checkpointer   makes it the base, at once             INSTALLED
 *     applier        takes the new state over               APPLIED: the acceptor's bar follows
 *
 * A snapshot is named by the slot its state is after, and that state is the same on every replica. First
 * come the pairs in order of their keys, then the image that belongs to them (smr/image.h). A piece says
 * behind what it goes on, so that one that comes late or twice does not fit; its checksum covers all of
 * that and what it carries. Whoever starts again goes on behind the last key that is durable, at any peer
 * that has the same snapshot.
 *
 * Nothing of an acceptor's hard state is part of a snapshot: no ballot, no vote.
 *
 *     pairs   per pair: [bin key, bin value], keys ascending
 *     mark    [format, cluster, group, snapshot, pairs, bytes, hash sum, bin last key, whole]
 */
#ifndef MADKV_SMR_SNAPSHOT_H
#define MADKV_SMR_SNAPSHOT_H

#include "smr/machine.h"

/* What is staged. */
struct smr_mark {
    uint64_t cluster;         /* whose state, as in struct wire_sender */
    uint32_t group;           /* likewise */
    wire_slot snapshot;       /* of which slot; 0: nothing is staged */
    struct smr_totals totals; /* of the pairs so far */
    bool whole;               /* those are all */
    uint8_t key[WIRE_KEY_BYTES_MAX]; /* the last one */
    size_t key_size;          /* its bytes; 0: none yet */
};

static inline struct span smr_mark_key(const struct smr_mark *mark)
{
    return span_of(mark->key, mark->key_size);
}

void smr_mark_encode(const struct smr_mark *mark, struct wire_writer *out);
/* WIRE_OK or WIRE_MALFORMED. */
enum wire_error smr_mark_decode(struct span bytes, struct smr_mark *mark);

/* The `place` of pairs that go on behind that key; 0 for those that begin. */
static inline uint64_t smr_snapshot_place(struct span key)
{
    return key.size == 0 ? 0 : wire_hash(key);
}

/* Of a SNAPSHOT, over all it says but who sends it. */
uint64_t smr_snapshot_checksum(const struct wire_message *message);

void smr_snapshot_put(struct wire_writer *out, struct span key, struct span value);
/* The next pair; false at the end or when the list is bad (then in->bad). */
bool smr_snapshot_next(struct wire_reader *in, struct span *key, struct span *value);
/* WIRE_OK: a list of right pairs with keys ascending from behind `after` on, else WIRE_MALFORMED. */
enum wire_error smr_snapshot_check(struct span pairs, struct span after);

#endif
