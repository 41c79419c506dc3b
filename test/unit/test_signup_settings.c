/*
 * The options of `signup`: their presets, limits that are inherited, the panel's packages, a form's visitors.
 */
#include "test.h"

#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "milters/signup/evidence.h"
#include "milters/signup/grant.h"
#include "milters/signup/letter.h"
#include "milters/signup/packages.h"
#include "milters/signup/settings.h"
#include "milters/signup/visitor.h"

static char folder[64];

static int folder_make(void **state)
{
	(void)state;
	strcpy(folder, "/tmp/test_signup.XXXXXX");
	return mkdtemp(folder) ? 0 : -1;
}

static void path_write(char out[96], const char *name)
{
	snprintf(out, 96, "%s/%s", folder, name);
}

static void file_write(const char *name, const char *text)
{
	char path[96];
	FILE *stream;

	path_write(path, name);
	stream = fopen(path, "w");
	assert_non_null(stream);
	fputs(text, stream);
	assert_int_equal(fclose(stream), 0);
}

static int folder_remove(void **state)
{
	static const char *const names[] = { "signup.conf", "plans", "more" };
	char path[96];

	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		path_write(path, names[i]);
		(void)unlink(path);
	}
	return rmdir(folder);
}

static const struct section *const sections[] = { &signup_section, NULL };

/* The limits in force where conf.d says no more than this. */
static struct signup_limits limits_of(const char *options)
{
	struct signup_limits limits;
	struct config *config;
	char text[600], error[600] = "";

	snprintf(text, sizeof(text), "signup {\n\tenable = true\n%s\n}\n", options);
	file_write("signup.conf", text);
	config = config_load(folder, sections, error, sizeof(error));
	assert_string_equal(error, "");
	settings_limits(config_section(config, "signup"), &limits);
	config_free(&config);
	return limits;
}

static void presets_are_what_was_measured(void **state)
{
	/* those of test/signup/replay.c */
	static const struct signup_limits measured = {
		.action = { ACTION_DEFER, ACTION_DEFER, ACTION_DEFER, ACTION_DEFER, ACTION_DEFER },
		.limit = { { 3, 4 }, { 5, 10 }, { 20, 40 }, { 20, 60 }, { 40, 120 } },
		.weight = { [SIGNUP_MACHINE] = 100,
			    [SIGNUP_PERSONAL] = 400,
			    [SIGNUP_SUBJECT] = 40,
			    [SIGNUP_TRADE] = 1600,
			    [SIGNUP_LIST] = 10000,
			    [SIGNUP_REPLY] = 200,
			    [SIGNUP_ALIKE] = 100,
			    [SIGNUP_RANDOM] = 33 },
		.usual_percent = 200,
		.usual_most = 500,
		.sales_percent = 75,
		.calm_ms = 2 * INT64_C(3600000),
	};
	struct signup_limits limits = limits_of("");

	(void)state;
	assert_memory_equal(limits.action, measured.action, sizeof(measured.action));
	assert_memory_equal(limits.limit, measured.limit, sizeof(measured.limit));
	assert_memory_equal(limits.weight, measured.weight, sizeof(measured.weight));
	assert_int_equal(limits.usual_percent, measured.usual_percent);
	assert_int_equal(limits.usual_most, measured.usual_most);
	assert_int_equal(limits.sales_percent, measured.sales_percent);
	assert_int_equal(limits.calm_ms, measured.calm_ms);
	assert_int_equal(limits.reject_after_ms, 0);
}

static void each_option_reaches_its_limit(void **state)
{
	struct signup_limits limits = limits_of("\tclient_recipients = off\n\tscript_recipients_limit = \"1/2\"\n"
						"\trandom_percent = 7\n\treject_after = 4h\n\tcalm = 0s");

	(void)state;
	assert_int_equal(limits.action[SIGNUP_CLIENT], ACTION_OFF);
	assert_int_equal(limits.limit[SIGNUP_SCRIPT][SIGNUP_HOUR], 1);
	assert_int_equal(limits.limit[SIGNUP_SCRIPT][SIGNUP_DAY], 2);
	assert_int_equal(limits.weight[SIGNUP_RANDOM], 7);
	assert_int_equal(limits.reject_after_ms, 4 * 3600000);
	assert_int_equal(limits.calm_ms, 0);
}

/* ---- limits of some ---------------------------------------------------------------------------- */

static void what_is_no_limit_is_refused(void **state)
{
	static const char *const good[] = { "account bob account_recipients 1/2", "ACCOUNT bob script_recipients 0/0",
					    "package Gold Plus  provider_recipients 1000000/1000000",
					    "mailbox a@b.example account_recipients 1/2 " };
	static const char *const bad[] = { "",
					   "account",
					   "account bob",
					   "account account_recipients 1/2",
					   "account bob smith account_recipients 1/2",
					   "domain bob account_recipients 1/2",
					   "account bob account_recipients",
					   "account bob account_recipients 1",
					   "account bob account_recipients 1/",
					   "account bob account_recipients -1/2",
					   "account bob account_recipients 1/2000000",
					   "account bob account_recipients 1/99999999999999999999",
					   "account bob account_messages 1/2",
					   "account bob victim_messages 1/2",
					   "account bob client_recipients 1/2" };

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(*good); i++)
		assert_null(grant_check(good[i]));
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		assert_non_null(grant_check(bad[i]));
}

