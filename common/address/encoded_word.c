/*
 * Finds and decodes encoded-words (RFC 2047). Bounded by the length of a line, so
 * that a field full of beginnings costs no more than its length times a constant.
 */
#include "address/encoded_word.h"

#include <string.h>

#define CHARSET_MAX 64

/* The octets of "=?charset?" at the start of a text, or 0. */
static size_t charset_read(const char *at, size_t len, struct span *charset)
{
	size_t i = 2;
	size_t end = 0;

	if (len < 4 || at[0] != '=' || at[1] != '?')
		return 0;
	while (i < len && at[i] > ' ' && at[i] < 0x7f && at[i] != '?') {
		if (at[i] == '*' && !end)
			end = i;
		if (++i > 2 + CHARSET_MAX)
			return 0;
	}
	if (i == len || at[i] != '?' || i == 2)
		return 0;
	charset->at = at + 2;
	charset->len = (end ? end : i) - 2;
	return i + 1;
}

bool encoded_word_begins(const char *at, size_t len)
{
	struct span charset;

	return charset_read(at, len, &charset) > 0;
}

size_t encoded_word_read(const char *at, size_t len, struct encoded_word *out)
{
	size_t i;

	memset(out, 0, sizeof(*out));
	i = charset_read(at, len, &out->charset);
	if (!i || len - i < 4 || at[i + 1] != '?')
		return 0;
	if (ascii_lower(at[i]) != 'q' && ascii_lower(at[i]) != 'b')
		return 0;
	out->base64 = ascii_lower(at[i]) == 'b';
	i += 2;
	out->text.at = at + i;
	if (len > ENCODED_WORD_MAX)
		len = ENCODED_WORD_MAX;
	for (; i + 1 < len && at[i] != '\n' && at[i] != '\r'; i++) {
		if (at[i] == '?' && at[i + 1] == '=') {
			out->text.len = (size_t)(at + i - out->text.at);
			return i + 2;
		}
	}
	return 0;
}

static int hex_value(char c)
{
	c = ascii_lower(c);
	if (c >= '0' && c <= '9')
		return c - '0';
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static int base64_byte(struct encoded_word *word)
{
	while (word->bit_count < 8) {
		int value;

		if (word->at == word->text.len)
			return -1;
		/* What is not of the alphabet is skipped, as RFC 2045 6.8 asks; padding ends a group of bits. */
		value = base64_value(word->text.at[word->at]);
		if (value >= 0) {
			word->bits = (word->bits << 6 | (unsigned)value) & 0xffff;
			word->bit_count += 6;
		} else if (word->text.at[word->at] == '=') {
			word->bit_count = 0;
		}
		word->at++;
	}
	word->bit_count -= 8;
	return (int)(word->bits >> word->bit_count & 0xff);
}

int encoded_word_byte(struct encoded_word *word)
{
	char c;

	if (word->base64)
		return base64_byte(word);
	if (word->at == word->text.len)
		return -1;
	c = word->text.at[word->at++];
	if (c == '_')
		return ' ';
	if (c == '=' && word->text.len - word->at >= 2) {
		int high = hex_value(word->text.at[word->at]);
		int low = hex_value(word->text.at[word->at + 1]);

		if (high >= 0 && low >= 0) {
			word->at += 2;
			return high << 4 | low;
		}
	}
	return (unsigned char)c;
}

bool encoded_word_within(struct span text)
{
	const char *at = text.at;
	const char *end = text.at + text.len;

	while (at < end && (at = memchr(at, '=', (size_t)(end - at)))) {
		if (encoded_word_begins(at, (size_t)(end - at)))
			return true;
		at++;
	}
	return false;
}

bool encoded_word_breaks(struct span text)
{
	const char *at = text.at;
	const char *end = text.at + text.len;

	while (at < end && (at = memchr(at, '=', (size_t)(end - at)))) {
		struct encoded_word word;
		size_t taken = encoded_word_read(at, (size_t)(end - at), &word);
		int byte;

		while (taken && (byte = encoded_word_byte(&word)) >= 0) {
			/* NUL ends the text for C readers; LF, VT, FF and CR begin a line for one reader or another. */
			if (!byte || (byte >= '\n' && byte <= '\r'))
				return true;
		}
		at += taken ? taken : 1;
	}
	return false;
}
