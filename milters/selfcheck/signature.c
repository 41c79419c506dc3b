/*
 * DKIM-Signature fields (signature.h).
 */
#include "milters/selfcheck/signature.h"

#include <string.h>

#include "address/address.h"
#include "org_domain.h"

/* FWS stands around the name and the value of a tag, RFC 6376 3.2. */
static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static struct span trim(struct span text)
{
	while (text.len > 0 && is_blank(text.at[0])) {
		text.at++;
		text.len--;
	}
	while (text.len > 0 && is_blank(text.at[text.len - 1]))
		text.len--;
	return text;
}

static struct span cut(struct span *rest, char end)
{
	const char *at = memchr(rest->at, end, rest->len);
	const struct span part = { rest->at, at ? (size_t)(at - rest->at) : rest->len };

	rest->at += part.len + (at != NULL);
	rest->len -= part.len + (at != NULL);
	return part;
}

bool signature_is_of(struct span field, const char *domain)
{
	while (field.len > 0) {
		struct span tag = cut(&field, ';');
		const struct span name = trim(cut(&tag, '=')), value = trim(tag);
		domain_name signer;

		if (name.len == 1 && name.at[0] == 'd')
			return domain_canonical(value.at, value.len, signer) == 0 &&
			       !strcmp(org_domain(signer), org_domain(domain));
	}
	return false;
}
