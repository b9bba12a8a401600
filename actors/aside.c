#include "actors/aside.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "actors/disk.h"

#define STATE "state"
#define DAMAGED "state.damaged"

/* Removes the files of a state in `name`, not the directory. */
static int empty(const char *directory, const char *name)
{
    static const char *const files[] = {"data.mdb", "lock.mdb"};
    char path[PATH_MAX];
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        int size = snprintf(path, sizeof path, "%s/%s/%s", directory, name, files[i]);
        if (size < 0 || (size_t)size >= sizeof path)
            return ENAMETOOLONG;
        if (unlink(path) != 0 && errno != ENOENT)
            return errno;
    }
    snprintf(path, sizeof path, "%s/%s", directory, name);
    int code = disk_sync_directory(path);
    return code == ENOENT ? 0 : code;
}

bool aside_is_there(const char *directory)
{
    char path[PATH_MAX];
    struct stat status;
    snprintf(path, sizeof path, "%s/" DAMAGED, directory);
    return stat(path, &status) == 0;
}

int aside_put(const char *directory)
{
    char from[PATH_MAX], to[PATH_MAX];
    if (aside_is_there(directory))
        return empty(directory, STATE);
    snprintf(from, sizeof from, "%s/" STATE, directory);
    snprintf(to, sizeof to, "%s/" DAMAGED, directory);
    return rename(from, to) != 0 ? errno : disk_sync_directory(directory);
}

int aside_remove(const char *directory)
{
    char path[PATH_MAX];
    int code = empty(directory, DAMAGED);
    if (code != 0)
        return code;
    snprintf(path, sizeof path, "%s/" DAMAGED, directory);
    if (rmdir(path) != 0)
        return errno == ENOENT ? 0 : errno;
    return disk_sync_directory(directory);
}

int aside_wipe(const char *directory)
{
    int code = empty(directory, STATE);
    return code != 0 ? code : aside_remove(directory);
}
