/* A replica's roles, put together. */
#ifndef MADKV_SMR_GROUP_H
#define MADKV_SMR_GROUP_H

#include "smr/config.h"
#include "smr/role.h"

struct smr_group {
    enum wire_protocol protocol; /* how it agrees: which roles these are */
    struct smr_role api;      /* takes clients' calls */
    struct smr_role proposer; /* orders them; of a chain: the forwarder */
    struct smr_role acceptor; /* votes, keeps the log, learns; of a chain: only keeps it */
    struct smr_role applier;  /* runs the state machine */
    struct smr_role checkpointer; /* writes its states down; destroyed before the applier */
    struct smr_role streamer;     /* sends them to peers */
};

/* Takes over the machine; the log stays the caller's and must outlive the acceptor. */
struct smr_group smr_group_new(const struct smr_config *config, struct smr_machine machine,
                               struct smr_log log);
void smr_group_free(struct smr_group *group);

/* For the simulator. */
const struct smr_counters *smr_group_proposer_counters(const struct smr_group *group);
/* It orders commands: the leader, the head. */
bool smr_group_leads(const struct smr_group *group);
/* Under which ballot, or epoch. */
struct wire_ballot smr_group_ballot(const struct smr_group *group);

#endif
