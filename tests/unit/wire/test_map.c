#include <stdio.h>
#include "tests/unit/wire/suites.h"
#include "wire/map.h"

static struct wire_map map_of(uint8_t server_rf, uint32_t server_count)
{
    struct wire_map map = {.cluster = 99, .server_rf = server_rf, .server_count = server_count};
    map.servers = wire_calloc(server_count, sizeof *map.servers);
    for (uint32_t i = 0; i < server_count; i++) {
        snprintf(map.servers[i].address, WIRE_ADDRESS_TEXT_MAX, "host%u:%u", i, i + 1);
        map.servers[i].birth = (struct wire_birth){.generation = i % 2, .nonce = i};
    }
    return map;
}

static void assert_same_map(const struct wire_map *a, const struct wire_map *b)
{
    ck_assert(a->cluster == b->cluster && a->server_rf == b->server_rf);
    ck_assert_uint_eq(a->server_count, b->server_count);
    for (uint32_t i = 0; i < a->server_count; i++) {
        ck_assert_str_eq(a->servers[i].address, b->servers[i].address);
        ck_assert(birth_equal(a->servers[i].birth, b->servers[i].birth));
    }
}

START_TEST(test_map_answer_round_trips)
{
    for (int verdict = 0; verdict < WIRE_MAP_VERDICTS; verdict++) {
        struct wire_map map = map_of(3, 6);
        struct wire_map read = {0};
        enum wire_map_verdict said;
        struct wire_writer out = {0};
        bool none = verdict == WIRE_MAP_NOT_FOUNDED;
        wire_map_answer_encode((enum wire_map_verdict)verdict, none ? NULL : &map, &out);
        ck_assert_int_eq(wire_map_answer_decode(wire_writer_span(&out), &said, &read), WIRE_OK);
        ck_assert_int_eq(said, verdict);
        if (none)
            wire_map_free(&map);
        assert_same_map(&map, &read);
        wire_map_free(&read);
        wire_map_free(&map);
        wire_writer_free(&out);
    }
}
END_TEST

START_TEST(test_map_answer_without_its_map_or_with_one_too_many_is_refused)
{
    struct wire_map map = map_of(1, 1);
    struct wire_map read = {.cluster = 7};
    enum wire_map_verdict said;
    struct wire_writer out = {0};
    wire_map_answer_encode(WIRE_MAP_OK, NULL, &out);
    ck_assert_int_eq(wire_map_answer_decode(wire_writer_span(&out), &said, &read), WIRE_MALFORMED);
    wire_writer_clear(&out);
    wire_map_answer_encode(WIRE_MAP_NOT_FOUNDED, &map, &out);
    ck_assert_int_eq(wire_map_answer_decode(wire_writer_span(&out), &said, &read), WIRE_MALFORMED);
    ck_assert_uint_eq(read.cluster, 7);
    wire_map_free(&map);
    wire_writer_free(&out);
}
END_TEST

START_TEST(test_map_register_round_trips)
{
    struct wire_map_call call = {.op = WIRE_MAP_REGISTER, .cluster = 5, .partition = 6};
    struct wire_map_call read;
    struct wire_writer out = {0};
    call.replica = 7;
    call.birth = (struct wire_birth){.generation = 8, .nonce = UINT64_MAX};
    wire_map_call_encode(&call, &out);
    ck_assert_int_eq(wire_map_call_decode(wire_writer_span(&out), &read), WIRE_OK);
    ck_assert(read.cluster == 5 && read.partition == 6 && read.replica == 7);
    ck_assert(birth_equal(read.birth, call.birth));
    call.birth.generation = 0;
    wire_writer_clear(&out);
    wire_map_call_encode(&call, &out);
    ck_assert_int_eq(wire_map_call_decode(wire_writer_span(&out), &read), WIRE_MALFORMED);
    wire_writer_free(&out);
}
END_TEST

static enum wire_error decode_found(uint64_t cluster, uint8_t server_rf, uint32_t server_count,
                                    const char *address)
{
    struct wire_map_call call = {.op = WIRE_MAP_FOUND, .map = map_of(server_rf, server_count)};
    struct wire_writer out = {0};
    call.map.cluster = cluster;
    if (address != NULL)
        snprintf(call.map.servers[0].address, WIRE_ADDRESS_TEXT_MAX, "%s", address);
    wire_map_call_encode(&call, &out);
    wire_map_call_free(&call);
    enum wire_error error = wire_map_call_decode(wire_writer_span(&out), &call);
    wire_map_call_free(&call);
    wire_writer_free(&out);
    return error;
}

