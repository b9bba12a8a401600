/* A state machine that shows how often it was asked: its state is a count, every command adds one and
 * answers the new count in decimal, so that a command applied twice is seen in its answer.
 *
 *     w...   COMMAND            p...   PLAIN            q...   QUERY: answers the count
 *     w!, p!, q!   answered WRONG_GROUP, counting nothing
 *     ws..., ps... answered OK without a byte
 *     anything else is malformed
 *
 * Over a base its whole state is the part of the image: 8 bytes, the count. */
#ifndef MADKV_TESTS_SMR_COUNTING_MACHINE_H
#define MADKV_TESTS_SMR_COUNTING_MACHINE_H

#include "smr/machine.h"

struct smr_machine counting_machine_new(void);
/* Over a base, which stays the caller's; a command counts as 10 changed bytes. */
struct smr_machine counting_machine_new_on(const struct smr_base *base);
enum smr_body counting_machine_classify(struct span body);

#endif
