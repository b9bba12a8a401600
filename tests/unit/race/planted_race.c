/* A race of our own, on purpose: two threads that hand messages to each other over ZeroMQ and count
 * them without any other agreement. ThreadSanitizer must report it although its suppressions name
 * libzmq; if it does not, the suppressions hide too much and no green run of it means anything. */
#include <assert.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <zmq.h>

enum {
    ROUNDS = 1000
};

static uint64_t planted_count; /* written by both threads */

static void *planted_thread(void *socket)
{
    char byte;
    for (int i = 0; i < ROUNDS; i++) {
        planted_count++;
        int size = zmq_recv(socket, &byte, 1, 0);
        assert(size == 1);
    }
    return NULL;
}

int main(void)
{
    void *context = zmq_ctx_new();
    void *ends[2] = {zmq_socket(context, ZMQ_PAIR), zmq_socket(context, ZMQ_PAIR)};
    int code = zmq_bind(ends[0], "inproc://planted");
    assert(code == 0);
    code = zmq_connect(ends[1], "inproc://planted");
    assert(code == 0);
    pthread_t thread;
    code = pthread_create(&thread, NULL, planted_thread, ends[0]);
    assert(code == 0);
    for (int i = 0; i < ROUNDS; i++) {
        planted_count++;
        int size = zmq_send(ends[1], "x", 1, 0);
        assert(size == 1);
    }
    pthread_join(thread, NULL);
    zmq_close(ends[0]);
    zmq_close(ends[1]);
    zmq_ctx_term(context);
    printf("counted %llu\n", (unsigned long long)planted_count);
    return 0;
}
