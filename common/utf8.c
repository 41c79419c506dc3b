/*
 * UTF-8, one code point at a time, after RFC 3629 section 4.
 */
#include "utf8.h"

size_t utf8_read(const char *at, size_t len, uint32_t *point)
{
	/* The smallest point that needs so many bytes: what is below is an overlong form. */
	static const uint32_t smallest[] = { 0, 0, 0x80, 0x800, 0x10000 };
	unsigned char lead;
	size_t need;
	uint32_t got;

	if (!len)
		return 0;
	lead = (unsigned char)at[0];
	if (lead < 0x80) {
		*point = lead;
		return 1;
	}
	need = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : 2;
	if (lead < 0xc2 || lead > 0xf4 || need > len)
		return 0;
	got = lead & (0xffu >> (need + 1));
	for (size_t i = 1; i < need; i++) {
		unsigned char next = (unsigned char)at[i];

		if ((next & 0xc0) != 0x80)
			return 0;
		got = got << 6 | (next & 0x3f);
	}
	if (got < smallest[need] || got > 0x10ffff || (got >= 0xd800 && got <= 0xdfff))
		return 0;
	*point = got;
	return need;
}

size_t utf8_write(char *at, uint32_t point)
{
	if (point < 0x80) {
		at[0] = (char)point;
		return 1;
	}
	if (point < 0x800) {
		at[0] = (char)(0xc0 | point >> 6);
		at[1] = (char)(0x80 | (point & 0x3f));
		return 2;
	}
	if (point < 0x10000) {
		at[0] = (char)(0xe0 | point >> 12);
		at[1] = (char)(0x80 | (point >> 6 & 0x3f));
		at[2] = (char)(0x80 | (point & 0x3f));
		return 3;
	}
	at[0] = (char)(0xf0 | (point >> 18 & 0x07));
	at[1] = (char)(0x80 | (point >> 12 & 0x3f));
	at[2] = (char)(0x80 | (point >> 6 & 0x3f));
	at[3] = (char)(0x80 | (point & 0x3f));
	return 4;
}

int point_in(uint32_t point, const struct point_range *ranges)
{
	for (; ranges->last && point >= ranges->first; ranges++) {
		if (point <= ranges->last)
			return 1;
	}
	return 0;
}
