#include "client/link.h"

#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <zmq.h>

enum {
    RECONNECT_FIRST_MS = 50,   /* libzmq's first pause between two attempts to connect */
    RECONNECT_LAST_MS = 500,   /* its longest */
    CONNECT_MS = 2000,         /* an attempt that hangs is given up */
    HANDSHAKE_MS = 2000,       /* likewise the greeting after it */
    HEARTBEAT_MS = 1000,       /* pings: clear half-open connections */
    HEARTBEAT_LIMIT_MS = 3000, /* without any sign of life the connection is closed */
    QUEUE_FRAMES = 4096,       /* frames libzmq holds each way; a full link counts as down */
    COPY_BYTES = 4096, /* payloads up to it are copied into the frame: cheaper than sharing */
};

struct client_link {
    void *socket;            /* the DEALER */
    int descriptor;          /* its ZMQ_FD */
    struct wire_writer head; /* room for encoding */
    uint64_t malformed;      /* dropped */
};

wire_time client_clock(void)
{
    struct timespec time;
    int failed = clock_gettime(CLOCK_BOOTTIME, &time);
    assert(!failed);
    return (wire_time)time.tv_sec * WIRE_SECOND + time.tv_nsec / 1000;
}

/* --- the context, shared by all links of the process ------------------------------------------ */

static pthread_mutex_t context_mutex = PTHREAD_MUTEX_INITIALIZER;
static void *context;         /* NULL while there is no link; guarded by the mutex */
static unsigned context_uses; /* links that use it; likewise */

static void *context_take(void)
{
    pthread_mutex_lock(&context_mutex);
    if (context_uses++ == 0) {
        context = zmq_ctx_new();
        assert(context != NULL);
        zmq_ctx_set(context, ZMQ_MAX_SOCKETS, zmq_ctx_get(context, ZMQ_SOCKET_LIMIT));
    }
    void *taken = context;
    pthread_mutex_unlock(&context_mutex);
    return taken;
}

/* The last one ends the context, which waits until its sockets have lingered. */
static void context_give_back(void)
{
    pthread_mutex_lock(&context_mutex);
    void *last = NULL;
    if (--context_uses == 0) {
        last = context;
        context = NULL;
    }
    pthread_mutex_unlock(&context_mutex);
    while (last != NULL && zmq_ctx_term(last) != 0)
        assert(errno == EINTR);
}

/* --- lifetime --------------------------------------------------------------------------------- */

static void set_int(void *socket, int option, int value)
{
    int failed = zmq_setsockopt(socket, option, &value, sizeof value);
    assert(!failed);
}

static void set_options(void *socket)
{
    int64_t frame_bytes = WIRE_FRAME_BYTES_MAX;
    int failed = zmq_setsockopt(socket, ZMQ_MAXMSGSIZE, &frame_bytes, sizeof frame_bytes);
    assert(!failed);
    set_int(socket, ZMQ_IMMEDIATE, 1);
    set_int(socket, ZMQ_LINGER, 0);
    set_int(socket, ZMQ_IPV6, 1);
    set_int(socket, ZMQ_SNDHWM, QUEUE_FRAMES);
    set_int(socket, ZMQ_RCVHWM, QUEUE_FRAMES);
    set_int(socket, ZMQ_RECONNECT_IVL, RECONNECT_FIRST_MS);
    set_int(socket, ZMQ_RECONNECT_IVL_MAX, RECONNECT_LAST_MS);
    set_int(socket, ZMQ_CONNECT_TIMEOUT, CONNECT_MS);
    set_int(socket, ZMQ_HANDSHAKE_IVL, HANDSHAKE_MS);
    set_int(socket, ZMQ_HEARTBEAT_IVL, HEARTBEAT_MS);
    set_int(socket, ZMQ_HEARTBEAT_TIMEOUT, HEARTBEAT_LIMIT_MS);
}

struct client_link *client_link_open(const char *address)
{
    char endpoint[WIRE_ADDRESS_TEXT_MAX + 8];
    snprintf(endpoint, sizeof endpoint, "tcp://%s", address);
    void *socket = zmq_socket(context_take(), ZMQ_DEALER);
    if (socket == NULL) {
        assert(errno == EMFILE);
        context_give_back();
        return NULL;
    }
    struct client_link *self = wire_calloc(1, sizeof *self);
    self->socket = socket;
    set_options(socket);
    /* An address that libzmq refuses stays down for ever, like any that nobody listens on. */
    if (zmq_connect(socket, endpoint) != 0)
        self->malformed++;
    size_t size = sizeof self->descriptor;
    int failed = zmq_getsockopt(socket, ZMQ_FD, &self->descriptor, &size);
    assert(!failed);
    return self;
}

void client_link_close(struct client_link **self_p, int linger_ms)
{
    struct client_link *self = *self_p;
    *self_p = NULL;
    if (self == NULL)
        return;
    set_int(self->socket, ZMQ_LINGER, linger_ms);
    int failed = zmq_close(self->socket);
    assert(!failed);
    wire_writer_free(&self->head);
    free(self);
    context_give_back();
}

int client_link_descriptor(const struct client_link *self)
{
    return self->descriptor;
}

uint64_t client_link_malformed(const struct client_link *self)
{
    return self->malformed;
}

