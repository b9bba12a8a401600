/* What is on disks and between machines of different versions, pinned byte by byte. A change that
 * breaks a test here breaks running clusters: it needs a new format number, not a new value here.
 */
#include <stdio.h>
#include <stdlib.h>
#include "tests/unit/wire/suites.h"
#include "wire/batch.h"
#include "wire/hash.h"
#include "wire/kv.h"
#include "wire/map.h"
#include "wire/record.h"

static void assert_bytes(struct span bytes, const char *expected)
{
    char *text = wire_alloc(2 * bytes.size + 1);
    text[0] = '\0';
    for (size_t i = 0; i < bytes.size; i++)
        snprintf(text + 2 * i, 3, "%02x", bytes.data[i]);
    ck_assert_str_eq(text, expected);
    free(text);
}

START_TEST(test_golden_hash_slots)
{
    static const struct {
        const char *key;
        uint32_t slot;
    } known[] = {
        {"a", 3615},
        {"b", 1087},
        {"user6284781860667377211", 2748},
        {"table_user1000", 1858},
        {"\xff\xfe", 1926},
    };
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
        ck_assert_uint_eq(wire_hash_slot(span_text(known[i].key)), known[i].slot);
    ck_assert_uint_eq(wire_hash(span_text("madkv")), 0x06bca2eaf8c74b81);
    ck_assert_uint_eq(wire_hash(span_text("")), 0x2d06800538d394c2);
    ck_assert_uint_eq(wire_hash_seeded(span_text("madkv"), 7), 0xa1ee910aceb99d11);
}
END_TEST

START_TEST(test_golden_message)
{
    struct wire_message message = {.type = WIRE_MESSAGE_ACCEPT};
    message.sender = (struct wire_sender){.cluster = 0x1122334455667788, .group = 1};
    message.sender.role = WIRE_ROLE_PROPOSER;
    message.sender.replica = 2;
    message.sender.birth = (struct wire_birth){.generation = 1, .nonce = 300};
    message.sender.start = 4;
    message.accept.ballot = (struct wire_ballot){.round = 70000, .replica = 2};
    message.accept.slot = 0x100000000;
    message.accept.chosen = 0x80;
    struct wire_writer out = {0};
    wire_message_encode(&message, &out);
    assert_bytes(wire_writer_span(&out),
                 "9d0501cf112233445566778801020201cd012c04ce0001117002cf0000000100000000cc80");
    wire_writer_free(&out);
}
END_TEST

static struct buf *golden_batch(void)
{
    struct wire_command command = {.kind = WIRE_CALL_WRITE, .tag = 1, .session = 2, .number = 3};
    struct wire_batch head = {.elapsed_ms = 5, .origin = 1, .origin_start = 9};
    struct wire_writer out = {0};
    command.lowest = 3;
    command.body = span_text("body");
    wire_command_encode(&command, &out);
    struct buf *entry = wire_writer_take(&out);
    struct buf *batch = wire_batch_build(&head, &entry, 1);
    buf_unref(&entry);
    wire_writer_free(&out);
    return batch;
}

START_TEST(test_golden_batch)
{
    struct buf *batch = golden_batch();
    assert_bytes(buf_span(batch), "019b42c5e61d7c517205010901960001020303c404626f6479");
    buf_unref(&batch);
}
END_TEST

START_TEST(test_golden_slot_record)
{
    uint8_t prefix[WIRE_SLOT_RECORD_PREFIX];
    struct buf *batch = golden_batch();
    struct wire_slot_record record = {.slot = 6, .learned = true, .batch = buf_span(batch)};
    record.ballot = (struct wire_ballot){.round = 7, .replica = 8};
    wire_slot_record_encode(&record, prefix);
    assert_bytes(span_of(prefix, sizeof prefix), "0101000019000000060000000000000007000000000000000"
                                                 "8000000000000009b42c5e61d7c517299ce9a5c8db36776");
    buf_unref(&batch);
}
END_TEST

START_TEST(test_golden_hard_state)
{
    struct wire_hard_state state = {.chosen = 5, .cut = 3, .admitted = true};
    state.promised = (struct wire_ballot){.round = 9, .replica = 1};
    state.births[1] = (struct wire_birth){.generation = 1, .nonce = 77};
    struct wire_writer out = {0};
    wire_hard_state_encode(&state, &out);
    assert_bytes(wire_writer_span(&out),
                 "010f22404b1d17f81509010503c30000014d0000000000000000000000000000");
    wire_writer_free(&out);
}
END_TEST

START_TEST(test_golden_identity)
{
    struct wire_identity identity = {.cluster = 1, .topology = 2, .group = WIRE_GROUP_MANAGERS};
    identity.replica = 3;
    identity.replica_count = 5;
    identity.partitions = 2;
    identity.birth = (struct wire_birth){.generation = 1, .nonce = 6};
    identity.start = 7;
    struct wire_writer out = {0};
    wire_identity_encode(&identity, &out);
    assert_bytes(wire_writer_span(&out), "01ecd7369d3609ff9c0102ceffffffff030502010607");
    wire_writer_clear(&out);
    identity.protocol = WIRE_PROTOCOL_CHAIN; /* stands at the end, where older directories have nothing */
    wire_identity_encode(&identity, &out);
    ck_assert_uint_eq(out.size, 23);
    ck_assert_uint_eq(out.data[21], 7);
    ck_assert_uint_eq(out.data[22], WIRE_PROTOCOL_CHAIN);
    wire_writer_free(&out);
}
END_TEST

START_TEST(test_golden_kv_call)
{
    struct wire_kv_call call = {.op = WIRE_KV_SWAP, .key = span_text("k"), .value = span_text("v")};
    struct wire_writer out = {0};
    wire_kv_call_encode(&call, &out);
    assert_bytes(wire_writer_span(&out), "9301c4016bc40176");
    wire_writer_free(&out);
}
END_TEST

START_TEST(test_golden_map)
{
    struct wire_map_server server = {.address = "h:1", .birth = {.generation = 1, .nonce = 2}};
    struct wire_map map = {.cluster = 3, .server_rf = 1, .server_count = 1, .servers = &server};
    struct wire_map_call call = {.op = WIRE_MAP_FOUND, .map = map};
    struct wire_writer out = {0};
    wire_map_call_encode(&call, &out);
    assert_bytes(wire_writer_span(&out), "960003010001c403683a31");
    wire_writer_clear(&out);
    wire_map_answer_encode(WIRE_MAP_REBORN, &map, &out);
    assert_bytes(wire_writer_span(&out), "980203010001c403683a310102");
    wire_writer_free(&out);
    ck_assert_uint_eq(wire_map_topology(3, &map), 0x8976bf2467b7b993);
}
END_TEST

Suite *golden_suite(void)
{
    Suite *suite = suite_create("golden");
    TCase *tests = tcase_create("golden");
    tcase_add_test(tests, test_golden_hash_slots);
    tcase_add_test(tests, test_golden_message);
    tcase_add_test(tests, test_golden_batch);
    tcase_add_test(tests, test_golden_slot_record);
    tcase_add_test(tests, test_golden_hard_state);
    tcase_add_test(tests, test_golden_identity);
    tcase_add_test(tests, test_golden_kv_call);
    tcase_add_test(tests, test_golden_map);
    suite_add_tcase(suite, tests);
    return suite;
}
