#include "tools/bench/workload.h"

#include <assert.h>
#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "tools/bench/zipfian.h"
#include "wire/buf.h"
#include "wire/limits.h"

enum {
    FILE_BYTES_MAX = 1024 * 1024, /* a longer file is no property file */
    FIELDS_MAX = 10000,           /* of a record */
};

static_assert(sizeof "user" - 1 + YCSB_PADDING_MAX < YCSB_KEY_BYTES, "a padded key fits");
static_assert(YCSB_PADDING_MAX > 20, "so that any key fits");

/* The files that come with YCSB, and W. */
static const struct {
    char letter;
    const char *text;
} builtins[] = {
    {'a', "readproportion=0.5\nupdateproportion=0.5\nrequestdistribution=zipfian\n"},
    {'b', "readproportion=0.95\nupdateproportion=0.05\nrequestdistribution=zipfian\n"},
    {'c', "readproportion=1\nupdateproportion=0\nrequestdistribution=zipfian\n"},
    {'d', "readproportion=0.95\nupdateproportion=0\ninsertproportion=0.05\n"
          "requestdistribution=latest\n"},
    {'e', "readproportion=0\nupdateproportion=0\nscanproportion=0.95\ninsertproportion=0.05\n"
          "requestdistribution=zipfian\nmaxscanlength=100\nscanlengthdistribution=uniform\n"},
    {'f', "readproportion=0.5\nupdateproportion=0\nreadmodifywriteproportion=0.5\n"
          "requestdistribution=zipfian\n"},
    {'w', "readproportion=0\nupdateproportion=1\nrequestdistribution=zipfian\n"},
};

const char *ycsb_kind_text(enum ycsb_kind kind)
{
    static const char *const texts[] = {
#define X(name, text) [YCSB_##name] = text,
        YCSB_KINDS(X)
#undef X
    };
    return texts[kind];
}

/* --- reading properties ---------------------------------------------------------------------- */

/* Reads one property after the other; the first problem stays. */
struct source {
    const struct ycsb_properties *properties; /* what there is */
    struct ycsb_problem *problem;             /* for the first problem */
    bool failed;                              /* there was one */
};

static void fail(struct source *self, const char *name, const char *given, const char *expected)
{
    char shown[80];
    if (self->failed)
        return;
    size_t i = 0;
    for (; given[i] != '\0' && i < sizeof shown - 1; i++)
        shown[i] = isprint((unsigned char)given[i]) ? given[i] : '?';
    shown[i] = '\0';
    self->failed = true;
    snprintf(self->problem->text, sizeof self->problem->text, "%s: given '%s', expected %s", name,
             shown, expected);
}

static uint64_t read_number(struct source *self, const char *name, uint64_t preset, uint64_t min,
                            uint64_t max)
{
    const char *text = ycsb_properties_find(self->properties, name);
    if (text == NULL)
        return preset;
    char *end;
    errno = 0;
    unsigned long long number = strtoull(text, &end, 10);
    if (!isdigit((unsigned char)text[0]) || *end != '\0' || errno != 0 || number < min ||
        number > max) {
        char expected[96];
        snprintf(expected, sizeof expected, "a number from %" PRIu64 " to %" PRIu64, min, max);
        fail(self, name, text, expected);
        return preset;
    }
    return number;
}

static double read_share(struct source *self, const char *name, double preset)
{
    const char *text = ycsb_properties_find(self->properties, name);
    if (text == NULL)
        return preset;
    char *end;
    double share = strtod(text, &end);
    if (text[0] == '\0' || *end != '\0' || !isfinite(share) || share < 0) {
        fail(self, name, text, "a number that is not negative");
        return preset;
    }
    return share;
}

/* The index of the value among `count` words. */
static size_t read_word(struct source *self, const char *name, size_t preset,
                        const char *const *words, size_t count)
{
    const char *text = ycsb_properties_find(self->properties, name);
    if (text == NULL)
        return preset;
    char expected[128] = "";
    for (size_t i = 0; i < count; i++) {
        if (strcmp(text, words[i]) == 0)
            return i;
        size_t used = strlen(expected);
        snprintf(expected + used, sizeof expected - used, "%s%s", i == 0 ? "" : " or ", words[i]);
    }
    fail(self, name, text, expected);
    return preset;
}

/* --- what they mean -------------------------------------------------------------------------- */

static void read_mix(struct source *source, struct ycsb_workload *workload)
{
    double *shares = workload->shares;
    shares[YCSB_READ] = read_share(source, "readproportion", 0.95);
    shares[YCSB_UPDATE] = read_share(source, "updateproportion", 0.05);
    shares[YCSB_INSERT] = read_share(source, "insertproportion", 0);
    shares[YCSB_SCAN] = read_share(source, "scanproportion", 0);
    shares[YCSB_READ_MODIFY_WRITE] = read_share(source, "readmodifywriteproportion", 0);
    double sum = 0;
    for (int kind = 0; kind < YCSB_KIND_COUNT; kind++)
        sum += shares[kind];
    if (!(sum > 0))
        fail(source, "readproportion and the others", "0", "a sum above 0");
}

