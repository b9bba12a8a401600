/* An overseer: what a replica's API does beside handing calls on, as an interface; the managers of a
 * cluster of chains have one (manager/oracle.h), nobody else does.
 *
 * It sees queries come in and answers go out at the replica that leads, and may have one command of its
 * own ordered at a time. A query that is answered came in under the same unbroken leadership, and the
 * answer is as current as any read's. Pure, as a role is; the API's thread. */
#ifndef MADKV_SMR_OVERSEER_H
#define MADKV_SMR_OVERSEER_H

#include "wire/message.h"
#include "wire/pack.h"

struct smr_overseer_ops {
    /* This replica begins to lead, under a ballot of its own, or ends. */
    void (*lead)(void *self, wire_time now, bool leading);
    /* A query came in and is handed on. */
    void (*asked)(void *self, wire_time now, struct span query);
    /* This is to be said to whoever asked. False: do not; say that this replica does not lead. */
    bool (*answered)(void *self, wire_time now, struct span answer);
    /* Appends a command to be ordered now, if there is one. Not called while one is under way. */
    void (*wish)(void *self, wire_time now, struct wire_writer *command);
    /* What became of it; anything but OK: it may or may not be applied, now or later. Said of every
     * command, but for one that is under way when leadership ends or begins anew: then lead() is. */
    void (*done)(void *self, wire_time now, enum wire_status status, struct span answer);
    /* When to ask for a wish next, whatever happens before. */
    wire_time (*deadline)(const void *self);
    void (*figures)(const void *self, struct wire_writer *out);
    void (*destroy)(void *self);
};

struct smr_overseer {
    const struct smr_overseer_ops *ops; /* NULL: there is none */
    void *self;                         /* its state */
};

#endif
