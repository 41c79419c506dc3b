/*
 * maillog/maillog.h: real lines of three MTAs tell who wrote to whom, and no text of a sender is taken for theirs.
 */
#include "test.h"

#include <stdio.h>
#include <time.h>

#include "maillog/maillog.h"

#define NOW_MS 1795564800000 /* 25 Nov 2026 00:00 UTC */

static struct maillog *log_of;
static char told[32768]; /* "LOGIN ADDRESS\n" */
static size_t told_len;
static int64_t told_ms;

static void take(void *arg, const struct maillog_delivery *delivery)
{
	char line[1024];

	(void)arg;
	if (delivery->sender == MAILLOG_UID)
		snprintf(line, sizeof(line), "#%u %.*s@%s\n", delivery->uid, (int)delivery->local.len,
			 delivery->local.at, delivery->domain);
	else
		snprintf(line, sizeof(line), "%s%s %.*s@%s\n", delivery->sender == MAILLOG_USER ? "~" : "",
			 delivery->name, (int)delivery->local.len, delivery->local.at, delivery->domain);
	told_ms = delivery->at_ms;
	if (told_len + strlen(line) < sizeof(told))
		memcpy(told + told_len, line, strlen(line) + 1);
	told_len += strlen(line);
}

static int open_log(void **state)
{
	(void)state;
	setenv("TZ", "UTC", 1);
	tzset();
	told[0] = '\0';
	told_len = 0;
	log_of = maillog_new(1000, NOW_MS, take, NULL);
	return log_of ? 0 : -1;
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

static struct maillog_counts counts(void)
{
	struct maillog_counts now;

	maillog_count(log_of, &now);
	return now;
}

static struct maillog_counts feed_file(const char *name)
{
	char path[128], line[4096];

	snprintf(path, sizeof(path), "test/data/maillog/%s", name);
	FILE *file = fopen(path, "r");
	if (!file)
		fail_msg("%s: cannot be read; start from the top of the tree", path);
	while (fgets(line, sizeof(line), file))
		maillog_line(log_of, line, strcspn(line, "\n"));
	fclose(file);
	maillog_end(log_of);
	return counts();
}

/* ---- real lines -------------------------------------------------------------------------------- */

static void postfix_tells_logins_and_uids(void **state)
{
	const struct maillog_counts found = feed_file("postfix.log");

	(void)state;
	assert_string_equal(told, "cp1001@cp1server.example.com ok@live.com\n"
				  "cp1001@cp1server.example.com ok2@live.com\n"
				  "cp1001@cp1server.example.com ok@live.com\n"
				  "#10001 ok@live.com\n");
	assert_int_equal(told_ms, 1795291518000); /* Nov 21 20:05:18 */
	assert_int_equal(found.lines, 122);
	assert_int_equal(found.deliveries, 4);
	assert_int_equal(found.unclaimed, 1); /* a forward of mail from elsewhere */
	assert_int_equal(found.doubtful + found.foreign, 0);
}

static void sendmail_tells_logins_and_callers_of_its_command(void **state)
{
	const struct maillog_counts found = feed_file("sendmail.log");

	(void)state;
	assert_string_equal(told, "cp1001@cp1server.example.com ok@live.com\n"
				  "cp1001@cp1server.example.com ok@live.com\n"
				  "cp1001@cp1server.example.com ok2@live.com\n"
				  "~cp1001 ok@live.com\n");
	assert_int_equal(found.deliveries, 4);
	assert_int_equal(found.unclaimed, 1);
	assert_int_equal(found.doubtful, 0);
}

static void exim_tells_logins_and_callers(void **state)
{
	const struct maillog_counts found = feed_file("exim.log");

	(void)state;
	assert_string_equal(told, "cp1001 ok@live.com\ncp1001 ok@live.com\ncp1001 ok2@live.com\n~cp1001 ok@live.com\n");
	assert_int_equal(found.deliveries, 4);
	assert_int_equal(found.unclaimed, 1);
	assert_int_equal(found.doubtful + found.foreign, 0);
}

/* ---- time stamps ------------------------------------------------------------------------------- */

#define CLIENT "postfix/submission/smtpd[1]: 4BDC430: client=a.test[192.0.2.1], sasl_method=PLAIN, sasl_username=cp1001"
#define SENT                                                                                                      \
	"postfix/smtp[2]: 4BDC430: to=<x@far.example>, relay=mx.test[198.51.100.1]:25, delay=1, delays=1/0/0/0, " \
	"dsn=2.0.0, status=sent (250 ok)"

static void stamps_of_all_kinds(void **state)
{
	/* clang-format off */
	static const struct { const char *stamp; int64_t at_ms; } rows[] = {
		{ "Nov 21 20:05:10", 1795291510000 },
		{ "Nov  1 00:00:00", 1793491200000 },
		{ "<22>Nov 21 20:05:10", 1795291510000 },
		{ "Nov 25 12:00:00", 1795608000000 }, /* a clock that is half a day ahead */
		{ "Dec 24 20:05:10", 1766606710000 }, /* last year's */
		{ "2026-11-21T20:05:10.123456+00:00", 1795291510123 },
		{ "2026-11-21T21:05:10+0100", 1795291510000 },
		{ "2026-11-21T20:05:10Z", 1795291510000 },
		{ "2026-11-21T15:35:10.5-04:30", 1795291510500 },
		{ "2026-11-21T20:05:10", 1795291510000 },
	};
	/* clang-format on */
	char line[512];

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		told_ms = 0;
		snprintf(line, sizeof(line), "%s host " CLIENT, rows[i].stamp);
		feed(line);
		snprintf(line, sizeof(line), "%s host " SENT, rows[i].stamp);
		feed(line);
		if (told_ms != rows[i].at_ms)
			fail_msg("%s: %lld", rows[i].stamp, (long long)told_ms);
	}
}

