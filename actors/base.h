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
 * checkpoint is one synchronous write transaction.
 *
 * Whatever does not fit its hash, or makes no sense to LMDB, is damage: nobody reads on. A line says where it
 * is, the whole state is set aside (actors/aside.h), and the process starts again without one, as after a
 * crash: the log and the peers restore it, a guess cannot. Not in place, because LMDB has no checksums of
 * its own and what else is wrong with the file nobody knows; and not by going on without it, because every
 * way of starting again is walked daily and that one would be walked never. Alone in a group there is nobody
 * to restore it, so the line says what to do, and the process ends.
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
 * *problem holds one line. WIRE_DAMAGED: it may be set aside. */
enum wire_error base_open(const char *directory, struct base **base,
                          char problem[STORE_PROBLEM_BYTES]);
/* From now on damage that is met is set aside, and then this is called, by whichever thread met it; it
 * never returns. Without it the process ends. */
void base_on_damage(void (*start_again)(void));
/* As the interface; good until base_close. */
const struct smr_base *base_interface(const struct base *base);
void base_close(struct base **base);

#endif
