/*
 * maillog/maillog.h: each attempt to deliver is told once, with who spoke and when, and no word of a sender's makes
 * one.
 */
#include "test.h"

#include <stdio.h>
#include <time.h>

#include "maillog/maillog.h"

#define NOW_MS 1795564800000 /* 25 Nov 2026 00:00 UTC */

static struct maillog *log_of;
static char told[65536], ids[400][MAILLOG_ID]; /* told: a line for each outcome */
static size_t told_len, id_count;

#define SPAN(span) (int)(span).len, (span).at

/* "STATUS SPEAKER PHASE WHO RCPT_TO CODE" */
static void take(void *arg, const struct maillog_outcome *outcome)
{
	char line[1024], who[300];

	(void)arg;
	if (outcome->sender == MAILLOG_UID)
		snprintf(who, sizeof(who), "#%u", outcome->uid);
	else
		snprintf(who, sizeof(who), "%s", outcome->sender == MAILLOG_NOBODY ? "-" : outcome->name);
	snprintf(line, sizeof(line), "%s%s %s %s %s %.*s %u\n", maillog_status_name(outcome->status),
		 outcome->again ? " again" : "", maillog_speaker_name(outcome->speaker),
		 maillog_phase_name(outcome->phase), who, SPAN(outcome->rcpt_to), outcome->code);
	if (told_len + strlen(line) < sizeof(told))
		memcpy(told + told_len, line, strlen(line) + 1);
	told_len += strlen(line);
	if (id_count < 400)
		maillog_outcome_id(outcome, ids[id_count++]);
}

static int open_log(void **state)
{
	(void)state;
	setenv("TZ", "UTC", 1);
	tzset();
	told[0] = '\0';
	told_len = id_count = 0;
	log_of = maillog_new(1000, NOW_MS, NULL, NULL);
	return log_of ? maillog_outcomes(log_of, "here", take, NULL) : -1;
}

static int close_log(void **state)
{
	(void)state;
	maillog_free(&log_of);
	return 0;
}

static void feed(const char *line)
{
	maillog_line(log_of, line, strlen(line));
}

static struct maillog_counts feed_file(const char *name)
{
	char path[128], line[4096];
	struct maillog_counts counts;

	snprintf(path, sizeof(path), "test/data/maillog/%s", name);
	FILE *file = fopen(path, "r");
	if (!file)
		fail_msg("%s: cannot be read; start from the top of the tree", path);
	while (fgets(line, sizeof(line), file))
		maillog_line(log_of, line, strcspn(line, "\n"));
	fclose(file);
	maillog_end(log_of);
	maillog_count(log_of, &counts);
	return counts;
}

/* Lines of `told` that another server spoke, without the words in between. */
static char *remote_only(void)
{
	static char out[sizeof(told)];
	size_t len = 0;

	out[0] = '\0';
	for (char *line = strtok(told, "\n"); line; line = strtok(NULL, "\n"))
		if (strstr(line, " remote "))
			len += (size_t)snprintf(out + len, sizeof(out) - len, "%s\n", line);
	return out;
}

/* ---- real lines -------------------------------------------------------------------------------- */

static void postfix_tells_each_attempt(void **state)
{
	static const char who[] = "cp1001@cp1server.example.com";
	char expect[4096];
	int len = 0;
	static const char *const rows[] = {
		"sent remote unknown %s ok@live.com 250\n",
		"bounced remote rcpt %s nouser@live.com 550\n",
		"bounced remote rcpt %s nobox@live.com 550\n",
		"bounced remote mail %s x@hotmail.com 550\n",
		"deferred remote mail %s y@outlook.com 451\n",
		"deferred remote rcpt %s full@live.com 452\n",
		"bounced remote end %s data@gmail.com 550\n",
		"deferred remote mail %s z@outlook.com 451\n",
		"bounced remote rcpt %s nouser@live.com 550\n",
		"sent remote unknown %s ok2@live.com 250\n",
		"sent remote unknown %s ok@live.com 250\n",
		"bounced remote rcpt #10001 nouser@live.com 550\n",
		"sent remote unknown #10001 ok@live.com 250\n",
		"sent remote unknown - someone@gmail.com 250\n",
		"deferred again remote mail %s y@outlook.com 451\n",
		"deferred again remote mail %s z@outlook.com 451\n",
		"deferred again remote rcpt %s full@live.com 452\n",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		const char *at = strstr(rows[i], "%s");
		if (at)
			len += snprintf(expect + len, sizeof(expect) - (size_t)len, "%.*s%s%s", (int)(at - rows[i]),
					rows[i], who, at + 2);
		else
			len += snprintf(expect + len, sizeof(expect) - (size_t)len, "%s", rows[i]);
	}
	const struct maillog_counts counts = feed_file("postfix.log");
	assert_int_equal(counts.doubtful, 0);
	assert_int_equal(counts.outcomes, 26);
	assert_string_equal(remote_only(), expect);
}

