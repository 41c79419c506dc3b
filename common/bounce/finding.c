/*
 * What a report finds out: answers judged, recipients collected.
 */
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "bounce/inner.h"

static bool has_code(const struct enhanced_code *code)
{
	return code->class != 0;
}

void bounce_judge(const struct bounce *bounce, struct span text, const struct enhanced_code *status,
		  struct evidence *out, struct enhanced_code *said)
{
	struct evidence_answer answer;

	evidence_answer_parse(text.at, text.len, &answer);
	if (!has_code(&answer.enhanced) && status && has_code(status) &&
	    (answer.code == 0 || answer.code / 100 == status->class))
		answer.enhanced = *status;
	evidence_classify(bounce->table, &answer, out);
	/* a report is about what was tried: our own MTA's waiting is over, or it tells of it as a delay */
	if (out->class == EVIDENCE_LOCAL)
		out->class = EVIDENCE_TEMPORARY;
	*said = answer.enhanced;
}

static const char *status_text(struct bounce *bounce, const struct enhanced_code *status)
{
	char text[24];

	if (!status || !has_code(status))
		return "";
	const int len = snprintf(text, sizeof(text), "%u.%u.%u", status->class, status->subject, status->detail);
	const char *copy = arena_copy(&bounce->arena, text, (size_t)len);
	return copy ? copy : "";
}

void bounce_add(struct bounce *bounce, struct span address, const struct enhanced_code *status,
		const struct evidence *evidence)
{
	for (size_t i = 0; i < bounce->count; i++) {
		struct bounce_recipient *known = &bounce->at[i];

		if (strlen(known->address) != address.len || strncasecmp(known->address, address.at, address.len) != 0)
			continue;
		/* the same recipient by another way: what words said is worth more than codes */
		if (!known->evidence.by_words && evidence->by_words) {
			known->evidence = *evidence;
			known->status = status_text(bounce, status);
		}
		return;
	}
	if (bounce->count == BOUNCE_RECIPIENTS)
		return;
	const char *copy = arena_copy(&bounce->arena, address.at, address.len);
	if (copy)
		bounce->at[bounce->count++] = (struct bounce_recipient){ copy, status_text(bounce, status), *evidence };
}
