/* Figures: what STATUS answers. A list of names and values, so that adding one is one line where it
 * is counted and nothing anywhere else.
 *
 *     per figure: [bin name, uint value] or [bin name, bin text]
 */
#ifndef MADKV_WIRE_FIGURES_H
#define MADKV_WIRE_FIGURES_H

#include "wire/pack.h"

#define WIRE_FIGURE_NAME_MAX 64   /* bytes */
#define WIRE_FIGURE_TEXT_MAX 1024 /* bytes */

struct wire_figure {
    struct span name; /* dotted, unit last: proposer.window_slots, log.commit_us_p99 */
    bool is_text;     /* text or number */
    uint64_t number;  /* if not text */
    struct span text; /* if text */
};

/* Something that happened, as STATUS shows it. */
struct wire_figure_event {
    wire_time age;             /* how long ago */
    const char *kind;          /* one word, to filter by */
    const char *text;          /* %b stands for the ballot, %n for the number */
    struct wire_ballot ballot; /* see there */
    uint64_t detail;           /* the number */
};

void wire_figure_number(struct wire_writer *out, const char *name, uint64_t number);
/* The same for the name `prefix.name`. */
void wire_figure_number_of(struct wire_writer *out, const char *prefix, const char *name,
                           uint64_t number);
void wire_figure_text(struct wire_writer *out, const char *name, const char *text);
/* The figure `event.<role>.<number>` with the text "<age_ms> <kind> <text>". */
void wire_figure_event(struct wire_writer *out, const char *role, uint64_t number,
                       const struct wire_figure_event *event);
/* The next figure; false at the end or when the list is bad (then in->bad). */
bool wire_figure_next(struct wire_reader *in, struct wire_figure *figure);

#endif
