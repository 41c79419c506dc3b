/*
 * Postfix: smtpd and pickup tell who brought a message, smtp where it went. All lines begin with the queue id.
 */
#include "maillog/inner.h"

/*
 * client=NAME[ADDRESS][, sasl_method=M][, sasl_username=LOGIN][, sasl_sender=...][, orig_queue_id=ID]...
 * sasl_sender is what the client said; all before it is Postfix' own. The client's name is a checked one.
 */
static void smtpd_line(struct maillog *log, struct maillog_entry *entry, struct span id)
{
	struct scan *scan = &entry->text;
	struct span name, ip, method, login = { "", 0 }, origin;

	if (!scan_literal(scan, "client="))
		return;
	mail_forget(log, entry, id);
	if (!scan_peer(scan, &name, &ip) || span_is(id, "NOQUEUE"))
		return;
	if (scan_literal(scan, ", sasl_method=") &&
	    (!scan_value(scan, &method) || !scan_literal(scan, ", sasl_username=") || !scan_value(scan, &login) ||
	     !(scan_at_end(scan) || scan_literal(scan, ", "))))
		return;
	if (login.len == 0 && !ip_is_loopback(ip)) {
		(void)mail_note(log, entry, id);
		return;
	}
	struct mail *mail = mail_begin(log, entry, id);
	if (!mail)
		return;
	mail->from_here = login.len == 0;
	if (login.len > 0)
		mail_claim(log, mail, MAILLOG_LOGIN, login, 0);
	else if (scan_literal(scan, ", orig_queue_id=") && scan_id(scan, "", ",", &origin))
		mail_pass(log, entry, mail_find(log, entry, origin), id);
}

/* uid=10001 from=<...> */
static void pickup_line(struct maillog *log, struct maillog_entry *entry, struct span id)
{
	uint32_t uid;

	if (!scan_literal(&entry->text, "uid="))
		return;
	mail_forget(log, entry, id);
	if (!scan_u32(&entry->text, &uid) || !scan_literal(&entry->text, " from="))
		return;
	struct mail *mail = mail_begin(log, entry, id);
	if (mail)
		mail_claim(log, mail, MAILLOG_UID, (struct span){ "", 0 }, uid);
}

/*
 * Each message has one Message-Id: a second one under the same id is another message's, forwarded or bounced, for ids
 * come again and its first line does not tell where it came from.
 */
static void cleanup_line(struct maillog *log, struct maillog_entry *entry, struct span id)
{
	struct mail *mail;

	if (!scan_literal(&entry->text, "message-id="))
		return;
	mail = mail_find(log, entry, id);
	if (mail && mail->named) {
		mail_forget(log, entry, id);
		mail = NULL;
	}
	if (!mail && !(mail = mail_note(log, entry, id)))
		return;
	mail->named = true;
	if (log->outcome_fn)
		mail_note_message_id(mail, rest_of(&entry->text));
}

/* "from=<A>, size=500, nrcpt=1 (queue active)", once for each round through the queue. */
static void qmgr_line(struct maillog *log, struct maillog_entry *entry, struct span id)
{
	struct scan *scan = &entry->text;
	struct span from;

	if (scan_literal(scan, "removed") && scan_at_end(scan))
		mail_forget(log, entry, id);
	else if (log->outcome_fn && scan_literal(scan, "from=") && scan_bracketed(scan, &from) &&
		 scan_literal(scan, ", size="))
		mail_note_from(mail_note(log, entry, id), from);
}

/* Old versions write addresses without brackets where there is none to hide. */
static bool scan_recipient(struct scan *scan, struct span *out)
{
	return scan_bracketed(scan, out) || scan_address(scan, out);
}

/* "(250 2.0.0 from MTA(smtp:[127.0.0.1]:10025): 250 2.0.0 Ok: queued as ID)": a content filter of this host. */
static void pass_on(struct maillog *log, const struct maillog_entry *entry, struct mail *mail)
{
	static const char words[] = "queued as ";
	const char *end = entry->text.end;

	if (end - entry->text.at < 2 || end[-1] != ')')
		return;
	const char *begin = --end;
	while (begin > entry->text.at && begin[-1] != ' ')
		begin--;
	const struct span id = { begin, (size_t)(end - begin) };
	if ((size_t)(begin - entry->text.at) < strlen(words) ||
	    memcmp(begin - strlen(words), words, strlen(words)) != 0)
		return;
	mail_pass(log, entry, mail, id);
}

