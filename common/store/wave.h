/*
 * A wave: many different mailboxes of one provider turn dead within an hour. That may be the provider, or what it
 * thinks of us; so new suppressions are frozen for a while and an admin is told, once. Kept by redis/wave.lua.
 *
 * Who reads what providers answer asks before each DEAD_FAIL (store/dead.h), and leaves it out while frozen.
 */
#ifndef LEUMUND_STORE_WAVE_H
#define LEUMUND_STORE_WAVE_H

#include "store/words.h"

enum wave_mode {
	WAVE_LOOK,
	WAVE_DEAD, /* one mailbox more was said not to exist; twice is the same as once */
	WAVE_END,  /* an admin has looked */
};

/* Of conf.d. */
struct wave_rule {
	int64_t count;	 /* 1 to 1000 different mailboxes within an hour ... */
	int64_t percent; /* ... that are at least so much of the provider's answers; 0 = any */
	int64_t hold_ms; /* how long suppressions stay frozen; a minute to 30 days */
};

struct wave_request {
	enum wave_mode mode;
	const struct wave_rule *rule;
	struct span provider;
	struct span address; /* in the form of contact_box() */
	int64_t at_ms;	     /* when it was said; 0 = now */
	int64_t share;	     /* percent of the provider's answers of the last hour that said so: see weather_share() */

	/* the answer */
	bool frozen;
	bool alarm;	  /* by this call, the one to tell of */
	int64_t until_ms; /* wall clock */
	int64_t count;	  /* different mailboxes within the hour, as far as it was counted */

	struct store_words asked;
};

/* For store_run(); lives as long as the request and what it points to. */
struct store_request wave_ask(struct wave_request *request);

/* False: it is not known; then nothing is frozen. `answer` may be NULL. */
bool wave_answer(struct wave_request *request, const struct store_answer *answer);

#endif
