/*
 * Macros, RFC 7208 7: what they become in names and in texts.
 */
#include "spf/macro.h"

#include <arpa/inet.h>

#include "test/unit/test.h"

static struct spf_macros macros_of(struct spf_client *client, const char *ip)
{
	struct sockaddr_in in = { .sin_family = AF_INET };
	struct sockaddr_in6 in6 = { .sin6_family = AF_INET6 };
	bool ipv6 = strchr(ip, ':') != NULL;

	assert_int_equal(inet_pton(ipv6 ? AF_INET6 : AF_INET, ip, ipv6 ? (void *)&in6.sin6_addr : &in.sin_addr), 1);
	assert_true(spf_client_read(client, ipv6 ? (const void *)&in6 : (const void *)&in));
	return (struct spf_macros){
		.client = client,
		.sender = span_of("strong-bad@email.example.com"),
		.local = span_of("strong-bad"),
		.sender_domain = "email.example.com",
		.domain = "email.example.com",
		.helo = "mail.example.net",
		.receiver = "mx.example.org",
		.validated = "client.example.org",
		.now_s = 1700000000,
	};
}

static void becomes(const char *ip, const char *string, const char *expected)
{
	struct spf_client client;
	struct spf_macros macros = macros_of(&client, ip);
	char made[512];
	struct text text;

	assert_true(spf_macro_string_ok(span_of(string), SPF_MACRO_IN_EXPLANATION));
	text_init(&text, made, sizeof(made));
	spf_macro_expand_text(&macros, span_of(string), &text);
	if (strcmp(made, expected) != 0)
		fail_msg("%s: %s, not %s", string, made, expected);
}

