/* A service in a thread: one ROUTER on a port the kernel chose that is manager and server at once,
 * with a small store in memory, so that programs and the library can be tested without a cluster.
 */
#ifndef MADKV_TESTS_CLIENT_FAKE_H
#define MADKV_TESTS_CLIENT_FAKE_H

#include "wire/message.h"

struct fake;

/* What it does with requests. */
enum fake_mood {
    FAKE_SERVES,     /* answers */
    FAKE_MUTE,       /* takes them and says nothing */
    FAKE_NOT_LEADER, /* refuses, without a hint */
};

struct fake *fake_start(enum fake_mood mood);
/* host:port */
const char *fake_address(const struct fake *fake);
void fake_set_mood(struct fake *fake, enum fake_mood mood);
/* Waits until it has received that many messages in all. */
void fake_wait_for(struct fake *fake, uint64_t messages);
/* Closes its port and ends the thread. */
void fake_stop(struct fake **fake);

/* A port on which nobody listens and nobody can while it is kept: "127.0.0.1:port" in text. */
int dead_port_take(char text[WIRE_ADDRESS_TEXT_MAX]);

#endif
