/*
 * The grammar of the panel's files (directory/line.h).
 */
#include <string.h>

#include "directory/line.h"

#define ACCOUNT_MAX 64

static bool is_letter_or_digit(char c)
{
	return (unsigned)(c - 'a') < 26 || (unsigned)(c - '0') < 10;
}

static struct span trimmed(const char *from, const char *end)
{
	while (from < end && (*from == ' ' || *from == '\t' || *from == '\r'))
		from++;
	while (end > from && (end[-1] == ' ' || end[-1] == '\t' || end[-1] == '\r'))
		end--;
	return (struct span){ from, (size_t)(end - from) };
}

/*
 * The form that nearly all lines have: letters, digits and inner hyphens. False says nothing:
 * domain_canonical() judges what is left, A-labels and U-labels among it.
 */
static bool domain_plain(struct span from, domain_name out)
{
	size_t label = 0; /* where it begins */
	size_t dots = 0;
	bool letter = false;

	if (from.len == 0 || from.len > DOMAIN_MAX)
		return false;
	for (size_t i = 0; i < from.len; i++) {
		char c = ascii_lower(from.at[i]);

		out[i] = c;
		if (is_letter_or_digit(c)) {
			letter |= c > '9';
			continue;
		}
		/* no label begins or ends with a hyphen, or has two of them in the place of xn-- */
		if (c == '-' && i > label && i != label + 3 && i + 1 < from.len && from.at[i + 1] != '.')
			continue;
		if (c != '.' || i == label || i - label > 63)
			return false;
		label = i + 1;
		letter = false;
		dots++;
	}
	out[from.len] = '\0';
	return from.len > label && from.len - label <= 63 && dots > 0 && letter;
}

static bool domain_read(struct span from, domain_name out)
{
	return domain_plain(from, out) || domain_canonical(from.at, from.len, out) == 0;
}

/* `local@domain` or `domain`, brought into the form of the keys. The length, 0 for neither. */
static size_t name_read(struct span from, char out[OWNER_NAME_MAX + 1])
{
	const char *at = memrchr(from.at, '@', from.len);
	size_t local = at ? (size_t)(at - from.at) : 0;
	domain_name domain;
	size_t len;

	if (!at)
		return domain_read(from, out) ? strlen(out) : 0;
	if (local == 0 || local > 64 || !domain_read((struct span){ at + 1, from.len - local - 1 }, domain))
		return 0;
	for (size_t i = 0; i < local; i++) {
		if (from.at[i] <= ' ' || from.at[i] > '~' || from.at[i] == '"' || from.at[i] == '@')
			return 0;
		out[i] = ascii_lower(from.at[i]);
	}
	len = strlen(domain);
	out[local] = '@';
	memcpy(out + local + 1, domain, len + 1);
	return local + 1 + len;
}

static bool account_read(struct span from, char out[OWNER_ACCOUNT_MAX + 1])
{
	const char *at = memchr(from.at, '@', from.len);

	if (from.len == 0 || from.len > (at ? OWNER_ACCOUNT_MAX : ACCOUNT_MAX))
		return false;
	if (at && (at == from.at || at == from.at + from.len - 1))
		return false;
	for (size_t i = 0; i < from.len; i++) {
		char c = from.at[i];

		if (!is_letter_or_digit(ascii_lower(c)) && c != '.' && c != '_' && c != '-' && c != '+' &&
		    (c != '@' || from.at + i != at))
			return false;
		out[i] = c;
	}
	out[from.len] = '\0';
	return true;
}

static const char *wrong(struct owner_words *out, struct span what, const char *why)
{
	out->wrong = what;
	return why;
}

const char *owner_line_read(const char *from, const char *end, struct owner_words *out)
{
	const char *comment = memchr(from, '#', (size_t)(end - from));
	struct span line = trimmed(from, comment ? comment : end), left, right;
	const char *colon = line.len ? memchr(line.at, ':', line.len) : NULL;
	size_t len;

	out->name_len = 0;
	if (line.len == 0)
		return NULL;
	if (!colon)
		return wrong(out, line, "is no line `domain: account`: it has no colon");
	left = trimmed(line.at, colon);
	right = trimmed(colon + 1, line.at + line.len);
	/* cPanel's last line, `*: nobody`: who gets what nobody owns */
	if (left.len == 1 && left.at[0] == '*')
		return NULL;
	len = name_read(left, out->name);
	if (len == 0)
		return wrong(out, left, "is neither a domain nor a login user@domain");
	if (!account_read(right, out->account))
		return wrong(out, right, "is no account: 1 to 64 letters, digits and ._-+, or an address");
	out->name_len = len;
	return NULL;
}
