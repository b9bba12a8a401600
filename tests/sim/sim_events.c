/* What happens when: a heap ordered by time, then by order of scheduling.
 *
 * What is moved about is a key of 24 bytes; the events stay in their places of a pool. Four children
 * a node: half as deep as a binary heap, and four keys lie side by side. This is where the simulator
 * would spend most of its time otherwise. */
#include "tests/sim/sim.h"

#include <stdlib.h>

enum {
    CHILDREN = 4
};

static bool before(const struct sim_key *a, const struct sim_key *b)
{
    return a->at != b->at ? a->at < b->at : a->order < b->order;
}

static void grow(struct sim_heap *heap)
{
    size_t capacity = heap->capacity == 0 ? 256 : heap->capacity * 2;
    heap->keys = wire_realloc(heap->keys, capacity * sizeof *heap->keys);
    heap->events = wire_realloc(heap->events, capacity * sizeof *heap->events);
    heap->free_places = wire_realloc(heap->free_places, capacity * sizeof *heap->free_places);
    for (size_t place = capacity; place > heap->capacity; place--)
        heap->free_places[heap->free_count++] = (uint32_t)(place - 1);
    heap->capacity = capacity;
}

void sim_schedule(struct sim *sim, wire_time at, struct sim_event event)
{
    struct sim_heap *heap = &sim->heap;
    if (heap->count == heap->capacity)
        grow(heap);
    uint32_t place = heap->free_places[--heap->free_count];
    event.at = at < sim->now ? sim->now : at;
    heap->events[place] = event;
    struct sim_key key = {.at = event.at, .order = ++heap->order, .place = place};
    size_t i = heap->count++;
    while (i > 0 && before(&key, &heap->keys[(i - 1) / CHILDREN])) {
        heap->keys[i] = heap->keys[(i - 1) / CHILDREN];
        i = (i - 1) / CHILDREN;
    }
    heap->keys[i] = key;
}

/* The least of the children of place i, or `count` if it has none. */
static size_t least_child(const struct sim_heap *heap, size_t i)
{
    size_t first = CHILDREN * i + 1;
    if (first >= heap->count)
        return heap->count;
    size_t least = first;
    for (size_t child = first + 1; child < first + CHILDREN && child < heap->count; child++)
        least = before(&heap->keys[child], &heap->keys[least]) ? child : least;
    return least;
}

bool sim_next(struct sim *sim, struct sim_event *event)
{
    struct sim_heap *heap = &sim->heap;
    if (heap->count == 0)
        return false;
    uint32_t place = heap->keys[0].place;
    *event = heap->events[place];
    heap->free_places[heap->free_count++] = place;
    struct sim_key last = heap->keys[--heap->count];
    size_t i = 0;
    for (size_t child = least_child(heap, i);
         child < heap->count && before(&heap->keys[child], &last);
         child = least_child(heap, i)) {
        heap->keys[i] = heap->keys[child];
        i = child;
    }
    heap->keys[i] = last;
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
        sim_letter_free(&heap->events[heap->keys[i].place].letter);
    free(heap->keys);
    free(heap->events);
    free(heap->free_places);
}
