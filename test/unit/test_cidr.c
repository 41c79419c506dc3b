/*
 * Networks: what is a network, which clients are in it.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/un.h>

#include "cidr.h"

static const struct sockaddr *client(const char *text)
{
	static struct sockaddr_in in;
	static struct sockaddr_in6 in6;

	in = (struct sockaddr_in){ .sin_family = AF_INET };
	if (inet_pton(AF_INET, text, &in.sin_addr) == 1)
		return (const void *)&in;
	in6 = (struct sockaddr_in6){ .sin6_family = AF_INET6 };
	assert_int_equal(inet_pton(AF_INET6, text, &in6.sin6_addr), 1);
	return (const void *)&in6;
}

static void a_client_is_in_its_networks_only(void **state)
{
	static const struct {
		const char *net, *address;
		bool in;
	} rows[] = {
		{ "192.0.2.0/24", "192.0.2.0", true },
		{ "192.0.2.0/24", "192.0.2.255", true },
		{ "192.0.2.0/24", "192.0.3.0", false },
		{ "192.0.2.0/24", "::ffff:192.0.2.7", true },
		{ "192.0.2.128/25", "192.0.2.127", false },
		{ "192.0.2.1", "192.0.2.1", true },
		{ "192.0.2.1", "192.0.2.2", false },
		{ "0.0.0.0/0", "198.51.100.1", true },
		{ "0.0.0.0/0", "2001:db8::1", false },
		{ "0.0.0.0/0", "::1", false },
		{ "::/0", "2001:db8::1", true },
		{ "::/0", "192.0.2.1", false },
		{ "::/0", "::ffff:192.0.2.1", false },
		{ "::ffff:0.0.0.0/96", "192.0.2.1", true },
		{ "::ffff:192.0.2.0/120", "192.0.2.9", true },
		{ "::ffff:192.0.2.0/120", "192.0.3.9", false },
		{ "2001:db8::/32", "2001:db8:ffff::1", true },
		{ "2001:db8::/32", "2001:db9::1", false },
		{ "2001:db8::/33", "2001:db8:8000::", false },
		{ "2001:db8::1", "2001:db8::1", true },
		{ "2001:db8::1/128", "2001:db8::2", false },
		{ "::1", "127.0.0.1", false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const char *why = NULL;
		struct cidr net;

		if (cidr_parse(rows[i].net, &net, &why) != 0)
			fail_msg("%s %s", rows[i].net, why);
		if (cidr_has(&net, client(rows[i].address)) != rows[i].in)
			fail_msg("%s in %s: %d expected", rows[i].address, rows[i].net, rows[i].in);
	}
}

static void what_is_no_network_is_refused(void **state)
{
	static const char *const rows[] = {
		"",
		"/",
		"/24",
		"192.0.2.0/",
		"192.0.2.0/33",
		"192.0.2.0/-1",
		"192.0.2.0/024",
		"192.0.2.0/24 ",
		" 192.0.2.0/24",
		"192.0.2/24",
		"192.0.2.00/24",
		"192.0.2.0/2x",
		"192.0.2.0/24/24",
		"::/129",
		"::/99999999999",
		"fe80::1%eth0",
		"[::1]",
		"localhost",
		"2001:db8:::/32",
		"1111:2222:3333:4444:5555:6666:7777:8888:9999:aaaa:bbbb:cccc",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const char *why = NULL;
		struct cidr net;

		if (cidr_parse(rows[i], &net, &why) == 0)
			fail_msg("'%s' is a network", rows[i]);
		assert_non_null(why);
	}
}

static void host_bits_are_refused_with_the_right_network(void **state)
{
	static const struct {
		const char *from, *network;
	} rows[] = {
		{ "192.0.2.1/24", " 192.0.2.0/24," },
		{ "10.1.2.3/8", " 10.0.0.0/8," },
		{ "10.1.2.3/0", " 0.0.0.0/0," },
		{ "2001:db8::1/32", " 2001:db8::/32," },
		{ "2001:db8:8000::/32", " 2001:db8::/32," },
		{ "::ffff:192.0.2.1/120", " ::ffff:192.0.2.0/120," },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const char *why = "";
		struct cidr net;

		assert_int_equal(cidr_parse(rows[i].from, &net, &why), -1);
		if (!strstr(why, rows[i].network))
			fail_msg("%s: %s", rows[i].from, why);
	}
}

static void loopback_has_three_forms(void **state)
{
	(void)state;
	assert_true(address_is_loopback(client("127.0.0.1")));
	assert_true(address_is_loopback(client("127.255.0.9")));
	assert_true(address_is_loopback(client("::1")));
	assert_true(address_is_loopback(client("::ffff:127.0.0.1")));
	assert_false(address_is_loopback(client("128.0.0.1")));
	assert_false(address_is_loopback(client("::")));
	assert_false(address_is_loopback(client("::2")));
	assert_false(address_is_loopback(client("::ffff:192.0.2.1")));
}

static void other_families_are_nowhere(void **state)
{
	struct sockaddr_un local = { .sun_family = AF_UNIX };
	const char *why;
	struct cidr net;

	(void)state;
	assert_int_equal(cidr_parse("::/0", &net, &why), 0);
	assert_false(cidr_has(&net, (const void *)&local));
	assert_false(cidr_has(&net, NULL));
	assert_false(address_is_loopback((const void *)&local));
	assert_false(address_is_loopback(NULL));
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_client_is_in_its_networks_only),
		cmocka_unit_test(what_is_no_network_is_refused),
		cmocka_unit_test(host_bits_are_refused_with_the_right_network),
		cmocka_unit_test(loopback_has_three_forms),
		cmocka_unit_test(other_families_are_nowhere),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
