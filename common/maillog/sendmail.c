/*
 * sendmail: a session's AUTH line tells the login, the from line the rest, to lines where it went.
 *
 * Fields are read from the begin where the sender's words are quoted, and from the end where they are not (msgid).
 * ctladdr is not believed: anybody who says MAIL FROM:<cp1001@here> gets that user's uid there.
 */
#include <stdio.h>

#include "hash.h"
#include "maillog/inner.h"

/* A session of the process that logs: no id of a message has a slash. */
static struct span session_id(const struct maillog_entry *entry, char *out, size_t size)
{
	const int len = snprintf(out, size, "%.*s/%.*s", (int)(entry->tag.len < 64 ? entry->tag.len : 64),
				 entry->tag.at, (int)(entry->pid.len < 16 ? entry->pid.len : 16), entry->pid.at);

	return (struct span){ out, (size_t)len };
}

/* "[NAME] [ADDRESS][ (may be forged)]": the address; neither name nor address can hold blanks. */
static bool scan_relay(struct scan *scan, struct span *ip)
{
	struct span name;

	if (!scan_word(scan, "-._:@[]", &name))
		return false;
	if (!scan_literal(scan, " ")) {
		/* a host without a name, or one that was not asked for its address */
		struct scan alone = { name.at, name.at + name.len };
		return scan_ip(&alone, ip) && scan_at_end(&alone);
	}
	return scan_ip(scan, ip);
}

/* AUTH=server, relay=NAME [ADDRESS], authid=LOGIN, mech=... */
static void auth_line(struct maillog *log, struct maillog_entry *entry)
{
	struct scan *scan = &entry->text;
	const char *relay = scan->at;
	char buffer[96];
	struct span ip, login;

	const struct span id = session_id(entry, buffer, sizeof(buffer));
	mail_forget(log, entry, id);
	if (!scan_relay(scan, &ip))
		return;
	scan_literal(scan, " (may be forged)");
	const size_t len = (size_t)(scan->at - relay);
	if (!scan_literal(scan, ", authid=") || !scan_value(scan, &login) || !scan_literal(scan, ", mech="))
		return;
	struct mail *session = mail_begin(log, entry, id);
	if (!session)
		return;
	session->relay = hash_bytes(relay, len);
	mail_claim(log, session, MAILLOG_LOGIN, login, 0);
}

/*
 * The value of a field of ours, from the end of what stands before relay=: ", proto=ESMTPA, daemon=MSA". They follow
 * msgid=, so the last is the true one.
 */
static bool field_before(struct span text, const char *wanted, struct span *value)
{
	while (text.len > 2) {
		size_t begin = text.len;

		while (begin >= 2 && !(text.at[begin - 2] == ',' && text.at[begin - 1] == ' '))
			begin--;
		if (begin < 2)
			return false;
		struct scan scan = { text.at + begin, text.at + text.len };
		struct span key;
		if (!scan_word(&scan, "_", &key) || !scan_literal(&scan, "=") || !scan_value(&scan, value) ||
		    !scan_at_end(&scan) || span_is(key, "msgid"))
			return false;
		if (span_is(key, wanted))
			return true;
		text.len = begin - 2;
	}
	return false;
}

/* The last relay= of a line, which is the last of its fields; `before` is what stands in front of it. */
static bool last_relay(struct span text, struct span *before, struct scan *relay)
{
	static const char words[] = ", relay=";
	const size_t len = strlen(words);

	for (size_t at = text.len; at >= len; at--)
		if (memcmp(text.at + at - len, words, len) == 0) {
			*before = (struct span){ text.at, at - len };
			*relay = (struct scan){ text.at + at, text.at + text.len };
			return true;
		}
	return false;
}

/* LOGIN@localhost without an address: sendmail's own command, whose caller it knows. */
static bool scan_caller(struct scan scan, struct span *login)
{
	return scan_word(&scan, "-._", login) && scan_literal(&scan, "@localhost") && scan_at_end(&scan);
}

/* Whoever sent AUTH in this session, if the message came with it. */
static void claim_session(struct maillog *log, struct maillog_entry *entry, struct span id, struct span relay,
			  struct span before)
{
	struct span proto;
	char buffer[96];

