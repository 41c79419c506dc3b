/*
 * What messages show of their kind: fields, subjects in many languages, and texts that want to do harm.
 */
#include "test.h"

#include <stdio.h>

#include "milters/signup/evidence.h"
#include "fold.h"
#include "subject_words.h"

#define BIT(evidence) (1u << (evidence))

static struct evidence_words words;
static char *texts[3];

/* A preset, {"a", "b"}, as conf.d would hand it over. */
static struct stems *stems_of(const char *preset, char **text)
{
	const char *list[400];
	size_t count = 0;

	*text = strdup(preset);
	for (char *at = *text; (at = strchr(at, '"')) != NULL; at++) {
		list[count++] = ++at;
		at = strchr(at, '"');
		assert_non_null(at);
		*at = '\0';
		assert_null(stem_check(list[count - 1]));
		assert_true(count < 400);
	}
	return stems_new(list, count);
}

static int setup(void **state)
{
	(void)state;
	words.subject = stems_of(subject_words_preset, &texts[0]);
	words.trade = stems_of(trade_words_preset, &texts[1]);
	words.copy = stems_of(copy_words_preset, &texts[2]);
	return words.subject && words.trade && words.copy ? 0 : -1;
}

static int teardown(void **state)
{
	(void)state;
	stems_free((struct stems **)&words.subject);
	stems_free((struct stems **)&words.trade);
	stems_free((struct stems **)&words.copy);
	for (size_t i = 0; i < 3; i++)
		free(texts[i]);
	return 0;
}

static unsigned shows(const char *subject, bool has_login, unsigned headers, uint32_t alike)
{
	struct evidence_facts facts = {
		.has_login = has_login, .headers = headers, .subject = span_of(subject), .alike = alike
	};

	return evidence_of(&facts, &words);
}

static enum signup_kind kind_of_subject(const char *subject)
{
	return signup_kind_of(shows(subject, false, 0, 0));
}

static void subjects_of_forms(void **state)
{
	static const char *const subjects[] = {
		"Confirm your subscription to Blumen",
		"[Shop] Login Details",
		"Please verify your email address",
		"BESTÄTIGEN SIE IHRE ANMELDUNG",
		"Bestaetigung der Registrierung",
		"Willkommen auf „Modellbahn“",
		"Dein Konto auf Garten wurde erstellt!",
		"Votre compte Jardin a été créé !",
		"Confirmez votre abonnement",
		"¡Tu cuenta en Bodega ha sido creada!",
		"Bitte aktiviere dein Konto",
		"HESABINIZI ONAYLAYIN",
		"Üyeliğinizi onaylayın",
		"Добро пожаловать на «Волга»",
		"ПОДТВЕРДИТЕ ПОДПИСКУ",
		"Ваша учетная запись: пароль",
		"Aktywuj swoje konto",
		"Επιβεβαίωση εγγραφής",
		"アカウント登録のご確認",
		"confirm 0123456789abcdef",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(subjects) / sizeof(*subjects); i++)
		if (kind_of_subject(subjects[i]) != SIGNUP_CONFIRM)
			fail_msg("%s: %s", subjects[i], signup_kind_names[kind_of_subject(subjects[i])]);
}

static void subjects_of_trade(void **state)
{
	static const char *const subjects[] = {
		"Deine Bestellung bei Garten ist eingegangen!",
		"Confirm your order",
		"Bestätigung Ihrer Bestellung",
		"Invoice 4711",
		"RECHNUNG 2026-12",
		"Votre commande Jardin a bien été reçue !",
		"Tu pedido 12 ha sido enviado",
		"12 numaralı SİPARİŞİNİZ kargoya verildi",
		"Ваш заказ 77 отправлен",
		"Счёт 5 к заказу",
		"СЧЕТ 5",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(subjects) / sizeof(*subjects); i++)
		if (kind_of_subject(subjects[i]) != SIGNUP_SALE)
			fail_msg("%s: %s", subjects[i], signup_kind_names[kind_of_subject(subjects[i])]);
}

