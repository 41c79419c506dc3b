/*
 * Section `provider`: which rows are taken, and who belongs to which group by name alone.
 */
#include "test.h"

#include <string.h>

#include "provider/provider.h"
#include "provider/table.h"

static const char *const groups[] = {
	"microsoft: mx:olc.protection.outlook.com hotmail.com Outlook.COM",
	"microsoft:\thotmail.de.",
	"office365: mx:mail.protection.outlook.com mx:mx.microsoft",
	"apple: mx:icloud.com me.com icloud.com me.com",
};
static const char *const own[] = { "acme: acme.example b\xc3\xbc"
				   "cher.example mx:mx.acme.test",
				   "apple: hotmail.de" };

#define LIST(array)                                     \
	{                                               \
		array, sizeof(array) / sizeof(*(array)) \
	}

static const struct provider_options options = { .groups = LIST(groups), .own_groups = LIST(own) };

static struct provider_table *table_make(const struct provider_options *of)
{
	const char *option;
	char error[256];
	struct provider_table *table = provider_table_new(of, &option, error, sizeof(error));

	assert_non_null(table);
	return table;
}

static void is(const struct provider_member *member, const char *expected, const char *of)
{
	const char *group = member ? member->group : NULL;

	if ((group == NULL) != (expected == NULL) || (group && strcmp(group, expected) != 0))
		fail_msg("%s: %s, not %s", of, group ? group : "none", expected ? expected : "none");
}

static void a_domain_belongs_where_it_stands(void **state)
{
	static const char *const rows[][2] = {
		{ "hotmail.com", "microsoft" },
		{ "outlook.com", "microsoft" },
		{ "me.com", "apple" },
		{ "icloud.com", "apple" },
		{ "acme.example", "acme" },
		{ "xn--bcher-kva.example", "acme" },
		{ "readme.com", NULL },
		{ "mail.hotmail.com", NULL },
		{ "hotmail.co", NULL },
		{ "", NULL },
		{ "com", NULL },
		{ "microsoft", NULL },
		{ "olc.protection.outlook.com", NULL },
		/* the admin's own row wins */
		{ "hotmail.de", "apple" },
	};
	struct provider_table *table = table_make(&options);

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		is(provider_table_domain(table, rows[i][0]), rows[i][1], rows[i][0]);
	assert_true(provider_table_domain(table, "hotmail.de")->is_own);
	assert_false(provider_table_domain(table, "hotmail.com")->is_own);
	provider_table_free(&table);
}

static void a_host_belongs_where_its_nearest_suffix_does(void **state)
{
	static const char *const rows[][2] = {
		{ "hotmail-com.olc.protection.outlook.com", "microsoft" },
		{ "eur.olc.protection.outlook.com", "microsoft" },
		{ "olc.protection.outlook.com", "microsoft" },
		{ "shop-example.mail.protection.outlook.com", "office365" },
		{ "shop-example.l-v1.mx.microsoft", "office365" },
		{ "mx01.mail.icloud.com", "apple" },
		{ "mx.acme.test", "acme" },
		{ "protection.outlook.com", NULL },
		{ "xolc.protection.outlook.com", NULL },
		{ "hotmail.com", NULL },
		{ "com", NULL },
		{ "", NULL },
		{ ".", NULL },
	};
	struct provider_table *table = table_make(&options);

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		is(provider_table_host(table, rows[i][0]), rows[i][1], rows[i][0]);
	provider_table_free(&table);
}

static void a_row_is_a_group_and_what_is_in_it(void **state)
{
	static const char *const good[] = { "a: a.example", "a:a.example", "t_online-2: mx:t-online.example",
					    "a: \t a.example \t mx:b.example " };
	static const char *const bad[] = { "",
					   "a",
					   "a:",
					   "a: ",
					   ": a.example",
					   "A: a.example",
					   "a.b: a.example",
					   "a b: a.example",
					   "a: a..example",
					   "a: example",
					   "a: mx:",
					   "a: mx:com",
					   "a: mx:.example",
					   "a: *.example",
					   "a: info@a.example",
					   "a: [192.0.2.1]",
					   "a: a.example,b.example",
					   "group-that-is-longer-than-is-good1: a.example" };

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(*good); i++)
		if (provider_row_check(good[i]))
			fail_msg("%s", good[i]);
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		if (!provider_row_check(bad[i]))
			fail_msg("%s", bad[i]);
}

static void a_name_stands_in_one_group(void **state)
{
	static const char *const twice[] = { "a: a.example", "b: c.example A.example" };
	static const char *const hosts[] = { "a: mx:a.example", "b: a.example mx:a.example" };
	static const struct {
		struct provider_options options;
		const char *option;
	} rows[] = {
		{ { .groups = LIST(twice) }, "groups" },
		{ { .groups = LIST(groups), .own_groups = LIST(twice) }, "own_groups" },
		{ { .own_groups = LIST(hosts) }, "own_groups" },
	};
	const char *option;
	char error[256];

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		assert_null(provider_table_new(&rows[i].options, &option, error, sizeof(error)));
		assert_string_equal(option, rows[i].option);
		assert_string_equal(error, "'a.example' stands in two groups, a and b: take it out of one");
	}
}

static void without_groups_nobody_is_in_one(void **state)
{
	const struct provider_options none = { .groups = { NULL, 0 } };
	struct provider_table *table = table_make(&none);

	(void)state;
	assert_null(provider_table_domain(table, "hotmail.com"));
	assert_null(provider_table_host(table, "a.olc.protection.outlook.com"));
	provider_table_free(&table);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_domain_belongs_where_it_stands),
		cmocka_unit_test(a_host_belongs_where_its_nearest_suffix_does),
		cmocka_unit_test(a_row_is_a_group_and_what_is_in_it),
		cmocka_unit_test(a_name_stands_in_one_group),
		cmocka_unit_test(without_groups_nobody_is_in_one),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
