/*
 * What the commands of `leumund` share (tool.h).
 */
#include <errno.h>
#include <limits.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "ask.h"
#include "json.h"
#include "milters/table.h"
#include "setup.h"
#include "text.h"
#include "tool.h"

#define WIDTH 80
#define MEANT_MAX 32 /* letters of a word that is compared */

void complain(const char *format, ...)
{
	va_list args;

	fputs("leumund: ", stderr);
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	putc('\n', stderr);
}

bool tool_conf(const struct call *call, char *out, size_t size)
{
	char *path;

	if (!call->conf_given && call->run && ask_conf(call->run, out, size))
		return true;
	path = realpath(call->conf, NULL);
	if (!path) {
		complain("configuration directory %s: %s; name it with -c CONF.D", call->conf, strerror(errno));
		return false;
	}
	snprintf(out, size, "%s", path);
	free(path);
	return true;
}

int tool_setup(const struct call *call, struct setup *setup)
{
	char error[4096], directory[PATH_MAX];

	if (!tool_conf(call, directory, sizeof(directory)))
		return EX_CONFIG;
	if (setup_load(setup, directory, milters, error, sizeof(error)) < 0) {
		fprintf(stderr, "%s\n", error);
		return EX_CONFIG;
	}
	return 0;
}

const char *tool_run(const struct call *call, const struct setup *setup)
{
	return call->run ? call->run : setup->leumund->run;
}

int tool_run_enter(const char *run)
{
	if (chdir(run) == 0)
		return 0;
	if (errno == EACCES)
		complain("%s: you may not look into it; run this as root or as a member of its group", run);
	else
		complain("%s: %s; nothing runs there: `leumund run` starts it, -r RUN names another directory", run,
			 strerror(errno));
	return EX_UNAVAILABLE;
}

/* ---- words ------------------------------------------------------------------------------------- */

const char *time_words(int64_t ms, char *out, size_t size)
{
	time_t seconds = (time_t)(ms / 1000);
	struct tm tm;

	if (!localtime_r(&seconds, &tm) || strftime(out, size, "%Y-%m-%d %H:%M:%S", &tm) == 0)
		snprintf(out, size, "?");
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

void print_wrapped(FILE *out, const char *from, size_t indent, size_t column)
{
	char word[1024];
	size_t len;

	if (column < indent)
		fprintf(out, "%*s", (int)(indent - column), "");
	column = column < indent ? indent : column;
	for (bool first = true; from += strspn(from, " "), (len = strcspn(from, " ")) > 0; first = false) {
		if (!first && column + 1 + len > WIDTH) {
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

/* How many letters must be changed, added or left out: Levenshtein's distance, row by row. */
static size_t distance(const char *a, const char *b)
{
	size_t row[MEANT_MAX + 1], len = strlen(b);

	for (size_t j = 0; j <= len; j++)
		row[j] = j;
	for (size_t i = 1; *a; i++, a++) {
		size_t diagonal = row[0];

		row[0] = i;
		for (size_t j = 1; j <= len; j++) {
			size_t changed = diagonal + (*a != b[j - 1]);
			size_t fewer = row[j] < row[j - 1] ? row[j] + 1 : row[j - 1] + 1;

			diagonal = row[j];
			row[j] = changed < fewer ? changed : fewer;
		}
	}
	return row[len];
}

const char *word_meant(const char *word, const char *const *words)
{
	const char *best = NULL;
	size_t best_distance = 3;

	for (; *words; words++) {
		size_t now;

		if (strlen(word) > MEANT_MAX || strlen(*words) > MEANT_MAX)
			continue;
		if (word[0] != '\0' && !strncmp(*words, word, strlen(word)))
			return *words;
		now = distance(word, *words);
		if (now < best_distance && now < strlen(*words)) {
			best_distance = now;
			best = *words;
		}
	}
	return best;
}
