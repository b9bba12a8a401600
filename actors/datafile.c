#include "actors/datafile.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "actors/store_private.h"
#include "wire/hash.h"
#include "wire/say.h"

enum {
    META_BYTES = 152, /* of a meta page that matter */
    META_MAGIC = 16,
    META_VERSION = 20,
    META_PAGE_BYTES = 40,
    META_FREE_ROOT = 80,
    META_MAIN_ROOT = 128,
    META_LAST_PAGE = 136,
    META_TRANSACTION = 144,
    DATA_VERSION = 1,
    PAGE_BYTES_MIN = 512,
    PAGE_BYTES_MAX = 65536,
    FILE_MODE = 0600,
    FREE_TABLE = 0, /* LMDB's handle of the table of free pages */
};

#define META_MAGIC_NUMBER 0xBEEFC0DEu
#define NO_PAGE UINT64_MAX /* root of an empty table */

/* --- the meta pages --------------------------------------------------------------------------- */

static bool is_meta(const uint8_t *page)
{
    uint32_t page_bytes = wire_get_u32(page + META_PAGE_BYTES);
    return wire_get_u32(page + META_MAGIC) == META_MAGIC_NUMBER && page_bytes >= PAGE_BYTES_MIN &&
           page_bytes <= PAGE_BYTES_MAX && (page_bytes & (page_bytes - 1)) == 0;
}

static enum wire_error judge_metas(uint8_t metas[2][META_BYTES], struct datafile *file,
                                   char *problem, size_t room)
{
    bool newer =
        wire_get_u64(metas[1] + META_TRANSACTION) > wire_get_u64(metas[0] + META_TRANSACTION);
    const uint8_t *meta = metas[newer ? 1 : 0];
    file->page_bytes = wire_get_u32(meta + META_PAGE_BYTES);
    file->page_count = wire_get_u64(meta + META_LAST_PAGE) + 1;
    file->transaction = wire_get_u64(meta + META_TRANSACTION);
    if (wire_get_u32(meta + META_VERSION) != DATA_VERSION) {
        snprintf(problem, room, "data.mdb has LMDB's format %u; this program knows %d",
                 wire_get_u32(meta + META_VERSION), DATA_VERSION);
        return WIRE_FAILED;
    }
    uint64_t roots[2] = {wire_get_u64(meta + META_FREE_ROOT), wire_get_u64(meta + META_MAIN_ROOT)};
    for (int i = 0; i < 2; i++) {
        if (roots[i] == NO_PAGE || roots[i] < file->bytes / file->page_bytes)
            continue;
        snprintf(problem, room,
                 "data.mdb is cut short: it has %" PRIu64 " bytes, and what it holds begins at "
                 "page %" PRIu64 " of %" PRIu64 " bytes each",
                 file->bytes, roots[i], file->page_bytes);
        return WIRE_DAMAGED;
    }
    return WIRE_OK;
}

static enum wire_error look_at(int fd, struct datafile *file, char *problem, size_t room)
{
    struct stat status;
    uint8_t metas[2][META_BYTES];
    if (fstat(fd, &status) != 0) {
        snprintf(problem, room, "data.mdb cannot be read: %s", strerror(errno));
        return WIRE_FAILED;
    }
    file->bytes = (uint64_t)status.st_size;
    if (file->bytes == 0)
        return WIRE_NOT_FOUND;
    ssize_t got = pread(fd, metas[0], META_BYTES, 0);
    if (got == META_BYTES && is_meta(metas[0]))
        got = pread(fd, metas[1], META_BYTES, wire_get_u32(metas[0] + META_PAGE_BYTES));
    if (got < 0) {
        snprintf(problem, room, "data.mdb cannot be read: %s", strerror(errno));
        return WIRE_FAILED;
    }
    if (got == META_BYTES && is_meta(metas[0]) && is_meta(metas[1]))
        return judge_metas(metas, file, problem, room);
    snprintf(problem, room, "data.mdb is damaged: its first pages are not LMDB's");
    return WIRE_DAMAGED;
}

enum wire_error datafile_look(const char *path, struct datafile *file, char *problem, size_t room)
{
    *file = (struct datafile){0};
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0 && errno == ENOENT)
        return WIRE_NOT_FOUND;
    if (fd < 0) {
        snprintf(problem, room, "data.mdb cannot be opened: %s", strerror(errno));
        return WIRE_FAILED;
    }
    /* Before LMDB opens the file, whose locks are on another one: closing takes none away. */
    enum wire_error error = look_at(fd, file, problem, room);
    close(fd);
    return error;
}

/* --- pages that are not there -----------------------------------------------------------------
 */

/* How many of the pages from `from` on are on the list of free ones, which is a count and as many
 * page numbers. */
static uint64_t count_free(const MDB_val *list, uint64_t from)
{
    uint64_t found = 0;
    for (size_t at = 8; at + 8 <= list->mv_size; at += 8)
        found += wire_get_u64((const uint8_t *)list->mv_data + at) >= from;
    return found;
}

/* LMDB never writes pages that were taken and freed within one transaction, so a good file may be
 * short of such. */
