/* Build: histories for tests (see build.h). */
#include "tests/unit/check/build.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

bool read_text(struct history *history, const char *text, size_t size, struct history_error *error)
{
    FILE *in = tmpfile();
    ck_assert_ptr_nonnull(in);
    ck_assert_uint_eq(fwrite(text, 1, size, in), size);
    rewind(in);
    bool good = history_read(history, in, error);
    fclose(in);
    return good;
}

struct history *build(const char *lines)
{
    static const char header[] = "# madkv-history 1\n";
    size_t size = sizeof(header) - 1 + strlen(lines);
    char *text = malloc(size + 1);
    ck_assert_ptr_nonnull(text);
    strcpy(text, header);
    strcat(text, lines);
    for (char *c = text + sizeof(header) - 1; *c != '\0'; c++) {
        *c = *c == ' ' ? '\t' : *c == ',' ? ' ' : *c;
    }
    struct history *history = history_new();
    struct history_error error;
    bool good = read_text(history, text, size, &error);
    ck_assert_msg(good, "line %zu: %s", error.line, error.message);
    free(text);
    return history;
}

enum check_verdict verdict_on(const char *lines)
{
    struct history *history = build(lines);
    enum check_verdict verdict = check_history(history, NULL, NULL);
    history_free(&history);
    return verdict;
}

char *explanation_of(const char *lines)
{
    struct history *history = build(lines);
    struct check_result result;
    check_history(history, NULL, &result);
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    check_explain(history, NULL, &result, out);
    fclose(out);
    history_free(&history);
    return text;
}
