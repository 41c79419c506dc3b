/*
 * The first words of a message (opening.h), after RFC 2045 and 2046. What is broken is read as far as it goes.
 */
#include "milters/signup/opening.h"

#include <stdbool.h>
#include <string.h>

#define DEPTH_MAX 4
#define BOUNDARY_MAX 70 /* RFC 2046 5.1.1 */

static bool begins(struct span text, const char *word)
{
	size_t len = strlen(word);

	return text.len >= len && span_is((struct span){ text.at, len }, word);
}

static struct span trim(struct span text)
{
	while (text.len && (unsigned char)text.at[0] <= ' ')
		text = (struct span){ text.at + 1, text.len - 1 };
	while (text.len && (unsigned char)text.at[text.len - 1] <= ' ')
		text.len--;
	return text;
}

/* Takes the next line off, without its end. */
static struct span take_line(struct span *text)
{
	const char *end = memchr(text->at, '\n', text->len);
	size_t len = end ? (size_t)(end - text->at) : text->len, taken = end ? len + 1 : len;
	struct span line = { text->at, len };

	*text = (struct span){ text->at + taken, text->len - taken };
	if (line.len && line.at[line.len - 1] == '\r')
		line.len--;
	return line;
}

/* The boundary parameter; empty when there is none. */
static struct span boundary_of(struct span type)
{
	static const char name[] = "boundary=";
	struct span value = { "", 0 };
	size_t len = 0;

	for (size_t at = 0; at + sizeof(name) - 1 < type.len; at++) {
		if (!begins((struct span){ type.at + at, type.len - at }, name))
			continue;
		value = (struct span){ type.at + at + sizeof(name) - 1, type.len - at - (sizeof(name) - 1) };
		break;
	}
	if (value.len && value.at[0] == '"') {
		const char *end = memchr(value.at + 1, '"', value.len - 1);

		value = (struct span){ value.at + 1, end ? (size_t)(end - value.at) - 1 : value.len - 1 };
	} else {
		while (len < value.len && value.at[len] != ';' && (unsigned char)value.at[len] > ' ')
			len++;
		value.len = len;
	}
	return value.len <= BOUNDARY_MAX ? value : (struct span){ "", 0 };
}

/* One boundary may begin with another: nothing but "--" and blanks follows it (RFC 2046 5.1.1). */
static bool is_boundary(struct span line, struct span boundary)
{
	size_t len = boundary.len + 2;

	if (line.len < len || line.at[0] != '-' || line.at[1] != '-' ||
	    memcmp(line.at + 2, boundary.at, boundary.len) != 0)
		return false;
	line = trim((struct span){ line.at + len, line.len - len });
	return line.len == 0 || span_is(line, "--");
}

/* Takes the part's header off. */
static void take_header(struct span *text, struct span *type, struct span *encoding)
{
	*type = *encoding = (struct span){ "", 0 };
	while (text->len) {
		struct span line = take_line(text);

		if (line.len == 0)
			return;
		while (text->len && (text->at[0] == ' ' || text->at[0] == '\t')) {
			struct span more = take_line(text);

			line.len = (size_t)(more.at + more.len - line.at);
		}
		if (begins(line, "content-type:"))
			*type = trim((struct span){ line.at + 13, line.len - 13 });
		else if (begins(line, "content-transfer-encoding:"))
			*encoding = trim((struct span){ line.at + 26, line.len - 26 });
	}
}

/* ---- what a text part becomes ------------------------------------------------------------------ */

struct writer {
	char *out;
	size_t len, size;
	bool is_html;
	bool in_tag;
	char name[8]; /* of the tag, in lower case */
	size_t name_len;
	bool has_name;	/* all of it */
	bool is_hidden; /* between <style> or <script> and their end */
	bool in_entity;
};

static void put(struct writer *writer, char c)
{
	if (writer->len < writer->size)
		writer->out[writer->len++] = c;
}

static bool is_name(const struct writer *writer, const char *name)
{
	return writer->name_len == strlen(name) && !memcmp(writer->name, name, writer->name_len);
}