static void exim_stamps_of_all_kinds(void **state)
{
	static const char *const stamps[] = { "2026-11-21 20:05:10",
					      "2026-11-21 20:05:10.000",
					      "2026-11-21 21:05:10 +0100",
					      "2026-11-21 20:05:10 [77]",
					      "2026-11-21 20:05:10.000 +0000 [77]",
					      "Nov 21 20:05:10 host exim[7]:",
					      "Nov 21 20:05:10 host exim[7]: 2026-11-21 20:05:10" };
	char line[512];

	(void)state;
	for (size_t i = 0; i < sizeof(stamps) / sizeof(*stamps); i++) {
		told_ms = 0;
		snprintf(line, sizeof(line), "%s 1xUrLK-00001U-1i <= a@b.example U=cp1001 P=local S=1", stamps[i]);
		feed(line);
		snprintf(line, sizeof(line),
			 "%s 1xUrLK-00001U-1i => x@far.example R=r T=t H=m.test [192.0.2.1] C=\"250 ok\"", stamps[i]);
		feed(line);
		if (told_ms != 1795291510000)
			fail_msg("%s: %lld", stamps[i], (long long)told_ms);
	}
}

static void no_stamp_no_line(void **state)
{
	static const char *const lines[] = { "",
					     "Nov",
					     "Nov 32 20:05:10 h a[1]: x",
					     "Nov 21 24:05:10 h a[1]: x",
					     "2026-13-21T20:05:10 h a[1]: x",
					     "2026-11-21T20:05 h a[1]: x",
					     "Xyz 21 20:05:10 h a[1]: x",
					     "Nov 21 20:05:10 host -- MARK --" };

	(void)state;
	for (size_t i = 0; i < sizeof(lines) / sizeof(*lines); i++)
		feed(lines[i]);
	assert_int_equal(counts().foreign, sizeof(lines) / sizeof(*lines));
}

/* ---- each MTA's ways --------------------------------------------------------------------------- */

#define P "Nov 21 20:05:10 host postfix/"

