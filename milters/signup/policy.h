/*
 * The rules of `signup`: pure decisions over counts and evidence. No clock, no I/O, no allocation.
 *
 * What is counted are first contacts: recipients to whom this account has not written in two months. A rule's name and
 * text say its unit: recipients, or messages.
 */
#ifndef LEUMUND_SIGNUP_POLICY_H
#define LEUMUND_SIGNUP_POLICY_H

#include <stdint.h>

#include "verdict.h"

/* In the order in which they are asked; of two objections of equal strength the first is said. */
enum signup_rule {
	SIGNUP_VICTIM,	 /* one recipient, all accounts and servers: list bombing */
	SIGNUP_CLIENT,	 /* one client network of a form, where the script tells it */
	SIGNUP_SCRIPT,	 /* one script: path and uid */
	SIGNUP_PROVIDER, /* one account, one group of mail providers */
	SIGNUP_ACCOUNT,	 /* one account */
	SIGNUP_RULES
};

extern const struct rule signup_rules[]; /* ends with a row whose name is NULL */

enum signup_window { SIGNUP_HOUR, SIGNUP_DAY, SIGNUP_WINDOWS };

/* What a message shows of its kind. Bit 1 << EVIDENCE of a set. */
enum signup_evidence {
	SIGNUP_MACHINE,	 /* a script or program wrote it */
	SIGNUP_PERSONAL, /* nothing shows that, and somebody logged in */
	SIGNUP_SUBJECT,	 /* a word of confirmations, accounts, passwords in the subject */
	SIGNUP_TRADE,	 /* a word of orders, invoices, shipping in the subject */
	SIGNUP_LIST,	 /* fields of mailing lists and newsletters */
	SIGNUP_REPLY,	 /* an answer to a message */
	SIGNUP_ALIKE,	 /* several strangers have just got nearly the same text */
	SIGNUP_RANDOM,	 /* the recipient's local part looks made up by a machine */
	SIGNUP_EVIDENCES
};

/*
 * What a message is, by its evidence. Each kind is counted by itself: orders to strangers must not use up what
 * registrations may.
 */
enum signup_kind {
	SIGNUP_CONFIRM, /* a program's, and the subject asks for a confirmation, welcomes, sets a password */
	SIGNUP_PROGRAM, /* a program's, nothing more is known */
	SIGNUP_SALE,	/* a program's: orders, invoices, shipping */
	SIGNUP_BULK,	/* newsletters and lists */
	SIGNUP_PERSON,
	SIGNUP_KINDS
};

extern const char *const signup_kind_names[]; /* "confirm" ... NULL, for the log and for keys */

enum signup_kind signup_kind_of(unsigned evidence);

#define SIGNUP_HAS(set, evidence) (((set) >> (evidence)&1u) != 0)

extern const char *const signup_evidence_names[]; /* "machine" ... NULL, for the log */

/* The limits in force for the account, whoever set them. */
struct signup_limits {
	enum action action[SIGNUP_RULES];
	uint32_t limit[SIGNUP_RULES][SIGNUP_WINDOWS]; /* 0: none */
	uint32_t weight[SIGNUP_EVIDENCES]; /* percent of the limit that each piece leaves; 100: nothing changes */
	uint32_t usual_percent; /* of the account's usual day, which its limits never fall below; 0: no such thing */
	uint32_t usual_most;	/* an account's usual day counts as at most so much */
	uint32_t sales_percent; /* of the account's new customers: so many new accounts come on top */
	int64_t calm_ms; /* a counter that has refused nothing for so long after an attack may hold twice its day; 0:
			    never */
	int64_t reject_after_ms; /* `defer` turns into `reject` when it has said so for this long; 0: never */
};

struct signup_facts {
	unsigned evidence; /* set of enum signup_evidence */
	uint32_t usual; /* first contacts of this kind on the account's usual day, see signup_usual(); 0: not known */
	uint32_t sales[SIGNUP_WINDOWS]; /* the account's first contacts by SIGNUP_SALE: who buys may open an account */
	bool learning;			/* it is not yet known whom this account knows: rules only observe */
	int64_t now_ms;
};

/* What the store says of one counter before this message. */
struct signup_tally {
	struct span about; /* the script, the network, ...; at == NULL: the rule does not concern this message */
	uint32_t adds;	   /* what this message would add, in the rule's unit */
	uint32_t used[SIGNUP_WINDOWS];
	int64_t free_ms[SIGNUP_WINDOWS]; /* when there will be room for what this message adds */
	int64_t refused_ms;		 /* when it last refused; 0: not in the last day */
	int64_t full_since_ms;		 /* since when it has refused without a day's pause; 0: it has not */
};

/* A verdict, and the count that it rests on. */
struct signup_finding {
	struct verdict verdict;
	enum signup_window window;
	uint32_t limit; /* in force for this message */
	uint32_t used;	/* before this message */
	uint32_t adds;
	int64_t free_ms; /* 0: never, the message alone is more than the limit */
	bool near; /* with this message the count reaches four fifths of its limit: the time for a warning, said once */
};

/*
 * An account's usual day: the mean of its days, young ones weighing more, in 256ths so that small ones are not lost. A
 * day counts as at most twice the usual and four more: an attack that stays below the limits moves it slowly.
 */
uint32_t signup_usual(uint32_t usual_256, uint32_t of_the_day);

/* The percentage of its limits that a message with this evidence is held to. */
uint32_t signup_percent(unsigned evidence, const struct signup_limits *limits);

/* The limit for a message with this evidence. 0: none. */
uint32_t signup_limit(enum signup_rule rule, enum signup_window window, const struct signup_facts *facts,
		      const struct signup_limits *limits);

/*
 * The same where an attack is over: bots come without a pause, and the honest visitors of the day after must not pay
 * for them. Hours and inelastic rules stay as they are.
 */
uint32_t signup_limit_calm(enum signup_rule rule, enum signup_window window, uint32_t limit);

/* The limit in force for this message, whether or not an attack is over: what to tell the store. */
uint32_t signup_limit_now(enum signup_rule rule, enum signup_window window, const struct signup_tally *tally,
			  const struct signup_facts *facts, const struct signup_limits *limits);

/*
 * The finding on one counter. Of two windows that object the one that stays full for longer is told. The about of the
 * verdict is the tally's; its detail is the caller's to write, see detail.h.
 */
struct signup_finding signup_decide(enum signup_rule rule, const struct signup_tally *tally,
				    const struct signup_facts *facts, const struct signup_limits *limits);

#endif
