/*
 * What answers of other servers mean: words, patterns, the table's faults, and the rules that must hold whatever
 * stands in a table.
 */
#include "test.h"

#include <stdio.h>

#include "evidence/evidence.h"

#define DATA "test/data/evidence/"

static struct evidence_table *table_of(const char *text)
{
	char error[4096];
	struct evidence_table *table = evidence_load_text("own.table", text, strlen(text), error, sizeof(error));

	if (!table)
		fail_msg("%s", error);
	return table;
}

static struct evidence_table *built_in(void)
{
	char error[4096];
	struct evidence_table *table = evidence_load(NULL, error, sizeof(error));

	if (!table)
		fail_msg("%s", error);
	return table;
}

static struct evidence judge(const struct evidence_table *table, const char *reply, enum evidence_phase phase)
{
	struct evidence_answer answer;
	struct evidence evidence;

	evidence_answer_parse(reply, strlen(reply), &answer);
	if (phase != PHASE_UNKNOWN)
		answer.phase = phase;
	evidence_classify(table, &answer, &evidence);
	return evidence;
}

/* "\n" becomes a line's end. */
static void unescape(char *text)
{
	char *out = text;

	for (; *text; text++)
		if (text[0] == '\\' && text[1] == 'n') {
			*out++ = '\n';
			text++;
		} else if (*text != '\n') {
			*out++ = *text;
		}
	*out = '\0';
}

static void samples_mean_what_they_say(void **state)
{
	struct evidence_table *table = built_in();
	FILE *file = fopen(DATA "replies", "r");
	char line[1024], class[64], about[64];
	int count = 0, begin;

	(void)state;
	assert_non_null(file);
	while (fgets(line, sizeof(line), file)) {
		if (line[0] == '#')
			continue;
		assert_int_equal(sscanf(line, "%63s %63s %n", class, about, &begin), 2);
		unescape(line + begin);
		const struct evidence evidence = judge(table, line + begin, PHASE_UNKNOWN);
		if (strcmp(evidence_class_name(evidence.class), class) != 0 ||
		    strcmp(evidence_about_name(evidence.about), about) != 0)
			fail_msg("%s: %s about %s, by %s", line + begin, evidence_class_name(evidence.class),
				 evidence_about_name(evidence.about), evidence.rule);
		count++;
	}
	fclose(file);
	assert_in_range(count, 30, 100);
	evidence_free(&table);
}

static void before_rcpt_nothing_is_about_a_recipient(void **state)
{
	static const char *const replies[] = { "550 5.1.1 user unknown", "550 mailbox disabled",
					       "552 5.2.2 mailbox full", "550 mailbox unavailable r1601", "550 5.1.1" };
	struct evidence_table *ours = built_in();
	struct evidence_table *own = table_of("own\t#5xx\t-\t-\tnonexistent-mailbox\trecipient\tcount\tus\n");

	(void)state;
	for (size_t i = 0; i < 2 * sizeof(replies) / sizeof(*replies); i++) {
		const struct evidence_table *table = i % 2 ? ours : own;
		assert_int_equal(judge(table, replies[i / 2], PHASE_RCPT).about, ABOUT_RECIPIENT);
		for (enum evidence_phase phase = PHASE_CONNECT; phase < PHASE_RCPT; phase++) {
			const struct evidence evidence = judge(table, replies[i / 2], phase);
			assert_int_not_equal(evidence.about, ABOUT_RECIPIENT);
			assert_true(evidence.class != EVIDENCE_DEAD && evidence.class != EVIDENCE_DISABLED);
		}
	}
	evidence_free(&ours);
	evidence_free(&own);
}

static void senders_words_are_not_read(void **state)
{
	static const char *const replies[] = {
		"550 \"no such user\"@shop.test is not what we want",
		"550 nosuchuser@shop.test ... no",
		"550 <user.unknown@shop.test>: no",
		"550 user-unknown.shop.test: no",
		"550 see http://x.test/why?id=user%20unknown%40shop.test no",
	};
	struct evidence_table *table = built_in();

	(void)state;
	for (size_t i = 0; i < sizeof(replies) / sizeof(*replies); i++)
		assert_int_not_equal(judge(table, replies[i], PHASE_RCPT).class, EVIDENCE_DEAD);
	evidence_free(&table);
}

