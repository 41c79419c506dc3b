/*
 * The grammar of SPF records, by section of RFC 7208: what is a record, which terms it has.
 */
#include "spf/record.h"

#include "test/unit/test.h"

struct seen {
	char kinds[64]; /* a letter for each term */
	struct spf_term last;
};

static void see(void *arg, const struct spf_term *term)
{
	static const char letters[] = "*iampe46rxu"; /* in the order of enum spf_term_kind */
	struct seen *seen = arg;
	size_t len = strlen(seen->kinds);

	seen->last = *term;
	if (len < sizeof(seen->kinds) - 1)
		seen->kinds[len] = letters[term->kind];
}

static bool reads(const char *record, size_t len, struct seen *seen)
{
	char problem[200];
	struct text text;
	bool good;

	memset(seen, 0, sizeof(*seen));
	text_init(&text, problem, sizeof(problem));
	good = spf_record_read((struct span){ record, len }, see, seen, &text);
	assert_true(good == !*problem);
	return good;
}

static void accept_all(const char *const *rows)
{
	struct seen seen;

	for (; *rows; rows++)
		if (!reads(*rows, strlen(*rows), &seen))
			fail_msg("refused: %s", *rows);
}

static void refuse_all(const char *const *rows)
{
	struct seen seen;

	for (; *rows; rows++)
		if (reads(*rows, strlen(*rows), &seen))
			fail_msg("accepted: %s", *rows);
}

static bool is_record(const char *txt)
{
	return spf_record_is((struct span){ txt, strlen(txt) });
}

/* 4.5 */
static void the_version_ends_with_a_blank_or_the_record(void **state)
{
	(void)state;
	assert_true(is_record("v=spf1"));
	assert_true(is_record("V=sPf1 -all"));
	assert_true(is_record("v=spf1 "));
	assert_false(is_record("v=spf10"));
	assert_false(is_record("v=spf1\t-all"));
	assert_false(is_record(" v=spf1"));
	assert_false(is_record("v=spf"));
	assert_false(is_record(""));
}

/* 4.6.1 */
static void terms_come_in_order_and_names_are_case_blind(void **state)
{
	static const char record[] =
		"v=spf1  -ALL ~Include:a.example ?a +mX ptr eXists:b.example IP4:192.0.2.1 ip6:::1 "
		"Redirect=c.example EXP=d.example Other.x-y_z=%{d} ";
	struct seen seen;

	(void)state;
	assert_true(reads(record, sizeof(record) - 1, &seen));
	assert_string_equal(seen.kinds, "*iampe46rxu");
	assert_true(reads("v=spf1", 6, &seen));
	assert_string_equal(seen.kinds, "");
}

static void what_is_no_term_voids_the_record(void **state)
{
	static const char *const rows[] = {
		"v=spf1 foo",
		"v=spf1 -all foo",
		"v=spf1 -",
		"v=spf1 +-all",
		"v=spf1 --all",
		"v=spf1 -all\t",
		"v=spf1 a\r-all",
		"v=spf1 \x80",
		"v=spf1 all:x.org",
		"v=spf1 all/0",
		"v=spf1 all.",
		"v=spf1 ip4",
		"v=spf1 include",
		"v=spf1 include:",
		"v=spf1 exists",
		"v=spf1 exists:",
		"v=spf1 a:",
		"v=spf1 mx:",
		"v=spf1 ptr:",
		"v=spf1 :x.org",
		"v=spf1 include/24",
		"v=spf1 redirect:x.org",
		"v=spf1 -redirect=x.org",
		"v=spf1 exp:x.org",
		"v=spf1 =x",
		"v=spf1 1x=y",
		"v=spf1 x y=z q",
		"v=spf1 ipv4:1.2.3.4",
		"v=spf1 redirect",
		NULL,
	};

	(void)state;
	refuse_all(rows);
}

static void a_nul_is_no_character_of_a_record(void **state)
{
	static const char record[] = "v=spf1 a:foo.example\0.com -all", address[] = "v=spf1 ip4:1.2.3.4\0 -all";
	struct seen seen;

	(void)state;
	assert_false(reads(record, sizeof(record) - 1, &seen));
	assert_false(reads(address, sizeof(address) - 1, &seen));
}

