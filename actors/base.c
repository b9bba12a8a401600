#include "actors/base.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <lmdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "actors/crash.h"
#include "actors/datafile.h"
#include "wire/hash.h"
#include "wire/say.h"

#define BASE_MAP_BYTES ((size_t)256 << 30) /* address space only; the file grows as it fills */

enum {
    HASH_BYTES = 8,
    PAGE_BYTES = 4096,               /* of LMDB, as this file reckons */
    RECORD_SLACK_BYTES = 64,         /* of a record: hash, node and index beside key and value */
    RESERVE_BYTES = 4 * 1024 * 1024, /* a checkpoint that would leave less is refused as FULL */
};

struct base {
    struct smr_base interface; /* what others see */
    char *path;                /* the directory */
    MDB_env *env;              /* the environment */
    MDB_dbi kv;                /* pairs */
    MDB_dbi meta;              /* the image */
    MDB_txn *reader;           /* the applier's; reset between reads */
    MDB_txn *writer;           /* of the checkpoint in the making, or NULL */
    int code;                  /* first error of it */
    uint64_t changes;          /* put into it */
    uint64_t added;            /* bytes of new pages it may need for them */
    char problem[256];         /* what is wrong with its file, if that is known; else empty */
};

static void die(const struct base *self, const char *what, int code)
{
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

static uint64_t record_hash(struct span key, struct span value)
{
    return wire_hash_seeded(value, wire_hash(key));
}

/* The value in a record, or the end of the process. */
static struct span open_record(const struct base *self, struct span key, struct span record)
{
    if (record.size >= HASH_BYTES) {
        struct span value = span_of(record.data + HASH_BYTES, record.size - HASH_BYTES);
        if (record_hash(key, value) == wire_get_u64(record.data))
            return value;
    }
    wire_say_die(WIRE_EXIT_STORAGE,
                 "the state in %s: a record is damaged (its checksum does not fit): restore the "
                 "whole directory from one copy",
                 self->path);
}

static int put_record(MDB_txn *txn, MDB_dbi dbi, struct span key, struct span value)
{
    MDB_val at = val_of(key);
    MDB_val room = {.mv_size = HASH_BYTES + value.size};
    int code = mdb_put(txn, dbi, &at, &room, MDB_RESERVE);
    if (code != 0)
        return code;
    uint8_t *to = room.mv_data;
    wire_put_u64(to, record_hash(key, value));
    memcpy(to + HASH_BYTES, value.data, value.size);
    return 0;
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

static struct buf *read_record(struct base *self, MDB_dbi dbi, struct span key)
{
    MDB_val at = val_of(key), record;
    struct buf *value = NULL;
    int code = mdb_get(begin_reading(self), dbi, &at, &record);
    if (code == 0)
        value = buf_copy(open_record(self, key, span_of_val(record)));
    else if (code != MDB_NOTFOUND)
        die(self, "cannot read", code);
    mdb_txn_reset(self->reader);
    return value;
}

static struct buf *base_get(void *base, struct span key)
{
    struct base *self = base;
    return read_record(self, self->kv, key);
}

static struct buf *base_image(void *base)
{
    struct base *self = base;
    return read_record(self, self->meta, span_text("image"));
}

static void base_scan(void *base, struct span from, bool after, smr_base_visit *visit,
                      void *context)
{
    struct base *self = base;
    MDB_cursor *cursor;
    MDB_val key = val_of(from), record;
    int code = mdb_cursor_open(begin_reading(self), self->kv, &cursor);
    if (code != 0)
        die(self, "cannot read", code);
    /* LMDB has no empty key, not even to look for what is above it. */
    code = mdb_cursor_get(cursor, &key, &record, from.size == 0 ? MDB_FIRST : MDB_SET_RANGE);
    if (code == 0 && after && span_equal(span_of_val(key), from))
        code = mdb_cursor_get(cursor, &key, &record, MDB_NEXT);
    while (code == 0) {
        struct span value = open_record(self, span_of_val(key), span_of_val(record));
        if (!visit(context, span_of_val(key), value))
            break;
        code = mdb_cursor_get(cursor, &key, &record, MDB_NEXT);
    }
    if (code != 0 && code != MDB_NOTFOUND)
        die(self, "cannot read", code);
    mdb_cursor_close(cursor);
    mdb_txn_reset(self->reader);
}

/* --- checkpoints: the checkpointer's thread ------------------------------------------------------
 */

static void base_begin(void *base)
{
    struct base *self = base;
    assert(self->writer == NULL);
    self->changes = 0;
    self->added = 0;
    self->code = mdb_txn_begin(self->env, NULL, 0, &self->writer);
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
    if (value.size > 0) {
        self->code = put_record(self->writer, self->kv, key, value);
        return;
    }
    MDB_val at = val_of(key);
    int code = mdb_del(self->writer, self->kv, &at, NULL);
    self->code = code == MDB_NOTFOUND ? 0 : code;
}

/* Each page that is there is written anew at most once, and a change touches a leaf and now and
 * then what is above it: so a small state asks for little however many changes there are. */
static uint64_t rewritten_bytes(const struct base *self)
{
    uint64_t touched = self->changes * 2 * PAGE_BYTES;
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

static int commit_now(struct base *self)
{
    crash_at(CRASH_CHECKPOINT_BEFORE);
    int code = mdb_txn_commit(self->writer);
    crash_at(CRASH_CHECKPOINT_AFTER);
    return code;
}

static enum wire_error base_commit(void *base, struct span image)
{
    struct base *self = base;
    if (self->code == 0)
        self->code = has_room(self, image.size)
                         ? put_record(self->writer, self->meta, span_text("image"), image)
                         : ENOSPC;
    if (self->code == 0)
        self->code = commit_now(self);
    else if (self->writer != NULL)
        mdb_txn_abort(self->writer);
    self->writer = NULL;
    if (self->code == MDB_MAP_FULL || self->code == ENOSPC || self->code == EDQUOT)
        return WIRE_FULL;
    if (self->code != 0)
        die(self, "a checkpoint cannot be written", self->code);
    return WIRE_OK;
}

static const struct smr_base_ops base_ops = {
    .get = base_get,
    .scan = base_scan,
    .image = base_image,
    .begin = base_begin,
    .put = base_put,
    .commit = base_commit,
};

/* --- open and close ------------------------------------------------------------------------------
 */

static int sync_directory(const char *path)
{
    int directory = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int code = directory < 0 || fsync(directory) != 0 ? errno : 0;
    if (directory >= 0)
        close(directory);
    return code;
}

static int open_tables(struct base *self)
{
    MDB_txn *txn;
    int code = mdb_txn_begin(self->env, NULL, 0, &txn);
    if (code != 0)
        return code;
    code = mdb_dbi_open(txn, "kv", MDB_CREATE, &self->kv);
    if (code == 0)
        code = mdb_dbi_open(txn, "meta", MDB_CREATE, &self->meta);
    if (code == 0)
        return mdb_txn_commit(txn);
    mdb_txn_abort(txn);
    return code;
}

static int open_file(struct base *self)
{
    datafile_watch_assertions(self->env);
    switch (datafile_open(self->env, self->path, MDB_NOTLS, self->problem, sizeof self->problem)) {
    case WIRE_OK:
        return 0;
    case WIRE_FULL:
        return ENOSPC;
    default:
        return MDB_CORRUPTED;
    }
}

static int open_environment(struct base *self, const char *parent)
{
    if (mkdir(self->path, 0700) != 0 && errno != EEXIST)
        return errno;
    int code = mdb_env_create(&self->env);
    if (code == 0)
        code = mdb_env_set_mapsize(self->env, BASE_MAP_BYTES);
    if (code == 0)
        code = mdb_env_set_maxdbs(self->env, 2);
    if (code == 0)
        code = open_file(self);
    if (code == 0)
        code = open_tables(self);
    if (code == 0)
        code = sync_directory(self->path);
    return code == 0 ? sync_directory(parent) : code;
}

enum wire_error base_open(const char *directory, struct base **base,
                          char problem[STORE_PROBLEM_BYTES])
{
    struct base *self = wire_calloc(1, sizeof *self);
    size_t size = strlen(directory) + sizeof "/state";
    self->interface = (struct smr_base){.ops = &base_ops, .self = self};
    self->path = wire_alloc(size);
    snprintf(self->path, size, "%s/state", directory);
    int code = open_environment(self, directory);
    if (code != 0) {
        snprintf(problem, STORE_PROBLEM_BYTES,
                 "backer_path '%s': its state cannot be opened: %s; look at it with madkv-inspect",
                 directory, self->problem[0] != '\0' ? self->problem : mdb_strerror(code));
        base_close(&self);
        return code == ENOSPC || code == MDB_MAP_FULL ? WIRE_FULL : WIRE_FAILED;
    }
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
    free(self->path);
    free(self);
}

int base_wipe(const char *directory)
{
    static const char *const names[] = {"data.mdb", "lock.mdb"};
    char path[4096];
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        int size = snprintf(path, sizeof path, "%s/state/%s", directory, names[i]);
        if (size < 0 || (size_t)size >= sizeof path)
            return ENAMETOOLONG;
        if (unlink(path) != 0 && errno != ENOENT)
            return errno;
    }
    snprintf(path, sizeof path, "%s/state", directory);
    int code = sync_directory(path);
    return code == ENOENT ? 0 : code;
}
