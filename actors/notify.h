/* Tells the service manager how this process is doing: the protocol of sd_notify(3), as much of it
 * as a service of systemd needs, without its library. A datagram of text goes to the unix socket
 * that NOTIFY_SOCKET names, a path or, behind an @, an abstract name; without that variable nobody
 * asked, and nothing happens.
 *
 * Thread: `main`. Nothing here keeps the process from serving: what cannot be told is said. */
#ifndef MADKV_ACTORS_NOTIFY_H
#define MADKV_ACTORS_NOTIFY_H

#include <stdbool.h>

#define NOTIFY_READY "READY=1"       /* it serves */
#define NOTIFY_STOPPING "STOPPING=1" /* it was told to end, and does */

/* Sends one state. True: somebody asked and was told. */
bool notify_send(const char *state);

#endif
