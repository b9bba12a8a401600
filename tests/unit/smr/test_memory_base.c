#include "smr/memory_base.h"

#include <stdio.h>
#include "tests/unit/smr/stand.h"
#include "tests/unit/smr/suites.h"

static struct smr_base base;

static void setup(void)
{
    base = smr_memory_base_new();
}

static void teardown(void)
{
    smr_memory_base_free(&base);
}

static void put(const char *key, const char *value)
{
    base.ops->put(base.self, span_text(key), span_text(value));
}

static void commit(const char *image)
{
    ck_assert_int_eq(base.ops->commit(base.self, span_text(image)), WIRE_OK);
}

static void assert_value(const char *key, const char *value)
{
    struct buf *found = base.ops->get(base.self, span_text(key));
    ck_assert((found == NULL) == (value == NULL));
    ck_assert(value == NULL || span_equal(buf_span(found), span_text(value)));
    buf_unref(&found);
}

static void assert_image(const char *image)
{
    struct buf *found = base.ops->image(base.self);
    ck_assert((found == NULL) == (image == NULL));
    ck_assert(image == NULL || span_equal(buf_span(found), span_text(image)));
    buf_unref(&found);
}

struct listed {
    char text[200]; /* "key=value " of each pair */
    int left;       /* pairs wanted */
};

static bool list(void *context, struct span key, struct span value)
{
    struct listed *listed = context;
    size_t used = strlen(listed->text);
    snprintf(listed->text + used, sizeof listed->text - used, "%.*s=%.*s ", (int)key.size,
             (const char *)key.data, (int)value.size, (const char *)value.data);
    return --listed->left > 0;
}

static void assert_scan(const char *from, bool after, int left, const char *expected)
{
    struct listed listed = {.left = left};
    base.ops->scan(base.self, span_text(from), after, list, &listed);
    ck_assert_str_eq(listed.text, expected);
}

START_TEST(test_memory_base_changes_only_when_a_checkpoint_is_committed)
{
    assert_image(NULL);
    base.ops->begin(base.self);
    put("b", "2");
    put("a", "1");
    assert_value("a", NULL);
    assert_image(NULL);
    commit("first");
    assert_value("a", "1");
    assert_value("c", NULL);
    assert_image("first");
    base.ops->begin(base.self);
    put("a", "3");
    put("b", "");    /* removed */
    put("none", ""); /* never there */
    commit("second");
    assert_value("a", "3");
    assert_value("b", NULL);
    assert_image("second");
}
END_TEST

START_TEST(test_memory_base_scans_in_byte_order)
{
    base.ops->begin(base.self);
    for (char letter = 'z'; letter >= 'a'; letter--)
        put((char[]){letter, 0}, (char[]){letter, 0});
    commit("");
    assert_scan("x", false, 9, "x=x y=y z=z ");
    assert_scan("x", true, 9, "y=y z=z ");
    assert_scan("bb", false, 2, "c=c d=d ");
    assert_scan("zz", false, 9, "");
}
END_TEST

START_TEST(test_memory_base_loses_a_checkpoint_in_the_making_in_a_crash)
{
    base.ops->begin(base.self);
    put("a", "1");
    commit("first");
    base.ops->begin(base.self);
    put("a", "2");
    smr_memory_base_crash(base);
    assert_value("a", "1");
    assert_image("first");
    base.ops->begin(base.self);
    commit("second");
    assert_value("a", "1");
}
END_TEST

Suite *memory_base_suite(void)
{
    Suite *suite = suite_create("memory_base");
    TCase *tests = tcase_create("memory_base");
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_test(tests, test_memory_base_changes_only_when_a_checkpoint_is_committed);
    tcase_add_test(tests, test_memory_base_scans_in_byte_order);
    tcase_add_test(tests, test_memory_base_loses_a_checkpoint_in_the_making_in_a_crash);
    suite_add_tcase(suite, tests);
    return suite;
}
