/*
 * Names of an account's limits as an admin writes and reads them (limit_names.h).
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "limit_names.h"
#include "milters/signup/policy.h"
#include "words.h"

#define KINDS_ALL "confirm, program, sale, bulk or person"
#define CUT_AT 16 /* a name that the store has cut: there "~", and a hash behind it, see limit_name() */

_Static_assert((int)SIGNUP_KINDS <= LIMIT_NAMES_MEANT, "a word may mean all kinds");

/* clang-format off */
static const struct {
	const char *name;
	int rule;         /* enum signup_rule; -1: none has the name of all its limits */
	const char *what; /* its detail, for an example; NULL: it has none */
} scopes[] = {
	[LIMIT_OF_ACCOUNT]  = { "account",  SIGNUP_ACCOUNT,  NULL },
	[LIMIT_OF_MAILBOX]  = { "mailbox",  -1,              "info@shop.example" },
	[LIMIT_OF_SCRIPT]   = { "script",   SIGNUP_SCRIPT,   "reg.php" },
	[LIMIT_OF_PROVIDER] = { "provider", SIGNUP_PROVIDER, "microsoft" },
};
/* clang-format on */

static bool is_word(const char *from, size_t len, const char *word)
{
	return strlen(word) == len && memcmp(from, word, len) == 0;
}

static const char *kind_find(const char *from)
{
	for (size_t i = 0; signup_kind_names[i]; i++)
		if (!strcmp(from, signup_kind_names[i]))
			return signup_kind_names[i];
	return NULL;
}

/* ---- reading ----------------------------------------------------------------------------------- */

static void put(struct limit_names *out, const char *scope, const char *detail, const char *kind)
{
	char TEXT_BUFFER buffer[1024];
	struct text text;

	text_init(&text, buffer, sizeof(buffer));
	text_str(&text, detail);
	text_str(&text, *detail ? ":" : "");
	text_str(&text, kind);
	limit_name(out->at[out->count++], scope, (struct span){ text.at, text.len });
}

static bool read_detail(struct limit_names *out, enum limit_scope scope, const char *detail)
{
	const char *colon = strrchr(detail, ':'), *last = colon ? colon + 1 : detail, *name = scopes[scope].name;
	const char *kind = kind_find(last), *meant = word_meant(last, signup_kind_names);
	const bool has_detail = scopes[scope].what != NULL;
	char before[512];

	snprintf(before, sizeof(before), "%.*s", kind && colon ? (int)(colon - detail) : kind ? 0 : -1, detail);
	if (has_detail && *before == '\0') {
		snprintf(out->problem, sizeof(out->problem),
			 "there is a limit for each: write %s:%s:confirm, or %s:%s for all kinds of mail", name,
			 scopes[scope].what, name, scopes[scope].what);
	} else if (!kind && meant && (colon || !has_detail)) {
		snprintf(out->problem, sizeof(out->problem), "no such kind of mail; did you mean %s?", meant);
	} else if (!has_detail && *before) {
		snprintf(out->problem, sizeof(out->problem),
			 "no such kind of mail: write %s:KIND, KIND being " KINDS_ALL ", or %s for all of them", name,
			 name);
	} else {
		for (size_t i = 0; i < SIGNUP_KINDS; i++)
			if (!kind || kind == signup_kind_names[i])
				put(out, name, before, signup_kind_names[i]);
	}
	return out->count > 0;
}

/* By the name of a rule. */
static bool read_rule(struct limit_names *out, const char *word)
{
	for (size_t i = 0; signup_rules[i].name; i++) {
		if (strcmp(word, signup_rules[i].name) != 0)
			continue;
		for (int scope = 0; scope < LIMIT_SCOPES; scope++)
			if (scopes[scope].rule == (int)i)
				return read_detail(out, (enum limit_scope)scope, "");
		snprintf(out->problem, sizeof(out->problem),
			 "this rule's limit is not an account's, it holds for all of them: it stands in conf.d%s",
			 i == SIGNUP_VICTIM ? "; `leumund reset --victim ADDRESS` empties one counter" : "");
		return false;
	}
	snprintf(out->problem, sizeof(out->problem),
		 "no limit has this name: write account:confirm, script:reg.php:confirm, provider:microsoft:confirm or "
		 "mailbox:LOGIN:confirm; without a kind (" KINDS_ALL ") it means all kinds of mail");
	return false;
}

bool limit_names_read(const char *word, struct limit_names *out)
{
	const size_t len = strcspn(word, ":");

	memset(out, 0, sizeof(*out));
	if (strlen(word) == LIMIT_NAME_SIZE - 1 && word[CUT_AT] == '~') {
		snprintf(out->at[out->count++], LIMIT_NAME_SIZE, "%s", word);
		return true;
	}
	for (int scope = 0; scope < LIMIT_SCOPES; scope++) {
		if (!is_word(word, len, scopes[scope].name))
			continue;
		if (word[len] == ':' && word[len + 1] == '\0')
			break;
		return read_detail(out, (enum limit_scope)scope, word + len + (word[len] == ':'));
	}
	return read_rule(out, word);
}

/* ---- showing ----------------------------------------------------------------------------------- */

static int hex_value(char c)
{
	const char *at = c ? strchr("0123456789abcdef", c) : NULL;

	return at ? (int)(at - "0123456789abcdef") : -1;
}

const char *limit_name_shown(const char *name, char out[LIMIT_SHOWN_SIZE])
{
	const bool is_cut = strlen(name) == LIMIT_NAME_SIZE - 1 && name[CUT_AT] == '~';
	size_t len = 0;

	while (*name && len < LIMIT_SHOWN_SIZE - 1) {
		const int high = *name == '%' ? hex_value(name[1]) : -1, low = high >= 0 ? hex_value(name[2]) : -1;
		const bool is_code = !is_cut && low >= 0 && high + low > 0;

		out[len++] = (char)(is_code ? high * 16 + low : *name);
		name += is_code ? 3 : 1;
	}
	out[len] = '\0';
	return out;
}

bool limit_name_split(const char *name, enum limit_scope *scope, char detail[LIMIT_SHOWN_SIZE])
{
	char shown[LIMIT_SHOWN_SIZE];
	const char *colon, *last;

	limit_name_shown(name, shown);
	const size_t len = strcspn(shown, ":");
	for (int i = 0; i < LIMIT_SCOPES; i++) {
		if (!is_word(shown, len, scopes[i].name))
			continue;
		colon = strrchr(shown, ':');
		last = colon && kind_find(colon + 1) ? colon : shown + strlen(shown);
		*scope = (enum limit_scope)i;
		snprintf(detail, LIMIT_SHOWN_SIZE, "%.*s",
			 last > shown + len ? (int)(last - shown - (ptrdiff_t)len - 1) : 0, shown + len + 1);
		return true;
	}
	return false;
}
