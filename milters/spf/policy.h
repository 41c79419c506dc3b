/*
 * The rules of `spf`: pure decisions over results. No clock, no I/O, no allocation.
 */
#ifndef LEUMUND_SPF_POLICY_H
#define LEUMUND_SPF_POLICY_H

#include "verdict.h"

/* RFC 7208 2.3 and 2.4. Of two objections of equal strength the first is said. */
enum spf_identity { SPF_MAIL_FROM, SPF_HELO, SPF_IDENTITIES };

/* As many and in the order of enum spf_result (spf/spf.h): none neutral pass fail softfail temperror permerror. */
#define SPF_POLICY_RESULTS 7
#define SPF_POLICY_FAIL 3
#define SPF_RULES (SPF_IDENTITIES * SPF_POLICY_RESULTS)

/* The rule about this result of this identity. */
static inline unsigned spf_rule(enum spf_identity identity, unsigned result)
{
	return (unsigned)identity * SPF_POLICY_RESULTS + result;
}

extern const struct rule spf_rules[]; /* ends with a row whose name is NULL */

/* What a refusal makes of the domain's explanation. */
enum spf_explanation { SPF_EXPLANATION_QUOTE, SPF_EXPLANATION_ALONE, SPF_EXPLANATION_OFF };

extern const char *const spf_explanation_names[]; /* "quote", "alone", "off", NULL */

/* "off", "mark", "defer", "reject", NULL; and what they are to the house. */
extern const char *const spf_action_names[];
extern const enum action spf_actions[];

struct spf_fact {
	bool known;	   /* this identity was asked about */
	unsigned result;   /* below SPF_POLICY_RESULTS */
	struct span about; /* the identity */
	struct span quote; /* the explanation of its domain, "" = none */
	bool alone;	   /* a fail is explained by that alone, else by its text alone */
};

struct spf_policy {
	enum action action[SPF_RULES];
};

/* The verdict on one identity by this action: nothing where it is off, or only marks what is no objection. */
struct verdict spf_decide(enum spf_identity identity, const struct spf_fact *fact, enum action action);

/* Can some result of this identity refuse or defer a recipient? */
bool spf_can_refuse(enum spf_identity identity, const struct spf_policy *policy);

/* Does any result of this identity matter? */
bool spf_is_asked(enum spf_identity identity, const struct spf_policy *policy);

#endif
