/* One TCP connection that carries messages of wire/message.h in ZMTP, never blocking. One thread;
 * the owner's epoll set says when to call what: bench_connection_fill when there is something to
 * receive, bench_connection_flush when there is room to send. */
#ifndef MADKV_TOOLS_BENCH_CONNECTION_H
#define MADKV_TOOLS_BENCH_CONNECTION_H

#include <sys/socket.h>

#include "tools/bench/zmtp.h"

struct bench_connection {
    int descriptor;          /* of the socket; -1: closed */
    int epoll;               /* the set it is in */
    void *owner;             /* what the set reports for it */
    bool wants_room;         /* the set also reports room to send */
    struct zmtp zmtp;        /* how far the peer is */
    struct wire_writer out;  /* written and not known taken by the kernel */
    size_t out_sent;         /* bytes of it that the kernel took */
    struct wire_writer held; /* messages for a peer that is not ready for them yet */
    struct wire_writer in;   /* received; capacity is the room of the next receive */
    size_t in_read;          /* bytes of it that were read */
};

/* Starts to connect; what is sent meanwhile goes out then. False: the system refuses, errno says
 * why. The connection must be zero or closed. */
bool bench_connection_open(struct bench_connection *self, int epoll, void *owner,
                           const struct sockaddr *address, socklen_t address_size);
/* Keeps no memory. Of a closed one: nothing. */
void bench_connection_close(struct bench_connection *self);

static inline bool bench_connection_is_open(const struct bench_connection *self)
{
    return self->descriptor >= 0;
}

/* Appends a message to what is to be sent. `room` is scratch space. */
void bench_connection_send(struct bench_connection *self, const struct wire_message *message,
                           struct wire_writer *room);
/* Hands the kernel what it takes. False: the connection is broken. */
bool bench_connection_flush(struct bench_connection *self);

/* Receives what is there, up to the room. False: the connection is broken or at its end. */
bool bench_connection_fill(struct bench_connection *self);
/* The next message among what was received; see zmtp_read. */
enum zmtp_event bench_connection_next(struct bench_connection *self, struct wire_message *message);

#endif
