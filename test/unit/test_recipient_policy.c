/*
 * The rules of `recipient`: every kind of mail against every fact, what each way of submission does with it, and texts.
 */
#include "test.h"

#include "milters/recipient/detail.h"

#define HOUR_MS INT64_C(3600000)
#define NOW (INT64_C(1764066217) * 1000) /* 2025-11-25 10:23:37 UTC */

static const struct recipient_limits limits = {
	.action = { ACTION_REJECT, ACTION_REJECT, ACTION_REJECT, ACTION_DEFER, ACTION_DEFER, ACTION_DEFER,
		    ACTION_DEFER },
	.wait_ms = { HOUR_MS, 24 * HOUR_MS, 4 * HOUR_MS, 24 * HOUR_MS, 24 * HOUR_MS },
};

static struct recipient_facts facts_of(enum recipient_kind kind, enum recipient_path path)
{
	return (struct recipient_facts){
		.address = span_of("nobody@hotmail.com"),
		.domain = span_of("hotmail.com"),
		.provider = span_of("Microsoft"),
		.kind = kind,
		.path = path,
		.said_by = span_of("hotmail.com"),
		.said_ms = NOW - 5 * 24 * HOUR_MS,
		.now_ms = NOW,
	};
}

static enum action action_of(enum recipient_rule rule, const struct recipient_facts *facts)
{
	return recipient_decide(rule, facts, &limits).verdict.action;
}

/* The strongest of all rules, the first of equals. */
static struct recipient_finding all(const struct recipient_facts *facts)
{
	struct recipient_finding strongest = { VERDICT_NONE, 0 };

	for (unsigned i = 0; i < RECIPIENT_RULES; i++) {
		const struct recipient_finding found = recipient_decide((enum recipient_rule)i, facts, &limits);
		if (found.verdict.action > strongest.verdict.action)
			strongest = found;
	}
	return strongest;
}

static void each_rule_has_code_and_texts(void **state)
{
	(void)state;
	for (unsigned i = 0; i < RECIPIENT_RULES; i++) {
		const struct rule *rule = &recipient_rules[i];

		assert_int_equal(strncmp(rule->code, "RCP", 3), 0);
		for (unsigned j = 0; j < i; j++) {
			assert_string_not_equal(rule->code, recipient_rules[j].code);
			assert_string_not_equal(rule->name, recipient_rules[j].name);
		}
		for (unsigned language = 0; language < LANGUAGES; language++) {
			for (const char *c = rule->text[language]; *c; c++)
				assert_true(*c >= ' ' && *c <= '~');
			assert_true(i == RECIPIENT_COMPLAINED || strstr(rule->text[language], "{detail}"));
		}
	}
	assert_null(recipient_rules[RECIPIENT_RULES].name);
}

static void what_is_not_known_never_objects(void **state)
{
	static const struct recipient_egress unknown[] = { { WEATHER_NOT_KNOWN, false, NOW },
							   { WEATHER_IS_GREEN, false, 0 } };

	(void)state;
	for (unsigned kind = 0; kind < RECIPIENT_KINDS; kind++) {
		for (unsigned path = 0; path < RECIPIENT_PATHS; path++) {
			struct recipient_facts facts = facts_of((enum recipient_kind)kind, (enum recipient_path)path);

			assert_int_equal(all(&facts).verdict.action, ACTION_OFF);
			facts.egress = unknown;
			facts.egress_count = 2;
			assert_int_equal(all(&facts).verdict.action, ACTION_OFF);
			assert_null(all(&facts).verdict.rule);
		}
	}
}

enum { NOTHING, DEAD, WAITING, DUE, YELLOW, RED, HALF, PROBE, SHARE, BUDGET, COMPLAINED };

