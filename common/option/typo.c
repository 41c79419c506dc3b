/*
 * How far a word that somebody wrote is from one that he could have meant (option/typo.h).
 */
#include <string.h>

#include "option/typo.h"
#include "text.h"

static unsigned smallest(unsigned a, unsigned b, unsigned c)
{
	unsigned low = a < b ? a : b;

	return low < c ? low : c;
}

unsigned typo_distance(const char *written, size_t len, const char *word)
{
	unsigned row[TYPO_WORD_MAX + 1];
	size_t word_len = strlen(word);

	if (len > TYPO_WORD_MAX || word_len > TYPO_WORD_MAX)
		return TYPO_WORD_MAX;
	for (unsigned j = 0; j <= word_len; j++)
		row[j] = j;
	for (unsigned i = 1; i <= len; i++) {
		unsigned corner = row[0];

		row[0] = i;
		for (unsigned j = 1; j <= word_len; j++) {
			unsigned above = row[j];

			row[j] = smallest(above + 1, row[j - 1] + 1,
					  corner + (ascii_lower(written[i - 1]) != word[j - 1]));
			corner = above;
		}
	}
	return row[word_len];
}
