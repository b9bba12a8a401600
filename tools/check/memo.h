/* Memo: the configurations that a search has been in, so that it is in none of them twice.
 *
 * Lowe's improvement on the search of Wing and Gong ("Testing for linearizability", 2017): two
 * orders of the same calls that leave the same state have the same future, so the second one to
 * get there can turn back. A configuration comes here encoded as words; the search decides how.
 *
 * A configuration here is a key, encoded as words, and a bit set of what was spent to get there.
 * One that has the same key as another and spent a subset of what that spent can do all that the
 * other can; so after it the other need not be searched. Without this, a search that must exhaust
 * all orders would go through each once for every way to spend the calls of unknown outcome.
 *
 * Two keys are equal only if all their words are; the hash just finds the candidates. A wrong
 * "seen" would cut a branch that was never searched, and call a good history bad. */
#ifndef MADKV_TOOLS_CHECK_MEMO_H
#define MADKV_TOOLS_CHECK_MEMO_H

#include <stddef.h>
#include <stdint.h>

enum memo_answer {
    MEMO_NEW,  /* was not there, is now */
    MEMO_SEEN, /* it, or one that spent a subset, was there */
    MEMO_FULL, /* none such was there, and there is no room for it */
};

/* A configuration. Both parts are the caller's. */
struct memo_entry {
    const uint64_t *key;   /* words that must be equal */
    size_t key_count;      /* of them, at least 1 */
    const uint64_t *spent; /* bit set; its last word is not 0 */
    size_t spent_count;    /* words in it */
};

struct memo;

/* An empty memo that takes no more than about `size_max` bytes; to be freed with memo_free. */
struct memo *memo_new(size_t size_max);

/* Frees the memo and sets `*memo` to NULL. */
void memo_free(struct memo **memo);

/* Adds `entry`, whose words are copied. */
enum memo_answer memo_add(struct memo *memo, const struct memo_entry *entry);

/* How many configurations were added. */
size_t memo_count(const struct memo *memo);

#endif