static void read_choices(struct source *source, struct ycsb_workload *workload)
{
    static const char *const requests[] = {"uniform", "zipfian", "latest"};
    static const char *const lengths[] = {"uniform", "zipfian"};
    static const char *const orders[] = {"hashed", "ordered"};
    static const char *const truths[] = {"false", "true"};
    static const char *const sizes[] = {"constant"};
    workload->request =
        (enum ycsb_distribution)read_word(source, "requestdistribution", 0, requests, 3);
    workload->scan_length =
        (enum ycsb_distribution)read_word(source, "scanlengthdistribution", 0, lengths, 2);
    workload->ordered = read_word(source, "insertorder", 0, orders, 2) == 1;
    workload->write_all_fields = read_word(source, "writeallfields", 0, truths, 2) == 1;
    read_word(source, "fieldlengthdistribution", 0, sizes, 1);
}

static void read_sizes(struct source *source, struct ycsb_workload *workload)
{
    workload->record_count = read_number(source, "recordcount", 1000, 1, YCSB_RECORDS_MAX);
    workload->operation_count = read_number(source, "operationcount", 1000, 0, INT64_MAX);
    workload->scan_max = read_number(source, "maxscanlength", 1000, 1, YCSB_SCAN_MAX);
    workload->scan_min = read_number(source, "minscanlength", 1, 1, workload->scan_max);
    workload->field_count = read_number(source, "fieldcount", 10, 1, FIELDS_MAX);
    workload->field_bytes =
        read_number(source, "fieldlength", 100, 1, WIRE_VALUE_BYTES_MAX / workload->field_count);
    workload->zero_padding = read_number(source, "zeropadding", 1, 0, YCSB_PADDING_MAX);
    read_number(source, "insertstart", 0, 0, 0);
    read_number(source, "insertcount", 0, workload->record_count, workload->record_count);
}

enum wire_error ycsb_workload_of(const struct ycsb_properties *properties,
                                 struct ycsb_workload *workload, struct ycsb_problem *problem)
{
    static const char *const classes[] = {"site.ycsb.workloads.CoreWorkload",
                                          "com.yahoo.ycsb.workloads.CoreWorkload"};
    struct source source = {.properties = properties, .problem = problem};
    struct ycsb_workload read = {0};
    read_word(&source, "workload", 0, classes, 2);
    read_mix(&source, &read);
    read_choices(&source, &read);
    read_sizes(&source, &read);
    if (source.failed)
        return WIRE_USAGE;
    *workload = read;
    return WIRE_OK;
}

/* --- where they come from -------------------------------------------------------------------- */

enum wire_error ycsb_workload_builtin(const char *letter, struct ycsb_workload *workload)
{
    for (size_t i = 0; i < sizeof builtins / sizeof builtins[0]; i++) {
        if (tolower((unsigned char)letter[0]) != builtins[i].letter || letter[1] != '\0')
            continue;
        struct ycsb_properties properties = {0};
        struct ycsb_problem problem;
        ycsb_properties_add(&properties, span_text(builtins[i].text));
        enum wire_error error = ycsb_workload_of(&properties, workload, &problem);
        assert(error == WIRE_OK);
        ycsb_properties_free(&properties);
        return WIRE_OK;
    }
    return WIRE_NOT_FOUND;
}

static enum wire_error say(struct ycsb_problem *problem, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static enum wire_error say(struct ycsb_problem *problem, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(problem->text, sizeof problem->text, format, arguments);
    va_end(arguments);
    return WIRE_USAGE;
}

/* The whole file, to be freed. */
static enum wire_error read_file(const char *path, char **text, size_t *size,
                                 struct ycsb_problem *problem)
{
    FILE *file = fopen(path, "r");
    if (file == NULL)
        return say(problem, "neither one of a b c d e f w nor a file that can be read (%s)",
                   strerror(errno));
    char *bytes = wire_alloc(FILE_BYTES_MAX + 1);
    size_t got = fread(bytes, 1, FILE_BYTES_MAX + 1, file);
    bool failed = ferror(file) != 0;
    int why = errno;
    fclose(file);
    if (!failed && got <= FILE_BYTES_MAX) {
        *text = bytes;
        *size = got;
        return WIRE_OK;
    }
    free(bytes);
    return failed ? say(problem, "neither one of a b c d e f w nor a file that can be read (%s)",
                        strerror(why))
                  : say(problem, "too long for a property file");
}

enum wire_error ycsb_workload_find(const char *name, struct ycsb_workload *workload,
                                   struct ycsb_problem *problem)
{
    if (ycsb_workload_builtin(name, workload) == WIRE_OK)
        return WIRE_OK;
    char *text = NULL;
    size_t size = 0;
    if (read_file(name, &text, &size, problem) != WIRE_OK)
        return WIRE_USAGE;
    struct ycsb_properties properties = {0};
    ycsb_properties_add(&properties, span_of(text, size));
    free(text);
    enum wire_error error = properties.count == 0
                                ? say(problem, "the file holds no property")
                                : ycsb_workload_of(&properties, workload, problem);
    ycsb_properties_free(&properties);
    return error;
}

/* Without snprintf: this runs for every call. */
size_t ycsb_workload_key(const struct ycsb_workload *workload, uint64_t record,
                         char key[YCSB_KEY_BYTES])
{
    char digits[YCSB_PADDING_MAX];
    size_t count = 0;
    uint64_t number = workload->ordered ? record : ycsb_hash(record);
    for (; number > 0 || count == 0; number /= 10)
        digits[count++] = (char)('0' + number % 10);
    while (count < workload->zero_padding)
        digits[count++] = '0';
    memcpy(key, "user", 4);
    for (size_t i = 0; i < count; i++)
        key[4 + i] = digits[count - 1 - i];
    key[4 + count] = '\0';
    return 4 + count;
}