static void postfix_recipient_is_the_one_written(void **state)
{
	(void)state;
	feed(P "smtpd[1]: 4BDC430: client=a.test[192.0.2.1]:4711, sasl_method=LOGIN, sasl_username=u@own.example, "
	       "sasl_sender=evil");
	feed(P "smtp[2]: 4BDC430: to=<x@far.example>, orig_to=<alias@there.example>, relay=mx.test[2001:db8::1]:25, "
	       "conn_use=2, delay=1, delays=1/0/0/0, dsn=2.0.0, status=sent (250 ok)");
	feed(P "out1/smtp[2]: 4BDC430: to=<\"a b\"@far.example>, relay=mx.test[2001:db8::1]:25, delay=1, "
	       "delays=1/0/0/0, dsn=2.0.0, status=sent (250 ok)");
	assert_string_equal(told, "u@own.example alias@there.example\nu@own.example \"a b\"@far.example\n");
}

static void postfix_ids_come_again(void **state)
{
	(void)state;
	feed("Nov 21 20:05:10 host " CLIENT);
	feed(P "cleanup[3]: 4BDC430: message-id=<1@x>");
	feed(P "qmgr[3]: 4BDC430: removed");
	feed("Nov 21 20:05:10 host " SENT);
	feed("Nov 21 20:05:10 host " CLIENT);
	feed(P "cleanup[3]: 4BDC430: message-id=<1@x>");
	feed(P "cleanup[3]: 4BDC430: message-id=<2@x>"); /* a bounce or a forward: the "removed" of before was lost */
	feed("Nov 21 20:05:10 host " SENT);
	feed("Nov 21 20:05:10 host " CLIENT);
	feed(P "smtpd[3]: 4BDC430: client=a.test[192.0.2.1]");
	feed("Nov 21 20:05:10 host " SENT);
	feed("Nov 21 20:05:10 host " CLIENT);
	feed("Nov 21 20:05:10 other " SENT); /* that host's own */
	assert_string_equal(told, "");
	assert_int_equal(counts().unclaimed, 4);
	feed("Nov 21 20:05:10 host " SENT);
	assert_string_equal(told, "cp1001 x@far.example\n");
}

static void a_content_filter_in_between(void **state)
{
	(void)state;
	feed("Nov 21 20:05:10 host " CLIENT);
	feed(P "smtpd[9]: 5BDC431: client=localhost[127.0.0.1]");
	feed(P "smtp[2]: 4BDC430: to=<x@far.example>, relay=127.0.0.1[127.0.0.1]:10024, delay=1, delays=1/0/0/0, "
	       "dsn=2.0.0, status=sent (250 2.0.0 from MTA(smtp:[127.0.0.1]:10025): 250 2.0.0 Ok: queued as 5BDC431)");
	assert_string_equal(told, "");
	feed(P "smtp[2]: 5BDC431: to=<x@far.example>, relay=mx.test[192.0.2.1]:25, delay=1, delays=1/0/0/0, dsn=2.0.0, "
	       "status=sent (250 ok)");
	/* as Postfix says it itself, where the filter speaks XFORWARD */
	feed(P "smtpd[9]: 6BDC432: client=localhost[127.0.0.1], orig_queue_id=4BDC430, orig_client=a.test[192.0.2.1]");
	feed(P "smtp[2]: 6BDC432: to=<y@far.example>, relay=mx.test[192.0.2.1]:25, delay=1, delays=1/0/0/0, dsn=2.0.0, "
	       "status=sent (250 ok)");
	assert_string_equal(told, "cp1001 x@far.example\ncp1001 y@far.example\n");
}

