/* How answers are shown. */
#include "client/show.h"

#include "tests/unit/client/world.h"

static void assert_safe(const char *bytes, const char *shown)
{
    struct wire_writer out = {0};
    show_safe(span_text(bytes), &out);
    wire_write_raw(&out, span_of("", 1));
    ck_assert_str_eq((const char *)out.data, shown);
    wire_writer_free(&out);
}

START_TEST(test_show_safe_sends_no_control_byte)
{
    assert_safe("", "");
    assert_safe("plain \\ text~", "plain \\ text~");
    assert_safe("\033[2J\a\b\n\x7f", "\\x1b[2J\\x07\\x08\\x0a\\x7f");
    assert_safe("p\xc3\xa4r \xe2\x82\xac \xf0\x9f\x90\x9f",
                "p\xc3\xa4r \xe2\x82\xac \xf0\x9f\x90\x9f");
    assert_safe("\xc2\x9b"
                "31m",
                "\\xc2\\x9b31m"); /* a control sequence of eight bits */
    assert_safe("\xc3", "\\xc3");
    assert_safe("\xff\xe2\x82", "\\xff\\xe2\\x82");
}
END_TEST

static void assert_json(struct wire_kv_call call, struct show_answer answer, const char *expected)
{
    struct wire_writer out = {0};
    show_json(NULL, &call, &answer, &out);
    wire_write_raw(&out, span_of("", 1));
    ck_assert_str_eq((const char *)out.data, expected);
    wire_writer_free(&out);
}

START_TEST(test_show_json_loses_no_byte)
{
    struct wire_kv_call get = {.op = WIRE_KV_GET, .key = span_text("k\"")};
    struct show_answer answer = {.found = true, .value = {.data = "p\xc3\xa4r", .size = 4}};
    assert_json(get, answer,
                "{\"call\":\"GET\",\"key\":\"k\\\"\",\"outcome\":\"ok\",\"found\":true,"
                "\"value\":\"p\xc3\xa4r\"}\n");
    answer.value = (struct madkv_bytes){.data = "a\xff", .size = 2};
    assert_json(get, answer,
                "{\"call\":\"GET\",\"key\":\"k\\\"\",\"outcome\":\"ok\",\"found\":true,"
                "\"value_hex\":\"61ff\"}\n");
    get.key = span_text("\x80");
    assert_json(get, (struct show_answer){0},
                "{\"call\":\"GET\",\"key_hex\":\"80\",\"outcome\":\"ok\",\"found\":false,"
                "\"value\":null}\n");
    struct wire_kv_call put = {.op = WIRE_KV_PUT, .key = span_text("k")};
    assert_json(put, (struct show_answer){0},
                "{\"call\":\"PUT\",\"key\":\"k\",\"outcome\":\"ok\",\"found\":false}\n");
}
END_TEST

TCase *show_case(void)
{
    TCase *tcase = tcase_create("show");
    tcase_add_test(tcase, test_show_safe_sends_no_control_byte);
    tcase_add_test(tcase, test_show_json_loses_no_byte);
    return tcase;
}