/* What stands behind to=, up to its end. */
struct attempt {
	struct span to, orig_to, relay, ip, dsn, status, text;
};

/* relay=NAME[ADDRESS]:PORT, or a name and a socket's, or "none". */
static bool scan_where(struct scan *scan, struct attempt *attempt)
{
	struct scan ahead = *scan;

	if (scan_peer(&ahead, &attempt->relay, &attempt->ip)) {
		*scan = ahead;
		return true;
	}
	attempt->ip = (struct span){ "", 0 };
	return scan_value(scan, &attempt->relay);
}

/*
 * to=<A>[, orig_to=<A>], relay=NAME[ADDRESS]:PORT[, KEY=VALUE]..., status=sent (TEXT)
 * An address with a quoted local part used to be logged without its quotes: then it can look like the rest of a line,
 * and the true rest follows. So what stands there twice is not believed.
 */
static bool scan_attempt(struct scan *scan, struct attempt *attempt)
{
	const struct span whole = rest_of(scan);
	struct span key, value;

	*attempt = (struct attempt){ .dsn = { "", 0 }, .orig_to = { "", 0 } };
	if (span_count(whole, ", status=") != 1 || span_count(whole, ", relay=") != 1 ||
	    !scan_recipient(scan, &attempt->to) ||
	    (scan_literal(scan, ", orig_to=") && !scan_recipient(scan, &attempt->orig_to)) ||
	    !scan_literal(scan, ", relay=") || !scan_where(scan, attempt))
		return false;
	while (scan_literal(scan, ", ")) {
		if (!scan_word(scan, "_", &key) || !scan_literal(scan, "=") || !scan_value(scan, &value))
			return false;
		if (span_is(key, "dsn"))
			attempt->dsn = value;
		if (!span_is(key, "status"))
			continue;
		attempt->status = value;
		if (!scan_literal(scan, " (") || scan->end[-1] != ')')
			return false;
		attempt->text = (struct span){ scan->at, (size_t)(scan->end - scan->at) - 1 };
		return true;
	}
	return false;
}

static const struct {
	const char *word;
	enum maillog_status status;
	bool probe;
} statuses[] = {
	{ "sent", MAILLOG_SENT, false },
	{ "deferred", MAILLOG_DEFERRED, false },
	{ "bounced", MAILLOG_BOUNCED, false },
	{ "SOFTBOUNCE", MAILLOG_DEFERRED, false }, /* soft_bounce = yes: a refusal that is tried again */
	{ "expired", MAILLOG_EXPIRED, false },
	{ "deliverable", MAILLOG_SENT, true },
	{ "undeliverable", MAILLOG_BOUNCED, true },
	{ "undeliverable-but-not-cached", MAILLOG_BOUNCED, true },
};

/* Everything that is said about the message and the attempt, but for who speaks. */
static bool outcome_of(const struct maillog_entry *entry, struct span id, const struct attempt *attempt,
		       struct maillog_outcome *outcome)
{
	const char *slash = memrchr(entry->tag.at, '/', entry->tag.len);

	*outcome = (struct maillog_outcome){
		.mta = MAILLOG_POSTFIX,
		.instance = { entry->tag.at, (size_t)(slash - entry->tag.at) },
		.queue_id = id,
		.rcpt_to = attempt->to,
		.orig_to = attempt->orig_to,
		.relay = attempt->relay,
		.relay_ip = attempt->ip,
		.dsn = attempt->dsn,
		.reply = attempt->text,
	};
	for (size_t i = 0; i < sizeof(statuses) / sizeof(*statuses); i++)
		if (span_is(attempt->status, statuses[i].word)) {
			outcome->status = statuses[i].status;
			outcome->speaker = statuses[i].probe ? MAILLOG_PROBE : MAILLOG_HERE;
			return true;
		}
	return false;
}

