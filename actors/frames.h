/* Messages as ZeroMQ frames, both ways.
 *
 *     [routing id]   on a ROUTER only; put there by ZeroMQ, chosen by us on the way out
 *     head           wire_message_encode; at most WIRE_HEAD_BYTES_MAX
 *     payload        only of types that have one; may be empty
 *
 * Between actors of one process nothing is encoded: the messages of a round travel as they are, in a parcel
 * that is one frame of ZeroMQ's, so that its receiver wakes once. ZeroMQ owns it on the way: a parcel that
 * nobody takes is destroyed with its frame.
 *
 * A payload is never copied on the way out, and on the way in only where that saves memory:
 * libzmq's TCP decoder hands out small frames as pieces of a shared 8 KiB chunk, and a log entry
 * kept for long would keep the whole chunk.
 *
 * Thread: whoever owns the socket. The bytes of a sent payload are read and its reference is
 * dropped on any thread. Nothing here ever blocks. */
#ifndef MADKV_ACTORS_FRAMES_H
#define MADKV_ACTORS_FRAMES_H

#include <zmq.h>

#include "wire/message.h"

/* What came out of a socket. All but NOTHING and MESSAGE are faults of the sender. */
#define FRAMES_OUTCOMES(X)                                                                         \
    X(NOTHING, "nothing")                                                                          \
    X(MESSAGE, "messages")                                                                         \
    X(BAD_ROUTING_ID, "routing_id") /* longer than any of ours, or nobody's we know */             \
    X(BAD_HEAD, "malformed")        /* no head, too long a one, or one that does not decode */     \
    X(BAD_PAYLOAD, "payload")       /* missing, or one frame too many */                           \
    X(BAD_SENDER, "sender")         /* the head names somebody else than the connection */

enum frames_outcome {
#define X(NAME, text) FRAMES_##NAME,
    FRAMES_OUTCOMES(X)
#undef X
        FRAMES_OUTCOME_COUNT
};

/* The word for it in figures and lines. */
const char *frames_outcome_text(enum frames_outcome outcome);

enum frames_flags {
    FRAMES_ROUTED = 1,  /* a ROUTER: a routing id comes first and goes to message->client */
    FRAMES_OUTSIDE = 2, /* TCP: small payloads are copied, see above */
};

/* Takes one message off the socket, whole. On FRAMES_MESSAGE *message is filled and its payload
 * owned by the caller; else it is untouched. Never FRAMES_BAD_SENDER: that is for the caller to
 * judge. */
enum frames_outcome frames_receive(void *socket, unsigned flags, struct wire_message *message);

/* Puts one message on the socket, whole, to `to` where the socket is a ROUTER (else NULL). The
 * message stays the caller's. False: refused (no such peer, or its queue is full), nothing was
 * sent. Scratch is room to encode in. */
bool frames_send(void *socket, const struct wire_client *to, const struct wire_message *message,
                 struct wire_writer *scratch);

/* --- parcels ----------------------------------------------------------------------------------- */

struct frames_parcel;

/* Adds a message behind those in *parcel, which is made where it is NULL. The message stays the caller's; the
 * parcel has a reference of its own to the payload. */
void frames_pack(struct frames_parcel **parcel, const struct wire_message *message);
/* How many are in it; NULL: none. */
size_t frames_parcel_count(const struct frames_parcel *parcel);
/* Puts the parcel on the way; *parcel becomes NULL. False: refused, and all in it is lost. */
bool frames_post(void *socket, struct frames_parcel **parcel);
/* Destroys it unsent; *parcel becomes NULL. NULL is ignored. */
void frames_parcel_destroy(struct frames_parcel **parcel);

/* The parcel that is being unpacked. All zero is not valid: see frames_inbox_init. */
struct frames_inbox {
    zmq_msg_t frame; /* which owns it; empty: there is none */
};

void frames_inbox_init(struct frames_inbox *self);
/* Destroys what was not unpacked. */
void frames_inbox_free(struct frames_inbox *self);
/* As frames_receive, from a socket to which parcels are posted. */
enum frames_outcome frames_unpack(struct frames_inbox *self, void *socket,
                                  struct wire_message *message);

#endif