	if (!field_before(before, "proto", &proto) || proto.len == 0 || proto.at[proto.len - 1] != 'A')
		return;
	const struct mail *session = mail_find(log, entry, session_id(entry, buffer, sizeof(buffer)));
	if (!session || session->relay != hash_bytes(relay.at, relay.len))
		return;
	const struct span login = { session->name, strlen(session->name) };
	char copy[256];
	if (login.len >= sizeof(copy))
		return;
	memcpy(copy, login.at, login.len);
	struct mail *mail = mail_begin(log, entry, id); /* which may be what makes the session the oldest */
	if (mail)
		mail_claim(log, mail, MAILLOG_LOGIN, (struct span){ copy, login.len }, 0);
}

/* What is told about a message beside whose it is; its Message-ID is the sender's to choose, and only shown. */
struct maillog_note {
	bool known;
	struct span from, message_id;
};

/* PATH, size=N, class=N, nrcpts=N, msgid=ID, ... */
static void note_read(const struct maillog *log, struct scan scan, struct maillog_note *note)
{
	struct span key, value;

	*note = (struct maillog_note){ .known = false, .message_id = { "", 0 } };
	if (!log->outcome_fn || (!scan_bracketed(&scan, &note->from) && !scan_address(&scan, &note->from)))
		return;
	note->known = true;
	while (scan_literal(&scan, ", ") && scan_word(&scan, "_", &key) && scan_literal(&scan, "=") &&
	       scan_value(&scan, &value))
		if (span_is(key, "msgid")) {
			note->message_id = value;
			return;
		}
}

static void note_keep(struct maillog *log, const struct maillog_entry *entry, struct span id,
		      const struct maillog_note *note)
{
	struct mail *mail = mail_note(log, entry, id);

	if (mail && note->known) {
		mail_note_from(mail, note->from);
		mail_note_message_id(mail, note->message_id);
	}
}

/* PATH, size=..., msgid=..., [proto=..., daemon=...,] relay=NAME [ADDRESS] | LOGIN@localhost */
static void from_line(struct maillog *log, struct maillog_entry *entry, struct span id)
{
	struct span before, ip, login;
	struct scan relay;

	mail_forget(log, entry, id);
	struct maillog_note note;
	note_read(log, entry->text, &note);
	if (!last_relay(rest_of(&entry->text), &before, &relay))
		return;
	if (scan_caller(relay, &login)) {
		struct mail *mail = mail_begin(log, entry, id);
		if (!mail)
			return;
		mail->from_command = true;
		mail_claim(log, mail, MAILLOG_USER, login, 0);
		note_keep(log, entry, id, &note);
		return;
	}
	const struct span peer = rest_of(&relay);
	claim_session(log, entry, id, peer, before);
	if (!mail_find(log, entry, id) && scan_relay(&relay, &ip) && ip_is_loopback(ip)) {
		struct mail *mail = mail_begin(log, entry, id);
		if (mail)
			mail->from_here = true;
	}
	note_keep(log, entry, id, &note);
}

/* ---- deliveries -------------------------------------------------------------------------------- */

struct delivery {
	bool sent, remote, local; /* remote: a relay is named with its address; local: a mailer of this host */
	struct span relay, ip, dsn, mailer;
	struct span reply; /* the other side's words, if it has said any; sendmail cuts them */
	struct scan text;  /* behind stat= */
};

/* [, ctladdr=PATH[ (UID/GID)]] */
static bool skip_controlling(struct scan *scan)
{
	struct span ignored;
	uint32_t number;

	if (!scan_literal(scan, ", ctladdr="))
		return true;
	if (!scan_bracketed(scan, &ignored) && !scan_address(scan, &ignored))
		return false;
	return !scan_literal(scan, " (") || (scan_u32(scan, &number) && scan_literal(scan, "/") &&
					     scan_u32(scan, &number) && scan_literal(scan, ")"));
}

/* Mailers that ask no other server; *file* and *include* do not either. */
static bool mailer_is_local(struct span mailer)
{
	static const char *const names[] = { "local", "prog", "lmtp", "cyrus", "cyrusv2", "procmail", "virthostmail" };

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		if (span_is(mailer, names[i]))
			return true;
	return mailer.len > 0 && mailer.at[0] == '*';
}

/*
 * "reply=..., stat=...": the other side's words, in which the sender's may stand. sendmail's own come last; whatever is
 * said there cannot be told from the reply, so the reply decides.
 */
