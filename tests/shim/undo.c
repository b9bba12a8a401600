/* Undo logs: what a power loss takes away. One file per watched file, in MADKV_SHIM_UNDO, named by
 * device and inode; it outlives the process, as the page cache does, and the next one goes on with
 * it. tests/cluster/disks.py plays it back, once the process is dead.
 *
 *     text, one line:   the path of the file, as it was when the log began
 *     then records:     kind, offset, length, file size, size (u64 each), then `size` bytes
 *
 *     WRITE     before `length` bytes were written at `offset`: what was there, `size` bytes (fewer
 * if the file ended), and how large the file was. A truncation is one of length 0 DURABLE   what is
 * at `offset` now, `length` bytes, is on the disk SYNCED    all that was written since the last
 * LOST is on the disk LOST      all that was written so far and is not on the disk never will be,
 * but for what is written again
 *
 * A record is complete before what it speaks of is done, so one that was cut short speaks of
 * nothing. A sync that succeeds empties the log, unless something in it is lost for good. */
#include "tests/shim/shim.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

enum { FILES_MAX = 64, HEAD_MAX = PATH_MAX + 2 };

enum kind {
    KIND_WRITE = 1,
    KIND_DURABLE = 2,
    KIND_SYNCED = 3,
    KIND_LOST = 4,
};

struct record {
    uint64_t kind;      /* enum kind */
    uint64_t offset;    /* in the file */
    uint64_t length;    /* bytes it speaks of, from there */
    uint64_t file_size; /* of WRITE: of the file before */
    uint64_t size;      /* bytes that follow */
};

struct shim_undo {
    pthread_mutex_t mutex; /* held from before a call to after it */
    dev_t device;          /* which file */
    ino_t inode;           /* likewise */
    int file;              /* a descriptor of its own on it, for reading */
    int log;               /* the undo log */
    off_t head;            /* bytes of its first line */
    bool lost;             /* it holds a LOST */
};

static struct {
    pthread_mutex_t mutex;             /* guards the table, not what is in it */
    struct shim_undo files[FILES_MAX]; /* those in use first */
    int count;                         /* how many */
} table = {.mutex = PTHREAD_MUTEX_INITIALIZER};

/* --- opening ---------------------------------------------------------------------------------- */

/* A log of an inode that has become another file since, or a new one, is begun anew. */
static bool is_of(struct shim_undo *self, const char *head)
{
    char found[HEAD_MAX];
    size_t size = strlen(head);
    ssize_t got = pread(self->log, found, sizeof found, 0);
    return got >= (ssize_t)size && memcmp(found, head, size) == 0;
}

/* What an earlier process left in it. */
static bool has_lost(struct shim_undo *self)
{
    struct record record;
    bool lost = false;
    for (off_t at = self->head; pread(self->log, &record, sizeof record, at) == sizeof record;
         at += (off_t)(sizeof record + record.size))
        lost = lost || record.kind == KIND_LOST;
    return lost;
}

static void open_undo(struct shim_undo *self, const struct shim_file *file, const char *directory)
{
    char name[PATH_MAX + 64], head[HEAD_MAX];
    snprintf(name, sizeof name, "%s/%llx-%llu", directory, (unsigned long long)file->device,
             (unsigned long long)file->inode);
    int size = snprintf(head, sizeof head, "%s\n", file->path);
    self->device = file->device;
    self->inode = file->inode;
    self->head = size;
    self->file = open(file->path, O_RDONLY | O_CLOEXEC);
    self->log = open(name, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    if (self->file < 0 || self->log < 0)
        shim_die("cannot keep an undo log", name);
    if (file->size > 0 && is_of(self, head)) {
        self->lost = has_lost(self);
        return;
    }
    if (syscall(SYS_ftruncate, self->log, 0L) != 0 ||
        syscall(SYS_write, self->log, head, (size_t)size) != size)
        shim_die("cannot write the undo log", name);
}

static struct shim_undo *find(const struct shim_file *file, const char *directory)
{
    for (int i = 0; i < table.count; i++)
        if (table.files[i].device == file->device && table.files[i].inode == file->inode)
            return &table.files[i];
    if (table.count == FILES_MAX)
        shim_die("too many files", file->path);
    struct shim_undo *self = &table.files[table.count];
    *self = (struct shim_undo){.mutex = PTHREAD_MUTEX_INITIALIZER};
    open_undo(self, file, directory);
    table.count++;
    return self;
}

struct shim_undo *shim_undo_lock(const struct shim_file *file)
{
    const char *directory = getenv("MADKV_SHIM_UNDO");
    if (directory == NULL || file->directory)
        return NULL;
    pthread_mutex_lock(&table.mutex);
    struct shim_undo *self = find(file, directory);
    pthread_mutex_unlock(&table.mutex);
    pthread_mutex_lock(&self->mutex);
    return self;
}

void shim_undo_unlock(struct shim_undo *self)
{
    if (self != NULL)
        pthread_mutex_unlock(&self->mutex);
}

/* --- records ---------------------------------------------------------------------------------- */

static void append(struct shim_undo *self, const struct record *record, const void *bytes)
{
    struct iovec parts[2] = {
        {.iov_base = (void *)(uintptr_t)record, .iov_len = sizeof *record},
        {.iov_base = (void *)(uintptr_t)bytes, .iov_len = record->size},
    };
    ssize_t size = (ssize_t)(sizeof *record + record->size);
    if (syscall(SYS_writev, self->log, parts, 2) != size)
        shim_die("cannot write an undo log", strerror(errno));
}

/* Keeps what is there from record->offset on, up to `size` bytes. */
static void keep(struct shim_undo *self, struct record record, size_t size)
{
    char *bytes = malloc(size == 0 ? 1 : size);
    ssize_t got = bytes == NULL ? -1 : pread(self->file, bytes, size, (off_t)record.offset);
    if (got < 0)
        shim_die("cannot read what is overwritten", strerror(errno));
    record.kind = KIND_WRITE;
    record.size = (uint64_t)got;
    append(self, &record, bytes);
    free(bytes);
}

void shim_undo_note_write(struct shim_undo *self, off_t offset, size_t size, off_t file_size)
{
    struct record record = {
        .offset = (uint64_t)offset, .length = size, .file_size = (uint64_t)file_size};
    if (self != NULL)
        keep(self, record, size);
}

void shim_undo_note_truncate(struct shim_undo *self, off_t size, off_t file_size)
{
    struct record record = {.offset = (uint64_t)size, .file_size = (uint64_t)file_size};
    if (self != NULL)
        keep(self, record, size < file_size ? (size_t)(file_size - size) : 0);
}

void shim_undo_note_durable(struct shim_undo *self, off_t offset, size_t size)
{
    struct record record = {.kind = KIND_DURABLE, .offset = (uint64_t)offset, .length = size};
    if (self != NULL)
        append(self, &record, NULL);
}

void shim_undo_note_sync(struct shim_undo *self, bool well)
{
    if (self == NULL)
        return;
    struct record record = {.kind = well ? KIND_SYNCED : KIND_LOST};
    self->lost = self->lost || !well;
    if (self->lost)
        append(self, &record, NULL);
    else if (syscall(SYS_ftruncate, self->log, (long)self->head) != 0)
        shim_die("cannot empty an undo log", strerror(errno));
}