static void exim_tells_each_attempt(void **state)
{
	(void)state;
	const struct maillog_counts counts = feed_file("exim.log");
	assert_int_equal(counts.doubtful, 0);
	assert_int_equal(counts.outcomes, 25);
	assert_non_null(strstr(told, "deferred waiting unknown cp1001 z@outlook.com 0\n"));
	assert_non_null(strstr(told, "bounced own unknown cp1001 nxdom@nosuch.example 0\n"));
	assert_string_equal(remote_only(), "sent remote unknown cp1001 ok@live.com 250\n"
					   "bounced remote rcpt cp1001 nouser@live.com 550\n"
					   "bounced remote rcpt cp1001 nobox@live.com 550\n"
					   "bounced remote mail cp1001 x@hotmail.com 550\n"
					   "deferred remote mail cp1001 y@outlook.com 451\n"
					   "deferred remote rcpt cp1001 full@live.com 452\n"
					   "bounced remote end cp1001 data@gmail.com 550\n"
					   "sent remote unknown cp1001 ok@live.com 250\n"
					   "bounced remote rcpt cp1001 nouser@live.com 550\n"
					   "sent remote unknown cp1001 ok2@live.com 250\n"
					   "deferred remote mail cp1001 z@outlook.com 451\n"
					   "sent remote unknown cp1001 ok@live.com 250\n"
					   "bounced remote rcpt cp1001 nouser@live.com 550\n"
					   "sent remote unknown - someone@gmail.com 250\n");
}

/* Two instances of sendmail: what one hands to the other is none of the other server's answers. */
static void sendmail_tells_each_attempt(void **state)
{
	(void)state;
	const struct maillog_counts counts = feed_file("sendmail.log");
	assert_int_equal(counts.doubtful, 0);
	assert_non_null(strstr(told, "sent passed unknown cp1001 ok@live.com 0\n"));
	assert_non_null(strstr(told, "bounced here unknown cp1001 info@kunde-eins.example 550\n"));
	assert_non_null(strstr(told, "bounced remote unknown cp1001 nouser@live.com 550\n"));
	assert_non_null(strstr(told, "deferred again remote unknown cp1001@cp1server.example.com z@outlook.com 451\n"));
	assert_non_null(
		strstr(told, "bounced unreached unknown cp1001@cp1server.example.com nxdom@nosuch.example 0\n"));
	const char *each = strstr(told, "sent remote unknown cp1001@cp1server.example.com ok@live.com 0\n");
	assert_non_null(each);
	assert_non_null(strstr(told, "sent remote unknown cp1001@cp1server.example.com ok2@live.com 0\n"));
}

/* A file read a second time tells the same ids again, and no two attempts have the same. */
static void ids_are_of_the_attempt_not_of_the_file(void **state)
{
	static const char *const files[] = { "postfix.log", "exim.log", "sendmail.log" };

	(void)state;
	for (size_t i = 0; i < 3; i++)
		feed_file(files[i]);
	const size_t once = id_count;
	for (size_t i = 0; i < 3; i++)
		feed_file(files[i]);
	assert_int_equal(id_count, 2 * once);
	for (size_t i = 0; i < once; i++) {
		assert_string_equal(ids[i], ids[once + i]);
		for (size_t j = 0; j < i; j++)
			assert_string_not_equal(ids[i], ids[j]);
	}
}

/* ---- who spoke --------------------------------------------------------------------------------- */

#define P "Nov 21 20:05:10 host postfix/"
#define TO P "smtp[2]: 4BDC430: to=<x@far.example>, relay="
#define MX "mx.test[192.0.2.1]:25, delay=1, delays=1/0/0/0, dsn=4.0.0, status="
#define NONE "none, delay=1, delays=1/0/0/0, dsn=4.0.0, status="
#define E "2026-11-21 20:05:10 1wtYVW-0000000GFxD-3Ryp "
#define S                                                                                                            \
	"Nov 21 20:05:10 host sm-mta[77]: 6ALK5Y2b000155: to=<x@far.example>, delay=00:00:00, mailer=esmtp, pri=1, " \
	"relay="

