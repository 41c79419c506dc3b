/*
 * Section `egress`: which addresses are taken, and whose mail leaves from which pool.
 */
#include "test.h"

#include <string.h>

#include "egress.h"

static void an_egress_address_is_one_that_others_see(void **state)
{
	static const char *const good[] = { "192.0.2.1", "2001:db8::1", "10.0.0.1", "2001:DB8:0::1" };
	static const char *const bad[] = {
		"",	   "192.0.2.0/24", "::ffff:192.0.2.1", "127.0.0.1", "::1",
		"0.0.0.0", "::",	   "mail.example",     "192.0.2",   "2001:db8::1%eth0"
	};
	struct egress_pool pool = { .count = 0 };

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(*good); i++)
		assert_null(egress_pool_add(&pool, good[i]));
	assert_int_equal(pool.count, 3); /* the last is the second once more */
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		if (!egress_pool_add(&pool, bad[i]))
			fail_msg("%s", bad[i]);
}

static const char *const addresses[] = { "192.0.2.1", "2001:db8::1" };
static const char *const pools[] = { "bulk: 192.0.2.9 2001:db8::9", "vip:192.0.2.7", "own: 192.0.2.8" };
static const char *const pool_of[] = { "CP1007: bulk", "@shop.example: vip", "@Own.shop.example: own" };

#define LIST(array)                                     \
	{                                               \
		array, sizeof(array) / sizeof(*(array)) \
	}

static void the_account_is_asked_first_then_the_nearest_domain(void **state)
{
	const struct egress_options options = { LIST(addresses), "", LIST(pools), LIST(pool_of) };
	char error[256];
	struct egress *egress = egress_new(&options, error, sizeof(error));

	(void)state;
	assert_non_null(egress);
	assert_string_equal(egress_pool_of(egress, "cp1007", "shop.example")->name, "bulk");
	/* the directory and the system write a name as they like */
	assert_string_equal(egress_pool_of(egress, "Cp1007", "")->name, "bulk");
	assert_string_equal(egress_pool_of(egress, "cp1008", "shop.example")->name, "vip");
	assert_string_equal(egress_pool_of(egress, "", "www.shop.example")->name, "vip");
	assert_string_equal(egress_pool_of(egress, "", "a.own.shop.example")->name, "own");
	assert_string_equal(egress_pool_of(egress, "", "noshop.example")->name, "");
	assert_string_equal(egress_pool_of(egress, "", "")->words[1], "2001:db8::1");
	assert_string_equal(egress_pool_of(egress, "cp1007", "")->words[1], "2001:db8::9");
	assert_int_equal(egress_widest(egress), 2);
	egress_free(&egress);
}

static void nothing_named_is_an_empty_pool(void **state)
{
	const struct egress_options options = { .include = "" };
	char error[256];
	struct egress *egress = egress_new(&options, error, sizeof(error));

	(void)state;
	assert_int_equal(egress_pool_of(egress, "cp1007", "shop.example")->count, 0);
	egress_free(&egress);
}

static void what_is_named_must_be_there_once(void **state)
{
	static const char *const twice[] = { "bulk: 192.0.2.9", "bulk: 192.0.2.8" };
	static const char *const unknown[] = { "cp1007: blk" };
	const struct egress_options repeated = { LIST(addresses), "", LIST(twice), { NULL, 0 } };
	const struct egress_options missing = { LIST(addresses), "", LIST(pools), LIST(unknown) };
	const char *option = "";
	char error[256];

	(void)state;
	assert_null(egress_new(&repeated, error, sizeof(error)));
	assert_string_equal(error, "'bulk' stands there twice: give each list a name of its own");
	assert_false(egress_section.check(&repeated, &option, error, sizeof(error)));
	assert_string_equal(option, "pools");
	assert_null(egress_new(&missing, error, sizeof(error)));
	assert_string_equal(error, "'cp1007: blk': pools has no list of that name");
	assert_false(egress_section.check(&missing, &option, error, sizeof(error)));
	assert_string_equal(option, "pool_of");
}

static void check_rows(const char *name, const char *const *values, size_t count, bool good)
{
	for (const struct option *row = egress_section.options; row->name; row++)
		for (size_t i = 0; !strcmp(row->name, name) && i < count; i++)
			if (!row->check(values[i]) != good)
				fail_msg("%s: '%s'", name, values[i]);
}

static void pools_are_judged_where_they_are_written(void **state)
{
	static const char *const bad[] = { "",
					   "bulk",
					   "bulk:",
					   ": 192.0.2.1",
					   "Bulk: 192.0.2.1",
					   "a b: 192.0.2.1",
					   "bulk: 192.0.2.0/24",
					   "bulk: 192.0.2.1,192.0.2.2",
					   "name-that-is-longer-than-a-name-may-be: 192.0.2.1" };
	static const char *const bad_of[] = {
		"",	     "cp1007",	  "cp1007:",	"@: bulk",	  "@a..example: bulk",
		": bulk",    "cp1: Bulk", "cp1 : bulk", "cp1, cp2: bulk", "info@shop.example: bulk",
		" cp1: bulk"
	};

	(void)state;
	check_rows("pools", pools, 3, true);
	check_rows("pools", bad, sizeof(bad) / sizeof(*bad), false);
	check_rows("pool_of", pool_of, 3, true);
	check_rows("pool_of", bad_of, sizeof(bad_of) / sizeof(*bad_of), false);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_egress_address_is_one_that_others_see),
		cmocka_unit_test(the_account_is_asked_first_then_the_nearest_domain),
		cmocka_unit_test(nothing_named_is_an_empty_pool),
		cmocka_unit_test(what_is_named_must_be_there_once),
		cmocka_unit_test(pools_are_judged_where_they_are_written),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
