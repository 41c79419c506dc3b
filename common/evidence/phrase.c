/*
 * Patterns: words with simple wildcards, all of them looked for in one pass over a text (inner.h).
 *
 *     mailbox (is|) full        words in this order; one of several, or none, in brackets
 *     unauth*                   a word that begins so
 *     user * unknown            up to GAP_SHORT other words between; ** up to GAP_LONG
 *     no mailbox | user gone    one of these; without brackets, so each may have its own
 *     @                         an address
 *     no + mailbox here         each of the terms somewhere in the text
 *     denied + !relay           and this one nowhere
 *     #550 #5xx #5.1.x #5.7.606-649 #5.1.1|5.1.10    the reply's codes
 *     #local #remote            who said it
 *
 * Brackets are written out into plain sequences when the table is read. Then each word of the text looks up the places
 * in all sequences where it stands, and a place is reached when the place before it was reached shortly before. So the
 * time grows with the text's words alone, whoever wrote them.
 */
#include <stdlib.h>
#include <string.h>

#include "evidence/inner.h"
#include "hash.h"

#define GAP_SHORT 4
#define GAP_LONG 12
#define ELEMENTS 24    /* of a term */
#define CHOICES 64     /* in brackets */
#define CHOICE_WORDS 6 /* in each of them */
#define SEQUENCES 512  /* that a term becomes */
#define PATTERN_MAX 2048
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

struct phrase_set *phrase_set_new(struct arena *arena)
{
	struct phrase_set *set = arena_alloc(arena, sizeof(*set));

	if (!set)
		return NULL;
	memset(set, 0, sizeof(*set));
	set->arena = arena;
	set->places = arena_alloc(arena, POSITIONS_MAX * sizeof(*set->places));
	set->terms = arena_alloc(arena, TERMS_MAX * sizeof(*set->terms));
	return set->places && set->terms ? set : NULL;
}

/* ---- the dictionary ---------------------------------------------------------------------------- */

static struct entry *const *bucket_of(const struct phrase_set *set, struct span word)
{
	return &set->buckets[hash_bytes(word.at, word.len) % BUCKETS];
}

static struct entry *entry_find(const struct phrase_set *set, struct span word, bool prefix)
{
	struct entry *entry = *bucket_of(set, word);

	while (entry &&
	       (entry->len != word.len || entry->prefix != prefix || memcmp(entry->word, word.at, word.len) != 0))
		entry = entry->next;
	return entry;
}

static struct entry *entry_new(struct phrase_set *set, struct span word, bool prefix)
{
	struct entry *entry = arena_alloc(set->arena, sizeof(*entry));
	const char *copy = arena_copy(set->arena, word.at, word.len);
	struct entry **bucket = &set->buckets[bucket_of(set, word) - set->buckets];

	if (!entry || !copy)
		return NULL;
	*entry = (struct entry){ .next = *bucket, .word = copy, .len = word.len, .prefix = prefix };
	*bucket = entry;
	if (prefix)
		set->prefix_lengths |= UINT64_C(1) << (word.len - 1);
	return entry;
}

static bool entry_add(struct phrase_set *set, struct span word, bool prefix, uint16_t place)
{
	struct entry *entry = entry_find(set, word, prefix);

	if (!entry && !(entry = entry_new(set, word, prefix)))
		return false;
	if (entry->count == entry->room) {
		const size_t room = entry->room > 0 ? 2 * entry->room : 4;
		uint16_t *places = arena_alloc(set->arena, room * sizeof(*places));
		if (!places)
			return false;
		if (entry->count > 0)
			memcpy(places, entry->places, entry->count * sizeof(*places));
		entry->places = places;
		entry->room = room;
	}
	entry->places[entry->count++] = place;
	return true;
}

/* ---- reading ----------------------------------------------------------------------------------- */

struct choice_word {
	struct span word;
	bool prefix;
};

struct choice {
	size_t count; /* words; 0: nothing need stand there */
	struct choice_word words[CHOICE_WORDS];
};

/* What may stand in one place: any of the single words, which need no writing out, or one of the choices. */
struct element {
	uint8_t gap; /* before it */
	size_t single_count, choice_count;
	struct choice_word singles[CHOICES];
	struct choice choices[CHOICES];
};

struct reader {
	struct phrase_set *set;
	const char *at, *end;
	struct element elements[ELEMENTS];
	size_t count;
	struct words words; /* the pattern's, in their comparable form */
	size_t bytes;
};

static const char out_of_room[] = "the rules are too many or too long: fewer alternatives, please";

static void skip_blanks(struct reader *reader)
{
	while (reader->at < reader->end && *reader->at == ' ')
		reader->at++;
}

