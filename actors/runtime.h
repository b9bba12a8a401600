/* The runtime: threads that run actors.
 *
 * Each thread runs one loop: poll over the descriptors of all sockets of the actors it hosts until something
 * arrives, a deadline passes or it is told to stop; then one round of each actor. (zmq_poll would ask every
 * socket twice per call, two system calls each, however many are silent.) Deadlines are
 * computed from the clock anew each time; no tick is counted, nothing sleeps to wait for anybody.
 * Spinning is a setting, off unless asked for: to wake an idle core can take longer than the work it is
 * woken for.
 *
 * Which actor is on which thread is the caller's table and nobody else's business: one actor a
 * thread and all on one thread run the same code.
 *
 *     main                      thread
 *       | runtime_start ---------> | wakes each role once
 *       | <------------- "ready"   |
 *       |                          | loop
 *       | runtime_leave "leave" -> | asks each role to hand over what it can; goes on
 *       | <-------------- "left"   | once all have
 *       | runtime_stop   "stop" -> |
 *       | <---------------- join   |
 *
 * The words travel over a PAIR of their own, so data can never be in their way. Sockets and
 * roles are made by `main` before the thread is and destroyed after it was joined; both are full
 * fences. All signals are blocked in the threads. */
#ifndef MADKV_ACTORS_RUNTIME_H
#define MADKV_ACTORS_RUNTIME_H

#include "actors/actor.h"

#define RUNTIME_THREADS_MAX 8       /* threads of a runtime */
#define RUNTIME_THREAD_ACTORS_MAX 8 /* actors on one of them */

struct runtime;

/* context: the process's ZeroMQ context; must live longer. */
struct runtime *runtime_new(void *context);

/* While one event comes within `spin` microseconds of another, threads look for the next one for so long
 * before they sleep. 0, the default: they sleep at once. Before runtime_start. */
void runtime_spin(struct runtime *self, wire_time spin);

/* The thread does long work that nobody waits for: where cores are short, others go first. Before
 * runtime_start. */
void runtime_background(struct runtime *self, unsigned thread);

/* Puts an actor on a thread (from 0). The runtime owns it from now on. Before runtime_start. */
void runtime_host(struct runtime *self, struct actor *actor, unsigned thread);

/* Starts the threads, in order of their number; each is in its loop when the next one starts.
 * False: the system gives no thread; those already started are stopped again. */
bool runtime_start(struct runtime *self);

/* Has the roles hand over what others can do in their stead, and waits for it, at most so many
 * milliseconds. Once, before runtime_stop. */
void runtime_leave(struct runtime *self, long patience_ms);

/* Stops the threads in order of their number and joins them. Harmless if none run. */
void runtime_stop(struct runtime *self);

/* Stops, then destroys all actors; *runtime becomes NULL. NULL is ignored. */
void runtime_destroy(struct runtime **runtime);

#endif
