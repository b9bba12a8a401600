/* What every serving process does besides serving: it prepares itself, waits to be told to end, and
 * ends for sure.
 *
 * Thread: `main`. */
#ifndef MADKV_ACTORS_PROCESS_H
#define MADKV_ACTORS_PROCESS_H

#include "wire/error.h"
#include "wire/pack.h"

#define PROCESS_STOP_SECONDS 5 /* an orderly end that takes longer becomes a disorderly one */
#define PROCESS_LEAVE_MS 3000 /* of it for handing over to others; longer than that ever takes */
#define PROCESS_AGAIN_MS 1000 /* likewise before it starts again, when some of its threads stand still */

/* The exit status of a process that cannot go on for that reason. */
int process_exit_of(enum wire_error error);

/* First thing in main, before any library has a thread: private files (umask 077), as many open
 * files as the system allows, czmq's own signal handling off. Returns the process's one ZeroMQ
 * context, which is czmq's, so that a client inside the process shares it. */
void *process_begin(void);

/* From here on SIGTERM and SIGINT are waited for. Until here they end the process on the spot, with
 * status 0: before anything is served, dying at any point is safe, and a process that waits for its
 * managers must be possible to end. */
void process_hold_signals(void);

/* Waits for SIGTERM or SIGINT and returns which. From then on the process ends within
 * PROCESS_STOP_SECONDS, whatever happens. 0: it is to be started again (process_start_again). */
int process_wait(void);

/* Starts this program again in this process, with the same arguments and environment: all memory, threads,
 * locks and open files go, as if it had been killed and started by the same parent. */
void process_exec(void) __attribute__((noreturn));

/* The same, from any thread, which goes no further: if `main` waits for signals, or is going to, it is left
 * to it, so that the others may hand over what they can in the meantime. */
void process_start_again(void) __attribute__((noreturn));

/* Last thing: terminates the context; all sockets must be closed. */
void process_end(void);

/* Appends what the process is and takes: process.pid, process.rss_bytes, process.cpu_ms and
 * process.uptime_ms; all but the first are left out if the system does not tell. Any thread. */
void process_figures(struct wire_writer *out);

#endif