/* 5.6, 12 */
static void networks_are_exact(void **state)
{
	static const char *const good[] = {
		"v=spf1 ip4:1.2.3.4", "v=spf1 ip4:1.2.3.4/0",	    "v=spf1 ip4:1.2.3.4/32",	    "v=spf1 ip6:::",
		"v=spf1 ip6:::/0",    "v=spf1 ip6:2001:db8::1/128", "v=spf1 ip6:::ffff:1.2.3.4/96", NULL,
	};
	static const char *const bad[] = {
		"v=spf1 ip4:1.2.3",
		"v=spf1 ip4:1.2.3.4/33",
		"v=spf1 ip4:1.2.3.4/032",
		"v=spf1 ip4:1.2.3.4/",
		"v=spf1 ip4:1.2.3.4//32",
		"v=spf1 ip4:01.2.3.4",
		"v=spf1 ip4:1.2.3.256",
		"v=spf1 ip4:1.2.3.4:8080",
		"v=spf1 ip4:1.2.3.4/-1",
		"v=spf1 ip4:/8",
		"v=spf1 ip4:",
		"v=spf1 ip4:a.example",
		"v=spf1 ip6:::/129",
		"v=spf1 ip6:::/00",
		"v=spf1 ip6:1:2:3:4:5:6:7",
		"v=spf1 ip6:::1%eth0",
		"v=spf1 ip6:1.2.3.4",
		"v=spf1 ip6:::1//64",
		"v=spf1 ip4:1.2.3.4/4294967328",
		"v=spf1 ip6:::/4294967296",
		"v=spf1 ip6:1111:2222:3333:4444:5555:6666:7777:8888:9999:aaaa:bbbb:cccc",
		NULL,
	};

	(void)state;
	accept_all(good);
	refuse_all(bad);
}

static void prefix_lengths_are_exact(void **state)
{
	static const char *const good[] = {
		"v=spf1 a/0",
		"v=spf1 a//0",
		"v=spf1 a/0//0",
		"v=spf1 mx/32//128",
		"v=spf1 a:x.org/24",
		"v=spf1 a:x.org//64",
		"v=spf1 a:x.org/24//64",
		"v=spf1 a:%{d}/24",
		"v=spf1 a:a/b.org",
		"v=spf1 a:foo:bar/baz.org",
		NULL,
	};
	static const char *const bad[] = {
		"v=spf1 a/33",
		"v=spf1 a//129",
		"v=spf1 a/24/64",
		"v=spf1 a//64/24",
		"v=spf1 a/",
		"v=spf1 a//",
		"v=spf1 a/024",
		"v=spf1 a//064",
		"v=spf1 a/24///64",
		"v=spf1 a:x.org/33",
		"v=spf1 a:x.org/24/64",
		"v=spf1 a:x.org/",
		"v=spf1 a:x.org//",
		"v=spf1 a:x.org/24//",
		"v=spf1 a:/24",
		"v=spf1 exists:x.org/32",
		"v=spf1 include:x.org/24",
		"v=spf1 ptr:x.org/24",
		"v=spf1 ptr/0",
		"v=spf1 a:x.org/+24",
		NULL,
	};
	struct seen seen;

	(void)state;
	accept_all(good);
	refuse_all(bad);
	assert_true(reads("v=spf1 a:x.org/24//64", 21, &seen));
	assert_int_equal(seen.last.bits4, 24);
	assert_int_equal(seen.last.bits6, 64);
	assert_int_equal(seen.last.target.len, 5);
	assert_true(reads("v=spf1 a", 8, &seen));
	assert_int_equal(seen.last.bits4, 32);
	assert_int_equal(seen.last.bits6, 128);
	assert_null(seen.last.target.at);
}

