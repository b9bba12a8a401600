#include "actors/base.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <lmdb.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <time.h>
#include <unistd.h>

#include "actors/aside.h"
#include "actors/crash.h"
#include "actors/datafile.h"
#include "actors/disk.h"
#include "smr/machine.h"
#include "wire/hash.h"
#include "wire/say.h"

#define BASE_MAP_BYTES ((size_t)256 << 30) /* address space only; the file grows as it fills */

enum {
    HASH_BYTES = 8,
    PAGE_BYTES = 4096,               /* of LMDB, as this file reckons */
    RECORD_SLACK_BYTES = 64,         /* of a record: hash, node and index beside key and value */
    RESERVE_BYTES = 4 * 1024 * 1024, /* a checkpoint that would leave less is refused as FULL */
    REST_EVERY = 100,                /* changes, which take some 300 us; then who answers calls gets the core ... */
    REST_NS = 1000 * 1000,           /* ... for so long at least */
};

struct base {
    struct smr_base interface; /* what others see */
    char *directory;           /* the replica's */
    char *path;                /* the state's, in it */
    MDB_env *env;              /* the environment */
    MDB_dbi kv[2];             /* pairs: the base, and what is staged */
    MDB_dbi meta;              /* everything else */
    MDB_txn *reader;           /* the applier's; reset between reads */
    size_t reader_id;          /* the state it saw last ... */
    int reader_current;        /* ... and which table was the base then */
    MDB_txn *writer;           /* of the checkpoint or stage in the making, or NULL */
    MDB_dbi target;            /* the table it changes */
    bool ascending;            /* it is a stage: keys come in order */
    int code;                  /* first error of it */
    uint64_t changes;          /* put into it */
    uint64_t added;            /* bytes of new pages it may need for them */
    bool has_aside;            /* a damaged state was set aside and is kept until this one is whole */
    char problem[256];         /* what is wrong with its file, if that is known; else empty */
};

/* --- damage ----------------------------------------------------------------------------------------- */

static void (*start_again_after_damage)(void); /* or NULL */
static const struct base *watched;             /* whose pages the handler of bad ones speaks of */
static atomic_bool losing;                     /* damage was met; this process ends */

void base_on_damage(void (*start_again)(void))
{
    start_again_after_damage = start_again;
}

/* `at`: some byte of what is damaged, or NULL. Whoever comes second waits for the end. */
static void lose(const struct base *self, const void *at, const char *what)
    __attribute__((noreturn));

static void lose(const struct base *self, const void *at, const char *what)
{
    char file[PATH_MAX], place[48] = "";
    uint64_t page;
    while (atomic_exchange(&losing, true))
        pause();
    if (at != NULL && datafile_page_of(at, &page, file, sizeof file))
        snprintf(place, sizeof place, ", page %" PRIu64, page);
    if (start_again_after_damage == NULL)
        wire_say_die(WIRE_EXIT_STORAGE,
                     "backer_path '%s': state/data.mdb%s is damaged: %s: alone in its group this replica "
                     "has nobody to take another one from; restore the whole directory from one copy",
                     self->directory, place, what);
    wire_say("backer_path '%s': state/data.mdb%s is damaged: %s: it is set aside as state.damaged, and this "
             "replica starts again and takes its state from its log and the others",
             self->directory, place, what);
    int code = aside_put(self->directory);
    if (code != 0)
        wire_say_die(WIRE_EXIT_STORAGE, "backer_path '%s': its state cannot be set aside: %s",
                     self->directory, strerror(code));
    start_again_after_damage();
    abort();
}

static void on_bad_page(const void *at)
{
    lose(watched, at, "a page cannot be read");
}

static void on_assertion(MDB_env *env, const char *text)
{
    lose(mdb_env_get_userctx(env), NULL, text);
}

