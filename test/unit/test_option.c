/*
 * Options: what an admin may write into conf.d, what is refused and in which words, and
 * what the rows print.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "option/option.h"

struct sender {
	bool enable;
	int default_domain;
	struct string_list default_domains;
	const char *remedy;
};

struct signup {
	int64_t window, recipients;
};

static const char *const actions[] = { "off", "observe", "hold", "defer", "reject", NULL };

static const char *check_no_blank(const char *value)
{
	return strchr(value, ' ') ? "a name has no blanks" : NULL;
}

/* clang-format off */
static const struct option sender_options[] = {
	{ OPTION_BOOL, "enable", "true", 0, 0, NULL, NULL, offsetof(struct sender, enable), "Whether it works." },
	{ OPTION_CHOICE, "default_domain", "reject", 0, 0, actions, NULL, offsetof(struct sender, default_domain),
	  "What becomes of mail under a default domain." },
	{ OPTION_LIST, "default_domains", "{\"*.cp1.example.com\", \"cp[0-9]+@*\"}", 0, 0, NULL, check_no_blank,
	  offsetof(struct sender, default_domains), "The panel's default domains." },
	{ OPTION_STRING, "remedy", "\"\"", 0, 0, NULL, NULL, offsetof(struct sender, remedy),
	  ".sentences may begin with a dot and hold \"quotes\" and \\." },
	{ 0 },
};
static const struct option signup_options[] = {
	{ OPTION_TIME, "window", "1h", 60, 604800, NULL, NULL, offsetof(struct signup, window), "The window's length." },
	{ OPTION_NUMBER, "recipients", "50", 1, 1000, NULL, NULL, offsetof(struct signup, recipients), "How many in a window." },
	{ 0 },
};
/* clang-format on */

static const struct section sender = { "sender", "Mail that customers send.", sender_options, sizeof(struct sender),
				       NULL };
static const struct section signup = { "signup", "Floods from forms.", signup_options, sizeof(struct signup), NULL };
static const struct section *const sections[] = { &sender, &signup, NULL };

static char directory[64];
static char error[8192];

static int setup(void **state)
{
	(void)state;
	strcpy(directory, "/tmp/test_option.XXXXXX");
	error[0] = '\0';
	return mkdtemp(directory) ? 0 : -1;
}

static const char *path_of(const char *name)
{
	static char path[256];

	snprintf(path, sizeof(path), "%s/%s", directory, name);
	return path;
}

static int teardown(void **state)
{
	static const char *const names[] = { "10-a.conf", "20-b.conf", "30-c.conf", "a.conf~",
					     ".b.conf",	  "d.conf",    "a.conf.bak" };

	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (unlink(path_of(names[i])) != 0)
			rmdir(path_of(names[i]));
	return rmdir(directory);
}

static void write_bytes(const char *name, const char *text, size_t len)
{
	int fd = open(path_of(name), O_WRONLY | O_CREAT | O_TRUNC, 0644);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, len), len);
	close(fd);
}

static void write_file(const char *name, const char *text)
{
	write_bytes(name, text, strlen(text));
}

static struct config *load(void)
{
	return config_load(directory, sections, error, sizeof(error));
}

static void assert_loads(struct config *config)
{
	if (!config)
		fail_msg("refused: %s", error);
}

/* The text alone in 10-a.conf must be refused with exactly these lines; "D/" stands for the directory. */
static void assert_refused(const char *text, const char *expected)
{
	char wanted[8192] = "";
	size_t len = 0;
	struct config *config;

	write_file("10-a.conf", text);
	for (const char *at = expected; *at; at++) {
		const char *from = at[0] == 'D' && at[1] == '/' ? directory : NULL;

		len += (size_t)snprintf(wanted + len, sizeof(wanted) - len, "%.*s", from ? (int)strlen(from) : 1,
					from ? from : at);
	}
	config = load();
	assert_null(config);
	assert_string_equal(error, wanted);
}

static const char *printed(const struct config *config, const char *only, bool json)
{
	static char text[4096];
	FILE *out = fmemopen(text, sizeof(text), "w");

	assert_non_null(out);
	config_print(config, only, json, out);
	fclose(out);
	return text;
}