static void the_link_may_come_after_the_delivery(void **state)
{
	(void)state;
	feed("Nov 21 20:05:10 host " CLIENT);
	feed(P "smtpd[9]: 5BDC431: client=localhost[127.0.0.1]");
	feed(P "smtpd[9]: 6BDC431: client=localhost[127.0.0.1]");
	feed(P "smtp[2]: 6BDC431: to=<x@far.example>, relay=mx.test[192.0.2.1]:25, delay=1, delays=1/0/0/0, dsn=2.0.0, "
	       "status=sent (250 ok)");
	feed(P "smtp[2]: 5BDC431: to=<x@far.example>, relay=127.0.0.1[127.0.0.1]:10024, delay=1, delays=1/0/0/0, "
	       "dsn=2.0.0, status=sent (250 Ok: queued as 6BDC431)");
	assert_string_equal(told, "");
	feed(P "smtp[2]: 4BDC430: to=<x@far.example>, relay=127.0.0.1[127.0.0.1]:10024, delay=1, delays=1/0/0/0, "
	       "dsn=2.0.0, status=sent (250 Ok: queued as 5BDC431)");
	assert_string_equal(told, "cp1001 x@far.example\n");
}

static void what_stays_here_or_fails_is_no_contact(void **state)
{
	(void)state;
	feed("Nov 21 20:05:10 host " CLIENT);
	feed(P "lmtp[2]: 4BDC430: to=<x@far.example>, relay=host[private/dovecot-lmtp], delay=1, delays=1/0/0/0, "
	       "dsn=2.0.0, status=sent (250 ok)");
	feed(P "local[2]: 4BDC430: to=root, relay=local, delay=1, delays=1/0/0/0, dsn=2.0.0, status=sent (delivered to "
	       "mailbox)");
	feed(P "smtp[2]: 4BDC430: to=<x@far.example>, relay=mx.test[192.0.2.1]:25, delay=1, delays=1/0/0/0, dsn=4.0.0, "
	       "status=deferred (451 later)");
	feed(P "smtp[2]: 4BDC430: to=<x@far.example>, relay=none, delay=1, delays=1/0/0/0, dsn=4.0.0, status=deferred "
	       "(connect: Connection timed out)");
	feed("2026-11-21 20:05:10 1xUrLK-00001U-1i <= a@b.example U=cp1001 P=local S=1");
	feed("2026-11-21 20:05:10 1xUrLK-00001U-1i => x <x@far.example> R=localuser T=local_delivery");
	feed("2026-11-21 20:05:10 1xUrLK-00001U-1i ** x@far.example R=dnslookup T=smtp H=m.test [192.0.2.1]: SMTP "
	     "error");
	assert_string_equal(told, "");
	assert_int_equal(counts().local, 3);
	assert_int_equal(counts().failed, 3);
}

#define E "2026-11-21 20:05:10 1wtYVW-0000000GFxD-3Ryp "

static void exim_as_a_panel_has_it(void **state)
{
	(void)state;
	feed(E
	     "<= info@own.example H=(smtpclient.apple) [192.0.2.1]:4711 P=esmtpsa X=TLS1.3:TLS_AES_256_GCM_SHA384:256 "
	     "CV=no A=dovecot_login:info@own.example S=99 id=1@x T=\"A=plain:x\" for a@b.example");
	feed(E "=> a@b.example R=dkim_lookuphost T=dkim_remote_smtp H=m.b.example [192.0.2.9] "
	       "X=TLS1.3:TLS_AES_256_GCM_SHA384:256 CV=yes C=\"250 2.0.0 Ok: queued as 5E5A4621BA2\"");
	feed(E "-> far@else.example (user@own.example) <user@own.example> F=<info@own.example> P=<SRS0=x@own.example> "
	       "R=r T=dkim_remote_forwarded_smtp S=12 H=m.b.example [192.0.2.9]:25* C=\"250 ok\"");
	feed(E "Completed");
	feed(E "=> late@b.example R=r T=t H=m.b.example [192.0.2.9]");
	assert_string_equal(told, "info@own.example a@b.example\ninfo@own.example user@own.example\n");
}

#define S "Nov 21 20:05:10 host sm-mta[77]: "

