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

/*
 * Marks what is large and initialised by hand, such as a text's buffer by text_init(): filling it with zeros first
 * (-ftrivial-auto-var-init) would only cost time.
 */
#if defined(__has_attribute) && __has_attribute(uninitialized)
#define TEXT_BUFFER __attribute__((uninitialized))
#else
#define TEXT_BUFFER
#endif

/* The buffer stays the caller's. */
static inline void text_init(struct text *text, char *buffer, size_t size)
{
	*text = (struct text){ buffer, 0, size, false };
	buffer[0] = '\0';
}

void text_char(struct text *text, char c);

/* As much of it as fits. */
void text_mem_cut(struct text *text, const char *from, size_t len);

/* Here so that a literal, whose length is known, becomes a few stores. */
static inline void text_mem(struct text *text, const char *from, size_t len)
{
	if (len > text->size - 1 - text->len) {
		text_mem_cut(text, from, len);
		return;
	}
	memcpy(text->at + text->len, from, len);
	text->len += len;
	text->at[text->len] = '\0';
}

static inline void text_str(struct text *text, const char *from)
{
	text_mem(text, from, strlen(from));
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

/* A string as a span; it must live as long as the span is used. */
static inline struct span span_of(const char *string)
{
	return (struct span){ string, strlen(string) };
}

/* Case-blind ASCII comparison; no locale. */
bool span_is(struct span a, const char *word);

/* Eight bytes as a word, in the order of this machine. */
static inline uint64_t word_load(const char *from)
{
	uint64_t word;

	memcpy(&word, from, sizeof(word));
	return word;
}

/* Fewer than eight bytes as a word, the first as the lowest, the missing ones as 0. */
static inline uint64_t word_load_rest(const char *from, size_t len)
{
	uint64_t word = 0;

	if (len >= 4) {
		uint32_t first, last;

		memcpy(&first, from, sizeof(first));
		memcpy(&last, from + len - 4, sizeof(last));
		return first | (uint64_t)last << (8 * (len - 4));
	}
	for (size_t i = 0; i < len; i++)
		word |= (uint64_t)(unsigned char)from[i] << (8 * i);
	return word;
}

static inline char ascii_lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

#endif