static void set_fact(struct recipient_facts *facts, int fact, struct recipient_egress *egress)
{
	facts->mailbox = fact == DEAD	   ? MAILBOX_DEAD
			 : fact == WAITING ? MAILBOX_WAITING
			 : fact == DUE	   ? MAILBOX_DUE
					   : MAILBOX_UNKNOWN;
	facts->next_ms = NOW + HOUR_MS;
	egress->weather = fact == YELLOW		  ? WEATHER_IS_YELLOW
			  : fact == RED			  ? WEATHER_IS_RED
			  : fact == HALF || fact == PROBE ? WEATHER_IS_HALF_OPEN
							  : WEATHER_IS_GREEN;
	egress->is_probe = fact == PROBE;
	egress->until_ms = NOW + HOUR_MS / 2;
	facts->egress = egress;
	facts->egress_count = 1;
	facts->share.is_full = fact == SHARE;
	facts->budget.is_full = fact == BUDGET;
	facts->complained = fact == COMPLAINED;
}

/* By a client that tries again: "d" deferred, "R" rejected, "." passes, for each kind. */
static void each_fact_concerns_its_kinds(void **state)
{
	static const struct {
		int fact;
		const char *code;
		const char *first_known_order_bulk_exempt;
	} rows[] = {
		{ NOTHING, "", "....." },     { DEAD, "RCP10", "RRRRR" },	{ WAITING, "RCP11", "RRRRR" },
		{ DUE, "", "....." },	      { YELLOW, "RCP20", "d..d." },	{ RED, "RCP21", "dddd." },
		{ HALF, "RCP21", "dddd." },   { PROBE, "", "....." },		{ SHARE, "RCP31", "d..d." },
		{ BUDGET, "RCP30", "d..d." }, { COMPLAINED, "RCP40", "...R." },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		for (unsigned kind = 0; kind < RECIPIENT_KINDS; kind++) {
			struct recipient_facts facts = facts_of((enum recipient_kind)kind, RECIPIENT_QUEUE);
			struct recipient_egress egress;
			const char wanted = rows[i].first_known_order_bulk_exempt[kind];

			set_fact(&facts, rows[i].fact, &egress);
			const struct verdict verdict = all(&facts).verdict;
			assert_int_equal(verdict.action, wanted == 'd'	 ? ACTION_DEFER
							 : wanted == 'R' ? ACTION_REJECT
									 : ACTION_OFF);
			if (wanted != '.')
				assert_string_equal(verdict.rule->code, rows[i].code);
		}
	}
}

static void what_cannot_wait_is_refused_at_once(void **state)
{
	/* minutes until the provider is asked again; 0 = not known */
	static const struct {
		enum recipient_kind kind;
		enum recipient_path path;
		int minutes;
		enum action wanted;
	} rows[] = {
		{ RECIPIENT_FIRST, RECIPIENT_QUEUE, 60, ACTION_DEFER },
		{ RECIPIENT_FIRST, RECIPIENT_QUEUE, 61, ACTION_REJECT },
		{ RECIPIENT_FIRST, RECIPIENT_HELD, 60, ACTION_HOLD },
		{ RECIPIENT_FIRST, RECIPIENT_HELD, 61, ACTION_REJECT },
		{ RECIPIENT_FIRST, RECIPIENT_SHOWN, 1, ACTION_REJECT },
		{ RECIPIENT_FIRST, RECIPIENT_PERSON, 60, ACTION_DEFER },
		{ RECIPIENT_KNOWN, RECIPIENT_QUEUE, 1440, ACTION_DEFER },
		{ RECIPIENT_KNOWN, RECIPIENT_QUEUE, 1441, ACTION_REJECT },
		{ RECIPIENT_KNOWN, RECIPIENT_SHOWN, 1, ACTION_REJECT },
		{ RECIPIENT_ORDER, RECIPIENT_HELD, 240, ACTION_HOLD },
		{ RECIPIENT_ORDER, RECIPIENT_HELD, 241, ACTION_REJECT },
		{ RECIPIENT_BULK, RECIPIENT_HELD, 1440, ACTION_HOLD },
		{ RECIPIENT_BULK, RECIPIENT_SHOWN, 5, ACTION_REJECT },
		{ RECIPIENT_BULK, RECIPIENT_QUEUE, 0, ACTION_DEFER },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct recipient_facts facts = facts_of(rows[i].kind, rows[i].path);
		const struct recipient_egress red = { WEATHER_IS_RED, false,
						      rows[i].minutes ? NOW + rows[i].minutes * 60000 : 0 };

		facts.egress = &red;
		facts.egress_count = 1;
		assert_int_equal(action_of(RECIPIENT_BLOCKED, &facts), rows[i].wanted);
	}
}

