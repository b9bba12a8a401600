/* The suites of smr/'s unit tests, one per file here. */
#ifndef MADKV_TESTS_SMR_SUITES_H
#define MADKV_TESTS_SMR_SUITES_H

#include <check.h>

Suite *peers_suite(void);
Suite *pace_suite(void);
Suite *out_suite(void);
Suite *memory_log_suite(void);
Suite *memory_base_suite(void);
Suite *session_suite(void);
Suite *applier_suite(void);
Suite *checkpoint_suite(void);
Suite *memory_cut_suite(void);
Suite *image_suite(void);
Suite *snapshot_suite(void);
Suite *takeover_suite(void);
Suite *acceptor_cut_suite(void);
Suite *api_suite(void);
Suite *events_suite(void);
Suite *acceptor_suite(void);
Suite *forwarder_suite(void);
Suite *keeper_suite(void);
Suite *acceptor_log_suite(void);
Suite *acceptor_birth_suite(void);
Suite *learner_suite(void);
Suite *learner_snapshot_suite(void);
Suite *proposer_election_suite(void);
Suite *proposer_leading_suite(void);
Suite *proposer_reads_suite(void);
Suite *own_vote_suite(void);
Suite *proposer_births_suite(void);
Suite *handover_suite(void);

#endif