static void who_spoke_and_when(void **state)
{
	/* clang-format off */
	static const struct { const char *line, *told; } rows[] = {
		{ TO MX "deferred (host mx.test[192.0.2.1] refused to talk to me: 554-IP 550 5.1.1 (NOWL))", "deferred remote connect - x@far.example 554\n" },
		{ TO MX "deferred (host mx.test[192.0.2.1] said: 450 no (in reply to RCPT TO command) (in reply to MAIL FROM command))", "deferred remote mail - x@far.example 450\n" },
		{ TO MX "bounced (host mx.test[192.0.2.1] said: 550 no (in reply to end of DATA command))", "bounced remote end - x@far.example 550\n" },
		{ TO MX "deferred (lost connection with mx.test[192.0.2.1] while sending RCPT TO)", "deferred unreached rcpt - x@far.example 0\n" },
		{ TO MX "deferred (conversation with mx.test[192.0.2.1] timed out while receiving the initial server greeting)", "deferred unreached connect - x@far.example 0\n" },
		{ TO NONE "deferred (connect to mx.test[192.0.2.1]:25: Connection refused)", "deferred unreached unknown - x@far.example 0\n" },
		{ TO NONE "bounced (mail for far.example loops back to myself)", "bounced own unknown - x@far.example 0\n" },
		{ TO NONE "deferred (delivery temporarily suspended: host mx.test[192.0.2.1] refused to talk to me: 554 no)", "deferred waiting unknown - x@far.example 0\n" },
		{ TO MX "undeliverable (host mx.test[192.0.2.1] said: 550 no (in reply to RCPT TO command))", "bounced probe rcpt - x@far.example 550\n" },
		{ TO MX "deliverable (250 ok)", "sent probe unknown - x@far.example 250\n" },
		{ TO MX "SOFTBOUNCE (host mx.test[192.0.2.1] said: 550 no (in reply to RCPT TO command))", "deferred remote rcpt - x@far.example 550\n" },
		{ TO "127.0.0.1[127.0.0.1]:10024, delay=1, delays=1/0/0/0, dsn=5.0.0, status=bounced (host 127.0.0.1[127.0.0.1] said: 550 5.7.1 virus (in reply to end of DATA command))", "bounced passed end - x@far.example 550\n" },
		{ P "error[2]: 4BDC430: to=<x@far.example>, relay=none, delay=1, delays=1/0/0/0, dsn=5.1.1, status=bounced (User unknown in virtual alias table)", "bounced own unknown - x@far.example 0\n" },
		{ P "lmtp[2]: 4BDC430: to=<x@far.example>, relay=h[private/dovecot-lmtp], delay=1, delays=1/0/0/0, dsn=5.1.1, status=bounced (host h[private/dovecot-lmtp] said: 550 5.1.1 User unknown (in reply to RCPT TO command))", "bounced here unknown - x@far.example 0\n" },
		{ P "bounce[2]: 4BDC430: sender non-delivery notification: 5BDC430", "" },
		{ P "smtp[2]: 4BDC430: host mx.test[192.0.2.1] said: 450 later (in reply to RCPT TO command)", "" },
		{ P "smtpd[2]: NOQUEUE: reject: RCPT from a[192.0.2.1]: 550 5.1.1 <x@far.example>: Recipient address rejected", "" },
		{ E "** x@far.example R=r T=t: SMTP error from remote mailer after RCPT TO:<x@far.example>: host mx.test [192.0.2.1]: 550 no", "bounced remote rcpt - x@far.example 550\n" },
		{ E "** x@far.example R=r T=t H=mx.test [192.0.2.1] X=TLS1.3:A_B:256 CV=yes : SMTP error from remote mail server after pipelined MAIL FROM:<a@b> SIZE=10 BODY=8BITMIME: 550 no", "bounced remote mail - x@far.example 550\n" },
		{ E "** x@far.example: retry timeout exceeded", "expired own unknown - x@far.example 0\n" },
		{ E "** x@far.example R=r T=t H=mx.test [127.0.0.1]:10025: SMTP error from remote mail server after RCPT TO:<x@far.example>: 550 no", "bounced passed rcpt - x@far.example 550\n" },
		{ E "== x@far.example R=r T=t defer (-1): domain matches queue_smtp_domains", "deferred waiting unknown - x@far.example 0\n" },
		{ E "== x@far.example R=r T=t defer (-54): retry time not reached for any host", "deferred waiting unknown - x@far.example 0\n" },
		{ E "== x@far.example R=r T=t defer (111): Connection refused", "deferred unreached unknown - x@far.example 0\n" },
		{ E "== x@far.example R=r T=t defer (-18) H=mx.test [192.0.2.1]: Remote host closed connection in response to EHLO a.b", "deferred unreached unknown - x@far.example 0\n" },
		{ E "== x@far.example R=r T=t defer (-46) H=mx.test [192.0.2.1]: SMTP error from remote mail server after end of data: 451 later", "deferred remote end - x@far.example 451\n" },
		{ E "H=mx.test [192.0.2.1]: SMTP error from remote mail server after pipelined MAIL FROM:<a@b>: 451 later", "" },
		{ S "mx.test. [192.0.2.1], dsn=4.0.0, stat=Deferred: 421-4.7.0 unusual rate of", "deferred remote unknown - x@far.example 421\n" },
		{ S "mx.test. [192.0.2.1], dsn=4.0.0, stat=Deferred: Connection timed out with mx.test.", "deferred unreached unknown - x@far.example 0\n" },
		{ S "mx.test., dsn=4.0.0, stat=Deferred", "deferred waiting unknown - x@far.example 0\n" },
		{ S "mx.test. [192.0.2.1], dsn=5.1.1, stat=User unknown", "bounced remote unknown - x@far.example 0\n" },
		{ S "[127.0.0.1] [127.0.0.1], dsn=4.0.0, stat=Deferred: 421 4.3.0 collect: Cannot write", "deferred passed unknown - x@far.example 421\n" },
	};
	/* clang-format on */

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		close_log(state);
		open_log(state);
		feed(rows[i].line);
		if (strcmp(told, rows[i].told) != 0)
			fail_msg("%s: %s", rows[i].line, told);
	}
}

