/*
 * Postfix: smtpd and pickup tell who brought a message, smtp where it went. All lines begin with the queue id.
 */
#include "maillog/inner.h"

/* "NAME[ADDRESS]", perhaps ":PORT". */
static bool scan_peer(struct scan *scan, struct span *ip)
{
	struct span name, port;

	return scan_word(scan, "-._:", &name) && scan_ip(scan, ip) &&
	       (!scan_literal(scan, ":") || scan_word(scan, "", &port));
}

/*
 * client=NAME[ADDRESS][, sasl_method=M][, sasl_username=LOGIN][, sasl_sender=...][, orig_queue_id=ID]...
 * sasl_sender is what the client said; all before it is Postfix' own. The client's name is a checked one.
 */
static void smtpd_line(struct maillog *log, struct maillog_entry *entry, struct span id)
{
	struct scan *scan = &entry->text;
	struct span ip, method, login = { "", 0 }, origin;

	if (!scan_literal(scan, "client="))
		return;
	mail_forget(log, entry, id);
	if (!scan_peer(scan, &ip) || span_is(id, "NOQUEUE"))
		return;
	if (scan_literal(scan, ", sasl_method=") &&
	    (!scan_value(scan, &method) || !scan_literal(scan, ", sasl_username=") || !scan_value(scan, &login) ||
	     !(scan_at_end(scan) || scan_literal(scan, ", "))))
		return;
	if (login.len == 0 && !ip_is_loopback(ip))
		return;
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

	if (!scan_literal(&entry->text, "message-id=") || !(mail = mail_find(log, entry, id)))
		return;
	if (mail->named)
		mail_forget(log, entry, id);
	else
		mail->named = true;
}

static void qmgr_line(struct maillog *log, struct maillog_entry *entry, struct span id)
{
	if (scan_literal(&entry->text, "removed") && scan_at_end(&entry->text))
		mail_forget(log, entry, id);
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

/*
 * to=<A>[, orig_to=<A>], relay=NAME[ADDRESS]:PORT[, KEY=VALUE]..., status=sent (TEXT)
 * An address with a quoted local part used to be logged without its quotes: then it can look like the rest of a line,
 * and the true rest follows. So what stands there twice is not believed.
 */
static void smtp_line(struct maillog *log, struct maillog_entry *entry, struct span id)
{
	struct scan *scan = &entry->text;
	const struct span whole = { scan->at, (size_t)(scan->end - scan->at) };
	struct span to, ip, key, value;
	bool sent = false;

	if (!scan_literal(scan, "to="))
		return;
	if (span_count(whole, ", status=sent ") == 0) {
		log->counts.failed++;
		return;
	}
	bool clear = span_count(whole, ", status=") == 1 && span_count(whole, ", relay=") == 1 &&
		     scan_recipient(scan, &to) && (!scan_literal(scan, ", orig_to=") || scan_recipient(scan, &to)) &&
		     scan_literal(scan, ", relay=") && scan_peer(scan, &ip);
	while (clear && !sent && scan_literal(scan, ", ")) {
		clear = scan_word(scan, "_", &key) && scan_literal(scan, "=") && scan_value(scan, &value);
		sent = clear && span_is(key, "status");
	}
	struct mail *mail = mail_find(log, entry, id);
	if (!clear || !sent)
		log->counts.doubtful++;
	else if (ip_is_loopback(ip))
		pass_on(log, entry, mail);
	else
		mail_delivered(log, entry, mail, to);
}

static void local_line(struct maillog *log, struct maillog_entry *entry, struct span id)
{
	const struct span whole = { entry->text.at, (size_t)(entry->text.end - entry->text.at) };

	(void)id;
	if (scan_literal(&entry->text, "to="))
		*(span_count(whole, ", status=sent ") > 0 ? &log->counts.local : &log->counts.failed) += 1;
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
		{ "error", local_line },
	};
	const char *slash = memrchr(entry->tag.at, '/', entry->tag.len);
	struct span program = { slash + 1, (size_t)(entry->tag.at + entry->tag.len - slash - 1) };
	struct span id;

	/* the rest stay as they are: connects, warnings, rejects */
	for (size_t i = 0; i < sizeof(readers) / sizeof(*readers); i++)
		if (span_is(program, readers[i].program) && scan_id(&entry->text, "", ": ", &id))
			readers[i].read(log, entry, id);
}