static bool take(struct reader *reader, char c)
{
	if (reader->at == reader->end || *reader->at != c)
		return false;
	reader->at++;
	return true;
}

/* Appends one written word, which may become several ("block-list"), to a choice. */
static const char *choice_word(struct reader *reader, struct choice *choice, const char *from, size_t len)
{
	const bool prefix = len > 1 && from[len - 1] == '*';
	struct words words;

	words_of(from, prefix ? len - 1 : len, &words);
	if (words.count == 0)
		return "a word needs letters or digits";
	for (size_t i = 0; i < words.count; i++) {
		const struct span word = words.at[i];
		if (choice->count == CHOICE_WORDS)
			return "at most 6 words stand in one alternative";
		if (reader->bytes + word.len > sizeof(reader->words.bytes))
			return "the pattern is too long";
		char *copy = reader->words.bytes + reader->bytes;
		memcpy(copy, word.at, word.len);
		reader->bytes += word.len;
		choice->words[choice->count].word = (struct span){ copy, word.len };
		choice->words[choice->count++].prefix = prefix && i + 1 == words.count;
	}
	return NULL;
}

/* Up to a blank or one of the signs of patterns. */
static size_t word_length(const struct reader *reader)
{
	const char *at = reader->at;

	while (at < reader->end && !strchr(" ()|+", *at))
		at++;
	return (size_t)(at - reader->at);
}

/* What is one word long joins the single words; false: no room. */
static bool element_add(struct element *element, const struct choice *choice)
{
	if (choice->count == 1 && element->single_count < CHOICES)
		element->singles[element->single_count++] = choice->words[0];
	else if (choice->count != 1 && element->choice_count < CHOICES)
		element->choices[element->choice_count++] = *choice;
	else
		return false;
	return true;
}

static const char *read_brackets(struct reader *reader, struct element *element)
{
	struct choice choice = { .count = 0 };

	for (;;) {
		skip_blanks(reader);
		const bool closed = take(reader, ')');
		if (closed || take(reader, '|')) {
			if (!element_add(element, &choice))
				return "at most 64 alternatives stand in brackets";
			if (closed)
				return NULL;
			choice.count = 0;
			continue;
		}
		const size_t len = word_length(reader);
		if (len == 0)
			return "a bracket is not closed, or stands inside another";
		const char *problem = choice_word(reader, &choice, reader->at, len);
		if (problem)
			return problem;
		reader->at += len;
	}
}

static const char *read_word(struct reader *reader, struct element *element)
{
	struct choice choice = { .count = 0 };
	const size_t len = word_length(reader);
	const char *problem = len > 0 ? choice_word(reader, &choice, reader->at, len) : "a ) stands without its (";

	reader->at += len;
	if (!problem)
		element_add(element, &choice);
	return problem;
}

static const char *read_elements(struct reader *reader)
{
	uint8_t gap = 0;

	reader->count = 0;
	for (skip_blanks(reader); reader->at < reader->end && !strchr("+|", *reader->at); skip_blanks(reader)) {
		if (reader->count == ELEMENTS)
			return "at most 24 words or brackets stand in one term";
		if (*reader->at == '*') {
			reader->at++;
			gap = take(reader, '*') ? GAP_LONG : GAP_SHORT;
			continue;
		}
		struct element *element = &reader->elements[reader->count];
		element->single_count = element->choice_count = 0;
		element->gap = reader->count > 0 ? gap : 0;
		gap = 0;
		const char *problem = take(reader, '(') ? read_brackets(reader, element) : read_word(reader, element);
		if (problem)
			return problem;
		reader->count++;
	}
	return reader->count > 0 ? NULL : "a term has no words";
}

/* ---- writing out ------------------------------------------------------------------------------- */

/* Which way through each element the present sequence takes: a choice, or behind them the single words. */
struct course {
	size_t way[ELEMENTS];
};

static bool course_next(const struct reader *reader, struct course *course)
{
	for (size_t i = 0; i < reader->count; i++) {
		const struct element *element = &reader->elements[i];

		if (++course->way[i] < element->choice_count + (element->single_count > 0))
			return true;
		course->way[i] = 0;
	}
	return false;
}

/* The sequence that is being written. */
struct sequence {
	struct phrase_set *set;
	bool begun;
	uint8_t gap; /* before the next place */
	uint16_t place;
};

static const char *add_place(struct sequence *sequence, const struct choice_word *words, size_t count)
{
	struct phrase_set *set = sequence->set;

	if (set->place_count == POSITIONS_MAX)
		return out_of_room;
	sequence->place = (uint16_t)set->place_count++;
	set->places[sequence->place] = (struct place){ .term = (uint16_t)(set->term_count - 1),
						       .gap = sequence->gap,
						       .first = !sequence->begun };
	sequence->begun = true;
	sequence->gap = 0;
	for (size_t i = 0; i < count; i++)
		if (!entry_add(set, words[i].word, words[i].prefix, sequence->place))
			return out_of_room;
	return NULL;
}

