/*
 * Exim: "<=" tells who brought a message, "=>" and "->" where it went. An id is never used twice.
 */
#include "maillog/inner.h"

/* 16 characters, since 4.97 23: 1xUrLK-00001U-1i, 1xUrH7-0000000001R-1q0v. */
static bool is_message_id(struct span id)
{
	return (id.len == 16 && id.at[6] == '-' && id.at[13] == '-') ||
	       (id.len == 23 && id.at[6] == '-' && id.at[18] == '-');
}

/* " KEY=VALUE" without blanks. */
static bool scan_field(struct scan *scan, const char *key, struct span *value)
{
	const struct scan before = *scan;

	*value = (struct span){ "", 0 };
	if (scan_literal(scan, key) && scan_word(scan, "-._:,@/+=~%!*$&'|^{}#?`<>[]()", value))
		return true;
	*scan = before;
	return false;
}

/*
 * " H=NAME [ADDRESS]", " H=(HELO) [ADDRESS]" or " H=NAME (HELO) [ADDRESS]", perhaps with ":PORT" and, where a
 * connection was used again, "*". HELO is the client's word, and with helo_accept_junk_hosts any: what has more in it
 * than a name or an address literal is not read on.
 */
static bool scan_host(struct scan *scan, struct span *name, struct span *ip)
{
	struct span helo, port;
	bool named;

	if (!scan_literal(scan, " H="))
		return false;
	named = scan_word(scan, "-._:", name);
	if (named && !scan_literal(scan, " "))
		return false;
	if (scan_literal(scan, "("))
		if (!scan_word(scan, "-._:[]", &helo) || !scan_literal(scan, ") "))
			return false;
	if (!scan_ip(scan, ip))
		return false;
	/* not the colon before the words behind the fields */
	if (scan->end - scan->at > 1 && scan->at[0] == ':' && scan->at[1] != ' ') {
		scan->at++;
		scan_word(scan, "_", &port);
	}
	scan_literal(scan, "*");
	return true;
}

/* " KEY=VALUE" up to a blank or a colon, which begins the words behind all fields; for values without colons. */
static bool scan_short(struct scan *scan, const char *key, struct span *value)
{
	struct scan ahead = *scan;

	if (!scan_literal(&ahead, key) || !scan_word(&ahead, "-._,/+=~%", value))
		return false;
	/* X=TLS1.3:TLS_AES_256_GCM_SHA384:256 */
	while (ahead.end - ahead.at > 1 && ahead.at[0] == ':' && ahead.at[1] != ' ') {
		struct span more;

		ahead.at++;
		if (!scan_word(&ahead, "-._,/+=~%", &more))
			break;
	}
	*scan = ahead;
	return true;
}

/* Subject names of certificates and SNI are the client's: up to the next quote, whatever it is. */
static bool scan_quoted(struct scan *scan, const char *key)
{
	if (!scan_literal(scan, key))
		return false;
	const char *quote = memchr(scan->at, '"', (size_t)(scan->end - scan->at));
	scan->at = quote ? quote + 1 : scan->end;
	return true;
}

/* What may stand between P= and A=; true: something of a stranger's was among it. */
static bool skip_tls(struct scan *scan)
{
	static const char *const fields[] = { " X=", " CV=", " L", " L*", " L.", " TFO" };
	bool strange = false, more = true;
	struct span value;

	while (more) {
		more = false;
		for (size_t i = 0; i < 2; i++)
			more |= scan_field(scan, fields[i], &value);
		for (size_t i = 2; i < sizeof(fields) / sizeof(*fields); i++) {
			struct scan ahead = *scan;
			if (scan_literal(&ahead, fields[i]) && (scan_at_end(&ahead) || *ahead.at == ' ')) {
				*scan = ahead;
				more = true;
			}
		}
		if (scan_quoted(scan, " DN=\"") || scan_quoted(scan, " SNI=\"")) {
			strange = more = true;
		}
	}
	return strange;
}

