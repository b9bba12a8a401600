#include "smr/counters.h"

#include "wire/figures.h"

void smr_counters_add(struct smr_counters *sum, const struct smr_counters *more)
{
#define X(name) sum->name += more->name;
    SMR_COUNTERS(X)
#undef X
}

void smr_counters_each(const struct smr_counters *counters,
                       void (*visit)(void *context, const char *name, uint64_t value),
                       void *context)
{
#define X(name) visit(context, #name, counters->name);
    SMR_COUNTERS(X)
#undef X
}

struct figures_context {
    const char *prefix;      /* what every name begins with */
    struct wire_writer *out; /* where the figures go */
};

static void add_figure(void *context, const char *name, uint64_t value)
{
    struct figures_context *to = context;
    if (value != 0)
        wire_figure_number_of(to->out, to->prefix, name, value);
}

void smr_counters_figures(const struct smr_counters *counters, const char *prefix,
                          struct wire_writer *out)
{
    struct figures_context context = {.prefix = prefix, .out = out};
    smr_counters_each(counters, add_figure, &context);
}
