/*
 * A text under construction in a buffer of fixed size. Nothing is allocated; what
 * does not fit is cut and remembered, and the text is always NUL-terminated.
 */
#ifndef LEUMUND_TEXT_H
#define LEUMUND_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* A piece of somebody else's memory: not NUL-terminated, may hold any byte. */
struct span {
	const char *at;
	size_t len;
};

struct text {
	char *at;    /* the buffer; NUL-terminated after every call */
	size_t len;  /* bytes written, without the NUL */
	size_t size; /* bytes in the buffer, at least 1 */
	bool cut;    /* something did not fit */
};

/* The buffer stays the caller's. */
void text_init(struct text *text, char *buffer, size_t size);

void text_char(struct text *text, char c);
void text_str(struct text *text, const char *from);

static inline void text_mem(struct text *text, const char *from, size_t len)
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

void text_u64(struct text *text, uint64_t number);

/*
 * Appends at most `max` bytes of `from` so that a log reader, a terminal and an SMTP
 * client stay unharmed: a byte outside 0x20-0x7e, and the backslash, becomes \xNN.
 */
void text_escaped(struct text *text, const char *from, size_t len, size_t max);

/* The same for a value between blanks: a blank becomes \x20 too. */
void text_word(struct text *text, const char *from, size_t len, size_t max);

/* The value of a base64 digit, RFC 4648 4; -1 when it is none. */
int base64_value(char c);

/* Case-blind ASCII comparison; no locale. */
bool span_is(struct span a, const char *word);

static inline char ascii_lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

#endif
