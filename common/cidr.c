/*
 * Networks of clients (cidr.h). IPv4 lives inside ::ffff:0:0/96, so there is one comparison; but ::/0
 * means all of IPv6 to an admin who writes it, so a network of IPv6 never holds an IPv4 client.
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#include "cidr.h"
#include "text.h"

static const uint8_t mapped[12] = { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff };

static const char no_address[] = "is no network; write 192.0.2.0/24, 2001:db8::/32 or a single address";
static const char no_bits[] = "has no prefix length after the slash; allowed: 0 to 32 for IPv4, 0 to 128 for IPv6";

/* `out` gets 16 bytes; the family, or AF_UNSPEC. */
static int read_address(const char *from, size_t len, uint8_t out[16])
{
	char buffer[INET6_ADDRSTRLEN];

	if (len >= sizeof(buffer))
		return AF_UNSPEC;
	memcpy(buffer, from, len);
	buffer[len] = '\0';
	if (inet_pton(AF_INET, buffer, out + 12) == 1) {
		memcpy(out, mapped, sizeof(mapped));
		return AF_INET;
	}
	return inet_pton(AF_INET6, buffer, out) == 1 ? AF_INET6 : AF_UNSPEC;
}

/* Digits without a leading zero, at most `max`; -1 for anything else. */
static int read_bits(const char *from, int max)
{
	int bits = 0;

	if (from[0] == '\0' || (from[0] == '0' && from[1] != '\0'))
		return -1;
	for (; *from; from++) {
		if (*from < '0' || *from > '9')
			return -1;
		bits = bits * 10 + (*from - '0');
		if (bits > max)
			return -1;
	}
	return bits;
}

/* The bits of byte `i` that belong to the network. */
static uint8_t byte_mask(unsigned bits, unsigned i)
{
	if (bits >= 8 * (i + 1))
		return 0xff;
	if (bits <= 8 * i)
		return 0;
	return (uint8_t)((0xff00u >> (bits - 8 * i)) & 0xff);
}

static bool clear_host_bits(struct cidr *net)
{
	bool cleared = false;

	for (unsigned i = 0; i < 16; i++) {
		uint8_t kept = net->address[i] & byte_mask(net->bits, i);

		cleared = cleared || kept != net->address[i];
		net->address[i] = kept;
	}
	return cleared;
}

static const char *right_network(const struct cidr *net, int family)
{
	static _Thread_local char sentence[160];
	char address[INET6_ADDRSTRLEN];
	struct text text;

	inet_ntop(family, family == AF_INET ? net->address + 12 : net->address, address, sizeof(address));
	text_init(&text, sentence, sizeof(sentence));
	text_str(&text, "is an address inside a network, not a network; write ");
	text_str(&text, address);
	text_char(&text, '/');
	text_u64(&text, family == AF_INET ? net->bits - 96u : net->bits);
	text_str(&text, ", or the address without a slash");
	return sentence;
}

int cidr_parse(const char *from, struct cidr *out, const char **why)
{
	const char *slash = strchr(from, '/');
	size_t len = slash ? (size_t)(slash - from) : strlen(from);
	struct cidr net;
	int family = read_address(from, len, net.address);
	int width = family == AF_INET ? 32 : 128;
	int bits = slash ? read_bits(slash + 1, width) : width;

	if (family == AF_UNSPEC || bits < 0) {
		*why = family == AF_UNSPEC ? no_address : no_bits;
		return -1;
	}
	net.bits = (uint8_t)(bits + 128 - width);
	if (clear_host_bits(&net)) {
		*why = right_network(&net, family);
		return -1;
	}
	*out = net;
	return 0;
}

/* The client's address in 16 bytes; false for a family that has none. */
static bool address_bytes(const struct sockaddr *address, uint8_t out[16])
{
	if (!address)
		return false;
	if (address->sa_family == AF_INET) {
		const struct sockaddr_in *in = (const void *)address;

		memcpy(out, mapped, sizeof(mapped));
		memcpy(out + 12, &in->sin_addr, 4);
		return true;
	}
	if (address->sa_family == AF_INET6) {
		const struct sockaddr_in6 *in6 = (const void *)address;

		memcpy(out, &in6->sin6_addr, 16);
		return true;
	}
	return false;
}

static bool is_ipv4(const uint8_t address[16])
{
	return memcmp(address, mapped, sizeof(mapped)) == 0;
}

bool cidr_has(const struct cidr *net, const struct sockaddr *address)
{
	uint8_t client[16];

	if (!address_bytes(address, client))
		return false;
	if (is_ipv4(client) && net->bits < 96)
		return false;
	for (unsigned i = 0; i < 16 && net->bits > 8 * i; i++) {
		if ((client[i] & byte_mask(net->bits, i)) != net->address[i])
			return false;
	}
	return true;
}

bool address_is_loopback(const struct sockaddr *address)
{
	static const uint8_t one[16] = { [15] = 1 };
	uint8_t client[16];

	if (!address_bytes(address, client))
		return false;
	return is_ipv4(client) ? client[12] == 127 : memcmp(client, one, sizeof(one)) == 0;
}
