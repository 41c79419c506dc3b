/*
 * Notices: what an admin should hear of before a customer complains, such as a limit that is nearly reached. Said in
 * the log, and handed to a program (hook), an URL (webhook) and a mailbox, where section `notice` of conf.d names them.
 *
 * Who posts one never waits: threads of their own deliver, one for each of the three ways, and a way that is stuck or
 * gone holds up no other.
 */
#ifndef LEUMUND_NOTICE_H
#define LEUMUND_NOTICE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "option/option.h"

#define NOTICE_FACTS 12

/* Section `notice` of conf.d. */
struct notice_options {
	int64_t repeat;			/* seconds */
	const char *hook;		/* "/path word ..."; "" = none */
	const char *webhook;		/* URL; "" = none */
	const char *webhook_token_file; /* "" = none */
	const char *mail;		/* address; "" = none */
	const char *mail_by;		/* "smtp://host[:port]", "/path/of/sendmail", or "" */
};

extern const struct section notice_section;

/* The key is a word of a-z 0-9 _; values may hold any byte. */
struct notice_fact {
	const char *key, *value;
};

/*
 * Copied when posted. A string may be NULL, which is ""; what is longer than 400 bytes is cut, and so are more than
 * NOTICE_FACTS facts.
 */
struct notice {
	const char *kind;    /* a word for programs: "limit_near", "limit_full" */
	const char *account; /* whose doing it is about */
	const char *rule;
	const char *text; /* one sentence, ASCII */
	const char *id;	  /* of the decision, for `leumund explain` */
	const struct notice_fact *facts;
	size_t fact_count;
};

struct notices;

/* `service` is named in each notice and outlives this. NULL and a sentence in `error`. */
struct notices *notices_open(const struct notice_options *options, const char *service, char *error, size_t size);

/* Other options from now on. False when memory is short: the old ones stay. */
bool notices_configure(struct notices *notices, const struct notice_options *options);

/*
 * From any thread, without a wait. The same kind, account and rule is said once in `repeat`; what is said stands in the
 * log at once, and where too many await delivery it stands only there. `notices` may be NULL: nothing is said.
 */
void notice_post(struct notices *notices, const struct notice *notice);

/* What waits gets one more try, for so long; then the threads end. Later posts are only logged. */
void notices_end(struct notices *notices, int64_t flush_ms);

/* The same, and gives all back. Nobody may post any more. */
void notices_close(struct notices **notices, int64_t flush_ms);

/* One try of each way that is configured, here and now: `leumund notice test`. */
typedef void notice_report_fn(void *arg, const char *way, bool delivered, const char *sentence);
bool notice_try(const struct notice_options *options, const char *service, const struct notice *notice,
		notice_report_fn *report, void *arg);

#endif
