/*
 * An outcome as a line (event.h). Every byte of others is escaped, so that one outcome is one line and splits at
 * blanks.
 */
#include <stdio.h>

#include "event.h"

#define WORD 330 /* bytes of any other value: an address */

static void put(struct text *out, const char *key, struct span value, size_t most)
{
	if (value.len == 0)
		return;
	text_char(out, ' ');
	text_str(out, key);
	text_char(out, '=');
	text_word(out, value.at, value.len, most);
}

static void put_number(struct text *out, const char *key, uint64_t number)
{
	text_char(out, ' ');
	text_str(out, key);
	text_char(out, '=');
	text_u64(out, number);
}

void event_write(const struct maillog_outcome *outcome, const struct evidence *evidence, const char *account,
		 struct text *out)
{
	char id[MAILLOG_ID];

	maillog_outcome_id(outcome, id);
	text_str(out, "id=");
	text_str(out, id);
	put_number(out, "at_ms", outcome->at_ms > 0 ? (uint64_t)outcome->at_ms : 0);
	put(out, "status", span_of(maillog_status_name(outcome->status)), WORD);
	put(out, "speaker", span_of(maillog_speaker_name(outcome->speaker)), WORD);
	put(out, "class", span_of(evidence_class_name(evidence->class)), WORD);
	if (evidence->about != ABOUT_NOTHING)
		put(out, "concerns", span_of(evidence_about_name(evidence->about)), WORD);
	put(out, "by_rule", span_of(evidence->rule), WORD);
	if (outcome->phase != MAILLOG_PHASE_UNKNOWN)
		put(out, "phase", span_of(maillog_phase_name(outcome->phase)), WORD);
	if (outcome->again)
		put_number(out, "again", 1);
	put(out, "account", span_of(account), WORD);
	if (outcome->sender == MAILLOG_UID)
		put_number(out, "uid", outcome->uid);
	else
		put(out, outcome->sender == MAILLOG_USER ? "user" : "auth_user", span_of(outcome->name), WORD);
	if (outcome->mail_from_known)
		put(out, "mail_from", outcome->mail_from.len > 0 ? outcome->mail_from : span_of("<>"), WORD);
	put(out, "rcpt_to", outcome->rcpt_to, WORD);
	put(out, "orig_to", outcome->orig_to, WORD);
	put(out, "relay", outcome->relay, WORD);
	put(out, "relay_ip", outcome->relay_ip, WORD);
	put(out, "egress_ip", outcome->egress_ip, WORD);
	if (outcome->code > 0)
		put_number(out, "code", outcome->code);
	put(out, "dsn", outcome->dsn, WORD);
	put(out, "mta", span_of(maillog_mta_name(outcome->mta)), WORD);
	put(out, "host", outcome->host, WORD);
	put(out, "instance", outcome->instance, WORD);
	put(out, "queue_id", outcome->queue_id, WORD);
	put(out, "message_id", outcome->message_id, WORD);
	put(out, "reply", outcome->reply, EVENT_REPLY);
}

struct span event_value(struct span line, const char *key)
{
	const size_t len = strlen(key);

	while (line.len > 0) {
		const char *blank = memchr(line.at, ' ', line.len);
		const size_t word = blank ? (size_t)(blank - line.at) : line.len;

		if (word > len && memcmp(line.at, key, len) == 0 && line.at[len] == '=')
			return (struct span){ line.at + len + 1, word - len - 1 };
		line.at += word + (blank ? 1 : 0);
		line.len -= word + (blank ? 1 : 0);
	}
	return (struct span){ "", 0 };
}
