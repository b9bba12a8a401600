#include "tools/monitor/buckets.h"

#include <string.h>

static bool take_number(struct span *text, uint64_t *number)
{
    size_t at = 0;
    *number = 0;
    while (at < text->size && text->data[at] >= '0' && text->data[at] <= '9') {
        uint64_t digit = text->data[at++] - (uint64_t)'0';
        if (*number > (INT64_MAX - digit) / 10)
            return false;
        *number = *number * 10 + digit;
    }
    bool any = at > 0;
    *text = span_of(text->data + at, text->size - at);
    return any;
}

static bool take_char(struct span *text, char c)
{
    if (text->size == 0 || text->data[0] != (uint8_t)c)
        return false;
    *text = span_of(text->data + 1, text->size - 1);
    return true;
}

/* The bucket of that end, made if there is none; NULL: no room. */
static int64_t *place(struct buckets *self, uint64_t end)
{
    size_t at = self->count;
    while (at > 0 && self->ends[at - 1] >= end)
        at--;
    if (at < self->count && self->ends[at] == end)
        return &self->values[at];
    if (self->count == BUCKETS_MAX)
        return NULL;
    memmove(&self->ends[at + 1], &self->ends[at], (self->count - at) * sizeof self->ends[0]);
    memmove(&self->values[at + 1], &self->values[at], (self->count - at) * sizeof self->values[0]);
    self->count++;
    self->ends[at] = end;
    self->values[at] = 0;
    return &self->values[at];
}

bool buckets_add(struct buckets *self, struct span text, int times)
{
    while (text.size > 0) {
        uint64_t end, count;
        if (!take_number(&text, &end) || !take_char(&text, ':') || !take_number(&text, &count) ||
            count > INT64_MAX / 4096)
            return false;
        int64_t *value = place(self, end);
        if (value == NULL)
            return false;
        *value += (int64_t)count * times;
        if (text.size > 0 && (!take_char(&text, ',') || text.size == 0))
            return false;
    }
    return true;
}

uint64_t buckets_between(const struct buckets *self, uint64_t begin, uint64_t end)
{
    uint64_t total = 0;
    for (size_t i = 0; i < self->count; i++) {
        if (self->values[i] > 0 && self->ends[i] >= begin && self->ends[i] < end)
            total += (uint64_t)self->values[i];
    }
    return total;
}

uint64_t buckets_total(const struct buckets *self)
{
    uint64_t total = 0;
    for (size_t i = 0; i < self->count; i++)
        total += self->values[i] > 0 ? (uint64_t)self->values[i] : 0;
    return total;
}

struct picture_number buckets_percentile(const struct buckets *self, double share)
{
    uint64_t total = buckets_total(self), seen = 0;
    double wanted = share * (double)total;
    for (size_t i = 0; i < self->count; i++) {
        seen += self->values[i] > 0 ? (uint64_t)self->values[i] : 0;
        if (seen > 0 && (double)seen >= wanted)
            return (struct picture_number){.known = true, .value = self->ends[i]};
    }
    return (struct picture_number){0};
}
