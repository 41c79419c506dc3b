/*
 * Authentication-Results (auth_results.h).
 */
#include <stdint.h>
#include <string.h>

#include "auth_results.h"
#include "utf8.h"

#define VALUE_BYTES 400 /* a path has at most 256 octets, RFC 5321 4.5.3.1.3 */

const char auth_results_name[] = "Authentication-Results";

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* CFWS, RFC 5322 3.2.2. An unclosed comment ends with the value. */
static size_t comments_skip(const char *value, size_t len, size_t at)
{
	unsigned depth = 0;

	for (; at < len; at++) {
		if (value[at] == '(')
			depth++;
		else if (depth > 0 && value[at] == ')')
			depth--;
		else if (depth > 0 && value[at] == '\\')
			at++;
		else if (depth == 0 && !is_blank(value[at]))
			return at;
	}
	return len;
}

bool auth_results_is_of(const char *value, size_t len, const char *authserv_id)
{
	size_t at = comments_skip(value, len, 0);
	const bool quoted = at < len && value[at] == '"';
	size_t matched = 0, read = 0;

	for (at += quoted; at < len; at++, read++) {
		char c = value[at];

		if (quoted ? c == '"' : c == ';' || c == '(' || is_blank(c))
			break;
		if (quoted && c == '\\' && at + 1 < len)
			c = value[++at];
		if (matched == read && authserv_id[matched] != '\0' &&
		    ascii_lower(c) == ascii_lower(authserv_id[matched]))
			matched++;
	}
	return read == 0 || (matched == read && authserv_id[matched] == '\0');
}

static bool is_utf8(const char *value, size_t len)
{
	uint32_t point;
	size_t taken = 1;

	for (; len > 0 && taken > 0; value += taken, len -= taken)
		taken = utf8_read(value, len, &point);
	return taken > 0;
}

static bool is_word(const char *value)
{
	static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._+";
	size_t local = strspn(value, plain);

	if (value[local] != '@')
		return local > 0 && value[local] == '\0';
	return value[local + 1] != '\0' && value[local + 1 + strspn(value + local + 1, plain)] == '\0';
}

void auth_results_value(struct text *out, const char *value)
{
	size_t len = strnlen(value, VALUE_BYTES);
	/* RFC 8601 5 with RFC 6532: UTF-8 where the mail was announced with it */
	const bool utf8 = is_utf8(value, len);

	if (is_word(value)) {
		text_mem(out, value, len);
		return;
	}
	text_char(out, '"');
	for (size_t i = 0; i < len; i++) {
		const char c = value[i];
		const bool is_shown = (unsigned char)c >= 0x80 ? utf8 : c >= ' ' && c != 0x7f;

		if (c == '"' || c == '\\')
			text_char(out, '\\');
		text_char(out, is_shown ? c : '?');
	}
	text_char(out, '"');
}
