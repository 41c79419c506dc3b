/*
 * Reads a line from left to right (scan.h).
 */
#include "maillog/scan.h"

static bool is_alnum(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool is_plain(char c)
{
	return (unsigned char)c > ' ' && c != 0x7f;
}

bool scan_literal(struct scan *scan, const char *word)
{
	const size_t len = strlen(word);

	if ((size_t)(scan->end - scan->at) < len || memcmp(scan->at, word, len) != 0)
		return false;
	scan->at += len;
	return true;
}

bool scan_word(struct scan *scan, const char *more, struct span *out)
{
	const char *at = scan->at;

	while (at < scan->end && *at != '\0' && (is_alnum(*at) || strchr(more, *at)))
		at++;
	*out = (struct span){ scan->at, (size_t)(at - scan->at) };
	scan->at = at;
	return out->len > 0;
}

bool scan_value(struct scan *scan, struct span *out)
{
	const char *at = scan->at;

	while (at < scan->end && is_plain(*at) && *at != ',')
		at++;
	*out = (struct span){ scan->at, (size_t)(at - scan->at) };
	scan->at = at;
	return out->len > 0;
}

bool scan_u32(struct scan *scan, uint32_t *out)
{
	const char *at = scan->at;
	uint64_t number = 0;

	while (at < scan->end && *at >= '0' && *at <= '9' && at - scan->at < 10)
		number = number * 10 + (uint64_t)(*at++ - '0');
	if (at == scan->at || number > UINT32_MAX || (at < scan->end && *at >= '0' && *at <= '9'))
		return false;
	scan->at = at;
	*out = (uint32_t)number;
	return true;
}

bool scan_id(struct scan *scan, const char *more, const char *behind, struct span *out)
{
	struct scan ahead = *scan;

	if (!scan_word(&ahead, more, out) || out->len < 5 || out->len > 32 || !scan_literal(&ahead, behind))
		return false;
	*scan = ahead;
	return true;
}

/* Behind the closing quote; NULL: there is none. */
static const char *quoted_end(const char *at, const char *end)
{
	for (at++; at < end && *at != '"'; at++)
		if (*at == '\\' && at + 1 < end)
			at++;
	return at < end ? at + 1 : NULL;
}

bool scan_address(struct scan *scan, struct span *out)
{
	const char *at = scan->at;

	while (at && at < scan->end && is_plain(*at) && !strchr(",<>()", *at))
		at = *at == '"' ? quoted_end(at, scan->end) : at + 1;
	if (!at || at == scan->at)
		return false;
	*out = (struct span){ scan->at, (size_t)(at - scan->at) };
	scan->at = at;
	return true;
}

bool scan_bracketed(struct scan *scan, struct span *out)
{
	struct scan ahead = *scan;

	*out = (struct span){ "", 0 };
	if (!scan_literal(&ahead, "<") ||
	    (!scan_literal(&ahead, ">") && !(scan_address(&ahead, out) && scan_literal(&ahead, ">"))))
		return false;
	*scan = ahead;
	return true;
}

bool scan_ip(struct scan *scan, struct span *out)
{
	struct scan ahead = *scan;

	if (!scan_literal(&ahead, "[") || !scan_word(&ahead, ".:", out) || !scan_literal(&ahead, "]"))
		return false;
	*scan = ahead;
	return true;
}

bool ip_is_loopback(struct span ip)
{
	return (ip.len > 4 && memcmp(ip.at, "127.", 4) == 0) || span_is(ip, "::1") || span_is(ip, "IPv6:::1") ||
	       span_is(ip, "IPv6:0:0:0:0:0:0:0:1");
}

bool span_begins(struct span text, const char *word)
{
	const size_t len = strlen(word);

	return text.len >= len && memcmp(text.at, word, len) == 0;
}

size_t span_count(struct span text, const char *word)
{
	const size_t len = strlen(word);
	size_t count = 0;
	const char *at;

	while ((at = memmem(text.at, text.len, word, len))) {
		count++;
		text.len -= (size_t)(at - text.at) + len;
		text.at = at + len;
	}
	return count;
}
