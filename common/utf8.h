/*
 * UTF-8 as RFC 3629 defines it: no overlong forms, no surrogates, nothing above
 * U+10FFFF. What is not UTF-8 is never guessed at.
 */
#ifndef LEUMUND_UTF8_H
#define LEUMUND_UTF8_H

#include <stddef.h>
#include <stdint.h>

/* A run of code points; tables of them are sorted and end with { 0, 0 }. */
struct point_range {
	uint32_t first;
	uint32_t last;
};

/* Reads one code point. The bytes taken, or 0 when there is none or it is not UTF-8. */
size_t utf8_read(const char *at, size_t len, uint32_t *point);

/* Writes one code point into at least 4 bytes; the bytes written. */
size_t utf8_write(char *at, uint32_t point);

/* True when one of the ranges holds the point. */
int point_in(uint32_t point, const struct point_range *ranges);

#endif
