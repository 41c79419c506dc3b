/*
 * DMARC policy records (dmarc.h).
 */
#include "spf/dmarc.h"

#include <stddef.h>

#include "dns/dns.h"

const char *const dmarc_action_names[] = { "none", "quarantine", "reject", NULL };

#define BLANKS " \t\r\n"

static struct span trimmed(const char *from, const char *end)
{
	while (from < end && strchr(BLANKS, *from) && *from)
		from++;
	while (end > from && strchr(BLANKS, end[-1]) && end[-1])
		end--;
	return (struct span){ from, (size_t)(end - from) };
}

struct tag {
	struct span name, value;
};

/* The next "name = value" behind *at; one without "=" has no value. False: the end. */
static bool tag_next(const char **at, const char *end, struct tag *tag)
{
	const char *stop, *equals;

	if (*at >= end)
		return false;
	stop = memchr(*at, ';', (size_t)(end - *at));
	stop = stop ? stop : end;
	equals = memchr(*at, '=', (size_t)(stop - *at));
	tag->name = trimmed(*at, equals ? equals : stop);
	tag->value = equals ? trimmed(equals + 1, stop) : (struct span){ stop, 0 };
	*at = stop < end ? stop + 1 : end;
	return true;
}

/* 6.3: v comes first, and its value is exact. */
bool dmarc_record_is(struct span txt)
{
	const char *at = txt.at;
	struct tag tag;

	return tag_next(&at, txt.at + txt.len, &tag) && span_is(tag.name, "v") && tag.value.len == strlen("DMARC1") &&
	       memcmp(tag.value.at, "DMARC1", tag.value.len) == 0;
}

static bool action_read(struct span value, enum dmarc_action *action)
{
	for (size_t i = 0; dmarc_action_names[i]; i++)
		if (span_is(value, dmarc_action_names[i])) {
			*action = (enum dmarc_action)i;
			return true;
		}
	return false;
}

/* What is no number from 0 to 100 leaves the default, 6.3. */
static void percent_read(struct span value, unsigned *percent)
{
	unsigned number = 0;

	for (size_t i = 0; i < value.len; i++) {
		if (value.at[i] < '0' || value.at[i] > '9' || i >= 3)
			return;
		number = number * 10 + (unsigned)(value.at[i] - '0');
	}
	if (value.len > 0 && number <= 100)
		*percent = number;
}

/* A list of URIs, one of which at least has a scheme and something behind it, RFC 3986 3. */
static bool has_uri(struct span list)
{
	const char *at = list.at, *end = list.at + list.len;

	while (at < end) {
		const char *comma = memchr(at, ',', (size_t)(end - at));
		struct span uri = trimmed(at, comma ? comma : end);
		const char *colon = memchr(uri.at, ':', uri.len);

		if (colon && colon > uri.at && colon + 1 < uri.at + uri.len)
			return true;
		at = comma ? comma + 1 : end;
	}
	return false;
}

enum { TAG_P, TAG_SP, TAG_PCT, TAG_ASPF, TAG_ADKIM, TAG_RUA, TAGS };

static const char *const tag_names[TAGS] = { "p", "sp", "pct", "aspf", "adkim", "rua" };

bool dmarc_record_read(struct span txt, struct dmarc_record *out)
{
	struct span values[TAGS] = { { NULL, 0 } };
	const char *at = txt.at;
	struct tag tag;
	bool good;

	while (tag_next(&at, txt.at + txt.len, &tag))
		for (size_t i = 0; i < TAGS; i++)
			if (!values[i].at && span_is(tag.name, tag_names[i]))
				values[i] = tag.value;
	*out = (struct dmarc_record){ .percent = 100 };
	good = action_read(values[TAG_P], &out->policy);
	out->subdomains = out->policy;
	if (values[TAG_SP].at)
		good &= action_read(values[TAG_SP], &out->subdomains);
	percent_read(values[TAG_PCT], &out->percent);
	out->strict_spf = span_is(values[TAG_ASPF], "s");
	out->strict_dkim = span_is(values[TAG_ADKIM], "s");
	if (good)
		return true;
	/* 6.6.3 (6): then it counts as p=none, if it asks for reports */
	out->policy = out->subdomains = DMARC_NONE;
	return has_uri(values[TAG_RUA]);
}

enum dmarc_state dmarc_answer_read(const struct dns_answer *answer, struct dmarc_record *out)
{
	const struct span *chosen = NULL;

	if (answer->status == DNS_FAILED)
		return DMARC_UNKNOWN;
	for (size_t i = 0; i < answer->count; i++) {
		if (!dmarc_record_is(answer->records[i].txt))
			continue;
		if (chosen)
			return DMARC_REPEATED;
		chosen = &answer->records[i].txt;
	}
	if (!chosen)
		return DMARC_ABSENT;
	return dmarc_record_read(*chosen, out) ? DMARC_FOUND : DMARC_INVALID;
}

enum dmarc_action dmarc_record_action(const struct dmarc_record *record, bool is_subdomain)
{
	const enum dmarc_action action = is_subdomain ? record->subdomains : record->policy;

	if (record->percent > 0 || action == DMARC_NONE)
		return action;
	return action == DMARC_REJECT ? DMARC_QUARANTINE : DMARC_NONE;
}
