/*
 * A notice and its forms (common/notice/): what is said twice, and what hostile names do to JSON, environment and mail.
 */
#include "test.h"

#include <stdio.h>
#include <unistd.h>

#include "notice/item.h"
#include "notice/repeat.h"
#include "notice/sink.h"

#define EVERY_MS 3600000

static struct notice about(const char *kind, const char *account, const char *rule)
{
	return (struct notice){ .kind = kind, .account = account, .rule = rule };
}

static void the_same_is_said_once_in_a_while(void **state)
{
	struct repeat *repeat = calloc(1, sizeof(*repeat));
	struct notice one = about("limit_near", "cp1001", "account_hour");
	struct notice others[] = { about("limit_full", "cp1001", "account_hour"),
				   about("limit_near", "cp1002", "account_hour"),
				   about("limit_near", "cp1001", "account_day"), about("limit_near", NULL, NULL) };

	(void)state;
	assert_non_null(repeat);
	assert_true(repeat_may(repeat, &one, 1, EVERY_MS));
	for (size_t i = 0; i < sizeof(others) / sizeof(*others); i++)
		assert_true(repeat_may(repeat, &others[i], 1, EVERY_MS));
	assert_false(repeat_may(repeat, &one, EVERY_MS, EVERY_MS));
	assert_true(repeat_may(repeat, &one, EVERY_MS + 1, EVERY_MS));
	assert_false(repeat_may(repeat, &one, EVERY_MS + 2, EVERY_MS));
	free(repeat);
}

/* A million accounts take no more memory, and the newest are remembered. */
static void what_is_remembered_is_bounded_and_the_newest(void **state)
{
	struct repeat *repeat = calloc(1, sizeof(*repeat));
	unsigned forgotten = 0;
	char account[32];

	(void)state;
	assert_non_null(repeat);
	for (unsigned i = 0; i < 1000000; i++) {
		struct notice notice = about("limit_near", account, "r");

		snprintf(account, sizeof(account), "cp%u", i);
		assert_true(repeat_may(repeat, &notice, 1 + i, EVERY_MS));
	}
	for (unsigned i = 1000000 - 500; i < 1000000; i++) {
		struct notice notice = about("limit_near", account, "r");

		snprintf(account, sizeof(account), "cp%u", i);
		forgotten += repeat_may(repeat, &notice, 1000001, EVERY_MS);
	}
	assert_true(forgotten <= 5);
	free(repeat);
}

/* ---- forms ------------------------------------------------------------------------------------- */

static struct item *item_of(const char *account, const struct notice_fact *facts, size_t count)
{
	struct notice notice = { .kind = "limit_near",
				 .account = account,
				 .rule = "account_hour",
				 .text = "Account has sent 80 of 100.",
				 .id = "mww0f7nfq8kx8",
				 .facts = facts,
				 .fact_count = count };
	struct item *item = item_new(&notice, "outbound", INT64_C(1700000000000));

	assert_non_null(item);
	return item;
}

static void json_holds_hostile_names(void **state)
{
	static const struct notice_fact facts[] = { { "limit", "100" },	  { "Bad-Key", "x" }, { "text", "forged" },
						    { "script", NULL },	  { "", "x" },	      { NULL, "x" },
						    { "last", "\"},{\"" } };
	struct item *item = item_of("a\"\\\n\x01\xed\xa0\x80\xc3\xbc\xff", facts, sizeof(facts) / sizeof(*facts));
	char *json, *facts_at;
	size_t len;

	(void)state;
	json = item_json(item, &len);
	assert_non_null(json);
	assert_int_equal(len, strlen(json));
	assert_non_null(strstr(json,
			       "{\"kind\":\"limit_near\",\"account\":\"a\\\"\\\\\\u000a\\u0001\\ufffd\\ufffd\\ufffd"
			       "\xc3\xbc\\ufffd\",\"rule\":\"account_hour\",\"id\":\"mww0f7nfq8kx8\","));
	assert_non_null(strstr(json, "\"time\":\"2023-11-14T22:13:20Z\""));
	facts_at = strstr(json, "\"facts\":");
	assert_non_null(facts_at);
	assert_string_equal(facts_at, "\"facts\":{\"limit\":\"100\",\"script\":\"\",\"last\":\"\\\"},{\\\"\"}}");
	free(json);
	item_unref(item);
}