static void sendmail_sessions(void **state)
{
	(void)state;
	feed(S "AUTH=server, relay=pc.test [192.0.2.1] (may be forged), authid=u@own.example, mech=PLAIN, bits=0");
	feed(S "6ALK5Y2b000155: from=<x@own.example>, size=1, class=0, nrcpts=1, msgid=<1@x>, bodytype=8BITMIME, "
	       "proto=ESMTPSA, daemon=MSA, tls_verify=NONE, auth=PLAIN, relay=pc.test [192.0.2.1] (may be forged)");
	feed(S "6ALK5Y2b000155: to=<a@b.example>,<\"c d\"@b.example>, ctladdr=<cp1002@host> (10002/10002), "
	       "delay=00:00:01, xdelay=00:00:00, mailer=esmtp, pri=1, relay=m.b.example. [192.0.2.9], dsn=2.0.0, "
	       "stat=Sent (ok)");
	/* the same process later, for somebody who did not log in, and for one from another address */
	feed(S "6ALK5Y2b000156: from=<x@own.example>, size=1, class=0, nrcpts=1, msgid=<1@x>, proto=ESMTP, daemon=MTA, "
	       "relay=pc.test [192.0.2.1] (may be forged)");
	feed(S "6ALK5Y2b000156: to=<e@b.example>, ctladdr=<u@own.example> (10001/10001), delay=00:00:01, mailer=esmtp, "
	       "pri=1, relay=m.b.example. [192.0.2.9], dsn=2.0.0, stat=Sent (ok)");
	feed(S "6ALK5Y2b000157: from=<x@own.example>, size=1, class=0, nrcpts=1, msgid=<1@x>, proto=ESMTPA, "
	       "daemon=MSA, relay=else.test [192.0.2.2]");
	feed(S "6ALK5Y2b000157: to=<f@b.example>, delay=00:00:01, mailer=esmtp, pri=1, relay=m.b.example. [192.0.2.9], "
	       "dsn=2.0.0, stat=Sent (ok)");
	assert_string_equal(told, "u@own.example a@b.example\nu@own.example \"c d\"@b.example\n");
	assert_int_equal(counts().unclaimed, 2);
}

/* ---- hostile words ----------------------------------------------------------------------------- */

