/*
 * Reports for people, as Exim, qmail and many more write them: which mail is one, and whom it names.
 */
#include <string.h>
#include <strings.h>

#include "bounce/inner.h"

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
	       (line_begins(span_of(field_first(&view->head, "Auto-Submitted")), "auto-replied") &&
		!is_titled_report(view));
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

static void take_original(struct bounce *bounce, struct span prose, size_t length)
{
	struct span rest = { prose.at + length, prose.len - length }, line;

	while (!bounce->view.has_original && line_take(&rest, &line)) {
		if (!line_is_header(line) && !line_begins(line, "From: ") && !line_begins(line, "To: ") &&
		    !line_begins(line, "Subject: "))
			continue;
		fields_read(&bounce->arena, line.at, (size_t)(prose.at + prose.len - line.at), &bounce->view.original);
		bounce->view.has_original = true;
	}
}

/* ---- the whole --------------------------------------------------------------------------------- */

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

	while (section_next(bounce, &rest, &section))
		found |= add_judged(bounce, section.address, section.text, prose);
	return found;
}

/* The first address that is not ours, wherever it stands; else whom our message was to. */
static void add_any(struct bounce *bounce, struct span prose)
{
	struct span rest = prose, address;

	while (address_find(rest, &address)) {
		const char *end = address.at + address.len;
		if (!address_is_ours(bounce, address)) {
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
