/*
 * From an answer to what it means: the first rule that fits (evidence.h).
 */
#include "evidence/inner.h"

static bool is_about_a_mailbox(enum evidence_class class, enum evidence_about about)
{
	return class == EVIDENCE_DEAD || class == EVIDENCE_DISABLED || class == EVIDENCE_FULL ||
	       about == ABOUT_RECIPIENT;
}

static bool is_before_recipient(enum evidence_phase phase)
{
	return phase != PHASE_UNKNOWN && phase < PHASE_RCPT;
}

static bool rule_fits(const struct evidence_table *table, const struct rule *rule, const struct evidence_answer *answer,
		      const struct phrase_hits *hits)
{
	if (rule->phrase.count == 0 || !phrase_fits(table->phrases, &rule->phrase, hits))
		return false;
	if (rule->phases != 0 && !(rule->phases >> answer->phase & 1))
		return false;
	if (rule->provider && strcmp(rule->provider, answer->provider) != 0)
		return false;
	/* who refuses us before he knows the recipient does not speak about him */
	return !is_before_recipient(answer->phase) || !is_about_a_mailbox(rule->class, rule->about);
}

static bool is_temporary(const struct evidence_answer *answer)
{
	return answer->code > 0 ? answer->code / 100 == 4 : answer->enhanced.class == 4;
}

static void by_code(const struct evidence_answer *answer, struct evidence *out)
{
	const unsigned digit = answer->code > 0 ? answer->code / 100 : answer->enhanced.class;

	*out = (struct evidence){ .class = digit == 4	? EVIDENCE_TEMPORARY
					   : digit == 2 ? EVIDENCE_DELIVERED
							: EVIDENCE_PERMANENT,
				  .about = ABOUT_NOTHING,
				  .reaction = digit == 4 ? REACTION_RETRY : REACTION_NONE,
				  .rule = "",
				  .source = "",
				  .file = "" };
}

void evidence_classify(const struct evidence_table *table, const struct evidence_answer *answer, struct evidence *out)
{
	TEXT_BUFFER struct words words;
	TEXT_BUFFER struct phrase_hits hits;

	words_of(answer->text.at, answer->text.len, &words);
	phrase_match(table->phrases, &words, answer, &hits);
	for (size_t i = 0; i < table->count; i++) {
		const struct rule *rule = &table->rules[i];

		if (!rule_fits(table, rule, answer, &hits))
			continue;
		const uint32_t said = rule->wait_said ? wait_of(&words) : 0;
		*out = (struct evidence){ .class = rule->class,
					  .about = rule->about,
					  .reaction = rule->reaction,
					  .by_words = rule->phrase.by_words,
					  .wait_s = said > 0 ? said : rule->wait_s,
					  .rule = rule->name,
					  .source = rule->source,
					  .file = rule->file,
					  .line = rule->line };
		/* the words speak of a lasting fault, the code lets us come again: a switched-off relay, a full queue
		 */
		if (out->class == EVIDENCE_PERMANENT && is_temporary(answer)) {
			out->class = EVIDENCE_TEMPORARY;
			out->reaction = REACTION_RETRY;
		}
		return;
	}
	by_code(answer, out);
}
