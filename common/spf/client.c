/*
 * The client's address (client.h).
 */
#include "spf/client.h"

#include <arpa/inet.h>
#include <string.h>

#include "text.h"

/* Upper case, as RFC 7208's test suite has it; the DNS does not care. */
static const char nibbles[] = "0123456789ABCDEF";

/* Of each evaluation, and inet_ntop() goes by way of sprintf(). */
static void write_ipv4(const struct spf_client *client, char *to, size_t size)
{
	struct text text;

	text_init(&text, to, size);
	for (unsigned i = 0; i < 4; i++) {
		if (i > 0)
			text_char(&text, '.');
		text_u64(&text, client->address[i]);
	}
}

static void write_forms(struct spf_client *client)
{
	char *to = client->dotted;

	if (!client->ipv6) {
		write_ipv4(client, client->pretty, sizeof(client->pretty));
		write_ipv4(client, client->dotted, sizeof(client->dotted));
		return;
	}
	inet_ntop(AF_INET6, client->address, client->pretty, sizeof(client->pretty));
	for (unsigned i = 0; i < 16; i++) {
		*to++ = nibbles[client->address[i] >> 4];
		*to++ = '.';
		*to++ = nibbles[client->address[i] & 15];
		*to++ = '.';
	}
	to[-1] = '\0';
}

bool spf_client_read(struct spf_client *client, const struct sockaddr *address)
{
	const struct sockaddr_in *in = (const void *)address;
	const struct sockaddr_in6 *in6 = (const void *)address;

	if (!address || (address->sa_family != AF_INET && address->sa_family != AF_INET6))
		return false;
	client->ipv6 = address->sa_family == AF_INET6 && !IN6_IS_ADDR_V4MAPPED(&in6->sin6_addr);
	if (client->ipv6)
		memcpy(client->address, &in6->sin6_addr, 16);
	else if (address->sa_family == AF_INET6)
		memcpy(client->address, in6->sin6_addr.s6_addr + 12, 4);
	else
		memcpy(client->address, &in->sin_addr, 4);
	write_forms(client);
	return true;
}

bool spf_client_in(const struct spf_client *client, const void *network, unsigned bits)
{
	const uint8_t *other = network;
	unsigned whole = bits / 8, rest = bits % 8;

	if (memcmp(client->address, other, whole) != 0)
		return false;
	return !rest || !((client->address[whole] ^ other[whole]) >> (8 - rest));
}

void spf_client_reverse_name(const struct spf_client *client, char name[SPF_REVERSE_NAME])
{
	struct text text;

	text_init(&text, name, SPF_REVERSE_NAME);
	if (client->ipv6) {
		for (size_t i = strlen(client->dotted); i > 0; i--)
			text_char(&text, ascii_lower(client->dotted[i - 1]));
		text_str(&text, ".ip6.arpa");
		return;
	}
	for (unsigned i = 4; i > 0; i--) {
		text_u64(&text, client->address[i - 1]);
		text_char(&text, '.');
	}
	text_str(&text, "in-addr.arpa");
}