/* 7.1 */
static void a_domain_spec_ends_in_a_top_label_or_a_macro(void **state)
{
	static const char *const good[] = {
		"v=spf1 a:x.org",
		"v=spf1 a:x.org.",
		"v=spf1 a:x.a-b",
		"v=spf1 a:x.1a",
		"v=spf1 a:%{d}",
		"v=spf1 a:x%%",
		"v=spf1 a:%{d}.org",
		"v=spf1 a:.org",
		"v=spf1 a:a..b.org",
		"v=spf1 a:x.xn--zckzah",
		"v=spf1 a:!\"#$&'()*+,;<=>?@[\\]^_`{|}~.org",
		NULL,
	};
	static const char *const bad[] = {
		"v=spf1 a:museum",    "v=spf1 a:museum.",	"v=spf1 a:1.2.3.4",
		"v=spf1 a:abc.123",   "v=spf1 a:x.-org",	"v=spf1 a:x.org-",
		"v=spf1 a:x.o_g",     "v=spf1 a:x..",		"v=spf1 a:%{d}com",
		"v=spf1 a:x.%{d}com", "v=spf1 a:%{d.}com",	"v=spf1 a:x.org:25",
		"v=spf1 a:x.\x7f",    "v=spf1 a:f\xc3\xbc.org", NULL,
	};

	(void)state;
	accept_all(good);
	refuse_all(bad);
}

static void macros_are_exact(void **state)
{
	static const char *const good[] = {
		"v=spf1 a:%{s}%{l}%{o}%{d}%{i}%{p}%{v}%{h}.x.org",
		"v=spf1 a:%{L}.x.org",
		"v=spf1 a:%{d1}",
		"v=spf1 a:%{d128r}",
		"v=spf1 a:%{dr}",
		"v=spf1 a:%{dR}",
		"v=spf1 a:%{l.-+,/_=}",
		"v=spf1 a:%{l2r-}",
		"v=spf1 a:%{d99999999999999999999}",
		"v=spf1 a:%%%_%-.x.org",
		NULL,
	};
	static const char *const bad[] = {
		"v=spf1 a:%{a}",       "v=spf1 a:%{}",
		"v=spf1 a:%{d",	       "v=spf1 a:%{",
		"v=spf1 a:%",	       "v=spf1 a:%x.org",
		"v=spf1 a:%(d).org",   "v=spf1 a:%{d0}",
		"v=spf1 a:%{d00}",     "v=spf1 a:%{d2rr}",
		"v=spf1 a:%{dr2}",     "v=spf1 a:%{d|}",
		"v=spf1 a:%{d-1}",     "v=spf1 a:%{c}",
		"v=spf1 a:%{r}.org",   "v=spf1 a:%{t}.org",
		"v=spf1 exp=%{r}.org", "v=spf1 redirect=%{c}",
		"v=spf1 x=%{q}",       "v=spf1 x=%",
		"v=spf1 x=%{t}",       NULL,
	};

	(void)state;
	accept_all(good);
	refuse_all(bad);
}

/* 6 */
static void redirect_and_exp_are_there_once(void **state)
{
	static const char *const good[] = { "v=spf1 x=a x=b", "v=spf1 a=b.org",
					    "v=spf1 x=", "v=spf1 exp=a.org redirect=b.org", NULL };
	static const char *const bad[] = {
		"v=spf1 redirect=a.org redirect=a.org",
		"v=spf1 exp=a.org -all exp=b.org",
		"v=spf1 redirect=",
		"v=spf1 exp=",
		"v=spf1 exp=a",
		NULL,
	};

	(void)state;
	accept_all(good);
	refuse_all(bad);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_version_ends_with_a_blank_or_the_record),
		cmocka_unit_test(terms_come_in_order_and_names_are_case_blind),
		cmocka_unit_test(what_is_no_term_voids_the_record),
		cmocka_unit_test(a_nul_is_no_character_of_a_record),
		cmocka_unit_test(networks_are_exact),
		cmocka_unit_test(prefix_lengths_are_exact),
		cmocka_unit_test(a_domain_spec_ends_in_a_top_label_or_a_macro),
		cmocka_unit_test(macros_are_exact),
		cmocka_unit_test(redirect_and_exp_are_there_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