/* The worst that each byte can become still ends with its brackets. */
static void json_of_the_longest_is_whole(void **state)
{
	struct notice_fact facts[20];
	char value[1000], key[20][8], *json;
	struct item *item;
	size_t len;

	(void)state;
	memset(value, 1, sizeof(value) - 1);
	value[sizeof(value) - 1] = '\0';
	for (size_t i = 0; i < 20; i++) {
		snprintf(key[i], sizeof(key[i]), "k%zu", i);
		facts[i] = (struct notice_fact){ key[i], value };
	}
	item = item_of(value, facts, 20);
	assert_int_equal(item->fact_count, NOTICE_FACTS);
	assert_int_equal(strlen(item->account), 400);
	json = item_json(item, &len);
	assert_non_null(json);
	assert_string_equal(json + len - 3, "\"}}");
	free(json);
	item_unref(item);
}

static const char *variable(char *const *environment, const char *name)
{
	for (; *environment; environment++)
		if (!strncmp(*environment, name, strlen(name)) && (*environment)[strlen(name)] == '=')
			return *environment + strlen(name) + 1;
	return NULL;
}

static void environment_holds_no_control_bytes_and_nothing_of_ours(void **state)
{
	static const struct notice_fact facts[] = { { "limit", "100" }, { "free_again", "a\nLD_PRELOAD=/tmp/x" } };
	struct item *item = item_of("cp\r\n\x1b[2J", facts, 2);
	char **environment = item_environment(item);
	unsigned count = 0;

	(void)state;
	assert_non_null(environment);
	assert_string_equal(variable(environment, "LEUMUND_ACCOUNT"), "cp???[2J");
	assert_string_equal(variable(environment, "LEUMUND_KIND"), "limit_near");
	assert_string_equal(variable(environment, "LEUMUND_SERVICE"), "outbound");
	assert_string_equal(variable(environment, "LEUMUND_FREE_AGAIN"), "a?LD_PRELOAD=/tmp/x");
	assert_null(variable(environment, "LD_PRELOAD"));
	assert_null(variable(environment, "HOME"));
	for (; environment[count]; count++)
		assert_true(!strncmp(environment[count], "LEUMUND_", 8) || count < 2);
	assert_int_equal(count, 12);
	free(environment);
	item_unref(item);
}

