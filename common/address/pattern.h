/*
 * The patterns in which an admin names addresses and domains: *.cp1server.example.com,
 * cp[0-9]+@*, exact names. Matching takes time proportional to the text, whatever the pattern.
 */
#ifndef LEUMUND_PATTERN_H
#define LEUMUND_PATTERN_H

#include <stdbool.h>
#include <stddef.h>

struct pattern;

/*
 * `*` is any run of characters, `?` one character, `[0-9a-z]` one of a set, `x+` one
 * or more of the item before it; everything else is itself, case-blind.
 *   with an @       matches the whole address
 *   without an @    matches a domain
 *   `*.name`        matches the domain `name` and everything below it
 *   `name`          matches the domain `name` and everything below it
 * NULL, and a sentence in *why (static), when it is no pattern; at most 64 items a side.
 */
struct pattern *pattern_new(const char *from, const char **why);
void pattern_free(struct pattern **pattern);

/* `domain` in comparable form, `local` as written (case and quotes are folded away). */
bool pattern_match(const struct pattern *pattern, const char *local, size_t local_len, const char *domain);

/* The pattern as the admin wrote it; owned by the pattern. */
const char *pattern_text(const struct pattern *pattern);

#endif
