/* The base on LMDB (smr/base.h): the keys, values and image of the last checkpoint of a replica, in an
 * environment of its own, so that a checkpoint never delays the log.
 *
 *     <backer_path>/state/   kv, kv2  user's key -> [hash u64][value]
 *                            meta     "image"   -> [hash u64][image]
 *                                     "current" -> [hash u64]["kv2"]; without it kv is
 *                                     "mark"    -> [hash u64][mark of what is staged]
 *
 * One of the two tables of pairs is the base; in the other one a snapshot is staged. To install it is to
 * change one word, in the transaction that also writes its image; the table that was the base is emptied
 * in another one. A table that is neither the base nor marked is emptied when it is opened.
 *
 * The hash is of the value, seeded with the key's, so that a value under a wrong key is noticed too. A
 * checkpoint is one synchronous write transaction. Whatever cannot be read, or does not fit its hash,
 * ends the process with a line that says so: the log and the peers can restore it, a guess cannot.
 *
 * A view is a read transaction of its own: pages that are freed while it is open cannot be used again.
 *
 * Threads: the applier reads, the checkpointer writes, the streamer views; open and close in `main`. */
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
