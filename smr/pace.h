/* The pace of a snapshot (smr/fetch.h): how long its receiver rests after a piece, so that whoever calls
 * the group meanwhile hardly notices.
 *
 * Disks, cores and links may be shared with those who work, and how fast they are nobody knows. So it is
 * a share of time that a fetch takes, not a rate: a piece that took some time, from the question until it
 * was durable, is followed by a rest of a few times that. Where things are slow, or slowed down by others, a
 * fetch slows down with them; but never below a rate that brings it to an end. While the group chooses
 * nothing nobody is to be spared, and there are no rests.
 *
 * Nor are there while the log of whoever sends fills up faster than the snapshot comes: it is held for the
 * receiver up to a bound only (WIRE_HOLD_BYTES), and a snapshot is of no use once what is behind it is cut. The
 * part of that bound that is taken is told with answers about slots (LEARNED), and must stay well below
 * the part of the snapshot that has come. So what would arrive in time without rests arrives in time.
 *
 * What only readers would notice is not spared: they are answered by the leader, which sends no snapshot
 * if another replica can. */
#ifndef MADKV_SMR_PACE_H
#define MADKV_SMR_PACE_H

#include <stdbool.h>
#include <stddef.h>
#include "wire/types.h"

struct smr_pace {
    size_t bytes_per_s; /* that come at least */
    wire_slot heard;    /* the group's chosen bar when it was noted ... */
    wire_time heard_at; /* ... which was then; 0: never */
    bool busy;          /* the group was at work between the last two times; true until that is known */
    uint64_t held;      /* percent, taken of the room in which a log is held for a snapshot */
};

/* bytes_per_s: 0: WIRE_PACE_BYTES. */
void smr_pace_init(struct smr_pace *self, size_t bytes_per_s);

/* What a FETCH says. */
void smr_pace_note(struct smr_pace *self, wire_time now, wire_slot heard, uint64_t held);

/* Whether the log fills up too fast, when `done` percent of the snapshot have come. */
bool smr_pace_is_outrun(const struct smr_pace *self, uint64_t done);

/* The rest after a piece of so many bytes that took so long. */
wire_time smr_pace_rest(const struct smr_pace *self, wire_time took, size_t bytes);

#endif
