/* A disk that misbehaves, for real processes: a library that stands before the C library's writes
 * and syncs (LD_PRELOAD) and makes those on files below one directory late, fail, or be forgotten
 * when the power goes. For tests only; no program of ours is linked with it.
 *
 *     MADKV_SHIM_DIR      the directory whose files are watched, absolute; unset: nothing happens
 *     MADKV_SHIM_RULES    rules to begin with (rules.c), separated by ';'
 *     MADKV_SHIM_CONTROL  a file of rules, one a line; whenever it is replaced, its rules replace
 * all others at once, also for a call that is being delayed. What a rule did is written to the same
 * name with ".log" behind it MADKV_SHIM_UNDO     a directory for undo logs (undo.c); unset: the
 * power never goes
 *
 * What is faithful to LMDB 0.9.24, as strace shows it: data pages go out by pwrite, or by lseek and
 * writev, then one fdatasync; the meta page by one pwrite through a second descriptor, opened with
 * O_DSYNC, which makes those bytes durable and no others. Descriptors are looked at when they are
 * used (fstat, /proc/self/fd), so opening and closing needs no hook.
 *
 * What it does not do: writes through a shared mapping are not seen (LMDB has none without
 * MDB_WRITEMAP, which MadKV never uses), and a directory entry is taken as durable once it is made.
 *
 * Threads: any. Calls on one file are taken one after the other while an undo log is kept. */
#ifndef MADKV_TESTS_SHIM_SHIM_H
#define MADKV_TESTS_SHIM_SHIM_H

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* What a call does to the disk. */
enum shim_operation {
    SHIM_WRITE,     /* into the page cache; ftruncate too */
    SHIM_DSYNC,     /* a write through a descriptor with O_DSYNC or O_SYNC */
    SHIM_FDATASYNC, /* fdatasync */
    SHIM_FSYNC,     /* fsync, of a file or a directory */
    SHIM_MSYNC,     /* msync; its file is not known */
};

/* A file or directory that is watched. */
struct shim_file {
    char path[PATH_MAX]; /* as the kernel names it */
    dev_t device;        /* with inode: which file, whatever it is called */
    ino_t inode;         /* likewise */
    bool directory;      /* it is a directory */
    off_t size;          /* bytes in it now */
    int flags;           /* of the descriptor: O_DSYNC, O_APPEND, ... */
};

/* --- rules.c ---------------------------------------------------------------------------------- */

/* Waits as long as the rules say and returns 0, or the errno to fail with; or ends the process with
 * SIGKILL, if a rule says so. */
int shim_rules_apply(enum shim_operation operation, const char *path);

/* A line on stderr, and the end of the process: the test is wrong. */
void shim_die(const char *what, const char *detail) __attribute__((noreturn));

/* --- undo.c ----------------------------------------------------------------------------------- */

struct shim_undo;

/* The undo log of a file, locked; NULL if none is kept, as of directories. */
struct shim_undo *shim_undo_lock(const struct shim_file *file);
void shim_undo_unlock(struct shim_undo *self);

/* Before a write: what it is about to overwrite. */
void shim_undo_note_write(struct shim_undo *self, off_t offset, size_t size, off_t file_size);
/* Before the file becomes that short (or long). */
void shim_undo_note_truncate(struct shim_undo *self, off_t size, off_t file_size);
/* After a write that was durable when it returned. */
void shim_undo_note_durable(struct shim_undo *self, off_t offset, size_t size);
/* After a sync; `well`: it succeeded. After one that did not, what was written before stays lost
 * for ever, whatever later syncs say: Linux takes the pages for clean. */
void shim_undo_note_sync(struct shim_undo *self, bool well);

#endif
