#include "tools/bench/connection.h"

#include <assert.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <unistd.h>

enum {
    IN_BYTES = 16 * 1024, /* room to receive at first; it grows to hold the largest message */
    IN_BYTES_MAX = 2 * WIRE_FRAME_BYTES_MAX,
};

static void set_events(struct bench_connection *self, int operation, uint32_t events)
{
    struct epoll_event event = {.events = events, .data.ptr = self->owner};
    int failed = epoll_ctl(self->epoll, operation, self->descriptor, &event);
    assert(!failed);
}

static void want_room(struct bench_connection *self, bool wanted)
{
    if (self->wants_room == wanted)
        return;
    self->wants_room = wanted;
    set_events(self, EPOLL_CTL_MOD, wanted ? EPOLLIN | EPOLLOUT : EPOLLIN);
}

bool bench_connection_open(struct bench_connection *self, int epoll, void *owner,
                           const struct sockaddr *address, socklen_t address_size)
{
    int one = 1;
    int descriptor = socket(address->sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (descriptor < 0)
        return false;
    if (setsockopt(descriptor, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one) != 0 ||
        (connect(descriptor, address, address_size) != 0 && errno != EINPROGRESS)) {
        int why = errno;
        close(descriptor);
        errno = why;
        return false;
    }
    *self = (struct bench_connection){.descriptor = descriptor, .epoll = epoll, .owner = owner};
    self->wants_room = true;
    set_events(self, EPOLL_CTL_ADD, EPOLLIN | EPOLLOUT);
    zmtp_write_hello(&self->out);
    return true;
}

void bench_connection_close(struct bench_connection *self)
{
    if (!bench_connection_is_open(self))
        return;
    close(self->descriptor); /* leaves the set with it */
    wire_writer_free(&self->out);
    wire_writer_free(&self->held);
    wire_writer_free(&self->in);
    *self = (struct bench_connection){.descriptor = -1};
}

/* --- sending --------------------------------------------------------------------------------- */

void bench_connection_send(struct bench_connection *self, const struct wire_message *message,
                           struct wire_writer *room)
{
    bool ready = self->zmtp.stage == ZMTP_OPEN;
    zmtp_write_message(message, room, ready ? &self->out : &self->held);
}

bool bench_connection_flush(struct bench_connection *self)
{
    while (self->out_sent < self->out.size) {
        ssize_t sent = send(self->descriptor, self->out.data + self->out_sent,
                            self->out.size - self->out_sent, MSG_NOSIGNAL);
        if (sent >= 0) {
            self->out_sent += (size_t)sent;
        } else if (errno == EAGAIN || errno == EINPROGRESS || errno == ENOTCONN) {
            want_room(self, true);
            return true;
        } else if (errno != EINTR) {
            return false;
        }
    }
    wire_writer_clear(&self->out);
    self->out_sent = 0;
    want_room(self, false);
    return true;
}

/* --- receiving ------------------------------------------------------------------------------- */

/* Room behind what is not read yet, which moves to the front. */
static bool make_room(struct bench_connection *self)
{
    struct wire_writer *in = &self->in;
    in->size -= self->in_read;
    if (self->in_read > 0 && in->size > 0)
        memmove(in->data, in->data + self->in_read, in->size);
    self->in_read = 0;
    if (in->size < in->capacity)
        return true;
    size_t capacity = in->capacity == 0 ? IN_BYTES : in->capacity * 2;
    if (capacity > IN_BYTES_MAX)
        return false;
    in->data = wire_realloc(in->data, capacity);
    in->capacity = capacity;
    return true;
}

bool bench_connection_fill(struct bench_connection *self)
{
    if (!make_room(self))
        return false;
    struct wire_writer *in = &self->in;
    ssize_t received;
    do {
        received = recv(self->descriptor, in->data + in->size, in->capacity - in->size, 0);
    } while (received < 0 && errno == EINTR);
    if (received < 0)
        return errno == EAGAIN;
    in->size += (size_t)received;
    return received > 0;
}

enum zmtp_event bench_connection_next(struct bench_connection *self, struct wire_message *message)
{
    struct span rest = span_of(self->in.data + self->in_read, self->in.size - self->in_read);
    enum zmtp_event event = zmtp_read(&self->zmtp, &rest, &self->out, message);
    self->in_read = self->in.size - rest.size;
    if (self->zmtp.stage == ZMTP_OPEN && self->held.size > 0) {
        wire_write_raw(&self->out, wire_writer_span(&self->held));
        wire_writer_free(&self->held);
    }
    return event;
}