static void mail_with_the_null_sender_is_told_apart(void **state)
{
	(void)state;
	feed(P "qmgr[1]: 4BDC430: from=<>, size=1, nrcpt=1 (queue active)");
	feed(TO MX "bounced (host mx.test[192.0.2.1] said: 550 no (in reply to RCPT TO command))");
	feed(E "** x@far.example F=<> R=r T=t H=mx.test [192.0.2.1]: SMTP error from remote mail server after RCPT "
	       "TO:<x@far.example>: 550 no");
	feed("Nov 21 20:05:10 host sm-mta[77]: 6ALK5Y2b000155: from=<>, size=1, class=0, nrcpts=1, msgid=<1@x>, "
	     "proto=ESMTP, daemon=MTA, relay=localhost [127.0.0.1]");
	feed(S "mx.test. [192.0.2.1], dsn=5.1.1, reply=550 no, stat=User unknown");
	maillog_end(log_of);
	assert_string_equal(told, "bounced null rcpt - x@far.example 550\nbounced null rcpt - x@far.example 550\n"
				  "bounced null unknown - x@far.example 550\n");
}

/* ---- what waits -------------------------------------------------------------------------------- */

#define FILTERED P "smtpd[9]: 5BDC431: client=localhost[127.0.0.1]"
#define REFUSED                                                                                                     \
	P "smtp[2]: 5BDC431: to=<x@far.example>, relay=mx.test[192.0.2.1]:25, delay=1, delays=1/0/0/0, dsn=5.0.0, " \
	  "status=bounced (host mx.test[192.0.2.1] said: 550 no (in reply to RCPT TO command))"
#define CLIENT P "smtpd[1]: 4BDC430: client=a.test[192.0.2.1], sasl_method=PLAIN, sasl_username=cp1001"
#define LINK                                                                                                  \
	P "smtp[2]: 4BDC430: to=<x@far.example>, relay=127.0.0.1[127.0.0.1]:10024, delay=1, delays=1/0/0/0, " \
	  "dsn=2.0.0, status=sent (250 Ok: queued as 5BDC431)"