START_TEST(test_map_found_wants_a_legal_topology)
{
    for (uint8_t rf = 1; rf <= WIRE_REPLICA_COUNT_MAX; rf++) {
        enum wire_error expected = rf % 2 == 1 ? WIRE_OK : WIRE_MALFORMED;
        ck_assert_int_eq(decode_found(1, rf, rf * 2u, NULL), expected);
    }
    ck_assert_int_eq(decode_found(1, 9, WIRE_SERVER_COUNT_MAX, NULL), WIRE_OK);
    ck_assert_int_eq(decode_found(1, 1, WIRE_PARTITION_COUNT_MAX, NULL), WIRE_OK);
    ck_assert_int_eq(decode_found(1, 1, WIRE_PARTITION_COUNT_MAX + 1, NULL), WIRE_MALFORMED);
    ck_assert_int_eq(decode_found(1, 9, WIRE_SERVER_COUNT_MAX + 9, NULL), WIRE_MALFORMED);
    ck_assert_int_eq(decode_found(1, 11, 11, NULL), WIRE_MALFORMED);
    ck_assert_int_eq(decode_found(1, 0, 3, NULL), WIRE_MALFORMED);
    ck_assert_int_eq(decode_found(1, 3, 4, NULL), WIRE_MALFORMED);
    ck_assert_int_eq(decode_found(1, 3, 0, NULL), WIRE_MALFORMED);
    ck_assert_int_eq(decode_found(0, 3, 3, NULL), WIRE_MALFORMED);
    ck_assert_int_eq(decode_found(0, 0, 0, NULL), WIRE_MALFORMED);
    ck_assert_int_eq(decode_found(1, 3, 3, "no port"), WIRE_MALFORMED);
    ck_assert_int_eq(decode_found(1, 3, 3, ""), WIRE_MALFORMED);
}
END_TEST

START_TEST(test_map_call_that_is_refused_is_zero)
{
    struct wire_map_call call;
    memset(&call, 0x5a, sizeof call);
    ck_assert_int_eq(wire_map_call_decode(span_text("garbage"), &call), WIRE_MALFORMED);
    ck_assert_ptr_null(call.map.servers);
    ck_assert_uint_eq(call.map.server_count, 0);
}
END_TEST

START_TEST(test_map_copy_is_deep_and_frees_what_was_there)
{
    struct wire_map from = map_of(3, 6);
    struct wire_map to = map_of(1, 2);
    wire_map_copy(&to, &from);
    assert_same_map(&to, &from);
    ck_assert_ptr_ne(to.servers, from.servers);
    wire_map_copy(&to, &to);
    assert_same_map(&to, &from);
    wire_map_free(&from);
    wire_map_copy(&to, &from);
    ck_assert_ptr_null(to.servers);
    wire_map_free(&to);
    wire_map_free(&to);
}
END_TEST

START_TEST(test_map_topology_tells_flags_apart)
{
    struct wire_map map = map_of(3, 6);
    uint64_t topology = wire_map_topology(3, &map);
    ck_assert_uint_ne(topology, 0);
    map.cluster = 1;
    map.servers[0].birth.generation = 9;
    ck_assert_uint_eq(wire_map_topology(3, &map), topology);
    ck_assert_uint_ne(wire_map_topology(5, &map), topology);
    map.server_rf = 1;
    ck_assert_uint_ne(wire_map_topology(3, &map), topology);
    map.server_rf = 3;
    snprintf(map.servers[5].address, WIRE_ADDRESS_TEXT_MAX, "other:1");
    ck_assert_uint_ne(wire_map_topology(3, &map), topology);
    wire_map_free(&map);
}
END_TEST

/* Every hash slot has one owner, and no partition owns much more than another. */
START_TEST(test_map_partitions_share_the_hash_slots_evenly)
{
    for (uint32_t partitions = 1; partitions <= WIRE_PARTITION_COUNT_MAX; partitions++) {
        uint32_t owned[WIRE_PARTITION_COUNT_MAX] = {0};
        uint32_t last = 0;
        for (uint32_t slot = 0; slot < WIRE_HASH_SLOT_COUNT; slot++) {
            uint32_t owner = wire_map_partition(slot, partitions);
            if (owner >= partitions || owner < last)
                ck_abort_msg("slot %u of %u", (unsigned)slot, (unsigned)partitions);
            owned[owner]++;
            last = owner;
        }
        for (uint32_t i = 0; i < partitions; i++)
            ck_assert(owned[i] >= WIRE_HASH_SLOT_COUNT / partitions &&
                      owned[i] <= WIRE_HASH_SLOT_COUNT / partitions + 1);
    }
}
END_TEST

START_TEST(test_map_knows_the_words_for_protocols)
{
    enum wire_protocol protocol = WIRE_PROTOCOL_CHAIN;
    ck_assert(wire_protocol_parse("multipaxos", &protocol));
    ck_assert_int_eq(protocol, WIRE_PROTOCOL_MULTIPAXOS);
    ck_assert(wire_protocol_parse("chain", &protocol));
    ck_assert_int_eq(protocol, WIRE_PROTOCOL_CHAIN);
    ck_assert(!wire_protocol_parse("Chain", &protocol) && !wire_protocol_parse("", &protocol));
    ck_assert_int_eq(protocol, WIRE_PROTOCOL_CHAIN);
    ck_assert_str_eq(wire_protocol_text(protocol), "chain");
}
END_TEST

Suite *map_suite(void)
{
    Suite *suite = suite_create("map");
    TCase *tests = tcase_create("map");
    tcase_add_test(tests, test_map_answer_round_trips);
    tcase_add_test(tests, test_map_answer_without_its_map_or_with_one_too_many_is_refused);
    tcase_add_test(tests, test_map_register_round_trips);
    tcase_add_test(tests, test_map_found_wants_a_legal_topology);
    tcase_add_test(tests, test_map_call_that_is_refused_is_zero);
    tcase_add_test(tests, test_map_copy_is_deep_and_frees_what_was_there);
    tcase_add_test(tests, test_map_topology_tells_flags_apart);
    tcase_add_test(tests, test_map_partitions_share_the_hash_slots_evenly);
    tcase_add_test(tests, test_map_knows_the_words_for_protocols);
    suite_add_tcase(suite, tests);
    return suite;
}
