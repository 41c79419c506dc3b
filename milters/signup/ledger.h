/*
 * The counters that one message touches, in the store (store/limit.h): looked at in its first trip, counted in its
 * second. What is counted and why is the milter's matter.
 *
 * A message that is refused shall count nothing, but each entity (account, victim, network) is counted in a step of its
 * own. So the first trip shows what will not fit: then only those that do not are asked to count, which notes their
 * refusal. What remains is two messages in the same millisecond of which one takes the other's last place: it is
 * refused, and may have counted one with an entity where there was room. So a limit may refuse one too early, never
 * one too late.
 */
#ifndef LEUMUND_SIGNUP_LEDGER_H
#define LEUMUND_SIGNUP_LEDGER_H

#include "milters/signup/policy.h"
#include "store/contact.h"
#include "store/limit.h"

#define LEDGER_VICTIMS 4 /* of one message */
#define LEDGER_GROUPS 5
#define LEDGER_ENTITIES (2 + LEDGER_VICTIMS)
#define LEDGER_COUNTERS (2 + LEDGER_GROUPS + 1 + 2 * LEDGER_VICTIMS)

struct counter {
	enum signup_rule rule;
	char name[LIMIT_NAME_SIZE];
	uint32_t adds; /* by this message; 0: it does not concern it */
	bool is_bare;  /* only counts: no limit of the rule holds for it */
	bool overridden;
	uint32_t overridden_to[SIGNUP_WINDOWS]; /* an admin's limits */
	struct signup_tally tally;
	struct signup_finding finding;
	unsigned notices; /* enum limit_notice */
};

/* What is counted in one step; its counters follow each other. */
struct entity {
	struct span entity, sub;
	size_t first, count;
	bool sent, counted;
	struct limit_request request;
};

struct ledger {
	const struct signup_facts *facts;
	const struct signup_limits *limits;
	struct span token; /* of the message */
	const char *sale;  /* the account's counter of orders that is looked at too; NULL: none */
	uint32_t sales[SIGNUP_WINDOWS];
	size_t entity_count, counter_count;
	bool tried_before; /* the message: what keeps it again is no new refusal, or an attack would never be over */
	bool local;	   /* the store did not answer */
	struct entity entities[LEDGER_ENTITIES];
	struct counter counters[LEDGER_COUNTERS];
};

/* What is opened and not full takes the counters that are added next; all strings outlive the ledger. */
void ledger_open(struct ledger *ledger, struct span entity, struct span sub);
void ledger_add(struct ledger *ledger, enum signup_rule rule, const char *kind, struct span detail, struct span about);

/* The same for what is only counted, beside a counter of that rule. */
void ledger_add_bare(struct ledger *ledger, enum signup_rule rule, const char *kind, struct span detail);

/* The first trip: writes one request for each entity, and takes their answers (NULL: there are none). */
void ledger_ask(struct ledger *ledger, struct store *store, struct store_request *out);
void ledger_take(struct ledger *ledger, struct store *store, const struct store_answer *answers);

/*
 * With adds, facts and limits set: decides, and counts what rules that bite are about. What else is to be counted is
 * left to ledger_post().
 */
void ledger_count(struct ledger *ledger, struct store *store);

/* Does a finding keep the message? */
bool ledger_objects(const struct ledger *ledger);

/* The message passes: counts what only observes. Does not wait. */
void ledger_post(struct ledger *ledger, struct store *store);

/* A counter's limit in force for this message; 0: none. */
uint32_t ledger_limit(const struct ledger *ledger, const struct counter *counter, enum signup_window window);

#endif
