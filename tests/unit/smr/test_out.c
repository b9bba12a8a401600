/* Effects, counters, and the four roles put together. */
#include "smr/group.h"
#include "smr/memory_log.h"
#include "tests/unit/smr/counting_machine.h"
#include "tests/unit/smr/stand.h"
#include "tests/unit/smr/suites.h"
#include "wire/figures.h"

START_TEST(test_out_keeps_effects_in_order_and_owns_what_they_carry)
{
    struct smr_out out = {0};
    struct wire_sender self = stand_sender(WIRE_ROLE_ACCEPTOR, 0);
    struct buf *batch = batch_of("x");
    struct smr_log_entry entry = {.slot = 4, .ballot = BALLOT(1, 0), .batch = batch};
    for (int i = 0; i < 40; i++) {
        smr_out_put_slot(&out, &entry);
        smr_out_send(&out, SMR_SEND_DURABLE, &self, WIRE_MESSAGE_CHOSEN, WIRE_ROLE_APPLIER, 0)
            ->payload = buf_ref(batch);
    }
    ck_assert_uint_eq(out.count, 80);
    ck_assert_uint_eq(batch->refs, 81);
    ck_assert_int_eq(out.effects[78].kind, SMR_PUT_SLOT);
    ck_assert_int_eq(out.effects[79].kind, SMR_SEND_DURABLE);
    smr_out_clear(&out);
    ck_assert_uint_eq(batch->refs, 1);
    smr_out_free(&out);
    buf_unref(&batch);
}
END_TEST

START_TEST(test_out_says_the_first_reason_to_die)
{
    struct smr_out out = {0};
    smr_out_die(&out, WIRE_DAMAGED, "first");
    smr_out_die(&out, WIRE_FAILED, "second");
    ck_assert_int_eq(out.fatal, WIRE_DAMAGED);
    ck_assert_str_eq(out.fatal_text, "first");
    smr_out_free(&out);
}
END_TEST

START_TEST(test_counters_add_up_and_show_those_that_are_not_zero)
{
    struct smr_counters sum = {.nacks = 2}, more = {.nacks = 3, .replies = 1};
    struct wire_writer out = {0};
    smr_counters_add(&sum, &more);
    ck_assert_uint_eq(sum.nacks, 5);
    smr_counters_figures(&sum, "x", &out);
    struct wire_reader in = wire_reader_of(wire_writer_span(&out));
    struct wire_figure figure;
    ck_assert(wire_figure_next(&in, &figure));
    ck_assert(span_equal(figure.name, span_text("x.nacks")) && figure.number == 5);
    ck_assert(wire_figure_next(&in, &figure));
    ck_assert(span_equal(figure.name, span_text("x.replies")) && figure.number == 1);
    ck_assert(!wire_figure_next(&in, &figure) && !in.bad);
    wire_writer_free(&out);
}
END_TEST

START_TEST(test_group_is_four_roles_under_one_name)
{
    struct smr_config config = stand_config(3);
    struct smr_log log = smr_memory_log_new();
    struct smr_group group = smr_group_new(&config, counting_machine_new(), log);
    ck_assert_str_eq(group.api.ops->name, "api");
    ck_assert_str_eq(group.proposer.ops->name, "proposer");
    ck_assert_str_eq(group.acceptor.ops->name, "acceptor");
    ck_assert_str_eq(group.applier.ops->name, "applier");
    smr_group_free(&group);
    ck_assert_ptr_null(group.api.ops);
    log.ops->close(log.self);
}
END_TEST

Suite *out_suite(void)
{
    Suite *suite = suite_create("out");
    TCase *tests = tcase_create("out");
    tcase_add_test(tests, test_out_keeps_effects_in_order_and_owns_what_they_carry);
    tcase_add_test(tests, test_out_says_the_first_reason_to_die);
    tcase_add_test(tests, test_counters_add_up_and_show_those_that_are_not_zero);
    tcase_add_test(tests, test_group_is_four_roles_under_one_name);
    suite_add_tcase(suite, tests);
    return suite;
}
