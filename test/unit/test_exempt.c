/*
 * exempt.h: exemptions need a reason, may end, and say clearly what is wrong with them.
 */
#include "test.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#include "exempt.h"

#define JAN_31_2027_NOON_MS ((int64_t)1801396800 * 1000)

static void a_reason_is_required(void **state)
{
	(void)state;
	assert_null(exempt_check_account("cp1005: moves its shop"));
	assert_null(exempt_check_account("cp1005 until 2027-01-31: moves its shop"));
	assert_non_null(exempt_check_account("cp1005"));
	assert_non_null(exempt_check_account("cp1005: "));
	assert_non_null(exempt_check_account(": why"));
	assert_non_null(exempt_check_account("cp1005 until soon: why"));
	assert_non_null(exempt_check_account("cp1005 until 2027-1-1: why"));
	assert_non_null(exempt_check_account("two words: why"));
}

static void uids_are_names_numbers_or_ranges(void **state)
{
	(void)state;
	assert_null(exempt_check_uid("0: system"));
	assert_null(exempt_check_uid("0-999: system"));
	assert_null(exempt_check_uid("root: system"));
	assert_null(exempt_check_uid("nobody-of-this-name: skipped here"));
	assert_non_null(exempt_check_uid("9-1: backwards"));
	assert_non_null(exempt_check_uid("1-x: what"));
	assert_non_null(exempt_check_uid("99999999999: too large"));
}

static void networks_may_be_ipv6(void **state)
{
	(void)state;
	assert_null(exempt_check_network("192.0.2.0/24: tickets"));
	assert_null(exempt_check_network("2001:db8::/32: tickets"));
	assert_non_null(exempt_check_network("192.0.2.1/24: host bits"));
	assert_non_null(exempt_check_network("everywhere: no"));
}

static void an_exemption_ends_with_its_day(void **state)
{
	static const char *const at[] = { "cp1005 until 2027-01-31: x", "cp1006: y" };
	struct string_list list = { at, 2 };
	struct exemptions *all = exemptions_new(EXEMPT_ACCOUNT, &list);

	(void)state;
	assert_true(exempt_account(all, "CP1005", JAN_31_2027_NOON_MS));
	assert_false(exempt_account(all, "cp1005", JAN_31_2027_NOON_MS + 86400000));
	assert_true(exempt_account(all, "cp1006", JAN_31_2027_NOON_MS + 86400000));
	assert_false(exempt_account(all, "cp1007", 0));
	exemptions_free(&all);
	assert_null(all);
}

static void ranges_and_networks_match(void **state)
{
	static const char *const uids[] = { "0-999: system", "root: again" }, *const nets[] = {
		"192.0.2.0/24: tickets"
	};
	struct string_list uid_list = { uids, 2 }, net_list = { nets, 1 };
	struct exemptions *by_uid = exemptions_new(EXEMPT_UID, &uid_list);
	struct exemptions *by_net = exemptions_new(EXEMPT_NETWORK, &net_list);
	struct sockaddr_in in = { .sin_family = AF_INET };

	(void)state;
	assert_true(exempt_uid(by_uid, 999, 0));
	assert_false(exempt_uid(by_uid, 1000, 0));
	inet_pton(AF_INET, "192.0.2.77", &in.sin_addr);
	assert_true(exempt_network(by_net, (struct sockaddr *)&in, 0));
	inet_pton(AF_INET, "192.0.3.77", &in.sin_addr);
	assert_false(exempt_network(by_net, (struct sockaddr *)&in, 0));
	in.sin_family = AF_UNSPEC;
	assert_false(exempt_network(by_net, (struct sockaddr *)&in, 0));
	exemptions_free(&by_uid);
	exemptions_free(&by_net);
}

static void addresses_match_their_patterns(void **state)
{
	static const char *const at[] = { "info@shop.example: forwarded", "*.old.example until 2027-01-31: moves" };
	struct string_list list = { at, 2 };
	struct exemptions *all = exemptions_new(EXEMPT_ADDRESS, &list);
	const struct span info = { "INFO", 4 }, other = { "other", 5 };

	(void)state;
	assert_null(exempt_check_address(at[0]));
	assert_non_null(exempt_check_address("info@shop.example"));
	assert_non_null(exempt_check_address("in[fo@shop.example: no pattern"));
	assert_true(exempt_address(all, info, "shop.example", JAN_31_2027_NOON_MS));
	assert_false(exempt_address(all, other, "shop.example", JAN_31_2027_NOON_MS));
	assert_true(exempt_address(all, other, "x.old.example", JAN_31_2027_NOON_MS));
	assert_false(exempt_address(all, other, "x.old.example", JAN_31_2027_NOON_MS + 86400000));
	exemptions_free(&all);
}

static void domains_in_force_are_listed(void **state)
{
	static const char *const at[] = { "One.Example: x", "two.example until 2027-01-31: y",
					  "b\xc3\xbc"
					  "cher.example: z" };
	struct string_list list = { at, 3 };
	struct exemptions *all = exemptions_new(EXEMPT_DOMAIN, &list);
	size_t next = 0;

	(void)state;
	assert_non_null(exempt_check_domain("192.0.2.0/24: no domain"));
	assert_null(exempt_check_domain(at[1]));
	assert_string_equal(exempt_next_domain(all, &next, JAN_31_2027_NOON_MS + 86400000), "one.example");
	assert_string_equal(exempt_next_domain(all, &next, JAN_31_2027_NOON_MS + 86400000), "xn--bcher-kva.example");
	assert_null(exempt_next_domain(all, &next, JAN_31_2027_NOON_MS + 86400000));
	exemptions_free(&all);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_reason_is_required),	       cmocka_unit_test(uids_are_names_numbers_or_ranges),
		cmocka_unit_test(networks_may_be_ipv6),	       cmocka_unit_test(an_exemption_ends_with_its_day),
		cmocka_unit_test(ranges_and_networks_match),   cmocka_unit_test(addresses_match_their_patterns),
		cmocka_unit_test(domains_in_force_are_listed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
