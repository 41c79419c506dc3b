/*
 * Octets of a header field to code points (address/decoder.h). Charsets whose letters are not known here are not handed
 * to iconv(3): strangers choose them, and its converters have had flaws (CVE-2024-2961).
 */
#include "address/decoder.h"

#include "utf8.h"

enum charset { UTF_8, LATIN_1, LATIN_9, WINDOWS_1252, ASCII_BASED, FOREIGN };

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
/* clang-format on */

void decoder_flush(struct decoder *decoder)
{
	if (decoder->held)
		decoder->fn(decoder->arg, DECODER_UNKNOWN);
	decoder->held = 0;
}

void decode_utf8(struct decoder *decoder, char byte)
{
	uint32_t point;

	if (!decoder->held && (unsigned char)byte < 0x80) {
		decoder->fn(decoder->arg, (unsigned char)byte);
		return;
	}
	/* A new beginning before the old one ended. */
	if (decoder->held && ((unsigned char)byte & 0xc0) != 0x80) {
		decoder_flush(decoder);
		decode_utf8(decoder, byte);
		return;
	}
	decoder->bytes[decoder->held++] = byte;
	if (utf8_read(decoder->bytes, decoder->held, &point) == decoder->held) {
		decoder->held = 0;
		decoder->fn(decoder->arg, point);
	} else if (decoder->held == sizeof(decoder->bytes)) {
		decoder_flush(decoder);
	}
}

static void decode_byte(struct decoder *decoder, enum charset charset, unsigned char byte)
{
	uint32_t point = byte;

	if (charset == UTF_8) {
		decode_utf8(decoder, (char)byte);
		return;
	}
	decoder_flush(decoder);
	if (byte >= 0x80 && charset == ASCII_BASED)
		point = DECODER_UNKNOWN;
	for (size_t i = 0; byte >= 0x80 && i < sizeof(moved) / sizeof(moved[0]); i++) {
		if (moved[i].charset == charset && moved[i].byte == byte)
			point = moved[i].point;
	}
	decoder->fn(decoder->arg, point);
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

void decode_word(struct decoder *decoder, struct encoded_word *word)
{
	enum charset charset = charset_of(word->charset);
	int byte;

	/* In a charset that is not ASCII's child an "@" may be half a letter. */
	if (charset == FOREIGN) {
		decoder->fn(decoder->arg, DECODER_UNKNOWN);
		return;
	}
	while ((byte = encoded_word_byte(word)) >= 0)
		decode_byte(decoder, charset, (unsigned char)byte);
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

size_t decoder_blanks(const char *at, size_t len)
{
	struct encoded_word word;
	size_t i = 0;

	while (i < len && is_blank(at[i]))
		i++;
	return i < len && encoded_word_read(at + i, len - i, &word) ? i : 0;
}

/* ---- a whole field ---------------------------------------------------------------------------- */

static void put_point(void *arg, uint32_t point)
{
	struct text *out = arg;
	char bytes[4];
	size_t len = utf8_write(bytes, point);

	/* whole code points only: what comes after the first that does not fit is left out too */
	if (out->cut || len > out->size - 1 - out->len)
		out->cut = true;
	else
		text_mem(out, bytes, len);
}

void field_text(struct span value, struct text *out)
{
	struct decoder decoder = { put_point, out, "", 0 };

	for (size_t i = 0; i < value.len && !out->cut;) {
		struct encoded_word word;
		size_t taken = value.at[i] == '=' ? encoded_word_read(value.at + i, value.len - i, &word) : 0;

		if (taken) {
			decode_word(&decoder, &word);
			i += taken;
			i += decoder_blanks(value.at + i, value.len - i);
			continue;
		}
		if (value.at[i] != '\r' && value.at[i] != '\n')
			decode_utf8(&decoder, value.at[i]);
		i++;
	}
	decoder_flush(&decoder);
}
