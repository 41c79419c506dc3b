/*
 * Letters in one form, so that "BESTÄTIGEN" and "bestätigen" are one word, in Latin, Greek and Cyrillic.
 */
#ifndef LEUMUND_FOLD_H
#define LEUMUND_FOLD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "text.h"

/* The lower-case letter. Pairs that languages mix up are one: dotless i and i, io and ie, both sigmas. */
uint32_t letter_fold(uint32_t point);

/* Part of a word: letters, digits, and what is joined to them. */
bool is_word_point(uint32_t point);

/* A script that does not divide words by blanks: Chinese, Japanese, Thai and their neighbours. */
bool is_undivided_point(uint32_t point);

/* Reads the next code point, folded; bytes that are no UTF-8 come one by one as U+FFFD. *at < text.len. */
uint32_t fold_next(struct span text, size_t *at);

/*
 * Writes the words of a text, folded, one blank between two, none around; at most `size` bytes, cut at a code
 * point. The bytes written.
 */
size_t fold_words(struct span text, char *out, size_t size);

#endif
