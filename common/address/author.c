/*
 * Who wrote the message: the mailboxes of a From or Sender field (RFC 5322 3.4 and 3.6.2, RFC 6532).
 *
 * The generate grammar with comments, folds, quoted strings and dots in names, and nothing that one
 * reader in use takes differently from another. One pass over the bytes, one over the grammar.
 */
#include "address/address.h"

#include <string.h>

#include "address/encoded_word.h"
#include "address/lex.h"
#include "utf8.h"

#define COMMENT_DEPTH_MAX 8
/*
 * RFC 5322 2.1.1 allows 998 octets a line, with the field's name. Postfix folds what is longer on
 * its way out, in the middle of a word if need be: the reader would get another text than we did.
 */
#define LINE_MAX_OCTETS 990

/* Non-ASCII that no name needs and that ends a line, or turns the text around, for some reader. */
/* clang-format off */
static const struct point_range name_refused[] = {
	{ 0x0080, 0x009f }, /* C1 controls, with NEL */
	{ 0x2028, 0x202e }, /* line and paragraph separator, bidi embeddings and overrides */
	{ 0x2066, 0x2069 }, /* bidi isolates */
	{ 0xfff9, 0xfffb }, /* interlinear annotations */
	{ 0xfffe, 0xffff }, /* no characters */
	{ 0, 0 },
};

static const char *const fault_names[AUTHOR_FAULTS] = {
	[AUTHOR_OK] = "ok",
	[AUTHOR_EMPTY] = "empty",
	[AUTHOR_SYNTAX] = "syntax",
	[AUTHOR_GROUP] = "group",
	[AUTHOR_ROUTE] = "route",
	[AUTHOR_NO_DOMAIN] = "no_domain",
	[AUTHOR_BAD_DOMAIN] = "bad_domain",
	[AUTHOR_ENCODED] = "encoded",
	[AUTHOR_BYTES] = "bytes",
	[AUTHOR_TOO_LONG] = "too_long",
};
/* clang-format on */

struct reader {
	const char *at;
	const char *end;
	bool encoded;	    /* "=?" occurs somewhere */
	bool wide_at;	    /* a look-alike of "@" occurs somewhere */
	struct span domain; /* the last domain as written: lists repeat it */
	struct author author;
};

/* One mailbox while it is read. */
struct mailbox {
	const char *start; /* its first octet that is no blank */
	const char *from;  /* the address, with brackets */
	const char *to;
	struct span word; /* the last word of the phrase */
	size_t words;
	bool open; /* an encoded-word began and has not ended */
};

const char *author_fault_name(enum author_fault fault)
{
	return fault >= AUTHOR_OK && fault < AUTHOR_FAULTS ? fault_names[fault] : "unknown";
}

static size_t left(const struct reader *reader)
{
	return (size_t)(reader->end - reader->at);
}

static bool is_gap(char c)
{
	return (lex_of(c) & LEX_BLANK) || c == '\r' || c == '\n';
}

/* ---- the bytes -------------------------------------------------------------------------------- */

/*
 * Steps over a line end, which must be a fold: blanks and then something on the same line. A line of
 * blanks alone (obs-FWS) is the end of the header for some readers.
 */
static enum author_fault fold_step(const char **at, const char *end)
{
	const char *next = *at;

	if (*next == '\r')
		next++;
	if (next == end || *next++ != '\n' || next == end || !(lex_of(*next) & LEX_BLANK))
		return AUTHOR_BYTES;
	*at = next;
	while (next < end && (lex_of(*next) & LEX_BLANK))
		next++;
	return next == end || *next == '\r' || *next == '\n' ? AUTHOR_SYNTAX : AUTHOR_OK;
}

static enum author_fault point_step(struct reader *reader, const char **at)
{
	uint32_t point;
	size_t taken = utf8_read(*at, (size_t)(reader->end - *at), &point);

	if (!taken || point_in(point, name_refused))
		return AUTHOR_BYTES;
	if (point == 0xff20 || point == 0xfe6b)
		reader->wide_at = true;
	*at += taken;
	return AUTHOR_OK;
}

/* Judges every octet once, so that the grammar needs not to ask what a control does where. */
static enum author_fault bytes_judge(struct reader *reader)
{
	const char *at = reader->at;
	const char *end = reader->end;
	const char *line = at;
	enum author_fault fault = AUTHOR_OK;

