/* ZeroMQ sockets with every option set that their use here asks for; nothing is left to a default
 * that waits for ever, queues without bound or drops in silence.
 *
 *     inproc PAIR     between two actors of a replica, both ends in one call
 *     peers' ROUTER   bound; MANDATORY: an unknown peer is an error, counted as a loss; HANDOVER: a
 *                     peer that comes again takes its identity over from its dead connection
 *     peer DEALER     connected; IMMEDIATE: nothing queues for a peer that is not there, so nothing
 *                     stale meets its next life; a fixed identity
 *     manager DEALER  the same without an identity: to the manager it is a client
 *     clients' ROUTER bound; MANDATORY, no HANDOVER: ids are made up by ZeroMQ, nobody takes
 * another's
 *
 * All over TCP: a limit on unacknowledged data and the kernel's keep-alive, so that a half-open connection ends;
 * MAXMSGSIZE, so that a longer frame cuts its sender; a short time for the handshake.
 *
 * Each returns NULL or false with one line in `problem` (SOCKET_PROBLEM_BYTES). Thread: `main`,
 * before the threads that will use them. */
#ifndef MADKV_ACTORS_SOCKET_H
#define MADKV_ACTORS_SOCKET_H

#include "wire/message.h"

/* Messages; past them a send is refused. Bounds of last resort: flow is governed by the roles. */
#define SOCKET_PAIR_MESSAGES 20000  /* each way between two actors of a replica */
#define SOCKET_PEER_MESSAGES 1024   /* each way between two replicas */
#define SOCKET_CLIENT_MESSAGES 1024 /* each way of one client's connection */
#define SOCKET_BACKLOG 1024         /* connections the kernel holds for us */
#define SOCKET_PROBLEM_BYTES 256    /* room for a line */
#define SOCKET_ENDPOINT_BYTES 128   /* room for tcp://host:port */

static_assert(SOCKET_PAIR_MESSAGES > 2 * WIRE_API_CALLS_MAX,
              "a submit and a read of every call fit between API and proposer");

/* Two connected ends. name: of the pair, unique in the context. */
bool socket_pair(void *context, const char *name, void *ends[2], char *problem);

/* A ROUTER bound to host:port. flag: the command-line flag it came from, for the line. Port 0: the
 * kernel chooses. */
void *socket_bind_peers(void *context, const char *flag, const char *address, char *problem);
void *socket_bind_clients(void *context, const char *flag, const char *address, char *problem);

/* A DEALER with that identity, or NULL: without one; not connected yet. */
void *socket_new_peer(void *context, const struct wire_client *identity, char *problem);
/* Connects it to host:port; a peer that is not there yet is no error. */
bool socket_connect(void *socket, const char *address, char *problem);

/* Ends the connection of such a DEALER and begins another; what was on its way either way is lost. By the
 * thread that uses the socket. */
void socket_relink(void *socket);

/* Becomes readable when the socket's state has changed; not as long as there are messages (ZMQ_FD). */
int socket_descriptor(void *socket);

/* What a bound socket is bound to, as host:port: the chosen port if it was 0. */
void socket_bound_address(void *socket, char address[SOCKET_ENDPOINT_BYTES]);

#endif
