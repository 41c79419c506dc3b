/*
 * What the readers of the three MTAs share. Internal to common/maillog/.
 */
#ifndef LEUMUND_MAILLOG_INNER_H
#define LEUMUND_MAILLOG_INNER_H

#include "maillog/maillog.h"
#include "maillog/queue.h"
#include "maillog/scan.h"
#include "maillog/stamp.h"

/* A line, its head taken off. */
struct maillog_entry {
	int64_t at_ms;
	struct span host, tag, pid; /* of syslog; empty in Exim's own log */
	struct scan text;
};

struct maillog {
	struct queue *queue;
	struct maillog_counts counts;
	maillog_fn *fn;
	void *arg;
	int64_t now_ms;
	struct stamp_memory stamps;
};

void postfix_entry(struct maillog *log, struct maillog_entry *entry);
void sendmail_entry(struct maillog *log, struct maillog_entry *entry);
void exim_entry(struct maillog *log, struct maillog_entry *entry);

/* The message that this MTA on this host knows by this id. */
struct mail *mail_find(struct maillog *log, const struct maillog_entry *entry, struct span id);
struct mail *mail_begin(struct maillog *log, const struct maillog_entry *entry, struct span id); /* NULL: no memory */
void mail_forget(struct maillog *log, const struct maillog_entry *entry, struct span id);

/* Whose it is; what waited for that is told. */
void mail_claim(struct maillog *log, struct mail *mail, enum maillog_sender sender, struct span name, uint32_t uid);

/* It was handed over to a program of this host, and came back as the message `id`. */
void mail_pass(struct maillog *log, const struct maillog_entry *entry, struct mail *mail, struct span id);

/* It reached another server; `mail` may be NULL. */
void mail_delivered(struct maillog *log, const struct maillog_entry *entry, struct mail *mail, struct span address);

#endif
