#include "wire/entry.h"

#include "wire/batch.h"

enum {
    ENTRY_VALUES = 5
};

void wire_entry_encode(const struct wire_entry *entry, struct wire_writer *out)
{
    wire_write_array(out, ENTRY_VALUES);
    wire_write_uint(out, entry->slot);
    wire_write_ballot(out, entry->ballot);
    wire_write_bool(out, entry->chosen);
    wire_write_bin(out, entry->batch);
}

bool wire_entry_next(struct wire_reader *in, struct wire_entry *entry)
{
    if (!wire_read_more(in))
        return false;
    wire_read_array_of(in, ENTRY_VALUES);
    entry->slot = wire_read_uint(in, UINT64_MAX / 2);
    entry->ballot = wire_read_ballot(in);
    entry->chosen = wire_read_bool(in);
    entry->batch = wire_read_bin(in, WIRE_BATCH_BYTES_MAX);
    if (!in->bad && wire_batch_check(entry->batch) != WIRE_OK)
        in->bad = true;
    return !in->bad;
}

enum wire_error wire_entries_check(struct span list, wire_slot from)
{
    struct wire_reader in = wire_reader_of(list);
    struct wire_entry entry;
    while (wire_entry_next(&in, &entry)) {
        if (entry.slot < from || ballot_is_none(entry.ballot))
            return WIRE_MALFORMED;
        from = entry.slot + 1;
    }
    return wire_read_end(&in);
}
