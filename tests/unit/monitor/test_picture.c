#include "tests/unit/monitor/suites.h"

static struct canned canned;
static struct picture *picture;

static void begin(void)
{
    canned_begin(&canned);
    picture = NULL;
}

static void end(void)
{
    picture_free(&picture);
    canned_end(&canned);
}

static void ck_assert_unhealthy(const char *reason)
{
    picture = canned_picture(&canned);
    ck_assert(!picture->healthy);
    ck_assert_str_eq(picture->reason, reason);
}

START_TEST(test_picture_of_a_whole_cluster_is_healthy)
{
    picture = canned_picture(&canned);
    ck_assert(picture->healthy);
    ck_assert_str_eq(picture->reason, "");
    ck_assert_uint_eq(picture->cluster, CANNED_CLUSTER);
    ck_assert_uint_eq(picture->group_count, 3);
    for (size_t g = 0; g < 3; g++) {
        const struct picture_group *group = &picture->groups[g];
        ck_assert_uint_eq(group->id, g == 0 ? WIRE_GROUP_MANAGERS : g - 1);
        ck_assert(group->has_leader && !group->majority_lost);
        ck_assert_uint_eq(group->leader, g);
        ck_assert_uint_eq(group->leader_round, 4);
        ck_assert_uint_eq(group->can_lose, 1);
        ck_assert_uint_eq(group->applied.value, 120);
        ck_assert_uint_eq(group->lag.value, 2);
    }
}
END_TEST

START_TEST(test_picture_names_the_replica_that_does_not_answer)
{
    canned_silence(&canned, S10);
    ck_assert_unhealthy("s1.0 does not answer");
    const struct picture_group *group = &picture->groups[2];
    ck_assert_uint_eq(group->can_lose, 0);
    ck_assert_uint_eq(group->up_count, 2);
    ck_assert(group->has_leader && !group->majority_lost);
    ck_assert_int_eq(group->replicas[0].state, PICTURE_SILENT);
    ck_assert(!group->replicas[0].pid.known && !group->replicas[0].applied.known);
    ck_assert_int_eq(group->replicas[0].role, PICTURE_ROLE_NONE);
    ck_assert_uint_eq(picture->groups[1].can_lose, 1);
}
END_TEST

START_TEST(test_picture_names_a_group_without_leader_before_a_missing_replica)
{
    canned_silence(&canned, M2);
    canned_say(&canned, S01, "asking", 4, 1, 120, 120);
    ck_assert_unhealthy("s0: no leader");
    ck_assert(!picture->groups[1].has_leader);
    ck_assert_int_eq(picture->groups[1].replicas[1].role, PICTURE_ROLE_CANDIDATE);
    ck_assert_uint_eq(picture->groups[1].applied.value, 120);
}
END_TEST

START_TEST(test_picture_names_a_lost_majority_of_managers)
{
    canned_silence(&canned, M0);
    canned_silence(&canned, M2);
    canned.plan.map_problem = "they do not say who the servers are";
    canned.plan.server_count = 0;
    canned.plan.cluster = 0;
    ck_assert_unhealthy("managers: majority lost");
    ck_assert_uint_eq(picture->group_count, 1);
    ck_assert_uint_eq(picture->groups[0].can_lose, 0);
    /* The one that is left still knows which cluster it belongs to. */
    ck_assert_uint_eq(picture->cluster, CANNED_CLUSTER);
}
END_TEST

START_TEST(test_picture_names_a_map_that_did_not_come)
{
    canned.plan.map_problem = "no cluster is founded yet";
    canned.plan.server_count = 0;
    ck_assert_unhealthy("managers: no cluster is founded yet");
}
END_TEST

START_TEST(test_picture_believes_the_leader_of_the_highest_ballot)
{
    canned_say(&canned, S00, "leading", 7, 0, 121, 121);
    canned_say(&canned, S02, "leading", 6, 2, 119, 119);
    picture = canned_picture(&canned);
    const struct picture_group *group = &picture->groups[1];
    ck_assert(picture->healthy);
    ck_assert_uint_eq(group->leader, 0);
    ck_assert_uint_eq(group->leader_round, 7);
    ck_assert_int_eq(group->replicas[1].role, PICTURE_ROLE_LEADER);
}
END_TEST

