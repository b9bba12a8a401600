/* The full screen: which view is shown, what the keys do, and the drawing of it all into a grid.
 * Pure: keys come in as numbers, time comes with the pictures, nothing is sent anywhere, so that
 * every screen is tested as text. live.c is the program around it. One thread.
 *
 *     row 0        the verdict, and the time of the picture
 *     row 1        cluster, replicas, throughput, interval
 *     row 2        the views and the one that is shown
 *     row 4 ..     the view
 *     last row     what the keys do, a question, or an answer */
#ifndef MADKV_MONITOR_SCREEN_H
#define MADKV_MONITOR_SCREEN_H

#include "tools/monitor/grid.h"
#include "tools/monitor/table.h"
#include "tools/monitor/watch.h"

#define SCREEN_ROWS_MIN 10    /* less shows the verdict only */
#define SCREEN_COLUMNS_MIN 40 /* likewise */
#define SCREEN_INPUT_BYTES 64 /* what can be typed in */

#define SCREEN_VIEWS(X)                                                                            \
    X(OVERVIEW, "Overview")                                                                        \
    X(REPLICAS, "Replicas")                                                                        \
    X(LATENCY, "Latency")                                                                          \
    X(STORAGE, "Storage")                                                                          \
    X(EVENTS, "Events")                                                                            \
    X(CLIENTS, "Clients")                                                                          \
    X(CHAIN, "Chain")                                                                              \
    X(NODE, "Node")                                                                                \
    X(HELP, "Help")

enum screen_view {
#define X(name, title) SCREEN_##name,
    SCREEN_VIEWS(X)
#undef X
        SCREEN_VIEW_COUNT
};

/* Keys that are no character. */
enum screen_key {
    SCREEN_KEY_UP = 0x1000,
    SCREEN_KEY_DOWN,
    SCREEN_KEY_PAGE_UP,
    SCREEN_KEY_PAGE_DOWN,
    SCREEN_KEY_HOME,
    SCREEN_KEY_END,
    SCREEN_KEY_LEFT,
    SCREEN_KEY_RIGHT,
    SCREEN_KEY_ENTER,
    SCREEN_KEY_ESCAPE,
    SCREEN_KEY_BACKSPACE,
};

/* What the last row asks for. */
enum screen_question {
    SCREEN_NO_QUESTION,
    SCREEN_FILTER,  /* rows that hold what is typed */
    SCREEN_ACTION,  /* which action */
    SCREEN_CONFIRM, /* the node's name, typed again */
};

/* What can be done to a node; see --allow-admin. */
enum screen_act {
    SCREEN_NOTHING,
    SCREEN_MOVE_LEADER, /* hand leadership over to this node */
    SCREEN_STEP_DOWN,   /* this node gives up leadership */
    SCREEN_CHECKPOINT,  /* this node begins a checkpoint */
};

/* A node by name. */
struct screen_target {
    bool known;      /* there is one */
    uint32_t group;  /* which group */
    wire_replica id; /* which of it */
};

struct screen {
    enum screen_view view;                       /* shown */
    enum screen_view before;                     /* where Escape leads back to */
    struct table_wish wishes[SCREEN_VIEW_COUNT]; /* sort, filter, selection of each */
    struct screen_target selected;               /* of the view as it was drawn last */
    struct screen_target subject;                /* of the view of a node, and of an action */
    bool paused;                                 /* pictures that come are not shown */
    uint64_t interval_ms;                        /* between two pictures */
    enum screen_question question;               /* what is typed in answers it */
    char input[SCREEN_INPUT_BYTES];              /* typed so far */
    char said[160];                              /* shown in the last row until the next key */
    bool may_act;                                /* --allow-admin */
    enum screen_act asked;                       /* being confirmed */
    enum screen_act order; /* confirmed: the program carries it out and clears it */
    bool refresh;          /* wanted now: the program asks and clears it */
    bool quit;             /* the user wants to leave */
};

void screen_init(struct screen *self, uint64_t interval_ms, bool may_act);
/* A key was pressed: a character below 0x80 or an enum screen_key; others do nothing. */
void screen_press(struct screen *self, int key);
/* Draws what there is to see. waiting_ms: since the first question was asked, shown while there is
 * no picture. */
void screen_draw(struct screen *self, const struct watch *watch, uint64_t waiting_ms,
                 struct grid *grid);

/* Who has to be told to carry the order out: the leader of the group, or the subject itself. NULL:
 * nobody leads, or the subject is not known any more. */
const struct picture_replica *screen_addressee(const struct screen *self,
                                               const struct watch *watch);

const char *screen_act_text(enum screen_act act);

#endif
