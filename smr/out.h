/* Effects: what a role wants done, in order. A role never does anything itself.
 *
 * The shell, an actor or the simulator, carries them out under these rules (compare the contract on
 * `Ready` in etcd's raft):
 *   1. PUT_SLOT, PUT_STATE and CUT are queued to the log in the order given and committed together.
 *   2. SEND may leave at once.
 *   3. SEND_DURABLE may leave only after a commit that covers every put before it, of this and of all
 *      earlier steps. While a commit fails for want of room it stays.
 *   4. A send that the transport refuses is lost, like a message on the network; roles re-drive
 *      everything from their state. */
#ifndef MADKV_SMR_OUT_H
#define MADKV_SMR_OUT_H

#include "smr/log.h"
#include "wire/message.h"

enum smr_effect_kind {
    SMR_SEND,         /* message may leave at once */
    SMR_SEND_DURABLE, /* message may leave when all puts so far are durable */
    SMR_PUT_SLOT,     /* make entry durable */
    SMR_PUT_STATE,    /* make state durable */
    SMR_CUT,          /* remove slots from the log, with the same commit */
    SMR_SAY,          /* tell people, with no effect on anything */
};

struct smr_effect {
    enum smr_effect_kind kind; /* which of the below */
    enum wire_role to;         /* of sends: which actor ... */
    wire_replica to_replica;   /* ... of which replica; CLIENT: see message.client */
    union {
        struct wire_message message;  /* of sends; owned, its sender filled in by the role */
        struct smr_log_entry entry;   /* of PUT_SLOT; owned */
        struct wire_hard_state state; /* of PUT_STATE */
        wire_slot upto;               /* of CUT */
        struct {
            struct buf *line; /* of SAY: owned, without an end of line */
            bool fleeting;    /* of SAY: progress, for terminals only */
        } say;
    };
};

/* A list of effects. Zero-initialised is empty. */
struct smr_out {
    struct smr_effect *effects; /* in order */
    size_t count;               /* how many */
    size_t capacity;            /* room at effects */
    enum wire_error fatal;      /* not OK: carry out nothing, end the process ... */
    const char *fatal_text;     /* ... saying this */
};

/* Appends a send of an otherwise zero message of the given type and returns it, to be filled in. The
 * pointer is good until the next append. */
struct wire_message *smr_out_send(struct smr_out *out, enum smr_effect_kind kind,
                                  const struct wire_sender *sender, enum wire_type type,
                                  enum wire_role to, wire_replica to_replica);
/* Takes its own reference to the batch. */
void smr_out_put_slot(struct smr_out *out, const struct smr_log_entry *entry);
void smr_out_put_state(struct smr_out *out, const struct wire_hard_state *state);
void smr_out_cut(struct smr_out *out, wire_slot upto);

/* A line for people. The role sees to it that no outsider can cause many. fleeting: the next line may
 * take its place, and where nobody watches it is left out. */
void smr_out_say(struct smr_out *out, bool fleeting, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* The role cannot go on: its disk lies, or it must not vote. The first call counts. text is static. */
void smr_out_die(struct smr_out *out, enum wire_error why, const char *text);

/* Drops all effects and what they own; keeps the room. */
void smr_out_clear(struct smr_out *out);
void smr_out_free(struct smr_out *out);

#endif
