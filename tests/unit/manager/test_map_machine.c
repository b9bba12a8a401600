#include <check.h>
#include <stdio.h>
#include "manager/map_machine.h"
#include "smr/memory_base.h"
#include "tests/unit/manager/suites.h"
#include "wire/figures.h"

static struct wire_map map_of(uint64_t cluster, uint8_t server_rf, uint32_t server_count)
{
    struct wire_map map = {.cluster = cluster, .server_rf = server_rf};
    map.server_count = server_count;
    map.servers = wire_calloc(server_count, sizeof *map.servers);
    for (uint32_t i = 0; i < server_count; i++)
        snprintf(map.servers[i].address, WIRE_ADDRESS_TEXT_MAX, "host%u:%u", (unsigned)i,
                 (unsigned)i + 1);
    return map;
}

/* Calls, and returns the verdict; *map, where wanted, is the caller's to free. */
static enum wire_map_verdict call_machine(struct smr_machine machine,
                                          const struct wire_map_call *call, struct wire_map *map)
{
    struct smr_moment moment = {.slot = 1};
    struct wire_writer body = {0};
    struct wire_writer answer = {0};
    struct wire_map read;
    enum wire_map_verdict verdict;
    wire_map_call_encode(call, &body);
    enum wire_status status =
        call->op == WIRE_MAP_GET
            ? machine.ops->query(machine.self, wire_writer_span(&body), &answer)
            : machine.ops->apply(machine.self, &moment, wire_writer_span(&body), &answer);
    ck_assert_int_eq(status, WIRE_STATUS_OK);
    ck_assert_int_eq(wire_map_answer_decode(wire_writer_span(&answer), &verdict, &read), WIRE_OK);
    if (map != NULL)
        *map = read;
    else
        wire_map_free(&read);
    wire_writer_free(&body);
    wire_writer_free(&answer);
    return verdict;
}

static void found(struct smr_machine machine, uint64_t cluster, uint8_t server_rf,
                  uint32_t server_count)
{
    struct wire_map_call call = {.op = WIRE_MAP_FOUND};
    call.map = map_of(cluster, server_rf, server_count);
    ck_assert_int_eq(call_machine(machine, &call, NULL), WIRE_MAP_OK);
    wire_map_call_free(&call);
}

static enum wire_map_verdict register_server(struct smr_machine machine, uint64_t cluster,
                                             uint32_t partition, wire_replica replica,
                                             struct wire_birth birth)
{
    struct wire_map_call call = {.op = WIRE_MAP_REGISTER, .cluster = cluster};
    call.partition = partition;
    call.replica = replica;
    call.birth = birth;
    return call_machine(machine, &call, NULL);
}

static struct wire_map get(struct smr_machine machine, enum wire_map_verdict expected)
{
    struct wire_map_call call = {.op = WIRE_MAP_GET};
    struct wire_map map;
    ck_assert_int_eq(call_machine(machine, &call, &map), expected);
    return map;
}

static void end(struct smr_machine machine)
{
    machine.ops->destroy(machine.self);
}

static const struct wire_birth first_disk = {.generation = 1, .nonce = 7};
static const struct wire_birth other_disk = {.generation = 1, .nonce = 8};
static const struct wire_birth second_disk = {.generation = 2, .nonce = 9};

START_TEST(test_map_machine_knows_nothing_before_it_is_founded)
{
    struct smr_machine machine = map_machine_new(NULL);
    struct wire_map map = get(machine, WIRE_MAP_NOT_FOUNDED);
    ck_assert_uint_eq(map.server_count, 0);
    ck_assert_int_eq(register_server(machine, 0, 0, 0, first_disk), WIRE_MAP_NOT_FOUNDED);
    ck_assert_int_eq(register_server(machine, 5, 0, 0, first_disk), WIRE_MAP_NOT_FOUNDED);
    end(machine);
}
END_TEST

START_TEST(test_map_machine_is_founded_by_the_first)
{
    struct smr_machine machine = map_machine_new(NULL);
    found(machine, 11, 3, 6);
    uint64_t digest = machine.ops->digest(machine.self);
    found(machine, 12, 1, 2);
    ck_assert_uint_eq(machine.ops->digest(machine.self), digest);
    struct wire_map map = get(machine, WIRE_MAP_OK);
    ck_assert_uint_eq(map.cluster, 11);
    ck_assert_uint_eq(map.server_rf, 3);
    ck_assert_uint_eq(map.server_count, 6);
    ck_assert_str_eq(map.servers[5].address, "host5:6");
    ck_assert_uint_eq(map.servers[5].birth.generation, 0);
    wire_map_free(&map);
    end(machine);
}
END_TEST

