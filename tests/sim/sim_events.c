/* What happens when: a binary heap ordered by time, then by order of scheduling. */
#include "tests/sim/sim.h"

#include <stdlib.h>

static bool before(const struct sim_event *a, const struct sim_event *b)
{
    return a->at != b->at ? a->at < b->at : a->order < b->order;
}

static void swap(struct sim_heap *heap, size_t a, size_t b)
{
    struct sim_event event = heap->events[a];
    heap->events[a] = heap->events[b];
    heap->events[b] = event;
}

void sim_schedule(struct sim *sim, wire_time at, struct sim_event event)
{
    struct sim_heap *heap = &sim->heap;
    if (heap->count == heap->capacity) {
        heap->capacity = heap->capacity == 0 ? 256 : heap->capacity * 2;
        heap->events = wire_realloc(heap->events, heap->capacity * sizeof *heap->events);
    }
    event.at = at < sim->now ? sim->now : at;
    event.order = ++heap->order;
    size_t i = heap->count++;
    heap->events[i] = event;
    for (; i > 0 && before(&heap->events[i], &heap->events[(i - 1) / 2]); i = (i - 1) / 2)
        swap(heap, i, (i - 1) / 2);
}

bool sim_next(struct sim *sim, struct sim_event *event)
{
    struct sim_heap *heap = &sim->heap;
    if (heap->count == 0)
        return false;
    *event = heap->events[0];
    heap->events[0] = heap->events[--heap->count];
    for (size_t i = 0;;) {
        size_t least = i;
        for (size_t child = 2 * i + 1; child <= 2 * i + 2 && child < heap->count; child++)
            least = before(&heap->events[child], &heap->events[least]) ? child : least;
        if (least == i)
            break;
        swap(heap, i, least);
        i = least;
    }
    return true;
}

void sim_letter_free(struct sim_letter *letter)
{
    buf_unref(&letter->head);
    buf_unref(&letter->payload);
}

void sim_heap_free(struct sim_heap *heap)
{
    for (size_t i = 0; i < heap->count; i++)
        sim_letter_free(&heap->events[i].letter);
    free(heap->events);
}
