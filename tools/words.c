/*
 * What the commands of `leumund` say and understand: times, spans, texts from outside, words mistyped (words.h).
 */
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#include "json.h"
#include "option/typo.h"
#include "text.h"
#include "words.h"

#define WIDEST 80
#define NARROWEST 40

const char *time_words(int64_t ms, char *out, size_t size)
{
	time_t seconds = (time_t)(ms / 1000);
	struct tm tm;

	if (!localtime_r(&seconds, &tm) || strftime(out, size, "%Y-%m-%d %H:%M:%S", &tm) == 0)
		snprintf(out, size, "?");
	return out;
}

const char *time_both(int64_t ms, char out[TIME_BOTH_SIZE])
{
	/* the nearest: one that was another server's may be a millisecond short of a full minute */
	const time_t seconds = (time_t)((ms + 500) / 1000);
	struct tm local, utc;
	char here[48], there[32];

	if (!localtime_r(&seconds, &local) || !gmtime_r(&seconds, &utc) ||
	    !strftime(here, sizeof(here), "%Y-%m-%d %H:%M %Z", &local) ||
	    !strftime(there, sizeof(there), local.tm_mday == utc.tm_mday ? "%H:%M" : "%Y-%m-%d %H:%M", &utc))
		snprintf(out, TIME_BOTH_SIZE, "?");
	else if (strcmp(local.tm_zone, "UTC") == 0)
		snprintf(out, TIME_BOTH_SIZE, "%s", here);
	else
		snprintf(out, TIME_BOTH_SIZE, "%s (%s UTC)", here, there);
	return out;
}

const char *span_words(int64_t ms, char *out, size_t size)
{
	static const struct {
		int64_t from, unit; /* seconds */
		const char *word;
	} steps[] = {
		{ INT64_C(172800), 86400, "days" }, { 7200, 3600, "h" }, { 120, 60, "min" }, { INT64_MIN, 1, "s" }
	};
	int64_t seconds = ms / 1000;
	size_t i = 0;

	while (seconds < steps[i].from)
		i++;
	snprintf(out, size, "%lld %s", (long long)(seconds / steps[i].unit), steps[i].word);
	return out;
}

int64_t time_read(const char *from)
{
	static const char letters[] = "smhdw";
	static const int64_t seconds[] = { 1, 60, 3600, 86400, 604800 };
	const char *unit;
	char *end;
	long number;

	if (*from < '0' || *from > '9')
		return -1;
	number = strtol(from, &end, 10);
	if (*end == '\0' || end[1] != '\0' || number > 1000000)
		return -1;
	unit = strchr(letters, *end);
	return unit ? number * seconds[unit - letters] : -1;
}

/* mktime() would make the 1st of March of the 29th of February, and another hour of one that the clock leaves out. */
static int64_t local_ms(struct tm tm)
{
	const struct tm meant = tm;

	tm.tm_isdst = -1;
	const time_t seconds = mktime(&tm);
	if (seconds < 0 || tm.tm_mday != meant.tm_mday || tm.tm_hour != meant.tm_hour || tm.tm_min != meant.tm_min)
		return -1;
	return (int64_t)seconds * 1000;
}

int64_t until_read(const char *from, int64_t now_ms)
{
	struct tm tm = { .tm_sec = 0 };
	const char *rest;

	if (*from == '+') {
		const int64_t seconds = time_read(from + 1);

		return seconds > 0 ? now_ms + seconds * 1000 : -1;
	}
	if (strspn(from, "0123456789-") != 10 || !(rest = strptime(from, "%Y-%m-%d", &tm)) || rest != from + 10)
		return -1;
	if (*rest == '\0') {
		tm.tm_hour = 23;
		tm.tm_min = 59;
	} else if ((*rest != ' ' && *rest != 'T') || !(rest = strptime(rest + 1, "%H:%M", &tm)) || *rest != '\0') {
		return -1;
	}
	const int64_t at_ms = local_ms(tm);
	return at_ms < 0 || from[10] != '\0' ? at_ms : at_ms + 60000;
}

/* A backslash stays: most texts have been escaped once already. */
void print_safe(FILE *out, const char *from)
{
	for (; *from; from++) {
		unsigned char c = (unsigned char)*from;

		if (c >= 0x20 && c <= 0x7e)
			putc(c, out);
		else
			fprintf(out, "\\x%02x", c);
	}
}

size_t print_width(void)
{
	const char *columns = getenv("COLUMNS");
	long number = columns ? strtol(columns, NULL, 10) : 0;
	struct winsize window;

	if (number <= 0 && ioctl(STDOUT_FILENO, TIOCGWINSZ, &window) == 0)
		number = window.ws_col;
	if (number <= 0 || number > WIDEST)
		return WIDEST;
	return number < NARROWEST ? NARROWEST : (size_t)number;
}

void print_wrapped(FILE *out, const char *from, size_t indent, size_t column)
{
	size_t width = print_width(), len;
	char word[1024];

	if (column < indent)
		fprintf(out, "%*s", (int)(indent - column), "");
	column = column < indent ? indent : column;
	for (bool first = true; from += strspn(from, " "), (len = strcspn(from, " ")) > 0; first = false) {
		if (!first && column + 1 + len > width) {
			fprintf(out, "\n%*s", (int)indent, "");
			column = indent;
		} else if (!first) {
			putc(' ', out);
			column++;
		}
		snprintf(word, sizeof(word), "%.*s", (int)len, from);
		print_safe(out, word);
		column += len;
		from += len;
	}
	putc('\n', out);
}

void print_json(FILE *out, const char *from)
{
	size_t size = strlen(from) * 6 + 3;
	char *buffer = malloc(size);
	struct text text;

	if (!buffer) {
		fputs("null", out);
		return;
	}
	text_init(&text, buffer, size);
	json_string(&text, from);
	fputs(buffer, out);
	free(buffer);
}

const char *word_meant(const char *word, const char *const *words)
{
	const char *best = NULL;
	unsigned best_distance = 3;

	for (; *words; words++) {
		unsigned now = typo_distance(word, strlen(word), *words);

		if (word[0] != '\0' && !strncmp(*words, word, strlen(word)))
			return *words;
		if (now < best_distance && now < strlen(*words)) {
			best_distance = now;
			best = *words;
		}
	}
	return best;
}
