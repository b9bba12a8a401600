/* LMDB's data file, looked at before it is trusted. LMDB maps the file and believes what is in it:
 * a page that a cut file no longer has, or that the disk cannot give, is a SIGBUS in the middle of
 * a read, and a page that makes no sense is a failed assertion. Here such a file is refused with a
 * line before anything reads it, as far as that can be told; for the rest there is a handler that
 * says the line.
 *
 * The two meta pages (pages 0 and 1), as LMDB 0.9 writes them on a 64-bit little-endian machine:
 *
 *      0  page header        16 bytes
 *     16  u32 magic          0xBEEFC0DE
 *     20  u32 version        1
 *     40  free pages' table  48 bytes; begins with u32 page size, ends with u64 root page
 *     88  main table         48 bytes; ends with u64 root page
 *    136  u64 last page      of the file
 *    144  u64 transaction    the larger one of the two metas counts
 *
 * Thread: `main`, before the environment is used; the handler strikes anywhere. */
#ifndef MADKV_ACTORS_DATAFILE_H
#define MADKV_ACTORS_DATAFILE_H

#include <lmdb.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "wire/error.h"

struct datafile {
    uint64_t bytes;       /* size of the file */
    uint64_t page_bytes;  /* of one page */
    uint64_t page_count;  /* pages the last transaction knows of */
    uint64_t transaction; /* number of that */
};

/* Looks at a data.mdb without LMDB. WIRE_NOT_FOUND: none, or one that holds nothing yet.
 * WIRE_DAMAGED, WIRE_FAILED: `problem` says why, without a path. */
enum wire_error datafile_look(const char *path, struct datafile *file, char *problem, size_t room);

/* Opens `env` on the data.mdb in a directory, with LMDB's flags, if it is whole as far as its first
 * pages and the list of free ones tell. WIRE_OK also for a new one. WIRE_DAMAGED, WIRE_FULL,
 * WIRE_FAILED: `problem` says why, without a path. */
enum wire_error datafile_open(MDB_env *env, const char *directory, unsigned flags, char *problem,
                              size_t room);

/* From now on a page below directory `path` that cannot be read, and an assertion of LMDB's that
 * fails, end the process with status WIRE_EXIT_STORAGE and one line. `path` must outlive the
 * process's use of it. */
void datafile_watch(const char *path);
void datafile_watch_assertions(MDB_env *env);

/* Called instead if the page is of the state's file (<path>/state/data.mdb); it never returns. `at`: the
 * address. Any thread, in the handler of a signal that this very read raised. */
void datafile_watch_state(void (*bad_page)(const void *at));

/* The page of the file that is mapped at that address. False: none is known to be. path: its file. */
bool datafile_page_of(const void *address, uint64_t *page, char *path, size_t room);
/* An error of LMDB's that says that what is in the file makes no sense. */
bool datafile_is_damage(int code);

#endif
