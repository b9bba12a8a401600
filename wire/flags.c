#include "wire/flags.h"

#include <assert.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "wire/error.h"

#ifndef MADKV_VERSION /* the build says it; compiled by hand there is none */
#define MADKV_VERSION "unreleased"
#endif

enum {
    FLAG_COUNT_MAX = 64, /* of a program; more is a bug */
    GIVEN_BYTES = 128,   /* of what was given; the rest is left out of the line */
    EXPECTED_BYTES = 2048,
    HELP_COLUMN = 28, /* where the second column of --help begins */
};

/* --- what went wrong ------------------------------------------------------------------------- */

/* Cut to fit and without control characters, so that the line stays one line. */
static void quote(const char *given, char text[GIVEN_BYTES])
{
    size_t i = 0;
    for (; given[i] != '\0' && i < GIVEN_BYTES - 4; i++) {
        unsigned char c = (unsigned char)given[i];
        text[i] = c < ' ' || c == 0x7f ? '?' : given[i];
    }
    strcpy(text + i, given[i] == '\0' ? "" : "...");
}

void wire_flags_fail(const struct wire_program *program, const char *flag, const char *given,
                     const char *expected_format, ...)
{
    char shown[GIVEN_BYTES];
    char name[GIVEN_BYTES] = "";
    char expected[EXPECTED_BYTES];
    va_list arguments;
    va_start(arguments, expected_format);
    vsnprintf(expected, sizeof expected, expected_format, arguments);
    va_end(arguments);
    if (given != NULL)
        quote(given, shown);
    if (flag != NULL)
        quote(flag, name);
    const char *mark = given == NULL ? "" : "'";
    fprintf(stderr, "%s: %s%s%sgiven %s%s%s, expected %s\n", program->name,
            flag == NULL ? "" : "--", name, flag == NULL ? "" : ": ", mark,
            given == NULL ? "nothing" : shown, mark, expected);
    exit(WIRE_EXIT_USAGE);
}

static void fail_unknown(const struct wire_program *program, const char *argument)
    __attribute__((noreturn));

static void fail_unknown(const struct wire_program *program, const char *argument)
{
    char names[EXPECTED_BYTES - 64] = "";
    size_t size = 0;
    for (size_t i = 0; i < program->flag_count && size < sizeof names; i++)
        size +=
            (size_t)snprintf(names + size, sizeof names - size, "--%s, ", program->flags[i].name);
    wire_flags_fail(program, NULL, argument, "one of %s--help, --version", names);
}

static void fail_value(const struct wire_program *program, const struct wire_flag *flag,
                       const char *given) __attribute__((noreturn));

static void fail_value(const struct wire_program *program, const struct wire_flag *flag,
                       const char *given)
{
    if (flag->number != NULL)
        wire_flags_fail(program, flag->name, given, "a number from %" PRIu64 " to %" PRIu64,
                        flag->min, flag->max);
    wire_flags_fail(program, flag->name, given, "%s", flag->argument);
}

/* --- --help and --version -------------------------------------------------------------------- */

static void print_remark(const struct wire_flag *flag)
{
    if (flag->required)
        printf(" (required)");
    else if (flag->number != NULL)
        printf(" (default %" PRIu64 ")", *flag->number);
    else if (flag->text != NULL && *flag->text != NULL)
        printf(" (default %s)", *flag->text);
    printf("\n");
}

static void print_flag(const struct wire_flag *flag)
{
    int used = flag->letter == '\0' ? printf("  ") : printf("  -%c, ", flag->letter);
    used += printf("--%s%s%s", flag->name, flag->argument == NULL ? "" : " ",
                      flag->argument == NULL ? "" : flag->argument);
    if (used >= HELP_COLUMN) {
        printf("\n");
        used = 0;
    }
    printf("%*s%s", HELP_COLUMN - used, "", flag->help);
    print_remark(flag);
}

static void print_help(const struct wire_program *program)
{
    static const struct wire_flag built_in[] = {
        {.name = "help", .help = "print this and exit"},
        {.name = "version", .help = "print the version and exit"},
    };
    printf("usage: %s [flags]%s%s\n%s\n\nflags:\n", program->name, program->rest == NULL ? "" : " ",
           program->rest == NULL ? "" : program->rest, program->purpose);
    for (size_t i = 0; i < program->flag_count; i++)
        print_flag(&program->flags[i]);
    print_flag(&built_in[0]);
    print_flag(&built_in[1]);
    if (program->more != NULL)
        printf("\n%s\n", program->more);
}

/* --- the pass before getopt_long ------------------------------------------------------------- */

static const struct wire_flag *find_flag(const struct wire_program *program, const char *name,
                                         size_t size)
{
    for (size_t i = 0; i < program->flag_count; i++) {
        const char *known = program->flags[i].name;
        if (strlen(known) == size && memcmp(known, name, size) == 0)
            return &program->flags[i];
    }
    return NULL;
}

