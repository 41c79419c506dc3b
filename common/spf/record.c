/*
 * The grammar of SPF records (record.h).
 */
#include "spf/record.h"

#include <arpa/inet.h>
#include <string.h>

#include "spf/macro.h"

static const char version[] = "v=spf1";
#define VERSION_LEN (sizeof(version) - 1)
#define SHOWN 60 /* of a term, in a problem */

enum part { PART_NONE, PART_OPTIONAL, PART_REQUIRED };

static const struct mechanism {
	const char *name;
	enum spf_term_kind kind;
	enum part domain;
	bool cidr;
} mechanisms[] = {
	{ "all", SPF_TERM_ALL, PART_NONE, false },     { "include", SPF_TERM_INCLUDE, PART_REQUIRED, false },
	{ "a", SPF_TERM_A, PART_OPTIONAL, true },      { "mx", SPF_TERM_MX, PART_OPTIONAL, true },
	{ "ptr", SPF_TERM_PTR, PART_OPTIONAL, false }, { "exists", SPF_TERM_EXISTS, PART_REQUIRED, false },
};

/* ---- prefix lengths ---------------------------------------------------------------------------- */

/* Cuts "/" and a number without leading zeros off the end; false when there is none. */
static bool cut_bits(struct span *from, unsigned max, uint8_t *bits)
{
	size_t start = from->len;
	unsigned value = 0;

	while (start && from->at[start - 1] >= '0' && from->at[start - 1] <= '9' && from->len - start < 4)
		start--;
	if (start == from->len || !start || from->at[start - 1] != '/')
		return false;
	if (from->at[start] == '0' && from->len - start > 1)
		return false;
	for (size_t i = start; i < from->len; i++)
		value = value * 10 + (unsigned)(from->at[i] - '0');
	if (value > max)
		return false;
	*bits = (uint8_t)value;
	from->len = start - 1;
	return true;
}

/* [ "/" ip4 ] [ "//" ip6 ]. What is left over and still has a prefix length is no domain-spec either. */
static void cut_dual_bits(struct span *from, struct spf_term *term)
{
	struct span before = *from;
	uint8_t bits;

	if (cut_bits(&before, 128, &bits) && before.len && before.at[before.len - 1] == '/') {
		before.len--;
		*from = before;
		term->bits6 = bits;
	}
	cut_bits(from, 32, &term->bits4);
}

/* ---- terms ------------------------------------------------------------------------------------- */

static bool read_address(struct span from, struct spf_term *term)
{
	bool ipv6 = term->kind == SPF_TERM_IP6;
	char address[INET6_ADDRSTRLEN];

	if (!from.len || from.at[0] != ':')
		return false;
	from.at++;
	from.len--;
	if (memchr(from.at, '/', from.len) && !cut_bits(&from, ipv6 ? 128 : 32, ipv6 ? &term->bits6 : &term->bits4))
		return false;
	if (from.len >= sizeof(address) || memchr(from.at, '\0', from.len))
		return false;
	memcpy(address, from.at, from.len);
	address[from.len] = '\0';
	return inet_pton(ipv6 ? AF_INET6 : AF_INET, address, term->address) == 1;
}

/* What follows a mechanism's name. */
static bool read_argument(const struct mechanism *mechanism, struct span from, struct spf_term *term)
{
	term->kind = mechanism->kind;
	if (mechanism->cidr)
		cut_dual_bits(&from, term);
	if (!from.len)
		return mechanism->domain != PART_REQUIRED;
	if (mechanism->domain == PART_NONE || from.at[0] != ':')
		return false;
	term->target = (struct span){ from.at + 1, from.len - 1 };
	return spf_domain_spec_ok(term->target);
}

