/*
 * What an outcome of the MTA's log means (outcome.h).
 */
#include "outcome.h"

/* The order of phases is the same in both; what the log's own words say is not guessed at again. */
static void answer_of(const struct maillog_outcome *outcome, const char *provider, const struct enhanced_code *dsn,
		      struct evidence_answer *answer)
{
	evidence_answer_parse(outcome->reply.at, outcome->reply.len, answer);
	answer->text = outcome->reply;
	answer->phase = (enum evidence_phase)outcome->phase;
	answer->speaker =
		outcome->speaker == MAILLOG_REMOTE || outcome->speaker == MAILLOG_NULL ? SPEAKER_REMOTE : SPEAKER_LOCAL;
	answer->provider = provider;
	if (outcome->code > 0)
		answer->code = outcome->code;
	if (answer->enhanced.class == 0)
		answer->enhanced = *dsn;
	if (answer->enhanced.class == 0 && answer->code == 0 && outcome->status == MAILLOG_BOUNCED)
		answer->enhanced.class = 5;
}

void outcome_judge(const struct evidence_table *table, const struct maillog_outcome *outcome, const char *provider,
		   struct evidence *evidence, struct enhanced_code *code)
{
	struct evidence_answer answer;
	struct enhanced_code dsn;

	*evidence = (struct evidence){ .class = EVIDENCE_DELIVERED, .rule = "", .source = "", .file = "" };
	enhanced_code_parse(outcome->dsn.at, outcome->dsn.len, &dsn);
	answer_of(outcome, provider, &dsn, &answer);
	if (outcome->status != MAILLOG_SENT)
		evidence_classify(table, &answer, evidence);
	if (outcome->speaker == MAILLOG_WAITING && evidence->class != EVIDENCE_FULL)
		evidence->class = EVIDENCE_LOCAL;
	*code = dsn.class > 0 || answer.enhanced.subject == 0 ? dsn : answer.enhanced;
}
