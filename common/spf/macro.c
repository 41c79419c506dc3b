/*
 * Macro-strings (macro.h).
 */
#include "spf/macro.h"

#include <string.h>

/* No name and no reply needs more; a record of 64 KiB could make 40 MB of one, over and over. */
#define EXPANDED_MAX 16384

/* One element of a macro-string. */
struct token {
	enum { TOKEN_LITERAL, TOKEN_ESCAPE, TOKEN_MACRO } kind;
	struct span literal; /* TOKEN_LITERAL, and what TOKEN_ESCAPE stands for */
	char letter;	     /* TOKEN_MACRO: in lower case */
	bool upper;	     /* to be URL-escaped */
	unsigned parts;	     /* 0 = all */
	bool reverse;
	struct span delimiters;
	size_t len; /* of the whole element */
};

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool is_alpha(char c)
{
	return ascii_lower(c) >= 'a' && ascii_lower(c) <= 'z';
}

static bool is_in(char c, const char *set)
{
	return c && strchr(set, c);
}

/* ---- grammar ----------------------------------------------------------------------------------- */

/* "%{" macro-letter transformers *delimiter "}" */
static bool read_macro(struct span from, struct token *token)
{
	size_t at = 3, digits;

	if (from.len < 4 || !is_in(ascii_lower(from.at[2]), "slodiphcrtv"))
		return false;
	token->kind = TOKEN_MACRO;
	token->letter = ascii_lower(from.at[2]);
	token->upper = token->letter != from.at[2];
	token->parts = 0;
	for (digits = at; at < from.len && is_digit(from.at[at]); at++)
		if (token->parts < 1000) /* more parts than a name can have labels mean all of them */
			token->parts = token->parts * 10 + (unsigned)(from.at[at] - '0');
	if (at > digits && !token->parts)
		return false; /* 7.3: must be nonzero */
	token->reverse = at < from.len && ascii_lower(from.at[at]) == 'r';
	at += token->reverse;
	token->delimiters.at = from.at + at;
	while (at < from.len && is_in(from.at[at], ".-+,/_="))
		at++;
	token->delimiters.len = (size_t)(from.at + at - token->delimiters.at);
	token->len = at + 1;
	return at < from.len && from.at[at] == '}';
}

static bool read_escape(struct span from, struct token *token)
{
	static const struct {
		char c;
		struct span stands_for;
	} escapes[] = { { '%', { "%", 1 } }, { '_', { " ", 1 } }, { '-', { "%20", 3 } } };

	for (size_t i = 0; i < sizeof(escapes) / sizeof(escapes[0]); i++) {
		if (from.len > 1 && from.at[1] == escapes[i].c) {
			token->kind = TOKEN_ESCAPE;
			token->literal = escapes[i].stands_for;
			token->len = 2;
			return true;
		}
	}
	return false;
}

static bool read_literal(struct span from, bool blanks, struct token *token)
{
	size_t len = 0;

	while (len < from.len && from.at[len] != '%' && from.at[len] >= (blanks ? ' ' : '!') && from.at[len] <= '~')
		len++;
	token->kind = TOKEN_LITERAL;
	token->literal = (struct span){ from.at, len };
	token->len = len;
	return len > 0;
}

/* The element at the start of what is not empty. */
static bool read_token(struct span from, enum spf_macro_place place, struct token *token)
{
	if (from.at[0] != '%')
		return read_literal(from, place == SPF_MACRO_IN_EXPLANATION, token);
	if (from.len < 2 || from.at[1] != '{')
		return read_escape(from, token);
	return read_macro(from, token) && (place == SPF_MACRO_IN_EXPLANATION || !is_in(token->letter, "crt"));
}

static struct span after(struct span from, const struct token *token)
{
	return (struct span){ from.at + token->len, from.len - token->len };
}

/* `ends_in_macro`: of any kind, also %% */
static bool string_ok(struct span string, enum spf_macro_place place, bool *ends_in_macro)
{
	struct token token;

	*ends_in_macro = false;
	for (; string.len; string = after(string, &token)) {
		if (!read_token(string, place, &token))
			return false;
		*ends_in_macro = token.kind != TOKEN_LITERAL;
	}
	return true;
}

bool spf_macro_string_ok(struct span string, enum spf_macro_place place)
{
	bool ends_in_macro;

	return string_ok(string, place, &ends_in_macro);
}

/* Letters, digits, hyphens inside; not digits alone. */
static bool is_top_label(const char *at, size_t len)
{
	bool numeric = true;

	if (!len || at[0] == '-' || at[len - 1] == '-')
		return false;
	for (size_t i = 0; i < len; i++) {
		if (!is_digit(at[i]) && !is_alpha(at[i]) && at[i] != '-')
			return false;
		numeric = numeric && is_digit(at[i]);
	}
	return !numeric;
}

bool spf_domain_spec_ok(struct span spec)
{
	bool ends_in_macro;
	const char *dot;

	if (!spec.len || !string_ok(spec, SPF_MACRO_IN_RECORD, &ends_in_macro))
		return false;
	if (ends_in_macro)
		return true;
	if (spec.at[spec.len - 1] == '.')
		spec.len--;
	dot = memrchr(spec.at, '.', spec.len);
	return dot && is_top_label(dot + 1, (size_t)(spec.at + spec.len - dot - 1));
}