static void scan_reply(struct scan *scan, struct delivery *delivery)
{
	static const char words[] = ", stat=";
	const size_t len = strlen(words);

	delivery->reply = rest_of(scan);
	delivery->text = *scan;
	for (size_t at = delivery->reply.len; at >= len; at--)
		if (memcmp(scan->at + at - len, words, len) == 0) {
			delivery->reply.len = at - len;
			delivery->text.at = scan->at + at;
			return;
		}
}

/* relay=NAME [ADDRESS]; the address is missing where the same host was asked before. */
static bool scan_where(struct scan *scan, struct delivery *delivery)
{
	struct scan ahead = *scan;

	if (scan_relay(&ahead, &delivery->ip)) {
		delivery->remote = true;
		delivery->relay = (struct span){ scan->at, (size_t)(ahead.at - scan->at) };
		const char *blank = memchr(delivery->relay.at, ' ', delivery->relay.len);
		if (blank)
			delivery->relay.len = (size_t)(blank - delivery->relay.at);
		*scan = ahead;
		return true;
	}
	delivery->ip = (struct span){ "", 0 };
	return scan_value(scan, &delivery->relay);
}

/* , delay=..., mailer=..., relay=NAME [ADDRESS], dsn=..., [reply=...,] stat=... */
static bool scan_fields(struct scan *scan, struct delivery *delivery)
{
	struct span key, value;

	while (scan_literal(scan, ", ")) {
		if (!scan_word(scan, "_", &key) || !scan_literal(scan, "="))
			return false;
		if (span_is(key, "stat")) {
			delivery->text = *scan;
			delivery->sent = scan_literal(scan, "Sent") && (scan_at_end(scan) || *scan->at == ' ');
			return true;
		}
		if (span_is(key, "reply")) {
			scan_reply(scan, delivery);
			return true;
		}
		if (span_is(key, "relay")) {
			if (!scan_where(scan, delivery))
				return false;
			continue;
		}
		if (!scan_value(scan, &value))
			return false;
		if (span_is(key, "dsn"))
			delivery->dsn = value;
		if (span_is(key, "mailer"))
			delivery->mailer = value;
	}
	return false;
}

/*
 * "Sent (ID Message accepted for delivery)" by a sendmail on this host: its command hands over to the daemon, one
 * instance to another.
 */
static void pass_on(struct maillog *log, const struct maillog_entry *entry, struct scan text, struct mail *mail)
{
	struct span id;

	if (scan_literal(&text, "Sent (") && scan_id(&text, "", " Message accepted for delivery)", &id))
		mail_pass(log, entry, mail, id);
}

/* Where no other server answered, though one was to be asked. */
static bool was_unreached(struct span words)
{
	static const char *const begins[] = {
		"Deferred: Connection ",  "Deferred: Name server: ",
		"Deferred: No route ",	  "Deferred: Network ",
		"Deferred: Operation ",	  "Deferred: Broken pipe",
		"Deferred: Host ",	  "Host unknown",
		"Deferred: Input/output", "I/O error",
		"Name server: ",	  "Deferred: host ",
	};

	for (size_t i = 0; i < sizeof(begins) / sizeof(*begins); i++)
		if (span_begins(words, begins[i]))
			return true;
	return false;
}

/* "User unknown" and the like stand for a refusal that versions without reply= do not show. */
static void speaker_of(const struct delivery *delivery, struct maillog_outcome *outcome)
{
	struct span words = rest_of(&delivery->text);

	if (outcome->code == 0 && span_begins(words, "Deferred: "))
		outcome->code = reply_code((struct span){ words.at + 10, words.len - 10 });
	if (delivery->reply.len == 0 && outcome->code > 0)
		outcome->reply = (struct span){ words.at + 10, words.len - 10 };
	if (delivery->remote && ip_is_loopback(delivery->ip))
		outcome->speaker = MAILLOG_PASSED;
	else if (delivery->local || delivery->relay.len == 0)
		outcome->speaker = delivery->local ? MAILLOG_HERE : MAILLOG_OWN;
	else if (outcome->code > 0)
		outcome->speaker = MAILLOG_REMOTE;
	else if (was_unreached(words))
		outcome->speaker = MAILLOG_UNREACHED;
	else if (outcome->status == MAILLOG_DEFERRED)
		outcome->speaker = MAILLOG_WAITING;
	else
		outcome->speaker = delivery->remote ? MAILLOG_REMOTE : MAILLOG_OWN;
}

