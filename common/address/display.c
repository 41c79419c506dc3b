/*
 * The addresses that the name of an author shows to its reader: RFC 2047 undone, one code point
 * after the other through a small recogniser of local@domain. Nothing is kept but the domain.
 */
#include "address/address.h"

#include <idn2.h>
#include <stddef.h>
#include <string.h>

#include "address/encoded_word.h"
#include "address/lex.h"
#include "utf8.h"

/* Octets of a domain as shown: 253 code points of at most 4 octets are more than any domain has. */
#define SHOWN_MAX 1024
#define UNKNOWN 0xfffd

enum charset { UTF_8, LATIN_1, LATIN_9, WINDOWS_1252, ASCII_BASED, FOREIGN };

struct screen {
	shown_fn *fn;
	void *arg;
	bool stop;
	bool local;  /* the last code point may end a local part */
	bool domain; /* an "@" was seen: what comes is collected */
	size_t len;
	char text[SHOWN_MAX + 1];
	char bytes[4]; /* an octet sequence that is not yet a code point */
	size_t held;
};

/* clang-format off */
static const struct {
	const char *name;
	size_t prefix; /* octets that count, 0: all */
	enum charset charset;
} charsets[] = {
	{ "utf-8", 0, UTF_8 },
	{ "utf8", 0, UTF_8 },
	{ "us-ascii", 0, ASCII_BASED },
	{ "ascii", 0, ASCII_BASED },
	{ "iso-8859-1", 0, LATIN_1 },
	{ "latin1", 0, LATIN_1 },
	{ "iso-8859-15", 0, LATIN_9 },
	{ "windows-1252", 0, WINDOWS_1252 },
	{ "cp1252", 0, WINDOWS_1252 },
	/* Their letters are unknown here, but an address in ASCII shows all the same. */
	{ "iso-8859-", 9, ASCII_BASED },
	{ "windows-125", 11, ASCII_BASED },
	{ "koi8-", 5, ASCII_BASED },
};

/* What the two later relatives of ISO-8859-1 have in other places, letters only. */
static const struct {
	enum charset charset;
	unsigned char byte;
	uint16_t point;
} moved[] = {
	{ LATIN_9, 0xa6, 0x160 }, { LATIN_9, 0xa8, 0x161 }, { LATIN_9, 0xb4, 0x17d }, { LATIN_9, 0xb8, 0x17e },
	{ LATIN_9, 0xbc, 0x152 }, { LATIN_9, 0xbd, 0x153 }, { LATIN_9, 0xbe, 0x178 },
	{ WINDOWS_1252, 0x83, 0x192 }, { WINDOWS_1252, 0x8a, 0x160 }, { WINDOWS_1252, 0x8c, 0x152 },
	{ WINDOWS_1252, 0x8e, 0x17d }, { WINDOWS_1252, 0x9a, 0x161 }, { WINDOWS_1252, 0x9c, 0x153 },
	{ WINDOWS_1252, 0x9e, 0x17e }, { WINDOWS_1252, 0x9f, 0x178 },
};

/* Non-ASCII that ends a domain: blanks, dashes, quotation marks, brackets. */
static const struct point_range domain_ends[] = {
	{ 0x0080, 0x00a0 }, { 0x00ab, 0x00ab }, { 0x00bb, 0x00bb },
	{ 0x2000, 0x200a }, { 0x2010, 0x2023 }, { 0x2025, 0x205f },
	{ 0x3000, 0x3001 }, { 0x3003, 0x3020 },
	{ 0xff01, 0xff0c }, { 0xff0f, 0xff0f }, { 0xff1a, 0xff20 }, { 0xff3b, 0xff40 }, { 0xff5b, 0xff60 },
	{ UNKNOWN, UNKNOWN },
	{ 0, 0 },
};

/* Full stops as IDNA2003 readers know them, and those that look like one. */
static const struct point_range dots[] = {
	{ '.', '.' }, { 0x2024, 0x2024 }, { 0x3002, 0x3002 }, { 0xfe52, 0xfe52 }, { 0xff0e, 0xff0e }, { 0xff61, 0xff61 },
	{ 0, 0 },
};
/* clang-format on */

/* ---- the recogniser --------------------------------------------------------------------------- */

/* Reports what was collected behind an "@", if it is a domain or is made one by a reader's mapping. */
static void domain_end(struct screen *screen)
{
	domain_name name;
	uint8_t *mapped = NULL;
	int rc;

	screen->domain = false;
	while (screen->len && (screen->text[screen->len - 1] == '.' || screen->text[screen->len - 1] == '-'))
		screen->len--;
	screen->text[screen->len] = '\0';
	/* "Cafe@Home" is a name; an address that can be answered has a dot. */
	if (!memchr(screen->text, '.', screen->len))
		return;
	rc = domain_canonical(screen->text, screen->len, name);
	if (rc && screen->len < SHOWN_MAX &&
	    idn2_lookup_u8((const uint8_t *)screen->text, &mapped, IDN2_NFC_INPUT | IDN2_NONTRANSITIONAL) == IDN2_OK) {
		rc = domain_canonical((const char *)mapped, strlen((const char *)mapped), name);
		idn2_free(mapped);
	}
	if (!rc && !screen->fn(screen->arg, name))
		screen->stop = true;
}

static bool in_domain(uint32_t point)
{
	if (point < 0x80)
		return (point >= '0' && point <= '9') || ((point | 0x20) >= 'a' && (point | 0x20) <= 'z') ||
		       point == '-' || point == '_' || point == '.';
	return !point_in(point, domain_ends);
}