static void mail_cannot_be_given_header_lines(void **state)
{
	static const struct notice_fact facts[] = { { "script", "x\r\n.\r\nMAIL FROM:<>" } };
	char account[600], *mail, *save = NULL, *body;
	struct item *item;
	unsigned headers = 0;
	size_t len;

	(void)state;
	memset(account, 0x1b, sizeof(account) - 1);
	memcpy(account, "x\r\nBcc: victim@example.com\r\n\r\n", 30);
	account[sizeof(account) - 1] = '\0';
	item = item_of(account, facts, 1);
	mail = item_mail(item, "admin@example.com", "\r\n", &len);
	assert_non_null(mail);
	assert_int_equal(len, strlen(mail));
	assert_null(strstr(mail, "\nBcc"));
	assert_null(strstr(mail, "\n."));
	assert_non_null(strstr(mail, "\r\nAuto-Submitted: auto-generated\r\n"));
	assert_non_null(strstr(mail, "\r\nTo: admin@example.com\r\n"));
	body = strstr(mail, "\r\n\r\n");
	assert_non_null(body);
	assert_null(strstr(body + 4, "\r\n\r\n  kind: \r\n"));
	for (char *line = strtok_r(mail, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		assert_true(strlen(line) <= 999);
		for (const char *at = line; *at; at++)
			assert_true((*at >= ' ' && *at <= '~') || (*at == '\r' && at[1] == '\0'));
		headers += line < body;
	}
	assert_int_equal(headers, 7);
	item_unref(item);
	free(mail);
}

static void log_line_is_one_of_words_and_a_sentence(void **state)
{
	static const struct notice_fact facts[] = { { "limit", "100 x" } };
	struct item *item = item_of("a b\n", facts, 1);
	char buffer[400];
	struct text line;

	(void)state;
	text_init(&line, buffer, sizeof(buffer));
	item_log(item, &line);
	assert_string_equal(buffer, "notice kind=limit_near account=a\\x20b\\x0a rule=account_hour id=mww0f7nfq8kx8 "
				    "limit=100\\x20x: Account has sent 80 of 100.");
	item_unref(item);
}

/* ---- options ----------------------------------------------------------------------------------- */

static void options_are_checked_before_they_are_used(void **state)
{
	static const struct {
		option_check_fn *check;
		const char *value;
		bool good;
	} rows[] = {
		{ hook_check, "", true },
		{ hook_check, "/bin/sh", true },
		{ hook_check, "/bin/sh -c  exit", true },
		{ hook_check, "sh", false },
		{ hook_check, "/bin/sh -c 'exit 1'", false },
		{ hook_check, "/bin/sh; reboot", false },
		{ hook_check, "/bin", false },
		{ hook_check, "/nonexistent/program", false },
		{ hook_check, "/etc/passwd", false },
		{ hook_check, "   ", false },
		{ webhook_check, "", true },
		{ webhook_check, "ftp://example.com/", false },
		{ webhook_check, "file:///etc/passwd", false },
		{ webhook_check, "https://", false },
		{ webhook_check, "https:///x", false },
		{ webhook_check, "https://user:word@example.com/", false },
		{ webhook_check, "https://example.com/a b", false },
		{ webhook_check, "example.com", false },
		{ webhook_token_check, "", true },
		{ webhook_token_check, "token", false },
		{ webhook_token_check, "/etc/passwd", false },
		{ webhook_token_check, "/etc", false },
		{ mail_check, "", true },
		{ mail_check, "admin@example.com", true },
		{ mail_check, "admin+l@localhost", true },
		{ mail_check, "admin", false },
		{ mail_check, "-oQ/tmp@example.com", false },
		{ mail_check, "a@example.com, b@example.com", false },
		{ mail_check, "a b@example.com", false },
		{ mail_check, "@example.com", false },
		{ mail_check, "a@", false },
		{ mail_check, "a@-x", false },
		{ mail_check, "a@b@c", false },
		{ mail_by_check, "", true },
		{ mail_by_check, "/bin/sh", true },
		{ mail_by_check, "sendmail", false },
		{ mail_by_check, "smtp://", false },
		{ mail_by_check, "smtp://host/x", false },
		{ mail_by_check, "http://host", false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		if ((rows[i].check(rows[i].value) == NULL) != rows[i].good)
			fail_msg("'%s' is judged wrongly", rows[i].value);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_same_is_said_once_in_a_while),
		cmocka_unit_test(what_is_remembered_is_bounded_and_the_newest),
		cmocka_unit_test(json_holds_hostile_names),
		cmocka_unit_test(json_of_the_longest_is_whole),
		cmocka_unit_test(environment_holds_no_control_bytes_and_nothing_of_ours),
		cmocka_unit_test(mail_cannot_be_given_header_lines),
		cmocka_unit_test(log_line_is_one_of_words_and_a_sentence),
		cmocka_unit_test(options_are_checked_before_they_are_used),
	};

	return cmocka_run_group_tests_name("notice", tests, NULL, NULL);
}
