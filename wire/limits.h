/* Every bound of the system, in one place, with what happens when it is met. */
#ifndef MADKV_WIRE_LIMITS_H
#define MADKV_WIRE_LIMITS_H

#include <assert.h>
#include "wire/types.h"

/* --- what users see (CONTRACT: keys and values) ------------------------------------------------ */
#define WIRE_KEY_BYTES_MAX 511             /* longer: refused by client and API */
#define WIRE_VALUE_BYTES_MAX (1024 * 1024) /* longer: refused by client and API */

/* --- topology ---------------------------------------------------------------------------------- */
#define WIRE_REPLICA_COUNT_MAX 9     /* replicas of a group; flags above it are refused */
#define WIRE_PARTITION_COUNT_MAX 256 /* partitions of a cluster; flags above it are refused */
#define WIRE_SERVER_COUNT_MAX (WIRE_PARTITION_COUNT_MAX * WIRE_REPLICA_COUNT_MAX)
#define WIRE_HASH_SLOT_COUNT 4096    /* hash slots that keys fall into; fixed for ever */
#define WIRE_ADDRESS_TEXT_MAX 72     /* bytes of a host:port text with its NUL */

/* --- commands and batches ---------------------------------------------------------------------- */
#define WIRE_COMMAND_BYTES_MAX (WIRE_VALUE_BYTES_MAX + WIRE_KEY_BYTES_MAX + 64)
#define WIRE_BATCH_COMMANDS_MAX 1024          /* a fuller queue makes the next batch */
#define WIRE_BATCH_BYTES_MAX (2 * 1024 * 1024) /* likewise */
#define WIRE_SCAN_PAGE_BYTES (256 * 1024)     /* a Scan answer past it ends with "more" */
#define WIRE_SCAN_PAGE_COUNT 1000             /* likewise, pairs */
#define WIRE_RESULT_BYTES_MAX (WIRE_SCAN_PAGE_BYTES + 2 * WIRE_COMMAND_BYTES_MAX)

/* --- messages ---------------------------------------------------------------------------------- */
#define WIRE_HEAD_BYTES_MAX 1024 /* the first frame of a message; longer: dropped and counted */
#define WIRE_FRAMES_MAX 2        /* frames after the routing id; more: dropped and counted */
#define WIRE_CHUNK_BYTES (1024 * 1024) /* a list of log entries stops growing past it */
#define WIRE_FRAME_BYTES_MAX (4 * 1024 * 1024) /* ZMQ_MAXMSGSIZE: a longer frame cuts its sender */

/* --- sessions (Ongaro's thesis, 6.3) ------------------------------------------------------------ */
#define WIRE_SESSION_WINDOW 64        /* unanswered calls of a session; a full window waits */
#define WIRE_SESSION_COUNT_MAX 10000  /* more: the least recently used session ends */
#define WIRE_SESSION_BYTES_MAX (64 * 1024 * 1024) /* kept answers; more: likewise */
#define WIRE_SESSION_LIFE_MS (24ull * 3600 * 1000) /* of log time unused: the session ends */
#define WIRE_LOG_TIME_STEP_MS_MAX 1000 /* log time a batch may add; more is cut to it */

/* --- the log ----------------------------------------------------------------------------------- */
#define WIRE_WINDOW_SLOTS 64   /* slots a leader has in flight past its chosen bar */
#define WIRE_WINDOW_BYTES (16 * 1024 * 1024) /* bytes likewise; one batch always fits */
#define WIRE_ROUNDS_MAX 4 /* rounds in flight while a batch is not full; what arrives then waits */
#define WIRE_SMALL_ROUNDS_BYTES (12 * 1024) /* in flight and waiting; more: there are fewer rounds ... */
#define WIRE_LARGE_ROUNDS_MAX 2 /* ... namely so many, ... */
#define WIRE_ROUND_SLACK_BYTES (4 * 1024) /* ... and the second holds no less than the first but for this */
#define WIRE_AHEAD_SLOTS 256   /* an acceptor takes no slot further past its own chosen bar */
#define WIRE_RING_SLOTS 1024   /* slots a candidate may have to recover; see paxos/proposer.h */
#define WIRE_CREDIT_BYTES (8 * 1024 * 1024) /* sent to one acceptor and not known taken; then wait */
#define WIRE_CACHE_BYTES (8 * 1024 * 1024) /* log entries an acceptor keeps in memory */
/* What the log keeps behind the own checkpoint, for peers that are behind by less: at most so many slots,
 * and none while all of the log takes more than that many bytes. Whoever is further behind fetches a
 * snapshot. What every replica has in a checkpoint is cut at once. */
