/* The courier of a replica of a chain: carries its forwarder's questions to the managers and their answers
 * back, by the client's own way of finding who leads them (client/core.h).
 *
 * Takes PULSE from the forwarder, REPLY from managers; sends REQUEST to managers, VIEW to the forwarder.
 * A question that gets no answer in time is dropped: the next one is on its way by then. */
#ifndef MADKV_SERVER_COURIER_H
#define MADKV_SERVER_COURIER_H

#include "smr/config.h"
#include "smr/role.h"

/* managers: their addresses by replica; copied. */
struct smr_role courier_new(const struct smr_config *config, const char *const *managers,
                            size_t manager_count);

#endif
