/* A role: a pure state machine that reacts to one event at a time. The runtime (actors/) and the
 * simulator (tests/sim/) drive every role through this table and know nothing else about it.
 *
 * `now` never goes back between calls on one role. Effects are appended to `out`; the caller carries
 * them out under the rules of smr/out.h before or after further events, but in order. */
#ifndef MADKV_SMR_ROLE_H
#define MADKV_SMR_ROLE_H

#include "smr/out.h"

struct smr_role_ops {
    const char *name; /* for logs and thread names */
    /* A message for this role. The caller keeps it; the role takes references to what it keeps. */
    void (*receive)(void *self, wire_time now, const struct wire_message *message,
                    struct smr_out *out);
    /* What had arrived has been received, up to a bound: roles that gather (the proposer packs
     * batches, the acceptor answers many at once) act now. Called once per round of the shell's loop,
     * before effects are carried out. NULL for roles that do not gather. */
    void (*settle)(void *self, wire_time now, struct smr_out *out);
    /* The deadline has passed (or the process starts: called once before anything else). */
    void (*wake)(void *self, wire_time now, struct smr_out *out);
    /* All puts this role has ever appended are durable now. NULL for roles that put nothing. */
    void (*durable)(void *self, wire_time now, struct smr_out *out);
    /* Whether the disk has room for more than what is put already: told when that changes, true at first.
     * NULL for roles that put nothing. */
    void (*room)(void *self, wire_time now, bool enough, struct smr_out *out);
    /* The process is about to end: the role hands over what others can do in its stead. It goes on
     * being driven until left() says that it has nothing to lose any more, or until the shell has lost
     * patience. Called once at most. NULL for roles that hand nothing over; both or none. */
    void (*leave)(void *self, wire_time now, struct smr_out *out);
    bool (*left)(const void *self);
    /* When to wake it next; WIRE_NEVER for no wish. */
    wire_time (*deadline)(const void *self);
    /* Appends figures about itself (wire/figures.h) as they are now. */
    void (*figures)(const void *self, wire_time now, struct wire_writer *out);
    void (*destroy)(void *self);
};

struct smr_role {
    const struct smr_role_ops *ops; /* what it can do */
    void *self;                     /* its state */
};

#endif
