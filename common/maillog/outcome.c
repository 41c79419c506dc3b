/*
 * One attempt to deliver, from what the reader of an MTA made of a line to the one who asked (maillog.h).
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "address/address.h"
#include "hash.h"
#include "maillog/inner.h"

#define PATH_KEPT 320	    /* bytes of MAIL FROM that are remembered; a longer one is none */
#define MESSAGE_ID_KEPT 256 /* RFC 5322 2.1.1 would allow 998, and nobody needs them */

/* ---- names ------------------------------------------------------------------------------------- */

const char *maillog_status_name(enum maillog_status status)
{
	static const char *const names[MAILLOG_STATUSES] = { "sent", "deferred", "bounced", "expired" };

	return names[status];
}

const char *maillog_speaker_name(enum maillog_speaker speaker)
{
	static const char *const names[MAILLOG_SPEAKERS] = { "remote", "unreached", "waiting", "own",
							     "here",   "passed",    "null",    "probe" };

	return names[speaker];
}

const char *maillog_phase_name(enum maillog_phase phase)
{
	static const char *const names[MAILLOG_PHASES] = { "unknown", "connect", "helo", "tls", "auth",
							   "mail",    "rcpt",	 "data", "end" };

	return names[phase];
}

const char *maillog_mta_name(enum maillog_mta mta)
{
	static const char *const names[MAILLOG_MTAS] = { "postfix", "sendmail", "exim" };

	return names[mta];
}

/* ---- the id ------------------------------------------------------------------------------------ */

void maillog_outcome_id(const struct maillog_outcome *outcome, char id[MAILLOG_ID])
{
	/* two halves of one id, the same on every machine: nothing is secret here */
	static const uint64_t keys[2][2] = { { 0x6c65756d756e642d, 0x6f7574636f6d6531 },
					     { 0x6c65756d756e642d, 0x6f7574636f6d6532 } };
	const struct span parts[] = { outcome->host, outcome->queue_id, outcome->rcpt_to };
	char TEXT_BUFFER buffer[2 * MAILLOG_LINE + 256];
	struct text text;

	text_init(&text, buffer, sizeof(buffer));
	text_str(&text, maillog_mta_name(outcome->mta));
	for (size_t i = 0; i < sizeof(parts) / sizeof(*parts); i++) {
		text_char(&text, '\0');
		text_mem(&text, parts[i].at, parts[i].len);
	}
	text_char(&text, '\0');
	text_str(&text, maillog_status_name(outcome->status));
	text_char(&text, '\0');
	/* Exim tries, and then waits, within one second */
	text_str(&text, maillog_speaker_name(outcome->speaker));
	text_char(&text, '\0');
	text_u64(&text, (uint64_t)(outcome->at_ms / 1000));
	snprintf(id, MAILLOG_ID, "%016llx%016llx", (unsigned long long)hash_keyed(keys[0], text.at, text.len),
		 (unsigned long long)hash_keyed(keys[1], text.at, text.len));
}

/* ---- what is known of a message ---------------------------------------------------------------- */

struct mail *mail_note(struct maillog *log, const struct maillog_entry *entry, struct span id)
{
	if (!log->outcome_fn)
		return NULL;
	struct mail *mail = mail_find(log, entry, id);
	return mail ? mail : mail_begin(log, entry, id);
}

static void keep(char **kept, struct span value, size_t most)
{
	if (*kept || value.len > most)
		return;
	for (size_t i = 0; i < value.len; i++)
		if ((unsigned char)value.at[i] < ' ' || value.at[i] == 0x7f)
			return;
	*kept = strndup(value.at, value.len);
}

void mail_note_from(struct mail *mail, struct span path)
{
	if (mail)
		keep(&mail->mail_from, path, PATH_KEPT);
}

void mail_note_message_id(struct mail *mail, struct span value)
{
	if (value.len >= 2 && value.at[0] == '<' && value.at[value.len - 1] == '>')
		value = (struct span){ value.at + 1, value.len - 2 };
	if (mail && value.len > 0)
		keep(&mail->message_id, value, MESSAGE_ID_KEPT);
}

/* ---- one attempt ------------------------------------------------------------------------------- */

