/* Lines for people on stderr: "madkv-server s0.1: text", one write per line, any thread.
 *
 * Nothing that comes from a key, a value or the network is printed raw. */
#ifndef MADKV_WIRE_SAY_H
#define MADKV_WIRE_SAY_H

#include <stdarg.h>
#include <stdint.h>
#include "wire/buf.h"
#include "wire/span.h"
#include "wire/types.h"

/* What every line begins with; set once, before threads start. At most 63 bytes. */
void wire_say_as(const char *format, ...) __attribute__((format(printf, 1, 2)));

void wire_say(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Progress: on a terminal a line that the next one takes the place of, elsewhere nothing. */
void wire_say_fleeting(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* The text such a line would have, for somebody else to say. One reference. */
struct buf *wire_say_format(const char *format, va_list arguments)
    __attribute__((format(printf, 1, 0)));

/* A gate for lines that an outsider can cause: at most one a second passes; the next one that passes
 * says how many were held back. One per place and thread; zero-initialised is ready. */
struct wire_say_gate {
    wire_time last; /* when a line last passed */
    uint64_t held;  /* lines held back since */
};
void wire_say_gated(struct wire_say_gate *gate, wire_time now, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Says it and ends the process at once with that status, without destructors. */
void wire_say_die(int status, const char *format, ...)
    __attribute__((format(printf, 2, 3), noreturn));

/* Writes all the bytes to stdout, as they are; false: it takes no more, errno says why. */
bool wire_print(struct span bytes);

#endif