	while (!fault) {
		unsigned class;

		while (at < end && !(lex_of(*at) & (LEX_CONTROL | LEX_HIGH | LEX_EQUALS)))
			at++;
		if (at == end)
			break;
		class = lex_of(*at);
		if (class & LEX_EQUALS) {
			at++;
			reader->encoded |= at < end && *at == '?';
		} else if (class & LEX_HIGH) {
			fault = point_step(reader, &at);
		} else if (*at == '\r' || *at == '\n') {
			if (at - line > LINE_MAX_OCTETS)
				return AUTHOR_TOO_LONG;
			fault = fold_step(&at, end);
			line = at;
		} else {
			fault = AUTHOR_BYTES;
		}
	}
	return !fault && at - line > LINE_MAX_OCTETS ? AUTHOR_TOO_LONG : fault;
}

/* ---- comments and quoted strings -------------------------------------------------------------- */

/*
 * Steps over a comment. Readers disagree on quotes, escapes and nesting in it; that is harmless until an
 * address stands inside, which one of them would then see outside. `shown`: one stands inside.
 */
static enum author_fault comment_step(struct reader *reader, bool *shown)
{
	size_t depth = 0;
	bool plain = true;
	bool at_sign = false;

	for (; reader->at < reader->end; reader->at++) {
		char c = *reader->at;

		if (c == '\\') {
			if (left(reader) < 2 || is_gap(*++reader->at))
				return AUTHOR_SYNTAX;
			plain = false;
			at_sign |= *reader->at == '@';
		} else if (c == '(') {
			if (++depth > COMMENT_DEPTH_MAX)
				return AUTHOR_SYNTAX;
			plain &= depth == 1;
		} else if (c == '"' || c == '@') {
			plain &= c != '"';
			at_sign |= c == '@';
		} else if (c == ')' && !--depth) {
			reader->at++;
			*shown |= at_sign;
			return plain || !at_sign ? AUTHOR_OK : AUTHOR_SYNTAX;
		}
	}
	return AUTHOR_SYNTAX;
}

/* Steps over blanks, folds and comments. */
static enum author_fault gap_step(struct reader *reader)
{
	enum author_fault fault = AUTHOR_OK;
	bool shown = false;

	while (!fault && reader->at < reader->end) {
		if (*reader->at == '(')
			fault = comment_step(reader, &shown);
		else if (is_gap(*reader->at))
			reader->at++;
		else
			break;
	}
	return fault;
}

static void blank_step(struct reader *reader)
{
	while (reader->at < reader->end && is_gap(*reader->at))
		reader->at++;
}

/*
 * Judges a quoted name. For a reader that does not know \" the string ends there; an address in
 * what follows would be an author to him, if brackets or separators set it off.
 */
static bool quoted_ok(struct span quoted)
{
	bool escaped = false;
	bool at_sign = false;
	bool set_off = false;

	if (!memchr(quoted.at, '\\', quoted.len))
		return true;
	for (size_t i = 1; i + 1 < quoted.len; i++) {
		char c = quoted.at[i];

		if (c == '\\') {
			c = quoted.at[++i];
			if (is_gap(c) && !(lex_of(c) & LEX_BLANK))
				return false;
			escaped |= c == '"';
		}
		at_sign |= escaped && c == '@';
		set_off |= escaped && (c == '<' || c == '>' || c == ',' || c == ';');
	}
	return !(at_sign && set_off);
}

/* ---- addresses -------------------------------------------------------------------------------- */

/* Reads "@domain" behind a local part: nothing may stand between them, nor inside. */
static enum author_fault addr_spec_step(struct reader *reader, struct span local)
{
	struct span domain;
	enum author_fault fault = AUTHOR_OK;

	domain.at = ++reader->at;
	domain.len = lex_atoms(domain.at, left(reader));
	reader->at += domain.len;
	if (reader->encoded && (encoded_word_within(local) || encoded_word_within(domain)))
		return AUTHOR_ENCODED;
	if (!lex_local_ok(local, true))
		return AUTHOR_SYNTAX;
	if (!domain.len) {
		bool none = reader->at == reader->end || *reader->at == '[' || *reader->at == ',' || *reader->at == '>';

		return none ? AUTHOR_NO_DOMAIN : AUTHOR_SYNTAX;
	}
	reader->author.local = local;
	if (domain.len == reader->domain.len && !memcmp(domain.at, reader->domain.at, domain.len))
		return AUTHOR_OK;
	reader->domain.len = 0;
	if (domain_canonical(domain.at, domain.len, reader->author.domain))
		fault = AUTHOR_BAD_DOMAIN;
	else
		reader->domain = domain;
	return fault;
}

