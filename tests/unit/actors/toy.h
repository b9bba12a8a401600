/* Roles and logs for tests of the shell: a toy does what its test says and nothing else. */
#ifndef MADKV_TESTS_ACTORS_TOY_H
#define MADKV_TESTS_ACTORS_TOY_H

#include <pthread.h>

#include "smr/role.h"

#define TOY_PATIENCE_SECONDS 30 /* a wait that takes longer fails its test */

/* A number that one thread raises and another waits for. */
struct tally {
    pthread_mutex_t mutex; /* guards count */
    pthread_cond_t raised; /* whenever count changes */
    uint64_t count;        /* what was added up */
};
#define TALLY_INIT                                                                                 \
    {                                                                                              \
        PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, 0                                     \
    }

void tally_add(struct tally *self, uint64_t more);
uint64_t tally_get(struct tally *self);
/* Returns the count once it is at least that much; fails the test if it does not come to it. */
uint64_t tally_wait(struct tally *self, uint64_t at_least);

struct toy {
    struct wire_sender sender; /* who it speaks as */
    wire_time deadline;        /* what it wishes; 0 is WIRE_NEVER */
    void *context;             /* the test's */
    struct tally *tally;       /* the test's */
    /* What it does; NULL: nothing. */
    void (*receive)(struct toy *self, wire_time now, const struct wire_message *message,
                    struct smr_out *out);
    void (*settle)(struct toy *self, wire_time now, struct smr_out *out);
    void (*wake)(struct toy *self, wire_time now, struct smr_out *out);
    void (*durable)(struct toy *self, wire_time now, struct smr_out *out);
    void (*room)(struct toy *self, wire_time now, bool enough, struct smr_out *out);
    void (*leave)(struct toy *self, wire_time now, struct smr_out *out);
    _Atomic bool stays; /* it has not handed over what it can */
};

/* The toy as a role; it must live as long as the role, which does not own it. */
struct smr_role toy_role(struct toy *toy);

/* A sender of that role in a group without births. */
struct wire_sender toy_sender(enum wire_role role, wire_replica replica);

/* Appends a message from it to another actor; as smr_out_send. */
struct wire_message *toy_send(struct toy *self, struct smr_out *out, enum smr_effect_kind kind,
                              enum wire_type type, enum wire_role to, wire_replica to_replica);

/* A log that counts and obeys. */
struct toy_log {
    _Atomic uint64_t put;       /* slots queued so far */
    _Atomic uint64_t committed; /* of them, durable */
    _Atomic uint64_t commits;   /* calls of commit */
    _Atomic bool low;           /* there is little room */
    _Atomic int answer;         /* enum wire_error that commit returns */
    struct tally *gate;         /* NULL, or: a commit waits until its count is at least `commits` */
};
struct smr_log toy_log_of(struct toy_log *self);

/* A batch of one command with `size` bytes. */
struct buf *toy_batch(size_t size);

/* The number of a figure, or UINT64_MAX if it is not there. */
uint64_t toy_figure(struct span figures, const char *name);

#endif
