/*
 * What a domain says about its fail (explain.h). Whatever goes wrong here means that it says nothing.
 */
#include "spf/explain.h"

#include <string.h>

#include "spf/mechanism.h"

/* Macros may bring in what the sender chose: HELO, local part. An SMTP reply is printable ASCII. */
static void make_printable(char *text)
{
	for (; *text; text++)
		if (*text < ' ' || *text > '~')
			*text = '?';
}

static void expand(struct spf_evaluation *evaluation, const char *domain, struct span string)
{
	struct spf_macros macros = evaluation->macros;
	spf_name validated;
	struct text text;

	macros.domain = domain;
	if (spf_macro_uses(string, "p")) {
		macros.validated = spf_validated_name(evaluation, domain, validated);
		if (!macros.validated)
			return;
	}
	text_init(&text, evaluation->outcome->explanation, sizeof(evaluation->outcome->explanation));
	spf_macro_expand_text(&macros, string, &text);
	make_printable(evaluation->outcome->explanation);
}

void spf_explain(struct spf_evaluation *evaluation)
{
	const struct spf_policy *policy = &evaluation->policy[evaluation->decider];
	struct spf_step step = { .policy = evaluation->decider, .target = policy->exp };
	const struct dns_answer *answer;
	spf_name name;

	if (!policy->exp.at)
		return;
	evaluation->explaining = true;
	if (spf_target_name(evaluation, &step, name) != SPF_MATCH_YES)
		return;
	answer = spf_ask(evaluation, DNS_TXT, name);
	if (!answer || answer->count != 1)
		return;
	if (spf_macro_string_ok(answer->records[0].txt, SPF_MACRO_IN_EXPLANATION))
		expand(evaluation, policy->domain, answer->records[0].txt);
}
