/* The directory, its lock and its files; walking tables. What the records in them mean is for log.c
 * and state.c.
 *
 * The lock of a serving process is asked for, shared, and held while we read; LMDB is opened
 * read-only and without locks of its own, so that no byte of the directory changes. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "actors/datafile.h"
#include "tools/inspect/guard.h"
#include "tools/inspect/report.h"

enum {
    TABLES_MAX = 4,
    MAIN_TABLE = 1, /* LMDB's handle of the table of tables */
    FREE_TABLE = 0, /* and of that of free pages */
    META_PAGES = 2,
    FIRST_PROBLEM_BYTES = 256,
};

static const char restore_advice[] =
    "move the directory away and start the replica again: it comes back on a new one by itself "
    "once "
    "the others of its group are up; keep the old one until it has";

void inspect_note(struct inspect_report *report, const struct inspect_damage *damage)
{
    if (report->damage_count < INSPECT_DAMAGE_MAX)
        report->damage[report->damage_count] = *damage;
    report->damage_count++;
}

static void note_file(struct inspect_report *report, const char *file, const char *what)
{
    struct inspect_damage damage = {.file = file, .advice = restore_advice};
    snprintf(damage.what, sizeof damage.what, "%s", what);
    inspect_note(report, &damage);
}

/* --- tables ----------------------------------------------------------------------------------- */

/* A walk through one table, to be guarded. */
struct walk {
    struct inspect_report *report;       /* for visit */
    const struct inspect_tables *tables; /* where */
    MDB_dbi table;                       /* which */
    inspect_visit *visit;                /* for each pair */
    uint64_t count;                      /* pairs visited */
    MDB_stat size;                       /* of the table, as it says itself */
    bool ordered;                        /* each key was above the one before */
    int code;                            /* that ended it */
    MDB_cursor *cursor;                  /* open, or NULL */
};

static struct span span_of_val(MDB_val val)
{
    return span_of(val.mv_data, val.mv_size);
}

/* A damaged tree may have cycles: no table is walked past what it says it holds. */
static void walk(void *context)
{
    struct walk *self = context;
    MDB_val key, value;
    uint8_t last[WIRE_KEY_BYTES_MAX + 1];
    size_t last_size = 0;
    self->ordered = true;
    self->code = mdb_stat(self->tables->txn, self->table, &self->size);
    if (self->code == 0)
        self->code = mdb_cursor_open(self->tables->txn, self->table, &self->cursor);
    if (self->code != 0)
        return;
    while (self->count <= self->size.ms_entries &&
           (self->code = mdb_cursor_get(self->cursor, &key, &value, MDB_NEXT)) == 0) {
        struct span name = span_of_val(key);
        self->ordered = self->ordered && name.size > 0 && name.size < sizeof last &&
                        (self->count == 0 || span_compare(span_of(last, last_size), name) < 0);
        last_size = name.size < sizeof last ? name.size : 0;
        memcpy(last, name.data, last_size);
        self->count++;
        self->visit(self->report, name, span_of_val(value));
    }
}

static void note_walk(const struct walk *self, const char *table, const char *stopped)
{
    char what[INSPECT_TEXT_BYTES];
    self->tables->size->whole = false;
    if (stopped != NULL)
        snprintf(what, sizeof what, "table %s: after %" PRIu64 " of %zu entries %s", table,
                 self->count, self->size.ms_entries, stopped);
    else if (self->code != MDB_NOTFOUND && self->code != 0)
        snprintf(what, sizeof what, "table %s: after %" PRIu64 " of %zu entries: %s", table,
                 self->count, self->size.ms_entries, mdb_strerror(self->code));
    else if (!self->ordered)
        snprintf(what, sizeof what, "table %s: its keys are not in order", table);
    else
        snprintf(what, sizeof what, "table %s: it says it has %zu entries, found %" PRIu64, table,
                 self->size.ms_entries, self->count);
    note_file(self->report, self->tables->file, what);
}

bool inspect_walk(struct inspect_report *report, const struct inspect_tables *tables,
                  const char *table, inspect_visit *visit)
{
    struct walk self = {.report = report, .tables = tables, .visit = visit};
    if (!tables->size->whole)
        return false;
    int code = mdb_dbi_open(tables->txn, table, 0, &self.table);
    if (code == MDB_NOTFOUND)
        return false;
    const char *stopped = NULL;
    if (code == 0)
        stopped = inspect_guard(walk, &self);
    else
        self.code = code;
    if (self.cursor != NULL)
        mdb_cursor_close(self.cursor);
    if (code != 0 || stopped != NULL || self.code != MDB_NOTFOUND || !self.ordered ||
        self.count != self.size.ms_entries)
        note_walk(&self, table, stopped);
    return true;
}

/* What inspect_get looks for and finds. */
struct search {
    const struct inspect_tables *tables; /* where */
    const char *table;                   /* in which table */
    MDB_val key;                         /* what */
    MDB_val value;                       /* found */
    int code;                            /* 0: it was found */
};