/* "... S=529 id=MESSAGE-ID T=...": between are numbers and flags of Exim's own, without blanks in them. */
static void arrival_message_id(struct mail *mail, struct scan scan)
{
	struct span value;

	while (!scan_at_end(&scan) && !span_begins(rest_of(&scan), " T=")) {
		if (scan_field(&scan, " id=", &value)) {
			mail_note_message_id(mail, value);
			return;
		}
		const char *blank = memchr(scan.at + 1, ' ', (size_t)(scan.end - scan.at) - 1);
		scan.at = blank ? blank : scan.end;
	}
}

/*
 * <= SENDER [R=ID] [H=HOST [I=...]] [U=IDENT] P=PROTOCOL [X=...] [CV=...] [DN="..."] [SNI="..."] [A=METHOD:LOGIN]
 * S=SIZE U is the caller where there is no H; else it is what the client's own ident server says.
 */
static void arrival(struct maillog *log, struct maillog_entry *entry, struct span id)
{
	struct scan *scan = &entry->text;
	const struct span whole = { scan->at, (size_t)(scan->end - scan->at) };
	struct span sender = { "", 0 }, name, ip, ident, value, login, method, protocol;

	mail_forget(log, entry, id);
	const bool is_null = scan_literal(scan, "<>");
	if (!is_null && !scan_address(scan, &sender))
		return;
	mail_note_from(mail_note(log, entry, id), sender);
	scan_field(scan, " R=", &value);
	scan_literal(scan, " DS");
	const bool has_host = scan->end - scan->at > 3 && memcmp(scan->at, " H=", 3) == 0;
	if (has_host && !scan_host(scan, &name, &ip))
		return;
	scan_field(scan, " I=", &value);
	scan_field(scan, " U=", &ident);
	if (!scan_field(scan, " P=", &protocol))
		return;
	const bool strange = skip_tls(scan);
	const bool is_local = !has_host && protocol.len >= 5 && memcmp(protocol.at, "local", 5) == 0;
	bool by_login = scan_literal(scan, " A=") && scan_word(scan, "-_", &method) && scan_literal(scan, ":") &&
			scan_word(scan, "-._@+=/", &login) && (scan_literal(scan, " ") || scan_literal(scan, ","));
	if (by_login && strange && span_count(whole, " A=") > 1) {
		log->counts.doubtful++;
		return;
	}
	/* what the system's users send without a sender are Exim's own bounces, and the like */
	if (!by_login && (is_null || !is_local || ident.len == 0))
		return;
	struct mail *mail = mail_begin(log, entry, id);
	if (mail && log->outcome_fn)
		mail_note_from(mail, sender);
	if (mail && by_login)
		mail_claim(log, mail, MAILLOG_LOGIN, login, 0);
	else if (mail)
		mail_claim(log, mail, MAILLOG_USER, ident, 0);
	if (log->outcome_fn)
		arrival_message_id(mail, *scan);
}

/* ---- deliveries -------------------------------------------------------------------------------- */

/* " F=<A>", " P=<A>", " SRS=<A>" */
static bool scan_path(struct scan *scan, struct maillog_outcome *outcome)
{
	static const char *const keys[] = { " F=", " P=", " SRS=" };
	struct span path;

	for (size_t i = 0; i < sizeof(keys) / sizeof(*keys); i++) {
		struct scan ahead = *scan;
		if (scan_literal(&ahead, keys[i]) && scan_bracketed(&ahead, &path)) {
			if (i == 0) {
				outcome->mail_from_known = true;
				outcome->mail_from = path;
			}
			*scan = ahead;
			return true;
		}
	}
	return false;
}

/* "ADDRESS [(PARENT)] [<ORIGINAL>]": the original is what the sender wrote. */
static bool scan_recipients(struct scan *scan, struct maillog_outcome *outcome)
{
	struct span parent;

	if (!scan_address(scan, &outcome->rcpt_to))
		return false;
	/* "** ADDRESS: WORDS" */
	if (outcome->rcpt_to.at[outcome->rcpt_to.len - 1] == ':') {
		outcome->rcpt_to.len--;
		scan->at--;
		return true;
	}
	if (scan_literal(scan, " (") && (!scan_address(scan, &parent) || !scan_literal(scan, ")")))
		return false;
	return !scan_literal(scan, " <") || (scan_address(scan, &outcome->orig_to) && scan_literal(scan, ">"));
}

