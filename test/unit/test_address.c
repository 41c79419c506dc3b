/*
 * Domains in comparable form and envelope paths.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "address/address.h"

#define LABEL_63 "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

/* clang-format off */
static const struct {
	const char *from;
	const char *to; /* NULL: refused */
} domains[] = {
	{ "shop.example", "shop.example" },
	{ "SHOP.Example", "shop.example" },
	{ "shop.example.", "shop.example" },
	{ "localhost", "localhost" },
	{ "a", "a" },
	{ "4711.example", "4711.example" },
	{ "_spf.shop.example", "_spf.shop.example" },
	{ "r3---sn.example", "r3---sn.example" },
	{ LABEL_63 ".example", LABEL_63 ".example" },
	{ "m\xc3\xbcller.example", "xn--mller-kva.example" },
	{ "M\xc3\xbcller.Example", "xn--mller-kva.example" },
	{ "xn--mller-kva.example", "xn--mller-kva.example" },
	{ "XN--MLLER-KVA.example", "xn--mller-kva.example" },
	{ "www.m\xc3\xbcller.example.", "www.xn--mller-kva.example" },
	{ "stra\xc3\x9f" "e.example", "xn--strae-oqa.example" },
	{ "\xe6\x97\xa5\xe6\x9c\xac.example", "xn--wgv71a.example" },
	{ "", NULL },
	{ ".", NULL },
	{ "..", NULL },
	{ "shop.example..", NULL },
	{ ".shop.example", NULL },
	{ "shop..example", NULL },
	{ "a" LABEL_63 ".example", NULL },
	{ "-shop.example", NULL },
	{ "shop-.example", NULL },
	{ "192.0.2.1", NULL },
	{ "1", NULL },
	{ "[192.0.2.1]", NULL },
	{ "shop .example", NULL },
	{ "shop/example", NULL },
	{ "shop@example", NULL },
	{ "M\xc3\x9cLLER.example", NULL },          /* upper-case U-label */
	{ "mu\xcc\x88ller.example", NULL },         /* not NFC */
	{ "\xef\xbd\x93hop.example", NULL },        /* full-width s */
	{ "shop\xe3\x80\x82" "example", NULL },     /* ideographic full stop */
	{ "shop\xef\xbc\x8e" "example", NULL },     /* full-width full stop */
	{ "shop\xef\xbd\xa1" "example", NULL },     /* half-width full stop */
	{ "sh\xc2\xad" "op.example", NULL },        /* soft hyphen */
	{ "shop\xe2\x80\x8b.example", NULL },       /* zero width space */
	{ "\xc5\xbfhop.example", NULL },            /* long s */
	{ "\xf0\x9f\x92\xa9.example", NULL },       /* emoji */
	{ "\xcc\x88" "a.example", NULL },           /* combining first */
	{ "-\xc3\xbc.example", NULL },
	{ "\xc3\xbc-.example", NULL },
	{ "ab--\xc3\xbc.example", NULL },
	{ "xn--\xc3\xbc.example", NULL },
	{ "b_\xc3\xbc.example", NULL },
	{ "\xc3\xbc/.example", NULL },
	{ "b \xc3\xbc.example", NULL },
	{ "shop\xff.example", NULL },
	{ "shop\xc0\xae" "example", NULL },         /* overlong full stop */
	{ "shop\xed\xa0\x80.example", NULL },       /* surrogate */
	{ "xn--.example", NULL },
	{ "xn--shop-.example", NULL },
	{ "xn--a.example", NULL },                  /* decodes to a control */
	{ "xn--ls8h.example", NULL },               /* decodes to an emoji */
	{ "xn----eha.example", NULL },              /* decodes to -u with umlaut */
	{ "xn--99999999.example", NULL },
};

static const struct {
	const char *path;
	const char *local; /* NULL: refused */
	const char *domain;
} paths[] = {
	{ "<info@shop.example>", "info", "shop.example" },
	{ "info@shop.example", "info", "shop.example" },
	{ "<INFO@SHOP.EXAMPLE>", "INFO", "shop.example" },
	{ "<info@shop.example.>", "info", "shop.example" },
	{ "<\"max muster\"@shop.example>", "\"max muster\"", "shop.example" },
	{ "<gr\xc3\xb6\xc3\x9f" "e@m\xc3\xbcller.example>", "gr\xc3\xb6\xc3\x9f" "e", "xn--mller-kva.example" },
	{ "<!#$%&'*+-/=?^_`{|}~@shop.example>", "!#$%&'*+-/=?^_`{|}~", "shop.example" },
	{ "<a..b.@docomo.example>", "a..b.", "docomo.example" },
	{ "root", "root", "" },
	{ "<postmaster>", "postmaster", "" },
	{ "< >", NULL, NULL },
	{ "<", NULL, NULL },
	{ ">", NULL, NULL },
	{ "<info@shop.example", NULL, NULL },
	{ "info@shop.example>", NULL, NULL },
	{ "<<info@shop.example>>", NULL, NULL },
	{ " <info@shop.example>", NULL, NULL },
	{ "<info@shop.example> SIZE=1", NULL, NULL },
	{ "<info@>", NULL, NULL },
	{ "<@shop.example>", NULL, NULL },
	{ "<@a.example:b@shop.example>", NULL, NULL },
	{ "<a@b.example@shop.example>", NULL, NULL },
	{ "<a b@shop.example>", NULL, NULL },
	{ "<\"a@b c\"@shop.example>", NULL, NULL },
	{ "<\"a\\\"b\"@shop.example>", NULL, NULL },
	{ "<\"\"@shop.example>", NULL, NULL },
	{ "<\"a@shop.example>", NULL, NULL },
	{ "<\"a\"b@shop.example>", NULL, NULL },
	{ "<a@[192.0.2.1]>", NULL, NULL },
	{ "<a(b)@shop.example>", NULL, NULL },
	{ "<a@shop.example(b)>", NULL, NULL },
	{ "<a\x01@shop.example>", NULL, NULL },
	{ "<a\xff@shop.example>", NULL, NULL },
	{ "<a\xc2\xa0@shop.example>", NULL, NULL },
	{ "<=?utf-8?Q?x?=@shop.example>", NULL, NULL },
};
/* clang-format on */