/* Once there is a whole state again nobody needs the damaged one. */
static void drop_aside(struct base *self)
{
    if (atomic_load(&losing))
        return; /* what was just written went with the state that is being set aside */
    int code = self->has_aside ? aside_remove(self->directory) : 0;
    if (code != 0)
        wire_say("backer_path '%s': the damaged state in state.damaged cannot be removed: %s",
                 self->directory, strerror(code));
    else if (self->has_aside)
        wire_say("backer_path '%s': its state is whole again; the damaged one in state.damaged is removed",
                 self->directory);
    self->has_aside = false;
}

static void die(const struct base *self, const char *what, int code)
{
    if (datafile_is_damage(code))
        lose(self, NULL, mdb_strerror(code));
    wire_say_die(WIRE_EXIT_STORAGE, "the state in %s: %s: %s", self->path, what,
                 mdb_strerror(code));
}

static MDB_val val_of(struct span bytes)
{
    return (MDB_val){.mv_size = bytes.size, .mv_data = (void *)(uintptr_t)bytes.data};
}

static struct span span_of_val(MDB_val val)
{
    return span_of(val.mv_data, val.mv_size);
}

/* --- records ---------------------------------------------------------------------------------- */

/* The value in a record, or the end of this life. */
static struct span open_record(const struct base *self, struct span key, struct span record)
{
    if (record.size >= HASH_BYTES) {
        struct span value = span_of(record.data + HASH_BYTES, record.size - HASH_BYTES);
        if (smr_pair_hash(key, value) == wire_get_u64(record.data))
            return value;
    }
    lose(self, record.data, "the checksum of a record does not fit");
}

/* flags: MDB_APPEND for a key above all others, so that pages are filled whole. */
static int put_record(MDB_txn *txn, MDB_dbi dbi, struct span key, struct span value, unsigned flags)
{
    MDB_val at = val_of(key);
    MDB_val room = {.mv_size = HASH_BYTES + value.size};
    int code = mdb_put(txn, dbi, &at, &room, MDB_RESERVE | flags);
    if (code != 0)
        return code;
    uint8_t *to = room.mv_data;
    wire_put_u64(to, smr_pair_hash(key, value));
    memcpy(to + HASH_BYTES, value.data, value.size);
    return 0;
}

/* One step of a cursor from a key: false at the end of the table. Each key must be on its side of the one
 * before. */
static bool step_from(const struct base *self, MDB_cursor *cursor, MDB_cursor_op step, MDB_val *key,
                      MDB_val *record)
{
    struct span last = span_of_val(*key);
    int code = mdb_cursor_get(cursor, key, record, step);
    if (code != 0 && code != MDB_NOTFOUND)
        die(self, "cannot read", code);
    int order = code == 0 ? span_compare(span_of_val(*key), last) : 0;
    if (code == 0 && (step == MDB_NEXT ? order <= 0 : order >= 0))
        lose(self, key->mv_data, "its keys are out of order");
    return code == 0;
}

/* What stands on either side of the place of a key that is not there. A bit that flipped in a key, or in what
 * says where in its page a record is, leaves one where nobody looks. Then one of the two next to the place
 * does not fit its checksum, or is out of order with the one behind it.
 * What may be hidden there is damage, not absence. (A page that forgot how many records it has, or one
 * that leads to another page than it should, does not show here; what is lacking then shows when all pairs
 * are counted, as whoever takes a snapshot does.) */
static void look_beside(const struct base *self, MDB_cursor *cursor, struct span key,
                        MDB_cursor_op step)
{
    MDB_val at = val_of(key), record;
    int code = mdb_cursor_get(cursor, &at, &record, MDB_SET_RANGE);
    if (step == MDB_PREV && (code == 0 || code == MDB_NOTFOUND))
        code = mdb_cursor_get(cursor, &at, &record, code == 0 ? MDB_PREV : MDB_LAST);
    if (code == MDB_NOTFOUND)
        return;
    if (code != 0)
        die(self, "cannot read", code);
    open_record(self, span_of_val(at), span_of_val(record));
    int order = span_compare(span_of_val(at), key);
    if (step == MDB_PREV ? order >= 0 : order < 0)
        lose(self, at.mv_data, "its keys are out of order");
    step_from(self, cursor, step, &at, &record);
}

