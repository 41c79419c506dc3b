/*
 * Complaints: ARF (RFC 5965) as most send it, Microsoft's JMRP in its two forms, SpamCop's letters. A DMARC failure
 * report comes in the same coat and is none.
 */
#include <string.h>
#include <strings.h>

#include "bounce/inner.h"

static const struct evidence complaint = { .class = EVIDENCE_COMPLAINT,
					   .about = ABOUT_RECIPIENT,
					   .reaction = REACTION_ACCOUNT,
					   .by_words = true,
					   .rule = "feedback-report",
					   .source = "RFC 5965",
					   .file = "" };

static bool add_each(struct bounce *bounce, const char *value)
{
	struct span rest = span_of(value), address;
	const size_t before = bounce->count;

	while (address_find(rest, &address)) {
		const char *end = address.at + address.len;
		bounce_add(bounce, address, NULL, &complaint);
		rest = (struct span){ end, (size_t)(rest.at + rest.len - end) };
	}
	return bounce->count > before;
}

/* Who complained: the report's own word, else to whom our message was written. Providers may hide both. */
static void add_complaint(struct bounce *bounce, const struct fields *report)
{
	static const char *const original[] = { "X-HmXmrOriginalRecipient", "X-Original-To", "Delivered-To", "To",
						"Cc" };
	const char *const told[] = { "Original-Rcpt-To", "Removal-Recipient", "X-Original-Rcpt-To", "Final-Recipient" };
	bool found = false;

	for (size_t i = 0; report && i < sizeof(told) / sizeof(*told); i++)
		for (size_t j = 0; j < report->count; j++)
			if (strcasecmp(report->at[j].name, told[i]) == 0)
				found |= add_each(bounce, report->at[j].value);
	for (size_t i = 0; !found && i < sizeof(original) / sizeof(*original); i++)
		found = add_each(bounce, field_first(&bounce->view.original, original[i]));
	if (!found)
		bounce_add(bounce, (struct span){ "", 0 }, NULL, &complaint);
}

static bool is_complaint_type(const char *type)
{
	static const char *const others[] = { "auth-failure", "not-spam", "dmarc", "dkim" };

	for (size_t i = 0; i < sizeof(others) / sizeof(*others); i++)
		if (strcasecmp(type, others[i]) == 0)
			return false;
	return true;
}

static bool from_has(const struct bounce *bounce, const char *words)
{
	return has_words(span_of(field_first(&bounce->view.head, "From")), words);
}

static bool is_jmrp(const struct bounce *bounce)
{
	return field_first(&bounce->view.original, "X-HmXmrOriginalRecipient")[0] != '\0' ||
	       (from_has(bounce, "staff@hotmail.com") &&
		has_words(span_of(field_first(&bounce->view.head, "Subject")), "complaint"));
}

static bool is_spamcop(const struct bounce *bounce)
{
	return from_has(bounce, "reports.spamcop.net") ||
	       field_first(&bounce->view.head, "X-SpamCop-sourceip")[0] != '\0' ||
	       has_words(span_of(field_first(&bounce->view.head, "Subject")), "[SpamCop (");
}

/* The message that is complained about stands in the letter, from its first Received or Return-Path on. */
static void take_inline(struct bounce *bounce)
{
	static const char *const begins[] = { "\nReturn-Path:", "\nReceived:", "\nX-HmXmrOriginalRecipient:",
					      "\nFrom:" };
	const struct span prose = bounce->view.prose;

	for (size_t i = 0; bounce->view.original.count == 0 && i < sizeof(begins) / sizeof(*begins); i++) {
		const char *at = memmem(prose.at, prose.len, begins[i], strlen(begins[i]));
		if (at)
			fields_read(&bounce->arena, at + 1, (size_t)(prose.at + prose.len - at - 1),
				    &bounce->view.original);
	}
}

bool feedback_read(struct bounce *bounce)
{
	const struct span text = bounce->view.feedback;
	struct fields report = { .count = 0 };

	if (text.len > 0) {
		for (size_t at = 0; at < text.len;)
			at += fields_read(&bounce->arena, text.at + at, text.len - at, &report);
		if (!bounce->view.has_original)
			take_inline(bounce);
		if (is_complaint_type(field_first(&report, "Feedback-Type")))
			add_complaint(bounce, &report);
		return true;
	}
	if (is_spamcop(bounce)) {
		take_inline(bounce);
		add_complaint(bounce, NULL);
		return true;
	}
	if (!bounce->view.has_original && from_has(bounce, "staff@hotmail.com"))
		take_inline(bounce);
	if (is_jmrp(bounce)) {
		add_complaint(bounce, NULL);
		return true;
	}
	return false;
}
