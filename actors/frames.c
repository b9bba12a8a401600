#include "actors/frames.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <zmq.h>

/* libzmq is not built for ThreadSanitizer, which therefore does not see that a frame's receiver
 * comes after its sender. Over inproc both have the same bytes, so their address says it. */
#if defined(__SANITIZE_THREAD__)
#define FRAMES_TSAN 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define FRAMES_TSAN 1
#endif
#endif
#ifdef FRAMES_TSAN
void __tsan_acquire(void *address);
void __tsan_release(void *address);
#define HANDED_OVER(frame) __tsan_release(zmq_msg_data(frame))
#define TAKEN_OVER(frame) __tsan_acquire(zmq_msg_data(frame))
#else
#define HANDED_OVER(frame) ((void)(frame))
#define TAKEN_OVER(frame) ((void)(frame))
#endif

enum {
    COPY_BYTES = 256,    /* a smaller payload costs less to copy than to refer to */
    CHUNK_BYTES = 8192,  /* what libzmq's decoder reads at once (in_batch_size) */
    PARCEL_MESSAGES = 4, /* room in a new parcel */
};

/* A payload that came in, in the frame it came in. */
struct frame_buf {
    struct buf buf;  /* first, so that a pointer to it is one to this */
    zmq_msg_t frame; /* owns the bytes */
};

const char *frames_outcome_text(enum frames_outcome outcome)
{
    static const char *const texts[] = {
#define X(NAME, text) text,
        FRAMES_OUTCOMES(X)
#undef X
    };
    assert((unsigned)outcome < FRAMES_OUTCOME_COUNT);
    return texts[outcome];
}

/* --- in --------------------------------------------------------------------------------------- */

static void frame_buf_release(struct buf *buf)
{
    struct frame_buf *self = (struct frame_buf *)buf;
    zmq_msg_close(&self->frame);
    free(self);
}

/* Takes the content of the frame, which is empty afterwards. */
static struct buf *frame_buf_new(zmq_msg_t *frame)
{
    struct frame_buf *self = wire_alloc(sizeof *self);
    zmq_msg_init(&self->frame);
    zmq_msg_move(&self->frame, frame);
    /* Asked for after the move: the bytes of a very small frame are inside zmq_msg_t. */
    self->buf.data = zmq_msg_data(&self->frame);
    self->buf.size = zmq_msg_size(&self->frame);
    self->buf.release = frame_buf_release;
    atomic_init(&self->buf.refs, 1);
    return &self->buf;
}

static struct buf *payload_of(zmq_msg_t *frame, unsigned flags)
{
    size_t size = zmq_msg_size(frame);
    if (size <= COPY_BYTES || ((flags & FRAMES_OUTSIDE) != 0 && size < CHUNK_BYTES))
        return buf_copy(span_of(zmq_msg_data(frame), size));
    return frame_buf_new(frame);
}

static bool receive_frame(void *socket, zmq_msg_t *frame)
{
    while (zmq_msg_recv(frame, socket, ZMQ_DONTWAIT) < 0) {
        if (errno == EINTR)
            continue;
        assert(errno == EAGAIN || errno == ETERM);
        return false;
    }
    TAKEN_OVER(frame);
    return true;
}

/* What has been received of one message. */
struct inbound {
    struct wire_message message; /* as far as it is known */
    enum frames_outcome outcome; /* MESSAGE until something is wrong */
    unsigned count;              /* frames after the routing id */
};

static void take_routing_id(struct inbound *self, zmq_msg_t *frame)
{
    size_t size = zmq_msg_size(frame);
    if (size == 0 || size > WIRE_CLIENT_ID_BYTES_MAX) {
        self->outcome = FRAMES_BAD_ROUTING_ID;
        return;
    }
    self->message.client.size = (uint8_t)size;
    memcpy(self->message.client.bytes, zmq_msg_data(frame), size);
}

