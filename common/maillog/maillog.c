/*
 * Log lines taken apart: their heads, and which MTA reads the rest (maillog.h).
 */
#include <stdlib.h>
#include <string.h>

#include "maillog/inner.h"

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
