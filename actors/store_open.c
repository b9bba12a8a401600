/* Opening a replica's directory: make it or check whose it is, lock it, count up its start. Each
 * refusal is one line that says what was found, what was expected and what to do. */
#include "actors/store.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "actors/crash.h"
#include "actors/datafile.h"
#include "actors/disk.h"
#include "actors/store_private.h"
#include "smr/memory_log.h"
#include "wire/message.h"
#include "wire/say.h"

enum {
    DIRECTORY_MODE = 0700,
    FILE_MODE = 0600,
    READERS_MAX = 8,      /* one is used; a monitor with mdb_stat may look in */
    NAME_BYTES = 64,      /* of a replica, in words */
    PROBLEM_BYTES = 256,  /* of what is wrong with the data file */
    TOPOLOGY_SHOWN = 400, /* bytes of a topology that a line shows */
};

#define LOOK_AT_IT "; look at it with madkv-inspect"

struct opening {
    const struct store_config *config; /* what was asked for */
    struct store *store;               /* as far as it got */
    char *problem;                     /* STORE_PROBLEM_BYTES for the line */
    bool is_new;                       /* nobody's directory so far */
};

static enum wire_error refuse(struct opening *self, enum wire_error error, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

static enum wire_error refuse(struct opening *self, enum wire_error error, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(self->problem, STORE_PROBLEM_BYTES, format, arguments);
    va_end(arguments);
    return error;
}

static enum wire_error refuse_code(struct opening *self, int code, const char *doing)
{
    enum wire_error error = store_error(code);
    if (error == WIRE_FULL)
        return refuse(self, WIRE_FULL, "backer_path '%s': no room left on the disk (%s); make room",
                      self->config->path, doing);
    return refuse(self, error == WIRE_NOT_FOUND ? WIRE_FAILED : error, "backer_path '%s': %s: %s",
                  self->config->path, doing, mdb_strerror(code));
}

/* --- the directory ---------------------------------------------------------------------------- */

/* A new name is durable only when the directory that holds it is. */
static int sync_parent(const char *path)
{
    char *parent = strdup(path);
    if (parent == NULL)
        return ENOMEM;
    char *slash = strrchr(parent, '/');
    const char *name = slash == NULL ? "." : slash == parent ? "/" : parent;
    if (slash != NULL && slash != parent)
        *slash = '\0';
    int code = disk_sync_directory(name);
    free(parent);
    return code;
}

/* Makes path and whatever above it is missing; 0 or an errno. */
static int make_directories(char *path)
{
    if (mkdir(path, DIRECTORY_MODE) == 0)
        return sync_parent(path);
    if (errno != ENOENT)
        return errno == EEXIST ? 0 : errno;
    char *slash = strrchr(path, '/');
    if (slash == NULL || slash == path)
        return ENOENT;
    *slash = '\0';
    int code = make_directories(path);
    *slash = '/';
    if (code != 0)
        return code;
    if (mkdir(path, DIRECTORY_MODE) != 0 && errno != EEXIST)
        return errno;
    return sync_parent(path);
}

static char *copy_path(const char *path)
{
    size_t size = strlen(path);
    while (size > 1 && path[size - 1] == '/')
        size--;
    char *copy = wire_alloc(size + 1);
    memcpy(copy, path, size);
    copy[size] = '\0';
    return copy;
}

static enum wire_error open_directory(struct opening *self)
{
    struct store *store = self->store;
    store->path = copy_path(self->config->path);
    int code = make_directories(store->path);
    if (code != 0)
        return refuse_code(self, code, "cannot make the directory");
    store->directory = open(store->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (store->directory < 0 && errno == ENOTDIR)
        return refuse(self, WIRE_FAILED, "backer_path '%s' is a file; give a directory",
                      self->config->path);
    if (store->directory < 0)
        return refuse_code(self, errno, "cannot open the directory");
    if (faccessat(store->directory, ".", W_OK | X_OK, AT_EACCESS) != 0)
        return refuse_code(self, errno, "cannot write into the directory");
    return WIRE_OK;
}

/* A lock of its own file: LMDB's own locks are fcntl locks, which any close() of the file drops. */
static enum wire_error lock_directory(struct opening *self)
{
    struct store *store = self->store;
    store->lock = openat(store->directory, "LOCK", O_RDWR | O_CREAT | O_CLOEXEC, FILE_MODE);
    if (store->lock < 0)
        return refuse_code(self, errno, "cannot open the file LOCK in it");
    char owner[32] = "";
    if (flock(store->lock, LOCK_EX | LOCK_NB) != 0) {
        if (errno != EWOULDBLOCK)
            return refuse_code(self, errno, "cannot lock the file LOCK in it");
        ssize_t size = pread(store->lock, owner, sizeof owner - 1, 0);
        owner[size < 0 ? 0 : size] = '\0';
        return refuse(self, WIRE_IN_USE,
                      "backer_path '%s' is in use by process %ld; end that one first",
                      self->config->path, strtol(owner, NULL, 10));
    }
    /* For people only, so it need not succeed. */
    int size = snprintf(owner, sizeof owner, "%ld\n", (long)getpid());
    if (ftruncate(store->lock, 0) != 0 || pwrite(store->lock, owner, (size_t)size, 0) != size)
        return WIRE_OK;
    return WIRE_OK;
}

/* A start on a full disk would promise nothing and store nothing; worse, LMDB maps its lock file,
 * and touching a page of a map that has no room behind it is a SIGBUS. So it is refused. */
static enum wire_error check_room(struct opening *self)
{
    uint64_t room = store_room(self->store);
    if (room >= self->store->reserve_bytes)
        return WIRE_OK;
    return refuse(self, WIRE_FULL,
                  "backer_path '%s': no room left on the disk (%" PRIu64 " bytes, at least %" PRIu64
                  " are needed); make room",
                  self->config->path, room, self->store->reserve_bytes);
}

/* --- the environment -------------------------------------------------------------------------- */

static enum wire_error open_environment(struct opening *self)
{
    struct store *store = self->store;
    uint64_t map_bytes = self->config->map_bytes == 0 ? STORE_MAP_BYTES : self->config->map_bytes;
    store->map_bytes = map_bytes;
    int code = mdb_env_create(&store->env);
    if (code == 0)
        code = mdb_env_set_mapsize(store->env, map_bytes);
    if (code == 0)
        code = mdb_env_set_maxdbs(store->env, 2);
    if (code == 0)
        code = mdb_env_set_maxreaders(store->env, READERS_MAX);
    if (code != 0)
        return refuse_code(self, code, "cannot open the database in it");
    char problem[PROBLEM_BYTES];
    datafile_watch(store->path);
    datafile_watch_assertions(store->env);
    enum wire_error error =
        datafile_open(store->env, store->path, MDB_NOTLS, problem, sizeof problem);
    if (error == WIRE_OK)
        return WIRE_OK;
    return refuse(self, error, "backer_path '%s': %s%s", self->config->path, problem,
                  error == WIRE_DAMAGED ? LOOK_AT_IT : "");
}

/* Nobody's yet: LMDB made it just now, or died before its first transaction. */
static bool is_empty(MDB_txn *txn)
{
    MDB_dbi main;
    MDB_stat stat;
    return mdb_dbi_open(txn, NULL, 0, &main) == 0 && mdb_stat(txn, main, &stat) == 0 &&
           stat.ms_entries == 0;
}

/* Opens what is there, in a read transaction: a refusal must not change a byte. */
static enum wire_error open_databases(struct opening *self, MDB_txn *txn)
{
    struct store *store = self->store;
    int code = mdb_dbi_open(txn, "meta", 0, &store->meta);
    if (code == 0)
        code = mdb_dbi_open(txn, "log", 0, &store->log);
    if (code == 0)
        return WIRE_OK;
    if (code == MDB_NOTFOUND && is_empty(txn)) {
        self->is_new = true;
        return WIRE_OK;
    }
    if (code == MDB_NOTFOUND || code == MDB_INCOMPATIBLE)
        return refuse(
            self, WIRE_IDENTITY,
            "backer_path '%s' holds a database of another program; give another directory",
            self->config->path);
    return refuse_code(self, code, "cannot open the tables in it");
}

/* --- identity --------------------------------------------------------------------------------- */

static const char *node_name(const struct wire_identity *identity, char name[NAME_BYTES])
{
    if (identity->group == WIRE_GROUP_MANAGERS)
        snprintf(name, NAME_BYTES, "manager m.%u", identity->replica);
    else
        snprintf(name, NAME_BYTES, "server s%" PRIu32 ".%u", identity->group, identity->replica);
    return name;
}

static enum wire_error refuse_topology(struct opening *self, MDB_txn *txn)
{
    struct wire_writer founded = {0};
    if (store_read_meta(txn, self->store->meta, "topology", &founded) != WIRE_OK)
        wire_write_raw(&founded, span_text("another topology"));
    const char *asked = self->config->topology == NULL ? "another" : self->config->topology;
    int size = founded.size > TOPOLOGY_SHOWN ? TOPOLOGY_SHOWN : (int)founded.size;
    enum wire_error error =
        refuse(self, WIRE_USAGE,
               "backer_path '%s' was founded with %.*s; the flags say %.*s; give the "
               "same flags or another directory",
               self->config->path, size, (const char *)founded.data, TOPOLOGY_SHOWN, asked);
    wire_writer_free(&founded);
    return error;
}

static enum wire_error check_identity(struct opening *self, MDB_txn *txn,
                                      const struct wire_identity *found)
{
    const struct wire_identity *self_id = &self->config->self;
    const char *path = self->config->path;
    char theirs[NAME_BYTES], ours[NAME_BYTES];
    if (found->group != self_id->group || found->replica != self_id->replica)
        return refuse(self, WIRE_IDENTITY,
                      "backer_path '%s' belongs to %s, this is %s; give it a directory of its own",
                      path, node_name(found, theirs), node_name(self_id, ours));
    if (found->topology != 0 && self_id->topology != 0 && found->topology != self_id->topology)
        return refuse_topology(self, txn);
    if (found->replica_count != self_id->replica_count)
        return refuse(self, WIRE_USAGE,
                      "backer_path '%s' was founded with %u replicas; the flags say %u; give the "
                      "same flags or another directory",
                      path, found->replica_count, self_id->replica_count);
    if (found->protocol != self_id->protocol)
        return refuse(self, WIRE_IDENTITY,
                      "backer_path '%s' was written with --protocol %s, this is --protocol %s; give "
                      "that protocol or another directory",
                      path, wire_protocol_text(found->protocol),
                      wire_protocol_text(self_id->protocol));
    if (found->cluster != 0 && self_id->cluster != 0 && found->cluster != self_id->cluster)
        return refuse(self, WIRE_IDENTITY,
                      "backer_path '%s' belongs to cluster %016" PRIx64 ", this is %016" PRIx64
                      "; give it a directory of its own",
                      path, found->cluster, self_id->cluster);
    return WIRE_OK;
}

static enum wire_error read_identity(struct opening *self, MDB_txn *txn)
{
    struct store *store = self->store;
    struct wire_identity found = {0};
    enum wire_error error = store_read_meta(txn, store->meta, "identity", &store->scratch);
    if (error == WIRE_OK)
        error = wire_identity_decode(wire_writer_span(&store->scratch), &found);
    if (error == WIRE_FAILED)
        return refuse(self, WIRE_FAILED, "backer_path '%s': cannot read whose it is",
                      self->config->path);
    unsigned format = wire_record_foreign_format(wire_writer_span(&store->scratch));
    if (error != WIRE_OK && format != 0)
        return refuse(
            self, WIRE_IDENTITY,
            "backer_path '%s' has format %u, this program reads and writes format %d only; "
            "nothing in it was changed; use the program that made it",
            self->config->path, format, WIRE_RECORD_FORMAT);
    if (error != WIRE_OK)
        return refuse(self, WIRE_DAMAGED,
                      "backer_path '%s': the record of whose it is is damaged; restore the "
                      "directory from a copy, or retire this replica",
                      self->config->path);
    /* Without a birth nothing was ever promised from here, and the first start may have been a
     * mistake that the managers or the flags' reader found out: it is still anybody's. */
    if (found.birth.generation == 0) {
        store->identity.start = found.start;
    } else {
        error = check_identity(self, txn, &found);
        if (error != WIRE_OK)
            return error;
        store->identity = found;
    }
    if (store_find_highest(store, txn) != WIRE_OK)
        return refuse(self, WIRE_DAMAGED, "backer_path '%s': the log's table is damaged",
                      self->config->path);
    return WIRE_OK;
}

/* Checks without writing. */
static enum wire_error look_inside(struct opening *self)
{
    MDB_txn *txn;
    int code = mdb_txn_begin(self->store->env, NULL, MDB_RDONLY, &txn);
    if (code != 0)
        return refuse_code(self, code, "cannot read the database in it");
    enum wire_error error = open_databases(self, txn);
    if (error == WIRE_OK && !self->is_new)
        error = read_identity(self, txn);
    /* Committed, not aborted: only so do the handles of the tables outlive it. */
    if (error == WIRE_OK)
        mdb_txn_commit(txn);
    else
        mdb_txn_abort(txn);
    return error;
}

static int write_identity(struct store *self, MDB_txn *txn, const struct wire_identity *identity)
{
    wire_writer_clear(&self->scratch);
    wire_identity_encode(identity, &self->scratch);
    return store_put_meta(txn, self->meta, "identity", wire_writer_span(&self->scratch));
}

/* The tables of a new directory, in the same transaction as its identity. */
static int make_databases(struct opening *self, MDB_txn *txn)
{
    struct store *store = self->store;
    int code = mdb_dbi_open(txn, "meta", MDB_CREATE, &store->meta);
    if (code == 0)
        code = mdb_dbi_open(txn, "log", MDB_CREATE, &store->log);
    return code;
}

static int commit_between(MDB_txn *txn, enum crash_point before, enum crash_point after)
{
    crash_at(before);
    int code = mdb_txn_commit(txn);
    crash_at(after);
    return code;
}

static enum wire_error count_start(struct opening *self)
{
    struct store *store = self->store;
    struct wire_identity next = store->identity;
    next.start++;
    MDB_txn *txn;
    int code = mdb_txn_begin(store->env, NULL, 0, &txn);
    if (code != 0)
        return refuse_code(self, code, "cannot write the database in it");
    if (self->is_new)
        code = make_databases(self, txn);
    if (code == 0 && next.birth.generation == 0 && self->config->topology != NULL)
        code = store_put_meta(txn, store->meta, "topology", span_text(self->config->topology));
    if (code == 0)
        code = write_identity(store, txn, &next);
    if (code != 0)
        mdb_txn_abort(txn);
    else
        code = commit_between(txn, CRASH_START_BEFORE, CRASH_START_AFTER);
    if (code != 0)
        return refuse_code(self, code, "cannot write the database in it");
    /* LMDB syncs its file, not the directory entry of the file. */
    if (self->is_new && fsync(store->directory) != 0)
        return refuse_code(self, errno, "cannot sync the directory");
    store->identity = next;
    return WIRE_OK;
}

/* --- the doors -------------------------------------------------------------------------------- */

static struct wire_identity newborn(const struct wire_identity *self)
{
    struct wire_identity identity = *self;
    identity.birth = (struct wire_birth){0};
    identity.start = 0;
    return identity;
}

static enum wire_error open_on_disk(struct opening *self)
{
    enum wire_error error = open_directory(self);
    if (error == WIRE_OK)
        error = lock_directory(self);
    if (error == WIRE_OK)
        error = check_room(self);
    if (error == WIRE_OK)
        error = open_environment(self);
    if (error == WIRE_OK)
        error = look_inside(self);
    if (error == WIRE_OK)
        error = count_start(self);
    return error;
}

enum wire_error store_open(const struct store_config *config, struct store **store,
                           char problem[STORE_PROBLEM_BYTES])
{
    struct store *self = wire_calloc(1, sizeof *self);
    self->directory = -1;
    self->lock = -1;
    self->identity = newborn(&config->self);
    self->reserve_bytes = config->reserve_bytes == 0 ? STORE_RESERVE_BYTES : config->reserve_bytes;
    struct opening opening = {.config = config, .store = self, .problem = problem};
    enum wire_error error = WIRE_OK;
    if (config->path == NULL) {
        self->memory = smr_memory_log_new();
        self->identity.start = 1;
    } else {
        error = open_on_disk(&opening);
    }
    if (error != WIRE_OK) {
        store_close(&self);
        return error;
    }
    *store = self;
    return WIRE_OK;
}

/* From its birth on a directory has a hard state: if there is none later, it is lost, not absent. */
static int found_hard_state(struct store *self, MDB_txn *txn)
{
    static const struct wire_hard_state nothing;
    wire_writer_clear(&self->scratch);
    enum wire_error error = store_read_meta(txn, self->meta, "hard_state", &self->scratch);
    if (error != WIRE_NOT_FOUND)
        return error == WIRE_OK ? 0 : EIO;
    wire_hard_state_encode(&nothing, &self->scratch);
    return store_put_meta(txn, self->meta, "hard_state", wire_writer_span(&self->scratch));
}

static int drop_log(const struct store *self, MDB_txn *txn)
{
    int code = mdb_drop(txn, self->log, 0);
    return code == 0 ? store_delete_meta(txn, self->meta, "hard_state") : code;
}

static int replace_identity(struct store *self, const struct wire_identity *identity, bool wipe)
{
    MDB_txn *txn;
    int code = mdb_txn_begin(self->env, NULL, 0, &txn);
    if (code != 0)
        return code;
    bool born = self->identity.birth.generation == 0 && identity->birth.generation != 0;
    if (wipe)
        code = drop_log(self, txn);
    if (code == 0 && (wipe || born))
        code = found_hard_state(self, txn);
    if (code == 0)
        code = write_identity(self, txn, identity);
    if (code != 0)
        mdb_txn_abort(txn);
    else
        code = commit_between(txn, CRASH_IDENTITY_BEFORE, CRASH_IDENTITY_AFTER);
    return code;
}

static enum wire_error put_identity(struct store *self, const struct wire_identity *identity,
                                    bool wipe)
{
    int code = self->path == NULL ? 0 : replace_identity(self, identity, wipe);
    if (code != 0) {
        wire_say("cannot write the identity in %s: %s", self->path, mdb_strerror(code));
        return store_error(code);
    }
    self->identity = *identity;
    return WIRE_OK;
}

enum wire_error store_put_identity(struct store *self, const struct wire_identity *identity)
{
    return put_identity(self, identity, false);
}

enum wire_error store_wipe(struct store *self, const struct wire_identity *identity)
{
    assert(self->path != NULL && self->queue_count == 0 && !self->state_queued);
    enum wire_error error = put_identity(self, identity, true);
    if (error == WIRE_OK)
        self->highest = 0;
    return error;
}
