/*
 * One form for all ways to write a recipient (contact.h).
 */
#include "contact.h"

/*
 * Quotes and backslashes are no part of the mailbox's name (RFC 5321 4.1.2): else each letter could be written in two
 * ways. A local part that begins with "+" has no tag.
 */
static void put(struct span local, const char *domain, bool with_dots, struct text *out)
{
	size_t letters = 0;

	for (size_t i = 0; i < local.len; i++) {
		if (local.at[i] == '"')
			continue;
		if (local.at[i] == '\\' && i + 1 < local.len)
			i++;
		if (local.at[i] == '+' && letters > 0)
			break;
		letters++;
		if (with_dots || local.at[i] != '.')
			text_char(out, ascii_lower(local.at[i]));
	}
	text_char(out, '@');
	text_str(out, domain);
}

/* Both names lead to the same boxes. */
static const char *domain_of_boxes(const char *domain)
{
	return strcmp(domain, "googlemail.com") != 0 ? domain : "gmail.com";
}

void contact_fold(struct span local, const char *domain, struct text *out)
{
	put(local, domain_of_boxes(domain), true, out);
}

void contact_box(struct span local, const char *domain, struct text *out)
{
	domain = domain_of_boxes(domain);
	put(local, domain, strcmp(domain, "gmail.com") != 0, out);
}
