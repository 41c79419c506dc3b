/*
 * From which network was a form filled in (visitor.h).
 */
#include "milters/signup/visitor.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#define V4_AT 12 /* in an IPv4-mapped address */

/* Whoever comes from these is a proxy of the host, or stands behind its own router. RFC 6890. */
static const struct {
	uint8_t bits, begin[16];
} not_visitors[] = {
	{ 104, { [10] = 0xff, 0xff, 0 } },	  /* 0.0.0.0/8 */
	{ 104, { [10] = 0xff, 0xff, 10 } },	  /* 10.0.0.0/8 */
	{ 106, { [10] = 0xff, 0xff, 100, 64 } },  /* 100.64.0.0/10 */
	{ 104, { [10] = 0xff, 0xff, 127 } },	  /* 127.0.0.0/8 */
	{ 112, { [10] = 0xff, 0xff, 169, 254 } }, /* 169.254.0.0/16 */
	{ 108, { [10] = 0xff, 0xff, 172, 16 } },  /* 172.16.0.0/12 */
	{ 112, { [10] = 0xff, 0xff, 192, 168 } }, /* 192.168.0.0/16 */
	{ 99, { [10] = 0xff, 0xff, 224 } },	  /* 224.0.0.0/3 */
	{ 127, { 0 } },				  /* ::, ::1 */
	{ 7, { 0xfc } },			  /* fc00::/7 */
	{ 10, { 0xfe, 0x80 } },			  /* fe80::/10 */
	{ 8, { 0xff } },			  /* ff00::/8 */
};

static void keep_bits(uint8_t address[16], unsigned bits)
{
	for (unsigned i = 0; i < 16; i++) {
		unsigned whole = bits > i * 8 ? bits - i * 8 : 0;

		if (whole < 8)
			address[i] &= (uint8_t)(0xff00u >> whole);
	}
}

static bool is_visitor(const uint8_t address[16])
{
	for (size_t i = 0; i < sizeof(not_visitors) / sizeof(*not_visitors); i++) {
		uint8_t begin[16];

		memcpy(begin, address, 16);
		keep_bits(begin, not_visitors[i].bits);
		if (!memcmp(begin, not_visitors[i].begin, 16))
			return false;
	}
	return true;
}

/* IPv4 as an IPv4-mapped address. */
static bool address_read(const char *from, uint8_t out[16])
{
	if (strchr(from, ':'))
		return inet_pton(AF_INET6, from, out) == 1;
	memset(out, 0, 16);
	out[10] = out[11] = 0xff;
	return inet_pton(AF_INET, from, out + V4_AT) == 1;
}

static bool is_v4(const uint8_t address[16])
{
	static const uint8_t mapped[V4_AT] = { [10] = 0xff, 0xff };

	return !memcmp(address, mapped, V4_AT);
}

static bool is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* The last word of the list behind " for "; a path has no blanks. */
static struct span last_address(struct span value)
{
	static const char sign[] = " for ";
	const char *list = memmem(value.at, value.len, sign, sizeof(sign) - 1);
	struct span word = { value.at + value.len, 0 };

	if (!list)
		return word;
	list += sizeof(sign) - 1;
	while (word.at > list && is_space(word.at[-1]))
		word.at--;
	for (; word.at > list && !is_space(word.at[-1]) && word.at[-1] != ','; word.len++)
		word.at--;
	return word;
}

bool visitor_network(struct span value, char out[VISITOR_SIZE])
{
	struct span word = last_address(value);
	char words[INET6_ADDRSTRLEN];
	uint8_t address[16];

	if (word.len == 0 || word.len >= sizeof(words))
		return false;
	memcpy(words, word.at, word.len);
	words[word.len] = '\0';
	if (!address_read(words, address) || !is_visitor(address))
		return false;
	keep_bits(address, is_v4(address) ? 96 + 24 : 48);
	if (!inet_ntop(is_v4(address) ? AF_INET : AF_INET6, is_v4(address) ? address + V4_AT : address, words,
		       sizeof(words)))
		return false;
	snprintf(out, VISITOR_SIZE, "%s/%d", words, is_v4(address) ? 24 : 48);
	return true;
}
