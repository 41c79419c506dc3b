/*
 * Limits of some accounts only (grant.h).
 */
#include "milters/signup/grant.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define WHO_MAX 320

enum scope { SCOPE_PACKAGE, SCOPE_ACCOUNT, SCOPE_MAILBOX, SCOPES };

static const char *const scope_words[] = { "package", "account", "mailbox" };

struct grant {
	enum scope scope;
	struct span who; /* in the list's text */
	enum signup_rule rule;
	uint32_t limit[SIGNUP_WINDOWS];
};

struct grants {
	size_t count;
	struct grant at[];
};

/* ---- reading ----------------------------------------------------------------------------------- */

static bool number_read(const char **at, uint32_t *out)
{
	uint32_t number = 0;
	const char *from = *at;

	for (; **at >= '0' && **at <= '9'; ++*at) {
		number = number * 10 + (uint32_t)(**at - '0');
		if (number > GRANT_MOST)
			return false;
	}
	*out = number;
	return *at > from;
}

bool grant_numbers(const char *from, uint32_t limit[SIGNUP_WINDOWS])
{
	return number_read(&from, &limit[SIGNUP_HOUR]) && *from++ == '/' && number_read(&from, &limit[SIGNUP_DAY]) &&
	       *from == '\0';
}

static const char numbers_form[] =
	"write HOUR/DAY, such as \"20/40\": how many in any hour and in any day, each 0 (no limit) to 1000000";

const char *grant_check_numbers(const char *value)
{
	uint32_t limit[SIGNUP_WINDOWS];

	if (!grant_numbers(value, limit))
		return numbers_form;
	if (limit[SIGNUP_DAY] > 0 && limit[SIGNUP_HOUR] > limit[SIGNUP_DAY])
		return "more in an hour than in a day; write HOUR/DAY, the hour first";
	return NULL;
}

/* The last word of a text, which loses it. */
static struct span word_take(struct span *text)
{
	size_t end = text->len, begin;

	while (end > 0 && text->at[end - 1] == ' ')
		end--;
	for (begin = end; begin > 0 && text->at[begin - 1] != ' ';)
		begin--;
	text->len = begin;
	while (text->len > 0 && text->at[text->len - 1] == ' ')
		text->len--;
	return (struct span){ text->at + begin, end - begin };
}

static const char *rule_read(struct span word, enum signup_rule *out)
{
	for (unsigned i = 0; i < SIGNUP_RULES; i++) {
		if (!span_is(word, signup_rules[i].name))
			continue;
		if (i == SIGNUP_VICTIM || i == SIGNUP_CLIENT)
			return "victim_messages and client_recipients are counted over all accounts: "
			       "they have one limit, in options of their own";
		*out = (enum signup_rule)i;
		return NULL;
	}
	return "its third word must be account_recipients, script_recipients or provider_recipients";
}

static bool scope_read(struct span *text, enum scope *out)
{
	for (unsigned i = 0; i < SCOPES; i++) {
		size_t len = strlen(scope_words[i]);

		if (text->len <= len || text->at[len] != ' ' ||
		    !span_is((struct span){ text->at, len }, scope_words[i]))
			continue;
		*out = (enum scope)i;
		text->at += len;
		text->len -= len;
		for (; text->len > 0 && *text->at == ' '; text->len--)
			text->at++;
		return true;
	}
	return false;
}

/* Names of packages may have blanks: the name is all between the first word and the last two. */
static const char *grant_read(const char *value, struct grant *out)
{
	static const char form[] = "write \"package NAME RULE HOUR/DAY\", \"account NAME RULE HOUR/DAY\" or "
				   "\"mailbox LOGIN RULE HOUR/DAY\", such as \"account bob script_recipients 50/200\"";
	struct span rest = span_of(value), numbers, rule;
	const char *why;

	if (!scope_read(&rest, &out->scope))
		return form;
	numbers = word_take(&rest);
	rule = word_take(&rest);
	if (rest.len == 0 || rest.len > WHO_MAX || (out->scope != SCOPE_PACKAGE && memchr(rest.at, ' ', rest.len)))
		return form;
	out->who = rest;
	why = rule_read(rule, &out->rule);
	if (why)
		return why;
	/* whatever stands behind the numbers is blanks: word_take() took the last word */
	char words[24];

	if (numbers.len >= sizeof(words))
		return numbers_form;
	memcpy(words, numbers.at, numbers.len);
	words[numbers.len] = '\0';
	why = grant_check_numbers(words);
	return why ? why : grant_numbers(words, out->limit) ? NULL : numbers_form;
}

const char *grant_check(const char *value)
{
	struct grant grant;

	return grant_read(value, &grant);
}

static bool same_name(struct span a, struct span b)
{
	return a.len == b.len && strncasecmp(a.at, b.at, a.len) == 0;
}

const char *grant_twice(const struct string_list *list)
{
	struct grant one, other;

	for (size_t i = 0; i < list->count; i++) {
		if (grant_read(list->at[i], &one))
			continue;
		for (size_t j = 0; j < i; j++)
			if (!grant_read(list->at[j], &other) && one.scope == other.scope && one.rule == other.rule &&
			    same_name(one.who, other.who))
				return list->at[i];
	}
	return NULL;
}

bool grant_needs_packages(const struct string_list *list)
{
	struct grant grant;

	for (size_t i = 0; i < list->count; i++)
		if (!grant_read(list->at[i], &grant) && grant.scope == SCOPE_PACKAGE)
			return true;
	return false;
}

/* ---- in force ---------------------------------------------------------------------------------- */

struct grants *grants_new(const struct string_list *list)
{
	struct grants *grants = calloc(1, sizeof(*grants) + list->count * sizeof(grants->at[0]));

	if (!grants)
		return NULL;
	for (size_t i = 0; i < list->count; i++)
		if (!grant_read(list->at[i], &grants->at[grants->count]))
			grants->count++;
	return grants;
}

void grants_free(struct grants **grants)
{
	free(*grants);
	*grants = NULL;
}

bool grants_apply(const struct grants *grants, const char *package, const char *account, const char *mailbox,
		  struct signup_limits *limits)
{
	const struct span names[SCOPES] = { span_of(package), span_of(account), span_of(mailbox) };
	bool own = false;

	for (unsigned scope = 0; scope < SCOPES; scope++) {
		for (size_t i = 0; names[scope].len > 0 && i < grants->count; i++) {
			const struct grant *grant = &grants->at[i];

			if (grant->scope != scope || !same_name(grant->who, names[scope]))
				continue;
			memcpy(limits->limit[grant->rule], grant->limit, sizeof(grant->limit));
			own |= scope == SCOPE_MAILBOX && grant->rule == SIGNUP_ACCOUNT;
		}
	}
	return own;
}
