/*
 * Who speaks, when, and the bare reply (answer.h). Words are compared where they stand by grammar; what another server
 * said is never searched, but for Postfix' own last words behind it.
 */
#include "maillog/answer.h"

struct phrase {
	const char *words;
	enum maillog_phase phase;
};

static bool phrase_of(struct span text, const struct phrase *phrases, size_t count, enum maillog_phase *phase)
{
	for (size_t i = 0; i < count; i++)
		if (span_begins(text, phrases[i].words)) {
			*phase = phrases[i].phase;
			return true;
		}
	return false;
}

#define COUNT(rows) (sizeof(rows) / sizeof(*(rows)))

unsigned reply_code(struct span reply)
{
	if (reply.len < 3 || reply.at[0] < '2' || reply.at[0] > '5' || reply.at[1] < '0' || reply.at[1] > '9' ||
	    reply.at[2] < '0' || reply.at[2] > '9' || (reply.len > 3 && reply.at[3] != ' ' && reply.at[3] != '-'))
		return 0;
	return (unsigned)((reply.at[0] - '0') * 100 + (reply.at[1] - '0') * 10 + (reply.at[2] - '0'));
}

bool scan_peer(struct scan *scan, struct span *name, struct span *ip)
{
	struct span port;

	return scan_word(scan, "-._:", name) && scan_ip(scan, ip) &&
	       (!scan_literal(scan, ":") || scan_word(scan, "", &port));
}

/* ---- Postfix ----------------------------------------------------------------------------------- */

/* What Postfix was about to do when a connection broke or was silent, and what was answered. */
static const struct phrase postfix_phrases[] = {
	{ "receiving the initial server greeting", MAILLOG_PHASE_CONNECT },
	{ "performing the EHLO handshake", MAILLOG_PHASE_HELO },
	{ "performing the HELO handshake", MAILLOG_PHASE_HELO },
	{ "performing the LHLO handshake", MAILLOG_PHASE_HELO },
	{ "EHLO command", MAILLOG_PHASE_HELO },
	{ "HELO command", MAILLOG_PHASE_HELO },
	{ "LHLO command", MAILLOG_PHASE_HELO },
	{ "STARTTLS command", MAILLOG_PHASE_TLS },
	{ "AUTH ", MAILLOG_PHASE_AUTH },
	{ "sending MAIL FROM", MAILLOG_PHASE_MAIL },
	{ "MAIL FROM command", MAILLOG_PHASE_MAIL },
	{ "sending RCPT TO", MAILLOG_PHASE_RCPT },
	{ "RCPT TO command", MAILLOG_PHASE_RCPT },
	{ "receiving the initial response", MAILLOG_PHASE_CONNECT },
	{ "sending DATA command", MAILLOG_PHASE_DATA },
	{ "DATA command", MAILLOG_PHASE_DATA },
	{ "sending message body", MAILLOG_PHASE_END },
	{ "sending end of data", MAILLOG_PHASE_END },
	{ "end of DATA command", MAILLOG_PHASE_END },
};

/* How it begins when no other server answered. */
static const char *const postfix_unreached[] = {
	"connect to ",
	"lost connection with ",
	"conversation with ",
	"Host or domain name not found.",
	"Host not found",
	"Cannot start TLS: ",
	"TLS is required, but ",
	"Server certificate not ",
	"unable to look up host ",
	"unable to look up MX ",
	"no MX host for ",
	"Domain ",
	"numeric domain name in ",
	"Network is unreachable",
	"bad DNS name in ",
};

/* "... (in reply to RCPT TO command)": Postfix' own words are the last ones, the server's own could say the same. */
static void reply_end(struct span *reply, enum maillog_phase *phase)
{
	static const char words[] = " (in reply to ";
	const size_t len = strlen(words);

	if (reply->len < len || reply->at[reply->len - 1] != ')')
		return;
	for (size_t at = reply->len - len; at > 0; at--)
		if (memcmp(reply->at + at, words, len) == 0) {
			(void)phrase_of((struct span){ reply->at + at + len, reply->len - at - len - 1 },
					postfix_phrases, COUNT(postfix_phrases), phase);
			reply->len = at;
			return;
		}
}

/* "host NAME[ADDRESS] said: ..." */
static bool postfix_said(struct span text, struct maillog_outcome *outcome)
{
	struct scan scan = { text.at, text.at + text.len };
	struct span name, ip;

	if (!scan_literal(&scan, "host ") || !scan_peer(&scan, &name, &ip))
		return false;
	if (scan_literal(&scan, " refused to talk to me: "))
		outcome->phase = MAILLOG_PHASE_CONNECT;
	else if (!scan_literal(&scan, " said: "))
		return false;
	outcome->speaker = MAILLOG_REMOTE;
	outcome->relay = name;
	outcome->relay_ip = ip;
	outcome->reply = (struct span){ scan.at, (size_t)(scan.end - scan.at) };
	if (outcome->phase == MAILLOG_PHASE_UNKNOWN)
		reply_end(&outcome->reply, &outcome->phase);
	return true;
}

/* "lost connection with NAME[ADDRESS] while sending RCPT TO", "conversation with NAME[ADDRESS] timed out while ..." */
static void broken_off(struct span text, struct maillog_outcome *outcome)
{
	struct scan scan = { text.at, text.at + text.len };
	struct span name, ip;

	if ((!scan_literal(&scan, "lost connection with ") && !scan_literal(&scan, "conversation with ")) ||
	    !scan_peer(&scan, &name, &ip))
		return;
	scan_literal(&scan, " timed out");
	if (!scan_literal(&scan, " while "))
		return;
	(void)phrase_of((struct span){ scan.at, (size_t)(scan.end - scan.at) }, postfix_phrases, COUNT(postfix_phrases),
			&outcome->phase);
	outcome->relay = name;
	outcome->relay_ip = ip;
}

