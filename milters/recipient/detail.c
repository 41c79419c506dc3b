/*
 * What a refusal rests on (detail.h).
 */
#include "milters/recipient/detail.h"

#include <time.h>

#define SAID_BY_MOST 60

/* clang-format off */
static const struct {
	const char *said_by, *on, *next, *again, *later, *in_a_day;
} phrases[LANGUAGES] = {
	[LANGUAGE_EN] = { "said by ", " on ", ", next attempt after ", "again after ", "again later", " in 24 hours, limit " },
	[LANGUAGE_DE] = { "laut ", " am ", ", naechster Versuch nach ", "wieder nach ", "spaeter wieder", " in 24 Stunden, Grenze " },
};
/* clang-format on */

static void put_day(struct text *out, int64_t ms)
{
	const time_t seconds = (time_t)(ms / 1000);
	char buffer[32];
	struct tm tm;

	if (gmtime_r(&seconds, &tm) && strftime(buffer, sizeof(buffer), "%Y-%m-%d", &tm) > 0)
		text_str(out, buffer);
}

/* The minute that is reached when the moment has come. */
static void put_minute(struct text *out, int64_t ms)
{
	const time_t seconds = (time_t)((ms + 59999) / 60000 * 60);
	char buffer[48];
	struct tm tm;

	if (gmtime_r(&seconds, &tm) && strftime(buffer, sizeof(buffer), "%Y-%m-%d %H:%M UTC", &tm) > 0)
		text_str(out, buffer);
}

/* As it came: who writes the rule's text escapes it. */
static void put_said(struct text *out, const struct recipient_facts *facts, enum language language)
{
	const struct span by = facts->said_by.len ? facts->said_by : (struct span){ "?", 1 };

	text_str(out, phrases[language].said_by);
	text_mem(out, by.at, by.len < SAID_BY_MOST ? by.len : SAID_BY_MOST);
	text_str(out, phrases[language].on);
	put_day(out, facts->said_ms);
}

static void put_again(struct text *out, int64_t until_ms, const struct recipient_facts *facts, enum language language)
{
	if (until_ms <= facts->now_ms) {
		text_str(out, phrases[language].later);
		return;
	}
	text_str(out, phrases[language].again);
	put_minute(out, until_ms);
}

static void put_tally(struct text *out, const struct recipient_tally *tally, enum language language)
{
	text_u64(out, tally->used);
	text_str(out, phrases[language].in_a_day);
	text_u64(out, tally->limit);
	text_str(out, ", ");
}

void recipient_detail_write(const struct recipient_finding *finding, const struct recipient_facts *facts,
			    enum language language, struct text *out)
{
	const ptrdiff_t rule = finding->verdict.rule ? finding->verdict.rule - recipient_rules : RECIPIENT_RULES;

	switch (rule) {
	case RECIPIENT_DEAD:
	case RECIPIENT_WAITING:
		put_said(out, facts, language);
		if (rule == RECIPIENT_WAITING) {
			text_str(out, phrases[language].next);
			put_minute(out, finding->until_ms);
		}
		break;
	case RECIPIENT_SHARE:
	case RECIPIENT_BUDGET:
		put_tally(out, rule == RECIPIENT_SHARE ? &facts->share : &facts->budget, language);
		put_again(out, finding->until_ms, facts, language);
		break;
	case RECIPIENT_BLOCKED:
	case RECIPIENT_WARNED:
		put_again(out, finding->until_ms, facts, language);
		break;
	default:
		break;
	}
}