static void a_sender_may_be_told_after_the_outcome(void **state)
{
	(void)state;
	feed(CLIENT);
	feed(FILTERED);
	feed(REFUSED);
	assert_string_equal(told, "");
	assert_int_equal(maillog_held(log_of), 1);
	feed(LINK);
	assert_string_equal(told, "bounced remote rcpt cp1001 x@far.example 550\nsent passed unknown cp1001 "
				  "x@far.example 250\n");
	assert_int_equal(maillog_held(log_of), 0);
}

static void nothing_waits_longer_than_it_may(void **state)
{
	(void)state;
	maillog_tick(log_of, 1000);
	feed(FILTERED);
	feed(REFUSED);
	maillog_tick(log_of, 1000 + MAILLOG_HOLD_MS - 1);
	assert_string_equal(told, "");
	maillog_tick(log_of, 1000 + MAILLOG_HOLD_MS);
	assert_string_equal(told, "bounced remote rcpt - x@far.example 550\n");
	feed(FILTERED);
	feed(REFUSED);
	feed(P "qmgr[3]: 5BDC431: removed");
	assert_int_equal(maillog_held(log_of), 0);
	for (int i = 0; i < 5000; i++) {
		feed(FILTERED);
		feed(REFUSED);
	}
	maillog_end(log_of);
	assert_int_equal(maillog_held(log_of), 0);
	assert_int_equal(id_count, 400);
}

static void muted_lines_teach_and_tell_nothing(void **state)
{
	(void)state;
	maillog_mute(log_of, true);
	feed(CLIENT);
	feed(P "qmgr[1]: 4BDC430: from=<a@own.example>, size=1, nrcpt=1 (queue active)");
	feed(TO MX "deferred (host mx.test[192.0.2.1] said: 450 later (in reply to RCPT TO command))");
	maillog_mute(log_of, false);
	assert_string_equal(told, "");
	feed(TO MX "deferred (host mx.test[192.0.2.1] said: 450 later (in reply to RCPT TO command))");
	assert_string_equal(told, "deferred again remote rcpt cp1001 x@far.example 450\n");
}

/* ---- hostile words ----------------------------------------------------------------------------- */

/*
 * In place of what a sender or his client may write, or what a server he owns may answer. The victim's address must not
 * be told at all, and nothing said to MAIL FROM may pass for an answer to RCPT TO.
 */
