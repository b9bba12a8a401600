/* A replica's roles, put together. */
#ifndef MADKV_SMR_GROUP_H
#define MADKV_SMR_GROUP_H

#include "smr/config.h"
#include "smr/role.h"

struct smr_group {
    struct smr_role api;      /* takes clients' calls */
    struct smr_role proposer; /* orders them */
    struct smr_role acceptor; /* votes, keeps the log, learns */
    struct smr_role applier;  /* runs the state machine */
    struct smr_role checkpointer; /* writes its states down; destroyed before the applier */
    struct smr_role streamer;     /* sends them to peers */
};

/* Takes over the machine; the log stays the caller's and must outlive the acceptor. */
struct smr_group smr_group_new(const struct smr_config *config, struct smr_machine machine,
                               struct smr_log log);
void smr_group_free(struct smr_group *group);

#endif
