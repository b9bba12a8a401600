#include "tests/unit/actors/base_stand.h"

#include <stdio.h>
#include <stdlib.h>
#include "wire/pack.h"

char base_directory[64];
char base_problem[STORE_PROBLEM_BYTES];

void base_setup(void)
{
    snprintf(base_directory, sizeof base_directory, "/tmp/madkv-base-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(base_directory));
    base_problem[0] = '\0';
}

int base_remove_one(const char *name, const struct stat *stat, int type, struct FTW *walk)
{
    (void)stat, (void)type, (void)walk;
    return remove(name);
}

void base_teardown(void)
{
    nftw(base_directory, base_remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

struct base *base_open_good(void)
{
    struct base *base = NULL;
    enum wire_error error = base_open(base_directory, &base, base_problem);
    ck_assert_msg(error == WIRE_OK, "%s: %s", wire_error_text(error), base_problem);
    return base;
}

void base_put_text(const struct smr_base *base, const char *key, const char *value)
{
    base->ops->put(base->self, span_text(key), span_text(value));
}

void base_assert_value(const struct smr_base *base, const char *key, const char *expected)
{
    struct buf *value = base->ops->get(base->self, span_text(key));
    ck_assert_int_eq(value != NULL, expected != NULL);
    if (expected != NULL)
        ck_assert(span_equal(buf_span(value), span_text(expected)));
    buf_unref(&value);
}

void base_assert_image(const struct smr_base *base, const char *expected)
{
    struct buf *image = base->ops->image(base->self);
    ck_assert_int_eq(image != NULL, expected != NULL);
    if (expected != NULL)
        ck_assert(span_equal(buf_span(image), span_text(expected)));
    buf_unref(&image);
}

bool base_add_pair(void *context, struct span key, struct span value)
{
    struct wire_writer *out = context;
    wire_write_raw(out, key);
    wire_write_raw(out, span_text("="));
    wire_write_raw(out, value);
    wire_write_raw(out, span_text(" "));
    return true;
}

void base_assert_scan(const struct smr_base *base, const char *from, bool after,
                        const char *expected)
{
    struct wire_writer out = {0};
    base->ops->scan(base->self, span_text(from), after, base_add_pair, &out);
    ck_assert_msg(span_equal(wire_writer_span(&out), span_text(expected)), "'%.*s', not '%s'",
                  (int)out.size, (const char *)out.data, expected);
    wire_writer_free(&out);
}