static void the_nearest_limit_holds_for_each_rule_by_itself(void **state)
{
	static const char *const words[] = {
		"mailbox News@Bob.example account_recipients 7/8",
		"package gold plus account_recipients 1/2",
		"account BOB account_recipients 5/6",
		"package gold plus script_recipients 3/4",
		"mailbox info@bob.example script_recipients 9/9",
	};
	static const struct {
		const char *package, *account, *mailbox;
		bool own;
		uint32_t account_hour, script_hour;
	} rows[] = {
		{ "", "", "", false, 40, 20 },
		{ "", "ann", "ann", false, 40, 20 },
		{ "Gold Plus", "ann", "", false, 1, 3 },
		{ "gold", "ann", "", false, 40, 20 },
		{ "gold plus", "bob", "", false, 5, 3 },
		{ "", "Bob", "bob", false, 5, 20 },
		{ "gold plus", "bob", "news@bob.example", true, 7, 3 },
		{ "gold plus", "bob", "info@bob.example", false, 5, 9 },
	};
	const struct string_list list = { words, sizeof(words) / sizeof(*words) };
	struct grants *grants = grants_new(&list);

	(void)state;
	assert_non_null(grants);
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct signup_limits limits = {
			.limit = { [SIGNUP_SCRIPT] = { 20, 40 }, [SIGNUP_ACCOUNT] = { 40, 120 } }
		};

		assert_int_equal(grants_apply(grants, rows[i].package, rows[i].account, rows[i].mailbox, &limits),
				 rows[i].own);
		assert_int_equal(limits.limit[SIGNUP_ACCOUNT][SIGNUP_HOUR], rows[i].account_hour);
		assert_int_equal(limits.limit[SIGNUP_SCRIPT][SIGNUP_HOUR], rows[i].script_hour);
	}
	grants_free(&grants);
	assert_null(grants);
}

/* ---- packages ---------------------------------------------------------------------------------- */

static void package_is(struct packages *packages, const char *account, const char *expected)
{
	char package[PACKAGE_SIZE];

	packages_of(packages, account, package);
	assert_string_equal(package, expected);
}

/* Until somebody has looked again. */
static void package_becomes(struct packages *packages, const char *account, const char *expected)
{
	static const struct timespec pause = { .tv_nsec = 50000000 };
	char package[PACKAGE_SIZE] = "";

	for (int i = 0; i < 100 && strcmp(package, expected) != 0; i++) {
		packages_of(packages, account, package);
		nanosleep(&pause, NULL);
	}
	assert_string_equal(package, expected);
}

static void packages_follow_the_panels_files(void **state)
{
	char plans[96], more[96];
	const char *const paths[] = { plans, more };
	const struct string_list files = { paths, 2 };
	struct packages *packages;

	(void)state;
	path_write(plans, "plans");
	path_write(more, "more");
	file_write("plans", "# userplans v1\nzoe: gold\nbob:Gold Plus \r\n\nno colon\n: nobody\nann :\n");
	packages = packages_new(&files);
	assert_non_null(packages);
	package_is(packages, "bob", "Gold Plus");
	package_is(packages, "ZOE", "gold");
	package_is(packages, "ann", "");
	package_is(packages, "", "");
	file_write("more", "bob: silver\nann: bronze\n");
	package_becomes(packages, "ann", "bronze");
	package_is(packages, "bob", "Gold Plus");
	/* what is emptied or goes stays in force */
	file_write("plans", "");
	assert_int_equal(unlink(more), 0);
	package_becomes(packages, "bob", "Gold Plus");
	file_write("plans", "bob: copper\n");
	package_becomes(packages, "bob", "copper");
	package_is(packages, "ann", "bronze");
	packages_free(&packages);
	assert_null(packages);
}

/* ---- visitors ---------------------------------------------------------------------------------- */

