/* The views that are no mere table. Each draws into rows `top` to before `bottom`. Pure. */
#ifndef MADKV_MONITOR_VIEWS_H
#define MADKV_MONITOR_VIEWS_H

#include "tools/monitor/screen.h"

/* Where to draw what. */
struct view {
    const struct watch *watch; /* has a picture */
    struct screen *screen;     /* the wishes of the user; its selection is set here */
    struct grid *grid;         /* drawn into */
    int top;                   /* first row */
    int bottom;                /* behind the last */
};

void view_overview(const struct view *view);
void view_latency(const struct view *view);
void view_events(const struct view *view);
void view_node(const struct view *view);
void view_help(const struct view *view);

/* "14:03:22" of a wall clock, local time. */
char *view_clock(time_t at, char text[16]);
/* What a failure means for whoever looks: "s0 can lose 0 more: one more failure stops it". */
void view_consequence(const struct picture_group *group, char *text, size_t room);

#endif
