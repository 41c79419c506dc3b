/*
 * Letters in one form (fold.h): the simple case folding of Unicode for the letters that subjects of our customers have.
 */
#include "fold.h"

#include <string.h>

#include "utf8.h"

#define UNREADABLE 0xfffd

/* clang-format off */
/* Capital letters and how their small ones are found. */
static const struct {
	uint32_t first, last;
	int32_t step;     /* to the small letter */
	bool alternating; /* capital and small take turns; `first` is a capital */
} capitals[] = {
	{ 0x41, 0x5a, 32, false }, { 0xc0, 0xd6, 32, false }, { 0xd8, 0xde, 32, false },
	{ 0x100, 0x12f, 1, true }, { 0x132, 0x137, 1, true }, { 0x139, 0x148, 1, true }, { 0x14a, 0x177, 1, true },
	{ 0x179, 0x17e, 1, true }, { 0x1cd, 0x1dc, 1, true }, { 0x218, 0x21b, 1, true },
	{ 0x386, 0x386, 38, false }, { 0x388, 0x38a, 37, false }, { 0x38c, 0x38c, 64, false }, { 0x38e, 0x38f, 63, false },
	{ 0x391, 0x3ab, 32, false },
	{ 0x400, 0x40f, 80, false }, { 0x410, 0x42f, 32, false }, { 0x460, 0x481, 1, true }, { 0x48a, 0x4bf, 1, true },
	{ 0x4d0, 0x52f, 1, true }, { 0x1e00, 0x1e95, 1, true }, { 0x1ea0, 0x1eff, 1, true },
};

/* After that: what is written for one another. */
static const struct {
	uint32_t from, to;
} pairs[] = {
	{ 0x130, 'i' }, { 0x131, 'i' }, { 0x178, 0xff }, { 0x1e9e, 0xdf }, { 0x3c2, 0x3c3 }, { 0x450, 0x435 }, { 0x451, 0x435 },
	{ 0x45d, 0x438 },
};

/* Above ASCII everything is part of a word but these: signs, blanks, punctuation, private use. */
static const struct point_range gaps[] = {
	{ 0x80, 0xa9 }, { 0xab, 0xb1 }, { 0xb4, 0xb4 }, { 0xb6, 0xb9 }, { 0xbb, 0xbf }, { 0xd7, 0xd7 }, { 0xf7, 0xf7 },
	{ 0x2000, 0x203f }, { 0x2041, 0x2053 }, { 0x2055, 0x206f }, { 0x20a0, 0x20cf }, { 0x2190, 0x2bff }, { 0x2e00, 0x2e7f },
	{ 0x3000, 0x3004 }, { 0x3008, 0x3020 }, { 0x30fb, 0x30fb }, { 0xe000, 0xf8ff }, { 0xfe00, 0xfe0f }, { 0xfe30, 0xfe6f },
	{ 0xff00, 0xff0f }, { 0xff1a, 0xff20 }, { 0xffe0, 0xffff }, { 0x1f000, 0x1ffff }, { 0xe0000, 0x10ffff }, { 0, 0 },
};

static const struct point_range undivided[] = {
	{ 0xe00, 0xeff }, { 0x1000, 0x109f }, { 0x1780, 0x17ff }, { 0x2e80, 0x9fff }, { 0xf900, 0xfaff }, { 0x20000, 0x3ffff },
	{ 0, 0 },
};
/* clang-format on */

uint32_t letter_fold(uint32_t point)
{
	if (point < 0x80)
		return point >= 'A' && point <= 'Z' ? point + 32 : point;
	if (point != 0x130) {
		for (size_t i = 1; i < sizeof(capitals) / sizeof(*capitals) && point >= capitals[i].first; i++) {
			if (point > capitals[i].last)
				continue;
			if (!capitals[i].alternating)
				point += (uint32_t)capitals[i].step;
			else if ((point - capitals[i].first) % 2 == 0)
				point++;
			break;
		}
	}
	for (size_t i = 0; i < sizeof(pairs) / sizeof(*pairs); i++)
		if (point == pairs[i].from)
			return pairs[i].to;
	return point;
}

bool is_word_point(uint32_t point)
{
	if (point < 0x80)
		return (point >= '0' && point <= '9') || (point >= 'A' && point <= 'Z') ||
		       (point >= 'a' && point <= 'z');
	return !point_in(point, gaps);
}

bool is_undivided_point(uint32_t point)
{
	return point >= undivided[0].first && point_in(point, undivided);
}

uint32_t fold_next(struct span text, size_t *at)
{
	uint32_t point;
	size_t taken = utf8_read(text.at + *at, text.len - *at, &point);

	*at += taken ? taken : 1;
	return taken ? letter_fold(point) : UNREADABLE;
}

size_t fold_words(struct span text, char *out, size_t size)
{
	bool gap = false;
	size_t len = 0;

	for (size_t at = 0; at < text.len;) {
		uint32_t point = fold_next(text, &at);
		char bytes[4];
		size_t count;

		if (!is_word_point(point)) {
			gap = len > 0;
			continue;
		}
		count = utf8_write(bytes, point);
		if (len + gap + count > size)
			break;
		if (gap)
			out[len++] = ' ';
		memcpy(out + len, bytes, count);
		len += count;
		gap = false;
	}
	return len;
}
