/*
 * The form of a configuration file, judged before libconfuse parses it: sections of options,
 * nothing nested, everything closed, and no name that is unknown.
 *
 * Measured with libconfuse 3.3: an unquoted * is dropped in silence, an unclosed comment is no error,
 * after comments the line numbers are wrong, and ${X} is replaced from the environment. Known from its
 * issue 182: nesting recurses without limit. None of these gets past this file.
 */
#include <string.h>

#include "option/inner.h"
#include "utf8.h"

enum token {
	TOKEN_END,
	TOKEN_WORD,
	TOKEN_STRING,
	TOKEN_OPEN,
	TOKEN_CLOSE,
	TOKEN_EQUAL,
	TOKEN_COMMA,
	TOKEN_BAD, /* reported */
};

struct scan {
	struct option_file *file;
	char *at, *end;
	unsigned line;	     /* where `at` is */
	unsigned token_line; /* where the token began */
	struct span token;
};

static bool is_word_char(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
	       (c != '\0' && strchr("._-:/@%", c) != NULL);
}

static enum token bad(struct scan *scan, const char *why)
{
	option_problem(scan->file, scan->token_line, "%s", why);
	return TOKEN_BAD;
}

static void skip_blanks(struct scan *scan)
{
	bool comment = false;

	for (; scan->at < scan->end; scan->at++) {
		char c = *scan->at;
		if (c == '\n') {
			scan->line++;
			comment = false;
		} else if (c == '#') {
			comment = true;
		} else if (c != ' ' && c != '\t' && c != '\r' && !comment) {
			return;
		}
		if (comment)
			*scan->at = ' ';
	}
}

/* After a backslash: digits and x would name a byte by number, which may be NUL or no UTF-8. */
static const char *escape_fault(const char *at, const char *end, char quote)
{
	if (at + 1 >= end || quote == '\'')
		return NULL;
	if ((at[1] >= '0' && at[1] <= '9') || at[1] == 'x')
		return "a byte cannot be given by its number (\\0, \\x); write the character itself, or \\\\ for a "
		       "backslash";
	return NULL;
}

static enum token scan_string(struct scan *scan)
{
	char quote = *scan->at++;

	scan->token.at = scan->at;
	for (; scan->at < scan->end; scan->at++) {
		const char *why;
		if (*scan->at == quote) {
			scan->token.len = (size_t)(scan->at++ - scan->token.at);
			return TOKEN_STRING;
		}
		if (*scan->at == '\n')
			scan->line++;
		if (quote == '"' && scan->at[0] == '$' && scan->at[1] == '{')
			return bad(scan,
				   "\"${\" would be replaced from the environment; put the value in single quotes");
		if (*scan->at != '\\')
			continue;
		why = escape_fault(scan->at, scan->end, quote);
		if (why)
			return bad(scan, why);
		if (scan->at + 1 < scan->end && *++scan->at == '\n')
			scan->line++;
	}
	return bad(scan, "a quoted value begins here and never ends; close it with the same quote");
}

static enum token scan_word(struct scan *scan)
{
	scan->token.at = scan->at;
	while (scan->at < scan->end && is_word_char(*scan->at))
		scan->at++;
	scan->token.len = (size_t)(scan->at - scan->token.at);
	if (scan->at < scan->end && strchr(" \t\r\n{}=,#", *scan->at) == NULL)
		return bad(scan,
			   "a value with other characters than letters, digits and ._-:/@% belongs in double quotes");
	if (memmem(scan->token.at, scan->token.len, "//", 2) != NULL)
		return bad(scan, "a comment begins with #; a value with // belongs in double quotes");
	return TOKEN_WORD;
}

static enum token scan_next(struct scan *scan)
{
	static const char marks[] = "{}=,";
	static const enum token tokens[] = { TOKEN_OPEN, TOKEN_CLOSE, TOKEN_EQUAL, TOKEN_COMMA };
	const char *mark;

	skip_blanks(scan);
	scan->token_line = scan->line;
	scan->token = (struct span){ scan->at, 1 };
	if (scan->at >= scan->end)
		return TOKEN_END;
	mark = *scan->at != '\0' ? strchr(marks, *scan->at) : NULL;
	if (mark) {
		scan->at++;
		return tokens[mark - marks];
	}
	if (*scan->at == '"' || *scan->at == '\'')
		return scan_string(scan);
	if (scan->at[0] == '/' && (scan->at[1] == '/' || scan->at[1] == '*'))
		return bad(scan, "a comment begins with #");
	if (scan->at[0] == '+' && scan->at[1] == '=')
		return bad(scan, "nothing can be added with +=; write the whole list: option = {\"a\", \"b\"}");
	return scan_word(scan);
}

