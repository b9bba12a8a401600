/* ZeroMQ's wire protocol (ZMTP 3.0, RFC 23/ZMTP, mechanism NULL) as a DEALER speaks it, pure: bytes
 * in, bytes out.
 *
 * Why not libzmq, as everywhere else: a load generator that drives hundreds of connections on the
 * cores its servers need has to be cheap, and its clock has to stand where the bytes arrive. With
 * one call in flight on a connection nothing can be batched, and then libzmq costs two thread
 * hand-offs and a dozen system calls for each; here it is one send and one receive. A server sees
 * no difference. Measured on two cores against the same ROUTER that sends each message back, 1 KB,
 * a DEALER of libzmq for each client in one epoll set against a connection of this kind: 10 clients
 * made 10,500 to 16,900 round trips a second at 15 to 18 us of client CPU each, here 26,500 to
 * 38,400 at 4; 100 clients 12.3 us each, here 3.5 to 4.4. At 100,000 calls a second two cores have
 * 20 us for each, the service included, so with libzmq the client would be what is measured.
 *
 *     greeting   ff 00 00 00 00 00 00 00 01 7f 03 00 "NULL" 0..(16) as-server 0..(31)     64 bytes
 *     frame      flags size(1) bytes   or   flags|LONG size(8) bytes
 *     command    a frame with the flag COMMAND: name_size(1) name, then what the command holds
 *     READY      name_size(1) name value_size(4) value ...          once from each side
 *     PING       ttl(2) context, to be answered with PONG context   (ZMTP 3.1)
 *
 * A message of wire/message.h is its head in one frame and its payload, if its type has one, in a
 * second. The greeting and READY may be sent before anything is heard; messages may not: libzmq
 * closes a connection whose first message comes before it has sent its own READY. */
#ifndef MADKV_TOOLS_BENCH_ZMTP_H
#define MADKV_TOOLS_BENCH_ZMTP_H

#include "wire/message.h"

enum zmtp_stage {
    ZMTP_GREETING, /* the peer's greeting is due */
    ZMTP_READY,    /* its READY */
    ZMTP_OPEN,     /* its messages and commands */
};

/* One side of a connection, as far as it has heard the other. Zero-initialised is ready. */
struct zmtp {
    enum zmtp_stage stage; /* what is due */
};

/* Appends what is said first. */
void zmtp_write_hello(struct wire_writer *out);
/* Appends a message. `room` is scratch space. */
void zmtp_write_message(const struct wire_message *message, struct wire_writer *room,
                        struct wire_writer *out);

enum zmtp_event {
    ZMTP_NOTHING, /* the input ends before the next message does: come again with more */
    ZMTP_MESSAGE, /* a message was read */
    ZMTP_BAD,     /* that is no ZMTP, or not from whom it should be: close the connection */
};

/* Reads on. *in becomes what is left, from the next incomplete frame on; answers to commands are
 * appended to out. On MESSAGE *message is the caller's. A message that is none of ours is BAD. */
enum zmtp_event zmtp_read(struct zmtp *self, struct span *in, struct wire_writer *out,
                          struct wire_message *message);

#endif