static void end_tag(struct writer *writer)
{
	if (is_name(writer, "style") || is_name(writer, "script") || is_name(writer, "title"))
		writer->is_hidden = true;
	else if (is_name(writer, "/style") || is_name(writer, "/script") || is_name(writer, "/title"))
		writer->is_hidden = false;
	writer->in_tag = false;
	put(writer, ' ');
}

static void read_tag(struct writer *writer, char c)
{
	if (c == '>')
		end_tag(writer);
	else if ((unsigned char)c <= ' ' || writer->name_len == sizeof(writer->name))
		writer->has_name = true;
	else if (!writer->has_name)
		writer->name[writer->name_len++] = ascii_lower(c);
}

static void write_byte(struct writer *writer, char c)
{
	if (!writer->is_html) {
		put(writer, c);
	} else if (writer->in_tag) {
		read_tag(writer, c);
	} else if (c == '<') {
		writer->in_tag = true;
		writer->in_entity = false;
		writer->name_len = 0;
		writer->has_name = false;
	} else if (writer->in_entity) {
		writer->in_entity = c != ';' && (unsigned char)c > ' ';
	} else if (c == '&') {
		writer->in_entity = true;
		put(writer, ' ');
	} else if (!writer->is_hidden) {
		put(writer, c);
	}
}

static void read_base64(struct writer *writer, struct span body)
{
	unsigned bits = 0, count = 0;

	for (size_t i = 0; i < body.len && writer->len < writer->size; i++) {
		int value = base64_value(body.at[i]);

		if (value < 0)
			continue;
		bits = (bits << 6 | (unsigned)value) & 0xffffff;
		count += 6;
		if (count >= 8) {
			count -= 8;
			write_byte(writer, (char)(bits >> count));
		}
	}
}

static int hex_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c = ascii_lower(c);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static void read_quoted(struct writer *writer, struct span body)
{
	for (size_t i = 0; i < body.len && writer->len < writer->size; i++) {
		size_t left = body.len - i;
		int high, low;

		if (body.at[i] != '=') {
			write_byte(writer, body.at[i]);
		} else if (left >= 2 && body.at[i + 1] == '\n') {
			i++;
		} else if (left >= 3 && body.at[i + 1] == '\r' && body.at[i + 2] == '\n') {
			i += 2;
		} else if (left >= 3 && (high = hex_value(body.at[i + 1])) >= 0 &&
			   (low = hex_value(body.at[i + 2])) >= 0) {
			write_byte(writer, (char)(high << 4 | low));
			i += 2;
		} else {
			write_byte(writer, '=');
		}
	}
}

static size_t read_text(struct span type, struct span encoding, struct span body, char *out, size_t size)
{
	struct writer writer = { .out = out, .size = size, .is_html = begins(type, "text/html") };

	if (begins(encoding, "base64"))
		read_base64(&writer, body);
	else if (begins(encoding, "quoted-printable"))
		read_quoted(&writer, body);
	else
		for (size_t i = 0; i < body.len && writer.len < size; i++)
			write_byte(&writer, body.at[i]);
	return writer.len;
}

/* The part up to the next boundary of its multipart. */
static struct span take_part(struct span *body, struct span boundary)
{
	struct span part = { body->at, 0 };

	while (body->len && !is_boundary(take_line(body), boundary))
		part.len = (size_t)(body->at - part.at);
	return part;
}

size_t opening_read(struct span type, struct span encoding, struct span body, char *out, size_t size)
{
	struct span boundary;

	type = trim(type);
	if (body.len > OPENING_BODY_MAX)
		body.len = OPENING_BODY_MAX;
	for (unsigned depth = 0; depth < DEPTH_MAX && begins(type, "multipart/"); depth++) {
		boundary = boundary_of(type);
		if (boundary.len == 0)
			return 0;
		take_part(&body, boundary);
		do {
			struct span part = take_part(&body, boundary), header = part;

			take_header(&header, &type, &encoding);
			if (type.len == 0 || begins(type, "text/") || begins(type, "multipart/")) {
				body = header;
				break;
			}
		} while (body.len);
	}
	if (type.len > 0 && !begins(type, "text/"))
		return 0;
	return read_text(type, trim(encoding), body, out, size);
}
