/*
 * The rules of `sender`: pure decisions over facts. No clock, no I/O, no allocation.
 */
#ifndef LEUMUND_SENDER_POLICY_H
#define LEUMUND_SENDER_POLICY_H

#include "verdict.h"

/* In the order in which they are asked; of two objections of equal strength the first is said. */
enum sender_rule {
	SENDER_DEFAULT_DOMAIN,
	SENDER_DEFAULT_DOMAIN_RECIPIENT,
	SENDER_ENVELOPE_OWNER,
	SENDER_AUTHOR_OWNER,
	SENDER_DISPLAY_SPOOF,
	SENDER_HIDDEN_ACCOUNT,
	SENDER_UNKNOWN_ACCOUNT,
	SENDER_RULES
};

extern const struct rule sender_rules[]; /* ends with a row whose name is NULL */

/* What each rule objects to: at != NULL says that there is something, and what it is about. */
struct sender_facts {
	struct span found[SENDER_RULES];
};

struct sender_limits {
	enum action action[SENDER_RULES];
};

/*
 * The verdict on one rule: nothing when its fact is absent or the rule is off. The about of a
 * verdict points into the facts.
 */
struct verdict sender_decide(enum sender_rule rule, const struct sender_facts *facts, const struct sender_limits *limits);

#endif
