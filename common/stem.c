/*
 * Words of a table in a subject (stem.h).
 */
#include "stem.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "fold.h"
#include "utf8.h"

struct stem {
	const char *given;
	size_t len;
	char folded[STEM_MAX];
	bool anywhere;
};

struct stems {
	size_t count;
	struct stem at[];
};

static bool stem_read(struct stem *stem, const char *given)
{
	char room[STEM_MAX + 4];
	uint32_t first;

	stem->given = given;
	stem->len = fold_words((struct span){ given, strlen(given) }, room, sizeof(room));
	if (stem->len == 0 || stem->len > STEM_MAX)
		return false;
	memcpy(stem->folded, room, stem->len);
	stem->anywhere = utf8_read(room, stem->len, &first) > 0 && is_undivided_point(first);
	return true;
}

const char *stem_check(const char *stem)
{
	struct stem read;
	size_t letters = 0;

	if (!stem_read(&read, stem))
		return "not between 1 and 64 bytes of letters and digits; write the begin of a word, such as "
		       "\"confirm\"";
	for (size_t i = 0; i < read.len; i++)
		letters += (read.folded[i] & 0xc0) != 0x80;
	if (letters < 3 && !read.anywhere)
		return "shorter than 3 letters; it would be found in too many subjects";
	return NULL;
}

struct stems *stems_new(const char *const *stems, size_t count)
{
	struct stems *made = malloc(sizeof(*made) + count * sizeof(made->at[0]));

	if (!made)
		return NULL;
	made->count = 0;
	for (size_t i = 0; i < count; i++)
		if (!stem_check(stems[i]) && stem_read(&made->at[made->count], stems[i]))
			made->count++;
	return made;
}

void stems_free(struct stems **stems)
{
	free(*stems);
	*stems = NULL;
}

/* A subject as it is looked at: folded, and where its words begin. */
struct subject {
	char text[STEM_TEXT_MAX];
	size_t len, words;
	uint16_t at[STEM_TEXT_MAX / 2];
};

static void subject_read(struct subject *subject, struct span text)
{
	subject->len = fold_words(text, subject->text, sizeof(subject->text));
	subject->words = 0;
	for (size_t i = 0; i < subject->len; i++)
		if (i == 0 || subject->text[i - 1] == ' ')
			subject->at[subject->words++] = (uint16_t)i;
}

static bool is_at(const struct stem *stem, const struct subject *subject, size_t at)
{
	return subject->text[at] == stem->folded[0] && subject->len - at >= stem->len &&
	       !memcmp(subject->text + at, stem->folded, stem->len);
}

static bool is_within(const struct stem *stem, const struct subject *subject)
{
	if (stem->anywhere)
		return memmem(subject->text, subject->len, stem->folded, stem->len) != NULL;
	for (size_t i = 0; i < subject->words; i++)
		if (is_at(stem, subject, subject->at[i]))
			return true;
	return false;
}

const char *stems_find(const struct stems *stems, struct span text)
{
	struct subject TEXT_BUFFER subject;

	subject_read(&subject, text);
	for (size_t i = 0; i < stems->count; i++)
		if (is_within(&stems->at[i], &subject))
			return stems->at[i].given;
	return NULL;
}

const char *stems_begin(const struct stems *stems, struct span text)
{
	struct subject TEXT_BUFFER subject;

	subject_read(&subject, text);
	for (size_t i = 0; i < stems->count && subject.words > 0; i++)
		if (is_at(&stems->at[i], &subject, 0))
			return stems->at[i].given;
	return NULL;
}