/* " I=[ADDRESS]", perhaps with ":PORT": from where it left. */
static bool scan_interface(struct scan *scan, struct span *ip)
{
	struct scan ahead = *scan;
	struct span port;

	if (!scan_literal(&ahead, " I=") || !scan_ip(&ahead, ip))
		return false;
	if (ahead.end - ahead.at > 1 && ahead.at[0] == ':' && ahead.at[1] != ' ') {
		ahead.at++;
		scan_word(&ahead, "", &port);
	}
	*scan = ahead;
	return true;
}

/* " C=\"REPLY\"": its own quotes have a backslash. */
static bool scan_confirmation(struct scan *scan, struct span *reply)
{
	struct scan ahead = *scan;
	const char *at;

	if (!scan_literal(&ahead, " C=\""))
		return false;
	for (at = ahead.at; at < ahead.end && *at != '"'; at++)
		if (*at == '\\' && at + 1 < ahead.end)
			at++;
	*reply = (struct span){ ahead.at, (size_t)(at - ahead.at) };
	scan->at = at < ahead.end ? at + 1 : at;
	return true;
}

/* The host, and what is said of the connection, in any order. True: there was a host. */
static bool scan_connection(struct scan *scan, struct maillog_outcome *outcome)
{
	static const char *const skipped[] = { " S=", " X=", " CV=", " DT=", " QT=", " RT=", " PRX=", " Ext=" };
	static const char *const flags[] = { " DS", " K", " L", " L*", " TFO", " PRDR", " DA" };
	bool more = true, host = false;
	struct span value;

	while (more) {
		struct scan before = *scan;

		if (!host && scan_host(scan, &outcome->relay, &outcome->relay_ip))
			host = true;
		else
			*scan = before;
		(void)(scan_interface(scan, &outcome->egress_ip) || scan_confirmation(scan, &outcome->reply) ||
		       scan_quoted(scan, " DN=\"") || scan_quoted(scan, " SNI=\""));
		for (size_t i = 0; i < sizeof(skipped) / sizeof(*skipped); i++)
			scan_short(scan, skipped[i], &value);
		for (size_t i = 0; i < sizeof(flags) / sizeof(*flags); i++) {
			struct scan ahead = *scan;
			if (scan_literal(&ahead, flags[i]) &&
			    (scan_at_end(&ahead) || *ahead.at == ' ' || *ahead.at == ':'))
				*scan = ahead;
		}
		more = scan->at != before.at;
	}
	return host;
}

static bool scan_route(struct scan *scan, struct maillog_outcome *outcome, struct span *transport)
{
	struct span value;

	while (scan_path(scan, outcome) || scan_field(scan, " Q=", &value))
		;
	return scan_short(scan, " R=", &value) && scan_short(scan, " T=", transport);
}

static struct maillog_outcome outcome_of(struct span id, enum maillog_status status)
{
	return (struct maillog_outcome){ .mta = MAILLOG_EXIM, .status = status, .queue_id = id };
}

/*
 * => ADDRESS [(PARENT)] [<ORIGINAL>] [F=<A>] [P=<A>] R=ROUTER T=TRANSPORT [S=SIZE] H=HOST [ADDRESS] ...
 * Without a host it stayed here.
 */
static void delivery(struct maillog *log, struct maillog_entry *entry, struct span id)
{
	struct maillog_outcome outcome = outcome_of(id, MAILLOG_SENT);
	struct scan *scan = &entry->text;
	struct span transport;
	struct mail *mail = mail_find(log, entry, id);

	if (!scan_recipients(scan, &outcome) || !scan_route(scan, &outcome, &transport)) {
		log->counts.doubtful++;
		return;
	}
	if (!scan_connection(scan, &outcome)) {
		log->counts.local++;
		outcome.speaker = MAILLOG_HERE;
	} else if (ip_is_loopback(outcome.relay_ip)) {
		outcome.speaker = MAILLOG_PASSED;
	} else {
		mail_delivered(log, entry, mail, outcome.orig_to.len > 0 ? outcome.orig_to : outcome.rcpt_to);
	}
	mail_outcome(log, entry, mail, &outcome);
}

