/*
 * How usual the pairs of letters of a local part are (localpart.h).
 */
#include "milters/signup/localpart.h"

/* RFC 5321 4.5.3.1.1; what is longer is judged by its beginning. */
#define LOCAL_MAX 64

/* Initials and abbreviations are as rare as random letters: a run says something from here on. */
#define RUN_LEAST 4

/* Digits between letters ("a8f3k2") are rare in names; so many quarters of a bit each. */
#define DIGITS_INSIDE (-20)

#define LETTERS 26
#define EDGE LETTERS

/* clang-format off */
/*
 * Quarters of a bit by which a letter (column; the last: the end) is more frequent behind another one (row) than by
 * chance. Counted by test/data/signup/pairs in 20,000 words and names each of English, German, French, Spanish, Italian,
 * Dutch, Polish, Portuguese, Swedish, Turkish, Czech, Hungarian and Russian (transliterated), without accents, umlauts
 * as ae oe ue or a o u.
 */
static const signed char pairs[LETTERS + 1][LETTERS + 1] = {
	{  -8,  -2,   1,   1,  -9,  -7,  -2, -12,  -2,  -8,  -3,   4,   2,   7, -15,  -3, -16,   6,   5,   5,  -5,   0, -14, -16,  -7,  -5,   7 }, /* a */
	{   9,  -1, -14, -12,  10, -16, -12, -16,   8, -13, -12,   3, -14,  -9,   7, -16, -16,   6,  -4, -10,   3, -16, -16, -16,   1, -13, -10 }, /* b */
	{   8, -16,  -3, -16,   6, -16, -16,  11,   7, -15,   0,  -4, -16, -14,   7, -16, -16,  -2,  -5,  -3,   0, -16, -16, -16,  -6,  -2,  -6 }, /* c */
	{   7, -13, -13,  -8,  12, -16, -12, -15,   9, -14, -10,  -6, -11,  -6,   7, -12, -16,   1,  -4, -11,   1,  -9, -13, -16,  -8,  -5,   3 }, /* d */
	{  -6,  -5,  -1,  -1,  -6,  -8,  -2, -10,  -1,  -7,  -2,   3,   2,   8, -11,  -5, -16,   9,   6,   2,  -8,  -6, -12, -11, -11,  -3,   6 }, /* e */
	{   7, -12, -16,  -9,   8,   3,  -9, -14,   9, -16, -12,   3, -14, -13,   7, -15, -16,   5,  -4,   0,   3, -15, -14, -16, -11, -12,  -4 }, /* f */
	{   7, -14, -16, -11,  10, -16,  -4,  -6,   9, -16, -15,   0, -11,  -1,   4, -16, -16,   4,  -2,  -7,   4, -16, -16, -16,  -3, -14,   4 }, /* g */
	{  10, -14, -16, -13,  10, -16, -14, -16,   9, -16,  -9,  -1,  -7,  -1,   6, -16, -16,  -1,  -5,   1,   1, -13, -10, -16,  -6, -15,   2 }, /* h */
	{   2,  -8,   2,  -3,   6,  -6,   2, -16, -16,  -8,  -1,   3,   0,   7,   0,  -7, -15,   1,   5,   3, -12,  -2, -16, -16,  -2,  -1,   5 }, /* i */
	{  10, -11,  -2,  -3,   9,  -7, -10, -13,   1, -13,  -1,  -8,  -3,  -1,   5, -10, -16, -12,   5,  -4,   4, -11, -14, -16, -16,  -4,   4 }, /* j */
	{   9, -14,  -8, -16,   5, -16, -16,  -3,   5, -15,  -8,   2, -12,  -5,   9, -16, -16,   2,  -2,   1,   2,  -9, -12, -16,  -1, -16,   8 }, /* k */
	{   9,  -8,  -8,  -3,   9, -11,  -9,  -8,   9, -16,  -7,   3,  -4,  -5,   5, -11, -16, -16,  -4,  -1,   1, -10, -16, -16,  -2, -13,   1 }, /* l */
	{   9,  -1, -13, -11,   9, -15, -16, -16,   8, -16, -14,  -6,   0,  -9,   8,   2, -16, -12,  -6, -11,   1, -16, -16, -16,  -3, -16,   6 }, /* m */
	{   6, -12,   0,   5,   5,  -7,   2, -10,   7, -16,  -4,  -8, -10,  -1,   2, -16, -16, -14,   3,   6,  -5, -10, -16, -16,   1,  -9,   6 }, /* n */
	{ -11,  -2,  -2,   0,  -1,  -8,  -2, -12,  -9, -12,  -4,   3,   1,   7,  -5,  -1, -16,   6,   5,   1,  -2,   3,   0, -16, -11,  -3,   7 }, /* o */
	{   8, -16, -13, -16,   8,  -9, -16,  -7,   6, -16, -13,   3, -16, -11,   9,   0, -16,   9,  -5,  -3,   1, -16, -16, -16,  -9, -16,  -4 }, /* p */
	{  -9,  -9,  -9,  -9,  -9,  -9,  -9,  -9,  -8,  -9,  -9,  -9,  -9,  -9,  -9,  -9,  -9,  -9,  -9,  -9,  16,  -9,  -9,  -9,  -9,  -9,  -8 }, /* q */
	{   9,  -7,  -6,  -2,   9, -11,  -5, -14,   7, -16,  -6,  -6,  -3,  -2,   6, -10, -16,  -4,   0,   0,  -1,  -9, -14, -16,  -7,  -5,   4 }, /* r */
	{   3, -11,   3, -16,   5, -11, -12,  -2,   4, -16,   0,  -4,  -4,  -9,   0,  -1, -16, -15,   3,   8,  -3, -10, -16, -16,  -4,  -1,  10 }, /* s */
	{   7, -13, -14, -16,  10, -16, -15,  -8,   7, -13,  -9,  -6, -11,  -9,   5, -16, -16,   5,   1,  -1,   0,  -9, -13, -16,  -4, -11,   7 }, /* t */
	{  -1,  -1,   0,  -1,   5,  -4,  -1, -11,   1,  -3,  -2,   5,   2,   5, -11,  -2, -16,   6,   6,   4, -13,  -6,  -9, -15,  -8,  -2,   0 }, /* u */
	{  13, -16, -15, -15,  10, -16, -16, -16,   7, -16, -10,  -5, -16,  -8,   5, -16, -16,  -5,   3, -13,  -6, -12, -16, -16,   2, -12,  -5 }, /* v */
	{  12, -13,  -6, -10,   9, -16, -14, -10,   9, -16,  -7,  -7, -13,  -4,   3, -11, -16,  -7,   1, -11,  -2, -16, -15, -16,   6, -11,  -3 }, /* w */
	{   6,  -8,   2,  -8,   5,  -7,  -8,  -3,   8,  -9,  -6,  -4,  -8,  -7,   1,   6,  -8,  -8,  -7,   5,  -1,  -3,  -8,   0,  -4,  -8,   5 }, /* x */
	{   7,  -6,  -2,  -5,   0, -13,  -8, -14,  -3, -11,  -4,  -2,   0,  -3,   1,  -5, -16,  -6,   3,  -4,   0,  -4,  -5, -16,   4,  -6,  12 }, /* y */
	{  10,  -8,  -7,  -3,   8, -16,  -8,  -1,   6, -16,  -4,  -1,  -4,  -2,   4, -10, -16,  -8,  -6,  -3,   1,  -8,  -7, -16,   0,  -3,   6 }, /* z */
	{   4,   2,   3,   3,   2,  -1,  -1,  -2,  -1,  -9,   1,  -2,   1,   0,   0,   5, -16,   2,   5,   1,  -3,   0,  -6, -16, -10,  -3, -16 }, /* begin */
};
/* clang-format on */

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool is_letter(char c)
{
	return c >= 'a' && c <= 'z';
}