static bool ends_local(uint32_t point)
{
	if (point < 0x80)
		return (lex_of((char)point) & LEX_ATEXT) || point == '.' || point == '"';
	return !point_in(point, domain_ends);
}

static void show_point(struct screen *screen, uint32_t point)
{
	if (screen->stop)
		return;
	if (screen->domain && in_domain(point)) {
		if (point_in(point, dots))
			point = '.';
		if (screen->len + 4 <= SHOWN_MAX)
			screen->len += utf8_write(screen->text + screen->len, point);
		screen->local = true;
		return;
	}
	if (screen->domain)
		domain_end(screen);
	if ((point == '@' || point == 0xff20 || point == 0xfe6b) && screen->local) {
		screen->domain = true;
		screen->len = 0;
		screen->local = false;
		return;
	}
	screen->local = ends_local(point);
}

/* ---- octets to code points -------------------------------------------------------------------- */

/* What is held and will not become a code point any more. */
static void bytes_flush(struct screen *screen)
{
	if (screen->held)
		show_point(screen, UNKNOWN);
	screen->held = 0;
}

static void show_utf8(struct screen *screen, char byte)
{
	uint32_t point;

	if (!screen->held && (unsigned char)byte < 0x80) {
		show_point(screen, (unsigned char)byte);
		return;
	}
	/* A new beginning before the old one ended. */
	if (screen->held && ((unsigned char)byte & 0xc0) != 0x80) {
		bytes_flush(screen);
		show_utf8(screen, byte);
		return;
	}
	screen->bytes[screen->held++] = byte;
	if (utf8_read(screen->bytes, screen->held, &point) == screen->held) {
		screen->held = 0;
		show_point(screen, point);
	} else if (screen->held == sizeof(screen->bytes)) {
		bytes_flush(screen);
	}
}

static void show_byte(struct screen *screen, enum charset charset, unsigned char byte)
{
	uint32_t point = byte;

	if (charset == UTF_8) {
		show_utf8(screen, (char)byte);
		return;
	}
	bytes_flush(screen);
	if (byte >= 0x80 && charset == ASCII_BASED)
		point = UNKNOWN;
	for (size_t i = 0; byte >= 0x80 && i < sizeof(moved) / sizeof(moved[0]); i++) {
		if (moved[i].charset == charset && moved[i].byte == byte)
			point = moved[i].point;
	}
	show_point(screen, point);
}

static enum charset charset_of(struct span name)
{
	for (size_t i = 0; i < sizeof(charsets) / sizeof(charsets[0]); i++) {
		struct span part = name;

		if (charsets[i].prefix && charsets[i].prefix < part.len)
			part.len = charsets[i].prefix;
		if (span_is(part, charsets[i].name))
			return charsets[i].charset;
	}
	return FOREIGN;
}

static void show_encoded(struct screen *screen, struct encoded_word *word)
{
	enum charset charset = charset_of(word->charset);
	int byte;

	/* In a charset that is not ASCII's child an "@" may be half a letter. */
	if (charset == FOREIGN) {
		show_point(screen, UNKNOWN);
		return;
	}
	while ((byte = encoded_word_byte(word)) >= 0)
		show_byte(screen, charset, (unsigned char)byte);
}

/* ---- the text as written ---------------------------------------------------------------------- */

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* Octets of the blanks at `at` that an encoded-word follows: they are not shown (RFC 2047 6.2). */
static size_t blanks_between(const char *at, size_t len)
{
	struct encoded_word word;
	size_t i = 0;

	while (i < len && is_blank(at[i]))
		i++;
	return i < len && encoded_word_read(at + i, len - i, &word) ? i : 0;
}

/* An @, or what can be read as one: an encoded-word, a full-width @. Most names show neither. */
static bool may_show(struct span display)
{
	unsigned char all = 0;

	for (size_t i = 0; i < display.len; i++)
		all |= (unsigned char)display.at[i];
	return (all & 0x80) || memchr(display.at, '@', display.len) || memchr(display.at, '=', display.len);
}

static void display_read(struct span display, shown_fn *fn, void *arg)
{
	struct screen screen;
	bool quoted = false;
	size_t depth = 0;

	memset(&screen, 0, offsetof(struct screen, text));
	screen.fn = fn;
	screen.arg = arg;
	screen.held = 0;
	for (size_t i = 0; i < display.len && !screen.stop;) {
		const char *at = display.at + i;
		size_t left = display.len - i;
		struct encoded_word word;
		size_t taken = *at == '=' ? encoded_word_read(at, left, &word) : 0;

		if (taken) {
			show_encoded(&screen, &word);
			i += taken;
			i += blanks_between(display.at + i, display.len - i);
			continue;
		}
		i++;
		if (*at == '\\' && (quoted || depth) && left > 1) {
			show_utf8(&screen, at[1]);
			i++;
		} else if (*at == '"' && !depth) {
			quoted = !quoted;
		} else if (*at != '\r' && *at != '\n') {
			if (!quoted && *at == '(')
				depth++;
			else if (!quoted && *at == ')' && depth)
				depth--;
			show_utf8(&screen, *at);
		}
	}
	bytes_flush(&screen);
	if (screen.domain && !screen.stop)
		domain_end(&screen);
}

void display_addresses(struct span display, shown_fn *fn, void *arg)
{
	if (may_show(display))
		display_read(display, fn, arg);
}