static void no_outcome_is_made_of_a_senders_words(void **state)
{
	/* clang-format off */
	static const char *const lines[] = {
		P "smtp[2]: 4BDC430: to=<victim@far.example>, relay=mx.test[192.0.2.1]:25, delay=1, dsn=5.1.1, status=bounced (host mx.test[192.0.2.1] said: 550 5.1.1 no (in reply to RCPT TO command))@own.example>, relay=mx.test[192.0.2.1]:25, delay=1, delays=1/0/0/0, dsn=2.0.0, status=sent (250 ok)",
		P "smtp[2]: 4BDC430: to=<\"x>, relay=a[192.0.2.1]:25, status=bounced (\"@own.example>, relay=none, delay=1, delays=1/0/0/0, dsn=5.0.0, status=bounced (to=<victim@far.example>)",
		P "smtp[2]: 4BDC430: to=<x>, orig_to=<\"a>, relay=m[192.0.2.1]:25, dsn=5.1.1, status=bounced (victim@far.example\"@own.example>, relay=none, dsn=4.0.0, status=deferred (x)",
		P "smtp[2]: 4BDC430: to=<victim@far.example>, relay=mx.test[192.0.2.1]:25, delay=1, dsn=5.1.1",
		P "smtp[2]: 4BDC430: to=<victim@far.example>, relay=mx.test[192.0.2.1]:25, delay=1, dsn=5.1.1, status=bounced (host mx.test[192.0.2.1] said: 550",
		P "smtp[2]: 4BDC430: to=<victim@far.example>, relay=mx.test[192.0.2.1]:25, delay=1, dsn=5.1.1, status=lost (x)",
		P "cleanup[2]: 4BDC430: warning: header Subject: to=<victim@far.example>, relay=mx.test[192.0.2.1]:25, delay=1, dsn=5.1.1, status=bounced (550 no)",
		P "cleanup[2]: 4BDC430: message-id=<x>??4BDC430: to=<victim@far.example>, relay=mx.test[192.0.2.1]:25, status=bounced (550 no)",
		P "qmgr[2]: 4BDC430: from=<to=victim@far.example>, size=1, status=bounced (550 no)",
		P "smtp[2]: 4BDC430: enabling PIX workarounds: to=<victim@far.example>, relay=mx.test[192.0.2.1]:25, dsn=5.1.1, status=bounced (550 no)",
		E "** \"victim@far.example R=r T=t H=mx.test [192.0.2.1]: SMTP error from remote mail server after RCPT TO:<victim@far.example>: 550 no",
		E "H=mx.test [192.0.2.1]: ** victim@far.example R=r T=t H=mx.test [192.0.2.1]: SMTP error from remote mail server after RCPT TO:<victim@far.example>: 550 no",
		E "<= a@b.example H=pc.test [192.0.2.1] P=esmtp S=1 id=x T=\"1wtYVW-0000000GFxD-3Ryp ** victim@far.example R=r T=t H=m [192.0.2.1]: 550 no",
		"2026-11-21 20:05:10 T=\"" E "** victim@far.example R=r T=t H=m.test [192.0.2.1]: SMTP error from remote mail server after RCPT TO:<victim@far.example>: 550 no",
		E "== x@own.example R=r T=t defer (-1): \n" E "** victim@far.example R=r T=t H=m.test [192.0.2.1]: SMTP error from remote mail server after RCPT TO:<victim@far.example>: 550 no",
		"Nov 21 20:05:10 host sm-mta[77]: 6ALK5Y2b000155: from=<\"a, to=<victim@far.example>, relay=m. [192.0.2.9], dsn=5.1.1, stat=User unknown\"@x>, size=1",
		"Nov 21 20:05:10 host sm-mta[77]: 6ALK5Y2b000155: 6ALK5Y2b000156: DSN: to=<victim@far.example>, relay=m. [192.0.2.9], dsn=5.1.1, stat=User unknown",
		"Nov 21 20:05:10 host sm-mta[77]: 6ALK5Y2b000155: to=<\"a>,<victim@far.example>, delay=0, mailer=esmtp, relay=m. [192.0.2.9], dsn=5.1.1, stat=User unknown\"@x>, stat=queued",
		"Nov 21 20:05:10 host sm-mta[77]: 6ALK5Y2b000155: to=<x@own.example>, ctladdr=<\"a>, relay=m. [192.0.2.9], reply=550 victim@far.example, stat=User unknown\"@b> (1/1), delay=0, mailer=local, pri=1, dsn=2.0.0, stat=Sent",
		"Nov 21 20:05:10 host sm-mta[77]: ruleset=check_rcpt, arg1=<victim@far.example>, relay=m [192.0.2.9], reject=550 5.1.1 User unknown",
	};
	/* clang-format on */

	(void)state;
	for (size_t i = 0; i < sizeof(lines) / sizeof(*lines); i++) {
		feed(lines[i]);
		if (strstr(told, "victim"))
			fail_msg("%s: %s", lines[i], told);
	}
}

static void a_senders_address_is_no_answer(void **state)
{
	(void)state;
	feed(E "** x@far.example R=r T=t H=mx.test [192.0.2.1]: SMTP error from remote mail server after MAIL "
	       "FROM:<\"a>: "
	       "550 5.1.1 User unknown\"@own.example> SIZE=5: 451 later");
	feed(S
	     "mx.test. [192.0.2.1], dsn=5.0.0, reply=451 <\"x, stat=User unknown\"@own.example> later, stat=Deferred: "
	     "451 <\"x, stat=User unknown\"@own.example> later");
	feed(TO MX "deferred (host mx.test[192.0.2.1] said: 451 <\"x said: 550 5.1.1 no (in reply to RCPT TO "
		   "command)\"@own.example> (in reply to MAIL FROM command))");
	assert_string_equal(told, "bounced remote mail - x@far.example 451\ndeferred remote unknown - x@far.example "
				  "451\ndeferred remote mail - x@far.example 451\n");
}

#define WITH(name) cmocka_unit_test_setup_teardown(name, open_log, close_log)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH(postfix_tells_each_attempt),
		WITH(exim_tells_each_attempt),
		WITH(sendmail_tells_each_attempt),
		WITH(ids_are_of_the_attempt_not_of_the_file),
		WITH(who_spoke_and_when),
		WITH(mail_with_the_null_sender_is_told_apart),
		WITH(a_sender_may_be_told_after_the_outcome),
		WITH(nothing_waits_longer_than_it_may),
		WITH(muted_lines_teach_and_tell_nothing),
		WITH(no_outcome_is_made_of_a_senders_words),
		WITH(a_senders_address_is_no_answer),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
