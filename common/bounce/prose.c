/*
 * Reports for people, as Exim, qmail and many more write them: which mail is one, where our own message begins in it,
 * what it says about whom.
 */
#include <string.h>
#include <strings.h>

#include "bounce/inner.h"

/* ---- lines ------------------------------------------------------------------------------------- */

static bool next_line(struct span *rest, struct span *line)
{
	if (rest->len == 0)
		return false;
	const char *stop = memchr(rest->at, '\n', rest->len);
	const size_t taken = stop ? (size_t)(stop + 1 - rest->at) : rest->len;

	*line = (struct span){ rest->at, stop ? taken - 1 : taken };
	if (line->len > 0 && line->at[line->len - 1] == '\r')
		line->len--;
	*rest = (struct span){ rest->at + taken, rest->len - taken };
	return true;
}

static struct span trim(struct span line, const char *bytes)
{
	while (line.len > 0 && *line.at != '\0' && strchr(bytes, *line.at))
		line = (struct span){ line.at + 1, line.len - 1 };
	while (line.len > 0 && line.at[line.len - 1] != '\0' && strchr(bytes, line.at[line.len - 1]))
		line.len--;
	return line;
}

static bool begins(struct span line, const char *words)
{
	return line.len >= strlen(words) && strncasecmp(line.at, words, strlen(words)) == 0;
}

/* ---- where our message begins ------------------------------------------------------------------ */

static bool is_divider(struct span line)
{
	static const char *const words[] = {
		"is a copy of the message",
		"is a copy of your message",
		"a copy of the message is",
		"original message follows",
		"original message:",
		"unsent message",
		"header of the original message",
		"returned message",
		"message header follow",
		"message headers follow",
		"original message header",
		"start of returned",
		"text of the message",
		"text of your message",
		"your original message",
		"original mail follows",
		"message follows",
		"the first few lines",
		"top 20 lines",
		"header from the original",
		"first 5 kbytes of the message",
		"is the message header",
		"included message",
		"end of message header",
		"your message reads",
		"headers of the message",
		"the header lines",
		"undelivered message follows",
		"part of the original message",
		"begin message",
		"here is your",
		"nachricht folgt",
		"message original",
	};

	const struct span bare = trim(line, " \t>*-=");

	/* a line of its own: with dashes, or an end that points at what follows; not a sentence that mentions it */
	if (line.len > 120 || bare.len == 0 ||
	    !(strchr("-*=", *line.at) || strchr(":-*=", line.at[line.len - 1]) || has_words(line, "follow")))
		return false;
	for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++)
		if (has_words(bare, words[i]))
			return true;
	return false;
}

static bool is_header(struct span line)
{
	return begins(line, "Received: ") || begins(line, "Return-Path:") || begins(line, "DKIM-Signature:") ||
	       begins(line, "Message-ID:") || begins(line, "MIME-Version:");
}

/* A ruled line, as scanners put it above what they have to say of themselves. */
static bool is_rule(struct span line)
{
	return line.len >= 20 && trim(line, "_*").len == 0;
}

/* What the reporter wrote, without what follows of ours; its length. */
static size_t prose_length(struct span prose)
{
	struct span rest = prose, line;

	while (next_line(&rest, &line)) {
		if (is_header(line) || (line.at > prose.at + 40 && (is_divider(trim(line, " \t>")) || is_rule(line))))
			return (size_t)(line.at - prose.at);
	}
	return prose.len;
}

static void take_original(struct bounce *bounce, struct span prose, size_t length)
{
	struct span rest = { prose.at + length, prose.len - length }, line;

	while (!bounce->view.has_original && next_line(&rest, &line)) {
		if (!is_header(line) && !begins(line, "From: ") && !begins(line, "To: ") && !begins(line, "Subject: "))
			continue;
		fields_read(&bounce->arena, line.at, (size_t)(prose.at + prose.len - line.at), &bounce->view.original);
		bounce->view.has_original = true;
	}
}

/* ---- which mail is a report -------------------------------------------------------------------- */

static bool has_one(const char *value, const char *const *words)
{
	for (; *words; words++)
		if (has_words(span_of(value), *words))
			return true;
	return false;
}

static bool is_from_machine(const struct view *view)
{
	static const char *const words[] = { "mailer-daemon",
					     "postmaster",
					     "mail delivery",
					     "mdaemon",
					     "delivery sub",
					     "mail system",
					     "maildelivery",
					     "mail deliver",
					     "ndr admin",
					     "mailerdaemon",
					     "mailer daemon",
					     "daemon@",
					     "post_master",
					     "post-master",
					     "email system",
					     "delivery system",
					     NULL };

	return has_one(field_first(&view->head, "From"), words) || has_one(field_first(&view->head, "Sender"), words) ||
	       strcasecmp(view->report, "delivery-status") == 0;
}

