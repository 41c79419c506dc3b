/*
 * Texts and addresses as `signup` reads them: near-identical messages, made-up local parts, one form for recipients.
 */
#include "test.h"

#include <stdio.h>

#include "milters/signup/alike.h"
#include "contact.h"
#include "milters/signup/localpart.h"
#include "milters/signup/sketch.h"

#define NOW (INT64_C(1774224000) * 1000)
#define HOUR_MS INT64_C(3600000)

static uint64_t sketch(const char *subject, const char *body)
{
	return sketch_make(span_of(subject), span_of(body));
}

#define WELCOME(user, id)                                                                                      \
	"Willkommen auf Modellbahn,\nbitte hebe diese E-Mail gut auf. Deine Benutzerdaten lauten wie folgt:\n" \
	"Benutzername: " user "\nUm dein Benutzerkonto zu aktivieren, rufe bitte folgenden Link auf:\n"        \
	"https://modellbahn.example/ucp.php?mode=activate&u=" id

/* ---- near-identical texts ---------------------------------------------------------------------- */

static void one_form_two_visitors(void **state)
{
	uint64_t a = sketch("Willkommen auf Modellbahn", WELCOME("sonnenblume", "17&k=ab12"));
	uint64_t b = sketch("WILLKOMMEN auf Modellbahn", WELCOME("xkqzjw", "98877&k=99fe"));

	(void)state;
	assert_true(sketch_is_alike(a, b));
	assert_true(sketch_is_alike(a, a));
}

static void two_forms_are_not_alike(void **state)
{
	uint64_t a = sketch("Willkommen auf Modellbahn", WELCOME("sonnenblume", "17&k=ab12"));
	uint64_t b = sketch(
		"Benachrichtigung über Antwort",
		"Hallo sonnenblume,\ndu erhältst diese Benachrichtigung, weil du das Thema beobachtest. "
		"Seit deinem letzten Besuch wurde eine Antwort erstellt.\nhttps://modellbahn.example/viewtopic.php");

	(void)state;
	assert_false(sketch_is_alike(a, b));
}

static void numbers_links_and_addresses_are_one_word_each(void **state)
{
	const char *body =
		"your order 4711 of 2026-03-01 was sent to a@b.example see https://x.example/track/1 for more";
	const char *other =
		"your order 12 of 2025-11-30 was sent to cc.dd@e-f.example see http://y.example/z?u=2 for more";

	(void)state;
	assert_int_equal(sketch("order 1", body), sketch("order 99", other));
}

static void too_few_words_tell_nothing(void **state)
{
	(void)state;
	assert_int_equal(sketch("", ""), 0);
	assert_int_equal(sketch("hello", "there you"), 0);
	assert_int_equal(sketch("\xff\xfe", "--- ... ---"), 0);
	assert_false(sketch_is_alike(0, 0));
}

static void texts_of_any_length_and_bytes(void **state)
{
	size_t size = 200000;
	char *text = malloc(size);
	uint32_t random = 7;

	(void)state;
	assert_non_null(text);
	for (size_t i = 0; i < size; i++) {
		random = random * 1664525 + 1013904223;
		text[i] = (char)(random >> 24);
	}
	for (size_t len = 0; len < 700; len++)
		sketch_make((struct span){ text, len }, (struct span){ text + len, size - len });
	/* a link or an address that the end cuts off */
	assert_true(sketch("a b c d e f g http://", "x@") != 0);
	assert_true(sketch("a b c d e f g http:/", "@") != 0);
	free(text);
}

