/*
 * The words of a server's answer, in the one form in which they are compared (inner.h).
 */
#include <string.h>

#include "evidence/inner.h"

struct writer {
	struct words *out;
	size_t used;
};

static bool is_alnum(unsigned char c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c >= 0x80;
}

/* What an address, a host name or an URL may be made of beside letters and digits. */
static bool is_joint(unsigned char c)
{
	return c != '\0' && strchr("-._%+=@/?&#~!$*^{|}'`", c) != NULL;
}

/* The Latin letters U+00C0 to U+00FF without their accents; '\0': not a letter that has one. */
static char plain_letter(unsigned number)
{
	static const char letters[] = "aaaaaaaceeeeiiiidnooooo\0ouuuuypsaaaaaaaceeeeiiiidnooooo\0ouuuuypy";

	return number >= 0xc0 && number <= 0xff ? letters[number - 0xc0] : '\0';
}

static void put(struct writer *writer, char c)
{
	if (writer->used < sizeof(writer->out->bytes))
		writer->out->bytes[writer->used++] = c;
}

static void add(struct writer *writer, size_t begin)
{
	struct words *words = writer->out;
	size_t len = writer->used - begin;

	if (len > WORD_BYTES)
		len = WORD_BYTES;
	if (len > 0 && words->count < WORDS_MAX)
		words->at[words->count++] = (struct span){ words->bytes + begin, len };
}

/* One letter, folded; how many bytes it took. UTF-8, and what is none as ISO 8859-1. */
static size_t put_letter(struct writer *writer, const char *at, const char *end)
{
	const unsigned char c = (unsigned char)*at;
	const unsigned char next = at + 1 < end ? (unsigned char)at[1] : 0;

	if (c < 0x80) {
		put(writer, ascii_lower(*at));
		return 1;
	}
	if (end - at > 2 && memcmp(at, "\xe2\x80\x99", 3) == 0) /* the apostrophe of typographers */
		return 3;
	if ((c == 0xc2 || c == 0xc3) && (next & 0xc0) == 0x80) {
		const char plain = plain_letter((unsigned)(c & 3) << 6 | (next & 0x3f));
		if (plain != '\0')
			put(writer, plain);
		return 2;
	}
	/* inside longer UTF-8 the neighbour is no ASCII; alone between ASCII letters it is a Latin-1 letter */
	if (c >= 0xc0 && next < 0x80 && plain_letter(c) != '\0')
		put(writer, plain_letter(c));
	else
		put(writer, *at);
	return 1;
}

static void put_word(struct writer *writer, const char *at, const char *end)
{
	const size_t begin = writer->used;

	while (at < end)
		at += *at == '\'' ? 1 : put_letter(writer, at, end);
	add(writer, begin);
}

static void put_address(struct writer *writer)
{
	const size_t begin = writer->used;

	put(writer, '@');
	add(writer, begin);
}

/* "mx.example.com", "5.1.1", "resolver.adr.notfound"; not "found.Please", where only a blank is missing. */
static const char *host_end(const char *at, const char *end)
{
	const char *last = at;
	bool dotted = false;

	while (at < end && (is_alnum((unsigned char)*at) || *at == '.' || *at == '-' || *at == '_')) {
		if (*at == '.') {
			const bool inside = at > last && at + 1 < end && is_alnum((unsigned char)at[1]);
			const bool sentence = inside && at[-1] >= 'a' && at[-1] <= 'z' && at[1] >= 'A' && at[1] <= 'Z';
			if (!inside || sentence)
				break;
			dotted = true;
			last = at + 1;
		}
		at++;
	}
	return dotted ? at : NULL;
}

/* A piece without blanks and brackets: an address, or words and host names with punctuation between. */
static void put_piece(struct writer *writer, const char *at, const char *end)
{
	const char *sign = memchr(at, '@', (size_t)(end - at));

	if (sign || memmem(at, (size_t)(end - at), "%40", 3)) {
		/* "user@example.com...User unknown" */
		const char *dots = sign ? memmem(sign, (size_t)(end - sign), "..", 2) : NULL;

		put_address(writer);
		if (!dots)
			return;
		at = dots;
		while (at < end && *at == '.')
			at++;
		if (memchr(at, '@', (size_t)(end - at)))
			return;
	}
	while (at < end) {
		const char *host = is_alnum((unsigned char)*at) ? host_end(at, end) : NULL;
		const char *word = at;

		if (host) {
			while (host > at && !is_alnum((unsigned char)host[-1]))
				host--;
			put_word(writer, at, host);
			at = host;
			continue;
		}
		if (end - at > 5 && (*at == 'e' || *at == 'E') && at[1] == '-' && strncasecmp(at + 2, "mail", 4) == 0) {
			put(writer, 'e');
			word = at = at + 2;
			while (at < end && is_alnum((unsigned char)*at))
				at++;
			const size_t begin = writer->used - 1;
			while (word < at)
				word += put_letter(writer, word, at);
			add(writer, begin);
			continue;
		}
		while (at < end && (is_alnum((unsigned char)*at) || (*at == '\'' && at > word)))
			at++;
		if (at > word)
			put_word(writer, word, at);
		else
			at++;
	}
}

/* Behind the quoted local part of an address that begins at `at`; NULL: it is none. */
static const char *quoted_local_end(const char *at, const char *end)
{
	for (at++; at < end && *at != '"' && *at != '\n'; at++)
		if (*at == '\\' && at + 1 < end)
			at++;
	return at + 1 < end && *at == '"' && at[1] == '@' ? at + 1 : NULL;
}

void words_of(const char *text, size_t len, struct words *out)
{
	struct writer writer = { out, 0 };
	const char *at = text, *end = text + (len > EVIDENCE_TEXT ? EVIDENCE_TEXT : len);

	out->count = 0;
	while (at < end) {
		const char *begin = at, *quoted = *at == '"' ? quoted_local_end(at, end) : NULL;

		if (quoted)
			at = quoted;
		while (at < end && (is_alnum((unsigned char)*at) || is_joint((unsigned char)*at)))
			at++;
		if (quoted)
			put_address(&writer);
		else if (at > begin)
			put_piece(&writer, begin, at);
		else
			at++;
	}
}
