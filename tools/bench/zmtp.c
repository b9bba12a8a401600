#include "tools/bench/zmtp.h"

#include <assert.h>

enum {
    GREETING_BYTES = 64,
    VERSION_AT = 10,     /* in the greeting: major version */
    MECHANISM_AT = 12,   /* in the greeting: 20 bytes */
    FLAG_MORE = 1,       /* further frames of the message follow */
    FLAG_LONG = 2,       /* the size takes 8 bytes */
    FLAG_COMMAND = 4,    /* no message */
    PING_CONTEXT_AT = 7, /* in a PING: behind its name and ttl */
};

/* --- writing --------------------------------------------------------------------------------- */

static void write_frame(struct wire_writer *out, uint8_t flags, struct span bytes)
{
    uint8_t head[9] = {flags, (uint8_t)bytes.size};
    size_t head_size = 2;
    if (bytes.size > UINT8_MAX) {
        head[0] |= FLAG_LONG;
        head_size = sizeof head;
        for (size_t i = 0; i < 8; i++)
            head[1 + i] = (uint8_t)((uint64_t)bytes.size >> (8 * (7 - i)));
    }
    wire_write_raw(out, span_of(head, head_size));
    wire_write_raw(out, bytes);
}

void zmtp_write_hello(struct wire_writer *out)
{
    static const uint8_t ready[] = "\5READY\13Socket-Type\0\0\0\6DEALER\10Identity\0\0\0";
    uint8_t greeting[GREETING_BYTES] = {0xff, 0, 0, 0, 0, 0, 0, 0, 1, 0x7f, 3, 0};
    memcpy(greeting + MECHANISM_AT, "NULL", 4);
    wire_write_raw(out, span_of(greeting, sizeof greeting));
    write_frame(out, FLAG_COMMAND, span_of(ready, sizeof ready)); /* its NUL ends the last size */
}

void zmtp_write_message(const struct wire_message *message, struct wire_writer *room,
                        struct wire_writer *out)
{
    bool two = wire_type_has_payload(message->type);
    wire_writer_clear(room);
    wire_message_encode(message, room);
    write_frame(out, two ? FLAG_MORE : 0, wire_writer_span(room));
    if (two)
        write_frame(out, 0, buf_span(message->payload));
}

/* --- reading --------------------------------------------------------------------------------- */

/* One frame, where it lies. */
struct frame {
    uint8_t flags;     /* as above */
    struct span bytes; /* what it holds */
};

/* Takes a whole frame off `in`: MESSAGE, or NOTHING and BAD with `in` untouched. */
static enum zmtp_event take_frame(struct span *in, struct frame *frame)
{
    if (in->size < 2)
        return ZMTP_NOTHING;
    uint8_t flags = in->data[0];
    bool is_long = (flags & FLAG_LONG) != 0;
    size_t head_size = is_long ? 9 : 2;
    if ((flags & ~(FLAG_MORE | FLAG_LONG | FLAG_COMMAND)) != 0)
        return ZMTP_BAD;
    if (in->size < head_size)
        return ZMTP_NOTHING;
    uint64_t size = in->data[1];
    for (size_t i = 2; i < head_size; i++) {
        if (size > UINT64_MAX >> 8)
            return ZMTP_BAD;
        size = size << 8 | in->data[i];
    }
    if (size > WIRE_FRAME_BYTES_MAX)
        return ZMTP_BAD;
    if (in->size - head_size < size)
        return ZMTP_NOTHING;
    *frame = (struct frame){flags, span_of(in->data + head_size, (size_t)size)};
    *in = span_of(in->data + head_size + size, in->size - head_size - (size_t)size);
    return ZMTP_MESSAGE;
}

static bool starts_with(struct span bytes, const char *text, size_t size)
{
    return bytes.size >= size && memcmp(bytes.data, text, size) == 0;
}

static enum zmtp_event read_greeting(struct zmtp *self, struct span *in)
{
    static const char mechanism[20] = "NULL";
    /* Peers of ZMTP 2 and 1 send less; what can be told early is told early. */
    if ((in->size > 0 && in->data[0] != 0xff) || (in->size > 9 && in->data[9] != 0x7f) ||
        (in->size > VERSION_AT && in->data[VERSION_AT] < 3))
        return ZMTP_BAD;
    if (in->size < GREETING_BYTES)
        return ZMTP_NOTHING;
    if (memcmp(in->data + MECHANISM_AT, mechanism, sizeof mechanism) != 0)
        return ZMTP_BAD;
    *in = span_of(in->data + GREETING_BYTES, in->size - GREETING_BYTES);
    self->stage = ZMTP_READY;
    return ZMTP_MESSAGE;
}

/* READY is all that may come first, PING and PONG later; ERROR means that the peer goes. */
static enum zmtp_event read_command(struct zmtp *self, struct span bytes, struct wire_writer *out)
{
    if (self->stage == ZMTP_READY) {
        self->stage = ZMTP_OPEN;
        return starts_with(bytes, "\5READY", 6) ? ZMTP_NOTHING : ZMTP_BAD;
    }
    if (starts_with(bytes, "\5ERROR", 6))
        return ZMTP_BAD;
    if (starts_with(bytes, "\4PING", 5) && bytes.size >= PING_CONTEXT_AT) {
        uint8_t pong[5 + UINT8_MAX] = "\4PONG";
        size_t size = bytes.size - PING_CONTEXT_AT < 16 ? bytes.size - PING_CONTEXT_AT : 16;
        memcpy(pong + 5, bytes.data + PING_CONTEXT_AT, size);
        write_frame(out, FLAG_COMMAND, span_of(pong, 5 + size));
    }
    return ZMTP_NOTHING;
}

/* The frames of one message, the first of which was taken. */
static enum zmtp_event read_message(const struct frame *head, struct span *in,
                                    struct wire_message *message)
{
    struct frame payload = {0};
    bool two = (head->flags & FLAG_MORE) != 0;
    if (two) {
        enum zmtp_event event = take_frame(in, &payload);
        if (event != ZMTP_MESSAGE)
            return event;
    }
    if ((payload.flags & (FLAG_MORE | FLAG_COMMAND)) != 0 ||
        head->bytes.size > WIRE_HEAD_BYTES_MAX ||
        wire_message_decode(head->bytes, message) != WIRE_OK)
        return ZMTP_BAD;
    if (wire_type_has_payload(message->type) != two)
        return ZMTP_BAD;
    if (two)
        message->payload = buf_copy(payload.bytes);
    return ZMTP_MESSAGE;
}

enum zmtp_event zmtp_read(struct zmtp *self, struct span *in, struct wire_writer *out,
                          struct wire_message *message)
{
    if (self->stage == ZMTP_GREETING) {
        enum zmtp_event event = read_greeting(self, in);
        if (event != ZMTP_MESSAGE)
            return event;
    }
    for (;;) {
        struct span rest = *in;
        struct frame frame;
        enum zmtp_event event = take_frame(&rest, &frame);
        if (event != ZMTP_MESSAGE)
            return event;
        bool command = (frame.flags & FLAG_COMMAND) != 0;
        if (command ? (frame.flags & FLAG_MORE) != 0 : self->stage != ZMTP_OPEN)
            return ZMTP_BAD;
        event =
            command ? read_command(self, frame.bytes, out) : read_message(&frame, &rest, message);
        if (event == ZMTP_BAD)
            return ZMTP_BAD;
        if (event == ZMTP_NOTHING && !command)
            return ZMTP_NOTHING; /* the second frame is not there yet */
        *in = rest;
        if (event == ZMTP_MESSAGE)
            return ZMTP_MESSAGE;
    }
}
