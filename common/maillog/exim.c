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
 * " H=NAME [ADDRESS]", " H=(HELO) [ADDRESS]" or " H=NAME (HELO) [ADDRESS]", perhaps with ":PORT". HELO is the client's
 * word, and with helo_accept_junk_hosts any: what has more in it than a name or an address literal is not read on.
 */
static bool scan_host(struct scan *scan, struct span *ip)
{
	struct span name, helo, port;
	bool named;

	if (!scan_literal(scan, " H="))
		return false;
	named = scan_word(scan, "-._", &name);
	if (named && !scan_literal(scan, " "))
		return false;
	if (scan_literal(scan, "("))
		if (!scan_word(scan, "-._:[]", &helo) || !scan_literal(scan, ") "))
			return false;
	return scan_ip(scan, ip) && (!scan_literal(scan, ":") || scan_word(scan, "", &port));
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

/*
 * <= SENDER [R=ID] [H=HOST [I=...]] [U=IDENT] P=PROTOCOL [X=...] [CV=...] [DN="..."] [SNI="..."] [A=METHOD:LOGIN]
 * S=SIZE U is the caller where there is no H; else it is what the client's own ident server says.
 */
static void arrival(struct maillog *log, struct maillog_entry *entry, struct span id)
{
	struct scan *scan = &entry->text;
	const struct span whole = { scan->at, (size_t)(scan->end - scan->at) };
	struct span sender, ip, ident, value, login, method, protocol;

	mail_forget(log, entry, id);
	const bool is_null = scan_literal(scan, "<>");
	if (!is_null && !scan_address(scan, &sender))
		return;
	scan_field(scan, " R=", &value);
	scan_literal(scan, " DS");
	const bool has_host = scan->end - scan->at > 3 && memcmp(scan->at, " H=", 3) == 0;
	if (has_host && !scan_host(scan, &ip))
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
	if (mail && by_login)
		mail_claim(log, mail, MAILLOG_LOGIN, login, 0);
	else if (mail)
		mail_claim(log, mail, MAILLOG_USER, ident, 0);
}

/* " F=<A>", " P=<A>", " SRS=<A>" */
static bool scan_path(struct scan *scan)
{
	static const char *const keys[] = { " F=", " P=", " SRS=" };
	struct span path;

	for (size_t i = 0; i < sizeof(keys) / sizeof(*keys); i++) {
		struct scan ahead = *scan;
		if (scan_literal(&ahead, keys[i]) && scan_bracketed(&ahead, &path)) {
			*scan = ahead;
			return true;
		}
	}
	return false;
}

/*
 * => ADDRESS [(PARENT)] [<ORIGINAL>] [F=<A>] [P=<A>] R=ROUTER T=TRANSPORT [S=SIZE] H=HOST [ADDRESS] ...
 * The original is what the sender wrote. Without a host it stayed here.
 */
static void delivery(struct maillog *log, struct maillog_entry *entry, struct span id)
{
	struct scan *scan = &entry->text;
	struct span to, parent, original, value, ip;
	bool clear = scan_address(scan, &to);

	if (clear && scan_literal(scan, " ("))
		clear = scan_address(scan, &parent) && scan_literal(scan, ")");
	if (clear && scan_literal(scan, " <")) {
		clear = scan_address(scan, &original) && scan_literal(scan, ">");
		to = original;
	}
	while (clear && (scan_path(scan) || scan_field(scan, " Q=", &value)))
		;
	clear = clear && scan_field(scan, " R=", &value) && scan_field(scan, " T=", &value);
	scan_field(scan, " S=", &value);
	scan_literal(scan, " DS");
	struct mail *mail = mail_find(log, entry, id);
	if (!clear)
		log->counts.doubtful++;
	else if (!scan_host(scan, &ip))
		log->counts.local++;
	else if (!ip_is_loopback(ip))
		mail_delivered(log, entry, mail, to);
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
	else if (scan_literal(scan, "=> ") || scan_literal(scan, "-> "))
		delivery(log, entry, id);
	else if (scan_literal(scan, "** ") || scan_literal(scan, "== "))
		log->counts.failed++;
	else if (scan_literal(scan, "Completed"))
		mail_forget(log, entry, id);
}