static void search(void *context)
{
    struct search *self = context;
    MDB_dbi table;
    self->code = mdb_dbi_open(self->tables->txn, self->table, 0, &table);
    if (self->code == 0)
        self->code = mdb_get(self->tables->txn, table, &self->key, &self->value);
}

bool inspect_get(struct inspect_report *report, const struct inspect_tables *tables,
                 const char *table, const char *key, struct span *value)
{
    struct search self = {.tables = tables,
                          .table = table,
                          .key = {.mv_size = strlen(key), .mv_data = (void *)(uintptr_t)key}};
    if (!tables->size->whole)
        return false;
    const char *stopped = inspect_guard(search, &self);
    if (stopped == NULL && self.code == 0) {
        *value = span_of_val(self.value);
        return true;
    }
    if (stopped != NULL || self.code != MDB_NOTFOUND) {
        char what[INSPECT_TEXT_BYTES];
        tables->size->whole = stopped == NULL;
        snprintf(what, sizeof what, "%s in table %s cannot be read: %s", key, table,
                 stopped != NULL ? stopped : mdb_strerror(self.code));
        note_file(report, tables->file, what);
    }
    return false;
}

/* --- files ------------------------------------------------------------------------------------ */

static uint64_t pages_of(const MDB_stat *stat)
{
    return stat->ms_branch_pages + stat->ms_leaf_pages + stat->ms_overflow_pages;
}

/* Pages of the tables whose names the main table holds, and of itself and the free list. */
static void measure(void *context)
{
    const struct inspect_tables *tables = context;
    MDB_stat stat;
    uint64_t pages = META_PAGES;
    MDB_cursor *cursor;
    MDB_val key, value;
    for (MDB_dbi table = FREE_TABLE; table <= MAIN_TABLE; table++)
        if (mdb_stat(tables->txn, table, &stat) == 0)
            pages += pages_of(&stat);
    if (mdb_cursor_open(tables->txn, MAIN_TABLE, &cursor) != 0)
        return;
    while (mdb_cursor_get(cursor, &key, &value, MDB_NEXT) == 0) {
        char name[64];
        MDB_dbi table;
        snprintf(name, sizeof name, "%.*s", (int)key.mv_size, (const char *)key.mv_data);
        if (mdb_dbi_open(tables->txn, name, 0, &table) == 0 &&
            mdb_stat(tables->txn, table, &stat) == 0)
            pages += pages_of(&stat);
    }
    mdb_cursor_close(cursor);
    tables->size->live_bytes = pages * stat.ms_psize;
}

/* An environment to be opened; datafile_open reads the list of free pages of a short file. */
struct opening {
    struct inspect_tables *tables;     /* to be filled */
    const char *directory;             /* where */
    enum wire_error error;             /* how it went */
    char problem[FIRST_PROBLEM_BYTES]; /* in words */
};

static void open_tables(void *context)
{
    struct opening *self = context;
    struct inspect_tables *tables = self->tables;
    int code = mdb_env_create(&tables->env);
    if (code == 0) {
        inspect_guard_assertions(tables->env);
        code = mdb_env_set_maxdbs(tables->env, TABLES_MAX);
    }
    if (code == 0)
        self->error =
            datafile_open(tables->env, self->directory, MDB_RDONLY | MDB_NOLOCK | MDB_NOTLS,
                          self->problem, sizeof self->problem);
    if (code == 0 && self->error != WIRE_OK)
        return;
    if (code == 0)
        code = mdb_txn_begin(tables->env, NULL, MDB_RDONLY, &tables->txn);
    if (code == 0)
        return;
    self->error = WIRE_FAILED;
    snprintf(self->problem, sizeof self->problem, "cannot be opened: %s", mdb_strerror(code));
}

/* Whatever is wrong with the file is damage, for it is there. */
static bool open_file(struct inspect_report *report, struct inspect_tables *tables,
                      const char *directory)
{
    struct opening self = {.tables = tables, .directory = directory};
    struct datafile file;
    char path[4200];
    snprintf(path, sizeof path, "%s/data.mdb", directory);
    tables->size->there =
        datafile_look(path, &file, self.problem, sizeof self.problem) != WIRE_NOT_FOUND;
    tables->size->bytes = file.bytes;
    if (!tables->size->there)
        return false;
    const char *stopped = inspect_guard(open_tables, &self);
    tables->size->whole = stopped == NULL && self.error == WIRE_OK;
    if (tables->size->whole)
        stopped = inspect_guard(measure, tables);
    if (stopped != NULL || !tables->size->whole)
        note_file(report, tables->file, stopped != NULL ? stopped : self.problem);
    tables->size->whole = tables->size->whole && stopped == NULL;
    return tables->size->whole;
}

