#include "wire/message.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

/* --- fields: one writer, reader and printer per kind -------------------------------------------- */

#define write_u8(out, value) wire_write_uint(out, value)
#define write_u64(out, value) wire_write_uint(out, value)
#define write_slot(out, value) wire_write_uint(out, value)
#define write_replica(out, value) wire_write_uint(out, value)
#define write_flag(out, value) wire_write_bool(out, value)
#define write_ballot(out, value) wire_write_ballot(out, value)
#define write_births(out, value) write_all_births(out, &(value))
#define write_generations(out, value) write_all_generations(out, &(value))

#define read_u8(in) (uint8_t)wire_read_uint(in, UINT8_MAX)
#define read_u64(in) wire_read_uint(in, UINT64_MAX)
/* Half the range, so that slot + 1 never wraps. */
#define read_slot(in) wire_read_uint(in, UINT64_MAX / 2)
#define read_replica(in) (wire_replica)wire_read_uint(in, UINT8_MAX)
#define read_flag(in) wire_read_bool(in)
#define read_ballot(in) wire_read_ballot(in)
#define read_births(in) read_all_births(in)
#define read_generations(in) read_all_generations(in)

/* How many msgpack values a field takes. */
#define count_u8 1
#define count_u64 1
#define count_slot 1
#define count_replica 1
#define count_flag 1
#define count_ballot 2
#define count_births (2 * WIRE_REPLICA_COUNT_MAX)
#define count_generations WIRE_REPLICA_COUNT_MAX

enum {
    HEAD_FIELDS = 9 /* type, format and the sender */
};

static void write_all_births(struct wire_writer *out, const struct wire_births *births)
{
    for (int i = 0; i < WIRE_REPLICA_COUNT_MAX; i++) {
        wire_write_uint(out, births->of[i].generation);
        wire_write_uint(out, births->of[i].nonce);
    }
}

static struct wire_births read_all_births(struct wire_reader *in)
{
    struct wire_births births;
    for (int i = 0; i < WIRE_REPLICA_COUNT_MAX; i++) {
        births.of[i].generation = (uint32_t)wire_read_uint(in, UINT32_MAX);
        births.of[i].nonce = wire_read_uint(in, UINT64_MAX);
    }
    return births;
}

static void write_all_generations(struct wire_writer *out, const struct wire_generations *births)
{
    for (int i = 0; i < WIRE_REPLICA_COUNT_MAX; i++)
        wire_write_uint(out, births->of[i]);
}

static struct wire_generations read_all_generations(struct wire_reader *in)
{
    struct wire_generations births;
    for (int i = 0; i < WIRE_REPLICA_COUNT_MAX; i++)
        births.of[i] = (uint32_t)wire_read_uint(in, UINT32_MAX);
    return births;
}

struct text {
    char *at;    /* next byte to write */
    size_t left; /* room, with the NUL */
};

