/*
 * What the files of common/evidence/ share: words, patterns, rules. Nobody else includes this.
 */
#ifndef LEUMUND_EVIDENCE_INNER_H
#define LEUMUND_EVIDENCE_INNER_H

#include "arena.h"
#include "evidence/evidence.h"

/* ---- evidence/words.c -------------------------------------------------------------------------- */

#define WORDS_MAX 640 /* of one text */
#define WORD_BYTES 64 /* of one word; longer ones are cut */
#define WORDS_BUFFER (EVIDENCE_TEXT + 1)

struct words {
	size_t count;
	struct span at[WORDS_MAX];
	char bytes[WORDS_BUFFER];
};

/*
 * Lower case, accents off, punctuation gone, an address as the one word "@", a host name whole ("mx.example.com"),
 * "doesn't" as "doesnt", "e-mail" as "email". So patterns and texts meet however a server spells. What a sender can put
 * into an answer, his own address and host name, is never read as words.
 */
void words_of(const char *text, size_t len, struct words *out);

/* ---- evidence/phrase_read.c, phrase.c ----------------------------------------------------------- */

#define POSITIONS_MAX 16384 /* words of all patterns, their alternatives written out */
#define TERMS_MAX 4096

struct phrase_set;

/* The terms of a pattern, which must all be there, and those which must not. */
struct phrase {
	uint16_t first, count; /* of the set's terms */
	bool by_words;	       /* one of them, not negated, is of words */
};

struct phrase_set *phrase_set_new(struct arena *arena);

/* NULL, or a sentence (static) that says what is wrong with the pattern. */
const char *phrase_add(struct phrase_set *set, const char *text, size_t len, struct phrase *out);

/* Which terms are in a text. */
struct phrase_hits {
	bool term[TERMS_MAX];
};

void phrase_match(const struct phrase_set *set, const struct words *words, const struct evidence_answer *answer,
		  struct phrase_hits *out);
bool phrase_fits(const struct phrase_set *set, const struct phrase *phrase, const struct phrase_hits *hits);

/* ---- evidence/table.c -------------------------------------------------------------------------- */

struct rule {
	const char *name, *source, *file;
	const char *provider; /* NULL: any */
	struct phrase phrase;
	uint32_t wait_s;
	unsigned line;
	unsigned phases; /* 1 << enum evidence_phase; 0: any */
	enum evidence_class class;
	enum evidence_about about;
	enum evidence_reaction reaction;
	bool wait_said; /* a time in the text wins */
};

struct evidence_table {
	struct arena arena; /* everything below lives here */
	struct phrase_set *phrases;
	struct rule *rules;
	size_t count, room;
};

/* ---- evidence/names.c: -1 when there is no such word ------------------------------------------- */

int class_of(struct span word);
int about_of(struct span word);
int phase_of(struct span word);
int reaction_of(struct span word);

/* ---- evidence/wait.c --------------------------------------------------------------------------- */

/* "in 1 hour(s) 12 minute(s)", "for 300 seconds", "15min later": in seconds; 0: the text tells no time. */
uint32_t wait_of(const struct words *words);

#endif
