#include "actors/notify.h"

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "wire/say.h"

/* Returns the size of the address; 0: that is no name of a socket. */
static socklen_t address_of(const char *name, struct sockaddr_un *address)
{
    size_t size = strlen(name);
    if ((name[0] != '/' && name[0] != '@') || size < 2 || size >= sizeof address->sun_path) {
        errno = EINVAL;
        return 0;
    }
    *address = (struct sockaddr_un){.sun_family = AF_UNIX};
    memcpy(address->sun_path, name, size);
    if (name[0] == '@')
        address->sun_path[0] = '\0';
    return (socklen_t)(offsetof(struct sockaddr_un, sun_path) + size);
}

static bool send_to(const char *name, const char *state)
{
    struct sockaddr_un address;
    socklen_t size = address_of(name, &address);
    int handle = size == 0 ? -1 : socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (handle < 0)
        return false;
    ssize_t sent =
        sendto(handle, state, strlen(state), MSG_NOSIGNAL, (const struct sockaddr *)&address, size);
    int problem = errno;
    close(handle);
    errno = problem;
    return sent == (ssize_t)strlen(state);
}

bool notify_send(const char *state)
{
    const char *name = getenv("NOTIFY_SOCKET");
    if (name == NULL || name[0] == '\0')
        return false;
    bool sent = send_to(name, state);
    if (!sent)
        wire_say("NOTIFY_SOCKET '%.200s' cannot be told %s: %s", name, state, strerror(errno));
    return sent;
}
