/*
 * Who has written to whom, out of the lines that Postfix, sendmail and Exim log: each delivery to another server.
 *
 * Much in such a line is the sender's to choose: subject, HELO, addresses with blanks and quotes, what the other side
 * answered. So nothing is searched for in a line; each kind is read from its begin by its grammar, and one that could
 * be read in two ways is left out. Who may write to the log itself can teach anything: no line shows who wrote it.
 *
 * No clock, no file: lines in, deliveries out. Memory is bounded, whatever the lines are.
 */
#ifndef LEUMUND_MAILLOG_H
#define LEUMUND_MAILLOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "text.h"

#define MAILLOG_OPEN 100000 /* messages on their way that are remembered; the longest silent one is forgotten first */
#define MAILLOG_LINE 8192   /* bytes of a line that are looked at */

enum maillog_sender { MAILLOG_NOBODY, MAILLOG_LOGIN /* SMTP AUTH */, MAILLOG_USER /* of this system */, MAILLOG_UID };

struct maillog_delivery {
	int64_t at_ms;
	enum maillog_sender sender;
	const char *name; /* login or user */
	uint32_t uid;
	struct span local;  /* of the recipient, as the sender wrote it where the MTA tells that; without brackets */
	const char *domain; /* in comparable form, see address/address.h */
};

/* `delivery` lives until it returns. */
typedef void maillog_fn(void *arg, const struct maillog_delivery *delivery);

struct maillog_counts {
	uint64_t lines;
	uint64_t deliveries; /* that were told */
	uint64_t foreign;    /* lines of no MTA, or without a time */
	uint64_t failed;     /* deferred or refused by the other side */
	uint64_t local;	     /* deliveries that stayed here */
	uint64_t unclaimed;  /* no line tells who sent it: mail from elsewhere, forwarded or bounced, or the log begins
				later */
	uint64_t doubtful;   /* the line, or its address, can be read in several ways or in none */
};

struct maillog;

/*
 * Times without a year are the last such before `now_ms`, those without an offset are local ones (TZ). NULL: no memory.
 */
struct maillog *maillog_new(size_t open, int64_t now_ms, maillog_fn *fn, void *arg);

/* One line, without its end; may hold any byte. */
void maillog_line(struct maillog *log, const char *line, size_t len);

/* All lines were there: what still waits for its sender has none. */
void maillog_end(struct maillog *log);

void maillog_count(const struct maillog *log, struct maillog_counts *out);
void maillog_free(struct maillog **log);

#endif
