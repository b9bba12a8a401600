#include "actors/store.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "actors/clock.h"
#include "actors/datafile.h"
#include "actors/disk.h"
#include "actors/crash.h"
#include "actors/store_private.h"
#include "wire/figures.h"

enum {
    SLOT_KEY_BYTES = 8,
    PAGE_SLACK_BYTES = 2 * 4096,    /* what a record may cost on disk beyond its own bytes */
    COMMIT_SLACK_BYTES = 64 * 1024, /* what a transaction may cost beyond its records */
    ROOM_SHARE = 64,                /* of the room on the disk, that is used up between two looks */
    UNMAP_BYTES = 2 << 20,          /* written between two times that the map is emptied */
    DELETES_MAX = 1024,             /* slots deleted in one transaction; the rest in the next ones */
};

enum wire_error store_error(int code)
{
    switch (code) {
    case MDB_SUCCESS:
        return WIRE_OK;
    case MDB_NOTFOUND:
        return WIRE_NOT_FOUND;
    case MDB_MAP_FULL:
    case ENOSPC:
    case EDQUOT:
        return WIRE_FULL;
    default:
        return WIRE_FAILED;
    }
}

uint64_t store_room(const struct store *self)
{
    struct statvfs system;
    if (fstatvfs(self->directory, &system) != 0)
        return UINT64_MAX;
    return (uint64_t)system.f_bavail * system.f_frsize;
}

/* --- keys and small records ------------------------------------------------------------------- */

/* Big-endian, so that LMDB's byte order is the order of slots. */
static MDB_val slot_key(wire_slot slot, uint8_t bytes[SLOT_KEY_BYTES])
{
    for (int i = 0; i < SLOT_KEY_BYTES; i++)
        bytes[i] = (uint8_t)(slot >> (8 * (SLOT_KEY_BYTES - 1 - i)));
    return (MDB_val){.mv_size = SLOT_KEY_BYTES, .mv_data = bytes};
}

static wire_slot slot_of_key(const uint8_t *bytes)
{
    wire_slot slot = 0;
    for (int i = 0; i < SLOT_KEY_BYTES; i++)
        slot = slot << 8 | bytes[i];
    return slot;
}

static MDB_val meta_key(const char *name)
{
    return (MDB_val){.mv_size = strlen(name), .mv_data = (void *)(uintptr_t)name};
}

enum wire_error store_read_meta(MDB_txn *txn, MDB_dbi meta, const char *name,
                                struct wire_writer *out)
{
    MDB_val key = meta_key(name), value;
    int code = mdb_get(txn, meta, &key, &value);
    if (code == 0)
        wire_write_raw(out, span_of(value.mv_data, value.mv_size));
    return store_error(code);
}

int store_put_meta(MDB_txn *txn, MDB_dbi meta, const char *name, struct span bytes)
{
    MDB_val key = meta_key(name);
    MDB_val value = {.mv_size = bytes.size, .mv_data = (void *)(uintptr_t)bytes.data};
    return mdb_put(txn, meta, &key, &value, 0);
}

int store_delete_meta(MDB_txn *txn, MDB_dbi meta, const char *name)
{
    MDB_val key = meta_key(name);
    int code = mdb_del(txn, meta, &key, NULL);
    return code == MDB_NOTFOUND ? 0 : code;
}

static int count_bytes(const struct store *self, MDB_txn *txn, uint64_t *bytes)
{
    MDB_stat stat;
    int code = mdb_stat(txn, self->log, &stat);
    if (code == 0)
        *bytes = (uint64_t)(stat.ms_leaf_pages + stat.ms_overflow_pages) * stat.ms_psize;
    return code;
}

enum wire_error store_find_highest(struct store *self, MDB_txn *txn)
{
    MDB_cursor *cursor;
    int code = mdb_cursor_open(txn, self->log, &cursor);
    if (code != 0)
        return WIRE_FAILED;
    MDB_val key, value;
    code = mdb_cursor_get(cursor, &key, &value, MDB_LAST);
    enum wire_error error = store_error(code);
    if (code == 0 && key.mv_size != SLOT_KEY_BYTES)
        error = WIRE_DAMAGED;
    else if (code == 0)
        self->highest = slot_of_key(key.mv_data);
    else if (error == WIRE_NOT_FOUND)
        error = WIRE_OK;
    mdb_cursor_close(cursor);
    return error == WIRE_OK ? store_error(count_bytes(self, txn, &self->log_bytes)) : error;
}

/* --- reading ---------------------------------------------------------------------------------- */

/* A read transaction lives for one call: an old one would keep every page freed since from reuse.
 */
