/*
 * What the readers of the three MTAs share. Internal to common/maillog/.
 */
#ifndef LEUMUND_MAILLOG_INNER_H
#define LEUMUND_MAILLOG_INNER_H

#include "maillog/answer.h"
#include "maillog/held.h"
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

/* What was deferred already: hashes, the oldest of a set goes first. */
#define AGAIN_SETS 16384
#define AGAIN_WAYS 4

struct again {
	uint8_t turn[AGAIN_SETS];
	uint64_t hash[AGAIN_SETS][AGAIN_WAYS];
};

struct maillog {
	struct queue *queue;
	struct maillog_counts counts;
	maillog_fn *fn;
	void *arg;
	int64_t now_ms, ticks_ms;
	struct stamp_memory stamps;
	maillog_outcome_fn *outcome_fn; /* NULL: nobody asks for outcomes */
	void *outcome_arg;
	struct span here;
	bool muted;
	struct again *again;
	struct held *held;
};

void postfix_entry(struct maillog *log, struct maillog_entry *entry);
void sendmail_entry(struct maillog *log, struct maillog_entry *entry);
void exim_entry(struct maillog *log, struct maillog_entry *entry);

static inline struct span rest_of(const struct scan *scan)
{
	return (struct span){ scan->at, (size_t)(scan->end - scan->at) };
}

/* ---- mail.c ------------------------------------------------------------------------------------ */

/* The message that this MTA on this host knows by this id. */
struct mail *mail_find(struct maillog *log, const struct maillog_entry *entry, struct span id);
struct mail *mail_begin(struct maillog *log, const struct maillog_entry *entry, struct span id); /* NULL: no memory */
void mail_forget(struct maillog *log, const struct maillog_entry *entry, struct span id);

/* ---- claim.c ----------------------------------------------------------------------------------- */

/* Whose it is; what waited for that is told. */
void mail_claim(struct maillog *log, struct mail *mail, enum maillog_sender sender, struct span name, uint32_t uid);

/* It was handed over to a program of this host, and came back as the message `id`. */
void mail_pass(struct maillog *log, const struct maillog_entry *entry, struct mail *mail, struct span id);

/* It reached another server; `mail` may be NULL. */
void mail_delivered(struct maillog *log, const struct maillog_entry *entry, struct mail *mail, struct span address);

/* It is forgotten: queue_new() takes it. */
void mail_lost(void *arg, struct mail *mail);

/* ---- outcome.c: all does nothing while nobody asks for outcomes ------------------------------------ */

/*
 * The message by this id, from which only outcomes can be told: one from elsewhere, or whose begin was not seen. NULL
 * while nobody asks for them.
 */
struct mail *mail_note(struct maillog *log, const struct maillog_entry *entry, struct span id);

void mail_note_from(struct mail *mail, struct span path);	 /* without brackets */
void mail_note_message_id(struct mail *mail, struct span value); /* with brackets or without */

/*
 * One attempt, of which the reader of the MTA has filled in what its line tells; `mail` may be NULL. What is about no
 * recipient that can be one is doubtful.
 */
void mail_outcome(struct maillog *log, const struct maillog_entry *entry, const struct mail *mail,
		  struct maillog_outcome *outcome);

/* Tells what waits since before `before_ms`, of this message or (NULL) of all. */
void outcomes_release(struct maillog *log, const struct mail *mail, int64_t before_ms);

#endif
