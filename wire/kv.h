/* The key-value calls: commands and queries of the servers' state machine, and their answers.
 *
 *     command  [op, key]  [op, key, value]  [SCAN, from, to, after]
 *     answer   PUT, DELETE: [found]    SWAP, GET: [nil] or [value]    SCAN: [more, key, value, ...]
 */
#ifndef MADKV_WIRE_KV_H
#define MADKV_WIRE_KV_H

#include "wire/limits.h"
#include "wire/pack.h"

enum wire_kv_op {
    WIRE_KV_PUT,    /* set; was there a value */
    WIRE_KV_SWAP,   /* set; the value before */
    WIRE_KV_DELETE, /* remove; was there a value */
    WIRE_KV_GET,    /* the value */
    WIRE_KV_SCAN,   /* the pairs with from <= key <= to, in byte order, a page at a time */
    WIRE_KV_OPS
};

struct wire_kv_call {
    enum wire_kv_op op;
    struct span key;   /* the key; of SCAN: from */
    struct span value; /* of PUT and SWAP: the value; of SCAN: to */
    bool after;        /* of SCAN: without `from` itself, to go on behind a page */
};

/* The op of a body that decodes: what stands behind the byte of the array. */
static inline enum wire_kv_op wire_kv_op_of(struct span body)
{
    return body.size > 1 && body.data[1] < WIRE_KV_OPS ? (enum wire_kv_op)body.data[1] : WIRE_KV_PUT;
}

static inline bool wire_kv_is_read(enum wire_kv_op op)
{
    return op == WIRE_KV_GET || op == WIRE_KV_SCAN;
}

/* Is this a legal key, a legal value? Any bytes but white space and NUL, within the limits. */
bool wire_kv_key_ok(struct span key);
bool wire_kv_value_ok(struct span value);

void wire_kv_call_encode(const struct wire_kv_call *call, struct wire_writer *out);
/* WIRE_OK, WIRE_MALFORMED (also for illegal keys and values). Spans point into bytes. */
enum wire_error wire_kv_call_decode(struct span bytes, struct wire_kv_call *call);

/* The answer of all but SCAN. */
struct wire_kv_answer {
    bool found;        /* was there a value */
    struct span value; /* of SWAP and GET where found */
};

void wire_kv_answer_encode(enum wire_kv_op op, const struct wire_kv_answer *answer,
                           struct wire_writer *out);
enum wire_error wire_kv_answer_decode(enum wire_kv_op op, struct span bytes,
                                      struct wire_kv_answer *answer);

/* The answer of SCAN is written in one go: begin with the number of pairs, then the pairs. */
void wire_kv_page_begin(struct wire_writer *out, bool more, uint32_t pairs);
void wire_kv_page_add(struct wire_writer *out, struct span key, struct span value);
/* Opens a page, which is bad at once unless it is whole; then wire_kv_page_next hands out its
 * pairs, false at the end or when bad. */
struct wire_reader wire_kv_page_open(struct span bytes, bool *more);
bool wire_kv_page_next(struct wire_reader *page, struct span *key, struct span *value);

#endif
