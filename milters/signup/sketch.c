/*
 * Min-hashes of a text's pairs of words (sketch.h), after Broder, "On the resemblance and containment of documents",
 * 1997.
 */
#include "milters/signup/sketch.h"

#include "fold.h"

#define BYTES 8
#define WORDS_LEAST 6

/* The finalizer of MurmurHash3 (Appleby, public domain): every bit of the input changes half of the output's. */
static uint64_t mix(uint64_t x)
{
	x ^= x >> 33;
	x *= UINT64_C(0xff51afd7ed558ccd);
	x ^= x >> 33;
	x *= UINT64_C(0xc4ceb9fe1a85ec53);
	return x ^ x >> 33;
}

enum word { WORD_NONE, WORD_LINK, WORD_ADDRESS, WORD_NUMBER, WORD_LETTERS };

static bool is_link_here(struct span text, size_t at)
{
	return text.len - at >= 3 && text.at[at] == ':' && text.at[at + 1] == '/' && text.at[at + 2] == '/';
}

static size_t skip_link(struct span text, size_t at)
{
	while (at < text.len && (unsigned char)text.at[at] > ' ' && text.at[at] != '>' && text.at[at] != '"')
		at++;
	return at;
}

/* The next word from *at on; its hash, by which all links, addresses and numbers are one word each. 0: no more. */
static uint64_t next_word(struct span text, size_t *at)
{
	enum word kind = WORD_NONE;
	uint64_t hash = 0;

	while (*at < text.len) {
		size_t begin = *at;
		uint32_t point;

		if (kind != WORD_NONE && is_link_here(text, begin)) {
			*at = skip_link(text, begin);
			kind = WORD_LINK;
			break;
		}
		point = fold_next(text, at);
		if (kind != WORD_NONE && point == '@') {
			kind = WORD_ADDRESS;
			continue;
		}
		if (!is_word_point(point)) {
			if (kind == WORD_NONE || (kind == WORD_ADDRESS && (point == '.' || point == '-')))
				continue;
			break;
		}
		if (kind != WORD_ADDRESS && kind != WORD_NUMBER)
			kind = point >= '0' && point <= '9' ? WORD_NUMBER : WORD_LETTERS;
		hash = (hash ^ point) * UINT64_C(0x100000001b3);
	}
	if (kind == WORD_NONE)
		return 0;
	return mix(kind == WORD_LETTERS ? hash | 8 : (uint64_t)kind);
}

struct pairs {
	uint64_t before;
	uint64_t least[BYTES];
	unsigned words;
};

static void read_pairs(struct pairs *pairs, struct span text)
{
	uint64_t word;

	for (size_t at = 0; (word = next_word(text, &at)) != 0; pairs->before = word) {
		if (pairs->words++ == 0)
			continue;
		for (unsigned i = 0; i < BYTES; i++) {
			uint64_t hash = mix((pairs->before * 31 + word) ^ i * UINT64_C(0x9e3779b97f4a7c15));

			if (hash < pairs->least[i])
				pairs->least[i] = hash;
		}
	}
}

uint64_t sketch_make(struct span subject, struct span body)
{
	struct pairs pairs = { .before = 0, .words = 0 };
	uint64_t sketch = 0;

	for (unsigned i = 0; i < BYTES; i++)
		pairs.least[i] = UINT64_MAX;
	if (body.len > SKETCH_BODY_MAX)
		body.len = SKETCH_BODY_MAX;
	if (subject.len > SKETCH_BODY_MAX)
		subject.len = SKETCH_BODY_MAX;
	read_pairs(&pairs, subject);
	read_pairs(&pairs, body);
	if (pairs.words < WORDS_LEAST)
		return 0;
	for (unsigned i = 0; i < BYTES; i++)
		sketch = sketch << 8 | (pairs.least[i] & 0xff);
	return sketch ? sketch : 1;
}

bool sketch_is_alike(uint64_t a, uint64_t b)
{
	unsigned alike = 0;

	for (uint64_t differing = a ^ b, i = 0; i < BYTES; i++, differing >>= 8)
		alike += (differing & 0xff) == 0;
	return a != 0 && b != 0 && alike >= SKETCH_ALIKE;
}
