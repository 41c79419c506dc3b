/*
 * What a refusal counted (detail.h).
 */
#include "milters/signup/detail.h"

#include <time.h>

/* clang-format off */
static const char *const kinds[LANGUAGES][SIGNUP_KINDS] = {
	[LANGUAGE_EN] = { "sign-up mail", "automatic mail", "order mail", "list mail", "personal mail" },
	[LANGUAGE_DE] = { "Anmeldemails", "automatische Mails", "Bestellmails", "Rundschreiben", "persoenliche Mails" },
};

static const char *const windows[LANGUAGES][SIGNUP_WINDOWS] = {
	[LANGUAGE_EN] = { " in one hour", " in 24 hours" },
	[LANGUAGE_DE] = { " in einer Stunde", " in 24 Stunden" },
};

static const struct {
	const char *recipients, *messages, *by, *limit, *this_mail, *again, *split, *split_end, *later;
} phrases[LANGUAGES] = {
	[LANGUAGE_EN] = { " new recipients", " messages", " by ", ", limit ", ", this mail ", "; free again at ",
			  "; waiting does not help, send at most ", " at a time", "; try again later" },
	[LANGUAGE_DE] = { " neue Empfaenger", " Mails", " durch ", ", Grenze ", ", diese Mail ", "; wieder frei um ",
			  "; Warten hilft nicht, bitte je hoechstens ", " senden", "; bitte spaeter erneut senden" },
};
/* clang-format on */

/* Pieces of ten minutes end with a minute; two clocks are some ms apart, and that makes no minute more. */
#define CLOCKS_APART_MS 1000

/* The minute that is reached when the moment has come. */
static time_t minute_of(int64_t ms)
{
	return (time_t)((ms + 59999 - CLOCKS_APART_MS) / 60000 * 60);
}

static void put_time(struct text *text, const struct tm *tm, bool with_date)
{
	char buffer[48];

	/* zone names are the system's; what is no plain word is said in digits */
	if (strftime(buffer, sizeof(buffer), with_date ? "%Y-%m-%d %H:%M" : "%H:%M", tm) > 0)
		text_str(text, buffer);
	text_char(text, ' ');
	if (tm->tm_zone && tm->tm_zone[0] >= 'A' && tm->tm_zone[0] <= 'Z')
		text_escaped(text, tm->tm_zone, strlen(tm->tm_zone), 6);
	else if (strftime(buffer, sizeof(buffer), "%z", tm) > 0)
		text_str(text, buffer);
}

static bool is_same_day(const struct tm *a, const struct tm *b)
{
	return a->tm_year == b->tm_year && a->tm_yday == b->tm_yday;
}

void detail_time(struct text *text, int64_t free_ms, int64_t now_ms)
{
	time_t then = minute_of(free_ms), now = (time_t)(now_ms / 1000);
	struct tm utc, local, today;

	if (!gmtime_r(&then, &utc) || !gmtime_r(&now, &today) || !localtime_r(&then, &local))
		return;
	utc.tm_zone = "UTC";
	put_time(text, &utc, !is_same_day(&utc, &today));
	if (local.tm_gmtoff == 0)
		return; /* the same twice tells nobody more */
	text_str(text, " (");
	put_time(text, &local, !is_same_day(&local, &utc));
	text_char(text, ')');
}

static void put_free(struct text *text, const struct signup_finding *finding, enum language language, int64_t now_ms)
{
	if (finding->adds > finding->limit) {
		text_str(text, phrases[language].split);
		text_u64(text, finding->limit);
		text_str(text, phrases[language].split_end);
	} else if (finding->free_ms <= now_ms) {
		text_str(text, phrases[language].later);
	} else {
		text_str(text, phrases[language].again);
		detail_time(text, finding->free_ms, now_ms);
	}
}

void detail_write(const struct signup_finding *finding, enum signup_kind kind, enum language language, int64_t now_ms,
		  struct text *out)
{
	bool counts_messages = finding->verdict.rule == &signup_rules[SIGNUP_VICTIM];

	text_u64(out, finding->used);
	text_str(out, counts_messages ? phrases[language].messages : phrases[language].recipients);
	text_str(out, windows[language][finding->window]);
	text_str(out, phrases[language].by);
	text_str(out, kinds[language][kind]);
	text_str(out, phrases[language].limit);
	text_u64(out, finding->limit);
	if (!counts_messages) {
		text_str(out, phrases[language].this_mail);
		text_u64(out, finding->adds);
	}
	put_free(out, finding, language, now_ms);
}
