/* The key-value state machine: what the replicas of a partition replicate (smr/machine.h).
 *
 * Calls and answers are those of wire/kv.h. Put, Swap and Delete are commands, Get and Scan
 * queries. A call about a key whose hash slot another partition owns is refused as WRONG_GROUP
 * where it is applied, so that every replica refuses the same calls; the range of a Scan belongs to
 * every partition. A Scan answers a page at a time, bounded by WIRE_SCAN_PAGE_BYTES and _COUNT but
 * never empty while there is a pair left: the first pair that reaches a bound is the page's last.
 *
 * Used by the applier's thread alone, but for classify, which looks at no state. */
#ifndef MADKV_SERVER_KV_MACHINE_H
#define MADKV_SERVER_KV_MACHINE_H

#include "smr/machine.h"

/* An empty machine of partition `partition` (from 0) out of `partition_count`. A count of 0 or 1:
 * every key is its own, and `partition` says nothing. Ends with ops->destroy. */
struct smr_machine kv_machine_new(uint32_t partition, uint32_t partition_count);
/* The same with its state over a base, which must outlive it; NULL: in memory only. */
struct smr_machine kv_machine_new_on(const struct smr_base *base, uint32_t partition,
                                     uint32_t partition_count);

#endif