/* Each in place of what a sender may write; the login is his own, the recipient another's. */
static void no_line_is_made_of_a_senders_words(void **state)
{
	/* clang-format off */
	static const char *const lines[] = {
		/* Postfix before 3.5 logs quoted local parts without their quotes */
		P "smtp[2]: 4BDC430: to=<victim@far.example>, relay=mx.test[192.0.2.1]:25, delay=1, delays=1/0/0/0, dsn=2.0.0, status=sent (250 ok)@own.example>, relay=mx.test[192.0.2.1]:25, delay=1, delays=1/0/0/0, dsn=5.0.0, status=bounced (550 no)",
		P "smtp[2]: 4BDC430: to=<x>, orig_to=<victim@far.example>, relay=a[192.0.2.1]:25, status=sent (@own.example>, relay=mx.test[192.0.2.1]:25, delay=1, delays=1/0/0/0, dsn=2.0.0, status=sent (250 ok)",
		P "smtp[2]: 4BDC430: to=<x>, orig_to=<victim@far.example@own.example>, relay=mx.test[192.0.2.1]:25, delay=1, delays=1/0/0/0, dsn=2.0.0, status=sent (250 ok)",
		P "smtp[2]: 4BDC430: to=<\"x>, relay=a[192.0.2.1]:25, status=sent (\"@own.example>, relay=none, delay=1, delays=1/0/0/0, dsn=5.0.0, status=bounced (to=<victim@far.example>, status=sent (250 ok)",
		P "smtp[2]: 4BDC430: host mx.test[192.0.2.1] said: 450 to=<victim@far.example>, relay=mx.test[192.0.2.1]:25, delay=1, dsn=2.0.0, status=sent (250 ok)",
		P "cleanup[2]: 4BDC430: warning: header Subject: to=<victim@far.example>, relay=mx.test[192.0.2.1]:25, delay=1, dsn=2.0.0, status=sent (250 ok)",
		/* Exim */
		E "=> \"victim@far.example R=r T=t H=m.test [192.0.2.1] \"@own.example R=localuser T=local_delivery",
		E "=> x@own.example R=localuser T=local_delivery : H=m.test [192.0.2.1]",
		E "H=m.test [192.0.2.1]: SMTP error => victim@far.example R=r T=t H=m.test [192.0.2.1]",
		"2026-11-21 20:05:10 T=\"" E "=> victim@far.example R=r T=t H=m.test [192.0.2.1]",
		/* sendmail */
		S "6ALK5Y2b000155: to=<\"x>, delay=0, mailer=esmtp, relay=m.test. [192.0.2.9], dsn=2.0.0, stat=Sent (\"@own.example>, delay=0, mailer=local, pri=1, dsn=5.0.0, stat=User unknown",
		S "6ALK5Y2b000155: to=<x@own.example>, ctladdr=<\"a>, relay=m.test. [192.0.2.9], stat=Sent\"@b> (1/1), delay=0, mailer=local, pri=1, dsn=2.0.0, stat=Sent",
		S "6ALK5Y2b000155: to=<x@own.example>, delay=0, mailer=esmtp, pri=1, relay=m.test. [192.0.2.9], dsn=5.0.0, reply=550 x, stat=Sent, stat=User unknown",
		S "6ALK5Y2b000155: 6ALK5Y2b000156: DSN: to=<victim@far.example>, relay=m.test. [192.0.2.9], stat=Sent",
	};
	/* clang-format on */

	(void)state;
	feed("Nov 21 20:05:10 host " CLIENT);
	feed(E "<= a@b.example U=cp1001 P=local S=1");
	feed(S "AUTH=server, relay=pc.test [192.0.2.1], authid=cp1001, mech=PLAIN, bits=0");
	feed(S "6ALK5Y2b000155: from=<x@own.example>, size=1, class=0, nrcpts=1, msgid=<1@x>, proto=ESMTPA, "
	       "daemon=MSA, relay=pc.test [192.0.2.1]");
	for (size_t i = 0; i < sizeof(lines) / sizeof(*lines); i++) {
		feed(lines[i]);
		if (told_len > 0)
			fail_msg("%s: %s", lines[i], told);
	}
	/* and they broke nothing */
	feed("Nov 21 20:05:10 host " SENT);
	feed(E "=> y@far.example R=r T=t H=m.test [192.0.2.1]");
	feed(S "6ALK5Y2b000155: to=<z@far.example>, delay=0, mailer=esmtp, pri=1, relay=m.test. [192.0.2.9], "
	       "dsn=2.0.0, stat=Sent (ok)");
	assert_string_equal(told, "cp1001 x@far.example\n~cp1001 y@far.example\ncp1001 z@far.example\n");
}

