/*
 * How long a server asks us to wait (inner.h).
 */
#include "evidence/inner.h"

static uint32_t unit_of(struct span word)
{
	static const struct {
		const char *word;
		uint32_t seconds;
	} units[] = {
		{ "s", 1 },	    { "sec", 1 },	 { "secs", 1 },	   { "second", 1 },   { "seconds", 1 },
		{ "sekunden", 1 },  { "min", 60 },	 { "mins", 60 },   { "minute", 60 },  { "minutes", 60 },
		{ "minuten", 60 },  { "minutos", 60 },	 { "h", 3600 },	   { "hour", 3600 },  { "hours", 3600 },
		{ "stunde", 3600 }, { "stunden", 3600 }, { "day", 86400 }, { "days", 86400 },
	};

	for (size_t i = 0; i < sizeof(units) / sizeof(*units); i++)
		if (span_is(word, units[i].word))
			return units[i].seconds;
	return 0;
}

/* The digits at a word's begin; `rest` is what follows them. */
static bool number_of(struct span word, uint32_t *number, struct span *rest)
{
	size_t i = 0;

	*number = 0;
	while (i < word.len && i < 5 && word.at[i] >= '0' && word.at[i] <= '9')
		*number = *number * 10 + (uint32_t)(word.at[i++] - '0');
	*rest = (struct span){ word.at + i, word.len - i };
	return i > 0;
}

uint32_t wait_of(const struct words *words)
{
	uint32_t total = 0, number;
	struct span rest;

	for (size_t i = 0; i < words->count; i++) {
		uint32_t unit = 0;
		size_t taken = i;

		if (!number_of(words->at[i], &number, &rest))
			continue;
		if (rest.len > 0)
			unit = unit_of(rest);
		else if (i + 1 < words->count)
			unit = unit_of(words->at[++taken]);
		if (unit == 0) {
			if (total > 0)
				break;
			continue;
		}
		total += number * unit;
		/* "hour(s)" is two words */
		if (taken + 1 < words->count && span_is(words->at[taken + 1], "s"))
			taken++;
		i = taken;
	}
	return total > 7 * 86400 ? 7 * 86400 : total;
}