static bool read_mechanism(struct span from, struct spf_term *term)
{
	struct span name = from;

	term->qualifier = '+';
	if (from.len && from.at[0] && strchr("+-~?", from.at[0])) {
		term->qualifier = from.at[0];
		name = from = (struct span){ from.at + 1, from.len - 1 };
	}
	for (name.len = 0; name.len < from.len && from.at[name.len] != ':' && from.at[name.len] != '/';)
		name.len++;
	from = (struct span){ from.at + name.len, from.len - name.len };
	if (span_is(name, "ip4") || span_is(name, "ip6")) {
		term->kind = name.at[2] == '4' ? SPF_TERM_IP4 : SPF_TERM_IP6;
		return read_address(from, term);
	}
	for (size_t i = 0; i < sizeof(mechanisms) / sizeof(mechanisms[0]); i++)
		if (span_is(name, mechanisms[i].name))
			return read_argument(&mechanisms[i], from, term);
	return false;
}

/* The length of `name` when `name "="` starts the term; else 0. */
static size_t modifier_name(struct span from)
{
	size_t len = 0;

	while (len < from.len) {
		char c = ascii_lower(from.at[len]);
		bool alpha = c >= 'a' && c <= 'z';

		if (!alpha && (!len || !((c >= '0' && c <= '9') || c == '-' || c == '_' || c == '.')))
			break;
		len++;
	}
	return len < from.len && from.at[len] == '=' ? len : 0;
}

static bool read_modifier(struct span from, size_t name_len, struct spf_term *term)
{
	struct span name = { from.at, name_len };

	term->target = (struct span){ from.at + name_len + 1, from.len - name_len - 1 };
	if (span_is(name, "redirect"))
		term->kind = SPF_TERM_REDIRECT;
	else if (span_is(name, "exp"))
		term->kind = SPF_TERM_EXP;
	else
		term->kind = SPF_TERM_UNKNOWN;
	if (term->kind == SPF_TERM_UNKNOWN)
		return spf_macro_string_ok(term->target, SPF_MACRO_IN_RECORD);
	return spf_domain_spec_ok(term->target);
}

static bool read_term(struct span from, struct spf_term *term)
{
	size_t name_len = modifier_name(from);

	*term = (struct spf_term){ .bits4 = 32, .bits6 = 128 };
	return name_len ? read_modifier(from, name_len, term) : read_mechanism(from, term);
}

/* ---- records ----------------------------------------------------------------------------------- */

bool spf_record_is(struct span txt)
{
	return txt.len >= VERSION_LEN && span_is((struct span){ txt.at, VERSION_LEN }, version) &&
	       (txt.len == VERSION_LEN || txt.at[VERSION_LEN] == ' ');
}

static void say_term(struct text *problem, struct span term, const char *what)
{
	text_char(problem, '\'');
	text_escaped(problem, term.at, term.len, SHOWN);
	text_str(problem, what);
}

/* 6: redirect and exp at most once each */
static bool is_second(const struct spf_term *term, bool *redirect, bool *exp)
{
	bool *seen = term->kind == SPF_TERM_REDIRECT ? redirect : term->kind == SPF_TERM_EXP ? exp : NULL;

	if (!seen)
		return false;
	if (*seen)
		return true;
	*seen = true;
	return false;
}

bool spf_record_read(struct span record, spf_term_fn *fn, void *arg, struct text *problem)
{
	const char *at = record.at + VERSION_LEN, *end = record.at + record.len;
	bool redirect = false, exp = false;

	while (at < end) {
		const char *blank = memchr(at, ' ', (size_t)(end - at));
		struct span from = { at, (size_t)((blank ? blank : end) - at) };
		struct spf_term term;

		at = blank ? blank + 1 : end;
		if (!from.len)
			continue;
		if (!read_term(from, &term)) {
			say_term(problem, from, "' is no term of SPF, RFC 7208 4.6.1");
			return false;
		}
		if (is_second(&term, &redirect, &exp)) {
			say_term(problem, from, "' is there twice, RFC 7208 6");
			return false;
		}
		fn(arg, &term);
	}
	return true;
}
