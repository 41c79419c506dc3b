/*
 * Domain names: what can exist, what a message may hold.
 */
#include "dns/name.h"
#include "test/unit/test.h"

static bool can_exist(const char *text)
{
	struct dns_name name;

	return dns_name_parse(&name, text);
}

#define L63 "abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyz01234567890"

static void a_name_that_cannot_exist_is_none(void **state)
{
	(void)state;
	static const char *const impossible[] = {
		"",
		".",
		"example.",
		".example",
		"a..b",
		L63 "x.example",
		"caf\xc3\xa9.example",
		"a\\",
		"a\\25",
		"a\\256",
		"a\\200",
		L63 "." L63 "." L63 "." L63,
		L63 "." L63 "." L63 ".abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyz0123456789",
	};

	for (size_t i = 0; i < sizeof(impossible) / sizeof(*impossible); i++)
		assert_false(can_exist(impossible[i]));
}

static void names_at_the_limits_exist(void **state)
{
	(void)state;
	static const char *const possible[] = {
		"a",
		L63 ".example",
		"_spf.example",
		"a b.example",
		"a\\.b.example",
		"a\\000b.example",
		L63 "." L63 "." L63 "."
		    "abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyz012345678",
	};

	for (size_t i = 0; i < sizeof(possible) / sizeof(*possible); i++)
		assert_true(can_exist(possible[i]));
}

static void a_name_reads_as_it_was_written(void **state)
{
	(void)state;
	static const char *const names[] = { "example.com", "a\\.b.example", "a\\\\b.example", "a\\000\\032b.example" };
	char text[DNS_TEXT_SIZE];
	struct dns_name name;

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		assert_true(dns_name_parse(&name, names[i]));
		assert_int_equal(dns_name_text(&name, text), strlen(names[i]));
		assert_string_equal(text, names[i]);
	}
}

static void the_case_of_a_name_does_not_matter(void **state)
{
	struct dns_key a, b, other;

	(void)state;
	assert_true(dns_key_make(&a, DNS_TXT, "Example.COM"));
	assert_true(dns_key_make(&b, DNS_TXT, "eXAMPLE.com"));
	assert_true(dns_key_make(&other, DNS_A, "example.com"));
	assert_true(dns_name_same(&a.name, &b.name));
	assert_true(a.hash == b.hash);
	assert_true(a.hash != other.hash);
}

static void compressed_names_are_followed(void **state)
{
	static const uint8_t message[] = "\3com\0\7example\xc0\0\3www\xc0\5";
	char text[DNS_TEXT_SIZE];
	struct dns_name name;

	(void)state;
	assert_int_equal(dns_name_read(&name, message, sizeof(message) - 1, 15), 21);
	dns_name_text(&name, text);
	assert_string_equal(text, "www.example.com");
	assert_int_equal(dns_name_skip(message, sizeof(message) - 1, 15), 21);
}

static void names_that_lead_in_circles_or_out_of_the_message_are_none(void **state)
{
	static const struct {
		const char *bytes;
		size_t len, at;
	} bad[] = {
		{ "\xc0\0", 2, 0 },		/* to itself */
		{ "\1a\xc0\0", 4, 0 },		/* to its own beginning */
		{ "\1a\xc0\4\1b\xc0\0", 8, 4 }, /* to each other */
		{ "\xc0\x40", 2, 0 },		/* behind the end */
		{ "\xc0", 1, 0 },		/* half a pointer */
		{ "\5abc", 4, 0 },		/* a label that is cut */
		{ "\3abc", 4, 0 },		/* no end */
		{ "\100abc", 4, 0 },		/* a kind of label that there is not */
		{ "", 0, 0 },
	};
	struct dns_name name;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		assert_int_equal(dns_name_read(&name, (const uint8_t *)bad[i].bytes, bad[i].len, bad[i].at), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_name_that_cannot_exist_is_none),
		cmocka_unit_test(names_at_the_limits_exist),
		cmocka_unit_test(a_name_reads_as_it_was_written),
		cmocka_unit_test(the_case_of_a_name_does_not_matter),
		cmocka_unit_test(compressed_names_are_followed),
		cmocka_unit_test(names_that_lead_in_circles_or_out_of_the_message_are_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