/* True: this message was deferred for this recipient before. Remembers it. */
static bool deferred_before(struct maillog *log, const struct maillog_outcome *outcome)
{
	char TEXT_BUFFER buffer[2 * MAILLOG_LINE + 64];
	struct text text;

	text_init(&text, buffer, sizeof(buffer));
	text_mem(&text, outcome->host.at, outcome->host.len);
	text_char(&text, '\0');
	text_mem(&text, outcome->queue_id.at, outcome->queue_id.len);
	text_char(&text, '\0');
	text_mem(&text, outcome->rcpt_to.at, outcome->rcpt_to.len);
	const uint64_t hash = hash_bytes(text.at, text.len);
	const size_t set = hash % AGAIN_SETS;
	for (size_t i = 0; i < AGAIN_WAYS; i++)
		if (log->again->hash[set][i] == hash)
			return true;
	if (outcome->status == MAILLOG_DEFERRED)
		log->again->hash[set][log->again->turn[set]++ % AGAIN_WAYS] = hash;
	return false;
}

static void tell(struct maillog *log, const struct mail *mail, struct maillog_outcome *outcome)
{
	if (mail) {
		outcome->sender = mail->sender;
		outcome->name = mail->name;
		outcome->uid = mail->uid;
	}
	if (!outcome->name)
		outcome->name = "";
	log->counts.outcomes++;
	log->outcome_fn(log->outcome_arg, outcome);
}

static bool recipient_fits(const struct maillog_outcome *outcome)
{
	struct mail_path path;

	if (mail_path_parse(outcome->rcpt_to.at, outcome->rcpt_to.len, &path) < 0 || path.null)
		return outcome->speaker == MAILLOG_HERE && outcome->rcpt_to.len > 0; /* a file, a command */
	return path.domain[0] != '\0' || outcome->speaker != MAILLOG_REMOTE;
}

void mail_outcome(struct maillog *log, const struct maillog_entry *entry, const struct mail *mail,
		  struct maillog_outcome *outcome)
{
	if (!log->outcome_fn)
		return;
	if (!recipient_fits(outcome)) {
		log->counts.doubtful++;
		return;
	}
	outcome->at_ms = entry->at_ms;
	outcome->host = entry->host.len > 0 ? entry->host : log->here;
	outcome->code = reply_code(outcome->reply);
	if (mail && mail->mail_from && !outcome->mail_from_known) {
		outcome->mail_from_known = true;
		outcome->mail_from = span_of(mail->mail_from);
	}
	if (mail && mail->message_id)
		outcome->message_id = span_of(mail->message_id);
	if (outcome->speaker == MAILLOG_REMOTE && outcome->mail_from_known && outcome->mail_from.len == 0)
		outcome->speaker = MAILLOG_NULL;
	outcome->again = outcome->speaker == MAILLOG_REMOTE && deferred_before(log, outcome);
	if (log->muted)
		return;
	const bool may_be_claimed = mail && mail->from_here && mail->sender == MAILLOG_NOBODY;
	if (!may_be_claimed || !held_put(log->held, mail->key, log->ticks_ms, outcome))
		tell(log, mail, outcome);
}

void outcomes_release(struct maillog *log, const struct mail *mail, int64_t before_ms)
{
	struct maillog_outcome *outcome;

	while (log->held && held_count(log->held) > 0 &&
	       (outcome = held_take(log->held, mail ? &mail->key : NULL, before_ms))) {
		tell(log, mail, outcome);
		free(outcome);
	}
}

int maillog_outcomes(struct maillog *log, const char *here, maillog_outcome_fn *fn, void *arg)
{
	log->held = held_new();
	log->again = calloc(1, sizeof(*log->again));
	if (!log->held || !log->again)
		return -1;
	log->here = span_of(here);
	log->outcome_fn = fn;
	log->outcome_arg = arg;
	return 0;
}

void maillog_tick(struct maillog *log, int64_t ticks_ms)
{
	log->ticks_ms = ticks_ms;
	outcomes_release(log, NULL, ticks_ms - MAILLOG_HOLD_MS + 1);
}

size_t maillog_held(const struct maillog *log)
{
	return log->held ? held_count(log->held) : 0;
}

void maillog_mute(struct maillog *log, bool muted)
{
	log->muted = muted;
}