/* A cursor each: one that has been in the page looks for a key in other ways than whoever just missed it. */
static void check_place(const struct base *self, MDB_txn *txn, MDB_dbi dbi, struct span key)
{
    static const MDB_cursor_op sides[] = {MDB_NEXT, MDB_PREV};
    for (int i = 0; i < 2; i++) {
        MDB_cursor *cursor;
        int code = mdb_cursor_open(txn, dbi, &cursor);
        if (code != 0)
            die(self, "cannot read", code);
        look_beside(self, cursor, key, sides[i]);
        mdb_cursor_close(cursor);
    }
}

/* A small record, copied, or NULL: there is none. */
static struct buf *read_record(const struct base *self, MDB_txn *txn, MDB_dbi dbi, struct span key)
{
    MDB_val at = val_of(key), record;
    int code = mdb_get(txn, dbi, &at, &record);
    if (code == MDB_NOTFOUND) {
        check_place(self, txn, dbi, key);
        return NULL;
    }
    if (code != 0)
        die(self, "cannot read", code);
    return buf_copy(open_record(self, key, span_of_val(record)));
}

static int delete_record(MDB_txn *txn, MDB_dbi dbi, struct span key)
{
    MDB_val at = val_of(key);
    int code = mdb_del(txn, dbi, &at, NULL);
    return code == MDB_NOTFOUND ? 0 : code;
}

/* Which of the two tables is the base, as this transaction sees it. */
static int current_of(const struct base *self, MDB_txn *txn)
{
    struct buf *word = read_record(self, txn, self->meta, span_text("current"));
    int current = word != NULL && span_equal(buf_span(word), span_text("kv2"));
    buf_unref(&word);
    return current;
}

/* --- reading: the applier's thread --------------------------------------------------------------
 */

static MDB_txn *begin_reading(struct base *self)
{
    int code = self->reader == NULL ? mdb_txn_begin(self->env, NULL, MDB_RDONLY, &self->reader)
                                    : mdb_txn_renew(self->reader);
    if (code != 0)
        die(self, "cannot read", code);
    return self->reader;
}

/* Which table is the base changes with a transaction that installs one, and so not while the reader sees
 * the same state as the time before. */
static MDB_dbi table_to_read(struct base *self, MDB_txn *txn)
{
    size_t id = mdb_txn_id(txn);
    if (id != self->reader_id)
        self->reader_current = current_of(self, txn);
    self->reader_id = id;
    return self->kv[self->reader_current];
}

static struct buf *base_get(void *base, struct span key)
{
    struct base *self = base;
    MDB_txn *txn = begin_reading(self);
    struct buf *value = read_record(self, txn, table_to_read(self, txn), key);
    mdb_txn_reset(txn);
    return value;
}

static struct buf *base_image(void *base)
{
    struct base *self = base;
    struct buf *image = read_record(self, begin_reading(self), self->meta, span_text("image"));
    mdb_txn_reset(self->reader);
    return image;
}

/* Where a scan begins. */
struct start {
    MDB_dbi dbi;      /* in which table */
    struct span from; /* the first key */
    bool after;       /* without it */
};

static void scan(const struct base *self, MDB_txn *txn, struct start start, smr_base_visit *visit,
                 void *context)
{
    struct span from = start.from;
    MDB_dbi dbi = start.dbi;
    MDB_cursor *cursor;
    MDB_val key = val_of(from), record;
    if (from.size > 0)
        check_place(self, txn, dbi, from);
    int code = mdb_cursor_open(txn, dbi, &cursor);
    if (code != 0)
        die(self, "cannot read", code);
    /* LMDB has no empty key, not even to look for what is above it. */
    code = mdb_cursor_get(cursor, &key, &record, from.size == 0 ? MDB_FIRST : MDB_SET_RANGE);
    if (code == 0 && start.after && span_equal(span_of_val(key), from))
        code = mdb_cursor_get(cursor, &key, &record, MDB_NEXT);
    bool more = code == 0;
    if (code != 0 && code != MDB_NOTFOUND)
        die(self, "cannot read", code);
    while (more) {
        struct span value = open_record(self, span_of_val(key), span_of_val(record));
        more = visit(context, span_of_val(key), value) &&
               step_from(self, cursor, MDB_NEXT, &key, &record);
    }
    mdb_cursor_close(cursor);
}

