/*
 * Byte classes and local parts, shared by mail_path_parse() and author_parse().
 */
#include "address/lex.h"

#include "address/encoded_word.h"
#include "utf8.h"

#define A LEX_ATEXT
#define B LEX_BLANK
#define C LEX_CONTROL
#define D LEX_DOT
#define E (LEX_ATEXT | LEX_EQUALS)
#define H LEX_HIGH

/* clang-format off */
const unsigned char lex_class[256] = {
	C, C, C, C, C, C, C, C, C, B, C, C, C, C, C, C,
	C, C, C, C, C, C, C, C, C, C, C, C, C, C, C, C,
	B, A, 0, A, A, A, A, A, 0, 0, A, A, 0, A, D, A,
	A, A, A, A, A, A, A, A, A, A, 0, 0, 0, E, 0, A,
	0, A, A, A, A, A, A, A, A, A, A, A, A, A, A, A,
	A, A, A, A, A, A, A, A, A, A, A, 0, 0, 0, A, A,
	A, A, A, A, A, A, A, A, A, A, A, A, A, A, A, A,
	A, A, A, A, A, A, A, A, A, A, A, A, A, A, A, C,
	H, H, H, H, H, H, H, H, H, H, H, H, H, H, H, H,
	H, H, H, H, H, H, H, H, H, H, H, H, H, H, H, H,
	H, H, H, H, H, H, H, H, H, H, H, H, H, H, H, H,
	H, H, H, H, H, H, H, H, H, H, H, H, H, H, H, H,
	H, H, H, H, H, H, H, H, H, H, H, H, H, H, H, H,
	H, H, H, H, H, H, H, H, H, H, H, H, H, H, H, H,
	H, H, H, H, H, H, H, H, H, H, H, H, H, H, H, H,
	H, H, H, H, H, H, H, H, H, H, H, H, H, H, H, H,
};

/* Code points that an honest local part does without. */
static const struct point_range local_refused[] = {
	{ 0x0080, 0x00a0 },   /* C1 controls, no-break space */
	{ 0x00ad, 0x00ad },   /* soft hyphen */
	{ 0x034f, 0x034f },   /* combining grapheme joiner */
	{ 0x061c, 0x061c },   /* Arabic letter mark */
	{ 0x115f, 0x1160 },   /* Hangul fillers */
	{ 0x1680, 0x1680 },   /* Ogham space */
	{ 0x17b4, 0x17b5 },   /* invisible Khmer vowels */
	{ 0x180b, 0x180f },   /* Mongolian selectors and separator */
	{ 0x2000, 0x206f },   /* spaces, dashes, dot leaders, bidi, joiners */
	{ 0x2e00, 0x2e7f },   /* more punctuation */
	{ 0x3000, 0x3002 },   /* ideographic space, comma, full stop */
	{ 0x3164, 0x3164 },   /* Hangul filler */
	{ 0xe000, 0xf8ff },   /* private use */
	{ 0xfdd0, 0xfdef },   /* no characters */
	{ 0xfe00, 0xfe1f },   /* variation selectors, vertical punctuation */
	{ 0xfe50, 0xfe6f },   /* small forms: comma, stop, at */
	{ 0xfeff, 0xfeff },   /* byte order mark */
	{ 0xff00, 0xffff },   /* full-width and half-width forms, specials */
	{ 0xe0000, 0x10ffff }, /* tags, selectors, private use */
	{ 0, 0 },
};
/* clang-format on */

size_t lex_atoms(const char *at, size_t len)
{
	size_t i = 0;

	while (i < len && (lex_of(at[i]) & (LEX_ATEXT | LEX_DOT | LEX_HIGH)))
		i++;
	return i;
}

size_t lex_quoted(const char *at, size_t len)
{
	for (size_t i = 1; i < len; i++) {
		if (at[i] == '"')
			return i + 1;
		if (at[i] == '\\')
			i++;
	}
	return 0;
}

/* True when the inside of a quoted local part is plain text. */
static bool quoted_plain(struct span local)
{
	if (local.len < 3 || local.at[local.len - 1] != '"')
		return false;
	for (size_t i = 1; i < local.len - 1; i++) {
		char c = local.at[i];

		if (!(lex_of(c) & (LEX_ATEXT | LEX_DOT | LEX_HIGH)) && c != ' ')
			return false;
	}
	return true;
}

static bool dots_placed(struct span local)
{
	bool before = true;

	for (size_t i = 0; i < local.len; i++) {
		bool dot = local.at[i] == '.';

		if (dot && before)
			return false;
		before = dot;
	}
	return !before;
}

bool lex_local_ok(struct span local, bool dots)
{
	unsigned seen = 0;
	size_t taken;
	uint32_t point;

	if (!local.len || local.len > LOCAL_MAX)
		return false;
	for (size_t i = 0; i < local.len; i++)
		seen |= lex_of(local.at[i]);
	if (local.at[0] == '"' ? !quoted_plain(local) : dots && (seen & LEX_DOT) && !dots_placed(local))
		return false;
	if ((seen & LEX_EQUALS) && encoded_word_within(local))
		return false;
	for (size_t i = 0; (seen & LEX_HIGH) && i < local.len; i += taken) {
		taken = utf8_read(local.at + i, local.len - i, &point);
		if (!taken || point_in(point, local_refused))
			return false;
	}
	return true;
}
