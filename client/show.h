/* Calls of the client program, and how their answers are shown: as the line protocol has them, as
 * plain words, as JSON, or so that no byte of them talks to a terminal. One thread. */
#ifndef MADKV_CLIENT_SHOW_H
#define MADKV_CLIENT_SHOW_H

#include "client/madkv.h"
#include "wire/kv.h"
#include "wire/pack.h"

/* What a call came to. */
struct show_answer {
    enum madkv_outcome outcome; /* of OK the rest is filled in */
    bool found;                 /* not of SCAN: there was a value */
    struct madkv_bytes value;   /* of GET and SWAP, if found; good until the next call */
};

/* Makes the call and waits for it. Of SCAN the pairs are taken with madkv_next. */
struct show_answer show_call(struct madkv *kv, const struct wire_kv_call *call);

/* "PUT", "GET" and so on. */
const char *show_word(enum wire_kv_op op);
/* The answer of a call on a key as the line protocol has it (CONTRACT, section 3), with its end of
 * line. */
void show_line(const struct wire_kv_call *call, const struct show_answer *answer,
               struct wire_writer *out);
/* One object on a line; of SCAN it takes the pairs. Keys and values that are no UTF-8 are shown in
 * hex digits as members key_hex and value_hex. problem: of an answer that is not OK. */
void show_json(struct madkv *kv, const struct wire_kv_call *call, const struct show_answer *answer,
               struct wire_writer *out);
/* Bytes as a terminal may get them: UTF-8 as it is, control characters and all else as \xNN. */
void show_safe(struct span bytes, struct wire_writer *out);

#endif
