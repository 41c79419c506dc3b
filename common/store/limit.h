/*
 * Limits: so much in any hour, so much in any day, counted for all servers together by redis/limit.lua. While the store
 * is away this process goes on with what it has counted itself, and tells the store when it is back: so a limit holds
 * on each server, and all of them together let at most (servers x limit) pass.
 *
 * A milter fills a request, puts limit_ask() into its batch for store_run() and gives the answer to limit_answer().
 */
#ifndef LEUMUND_STORE_LIMIT_H
#define LEUMUND_STORE_LIMIT_H

#include "store/store.h"

enum limit_mode {
	LIMIT_CHECK,   /* would all of them fit? */
	LIMIT_COUNT,   /* counts all of them if each fits, else none */
	LIMIT_OBSERVE, /* counts all of them whether or not they fit */
};

/* What this count was the first to reach, within an hour or a day: each is told once. */
enum limit_notice {
	LIMIT_HOUR_NEAR = 1 << 0, /* 80 % of the hour's limit */
	LIMIT_HOUR_FULL = 1 << 1,
	LIMIT_DAY_NEAR = 1 << 2,
	LIMIT_DAY_FULL = 1 << 3,
};

#define LIMIT_MOST 1000000000 /* of n and of any limit */
#define LIMIT_NAME_SIZE 65

struct limit {
	char name[LIMIT_NAME_SIZE]; /* by limit_name() */
	uint32_t n;
	uint32_t per_hour, per_day; /* 0 = none; the answer: those in force, an admin may have set others */

	/* the answer */
	int64_t used_hour, used_day; /* with what was counted now */
	int64_t free_ms;	     /* wall clock: when n would fit; 0 = it does, -1 = never */
	int64_t overridden_ms;	     /* wall clock: until when an admin's limits are in force; 0 = they are not */
	unsigned notices;	     /* enum limit_notice */
};

#define LIMITS 8 /* in one request */

/*
 * Victims and networks are named by whoever fills in a form, so nobody may make as many as he likes: counting through
 * one server, one account brings in at most so many that nobody counted before. Further ones are only looked at.
 */
#define LIMIT_GUESTS_HOUR 1000
#define LIMIT_GUESTS_DAY 3000

/* One entity's limits: decided and counted together, in one step. */
struct limit_request {
	enum limit_mode mode;
	struct span entity; /* an account; or with sub, something else: a network, a victim's fingerprint */
	struct span sub;    /* "" = an account, else what it is */
	struct span by;	    /* with sub: the account whose mail it is; "" = anybody's own, without a bound */
	struct span token;  /* the same for a message that is tried again, then it counts once; "" = each time */
	size_t count;
	struct limit limits[LIMITS];

	/* the answer */
	bool fits;	 /* all of them */
	bool counted;	 /* now or, with `again`, before */
	bool again;	 /* the token was known */
	bool local;	 /* decided without the store */
	int64_t free_ms; /* when all of them would fit */

	/* Of this entity before this request, wall clock; both 0 = not within a day. A check refuses nothing. */
	int64_t refused_ms;    /* when a count last did not fit */
	int64_t full_since_ms; /* since when that has happened without a day's pause */

	struct limit_words {
		bool alone;
		char keys[2][STORE_KEY_SIZE], token[8], time[24], numbers[LIMITS][3][12];
		struct span key[2], arg[4 + 4 * LIMITS];
	} words; /* of limit_ask() */
};

/* "KIND" or "KIND:DETAIL"; the detail may come from outside and be of any length. */
void limit_name(char out[LIMIT_NAME_SIZE], const char *kind, struct span detail);

/* For store_run() or store_post(); lives as long as the request and what it points to. */
struct store_request limit_ask(struct limit_request *request, struct store *store);

/*
 * What came of it, or what this process decides instead. `answer` may be NULL. With a NULL store everything fits. What
 * was decided without the store is told to it later, unless it may have counted it: that is posted again, and the token
 * tells.
 */
void limit_answer(struct limit_request *request, struct store *store, const struct store_answer *answer);

/* Both in one, for up to STORE_BATCH requests; see store_run(). */
enum store_result limit_run(struct store *store, struct limit_request *const *requests, size_t count,
			    int64_t deadline_ms);

/* Counts without waiting, whether or not it fits. The answer is this process' own. */
void limit_post(struct limit_request *request, struct store *store);

/* ---- for the admin's command ------------------------------------------------------------------------------------- */

/*
 * Limits of one account for a time (0 = none). These wait up to `deadline_ms`; with REFUSED, `error` says why. A NULL
 * name drops all of them; NONE: there was none.
 */
struct limit_override {
	const char *name; /* of the limit */
	uint32_t per_hour, per_day;
	int64_t until_ms;
	const char *reason, *who;
};
enum store_result limit_override_set(struct store *store, const char *account, const struct limit_override *override,
				     char *error, size_t size, int64_t deadline_ms);
enum store_result limit_override_drop(struct store *store, const char *account, const char *name, int64_t deadline_ms);

/* `words` says until when, by whom and why. */
typedef bool limit_override_fn(void *arg, const struct limit_override *override, const char *words); /* false stops */
enum store_result limit_override_list(struct store *store, const char *account, limit_override_fn *fn, void *arg,
				      int64_t deadline_ms);

/*
 * Forgets what was counted, in the store: against these limits, or with a `count` of 0 against all of the entity's.
 * Entity and sub as in a request. NONE: nothing was.
 */
#define LIMIT_NAMES 64 /* at most; an entity has 48 */
enum store_result limit_reset(struct store *store, struct span entity, struct span sub, const char *const *names,
			      size_t count, int64_t deadline_ms);

#endif