static void domains_are_brought_into_one_form(void **state)
{
	domain_name name;

	(void)state;
	for (size_t i = 0; i < sizeof(domains) / sizeof(domains[0]); i++) {
		int rc = domain_canonical(domains[i].from, strlen(domains[i].from), name);

		if (rc != (domains[i].to ? 0 : -1) || strcmp(name, domains[i].to ? domains[i].to : "") != 0)
			fail_msg("%s became %s", domains[i].from, name);
	}
}

static void what_is_canonical_stays(void **state)
{
	domain_name once;
	domain_name twice;

	(void)state;
	for (size_t i = 0; i < sizeof(domains) / sizeof(domains[0]); i++) {
		if (domain_canonical(domains[i].from, strlen(domains[i].from), once))
			continue;
		assert_int_equal(domain_canonical(once, strlen(once), twice), 0);
		assert_string_equal(once, twice);
	}
}

static void a_domain_has_253_octets_and_no_more(void **state)
{
	char name[400];
	domain_name out;

	(void)state;
	memset(name, 'a', sizeof(name));
	for (size_t i = 3; i < sizeof(name); i += 4)
		name[i] = '.';
	assert_int_equal(domain_canonical(name, 253, out), 0);
	assert_int_equal(strlen(out), 253);
	assert_int_equal(domain_canonical(name, 254, out), -1);
	assert_int_equal(domain_canonical(name, 255, out), -1);
	assert_int_equal(domain_canonical(name, 399, out), -1);
	memcpy(name + 248, "\xc3\xbc", 2);
	assert_int_equal(domain_canonical(name, 250, out), -1);
	assert_int_equal(domain_canonical("shop.example\0.x", 15, out), -1);
}

static void long_u_labels_are_bounded(void **state)
{
	char name[2000];
	domain_name out;

	(void)state;
	for (size_t i = 0; i + 1 < sizeof(name); i += 2)
		memcpy(name + i, "\xc3\xbc", 2);
	for (size_t len = 2; len < sizeof(name); len += 2) {
		if (!domain_canonical(name, len, out))
			assert_true(strlen(out) <= 63);
		else
			assert_true(len > 60);
	}
}

static void below_counts_whole_labels(void **state)
{
	(void)state;
	assert_true(domain_is_below("shop.example", "shop.example"));
	assert_true(domain_is_below("www.shop.example", "shop.example"));
	assert_false(domain_is_below("webshop.example", "shop.example"));
	assert_false(domain_is_below("shop.example", "www.shop.example"));
	assert_false(domain_is_below("shop.example", ""));
	assert_false(domain_is_below("", "shop.example"));
}

static void paths_give_local_part_and_domain(void **state)
{
	struct mail_path out;

	(void)state;
	for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
		int rc = mail_path_parse(paths[i].path, strlen(paths[i].path), &out);

		if (rc != (paths[i].local ? 0 : -1))
			fail_msg("%s: %d", paths[i].path, rc);
		assert_false(out.null);
		if (rc) {
			assert_int_equal(out.local.len, 0);
			assert_string_equal(out.domain, "");
			continue;
		}
		assert_int_equal(out.local.len, strlen(paths[i].local));
		assert_memory_equal(out.local.at, paths[i].local, out.local.len);
		assert_string_equal(out.domain, paths[i].domain);
	}
}

static void null_path_is_known(void **state)
{
	struct mail_path out;

	(void)state;
	assert_int_equal(mail_path_parse("<>", 2, &out), 0);
	assert_true(out.null);
	assert_string_equal(out.domain, "");
	assert_int_equal(mail_path_parse("", 0, &out), 0);
	assert_true(out.null);
	assert_int_equal(mail_path_parse("a\0b@shop.example", 16, &out), -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(domains_are_brought_into_one_form),
		cmocka_unit_test(what_is_canonical_stays),
		cmocka_unit_test(a_domain_has_253_octets_and_no_more),
		cmocka_unit_test(long_u_labels_are_bounded),
		cmocka_unit_test(below_counts_whole_labels),
		cmocka_unit_test(paths_give_local_part_and_domain),
		cmocka_unit_test(null_path_is_known),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
