/*
 * A text under construction in a buffer of fixed size (text.h).
 * Written by hand instead of with snprintf: a log line costs hundreds of instructions, not thousands.
 */
#include <string.h>

#include "text.h"

void text_char(struct text *text, char c)
{
	if (text->len == text->size - 1) {
		text->cut = true;
		return;
	}
	text->at[text->len++] = c;
	text->at[text->len] = '\0';
}

void text_mem_cut(struct text *text, const char *from, size_t len)
{
	size_t room = text->size - 1 - text->len;

	if (len > room) {
		len = room;
		text->cut = true;
	}
	text_mem(text, from, len);
}

void text_u64(struct text *text, uint64_t number)
{
	char digits[20];
	size_t at = sizeof(digits);

	do {
		digits[--at] = (char)('0' + number % 10);
		number /= 10;
	} while (number > 0);
	text_mem(text, digits + at, sizeof(digits) - at);
}

/* Eight bytes at once: does one of them lie below `lowest`, above 0x7e, or is a backslash? */
static bool eight_are_clean(uint64_t bytes, char lowest)
{
	static const uint64_t ones = UINT64_C(0x0101010101010101), highs = UINT64_C(0x8080808080808080);
	uint64_t backslash = bytes ^ ones * '\\';

	/* a borrow into, or a carry out of, a byte's highest bit marks it; a byte with that bit set is bad anyway */
	return !(((bytes - ones * (unsigned char)lowest) | (bytes + ones) | bytes | (backslash - ones)) & highs);
}

static bool is_clean(char c, char lowest)
{
	return c >= lowest && c <= 0x7e && c != '\\';
}

/* Is all of it clean? */
static bool is_all_clean(const char *from, size_t len, char lowest)
{
	static const uint64_t harmless = UINT64_C(0x6161616161616161);

	for (; len >= 8; from += 8, len -= 8)
		if (!eight_are_clean(word_load(from), lowest))
			return false;
	return eight_are_clean(word_load_rest(from, len) | harmless << (8 * len), lowest);
}

static void put_escaped_bytes(struct text *text, const char *from, size_t len, char lowest)
{
	static const char hex[] = "0123456789abcdef";

	for (const char *end = from + len; from < end; from++) {
		unsigned char c = (unsigned char)*from;
		char code[4] = { '\\', 'x', hex[c >> 4], hex[c & 15] };

		if (is_clean(*from, lowest))
			text_char(text, *from);
		else
			text_mem(text, code, sizeof(code));
	}
}

/* `lowest` is the first character that may stand as it is: blank, or the one after it */
static void put_escaped(struct text *text, const char *from, size_t len, size_t max, char lowest)
{
	size_t n = len < max ? len : max;

	if (is_all_clean(from, n, lowest))
		text_mem(text, from, n);
	else
		put_escaped_bytes(text, from, n, lowest);
	if (n < len)
		text_str(text, "...");
}

void text_escaped(struct text *text, const char *from, size_t len, size_t max)
{
	put_escaped(text, from, len, max, ' ');
}

void text_word(struct text *text, const char *from, size_t len, size_t max)
{
	put_escaped(text, from, len, max, '!');
}

int base64_value(char c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	return c == '+' ? 62 : c == '/' ? 63 : -1;
}

bool span_is(struct span a, const char *word)
{
	for (size_t i = 0; i < a.len; i++)
		if (word[i] == '\0' || ascii_lower(a.at[i]) != ascii_lower(word[i]))
			return false;
	return word[a.len] == '\0';
}
