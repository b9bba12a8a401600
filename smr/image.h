/* The image of a checkpoint: everything of the applier's state that is not keys and values, frozen at
 * the same slot as they are. Without the sessions a replay after a restart would apply again what was
 * answered before.
 *
 *     [format, cluster, group, applied slot, log time, bin sessions, bin machine's part]
 *
 * Cluster and group say whose state it is: any replica of a group may live on the state of another, and
 * none on that of another group. */
#ifndef MADKV_SMR_IMAGE_H
#define MADKV_SMR_IMAGE_H

#include "wire/limits.h"
#include "wire/pack.h"

struct smr_image {
    uint64_t cluster;      /* whose state it is, as in struct wire_sender */
    uint32_t group;        /* likewise */
    wire_slot applied;     /* the slot the state is after */
    uint64_t log_time_ms;  /* at that slot */
    struct span sessions;  /* smr_sessions_encode */
    struct span part;      /* the machine's freeze */
};

void smr_image_encode(const struct smr_image *image, struct wire_writer *out);
/* WIRE_OK or WIRE_MALFORMED; spans point into bytes. */
enum wire_error smr_image_decode(struct span bytes, struct smr_image *image);

#endif