#define WIRE_TAIL_SLOTS 16384
#define WIRE_TAIL_BYTES (96 * 1024 * 1024)
#define WIRE_CUT_SLOTS 64      /* slots cut in one commit, beside what it appends */
#define WIRE_CHECKPOINT_BYTES (32 * 1024 * 1024) /* changes in memory; then a checkpoint begins */
#define WIRE_CHECKPOINT_LOG_BYTES (64 * 1024 * 1024) /* log applied since the last one; likewise */
#define WIRE_CHECKPOINT_SLOTS 20000 /* slots applied since the last one; likewise */
#define WIRE_CHECKPOINT_BEHIND 3 /* times as much of each of them while many slots are still to be applied */
#define WIRE_IMAGE_BYTES_MAX (256 * 1024 * 1024) /* sessions and a machine's own part of one */
#define WIRE_UNSAVED_BYTES_MAX (192 * 1024 * 1024) /* changes in no checkpoint; more: writes are BUSY */
#define WIRE_PRESSURE_MS 3000 /* the API believes the applier about that for so long */
#define WIRE_FEED_SLOTS 256    /* chosen slots on their way to the applier */
#define WIRE_FEED_BYTES (8 * 1024 * 1024) /* bytes likewise */

/* --- snapshots ---------------------------------------------------------------------------------- */
#define WIRE_PIECE_BYTES (1024 * 1024) /* a piece of a snapshot stops growing past it */
#define WIRE_STAGE_BYTES (8 * 1024 * 1024) /* received and not durable; a crash fetches it again */
/* While a snapshot is on its way the log is held behind it, so that its receiver can go on from there, as
 * long as all of the log takes no more than so much beyond its tail. */
#define WIRE_HOLD_BYTES (512 * 1024 * 1024)
#define WIRE_HOLD_MS 10000        /* ... and for so long after its last piece */
/* The pace of one while its group is at work (smr/pace.h): a rest of so many times what a piece took, but so
 * many bytes a second come at least. At work is a group that chooses so many slots a second. */
#define WIRE_PACE_REST 4
#define WIRE_PACE_BYTES (10 * 1024 * 1024)
#define WIRE_PACE_BUSY_SLOTS 10
#define WIRE_STREAM_IDLE_MS 10000 /* a snapshot that nobody asks for is closed; its pages are free then */
#define WIRE_STREAM_LIFE_MS (3600 * 1000) /* likewise one that takes longer */

/* --- the API ------------------------------------------------------------------------------------ */
#define WIRE_API_CALLS_MAX 8192 /* calls a replica works on; more: BUSY */
#define WIRE_API_BYTES_MAX (128 * 1024 * 1024) /* their bytes; more: BUSY */
#define WIRE_CLIENT_ID_BYTES_MAX 32 /* routing id of a client; longer: dropped and counted */

static_assert(WIRE_COMMAND_BYTES_MAX + 4096 < WIRE_BATCH_BYTES_MAX, "a batch holds any command");
static_assert(WIRE_BATCH_BYTES_MAX + WIRE_CHUNK_BYTES + 65536 < WIRE_FRAME_BYTES_MAX,
              "a list with one batch past its size fits a frame");
static_assert(WIRE_PIECE_BYTES + WIRE_VALUE_BYTES_MAX + WIRE_KEY_BYTES_MAX + 64 < WIRE_FRAME_BYTES_MAX,
              "a piece with one pair past its size fits a frame");
static_assert(WIRE_TAIL_SLOTS >= WIRE_RING_SLOTS,
              "who is behind by what a candidate may recover finds the log");
static_assert(WIRE_TAIL_BYTES > WIRE_CHECKPOINT_LOG_BYTES + WIRE_WINDOW_BYTES,
              "in the steady state the tail is not all that keeps the log from being cut");
static_assert(WIRE_UNSAVED_BYTES_MAX >= 2 * WIRE_CHECKPOINT_BEHIND * WIRE_CHECKPOINT_BYTES,
              "a checkpoint that keeps up never meets the bound");
static_assert(WIRE_RESULT_BYTES_MAX < WIRE_FRAME_BYTES_MAX, "a result fits a frame");
static_assert(WIRE_SESSION_WINDOW * WIRE_RESULT_BYTES_MAX +
                      WIRE_SESSION_COUNT_MAX * (64 + WIRE_SESSION_WINDOW * 16) + 1024 * 1024 <
                  WIRE_IMAGE_BYTES_MAX,
              "an image holds one session that is all there may be, all heads, and a map");
static_assert(WIRE_SESSION_BYTES_MAX <= WIRE_SESSION_WINDOW * WIRE_RESULT_BYTES_MAX,
              "several sessions hold no more than that one");
static_assert(WIRE_AHEAD_SLOTS >= 2 * WIRE_WINDOW_SLOTS, "the steady state never meets the bound");
static_assert(WIRE_RING_SLOTS >= WIRE_AHEAD_SLOTS + 2 * WIRE_WINDOW_SLOTS,
              "a candidate at most a window behind can hold all that was accepted");
static_assert((WIRE_RING_SLOTS & (WIRE_RING_SLOTS - 1)) == 0, "index by mask");

#endif