static void take_head(struct inbound *self, zmq_msg_t *frame)
{
    struct wire_client client = self->message.client;
    size_t size = zmq_msg_size(frame);
    if (size > WIRE_HEAD_BYTES_MAX ||
        wire_message_decode(span_of(zmq_msg_data(frame), size), &self->message) != WIRE_OK)
        self->outcome = FRAMES_BAD_HEAD;
    self->message.client = client;
}

static void take_payload(struct inbound *self, zmq_msg_t *frame, unsigned flags)
{
    if (self->count != 1 || !wire_type_has_payload(self->message.type))
        self->outcome = FRAMES_BAD_PAYLOAD;
    else
        self->message.payload = payload_of(frame, flags);
}

/* Once something is wrong the rest is taken off the socket and thrown away. */
static void take_frame(struct inbound *self, zmq_msg_t *frame, unsigned flags)
{
    if (self->outcome == FRAMES_MESSAGE && self->count == 0)
        take_head(self, frame);
    else if (self->outcome == FRAMES_MESSAGE)
        take_payload(self, frame, flags);
    self->count++;
}

enum frames_outcome frames_receive(void *socket, unsigned flags, struct wire_message *message)
{
    struct inbound in = {.outcome = FRAMES_MESSAGE};
    zmq_msg_t frame;
    zmq_msg_init(&frame);
    bool is_id = (flags & FRAMES_ROUTED) != 0;
    bool any = false;
    while (receive_frame(socket, &frame)) {
        any = true;
        bool more = zmq_msg_more(&frame) != 0;
        if (is_id)
            take_routing_id(&in, &frame);
        else
            take_frame(&in, &frame, flags);
        is_id = false;
        if (!more)
            break;
    }
    zmq_msg_close(&frame);
    if (!any)
        return FRAMES_NOTHING;
    if (in.outcome == FRAMES_MESSAGE && in.count == 0)
        in.outcome = FRAMES_BAD_HEAD;
    if (in.outcome == FRAMES_MESSAGE && in.message.payload == NULL &&
        wire_type_has_payload(in.message.type))
        in.outcome = FRAMES_BAD_PAYLOAD;
    if (in.outcome != FRAMES_MESSAGE) {
        wire_message_clear(&in.message);
        return in.outcome;
    }
    *message = in.message;
    return FRAMES_MESSAGE;
}

/* --- out -------------------------------------------------------------------------------------- */

static void drop_payload(void *data, void *hint)
{
    struct buf *buf = hint;
    (void)data;
    buf_unref(&buf);
}

static void or_out_of_memory(int failed)
{
    if (failed != 0)
        abort(); /* as wire_alloc does: a crash is an ordinary fault here */
}

static void frame_copy(zmq_msg_t *frame, struct span bytes)
{
    or_out_of_memory(zmq_msg_init_size(frame, bytes.size));
    if (bytes.size > 0)
        memcpy(zmq_msg_data(frame), bytes.data, bytes.size);
}

static void frame_refer(zmq_msg_t *frame, struct buf *payload)
{
    void *data = (void *)(uintptr_t)payload->data;
    or_out_of_memory(zmq_msg_init_data(frame, data, payload->size, drop_payload, buf_ref(payload)));
}

/* False: not taken; the frame is closed either way. A message refused in its middle is rolled back
 * by libzmq, whole. */
static bool send_frame(void *socket, zmq_msg_t *frame, bool more)
{
    int flags = ZMQ_DONTWAIT | (more ? ZMQ_SNDMORE : 0);
    HANDED_OVER(frame);
    int sent;
    do
        sent = zmq_msg_send(frame, socket, flags);
    while (sent < 0 && errno == EINTR);
    if (sent >= 0)
        return true;
    assert(errno == EAGAIN || errno == EHOSTUNREACH || errno == ETERM);
    zmq_msg_close(frame);
    return false;
}