static bool status_of(const struct delivery *delivery, struct maillog_outcome *outcome)
{
	const struct span words = rest_of(&delivery->text);

	outcome->code = reply_code(delivery->reply);
	if (delivery->sent)
		outcome->status = MAILLOG_SENT;
	else if (outcome->code > 0)
		outcome->status = outcome->code >= 500 ? MAILLOG_BOUNCED : MAILLOG_DEFERRED;
	else if (span_begins(words, "Deferred") || span_begins(words, "queued"))
		outcome->status = MAILLOG_DEFERRED;
	else if (delivery->dsn.len > 0)
		outcome->status = delivery->dsn.at[0] == '4' ? MAILLOG_DEFERRED : MAILLOG_BOUNCED;
	else
		return false;
	return true;
}

/* How a recipient stands in the list, and whether that is how its sender wrote it. */
static bool next_recipient(struct scan *list, struct span *address, bool *as_written)
{
	*as_written = scan_bracketed(list, address);
	return *as_written || scan_address(list, address);
}

/* Without brackets it is what an alias or a .forward made of it, but for the command, where it is the user's word. */
static void deliver_each(struct maillog *log, const struct maillog_entry *entry, struct mail *mail, struct scan list)
{
	struct span address;
	bool as_written;

	do {
		if (next_recipient(&list, &address, &as_written))
			mail_delivered(log, entry, as_written || (mail && mail->from_command) ? mail : NULL, address);
	} while (scan_literal(&list, ","));
}

static void outcome_each(struct maillog *log, const struct maillog_entry *entry, struct span id, struct scan list,
			 const struct delivery *delivery)
{
	struct maillog_outcome outcome = { .mta = MAILLOG_SENDMAIL,
					   .instance = entry->tag,
					   .queue_id = id,
					   .relay = delivery->relay,
					   .relay_ip = delivery->ip,
					   .dsn = delivery->dsn };
	const struct mail *mail = mail_find(log, entry, id);
	bool as_written;

	outcome.reply = delivery->reply.len > 0 ? delivery->reply : rest_of(&delivery->text);
	if (!status_of(delivery, &outcome)) {
		log->counts.doubtful++;
		return;
	}
	if (delivery->sent)
		outcome.speaker = delivery->remote && ip_is_loopback(delivery->ip) ? MAILLOG_PASSED
				  : delivery->local || delivery->relay.len == 0	   ? MAILLOG_HERE
										   : MAILLOG_REMOTE;
	else
		speaker_of(delivery, &outcome);
	do {
		struct maillog_outcome each = outcome;

		if (next_recipient(&list, &each.rcpt_to, &as_written))
			mail_outcome(log, entry, mail, &each);
	} while (scan_literal(&list, ","));
}

static void to_line(struct maillog *log, struct maillog_entry *entry, struct span id)
{
	struct scan *scan = &entry->text;
	struct scan list = *scan;
	struct delivery delivery = { .sent = false };
	struct span address;

	/* the list ends at a comma with a blank behind */
	do {
		if (!scan_bracketed(scan, &address) && !scan_address(scan, &address)) {
			log->counts.doubtful++;
			return;
		}
	} while (scan->end - scan->at > 1 && scan->at[1] != ' ' && scan_literal(scan, ","));
	list.end = scan->at;
	if (!skip_controlling(scan) || !scan_fields(scan, &delivery)) {
		log->counts.doubtful++;
		return;
	}
	delivery.local = mailer_is_local(delivery.mailer);
	struct mail *mail = mail_find(log, entry, id);
	if (!delivery.sent)
		log->counts.failed++;
	else if (!delivery.remote)
		log->counts.local++;
	else if (ip_is_loopback(delivery.ip))
		pass_on(log, entry, delivery.text, mail);
	else
		deliver_each(log, entry, mail, list);
	if (log->outcome_fn)
		outcome_each(log, entry, id, list, &delivery);
}

void sendmail_entry(struct maillog *log, struct maillog_entry *entry)
{
	struct scan *scan = &entry->text;
	struct span id;

	if (scan_literal(scan, "AUTH=server, relay="))
		auth_line(log, entry);
	else if (!scan_id(scan, "", ": ", &id) || id.len < 12)
		log->counts.foreign++; /* no sendmail, or nothing about a message */
	else if (scan_literal(scan, "from="))
		from_line(log, entry, id);
	else if (scan_literal(scan, "to="))
		to_line(log, entry, id);
	else if (scan_literal(scan, "done; "))
		mail_forget(log, entry, id);
}