/* Reads "<local@domain>". Blanks may stand inside the brackets, comments not: see addr_spec_step(). */
static enum author_fault angle_step(struct reader *reader)
{
	struct span local;
	enum author_fault fault;

	reader->at++;
	blank_step(reader);
	if (!left(reader))
		return AUTHOR_SYNTAX;
	if (*reader->at == '@' || *reader->at == ':')
		return AUTHOR_ROUTE;
	local.at = reader->at;
	local.len = *local.at == '"' ? lex_quoted(local.at, left(reader)) : lex_atoms(local.at, left(reader));
	reader->at += local.len;
	if (left(reader) && *reader->at == '>')
		return reader->encoded && encoded_word_within(local) ? AUTHOR_ENCODED : AUTHOR_NO_DOMAIN;
	if (!local.len || !left(reader) || *reader->at != '@')
		return AUTHOR_SYNTAX;
	fault = addr_spec_step(reader, local);
	if (fault)
		return fault;
	blank_step(reader);
	if (!left(reader) || *reader->at != '>')
		return AUTHOR_SYNTAX;
	reader->at++;
	return AUTHOR_OK;
}

/*
 * A comment may follow an address at once, but not look like more of its domain: OpenDMARC read
 * a(.b as a domain (CVE-2020-12272).
 */
static bool comment_apart(const struct reader *reader)
{
	unsigned class;

	if (left(reader) < 2 || *reader->at != '(')
		return true;
	class = lex_of(reader->at[1]);
	return (class & (LEX_ATEXT | LEX_HIGH | LEX_BLANK)) || reader->at[1] == '"';
}

/* What stands behind the address as far as the next separator. */
static enum author_fault tail_step(struct reader *reader)
{
	enum author_fault fault = gap_step(reader);

	if (fault || !left(reader) || *reader->at == ',')
		return fault;
	return *reader->at == ':' ? AUTHOR_GROUP : AUTHOR_SYNTAX;
}

/*
 * A mailbox without brackets. Programs without number write "a@b <a@b>", which RFC 5322 does not
 * allow; it is let through when it says the same thing twice.
 */
static enum author_fault bare_step(struct reader *reader, struct mailbox *box)
{
	enum author_fault fault;
	struct span local = box->word;
	domain_name domain;

	box->from = local.at;
	fault = addr_spec_step(reader, local);
	if (fault)
		return fault;
	box->to = reader->at;
	if (!comment_apart(reader))
		return AUTHOR_SYNTAX;
	fault = gap_step(reader);
	if (fault || !left(reader) || *reader->at != '<')
		return fault ? fault : tail_step(reader);
	memcpy(domain, reader->author.domain, sizeof(domain));
	box->from = reader->at;
	fault = angle_step(reader);
	if (fault)
		return fault;
	box->to = reader->at;
	if (local.len != reader->author.local.len || memcmp(local.at, reader->author.local.at, local.len) != 0 ||
	    strcmp(domain, reader->author.domain) != 0)
		return AUTHOR_SYNTAX;
	return tail_step(reader);
}

/* ---- names ------------------------------------------------------------------------------------ */

/*
 * Follows encoded-words through the words of a name. Some readers look for them before they look for
 * quotes and commas, and let blanks stand inside: while one is open, nothing else may be special.
 */
static void encoded_follow(struct mailbox *box)
{
	const char *at = box->word.at;
	const char *end = at + box->word.len;

	while (at < end) {
		struct encoded_word word;
		size_t taken;

		if (box->open) {
			const char *mark = memchr(at, '?', (size_t)(end - at));

			if (!mark)
				return;
			at = mark + 1;
			if (at < end && *at == '=') {
				box->open = false;
				at++;
			}
			continue;
		}
		at = memchr(at, '=', (size_t)(end - at));
		if (!at)
			return;
		taken = encoded_word_read(at, (size_t)(end - at), &word);
		if (!taken && encoded_word_begins(at, (size_t)(end - at))) {
			box->open = true;
			/* Behind "=?charset?Q?", whose question marks end nothing. */
			taken = (size_t)(word.charset.at + word.charset.len - at);
			while (at + taken < end && at[taken] != '?')
				taken++;
			taken += at + taken + 2 < end && at[taken + 2] == '?' ? 3 : 1;
		}
		at += taken ? taken : 1;
	}
}

