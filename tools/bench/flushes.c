/* Counts what a process asks the disk to make durable, from outside of it: a library that stands
 * before the C library's calls (LD_PRELOAD), counts those that flush, and passes all of them on as
 * they are. Not linked with any program of ours, and knows none of them, so that nobody needs to
 * take their word.
 *
 *     MADKV_FLUSH_DIR   a directory; each process keeps its counts in a file there that is named by
 * its process id, readable while it runs and after it was killed. Unset: no counts
 *
 * The file is struct counts below: 64-bit numbers in the machine's byte order, each written
 * atomically.
 *
 * What flushes: fdatasync, fsync, msync with MS_SYNC, and every write through a descriptor opened
 * with O_DSYNC or O_SYNC (LMDB writes its meta page so), or with RWF_DSYNC or RWF_SYNC. Calls that
 * failed are not counted. What is asked through io_uring is not seen. Any thread. */
#include <assert.h>
#include <dlfcn.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

struct counts {
    atomic_uint_fast64_t fdatasync; /* calls that succeeded */
    atomic_uint_fast64_t fsync;     /* likewise */
    atomic_uint_fast64_t msync;     /* likewise */
    atomic_uint_fast64_t dsync;     /* writes that were durable when they returned */
};

static_assert(sizeof(atomic_uint_fast64_t) == sizeof(uint64_t), "others read it as 64-bit numbers");

static struct counts discarded;            /* where counts go that nobody asked for */
static struct counts *counts = &discarded; /* the mapped file */

/* The real functions, found at load time: a call may come from any thread later. */
static struct {
    int (*fdatasync)(int);
    int (*fsync)(int);
    int (*msync)(void *, size_t, int);
    ssize_t (*write)(int, const void *, size_t);
    ssize_t (*writev)(int, const struct iovec *, int);
    ssize_t (*pwrite)(int, const void *, size_t, off_t);
    ssize_t (*pwritev)(int, const struct iovec *, int, off_t);
    ssize_t (*pwritev2)(int, const struct iovec *, int, off_t, int);
} real;

/* POSIX lets an object pointer hold a function; C asks for the detour. */
static void find(void *function, const char *name)
{
    *(void **)function = dlsym(RTLD_NEXT, name);
}

static void map_counts(const char *directory)
{
    char path[4096];
    if (snprintf(path, sizeof path, "%s/%d", directory, (int)getpid()) >= (int)sizeof path)
        return;
    int file = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0644);
    if (file < 0)
        return;
    void *place = MAP_FAILED;
    if (ftruncate(file, sizeof *counts) == 0)
        place = mmap(NULL, sizeof *counts, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    close(file);
    if (place != MAP_FAILED)
        counts = place;
}

__attribute__((constructor)) static void begin(void)
{
    find(&real.fdatasync, "fdatasync");
    find(&real.fsync, "fsync");
    find(&real.msync, "msync");
    find(&real.write, "write");
    find(&real.writev, "writev");
    find(&real.pwrite, "pwrite");
    find(&real.pwritev, "pwritev");
    find(&real.pwritev2, "pwritev2");
    const char *directory = getenv("MADKV_FLUSH_DIR");
    if (directory != NULL)
        map_counts(directory);
}

static void count(atomic_uint_fast64_t *number)
{
    atomic_fetch_add_explicit(number, 1, memory_order_relaxed);
}

/* O_SYNC holds the bit of O_DSYNC. */
static void count_write(int file, ssize_t written)
{
    if (written > 0 && (fcntl(file, F_GETFL) & O_DSYNC) != 0)
        count(&counts->dsync);
}

int fdatasync(int file)
{
    int status = real.fdatasync(file);
    if (status == 0)
        count(&counts->fdatasync);
    return status;
}

int fsync(int file)
{
    int status = real.fsync(file);
    if (status == 0)
        count(&counts->fsync);
    return status;
}

int msync(void *address, size_t size, int flags)
{
    int status = real.msync(address, size, flags);
    if (status == 0 && (flags & MS_SYNC) != 0)
        count(&counts->msync);
    return status;
}

ssize_t write(int file, const void *bytes, size_t size)
{
    ssize_t written = real.write(file, bytes, size);
    count_write(file, written);
    return written;
}

ssize_t writev(int file, const struct iovec *parts, int part_count)
{
    ssize_t written = real.writev(file, parts, part_count);
    count_write(file, written);
    return written;
}

ssize_t pwrite(int file, const void *bytes, size_t size, off_t offset)
{
    ssize_t written = real.pwrite(file, bytes, size, offset);
    count_write(file, written);
    return written;
}

ssize_t pwritev(int file, const struct iovec *parts, int part_count, off_t offset)
{
    ssize_t written = real.pwritev(file, parts, part_count, offset);
    count_write(file, written);
    return written;
}

ssize_t pwritev2(int file, const struct iovec *parts, int part_count, off_t offset, int flags)
{
    ssize_t written = real.pwritev2(file, parts, part_count, offset, flags);
    if (written > 0 && (flags & (RWF_DSYNC | RWF_SYNC)) != 0)
        count(&counts->dsync);
    else
        count_write(file, written);
    return written;
}

/* This file is compiled with 64-bit offsets, for which glibc gives these functions names with 64.
 * Where long has 64 bits anyway, the plain names are the same functions. */
static_assert(sizeof(long) == sizeof(off_t), "else they would need a body of their own");
ssize_t plain_pwrite(int file, const void *bytes, size_t size, off_t offset) __asm__("pwrite")
    __attribute__((alias("pwrite64")));
ssize_t plain_pwritev(int file, const struct iovec *parts, int part_count,
                      off_t offset) __asm__("pwritev") __attribute__((alias("pwritev64")));
ssize_t plain_pwritev2(int file, const struct iovec *parts, int part_count, off_t offset,
                       int flags) __asm__("pwritev2") __attribute__((alias("pwritev64v2")));
