/*
 * One option's value: from the admin's text to the row's type, with the row's limits, and
 * the words that tell what would have been allowed.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "option/inner.h"

#define SHOWN_MAX 80 /* bytes of a wrong value that an error repeats */

static const struct {
	char letter;
	int64_t seconds;
} units[] = { { 'w', 604800 }, { 'd', 86400 }, { 'h', 3600 }, { 'm', 60 }, { 's', 1 } };

static void text_i64(struct text *out, int64_t number)
{
	if (number < 0)
		text_char(out, '-');
	text_u64(out, number < 0 ? 0 - (uint64_t)number : (uint64_t)number);
}

void option_time_text(struct text *out, int64_t seconds)
{
	size_t i = 0;

	while (i + 1 < sizeof(units) / sizeof(units[0]) && (seconds == 0 || seconds % units[i].seconds != 0))
		i++;
	text_i64(out, seconds / units[i].seconds);
	text_char(out, units[i].letter);
}

void option_allowed_text(struct text *out, const struct option *row)
{
	void (*number_text)(struct text *, int64_t) = row->type == OPTION_TIME ? option_time_text : text_i64;

	switch (row->type) {
	case OPTION_BOOL:
		text_str(out, "allowed: true false");
		break;
	case OPTION_NUMBER:
	case OPTION_TIME:
		text_str(out, "allowed: ");
		number_text(out, row->min);
		if (row->max < INT64_MAX) {
			text_str(out, " to ");
			number_text(out, row->max);
		} else {
			text_str(out, " or more");
		}
		break;
	case OPTION_CHOICE:
		text_str(out, "allowed:");
		for (const char *const *name = row->choices; *name; name++) {
			text_char(out, ' ');
			text_str(out, *name);
		}
		break;
	case OPTION_STRING:
	case OPTION_LIST:
		break;
	}
}

/* "'VALUE' is REASON; allowed: ...", in a buffer of the thread. */
static const char *refuse(const struct option *row, const char *value, const char *reason)
{
	static _Thread_local char buffer[1024];
	struct text text;

	text_init(&text, buffer, sizeof(buffer));
	text_char(&text, '\'');
	text_escaped(&text, value, strlen(value), SHOWN_MAX);
	text_char(&text, '\'');
	text_str(&text, reason);
	if (row->type != OPTION_STRING && row->type != OPTION_LIST) {
		text_str(&text, "; ");
		option_allowed_text(&text, row);
	}
	return buffer;
}

static const char *read_bool(const struct option *row, const char *value, bool *out)
{
	*out = strcmp(value, "true") == 0;
	return *out || strcmp(value, "false") == 0 ? NULL : refuse(row, value, " is neither true nor false");
}

/* Digits only, with a sign in front: strtoll() alone would take blanks, too. */
static bool read_digits(const char *value, int64_t *out, char **end)
{
	if (value[value[0] == '-'] < '0' || value[value[0] == '-'] > '9')
		return false;
	errno = 0;
	*out = strtoll(value, end, 10);
	return errno == 0;
}

static const char *read_number(const struct option *row, const char *value, int64_t *out)
{
	char *end;

	if (!read_digits(value, out, &end) || *end != '\0')
		return refuse(row, value, " is not a whole number");
	return *out >= row->min && *out <= row->max ? NULL : refuse(row, value, " is out of range");
}

static const char *read_time(const struct option *row, const char *value, int64_t *out)
{
	static const char form[] = " is not a length of time (90s 15m 12h 3d 1w)";
	size_t i = 0;
	char *end;

	if (!read_digits(value, out, &end) || *out < 0)
		return refuse(row, value, form);
	if (*out == 0 && *end == '\0')
		return row->min <= 0 ? NULL : refuse(row, value, " is out of range");
	while (i < sizeof(units) / sizeof(units[0]) && units[i].letter != *end)
		i++;
	if (i == sizeof(units) / sizeof(units[0]) || end[1] != '\0')
		return refuse(row, value, form);
	if (__builtin_mul_overflow(*out, units[i].seconds, out) || *out < row->min || *out > row->max)
		return refuse(row, value, " is out of range");
	return NULL;
}

static const char *read_choice(const struct option *row, const char *value, int *out)
{
	for (int i = 0; row->choices[i]; i++) {
		if (strcmp(row->choices[i], value) == 0) {
			*out = i;
			return NULL;
		}
	}
	return refuse(row, value, " is unknown");
}

static const char *read_string(struct arena *arena, const struct option *row, const char *value, const char **out)
{
	const char *why = row->check ? row->check(value) : NULL;

	if (why) {
		char reason[512];
		struct text text;

		text_init(&text, reason, sizeof(reason));
		text_str(&text, ": ");
		text_str(&text, why);
		return refuse(row, value, reason);
	}
	*out = arena_copy(arena, value, strlen(value));
	return *out ? NULL : "out of memory: the configuration is too big";
}

/* The capacity follows from the count: it doubles whenever the count reaches a power of two. */
static const char *list_append(struct arena *arena, struct string_list *list, const char *item)
{
	if ((list->count & (list->count - 1)) == 0) {
		size_t room = list->count ? 2 * list->count : 1;
		const char **grown = arena_alloc(arena, room * sizeof(*grown));

		if (!grown)
			return "out of memory: the configuration is too big";
		if (list->count)
			memcpy(grown, list->at, list->count * sizeof(*grown));
		grown[list->count] = item;
		list->at = grown;
	} else {
		/* the array was made here, writable */
		((const char **)(uintptr_t)list->at)[list->count] = item;
	}
	list->count++;
	return NULL;
}

void option_store_empty(const struct option *row, void *values)
{
	*(struct string_list *)(void *)((char *)values + row->offset) = (struct string_list){ NULL, 0 };
}

const char *option_store(struct arena *arena, const struct option *row, void *values, bool first, const char *value)
{
	void *at = (char *)values + row->offset;
	const char *item, *why;

	switch (row->type) {
	case OPTION_BOOL:
		return read_bool(row, value, at);
	case OPTION_NUMBER:
		return read_number(row, value, at);
	case OPTION_TIME:
		return read_time(row, value, at);
	case OPTION_CHOICE:
		return read_choice(row, value, at);
	case OPTION_STRING:
		return read_string(arena, row, value, at);
	case OPTION_LIST:
		if (first)
			option_store_empty(row, values);
		why = read_string(arena, row, value, &item);
		return why ? why : list_append(arena, at, item);
	}
	return "an option of an unknown type";
}