void answer_of_postfix(struct span text, struct maillog_outcome *outcome)
{
	outcome->reply = text;
	if (postfix_said(text, outcome))
		return;
	outcome->speaker = MAILLOG_OWN;
	if (span_begins(text, "delivery temporarily suspended"))
		outcome->speaker = MAILLOG_WAITING;
	for (size_t i = 0; i < COUNT(postfix_unreached); i++)
		if (span_begins(text, postfix_unreached[i])) {
			outcome->speaker = MAILLOG_UNREACHED;
			broken_off(text, outcome);
			return;
		}
}

/* ---- Exim -------------------------------------------------------------------------------------- */

static const struct phrase exim_phrases[] = {
	{ "initial connection", MAILLOG_PHASE_CONNECT },
	{ "EHLO ", MAILLOG_PHASE_HELO },
	{ "HELO ", MAILLOG_PHASE_HELO },
	{ "LHLO ", MAILLOG_PHASE_HELO },
	{ "STARTTLS", MAILLOG_PHASE_TLS },
	{ "AUTH ", MAILLOG_PHASE_AUTH },
	{ "MAIL FROM:", MAILLOG_PHASE_MAIL },
	{ "RCPT TO:", MAILLOG_PHASE_RCPT },
	{ "DATA", MAILLOG_PHASE_DATA },
	{ "end of data", MAILLOG_PHASE_END },
	{ "sending data block", MAILLOG_PHASE_END },
};

static const char *const exim_unreached[] = {
	"Connection ",
	"Remote host closed connection",
	"SMTP timeout ",
	"SSL ",
	"TLS ",
	"a TLS session is required",
	"host lookup ",
	"lookup of host ",
	"all host address lookups ",
	"an MX or SRV record indicated",
	"all relevant MX ",
	"Network is unreachable",
	"No route to host",
	"remote host ",
	"unable to connect ",
	"host not found",
	"could not connect ",
	"connect: ",
	"DNS ",
};

static const char *const exim_expired[] = {
	"retry timeout exceeded",
	"all hosts for ",
	"all hosts have been failing",
	"retry time not reached for any host after a long failure period",
};

/* "host NAME [ADDRESS]: ", as versions before 4.82 have it instead of H=. */
static void exim_host(struct scan *scan, struct maillog_outcome *outcome)
{
	struct scan ahead = *scan;
	struct span name, ip;

	if (scan_literal(&ahead, "host ") && scan_word(&ahead, "-._:", &name) && scan_literal(&ahead, " ") &&
	    scan_ip(&ahead, &ip) && scan_literal(&ahead, ": ")) {
		outcome->relay = name;
		outcome->relay_ip = ip;
		*scan = ahead;
	}
}

/*
 * "[pipelined ]MAIL FROM:<A>[ SIZE=...]: ", "end of data: ". The address is the sender's to choose, the parameters his
 * client's: they have neither blanks nor colons.
 */
static bool exim_command(struct scan *scan, struct maillog_outcome *outcome)
{
	struct span address, word;

	scan_literal(scan, "pipelined ");
	if (!phrase_of((struct span){ scan->at, (size_t)(scan->end - scan->at) }, exim_phrases, COUNT(exim_phrases),
		       &outcome->phase))
		return false;
	if (outcome->phase != MAILLOG_PHASE_MAIL && outcome->phase != MAILLOG_PHASE_RCPT) {
		const char *colon = memmem(scan->at, (size_t)(scan->end - scan->at), ": ", 2);
		if (!colon)
			return false;
		scan->at = colon + 2;
		return true;
	}
	scan_literal(scan, outcome->phase == MAILLOG_PHASE_MAIL ? "MAIL FROM:" : "RCPT TO:");
	if (!scan_bracketed(scan, &address))
		return false;
	while (scan_literal(scan, " "))
		if (!scan_word(scan, "-._=+/@%&*!;", &word))
			return false;
	return scan_literal(scan, ": ");
}

bool answer_of_exim(struct span text, struct maillog_outcome *outcome)
{
	struct scan scan = { text.at, text.at + text.len };

	outcome->reply = text;
	if (scan_literal(&scan, "SMTP error from remote mail server after ") ||
	    scan_literal(&scan, "SMTP error from remote mailer after ")) {
		if (!exim_command(&scan, outcome))
			return false;
		exim_host(&scan, outcome);
		outcome->speaker = MAILLOG_REMOTE;
		outcome->reply = (struct span){ scan.at, (size_t)(scan.end - scan.at) };
		return true;
	}
	outcome->speaker = outcome->status == MAILLOG_DEFERRED ? MAILLOG_WAITING : MAILLOG_OWN;
	for (size_t i = 0; i < COUNT(exim_expired); i++)
		if (outcome->status == MAILLOG_BOUNCED && span_begins(text, exim_expired[i]))
			outcome->status = MAILLOG_EXPIRED;
	for (size_t i = 0; i < COUNT(exim_unreached); i++)
		if (span_begins(text, exim_unreached[i]))
			outcome->speaker = MAILLOG_UNREACHED;
	return true;
}