bool spf_macro_uses(struct span string, const char *letters)
{
	struct token token;

	if (!memchr(string.at, '%', string.len))
		return false;
	for (; string.len && read_token(string, SPF_MACRO_IN_EXPLANATION, &token); string = after(string, &token))
		if (token.kind == TOKEN_MACRO && is_in(token.letter, letters))
			return true;
	return false;
}

/* ---- expansion --------------------------------------------------------------------------------- */

/* Where an expansion goes. Of a name only the end counts (7.3), so its beginning gives way. */
struct sink {
	struct text *text;
	bool keeps_end;
	size_t budget; /* bytes that may still come */
};

static void put(struct sink *sink, const char *from, size_t len)
{
	struct text *text = sink->text;

	if (len > sink->budget) {
		sink->budget = 0;
		text->cut = true;
		return;
	}
	sink->budget -= len;
	while (sink->keeps_end && len > text->size - 1 - text->len) {
		size_t room = text->size - 1 - text->len;

		text_mem(text, from, room);
		from += room;
		len -= room;
		memmove(text->at, text->at + text->len - DOMAIN_MAX - 2, DOMAIN_MAX + 2);
		text->len = DOMAIN_MAX + 2;
	}
	text_mem(text, from, len);
}

/* RFC 3986 2.3: all but the unreserved */
static void put_url(struct sink *sink, struct span from)
{
	static const char hex[] = "0123456789ABCDEF";

	for (size_t i = 0; i < from.len; i++) {
		unsigned char c = (unsigned char)from.at[i];
		char code[3] = { '%', hex[c >> 4], hex[c & 15] };

		if (is_alpha(from.at[i]) || is_digit(from.at[i]) || is_in(from.at[i], "-._~"))
			put(sink, from.at + i, 1);
		else
			put(sink, code, sizeof(code));
	}
}

static void put_part(struct sink *sink, const struct token *token, const char *from, const char *to, bool *first)
{
	struct span part = { from, (size_t)(to - from) };

	if (!*first)
		put(sink, ".", 1);
	*first = false;
	if (token->upper)
		put_url(sink, part);
	else
		put(sink, part.at, part.len);
}

static bool is_delimiter(const struct token *token, char c)
{
	return token->delimiters.len ? memchr(token->delimiters.at, c, token->delimiters.len) != NULL : c == '.';
}

/* The rightmost parts of the reversed value are its first ones: from the last of them to the first. */
static void put_reversed(struct sink *sink, const struct token *token, struct span value)
{
	const char *end = value.at, *stop = value.at + value.len, *at;
	unsigned parts = 0;
	bool first = true;

	for (; end < stop; end++)
		if (is_delimiter(token, *end) && ++parts == token->parts)
			break;
	for (at = end; at > value.at; at--) {
		if (is_delimiter(token, at[-1])) {
			put_part(sink, token, at, end, &first);
			end = at - 1;
		}
	}
	put_part(sink, token, value.at, end, &first);
}

static void put_forward(struct sink *sink, const struct token *token, struct span value)
{
	const char *end = value.at + value.len, *start = end, *at;
	unsigned parts = 0;
	bool first = true;

	for (; start > value.at; start--)
		if (is_delimiter(token, start[-1]) && ++parts == token->parts)
			break;
	for (at = start; at < end; at++) {
		if (is_delimiter(token, *at)) {
			put_part(sink, token, start, at, &first);
			start = at + 1;
		}
	}
	put_part(sink, token, start, end, &first);
}

/* `number` has room for the time. */
static struct span value_of(const struct spf_macros *macros, char letter, char number[24])
{
	struct text text;

	switch (letter) {
	case 's':
		return macros->sender;
	case 'l':
		return macros->local;
	case 'o':
		return span_of(macros->sender_domain);
	case 'd':
		return span_of(macros->domain);
	case 'i':
		return span_of(macros->client->dotted);
	case 'p':
		return span_of(macros->validated);
	case 'h':
		return span_of(macros->helo);
	case 'c':
		return span_of(macros->client->pretty);
	case 'r':
		return span_of(macros->receiver);
	case 'v':
		return span_of(macros->client->ipv6 ? "ip6" : "in-addr");
	default:
		text_init(&text, number, 24);
		text_u64(&text, macros->now_s > 0 ? (uint64_t)macros->now_s : 0);
		return (struct span){ number, text.len };
	}
}

static void expand(const struct spf_macros *macros, struct span string, struct sink *sink)
{
	struct token token;
	char number[24];

	for (; string.len && read_token(string, SPF_MACRO_IN_EXPLANATION, &token); string = after(string, &token)) {
		if (token.kind != TOKEN_MACRO)
			put(sink, token.literal.at, token.literal.len);
		else if (token.reverse)
			put_reversed(sink, &token, value_of(macros, token.letter, number));
		else
			put_forward(sink, &token, value_of(macros, token.letter, number));
		if (sink->text->cut)
			return;
	}
}

void spf_macro_expand_name(const struct spf_macros *macros, struct span spec, spf_name name)
{
	char TEXT_BUFFER bytes[1024];
	struct text text;
	struct sink sink = { &text, true, EXPANDED_MAX };

	if (!memchr(spec.at, '%', spec.len)) {
		spf_name_finish(spec.at, spec.len, name);
		return;
	}
	text_init(&text, bytes, sizeof(bytes));
	expand(macros, spec, &sink);
	spf_name_finish(bytes, text.cut ? 0 : text.len, name);
}

void spf_macro_expand_text(const struct spf_macros *macros, struct span string, struct text *out)
{
	struct sink sink = { out, false, EXPANDED_MAX };

	expand(macros, string, &sink);
}
