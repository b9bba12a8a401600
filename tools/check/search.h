/* Search: is there an order of the calls on one key that explains all their results?
 *
 * The search of Wing and Gong ("Testing and verifying concurrent objects", 1993): build the order
 * from its beginning, at each step choosing a call that no call still to be placed returned before,
 * whose result is right for the state the key is in; turn back where there is none. With Lowe's
 * memo (memo.h) no configuration is searched twice, nor one that merely spent more calls of unknown
 * outcome than another. The problem is NP-complete; what keeps it cheap here is that a key is a
 * register, about which more can be said than about any object:
 *
 * 1. A read that may come next and is right may be placed at once, without a choice. If there
 *    is an order that places it later, moving it to the front leaves all other results as they are.
 *
 * 2. A call of unknown outcome is placed only directly before a call whose result needs its effect.
 *    Anywhere else it can be moved past its successor, and so on to the end, where nothing sees
 *    it; and a call that is never placed is one that took effect after everything else, or not at
 *    all. Calls of unknown outcome with the same effect take turns in order of their invocation,
 *    since any of them that may be placed now may be placed at any later time too.
 *
 * 3. A value that some result still to be placed needs must not be overwritten if no call still to
 *    be placed writes it again. Where values are unique, this cuts most wrong choices.
 *
 * 4. Nor may such a value be written yet if something that does not need it returns before the last
 *    call that does is invoked: nothing else can come between the write and that call.
 *
 * 5. Values that no result names cannot be told apart, and are one value to the search.
 *
 * What stays is exponential in how many writes to one key overlap: 8 clients on one key are cheap,
 * 32 with lost answers take seconds, more may use up the memo. Spread clients over keys. */
#ifndef MADKV_TOOLS_CHECK_SEARCH_H
#define MADKV_TOOLS_CHECK_SEARCH_H

#include <stddef.h>
#include <stdint.h>

#include "tools/check/subhistory.h"

enum search_verdict {
    SEARCH_FOUND,   /* there is an order */
    SEARCH_NONE,    /* there is none */
    SEARCH_GAVE_UP, /* the memo is full; nothing is known */
};

/* What a search found. */
struct search_result {
    enum search_verdict verdict;
    size_t configuration_count; /* configurations searched: how hard it was */
    size_t *order;      /* SEARCH_FOUND: indices into the calls searched, in an order that explains
                           them, without the calls of unknown outcome that it does not need; to be
                           freed by the caller. Else NULL */
    size_t order_count; /* indices in order */
};

/* Searches the `count` calls at `calls` on one key, which holds no value at first. The memo may
 * take `memo_size_max` bytes. Fills `*result`. */
void search_run(const struct subcall *calls, size_t count, size_t memo_size_max,
                struct search_result *result);

#endif
