/* What a directory takes on its disk, and what is left there; and that its entries are durable. Any thread. */
#ifndef MADKV_ACTORS_DISK_H
#define MADKV_ACTORS_DISK_H

#include "wire/pack.h"

/* Appends disk.used_bytes (blocks of all files in the directory and the directories in it),
 * disk.free_bytes and disk.size_bytes (of its file system, as far as we may use it). What the
 * system does not tell is left out. directory: a descriptor. */
void disk_figures(int directory, struct wire_writer *out);

/* Makes the entries of the directory durable: names that were made, changed or removed. 0 or errno. */
int disk_sync_directory(const char *path);

#endif
