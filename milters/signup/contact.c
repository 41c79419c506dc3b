/*
 * One form for all ways to write a recipient (contact.h).
 */
#include "milters/signup/contact.h"

/* Domains whose local parts have dots that do not count, and what the domain is then. */
static const struct {
	const char *domain, *same_as;
} dotless[] = {
	{ "gmail.com", "gmail.com" },
	{ "googlemail.com", "gmail.com" },
};

/* Up to a tag. A local part that begins with "+", or is quoted, has none. */
static size_t length_without_tag(struct span local)
{
	if (local.len == 0 || local.at[0] == '"')
		return local.len;
	for (size_t i = 1; i < local.len; i++)
		if (local.at[i] == '+')
			return i;
	return local.len;
}

void contact_fold(struct span local, const char *domain, struct text *out)
{
	size_t len = length_without_tag(local);
	bool has_dots = true;

	for (size_t i = 0; i < sizeof(dotless) / sizeof(*dotless); i++) {
		if (strcmp(domain, dotless[i].domain) != 0)
			continue;
		has_dots = false;
		domain = dotless[i].same_as;
		break;
	}
	for (size_t i = 0; i < len; i++)
		if (has_dots || local.at[i] != '.')
			text_char(out, ascii_lower(local.at[i]));
	text_char(out, '@');
	text_str(out, domain);
}
