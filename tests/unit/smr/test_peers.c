#include "smr/peers.h"
#include "tests/unit/smr/stand.h"
#include "tests/unit/smr/suites.h"

static struct smr_peers peers;
static struct smr_counters counters;

static void setup(void)
{
    struct smr_config config = stand_config(3);
    config.self.start = 5;
    smr_peers_init(&peers, &config);
    counters = (struct smr_counters){0};
}

static bool admits(struct wire_sender sender)
{
    return smr_peers_admit(&peers, &sender, &counters);
}

static struct wire_sender peer(uint32_t generation, uint64_t nonce, uint64_t start)
{
    struct wire_sender sender = stand_sender(WIRE_ROLE_PROPOSER, 1);
    sender.birth = (struct wire_birth){.generation = generation, .nonce = nonce};
    sender.start = start;
    return sender;
}

START_TEST(test_peers_drop_another_cluster_and_group_and_unknown_replicas)
{
    struct wire_sender sender = peer(1, 1, 1);
    sender.cluster++;
    ck_assert(!admits(sender));
    sender = peer(1, 1, 1);
    sender.group++;
    ck_assert(!admits(sender));
    sender = peer(1, 1, 1);
    sender.replica = 3;
    ck_assert(!admits(sender));
    ck_assert_uint_eq(counters.foreign_messages, 3);
    ck_assert(admits(peer(1, 1, 1)));
    ck_assert_uint_eq(counters.foreign_messages, 3);
}
END_TEST

START_TEST(test_peers_drop_an_older_disk_once_a_newer_spoke)
{
    ck_assert(admits(peer(1, 11, 1)));
    ck_assert(admits(peer(2, 12, 1)));
    ck_assert(!admits(peer(1, 11, 9)));
    ck_assert_uint_eq(counters.old_births, 1);
    ck_assert(admits(peer(2, 12, 1)));
}
END_TEST

START_TEST(test_peers_drop_another_disk_of_the_same_generation)
{
    ck_assert(admits(peer(1, 11, 1)));
    ck_assert(!admits(peer(1, 12, 1)));
    ck_assert_uint_eq(counters.old_births, 1);
    ck_assert(admits(peer(1, 11, 1)));
}
END_TEST

START_TEST(test_peers_drop_an_earlier_life_of_a_process)
{
    ck_assert(admits(peer(1, 11, 3)));
    ck_assert(admits(peer(1, 11, 4)));
    ck_assert(!admits(peer(1, 11, 3)));
    ck_assert_uint_eq(counters.old_starts, 1);
    ck_assert(admits(peer(1, 11, 4)));
}
END_TEST

START_TEST(test_peers_count_lives_anew_on_a_new_disk)
{
    ck_assert(admits(peer(1, 11, 9)));
    ck_assert(admits(peer(2, 12, 1)));
    ck_assert(!admits(peer(1, 11, 10)));
}
END_TEST

START_TEST(test_peers_drop_what_the_own_replica_said_in_an_earlier_life)
{
    struct wire_sender self = stand_sender(WIRE_ROLE_ACCEPTOR, 0);
    ck_assert(!admits(self));
    ck_assert_uint_eq(counters.old_starts, 1);
    self.start = 5;
    ck_assert(admits(self));
}
END_TEST

Suite *peers_suite(void)
{
    Suite *suite = suite_create("peers");
    TCase *tests = tcase_create("peers");
    tcase_add_checked_fixture(tests, setup, NULL);
    tcase_add_test(tests, test_peers_drop_another_cluster_and_group_and_unknown_replicas);
    tcase_add_test(tests, test_peers_drop_an_older_disk_once_a_newer_spoke);
    tcase_add_test(tests, test_peers_drop_another_disk_of_the_same_generation);
    tcase_add_test(tests, test_peers_drop_an_earlier_life_of_a_process);
    tcase_add_test(tests, test_peers_count_lives_anew_on_a_new_disk);
    tcase_add_test(tests, test_peers_drop_what_the_own_replica_said_in_an_earlier_life);
    suite_add_tcase(suite, tests);
    return suite;
}
