/*
 * Patterns as bit-parallel automata (address/pattern.h): bit i of the state says "the text so far matches
 * items 0 to i". One character costs a few operations on 64-bit words, whatever the pattern,
 * so no pattern and no text can make matching slow.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "address/address.h"
#include "address/pattern.h"

#define ITEMS_MAX 64

/* One side of the @. */
struct glob {
	uint64_t takes[256]; /* items that take this byte */
	uint64_t repeats;    /* items that may take more than one: * and x+ */
	uint64_t empties;    /* items that may take none: * (never two in a row) */
	uint64_t wholes;     /* items that take all bytes of one UTF-8 character: ? */
	unsigned count;
	bool any_label; /* may begin after any dot: the domain and everything below it */
};

struct pattern {
	bool has_local;
	bool any_domain;  /* `@*`: the domain need not be looked at */
	size_t name_len;  /* of `name`; 0 where the domain has wildcards */
	domain_name name; /* the domain without wildcards, which is nearly all: compared from its end */
	struct glob local, domain;
	char text[];
};

/* ---- matching ---------------------------------------------------------------------------------- */

struct run {
	const struct glob *glob;
	uint64_t state;
	bool start; /* the first item may begin here */
};

static uint64_t past_empties(const struct glob *glob, uint64_t state, bool start)
{
	return state | ((state << 1 | (uint64_t)start) & glob->empties);
}

static void run_begin(struct run *run, const struct glob *glob)
{
	*run = (struct run){ glob, past_empties(glob, 0, true), true };
}

static void run_take(struct run *run, char c)
{
	const struct glob *glob = run->glob;
	uint64_t takes = glob->takes[(unsigned char)c];
	uint64_t state = ((run->state << 1 | (uint64_t)run->start) & takes) | (run->state & takes & glob->repeats);

	if (((unsigned char)c & 0xc0) == 0x80)
		state |= run->state & glob->wholes;
	run->start = glob->any_label && c == '.';
	run->state = past_empties(glob, state, run->start);
}

static bool run_accepts(const struct run *run)
{
	return (run->state >> (run->glob->count - 1) & 1) != 0;
}

static bool domain_matches(const struct glob *glob, const char *domain)
{
	struct run run;

	run_begin(&run, glob);
	for (; *domain; domain++)
		run_take(&run, ascii_lower(*domain));
	return run_accepts(&run);
}

/* Whether the run may still match; a literal beginning ends most after a character or two. */
static bool run_lives(const struct run *run)
{
	return run->state != 0 || run->start;
}

/* "cp9999"@ and cp\9999@ are cp9999@ (RFC 5321 4.1.2: quotes and backslashes are no part of the mailbox's name). */
static bool local_matches(const struct glob *glob, const char *local, size_t len)
{
	struct run run;

	run_begin(&run, glob);
	for (size_t i = 0; i < len; i++) {
		if (local[i] == '"')
			continue;
		if (local[i] == '\\' && i + 1 < len)
			i++;
		run_take(&run, ascii_lower(local[i]));
		if (!run_lives(&run))
			return false;
	}
	return run_accepts(&run);
}

static bool name_matches(const struct pattern *pattern, const char *domain)
{
	size_t len = strlen(domain), at = len - pattern->name_len;

	return len >= pattern->name_len && !memcmp(domain + at, pattern->name, pattern->name_len) &&
	       (at == 0 || (pattern->domain.any_label && domain[at - 1] == '.'));
}

bool pattern_match(const struct pattern *pattern, const char *local, size_t local_len, const char *domain)
{
	if (pattern->has_local && !local_matches(&pattern->local, local, local_len))
		return false;
	if (pattern->any_domain)
		return true;
	return pattern->name_len > 0 ? name_matches(pattern, domain) : domain_matches(&pattern->domain, domain);
}

/* ---- reading ----------------------------------------------------------------------------------- */

static void add_byte(struct glob *glob, char c)
{
	glob->takes[(unsigned char)ascii_lower(c)] |= UINT64_C(1) << glob->count;
}

/* `*` and `?`: the bytes from 0 on except, for `?`, those that continue a character. */
static void add_any(struct glob *glob, bool continuations)
{
	for (unsigned c = 0; c < 256; c++) {
		if (continuations || (c & 0xc0) != 0x80)
			glob->takes[c] |= UINT64_C(1) << glob->count;
	}
}