static void a_rule_says_what_its_columns_say(void **state)
{
	struct evidence_table *table = table_of(
		"# ours\n"
		"acme-open  user unknown (at|in) acme + #5xx  -  rcpt  temporary-other  nothing  retry 30m  us\n"
		"bob  bob is out  acme  -  mailbox-full  recipient  back-off 1h said  us\n");
	struct evidence_answer answer;
	struct evidence evidence;

	(void)state;
	evidence = judge(table, "550 5.1.1 User unknown at ACME", PHASE_RCPT);
	assert_int_equal(evidence.class, EVIDENCE_TEMPORARY);
	assert_int_equal(evidence.wait_s, 1800);
	assert_string_equal(evidence.rule, "acme-open");
	assert_string_equal(evidence.file, "own.table");
	assert_int_equal(evidence.line, 2);
	assert_int_equal(judge(table, "450 User unknown at acme", PHASE_RCPT).class, EVIDENCE_TEMPORARY);
	evidence_answer_parse("550 Bob is out, back in 3 minutes", 33, &answer);
	answer.provider = "acme";
	evidence_classify(table, &answer, &evidence);
	assert_int_equal(evidence.class, EVIDENCE_FULL);
	assert_int_equal(evidence.wait_s, 180);
	assert_int_not_equal(judge(table, "550 Bob is out", PHASE_RCPT).class, EVIDENCE_FULL);
	evidence_free(&table);
}

static void patterns_match_words_in_order(void **state)
{
	static const struct {
		const char *pattern, *reply;
		bool fits;
	} rows[] = {
		{ "alpha beta", "550 Alpha, BETA!", true },
		{ "alpha beta", "550 alpha x beta", false },
		{ "alpha * beta", "550 alpha 1 2 3 4 beta", true },
		{ "alpha * beta", "550 alpha 1 2 3 4 5 beta", false },
		{ "alpha ** beta", "550 alpha 1 2 3 4 5 6 7 8 9 10 11 12 beta", true },
		{ "alpha ** beta", "550 alpha 1 2 3 4 5 6 7 8 9 10 11 12 13 beta", false },
		{ "alpha (beta|gamma delta|) omega", "550 alpha omega", true },
		{ "alpha (beta|gamma delta|) omega", "550 alpha gamma delta omega", true },
		{ "alpha (beta|gamma delta|) omega", "550 alpha gamma omega", false },
		{ "alpha alpha", "550 alpha", false },
		{ "alpha alpha", "550 alpha alpha", true },
		{ "alph*", "550 alphabet", true },
		{ "alph*", "550 alp", false },
		{ "@ gone", "550 <x@y.test> gone", true },
		{ "alpha + beta", "550 beta alpha", true },
		{ "alpha + !beta", "550 beta alpha", false },
		{ "alpha | beta gamma", "550 beta gamma", true },
		{ "alpha + #5xx", "450 alpha", false },
		{ "#550", "550 x", true },
		{ "#5.7.606-649", "550 5.7.620 x", true },
		{ "#5.7.606-649", "550 5.7.650 x", false },
		{ "#4.2.2|5.2.x", "550 5.2.9 x", true },
		{ "#5.2.x", "550 192.5.2.9 x", false },
		{ "lists.test", "550 see http://www.lists.test/a", true },
		{ "lists.test", "550 see http://lists.test.example/a", false },
		{ "doesnt exist", "550 doesn't exist", true },
		{ "uber voll",
		  "550 \xc3\xbc"
		  "ber voll",
		  true },
		{ "uber voll",
		  "550 \xfc"
		  "ber voll",
		  true },
		{ "email gone", "550 E-Mail gone", true },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		char text[256];
		snprintf(text, sizeof(text), "zz\t%s\t-\t-\tcomplaint\tmessage\tnone\t-\n", rows[i].pattern);
		struct evidence_table *table = table_of(text);
		const bool fits = judge(table, rows[i].reply, PHASE_UNKNOWN).class == EVIDENCE_COMPLAINT;
		if (fits != rows[i].fits)
			fail_msg("%s: %s", rows[i].pattern, rows[i].reply);
		evidence_free(&table);
	}
}