static void strangers_with_one_text_are_counted(void **state)
{
	struct alike *alike = alike_new(4);
	uint64_t a = sketch("Willkommen auf Modellbahn", WELCOME("hans", "1"));
	uint64_t b = sketch("Willkommen auf Modellbahn", WELCOME("grete", "2"));

	(void)state;
	assert_int_equal(alike_add(alike, 1, a, 1, NOW), 0);
	assert_int_equal(alike_add(alike, 1, b, 1, NOW + 1000), 1);
	assert_int_equal(alike_add(alike, 1, a, 3, NOW + 2000), 2);
	/* another account, whether or not it shares the place */
	assert_int_equal(alike_add(alike, UINT64_C(0x900000001), a, 1, NOW), 0);
	/* half of them for each hour */
	assert_int_equal(alike_add(alike, 1, a, 0, NOW + HOUR_MS + 3000), 2);
	assert_int_equal(alike_add(alike, 1, a, 0, NOW + 100 * HOUR_MS), 0);
	/* a text that says nothing is nobody's */
	assert_int_equal(alike_add(alike, 1, 0, 5, NOW), 0);
	assert_int_equal(alike_add(alike, 1, 0, 5, NOW), 0);
	alike_free(&alike);
	assert_null(alike);
}

static void a_clock_set_back_forgets_no_text(void **state)
{
	struct alike *alike = alike_new(0);
	uint64_t a = sketch("Willkommen auf Modellbahn", WELCOME("hans", "1"));

	(void)state;
	alike_add(alike, 1, a, 6, NOW);
	assert_int_equal(alike_add(alike, 1, a, 1, NOW - 24 * HOUR_MS), 6);
	assert_int_equal(alike_add(alike, 1, a, UINT32_MAX, NOW), 7);
	assert_int_equal(alike_add(alike, 1, a, UINT32_MAX, NOW), UINT32_MAX);
	assert_int_equal(alike_add(alike, 1, a, 1, INT64_MAX), 0);
	alike_free(&alike);
}

/* Whoever writes a new text each time pushes out texts, and nothing grows. */
static void many_texts_push_out_old_ones(void **state)
{
	struct alike *alike = alike_new(1);
	uint64_t kept = sketch("Willkommen auf Modellbahn", WELCOME("hans", "1"));

	(void)state;
	alike_add(alike, 1, kept, 6, NOW);
	for (uint64_t i = 1; i < 1000; i++)
		assert_int_equal(
			alike_add(alike, 1, i * UINT64_C(0x9e3779b97f4a7c15) | 1, 1, NOW + (int64_t)i * HOUR_MS), 0);
	assert_int_equal(alike_add(alike, 1, kept, 1, NOW + 1000 * HOUR_MS), 0);
	alike_free(&alike);
}

/* ---- local parts ------------------------------------------------------------------------------- */

static void names_are_not_random(void **state)
{
	static const char *const locals[] = {
		"anna.mueller",
		"hans-peter",
		"j.smith",
		"info",
		"kfz-werkstatt",
		"mmustermann1965",
		"sonnenblume7",
		"guillaume",
		"begona.garcia",
		"ozturk.mehmet",
		"aleksandr.volkov",
		"krzysztof.wisniewski",
		"nguyen.linh",
		"kovacs.istvan",
		"hjk1961",
		"dr.schmidt",
		"no-reply",
		"buchhaltung",
		"x",
		"",
		"2fast4you",
		"MaX.MuStErMaNn",
		"einkauf+shop",
		"svennordstrom",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(locals) / sizeof(*locals); i++)
		if (localpart_is_random(span_of(locals[i])))
			fail_msg("%s: %d", locals[i], localpart_bits(span_of(locals[i])));
}

static void what_a_machine_makes_up_is(void **state)
{
	static const char *const locals[] = {
		"xqzrtplk",	 "wlpsmnvd17", "a8f3k2m9d", "qjxvkzhw",
		"ghtrwq.zxcvbn", "b7x2q9w4",   "KXQZJWPV",  "fjqmzxkw+tag",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(locals) / sizeof(*locals); i++)
		if (!localpart_is_random(span_of(locals[i])))
			fail_msg("%s: %d", locals[i], localpart_bits(span_of(locals[i])));
}

static void other_scripts_and_bytes_say_nothing(void **state)
{
	char text[5000];

	(void)state;
	assert_false(localpart_is_random(span_of("用户名称")));
	assert_false(localpart_is_random(span_of("почта")));
	assert_false(localpart_is_random(span_of("\"quoted local\"")));
	assert_false(localpart_is_random(span_of("\xff\xfe\xfd")));
	assert_false(localpart_is_random(span_of("+xqzrtplkxqzrtplk")));
	for (size_t i = 0; i < sizeof(text); i++)
		text[i] = (char)i;
	for (size_t len = 0; len < sizeof(text); len += 7)
		localpart_bits((struct span){ text, len });
}