START_TEST(test_map_machine_records_one_disk_of_each_generation)
{
    struct smr_machine machine = map_machine_new(NULL);
    found(machine, 11, 3, 6);
    ck_assert_int_eq(register_server(machine, 0, 1, 2, first_disk), WIRE_MAP_OK);
    uint64_t digest = machine.ops->digest(machine.self);
    ck_assert_int_eq(register_server(machine, 11, 1, 2, first_disk), WIRE_MAP_OK);
    ck_assert_int_eq(register_server(machine, 0, 1, 2, other_disk), WIRE_MAP_REBORN);
    ck_assert_uint_eq(machine.ops->digest(machine.self), digest);
    ck_assert_int_eq(register_server(machine, 0, 1, 2, second_disk), WIRE_MAP_OK);
    ck_assert_int_eq(register_server(machine, 0, 1, 2, first_disk), WIRE_MAP_REBORN); /* late */
    struct wire_map map = get(machine, WIRE_MAP_OK);
    ck_assert(birth_equal(map.servers[5].birth, second_disk));
    ck_assert_uint_eq(map.servers[4].birth.generation, 0);
    wire_map_free(&map);
    ck_assert_int_eq(register_server(machine, 0, 0, 2, other_disk), WIRE_MAP_OK);
    ck_assert_uint_ne(machine.ops->digest(machine.self), digest);
    end(machine);
}
END_TEST

/* A disk that says it is not the first is none, even where no other is known (any more). */
START_TEST(test_map_machine_takes_the_word_of_a_later_generation)
{
    struct smr_machine machine = map_machine_new(NULL);
    found(machine, 11, 1, 1);
    ck_assert_int_eq(register_server(machine, 0, 0, 0, second_disk), WIRE_MAP_OK);
    ck_assert_int_eq(register_server(machine, 0, 0, 0, first_disk), WIRE_MAP_REBORN);
    end(machine);
}
END_TEST

START_TEST(test_map_machine_turns_strangers_away)
{
    struct smr_machine machine = map_machine_new(NULL);
    found(machine, 11, 3, 6);
    uint64_t digest = machine.ops->digest(machine.self);
    ck_assert_int_eq(register_server(machine, 12, 0, 0, first_disk), WIRE_MAP_STRANGER);
    ck_assert_int_eq(register_server(machine, 0, 2, 0, first_disk), WIRE_MAP_STRANGER);
    ck_assert_int_eq(register_server(machine, 0, UINT32_MAX, 0, first_disk), WIRE_MAP_STRANGER);
    ck_assert_int_eq(register_server(machine, 0, 0, 3, first_disk), WIRE_MAP_STRANGER);
    ck_assert_int_eq(register_server(machine, 0, 0, 255, first_disk), WIRE_MAP_STRANGER);
    ck_assert_uint_eq(machine.ops->digest(machine.self), digest);
    end(machine);
}
END_TEST

START_TEST(test_map_machine_classifies_by_bytes_alone)
{
    struct smr_machine machine = map_machine_new(NULL);
    static const enum smr_body expected[] = {SMR_BODY_PLAIN, SMR_BODY_PLAIN, SMR_BODY_QUERY};
    for (int op = 0; op < WIRE_MAP_OPS; op++) {
        struct wire_map_call call = {.op = (enum wire_map_op)op, .birth = first_disk};
        struct wire_writer body = {0};
        call.map = map_of(1, 1, 1);
        wire_map_call_encode(&call, &body);
        ck_assert_int_eq(machine.ops->classify(wire_writer_span(&body)), expected[op]);
        wire_map_call_free(&call);
        wire_writer_free(&body);
    }
    ck_assert_int_eq(machine.ops->classify(span_text("what")), SMR_BODY_MALFORMED);
    end(machine);
}
END_TEST

START_TEST(test_map_machine_refuses_malformed_bodies)
{
    struct smr_machine machine = map_machine_new(NULL);
    struct smr_moment moment = {.slot = 1};
    struct wire_map_call call = {.op = WIRE_MAP_REGISTER, .birth = first_disk};
    struct wire_writer answer = {0};
    struct wire_writer body = {0};
    ck_assert_int_eq(machine.ops->apply(machine.self, &moment, span_text("what"), &answer),
                     WIRE_STATUS_MALFORMED);
    wire_map_call_encode(&call, &body);
    ck_assert_int_eq(machine.ops->query(machine.self, wire_writer_span(&body), &answer),
                     WIRE_STATUS_MALFORMED);
    ck_assert_uint_eq(answer.size, 0);
    wire_writer_free(&body);
    wire_writer_free(&answer);
    end(machine);
}
END_TEST

