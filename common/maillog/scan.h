/*
 * Reads a line from left to right: each function takes what it is named after, or nothing, and says whether it did.
 */
#ifndef LEUMUND_MAILLOG_SCAN_H
#define LEUMUND_MAILLOG_SCAN_H

#include "text.h"

struct scan {
	const char *at, *end;
};

static inline bool scan_at_end(const struct scan *scan)
{
	return scan->at == scan->end;
}

bool scan_literal(struct scan *scan, const char *word);

/* One or more bytes: letters and digits, and those of `more`. */
bool scan_word(struct scan *scan, const char *more, struct span *out);

/* One or more bytes that are no blank, control or comma. */
bool scan_value(struct scan *scan, struct span *out);

bool scan_u32(struct scan *scan, uint32_t *out);

/* An id of a queue: letters and digits, and those of `more`, up to `behind`, which is taken too. */
bool scan_id(struct scan *scan, const char *more, const char *behind, struct span *out);

/*
 * An address without its brackets: up to a blank, comma, bracket or control outside of quotes. Whether it is one is for
 * mail_path_parse() to say. The one with brackets may be empty.
 */
bool scan_address(struct scan *scan, struct span *out);
bool scan_bracketed(struct scan *scan, struct span *out);

/* "[ADDRESS]" of the network: the address. */
bool scan_ip(struct scan *scan, struct span *out);
bool ip_is_loopback(struct span ip);

bool span_begins(struct span text, const char *word);
size_t span_count(struct span text, const char *word); /* how often it stands there */

#endif
