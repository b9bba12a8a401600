#include "client/show.h"

#include <assert.h>
#include <stdio.h>

#include "wire/json.h"

static void add(struct wire_writer *out, const char *text)
{
    wire_write_raw(out, span_text(text));
}

static struct span span_of_bytes(struct madkv_bytes bytes)
{
    return span_of(bytes.data, bytes.size);
}

/* --- calls ------------------------------------------------------------------------------------ */

struct show_answer show_call(struct madkv *kv, const struct wire_kv_call *call)
{
    const struct span k = call->key;
    const struct span v = call->value;
    struct show_answer answer = {0};
    switch (call->op) {
    case WIRE_KV_PUT:
        answer.outcome = madkv_put(kv, k.data, k.size, v.data, v.size, &answer.found);
        break;
    case WIRE_KV_SWAP:
        answer.outcome =
            madkv_swap(kv, k.data, k.size, v.data, v.size, &answer.found, &answer.value);
        break;
    case WIRE_KV_GET:
        answer.outcome = madkv_get(kv, k.data, k.size, &answer.found, &answer.value);
        break;
    case WIRE_KV_DELETE:
        answer.outcome = madkv_delete(kv, k.data, k.size, &answer.found);
        break;
    default:
        assert(call->op == WIRE_KV_SCAN);
        answer.outcome = madkv_scan(kv, k.data, k.size, v.data, v.size);
    }
    return answer;
}

const char *show_word(enum wire_kv_op op)
{
    static const char *const words[] = {[WIRE_KV_PUT] = "PUT",
                                        [WIRE_KV_SWAP] = "SWAP",
                                        [WIRE_KV_GET] = "GET",
                                        [WIRE_KV_DELETE] = "DELETE",
                                        [WIRE_KV_SCAN] = "SCAN"};
    return words[op];
}

/* --- the line protocol ------------------------------------------------------------------------ */

void show_line(const struct wire_kv_call *call, const struct show_answer *answer,
               struct wire_writer *out)
{
    add(out, show_word(call->op));
    add(out, " ");
    wire_write_raw(out, call->key);
    add(out, " ");
    if (call->op == WIRE_KV_PUT || call->op == WIRE_KV_DELETE)
        add(out, answer->found ? "found" : "not_found");
    else if (answer->found)
        wire_write_raw(out, span_of_bytes(answer->value));
    else
        add(out, "null");
    add(out, "\n");
}

/* --- JSON ------------------------------------------------------------------------------------- */

static void add_bytes(struct json *json, const char *name, struct span bytes)
{
    char full[32];
    struct wire_writer hex = {0};
    if (json_is_utf8(bytes)) {
        json_name(json, span_text(name));
        json_utf8(json, bytes);
        return;
    }
    for (size_t i = 0; i < bytes.size; i++) {
        char digits[3];
        snprintf(digits, sizeof digits, "%02x", bytes.data[i]);
        add(&hex, digits);
    }
    snprintf(full, sizeof full, "%s_hex", name);
    json_name(json, span_text(full));
    json_text(json, wire_writer_span(&hex));
    wire_writer_free(&hex);
}

static void add_pairs(struct json *json, struct madkv *kv)
{
    struct madkv_bytes key, value;
    json_name(json, span_text("pairs"));
    json_open(json, '[');
    while (madkv_next(kv, &key, &value)) {
        json_open(json, '{');
        add_bytes(json, "key", span_of_bytes(key));
        add_bytes(json, "value", span_of_bytes(value));
        json_close(json, '}');
    }
    json_close(json, ']');
}

static void add_found(struct json *json, const struct wire_kv_call *call,
                      const struct show_answer *answer)
{
    json_name(json, span_text("found"));
    json_bool(json, answer->found);
    if (call->op != WIRE_KV_GET && call->op != WIRE_KV_SWAP)
        return;
    if (answer->found) {
        add_bytes(json, "value", span_of_bytes(answer->value));
    } else {
        json_name(json, span_text("value"));
        json_null(json);
    }
}

void show_json(struct madkv *kv, const struct wire_kv_call *call, const struct show_answer *answer,
               struct wire_writer *out)
{
    struct json json = {.out = out};
    bool scan = call->op == WIRE_KV_SCAN;
    json_open(&json, '{');
    json_name(&json, span_text("call"));
    json_text(&json, span_text(show_word(call->op)));
    add_bytes(&json, scan ? "from" : "key", call->key);
    if (scan)
        add_bytes(&json, "to", call->value);
    json_name(&json, span_text("outcome"));
    json_text(&json, span_text(answer->outcome == MADKV_OK        ? "ok"
                               : answer->outcome == MADKV_UNKNOWN ? "unknown"
                                                                  : "failed"));
    if (answer->outcome != MADKV_OK) {
        json_name(&json, span_text("problem"));
        json_text(&json, span_text(madkv_problem(kv)));
    } else if (scan) {
        add_pairs(&json, kv);
    } else {
        add_found(&json, call, answer);
    }
    json_close(&json, '}');
    add(out, "\n");
}

/* --- terminals -------------------------------------------------------------------------------- */

/* The character there, if it is one that may be shown as it is: its bytes; 0: it is none. */
static size_t shown_at(struct span bytes)
{
    if (bytes.data[0] < 0x80)
        return bytes.data[0] >= ' ' && bytes.data[0] != 0x7f;
    for (size_t size = 2; size <= 4 && size <= bytes.size; size++) {
        if (!json_is_utf8(span_of(bytes.data, size)))
            continue;
        /* U+0080 to U+009F are control characters, too. */
        return bytes.data[0] == 0xc2 && bytes.data[1] < 0xa0 ? 0 : size;
    }
    return 0;
}

void show_safe(struct span bytes, struct wire_writer *out)
{
    for (size_t at = 0; at < bytes.size;) {
        size_t size = shown_at(span_of(bytes.data + at, bytes.size - at));
        if (size > 0) {
            wire_write_raw(out, span_of(bytes.data + at, size));
        } else {
            char escape[8];
            snprintf(escape, sizeof escape, "\\x%02x", bytes.data[at]);
            add(out, escape);
            size = 1;
        }
        at += size;
    }
}