static enum wire_error reader_begin(struct store *self)
{
    int code = self->reader == NULL ? mdb_txn_begin(self->env, NULL, MDB_RDONLY, &self->reader)
                                    : mdb_txn_renew(self->reader);
    if (code == 0)
        return WIRE_OK;
    wire_say("log: cannot read: %s", mdb_strerror(code));
    return WIRE_FAILED;
}

static enum wire_error store_read(void *store, wire_slot slot, struct smr_log_entry *entry)
{
    struct store *self = store;
    if (reader_begin(self) != WIRE_OK)
        return WIRE_FAILED;
    uint8_t bytes[SLOT_KEY_BYTES];
    MDB_val key = slot_key(slot, bytes), value;
    enum wire_error error = store_error(mdb_get(self->reader, self->log, &key, &value));
    struct wire_slot_record record = {0};
    if (error == WIRE_OK)
        error = wire_slot_record_decode(span_of(value.mv_data, value.mv_size), slot, &record);
    if (error == WIRE_OK)
        *entry = (struct smr_log_entry){.slot = slot,
                                        .ballot = record.ballot,
                                        .learned = record.learned,
                                        .batch = buf_copy(record.batch)};
    mdb_txn_reset(self->reader);
    if (error == WIRE_DAMAGED) {
        self->damaged_count++;
        wire_say_gated(&self->gate, clock_now(),
                       "log: slot %" PRIu64 " in %s/data.mdb is damaged (its checksum does not fit)",
                       slot, self->path);
    }
    return error;
}

static enum wire_error store_load(void *store, struct wire_hard_state *state, wire_slot *highest)
{
    struct store *self = store;
    if (reader_begin(self) != WIRE_OK)
        return WIRE_FAILED;
    wire_writer_clear(&self->scratch);
    enum wire_error error = store_read_meta(self->reader, self->meta, "hard_state", &self->scratch);
    struct wire_hard_state found = {0};
    if (error == WIRE_OK)
        error = wire_hard_state_decode(wire_writer_span(&self->scratch), &found);
    else if (error == WIRE_NOT_FOUND) /* it has one from its birth on */
        error = self->identity.birth.generation == 0 ? WIRE_OK : WIRE_DAMAGED;
    if (error == WIRE_OK)
        error = store_find_highest(self, self->reader);
    mdb_txn_reset(self->reader);
    if (error != WIRE_OK)
        return error;
    *state = found;
    *highest = self->highest;
    return WIRE_OK;
}

/* --- writing ---------------------------------------------------------------------------------- */

static void store_put_slot(void *store, const struct smr_log_entry *entry)
{
    struct store *self = store;
    assert(entry->slot > 0 && entry->batch != NULL);
    if (self->queue_count == self->queue_capacity) {
        self->queue_capacity = self->queue_capacity == 0 ? 64 : self->queue_capacity * 2;
        self->queue = wire_realloc(self->queue, self->queue_capacity * sizeof *self->queue);
    }
    self->queue[self->queue_count] = *entry;
    buf_ref(entry->batch);
    self->queue_count++;
    self->queue_bytes += entry->batch->size;
}

static void store_put_state(void *store, const struct wire_hard_state *state)
{
    struct store *self = store;
    self->state = *state;
    self->state_queued = true;
}

static void store_cut(void *store, wire_slot upto)
{
    struct store *self = store;
    if (upto > self->queued_cut) /* part of an earlier one may still be left */
        self->queued_cut = upto;
}

static void drop_queue(struct store *self)
{
    for (size_t i = 0; i < self->queue_count; i++)
        buf_unref(&self->queue[i].batch);
    self->queue_count = 0;
    self->queue_bytes = 0;
    self->state_queued = false;
    self->queued_cut = 0;
}

static uint64_t look_for_room(struct store *self)
{
    self->room = store_room(self);
    self->room_used = 0;
    return self->room;
}

/* Free bytes as of the last look, less what was asked for since: looked at anew once that is a share of what
 * there was, since others write to the same disk; and whenever is_low is asked. */
static uint64_t room_left(struct store *self)
{
    if (self->room_used >= self->room / ROOM_SHARE)
        look_for_room(self);
    return self->room - self->room_used;
}

/* Whether the file system could take the whole queue at the worst. LMDB mostly reuses pages, so
 * this errs on the careful side. */
static bool room_for_queue(struct store *self)
{
    uint64_t need =
        self->queue_bytes + self->queue_count * (uint64_t)PAGE_SLACK_BYTES + COMMIT_SLACK_BYTES;
    bool enough = room_left(self) >= need + self->reserve_bytes;
    self->room_used = enough ? self->room_used + need : self->room; /* refused: look again next time */
    return enough;
}

