/*
 * Log lines taken apart: their heads, and what is known of the messages they are about (maillog.h).
 */
#include <stdlib.h>
#include <string.h>

#include "address/address.h"
#include "hash.h"
#include "maillog/inner.h"

#define PASS_DEPTH 8 /* from command to MTA to filter to MTA: four */

/* ---- messages ---------------------------------------------------------------------------------- */

static uint64_t key_of(const struct maillog_entry *entry, struct span id)
{
	char bytes[512];
	struct text key;

	text_init(&key, bytes, sizeof(bytes));
	text_mem(&key, entry->host.at, entry->host.len);
	text_char(&key, '\0');
	text_mem(&key, id.at, id.len);
	return hash_bytes(key.at, key.len);
}

struct mail *mail_find(struct maillog *log, const struct maillog_entry *entry, struct span id)
{
	return queue_find(log->queue, key_of(entry, id));
}

struct mail *mail_begin(struct maillog *log, const struct maillog_entry *entry, struct span id)
{
	return queue_begin(log->queue, key_of(entry, id));
}

void mail_forget(struct maillog *log, const struct maillog_entry *entry, struct span id)
{
	struct mail *mail = mail_find(log, entry, id);

	if (mail)
		queue_forget(log->queue, mail);
}

static void tell(struct maillog *log, const struct mail *mail, int64_t at_ms, struct span address)
{
	struct mail_path path;

	if (!log->fn || log->muted)
		return;
	if (mail_path_parse(address.at, address.len, &path) < 0 || path.null || path.domain[0] == '\0') {
		log->counts.doubtful++;
		return;
	}
	log->counts.deliveries++;
	log->fn(log->arg, &(struct maillog_delivery){ at_ms, mail->sender, mail->name ? mail->name : "", mail->uid,
						      path.local, path.domain });
}

static void claim(struct maillog *log, struct mail *mail, enum maillog_sender sender, struct span name, uint32_t uid,
		  int depth)
{
	char *copy = strndup(name.at, name.len);

	if (!copy)
		return;
	free(mail->name);
	mail->name = copy;
	mail->sender = sender;
	mail->uid = uid;
	for (const struct waiting *waiting = mail->waiting; waiting; waiting = waiting->next)
		tell(log, mail, waiting->at_ms, (struct span){ waiting->address, waiting->len });
	mail_wait_no_more(log->queue, mail);
	outcomes_release(log, mail, INT64_MAX);
	for (unsigned i = 0; i < mail->passed_count; i++) {
		struct mail *next = queue_find(log->queue, mail->passed[i]);
		if (next && next->from_here && next->sender == MAILLOG_NOBODY && depth < PASS_DEPTH)
			claim(log, next, sender, name, uid, depth + 1);
	}
}

void mail_claim(struct maillog *log, struct mail *mail, enum maillog_sender sender, struct span name, uint32_t uid)
{
	claim(log, mail, sender, name, uid, 0);
}

void mail_pass(struct maillog *log, const struct maillog_entry *entry, struct mail *mail, struct span id)
{
	struct mail *next = mail_find(log, entry, id);

	if (!mail || !next || next == mail || !next->from_here || next->sender != MAILLOG_NOBODY)
		return;
	if (mail->sender != MAILLOG_NOBODY)
		claim(log, next, mail->sender, (struct span){ mail->name, strlen(mail->name) }, mail->uid, 0);
	else if (mail->passed_count < MAIL_PASSED)
		mail->passed[mail->passed_count++] = next->key;
}

void mail_delivered(struct maillog *log, const struct maillog_entry *entry, struct mail *mail, struct span address)
{
	if (!log->fn)
		return;
	if (mail && mail->sender != MAILLOG_NOBODY)
		tell(log, mail, entry->at_ms, address);
	else if (!mail || !mail->from_here || !mail_wait(log->queue, mail, entry->at_ms, address))
		log->counts.unclaimed++;
}

static void mail_lost(void *arg, struct mail *mail)
{
	struct maillog *log = arg;

	log->counts.unclaimed += mail->waiting_count;
	if (mail->from_here && mail->sender == MAILLOG_NOBODY)
		outcomes_release(log, mail, INT64_MAX);
}

/* ---- lines ------------------------------------------------------------------------------------- */

/* "host tag[pid]: "; where Postfix' and sendmail's -L have a "/", it is part of the tag. */
static bool scan_syslog(struct maillog_entry *entry)
{
	struct scan *scan = &entry->text;

	return scan_word(scan, "-._:", &entry->host) && scan_literal(scan, " ") &&
	       scan_word(scan, "-._/", &entry->tag) && scan_literal(scan, "[") && scan_word(scan, "", &entry->pid) &&
	       scan_literal(scan, "]: ");
}

static bool tag_begins(struct span tag, const char *with)
{
	return tag.len >= strlen(with) && memcmp(tag.at, with, strlen(with)) == 0;
}

static bool read_line(struct maillog *log, struct maillog_entry *entry)
{
	const enum stamp stamp = scan_stamp(&entry->text, log->now_ms, &log->stamps, &entry->at_ms);

	if (stamp == STAMP_EXIM) {
		exim_entry(log, entry);
		return true;
	}
	if (stamp != STAMP_SYSLOG || !scan_syslog(entry))
		return false;
	if (tag_begins(entry->tag, "exim")) {
		struct scan whole = entry->text;
		int64_t at_ms;

		/* with a time stamp of its own, or without */
		if (scan_stamp(&entry->text, log->now_ms, &log->stamps, &at_ms) != STAMP_EXIM)
			entry->text = whole;
		exim_entry(log, entry);
	} else if (memchr(entry->tag.at, '/', entry->tag.len)) {
		postfix_entry(log, entry);
	} else {
		sendmail_entry(log, entry);
	}
	return true;
}

void maillog_line(struct maillog *log, const char *line, size_t len)
{
	struct maillog_entry entry = { .host = { "", 0 }, .tag = { "", 0 }, .pid = { "", 0 } };
	struct scan priority;
	uint32_t number;

	log->counts.lines++;
	if (len > 0 && line[len - 1] == '\r')
		len--;
	if (len > MAILLOG_LINE)
		len = MAILLOG_LINE;
	entry.text = priority = (struct scan){ line, line + len };
	if (scan_literal(&priority, "<") && scan_u32(&priority, &number) && scan_literal(&priority, ">"))
		entry.text = priority;
	if (!read_line(log, &entry))
		log->counts.foreign++;
}

/* ---- the whole --------------------------------------------------------------------------------- */

struct maillog *maillog_new(size_t open, int64_t now_ms, maillog_fn *fn, void *arg)
{
	struct maillog *log = calloc(1, sizeof(*log));

	if (!log)
		return NULL;
	*log = (struct maillog){ .fn = fn, .arg = arg, .now_ms = now_ms };
	log->queue = queue_new(open, mail_lost, log);
	if (!log->queue)
		maillog_free(&log);
	return log;
}

void maillog_end(struct maillog *log)
{
	outcomes_release(log, NULL, INT64_MAX);
	queue_clear(log->queue);
}

void maillog_now(struct maillog *log, int64_t now_ms)
{
	log->now_ms = now_ms;
}

void maillog_count(const struct maillog *log, struct maillog_counts *out)
{
	*out = log->counts;
}

void maillog_free(struct maillog **log)
{
	if (*log) {
		/* nothing is told any more */
		held_free(&(*log)->held);
		queue_free(&(*log)->queue);
		free((*log)->again);
	}
	free(*log);
	*log = NULL;
}
