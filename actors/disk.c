#include "actors/disk.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "wire/figures.h"

enum {
    DEPTH_MAX = 2,    /* a backer_path and the directories in it */
    BLOCK_BYTES = 512 /* the unit of st_blocks, whatever the file system's own is */
};

static uint64_t sum_files(int directory, int depth)
{
    uint64_t sum = 0;
    int copy = openat(directory, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *list = copy < 0 ? NULL : fdopendir(copy);
    if (list == NULL) {
        if (copy >= 0)
            close(copy);
        return 0;
    }
    for (struct dirent *entry; (entry = readdir(list)) != NULL;) {
        struct stat stat;
        bool itself = strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0;
        if (itself || fstatat(directory, entry->d_name, &stat, AT_SYMLINK_NOFOLLOW) != 0)
            continue;
        sum += (uint64_t)stat.st_blocks * BLOCK_BYTES;
        if (!S_ISDIR(stat.st_mode) || depth == DEPTH_MAX)
            continue;
        int inner = openat(directory, entry->d_name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (inner >= 0) {
            sum += sum_files(inner, depth + 1);
            close(inner);
        }
    }
    closedir(list);
    return sum;
}

int disk_sync_directory(const char *path)
{
    int directory = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int code = directory < 0 || fsync(directory) != 0 ? errno : 0;
    if (directory >= 0)
        close(directory);
    return code;
}

void disk_figures(int directory, struct wire_writer *out)
{
    struct statvfs system;
    wire_figure_number(out, "disk.used_bytes", sum_files(directory, 1));
    if (fstatvfs(directory, &system) != 0)
        return;
    uint64_t usable = system.f_blocks - system.f_bfree + system.f_bavail;
    wire_figure_number(out, "disk.free_bytes", (uint64_t)system.f_bavail * system.f_frsize);
    wire_figure_number(out, "disk.size_bytes", usable * system.f_frsize);
}
