/* Everything the roles count, in one list: STATUS shows it, and the simulator sums it over a run and
 * fails if something that ought to happen never did. */
#ifndef MADKV_SMR_COUNTERS_H
#define MADKV_SMR_COUNTERS_H

#include <stddef.h>
#include <stdint.h>
#include "wire/pack.h"

#define SMR_COUNTERS(X)                                                                            \
    /* elections, counted by the proposer */                                                       \
    X(asks)               /* "would you promise" rounds begun */                                   \
    X(asks_denied)        /* answers that said no */                                               \
    X(campaigns)          /* ballots claimed */                                                    \
    X(elections)          /* campaigns won */                                                      \
    X(step_downs)         /* leaderships that ended by a higher ballot */                          \
    X(majority_lost)      /* leaderships that ended because a majority went silent */              \
    X(hand_overs)         /* begun: as ordered, or because the process was ending */              \
    X(stalls)             /* of them for a commit of their own that took too long */               \
    X(full_leaders)       /* of them for a disk of their own without room */                       \
    X(hand_overs_done)    /* of them, those that ended with another leader's first word */        \
    X(successions)        /* campaigns begun because a leader asked for it */                      \
    X(recovered_slots)    /* values of earlier ballots proposed again */                           \
    X(noop_fills)         /* gaps a new leader filled with a no-op */                              \
    X(promise_chunks)     /* Promises that were not the last chunk */                              \
    X(stale_votes)        /* replies for another ballot, slot or round; not counted */             \
    X(doubled_votes)      /* replies counted before */                                             \
    X(old_votes)          /* votes of a disk that is known to be gone; not counted */              \
    X(fills)              /* no-ops proposed because a reborn replica waits for their slots */     \
    X(behind_campaigns)   /* campaigns given up to catch up first */                               \
    /* steady state */                                                                             \
    X(batches)            /* batches proposed */                                                   \
    X(commands)           /* commands in them */                                                   \
    X(resent_accepts)     /* Accepts sent again for want of an answer */                           \
    X(withheld_accepts)   /* Accepts not sent because the acceptor owed too many */                \
    X(handed_slots)       /* chosen without the own acceptor and handed to it then */              \
    X(own_votes_late)     /* times its vote was asked for after waiting for the others */          \
    X(read_rounds)        /* heartbeat rounds begun for reads */                                   \
    X(reads)              /* reads confirmed by them */                                            \
    X(lease_reads)        /* reads that a lease had confirmed in advance */                        \
    X(reads_held)         /* reads that waited for the opening batch */                            \
    X(refused_full)       /* calls refused because too many disks have no room */                  \
    X(refused)            /* calls refused because this replica does not lead */                   \
    /* chains, counted by the forwarder */                                                         \
    X(epochs)             /* adopted as a member */                                                \
    X(epochs_outside)     /* adopted while no member */                                            \
    X(rejoins)            /* epochs in which a replica became a member that was none before */     \
    X(reborn_joins)       /* of them, on another disk than its first */                            \
    X(chain_recovered)    /* slots of earlier epochs stored again in a new one */                  \
    X(passed_slots)       /* slots passed to the successor */                                      \
    X(resent_passes)      /* of them again, for want of an answer */                               \
    X(withheld_passes)    /* slots not passed because the successor owed too many bytes */         \
    X(refreshes)          /* asked the own keeper anew, since it did not say what it stored */     \
    X(clean_reads)        /* reads answered without asking */                                      \
    X(tail_reads)         /* of them, by the tail */                                               \
    X(dirty_reads)        /* reads for which the tail was asked */                                 \
    X(tail_asks)          /* questions to the tail */                                              \
    X(unleased_reads)     /* reads refused for want of a lease */                                  \
    X(stuck_silences)     /* pulses left out because the own disk takes nothing */                 \
    X(views)              /* answers of the oracle */                                              \
    X(old_views)          /* of them, older than what was known */                                 \
    X(refused_epochs)     /* messages of another epoch, turned down by forwarder or keeper */      \
    /* counted by the acceptor and learner */                                                      \
    X(promises)           /* Promises given for a new ballot */                                    \
    X(leases_kept)        /* Prepares turned down for the sake of a lease */                       \
    X(leases_released)    /* leases let go of because their leader went */                         \
    X(nacks)              /* requests of a lower ballot turned down */                             \
    X(accepts)            /* slots accepted */                                                     \
    X(accepts_again)      /* Accepts for what was accepted already */                              \
    X(accepts_ahead)      /* Accepts too far past the own chosen bar */                            \
    X(gaps)               /* chosen slots that were missing or of another ballot here */           \
    X(learn_asks)         /* requests to a peer for slots */                                       \
    X(learned_slots)      /* slots stored from its answers */                                      \
    X(taught_slots)       /* slots sent to peers that asked */                                     \
    X(refed_slots)        /* slots fed to the applier a second time */                             \
    X(damaged_slots)      /* records found damaged */                                              \
    X(births_recorded)    /* disks of peers written down */                                        \
    X(rebirths_begun)     /* lives in which the disk was found to be a later one */                \
    X(rebirths)           /* of them: it votes again */                                            \
    X(cut_slots)          /* slots removed from the log */                                         \
    X(jumps)              /* bars raised to a snapshot that was installed */                       \
    X(fetches_wanted)     /* times a snapshot was asked for, since slots were cut at peers */      \
    X(states_lost)        /* lives that began with a state older than the own log reaches back */  \
    /* counted by the streamer */                                                                  \
    X(pieces_sent)        /* pieces of snapshots */                                                \
    X(snapshots_sent)     /* last pieces among them */                                             \
    X(snapshots_denied)   /* questions of peers turned down: busy, or nothing new enough */        \
    /* counted by the checkpointer */                                                              \
    X(fetches)            /* snapshots begun to be fetched */                                      \
    X(fetches_resumed)    /* of them where an earlier life or peer had left off */                 \
    X(fetches_restarted)  /* of them begun anew, since no peer had the same any more */            \
    X(pieces_staged)      /* pieces taken */                                                       \
    X(rests)              /* of them followed by a rest, since the group was at work */            \
    X(rests_forgone)      /* of them not, since the log of the sender filled up too fast */        \
    X(pieces_misplaced)   /* pieces that came late, twice or of another snapshot */                \
    X(servers_given_up)   /* peers that were asked and fell silent */                              \
    X(snapshots_refused)  /* snapshots that do not fit together, or are not of this group */       \
    X(stages_full)        /* stages that found no room */                                          \
    X(snapshots_dropped)  /* whole ones that came too late: the log was faster */                  \
    X(snapshots_installed)                                                                         \
    X(checkpoints_again)  /* asked for a second time, though made already */                       \
    /* what is dropped at the door, by any role */                                                 \
    X(foreign_messages)   /* another cluster or group, or no such replica */                       \
    X(old_births)         /* from an older disk than known */                                      \
    X(old_starts)         /* from an earlier life of a process than known */                       \
    X(senseless_messages) /* a type this role does not take, or a payload that does not fit */     \
    /* counted by the applier */                                                                   \
    X(applied_slots)      /* batches applied */                                                    \
    X(applied_noops)      /* of them without commands */                                           \
    X(applied_commands)   /* commands applied */                                                   \
    X(repeats_answered)   /* calls sent again, answered from the session table */                  \
    X(sessions_opened)                                                                             \
    X(sessions_closed)                                                                             \
    X(sessions_expired)   /* ended by age, count or size */                                        \
    X(sessions_unknown)   /* calls of a session that is gone */                                    \
    X(calls_stale)        /* calls answered before and forgotten since */                          \
    X(applier_gaps)       /* slots that came before their predecessor */                           \
    X(reads_waited)       /* reads that had to wait for their index */                             \
    X(checkpoints)        /* states made durable */                                                \
    X(checkpoints_for_peers) /* of them begun because a peer has lost its state */                 \
    X(checkpoints_failed) /* attempts that found no room */                                        \
    X(restores)           /* lives begun from a checkpoint */                                      \
    X(takeovers)          /* snapshots taken over */                                               \
    X(pressures)          /* times that writes had to wait for checkpoints */                      \
    X(applies_put_off)    /* slots not applied for the same reason; fed again later */             \
    /* counted by the API */                                                                       \
    X(requests)           /* calls taken */                                                        \
    X(replies)            /* calls answered */                                                     \
    X(requests_refused)   /* not leader, busy, malformed */                                        \
    X(orders)             /* orders of operators handed on */                                      \
    X(orders_refused)     /* not allowed, not leader, busy, malformed */                           \
    X(calls_in_doubt)     /* open when leadership was lost */                                      \
    X(results_unclaimed)  /* results nobody waits for any more */

struct smr_counters {
#define X(name) uint64_t name;
    SMR_COUNTERS(X)
#undef X
};

#define SMR_COUNTER_COUNT (sizeof(struct smr_counters) / sizeof(uint64_t))

/* Adds every counter of `more` to `sum`. */
void smr_counters_add(struct smr_counters *sum, const struct smr_counters *more);
/* Calls `visit` for each, in the order of the list. */
void smr_counters_each(const struct smr_counters *counters,
                       void (*visit)(void *context, const char *name, uint64_t value),
                       void *context);
/* Appends those that are not zero as figures named `prefix.name`. */
void smr_counters_figures(const struct smr_counters *counters, const char *prefix,
                          struct wire_writer *out);

#endif