static void base_scan(void *base, struct span from, bool after, smr_base_visit *visit,
                      void *context)
{
    struct base *self = base;
    MDB_txn *txn = begin_reading(self);
    scan(self, txn, (struct start){table_to_read(self, txn), from, after}, visit, context);
    mdb_txn_reset(txn);
}

/* --- views: any thread ---------------------------------------------------------------------------- */

struct view {
    const struct base *base; /* of what */
    MDB_txn *txn;            /* as of when */
    MDB_dbi dbi;             /* which table was the base then */
};

static void *base_view_open(void *base)
{
    struct base *self = base;
    struct view *view = wire_calloc(1, sizeof *view);
    view->base = self;
    int code = mdb_txn_begin(self->env, NULL, MDB_RDONLY, &view->txn);
    if (code != 0)
        die(self, "cannot read", code);
    view->dbi = self->kv[current_of(self, view->txn)];
    return view;
}

static struct buf *base_view_image(void *self)
{
    const struct view *view = self;
    return read_record(view->base, view->txn, view->base->meta, span_text("image"));
}

static uint64_t base_view_pairs(void *self)
{
    const struct view *view = self;
    MDB_stat stat;
    int code = mdb_stat(view->txn, view->dbi, &stat);
    if (code != 0)
        die(view->base, "cannot read", code);
    return stat.ms_entries;
}

static void base_view_scan(void *self, struct span from, bool after, smr_base_visit *visit,
                           void *context)
{
    const struct view *view = self;
    scan(view->base, view->txn, (struct start){view->dbi, from, after}, visit, context);
}

static void base_view_close(void *self)
{
    struct view *view = self;
    mdb_txn_abort(view->txn);
    free(view);
}

/* --- checkpoints: the checkpointer's thread ------------------------------------------------------
 */

/* staged: changes the table that is not the base. */
static void begin_writing(struct base *self, bool staged)
{
    assert(self->writer == NULL);
    self->changes = 0;
    self->added = 0;
    self->ascending = staged;
    self->code = mdb_txn_begin(self->env, NULL, 0, &self->writer);
    if (self->code == 0)
        self->target = self->kv[current_of(self, self->writer) ^ (int)staged];
}

static void base_begin(void *base)
{
    begin_writing(base, false);
}

/* Pages may end up half full; a large value has pages of its own. */
static uint64_t added_bytes(struct span key, struct span value)
{
    uint64_t bytes = key.size + value.size + RECORD_SLACK_BYTES;
    return value.size < PAGE_BYTES / 2 ? 2 * bytes : bytes + 2 * PAGE_BYTES;
}

static void base_put(void *base, struct span key, struct span value)
{
    struct base *self = base;
    if (self->code != 0)
        return;
    self->changes++;
    self->added += added_bytes(key, value);
    if (!self->ascending && self->changes % REST_EVERY == 0)
        nanosleep(&(struct timespec){.tv_nsec = REST_NS}, NULL);
    if (value.size == 0)
        self->code = delete_record(self->writer, self->target, key);
    else
        self->code = put_record(self->writer, self->target, key, value,
                                self->ascending ? MDB_APPEND : 0);
}

/* Each page that is there is written anew at most once, and a change touches a leaf and now and
 * then what is above it: so a small state asks for little however many changes there are. */
static uint64_t rewritten_bytes(const struct base *self)
{
    uint64_t touched = self->ascending ? 2 * PAGE_BYTES : self->changes * 2 * PAGE_BYTES;
    MDB_envinfo info;
    if (mdb_env_info(self->env, &info) != 0)
        return touched;
    uint64_t there = ((uint64_t)info.me_last_pgno + 1) * PAGE_BYTES;
    return touched < there ? touched : there;
}