START_TEST(test_picture_breaks_a_tie_of_rounds_by_replica)
{
    canned_say(&canned, S02, "leading", 4, 2, 120, 120);
    picture = canned_picture(&canned);
    ck_assert_uint_eq(picture->groups[1].leader, 2);
}
END_TEST

START_TEST(test_picture_shows_the_newest_ballot_also_without_its_leader)
{
    canned_silence(&canned, S01);
    canned_say(&canned, S02, "preparing", 9, 0, 120, 120);
    ck_assert_unhealthy("s0: no leader");
    ck_assert_uint_eq(picture->groups[1].leader_round, 9);
}
END_TEST

static void in_chain(int node, uint64_t whole)
{
    wire_figure_number(&canned.answers[node].figures, "chain.epoch", 4);
    wire_figure_number(&canned.answers[node].figures, "chain.whole", whole);
}

START_TEST(test_picture_of_a_chain_can_lose_all_but_one)
{
    in_chain(S00, 1);
    in_chain(S01, 1);
    in_chain(S02, 1);
    picture = canned_picture(&canned);
    ck_assert(picture->healthy);
    ck_assert_uint_eq(picture->groups[1].can_lose, 2);
    ck_assert_uint_eq(picture->groups[2].can_lose, 1);
}
END_TEST

START_TEST(test_picture_names_who_is_not_back_in_its_chain)
{
    in_chain(S00, 1);
    in_chain(S01, 1);
    in_chain(S02, 0);
    ck_assert_unhealthy("s0.2 is on its way back into its chain");
    ck_assert_uint_eq(picture->groups[1].can_lose, 1);
    ck_assert(!picture->groups[1].majority_lost);
}
END_TEST

START_TEST(test_picture_counts_nobody_who_knows_only_an_older_chain)
{
    canned_say(&canned, S02, "leading", 3, 2, 119, 119);
    in_chain(S00, 1);
    in_chain(S01, 1);
    in_chain(S02, 1);
    picture = canned_picture(&canned);
    ck_assert_uint_eq(picture->groups[1].can_lose, 1);
}
END_TEST

START_TEST(test_picture_takes_no_answer_of_another_node)
{
    canned.answers[S10].sender.replica = 1;
    ck_assert_unhealthy("s1.0: s1.1 answers at its address");
    ck_assert_int_eq(picture->groups[2].replicas[0].state, PICTURE_STRANGER);
    ck_assert_uint_eq(picture->groups[2].replicas[0].figures.size, 0);
    ck_assert_uint_eq(picture->groups[2].can_lose, 0);
}
END_TEST

START_TEST(test_picture_takes_no_answer_of_another_cluster)
{
    canned.answers[S00].sender.cluster = 1;
    ck_assert_unhealthy("s0.0: another cluster's s0.0 answers at its address");
}
END_TEST

START_TEST(test_picture_takes_no_answer_that_makes_no_sense)
{
    wire_write_raw(&canned.answers[M1].figures, span_text("\xc1garbage"));
    ck_assert_unhealthy("m.1: its answer makes no sense");
    ck_assert_int_eq(picture->groups[0].replicas[1].state, PICTURE_GARBLED);
}
END_TEST

START_TEST(test_picture_does_not_count_on_a_replica_that_may_not_vote)
{
    canned_say(&canned, S02, "following", 4, 1, 0, 0);
    wire_figure_number(&canned.answers[S02].figures, "acceptor.admitted", 0);
    wire_figure_text(&canned.answers[S02].figures, "acceptor.standing", "reborn, waits");
    ck_assert_unhealthy("s0.2 may not vote yet: reborn, waits");
    ck_assert_uint_eq(picture->groups[1].can_lose, 0);
    ck_assert_uint_eq(picture->groups[1].up_count, 3);
    ck_assert_uint_eq(picture->groups[1].lag.value, 120);
}
END_TEST

