/*
 * The machine-readable part of a delivery report (RFC 3464): groups of fields, the first about the message.
 */
#include <string.h>
#include <strings.h>

#include "bounce/inner.h"

/* "rfc822; a@b", "smtp;550 ...": what stands behind the type. */
static struct span typed(const char *value)
{
	const char *semicolon = strchr(value, ';');

	if (semicolon && semicolon - value < 24 && !memchr(value, '@', (size_t)(semicolon - value)))
		value = semicolon + 1;
	while (*value == ' ')
		value++;
	return span_of(value);
}

static struct span recipient_of(const struct fields *fields)
{
	static const char *const names[] = { "Final-Recipient", "Original-Recipient", "X-Actual-Recipient" };
	struct span address;

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		if (address_find(typed(field_first(fields, names[i])), &address))
			return address;
	/* a local user has no domain */
	address = typed(field_first(fields, "Final-Recipient"));
	while (address.len > 0 && strchr("<>\" ", *address.at))
		address = (struct span){ address.at + 1, address.len - 1 };
	while (address.len > 0 && strchr("<>\" ", address.at[address.len - 1]))
		address.len--;
	return address.len < 320 ? address : (struct span){ "", 0 };
}

static void read_group(struct bounce *bounce, const struct fields *fields)
{
	const struct span address = recipient_of(fields);
	const char *action = field_first(fields, "Action");
	const struct span diagnostic = typed(field_first(fields, "Diagnostic-Code"));
	const struct span written = span_of(field_first(fields, "Status"));
	struct enhanced_code status, said;
	struct evidence evidence;

	if (address.len == 0 && written.len == 0)
		return;
	/* "5.1.1 (bad destination mailbox address)" */
	size_t len = 0;
	while (len < written.len && written.at[len] != ' ')
		len++;
	enhanced_code_parse(written.at, len, &status);
	bounce_judge(bounce, diagnostic, &status, &evidence, &said);
	if (!evidence.by_words) {
		struct evidence other;
		struct enhanced_code ignored;

		bounce_judge(bounce, prose_about(bounce, address), said.class > 0 ? &said : &status, &other, &ignored);
		if (other.by_words || (evidence.rule[0] == '\0' && other.rule[0] != '\0'))
			evidence = other;
	}
	if (strcasecmp(action, "delivered") == 0 || strcasecmp(action, "relayed") == 0 ||
	    strcasecmp(action, "expanded") == 0)
		evidence = (struct evidence){ .class = EVIDENCE_DELIVERED, .rule = "", .source = "", .file = "" };
	bounce_add(bounce, address, status.class > 0 ? &status : &said, &evidence);
}

void dsn_read(struct bounce *bounce, struct span text)
{
	size_t at = 0;

	while (at < text.len) {
		struct fields fields = { .count = 0 };

		at += fields_read(&bounce->arena, text.at + at, text.len - at, &fields);
		if (field_first(&fields, "Final-Recipient")[0] != '\0' ||
		    field_first(&fields, "Original-Recipient")[0] != '\0' ||
		    (field_first(&fields, "Action")[0] != '\0' && field_first(&fields, "Status")[0] != '\0'))
			read_group(bounce, &fields);
	}
}
