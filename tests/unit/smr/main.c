/* Tests of smr/: each role alone on a stand (stand.h), one sentence of its behaviour at a time. What
 * the roles do together is the simulator's matter. */
#include "tests/unit/smr/suites.h"

#include <stdlib.h>

int main(void)
{
    SRunner *runner = srunner_create(peers_suite());
    srunner_add_suite(runner, pace_suite());
    srunner_add_suite(runner, out_suite());
    srunner_add_suite(runner, memory_log_suite());
    srunner_add_suite(runner, memory_base_suite());
    srunner_add_suite(runner, session_suite());
    srunner_add_suite(runner, applier_suite());
    srunner_add_suite(runner, checkpoint_suite());
    srunner_add_suite(runner, memory_cut_suite());
    srunner_add_suite(runner, image_suite());
    srunner_add_suite(runner, snapshot_suite());
    srunner_add_suite(runner, takeover_suite());
    srunner_add_suite(runner, acceptor_cut_suite());
    srunner_add_suite(runner, api_suite());
    srunner_add_suite(runner, events_suite());
    srunner_add_suite(runner, acceptor_suite());
    srunner_add_suite(runner, forwarder_suite());
    srunner_add_suite(runner, keeper_suite());
    srunner_add_suite(runner, acceptor_log_suite());
    srunner_add_suite(runner, acceptor_birth_suite());
    srunner_add_suite(runner, learner_suite());
    srunner_add_suite(runner, learner_snapshot_suite());
    srunner_add_suite(runner, proposer_election_suite());
    srunner_add_suite(runner, proposer_leading_suite());
    srunner_add_suite(runner, proposer_reads_suite());
    srunner_add_suite(runner, own_vote_suite());
    srunner_add_suite(runner, proposer_births_suite());
    srunner_add_suite(runner, handover_suite());
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
