/* History: what the clients of a key-value store asked, when, and what they were told.
 *
 * A history is the input of the linearizability checker (check.h). It is built in memory, by a
 * simulator or a fuzzer that sees both ends of each call, or read from a file that a driver wrote.
 *
 * Time is a count of nanoseconds from any fixed point on one monotonic clock. The invocation's
 * time must be taken before the request can have any effect and the return's time after the answer
 * is known; a call's interval is closed at both ends, so that two calls where one returns at the
 * very time the other is invoked count as concurrent.
 *
 * A call's outcome is
 *
 *     ok       it took effect once, inside its interval, and gave the result
 *     fail     it took no effect and never will, so it is as if it had not been made
 *     unknown  it may have taken effect, or may yet, at any time from its invocation on; or never
 *
 * Every key holds no value when the history begins.
 *
 * The file, plain text. The first line is `# madkv-history 1`; other lines that start with `#` are
 * comments; each further line is one call, eight fields with one tab between, ended by a newline:
 *
 *     field      holds
 *     client     who called, a decimal number
 *     invoke_ns  decimal number
 *     return_ns  decimal number, not below invoke_ns; `-` if the outcome is not ok
 *     op         PUT  SWAP  GET  DELETE  SCAN
 *     key        as it is; for SCAN the first key of the range
 *     argument   PUT and SWAP `=value`, SCAN `=last_key`, GET and DELETE `-`
 *     outcome    ok  fail  unknown
 *     result     `-` unless ok; PUT and DELETE `found` or `not_found`;
 *                GET and SWAP `=value`, or `-` for no value;
 *                SCAN `=key value key value ...`, one space between, or `-` for no key
 *
 * Keys and values are one byte or more, any bytes but white space and NUL; the `=` keeps a value
 * `-` apart from no value. Lines may come in any order. A line without its newline is refused,
 * since the value at its end may have been cut short when its writer was killed.
 *
 * A history belongs to one thread at a time. Running out of memory ends the process. */
#ifndef MADKV_TOOLS_CHECK_HISTORY_H
#define MADKV_TOOLS_CHECK_HISTORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "tools/check/symbols.h"

enum history_op {
    HISTORY_PUT,
    HISTORY_SWAP,
    HISTORY_GET,
    HISTORY_DELETE,
    HISTORY_SCAN,
    HISTORY_OP_COUNT
};

enum history_outcome { HISTORY_OK, HISTORY_FAIL, HISTORY_UNKNOWN, HISTORY_OUTCOME_COUNT };

/* One call with its texts spelled out: what goes into a history, and one line of the file. */
struct history_record {
    /* The invocation. */
    uint64_t client;              /* who called; only for people to read */
    uint64_t invoke_ns;           /* start of the interval */
    enum history_op op;           /* what was asked */
    struct history_text key;      /* never none; for SCAN the first key of the range */
    struct history_text argument; /* PUT and SWAP the value, SCAN the last key, else none */
    /* The outcome; what follows it matters only if it is HISTORY_OK. */
    enum history_outcome outcome;
    uint64_t return_ns;               /* end of the interval, not before invoke_ns */
    bool found;                       /* PUT, DELETE: was there a value before */
    struct history_text value;        /* GET, SWAP: the value that was there, or none */
    const struct history_text *pairs; /* SCAN: key, value, key, value, ... in the order given */
    size_t pair_count;                /* SCAN: pairs, so half the texts in `pairs` */
};

/* One key and value that a SCAN returned. */
struct history_pair {
    symbol_t key;
    symbol_t value;
};

/* One call in a history; the fields are those of struct history_record with texts interned. */
struct history_call {
    uint64_t client;
    uint64_t invoke_ns;
    uint64_t return_ns; /* valid only if the outcome is HISTORY_OK */
    enum history_op op;
    enum history_outcome outcome;
    symbol_t key;
    symbol_t argument;          /* SYMBOL_NONE for GET and DELETE */
    symbol_t value;             /* GET, SWAP */
    bool found;                 /* PUT, DELETE */
    struct history_pair *pairs; /* SCAN; owned by the history, NULL if pair_count is 0 */
    size_t pair_count;          /* SCAN */
};

struct history;

/* A text that points at the C string `string`, which the caller keeps; NULL gives none. */
struct history_text history_text(const char *string);

/* An empty history, to be freed with history_free. */
struct history *history_new(void);

/* Frees the history and sets `*history` to NULL. */
void history_free(struct history **history);

/* Appends a whole call, copying what it needs of `record`. Returns the call's index. */
size_t history_append(struct history *history, const struct history_record *record);

/* Appends a call that has not returned: only the invocation's fields of `record` are read. Unless
 * history_end follows, its outcome is unknown. Returns the call's index for history_end. */
size_t history_begin(struct history *history, const struct history_record *record);

/* Ends the call that history_begin returned as `call`, once: only the outcome's fields of `record`
 * are read. */
void history_end(struct history *history, size_t call, const struct history_record *record);

/* How many calls there are; their indices are 0 to this, less one, in order of appending. */
size_t history_count(const struct history *history);

/* The call at `index`; valid until the next append. */
const struct history_call *history_call(const struct history *history, size_t index);

/* The texts that the symbols in the calls stand for. */
const struct symbols *history_symbols(const struct history *history);

/* The words of the file format: `PUT`, `unknown`. */
const char *history_op_name(enum history_op op);
const char *history_outcome_name(enum history_outcome outcome);

/* Where a file is not a history. */
struct history_error {
    size_t line;       /* counted from 1; 0 if the file as a whole could not be read */
    char message[256]; /* what was given and what is expected, one line, no newline */
};

/* Appends every call of the file `in` to `history`. On an error returns false and fills `*error`;
 * the calls before the bad line stay appended. */
bool history_read(struct history *history, FILE *in, struct history_error *error);

/* Writers of the file format. A driver that records as it goes writes the header once and then a
 * record for each call; history_write writes a history that was built in memory. A write error
 * stays on the stream, for the caller to find with ferror or fclose. */
void history_write_header(FILE *out);
void history_write_record(FILE *out, const struct history_record *record);
void history_write(const struct history *history, FILE *out);

/* Writes `text` for people into `out` of `out_size` bytes (at least 8), always terminated: in
 * double quotes, bytes that are not printable ASCII as \xHH, cut with `...` when too long; none as
 * the bare word none. Returns `out`. */
char *history_quote(struct history_text text, char *out, size_t out_size);

#endif
