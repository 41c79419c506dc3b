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

/*
 * Where the fields give codes alone, the text for people may say more; all of it only where the codes are empty of
 * meaning (5.0.0), for there is boilerplate in it. And where it says that the mailbox is full, nobody is dead: the more
 * harmless of two stories is believed.
 */
static void ask_prose(struct bounce *bounce, struct span address, const struct enhanced_code *code,
		      struct evidence *evidence)
{
	struct enhanced_code ignored;
	struct evidence other;
	bool alone;
	const struct span prose = prose_about(bounce, address, &alone);
	const bool is_dead = evidence->class == EVIDENCE_DEAD || evidence->class == EVIDENCE_DISABLED;

	if (evidence->by_words && !is_dead)
		return;
	prose_judge(bounce, prose, code, &other, &ignored);
	if (is_dead && other.by_words && other.class == EVIDENCE_FULL && bounce->count == 0)
		*evidence = other;
	else if (!evidence->by_words && other.by_words && (alone || code->detail == 0 || evidence->rule[0] == '\0'))
		*evidence = other;
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
	ask_prose(bounce, address, said.class > 0 ? &said : &status, &evidence);
	if (strcasecmp(action, "delivered") == 0 || strcasecmp(action, "relayed") == 0 ||
	    strcasecmp(action, "expanded") == 0)
		evidence = (struct evidence){ .class = EVIDENCE_DELIVERED, .rule = "", .source = "", .file = "" };
	bounce_add(bounce, address, status.class > 0 ? &status : &said, &evidence);
}

static bool is_named(const struct field *field, const char *name)
{
	return strcasecmp(field->name, name) == 0;
}

/* Some forget the empty line between two recipients: what comes again begins a new one. */
static void read_groups(struct bounce *bounce, const struct fields *fields)
{
	struct fields group = { .count = 0 };

	for (size_t i = 0; i < fields->count; i++) {
		const struct field *field = &fields->at[i];

		if ((is_named(field, "Final-Recipient") || is_named(field, "Original-Recipient")) &&
		    field_first(&group, field->name)[0] != '\0') {
			read_group(bounce, &group);
			group.count = 0;
		}
		group.at[group.count++] = *field;
	}
	read_group(bounce, &group);
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
			read_groups(bounce, &fields);
	}
}