static void other_subjects_show_nothing(void **state)
{
	static const char *const subjects[] = {
		"",
		"Re: Sommerfest",
		"Fahrradtour am Sonntag",
		"disorder in the unverified border",
		"Topic reply notification",
		"\xff\xfe\x80",
		"   ",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(subjects) / sizeof(*subjects); i++)
		if (kind_of_subject(subjects[i]) != SIGNUP_PROGRAM)
			fail_msg("%s: %s", subjects[i], signup_kind_names[kind_of_subject(subjects[i])]);
}

static void the_visitors_words_in_a_copy_do_not_count(void **state)
{
	(void)state;
	assert_int_equal(kind_of_subject("Copy of: your order, invoice attached"), SIGNUP_PROGRAM);
	assert_int_equal(kind_of_subject("Kopie von: Bestellung"), SIGNUP_PROGRAM);
	assert_int_equal(kind_of_subject("Re: copy of your order"), SIGNUP_SALE);
	/* nor does a login make them a person's */
	assert_int_equal(signup_kind_of(shows("Копия: заказ", true, 0, 0)), SIGNUP_PROGRAM);
}

/* Bots choose their names, and a forum may be called "Order of the Phoenix". */
static void names_in_a_forms_subject_do_not_make_it_trade(void **state)
{
	(void)state;
	assert_int_equal(kind_of_subject("Account details for Order 4711 at Forum"), SIGNUP_CONFIRM);
	assert_int_equal(kind_of_subject("Kontodaten f\xc3\xbcr Rechnung bei Forum"), SIGNUP_CONFIRM);
	assert_int_equal(kind_of_subject("Welcome to \"Order of the Phoenix\""), SIGNUP_CONFIRM);
	assert_int_equal(kind_of_subject("Confirm your order"), SIGNUP_SALE);
	assert_int_equal(kind_of_subject("Your account: invoice 5"), SIGNUP_SALE);
	/* nor does it make a person's mail a program's */
	assert_int_equal(signup_kind_of(shows("Welcome to the team", true, 0, 0)), SIGNUP_PERSON);
}