/* A disk that fills up in the middle of a write gives errors that look like a broken one. */
static bool has_room(const struct base *self, size_t image_bytes)
{
    struct statvfs system;
    return statvfs(self->path, &system) != 0 ||
           (uint64_t)system.f_bavail * system.f_frsize >=
               self->added + rewritten_bytes(self) + image_bytes + RESERVE_BYTES;
}

static enum wire_error end_writing(struct base *self)
{
    if (self->code == 0)
        self->code = mdb_txn_commit(self->writer);
    else if (self->writer != NULL)
        mdb_txn_abort(self->writer);
    self->writer = NULL;
    if (self->code == MDB_MAP_FULL || self->code == ENOSPC || self->code == EDQUOT)
        return WIRE_FULL;
    if (self->code != 0)
        die(self, "a checkpoint or snapshot cannot be written", self->code);
    return WIRE_OK;
}

/* A small record goes with it, if there is room for all of it. */
static void put_beside(struct base *self, const char *name, struct span text)
{
    if (self->code == 0)
        self->code = has_room(self, text.size)
                         ? put_record(self->writer, self->meta, span_text(name), text, 0)
                         : ENOSPC;
}

static enum wire_error base_commit(void *base, struct span image)
{
    struct base *self = base;
    put_beside(self, "image", image);
    crash_at(CRASH_CHECKPOINT_BEFORE);
    enum wire_error error = end_writing(self);
    crash_at(CRASH_CHECKPOINT_AFTER);
    if (error == WIRE_OK)
        drop_aside(self);
    return error;
}

/* --- snapshots: the checkpointer's thread -------------------------------------------------------- */

static void base_stage(void *base, bool afresh)
{
    struct base *self = base;
    begin_writing(self, true);
    if (self->code == 0 && afresh)
        self->code = mdb_drop(self->writer, self->target, 0);
}

static enum wire_error base_stage_commit(void *base, struct span mark)
{
    struct base *self = base;
    put_beside(self, "mark", mark);
    crash_at(CRASH_STAGE_BEFORE);
    enum wire_error error = end_writing(self);
    crash_at(CRASH_STAGE_AFTER);
    return error;
}

static struct buf *base_staged(void *base)
{
    struct base *self = base;
    begin_writing(self, true); /* a transaction of this thread; it changes nothing */
    if (self->code != 0)
        die(self, "cannot read", self->code);
    struct buf *mark = read_record(self, self->writer, self->meta, span_text("mark"));
    mdb_txn_abort(self->writer);
    self->writer = NULL;
    return mark;
}

/* A failure for want of room leaves pages in a table that nobody reads; the next life empties it. */
static void base_unstage(void *base)
{
    struct base *self = base;
    base_stage(self, true);
    if (self->code == 0)
        self->code = delete_record(self->writer, self->meta, span_text("mark"));
    end_writing(self);
}

static enum wire_error base_install(void *base, struct span image)
{
    struct base *self = base;
    begin_writing(self, true);
    const char *next = self->target == self->kv[1] ? "kv2" : "kv";
    put_beside(self, "image", image);
    put_beside(self, "current", span_text(next));
    if (self->code == 0)
        self->code = delete_record(self->writer, self->meta, span_text("mark"));
    crash_at(CRASH_INSTALL_BEFORE);
    enum wire_error error = end_writing(self);
    crash_at(CRASH_INSTALL_AFTER);
    if (error == WIRE_OK) {
        drop_aside(self);
        base_unstage(self); /* what was the base */
    }
    return error;
}

static const struct smr_base_ops base_ops = {
    .get = base_get,
    .scan = base_scan,
    .image = base_image,
    .begin = base_begin,
    .put = base_put,
    .commit = base_commit,
    .stage = base_stage,
    .stage_commit = base_stage_commit,
    .staged = base_staged,
    .install = base_install,
    .unstage = base_unstage,
    .view_open = base_view_open,
    .view_image = base_view_image,
    .view_pairs = base_view_pairs,
    .view_scan = base_view_scan,
    .view_close = base_view_close,
};

/* --- open and close ------------------------------------------------------------------------------
 */