/* Where the file is mapped, by a record that is in it for sure; LMDB does not tell. NULL: not known. */
static uint8_t *find_map(struct store *self)
{
    MDB_val key = meta_key("hard_state"), value;
    char path[PATH_MAX];
    uint64_t page;
    uint8_t *map = NULL;
    if (reader_begin(self) != WIRE_OK)
        return NULL;
    uintptr_t page_bytes = (uintptr_t)sysconf(_SC_PAGESIZE);
    if (mdb_get(self->reader, self->meta, &key, &value) == 0 &&
        datafile_page_of(value.mv_data, &page, path, sizeof path))
        map = (uint8_t *)value.mv_data - (uintptr_t)value.mv_data % page_bytes - page * page_bytes;
    mdb_txn_reset(self->reader);
    return map;
}

/* What was written is in the page cache, and hardly ever asked for again: it need not stay mapped as well, or a
 * process would seem as large as its log. */
static void unmap_written(struct store *self)
{
    MDB_envinfo info;
    MDB_stat stat;
    if (self->put_bytes - self->unmapped_at < UNMAP_BYTES)
        return;
    self->unmapped_at = self->put_bytes;
    if (self->map == NULL)
        self->map = find_map(self);
    if (self->map != NULL && mdb_env_info(self->env, &info) == 0 &&
        mdb_env_stat(self->env, &stat) == 0)
        madvise(self->map, ((size_t)info.me_last_pgno + 1) * stat.ms_psize, MADV_DONTNEED);
}

/* What a transaction makes of the store, once it is durable. */
struct writing {
    wire_slot highest; /* highest slot with a record */
    uint64_t bytes;    /* of the pages that hold slots */
    bool cut_left;     /* not all that is cut is deleted yet */
};

/* The batch is copied once, from where it lies into the page that goes to the disk. */
static int write_slot(struct store *self, MDB_txn *txn, const struct smr_log_entry *entry,
                      wire_slot *highest)
{
    struct wire_slot_record record = {.slot = entry->slot,
                                      .ballot = entry->ballot,
                                      .learned = entry->learned,
                                      .batch = buf_span(entry->batch)};
    uint8_t bytes[SLOT_KEY_BYTES];
    MDB_val key = slot_key(entry->slot, bytes);
    MDB_val value = {.mv_size = WIRE_SLOT_RECORD_PREFIX + record.batch.size};
    /* Past the end LMDB fills its pages whole; anywhere else MDB_APPEND would be an error. */
    unsigned flags = MDB_RESERVE | (entry->slot > *highest ? MDB_APPEND : 0u);
    int code = mdb_put(txn, self->log, &key, &value, flags);
    if (code != 0)
        return code;
    uint8_t *to = value.mv_data;
    wire_slot_record_encode(&record, to);
    memcpy(to + WIRE_SLOT_RECORD_PREFIX, record.batch.data, record.batch.size);
    if (entry->slot > *highest)
        *highest = entry->slot;
    return 0;
}

/* The pages of cut slots are used again by the slots to come, so the file stops growing. */
static int delete_through(const struct store *self, MDB_txn *txn, struct writing *writing)
{
    MDB_cursor *cursor;
    MDB_val key, value;
    int code = mdb_cursor_open(txn, self->log, &cursor);
    if (code != 0)
        return code;
    code = mdb_cursor_get(cursor, &key, &value, MDB_FIRST);
    for (int left = DELETES_MAX; code == 0 && key.mv_size == SLOT_KEY_BYTES &&
                                 slot_of_key(key.mv_data) <= self->queued_cut;
         left--) {
        writing->cut_left = left == 0;
        if (left == 0)
            break;
        code = mdb_cursor_del(cursor, 0);
        if (code == 0)
            code = mdb_cursor_get(cursor, &key, &value, MDB_FIRST);
    }
    mdb_cursor_close(cursor);
    return code == MDB_NOTFOUND ? 0 : code;
}

static int write_queue(struct store *self, MDB_txn *txn, struct writing *writing)
{
    int code = 0;
    for (size_t i = 0; i < self->queue_count && code == 0; i++)
        code = write_slot(self, txn, &self->queue[i], &writing->highest);
    if (code == 0 && self->state_queued) {
        wire_writer_clear(&self->scratch);
        wire_hard_state_encode(&self->state, &self->scratch);
        code = store_put_meta(txn, self->meta, "hard_state", wire_writer_span(&self->scratch));
    }
    if (code == 0 && self->queued_cut > 0)
        code = delete_through(self, txn, writing);
    return code == 0 ? count_bytes(self, txn, &writing->bytes) : code;
}

