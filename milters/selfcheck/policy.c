/*
 * The rules of `selfcheck` (policy.h): their codes and texts, and the decisions. Enhanced codes by RFC 7372 3.2. The
 * texts are ASCII because SMTP replies are; {about} is a domain, {detail} what is missing or wrong.
 */
#include "policy.h"

const char *const selfcheck_action_names[] = { "off", "observe", "warn", "hold", "reject", NULL };

/* clang-format off */
const struct rule selfcheck_rules[] = {
	[SELFCHECK_SPF_FAIL] = {
		"spf_fail", "SLF10", "5.7.23", "4.7.23",
		{ "other servers will refuse this mail as forged: add {detail} to the SPF record of {about}",
		  "andere Server werden diese Mail als gefaelscht ablehnen: bitte {detail} in den SPF-Eintrag von {about} aufnehmen" } },
	[SELFCHECK_SPF_SOFTFAIL] = {
		"spf_softfail", "SLF11", "5.7.23", "4.7.23",
		{ "other servers will take this mail for spam: add {detail} to the SPF record of {about}",
		  "andere Server werden diese Mail fuer Spam halten: bitte {detail} in den SPF-Eintrag von {about} aufnehmen" } },
	[SELFCHECK_SPF_PERMERROR] = {
		"spf_permerror", "SLF12", "5.7.24", "4.7.24",
		{ "the SPF record of {about} is broken and must be mended: {detail}",
		  "der SPF-Eintrag von {about} ist fehlerhaft und muss berichtigt werden: {detail}" } },
	[SELFCHECK_DMARC_SPF] = {
		"dmarc_spf", "SLF20", "5.7.26", "4.7.26",
		{ "the DMARC policy of its own From has this mail refused elsewhere: add {detail} to the SPF record of {about}",
		  "die DMARC-Regel des eigenen Absenders laesst diese Mail anderswo scheitern: bitte {detail} in den SPF-Eintrag von {about} aufnehmen" } },
	[SELFCHECK_DMARC_ALIGNMENT] = {
		"dmarc_alignment", "SLF21", "5.7.26", "4.7.26",
		{ "the DMARC policy of {about} has this mail refused elsewhere, as its MAIL FROM is of {detail}: send with one of {about}, or sign it with DKIM",
		  "die DMARC-Regel von {about} laesst diese Mail anderswo scheitern, da MAIL FROM zu {detail} gehoert: bitte mit einem von {about} senden oder mit DKIM signieren" } },
	[SELFCHECK_RULES] = { .name = NULL }
};

static const enum action actions[] = {
	[SELFCHECK_OFF] = ACTION_OFF,         [SELFCHECK_OBSERVE] = ACTION_OBSERVE,
	[SELFCHECK_WARN] = ACTION_OBSERVE,    [SELFCHECK_HOLD] = ACTION_HOLD,
	[SELFCHECK_REJECT] = ACTION_REJECT,
};
/* clang-format on */

/*
 * Without SPF and without the author's signature DMARC fails. Unknown is not failed; but whatever SPF says of another
 * domain than From's is no help, RFC 7489 3.1.2.
 */
static bool dmarc_fails(const struct selfcheck_facts *facts)
{
	return facts->dmarc_bites && !facts->signed_by_author &&
	       (!facts->aligned || (facts->spf != SELFCHECK_UNKNOWN && facts->spf != SELFCHECK_PASS));
}

static bool objects(enum selfcheck_rule rule, const struct selfcheck_facts *facts)
{
	switch (rule) {
	case SELFCHECK_SPF_FAIL:
		return facts->spf == SELFCHECK_FAIL;
	case SELFCHECK_SPF_SOFTFAIL:
		return facts->spf == SELFCHECK_SOFTFAIL;
	case SELFCHECK_SPF_PERMERROR:
		return facts->spf == SELFCHECK_PERMERROR;
	case SELFCHECK_DMARC_SPF:
		/* a broken record has a rule that says more */
		return dmarc_fails(facts) && facts->aligned && facts->missing.len > 0;
	case SELFCHECK_DMARC_ALIGNMENT:
		return dmarc_fails(facts) && !facts->aligned;
	default:
		return false;
	}
}

struct verdict selfcheck_decide(enum selfcheck_rule rule, const struct selfcheck_facts *facts,
				const struct selfcheck_limits *limits)
{
	struct verdict verdict = { actions[limits->action[rule]],
				   &selfcheck_rules[rule],
				   facts->mail_from,
				   facts->missing,
				   { "", 0 },
				   false };

	if (verdict.action == ACTION_OFF || !objects(rule, facts))
		return VERDICT_NONE;
	if (rule == SELFCHECK_SPF_PERMERROR)
		verdict.detail = facts->problem;
	if (rule == SELFCHECK_DMARC_ALIGNMENT) {
		verdict.about = facts->header_from;
		verdict.detail = facts->mail_from;
	}
	return verdict;
}
