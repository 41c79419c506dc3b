/*
 * The words of a rule's text (reply.h). ASCII, because SMTP replies are.
 */
#include "milters/signup/reply.h"

#include <time.h>

/* clang-format off */
static const char *const kinds[LANGUAGES][SIGNUP_KINDS] = {
	[LANGUAGE_EN] = { "sign-up and password mail", "automatic mail", "order and invoice mail", "newsletters or list mail",
			  "personal mail" },
	[LANGUAGE_DE] = { "Anmelde- und Passwortmails", "automatische Mails", "Bestell- und Rechnungsmails",
			  "Rundschreiben oder Listenmails", "persoenliche Mails" },
};

static const char *const windows[LANGUAGES][SIGNUP_WINDOWS] = {
	[LANGUAGE_EN] = { "in one hour", "in 24 hours" },
	[LANGUAGE_DE] = { "in einer Stunde", "in 24 Stunden" },
};

static const struct {
	const char *again, *split_before, *split_after, *unknown;
} phrases[LANGUAGES] = {
	[LANGUAGE_EN] = { "free again at ", "waiting does not help, send it in parts of at most ", " new recipients",
			  "try again later" },
	[LANGUAGE_DE] = { "wieder frei um ", "Warten hilft nicht, bitte in Teilen zu hoechstens ", " neuen Empfaengern senden",
			  "bitte spaeter erneut senden" },
};
/* clang-format on */

/* The minute that is reached when the moment has come. */
static time_t minute_of(int64_t ms)
{
	return (time_t)((ms + 59999) / 60000 * 60);
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

static void put_again(struct text *text, int64_t free_ms, int64_t now_ms)
{
	time_t then = minute_of(free_ms), now = (time_t)(now_ms / 1000);
	struct tm utc, local, today;

	if (!gmtime_r(&then, &utc) || !gmtime_r(&now, &today) || !localtime_r(&then, &local))
		return;
	utc.tm_zone = "UTC";
	put_time(text, &utc, !is_same_day(&utc, &today));
	text_str(text, " (");
	put_time(text, &local, !is_same_day(&local, &utc));
	text_char(text, ')');
}

static void put_free(struct text *text, const struct signup_finding *finding, enum language language, int64_t now_ms)
{
	if (finding->adds > finding->limit) {
		text_str(text, phrases[language].split_before);
		text_u64(text, finding->limit);
		text_str(text, phrases[language].split_after);
	} else if (finding->free_ms <= now_ms) {
		text_str(text, phrases[language].unknown);
	} else {
		text_str(text, phrases[language].again);
		put_again(text, finding->free_ms, now_ms);
	}
}

static struct span span_of(const char *text)
{
	return (struct span){ text, strlen(text) };
}

static struct span number(char *buffer, size_t size, uint32_t value)
{
	struct text text;

	text_init(&text, buffer, size);
	text_u64(&text, value);
	return (struct span){ text.at, text.len };
}

void reply_words_make(struct reply_words *words, const struct signup_finding *finding, enum signup_kind kind,
		      enum language language, int64_t now_ms)
{
	struct reply_word *at = words->at;
	struct text free;

	text_init(&free, words->free, sizeof(words->free));
	put_free(&free, finding, language, now_ms);
	*at++ = (struct reply_word){ "{limit}", number(words->numbers[0], sizeof(words->numbers[0]), finding->limit) };
	*at++ = (struct reply_word){ "{used}", number(words->numbers[1], sizeof(words->numbers[1]), finding->used) };
	*at++ = (struct reply_word){ "{adds}", number(words->numbers[2], sizeof(words->numbers[2]), finding->adds) };
	*at++ = (struct reply_word){ "{kind}", span_of(kinds[language][kind]) };
	*at++ = (struct reply_word){ "{window}", span_of(windows[language][finding->window]) };
	*at++ = (struct reply_word){ "{free}", { free.at, free.len } };
	*at = (struct reply_word){ NULL, { "", 0 } };
}
