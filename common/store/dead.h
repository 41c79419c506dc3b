/*
 * Dead mailboxes: recipients of whom a provider has said that there is no such mailbox. A few attempts, on different
 * days and far apart, then none; redis/dead.lua remembers it for all servers. A mailbox that does not exist is
 * nobody's, so addresses stand there readable.
 *
 * At RCPT a milter puts dead_ask() with DEAD_LOOK into its batch for store_run() and gives the answer to dead_answer();
 * at the end of a message that passes, DEAD_RESERVE for each recipient that is watched: of two messages at once one may
 * go. Who reads what providers answer tells DEAD_FAIL and DEAD_CLEAR.
 */
#ifndef LEUMUND_STORE_DEAD_H
#define LEUMUND_STORE_DEAD_H

#include "store/words.h"

enum dead_mode {
	DEAD_LOOK,
	DEAD_RESERVE, /* takes the attempt that is due */
	DEAD_FAIL,    /* the provider has said that it does not exist: never for any other reason of a failure */
	DEAD_REFUSE,  /* a message was refused because of it: counts */
	DEAD_CLEAR,   /* a delivery; with at_ms 0 an admin, whatever was */
};

enum dead_state { DEAD_UNKNOWN, DEAD_WATCHED, DEAD_DEAD };

/* Of conf.d. */
struct dead_rule {
	int64_t attempts, days;	   /* 1 to 100 attempts, on so many different days (UTC), not more than attempts */
	int64_t apart_ms;	   /* between two attempts */
	int64_t keep_ms, watch_ms; /* how long a dead, a watched mailbox is remembered; a minute to 400 days */
};

#define DEAD_TEXT_SIZE 61

struct dead_request {
	enum dead_mode mode;
	const struct dead_rule *rule;
	struct span address; /* in the form of contact_box() */
	struct span token;   /* of the event, or of the message that may be tried again; "" = each time is another */
	int64_t at_ms;	     /* when it happened; 0 = now */
	struct span account; /* whose message it was; "" = not known */
	struct span said_by, said; /* of FAIL: the provider's domain or host, and its reply */

	/* the answer */
	enum dead_state state;
	bool may_go;	 /* RESERVE: this message may */
	bool counted;	 /* FAIL, REFUSE: now; CLEAR: there was something */
	bool again;	 /* FAIL, REFUSE: the token was known */
	bool newly_dead; /* FAIL: by this call, the one to tell of */
	int64_t next_ms; /* wall clock: when the next attempt may be; 0 = now, -1 = not as long as it is dead */
	int64_t attempts, refused;
	int64_t first_ms, last_ms;     /* when it was said */
	int64_t until_ms;	       /* how long it is remembered */
	char by[DEAD_TEXT_SIZE];       /* who said it last */
	char words[DEAD_TEXT_SIZE];    /* and what */
	char accounts[DEAD_TEXT_SIZE]; /* the first few that wrote to it, as keys hold them, with blanks between */

	struct store_words asked;
	char said_room[2 * DEAD_TEXT_SIZE];
};

/* For store_run() or store_post(); lives as long as the request and what it points to. */
struct store_request dead_ask(struct dead_request *request, struct store *store);

/* False: it is not known, so nothing may be made of it; the state is then DEAD_UNKNOWN. `answer` may be NULL. */
bool dead_answer(struct dead_request *request, const struct store_answer *answer);

/* ---- of one account ---------------------------------------------------------------------------------------------- */

enum dead_of_mode { DEAD_OF_ADD, DEAD_OF_DROP };

/* The list of an account's own: kept so long, the latest so many. Adding twice is the same as once. */
struct dead_of_rule {
	int64_t most;	 /* 1 to 100000 */
	int64_t keep_ms; /* a minute to 400 days */
};

struct dead_of_request {
	enum dead_of_mode mode;
	const struct dead_of_rule *rule;
	struct span account;
	struct span address; /* as above */
	int64_t at_ms;	     /* ADD: when it was said; 0 = now */

	/* the answer */
	bool was_new;  /* ADD */
	bool was_full; /* ADD: the oldest had to go */

	struct store_words asked;
};

struct store_request dead_of_ask(struct dead_of_request *request);
bool dead_of_answer(struct dead_of_request *request, const struct store_answer *answer);

/* For the admin's command, the latest first; see store_history(). NONE: there is none. */
typedef bool dead_of_fn(void *arg, const char *address, int64_t last_ms); /* false stops */
enum store_result dead_of_list(struct store *store, const char *account, const struct dead_of_rule *rule,
			       dead_of_fn *fn, void *arg, int64_t deadline_ms);

#endif
