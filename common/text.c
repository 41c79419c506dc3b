/*
 * A text under construction in a buffer of fixed size (text.h).
 * Written by hand instead of with snprintf: a log line costs hundreds of instructions, not thousands.
 */
#include <string.h>

#include "text.h"

void text_init(struct text *text, char *buffer, size_t size)
{
	text->at = buffer;
	text->len = 0;
	text->size = size;
	text->cut = false;
	buffer[0] = '\0';
}

void text_mem(struct text *text, const char *from, size_t len)
{
	size_t room = text->size - 1 - text->len;

	if (len > room) {
		len = room;
		text->cut = true;
	}
	memcpy(text->at + text->len, from, len);
	text->len += len;
	text->at[text->len] = '\0';
}

void text_char(struct text *text, char c)
{
	text_mem(text, &c, 1);
}

void text_str(struct text *text, const char *from)
{
	text_mem(text, from, strlen(from));
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

/* `lowest` is the first character that may stand as it is: blank, or the one after it */
static void put_escaped(struct text *text, const char *from, size_t len, size_t max, char lowest)
{
	static const char hex[] = "0123456789abcdef";
	size_t n = len < max ? len : max, at = 0;

	while (at < n) {
		size_t run = at;

		while (run < n && from[run] >= lowest && from[run] <= 0x7e && from[run] != '\\')
			run++;
		text_mem(text, from + at, run - at);
		if (run < n) {
			unsigned char c = (unsigned char)from[run++];
			char code[4] = { '\\', 'x', hex[c >> 4], hex[c & 15] };

			text_mem(text, code, sizeof(code));
		}
		at = run;
	}
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

char ascii_lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

bool span_is(struct span a, const char *word)
{
	for (size_t i = 0; i < a.len; i++)
		if (word[i] == '\0' || ascii_lower(a.at[i]) != ascii_lower(word[i]))
			return false;
	return word[a.len] == '\0';
}