static void a_pool_is_as_good_as_its_best_only_where_it_can_be_chosen(void **state)
{
	static const struct {
		enum recipient_weather a, b;
		bool probe;
		const char *any, *steered;
	} rows[] = {
		{ WEATHER_IS_GREEN, WEATHER_IS_RED, false, "RCP21", "" },
		{ WEATHER_IS_RED, WEATHER_IS_YELLOW, false, "RCP21", "RCP20" },
		{ WEATHER_IS_RED, WEATHER_IS_RED, false, "RCP21", "RCP21" },
		{ WEATHER_IS_YELLOW, WEATHER_NOT_KNOWN, false, "RCP20", "" },
		{ WEATHER_IS_RED, WEATHER_IS_HALF_OPEN, true, "RCP21", "" },
		{ WEATHER_IS_YELLOW, WEATHER_IS_HALF_OPEN, false, "RCP21", "RCP20" },
		{ WEATHER_IS_GREEN, WEATHER_IS_HALF_OPEN, true, "", "" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		const struct recipient_egress pool[] = { { rows[i].a, false, 0 }, { rows[i].b, rows[i].probe, 0 } };
		struct recipient_facts facts = facts_of(RECIPIENT_FIRST, RECIPIENT_QUEUE);
		struct verdict verdict;

		facts.egress = pool;
		facts.egress_count = 2;
		verdict = all(&facts).verdict;
		assert_string_equal(verdict.rule ? verdict.rule->code : "", rows[i].any);
		facts.is_steered = true;
		verdict = all(&facts).verdict;
		assert_string_equal(verdict.rule ? verdict.rule->code : "", rows[i].steered);
	}
}

static void an_account_that_burnt_its_share_is_told_so_first(void **state)
{
	struct recipient_facts facts = facts_of(RECIPIENT_FIRST, RECIPIENT_QUEUE);

	(void)state;
	facts.share.is_full = facts.budget.is_full = true;
	assert_string_equal(all(&facts).verdict.rule->code, "RCP31");
	facts.mailbox = MAILBOX_DEAD;
	assert_string_equal(all(&facts).verdict.rule->code, "RCP10");
}

static void options_are_obeyed(void **state)
{
	struct recipient_facts facts = facts_of(RECIPIENT_KNOWN, RECIPIENT_QUEUE);
	struct recipient_limits mine = limits;

	(void)state;
	facts.mailbox = MAILBOX_DEAD;
	for (unsigned action = 0; action < ACTIONS; action++) {
		mine.action[RECIPIENT_DEAD] = (enum action)action;
		/* what never goes is not put off */
		assert_int_equal(recipient_decide(RECIPIENT_DEAD, &facts, &mine).verdict.action,
				 action == ACTION_HOLD || action == ACTION_DEFER ? ACTION_REJECT : action);
	}
	facts.mailbox = MAILBOX_WAITING;
	facts.next_ms = NOW + HOUR_MS;
	mine.action[RECIPIENT_WAITING] = ACTION_DEFER;
	assert_int_equal(recipient_decide(RECIPIENT_WAITING, &facts, &mine).verdict.action, ACTION_DEFER);
	mine.action[RECIPIENT_WAITING] = ACTION_HOLD;
	assert_int_equal(recipient_decide(RECIPIENT_WAITING, &facts, &mine).verdict.action, ACTION_HOLD);
	mine.wait_ms[RECIPIENT_KNOWN] = 0;
	assert_int_equal(recipient_decide(RECIPIENT_WAITING, &facts, &mine).verdict.action, ACTION_REJECT);
}

static void probes_are_mail_that_somebody_gets(void **state)
{
	static const bool wanted[] = { [RECIPIENT_KNOWN] = true, [RECIPIENT_ORDER] = true, [RECIPIENT_EXEMPT] = false };

	(void)state;
	for (unsigned kind = 0; kind < RECIPIENT_KINDS; kind++) {
		struct recipient_facts facts = facts_of((enum recipient_kind)kind, RECIPIENT_QUEUE);

		assert_int_equal(recipient_may_probe(&facts), wanted[kind]);
		facts.mailbox = MAILBOX_DUE;
		assert_false(recipient_may_probe(&facts));
	}
}

static void says(const struct recipient_facts *facts, enum language language, const char *wanted)
{
	const struct recipient_finding found = all(facts);
	char detail[RECIPIENT_DETAIL_BYTES], said[512];
	struct text out;

	assert_non_null(found.verdict.rule);
	text_init(&out, detail, sizeof(detail));
	recipient_detail_write(&found, facts, language, &out);
	assert_false(out.cut);
	const struct rule_words words = { found.verdict.about, { out.at, out.len }, "shop", "" };
	text_init(&out, said, sizeof(said));
	rule_text(found.verdict.rule, language, NULL, &words, &out);
	assert_string_equal(said, wanted);
}

static void texts_say_who_when_and_what_to_do(void **state)
{
	struct recipient_facts facts = facts_of(RECIPIENT_BULK, RECIPIENT_QUEUE);
	struct recipient_egress egress = { WEATHER_IS_RED, false, NOW + HOUR_MS };

	(void)state;
	facts.mailbox = MAILBOX_DEAD;
	says(&facts, LANGUAGE_EN,
	     "this mailbox does not exist (said by hotmail.com on 2025-11-20), remove it from your lists");
	says(&facts, LANGUAGE_DE,
	     "dieses Postfach gibt es nicht (laut hotmail.com am 2025-11-20), bitte aus allen Listen entfernen");
	facts.mailbox = MAILBOX_WAITING;
	facts.next_ms = NOW + 20 * HOUR_MS;
	says(&facts, LANGUAGE_EN,
	     "this mailbox does not exist (said by hotmail.com on 2025-11-20, next attempt after 2025-11-26 06:24 "
	     "UTC), remove it from your lists");
	facts.mailbox = MAILBOX_UNKNOWN;
	facts.egress = &egress;
	facts.egress_count = 1;
	says(&facts, LANGUAGE_EN,
	     "hotmail.com takes no mail from this server at present (again after 2025-11-25 11:24 UTC), please use an "
	     "address elsewhere or try later");
	egress.until_ms = 0;
	says(&facts, LANGUAGE_EN,
	     "hotmail.com takes no mail from this server at present (again later), please use an address elsewhere or "
	     "try later");
	egress.weather = WEATHER_IS_YELLOW;
	says(&facts, LANGUAGE_EN,
	     "Microsoft may soon block this server, so newsletters and new contacts there wait (again later)");
	facts.share = (struct recipient_tally){ true, 20, 20, NOW + HOUR_MS };
	says(&facts, LANGUAGE_EN,
	     "account shop writes to too many mailboxes at Microsoft that do not exist (20 in 24 hours, limit 20, "
	     "again after 2025-11-25 11:24 UTC): clean its lists");
	facts.share.is_full = false;
	facts.budget = (struct recipient_tally){ true, 100, 100, 0 };
	facts.egress_count = 0;
	says(&facts, LANGUAGE_EN,
	     "too many mailboxes at Microsoft turned out not to exist, so newsletters and new contacts wait (100 in 24 "
	     "hours, limit 100, again later)");
	facts.complained = true;
	says(&facts, LANGUAGE_EN,
	     "nobody@hotmail.com has complained about newsletters of account shop: remove this address from its lists");
	/* what a provider calls itself harms no reply */
	facts.mailbox = MAILBOX_DEAD;
	facts.said_by = span_of("evil\r\n250 ok");
	says(&facts, LANGUAGE_EN,
	     "this mailbox does not exist (said by evil\\x0d\\x0a250 ok on 2025-11-20), remove it from your lists");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_rule_has_code_and_texts),
		cmocka_unit_test(what_is_not_known_never_objects),
		cmocka_unit_test(each_fact_concerns_its_kinds),
		cmocka_unit_test(what_cannot_wait_is_refused_at_once),
		cmocka_unit_test(a_pool_is_as_good_as_its_best_only_where_it_can_be_chosen),
		cmocka_unit_test(an_account_that_burnt_its_share_is_told_so_first),
		cmocka_unit_test(options_are_obeyed),
		cmocka_unit_test(probes_are_mail_that_somebody_gets),
		cmocka_unit_test(texts_say_who_when_and_what_to_do),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