/* A look-alike of "@" in a bare word: an address to readers that normalise first. */
static bool wide_at_within(struct span word)
{
	size_t taken;
	uint32_t point;

	for (size_t i = 0; i < word.len; i += taken) {
		taken = utf8_read(word.at + i, word.len - i, &point);
		if (!taken || point == 0xff20 || point == 0xfe6b)
			return true;
	}
	return false;
}

static enum author_fault word_step(struct reader *reader, struct mailbox *box)
{
	box->word.at = reader->at;
	box->words++;
	if (*reader->at == '"') {
		box->word.len = lex_quoted(reader->at, left(reader));
		reader->at += box->word.len;
		if (box->open)
			return AUTHOR_ENCODED;
		return box->word.len && quoted_ok(box->word) ? AUTHOR_OK : AUTHOR_SYNTAX;
	}
	box->word.len = lex_atoms(reader->at, left(reader));
	reader->at += box->word.len;
	if (reader->wide_at && wide_at_within(box->word))
		return AUTHOR_SYNTAX;
	if (reader->encoded && !(left(reader) && *reader->at == '@'))
		encoded_follow(box);
	return AUTHOR_OK;
}

/* What the name may be followed by when no address was found: every way that is wrong. */
static enum author_fault phrase_fault(const struct reader *reader, const struct mailbox *box)
{
	bool at_end = !left(reader) || *reader->at == ',';

	if (at_end)
		return box->words ? AUTHOR_NO_DOMAIN : AUTHOR_SYNTAX;
	if (*reader->at == ':')
		return AUTHOR_GROUP;
	if (*reader->at == '@' && !box->words && left(reader) > 1 && (lex_of(reader->at[1]) & LEX_ATEXT))
		return AUTHOR_ROUTE;
	return AUTHOR_SYNTAX;
}

/* Reads one mailbox as far as the separator. */
static enum author_fault mailbox_step(struct reader *reader, struct mailbox *box)
{
	enum author_fault fault = AUTHOR_OK;

	while (!fault && left(reader)) {
		char c = *reader->at;

		if ((lex_of(c) & (LEX_ATEXT | LEX_DOT | LEX_HIGH)) || c == '"') {
			fault = word_step(reader, box);
		} else if (is_gap(c)) {
			reader->at++;
		} else if (c == '(') {
			bool shown = false;

			fault = comment_step(reader, &shown);
			if (!fault && shown && box->open)
				fault = AUTHOR_ENCODED;
		} else if (box->open) {
			fault = AUTHOR_ENCODED;
		} else if (c == '<') {
			box->from = reader->at;
			fault = angle_step(reader);
			box->to = reader->at;
			return fault ? fault : tail_step(reader);
		} else if (c == '@' && box->words == 1 && box->word.at + box->word.len == reader->at) {
			return bare_step(reader, box);
		} else {
			break;
		}
	}
	return fault ? fault : phrase_fault(reader, box);
}

static struct span trimmed(const char *at, const char *end)
{
	struct span span;

	while (at < end && is_gap(*at))
		at++;
	while (at < end && is_gap(end[-1]))
		end--;
	span.at = at;
	span.len = (size_t)(end - at);
	return span;
}

/* Name before, comments behind; with both, all of it in one piece. */
static struct span display_of(const struct reader *reader, const struct mailbox *box)
{
	struct span before = trimmed(box->start, box->from);
	struct span behind = trimmed(box->to, reader->at);

	if (!before.len)
		return behind;
	return behind.len ? trimmed(box->start, reader->at) : before;
}

enum author_fault author_parse(const char *value, size_t len, author_fn *fn, void *arg)
{
	struct reader reader = { 0 };
	enum author_fault fault;

	if (len > AUTHOR_FIELD_MAX)
		return AUTHOR_TOO_LONG;
	reader.at = value;
	reader.end = value + len;
	fault = bytes_judge(&reader);
	if (fault)
		return fault;
	blank_step(&reader);
	if (!left(&reader))
		return AUTHOR_EMPTY;
	for (;;) {
		struct mailbox box = { 0 };

		blank_step(&reader);
		box.start = reader.at;
		fault = mailbox_step(&reader, &box);
		if (fault)
			return fault;
		reader.author.display = display_of(&reader, &box);
		if (reader.encoded && encoded_word_breaks(reader.author.display))
			return AUTHOR_ENCODED;
		if (!fn(arg, &reader.author) || !left(&reader))
			return AUTHOR_OK;
		reader.at++;
	}
}
