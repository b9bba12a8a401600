/* A thread that asks the cluster at intervals and hands each picture to the thread that shows it: a
 * czmq actor, so that a node that is dead or stalled never holds up the screen.
 *
 *     to it    "INTERVAL" ms       the pause between two pictures from now on; 0: none is taken
 *              "NOW"               one at once
 *              "ORDER" bytes       a struct client_order with its address behind it, to be given
 *              "END"               none any more
 *     from it  "PICTURE" pointer   a picture, and with it the ownership
 *              "SAID" text         what came of an order, in words
 *              "ENDED"             the answer to END; no picture comes after it
 *
 * Pictures are small and their reader is quick: what is not fetched stays in the pipe. */
#ifndef MADKV_MONITOR_POLLER_H
#define MADKV_MONITOR_POLLER_H

#include <czmq.h>

#include "tools/monitor/gather.h"

/* Starts at once with a first picture. The targets must outlive it. */
zactor_t *poller_new(const struct gather_targets *targets, uint64_t interval_ms);
void poller_set_interval(zactor_t *self, uint64_t interval_ms);
void poller_now(zactor_t *self);
/* Gives an order once the round under way is over; its outcome is news. */
void poller_order(zactor_t *self, const struct client_order *order);

#define POLLER_TEXT_BYTES 120

/* One of the two. */
struct poller_news {
    struct picture *picture;      /* the caller's; NULL: */
    char said[POLLER_TEXT_BYTES]; /* what came of an order */
};
/* False: there is none. */
bool poller_take(zactor_t *self, struct poller_news *news);
/* Ends the thread and frees what nobody has fetched; *poller becomes NULL. Waits for the round that
 * is under way. */
void poller_destroy(zactor_t **poller);

#endif
