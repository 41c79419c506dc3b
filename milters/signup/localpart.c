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
 * chance. Counted in 20,000 words and names each of English, German, French, Spanish, Italian, Dutch, Polish,
 * Portuguese, Swedish, Turkish, Czech, Hungarian and Russian (transliterated), without accents, umlauts as ae oe ue or a o u.
 */
static const signed char pairs[LETTERS + 1][LETTERS + 1] = {
	{  -7,  -2,   1,   1,  -9,  -7,  -2, -11,  -2,  -8,  -3,   4,   2,   7, -15,  -3, -16,   7,   5,   4,  -5,  -1, -13, -16,  -7,  -5,   7 }, /* a */
	{   9,  -1, -15, -12,  10, -16, -12, -16,   7, -14, -12,   3, -15, -10,   7, -16, -16,   6,  -3, -10,   3, -16, -16, -16,   0, -13,  -9 }, /* b */
	{   8, -16,  -2, -16,   6, -16, -16,  11,   7, -15,   1,  -4, -16, -14,   7, -16, -16,  -2,  -4,  -3,  -1, -16, -16, -16,  -6,  -1,  -5 }, /* c */
	{   7, -12, -12,  -7,  12, -16, -12, -14,   9, -14, -10,  -6, -12,  -6,   7, -13, -16,   0,  -3, -11,   1, -10, -13, -16,  -8,  -5,   4 }, /* d */
	{  -7,  -5,  -1,  -1,  -6,  -8,  -2, -10,  -1,  -8,  -3,   3,   2,   8, -11,  -5, -16,   9,   6,   2,  -8,  -5, -11, -11, -10,  -3,   6 }, /* e */
	{   8, -12, -15, -10,   8,   3,  -9, -14,   9, -16, -12,   3, -14, -13,   7, -15, -16,   5,  -4,   0,   3, -15, -14, -16,  -9, -13,  -3 }, /* f */
	{   7, -14, -16, -10,  10, -16,  -4,  -5,   8, -16, -15,   0, -11,  -2,   5, -16, -16,   4,  -1,  -6,   4, -15, -16, -16,  -3, -16,   4 }, /* g */
	{  10, -14, -16, -13,  10, -16, -15, -16,   9, -16,  -9,  -1,  -6,  -1,   6, -16, -16,  -1,  -5,   1,   1, -13, -10, -16,  -6, -15,   3 }, /* h */
	{   2,  -7,   2,  -3,   5,  -6,   1, -16, -15,  -8,  -1,   3,   0,   7,   0,  -7, -15,   0,   5,   2, -12,  -2, -16, -16,  -2,  -1,   5 }, /* i */
	{  11, -10,  -3,  -3,   9,  -7, -11, -13,   1, -13,   0,  -7,  -4,  -1,   5, -10, -16, -12,   3,  -4,   5, -10, -15, -16, -16,  -5,   4 }, /* j */
	{   9, -14,  -9, -16,   5, -16, -16,  -3,   5, -15,  -7,   2, -12,  -5,   9, -16, -16,   1,  -2,   1,   2,  -9, -12, -16,  -2, -16,   7 }, /* k */
	{   9,  -8,  -8,  -3,   9, -11,  -8,  -9,   9, -15,  -7,   4,  -4,  -6,   5, -11, -16, -16,  -3,  -1,   1,  -9, -16, -16,  -2, -13,   1 }, /* l */
	{   9,  -1, -11, -10,   9, -15, -16, -16,   8, -16, -13,  -6,   0, -10,   7,   1, -16, -12,  -5, -11,   1, -16, -16, -16,  -4, -16,   6 }, /* m */
	{   6, -11,  -1,   5,   5,  -8,   3, -10,   7, -16,  -4,  -8, -11,  -1,   3, -16, -16, -13,   4,   6,  -5, -10, -16, -16,   0,  -9,   7 }, /* n */
	{ -12,  -3,  -2,  -1,  -1,  -7,  -2, -11,  -9, -11,  -4,   4,   1,   7,  -5,  -2, -16,   7,   4,   1,  -2,   4,   0, -16, -11,  -4,   7 }, /* o */
	{   8, -16, -12, -16,   8,  -8, -16,  -6,   6, -16, -13,   3, -16, -11,   9,   0, -16,   8,  -4,  -3,   1, -16, -16, -16,  -9, -16,  -3 }, /* p */
	{  -8,  -9,  -9,  -9,  -9,  -9,  -9,  -9,  -9,  -9,  -9,  -9,  -9,  -9,  -9,  -9,  -9,  -9,  -9,  -9,  16,  -8,  -9,  -9,  -9,  -9,  -8 }, /* q */
	{   9,  -6,  -6,  -2,   9, -11,  -4, -13,   7, -16,  -5,  -5,  -3,  -1,   6,  -9, -16,  -4,   0,   0,  -1,  -9, -15, -16,  -6,  -5,   4 }, /* r */
	{   3, -10,   2, -15,   5, -11, -12,  -2,   3, -16,   0,  -4,  -5, -10,   0,  -2, -16, -15,   3,   8,  -2, -10, -15, -16,  -5,  -1,  11 }, /* s */
	{   7, -13, -13, -16,  10, -16, -15,  -7,   7, -14,  -9,  -6, -10,  -9,   5, -16, -16,   4,   1,   0,   0, -10, -13, -16,  -5, -11,   7 }, /* t */
	{  -1,  -1,   0,  -1,   5,  -4,  -1, -11,   1,  -4,  -2,   4,   2,   5, -11,  -2, -16,   6,   6,   4, -13,  -6, -10, -15,  -8,  -3,   0 }, /* u */
	{  13, -16, -15, -14,  10, -16, -16, -16,   8, -16, -10,  -5, -16,  -6,   5, -16, -16,  -5,   2, -13,  -7, -11, -16, -16,   1, -13,  -3 }, /* v */
	{  11, -13,  -7, -10,   9, -16, -15,  -9,  10, -16,  -7,  -7, -15,  -4,   3, -13, -16,  -7,   2, -12,  -3, -16, -15, -16,   5, -12,   0 }, /* w */
	{   5,  -9,   2,  -9,   4,  -8,  -9,  -4,   9, -10,  -7,  -3,  -8,  -8,   1,   5,  -9,  -9,  -8,   5,  -2,   1,  -8,   5,  -5,  -9,   5 }, /* x */
	{   7,  -6,  -1,  -4,   0, -13,  -7, -13,  -3, -11,  -3,  -2,   0,  -2,   1,  -5, -16,  -4,   3,  -4,   0,  -5,  -6, -16,   3,  -6,  12 }, /* y */
	{  10,  -9,  -6,  -4,   8, -16,  -8,  -1,   6, -15,  -3,  -1,  -4,  -2,   4, -10, -16,  -9,  -6,  -3,   2,  -9,  -8, -16,   1,  -3,   6 }, /* z */
	{   4,   2,   2,   3,   1,  -1,   0,  -1,  -1,  -8,   2,  -2,   2,   0,  -1,   4, -16,   2,   5,   1,  -3,   0,  -5, -16, -10,  -3, -16 }, /* begin */
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
