/* Lists of log entries: the payload of Promise and Learned.
 *
 *     per entry: [slot, round, replica, chosen, bin batch], slots ascending
 */
#ifndef MADKV_WIRE_ENTRY_H
#define MADKV_WIRE_ENTRY_H

#include "wire/pack.h"

struct wire_entry {
    wire_slot slot;            /* where in the log */
    struct wire_ballot ballot; /* under which it was accepted */
    bool chosen;               /* known to be chosen, whatever the ballot */
    struct span batch;         /* what was accepted */
};

void wire_entry_encode(const struct wire_entry *entry, struct wire_writer *out);

/* The next entry of a list; false at the end or when the list is bad (then in->bad). Batches are
 * checked. */
bool wire_entry_next(struct wire_reader *in, struct wire_entry *entry);

/* WIRE_OK: a list of right entries with slots ascending from `from` on, else WIRE_MALFORMED. */
enum wire_error wire_entries_check(struct span list, wire_slot from);

#endif
