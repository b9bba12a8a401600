/* Blocking questions of other programs: a server's to the managers, a monitor's to anybody. The
 * thread that calls does all the work and is blocked meanwhile. */
#ifndef MADKV_CLIENT_ASK_H
#define MADKV_CLIENT_ASK_H

#include "wire/error.h"
#include "wire/message.h"

/* Asks the managers, wherever their leader is, again and again until there is an answer or
 * timeout_ms are over (below 0: for ever). kind: WIRE_CALL_READ, or WIRE_CALL_PLAIN for a command
 * that may be applied more than once. `count` addresses, in the order of the managers' replicas.
 * WIRE_OK: the answer was appended. WIRE_MALFORMED: they do not know this call. WIRE_FAILED: no
 * answer in time; a PLAIN command may have been applied, or may yet be. Says once on stderr that it
 * has to wait, and once when that is over. */
enum wire_error client_ask(const char *const *addresses, size_t count, enum wire_call_kind kind,
                           struct span body, int64_t timeout_ms, struct wire_writer *answer);

/* What one asked for its status said. */
struct client_status {
    enum wire_error error;      /* WIRE_OK, or WIRE_FAILED: no answer in time */
    struct wire_sender sender;  /* of OK: who it is */
    struct wire_writer figures; /* of OK: wire/figures.h; the caller frees it */
};

/* Asks every address at once and waits until all have answered or timeout_ms are over. results: one
 * for each address, zero or with writers to be used again. */
void client_status_many(const char *const *addresses, size_t count, int64_t timeout_ms,
                        struct client_status *results);
/* Asks one: WIRE_OK and the figures appended, or WIRE_FAILED. */
enum wire_error client_status(const char *address, int64_t timeout_ms, struct wire_writer *figures);

#endif
