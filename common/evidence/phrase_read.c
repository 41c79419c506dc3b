/*
 * Patterns read: words with simple wildcards (inner.h).
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
 * Brackets are written out into plain sequences, which phrase.c matches.
 */
#include <stdlib.h>
#include <string.h>

#include "evidence/phrase.h"

#define GAP_SHORT 4
#define GAP_LONG 12
#define ELEMENTS 24    /* of a term */
#define CHOICES 64     /* in brackets */
#define CHOICE_WORDS 6 /* in each of them */
#define SEQUENCES 512  /* that a term becomes */
#define PATTERN_MAX 2048

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