/* Each message claims in a sender's words to be victim's. */
static void nobody_takes_anothers_account(void **state)
{
	/* clang-format off */
	static const char *const lines[] = {
		E "<= \"a U=victim P=local A=plain:victim S=1\"@x.example H=pc.test [192.0.2.1] P=esmtp S=1",
		E "<= a@x.example H=(x) U=victim P=local A=plain:victim S=1 [192.0.2.1]) [192.0.2.1] P=esmtp S=1",
		E "<= a@x.example H=(x [192.0.2.1] P=esmtpa A=plain:victim S=1) [192.0.2.1] P=esmtp S=1",
		E "<= a@x.example H=pc.test [192.0.2.1] U=victim P=esmtp S=1",
		E "<= a@x.example H=pc.test [192.0.2.1] P=esmtp S=1 id=x A=plain:victim S=1",
		E "<= a@x.example H=pc.test [192.0.2.1] P=esmtp S=1 T=\"U=victim P=local A=plain:victim S=1\"",
		E "<= a@x.example H=pc.test [192.0.2.1] P=esmtps X=y CV=no DN=\"CN=\" A=plain:victim S=1\" A=plain:him S=1",
		E "<= <> R=1wtYVW-0000000GFxD-3Ryq U=victim P=local S=1",
		P "smtpd[1]: 4BDC430: client=a.test[192.0.2.1], sasl_sender=x, sasl_method=PLAIN, sasl_username=victim",
		P "smtpd[1]: 4BDC430: client=a, sasl_username=victim[192.0.2.1], sasl_method=PLAIN",
		P "smtpd[1]: 4BDC430: client=a.test[192.0.2.1], sasl_method=PLAIN, sasl_username=vic tim",
		P "smtpd[1]: 4BDC430: client=a.test[192.0.2.1]",
		P "qmgr[1]: 4BDC430: from=<uid=0 sasl_username=victim>, size=1, nrcpt=1 (queue active)",
		P "pickup[1]: 4BDC430: uid=x from=<victim>",
		S "6ALK5Y2b000155: from=<\"a, relay=victim@localhost\"@x.example>, size=1, class=0, nrcpts=1, msgid=<1@x>, proto=ESMTP, daemon=MTA, relay=pc.test [192.0.2.1]",
		S "6ALK5Y2b000155: from=<a@x.example>, size=1, class=0, nrcpts=1, msgid=<1, relay=victim@localhost>, proto=ESMTP, daemon=MTA, relay=pc.test [192.0.2.1]",
		S "6ALK5Y2b000155: from=<a@x.example>, size=1, class=0, nrcpts=1, msgid=<1, proto=ESMTPA, daemon=MSA>, proto=ESMTP, daemon=MTA, relay=pc.test [192.0.2.3]",
		S "6ALK5Y2b000155: from=<a@x.example>, size=1, class=0, nrcpts=1, msgid=<1@x>, proto=ESMTP, daemon=MTA, relay=victim@localhost [192.0.2.1]",
		S "AUTH=server, relay=pc, authid=victim, mech=x [192.0.2.1], authid=him, mech=PLAIN, bits=0",
	};
	/* clang-format on */

	(void)state;
	for (size_t i = 0; i < sizeof(lines) / sizeof(*lines); i++) {
		feed(S "AUTH=server, relay=pc.test [192.0.2.3], authid=victim, mech=PLAIN, bits=0");
		feed(lines[i]);
		feed("Nov 21 20:05:10 host " SENT);
		feed(E "=> x@far.example R=r T=t H=m.test [192.0.2.1]");
		feed(S "6ALK5Y2b000155: to=<x@far.example>, ctladdr=<victim@host> (10001/10001), delay=0, "
		       "mailer=esmtp, pri=1, relay=m.test. [192.0.2.9], dsn=2.0.0, stat=Sent (ok)");
		if (told_len > 0)
			fail_msg("%s: %s", lines[i], told);
	}
}

/* Only what came from this host can have been another message before. */
static void a_stranger_cannot_be_passed_on_to(void **state)
{
	(void)state;
	feed("Nov 21 20:05:10 host " CLIENT);
	feed(P "smtpd[9]: 5BDC431: client=far.test[192.0.2.7]");
	feed(P "smtp[2]: 4BDC430: to=<x@far.example>, relay=127.0.0.1[127.0.0.1]:10024, delay=1, delays=1/0/0/0, "
	       "dsn=2.0.0, status=sent (250 Ok: queued as 5BDC431)");
	feed(P "smtpd[9]: 5BDC433: client=localhost[127.0.0.1]");
	feed(P "smtp[2]: 4BDC430: to=<x@far.example>, relay=mx.test[192.0.2.8]:25, delay=1, delays=1/0/0/0, dsn=2.0.0, "
	       "status=sent (250 Ok: queued as 5BDC433)");
	told[0] = '\0';
	feed(P "smtp[2]: 5BDC431: to=<y@far.example>, relay=mx.test[192.0.2.1]:25, delay=1, delays=1/0/0/0, dsn=2.0.0, "
	       "status=sent (250 ok)");
	feed(P "smtp[2]: 5BDC433: to=<y@far.example>, relay=mx.test[192.0.2.1]:25, delay=1, delays=1/0/0/0, dsn=2.0.0, "
	       "status=sent (250 ok)");
	maillog_end(log_of);
	assert_string_equal(told, "");
	assert_int_equal(counts().unclaimed, 2);
}