static void smtp_line(struct maillog *log, struct maillog_entry *entry, struct span id)
{
	struct scan *scan = &entry->text;
	struct maillog_outcome outcome;
	struct attempt attempt;

	if (!scan_literal(scan, "to="))
		return;
	if (span_count(rest_of(scan), ", status=sent ") == 0)
		log->counts.failed++;
	struct scan ahead = *scan;
	if (!scan_attempt(&ahead, &attempt) || !outcome_of(entry, id, &attempt, &outcome)) {
		log->counts.doubtful += span_count(rest_of(scan), ", status=sent ") > 0 || log->outcome_fn ? 1 : 0;
		return;
	}
	struct mail *mail = mail_find(log, entry, id);
	const bool passed = attempt.ip.len > 0 && ip_is_loopback(attempt.ip);
	const bool probe = outcome.speaker == MAILLOG_PROBE;
	if (outcome.status == MAILLOG_SENT)
		outcome.speaker = MAILLOG_REMOTE;
	else
		answer_of_postfix(attempt.text, &outcome);
	if (passed || probe)
		outcome.speaker = probe ? MAILLOG_PROBE : MAILLOG_PASSED;
	if (outcome.status == MAILLOG_SENT && passed) {
		entry->text = (struct scan){ attempt.text.at, attempt.text.at + attempt.text.len + 1 };
		pass_on(log, entry, mail);
	} else if (outcome.status == MAILLOG_SENT && attempt.ip.len > 0 && outcome.speaker == MAILLOG_REMOTE) {
		mail_delivered(log, entry, mail, attempt.orig_to.len > 0 ? attempt.orig_to : attempt.to);
	}
	mail_outcome(log, entry, mail, &outcome);
}

/* local, virtual, lmtp, pipe: delivered on this host, or by a program of it. */
static void local_line(struct maillog *log, struct maillog_entry *entry, struct span id)
{
	struct scan *scan = &entry->text;
	struct maillog_outcome outcome;
	struct attempt attempt;

	if (!scan_literal(scan, "to="))
		return;
	*(span_count(rest_of(scan), ", status=sent ") > 0 ? &log->counts.local : &log->counts.failed) += 1;
	if (log->outcome_fn && scan_attempt(scan, &attempt) && outcome_of(entry, id, &attempt, &outcome))
		mail_outcome(log, entry, mail_find(log, entry, id), &outcome);
}

/* error, retry: nobody was asked; a transport table or qmgr says no in the place of another server. */
static void error_line(struct maillog *log, struct maillog_entry *entry, struct span id)
{
	struct scan *scan = &entry->text;
	struct maillog_outcome outcome;
	struct attempt attempt;

	if (!scan_literal(scan, "to="))
		return;
	log->counts.failed++;
	if (!log->outcome_fn || !scan_attempt(scan, &attempt) || !outcome_of(entry, id, &attempt, &outcome))
		return;
	if (outcome.speaker != MAILLOG_PROBE)
		outcome.speaker =
			span_begins(attempt.text, "delivery temporarily suspended") ? MAILLOG_WAITING : MAILLOG_OWN;
	mail_outcome(log, entry, mail_find(log, entry, id), &outcome);
}

void postfix_entry(struct maillog *log, struct maillog_entry *entry)
{
	static const struct {
		const char *program;
		void (*read)(struct maillog *log, struct maillog_entry *entry, struct span id);
	} readers[] = {
		{ "smtpd", smtpd_line }, { "pickup", pickup_line }, { "cleanup", cleanup_line },
		{ "smtp", smtp_line },	 { "qmgr", qmgr_line },	    { "local", local_line },
		{ "lmtp", local_line },	 { "virtual", local_line }, { "pipe", local_line },
		{ "error", error_line }, { "retry", error_line },   { "discard", local_line },
	};
	const char *slash = memrchr(entry->tag.at, '/', entry->tag.len);
	struct span program = { slash + 1, (size_t)(entry->tag.at + entry->tag.len - slash - 1) };
	struct span id;

	/* the rest stay as they are: connects, warnings, rejects */
	for (size_t i = 0; i < sizeof(readers) / sizeof(*readers); i++)
		if (span_is(program, readers[i].program) && scan_id(&entry->text, "", ": ", &id))
			readers[i].read(log, entry, id);
}
