/*
 * One line of the Exim protocol taken apart (exim/line.h).
 */
#include <stdint.h>
#include <string.h>

#include "exim/line.h"
#include "text.h"

static const char *const keys[] = {
	[EXIM_QUEUE_ID] = "queue_id",
	[EXIM_CLIENT_ADDR] = "client_addr",
	[EXIM_CLIENT_PORT] = "client_port",
	[EXIM_CLIENT_NAME] = "client_name",
	[EXIM_HELO] = "helo",
	[EXIM_AUTH_USER] = "auth_user",
	[EXIM_AUTH_TYPE] = "auth_type",
	[EXIM_IDENT] = "ident",
	[EXIM_UID] = "uid",
	[EXIM_MAIL_FROM] = "mail_from",
	[EXIM_RCPT_TO] = "rcpt_to",
	[EXIM_RECIPIENTS] = "recipients",
	[EXIM_HEADERS] = "headers",
	[EXIM_BODY] = "body",
	[EXIM_PARENT] = "parent",
	[EXIM_HEADER_CHANGES] = "header_changes",
	[EXIM_LATER] = "later",
};

/* ${quote:} writes newline as \n, carriage return as \r, and puts \ before " and itself. */
static char *unquote(char *at, const char **why)
{
	char *to = at;

	for (; *at != '"'; at++) {
		if (*at == '\\' && at[1] != '\0') {
			at++;
			*to++ = *at == 'n' ? '\n' : *at == 'r' ? '\r' : *at;
		} else if (*at == '\0') {
			*why = "a quoted value does not end";
			return at;
		} else {
			*to++ = *at;
		}
	}
	*to = '\0';
	return at + 1;
}

static int key_of(const char *name, size_t len)
{
	for (int key = 0; key < EXIM_KEYS; key++)
		if (strlen(keys[key]) == len && !memcmp(keys[key], name, len))
			return key;
	return -1;
}

const char *exim_line_parse(char *line, struct exim_line *out)
{
	const char *why = NULL;
	char *at;

	for (int key = 0; key < EXIM_KEYS; key++)
		out->value[key] = "";
	out->verb = line;
	at = line + strcspn(line, " ");
	while (*at == ' ') {
		char *name, *value;
		int key;

		*at++ = '\0';
		at += strspn(at, " ");
		if (*at == '\0')
			break;
		name = at;
		at += strcspn(at, "= ");
		if (*at != '=')
			return "expected KEY=VALUE";
		key = key_of(name, (size_t)(at - name));
		value = ++at;
		if (*at == '"') {
			value = ++at;
			at = unquote(at, &why);
		} else {
			at += strcspn(at, " ");
		}
		if (why)
			return why;
		if (key >= 0)
			out->value[key] = value;
		if (*at != ' ' && *at != '\0')
			return "something follows a quoted value";
	}
	return NULL;
}

long base64_decode(char *text)
{
	size_t len = strlen(text), out = 0;
	uint32_t bits = 0;
	unsigned have = 0;

	/* an absent value is a constant: nothing may be written to it */
	if (len == 0)
		return 0;
	while (len > 0 && text[len - 1] == '=')
		len--;
	if (len % 4 == 1)
		return -1; /* cut off */
	for (size_t i = 0; i < len; i++) {
		int value = base64_value(text[i]);

		if (value < 0)
			return -1;
		bits = bits << 6 | (uint32_t)value;
		have += 6;
		if (have >= 8) {
			have -= 8;
			text[out++] = (char)(bits >> have & 0xff);
		}
	}
	text[out] = '\0';
	return (long)out;
}

void base64_encode(const char *from, size_t len, char *to)
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

	for (size_t i = 0; i < len; i += 3) {
		const size_t have = len - i < 3 ? len - i : 3;
		uint32_t bits = 0;

		for (size_t j = 0; j < 3; j++)
			bits = bits << 8 | (j < have ? (unsigned char)from[i + j] : 0);
		for (size_t j = 0; j < 4; j++)
			*to++ = j <= have ? digits[bits >> (18 - 6 * j) & 63] : '=';
	}
	*to = '\0';
}

char *exim_recipient_next(char **list)
{
	char *at = *list + strspn(*list, ", "), *begin = at;
	int quoted = 0;

	if (*at == '\0')
		return NULL;
	for (; *at != '\0' && (quoted || *at != ','); at++) {
		if (*at == '\\' && at[1] != '\0')
			at++;
		else if (*at == '"')
			quoted = !quoted;
	}
	*list = *at == '\0' ? at : at + 1;
	*at = '\0';
	return begin;
}

bool header_field_next(char **block, char **name, char **value)
{
	char *begin = *block, *end, *colon;

	if (*begin == '\0' || *begin == '\n' || (*begin == '\r' && begin[1] == '\n'))
		return false;
	end = begin;
	do {
		end += strcspn(end, "\n");
		if (*end == '\n')
			end++;
	} while (*end == ' ' || *end == '\t');
	*block = end;
	while (end > begin && (end[-1] == '\n' || end[-1] == '\r'))
		end--;
	/* what ends the field lies behind us: *block was moved past it */
	*end = '\0';
	colon = strchr(begin, ':');
	if (colon)
		*colon = '\0';
	/* a line without a colon is a field without a name */
	*name = colon ? begin : end;
	*value = colon ? colon + 1 : begin;
	return true;
}