/* ---- bounds ------------------------------------------------------------------------------------ */

static void the_oldest_open_messages_are_forgotten(void **state)
{
	char line[512];

	(void)state;
	feed(P "smtpd[1]: FIRST: client=a.test[192.0.2.1], sasl_method=PLAIN, sasl_username=cp1001");
	for (int i = 0; i < 5000; i++) {
		snprintf(line, sizeof(line), P "smtpd[1]: %08X: client=localhost[127.0.0.1]", i);
		feed(line);
		for (int k = 0; k < 3; k++) {
			snprintf(line, sizeof(line),
				 P "smtp[2]: %08X: to=<x@far.example>, relay=mx.test[192.0.2.1]:25, delay=1, "
				   "delays=1/0/0/0, dsn=2.0.0, status=sent (250 ok)",
				 i);
			feed(line);
		}
	}
	feed(P "smtp[2]: FIRST: to=<x@far.example>, relay=mx.test[192.0.2.1]:25, delay=1, delays=1/0/0/0, dsn=2.0.0, "
	       "status=sent (250 ok)");
	maillog_end(log_of);
	assert_string_equal(told, "");
	assert_int_equal(counts().unclaimed, 15001);
}

/* Every real line, cut at every place, and with each byte changed: nothing happens, and nothing is told of victims. */
static void cut_and_broken_lines_do_no_harm(void **state)
{
	static const char *const files[] = { "postfix.log", "sendmail.log", "exim.log" };
	char path[128], line[4096];

	(void)state;
	for (size_t f = 0; f < 3; f++) {
		snprintf(path, sizeof(path), "test/data/maillog/%s", files[f]);
		FILE *file = fopen(path, "r");
		assert_non_null(file);
		while (fgets(line, sizeof(line), file)) {
			const size_t len = strcspn(line, "\n");
			for (size_t cut = 0; cut < len; cut += 3) {
				char *copy = malloc(cut + 1); /* so that a sanitizer sees each byte too far */
				assert_non_null(copy);
				memcpy(copy, line, cut);
				maillog_line(log_of, copy, cut);
				if (cut > 0)
					copy[cut - 1] = '\0';
				maillog_line(log_of, copy, cut);
				free(copy);
			}
		}
		fclose(file);
	}
}

#define LOG_TEST(name) cmocka_unit_test_setup_teardown(name, open_log, close_log)

int main(void)
{
	const struct CMUnitTest tests[] = {
		LOG_TEST(postfix_tells_logins_and_uids),
		LOG_TEST(sendmail_tells_logins_and_callers_of_its_command),
		LOG_TEST(exim_tells_logins_and_callers),
		LOG_TEST(stamps_of_all_kinds),
		LOG_TEST(exim_stamps_of_all_kinds),
		LOG_TEST(no_stamp_no_line),
		LOG_TEST(postfix_recipient_is_the_one_written),
		LOG_TEST(postfix_ids_come_again),
		LOG_TEST(a_content_filter_in_between),
		LOG_TEST(the_link_may_come_after_the_delivery),
		LOG_TEST(what_stays_here_or_fails_is_no_contact),
		LOG_TEST(exim_as_a_panel_has_it),
		LOG_TEST(sendmail_sessions),
		LOG_TEST(no_line_is_made_of_a_senders_words),
		LOG_TEST(nobody_takes_anothers_account),
		LOG_TEST(a_stranger_cannot_be_passed_on_to),
		LOG_TEST(the_oldest_open_messages_are_forgotten),
		LOG_TEST(cut_and_broken_lines_do_no_harm),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