static const char *write_sequence(const struct reader *reader, const struct course *course)
{
	struct sequence sequence = { .set = reader->set };
	const char *problem = NULL;

	for (size_t i = 0; i < reader->count && !problem; i++) {
		const struct element *element = &reader->elements[i];

		if (element->gap > sequence.gap)
			sequence.gap = element->gap;
		if (course->way[i] == element->choice_count) {
			problem = add_place(&sequence, element->singles, element->single_count);
			continue;
		}
		const struct choice *choice = &element->choices[course->way[i]];
		for (size_t j = 0; j < choice->count && !problem; j++)
			problem = add_place(&sequence, &choice->words[j], 1);
	}
	if (!problem && !sequence.begun)
		return "a term has no word that must be there";
	if (!problem)
		sequence.set->places[sequence.place].last = true;
	return problem;
}

static const char *write_sequences(const struct reader *reader)
{
	struct course course = { { 0 } };
	const char *problem;
	size_t count = 0;

	do {
		if (count++ == SEQUENCES)
			return "the brackets together make more than 512 sequences; divide the rule";
		problem = write_sequence(reader, &course);
	} while (!problem && course_next(reader, &course));
	return problem;
}

/* ---- codes ------------------------------------------------------------------------------------- */

/* A number, "x" for any, or "606-649". */
static bool read_range(struct reader *reader, uint16_t *low, uint16_t *high)
{
	unsigned numbers[2] = { 0, 0 };

	if (take(reader, 'x')) {
		*low = 0;
		*high = 999;
		return true;
	}
	for (int i = 0; i < 2; i++) {
		const char *begin = reader->at;
		while (reader->at < reader->end && *reader->at >= '0' && *reader->at <= '9' && reader->at - begin < 3)
			numbers[i] = numbers[i] * 10 + (unsigned)(*reader->at++ - '0');
		if (reader->at == begin)
			return false;
		if (i == 0 && !take(reader, '-')) {
			numbers[1] = numbers[0];
			break;
		}
	}
	*low = (uint16_t)numbers[0];
	*high = (uint16_t)numbers[1];
	return true;
}

/* "5xx", "550", "5.1.1", "5.1.x", "5.7.606-649" */
static bool read_code(struct reader *reader, struct code_range *range)
{
	const char *at = reader->at;

	*range = (struct code_range){ .class = 0 };
	if (reader->end - at >= 3 && (at[0] == '4' || at[0] == '5') && at[1] == 'x' && at[2] == 'x') {
		range->detail_low = (uint16_t)((at[0] - '0') * 100);
		range->detail_high = (uint16_t)(range->detail_low + 99);
		reader->at += 3;
		return true;
	}
	if (reader->end - at >= 2 && at[1] == '.') {
		if (!strchr("245", at[0]))
			return false;
		range->class = (uint16_t)(at[0] - '0');
		reader->at += 2;
		return read_range(reader, &range->subject_low, &range->subject_high) && take(reader, '.') &&
		       read_range(reader, &range->detail_low, &range->detail_high);
	}
	return read_range(reader, &range->detail_low, &range->detail_high) && range->detail_low >= 200;
}

static bool take_word(struct reader *reader, const char *word)
{
	const size_t len = strlen(word);

	if ((size_t)(reader->end - reader->at) < len || memcmp(reader->at, word, len) != 0)
		return false;
	reader->at += len;
	return true;
}

static const char *read_codes(struct reader *reader, struct term *term)
{
	term->is_code = true;
	if (take_word(reader, "local"))
		term->speaker = SPEAKER_LOCAL;
	else if (take_word(reader, "remote"))
		term->speaker = SPEAKER_REMOTE;
	else
		do {
			if (term->code_count == CODES)
				return "at most 12 codes stand in one term";
			if (!read_code(reader, &term->codes[term->code_count++]))
				return "a code is written #550, #5xx, #5.1.1, #5.1.x or #5.7.606-649, several as "
				       "#5.1.1|5.1.10; or #local, #remote";
		} while (take(reader, '|'));
	skip_blanks(reader);
	return reader->at == reader->end || *reader->at == '+' ? NULL : "behind codes stands a + or nothing";
}

