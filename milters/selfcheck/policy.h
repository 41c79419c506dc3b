/*
 * The rules of `selfcheck`: pure decisions over what other servers will find when they look at our mail.
 */
#ifndef LEUMUND_SELFCHECK_POLICY_H
#define LEUMUND_SELFCHECK_POLICY_H

#include "verdict.h"

/* In the order in which they are asked; of two objections of equal strength the first is said. */
enum selfcheck_rule {
	SELFCHECK_SPF_FAIL,
	SELFCHECK_SPF_SOFTFAIL,
	SELFCHECK_SPF_PERMERROR,
	SELFCHECK_DMARC_SPF,
	SELFCHECK_DMARC_ALIGNMENT,
	SELFCHECK_RULES
};

extern const struct rule selfcheck_rules[]; /* ends with a row whose name is NULL */

/* Values of the rules' options: `warn` lets the mail pass with a header field that says what is wrong. */
extern const char *const selfcheck_action_names[];
enum selfcheck_action { SELFCHECK_OFF, SELFCHECK_OBSERVE, SELFCHECK_WARN, SELFCHECK_HOLD, SELFCHECK_REJECT };

/* The worst that MAIL FROM's SPF record says of the addresses that this mail may leave from. */
enum selfcheck_spf {
	SELFCHECK_UNKNOWN, /* not known yet, or not to be known */
	SELFCHECK_PASS,
	SELFCHECK_SILENT, /* none, neutral: no offence, and no help */
	SELFCHECK_SOFTFAIL,
	SELFCHECK_FAIL,
	SELFCHECK_PERMERROR
};

struct selfcheck_facts {
	enum selfcheck_spf spf;
	struct span mail_from; /* its domain */
	struct span missing;   /* what its record lacks: "ip4:192.0.2.1" */
	struct span problem;   /* of PERMERROR */

	struct span header_from; /* its domain; "" = none */
	bool dmarc_bites;	 /* its policy is quarantine or reject */
	bool aligned;		 /* MAIL FROM's domain is From's in the sense of DMARC, RFC 7489 3.1.2 */
	bool signed_by_author;	 /* DKIM makes up for SPF */
};

struct selfcheck_limits {
	enum selfcheck_action action[SELFCHECK_RULES];
};

/* Nothing when the rule is off or has nothing to object to. What the verdict points to is the facts'. */
struct verdict selfcheck_decide(enum selfcheck_rule rule, const struct selfcheck_facts *facts,
				const struct selfcheck_limits *limits);

#endif
