/*
 * Domains in one comparable form, and the paths of the envelope.
 */
#include "address/address.h"

#include <idn2.h>
#include <string.h>

#include "address/lex.h"

#define LABEL_MAX 63
/* A U-label of 63 octets as an A-label has at most 59 code points of 4 octets. */
#define U_LABEL_MAX 240

/* clang-format off */
/*
 * The lower case of what a label may consist of. The underscore is no host name's (RFC 952), but
 * real senders use it and no reader takes it differently.
 */
static const char host_lower[256] = {
	0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
	0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
	0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, '-', 0, 0,
	'0', '1', '2', '3', '4', '5', '6', '7', '8', '9', 0, 0, 0, 0, 0, 0,
	0, 'a', 'b', 'c', 'd', 'e', 'f', 'g', 'h', 'i', 'j', 'k', 'l', 'm', 'n', 'o',
	'p', 'q', 'r', 's', 't', 'u', 'v', 'w', 'x', 'y', 'z', 0, 0, 0, 0, '_',
	0, 'a', 'b', 'c', 'd', 'e', 'f', 'g', 'h', 'i', 'j', 'k', 'l', 'm', 'n', 'o',
	'p', 'q', 'r', 's', 't', 'u', 'v', 'w', 'x', 'y', 'z', 0, 0, 0, 0, 0,
};
/* clang-format on */

static bool is_high(char c)
{
	return (unsigned char)c >= 0x80;
}

/*
 * Writes a U-label's A-label, at most LABEL_MAX octets and a NUL. IDNA2008 alone (RFC 5891 5): with
 * IDN2_NO_TR46 nothing is mapped or normalised, so what readers would have to repair is refused.
 * ASCII letters must be lower-case already.
 */
static int u_label_encode(const char *label, char *out)
{
	uint8_t *encoded = NULL;
	size_t len;
	int rc = -1;

	if (idn2_lookup_u8((const uint8_t *)label, &encoded, IDN2_NO_TR46) != IDN2_OK || !encoded)
		return -1;
	len = strlen((const char *)encoded);
	if (len <= LABEL_MAX && !strncmp((const char *)encoded, "xn--", 4)) {
		memcpy(out, encoded, len + 1);
		rc = 0;
	}
	idn2_free(encoded);
	return rc;
}

/* libidn2 2.3 lets a U-label begin or end with a hyphen; RFC 5891 4.2.3.1 does not. */
static bool hyphen_at_edge(const char *label, size_t len)
{
	return label[0] == '-' || label[len - 1] == '-';
}

/* An A-label is genuine when its U-label leads back to it (RFC 5891 5.4). */
static int a_label_check(const char *label, size_t len)
{
	char ascii[LABEL_MAX + 1];
	char again[LABEL_MAX + 1];
	char *u_label = NULL;
	int rc = -1;

	memcpy(ascii, label, len);
	ascii[len] = '\0';
	if (idn2_to_unicode_8z8z(ascii, &u_label, IDN2_NO_TR46) != IDN2_OK || !u_label)
		return -1;
	if (*u_label && strcmp(u_label, ascii) != 0 && !hyphen_at_edge(u_label, strlen(u_label)) &&
	    !u_label_encode(u_label, again) && !strcmp(again, ascii))
		rc = 0;
	idn2_free(u_label);
	return rc;
}

/* Appends the A-label of a label with non-ASCII octets; its length, or 0. */
static size_t u_label_append(const char *from, size_t len, char *out, size_t room)
{
	char label[U_LABEL_MAX + 1];
	char encoded[LABEL_MAX + 1];
	size_t used;

	if (len > U_LABEL_MAX || hyphen_at_edge(from, len))
		return 0;
	for (size_t i = 0; i < len; i++) {
		label[i] = from[i];
		/* "Muller" with an umlaut: folding the M is what every reader does. */
		if (!is_high(from[i]))
			label[i] = host_lower[(unsigned char)from[i]];
		if (!label[i])
			return 0;
	}
	label[len] = '\0';
	if (u_label_encode(label, encoded))
		return 0;
	used = strlen(encoded);
	if (used > room)
		return 0;
	memcpy(out, encoded, used);
	return used;
}

/*
 * Appends the first label in comparable form; its length, or 0. `taken`: its octets in `from`.
 * An ASCII label, which is nearly every one, is read once and needs no library.
 */
static size_t label_append(const char *from, size_t len, char *out, size_t room, size_t *taken)
{
	size_t most = len < room ? len : room;
	size_t i = 0;
	char c;

	while (i < most && (c = host_lower[(unsigned char)from[i]])) {
		out[i] = c;
		i++;
	}
	if (i < len && from[i] != '.') {
		const char *dot = memchr(from + i, '.', len - i);

		*taken = dot ? (size_t)(dot - from) : len;
		return is_high(from[i]) || i == room ? u_label_append(from, *taken, out, room) : 0;
	}
	*taken = i;
	if (!i || i > LABEL_MAX || hyphen_at_edge(out, i))
		return 0;
	if (i >= 4 && out[2] == '-' && out[3] == '-' && out[0] == 'x' && out[1] == 'n' && a_label_check(out, i))
		return 0;
	return i;
}

/* A last label of digits makes an IPv4 address of it, which no mail domain is (RFC 3696 2). */
static bool all_digits(const char *label)
{
	for (; *label; label++) {
		if (*label < '0' || *label > '9')
			return false;
	}
	return true;
}

int domain_canonical(const char *from, size_t len, domain_name out)
{
	size_t used = 0;

	out[0] = '\0';
	if (len && from[len - 1] == '.')
		len--;
	while (used < DOMAIN_MAX) {
		size_t taken;
		size_t added = label_append(from, len, out + used, DOMAIN_MAX - used, &taken);

		if (!added)
			break;
		used += added;
		if (taken == len) {
			out[used] = '\0';
			if (all_digits(out + used - added))
				break;
			return 0;
		}
		if (used < DOMAIN_MAX)
			out[used++] = '.';
		from += taken + 1;
		len -= taken + 1;
	}
	out[0] = '\0';
	return -1;
}

bool domain_is_below(const char *name, const char *parent)
{
	size_t len = strlen(name);
	size_t tail = strlen(parent);

	if (!tail || len < tail || memcmp(name + len - tail, parent, tail) != 0)
		return false;
	return len == tail || name[len - tail - 1] == '.';
}

/* The local part at the start of a path; 0 when there is none. */
static size_t path_local(const char *at, size_t len)
{
	return len && at[0] == '"' ? lex_quoted(at, len) : lex_atoms(at, len);
}

void mail_path_clear(struct mail_path *path)
{
	path->null = false;
	path->local = (struct span){ "", 0 };
	path->domain[0] = '\0';
}

int mail_path_parse(const char *from, size_t len, struct mail_path *out)
{
	size_t local;

	mail_path_clear(out);
	if (len && from[0] == '<') {
		if (from[len - 1] != '>')
			return -1;
		from++;
		len -= 2;
	}
	if (!len) {
		out->null = true;
		return 0;
	}
	local = path_local(from, len);
	out->local.at = from;
	out->local.len = local;
	if (lex_local_ok(out->local, false) &&
	    (local == len || (from[local] == '@' && !domain_canonical(from + local + 1, len - local - 1, out->domain))))
		return 0;
	mail_path_clear(out);
	return -1;
}
