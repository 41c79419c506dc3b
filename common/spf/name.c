/*
 * Names of the DNS (name.h).
 */
#include "spf/name.h"

#include <string.h>
#include <strings.h>

#define LABEL_MAX 63

bool spf_name_exists(const char *name)
{
	size_t label = 0, len = 0;

	for (; name[len]; len++) {
		if (name[len] == '\\' || (unsigned char)name[len] >= 0x80)
			return false;
		if (name[len] != '.') {
			if (++label > LABEL_MAX)
				return false;
			continue;
		}
		if (!label)
			return false;
		label = 0;
	}
	return label && len <= DOMAIN_MAX;
}

bool spf_name_is_qualified(const char *name)
{
	return strchr(name, '.') != NULL;
}

void spf_name_finish(const char *from, size_t len, spf_name name)
{
	if (len && from[len - 1] == '.')
		len--;
	while (len > DOMAIN_MAX) {
		const char *dot = memchr(from, '.', len);
		size_t cut = dot ? (size_t)(dot - from) + 1 : len - DOMAIN_MAX - 1;

		from += cut;
		len -= cut;
		if (!dot)
			break;
	}
	for (size_t i = 0; i < len; i++)
		name[i] = from[i] ? from[i] : '\\'; /* no text can hold a NUL: a name that does not exist */
	name[len] = '\0';
}

static bool is_plain(struct span from, bool *ascii)
{
	*ascii = true;
	for (size_t i = 0; i < from.len; i++) {
		unsigned char c = (unsigned char)from.at[i];

		if (c <= ' ' || c == 0x7f || c == '[' || c == ']')
			return false;
		if (c >= 0x80)
			*ascii = false;
	}
	return true;
}

bool spf_name_of_domain(struct span from, spf_name name)
{
	domain_name canonical;
	bool ascii;

	name[0] = '\0';
	if (!is_plain(from, &ascii))
		return false;
	if (!ascii) {
		if (domain_canonical(from.at, from.len, canonical))
			return false;
		from = (struct span){ canonical, strlen(canonical) };
	}
	if (from.len && from.at[from.len - 1] == '.')
		from.len--;
	if (from.len > DOMAIN_MAX)
		return false;
	memcpy(name, from.at, from.len);
	name[from.len] = '\0';
	return spf_name_exists(name) && spf_name_is_qualified(name);
}

bool spf_name_is_below(const char *name, const char *parent)
{
	size_t len = strlen(name), tail = strlen(parent);

	if (!tail || len < tail || strcasecmp(name + len - tail, parent) != 0)
		return false;
	return len == tail || name[len - tail - 1] == '.';
}
