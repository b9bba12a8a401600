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

/* The same for a query with a time-out, without a word on stderr. */
enum wire_error client_read_quietly(const char *const *addresses, size_t count, struct span body,
                                    int64_t timeout_ms, struct wire_writer *answer);

/* What one asked for its status said. */
struct client_status {
    enum wire_error error;      /* WIRE_OK, or WIRE_FAILED: no answer in time */
    struct wire_sender sender;  /* of OK: who it is */
    struct wire_writer figures; /* of OK: wire/figures.h; the caller frees it */
};

/* An operator's order to one replica (ADMIN). */
struct client_order {
    const char *address; /* of that replica's clients */
    uint64_t cluster;    /* whom it is meant for, so that nobody else obeys; 0: any cluster */
    uint32_t group;      /* likewise the group */
    enum wire_admin_action action; /* what */
    wire_replica replica;          /* of MOVE_LEADER: to whom */
};
/* WIRE_OK: it answered, and *outcome says what. WIRE_FAILED: no answer within timeout_ms; the order
 * may have been carried out or may yet be. */
enum wire_error client_give_order(const struct client_order *order, int64_t timeout_ms,
                                  enum wire_admin_outcome *outcome);

/* Asks the same addresses again and again over connections that it keeps. */
struct client_asker;
struct client_asker *client_asker_new(const char *const *addresses, size_t count);
void client_asker_free(struct client_asker **asker);
/* One round: asks everybody and waits until all have answered or timeout_ms are over. Who could not
 * be connected to in an earlier round is not waited for. results: as below. */
void client_asker_round(struct client_asker *self, int64_t timeout_ms,
                        struct client_status *results);

/* The same once: asks every address at once and waits until all have answered or timeout_ms are
 * over. results: one for each address, zero or with writers to be used again. */
void client_status_many(const char *const *addresses, size_t count, int64_t timeout_ms,
                        struct client_status *results);
/* Asks one: WIRE_OK and the figures appended, or WIRE_FAILED. */
enum wire_error client_status(const char *address, int64_t timeout_ms, struct wire_writer *figures);

#endif
