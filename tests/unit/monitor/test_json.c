#include <stdio.h>
#include <stdlib.h>

#include "tests/unit/monitor/suites.h"
#include "wire/json.h"
#include "tools/monitor/render.h"

static struct canned canned;
static struct wire_writer out;

static void begin(void)
{
    canned_begin(&canned);
    wire_writer_clear(&out);
}

static void end(void)
{
    wire_writer_free(&out);
    canned_end(&canned);
}

static const char *draw(void)
{
    struct picture *picture = canned_picture(&canned);
    wire_writer_clear(&out);
    render_json(picture, &out);
    wire_write_raw(&out, span_of("", 1));
    picture_free(&picture);
    return (const char *)out.data;
}

/* Has Python read the text and judge it by an expression over `p`. */
static void ck_assert_python(const char *text, const char *expression)
{
    char command[2048];
    int size = snprintf(command, sizeof command,
                        "python3 -c 'import json,sys; p=json.load(sys.stdin); "
                        "sys.exit(0 if (%s) else 1)'",
                        expression);
    ck_assert_int_lt(size, (int)sizeof command);
    FILE *python = popen(command, "w");
    ck_assert_ptr_nonnull(python);
    ck_assert_int_ge(fputs(text, python), 0);
    int status = pclose(python);
    ck_assert_msg(status == 0, "%s: not so in %s", expression, text);
}

START_TEST(test_json_of_a_small_cluster)
{
    canned.plan.server_count = 0;
    canned_silence(&canned, M1);
    canned_say(&canned, M0, "leading", 4, 0, 5, 5);
    wire_writer_clear(&canned.answers[M2].figures);
    wire_figure_number(&canned.answers[M2].figures, "process.pid", 77);
    ck_assert_str_eq(
        draw(),
        "{\"version\":1,\"healthy\":false,\"reason\":\"m.1 does not answer\","
        "\"cluster\":\"00c0ffee12345678\",\"servers_known\":true,"
        "\"groups\":[{\"group\":\"m\",\"leader\":0,"
        "\"leader_round\":4,\"can_lose\":0,\"majority_lost\":false,\"up_count\":2,"
        "\"replica_count\":3,\"chosen_slot\":5,\"applied_slot\":5,\"lag_slots\":0,\"replicas\":["
        "{\"node\":\"m.0\",\"addr\":\"127.0.0.1:3666\",\"up\":true,\"state\":\"up\",\"votes\":true,"
        "\"pid\":null,"
        "\"role\":\"leader\",\"chosen_slot\":5,\"applied_slot\":5,\"lag_slots\":0,\"figures\":{"
        "\"proposer.state\":\"leading\",\"proposer.replica_count\":3,\"proposer.leader_round\":4,"
        "\"proposer.leader_replica\":0,\"acceptor.chosen_slot\":5,\"applier.applied_slot\":5}},"
        "{\"node\":\"m.1\",\"addr\":\"127.0.0.1:3667\",\"up\":false,\"state\":\"silent\","
        "\"votes\":false,\"pid\":null,\"role\":null,\"chosen_slot\":null,\"applied_slot\":null,"
        "\"lag_slots\":null,\"figures\":{}},"
        "{\"node\":\"m.2\",\"addr\":\"127.0.0.1:3668\",\"up\":true,\"state\":\"up\",\"votes\":true,"
        "\"pid\":77,\"role\":null,\"chosen_slot\":null,\"applied_slot\":null,\"lag_slots\":null,"
        "\"figures\":"
        "{\"process.pid\":77}}]}]}\n");
}
END_TEST

START_TEST(test_json_of_a_whole_cluster_is_read_by_python)
{
    ck_assert_python(draw(), "p[\"healthy\"] and p[\"reason\"] == \"\" and "
                             "[g[\"group\"] for g in p[\"groups\"]] == [\"m\", \"s0\", \"s1\"] and "
                             "[g[\"leader\"] for g in p[\"groups\"]] == [0, 1, 2] and "
                             "p[\"groups\"][2][\"replicas\"][1][\"pid\"] == 1007");
}
END_TEST

START_TEST(test_json_without_leader_says_null)
{
    canned_say(&canned, S01, "claiming", 5, 1, 120, 120);
    ck_assert_python(draw(), "p[\"groups\"][1][\"leader\"] is None and "
                             "p[\"groups\"][1][\"replicas\"][1][\"role\"] == \"candidate\" and "
                             "p[\"reason\"] == \"s0: no leader\"");
}
END_TEST

