/*
 * Fields of headers and of reports, and the addresses in them (inner.h).
 */
#include <string.h>
#include <strings.h>

#include "bounce/inner.h"

const char *field_first(const struct fields *fields, const char *name)
{
	for (size_t i = 0; i < fields->count; i++)
		if (strcasecmp(fields->at[i].name, name) == 0)
			return fields->at[i].value;
	return "";
}

const char *field_last(const struct fields *fields, const char *name)
{
	for (size_t i = fields->count; i-- > 0;)
		if (strcasecmp(fields->at[i].name, name) == 0)
			return fields->at[i].value;
	return "";
}

/* ---- reading ----------------------------------------------------------------------------------- */

static struct span line_at(const char *at, const char *end)
{
	const char *stop = memchr(at, '\n', (size_t)(end - at));
	struct span line = { at, (size_t)((stop ? stop : end) - at) };

	if (line.len > 0 && line.at[line.len - 1] == '\r')
		line.len--;
	return line;
}

static const char *line_next(const char *at, const char *end)
{
	const char *stop = memchr(at, '\n', (size_t)(end - at));

	return stop ? stop + 1 : end;
}

/* The length of the name before its colon; 0: this line has none. */
static size_t name_length(struct span line)
{
	size_t i = 0;

	while (i < line.len && i < 100 && (unsigned char)line.at[i] > ' ' && line.at[i] != ':' &&
	       (unsigned char)line.at[i] < 0x7f)
		i++;
	return i > 0 && i < line.len && line.at[i] == ':' ? i : 0;
}

static const char *value_join(struct arena *arena, const char **at, const char *end, struct span first)
{
	char bytes[FIELD_MAX];
	struct text value;

	text_init(&value, bytes, sizeof(bytes));
	text_mem(&value, first.at, first.len);
	while (*at < end && (**at == ' ' || **at == '\t')) {
		struct span line = line_at(*at, end);
		if (line.len > 1)
			text_mem(&value, line.at, line.len);
		*at = line_next(*at, end);
	}
	for (size_t i = 0; i < value.len; i++)
		if ((unsigned char)value.at[i] < ' ')
			value.at[i] = ' ';
	const char *begin = value.at;
	while (*begin == ' ')
		begin++;
	const char *out = arena_copy(arena, begin, strlen(begin));
	return out ? out : "";
}

size_t fields_read(struct arena *arena, const char *text, size_t len, struct fields *out)
{
	const char *at = text, *end = text + len;

	while (at < end) {
		const struct span line = line_at(at, end);
		const size_t name = name_length(line);

		at = line_next(at, end);
		if (line.len == 0)
			break;
		if (name == 0 || out->count == FIELDS_MAX)
			continue;
		const char *copy = arena_copy(arena, line.at, name);
		if (!copy)
			break;
		struct field *field = &out->at[out->count];
		*field = (struct field){ copy, value_join(arena, &at, end,
							  (struct span){ line.at + name + 1, line.len - name - 1 }) };
		out->count++;
	}
	return (size_t)(at - text);
}

/* ---- addresses --------------------------------------------------------------------------------- */

static bool is_address_byte(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (unsigned char)c >= 0x80 ||
	       (c != '\0' && strchr("!#$%&*+-/=?^_{|}~.'", c) != NULL);
}

/* Outlook Express writes "'a@example.com'": quotes around are not part of it. */
static void strip(const char **begin, const char **end)
{
	while (*begin < *end && strchr("'.=/", **begin))
		++*begin;
	while (*end > *begin && strchr("'.-,", (*end)[-1]))
		--*end;
}

bool address_find(struct span text, struct span *out)
{
	const char *limit = text.at + text.len;

	for (const char *at = text.at; (at = memchr(at, '@', (size_t)(limit - at))) != NULL; at++) {
		const char *begin = at, *end = at + 1;

		if (begin > text.at && begin[-1] == '"') {
			const char *open = begin - 1;
			while (open > text.at && open[-1] != '"' && open[-1] != '\n')
				open--;
			begin = open > text.at && open[-1] == '"' ? open - 1 : begin;
		}
		while (begin == at || (begin > text.at && is_address_byte(begin[-1]))) {
			if (begin == text.at || !is_address_byte(begin[-1]))
				break;
			begin--;
		}
		while (end < limit && (is_address_byte(*end) && !strchr("=/'?&", *end)))
			end++;
		strip(&begin, &end);
		if (begin < at && end > at + 1 && end - begin < 320) {
			*out = (struct span){ begin, (size_t)(end - begin) };
			return true;
		}
	}
	return false;
}

bool has_words(struct span text, const char *words)
{
	const size_t len = strlen(words);

	for (size_t i = 0; i + len <= text.len; i++)
		if (ascii_lower(text.at[i]) == ascii_lower(words[0]) && strncasecmp(text.at + i, words, len) == 0)
			return true;
	return false;
}
