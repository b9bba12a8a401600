/* The base on LMDB (smr/base.h): the keys, values and image of the last checkpoint of a replica, in an
 * environment of its own, so that a checkpoint never delays the log.
 *
 *     <backer_path>/state/   kv    user's key -> [hash u64][value]
 *                            meta  "image"    -> [hash u64][image]
 *
 * The hash is of the value, seeded with the key's, so that a value under a wrong key is noticed too. A
 * checkpoint is one synchronous write transaction. Whatever cannot be read, or does not fit its hash,
 * ends the process with a line that says so: the log and the peers can restore it, a guess cannot.
 *
 * Threads: the applier reads, the checkpointer writes; open and close in `main`. */
#ifndef MADKV_ACTORS_BASE_H
#define MADKV_ACTORS_BASE_H

#include "actors/store.h"
#include "smr/base.h"

struct base;

/* Opens or makes `directory`/state; the directory must be locked already (store_open). On an error
 * *problem holds one line. */
enum wire_error base_open(const char *directory, struct base **base,
                          char problem[STORE_PROBLEM_BYTES]);
/* Removes the state in the directory, durably, while nobody has it open; there need be none. Returns 0 or
 * an errno. */
int base_wipe(const char *directory);
/* As the interface; good until base_close. */
const struct smr_base *base_interface(const struct base *base);
void base_close(struct base **base);

#endif
