/* madkv-check: is the history in a file linearizable? Says so by its exit code and, if not, why.
 *
 * A thin shell around check.h: arguments, the file, the verdict. */
#include <errno.h>
#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/check/check.h"

enum exit_code {
    EXIT_LINEARIZABLE = 0,
    EXIT_VIOLATION = 1,
    EXIT_BAD_INPUT = 2,
    EXIT_UNDECIDED = 3,
};

struct arguments {
    const char *path;             /* of the history, `-` for standard input */
    struct check_options options; /* for the check */
    bool quiet;                   /* only the exit code */
};

static const char help[] =
    "usage: madkv-check [--quiet] [--memory-mib N] FILE\n"
    "\n"
    "Checks that the history in FILE (- for standard input) is linearizable, key by key, and\n"
    "prints a counterexample if it is not.\n"
    "\n"
    "  --quiet         print no verdict, only exit with it\n"
    "  --memory-mib N  MiB that the search of one key may remember (default 1024)\n"
    "  --help          this text\n"
    "\n"
    "exit code: 0 linearizable, 1 not, 2 wrong usage or input, 3 not decided in that memory\n"
    "\n"
    "A history is plain text. Its first line is `# madkv-history 1`, other lines that start with\n"
    "`#` are comments, and each further line is one call: eight fields, one tab between.\n"
    "\n"
    "  client     who called, a decimal number\n"
    "  invoke_ns  when, in nanoseconds of one monotonic clock\n"
    "  return_ns  when it was answered, or - if the outcome is not ok\n"
    "  op         PUT SWAP GET DELETE SCAN\n"
    "  key        as it is; for SCAN the first key of the range\n"
    "  argument   PUT and SWAP =value, SCAN =last_key, GET and DELETE -\n"
    "  outcome    ok       it took effect once and gave the result\n"
    "             fail     it took no effect and never will\n"
    "             unknown  it may have taken effect, or may yet, or may never\n"
    "  result     - unless ok; PUT and DELETE found or not_found; GET and SWAP =value, or - for\n"
    "             no value; SCAN =key value key value ..., one space between, or - for no key\n"
    "\n"
    "Keys and values are one byte or more, any but white space and NUL. Every key holds no value\n"
    "at first. Calls that return when another is invoked are concurrent with it. Of a SCAN, each\n"
    "key of its range is checked on its own, returned or not.\n";

static int fail_usage(const char *what, const char *given)
{
    fprintf(stderr, "madkv-check: %s%s%s; see madkv-check --help\n", what, given ? " " : "",
            given ? given : "");
    return EXIT_BAD_INPUT;
}

/* Reads a whole number of MiB from 1 on into bytes. */
static bool parse_mib(const char *text, size_t *size)
{
    char *end;
    errno = 0;
    unsigned long long mib = strtoull(text, &end, 10);
    if (text[0] < '0' || text[0] > '9' || *end != '\0' || errno != 0 || mib == 0 ||
        mib > (SIZE_MAX >> 21)) {
        return false;
    }
    *size = (size_t)mib << 20;
    return true;
}

/* Returns -1 to go on, or the code to exit with. */
static int parse_arguments(int count, char **words, struct arguments *arguments)
{
    for (int i = 1; i < count; i++) {
        const char *word = words[i];
        if (strcmp(word, "--help") == 0) {
            fputs(help, stdout);
            return EXIT_LINEARIZABLE;
        }
        if (strcmp(word, "--quiet") == 0) {
            arguments->quiet = true;
        } else if (strcmp(word, "--memory-mib") == 0) {
            if (++i == count || !parse_mib(words[i], &arguments->options.memo_size_max)) {
                return fail_usage("--memory-mib expects a whole number from 1 on, not",
                                  i < count ? words[i] : "nothing");
            }
        } else if (word[0] == '-' && word[1] != '\0') {
            return fail_usage("unknown option", word);
        } else if (arguments->path != NULL) {
            return fail_usage("expected one FILE, not also", word);
        } else {
            arguments->path = word;
        }
    }
    return arguments->path != NULL ? -1 : fail_usage("expected a FILE, or - for stdin", NULL);
}

static bool read_file(const char *path, struct history *history)
{
    bool is_stdin = strcmp(path, "-") == 0;
    const char *name = is_stdin ? "standard input" : path;
    FILE *in = is_stdin ? stdin : fopen(path, "r");
    if (in == NULL) {
        fprintf(stderr, "madkv-check: %s: %s\n", name, strerror(errno));
        return false;
    }
    struct history_error error;
    bool good = history_read(history, in, &error);
    if (!good && error.line > 0) {
        fprintf(stderr, "madkv-check: %s: line %zu: %s\n", name, error.line, error.message);
    } else if (!good) {
        fprintf(stderr, "madkv-check: %s: %s\n", name, error.message);
    }
    if (!is_stdin) {
        fclose(in);
    }
    return good;
}

static int check(const struct history *history, const struct arguments *arguments)
{
    struct check_result result;
    enum check_verdict verdict = check_history(history, &arguments->options, &result);
    if (!arguments->quiet) {
        check_explain(history, &arguments->options, &result, stdout);
    }
    switch (verdict) {
    case CHECK_LINEARIZABLE:
        return EXIT_LINEARIZABLE;
    case CHECK_VIOLATION:
        return EXIT_VIOLATION;
    case CHECK_UNDECIDED:
        return EXIT_UNDECIDED;
    }
    abort();
}

int main(int argc, char **argv)
{
    struct arguments arguments = {.options = {.memo_size_max = CHECK_MEMO_SIZE_DEFAULT}};
    int code = parse_arguments(argc, argv, &arguments);
    if (code >= 0) {
        return code;
    }
    struct history *history = history_new();
    code = read_file(arguments.path, history) ? check(history, &arguments) : EXIT_BAD_INPUT;
    history_free(&history);
    return code;
}
