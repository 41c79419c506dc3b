/*
 * One form for all ways to write a recipient (contact.h).
 */
#include "contact.h"

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

static void put(struct span local, const char *domain, bool with_dots, struct text *out)
{
	size_t len = length_without_tag(local);

	for (size_t i = 0; i < len; i++)
		if (with_dots || local.at[i] != '.')
			text_char(out, ascii_lower(local.at[i]));
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
