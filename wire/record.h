/* Durable records: what is on the disk, each with a checksum.
 *
 * Slot record, one per slot of the log, little-endian:
 *
 *      0  u8  format          1
 *      1  u8  flags           bit 0: learned, i.e. known chosen whatever the ballot
 *      2  u16 zero
 *      4  u32 batch size      bytes
 *      8  u64 slot
 *     16  u64 ballot round
 *     24  u8  ballot replica, 7 x zero
 *     32  u64 batch checksum  as in the batch itself
 *     40  u64 checksum        over bytes 0..39
 *     48  the batch, as it was on the wire
 *
 * The small records (hard state, identity) are `[format u8][checksum u64][msgpack]`.
 *
 * A record that is there but does not check is WIRE_DAMAGED, never "absent" (Alagappan et al.,
 * "Protocol-Aware Recovery", FAST 2018): a damaged vote was a vote. */
#ifndef MADKV_WIRE_RECORD_H
#define MADKV_WIRE_RECORD_H

#include "wire/limits.h"
#include "wire/pack.h"

#define WIRE_SLOT_RECORD_PREFIX 48
#define WIRE_RECORD_FORMAT 1 /* of all records; another one is another program's directory */

struct wire_slot_record {
    wire_slot slot;            /* where in the log */
    struct wire_ballot ballot; /* under which it was accepted */
    bool learned;              /* known chosen whatever the ballot */
    struct span batch;         /* points into the record */
};

/* Writes the prefix; the batch goes behind it unchanged. The batch must have been checked. */
void wire_slot_record_encode(const struct wire_slot_record *record,
                             uint8_t prefix[WIRE_SLOT_RECORD_PREFIX]);
/* WIRE_OK, or WIRE_DAMAGED: also if it is a good record of another slot than `slot`. */
enum wire_error wire_slot_record_decode(struct span bytes, wire_slot slot,
                                        struct wire_slot_record *record);

/* What an acceptor may never forget, beside its slots. */
struct wire_hard_state {
    struct wire_ballot promised; /* no lower ballot gets a vote; never falls */
    wire_slot chosen;            /* all slots up to it are chosen as the log has them; never falls */
    wire_slot cut;               /* slots up to it are no longer in the log; never falls */
    bool admitted;               /* this disk may vote: it is the replica's first, or it knows all that
                                    the ones before it may have voted for */
    struct wire_birth births[WIRE_REPLICA_COUNT_MAX]; /* newest of each replica, as far as known here;
                                    the own one only if it was taken since the directory was formatted */
};

void wire_hard_state_encode(const struct wire_hard_state *state, struct wire_writer *out);
enum wire_error wire_hard_state_decode(struct span bytes, struct wire_hard_state *state);

/* The format of a small record that checks but is of another format than this program's; 0: it is of
 * this one, or damaged. */
unsigned wire_record_foreign_format(struct span bytes);

/* Whose directory this is. */
struct wire_identity {
    uint64_t cluster;        /* as founded; 0: not known yet */
    uint64_t topology;       /* managers: checksum of the topology flags */
    uint32_t group;          /* partition, or WIRE_GROUP_MANAGERS */
    wire_replica replica;    /* which replica */
    uint8_t replica_count;   /* r of the group */
    enum wire_protocol protocol; /* how the group agrees: what its slots and promises mean */
    uint32_t partitions;     /* servers: how many partitions share the hash slots; 0: not known */
    struct wire_birth birth; /* of this directory; generation 0: may not vote yet */
    uint64_t start;          /* lives of the process on it so far */
};

void wire_identity_encode(const struct wire_identity *identity, struct wire_writer *out);
enum wire_error wire_identity_decode(struct span bytes, struct wire_identity *identity);

#endif