/* After a failed put the transaction can only be aborted, whatever the reason. */
static int commit_queue(struct store *self, struct writing *writing)
{
    MDB_txn *txn;
    int code = mdb_txn_begin(self->env, NULL, 0, &txn);
    if (code != 0)
        return code;
    code = write_queue(self, txn, writing);
    if (code != 0)
        mdb_txn_abort(txn);
    else
        code = mdb_txn_commit(txn);
    return code;
}

static enum wire_error store_commit(void *store)
{
    struct store *self = store;
    if (self->queue_count == 0 && !self->state_queued && self->queued_cut == 0)
        return WIRE_OK;
    struct writing writing = {.highest = self->highest};
    bool cuts = self->queued_cut > 0;
    if (cuts)
        crash_at(CRASH_CUT_BEFORE);
    int code = room_for_queue(self) ? commit_queue(self, &writing) : ENOSPC;
    if (cuts)
        crash_at(CRASH_CUT_AFTER);
    enum wire_error error = store_error(code);
    if (error == WIRE_FULL) {
        self->full_count++;
        return WIRE_FULL;
    }
    if (error != WIRE_OK) {
        wire_say("log: the commit in %s failed: %s; ending, start again once the disk is well",
                 self->path, mdb_strerror(code));
        return WIRE_FAILED;
    }
    self->highest = writing.highest;
    self->log_bytes = writing.bytes;
    wire_slot cut_left = writing.cut_left ? self->queued_cut : 0;
    self->commit_count++;
    self->put_count += self->queue_count;
    self->put_bytes += self->queue_bytes + self->queue_count * WIRE_SLOT_RECORD_PREFIX;
    drop_queue(self);
    self->queued_cut = cut_left;
    unmap_written(self);
    return WIRE_OK;
}

static uint64_t store_bytes(void *store)
{
    return ((const struct store *)store)->log_bytes;
}

static bool store_is_low(void *store)
{
    struct store *self = store;
    uint64_t enough = self->low ? STORE_LOW_BYTES * 3 / 2 : STORE_LOW_BYTES;
    self->low = look_for_room(self) < enough || self->log_bytes > self->map_bytes / 8 * 7;
    return self->low;
}

static void store_close_log(void *self)
{
    (void)self; /* the store owns its log */
}

static const struct smr_log_ops store_ops = {
    .read = store_read,
    .load = store_load,
    .put_slot = store_put_slot,
    .put_state = store_put_state,
    .cut = store_cut,
    .commit = store_commit,
    .bytes = store_bytes,
    .is_low = store_is_low,
    .close = store_close_log,
};

struct smr_log store_log(struct store *self)
{
    if (self->path == NULL)
        return self->memory;
    return (struct smr_log){.ops = &store_ops, .self = self};
}

/* --- the rest --------------------------------------------------------------------------------- */

const struct wire_identity *store_identity(const struct store *self)
{
    return &self->identity;
}

void store_figures(const void *store, struct wire_writer *out)
{
    const struct store *self = store;
    wire_figure_number(out, "log.start_count", self->identity.start);
    if (self->path == NULL)
        return;
    MDB_envinfo info;
    MDB_stat stat;
    if (mdb_env_info(self->env, &info) == 0 && mdb_env_stat(self->env, &stat) == 0)
        wire_figure_number(out, "log.file_bytes",
                           ((uint64_t)info.me_last_pgno + 1) * stat.ms_psize);
    disk_figures(self->directory, out);
    wire_figure_number(out, "log.slot_bytes", self->log_bytes);
    wire_figure_number(out, "log.commits", self->commit_count);
    wire_figure_number(out, "log.records_written", self->put_count);
    wire_figure_number(out, "log.bytes_written", self->put_bytes);
    wire_figure_number(out, "log.commits_without_room", self->full_count);
    wire_figure_number(out, "log.damaged_reads", self->damaged_count);
    wire_figure_number(out, "log.highest_slot", self->highest);
}

void store_close(struct store **store)
{
    struct store *self = *store;
    *store = NULL;
    if (self == NULL)
        return;
    if (self->memory.ops != NULL)
        self->memory.ops->close(self->memory.self);
    if (self->reader != NULL)
        mdb_txn_abort(self->reader);
    if (self->env != NULL)
        mdb_env_close(self->env);
    drop_queue(self);
    free(self->queue);
    wire_writer_free(&self->scratch);
    if (self->directory >= 0)
        close(self->directory);
    if (self->lock >= 0)
        close(self->lock); /* last: now somebody else may have it */
    free(self->path);
    free(self);
}
