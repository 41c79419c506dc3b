/*
 * The rules of `spf` (policy.h): their codes and texts, and the decision. Enhanced codes by RFC 7372 3.2, RFC 7208 8.6.
 * The texts are ASCII because SMTP replies are; {about} is the identity.
 */
#include "policy.h"

const char *const spf_explanation_names[] = { "quote", "alone", "off", NULL };
const char *const spf_action_names[] = { "off", "mark", "defer", "reject", NULL };
const enum action spf_actions[] = { ACTION_OFF, ACTION_OBSERVE, ACTION_DEFER, ACTION_REJECT };

/* clang-format off */
#define NONE_TEXT { "the domain of {about} has no SPF record; publish one that names {client}", \
		    "die Domain von {about} hat keinen SPF-Eintrag; bitte einen veroeffentlichen, der {client} nennt" }
#define NEUTRAL_TEXT { "the SPF record of {about} does not say whether {client} may send for it; let it name {client}", \
		       "der SPF-Eintrag von {about} sagt nicht, ob {client} senden darf; er sollte {client} nennen" }
#define PASS_TEXT { "the SPF record of {about} names {client}", "der SPF-Eintrag von {about} nennt {client}" }
#define FAIL_TEXT { "the SPF record of {about} forbids {client} to send for it; use that domain's own server, or let its record name {client}", \
		    "der SPF-Eintrag von {about} verbietet {client} das Senden; bitte den Server dieser Domain verwenden oder {client} eintragen" }
#define SOFTFAIL_TEXT { "by the SPF record of {about}, {client} should not send for it; let the record name {client}", \
			"nach dem SPF-Eintrag von {about} soll {client} nicht senden; er sollte {client} nennen" }
#define TEMPERROR_TEXT { "the SPF record of {about} cannot be looked up now; try again later", \
			 "der SPF-Eintrag von {about} ist gerade nicht abfragbar; bitte spaeter erneut senden" }
#define PERMERROR_TEXT { "the SPF record of {about} is broken; its owner must mend it", \
			 "der SPF-Eintrag von {about} ist fehlerhaft; sein Inhaber muss ihn berichtigen" }

/* by identity, in the order of the results */
const struct rule spf_rules[] = {
	{ "mail_from_none",      "SPF13", "5.7.1",  "4.7.1",  NONE_TEXT },
	{ "mail_from_neutral",   "SPF12", "5.7.1",  "4.7.1",  NEUTRAL_TEXT },
	{ "mail_from_pass",      "SPF16", "5.7.1",  "4.7.1",  PASS_TEXT },
	{ "mail_from_fail",      "SPF10", "5.7.23", "4.7.23", FAIL_TEXT },
	{ "mail_from_softfail",  "SPF11", "5.7.23", "4.7.23", SOFTFAIL_TEXT },
	{ "mail_from_temperror", "SPF14", "5.7.24", "4.4.3",  TEMPERROR_TEXT },
	{ "mail_from_permerror", "SPF15", "5.7.24", "4.7.24", PERMERROR_TEXT },
	{ "helo_none",           "SPF23", "5.7.1",  "4.7.1",  NONE_TEXT },
	{ "helo_neutral",        "SPF22", "5.7.1",  "4.7.1",  NEUTRAL_TEXT },
	{ "helo_pass",           "SPF26", "5.7.1",  "4.7.1",  PASS_TEXT },
	{ "helo_fail",           "SPF20", "5.7.23", "4.7.23", FAIL_TEXT },
	{ "helo_softfail",       "SPF21", "5.7.23", "4.7.23", SOFTFAIL_TEXT },
	{ "helo_temperror",      "SPF24", "5.7.24", "4.4.3",  TEMPERROR_TEXT },
	{ "helo_permerror",      "SPF25", "5.7.24", "4.7.24", PERMERROR_TEXT },
	{ .name = NULL }
};

/* A mark on these is seen in the header only: nothing is wrong. */
static const bool is_objection[SPF_POLICY_RESULTS] = { false, false, false, true, true, true, true };
/* clang-format on */

struct verdict spf_decide(enum spf_identity identity, const struct spf_fact *fact, enum action action)
{
	if (!fact->known || action == ACTION_OFF || (action == ACTION_OBSERVE && !is_objection[fact->result]))
		return VERDICT_NONE;
	return (struct verdict){
		.action = action,
		.rule = &spf_rules[spf_rule(identity, fact->result)],
		.about = fact->about,
		.detail = { "", 0 },
		.quote = fact->quote,
		.alone = fact->alone && fact->result == SPF_POLICY_FAIL,
	};
}

static bool has_action(enum spf_identity identity, const struct spf_policy *policy, enum action least)
{
	for (unsigned result = 0; result < SPF_POLICY_RESULTS; result++)
		if (policy->action[spf_rule(identity, result)] >= least)
			return true;
	return false;
}

bool spf_can_refuse(enum spf_identity identity, const struct spf_policy *policy)
{
	return has_action(identity, policy, ACTION_DEFER);
}

bool spf_is_asked(enum spf_identity identity, const struct spf_policy *policy)
{
	return has_action(identity, policy, ACTION_OBSERVE);
}
