#include "wire/kv.h"

/* Looks at every byte, so that compilers make vectors of it: values are long, and almost all are fine. */
static bool is_text(struct span bytes)
{
    uint8_t bad = 0;
    for (size_t i = 0; i < bytes.size; i++) {
        uint8_t c = bytes.data[i];
        bad |= (uint8_t)((c == ' ') | (c == 0) | ((uint8_t)(c - '\t') <= '\r' - '\t'));
    }
    return bad == 0;
}

bool wire_kv_key_ok(struct span key)
{
    return key.size >= 1 && key.size <= WIRE_KEY_BYTES_MAX && is_text(key);
}

bool wire_kv_value_ok(struct span value)
{
    return value.size >= 1 && value.size <= WIRE_VALUE_BYTES_MAX && is_text(value);
}

static uint32_t call_values(enum wire_kv_op op)
{
    switch (op) {
    case WIRE_KV_PUT:
    case WIRE_KV_SWAP:
        return 3;
    case WIRE_KV_SCAN:
        return 4;
    default:
        return 2;
    }
}

void wire_kv_call_encode(const struct wire_kv_call *call, struct wire_writer *out)
{
    wire_write_array(out, call_values(call->op));
    wire_write_uint(out, call->op);
    wire_write_bin(out, call->key);
    if (call_values(call->op) >= 3)
        wire_write_bin(out, call->value);
    if (call->op == WIRE_KV_SCAN)
        wire_write_bool(out, call->after);
}

enum wire_error wire_kv_call_decode(struct span bytes, struct wire_kv_call *call)
{
    struct wire_reader in = wire_reader_of(bytes);
    struct wire_kv_call read = {0};
    uint32_t values = wire_read_array(&in);
    read.op = (enum wire_kv_op)wire_read_uint(&in, WIRE_KV_OPS - 1);
    if (in.bad || values != call_values(read.op))
        return WIRE_MALFORMED;
    read.key = wire_read_bin(&in, WIRE_KEY_BYTES_MAX);
    bool ok = wire_kv_key_ok(read.key);
    if (read.op == WIRE_KV_SCAN) {
        read.value = wire_read_bin(&in, WIRE_KEY_BYTES_MAX);
        read.after = wire_read_bool(&in);
        ok = ok && wire_kv_key_ok(read.value);
    } else if (values == 3) {
        read.value = wire_read_bin(&in, WIRE_VALUE_BYTES_MAX);
        ok = ok && wire_kv_value_ok(read.value);
    }
    if (!ok || wire_read_end(&in) != WIRE_OK)
        return WIRE_MALFORMED;
    *call = read;
    return WIRE_OK;
}

static bool answers_value(enum wire_kv_op op)
{
    return op == WIRE_KV_SWAP || op == WIRE_KV_GET;
}

void wire_kv_answer_encode(enum wire_kv_op op, const struct wire_kv_answer *answer,
                           struct wire_writer *out)
{
    wire_write_array(out, 1);
    if (!answers_value(op))
        wire_write_bool(out, answer->found);
    else if (answer->found)
        wire_write_bin(out, answer->value);
    else
        wire_write_nil(out);
}

enum wire_error wire_kv_answer_decode(enum wire_kv_op op, struct span bytes,
                                      struct wire_kv_answer *answer)
{
    struct wire_reader in = wire_reader_of(bytes);
    struct wire_kv_answer read = {0};
    wire_read_array_of(&in, 1);
    if (!answers_value(op)) {
        read.found = wire_read_bool(&in);
    } else if (!wire_read_nil(&in)) {
        read.found = true;
        read.value = wire_read_bin(&in, WIRE_VALUE_BYTES_MAX);
    }
    if (wire_read_end(&in) != WIRE_OK)
        return WIRE_MALFORMED;
    *answer = read;
    return WIRE_OK;
}

void wire_kv_page_begin(struct wire_writer *out, bool more, uint32_t pairs)
{
    wire_write_array(out, 1 + 2 * pairs);
    wire_write_bool(out, more);
}

void wire_kv_page_add(struct wire_writer *out, struct span key, struct span value)
{
    wire_write_bin(out, key);
    wire_write_bin(out, value);
}

/* Walks a copy of the reader over the pairs: a page that was cut is no shorter page, as the pairs
 * that are missing would pass for absent. */
static bool has_pairs(struct wire_reader in, uint32_t pairs)
{
    struct span key;
    struct span value;
    for (uint32_t i = 0; i < pairs; i++) {
        if (!wire_kv_page_next(&in, &key, &value))
            return false;
    }
    return wire_read_end(&in) == WIRE_OK;
}

struct wire_reader wire_kv_page_open(struct span bytes, bool *more)
{
    struct wire_reader in = wire_reader_of(bytes);
    uint32_t values = wire_read_array(&in);
    *more = wire_read_bool(&in);
    if (values % 2 != 1 || !has_pairs(in, values / 2)) {
        in.bad = true;
        *more = false;
    }
    return in;
}

bool wire_kv_page_next(struct wire_reader *page, struct span *key, struct span *value)
{
    if (!wire_read_more(page))
        return false;
    *key = wire_read_bin(page, WIRE_KEY_BYTES_MAX);
    *value = wire_read_bin(page, WIRE_VALUE_BYTES_MAX);
    return !page->bad;
}
