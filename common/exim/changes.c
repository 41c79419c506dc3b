/*
 * Header changes in an answer to Exim (exim/changes.h).
 *
 * remove_header takes names, and removes all fields of a name before anything is added. So the others of the name are
 * added again, behind the Received fields. What is added to a place comes to stand above what was added there before;
 * of two equal ones one is added (src/acl.c, src/receive.c, 4.96).
 */
#include <string.h>
#include <strings.h>

#include "exim/changes.h"
#include "exim/line.h"

#define NAMES 16       /* of fields that milters remove; each asks for one or two */
#define FIELD_EXTRA 32 /* what is written beside name and value */

struct names {
	const char *at[NAMES];
	size_t count;
};

/* Of a list of names, where blanks, colons, asterisks and "<" mean something. */
static bool is_plain(const char *name)
{
	static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_";

	return name[0] != '\0' && name[strspn(name, plain)] == '\0';
}

static bool names_take(struct names *names, const struct marks *marks)
{
	for (const struct mark *mark = marks->first; mark; mark = mark->next) {
		size_t i = 0;

		if (mark->value)
			continue;
		while (i < names->count && strcasecmp(names->at[i], mark->name) != 0)
			i++;
		if (i == NAMES || !is_plain(mark->name))
			return false;
		if (i == names->count)
			names->at[names->count++] = mark->name;
	}
	return true;
}

static bool is_removed(const struct marks *marks, const char *name, unsigned index)
{
	for (const struct mark *mark = marks->first; mark; mark = mark->next)
		if (!mark->value && mark->index == index && !strcasecmp(mark->name, name))
			return true;
	return false;
}

/* Exim lets any white space stand before the colon, but finds a name only with blanks and tabs there. */
static bool exim_finds(const struct header *header, const char *name)
{
	const char *rest = header->name + strlen(name);

	return rest[strspn(rest, " \t")] == '\0';
}

/* ---- the lines --------------------------------------------------------------------------------- */

/* A line break that does not fold would begin a field of its own. */
static void own_put(struct text *lines, const struct mark *mark)
{
	const char *at = mark->value;

	text_str(lines, ":at_start:");
	text_str(lines, mark->name);
	text_str(lines, ": ");
	for (; *at; at++) {
		if ((unsigned char)*at >= ' ' || *at == '\t')
			text_char(lines, *at);
		else if (*at == '\n' && at[1] != '\0')
			text_str(lines, at[1] == ' ' || at[1] == '\t' ? "\n" : "\n\t");
		else if (*at != '\n')
			text_char(lines, '?');
	}
	text_char(lines, '\n');
}

/* As it was; it was taken out of a header, so each of its line breaks folds. */
static void other_put(struct text *lines, const struct header *header, const char *name)
{
	text_str(lines, ":after_received:");
	text_mem(lines, header->name, strlen(name));
	text_char(lines, ':');
	text_mem(lines, header->value, header->len);
	text_char(lines, '\n');
}

/* The last first. False: Exim will not find one that shall go. */
static bool others_put(struct message *message, const struct header *cut, const struct marks *marks, const char *name,
		       struct text *lines)
{
	const struct header *header = NULL, **fields;
	unsigned count = 0;

	fields = arena_alloc(&message->memory, (message->headers_kept + 1) * sizeof(const struct header *));
	if (!fields)
		return false;
	while ((header = message_find(message, name, header))) {
		const bool found = exim_finds(header, name);

		if (!is_removed(marks, name, ++count))
			fields[count - 1] = found && header != cut && header->len < EXIM_FIELD_MAX ? header : NULL;
		else if (found)
			fields[count - 1] = NULL;
		else
			return false;
	}
	while (count-- > 0)
		if (fields[count])
			other_put(lines, fields[count], name);
	return true;
}

static size_t lines_size(const struct message *message, const struct marks *marks)
{
	size_t size = 2;

	for (const struct mark *mark = marks->first; mark; mark = mark->next)
		if (mark->value)
			size += FIELD_EXTRA + strlen(mark->name) + 2 * strlen(mark->value);
	for (const struct header *header = message->headers; header; header = header->next)
		size += FIELD_EXTRA + strlen(header->name) + header->len;
	return size;
}

/* Never empty: an answer's words are apart by single blanks. A line break alone adds nothing. */
static bool lines_make(struct message *message, const struct header *cut, const struct marks *marks,
		       const struct names *names, struct text *lines)
{
	const size_t size = lines_size(message, marks);
	char *buffer = arena_alloc(&message->memory, size);

	if (!buffer)
		return false;
	text_init(lines, buffer, size);
	for (size_t i = 0; i < names->count; i++)
		if (!others_put(message, cut, marks, names->at[i], lines))
			return false;
	for (const struct mark *mark = marks->first; mark; mark = mark->next)
		if (mark->value && strlen(mark->value) < EXIM_FIELD_MAX && is_plain(mark->name))
			own_put(lines, mark);
	if (lines->len == 0)
		text_char(lines, '\n');
	return true;
}

const char *exim_changes(struct message *message, const struct header *cut, const struct marks *marks)
{
	struct names names = { .count = 0 };
	struct text lines, out;
	size_t size = sizeof(" header - ");
	char *buffer;

	if (!marks->first)
		return "";
	if (!names_take(&names, marks) || !lines_make(message, cut, marks, &names, &lines))
		return NULL;
	for (size_t i = 0; i < names.count; i++)
		size += strlen(names.at[i]) + 1;
	size += BASE64_SIZE(lines.len);
	buffer = arena_alloc(&message->memory, size);
	if (!buffer)
		return NULL;
	text_init(&out, buffer, size);
	text_str(&out, " header ");
	for (size_t i = 0; i < names.count; i++) {
		text_str(&out, i > 0 ? ":" : "");
		text_str(&out, names.at[i]);
	}
	text_str(&out, names.count > 0 ? " " : "- ");
	base64_encode(lines.at, lines.len, buffer + out.len);
	return buffer;
}
