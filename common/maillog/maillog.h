/*
 * What the lines tell that Postfix, sendmail and Exim log: who has written to whom (each delivery to another server),
 * and what became of each attempt to deliver (an outcome, with the other side's answer).
 *
 * Much in such a line is the sender's to choose: subject, HELO, addresses with blanks and quotes, what the other side
 * answered. So nothing is searched for in a line; each kind is read from its begin by its grammar, and one that could
 * be read in two ways is left out. Who may write to the log itself can teach anything: no line shows who wrote it.
 *
 * No clock, no file: lines in, deliveries and outcomes out. Memory is bounded, whatever the lines are.
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

enum maillog_mta { MAILLOG_POSTFIX, MAILLOG_SENDMAIL, MAILLOG_EXIM, MAILLOG_MTAS };

enum maillog_status { MAILLOG_SENT, MAILLOG_DEFERRED, MAILLOG_BOUNCED, MAILLOG_EXPIRED, MAILLOG_STATUSES };

/* Who said so. Only what REMOTE says is evidence about a recipient or about us. */
enum maillog_speaker {
	MAILLOG_REMOTE,	   /* another server answered */
	MAILLOG_UNREACHED, /* no other server did: DNS, network, a connection that broke */
	MAILLOG_WAITING,   /* our MTA did not even ask: retry time not reached, delivery suspended, queued */
	MAILLOG_OWN,	   /* our MTA refuses by itself: no route, a loop, too large, an alias that is wrong */
	MAILLOG_HERE,	   /* delivered on this host, or not */
	MAILLOG_PASSED, /* handed to a program of this host, such as a content filter; it comes back as another message
			 */
	MAILLOG_NULL,	/* another server answered, to mail with the null sender: bounces and automatic answers */
	MAILLOG_PROBE,	/* Postfix tried an address; there was no message */
	MAILLOG_SPEAKERS
};

/* What the other server was answering to, as far as the MTA tells; sendmail never does. */
enum maillog_phase {
	MAILLOG_PHASE_UNKNOWN,
	MAILLOG_PHASE_CONNECT, /* its greeting */
	MAILLOG_PHASE_HELO,
	MAILLOG_PHASE_TLS,
	MAILLOG_PHASE_AUTH,
	MAILLOG_PHASE_MAIL,
	MAILLOG_PHASE_RCPT,
	MAILLOG_PHASE_DATA,
	MAILLOG_PHASE_END, /* of the data */
	MAILLOG_PHASES
};

/* One attempt to deliver to one recipient. What a line does not tell is empty. */
struct maillog_outcome {
	int64_t at_ms;
	enum maillog_mta mta;
	enum maillog_status status;
	enum maillog_speaker speaker;
	enum maillog_phase phase;
	bool again;	      /* this message was deferred for this recipient before, as far as that is remembered */
	struct span host;     /* whose MTA it was */
	struct span instance; /* of the MTA: "postfix/out1", "sm-out2": where it tells from which address mail leaves */
	struct span queue_id, message_id;
	bool mail_from_known;
	struct span mail_from; /* without brackets; known and empty: the null sender */
	enum maillog_sender sender;
	const char *name; /* login or user */
	uint32_t uid;
	struct span rcpt_to; /* that was tried, without brackets, as logged; has a domain unless the speaker is HERE */
	struct span orig_to; /* as the sender wrote it, where that is another one */
	struct span relay, relay_ip; /* the other server */
	struct span egress_ip;	     /* ours, where mail left: Exim's I= */
	unsigned code;		     /* of the reply, 200 to 599; 0: none */
	struct span dsn;	     /* "5.1.1", as the MTA reported it */
	struct span reply;	     /* the bare answer, with its code; our MTA's words where no other server spoke */
};

/* `outcome` lives until it returns. */
typedef void maillog_outcome_fn(void *arg, const struct maillog_outcome *outcome);

/*
 * What an attempt is called, the same wherever its line is read from: a hash over MTA, host, queue id, recipient that
 * was tried, status, speaker and the time in seconds, 32 hex digits. A file's name or offset is not in it, for rotation
 * changes both; two attempts in one second for one recipient of one message do not happen.
 */
#define MAILLOG_ID 33
void maillog_outcome_id(const struct maillog_outcome *outcome, char id[MAILLOG_ID]);

/* As words, such as "sent", "remote", "rcpt", "postfix". */
const char *maillog_status_name(enum maillog_status status);
const char *maillog_speaker_name(enum maillog_speaker speaker);
const char *maillog_phase_name(enum maillog_phase phase);
const char *maillog_mta_name(enum maillog_mta mta);

struct maillog_counts {
	uint64_t lines;
	uint64_t deliveries; /* that were told */
	uint64_t foreign;    /* lines of no MTA, or without a time */
	uint64_t failed;     /* deferred or refused by the other side */
	uint64_t local;	     /* deliveries that stayed here */
	uint64_t unclaimed;  /* no line tells who sent it: mail from elsewhere, forwarded or bounced, or the log begins
				later */
	uint64_t doubtful;   /* the line, or its address, can be read in several ways or in none */
	uint64_t outcomes;   /* that were told */
};

struct maillog;

/*
 * Times without a year are the last such before `now_ms`, those without an offset are local ones (TZ). `fn` may be
 * NULL. NULL: no memory.
 */
struct maillog *maillog_new(size_t open, int64_t now_ms, maillog_fn *fn, void *arg);

/*
 * Tells outcomes too, from now on. `here` is the host of lines that name none (Exim's own log); it must live as long.
 * -1: no memory.
 */
int maillog_outcomes(struct maillog *log, const char *here, maillog_outcome_fn *fn, void *arg);

/*
 * Lines that were read in an earlier life: who sends what is learnt from them, nothing is told.
 */
void maillog_mute(struct maillog *log, bool muted);

/*
 * An outcome of mail whose sender the next lines may tell waits for them, MAILLOG_HOLD_MS by this clock at the most; so
 * a reader of lines as they come calls this several times a second. Any clock that does not jump.
 */
#define MAILLOG_HOLD_MS 500
void maillog_tick(struct maillog *log, int64_t ticks_ms);
size_t maillog_held(const struct maillog *log); /* outcomes that wait */

/* Stamps without a year are the last before this. */
void maillog_now(struct maillog *log, int64_t now_ms);

/* One line, without its end; may hold any byte. */
void maillog_line(struct maillog *log, const char *line, size_t len);

/* All lines were there: what still waits for its sender has none. */
void maillog_end(struct maillog *log);

void maillog_count(const struct maillog *log, struct maillog_counts *out);
void maillog_free(struct maillog **log);

#endif
