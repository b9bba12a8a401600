/* The key-value machine through checkpoints: what one life saved, the next one has. */
#include "server/kv_machine.h"
#include "smr/memory_base.h"
#include "tests/unit/server/suites.h"
#include "wire/kv.h"

static struct smr_base base;
static struct smr_machine machine;
static struct wire_writer part;

static void setup(void)
{
    base = smr_memory_base_new();
    machine = kv_machine_new_on(&base, 0, 1);
    part = (struct wire_writer){0};
}

static void teardown(void)
{
    machine.ops->destroy(machine.self);
    wire_writer_free(&part);
    smr_memory_base_free(&base);
}

/* Calls the machine and asserts the value, or what was found, as text; NULL: not found. */
static void call(enum wire_kv_op op, const char *key, const char *value, const char *expected)
{
    struct smr_moment moment = {.slot = 1};
    struct wire_kv_call asked = {.op = op, .key = span_text(key), .value = span_text(value)};
    struct wire_kv_answer read;
    struct wire_writer body = {0}, answer = {0};
    wire_kv_call_encode(&asked, &body);
    struct span bytes = wire_writer_span(&body);
    enum wire_status status = wire_kv_is_read(op)
                                  ? machine.ops->query(machine.self, bytes, &answer)
                                  : machine.ops->apply(machine.self, &moment, bytes, &answer);
    ck_assert_int_eq(status, WIRE_STATUS_OK);
    ck_assert_int_eq(wire_kv_answer_decode(op, wire_writer_span(&answer), &read), WIRE_OK);
    ck_assert_int_eq(read.found, expected != NULL);
    if (expected != NULL && (op == WIRE_KV_GET || op == WIRE_KV_SWAP))
        ck_assert(span_equal(read.value, span_text(expected)));
    wire_writer_free(&body);
    wire_writer_free(&answer);
}

static void freeze(void)
{
    wire_writer_clear(&part);
    machine.ops->freeze(machine.self, &part);
}

static void save(void)
{
    ck_assert_int_eq(machine.ops->save(machine.self, wire_writer_span(&part)), WIRE_OK);
}

/* The machine goes, the base stays; the next one restores the image, which here is only its part.
 */
static void next_life(void)
{
    machine.ops->destroy(machine.self);
    machine = kv_machine_new_on(&base, 0, 1);
    struct buf *image = base.ops->image(base.self);
    ck_assert_ptr_nonnull(image);
    ck_assert(machine.ops->restore(machine.self, buf_span(image)));
    buf_unref(&image);
}

START_TEST(test_kv_checkpoint_brings_back_the_state_it_froze)
{
    call(WIRE_KV_PUT, "a", "1", NULL);
    call(WIRE_KV_PUT, "b", "2", NULL);
    call(WIRE_KV_PUT, "c", "3", NULL);
    call(WIRE_KV_DELETE, "b", "", "");
    ck_assert_uint_gt(machine.ops->unsaved_bytes(machine.self), 0);
    uint64_t digest = machine.ops->digest(machine.self);
    freeze();
    ck_assert_uint_eq(machine.ops->unsaved_bytes(machine.self), 0);
    call(WIRE_KV_SWAP, "a", "later", "1");
    call(WIRE_KV_DELETE, "c", "", "");
    call(WIRE_KV_PUT, "d", "4", NULL);
    uint64_t later = machine.ops->digest(machine.self);
    save();
    call(WIRE_KV_GET, "a", "", "later");
    machine.ops->thaw(machine.self);
    ck_assert_uint_eq(machine.ops->digest(machine.self), later);
    next_life();
    ck_assert_uint_eq(machine.ops->digest(machine.self), digest);
    call(WIRE_KV_GET, "a", "", "1");
    call(WIRE_KV_GET, "b", "", NULL);
    call(WIRE_KV_GET, "c", "", "3");
    call(WIRE_KV_GET, "d", "", NULL);
    call(WIRE_KV_SWAP, "a", "later", "1"); /* the tail of the log again: the same answers */
    call(WIRE_KV_DELETE, "c", "", "");
    call(WIRE_KV_PUT, "d", "4", NULL);
    ck_assert_uint_eq(machine.ops->digest(machine.self), later);
}
END_TEST

/* A page may begin in the base and end in what was changed since. */
START_TEST(test_kv_checkpoint_scans_what_is_saved_and_what_is_not_as_one)
{
    struct wire_kv_call scan = {.op = WIRE_KV_SCAN, .key = span_text("a")};
    struct wire_writer body = {0}, answer = {0};
    struct span key, value;
    bool more;
    call(WIRE_KV_PUT, "a", "1", NULL);
    call(WIRE_KV_PUT, "c", "1", NULL);
    freeze();
    save();
    machine.ops->thaw(machine.self);
    call(WIRE_KV_PUT, "b", "1", NULL);
    call(WIRE_KV_PUT, "d", "1", NULL);
    scan.value = span_text("c");
    wire_kv_call_encode(&scan, &body);
    ck_assert_int_eq(machine.ops->query(machine.self, wire_writer_span(&body), &answer),
                     WIRE_STATUS_OK);
    struct wire_reader page = wire_kv_page_open(wire_writer_span(&answer), &more);
    for (const char *expected = "abc"; *expected != '\0'; expected++) {
        ck_assert(wire_kv_page_next(&page, &key, &value));
        ck_assert(span_equal(key, span_of((const uint8_t *)expected, 1)));
    }
    ck_assert(!more && wire_read_end(&page) == WIRE_OK);
    wire_writer_free(&body);
    wire_writer_free(&answer);
}
END_TEST

START_TEST(test_kv_checkpoint_that_is_not_saved_leaves_the_one_before)
{
    call(WIRE_KV_PUT, "a", "1", NULL);
    freeze();
    save();
    machine.ops->thaw(machine.self);
    uint64_t digest = machine.ops->digest(machine.self);
    call(WIRE_KV_PUT, "a", "2", "");
    freeze();
    call(WIRE_KV_GET, "a", "", "2");
    next_life();
    ck_assert_uint_eq(machine.ops->digest(machine.self), digest);
    call(WIRE_KV_GET, "a", "", "1");
}
END_TEST

START_TEST(test_kv_machine_without_a_base_has_nothing_to_save)
{
    struct smr_machine plain = kv_machine_new(0, 1);
    ck_assert_ptr_null(plain.base);
    ck_assert_uint_eq(plain.ops->unsaved_bytes(plain.self), 0);
    plain.ops->destroy(plain.self);
}
END_TEST

Suite *kv_checkpoint_suite(void)
{
    Suite *suite = suite_create("kv_checkpoint");
    TCase *tests = tcase_create("kv_checkpoint");
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_test(tests, test_kv_checkpoint_brings_back_the_state_it_froze);
    tcase_add_test(tests, test_kv_checkpoint_scans_what_is_saved_and_what_is_not_as_one);
    tcase_add_test(tests, test_kv_checkpoint_that_is_not_saved_leaves_the_one_before);
    tcase_add_test(tests, test_kv_machine_without_a_base_has_nothing_to_save);
    suite_add_tcase(suite, tests);
    return suite;
}
