/*
 * Domain names as the DNS has them, as people write them, and as keys of tables (dns/name.h).
 */
#include <string.h>

#include "dns/name.h"
#include "hash.h"
#include "text.h"

#define LABEL_MAX 63
#define POINTERS_MAX 127 /* as many as a name may have labels: more would only cost time */

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* What stands behind a backslash, RFC 1035 5.1. Moves `at` behind it; -1: it is no escape. */
static int escape_read(const char **at)
{
	const char *from = *at;
	int octet;

	if (!is_digit(from[0])) {
		*at = from + (from[0] != '\0');
		return from[0] != '\0' ? (unsigned char)from[0] : -1;
	}
	if (!is_digit(from[1]) || !is_digit(from[2]))
		return -1;
	octet = (from[0] - '0') * 100 + (from[1] - '0') * 10 + from[2] - '0';
	*at = from + 3;
	return octet <= 255 ? octet : -1;
}

bool dns_name_parse(struct dns_name *name, const char *text)
{
	size_t label = 0, len = 1; /* where the label's length stands; octets so far */

	for (name->len = 0;;) {
		int octet = (unsigned char)*text++;

		if (octet == '.' || octet == '\0') {
			if (len - label - 1 < 1 || len - label - 1 > LABEL_MAX || len >= DNS_WIRE_MAX)
				return false;
			name->wire[label] = (uint8_t)(len - label - 1);
			label = len++;
			if (octet == '.')
				continue;
			name->wire[label] = 0;
			name->len = (uint8_t)len;
			return true;
		}
		if (octet == '\\')
			octet = escape_read(&text);
		/* Beyond ASCII: no name has it, its A-label is asked for (RFC 5890); as octets it would be another
		 * name. */
		if (octet < 0 || octet > 0x7f || len >= DNS_WIRE_MAX - 1)
			return false;
		name->wire[len++] = (uint8_t)ascii_lower((char)octet);
	}
}

size_t dns_name_read(struct dns_name *name, const uint8_t *message, size_t len, size_t at)
{
	size_t end = 0, bound = at, used = 0, pointers = 0;

	for (name->len = 0; at < len;) {
		const size_t octets = message[at];

		if (octets >= 0xc0) {
			if (at + 1 >= len || pointers++ >= POINTERS_MAX)
				return 0;
			if (end == 0)
				end = at + 2;
			at = (octets & 0x3f) << 8 | message[at + 1];
			/* each pointer leads further back, or it could lead round in a circle */
			if (at >= bound)
				return 0;
			bound = at;
			continue;
		}
		if (octets > LABEL_MAX || at + 1 + octets > len || used + 1 + octets > DNS_WIRE_MAX)
			return 0;
		memcpy(name->wire + used, message + at, 1 + octets);
		used += 1 + octets;
		at += 1 + octets;
		if (octets == 0) {
			name->len = (uint8_t)used;
			return end ? end : at;
		}
	}
	return 0;
}

size_t dns_name_skip(const uint8_t *message, size_t len, size_t at)
{
	while (at < len) {
		const size_t octets = message[at];

		if (octets >= 0xc0)
			return at + 2 <= len ? at + 2 : 0;
		at += 1 + octets;
		if (octets > LABEL_MAX || at > len)
			return 0;
		if (octets == 0)
			return at;
	}
	return 0;
}

bool dns_name_same(const struct dns_name *a, const struct dns_name *b)
{
	if (a->len != b->len)
		return false;
	/* the lengths of labels are no letters: at most 63 */
	for (size_t i = 0; i < a->len; i++)
		if (ascii_lower((char)a->wire[i]) != ascii_lower((char)b->wire[i]))
			return false;
	return true;
}

static size_t octet_text(uint8_t octet, char *to)
{
	if (octet > ' ' && octet <= '~' && octet != '.' && octet != '\\') {
		to[0] = (char)octet;
		return 1;
	}
	to[0] = '\\';
	if (octet == '.' || octet == '\\') {
		to[1] = (char)octet;
		return 2;
	}
	to[1] = (char)('0' + octet / 100);
	to[2] = (char)('0' + octet / 10 % 10);
	to[3] = (char)('0' + octet % 10);
	return 4;
}

size_t dns_name_text(const struct dns_name *name, char text[DNS_TEXT_SIZE])
{
	size_t used = 0;

	for (size_t at = 0; at < name->len && name->wire[at] > 0; at += 1U + name->wire[at]) {
		if (at > 0)
			text[used++] = '.';
		for (size_t i = 1; i <= name->wire[at]; i++)
			used += octet_text(name->wire[at + i], text + used);
	}
	text[used] = '\0';
	return used;
}

bool dns_key_make(struct dns_key *key, enum dns_type type, const char *text)
{
	if (!dns_name_parse(&key->name, text))
		return false;
	key->type = type;
	key->hash = hash_bytes(key->name.wire, key->name.len) ^ (uint64_t)type << 59;
	return true;
}
