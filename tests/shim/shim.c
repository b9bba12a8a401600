/* The hooks: each looks whether its file is watched, asks the rules, notes what can be undone, and
 * makes the real call as a system call, so that no hook ever meets another. */
#undef _FILE_OFFSET_BITS /* else each name below would stand for its other one with a 64 */
#include "tests/shim/shim.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

/* A write in the making. */
struct shim_write {
    int fd;                    /* where to */
    const struct iovec *parts; /* what */
    int count;                 /* how many parts */
    off_t offset;              /* where in the file; -1: at the descriptor's position */
};

static struct {
    pthread_once_t once; /* guards the rest */
    const char *path;    /* what MADKV_SHIM_DIR says; NULL: nothing is watched */
    size_t size;         /* its length */
} root = {.once = PTHREAD_ONCE_INIT};

static void find_root(void)
{
    root.path = getenv("MADKV_SHIM_DIR");
    root.size = root.path == NULL ? 0 : strlen(root.path);
}

/* Writes to sockets and event descriptors come here too, by the thousand: fstat tells them apart.
 */
static bool is_watched(int fd, struct shim_file *file)
{
    struct stat status;
    char link[64];
    pthread_once(&root.once, find_root);
    if (root.path == NULL || fstat(fd, &status) != 0 ||
        (!S_ISREG(status.st_mode) && !S_ISDIR(status.st_mode)))
        return false;
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t size = readlink(link, file->path, sizeof file->path - 1);
    if (size < 0 || (size_t)size < root.size || memcmp(file->path, root.path, root.size) != 0 ||
        ((size_t)size > root.size && file->path[root.size] != '/'))
        return false;
    file->path[size] = '\0';
    file->device = status.st_dev;
    file->inode = status.st_ino;
    file->directory = S_ISDIR(status.st_mode);
    file->size = status.st_size;
    file->flags = fcntl(fd, F_GETFL);
    return true;
}

/* --- writes ----------------------------------------------------------------------------------- */

static ssize_t real_write(const struct shim_write *write)
{
    return write->offset < 0 ? syscall(SYS_writev, write->fd, write->parts, write->count)
                             : syscall(SYS_pwritev, write->fd, write->parts, write->count,
                                       (long)write->offset, 0L);
}

static off_t offset_of(const struct shim_write *write, const struct shim_file *file)
{
    if (write->offset >= 0)
        return write->offset;
    return (file->flags & O_APPEND) != 0 ? file->size : lseek(write->fd, 0, SEEK_CUR);
}

static size_t size_of(const struct shim_write *write)
{
    size_t size = 0;
    for (int i = 0; i < write->count; i++)
        size += write->parts[i].iov_len;
    return size;
}

/* A write that is to be durable and meets an I/O error has reached the page cache: later readers
 * see it, a power loss takes it away. One that finds no room has not happened. */
static ssize_t write_noted(const struct shim_write *write, const struct shim_file *file, bool dsync,
                           int fault)
{
    off_t offset = offset_of(write, file);
    struct shim_undo *undo = shim_undo_lock(file);
    shim_undo_note_write(undo, offset, size_of(write), file->size);
    ssize_t done = real_write(write);
    int code = errno;
    if (dsync && fault != 0)
        shim_undo_note_sync(undo, false);
    else if (dsync && done > 0)
        shim_undo_note_durable(undo, offset, (size_t)done);
    shim_undo_unlock(undo);
    errno = fault != 0 ? fault : code;
    return fault != 0 ? -1 : done;
}

static ssize_t shim_write(const struct shim_write *write)
{
    struct shim_file file;
    if (!is_watched(write->fd, &file))
        return real_write(write);
    bool dsync = (file.flags & O_DSYNC) != 0; /* O_SYNC includes its bit */
    int fault = shim_rules_apply(dsync ? SHIM_DSYNC : SHIM_WRITE, file.path);
    if (fault != 0 && (!dsync || fault != EIO)) {
        errno = fault;
        return -1;
    }
    return write_noted(write, &file, dsync, fault);
}

ssize_t write(int fd, const void *bytes, size_t size)
{
    struct iovec part = {.iov_base = (void *)(uintptr_t)bytes, .iov_len = size};
    return shim_write(&(struct shim_write){.fd = fd, .parts = &part, .count = 1, .offset = -1});
}

ssize_t writev(int fd, const struct iovec *parts, int count)
{
    return shim_write(&(struct shim_write){.fd = fd, .parts = parts, .count = count, .offset = -1});
}

ssize_t pwrite(int fd, const void *bytes, size_t size, off_t offset)
{
    struct iovec part = {.iov_base = (void *)(uintptr_t)bytes, .iov_len = size};
    return shim_write(&(struct shim_write){.fd = fd, .parts = &part, .count = 1, .offset = offset});
}

ssize_t pwritev(int fd, const struct iovec *parts, int count, off_t offset)
{
    return shim_write(
        &(struct shim_write){.fd = fd, .parts = parts, .count = count, .offset = offset});
}

int ftruncate(int fd, off_t size)
{
    struct shim_file file;
    if (!is_watched(fd, &file))
        return (int)syscall(SYS_ftruncate, fd, size);
    int fault = shim_rules_apply(SHIM_WRITE, file.path);
    if (fault != 0) {
        errno = fault;
        return -1;
    }
    struct shim_undo *undo = shim_undo_lock(&file);
    shim_undo_note_truncate(undo, size, file.size);
    int done = (int)syscall(SYS_ftruncate, fd, size);
    int code = errno;
    shim_undo_unlock(undo);
    errno = code;
    return done;
}

/* The names of programs that were built with _FILE_OFFSET_BITS=64; off_t has 64 bits anyway. */
ssize_t pwrite64(int fd, const void *bytes, size_t size, off64_t offset)
{
    return pwrite(fd, bytes, size, offset);
}

ssize_t pwritev64(int fd, const struct iovec *parts, int count, off64_t offset)
{
    return pwritev(fd, parts, count, offset);
}

int ftruncate64(int fd, off64_t size)
{
    return ftruncate(fd, size);
}

/* --- syncs ------------------------------------------------------------------------------------ */

/* The lock is held while the disk is at work, so that the log knows what was written before. */
static int shim_sync(int fd, long call, enum shim_operation operation)
{
    struct shim_file file;
    if (!is_watched(fd, &file))
        return (int)syscall(call, fd);
    int fault = shim_rules_apply(operation, file.path);
    struct shim_undo *undo = shim_undo_lock(&file);
    int done = fault != 0 ? -1 : (int)syscall(call, fd);
    int code = fault != 0 ? fault : errno;
    shim_undo_note_sync(undo, done == 0);
    shim_undo_unlock(undo);
    errno = code;
    return done;
}

int fdatasync(int fd)
{
    return shim_sync(fd, SYS_fdatasync, SHIM_FDATASYNC);
}

int fsync(int fd)
{
    return shim_sync(fd, SYS_fsync, SHIM_FSYNC);
}

int msync(void *at, size_t size, int flags)
{
    pthread_once(&root.once, find_root);
    int fault = root.path == NULL ? 0 : shim_rules_apply(SHIM_MSYNC, "");
    if (fault == 0)
        return (int)syscall(SYS_msync, at, size, flags);
    errno = fault;
    return -1;
}
