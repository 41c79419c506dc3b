/*
 * Patterns matched: all of them in one pass over a text (inner.h).
 *
 * Each word of the text looks up the places in all sequences where it stands, and a place is reached when the place
 * before it was reached shortly before. So the time grows with the text's words alone, whoever wrote them.
 */
#include <string.h>

#include "evidence/phrase.h"
#include "hash.h"

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

struct entry *entry_find(const struct phrase_set *set, struct span word, bool prefix)
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

bool entry_add(struct phrase_set *set, struct span word, bool prefix, uint16_t place)
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
