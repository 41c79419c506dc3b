/*
 * The options of `recipient`, what a message is by its header, and what stays known while the store is away.
 */
#include "test.h"

#include "milters/recipient/known.h"
#include "milters/recipient/letter.h"
#include "milters/recipient/settings.h"

#define NOW INT64_C(1764066217000)
#define HOUR_MS INT64_C(3600000)

static void a_dead_mailbox_stays_dead(void **state)
{
	struct known *known = known_new();
	struct known_mailbox mailbox = { MAILBOX_DEAD, NOW - HOUR_MS, -1, NOW + HOUR_MS, "hotmail.com" };

	(void)state;
	assert_non_null(known);
	known_mailbox_put(known, span_of("a@hotmail.com"), &mailbox);
	assert_true(known_mailbox(known, span_of("a@hotmail.com"), NOW, &mailbox));
	assert_int_equal(mailbox.mailbox, MAILBOX_DEAD);
	assert_string_equal(mailbox.by, "hotmail.com");
	assert_false(known_mailbox(known, span_of("b@hotmail.com"), NOW, &mailbox));
	/* it is not remembered for longer than the store would */
	assert_false(known_mailbox(known, span_of("a@hotmail.com"), NOW + HOUR_MS, &mailbox));
	/* a delivery */
	known_mailbox_put(known, span_of("a@hotmail.com"), &(struct known_mailbox){ .mailbox = MAILBOX_UNKNOWN });
	assert_false(known_mailbox(known, span_of("a@hotmail.com"), NOW, &mailbox));
	known_free(&known);
	assert_null(known);
}

static void an_attempt_that_cannot_be_reserved_waits(void **state)
{
	struct known *known = known_new();
	struct known_mailbox mailbox = { MAILBOX_DUE, NOW - HOUR_MS, 0, NOW + HOUR_MS, "hotmail.com" };

	(void)state;
	known_mailbox_put(known, span_of("a@hotmail.com"), &mailbox);
	assert_true(known_mailbox(known, span_of("a@hotmail.com"), NOW, &mailbox));
	assert_int_equal(mailbox.mailbox, MAILBOX_WAITING);
	assert_true(mailbox.next_ms > NOW);
	known_free(&known);
}

static void a_block_that_should_be_over_is_a_warning(void **state)
{
	const struct span name = span_of("microsoft");
	struct known *known = known_new();

	(void)state;
	assert_int_equal(known_weather(known, name, "192.0.2.1", NOW).weather, WEATHER_NOT_KNOWN);
	known_weather_put(known, name, "192.0.2.1", WEATHER_IS_RED, NOW + HOUR_MS);
	assert_int_equal(known_weather(known, name, "192.0.2.1", NOW).weather, WEATHER_IS_RED);
	assert_int_equal(known_weather(known, name, "192.0.2.2", NOW).weather, WEATHER_NOT_KNOWN);
	assert_int_equal(known_weather(known, name, "192.0.2.1", NOW + HOUR_MS).weather, WEATHER_IS_YELLOW);
	known_weather_put(known, name, "192.0.2.1", WEATHER_IS_HALF_OPEN, 0);
	assert_int_equal(known_weather(known, name, "192.0.2.1", NOW).weather, WEATHER_IS_YELLOW);
	known_weather_put(known, name, "192.0.2.1", WEATHER_IS_YELLOW, NOW + HOUR_MS);
	assert_int_equal(known_weather(known, name, "192.0.2.1", NOW).weather, WEATHER_IS_YELLOW);
	assert_int_equal(known_weather(known, name, "192.0.2.1", NOW + HOUR_MS).weather, WEATHER_NOT_KNOWN);
	known_weather_put(known, name, "192.0.2.1", WEATHER_IS_RED, 0);
	known_weather_put(known, name, "192.0.2.1", WEATHER_IS_GREEN, 0);
	assert_int_equal(known_weather(known, name, "192.0.2.1", NOW).weather, WEATHER_NOT_KNOWN);
	known_free(&known);
}

/* ---- what a message is ---------------------------------------------------------------------------------------- */

static void header_is(struct session *session, enum submission_path path, const char *name, const char *value)
{
	session_init(session);
	session->who.path = path;
	assert_int_equal(message_mail_from(session, "a@own.example"), 0);
	assert_int_equal(message_header(session, name, value, true), 0);
}

static void newsletters_are_known_by_their_fields(void **state)
{
	static const struct {
		const char *name, *value;
		bool is_bulk;
	} rows[] = {
		{ "List-Id", " <news.own.example>", true },
		{ "list-unsubscribe", "<mailto:u@own.example>", true },
		{ "Precedence", " bulk", true },
		{ "Precedence", "List", true },
		{ "Precedence", "first-class", false },
		{ "Subject", "Newsletter", false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct session session;

		header_is(&session, PATH_AUTH, rows[i].name, rows[i].value);
		assert_int_equal(recipient_is_bulk(&session), rows[i].is_bulk);
		session_free(&session);
	}
}

static void order_mail_is_a_programs(void **state)
{
	static const char *const words[] = { "order", "rechnung" };
	struct stems *trade = stems_new(words, 2);
	struct session session;

	(void)state;
	header_is(&session, PATH_COMMAND, "Subject", "Ihre Rechnung 12");
	assert_true(recipient_is_order(&session, trade));
	session.who.path = PATH_AUTH;
	assert_false(recipient_is_order(&session, trade));
	assert_int_equal(message_header(&session, "X-Mailer", " PHPMailer 6.9.1", true), 0);
	assert_true(recipient_is_order(&session, trade));
	session_free(&session);
	header_is(&session, PATH_COMMAND, "Subject", "Confirm your account");
	assert_false(recipient_is_order(&session, trade));
	session_free(&session);
	stems_free(&trade);
}

static void a_token_is_the_message_id_or_date_and_subject(void **state)
{
	char token[RECIPIENT_TOKEN_SIZE];
	struct session session;

	(void)state;
	header_is(&session, PATH_AUTH, "Subject", "x");
	assert_true(span_is(recipient_token(&session, token), "x"));
	assert_int_equal(message_header(&session, "Message-ID", " <1@own.example>", true), 0);
	assert_true(span_is(recipient_token(&session, token), "<1@own.example>"));
	session_free(&session);
}

static void times_to_wait_are_milliseconds(void **state)
{
	struct recipient_options options = { .action = { ACTION_REJECT }, .wait = { 60, 120 } };
	struct recipient_limits limits;

	(void)state;
	recipient_settings_limits(&options, &limits);
	assert_int_equal(limits.action[RECIPIENT_DEAD], ACTION_REJECT);
	assert_int_equal(limits.action[RECIPIENT_WARNED], ACTION_OFF);
	assert_int_equal(limits.wait_ms[RECIPIENT_FIRST], 60000);
	assert_int_equal(limits.wait_ms[RECIPIENT_KNOWN], 120000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_dead_mailbox_stays_dead),
		cmocka_unit_test(an_attempt_that_cannot_be_reserved_waits),
		cmocka_unit_test(a_block_that_should_be_over_is_a_warning),
		cmocka_unit_test(newsletters_are_known_by_their_fields),
		cmocka_unit_test(order_mail_is_a_programs),
		cmocka_unit_test(a_token_is_the_message_id_or_date_and_subject),
		cmocka_unit_test(times_to_wait_are_milliseconds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
