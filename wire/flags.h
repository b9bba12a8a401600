/* Command lines of all programs, over getopt_long: a table of flags in, values out, one clear line on
 * stderr and exit status 2 for anything wrong. Hyphens for underscores are taken too; --help and
 * --version are built in. */
#ifndef MADKV_WIRE_FLAGS_H
#define MADKV_WIRE_FLAGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct wire_flag {
    const char *name;     /* with underscores, without dashes */
    char letter;          /* a short form: -w; 0: none */
    const char *argument; /* what it takes, as help shows it (ADDRESS, N, PATH); NULL: a switch */
    const char *help;     /* one line */
    const char **text;    /* where the text goes; preset it with the default, NULL if there is none */
    bool *on;             /* of a switch: where it goes */
    uint64_t *number;     /* of a number: where it goes, instead of text */
    uint64_t min, max;    /* of a number: the range */
    bool required;        /* must be given */
    bool *given;          /* set when the flag was given; may be NULL */
};

struct wire_program {
    const char *name;              /* madkv-server */
    const char *purpose;           /* one sentence */
    const char *more;              /* further text of --help: exit statuses, formats; may be NULL */
    const struct wire_flag *flags; /* the table */
    size_t flag_count;             /* its length */
    const char *rest;              /* what stands after the flags (FILE), NULL: nothing may */
};

/* Parses; on anything wrong prints one line and exits with WIRE_EXIT_USAGE; --help and --version print
 * to stdout and exit 0. Returns the index in argv of the first argument after the flags. */
int wire_flags_parse(const struct wire_program *program, int argc, char **argv);

/* "madkv-server: --replica_id: given 'x', expected a number from 0 to 8", exit status 2. Never
 * returns. */
void wire_flags_fail(const struct wire_program *program, const char *flag, const char *given,
                     const char *expected_format, ...)
    __attribute__((format(printf, 4, 5), noreturn));

#endif
