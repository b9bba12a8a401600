/* Property files: what Java's reader makes of them. */
#include "tests/unit/bench/suites.h"
#include "tools/bench/property.h"

/* The value of `name` in a text, compared and forgotten. */
static void expect(const char *text, const char *name, const char *value)
{
    struct ycsb_properties properties = {0};
    ycsb_properties_add(&properties, span_text(text));
    const char *found = ycsb_properties_find(&properties, name);
    if (value == NULL)
        ck_assert_ptr_null(found);
    else
        ck_assert_msg(found != NULL && strcmp(found, value) == 0, "'%s' of '%s' is '%s'", name,
                      text, found == NULL ? "(none)" : found);
    ycsb_properties_free(&properties);
}

START_TEST(test_property_separators_are_all_understood)
{
    expect("a=1", "a", "1");
    expect("a:1", "a", "1");
    expect("a 1", "a", "1");
    expect("  a \t=  1\n", "a", "1");
    expect("a==1", "a", "=1");
    expect("a", "a", "");
    expect("a=\nb=2", "a", "");
    expect("a=\nb=2", "b", "2");
}
END_TEST

START_TEST(test_property_comments_and_empty_lines_are_skipped)
{
    expect("# a=1\n\n  ! a=2\r\n\ra=3", "a", "3");
    expect("# a=1", "a", NULL);
    expect("#a=1 \\\nb=2", "b", "2"); /* a comment does not go on */
    expect("", "a", NULL);
    expect("a=1 # no comment", "a", "1 # no comment");
}
END_TEST

START_TEST(test_property_line_goes_on_after_backslash)
{
    expect("a=one, \\\n   two\nb=2", "a", "one, two");
    expect("a=one\\\r\n\ttwo\nb=2", "b", "2");
    expect("a=1\\", "a", "1");
    expect("a=\\\\", "a", "\\");
}
END_TEST

START_TEST(test_property_backslash_takes_next_literally)
{
    expect("a\\=b=c\\td", "a=b", "c\td");
    expect("a\\ b=c", "a b", "c");
}
END_TEST

START_TEST(test_property_last_of_a_name_counts)
{
    expect("a=1\na=2\nb=3\n", "a", "2");
}
END_TEST

START_TEST(test_property_blanks_at_the_end_are_dropped)
{
    expect("a=1000 \t\r\nb=2", "a", "1000");
}
END_TEST

START_TEST(test_property_zero_bytes_do_no_harm)
{
    struct ycsb_properties properties = {0};
    const char text[] = "a\0b=1\0\0\n\\\0c=2";
    ycsb_properties_add(&properties, span_of(text, sizeof text - 1));
    ck_assert_str_eq(ycsb_properties_find(&properties, "ab"), "1");
    ycsb_properties_free(&properties);
}
END_TEST

Suite *property_suite(void)
{
    Suite *suite = suite_create("property");
    TCase *tests = tcase_create("property");
    tcase_add_test(tests, test_property_separators_are_all_understood);
    tcase_add_test(tests, test_property_comments_and_empty_lines_are_skipped);
    tcase_add_test(tests, test_property_line_goes_on_after_backslash);
    tcase_add_test(tests, test_property_backslash_takes_next_literally);
    tcase_add_test(tests, test_property_last_of_a_name_counts);
    tcase_add_test(tests, test_property_blanks_at_the_end_are_dropped);
    tcase_add_test(tests, test_property_zero_bytes_do_no_harm);
    suite_add_tcase(suite, tests);
    return suite;
}