static void an_empty_directory_gives_the_defaults(void **state)
{
	struct config *config = load();
	const struct sender *s;
	const struct signup *u;

	(void)state;
	assert_loads(config);
	s = config_section(config, "sender");
	u = config_section(config, "signup");
	assert_true(s->enable);
	assert_int_equal(s->default_domain, 4);
	assert_int_equal(s->default_domains.count, 2);
	assert_string_equal(s->default_domains.at[0], "*.cp1.example.com");
	assert_string_equal(s->default_domains.at[1], "cp[0-9]+@*");
	assert_string_equal(s->remedy, "");
	assert_int_equal(u->window, 3600);
	assert_int_equal(u->recipients, 50);
	assert_int_equal(config_place(config, "sender"), 0);
	assert_null(config_section(config, "nobody"));
	config_free(&config);
	assert_null(config);
}

static void a_later_file_wins_per_option(void **state)
{
	struct config *config;
	const struct sender *s;

	(void)state;
	write_file("20-b.conf", "sender { default_domain = hold\n default_domains = {a} }");
	write_file("10-a.conf",
		   "signup { window = 2h }\n# x\n#\nsender { default_domain = observe\r\n remedy = 'ask us' "
		   "default_domains = {b, \"c\", d,} }\nsender { enable = false }");
	config = load();
	assert_loads(config);
	s = config_section(config, "sender");
	assert_int_equal(s->default_domain, 2);
	assert_string_equal(s->remedy, "ask us");
	assert_false(s->enable);
	assert_int_equal(s->default_domains.count, 1);
	assert_string_equal(s->default_domains.at[0], "a");
	assert_int_equal(config_place(config, "signup"), 1);
	assert_int_equal(config_place(config, "sender"), 2);
	config_free(&config);
}

static void each_value_knows_its_file_and_line(void **state)
{
	struct config *config;
	const char *text;
	char wanted[1024];

	(void)state;
	write_file("10-a.conf", "# one\n#\n\nsender {\n\tremedy = \"a\n b\"\n\tdefault_domain = hold # why\n"
				"\tdefault_domains = {\n\t}\n}\n");
	config = load();
	assert_loads(config);
	text = printed(config, "sender", false);
	snprintf(wanted, sizeof(wanted),
		 "sender.enable = true    # default\n"
		 "sender.default_domain = hold    # %s/10-a.conf:7\n"
		 "sender.default_domains = {}    # %s/10-a.conf:8\n"
		 "sender.remedy = \"a\\n b\"    # %s/10-a.conf:6\n",
		 directory, directory, directory);
	assert_string_equal(text, wanted);
	config_free(&config);
}

static void json_is_json_whatever_a_value_holds(void **state)
{
	struct config *config;
	const char *text;
	char wanted[1024];

	(void)state;
	write_file("10-a.conf", "sender { remedy = \"q\\\" b\\\\ t\\t e\\e \303\274\" }");
	config = load();
	assert_loads(config);
	text = printed(config, NULL, true);
	snprintf(wanted, sizeof(wanted),
		 "{\"sender\":{\"enable\":{\"value\":true,\"from\":\"default\"},"
		 "\"default_domain\":{\"value\":\"reject\",\"from\":\"default\"},"
		 "\"default_domains\":{\"value\":[\"*.cp1.example.com\",\"cp[0-9]+@*\"],\"from\":\"default\"},"
		 "\"remedy\":{\"value\":\"q\\\" b\\\\ t\\u0009 e\\u001b \303\274\",\"from\":\"%s/10-a.conf:1\"}},"
		 "\"signup\":{\"window\":{\"value\":\"1h\",\"from\":\"default\"},"
		 "\"recipients\":{\"value\":50,\"from\":\"default\"}}}\n",
		 directory);
	assert_string_equal(text, wanted);
	config_free(&config);
}

static void what_is_printed_can_be_written_into_a_file(void **state)
{
	static const char value[] = "${HOME} \"x\" \\ \t 'y'";
	struct config *config;
	const char *text;
	char file[512];
	const struct sender *s;

	(void)state;
	write_file("10-a.conf", "sender { remedy = '${HOME} \"x\" \\\\ \t \\'y\\'' }");
	config = load();
	assert_loads(config);
	s = config_section(config, "sender");
	assert_string_equal(s->remedy, value);
	text = printed(config, "sender", false);
	snprintf(file, sizeof(file), "sender { %s }", strstr(text, "remedy = "));
	*strchr(file, '#') = '\0';
	strcat(file, "\n}");
	config_free(&config);
	write_file("10-a.conf", file);
	config = load();
	assert_loads(config);
	s = config_section(config, "sender");
	assert_string_equal(s->remedy, value);
	config_free(&config);
}

