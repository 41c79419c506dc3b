/*
 * A provider's patience: how many unknown recipients and complaints it may get in a day from all accounts and servers
 * together, how much of that one account may use, who used it, and how many first contacts are under way to it.
 *
 * How much and when is store/limit.h's: two requests by budget_limit(), of the provider and of the account; strict in
 * any 24 hours, decided locally while the store is away, and an admin's override of the account's share works as for
 * all limits. Here is what limits do not know: names by day, and what is not known yet.
 */
#ifndef LEUMUND_STORE_BUDGET_H
#define LEUMUND_STORE_BUDGET_H

#include "store/limit.h"
#include "store/words.h"

enum budget_kind { BUDGET_UNKNOWN, BUDGET_COMPLAINT, BUDGET_KINDS };

/* Of conf.d. */
struct budget_rule {
	uint32_t per_day[BUDGET_KINDS]; /* of all accounts; 0 = no limit */
	uint32_t share_percent;		/* of that, for one account, at least 1; 0 = no limit */
};

uint32_t budget_share(const struct budget_rule *rule, enum budget_kind kind);

/*
 * Fills a request: with an empty account the provider's ("unknown" of leu:limit:{PROVIDER}:provider), else the
 * account's share ("unknown:PROVIDER" of leu:limit:{ACCOUNT}). LIMIT_CHECK with n 1 asks whether one more would fit;
 * who reads what providers answer uses LIMIT_OBSERVE, with a token.
 */
void budget_limit(struct limit_request *request, enum limit_mode mode, const struct budget_rule *rule,
		  enum budget_kind kind, struct span provider, struct span account, uint32_t n);

enum budget_mode {
	BUDGET_USE,    /* tells that an account has used some */
	BUDGET_TAKE,   /* takes room for first contacts that are about to go, all or none */
	BUDGET_SETTLE, /* some of them are delivered, or not: either way they are known */
};

struct budget_request {
	enum budget_mode mode;
	struct span provider;
	struct span token; /* of the event, or of the message that may be tried again; "" = each time is another */
	uint32_t n;	   /* at least 1 */
	/* USE */
	struct span account;
	enum budget_kind kind;
	int64_t at_ms; /* when it happened; 0 = now */
	/* TAKE, SETTLE */
	uint32_t room;	/* TAKE: how many may be under way: what the day has left */
	int64_t way_ms; /* one counts for so long (up to a half longer) when it is never settled; 2 s to 7 days */

	/* the answer */
	bool done;	   /* also with `again` */
	bool again;	   /* the token was known */
	int64_t under_way; /* TAKE, SETTLE: with these */

	struct store_words asked;
};

/* For store_run() or store_post(); lives as long as the request and what it points to. */
struct store_request budget_ask(struct budget_request *request, struct store *store);

/* False: it is not known. `answer` may be NULL. */
bool budget_answer(struct budget_request *request, const struct store_answer *answer);

/* For the admin's command: each account of each of the latest 1 to 8 days, the latest day first. NONE: nobody. */
struct budget_user {
	const char *day;     /* "2026-11-25", UTC */
	const char *account; /* as keys hold it; "other" = all beyond 500 */
	int64_t used[BUDGET_KINDS];
};
typedef bool budget_user_fn(void *arg, const struct budget_user *user); /* false stops */
enum store_result budget_who(struct store *store, const char *provider, unsigned days, budget_user_fn *fn, void *arg,
			     int64_t deadline_ms);

#endif
