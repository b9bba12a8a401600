/* Writing JSON (RFC 8259) into a writer: no tree, no allocation of its own. Commas are set by
 * itself; that what is opened is closed, and that only members of objects have names, is the
 * caller's.
 *
 * Not a library of the distribution: all we do is write, and figures are 64-bit numbers that have
 * to arrive exactly, which the common ones keep as doubles or as signed. */
#ifndef MADKV_WIRE_JSON_H
#define MADKV_WIRE_JSON_H

#include "wire/pack.h"

struct json {
    struct wire_writer *out; /* where it goes */
    bool comma;              /* one is due before whatever comes next */
};

/* bracket: one of [ { and ] }. */
void json_open(struct json *self, char bracket);
void json_close(struct json *self, char bracket);
/* The name of the member that comes next. */
void json_name(struct json *self, struct span name);
/* Any bytes: what is not printable ASCII is written as the code point of the same number, so that
 * the outcome is valid JSON, and pure ASCII, whatever somebody sent. */
void json_text(struct json *self, struct span text);
/* UTF-8 as it is, but for quotes and control characters. The text must be good (json_is_utf8). */
void json_utf8(struct json *self, struct span text);
/* Whether the bytes are UTF-8 (RFC 3629: nothing overlong, no surrogate, nothing past U+10FFFF). */
bool json_is_utf8(struct span bytes);
void json_number(struct json *self, uint64_t number);
void json_bool(struct json *self, bool value);
void json_null(struct json *self);

#endif