START_TEST(test_picture_knows_of_managers_whose_address_was_not_given)
{
    canned.plan.addresses = canned.addresses + 2;
    canned.plan.manager_count = 1;
    canned.plan.server_count = 0;
    canned.plan.map_problem = "they do not say who the servers are";
    canned_say(&canned, M2, "following", 4, 1, 3, 3);
    canned.answers[M2].sender.replica = 0;
    picture = picture_new(&canned.plan, canned.answers + M2);
    ck_assert_str_eq(picture->reason, "m.1: its address was not given");
    ck_assert_uint_eq(picture->groups[0].replica_count, 3);
    ck_assert_int_eq(picture->groups[0].replicas[2].state, PICTURE_UNKNOWN);
}
END_TEST

START_TEST(test_picture_of_servers_alone_learns_the_factor_from_them)
{
    canned_silence(&canned, S00);
    canned.plan.addresses = canned.addresses + CANNED_MANAGERS;
    canned.plan.manager_count = 0;
    canned.plan.server_rf = 0;
    canned.plan.cluster = 0;
    picture = picture_new(&canned.plan, canned.answers + CANNED_MANAGERS);
    ck_assert_str_eq(picture->reason, "s0.0 does not answer");
    ck_assert_uint_eq(picture->group_count, 2);
    ck_assert_uint_eq(picture->groups[1].leader, 2);
    ck_assert_uint_eq(picture->cluster, CANNED_CLUSTER);
}
END_TEST

START_TEST(test_picture_of_servers_alone_that_are_all_silent)
{
    for (int node = 0; node < CANNED_NODES; node++)
        canned_silence(&canned, node);
    canned.plan.addresses = canned.addresses + CANNED_MANAGERS;
    canned.plan.manager_count = 0;
    canned.plan.server_count = 1;
    canned.plan.server_rf = 0;
    canned.plan.cluster = 0;
    picture = picture_new(&canned.plan, canned.answers + CANNED_MANAGERS);
    ck_assert_str_eq(picture->reason, "s0: majority lost");
    ck_assert_uint_eq(picture->cluster, 0);
}
END_TEST

START_TEST(test_picture_survives_figures_of_the_wrong_kind)
{
    struct wire_writer *figures = &canned.answers[S00].figures;
    wire_writer_clear(figures);
    wire_figure_number(figures, "proposer.state", 3);
    wire_figure_text(figures, "proposer.leader_round", "many");
    wire_figure_number(figures, "proposer.leader_replica", UINT64_MAX);
    wire_figure_text(figures, "applier.applied_slot", "");
    picture = canned_picture(&canned);
    ck_assert(picture->healthy);
    ck_assert_int_eq(picture->groups[1].replicas[0].role, PICTURE_ROLE_NONE);
    ck_assert(!picture->groups[1].replicas[0].applied.known);
    ck_assert_uint_eq(picture->groups[1].leader, 1);
}
END_TEST

Suite *picture_suite(void)
{
    const TTest *const tests[] = {
        test_picture_of_a_whole_cluster_is_healthy,
        test_picture_names_the_replica_that_does_not_answer,
        test_picture_names_a_group_without_leader_before_a_missing_replica,
        test_picture_names_a_lost_majority_of_managers,
        test_picture_names_a_map_that_did_not_come,
        test_picture_believes_the_leader_of_the_highest_ballot,
        test_picture_breaks_a_tie_of_rounds_by_replica,
        test_picture_shows_the_newest_ballot_also_without_its_leader,
        test_picture_of_a_chain_can_lose_all_but_one,
        test_picture_names_who_is_not_back_in_its_chain,
        test_picture_counts_nobody_who_knows_only_an_older_chain,
        test_picture_takes_no_answer_of_another_node,
        test_picture_takes_no_answer_of_another_cluster,
        test_picture_takes_no_answer_that_makes_no_sense,
        test_picture_does_not_count_on_a_replica_that_may_not_vote,
        test_picture_knows_of_managers_whose_address_was_not_given,
        test_picture_of_servers_alone_learns_the_factor_from_them,
        test_picture_of_servers_alone_that_are_all_silent,
        test_picture_survives_figures_of_the_wrong_kind,
    };
    Suite *suite = suite_create("monitor picture");
    TCase *tcase = tcase_create("picture");
    tcase_add_checked_fixture(tcase, begin, end);
    for (size_t i = 0; i < sizeof tests / sizeof tests[0]; i++)
        tcase_add_test(tcase, tests[i]);
    suite_add_tcase(suite, tcase);
    return suite;
}
