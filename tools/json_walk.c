/*
 * Reads the JSON of our own daemons (json_walk.h), by RFC 8259's grammar.
 */
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "json_walk.h"
#include "text.h"

#define DEPTH_MAX 8
#define PATH_BYTES 256
#define VALUE_BYTES 1001

struct walk {
	const char *at;
	json_walk_fn *fn;
	void *arg;
	struct text path;
	char path_buffer[PATH_BYTES];
	char value[VALUE_BYTES];
	bool stopped;
};

static bool value_read(struct walk *walk, unsigned depth);

static void blanks_skip(struct walk *walk)
{
	walk->at += strspn(walk->at, " \t\r\n");
}

static bool take(struct walk *walk, char c)
{
	blanks_skip(walk);
	if (*walk->at != c)
		return false;
	walk->at++;
	return true;
}

static bool report(struct walk *walk, const char *value)
{
	if (!walk->stopped && !walk->fn(walk->arg, walk->path.at, value))
		walk->stopped = true;
	return !walk->path.cut;
}

static void utf8_put(struct text *out, uint32_t c)
{
	if (c < 0x80) {
		text_char(out, (char)c);
	} else if (c < 0x800) {
		text_char(out, (char)(0xc0 | c >> 6));
		text_char(out, (char)(0x80 | (c & 0x3f)));
	} else {
		text_char(out, (char)(0xe0 | c >> 12));
		text_char(out, (char)(0x80 | (c >> 6 & 0x3f)));
		text_char(out, (char)(0x80 | (c & 0x3f)));
	}
}

static bool escape_read(struct walk *walk, struct text *out)
{
	static const char letters[] = "\"\\/bfnrt", meant[] = "\"\\/\b\f\n\r\t";
	static const char digits[] = "0123456789abcdef";
	const char *found;
	uint32_t c = 0;

	if (*walk->at != 'u') {
		found = *walk->at ? strchr(letters, *walk->at) : NULL;
		if (!found)
			return false;
		text_char(out, meant[found - letters]);
		walk->at++;
		return true;
	}
	walk->at++;
	for (int i = 0; i < 4; i++) {
		found = *walk->at ? strchr(digits, ascii_lower(*walk->at)) : NULL;
		if (!found)
			return false;
		c = c << 4 | (uint32_t)(found - digits);
		walk->at++;
	}
	/* halves of a pair and NUL are never written by us */
	utf8_put(out, c == 0 || (c >= 0xd800 && c < 0xe000) ? 0xfffd : c);
	return true;
}

static bool string_read(struct walk *walk, char *buffer, size_t size)
{
	struct text out;

	text_init(&out, buffer, size);
	if (!take(walk, '"'))
		return false;
	while (*walk->at != '"') {
		if ((unsigned char)*walk->at < 0x20)
			return false;
		if (*walk->at != '\\')
			text_char(&out, *walk->at++);
		else if (walk->at++, !escape_read(walk, &out))
			return false;
	}
	walk->at++;
	return !out.cut;
}

static size_t digits_skip(struct walk *walk)
{
	size_t n = strspn(walk->at, "0123456789");

	walk->at += n;
	return n;
}

static bool number_read(struct walk *walk)
{
	const char *from = walk->at;
	size_t len;

	if (*walk->at == '-')
		walk->at++;
	if (*walk->at == '0')
		walk->at++;
	else if (digits_skip(walk) == 0)
		return false;
	if (*walk->at == '.' && (walk->at++, digits_skip(walk) == 0))
		return false;
	if (*walk->at == 'e' || *walk->at == 'E') {
		walk->at++;
		if (*walk->at == '+' || *walk->at == '-')
			walk->at++;
		if (digits_skip(walk) == 0)
			return false;
	}
	len = (size_t)(walk->at - from);
	if (len >= sizeof(walk->value))
		return false;
	memcpy(walk->value, from, len);
	walk->value[len] = '\0';
	return report(walk, walk->value);
}

static bool word_read(struct walk *walk)
{
	static const char *const words[] = { "true", "false", "null" };

	for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++) {
		size_t len = strlen(words[i]);

		if (!strncmp(walk->at, words[i], len)) {
			walk->at += len;
			return report(walk, words[i]);
		}
	}
	return false;
}

static void path_cut(struct walk *walk, size_t len)
{
	walk->path.len = len;
	walk->path.at[len] = '\0';
}

static bool object_read(struct walk *walk, unsigned depth)
{
	size_t len = walk->path.len;
	bool more = !take(walk, '}');
	char name[64];

	while (more) {
		if (!string_read(walk, name, sizeof(name)) || !take(walk, ':'))
			return false;
		if (len > 0)
			text_char(&walk->path, '.');
		text_str(&walk->path, name);
		if (!value_read(walk, depth + 1))
			return false;
		path_cut(walk, len);
		more = take(walk, ',');
		if (!more && !take(walk, '}'))
			return false;
	}
	if (len > 0 && walk->path.at[len - 1] == ']')
		return report(walk, NULL);
	return true;
}

static bool list_read(struct walk *walk, unsigned depth)
{
	size_t len = walk->path.len;
	bool more = !take(walk, ']');

	text_str(&walk->path, "[]");
	while (more) {
		if (!value_read(walk, depth + 1))
			return false;
		more = take(walk, ',');
		if (!more && !take(walk, ']'))
			return false;
	}
	path_cut(walk, len);
	return true;
}

static bool value_read(struct walk *walk, unsigned depth)
{
	if (depth > DEPTH_MAX)
		return false;
	blanks_skip(walk);
	switch (*walk->at) {
	case '{':
		walk->at++;
		return object_read(walk, depth);
	case '[':
		walk->at++;
		return list_read(walk, depth);
	case '"':
		return string_read(walk, walk->value, sizeof(walk->value)) && report(walk, walk->value);
	case 't':
	case 'f':
	case 'n':
		return word_read(walk);
	default:
		return number_read(walk);
	}
}

int json_walk(const char *text, json_walk_fn *fn, void *arg)
{
	struct walk walk = { .at = text, .fn = fn, .arg = arg };

	text_init(&walk.path, walk.path_buffer, sizeof(walk.path_buffer));
	if (!value_read(&walk, 0))
		return -1;
	blanks_skip(&walk);
	return *walk.at == '\0' ? 0 : -1;
}
