/*
 * How far a word that somebody wrote is from one that he could have meant.
 */
#ifndef LEUMUND_TYPO_H
#define LEUMUND_TYPO_H

#include <stddef.h>

#define TYPO_WORD_MAX 63 /* letters; a longer word is far from every other */

/* How many letters must be changed, added or left out, case aside: Levenshtein's distance. `word` is in lower case. */
unsigned typo_distance(const char *written, size_t len, const char *word);

#endif