START_TEST(test_json_numbers_arrive_exactly)
{
    wire_figure_number(&canned.answers[S00].figures, "largest", UINT64_MAX);
    wire_figure_number(&canned.answers[S00].figures, "odd", (UINT64_C(1) << 53) + 1);
    ck_assert_python(draw(), "p[\"groups\"][1][\"replicas\"][0][\"figures\"][\"largest\"] == "
                             "2**64 - 1 and p[\"groups\"][1][\"replicas\"][0][\"figures\"]"
                             "[\"odd\"] == 2**53 + 1");
}
END_TEST

START_TEST(test_json_escapes_every_byte)
{
    uint8_t all[256];
    struct json json = {.out = &out};
    for (size_t i = 0; i < sizeof all; i++)
        all[i] = (uint8_t)i;
    json_open(&json, '{');
    json_name(&json, span_of(all, sizeof all));
    json_text(&json, span_of(all, sizeof all));
    json_close(&json, '}');
    wire_write_raw(&out, span_of("", 1));
    for (size_t i = 0; i + 1 < out.size; i++)
        ck_assert(out.data[i] >= ' ' && out.data[i] < 0x7f);
    ck_assert_python((const char *)out.data,
                     "p == {\"\".join(map(chr, range(256))): \"\".join(map(chr, range(256)))}");
}
END_TEST

START_TEST(test_json_escapes_what_nodes_say)
{
    wire_figure_text(&canned.answers[S00].figures, "a\"b\\", "\"},\n\033[2J\xff");
    ck_assert_python(draw(), "p[\"groups\"][1][\"replicas\"][0][\"figures\"][chr(97) + chr(34) + "
                             "chr(98) + chr(92)] == chr(34) + \"},\" + chr(10) + chr(27) + "
                             "\"[2J\" + chr(255)");
}
END_TEST

START_TEST(test_json_sets_commas_between_values_only)
{
    struct json json = {.out = &out};
    json_open(&json, '[');
    json_open(&json, '[');
    json_close(&json, ']');
    json_number(&json, 0);
    json_bool(&json, true);
    json_null(&json);
    json_open(&json, '{');
    json_name(&json, span_text("a"));
    json_open(&json, '[');
    json_text(&json, span_text(""));
    json_text(&json, span_text("x"));
    json_close(&json, ']');
    json_name(&json, span_text("b"));
    json_bool(&json, false);
    json_close(&json, '}');
    json_close(&json, ']');
    wire_write_raw(&out, span_of("", 1));
    ck_assert_str_eq((const char *)out.data, "[[],0,true,null,{\"a\":[\"\",\"x\"],\"b\":false}]");
}
END_TEST

START_TEST(test_json_knows_utf8_from_other_bytes)
{
    static const char *const good[] = {"",
                                       "a",
                                       "\x7f",
                                       "\xc2\x80",
                                       "\xdf\xbf",
                                       "\xe0\xa0\x80",
                                       "\xed\x9f\xbf",
                                       "\xef\xbf\xbf",
                                       "\xf0\x90\x80\x80",
                                       "\xf4\x8f\xbf\xbf",
                                       "p\xc3\xa4r"};
    static const char *const bad[] = {"\x80",
                                      "\xc0\x80",
                                      "\xc1\xbf",
                                      "\xc3",
                                      "\xe0\x9f\xbf",
                                      "\xed\xa0\x80",
                                      "\xf0\x8f\xbf\xbf",
                                      "\xf4\x90\x80\x80",
                                      "\xf8\x88\x80\x80\x80",
                                      "\xff",
                                      "a\xe2\x82"};
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++)
        ck_assert_msg(json_is_utf8(span_text(good[i])), "good %zu", i);
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        ck_assert_msg(!json_is_utf8(span_text(bad[i])), "bad %zu", i);
    struct json json = {.out = &out};
    json_utf8(&json, span_text("p\xc3\xa4r \"\x1b"));
    wire_write_raw(&out, span_of("", 1));
    ck_assert_str_eq((const char *)out.data, "\"p\xc3\xa4r \\\"\\u001b\"");
}
END_TEST

Suite *json_suite(void)
{
    Suite *suite = suite_create("monitor json");
    TCase *tcase = tcase_create("json");
    tcase_set_timeout(tcase, 60); /* each starts a Python */
    tcase_add_checked_fixture(tcase, begin, end);
    tcase_add_test(tcase, test_json_of_a_small_cluster);
    tcase_add_test(tcase, test_json_of_a_whole_cluster_is_read_by_python);
    tcase_add_test(tcase, test_json_without_leader_says_null);
    tcase_add_test(tcase, test_json_numbers_arrive_exactly);
    tcase_add_test(tcase, test_json_escapes_every_byte);
    tcase_add_test(tcase, test_json_escapes_what_nodes_say);
    tcase_add_test(tcase, test_json_sets_commas_between_values_only);
    tcase_add_test(tcase, test_json_knows_utf8_from_other_bytes);
    suite_add_tcase(suite, tcase);
    return suite;
}