/* --- flags that contradict the map ----------------------------------------------------------- */

struct conflicts {
    uint32_t count;     /* how often it was called */
    uint8_t founded_rf; /* of the map, at the last call */
    uint8_t flags_rf;   /* of the flags, likewise */
};

static void note_conflict(void *context, const struct wire_map *founded,
                          const struct wire_map *flags)
{
    struct conflicts *seen = context;
    seen->count++;
    seen->founded_rf = founded->server_rf;
    seen->flags_rf = flags->server_rf;
}

static struct smr_machine machine_with(struct wire_map flags, struct conflicts *seen)
{
    struct map_flags given = {.map = &flags, .manager_count = 3, .conflict = note_conflict};
    given.context = seen;
    struct smr_machine machine = map_machine_new(&given);
    wire_map_free(&flags);
    return machine;
}

START_TEST(test_map_machine_accepts_flags_that_agree)
{
    struct conflicts seen = {0};
    struct smr_machine machine = machine_with(map_of(0, 3, 6), &seen);
    found(machine, 11, 3, 6);
    ck_assert_uint_eq(seen.count, 0);
    end(machine);
}
END_TEST

START_TEST(test_map_machine_reports_flags_that_differ)
{
    for (int i = 0; i < 3; i++) {
        struct conflicts seen = {0};
        struct wire_map flags = i == 0 ? map_of(0, 1, 6) : map_of(0, 3, i == 1 ? 3 : 6);
        if (i == 2)
            snprintf(flags.servers[4].address, WIRE_ADDRESS_TEXT_MAX, "elsewhere:1");
        struct smr_machine machine = machine_with(flags, &seen);
        struct smr_machine quiet = map_machine_new(NULL);
        found(machine, 11, 3, 6);
        found(quiet, 11, 3, 6);
        ck_assert_uint_eq(seen.count, 1);
        ck_assert_uint_eq(seen.founded_rf, 3);
        ck_assert_uint_eq(seen.flags_rf, i == 0 ? 1 : 3);
        ck_assert_uint_eq(machine.ops->digest(machine.self), quiet.ops->digest(quiet.self));
        end(machine);
        end(quiet);
    }
}
END_TEST

/* The flags of a manager lose against a map that another manager founded first. */
START_TEST(test_map_machine_compares_flags_with_the_map_and_not_with_the_call)
{
    struct conflicts seen = {0};
    struct smr_machine machine = machine_with(map_of(0, 1, 2), &seen);
    found(machine, 11, 3, 6);
    found(machine, 12, 1, 2);
    ck_assert_uint_ge(seen.count, 1);
    ck_assert_uint_eq(seen.founded_rf, 3);
    end(machine);
}
END_TEST

START_TEST(test_map_machine_figures_follow_the_map)
{
    static const struct {
        const char *name;
        uint64_t number;
    } expected[] = {{"map.cluster", 11},
                    {"map.managers", 3},
                    {"map.server_rf", 3},
                    {"map.partitions", 2},
                    {"map.servers_registered", 1}};
    struct conflicts seen = {0};
    struct smr_machine machine = machine_with(map_of(0, 3, 6), &seen);
    struct wire_writer out = {0};
    struct wire_figure figure;
    found(machine, 11, 3, 6);
    ck_assert_int_eq(register_server(machine, 0, 1, 2, first_disk), WIRE_MAP_OK);
    machine.ops->figures(machine.self, &out);
    struct wire_reader in = wire_reader_of(wire_writer_span(&out));
    for (size_t i = 0; i < sizeof expected / sizeof expected[0]; i++) {
        ck_assert(wire_figure_next(&in, &figure));
        ck_assert(span_equal(figure.name, span_text(expected[i].name)));
        ck_assert_uint_eq(figure.number, expected[i].number);
    }
    ck_assert_int_eq(wire_read_end(&in), WIRE_OK);
    wire_writer_free(&out);
    end(machine);
}
END_TEST