static void unknown_names_are_refused_with_the_likely_one(void **state)
{
	(void)state;
	assert_refused(
		"sender {\n\tdefalt_domains = {a}\n}\n",
		"D/10-a.conf:2: unknown option 'defalt_domains' in section 'sender'; did you mean 'default_domains'?");
	assert_refused("sendr {\n}\n", "D/10-a.conf:1: unknown section 'sendr'; did you mean 'sender'?");
	assert_refused("x {\n}\n", "D/10-a.conf:1: unknown section 'x'; allowed: sender signup");
	assert_refused("signup { quota = 5 }",
		       "D/10-a.conf:1: unknown option 'quota' in section 'signup'; allowed: window recipients");
	assert_refused("sender { window = 5 }",
		       "D/10-a.conf:1: unknown option 'window' in section 'sender'; it belongs in section 'signup'");
}

static void all_problems_of_all_files_are_reported(void **state)
{
	(void)state;
	write_file("20-b.conf", "sender { remedy = \"open }");
	write_file("30-c.conf", "sender { enable = yes }");
	assert_refused(
		"# c\nsender {\n bad = {1, 2}\n default_domain = rejct\n}\nother { x = 1 }\nsignup {\n window = 1\n"
		"recipients = 0 }\n",
		"D/10-a.conf:3: unknown option 'bad' in section 'sender'; allowed: enable default_domain "
		"default_domains remedy\n"
		"D/10-a.conf:6: unknown section 'other'; allowed: sender signup\n"
		"D/10-a.conf:4: option 'default_domain' in section 'sender': 'rejct' is unknown; allowed: off observe "
		"hold defer "
		"reject\n"
		"D/10-a.conf:8: option 'window' in section 'signup': '1' is not a length of time (90s 15m 12h 3d 1w); "
		"allowed: "
		"1m to 1w\n"
		"D/10-a.conf:9: option 'recipients' in section 'signup': '0' is out of range; allowed: 1 to 1000\n"
		"D/20-b.conf:1: a quoted value begins here and never ends; close it with the same quote\n"
		"D/30-c.conf:1: option 'enable' in section 'sender': 'yes' is neither true nor false; allowed: true "
		"false");
}

