/*
 * The addresses that the name of an author shows to its reader: RFC 2047 undone, one code point
 * after the other through a small recogniser of local@domain. Nothing is kept but the domain.
 */
#include "address/address.h"

#include <idn2.h>
#include <stddef.h>
#include <string.h>

#include "address/decoder.h"
#include "address/lex.h"
#include "utf8.h"

/* Octets of a domain as shown: 253 code points of at most 4 octets are more than any domain has. */
#define SHOWN_MAX 1024
struct screen {
	shown_fn *fn;
	void *arg;
	bool stop;
	bool local;  /* the last code point may end a local part */
	bool domain; /* an "@" was seen: what comes is collected */
	size_t len;
	char text[SHOWN_MAX + 1];
};

/* clang-format off */
/* Non-ASCII that ends a domain: blanks, dashes, quotation marks, brackets. */
static const struct point_range domain_ends[] = {
	{ 0x0080, 0x00a0 }, { 0x00ab, 0x00ab }, { 0x00bb, 0x00bb },
	{ 0x2000, 0x200a }, { 0x2010, 0x2023 }, { 0x2025, 0x205f },
	{ 0x3000, 0x3001 }, { 0x3003, 0x3020 },
	{ 0xff01, 0xff0c }, { 0xff0f, 0xff0f }, { 0xff1a, 0xff20 }, { 0xff3b, 0xff40 }, { 0xff5b, 0xff60 },
	{ DECODER_UNKNOWN, DECODER_UNKNOWN },
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

static void screen_point(void *arg, uint32_t point)
{
	show_point(arg, point);
}

/* ---- the text as written ---------------------------------------------------------------------- */

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
	struct decoder decoder = { screen_point, &screen, "", 0 };
	bool quoted = false;
	size_t depth = 0;

	memset(&screen, 0, offsetof(struct screen, text));
	screen.fn = fn;
	screen.arg = arg;
	for (size_t i = 0; i < display.len && !screen.stop;) {
		const char *at = display.at + i;
		size_t left = display.len - i;
		struct encoded_word word;
		size_t taken = *at == '=' ? encoded_word_read(at, left, &word) : 0;

		if (taken) {
			decode_word(&decoder, &word);
			i += taken;
			i += decoder_blanks(display.at + i, display.len - i);
			continue;
		}
		i++;
		if (*at == '\\' && (quoted || depth) && left > 1) {
			decode_utf8(&decoder, at[1]);
			i++;
		} else if (*at == '"' && !depth) {
			quoted = !quoted;
		} else if (*at != '\r' && *at != '\n') {
			if (!quoted && *at == '(')
				depth++;
			else if (!quoted && *at == ')' && depth)
				depth--;
			decode_utf8(&decoder, *at);
		}
	}
	decoder_flush(&decoder);
	if (screen.domain && !screen.stop)
		domain_end(&screen);
}

void display_addresses(struct span display, shown_fn *fn, void *arg)
{
	if (may_show(display))
		display_read(display, fn, arg);
}