/* A set, `from` behind its bracket. What follows the closing bracket, or NULL. */
static const char *add_set(struct glob *glob, const char *from, const char *end, const char **why)
{
	const char *begin = from;

	*why = "a set needs at least one character, and a closing ]";
	if (from < end && (*from == '^' || *from == '!')) {
		*why = "a set lists the characters that it takes; it cannot exclude any";
		return NULL;
	}
	for (; from < end && *from != ']'; from++) {
		char last = *from;

		if (from + 2 < end && from[1] == '-' && from[2] != ']')
			last = from[2];
		if ((unsigned char)*from >= 0x80 || (unsigned char)last >= 0x80 || *from == '[' || last == '[') {
			*why = "a set takes ASCII characters only, and no [";
			return NULL;
		}
		if (*from > last) {
			*why = "a range in a set goes upwards: [0-9], [a-z]";
			return NULL;
		}
		for (int c = (unsigned char)*from; c <= (unsigned char)last; c++)
			add_byte(glob, (char)c);
		if (last != *from || (from + 2 < end && from[1] == '-' && from[2] != ']'))
			from += 2;
	}
	if (from == begin || from == end)
		return NULL;
	*why = NULL;
	return from + 1;
}

/* Marks the item before as repeated. NULL or what is wrong. */
static const char *add_plus(struct glob *glob, const char *from, const char *begin)
{
	uint64_t item = glob->count ? UINT64_C(1) << (glob->count - 1) : 0;

	if (from == begin || from[-1] == '+' || (glob->empties & item))
		return "+ means one or more of the item before it, and there is none; a plus itself is written [+]";
	if ((unsigned char)from[-1] >= 0x80)
		return "+ can repeat a set or an ASCII character only";
	glob->repeats |= item;
	return NULL;
}

/* One item; what follows it, or NULL. */
static const char *add_item(struct glob *glob, const char *from, const char *end, const char **why)
{
	uint64_t item = UINT64_C(1) << (glob->count & 63);

	if (*from == '*' && glob->count > 0 && (glob->empties & item >> 1))
		return from + 1;
	if (glob->count == ITEMS_MAX) {
		*why = "a pattern has at most 64 items before and behind the @";
		return NULL;
	}
	if (*from == '*') {
		add_any(glob, true);
		glob->repeats |= item;
		glob->empties |= item;
		from++;
	} else if (*from == '?') {
		add_any(glob, false);
		glob->wholes |= item;
		from++;
	} else if (*from == '[') {
		from = add_set(glob, from + 1, end, why);
	} else {
		add_byte(glob, *from++);
	}
	glob->count++;
	return from;
}

static int glob_read(struct glob *glob, const char *from, const char *end, const char **why)
{
	const char *begin = from;

	while (from && from < end) {
		if (*from == '+') {
			*why = add_plus(glob, from++, begin);
			if (*why)
				return -1;
		} else {
			from = add_item(glob, from, end, why);
		}
	}
	return from ? 0 : -1;
}

static const char *label_end(const char *from, const char *end)
{
	bool in_set = false;

	for (; from < end && (in_set || *from != '.'); from++)
		in_set = in_set ? *from != ']' : *from == '[';
	return from;
}

/* A literal label in the form that domains are compared in; domain_canonical() wants a whole domain. NULL or what is
 * wrong. */
static const char *label_canonical(const char *from, size_t len, domain_name out)
{
	static const char tail[] = ".example";
	char whole[DOMAIN_MAX + 1];

	if (len + sizeof(tail) > sizeof(whole))
		return "a label of a domain has at most 63 characters";
	memcpy(whole, from, len);
	memcpy(whole + len, tail, sizeof(tail));
	if (domain_canonical(whole, len + sizeof(tail) - 1, out) != 0)
		return "is no domain: labels are 1 to 63 letters, digits and inner hyphens (or *, ?, [0-9], x+)";
	out[strlen(out) - (sizeof(tail) - 1)] = '\0';
	return NULL;
}

static bool is_special(char c)
{
	return c == '*' || c == '?' || c == '[' || c == '+';
}