/* After `{`; true when the closing brace was read. */
static bool scan_list(struct scan *scan, size_t *count)
{
	for (*count = 0;;) {
		enum token token = scan_next(scan);
		if (token == TOKEN_CLOSE)
			return true;
		if (token == TOKEN_WORD || token == TOKEN_STRING) {
			++*count;
			token = scan_next(scan);
			if (token == TOKEN_CLOSE)
				return true;
			if (token == TOKEN_COMMA)
				continue;
		}
		if (token != TOKEN_BAD)
			bad(scan, "a list is written {\"a\", \"b\"}: values, commas between them, and a closing }");
		return false;
	}
}

/* libconfuse skips unknown things, but fails at an empty section ("premature end of file"): it is shown blanks. */
static void blank_out(const struct scan *scan, const char *from)
{
	for (char *at = scan->at; at > from;) {
		if (*--at != '\n')
			*at = ' ';
	}
}

/* After `name =`. `row` is NULL for an unknown option. */
static bool scan_value(struct scan *scan, const struct option *row, struct option_origin *origin)
{
	enum token token = scan_next(scan);
	unsigned line = scan->token_line;
	size_t count;

	if (token == TOKEN_WORD || token == TOKEN_STRING)
		return true;
	if (token != TOKEN_OPEN) {
		if (token != TOKEN_BAD)
			bad(scan, "the value is missing; for an empty one write \"\"");
		return false;
	}
	if (row && row->type != OPTION_LIST) {
		option_problem(scan->file, line, "option '%s' takes one value, not a list", row->name);
		return false;
	}
	if (!scan_list(scan, &count))
		return false;
	if (origin && count == 0)
		origin->empty_line = line;
	return true;
}

/* After an option's name, which is still the scan's token. `part` is NULL for an unknown section. */
static bool scan_option(struct scan *scan, struct config_part *part)
{
	struct span name = scan->token;
	unsigned line = scan->token_line;
	const struct option *row = part ? section_option(part->section, name.at, name.len) : NULL;
	enum token token = scan_next(scan);

	if (token != TOKEN_EQUAL) {
		if (token == TOKEN_OPEN)
			bad(scan, "a section cannot stand in a section; a } is missing before it");
		else if (token != TOKEN_BAD)
			bad(scan, "an option is written: name = value");
		return false;
	}
	if (part && !row)
		option_unknown(scan->file, line, part->section, name);
	if (!scan_value(scan, row, row ? &part->origins[row - part->section->options] : NULL))
		return false;
	if (!row)
		blank_out(scan, name.at);
	return true;
}

/* After a section's `{`. `part` is NULL for an unknown one. */
static bool scan_section(struct scan *scan, struct config_part *part)
{
	for (;;) {
		enum token token = scan_next(scan);

		if (token == TOKEN_CLOSE)
			return true;
		if (token == TOKEN_WORD && scan_option(scan, part))
			continue;
		if (token == TOKEN_END)
			bad(scan, "the section's closing } is missing");
		else if (token != TOKEN_WORD && token != TOKEN_BAD)
			bad(scan, "inside a section stand lines: name = value");
		return false;
	}
}

static bool scan_sections(struct scan *scan)
{
	for (;;) {
		struct config_part *part;
		struct span name;
		unsigned line;
		enum token token = scan_next(scan);

		if (token == TOKEN_END)
			return true;
		if (token != TOKEN_WORD) {
			if (token != TOKEN_BAD)
				bad(scan, token == TOKEN_CLOSE ? "a } that closes nothing"
							       : "outside sections stands only: name { ... }");
			return false;
		}
		name = scan->token;
		line = scan->token_line;
		part = config_part(scan->file->config, name.at, name.len);
		token = scan_next(scan);
		if (token != TOKEN_OPEN) {
			if (token != TOKEN_BAD)
				bad(scan, "options stand in sections: name { option = value }");
			return false;
		}
		if (!part)
			section_unknown(scan->file, line, name);
		if (!scan_section(scan, part))
			return false;
		if (!part)
			blank_out(scan, name.at);
	}
}

static bool all_utf8(struct scan *scan)
{
	const char *at = scan->at;
	unsigned line = 1;

	while (at < scan->end) {
		uint32_t point;
		size_t len = utf8_read(at, (size_t)(scan->end - at), &point);

		if (len == 0 || point == 0) {
			option_problem(scan->file, line, "a byte that is not UTF-8 text; save the file as UTF-8");
			return false;
		}
		line += *at == '\n';
		at += len;
	}
	return true;
}

bool option_scan(struct option_file *file, char *buffer, size_t len)
{
	struct scan scan = { .file = file, .at = buffer, .end = buffer + len, .line = 1 };

	if (len >= 3 && memcmp(buffer, "\xef\xbb\xbf", 3) == 0)
		memset(buffer, ' ', 3);
	return all_utf8(&scan) && scan_sections(&scan);
}
