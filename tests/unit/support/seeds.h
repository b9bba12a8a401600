/* Random things that encode: the good inputs of decoders.h. */
#ifndef MADKV_TESTS_SEEDS_H
#define MADKV_TESTS_SEEDS_H

#include "tests/unit/support/decoders.h"
#include "wire/message.h"
#include "wire/record.h"

/* Every field random; no payload, no client. */
struct wire_message seed_message_of(struct wire_random *random, enum wire_type type);
struct wire_hard_state seed_hard_state_of(struct wire_random *random);
struct wire_identity seed_identity_of(struct wire_random *random);
/* A checked batch of a few commands; one reference. */
struct buf *seed_batch_of(struct wire_random *random);

#define X(name) void seed_##name(struct wire_random *random, struct wire_writer *out);
DECODERS(X)
#undef X

#endif