/* The words behind the fields, without the time that delivery took. */
static bool scan_words(struct scan *scan, struct span *text)
{
	static const char *const ends[] = { " DT=", " QT=" };

	scan_literal(scan, " ");
	if (!scan_literal(scan, ": "))
		return false;
	*text = rest_of(scan);
	for (size_t i = 0; i < 2; i++) {
		const char *end = memrchr(text->at, ' ', text->len);
		if (end && span_begins((struct span){ end, text->len - (size_t)(end - text->at) }, ends[1 - i]))
			text->len = (size_t)(end - text->at);
	}
	return true;
}

/* Whose failure it is, once the line is read. */
static void failure_told(struct maillog *log, struct maillog_entry *entry, struct maillog_outcome *outcome, bool host)
{
	if (host && ip_is_loopback(outcome->relay_ip))
		outcome->speaker = MAILLOG_PASSED;
	mail_outcome(log, entry, mail_find(log, entry, outcome->queue_id), outcome);
}

/* ** ADDRESS [<ORIGINAL>] [F=<A>] [P=<A>] [R=ROUTER] [T=TRANSPORT] [H=HOST [ADDRESS] ...]: WORDS */
static void failure(struct maillog *log, struct maillog_entry *entry, struct span id)
{
	struct maillog_outcome outcome = outcome_of(id, MAILLOG_BOUNCED);
	struct scan *scan = &entry->text;
	struct span transport, text;

	log->counts.failed++;
	if (!log->outcome_fn)
		return;
	const bool clear = scan_recipients(scan, &outcome);
	if (clear)
		(void)scan_route(scan, &outcome, &transport);
	const bool host = clear && scan_connection(scan, &outcome);
	if (!clear || !scan_words(scan, &text) || !answer_of_exim(text, &outcome))
		log->counts.doubtful++;
	else
		failure_told(log, entry, &outcome, host);
}

/*
 * == ADDRESS [<ORIGINAL>] [R=ROUTER] [T=TRANSPORT | routing] defer (ERRNO)[: ERROR] [H=HOST [ADDRESS] ...][: WORDS]
 * A positive number is the system's own error: nobody was reached.
 */
static void deferral(struct maillog *log, struct maillog_entry *entry, struct span id)
{
	struct maillog_outcome outcome = outcome_of(id, MAILLOG_DEFERRED);
	struct scan *scan = &entry->text;
	struct span transport, number, text = { "", 0 };

	log->counts.failed++;
	if (!log->outcome_fn)
		return;
	const bool clear = scan_recipients(scan, &outcome);
	if (clear)
		(void)scan_route(scan, &outcome, &transport);
	scan_literal(scan, " routing");
	if (!clear || !scan_literal(scan, " defer (") || !scan_word(scan, "-", &number) || !scan_literal(scan, ")")) {
		log->counts.doubtful++;
		return;
	}
	const bool host = scan_connection(scan, &outcome);
	if ((scan_words(scan, &text) && !answer_of_exim(text, &outcome)) || (text.len == 0 && !scan_at_end(scan))) {
		log->counts.doubtful++;
		return;
	}
	if (text.len == 0)
		outcome.speaker = MAILLOG_WAITING;
	if (number.at[0] != '-' && outcome.speaker != MAILLOG_REMOTE)
		outcome.speaker = MAILLOG_UNREACHED;
	failure_told(log, entry, &outcome, host);
}

void exim_entry(struct maillog *log, struct maillog_entry *entry)
{
	struct scan *scan = &entry->text;
	struct span pid, id;

	if (scan_ip(scan, &pid)) /* "[PID]" */
		scan_literal(scan, " ");
	if (!scan_id(scan, "-", " ", &id) || !is_message_id(id))
		return;
	if (scan_literal(scan, "<= "))
		arrival(log, entry, id);
	else if (scan_literal(scan, "=> ") || scan_literal(scan, "-> ") || scan_literal(scan, ">> "))
		delivery(log, entry, id);
	else if (scan_literal(scan, "** "))
		failure(log, entry, id);
	else if (scan_literal(scan, "== "))
		deferral(log, entry, id);
	else if (scan_literal(scan, "Completed"))
		mail_forget(log, entry, id);
}
