/* The client program's line protocol (CONTRACT, section 3), without any input or output: bytes
 * become lines, lines become calls. Pure; one thread. */
#ifndef MADKV_CLIENT_LINE_H
#define MADKV_CLIENT_LINE_H

#include "wire/kv.h"

/* Longest line that can be a call, white space squeezed. */
#define LINE_BYTES_MAX (WIRE_VALUE_BYTES_MAX + WIRE_KEY_BYTES_MAX + 16)

enum line_kind {
    LINE_EMPTY, /* nothing but white space: no answer */
    LINE_CALL,  /* call is filled in */
    LINE_STOP,  /* the end */
    LINE_ERROR, /* no call: problem says why */
};

struct line {
    enum line_kind kind;      /* which of these */
    struct wire_kv_call call; /* of CALL; its spans point into the bytes parsed */
    const char *problem;      /* of ERROR: static text */
};

/* Makes the first word of a line upper case, in place: for people, who type as they like. */
void line_raise_word(uint8_t *bytes, size_t size);
/* What a line without its end means. */
struct line line_parse(struct span bytes);

/* Gathers bytes into lines, however they arrive. A run of white space is kept as one blank, so that
 * any number of blanks fits; of a line over LINE_BYTES_MAX only that is kept. Zero-initialised is
 * ready; line_reader_free gives the memory back. */
struct line_reader {
    struct wire_writer bytes; /* the line so far */
    bool too_long;            /* it is over the limit */
    bool started;             /* at least one byte of it was seen */
    bool blank;               /* the last one was white space */
};

/* Takes bytes up to and with the next end of line from *input. True: a line is complete; then
 * line_reader_parse, then line_reader_next. False: all of *input was taken, and more is needed. */
bool line_reader_feed(struct line_reader *self, struct span *input);
/* What the gathered line means; good until line_reader_next. */
struct line line_reader_parse(const struct line_reader *self);
void line_reader_next(struct line_reader *self);
/* At the end of the input: whether there is a last line that has no end. */
static inline bool line_reader_has_rest(const struct line_reader *self)
{
    return self->started;
}
void line_reader_free(struct line_reader *self);

#endif
