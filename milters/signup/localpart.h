/*
 * Does a local part look as if a machine had made it up? No word list: how usual its pairs of letters are in
 * the languages of Europe.
 */
#ifndef LEUMUND_SIGNUP_LOCALPART_H
#define LEUMUND_SIGNUP_LOCALPART_H

#include <stdbool.h>

#include "text.h"

/*
 * Below this a local part counts as random. Measured on names of nine languages that the table was not made from (those
 * of test/data/signup): 0.1 % of them lie below, 0.2 % of the German ones, and 91 % of random strings; of made-up
 * syllables 4 %.
 */
#define LOCALPART_RANDOM (-4)

/*
 * Bits of evidence for a name or word (positive) or a random string (negative). What stands behind a plus sign does not
 * count; letters other than a-z, as in EAI addresses (RFC 6531), say nothing.
 */
int localpart_bits(struct span local);

static inline bool localpart_is_random(struct span local)
{
	return localpart_bits(local) < LOCALPART_RANDOM;
}

#endif