static void close_file(struct inspect_tables *tables)
{
    if (tables->txn != NULL)
        mdb_txn_abort(tables->txn);
    if (tables->env != NULL)
        mdb_env_close(tables->env);
}

/* --- the directory ---------------------------------------------------------------------------- */

/* The lock's descriptor; -1: it is held by somebody else, or (*error WIRE_OK) there is none. */
static int lock_directory(const char *path, enum wire_error *error, char *problem)
{
    char name[4200], owner[32] = "";
    snprintf(name, sizeof name, "%s/LOCK", path);
    int lock = open(name, O_RDONLY | O_CLOEXEC);
    *error = lock < 0 && errno != ENOENT ? WIRE_FAILED : WIRE_OK;
    if (lock < 0 || flock(lock, LOCK_SH | LOCK_NB) == 0) {
        if (*error != WIRE_OK)
            snprintf(problem, INSPECT_TEXT_BYTES, "cannot open the file LOCK in it: %s",
                     strerror(errno));
        return lock;
    }
    *error = WIRE_IN_USE;
    ssize_t size = pread(lock, owner, sizeof owner - 1, 0);
    owner[size < 0 ? 0 : size] = '\0';
    snprintf(problem, INSPECT_TEXT_BYTES,
             "is in use by process %ld; madkv-inspect looks at what no process uses; ask a running "
             "one with madkv-monitor",
             strtol(owner, NULL, 10));
    close(lock);
    return -1;
}

static enum wire_error check_directory(const char *path, char *problem)
{
    struct stat status;
    char name[4200];
    int written = snprintf(name, sizeof name, "%s/data.mdb", path);
    int code = written >= (int)sizeof name - 64 ? ENAMETOOLONG
               : stat(path, &status) != 0       ? errno
                                                : 0;
    if (code == 0 && !S_ISDIR(status.st_mode))
        code = ENOTDIR;
    if (code == 0 && access(path, X_OK) != 0)
        code = errno;
    if (code != 0) {
        snprintf(problem, INSPECT_TEXT_BYTES,
                 "cannot be looked at: %s; expected the directory of a server or manager",
                 strerror(code));
        return WIRE_IDENTITY;
    }
    if (stat(name, &status) == 0)
        return WIRE_OK;
    snprintf(
        problem, INSPECT_TEXT_BYTES,
        "is not a directory of MadKV: %s; expected what --backer_path of a server or manager said",
        errno == ENOENT ? "no data.mdb is in it" : strerror(errno));
    return WIRE_IDENTITY;
}

/* Another program's database is no damage, nor is another format. */
static enum wire_error check_format(const struct inspect_report *report,
                                    const struct inspect_tables *tables, char *problem)
{
    struct inspect_report aside = {.path = report->path};
    struct span value;
    if (!tables->size->whole)
        return WIRE_OK;
    bool found = inspect_get(&aside, tables, "meta", "identity", &value);
    unsigned format = found ? wire_record_foreign_format(value) : 0;
    if (format != 0)
        snprintf(problem, INSPECT_TEXT_BYTES,
                 "has format %u, this program reads format %d only; nothing in it was changed; use "
                 "the program that made it",
                 format, WIRE_RECORD_FORMAT);
    else if (!found && aside.damage_count == 0)
        snprintf(problem, INSPECT_TEXT_BYTES,
                 "holds a database of another program, or one of a process that died before its "
                 "first commit");
    return format != 0 || (!found && aside.damage_count == 0) ? WIRE_IDENTITY : WIRE_OK;
}

static enum wire_error look_at_files(struct inspect_report *report, char *problem)
{
    char state_path[4200];
    struct inspect_tables log = {.file = "data.mdb", .size = &report->log};
    struct inspect_tables state = {.file = "state/data.mdb", .size = &report->state};
    snprintf(state_path, sizeof state_path, "%s/state", report->path);
    bool readable = open_file(report, &log, report->path);
    if (!report->log.there) {
        snprintf(problem, INSPECT_TEXT_BYTES, "holds nothing yet: its data.mdb is empty");
        return WIRE_IDENTITY;
    }
    enum wire_error error = readable ? check_format(report, &log, problem) : WIRE_OK;
    if (error == WIRE_OK) {
        inspect_log(report, &log);
        if (open_file(report, &state, state_path))
            inspect_state(report, &state);
        inspect_compare(report);
        close_file(&state);
    }
    close_file(&log);
    return error;
}

enum wire_error inspect_look(struct inspect_report *report, char problem[INSPECT_TEXT_BYTES])
{
    enum wire_error error = check_directory(report->path, problem);
    if (error != WIRE_OK)
        return error;
    int lock = lock_directory(report->path, &error, problem);
    if (error == WIRE_OK)
        error = look_at_files(report, problem);
    if (lock >= 0)
        close(lock);
    return error;
}

void inspect_report_free(struct inspect_report *report)
{
    wire_writer_free(&report->topology);
}