/* The letters from `at` on; adds what they tell. The place behind them. */
static size_t read_letters(struct span local, size_t at, int *quarters)
{
	unsigned before = EDGE;
	size_t begin = at;
	int sum = 0;

	for (; at < local.len && is_letter(ascii_lower(local.at[at])); at++) {
		unsigned letter = (unsigned)(ascii_lower(local.at[at]) - 'a');

		sum += pairs[before][letter];
		before = letter;
	}
	if (at - begin >= RUN_LEAST)
		*quarters += sum + pairs[before][EDGE];
	return at;
}

int localpart_bits(struct span local)
{
	int quarters = 0;
	bool after_letters = false;

	if (local.len > LOCAL_MAX)
		local.len = LOCAL_MAX;
	for (size_t at = 0; at < local.len && local.at[at] != '+';) {
		size_t begin = at;

		if (is_letter(ascii_lower(local.at[at]))) {
			at = read_letters(local, at, &quarters);
			after_letters = true;
			continue;
		}
		while (at < local.len && is_digit(local.at[at]))
			at++;
		if (at > begin && after_letters && at < local.len && is_letter(ascii_lower(local.at[at])))
			quarters += DIGITS_INSIDE;
		if (at == begin)
			at++;
		after_letters = false;
	}
	return quarters / 4;
}