/* 7.4, all of its examples */
static void the_examples_of_the_rfc_hold(void **state)
{
	static const char *const rows[][2] = {
		{ "%{s}", "strong-bad@email.example.com" },
		{ "%{o}", "email.example.com" },
		{ "%{d}", "email.example.com" },
		{ "%{d4}", "email.example.com" },
		{ "%{d3}", "email.example.com" },
		{ "%{d2}", "example.com" },
		{ "%{d1}", "com" },
		{ "%{dr}", "com.example.email" },
		{ "%{d2r}", "example.email" },
		{ "%{l}", "strong-bad" },
		{ "%{l-}", "strong.bad" },
		{ "%{lr}", "strong-bad" },
		{ "%{lr-}", "bad.strong" },
		{ "%{l1r-}", "strong" },
		{ "%{ir}.%{v}._spf.%{d2}", "3.2.0.192.in-addr._spf.example.com" },
		{ "%{lr-}.lp._spf.%{d2}", "bad.strong.lp._spf.example.com" },
		{ "%{lr-}.lp.%{ir}.%{v}._spf.%{d2}", "bad.strong.lp.3.2.0.192.in-addr._spf.example.com" },
		{ "%{ir}.%{v}.%{l1r-}.lp._spf.%{d2}", "3.2.0.192.in-addr.strong.lp._spf.example.com" },
		{ "%{d2}.trusted-domains.example.net", "example.com.trusted-domains.example.net" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		becomes("192.0.2.3", rows[i][0], rows[i][1]);
	becomes("2001:db8::cb01", "%{ir}.%{v}._spf.%{d2}",
		"1.0.B.C.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.B.D.0.1.0.0.2.ip6._spf.example.com");
}

static void all_letters_and_escapes_are_known(void **state)
{
	(void)state;
	becomes("192.0.2.3", "%{c} %{i} %{v} %{h} %{r} %{p} %{t}",
		"192.0.2.3 192.0.2.3 in-addr mail.example.net mx.example.org client.example.org 1700000000");
	becomes("2001:db8::1", "%{c} %{v}", "2001:db8::1 ip6");
	becomes("::ffff:192.0.2.3", "%{i} %{v}", "192.0.2.3 in-addr");
	becomes("192.0.2.3", "%%-%_-%-", "%- -%20");
	becomes("192.0.2.3", "%{S}", "strong-bad%40email.example.com");
	becomes("192.0.2.3", "%{O2R}", "example.email");
	becomes("192.0.2.3", "%{o99999999999999999999999r}", "com.example.email");
}

static void delimiters_split_and_dots_join(void **state)
{
	struct spf_client client;
	struct spf_macros macros = macros_of(&client, "192.0.2.3");
	static const char *const rows[][2] = {
		{ "%{l}", "a-b+c,d/e_f=g.h" },
		{ "%{l.}", "a-b+c,d/e_f=g.h" },
		{ "%{l-+,/_=.}", "a.b.c.d.e.f.g.h" },
		{ "%{lr-+}", "c,d/e_f=g.h.b.a" },
		{ "%{l2r-+}", "b.a" },
		{ "%{l2=}", "a-b+c,d/e_f.g.h" },
		{ "%{l1=}", "g.h" },
	};

	(void)state;
	macros.local = span_of("a-b+c,d/e_f=g.h");
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char made[64];
		struct text text;

		text_init(&text, made, sizeof(made));
		spf_macro_expand_text(&macros, span_of(rows[i][0]), &text);
		assert_string_equal(made, rows[i][1]);
	}
}

static void empty_parts_stay(void **state)
{
	struct spf_client client;
	struct spf_macros macros = macros_of(&client, "192.0.2.3");
	char made[64];
	struct text text;

	(void)state;
	macros.local = span_of("-a--b-");
	text_init(&text, made, sizeof(made));
	spf_macro_expand_text(&macros, span_of("%{l-}|%{lr-}|%{l2-}|%{l2r-}"), &text);
	assert_string_equal(made, ".a..b.|.b..a.|b.|a.");
	macros.local = span_of("");
	text_init(&text, made, sizeof(made));
	spf_macro_expand_text(&macros, span_of("%{l}|%{lr}|%{l1r-}"), &text);
	assert_string_equal(made, "||");
}

/* 7.3: the left side is cut off by labels until 253 octets are left */
static void long_names_lose_their_left_side(void **state)
{
	struct spf_client client;
	struct spf_macros macros = macros_of(&client, "192.0.2.3");
	char spec[20 * 32 + 1] = "", expected[300] = "";
	spf_name name;

	(void)state;
	for (unsigned i = 0; i < 30; i++)
		strncat(spec, "%{o}.", sizeof(spec) - strlen(spec) - 1);
	strncat(spec, "x.org", sizeof(spec) - strlen(spec) - 1);
	/* 13 x 18 + 5 = 239, and 14 more of the next: "example.com." are 12 */
	strncat(expected, "example.com.", sizeof(expected) - strlen(expected) - 1);
	for (unsigned i = 0; i < 13; i++)
		strncat(expected, "email.example.com.", sizeof(expected) - strlen(expected) - 1);
	strncat(expected, "x.org", sizeof(expected) - strlen(expected) - 1);
	spf_macro_expand_name(&macros, span_of(spec), name);
	assert_string_equal(name, expected);
	assert_true(spf_name_exists(name));
}

static void a_long_label_leaves_no_name(void **state)
{
	struct spf_client client;
	struct spf_macros macros = macros_of(&client, "192.0.2.3");
	char local[901];
	spf_name name;

	(void)state;
	memset(local, 'x', sizeof(local) - 1);
	local[sizeof(local) - 1] = '\0';
	macros.local = span_of(local);
	spf_macro_expand_name(&macros, span_of("%{l}%{l}%{l}"), name);
	assert_false(spf_name_exists(name));
	spf_macro_expand_name(&macros, span_of("%{l}.example.org."), name);
	assert_string_equal(name, "example.org");
}

static void an_endless_expansion_leaves_no_name(void **state)
{
	struct spf_client client;
	struct spf_macros macros = macros_of(&client, "192.0.2.3");
	char spec[10000] = "";
	spf_name name;

	(void)state;
	for (size_t at = 0; at + 5 < sizeof(spec); at += 4)
		memcpy(spec + at, "%{S}", 5);
	spf_macro_expand_name(&macros, span_of(spec), name);
	assert_string_equal(name, "");
	assert_false(spf_name_exists(name));
}

static void a_trailing_dot_is_ignored(void **state)
{
	struct spf_client client;
	struct spf_macros macros = macros_of(&client, "192.0.2.3");
	spf_name name;

	(void)state;
	spf_macro_expand_name(&macros, span_of("x.org."), name);
	assert_string_equal(name, "x.org");
	spf_macro_expand_name(&macros, span_of("%{d}."), name);
	assert_string_equal(name, "email.example.com");
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_examples_of_the_rfc_hold),
		cmocka_unit_test(all_letters_and_escapes_are_known),
		cmocka_unit_test(delimiters_split_and_dots_join),
		cmocka_unit_test(empty_parts_stay),
		cmocka_unit_test(long_names_lose_their_left_side),
		cmocka_unit_test(a_long_label_leaves_no_name),
		cmocka_unit_test(an_endless_expansion_leaves_no_name),
		cmocka_unit_test(a_trailing_dot_is_ignored),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
