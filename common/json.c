/*
 * JSON text (json.h, RFC 8259).
 */
#include <string.h>

#include "json.h"
#include "utf8.h"

/* Length of the UTF-8 sequence at `at`, 0 when it is none: strict, or readers refuse the whole text (RFC 8259 8.1). */
static size_t utf8_length(const char *at)
{
	uint32_t point;

	return (unsigned char)*at < 0x80 ? 1 : utf8_read(at, strnlen(at, 4), &point);
}

void json_string(struct text *text, const char *from)
{
	static const char hex[] = "0123456789abcdef";

	text_char(text, '"');
	while (*from) {
		unsigned char c = (unsigned char)*from;
		size_t len = utf8_length(from);

		if (c < 0x20 || c == 0x7f) {
			char code[6] = { '\\', 'u', '0', '0', hex[c >> 4], hex[c & 15] };

			text_mem(text, code, sizeof(code));
		} else if (c == '"' || c == '\\') {
			text_char(text, '\\');
			text_char(text, (char)c);
		} else if (len > 0) {
			text_mem(text, from, len);
		} else {
			text_str(text, "\\ufffd");
		}
		from += len > 0 ? len : 1;
	}
	text_char(text, '"');
}

static void separate(struct text *text)
{
	if (text->len > 0 && !strchr("{[", text->at[text->len - 1]))
		text_char(text, ',');
}

static void key(struct text *text, const char *name)
{
	separate(text);
	if (name) {
		json_string(text, name);
		text_char(text, ':');
	}
}

void json_member(struct text *text, const char *name, const char *value)
{
	key(text, name);
	json_string(text, value);
}

void json_member_u64(struct text *text, const char *name, uint64_t value)
{
	key(text, name);
	text_u64(text, value);
}

void json_open(struct text *text, const char *name, char bracket)
{
	key(text, name);
	text_char(text, bracket);
}

void json_close(struct text *text, char bracket)
{
	text_char(text, bracket);
}
