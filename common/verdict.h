/*
 * What is thought of a message, and how it is said. Policies return verdicts; they need
 * no other header of the house.
 */
#ifndef LEUMUND_VERDICT_H
#define LEUMUND_VERDICT_H

#include <stdbool.h>
#include <stddef.h>

#include "text.h"

/* In order of strength. The names are the values of every rule's option in conf.d. */
enum action { ACTION_OFF, ACTION_OBSERVE, ACTION_HOLD, ACTION_DEFER, ACTION_REJECT, ACTIONS };

extern const char *const action_names[]; /* "off" ... "reject", NULL */

enum language { LANGUAGE_EN, LANGUAGE_DE, LANGUAGES };

extern const char *const language_names[]; /* "en", "de", NULL */

/*
 * A rule as people see it. `text` says reason and remedy in plain ASCII (SMTP replies carry no
 * other); {about} stands for the address or domain at fault, {detail} for what the verdict adds, {account} for the
 * account, {client} for the client's address.
 */
struct rule {
	const char *name;	/* the option in conf.d, the value of rule= in the log */
	const char *code;	/* "SND10": stable, also in the reply */
	const char *dsn_reject; /* "5.7.1", RFC 3463 and RFC 7372 */
	const char *dsn_defer;	/* "4.7.1" */
	const char *text[LANGUAGES];
};

/* ACTION_OFF: no objection, and rule is NULL. */
struct verdict {
	enum action action;
	const struct rule *rule; /* static */
	struct span about;	 /* points into the facts that the policy was given */
	struct span detail;	 /* fills {detail}: what is missing, what was counted; may be "" */
	struct span quote; /* what the domain at fault says itself, "" = nothing: shown as its words, never as ours */
	bool alone; /* the reply is the quote, else the rule's text, and nothing beside it: code and id are logged */
};

#define VERDICT_NONE ((struct verdict){ ACTION_OFF, NULL, { "", 0 }, { "", 0 }, { "", 0 }, false })

/* The stronger of two; the first when equal. */
struct verdict verdict_stronger(struct verdict a, struct verdict b);

/* What fills a rule's text. */
struct rule_words {
	struct span about, detail;
	const char *account, *client;
};

/* Writes a rule's text with its words, all escaped. `template` NULL takes the rule's own text of that language. */
void rule_text(const struct rule *rule, enum language language, const char *template, const struct rule_words *filling,
	       struct text *out);

#endif