static bool send_message(void *socket, const struct wire_message *message,
                         struct wire_writer *scratch)
{
    bool has_payload = wire_type_has_payload(message->type);
    assert(has_payload || message->payload == NULL);
    zmq_msg_t frame;
    wire_writer_clear(scratch);
    wire_message_encode(message, scratch);
    assert(scratch->size <= WIRE_HEAD_BYTES_MAX);
    frame_copy(&frame, wire_writer_span(scratch));
    if (!send_frame(socket, &frame, has_payload))
        return false;
    if (!has_payload)
        return true;
    struct span payload = buf_span(message->payload);
    assert(payload.size <= WIRE_FRAME_BYTES_MAX);
    if (payload.size <= COPY_BYTES)
        frame_copy(&frame, payload);
    else
        frame_refer(&frame, message->payload);
    return send_frame(socket, &frame, false);
}

bool frames_send(void *socket, const struct wire_client *to, const struct wire_message *message,
                 struct wire_writer *scratch)
{
    if (to != NULL) {
        zmq_msg_t frame;
        /* With ROUTER_MANDATORY it is the routing id that is refused. */
        frame_copy(&frame, span_of(to->bytes, to->size));
        if (!send_frame(socket, &frame, true))
            return false;
    }
    return send_message(socket, message, scratch);
}

/* --- parcels ---------------------------------------------------------------------------------- */

struct frames_parcel {
    size_t count;                   /* messages in it */
    size_t capacity;                /* room for so many */
    size_t next;                    /* those before it were taken out */
    struct wire_message messages[]; /* with their payloads */
};

static void drop_parcel(void *data, void *hint)
{
    struct frames_parcel *self = data;
    (void)hint;
    for (size_t i = self->next; i < self->count; i++)
        wire_message_clear(&self->messages[i]);
    free(self);
}

void frames_parcel_destroy(struct frames_parcel **parcel)
{
    if (*parcel != NULL)
        drop_parcel(*parcel, NULL);
    *parcel = NULL;
}

size_t frames_parcel_count(const struct frames_parcel *parcel)
{
    return parcel == NULL ? 0 : parcel->count;
}

void frames_pack(struct frames_parcel **parcel, const struct wire_message *message)
{
    struct frames_parcel *self = *parcel;
    if (self == NULL || self->count == self->capacity) {
        size_t capacity = self == NULL ? PARCEL_MESSAGES : self->capacity * 2;
        bool is_new = self == NULL;
        self = wire_realloc(self, sizeof *self + capacity * sizeof self->messages[0]);
        if (is_new)
            *self = (struct frames_parcel){.count = 0};
        self->capacity = capacity;
        *parcel = self;
    }
    bool has_payload = wire_type_has_payload(message->type);
    assert(has_payload || message->payload == NULL);
    struct wire_message *packed = &self->messages[self->count++];
    *packed = *message;
    if (message->payload != NULL)
        buf_ref(message->payload);
    else if (has_payload)
        packed->payload = buf_copy(span_of(NULL, 0)); /* as an empty frame would become */
}

bool frames_post(void *socket, struct frames_parcel **parcel)
{
    zmq_msg_t frame;
    or_out_of_memory(zmq_msg_init_data(&frame, *parcel, sizeof **parcel, drop_parcel, NULL));
    *parcel = NULL;
    return send_frame(socket, &frame, false);
}

void frames_inbox_init(struct frames_inbox *self)
{
    zmq_msg_init(&self->frame);
}

void frames_inbox_free(struct frames_inbox *self)
{
    zmq_msg_close(&self->frame);
}

enum frames_outcome frames_unpack(struct frames_inbox *self, void *socket,
                                  struct wire_message *message)
{
    for (;;) {
        struct frames_parcel *parcel = zmq_msg_data(&self->frame);
        if (zmq_msg_size(&self->frame) == sizeof *parcel && parcel->next < parcel->count) {
            *message = parcel->messages[parcel->next++];
            return FRAMES_MESSAGE;
        }
        if (!receive_frame(socket, &self->frame)) /* which drops the one before */
            return FRAMES_NOTHING;
        if (zmq_msg_size(&self->frame) != sizeof *parcel || zmq_msg_more(&self->frame))
            return FRAMES_BAD_HEAD;
    }
}