/* ---- recipients -------------------------------------------------------------------------------- */

static const char *folded(void fold(struct span, const char *, struct text *), const char *local, const char *domain)
{
	static char buffer[CONTACT_MAX];
	struct text text;

	text_init(&text, buffer, sizeof(buffer));
	fold(span_of(local), domain, &text);
	return buffer;
}

static void one_form_for_a_recipient(void **state)
{
	(void)state;
	assert_string_equal(folded(contact_fold, "Anna.Mueller+shop", "gmx.de"), "anna.mueller@gmx.de");
	assert_string_equal(folded(contact_fold, "anna+a+b", "x.example"), "anna@x.example");
	assert_string_equal(folded(contact_fold, "anna.b", "googlemail.com"), "anna.b@gmail.com");
	assert_string_equal(folded(contact_fold, "+49301234", "fax.example"), "+49301234@fax.example");
	assert_string_equal(folded(contact_fold, "\"+a\"", "x.example"), "+a@x.example");
	assert_string_equal(folded(contact_fold, "\"\"", "x.example"), "@x.example");
	assert_string_equal(folded(contact_fold, "", ""), "@");
	assert_string_equal(folded(contact_fold, "postmaster", ""), "postmaster@");
}

static void quotes_and_backslashes_make_no_other_recipient(void **state)
{
	(void)state;
	assert_string_equal(folded(contact_fold, "\"Anna.Mueller\"", "gmx.de"), "anna.mueller@gmx.de");
	assert_string_equal(folded(contact_fold, "\"an\\na\"", "gmx.de"), "anna@gmx.de");
	assert_string_equal(folded(contact_fold, "\"anna+b\"", "gmx.de"), "anna@gmx.de");
	assert_string_equal(folded(contact_fold, "\"a\\\"b\"", "gmx.de"), "a\"b@gmx.de");
	assert_string_equal(folded(contact_box, "\"v.ic\\tim\"", "gmail.com"), "victim@gmail.com");
}

static void dots_are_one_box_at_gmail_only(void **state)
{
	(void)state;
	assert_string_equal(folded(contact_box, "v.ic.tim", "gmail.com"), "victim@gmail.com");
	assert_string_equal(folded(contact_box, "v.ic.tim+x", "googlemail.com"), "victim@gmail.com");
	assert_string_equal(folded(contact_box, "v.ic.tim", "gmx.de"), "v.ic.tim@gmx.de");
	assert_string_equal(folded(contact_box, "...", "gmail.com"), "@gmail.com");
}

static void what_is_too_long_is_cut(void **state)
{
	char buffer[16], local[400];
	struct text text;

	(void)state;
	memset(local, 'a', sizeof(local));
	text_init(&text, buffer, sizeof(buffer));
	contact_fold((struct span){ local, sizeof(local) }, "x.example", &text);
	assert_true(text.cut);
	assert_int_equal(strlen(buffer), 15);
}

#define TEST(name)                                      \
	{                                               \
		"signup_" #name, name, NULL, NULL, NULL \
	}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(one_form_two_visitors),
		TEST(two_forms_are_not_alike),
		TEST(numbers_links_and_addresses_are_one_word_each),
		TEST(too_few_words_tell_nothing),
		TEST(texts_of_any_length_and_bytes),
		TEST(strangers_with_one_text_are_counted),
		TEST(a_clock_set_back_forgets_no_text),
		TEST(many_texts_push_out_old_ones),
		TEST(names_are_not_random),
		TEST(what_a_machine_makes_up_is),
		TEST(other_scripts_and_bytes_say_nothing),
		TEST(one_form_for_a_recipient),
		TEST(quotes_and_backslashes_make_no_other_recipient),
		TEST(dots_are_one_box_at_gmail_only),
		TEST(what_is_too_long_is_cut),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