static enum wire_error check_pages(MDB_env *env, const struct datafile *file, char *problem,
                                   size_t room)
{
    uint64_t there = file->bytes / file->page_bytes;
    if (there >= file->page_count)
        return WIRE_OK;
    MDB_txn *txn;
    MDB_cursor *cursor;
    MDB_val key, list;
    uint64_t unused = 0;
    int code = mdb_txn_begin(env, NULL, MDB_RDONLY, &txn);
    if (code == 0) {
        code = mdb_cursor_open(txn, FREE_TABLE, &cursor);
        if (code == 0) {
            while ((code = mdb_cursor_get(cursor, &key, &list, MDB_NEXT)) == 0)
                unused += count_free(&list, there);
            mdb_cursor_close(cursor);
        }
        mdb_txn_abort(txn);
    }
    if (code == MDB_NOTFOUND && there + unused >= file->page_count)
        return WIRE_OK;
    snprintf(problem, room,
             "data.mdb is cut short: it has %" PRIu64 " bytes, and its pages take %" PRIu64,
             file->bytes, file->page_count * file->page_bytes);
    return WIRE_DAMAGED;
}

enum wire_error datafile_open(MDB_env *env, const char *directory, unsigned flags, char *problem,
                              size_t room)
{
    char path[PATH_MAX];
    struct datafile file;
    snprintf(path, sizeof path, "%s/data.mdb", directory);
    enum wire_error error = datafile_look(path, &file, problem, room);
    if (error != WIRE_OK && error != WIRE_NOT_FOUND)
        return error;
    int code = mdb_env_open(env, directory, flags, FILE_MODE);
    if (code == 0)
        return error == WIRE_NOT_FOUND ? WIRE_OK : check_pages(env, &file, problem, room);
    error = store_error(code);
    if (error == WIRE_FULL)
        snprintf(problem, room, "no room left on the disk (cannot open the database); make room");
    else
        snprintf(problem, room, "cannot open the database in it: %s", mdb_strerror(code));
    return error == WIRE_FULL ? WIRE_FULL : WIRE_FAILED;
}

/* --- what is damaged --------------------------------------------------------------------------- */

bool datafile_is_damage(int code)
{
    return code == MDB_CORRUPTED || code == MDB_PAGE_NOTFOUND || code == MDB_INVALID;
}

/* One line of proc(5)'s maps: begin-end rights offset device inode path. True: that address is in it. */
static bool is_mapping_of(const char *line, uintptr_t address, uint64_t *page, char *path, size_t room)
{
    uintptr_t begin, end;
    uint64_t offset;
    int name = 0;
    if (sscanf(line, "%" SCNxPTR "-%" SCNxPTR " %*s %" SCNx64 " %*s %*s %n", &begin, &end, &offset,
               &name) != 3 ||
        name == 0 || address < begin || address >= end)
        return false;
    *page = (offset + (address - begin)) / (uint64_t)sysconf(_SC_PAGESIZE);
    snprintf(path, room, "%s", line + name);
    return true;
}

/* By plain reads, since nothing may be allocated in the handler of a signal. */
bool datafile_page_of(const void *address, uint64_t *page, char *path, size_t room)
{
    char text[PATH_MAX + 256];
    size_t size = 0;
    ssize_t more = 1;
    bool found = false;
    int maps = open("/proc/self/maps", O_RDONLY | O_CLOEXEC);
    while (!found && maps >= 0 && more > 0) {
        more = read(maps, text + size, sizeof text - 1 - size);
        size += more > 0 ? (size_t)more : 0;
        text[size] = '\0';
        char *line = text, *end;
        for (; !found && (end = strchr(line, '\n')) != NULL; line = end + 1) {
            *end = '\0';
            found = is_mapping_of(line, (uintptr_t)address, page, path, room);
        }
        size = found ? 0 : size - (size_t)(line - text);
        memmove(text, line, size);
    }
    if (maps >= 0)
        close(maps);
    return found;
}

/* --- the last resort -------------------------------------------------------------------------- */

static const char *watched; /* the directory, for the line */
static void (*bad_page_of_state)(const void *at); /* or NULL */

static bool is_of_state(const void *address)
{
    static const char name[] = "/state/data.mdb";
    char path[PATH_MAX] = "";
    uint64_t page;
    size_t size = datafile_page_of(address, &page, path, sizeof path) ? strlen(path) : 0;
    return size >= sizeof name && strcmp(path + size + 1 - sizeof name, name) == 0;
}

/* Only memory that is a file's can raise it, so the process is in the middle of reading a page, and
 * nothing that the line needs is half done. */
static void on_bad_page(int signal_number, siginfo_t *info, void *context)
{
    (void)signal_number, (void)context;
    if (bad_page_of_state != NULL && is_of_state(info->si_addr))
        bad_page_of_state(info->si_addr);
    wire_say_die(
        WIRE_EXIT_STORAGE,
        "backer_path '%s': a page of a data.mdb in it cannot be read: the file is cut short "
        "or the disk fails; look at it with madkv-inspect",
        watched);
}

static void on_assertion(MDB_env *env, const char *text)
{
    (void)env;
    wire_say_die(WIRE_EXIT_STORAGE,
                 "backer_path '%s': a data.mdb in it is damaged (LMDB: %s); look at it with "
                 "madkv-inspect",
                 watched, text);
}

void datafile_watch(const char *path)
{
    struct sigaction action = {.sa_sigaction = on_bad_page, .sa_flags = SA_SIGINFO};
    watched = path;
    sigaction(SIGBUS, &action, NULL);
}

void datafile_watch_state(void (*bad_page)(const void *at))
{
    bad_page_of_state = bad_page;
}

void datafile_watch_assertions(MDB_env *env)
{
    mdb_env_set_assert(env, on_assertion);
}
