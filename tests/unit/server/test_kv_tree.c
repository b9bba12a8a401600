#include "server/kv_tree.h"
#include "tests/unit/server/suites.h"

static void set(struct kv_tree *tree, const char *key, const char *value)
{
    kv_tree_set(tree, span_text(key), span_text(value));
}

static bool holds(const struct kv_tree *tree, const char *key, const char *value)
{
    const struct kv_record *record = kv_tree_find(tree, span_text(key));
    if (value == NULL)
        return record == NULL;
    return record != NULL && span_equal(record->key, span_text(key)) &&
           span_equal(record->value, span_text(value));
}

START_TEST(test_kv_tree_sets_finds_and_removes)
{
    struct kv_tree tree = {0};
    ck_assert(holds(&tree, "a", NULL));
    set(&tree, "a", "1");
    set(&tree, "b", "22");
    set(&tree, "a", "3");
    ck_assert(holds(&tree, "a", "3") && holds(&tree, "b", "22"));
    set(&tree, "a", "longer");
    ck_assert(holds(&tree, "a", "longer"));
    ck_assert_uint_eq(tree.count, 2);
    ck_assert_uint_eq(tree.bytes, 7 + 3);
    ck_assert(kv_tree_remove(&tree, span_text("a")));
    ck_assert(!kv_tree_remove(&tree, span_text("a")));
    ck_assert(holds(&tree, "a", NULL));
    ck_assert_uint_eq(tree.count, 1);
    kv_tree_clear(&tree);
    ck_assert(tree.count == 0 && holds(&tree, "b", NULL));
}
END_TEST

static void assert_seek(const struct kv_tree *tree, const char *key, bool after,
                        const char *expected)
{
    const struct kv_record *record = kv_tree_seek(tree, span_text(key), after);
    if (expected == NULL)
        ck_assert_ptr_null(record);
    else
        ck_assert(record != NULL && span_equal(record->key, span_text(expected)));
}

START_TEST(test_kv_tree_seeks_in_byte_order)
{
    struct kv_tree tree = {0};
    set(&tree, "b", "1");
    set(&tree, "\xff", "2");
    set(&tree, "ba", "3");
    set(&tree, "Z", "4");
    assert_seek(&tree, "A", false, "Z");
    assert_seek(&tree, "Z", false, "Z");
    assert_seek(&tree, "Z", true, "b");
    assert_seek(&tree, "a", true, "b");
    assert_seek(&tree, "b", true, "ba");
    assert_seek(&tree, "bb", false, "\xff");
    assert_seek(&tree, "\xff", true, NULL);
    assert_seek(&tree, "\xff\xff", false, NULL);
    kv_tree_clear(&tree);
}
END_TEST

START_TEST(test_kv_tree_digest_depends_on_content_alone)
{
    struct kv_tree tree = {0};
    struct kv_tree other = {0};
    uint64_t empty = kv_tree_digest(&tree);
    set(&tree, "a", "1");
    set(&tree, "b", "2");
    set(&other, "b", "1");
    set(&other, "c", "1");
    set(&other, "a", "1");
    ck_assert_uint_ne(kv_tree_digest(&tree), kv_tree_digest(&other));
    kv_tree_remove(&other, span_text("c"));
    set(&other, "b", "2");
    ck_assert_uint_eq(kv_tree_digest(&tree), kv_tree_digest(&other));
    set(&other, "a", "2");
    set(&other, "b", "1");
    ck_assert_uint_ne(kv_tree_digest(&tree), kv_tree_digest(&other));
    kv_tree_remove(&tree, span_text("a"));
    kv_tree_remove(&tree, span_text("b"));
    ck_assert_uint_eq(kv_tree_digest(&tree), empty);
    kv_tree_clear(&tree);
    kv_tree_clear(&other);
}
END_TEST

/* Where the key ends and the value begins is part of the content. */
START_TEST(test_kv_tree_digest_tells_key_from_value)
{
    struct kv_tree tree = {0};
    struct kv_tree other = {0};
    set(&tree, "ab", "c");
    set(&other, "a", "bc");
    ck_assert_uint_ne(kv_tree_digest(&tree), kv_tree_digest(&other));
    kv_tree_clear(&tree);
    kv_tree_clear(&other);
}
END_TEST

Suite *kv_tree_suite(void)
{
    Suite *suite = suite_create("kv_tree");
    TCase *tests = tcase_create("kv_tree");
    tcase_add_test(tests, test_kv_tree_sets_finds_and_removes);
    tcase_add_test(tests, test_kv_tree_seeks_in_byte_order);
    tcase_add_test(tests, test_kv_tree_digest_depends_on_content_alone);
    tcase_add_test(tests, test_kv_tree_digest_tells_key_from_value);
    suite_add_tcase(suite, tests);
    return suite;
}