void client_link_look(struct client_link *self, bool *up, bool *readable)
{
    int events = 0;
    size_t size = sizeof events;
    int failed;
    do {
        failed = zmq_getsockopt(self->socket, ZMQ_EVENTS, &events, &size);
    } while (failed && errno == EINTR);
    assert(!failed);
    *up = (events & ZMQ_POLLOUT) != 0;
    *readable = (events & ZMQ_POLLIN) != 0;
}

/* --- sending ---------------------------------------------------------------------------------- */

static void release_payload(void *data, void *hint)
{
    (void)data;
    struct buf *payload = hint;
    buf_unref(&payload);
}

static void frame_of(zmq_msg_t *frame, struct span bytes)
{
    int failed = zmq_msg_init_size(frame, bytes.size);
    assert(!failed);
    if (bytes.size > 0)
        memcpy(zmq_msg_data(frame), bytes.data, bytes.size);
}

static void frame_of_payload(zmq_msg_t *frame, struct buf *payload)
{
    if (payload == NULL || payload->size <= COPY_BYTES) {
        frame_of(frame, buf_span(payload));
        return;
    }
    /* libzmq only reads what it sends. */
    int failed = zmq_msg_init_data(frame, (void *)(uintptr_t)payload->data, payload->size,
                                   release_payload, buf_ref(payload));
    assert(!failed);
}

/* True if libzmq took the frame; else it is closed. */
static bool send_frame(void *socket, zmq_msg_t *frame, int flags)
{
    int sent;
    do {
        sent = zmq_msg_send(frame, socket, flags | ZMQ_DONTWAIT);
    } while (sent < 0 && errno == EINTR);
    if (sent < 0)
        zmq_msg_close(frame);
    return sent >= 0;
}

bool client_link_send(struct client_link *self, const struct wire_message *message)
{
    zmq_msg_t frame;
    wire_writer_clear(&self->head);
    wire_message_encode(message, &self->head);
    bool two = wire_type_has_payload(message->type);
    frame_of(&frame, wire_writer_span(&self->head));
    if (!send_frame(self->socket, &frame, two ? ZMQ_SNDMORE : 0))
        return false;
    if (!two)
        return true;
    frame_of_payload(&frame, message->payload);
    bool whole = send_frame(self->socket, &frame, 0);
    /* The first frame took the room of both, or the peer went away between them: then libzmq drops
     * what it has of the message. */
    return whole;
}

/* --- receiving -------------------------------------------------------------------------------- */

/* A buf that is a received frame. */
struct frame_buf {
    struct buf base; /* what others see; first, so that it can be cast back */
    zmq_msg_t frame; /* owned */
};

static void frame_release(struct buf *base)
{
    struct frame_buf *self = (struct frame_buf *)base;
    zmq_msg_close(&self->frame);
    free(self);
}

static struct buf *buf_of_frame(zmq_msg_t *frame)
{
    struct frame_buf *self = wire_calloc(1, sizeof *self);
    zmq_msg_init(&self->frame);
    zmq_msg_move(&self->frame, frame);
    self->base.data = zmq_msg_data(&self->frame);
    self->base.size = zmq_msg_size(&self->frame);
    atomic_init(&self->base.refs, 1);
    self->base.release = frame_release;
    return &self->base;
}

static bool receive_frame(void *socket, zmq_msg_t *frame)
{
    int received;
    do {
        received = zmq_msg_recv(frame, socket, ZMQ_DONTWAIT);
    } while (received < 0 && errno == EINTR);
    return received >= 0;
}

/* Receives all frames of one message and keeps the first two. Their number; 0: nothing there. */
static int receive_frames(void *socket, zmq_msg_t frames[WIRE_FRAMES_MAX])
{
    zmq_msg_t further;
    int count = 0;
    bool more = true;
    while (more) {
        zmq_msg_t *frame = count < WIRE_FRAMES_MAX ? &frames[count] : &further;
        zmq_msg_init(frame);
        if (!receive_frame(socket, frame)) {
            zmq_msg_close(frame);
            break;
        }
        more = zmq_msg_more(frame) != 0;
        if (frame == &further)
            zmq_msg_close(frame);
        count++;
    }
    return count;
}

static bool message_of_frames(zmq_msg_t frames[WIRE_FRAMES_MAX], int count,
                              struct wire_message *message)
{
    size_t size = zmq_msg_size(&frames[0]);
    if (count > WIRE_FRAMES_MAX || size > WIRE_HEAD_BYTES_MAX ||
        wire_message_decode(span_of(zmq_msg_data(&frames[0]), size), message) != WIRE_OK)
        return false;
    if (wire_type_has_payload(message->type) != (count == 2))
        return false;
    if (count == 2)
        message->payload = buf_of_frame(&frames[1]);
    return true;
}

bool client_link_receive(struct client_link *self, struct wire_message *message)
{
    zmq_msg_t frames[WIRE_FRAMES_MAX];
    int count;
    while ((count = receive_frames(self->socket, frames)) > 0) {
        bool good = message_of_frames(frames, count, message);
        for (int i = 0; i < count && i < WIRE_FRAMES_MAX; i++)
            zmq_msg_close(&frames[i]);
        if (good)
            return true;
        self->malformed++;
    }
    return false;
}
