/*
 * Octets of a header field, with its encoded-words (RFC 2047), to code points: UTF-8, US-ASCII, ISO-8859-1/-15 and
 * windows-1252; of their relatives the ASCII part. Internal to common/address/.
 */
#ifndef LEUMUND_DECODER_H
#define LEUMUND_DECODER_H

#include <stdint.h>

#include "address/address.h"
#include "address/encoded_word.h"

#define DECODER_UNKNOWN 0xfffd /* stands for what is not known */

struct decoder {
	void (*fn)(void *arg, uint32_t point); /* is told each code point */
	void *arg;
	char bytes[4]; /* an octet sequence that is not yet a code point */
	size_t held;   /* 0 at first */
};

/* An octet outside encoded-words. */
void decode_utf8(struct decoder *decoder, char byte);

/* All that is left of an encoded-word. */
void decode_word(struct decoder *decoder, struct encoded_word *word);

/* What is held and will not become a code point any more. */
void decoder_flush(struct decoder *decoder);

/* Octets of the blanks at `at` that an encoded-word follows: they are not shown behind one (RFC 2047 6.2). */
size_t decoder_blanks(const char *at, size_t len);

#endif