/* Of "-w" and nothing longer. */
static const struct wire_flag *find_letter(const struct wire_program *program,
                                           const char *argument)
{
    for (size_t i = 0; i < program->flag_count; i++) {
        if (program->flags[i].letter != '\0' && program->flags[i].letter == argument[1] &&
            argument[2] == '\0')
            return &program->flags[i];
    }
    return NULL;
}

/* Looks at one argument that begins with two dashes; true if the next one is its value. */
static bool check_long(const struct wire_program *program, char *argument, const char *next)
{
    char *name = argument + 2;
    size_t size = strcspn(name, "=");
    for (size_t i = 0; i < size; i++) {
        if (name[i] == '-')
            name[i] = '_';
    }
    if (strcmp(name, "help") == 0) {
        print_help(program);
        exit(WIRE_EXIT_OK);
    }
    if (strcmp(name, "version") == 0) {
        printf("%s %s\n", program->name, MADKV_VERSION);
        exit(WIRE_EXIT_OK);
    }
    const struct wire_flag *flag = find_flag(program, name, size);
    if (flag == NULL)
        fail_unknown(program, argument);
    if (flag->argument == NULL && name[size] == '=')
        wire_flags_fail(program, flag->name, name + size + 1, "no value");
    if (flag->argument == NULL || name[size] == '=')
        return false;
    /* The next flag in place of a value is a value forgotten; one that looks so goes behind a =. */
    if (next == NULL || strncmp(next, "--", 2) == 0)
        fail_value(program, flag, next);
    return true;
}

/* getopt_long alone would take unambiguous beginnings of names and knows one spelling: this pass
 * admits whole names only, and writes underscores for hyphens in them. */
static void check_names(const struct wire_program *program, int argc, char **argv)
{
    for (int i = 1; i < argc && strcmp(argv[i], "--") != 0; i++) {
        if (strncmp(argv[i], "--", 2) == 0) {
            if (check_long(program, argv[i], i + 1 < argc ? argv[i + 1] : NULL))
                i++;
        } else if (argv[i][0] == '-' && argv[i][1] != '\0') {
            const struct wire_flag *flag = find_letter(program, argv[i]);
            if (flag == NULL)
                fail_unknown(program, argv[i]);
            if (flag->argument != NULL && ++i >= argc)
                fail_value(program, flag, NULL);
        }
    }
}

/* --- values ---------------------------------------------------------------------------------- */

static void take_number(const struct wire_program *program, const struct wire_flag *flag,
                        const char *given)
{
    uint64_t number = 0;
    bool ok = given[0] != '\0';
    for (const char *at = given; *at != '\0' && ok; at++) {
        unsigned digit = (unsigned)(*at - '0');
        ok = digit <= 9 && number <= (UINT64_MAX - digit) / 10;
        if (ok)
            number = number * 10 + digit;
    }
    if (!ok || number < flag->min || number > flag->max)
        fail_value(program, flag, given);
    *flag->number = number;
}

/* A flag given twice: the last one counts, so that scripts can append. */
static void take_value(const struct wire_program *program, const struct wire_flag *flag,
                       const char *given, bool *seen)
{
    *seen = true;
    if (flag->given != NULL)
        *flag->given = true;
    if (flag->argument == NULL)
        *flag->on = true;
    else if (flag->number != NULL)
        take_number(program, flag, given);
    else if (given[0] == '\0')
        fail_value(program, flag, given);
    else
        *flag->text = given;
}

static void require_flags(const struct wire_program *program, const bool *seen)
{
    for (size_t i = 0; i < program->flag_count; i++) {
        if (program->flags[i].required && !seen[i])
            fail_value(program, &program->flags[i], NULL);
    }
}

static int index_of_letter(const struct wire_program *program, char letter)
{
    int index = 0;
    while (program->flags[index].letter != letter)
        index++;
    return index;
}

int wire_flags_parse(const struct wire_program *program, int argc, char **argv)
{
    check_names(program, argc, argv);
    bool seen[FLAG_COUNT_MAX] = {false};
    struct option options[FLAG_COUNT_MAX + 1] = {{0}};
    char letters[2 * FLAG_COUNT_MAX + 1] = "";
    size_t letter_count = 0;
    assert(program->flag_count <= FLAG_COUNT_MAX);
    for (size_t i = 0; i < program->flag_count; i++) {
        options[i].name = program->flags[i].name;
        options[i].has_arg = program->flags[i].argument == NULL ? no_argument : required_argument;
        if (program->flags[i].letter == '\0')
            continue;
        letters[letter_count++] = program->flags[i].letter;
        if (program->flags[i].argument != NULL)
            letters[letter_count++] = ':';
    }
    optind = 0; /* glibc: from the start, whatever was parsed before */
    opterr = 0;
    int index = 0;
    int got;
    while ((got = getopt_long(argc, argv, letters, options, &index)) != -1) {
        if (got == '?') /* not after check_names */
            fail_unknown(program, argv[optind - 1]);
        if (got != 0)
            index = index_of_letter(program, (char)got);
        take_value(program, &program->flags[index], optarg, &seen[index]);
    }
    require_flags(program, seen);
    if (program->rest == NULL && optind < argc)
        wire_flags_fail(program, NULL, argv[optind], "nothing after the flags");
    return optind;
}
