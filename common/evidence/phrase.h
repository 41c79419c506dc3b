/*
 * Patterns from inside: the words of all of them in one dictionary, the places where they stand. Shared by phrase.c and
 * phrase_read.c alone.
 */
#ifndef LEUMUND_EVIDENCE_PHRASE_H
#define LEUMUND_EVIDENCE_PHRASE_H

#include "evidence/inner.h"

#define CODES 12

/* A word of the patterns, and where it stands. */
struct entry {
	struct entry *next; /* in the bucket */
	const char *word;
	size_t len;
	bool prefix;
	uint16_t *places; /* ascending */
	size_t count, room;
};

struct place {
	uint16_t term;
	uint8_t gap; /* words that may stand before it */
	bool first, last;
};

/* A range of codes; class 0: it is a reply code, in detail_low and detail_high. */
struct code_range {
	uint16_t class, subject_low, subject_high, detail_low, detail_high;
};

struct term {
	bool negated, is_code;
	enum evidence_speaker speaker; /* of a code */
	uint8_t code_count;
	struct code_range codes[CODES];
};

#define BUCKETS 2048

struct phrase_set {
	struct arena *arena;
	struct entry *buckets[BUCKETS];
	uint64_t prefix_lengths; /* bit n: a prefix of n bytes is among the words */
	struct place *places;	 /* POSITIONS_MAX */
	struct term *terms;	 /* TERMS_MAX */
	size_t place_count, term_count;
};

/* NULL: no pattern has this word, or, with `prefix`, this begin of one. */
struct entry *entry_find(const struct phrase_set *set, struct span word, bool prefix);

/* The word stands at this place; false: no memory. */
bool entry_add(struct phrase_set *set, struct span word, bool prefix, uint16_t place);

#endif
