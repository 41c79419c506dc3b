/*
 * What the commands of `leumund` say and understand: times, spans, texts from outside, words mistyped.
 */
#ifndef LEUMUND_TOOLS_WORDS_H
#define LEUMUND_TOOLS_WORDS_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/* "2026-11-25 10:43:02", local time. */
const char *time_words(int64_t ms, char *out, size_t size);

/* "2026-11-25 11:43 CET (10:43 UTC)", with the date of UTC where it is another; only once where both are the same. */
#define TIME_BOTH_SIZE 96
const char *time_both(int64_t ms, char out[TIME_BOTH_SIZE]);

/* "12 s", "3 min", "5 h", "9 days". */
const char *span_words(int64_t ms, char *out, size_t size);

/* Seconds of "90s" "15m" "24h" "3d" "1w", or -1. */
int64_t time_read(const char *from);

/*
 * The end that "2026-12-01" (all of that day), "2026-12-01 18:00" (local time) or "+2d" means, in ms; -1: it is none of
 * these, or no such time.
 */
int64_t until_read(const char *from, int64_t now_ms);

/* Writes a text that may hold anything so that a terminal stays unharmed. */
void print_safe(FILE *out, const char *from);

/* Columns of a line: the terminal's (COLUMNS where that is set), but at least 40 and at most 80. */
size_t print_width(void);

/* As print_safe(), in lines that fit, each after `indent` blanks; `column` is where the first begins. */
void print_wrapped(FILE *out, const char *from, size_t indent, size_t column);

/* A JSON string with its quotes. */
void print_json(FILE *out, const char *from);

/* The word of `words` (ends with NULL) that was probably meant, or NULL. */
const char *word_meant(const char *word, const char *const *words);

#endif