static void add(struct text *text, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void add(struct text *text, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    int size = vsnprintf(text->at, text->left, format, arguments);
    va_end(arguments);
    size_t used = size < 0 ? 0 : (size_t)size < text->left ? (size_t)size : text->left - 1;
    text->at += used;
    text->left -= used;
}

#define print_u8(text, value) add(text, "%u", (unsigned)(value))
#define print_replica(text, value) add(text, "%u", (unsigned)(value))
#define print_u64(text, value) add(text, "%" PRIu64, value)
#define print_slot(text, value) add(text, "%" PRIu64, value)
#define print_flag(text, value) add(text, "%s", (value) ? "yes" : "no")
#define print_ballot(text, value) add(text, "%" PRIu64 ".%u", (value).round, (value).replica)
#define print_births(text, value) print_all_births(text, &(value))
#define print_generations(text, value) print_all_generations(text, &(value))

static void print_all_births(struct text *text, const struct wire_births *births)
{
    for (int i = 0; i < WIRE_REPLICA_COUNT_MAX; i++)
        add(text, "%s%" PRIu32, i == 0 ? "" : "/", births->of[i].generation);
}

static void print_all_generations(struct text *text, const struct wire_generations *births)
{
    for (int i = 0; i < WIRE_REPLICA_COUNT_MAX; i++)
        add(text, "%s%" PRIu32, i == 0 ? "" : "/", births->of[i]);
}

/* --- names -------------------------------------------------------------------------------------- */

const char *wire_role_text(enum wire_role role)
{
    static const char *const texts[] = {
#define X(name, text) text,
        WIRE_ROLES(X)
#undef X
    };
    return (unsigned)role < WIRE_ROLE_COUNT ? texts[role] : "nobody";
}

const char *wire_status_text(enum wire_status status)
{
    static const char *const texts[] = {
#define X(name, text) text,
        WIRE_STATUSES(X)
#undef X
    };
    return (unsigned)status < WIRE_STATUS_COUNT ? texts[status] : "unknown status";
}

const char *wire_loss_text(enum wire_loss loss)
{
    static const char *const texts[] = {
#define X(name, text) text,
        WIRE_LOSSES(X)
#undef X
    };
    return (unsigned)loss < WIRE_LOSS_COUNT ? texts[loss] : "unknown";
}

const char *wire_admin_outcome_text(enum wire_admin_outcome outcome)
{
    static const char *const texts[] = {
#define X(name, text) text,
        WIRE_ADMIN_OUTCOMES(X)
#undef X
    };
    return (unsigned)outcome < WIRE_ADMIN_OUTCOME_COUNT ? texts[outcome] : "unknown outcome";
}

const char *wire_type_text(enum wire_type type)
{
    static const char *const texts[] = {"none",
#define M(NAME, name, payload) #name,
                                        WIRE_MESSAGES(M)
#undef M
    };
    return (unsigned)type < WIRE_MESSAGE_END ? texts[type] : "unknown";
}

bool wire_type_has_payload(enum wire_type type)
{
    static const bool has[] = {false,
#define M(NAME, name, payload) payload,
                               WIRE_MESSAGES(M)
#undef M
    };
    return (unsigned)type < WIRE_MESSAGE_END && has[type];
}

/* --- one encoder, decoder and printer per message -------------------------------------------------- */

#define F(kind, field) +count_##kind
#define M(NAME, name, payload)                                                                     \
    enum { VALUES_##NAME = 0 WIRE_##NAME##_FIELDS(F) };
WIRE_MESSAGES(M)
#undef M
#undef F

#define F(kind, field) write_##kind(out, body->field);
#define M(NAME, name, payload)                                                                     \
    static void encode_##name(struct wire_writer *out, const struct wire_##name##_body *body)             \
    {                                                                                              \
        (void)out;                                                                                 \
        (void)body;                                                                                \
        WIRE_##NAME##_FIELDS(F)                                                                    \
    }
WIRE_MESSAGES(M)
#undef M
#undef F

#define F(kind, field) body->field = read_##kind(in);
#define M(NAME, name, payload)                                                                     \
    static void decode_##name(struct wire_reader *in, struct wire_##name##_body *body)                    \
    {                                                                                              \
        (void)in;                                                                                  \
        (void)body;                                                                                \
        WIRE_##NAME##_FIELDS(F)                                                                    \
    }
WIRE_MESSAGES(M)
#undef M
#undef F

#define F(kind, field)                                                                             \
    add(text, " " #field "=");                                                                     \
    print_##kind(text, body->field);
#define M(NAME, name, payload)                                                                     \
    static void print_body_##name(struct text *text, const struct wire_##name##_body *body)               \
    {                                                                                              \
        (void)text;                                                                                \
        (void)body;                                                                                \
        WIRE_##NAME##_FIELDS(F)                                                                    \
    }
WIRE_MESSAGES(M)
#undef M
#undef F

static uint32_t value_count(enum wire_type type)
{
    static const uint32_t counts[] = {0,
#define M(NAME, name, payload) VALUES_##NAME,
                                      WIRE_MESSAGES(M)
#undef M
    };
    return counts[type];
}

void wire_message_encode(const struct wire_message *message, struct wire_writer *out)
{
    assert(message->type > WIRE_MESSAGE_NONE && message->type < WIRE_MESSAGE_END);
    wire_write_array(out, HEAD_FIELDS + value_count(message->type));
    wire_write_uint(out, message->type);
    wire_write_uint(out, WIRE_FORMAT);
    wire_write_uint(out, message->sender.cluster);
    wire_write_uint(out, message->sender.group);
    wire_write_uint(out, message->sender.role);
    wire_write_uint(out, message->sender.replica);
    wire_write_uint(out, message->sender.birth.generation);
    wire_write_uint(out, message->sender.birth.nonce);
    wire_write_uint(out, message->sender.start);
    switch (message->type) {
#define M(NAME, name, payload)                                                                     \
    case WIRE_MESSAGE_##NAME:                                                                      \
        encode_##name(out, &message->name);                                                        \
        break;
        WIRE_MESSAGES(M)
#undef M
    default:
        break;
    }
}

static void decode_sender(struct wire_reader *in, struct wire_sender *sender)
{
    sender->cluster = wire_read_uint(in, UINT64_MAX);
    sender->group = (uint32_t)wire_read_uint(in, UINT32_MAX);
    sender->role = (enum wire_role)wire_read_uint(in, WIRE_ROLE_COUNT - 1);
    sender->replica = (wire_replica)wire_read_uint(in, UINT8_MAX);
    sender->birth.generation = (uint32_t)wire_read_uint(in, UINT32_MAX);
    sender->birth.nonce = wire_read_uint(in, UINT64_MAX);
    sender->start = wire_read_uint(in, UINT64_MAX);
}

enum wire_error wire_message_decode(struct span head, struct wire_message *message)
{
    struct wire_reader in = wire_reader_of(head);
    struct wire_message read = {0};
    uint32_t values = wire_read_array(&in);
    read.type = (enum wire_type)wire_read_uint(&in, WIRE_MESSAGE_END - 1);
    uint64_t format = wire_read_uint(&in, UINT8_MAX);
    if (in.bad || read.type == WIRE_MESSAGE_NONE || format != WIRE_FORMAT ||
        values != HEAD_FIELDS + value_count(read.type))
        return WIRE_MALFORMED;
    decode_sender(&in, &read.sender);
    switch (read.type) {
#define M(NAME, name, payload)                                                                     \
    case WIRE_MESSAGE_##NAME:                                                                      \
        decode_##name(&in, &read.name);                                                            \
        break;
        WIRE_MESSAGES(M)
#undef M
    default:
        break;
    }
    if (wire_read_end(&in) != WIRE_OK)
        return WIRE_MALFORMED;
    *message = read;
    return WIRE_OK;
}

char *wire_message_print(const struct wire_message *message, char *out, size_t size)
{
    struct text text = {.at = out, .left = size};
    assert(size > 0);
    out[0] = '\0';
    add(&text, "%s", wire_type_text(message->type));
    switch (message->type) {
#define M(NAME, name, payload)                                                                     \
    case WIRE_MESSAGE_##NAME:                                                                      \
        print_body_##name(&text, &message->name);                                                  \
        break;
        WIRE_MESSAGES(M)
#undef M
    default:
        break;
    }
    if (message->payload != NULL)
        add(&text, " +%zu bytes", message->payload->size);
    return out;
}
