#include "smr/pace.h"

#include "wire/limits.h"

#define NOTE_EVERY (100 * WIRE_MS) /* less tells little about how much is chosen */

void smr_pace_init(struct smr_pace *self, size_t bytes_per_s)
{
    *self = (struct smr_pace){.bytes_per_s = bytes_per_s == 0 ? WIRE_PACE_BYTES : bytes_per_s,
                              .busy = true};
}

void smr_pace_note(struct smr_pace *self, wire_time now, wire_slot heard, uint64_t held)
{
    self->held = held;
    wire_time passed = now - self->heard_at;
    if (self->heard_at != 0 && passed < NOTE_EVERY)
        return;
    uint64_t chosen = heard > self->heard ? heard - self->heard : 0;
    if (self->heard_at != 0)
        self->busy = chosen * (uint64_t)WIRE_SECOND >= WIRE_PACE_BUSY_SLOTS * (uint64_t)passed;
    self->heard = heard;
    self->heard_at = now;
}

bool smr_pace_is_outrun(const struct smr_pace *self, uint64_t done)
{
    return 4 * self->held > 3 * done;
}

wire_time smr_pace_rest(const struct smr_pace *self, wire_time took, size_t bytes)
{
    wire_time slowest = (wire_time)(bytes * (uint64_t)WIRE_SECOND / self->bytes_per_s);
    wire_time rest = WIRE_PACE_REST * took;
    if (rest > slowest - took)
        rest = slowest - took;
    return rest > 0 ? rest : 0;
}
