/*
 * Text for people, taken apart: where our own message begins in it, what it says about whom.
 */
#include <string.h>
#include <strings.h>

#include "bounce/inner.h"

/* ---- lines ------------------------------------------------------------------------------------- */

bool line_take(struct span *rest, struct span *line)
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

bool line_begins(struct span line, const char *words)
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

bool line_is_header(struct span line)
{
	return line_begins(line, "Received: ") || line_begins(line, "Return-Path:") ||
	       line_begins(line, "DKIM-Signature:") || line_begins(line, "Message-ID:") ||
	       line_begins(line, "MIME-Version:");
}

/* A ruled line, as scanners put it above what they have to say of themselves. */
static bool is_rule(struct span line)
{
	return line.len >= 20 && trim(line, "_*").len == 0;
}

/* What the reporter wrote, without what follows of ours; its length. */
size_t prose_length(struct span prose)
{
	struct span rest = prose, line;

	while (line_take(&rest, &line)) {
		if (line_is_header(line) ||
		    (line.at > prose.at + 40 && (is_divider(trim(line, " \t>")) || is_rule(line))))
			return (size_t)(line.at - prose.at);
	}
	return prose.len;
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
		if (line_begins(bare, labels[i]) && bare.len > len && strchr(": \t<", bare.at[len])) {
			bare = trim((struct span){ bare.at + len, bare.len - len }, " \t:<");
			if (line_begins(bare, "rfc822;"))
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

bool address_is_ours(const struct bounce *bounce, struct span address)
{
	static const char *const fields[] = { "To", "From", "Sender", "Reply-To", "Envelope-To", "Delivered-To" };
	char bytes[322];
	struct text text;

	text_init(&text, bytes, sizeof(bytes));
	text_mem(&text, address.at, address.len);
	for (size_t i = 0; i < sizeof(fields) / sizeof(*fields); i++)
		if (has_words(span_of(field_first(&bounce->view.head, fields[i])), text.at))
			return true;
	return line_begins(address, "postmaster@") || line_begins(address, "mailer-daemon@") ||
	       line_begins(address, "abuse@");
}

/* The next recipient and what is said of him. */
bool section_next(const struct bounce *bounce, struct span *rest, struct section *out)
{
	struct span line, address;
	const char *talk = NULL;
	bool open = false;

	for (;;) {
		const struct span before = *rest;
		if (!line_take(rest, &line))
			return open;
		/* sendmail tells the talk first, and names the recipient behind it */
		if (!open && line_begins(line, ">>>"))
			talk = line.at;
		if (names_recipient(line, &address) && !address_is_ours(bounce, address)) {
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
	while (section_next(bounce, &rest, &section))
		if (section.address.len == address.len && strncasecmp(section.address.at, address.at, address.len) == 0)
			return section.text;
	*alone = false;
	return prose;
}

static struct span paragraph(struct span text)
{
	struct span rest = text, line;
	size_t len = 0;

	while (line_take(&rest, &line) && (len == 0 || trim(line, " \t").len > 0))
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
