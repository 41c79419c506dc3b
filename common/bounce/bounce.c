/*
 * A mail about mail of ours: which kind it is, and whom it names (bounce.h).
 */
#include <stdio.h>
#include <stdlib.h>
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

/* ---- the whole --------------------------------------------------------------------------------- */

struct bounce *bounce_read(const struct evidence_table *table, const char *bytes, size_t len, const char **why)
{
	struct bounce *bounce = calloc(1, sizeof(*bounce));

	*why = "out of memory";
	if (!bounce)
		return NULL;
	/* what stands before the header, as mail readers keep it, would end the header at once */
	while (len > 0 && strchr(" \t\r\n", *bytes) && *bytes != '\0') {
		bytes++;
		len--;
	}
	arena_init(&bounce->arena, PARSE_BYTES);
	bounce->table = table;
	*why = view_read(&bounce->arena, bytes, len < BOUNCE_BYTES ? len : BOUNCE_BYTES, &bounce->view);
	if (*why) {
		bounce_free(&bounce);
		return NULL;
	}
	if (feedback_read(bounce))
		return bounce;
	if (bounce->view.status.len > 0)
		dsn_read(bounce, bounce->view.status);
	if (bounce->count == 0)
		prose_read(bounce);
	return bounce;
}

void bounce_free(struct bounce **bounce)
{
	if (*bounce)
		arena_free(&(*bounce)->arena);
	free(*bounce);
	*bounce = NULL;
}

size_t bounce_count(const struct bounce *bounce)
{
	return bounce->count;
}

const struct bounce_recipient *bounce_recipient(const struct bounce *bounce, size_t index)
{
	return &bounce->at[index];
}

const char *bounce_original(const struct bounce *bounce, const char *field)
{
	const char *value = field_last(&bounce->view.original, field);

	return value[0] != '\0' ? value : NULL;
}