static bool code_fits(const struct term *term, const struct evidence_answer *answer)
{
	if (term->speaker != SPEAKER_UNKNOWN)
		return answer->speaker == term->speaker;
	for (size_t i = 0; i < term->code_count; i++) {
		const struct code_range *range = &term->codes[i];
		const struct enhanced_code *code = &answer->enhanced;

		if (range->class == 0) {
			/* where there is no reply code, the enhanced one tells its class */
			const unsigned number = answer->code > 0 ? answer->code : code->class * 100U;
			if (number >= range->detail_low && number <= range->detail_high)
				return true;
		} else if (code->class == range->class && code->subject >= range->subject_low &&
			   code->subject <= range->subject_high && code->detail >= range->detail_low &&
			   code->detail <= range->detail_high) {
			return true;
		}
	}
	return false;
}

/* ---- the whole --------------------------------------------------------------------------------- */

static const char *read_term(struct reader *reader)
{
	struct phrase_set *set = reader->set;

	if (set->term_count == TERMS_MAX)
		return out_of_room;
	struct term *term = &set->terms[set->term_count++];
	*term = (struct term){ .negated = false };
	skip_blanks(reader);
	term->negated = take(reader, '!');
	skip_blanks(reader);
	if (take(reader, '#'))
		return read_codes(reader, term);
	const char *problem;
	do {
		problem = read_elements(reader);
		if (!problem)
			problem = write_sequences(reader);
	} while (!problem && take(reader, '|'));
	return problem;
}

const char *phrase_add(struct phrase_set *set, const char *text, size_t len, struct phrase *out)
{
	const char *problem;

	if (len > PATTERN_MAX)
		return "a pattern has at most 2048 bytes";
	struct reader *reader = malloc(sizeof(*reader));
	if (!reader)
		return out_of_room;
	reader->set = set;
	reader->at = text;
	reader->end = text + len;
	reader->bytes = 0;
	out->first = (uint16_t)set->term_count;
	do
		problem = read_term(reader);
	while (!problem && take(reader, '+'));
	out->count = (uint16_t)(set->term_count - out->first);
	out->by_words = false;
	for (size_t i = out->first; i < set->term_count; i++)
		out->by_words |= !set->terms[i].is_code && !set->terms[i].negated;
	if (!problem && reader->at < reader->end)
		problem = "something is left over at its end";
	free(reader);
	return problem;
}

/* ---- matching ---------------------------------------------------------------------------------- */

struct match {
	const struct phrase_set *set;
	struct phrase_hits *hits;
	uint16_t number; /* of the present word, from 1 */
	uint16_t reached[POSITIONS_MAX];
};

/* From the last place to the first: a word that stands twice in a sequence must not serve for both at once. */
static void match_entry(struct match *match, const struct entry *entry)
{
	for (size_t i = entry->count; i-- > 0;) {
		const uint16_t at = entry->places[i];
		const struct place *place = &match->set->places[at];

		if (!place->first) {
			const uint16_t before = match->reached[at - 1];
			if (before == 0 || before == match->number || match->number - before > 1 + place->gap)
				continue;
		}
		match->reached[at] = match->number;
		if (place->last)
			match->hits->term[place->term] = true;
	}
}

static void match_word(struct match *match, struct span word)
{
	const struct entry *entry = entry_find(match->set, word, false);
	const uint64_t lengths = match->set->prefix_lengths;

	if (entry)
		match_entry(match, entry);
	for (size_t len = 1; len <= word.len && lengths >> (len - 1) != 0; len++)
		if ((lengths >> (len - 1) & 1) && (entry = entry_find(match->set, (struct span){ word.at, len }, true)))
			match_entry(match, entry);
}

void phrase_match(const struct phrase_set *set, const struct words *words, const struct evidence_answer *answer,
		  struct phrase_hits *out)
{
	TEXT_BUFFER struct match match;

	match.set = set;
	match.hits = out;
	memset(match.reached, 0, set->place_count * sizeof(match.reached[0]));
	memset(out->term, 0, set->term_count * sizeof(out->term[0]));
	for (size_t i = 0; i < words->count; i++) {
		struct span word = words->at[i];
		const char *dot;

		match.number = (uint16_t)(i + 1);
		match_word(&match, word);
		/* "www.spamhaus.org" is below "spamhaus.org" */
		while ((dot = memchr(word.at, '.', word.len))) {
			word.len -= (size_t)(dot + 1 - word.at);
			word.at = dot + 1;
			match_word(&match, word);
		}
	}
	for (size_t i = 0; i < set->term_count; i++)
		if (set->terms[i].is_code)
			out->term[i] = code_fits(&set->terms[i], answer);
}

bool phrase_fits(const struct phrase_set *set, const struct phrase *phrase, const struct phrase_hits *hits)
{
	for (uint16_t i = phrase->first; i < phrase->first + phrase->count; i++)
		if (hits->term[i] == set->terms[i].negated)
			return false;
	return true;
}