static void fields_of_programs_and_lists(void **state)
{
	static const struct {
		const char *name, *value;
		unsigned shows;
	} rows[] = {
		{ "Auto-Submitted", " auto-generated", BIT(SIGNUP_MACHINE) },
		{ "AUTO-SUBMITTED ", "Auto-Replied (vacation)", BIT(SIGNUP_MACHINE) },
		{ "Auto-Submitted", "no", 0 },
		{ "Auto-Submitted", "", 0 },
		{ "Precedence", "\tBulk", BIT(SIGNUP_MACHINE) },
		{ "Precedence", "first-class", 0 },
		{ "X-PHP-Originating-Script", "10001:reg.php", BIT(SIGNUP_MACHINE) },
		{ "X-AntiAbuse", "Board servername - forum.example", BIT(SIGNUP_MACHINE) },
		{ "X-AntiAbuse", "This header was added to track abuse", 0 },
		{ "X-Mailer", "PHPMailer 6.9.1", BIT(SIGNUP_MACHINE) },
		{ "X-Mailer", "Microsoft Outlook 16.0", 0 },
		{ "List-Unsubscribe", "<https://x.example/>", BIT(SIGNUP_LIST) | BIT(SIGNUP_MACHINE) },
		{ "List-Id", "<talk.example>", BIT(SIGNUP_LIST) | BIT(SIGNUP_MACHINE) },
		{ "In-Reply-To", "<1@example>", BIT(SIGNUP_REPLY) },
		{ "In-Reply-To", "hello", 0 },
		{ "Subject", "Precedence: bulk", 0 },
		{ "", "", 0 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		assert_int_equal(evidence_of_header(rows[i].name, span_of(rows[i].value)), rows[i].shows);
	for (const char *const *name = signup_headers; *name; name++)
		assert_true(strlen(*name) > 0);
}

static void a_request_to_confirm_is_no_newsletter(void **state)
{
	unsigned list = BIT(SIGNUP_LIST) | BIT(SIGNUP_MACHINE);

	(void)state;
	assert_int_equal(signup_kind_of(shows("Garden news 4/2026", false, list, 0)), SIGNUP_BULK);
	assert_int_equal(signup_kind_of(shows("Confirm your subscription", false, list, 0)), SIGNUP_CONFIRM);
}

static void who_logs_in_is_a_person_until_shown_otherwise(void **state)
{
	(void)state;
	assert_int_equal(signup_kind_of(shows("Sommerfest", true, 0, 0)), SIGNUP_PERSON);
	assert_int_equal(signup_kind_of(shows("Sommerfest", true, BIT(SIGNUP_MACHINE), 0)), SIGNUP_PROGRAM);
	assert_int_equal(signup_kind_of(shows("Sommerfest", false, 0, 0)), SIGNUP_PROGRAM);
	/* the same text to one stranger after the other */
	assert_int_equal(signup_kind_of(shows("Sommerfest", true, 0, 4)), SIGNUP_PERSON);
	assert_int_equal(signup_kind_of(shows("Sommerfest", true, 0, 5)), SIGNUP_PROGRAM);
	assert_int_equal(signup_kind_of(shows("Your account has been created", true, 0, 1)), SIGNUP_PERSON);
	assert_int_equal(signup_kind_of(shows("Your account has been created", true, 0, 2)), SIGNUP_CONFIRM);
}

static void made_up_recipients_count_against_forms_only(void **state)
{
	struct evidence_facts facts = { .has_random = true, .subject = span_of("Confirm your subscription") };

	(void)state;
	assert_true(SIGNUP_HAS(evidence_of(&facts, &words), SIGNUP_RANDOM));
	facts.subject = span_of("hello");
	assert_true(SIGNUP_HAS(evidence_of(&facts, &words), SIGNUP_RANDOM));
	facts.has_login = true;
	assert_false(SIGNUP_HAS(evidence_of(&facts, &words), SIGNUP_RANDOM));
	facts.has_login = false;
	/* marketplaces make up their customers' addresses */
	facts.subject = span_of("Your order 4711");
	assert_false(SIGNUP_HAS(evidence_of(&facts, &words), SIGNUP_RANDOM));
	facts.subject = span_of("Garden news");
	facts.headers = BIT(SIGNUP_LIST) | BIT(SIGNUP_MACHINE);
	assert_false(SIGNUP_HAS(evidence_of(&facts, &words), SIGNUP_RANDOM));
}

static void no_tables_no_words(void **state)
{
	struct evidence_facts facts = { .subject = span_of("Confirm your order") };
	struct evidence_words none = { NULL, NULL, NULL };

	(void)state;
	assert_int_equal(evidence_of(&facts, &none), BIT(SIGNUP_MACHINE));
}

static void stems_stand_at_the_begin_of_a_word(void **state)
{
	static const char *const list[] = { "log in detail", "ßtraße", "登録" };
	struct stems *stems = stems_new(list, 3);

	(void)state;
	assert_string_equal(stems_find(stems, span_of("Your LOG-IN... Details")), "log in detail");
	assert_null(stems_find(stems, span_of("blog in detail")));
	assert_null(stems_find(stems, span_of("log in")));
	assert_string_equal(stems_find(stems, span_of("ẞtraße")), "ßtraße");
	assert_string_equal(stems_find(stems, span_of("会員登録完了")), "登録");
	assert_null(stems_begin(stems, span_of("your log in details")));
	assert_string_equal(stems_begin(stems, span_of("  (Log in) details")), "log in detail");
	stems_free(&stems);
	assert_null(stems);
}

static void bad_stems_are_refused(void **state)
{
	char longer[200];
	const char *list[] = { "", "--", "ab", longer, "good" };
	struct stems *stems;

	(void)state;
	memset(longer, 'x', sizeof(longer) - 1);
	longer[sizeof(longer) - 1] = '\0';
	for (size_t i = 0; i < 4; i++)
		assert_non_null(stem_check(list[i]));
	stems = stems_new(list, 5);
	assert_string_equal(stems_find(stems, span_of("a good one")), "good");
	assert_null(stems_find(stems, span_of("xxxxxxxxxx ab --")));
	stems_free(&stems);
	stems = stems_new(NULL, 0);
	assert_null(stems_find(stems, span_of("anything")));
	stems_free(&stems);
}

static void subjects_of_any_length_and_bytes(void **state)
{
	size_t size = 100000;
	char *text = malloc(size);
	uint32_t random = 1;

	(void)state;
	assert_non_null(text);
	for (int round = 0; round < 50; round++) {
		for (size_t i = 0; i < size; i++) {
			random = random * 1664525 + 1013904223;
			text[i] = (char)(random >> 24);
		}
		stems_find(words.subject, (struct span){ text, (size_t)(round * round) });
		stems_find(words.trade, (struct span){ text, size });
	}
	/* a code point that the end cuts off */
	memset(text, 'a', size);
	memcpy(text, "confirm \xd0", 9);
	assert_string_equal(stems_find(words.subject, (struct span){ text, 9 }), "confirm");
	/* what lies behind the part that is looked at is not found */
	memset(text, 'a', size);
	memcpy(text + 600, " confirm ", 9);
	assert_null(stems_find(words.subject, (struct span){ text, size }));
	free(text);
}

static void letters_in_one_form(void **state)
{
	static const struct {
		const char *text, *folded;
	} rows[] = {
		{ "ÄÖÜ ẞ É Ñ Ÿ", "äöü ß é ñ ÿ" },
		{ "İSTANBUL ISPARTA ılık", "istanbul isparta ilik" },
		{ "ŞİFRE ĞÜ Łódź ŻÓŁĆ", "şifre ğü łódź żółć" },
		{ "ДОБРО Ёлка Ђ", "добро елка ђ" },
		{ "ΣΊΣΥΦΟΣ σίσυφος", "σίσυφοσ σίσυφοσ" },
		{ "  a--b\t\r\n\"c\"  ", "a b c" },
		{ "a\xff\xc3(b", "a b" },
		{ "１２３　ＡＢ", "１２３ ＡＢ" },
		{ "🎉 party 🎉", "party" },
		{ "", "" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		char out[100];
		size_t len = fold_words(span_of(rows[i].text), out, sizeof(out));

		out[len] = '\0';
		assert_string_equal(out, rows[i].folded);
	}
}

static void folding_cuts_at_a_code_point(void **state)
{
	char out[8];

	(void)state;
	assert_int_equal(fold_words(span_of("abcdefgä"), out, 8), 7);
	assert_int_equal(fold_words(span_of("abcdefg h"), out, 8), 7);
	assert_int_equal(fold_words(span_of("abc"), out, 0), 0);
}

#define TEST(name)                                      \
	{                                               \
		"signup_" #name, name, NULL, NULL, NULL \
	}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(subjects_of_forms),
		TEST(subjects_of_trade),
		TEST(other_subjects_show_nothing),
		TEST(the_visitors_words_in_a_copy_do_not_count),
		TEST(names_in_a_forms_subject_do_not_make_it_trade),
		TEST(fields_of_programs_and_lists),
		TEST(a_request_to_confirm_is_no_newsletter),
		TEST(who_logs_in_is_a_person_until_shown_otherwise),
		TEST(made_up_recipients_count_against_forms_only),
		TEST(no_tables_no_words),
		TEST(stems_stand_at_the_begin_of_a_word),
		TEST(bad_stems_are_refused),
		TEST(subjects_of_any_length_and_bytes),
		TEST(letters_in_one_form),
		TEST(folding_cuts_at_a_code_point),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