static int open_tables(struct base *self)
{
    MDB_txn *txn;
    int code = mdb_txn_begin(self->env, NULL, 0, &txn);
    if (code != 0)
        return code;
    code = mdb_dbi_open(txn, "kv", MDB_CREATE, &self->kv[0]);
    if (code == 0)
        code = mdb_dbi_open(txn, "kv2", MDB_CREATE, &self->kv[1]);
    if (code == 0)
        code = mdb_dbi_open(txn, "meta", MDB_CREATE, &self->meta);
    if (code == 0)
        return mdb_txn_commit(txn);
    mdb_txn_abort(txn);
    return code;
}

static int open_file(struct base *self)
{
    mdb_env_set_userctx(self->env, self);
    mdb_env_set_assert(self->env, on_assertion);
    switch (datafile_open(self->env, self->path, MDB_NOTLS, self->problem, sizeof self->problem)) {
    case WIRE_OK:
        return 0;
    case WIRE_FULL:
        return ENOSPC;
    case WIRE_DAMAGED:
        return MDB_CORRUPTED;
    default:
        return EIO;
    }
}

/* What an install or a refused snapshot left behind, if the process ended before it was emptied. */
static void sweep(struct base *self)
{
    MDB_stat stat = {0};
    begin_writing(self, true);
    if (self->code == 0)
        self->code = mdb_stat(self->writer, self->target, &stat);
    end_writing(self);
    struct buf *mark = base_staged(self);
    if (mark == NULL && stat.ms_entries > 0)
        base_unstage(self);
    buf_unref(&mark);
}

static int open_environment(struct base *self, const char *parent)
{
    if (mkdir(self->path, 0700) != 0 && errno != EEXIST)
        return errno;
    int code = mdb_env_create(&self->env);
    if (code == 0)
        code = mdb_env_set_mapsize(self->env, BASE_MAP_BYTES);
    if (code == 0)
        code = mdb_env_set_maxdbs(self->env, 3);
    if (code == 0)
        code = open_file(self);
    if (code == 0)
        code = open_tables(self);
    if (code == 0)
        code = disk_sync_directory(self->path);
    return code == 0 ? disk_sync_directory(parent) : code;
}

enum wire_error base_open(const char *directory, struct base **base,
                          char problem[STORE_PROBLEM_BYTES])
{
    struct base *self = wire_calloc(1, sizeof *self);
    size_t size = strlen(directory) + sizeof "/state";
    self->interface = (struct smr_base){.ops = &base_ops, .self = self};
    self->has_aside = aside_is_there(directory);
    self->directory = wire_alloc(size);
    snprintf(self->directory, size, "%s", directory);
    self->path = wire_alloc(size);
    snprintf(self->path, size, "%s/state", directory);
    int code = open_environment(self, directory);
    if (code != 0) {
        snprintf(problem, STORE_PROBLEM_BYTES,
                 "backer_path '%s': its state cannot be opened: %s; look at it with madkv-inspect",
                 directory, self->problem[0] != '\0' ? self->problem : mdb_strerror(code));
        base_close(&self);
        return code == ENOSPC || code == MDB_MAP_FULL ? WIRE_FULL
               : datafile_is_damage(code)             ? WIRE_DAMAGED
                                                      : WIRE_FAILED;
    }
    watched = self;
    datafile_watch_state(on_bad_page);
    sweep(self);
    struct buf *image = base_image(self);
    if (image != NULL)
        drop_aside(self); /* an earlier life had no time to */
    buf_unref(&image);
    *base = self;
    return WIRE_OK;
}

const struct smr_base *base_interface(const struct base *base)
{
    return &base->interface;
}

void base_close(struct base **base)
{
    struct base *self = *base;
    *base = NULL;
    if (self == NULL)
        return;
    if (self->reader != NULL)
        mdb_txn_abort(self->reader);
    if (self->env != NULL)
        mdb_env_close(self->env);
    if (watched == self)
        datafile_watch_state(NULL);
    free(self->directory);
    free(self->path);
    free(self);
}