static void faults_name_line_and_remedy(void **state)
{
	static const struct {
		const char *line, *says;
	} rows[] = {
		{ "a b c", "8 columns" },
		{ "a\tb\t-\t-\tdead\trecipient\tcount\t-", "nonexistent-mailbox" },
		{ "a\tb\t-\t-\tmailbox-full\tme\tcount\t-", "sender-domain" },
		{ "a\tb\t-\tquit\tmailbox-full\trecipient\tcount\t-", "before-rcpt" },
		{ "a\tb\t-\t-\tmailbox-full\trecipient\tshoot\t-", "back-off" },
		{ "a\tb\t-\t-\tmailbox-full\trecipient\tstop 2y\t-", "30m" },
		{ "a\tb (c\t-\t-\tmailbox-full\trecipient\tcount\t-", "not closed" },
		{ "a\tb c) d\t-\t-\tmailbox-full\trecipient\tcount\t-", "without its (" },
		{ "a\t(b (c) d)\t-\t-\tmailbox-full\trecipient\tcount\t-", "inside another" },
		{ "a\t#9.1.1\t-\t-\tmailbox-full\trecipient\tcount\t-", "#5.1.1" },
		{ "a\t(b|)\t-\t-\tmailbox-full\trecipient\tcount\t-", "no word that must be there" },
		{ "a\tb + \t-\t-\tmailbox-full\trecipient\tcount\t-", "no words" },
		{ "a\t(a|b c|d e|) (a|b c|d e|) (a|b c|d e|) (a|b c|d e|) (a|b c|d e|) "
		  "x\t-\t-\tmailbox-full\trecipient\tcount\t-",
		  "512 sequences" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		char text[512], error[2048];
		snprintf(text, sizeof(text), "# one\n\n%s\n", rows[i].line);
		assert_null(evidence_load_text("own.table", text, strlen(text), error, sizeof(error)));
		if (strncmp(error, "own.table:3: ", 13) != 0 || !strstr(error, rows[i].says))
			fail_msg("%s: %s", rows[i].line, error);
	}
}

static void answers_are_taken_apart(void **state)
{
	static const struct {
		const char *text;
		enum evidence_phase phase;
		enum evidence_speaker speaker;
		unsigned code, class, subject, detail;
	} rows[] = {
		{ "550 5.1.1 no", PHASE_UNKNOWN, SPEAKER_UNKNOWN, 550, 5, 1, 1 },
		{ "550-5.7.1 no\n550 5.7.1 no", PHASE_UNKNOWN, SPEAKER_UNKNOWN, 550, 5, 7, 1 },
		{ "host h.test[192.0.2.5] said: 550 5.1.1 no (in reply to RCPT TO command)", PHASE_RCPT, SPEAKER_REMOTE,
		  550, 5, 1, 1 },
		{ "host h.test[192.0.2.5] refused to talk to me: 554 no", PHASE_CONNECT, SPEAKER_REMOTE, 554, 0, 0, 0 },
		{ "SMTP error from remote mail server after pipelined MAIL FROM:<a@b>: host h [192.0.2.5]: 451 4.7.650 "
		  "no",
		  PHASE_MAIL, SPEAKER_REMOTE, 451, 4, 7, 650 },
		{ "192.0.2.5 does not like recipient.\nRemote host said: 550 no (#5.1.1)", PHASE_RCPT, SPEAKER_REMOTE,
		  550, 5, 1, 1 },
		{ "connect to h.test[192.0.2.5]:25: timed out", PHASE_UNKNOWN, SPEAKER_LOCAL, 0, 0, 0, 0 },
		{ "mail from 5.1.1.1 and 192.5.1.1 refused", PHASE_UNKNOWN, SPEAKER_UNKNOWN, 0, 0, 0, 0 },
		{ "", PHASE_UNKNOWN, SPEAKER_UNKNOWN, 0, 0, 0, 0 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct evidence_answer answer;
		evidence_answer_parse(rows[i].text, strlen(rows[i].text), &answer);
		if (answer.phase != rows[i].phase || answer.speaker != rows[i].speaker || answer.code != rows[i].code ||
		    answer.enhanced.class != rows[i].class || answer.enhanced.subject != rows[i].subject ||
		    answer.enhanced.detail != rows[i].detail)
			fail_msg("%s: phase %d speaker %d %u %u.%u.%u", rows[i].text, answer.phase, answer.speaker,
				 answer.code, answer.enhanced.class, answer.enhanced.subject, answer.enhanced.detail);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(samples_mean_what_they_say),
		cmocka_unit_test(before_rcpt_nothing_is_about_a_recipient),
		cmocka_unit_test(senders_words_are_not_read),
		cmocka_unit_test(a_rule_says_what_its_columns_say),
		cmocka_unit_test(patterns_match_words_in_order),
		cmocka_unit_test(faults_name_line_and_remedy),
		cmocka_unit_test(answers_are_taken_apart),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
