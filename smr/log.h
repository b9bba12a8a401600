/* The durable log and hard state of an acceptor, as an interface: LMDB in a running replica
 * (actors/store.h), memory in the simulator (smr/memory_log.h). One thread, the acceptor's.
 *
 * Puts are queued in memory; commit() makes all of them durable at once, in one synchronous
 * transaction, or none. read() sees only what is durable. */
#ifndef MADKV_SMR_LOG_H
#define MADKV_SMR_LOG_H

#include "wire/buf.h"
#include "wire/error.h"
#include "wire/record.h"

struct smr_log_entry {
    wire_slot slot;            /* where */
    struct wire_ballot ballot; /* under which it was accepted */
    bool learned;              /* known chosen whatever the ballot */
    struct buf *batch;         /* one reference, owned by whoever owns the entry */
};

struct smr_log_ops {
    /* The durable record of a slot. WIRE_OK: *entry is filled, the caller owns its batch.
     * WIRE_NOT_FOUND: there is none. WIRE_DAMAGED: there is one, and it cannot be trusted.
     * WIRE_FAILED: could not tell. */
    enum wire_error (*read)(void *self, wire_slot slot, struct smr_log_entry *entry);
    /* The durable hard state (zero if never written) and the highest slot with a record (0: none).
     * WIRE_OK, WIRE_DAMAGED or WIRE_FAILED. */
    enum wire_error (*load)(void *self, struct wire_hard_state *state, wire_slot *highest);
    /* Queues a slot record, replacing one of that slot; takes its own reference to the batch. */
    void (*put_slot)(void *self, const struct smr_log_entry *entry);
    /* Queues the hard state. */
    void (*put_state)(void *self, const struct wire_hard_state *state);
    /* Queues the removal of all slots up to and with `upto`; a log may take several commits for it. */
    void (*cut)(void *self, wire_slot upto);
    /* WIRE_OK: everything queued is durable. WIRE_FULL: nothing of it is, all stays queued, try again
     * later. WIRE_FAILED: the process must end at once; nothing of this log may be trusted in it; why
     * has been said. */
    enum wire_error (*commit)(void *self);
    /* Bytes that the durable slot records take. */
    uint64_t (*bytes)(void *self);
    /* Whether so little room is left that nothing should be added which can wait. */
    bool (*is_low)(void *self);
    void (*close)(void *self);
};

struct smr_log {
    const struct smr_log_ops *ops; /* which implementation */
    void *self;                    /* its state */
};

#endif
