/* Batches: what one slot of the log holds.
 *
 *     +--------+----------+------------------------------------------------------------+
 *     | format | checksum | msgpack: elapsed_ms, origin, origin_start, count           |
 *     | 1 byte | 8 bytes  | then per command [kind, tag, session, number, lowest, bin] |
 *     +--------+----------+------------------------------------------------------------+
 *                          ^ the checksum is over all from here on
 *
 * A batch is encoded once, by the proposer, out of entries that the API encoded; the same bytes go to
 * every acceptor, into the log and to the applier. A batch without commands is a no-op.
 *
 * elapsed_ms drives log time: what the leader measured since its previous batch. origin says which
 * replica took the clients' calls, in which life of its process, so that only its applier answers. */
#ifndef MADKV_WIRE_BATCH_H
#define MADKV_WIRE_BATCH_H

#include "wire/buf.h"
#include "wire/limits.h"
#include "wire/message.h"
#include "wire/pack.h"

/* One command of a batch. */
struct wire_command {
    enum wire_call_kind kind; /* what it is */
    uint64_t tag;             /* the origin's name for the call, to route the answer */
    uint64_t session;         /* of WRITE and CLOSE; else 0 */
    uint64_t number;          /* of WRITE: which call of the session, from 1 */
    uint64_t lowest;          /* of WRITE: the lowest number without an answer at the client */
    struct span body;         /* the machine's command */
};

struct wire_batch {
    uint64_t elapsed_ms;       /* log time since the previous batch */
    wire_replica origin;       /* replica that took these calls */
    uint64_t origin_start;     /* in which life of its process */
    uint32_t count;            /* commands in all */
    struct wire_reader unread; /* what wire_batch_next has not handed out */
};

/* Appends the entry of one command. */
void wire_command_encode(const struct wire_command *command, struct wire_writer *out);

/* A batch out of encoded entries. The counts and bytes must fit the limits. */
struct buf *wire_batch_build(const struct wire_batch *head, struct buf *const *entries,
                             uint32_t count);

/* WIRE_OK: checksum and every entry are right. WIRE_DAMAGED: the checksum does not fit.
 * WIRE_MALFORMED: it fits, but this is no batch. */
enum wire_error wire_batch_check(struct span bytes);

/* Opens a batch that was checked before; asserts that it is one. */
struct wire_batch wire_batch_open(struct span bytes);
/* The next command; false at the end. */
bool wire_batch_next(struct wire_batch *batch, struct wire_command *command);

/* The checksum a checked batch carries: names its content. */
uint64_t wire_batch_checksum(struct span bytes);

#endif