static void the_last_address_is_the_visitors(void **state)
{
	static const struct {
		const char *value, *network;
	} rows[] = {
		{ "www.own.example/reg.php for 192.0.2.77", "192.0.2.0/24" },
		{ " www.own.example/reg.php for 192.0.2.77 \r\n", "192.0.2.0/24" },
		{ "own.example/x.php for 203.0.113.7, 198.51.100.9", "198.51.100.0/24" },
		{ "own.example/x.php for 203.0.113.7,198.51.100.9", "198.51.100.0/24" },
		{ "own.example/x.php for 2001:db8:1:2::3", "2001:db8:1::/48" },
		{ "own.example/x.php for ::ffff:192.0.2.7", "192.0.2.0/24" },
		{ "own.example/x.php for 10.1.2.3", "" },
		{ "own.example/x.php for 100.64.1.1", "" },
		{ "own.example/x.php for 100.128.1.1", "100.128.1.0/24" },
		{ "own.example/x.php for 172.31.0.1", "" },
		{ "own.example/x.php for 172.32.0.1", "172.32.0.0/24" },
		{ "own.example/x.php for 192.168.0.1", "" },
		{ "own.example/x.php for 127.0.0.1", "" },
		{ "own.example/x.php for ::1", "" },
		{ "own.example/x.php for fe80::1", "" },
		{ "own.example/x.php for fd00::1", "" },
		{ "own.example/x.php for 0.0.0.0", "" },
		{ "own.example/x.php for 224.0.0.1", "" },
		{ "own.example/x.php for ff02::1", "" },
		{ "own.example/x.php for 192.0.2.7, unknown", "" },
		{ "own.example/x.php for ", "" },
		{ "own.example/x.php", "" },
		{ "192.0.2.7", "" },
		{ "own.example/x.php for 192.0.2.700", "" },
		{ "", "" },
	};
	char network[VISITOR_SIZE];

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		if (!visitor_network(span_of(rows[i].value), network))
			network[0] = '\0';
		assert_string_equal(network, rows[i].network);
	}
}

/* ---- letters ----------------------------------------------------------------------------------- */

static void each_field_of_evidence_is_asked_for(void **state)
{
	(void)state;
	for (const char *const *wanted = signup_headers; *wanted; wanted++) {
		bool found = false;

		for (const char *const *name = letter_headers; *name; name++)
			found |= !strcmp(*name, *wanted);
		assert_true(found);
	}
}

static struct span token_of(struct session *session, const char *name, const char *value, uint64_t recipients,
			    char out[LETTER_TOKEN_SIZE])
{
	static const uint64_t key[2] = { 1, 2 };

	message_reset(session);
	if (name)
		assert_int_equal(message_header(session, name, value, true), 0);
	assert_int_equal(message_header(session, "Subject", "hello", true), 0);
	return letter_token(session, key, recipients, out);
}

static void a_token_is_of_message_and_recipients(void **state)
{
	char a[LETTER_TOKEN_SIZE], b[LETTER_TOKEN_SIZE];
	struct session session;

	(void)state;
	session_init(&session);
	token_of(&session, "Message-ID", "<1@x>", 5, a);
	token_of(&session, "Message-ID", "<1@x>", 5, b);
	assert_string_equal(a, b);
	token_of(&session, "Message-ID", "<1@x>", 6, b);
	assert_string_not_equal(a, b);
	token_of(&session, "Message-ID", "<2@x>", 5, b);
	assert_string_not_equal(a, b);
	token_of(&session, "Message-ID", "<1@x>", 5, b);
	assert_string_equal(a, b);
	message_body(&session, "Your code is 1", 14);
	letter_token(&session, (uint64_t[]){ 1, 2 }, 5, b);
	assert_string_not_equal(a, b);
	token_of(&session, "Date", "Mon, 1 Jan 2024", 5, a);
	token_of(&session, "Date", "Tue, 2 Jan 2024", 5, b);
	assert_string_not_equal(a, b);
	session_free(&session);
}

static void a_letter_is_read_as_its_reader_sees_it(void **state)
{
	struct letter letter;
	struct session session;

	(void)state;
	session_init(&session);
	session.who.path = PATH_COMMAND;
	assert_int_equal(message_header(&session, "Subject", " =?UTF-8?B?QmVzdMOkdGlnZW4=?=\r\n Sie", true), 0);
	assert_int_equal(message_header(&session, "X-PHP-Script", "own.example/a.php for 192.0.2.7", true), 0);
	letter_read(&session, &letter);
	assert_string_equal(letter.subject, "Best\xc3\xa4tigen Sie");
	assert_string_equal(letter.visitor, "");
	assert_true(SIGNUP_HAS(letter.facts.headers, SIGNUP_MACHINE));
	/* only where X-PHP-Originating-Script was believed */
	session.who.script = "a.php";
	letter_read(&session, &letter);
	assert_string_equal(letter.visitor, "192.0.2.0/24");
	session.who.path = PATH_LOOPBACK;
	letter_read(&session, &letter);
	assert_string_equal(letter.visitor, "");
	session_free(&session);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(presets_are_what_was_measured, folder_make, folder_remove),
		cmocka_unit_test_setup_teardown(each_option_reaches_its_limit, folder_make, folder_remove),
		cmocka_unit_test(what_is_no_limit_is_refused),
		cmocka_unit_test(the_nearest_limit_holds_for_each_rule_by_itself),
		cmocka_unit_test_setup_teardown(packages_follow_the_panels_files, folder_make, folder_remove),
		cmocka_unit_test(the_last_address_is_the_visitors),
		cmocka_unit_test(each_field_of_evidence_is_asked_for),
		cmocka_unit_test(a_token_is_of_message_and_recipients),
		cmocka_unit_test(a_letter_is_read_as_its_reader_sees_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