/* A label with wildcards: what is literal in it must be able to stand in a domain. NULL or what is wrong. */
static const char *wild_label_fault(const char *from, const char *end)
{
	if (from == end)
		return "is no domain: it has an empty label (two dots in a row, or one at an end)";
	for (bool in_set = false; from < end; from++) {
		if ((unsigned char)*from >= 0x80)
			return "a label with wildcards must be ASCII: write its A-label form (xn--...)";
		if (!in_set && !is_special(*from) &&
		    !strchr("-_abcdefghijklmnopqrstuvwxyz0123456789", ascii_lower(*from)))
			return "a domain has letters, digits, hyphens and dots only (and *, ?, [0-9], x+)";
		in_set = in_set ? *from != ']' : *from == '[';
	}
	return NULL;
}

/* One label, from its first character to its dot. */
static int label_read(struct glob *glob, const char *from, const char *end, const char **why)
{
	bool wild = from == end;
	domain_name label;

	for (const char *c = from; c < end; c++)
		wild = wild || is_special(*c);
	*why = wild ? wild_label_fault(from, end) : label_canonical(from, (size_t)(end - from), label);
	if (*why)
		return -1;
	return wild ? glob_read(glob, from, end, why) : glob_read(glob, label, label + strlen(label), why);
}

static int domain_read(struct glob *glob, const char *from, const char *end, bool whole_address, const char **why)
{
	bool below = end - from > 2 && from[0] == '*' && from[1] == '.';

	if (from == end) {
		*why = "the domain is missing; * stands for any";
		return -1;
	}
	/* info@example.com is that address alone; example.com is a domain with everything below it */
	glob->any_label = below || !whole_address;
	for (from += below ? 2 : 0;; from++) {
		const char *dot = label_end(from, end);

		if (label_read(glob, from, dot, why) != 0)
			return -1;
		if (dot == end)
			return 0;
		from = dot;
		if (!add_item(glob, dot, end, why))
			return -1;
	}
}

/* The @ outside of sets; NULL when there is none, `*twice` when there are more. */
static const char *find_at(const char *from, bool *twice)
{
	const char *found = NULL;

	for (bool in_set = false; *from; from++) {
		if (*from == '@' && !in_set) {
			*twice = found != NULL;
			found = from;
		}
		in_set = in_set ? *from != ']' : *from == '[';
	}
	return found;
}

static int pattern_read(struct pattern *pattern, const char **why)
{
	const char *text = pattern->text, *end = text + strlen(text), *at;
	bool twice = false;

	for (const char *c = text; c < end; c++) {
		if (*c == '"' || *c == '\\' || (unsigned char)*c <= ' ' || *c == 0x7f) {
			*why = "a pattern has no quotes, backslashes and blanks; quotes in addresses are ignored when "
			       "they are compared";
			return -1;
		}
	}
	at = find_at(text, &twice);
	if (twice || at == text) {
		*why = twice ? "a pattern has at most one @" : "the part before the @ is missing; * stands for any";
		return -1;
	}
	pattern->has_local = at != NULL;
	if (at && glob_read(&pattern->local, text, at, why) != 0)
		return -1;
	return domain_read(&pattern->domain, at ? at + 1 : text, end, at != NULL, why);
}

/* Notes what can be compared faster than by an automaton; `from` was read as a pattern before. */
static void shortcuts_note(struct pattern *pattern, const char *from)
{
	const char *at = strrchr(from, '@'), *domain = at ? at + 1 : from;

	pattern->any_domain = at && !strcmp(domain, "*");
	if (!at && !strncmp(domain, "*.", 2))
		domain += 2;
	if (domain[strcspn(domain, "*?[+")] == '\0' && domain_canonical(domain, strlen(domain), pattern->name) == 0)
		pattern->name_len = strlen(pattern->name);
}

struct pattern *pattern_new(const char *from, const char **why)
{
	size_t len = strlen(from);
	struct pattern *pattern = calloc(1, sizeof(*pattern) + len + 1);

	*why = NULL;
	if (!pattern) {
		*why = "out of memory";
		return NULL;
	}
	memcpy(pattern->text, from, len + 1);
	if (pattern_read(pattern, why) != 0)
		pattern_free(&pattern);
	else
		shortcuts_note(pattern, from);
	return pattern;
}

void pattern_free(struct pattern **pattern)
{
	free(*pattern);
	*pattern = NULL;
}

const char *pattern_text(const struct pattern *pattern)
{
	return pattern->text;
}