static bool is_titled_report(const struct view *view)
{
	static const char *const words[] = { "undeliver",	 "returned mail",   "return mail",
					     "mail return",	 "delivery status", "delivery fail",
					     "delivery not",	 "failure",	    "failed",
					     "not delivered",	 "could not be",    "cannot be",
					     "nondeliver",	 "non-deliver",	    "non deliver",
					     "unzustellbar",	 "unknown",	    "delayed",
					     "delivery",	 "mail error",	    "rejected",
					     "bounce",		 "unbekannt",	    "devuelto",
					     "no entregad",	 "retour",	    "non remis",
					     "mail system",	 "not deliverable", "warning: message",
					     "mailbox full",	 "not member",	    "loop alert",
					     "over quota",	 "returning",	    "nicht zugest",
					     "mancata consegna", "onbestelbaar",    NULL };

	return has_one(field_first(&view->head, "Subject"), words);
}

static bool is_auto_reply(const struct view *view)
{
	static const char *const titles[] = {
		"out of office", "out of the office", "automatic reply", "auto-reply", "auto reply",
		"autoreply",	 "auto response",     "autoresponse",	 "vacation",   "abwesenheit",
		"away from",	 "on holiday",	      "absence",	 "ausencia",   "confirm",
		"unsubscribe",	 "challenge",	      "auto:",		 NULL
	};
	static const char *const fields[] = { "X-Autoreply",	     "X-Autorespond", "X-Auto-Reply-From",
					      "X-Apple-Unsubscribe", "X-Vacation",    "X-AutoReply-From" };

	for (size_t i = 0; i < sizeof(fields) / sizeof(*fields); i++)
		if (field_first(&view->head, fields[i])[0] != '\0')
			return true;
	return has_one(field_first(&view->head, "Subject"), titles) ||
	       (begins(span_of(field_first(&view->head, "Auto-Submitted")), "auto-replied") && !is_titled_report(view));
}

static bool is_delay(const struct bounce *bounce, struct span prose)
{
	static const char *const titles[] = {
		"delay", "warning: message", "warning: could not send", "still being retried", "not yet", NULL
	};

	return has_one(field_first(&bounce->view.head, "Subject"), titles) ||
	       has_words(prose, "has not yet been delivered") || has_words(prose, "delivery attempts will continue") ||
	       has_words(prose, "will be retried") || has_words(prose, "has been delayed") ||
	       has_words(prose, "no action is required");
}

/* ---- sections ---------------------------------------------------------------------------------- */

/*
 * A line that names a recipient, with what is said of him behind it or below: "<a@b>:", "  a@b", "a@b [User unknown]",
 * "Recipient: a@b". Addresses of ours and of postmasters are in most reports too, but inside sentences.
 */
static bool names_recipient(struct span line, struct span *address)
{
	static const char *const labels[] = { "recipient",
					      "failed recipient",
					      "rcpt",
					      "to",
					      "original recipient",
					      "recipient address",
					      "error-for",
					      "unknown user",
					      "user",
					      "final-recipient",
					      "rcpt to",
					      "your message to",
					      "message to",
					      "failed address",
					      "email address",
					      "sorry, your message to",
					      "sorry your message to",
					      "invalid recipient",
					      "intended recipient",
					      "destinatario",
					      "empfaenger" };
	struct span bare = trim(trim(line, " \t<>*-|\"'("), "0123456789. #");

	bare = trim(bare, "<");
	for (size_t i = 0; i < sizeof(labels) / sizeof(*labels); i++) {
		const size_t len = strlen(labels[i]);
		if (begins(bare, labels[i]) && bare.len > len && strchr(": \t<", bare.at[len])) {
			bare = trim((struct span){ bare.at + len, bare.len - len }, " \t:<");
			if (begins(bare, "rfc822;"))
				bare = trim((struct span){ bare.at + 7, bare.len - 7 }, " \t<");
			break;
		}
	}
	if (!address_find(bare, address))
		return false;
	const size_t before = (size_t)(address->at - bare.at);
	for (size_t i = 0; i < before; i++)
		if (!strchr("<\"'( \t", bare.at[i]))
			return false;
	return true;
}

static bool is_ours(const struct bounce *bounce, struct span address)
{
	static const char *const fields[] = { "To", "From", "Sender", "Reply-To", "Envelope-To", "Delivered-To" };
	char bytes[322];
	struct text text;

	text_init(&text, bytes, sizeof(bytes));
	text_mem(&text, address.at, address.len);
	for (size_t i = 0; i < sizeof(fields) / sizeof(*fields); i++)
		if (has_words(span_of(field_first(&bounce->view.head, fields[i])), text.at))
			return true;
	return begins(address, "postmaster@") || begins(address, "mailer-daemon@") || begins(address, "abuse@");
}

struct section {
	struct span address, text;
};

