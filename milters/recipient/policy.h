/*
 * The rules of `recipient`: what a provider said about a mailbox, about our addresses and about an account's mail
 * decides whether one more message goes to one recipient. Pure: no clock, no I/O, no allocation.
 *
 * Each fact is about its own subject: a block of our address never makes a mailbox dead, and what is not known never
 * objects.
 */
#ifndef LEUMUND_RECIPIENT_POLICY_H
#define LEUMUND_RECIPIENT_POLICY_H

#include <stdint.h>

#include "verdict.h"

/* In the order in which they are asked; of two objections of equal strength the first is said. */
enum recipient_rule {
	RECIPIENT_DEAD,	      /* the provider said so often enough that there is no such mailbox */
	RECIPIENT_WAITING,    /* it said so, and the next attempt is not due */
	RECIPIENT_COMPLAINED, /* he has complained about this account's newsletters */
	RECIPIENT_BLOCKED,    /* the provider blocks our address */
	RECIPIENT_SHARE,      /* too many unknown recipients there: this account's */
	RECIPIENT_BUDGET,     /* and of all accounts together */
	RECIPIENT_WARNED,     /* the provider has warned */
	RECIPIENT_RULES
};

extern const struct rule recipient_rules[]; /* ends with a row whose name is NULL */

/* What the message is to this recipient; the first that is true, from below. */
enum recipient_kind {
	RECIPIENT_FIRST, /* the account has not written to him in two months */
	RECIPIENT_KNOWN,
	RECIPIENT_ORDER,  /* a program's: orders, invoices, shipping */
	RECIPIENT_BULK,	  /* newsletters and lists */
	RECIPIENT_EXEMPT, /* the host's own: only a dead mailbox stops it */
	RECIPIENT_KINDS
};

extern const char *const recipient_kind_names[]; /* "first" ... NULL, for the log */

/* Who has the message when it may not go now. */
enum recipient_path {
	RECIPIENT_QUEUE,  /* a client that tries again: a server, a program with a queue */
	RECIPIENT_HELD,	  /* our own MTA only: it can be held */
	RECIPIENT_SHOWN,  /* a website or a program: shows the text and does not try again */
	RECIPIENT_PERSON, /* a mail program: shows the text, and the mail stays in its outbox */
	RECIPIENT_PATHS
};

enum recipient_mailbox { MAILBOX_UNKNOWN, MAILBOX_DUE, MAILBOX_WAITING, MAILBOX_DEAD };

enum recipient_weather { WEATHER_NOT_KNOWN, WEATHER_IS_GREEN, WEATHER_IS_YELLOW, WEATHER_IS_HALF_OPEN, WEATHER_IS_RED };

/* One of the addresses that the message may leave from. */
struct recipient_egress {
	enum recipient_weather weather;
	bool is_probe;	  /* half open, and this message is one of the few */
	int64_t until_ms; /* 0: not known */
};

/* A counter of a day. */
struct recipient_tally {
	bool is_full; /* for one unknown recipient more */
	uint32_t used, limit;
	int64_t free_ms; /* 0: not known */
};

struct recipient_facts {
	struct span address, domain;
	struct span provider; /* as people know it: "Microsoft" */
	enum recipient_kind kind;
	enum recipient_path path;

	enum recipient_mailbox mailbox;
	struct span said_by; /* "hotmail.com" */
	int64_t said_ms;
	int64_t next_ms; /* WAITING: when the next attempt is due */

	const struct recipient_egress *egress;
	unsigned egress_count;
	bool is_steered; /* the message can be made to leave from the best of them; else it may be any */

	struct recipient_tally share, budget; /* of the account, of the provider */
	bool complained;
	int64_t now_ms;
};

/* The options in force. */
struct recipient_limits {
	enum action action[RECIPIENT_RULES];
	int64_t wait_ms[RECIPIENT_KINDS]; /* how long mail of a kind may wait; what would wait longer is refused at once
					   */
};

struct recipient_finding {
	struct verdict verdict;
	int64_t until_ms; /* when it may go; 0: not known, -1: never */
};

#define RECIPIENT_NEVER INT64_C(-1)

/* May this message be spent as a probe? Somebody must be there to get it. */
bool recipient_may_probe(const struct recipient_facts *facts);

/*
 * Nothing when the rule is off or has nothing to object to. `defer` and `hold` become what the path can do, and
 * `reject` where the mail would wait for too long. What the verdict points to is the facts'; its detail is the caller's
 * to write, see detail.h.
 */
struct recipient_finding recipient_decide(enum recipient_rule rule, const struct recipient_facts *facts,
					  const struct recipient_limits *limits);

#endif