START_TEST(test_map_machine_is_the_same_after_a_checkpoint)
{
    struct smr_base base = smr_memory_base_new();
    struct map_flags flags = {.base = &base};
    struct smr_machine machine = map_machine_new(&flags);
    struct wire_writer part = {0};
    ck_assert_uint_eq(machine.ops->unsaved_bytes(machine.self), 0);
    found(machine, 11, 3, 6);
    ck_assert_int_eq(register_server(machine, 0, 1, 2, first_disk), WIRE_MAP_OK);
    ck_assert_uint_gt(machine.ops->unsaved_bytes(machine.self), 0);
    uint64_t digest = machine.ops->digest(machine.self);
    machine.ops->freeze(machine.self, &part);
    ck_assert_uint_eq(machine.ops->unsaved_bytes(machine.self), 0);
    ck_assert_int_eq(register_server(machine, 0, 0, 0, first_disk), WIRE_MAP_OK);
    uint64_t later = machine.ops->digest(machine.self);
    ck_assert_int_eq(machine.ops->save(machine.self, wire_writer_span(&part)), WIRE_OK);
    machine.ops->thaw(machine.self);
    ck_assert_uint_eq(machine.ops->digest(machine.self), later);
    end(machine);
    machine = map_machine_new(&flags);
    struct buf *image = base.ops->image(base.self);
    ck_assert(machine.ops->restore(machine.self, buf_span(image)));
    ck_assert_uint_eq(machine.ops->digest(machine.self), digest);
    ck_assert_int_eq(register_server(machine, 0, 1, 2, other_disk), WIRE_MAP_REBORN);
    ck_assert_int_eq(register_server(machine, 0, 0, 0, first_disk), WIRE_MAP_OK);
    ck_assert_uint_eq(machine.ops->digest(machine.self), later);
    end(machine);
    buf_unref(&image);
    wire_writer_free(&part);
    smr_memory_base_free(&base);
}
END_TEST

START_TEST(test_map_machine_is_frozen_and_restored_before_it_is_founded)
{
    struct smr_machine machine = map_machine_new(NULL);
    struct smr_machine other = map_machine_new(NULL);
    struct wire_writer part = {0};
    machine.ops->freeze(machine.self, &part);
    ck_assert(other.ops->restore(other.self, wire_writer_span(&part)));
    struct wire_map map = get(other, WIRE_MAP_NOT_FOUNDED);
    ck_assert_uint_eq(map.server_count, 0);
    found(other, 11, 1, 1);
    end(machine);
    end(other);
    wire_writer_free(&part);
}
END_TEST

START_TEST(test_map_machine_refuses_a_part_of_something_else)
{
    struct smr_machine machine = map_machine_new(NULL);
    struct wire_writer part = {0};
    found(machine, 11, 3, 6);
    machine.ops->freeze(machine.self, &part);
    end(machine);
    machine = map_machine_new(NULL);
    for (size_t size = 0; size < part.size; size++)
        ck_assert(!machine.ops->restore(machine.self, span_of(part.data, size)));
    get(machine, WIRE_MAP_NOT_FOUNDED);
    end(machine);
    wire_writer_free(&part);
}
END_TEST

static Suite *map_machine_suite(void)
{
    Suite *suite = suite_create("map_machine");
    TCase *tests = tcase_create("map_machine");
    tcase_add_test(tests, test_map_machine_knows_nothing_before_it_is_founded);
    tcase_add_test(tests, test_map_machine_is_founded_by_the_first);
    tcase_add_test(tests, test_map_machine_records_one_disk_of_each_generation);
    tcase_add_test(tests, test_map_machine_takes_the_word_of_a_later_generation);
    tcase_add_test(tests, test_map_machine_turns_strangers_away);
    tcase_add_test(tests, test_map_machine_classifies_by_bytes_alone);
    tcase_add_test(tests, test_map_machine_refuses_malformed_bodies);
    tcase_add_test(tests, test_map_machine_accepts_flags_that_agree);
    tcase_add_test(tests, test_map_machine_reports_flags_that_differ);
    tcase_add_test(tests, test_map_machine_compares_flags_with_the_map_and_not_with_the_call);
    tcase_add_test(tests, test_map_machine_figures_follow_the_map);
    tcase_add_test(tests, test_map_machine_is_the_same_after_a_checkpoint);
    tcase_add_test(tests, test_map_machine_is_frozen_and_restored_before_it_is_founded);
    tcase_add_test(tests, test_map_machine_refuses_a_part_of_something_else);
    suite_add_tcase(suite, tests);
    return suite;
}

int main(void)
{
    SRunner *runner = srunner_create(map_machine_suite());
    srunner_add_suite(runner, chains_suite());
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? 0 : 1;
}