/* The next recipient and what is said of him. */
static bool next_section(const struct bounce *bounce, struct span *rest, struct section *out)
{
	struct span line, address;
	const char *talk = NULL;
	bool open = false;

	for (;;) {
		const struct span before = *rest;
		if (!next_line(rest, &line))
			return open;
		/* sendmail tells the talk first, and names the recipient behind it */
		if (!open && begins(line, ">>>"))
			talk = line.at;
		if (names_recipient(line, &address) && !is_ours(bounce, address)) {
			if (open && (address.len != out->address.len ||
				     strncasecmp(address.at, out->address.at, address.len) != 0)) {
				*rest = before;
				return true;
			}
			if (!open)
				*out = (struct section){ address, line };
			if (!open && line.len > 0 && *line.at >= '4' && *line.at <= '5') {
				out->text = (struct span){ talk ? talk : line.at, 0 };
				out->text.len = (size_t)(line.at + line.len - out->text.at);
				return true;
			}
			open = true;
		}
		if (open)
			out->text.len = (size_t)(line.at + line.len - out->text.at);
	}
}

struct span prose_about(const struct bounce *bounce, struct span address, bool *alone)
{
	const struct span prose = { bounce->view.prose.at, prose_length(bounce->view.prose) };
	struct span rest = prose;
	struct section section;

	*alone = true;
	while (next_section(bounce, &rest, &section))
		if (section.address.len == address.len && strncasecmp(section.address.at, address.at, address.len) == 0)
			return section.text;
	*alone = false;
	return prose;
}

/* ---- the whole --------------------------------------------------------------------------------- */

static struct span paragraph(struct span text)
{
	struct span rest = text, line;
	size_t len = 0;

	while (next_line(&rest, &line) && (len == 0 || trim(line, " \t").len > 0))
		len = (size_t)(line.at + line.len - text.at);
	return (struct span){ text.at, len };
}

void prose_judge(const struct bounce *bounce, struct span text, const struct enhanced_code *status,
		 struct evidence *out, struct enhanced_code *said)
{
	bounce_judge(bounce, paragraph(text), status, out, said);
	if (!out->by_words)
		bounce_judge(bounce, text, status, out, said);
}

static bool is_round(const struct enhanced_code *code)
{
	return code->subject == 0 && code->detail == 0;
}

static bool add_judged(struct bounce *bounce, struct span address, struct span text, struct span prose)
{
	const struct span title = span_of(field_first(&bounce->view.head, "Subject"));
	/* who gives mail back without a code has given it up */
	const struct enhanced_code verdict = { is_delay(bounce, prose) ? 4 : 5, 0, 0 };
	struct enhanced_code said, ignored;
	struct evidence evidence, other;

	prose_judge(bounce, text, &verdict, &evidence, &said);
	if (!evidence.by_words && text.at != prose.at) {
		bounce_judge(bounce, prose, &said, &other, &ignored);
		if (other.by_words)
			evidence = other;
	}
	if (!evidence.by_words) {
		bounce_judge(bounce, title, &said, &other, &ignored);
		if (other.by_words)
			evidence = other;
	}
	bounce_add(bounce, address, is_round(&said) ? NULL : &said, &evidence);
	return true;
}

/* "X-Failed-Recipients: a@b, c@d" of Exim and Gmail. */
static bool add_failed_recipients(struct bounce *bounce, struct span prose)
{
	struct span rest = span_of(field_first(&bounce->view.head, "X-Failed-Recipients")), address;
	bool found = false, alone;

	while (address_find(rest, &address)) {
		const char *end = address.at + address.len;
		found |= add_judged(bounce, address, prose_about(bounce, address, &alone), prose);
		rest = (struct span){ end, (size_t)(rest.at + rest.len - end) };
	}
	return found;
}

static bool add_sections(struct bounce *bounce, struct span prose)
{
	struct span rest = prose;
	struct section section;
	bool found = false;

	while (next_section(bounce, &rest, &section))
		found |= add_judged(bounce, section.address, section.text, prose);
	return found;
}

/* The first address that is not ours, wherever it stands; else whom our message was to. */
static void add_any(struct bounce *bounce, struct span prose)
{
	struct span rest = prose, address;

	while (address_find(rest, &address)) {
		const char *end = address.at + address.len;
		if (!is_ours(bounce, address)) {
			add_judged(bounce, address, prose, prose);
			return;
		}
		rest = (struct span){ end, (size_t)(rest.at + rest.len - end) };
	}
	if (!address_find(span_of(field_first(&bounce->view.original, "To")), &address))
		address = (struct span){ "", 0 };
	add_judged(bounce, address, prose, prose);
}

void prose_read(struct bounce *bounce)
{
	const struct view *view = &bounce->view;
	const struct span whole = view->prose;
	const struct span prose = { whole.at, prose_length(whole) };

	take_original(bounce, whole, prose.len);
	if (has_words(prose, "Final-Recipient:"))
		dsn_read(bounce, prose);
	if (bounce->count > 0)
		return;
	if (is_auto_reply(view) && !is_from_machine(view))
		return;
	if (!is_from_machine(view) && !is_titled_report(view))
		return;
	if (!add_failed_recipients(bounce, prose) && !add_sections(bounce, prose))
		add_any(bounce, prose);
	/* a report within a report, as some providers wrap it */
	if (bounce->count > 0 && !bounce->at[0].evidence.by_words && has_words(whole, "Final-Recipient:")) {
		bounce->count = 0;
		dsn_read(bounce, whole);
		if (bounce->count == 0)
			add_any(bounce, prose);
	}
}