static void the_form_is_judged_with_a_remedy(void **state)
{
	static const struct {
		const char *text, *why;
	} rows[] = {
		{ "sender {", "D/10-a.conf:1: the section's closing } is missing" },
		{ "}", "D/10-a.conf:1: a } that closes nothing" },
		{ "sender {\n remedy }", "D/10-a.conf:2: an option is written: name = value" },
		{ "sender { remedy = }", "D/10-a.conf:1: the value is missing; for an empty one write \"\"" },
		{ "sender { remedy = {a} }", "D/10-a.conf:1: option 'remedy' takes one value, not a list" },
		{ "sender { default_domains = {a b} }",
		  "D/10-a.conf:1: a list is written {\"a\", \"b\"}: values, commas between them, and a closing }" },
		{ "sender { default_domains = {{{{ }",
		  "D/10-a.conf:1: a list is written {\"a\", \"b\"}: values, commas between them, and a closing }" },
		{ "sender {\n sender { sender {",
		  "D/10-a.conf:2: a section cannot stand in a section; a } is missing before it" },
		{ "enable = true", "D/10-a.conf:1: options stand in sections: name { option = value }" },
		{ "sender { default_domains = *.x }", "D/10-a.conf:1: a value with other characters than letters, "
						      "digits and ._-:/@% belongs in double quotes" },
		{ "sender { remedy = a\"b\" }", "D/10-a.conf:1: a value with other characters than letters, digits and "
						"._-:/@% belongs in double quotes" },
		{ "sender { default_domains += {a} }",
		  "D/10-a.conf:1: nothing can be added with +=; write the whole list: option = {\"a\", \"b\"}" },
		{ "/* x */ sender { }", "D/10-a.conf:1: a comment begins with #" },
		{ "sender { remedy = \"${HOME}\" }",
		  "D/10-a.conf:1: \"${\" would be replaced from the environment; put the value in single quotes" },
		{ "sender { remedy = \"\\0\" }", "D/10-a.conf:1: a byte cannot be given by its number (\\0, \\x); "
						 "write the character itself, or \\\\ for a backslash" },
		{ "\n\nsender { remedy = \"\xff\" }",
		  "D/10-a.conf:3: a byte that is not UTF-8 text; save the file as UTF-8" },
		{ "\"sender|remedy\" = 3", "D/10-a.conf:1: outside sections stands only: name { ... }" },
		{ "sender|remedy = 3", "D/10-a.conf:1: a value with other characters than letters, digits and ._-:/@% "
				       "belongs in double quotes" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		assert_refused(rows[i].text, rows[i].why);
	write_bytes("10-a.conf", "sender {\n}\n\0", 12);
	assert_null(load());
	assert_non_null(strstr(error, "10-a.conf:3: a byte that is not UTF-8"));
}

static void a_file_is_read_right_after_a_broken_one(void **state)
{
	struct config *config;

	(void)state;
	write_file("10-a.conf", "sender { remedy = \"never closed }");
	assert_null(load());
	write_file("10-a.conf", "sender { remedy = \"closed\" }");
	config = load();
	assert_loads(config);
	config_free(&config);
}

static void times_have_units_and_limits(void **state)
{
	static const struct {
		const char *text;
		int64_t seconds; /* -1: refused */
	} rows[] = {
		{ "90s", 90 },
		{ "15m", 900 },
		{ "12h", 43200 },
		{ "3d", 259200 },
		{ "1w", 604800 },
		{ "90", -1 },
		{ "1h30m", -1 },
		{ "-1h", -1 },
		{ "2w", -1 },
		{ "59s", -1 },
		{ "h", -1 },
		{ "\"\"", -1 },
		{ "\" 1h\"", -1 },
		{ "9223372036854775807w", -1 },
		{ "99999999999999999999s", -1 },
		{ "0", -1 },
		{ "1H", -1 },
		{ "0x1h", -1 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char text[128];
		struct config *config;

		snprintf(text, sizeof(text), "signup { window = %s }", rows[i].text);
		write_file("10-a.conf", text);
		config = load();
		if ((config != NULL) != (rows[i].seconds >= 0))
			fail_msg("%s: %s", rows[i].text, error);
		if (config)
			assert_int_equal(((const struct signup *)config_section(config, "signup"))->window,
					 rows[i].seconds);
		if (config)
			config_free(&config);
	}
}

static void numbers_are_whole_and_within_limits(void **state)
{
	static const char *const bad[] = { "0", "1001", "5x", "\"\"", "\" 5\"", "1.5", "-5", "99999999999999999999" };

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		char text[128];

		snprintf(text, sizeof(text), "signup { recipients = %s }", bad[i]);
		write_file("10-a.conf", text);
		assert_null(load());
		assert_non_null(strstr(error, "allowed: 1 to 1000"));
	}
}

static void each_element_of_a_list_is_checked(void **state)
{
	(void)state;
	assert_refused("sender {\n default_domains = {\"a\",\n\"b c\"} }",
		       "D/10-a.conf:3: option 'default_domains' in section 'sender': 'b c': a name has no blanks");
}

static void a_long_list_keeps_its_order(void **state)
{
	static char text[20000];
	size_t len = (size_t)snprintf(text, sizeof(text), "sender { default_domains = {a0");
	struct config *config;
	const struct sender *s;

	(void)state;
	for (int i = 1; i < 1000; i++)
		len += (size_t)snprintf(text + len, sizeof(text) - len, ",\na%d", i);
	snprintf(text + len, sizeof(text) - len, "} }");
	write_file("10-a.conf", text);
	config = load();
	assert_loads(config);
	s = config_section(config, "sender");
	assert_int_equal(s->default_domains.count, 1000);
	assert_string_equal(s->default_domains.at[0], "a0");
	assert_string_equal(s->default_domains.at[999], "a999");
	config_free(&config);
}

static void only_plain_conf_files_count(void **state)
{
	struct config *config;

	(void)state;
	write_file("a.conf~", "bad");
	write_file(".b.conf", "bad");
	write_file("a.conf.bak", "bad");
	assert_int_equal(mkdir(path_of("d.conf"), 0755), 0);
	assert_int_equal(mkfifo(path_of("30-c.conf"), 0600), 0);
	config = load();
	assert_loads(config);
	config_free(&config);
}

static void a_file_that_anybody_may_write_is_refused(void **state)
{
	(void)state;
	write_file("10-a.conf", "");
	assert_int_equal(chmod(path_of("10-a.conf"), 0666), 0);
	assert_null(load());
	assert_non_null(
		strstr(error, "/10-a.conf: anybody may write to it; take that away: chmod o-w /tmp/test_option."));
}

static void what_cannot_be_read_is_an_error(void **state)
{
	(void)state;
	assert_int_equal(symlink("nowhere", path_of("10-a.conf")), 0);
	assert_null(load());
	assert_non_null(strstr(error, "/10-a.conf: cannot be read: No such file or directory; "));
	assert_null(config_load("/nonexistent/conf.d", sections, error, sizeof(error)));
	assert_string_equal(
		error,
		"/nonexistent/conf.d: cannot be read: No such file or directory; create it, or name the right one "
		"(a symbolic link must lead to a file)");
	assert_null(config_load("/nonexistent/conf.d", sections, error, 0));
	assert_null(config_load("/nonexistent/conf.d", sections, error, 10));
	assert_string_equal(error, "/nonexist");
}

static void a_file_that_is_too_big_is_an_error(void **state)
{
	char *big = malloc((1 << 20) + 1);

	(void)state;
	assert_non_null(big);
	memset(big, '\n', (1 << 20) + 1);
	write_bytes("10-a.conf", big, (1 << 20) + 1);
	free(big);
	assert_null(load());
	assert_non_null(strstr(error, "at most 1 MiB"));
}

static void a_bad_preset_is_found(void **state)
{
	static const struct option options[] = {
		{ OPTION_TIME, "window", "1", 60, 70, NULL, NULL, 0, "x" },
		{ 0 },
	};
	static const struct section bad = { "bad", "x", options, sizeof(int64_t), NULL };
	static const struct section *const one[] = { &bad, NULL };

	(void)state;
	assert_null(config_load(directory, one, error, sizeof(error)));
	assert_string_equal(
		error,
		"(built-in defaults):2: option 'window' in section 'bad': '1' is not a length of time (90s 15m 12h 3d "
		"1w); allowed: 1m to 70s");
}

static void the_sample_file_is_a_good_configuration(void **state)
{
	(void)state;
	for (int commented = 1; commented >= 0; commented--) {
		char *text = NULL;
		size_t len;
		FILE *out = open_memstream(&text, &len);
		struct config *config;

		section_sample(&sender, out);
		fclose(out);
		for (char *at = text; !commented && (at = strstr(at, "\t#")); at++)
			if (at[2] != ' ')
				at[1] = ' ';
		write_file("10-a.conf", text);
		free(text);
		config = load();
		assert_loads(config);
		assert_int_equal(config_place(config, "sender"), 1);
		config_free(&config);
	}
}

static void the_manual_is_made_of_the_rows(void **state)
{
	char *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);

	(void)state;
	section_manual(&sender, out);
	section_manual(&signup, out);
	fclose(out);
	assert_string_equal(text, ".It Cm \"enable = true\"\nWhether it works.\n"
				  ".It Cm \"default_domain = reject\"\nWhat becomes of mail under a default domain.\n"
				  "Allowed: off observe hold defer reject.\n"
				  ".It Cm \"default_domains = {\\(dq*.cp1.example.com\\(dq, \\(dqcp[0-9]+@*\\(dq}\"\n"
				  "The panel's default domains.\n"
				  ".It Cm \"remedy = \\(dq\\(dq\"\n"
				  "\\&.sentences may begin with a dot and hold \\(dqquotes\\(dq and \\e.\n"
				  ".It Cm \"window = 1h\"\nThe window's length.\nAllowed: 1m to 1w.\n"
				  ".It Cm \"recipients = 50\"\nHow many in a window.\nAllowed: 1 to 1000.\n");
	free(text);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST(an_empty_directory_gives_the_defaults),
		TEST(a_later_file_wins_per_option),
		TEST(each_value_knows_its_file_and_line),
		TEST(json_is_json_whatever_a_value_holds),
		TEST(what_is_printed_can_be_written_into_a_file),
		TEST(unknown_names_are_refused_with_the_likely_one),
		TEST(all_problems_of_all_files_are_reported),
		TEST(the_form_is_judged_with_a_remedy),
		TEST(a_file_is_read_right_after_a_broken_one),
		TEST(times_have_units_and_limits),
		TEST(numbers_are_whole_and_within_limits),
		TEST(each_element_of_a_list_is_checked),
		TEST(a_long_list_keeps_its_order),
		TEST(only_plain_conf_files_count),
		TEST(a_file_that_anybody_may_write_is_refused),
		TEST(what_cannot_be_read_is_an_error),
		TEST(a_file_that_is_too_big_is_an_error),
		TEST(a_bad_preset_is_found),
		TEST(the_sample_file_is_a_good_configuration),
		TEST(the_manual_is_made_of_the_rows),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
