/*
 * Weather: how a provider takes mail from one of our addresses. Yellow when it warns or too many recipients are unknown
 * there, red when it blocks, then half open for a few probes, and back. Kept by redis/weather.lua for all servers.
 *
 * At RCPT a milter asks WEATHER_LOOK; where it is half open, at the end of a message that could be a probe,
 * WEATHER_PROBE. Who reads what providers answer tells WEATHER_EVENT.
 */
#ifndef LEUMUND_STORE_WEATHER_H
#define LEUMUND_STORE_WEATHER_H

#include "store/words.h"

enum weather_mode {
	WEATHER_LOOK,
	WEATHER_EVENT,
	WEATHER_PROBE, /* may this message be one of the few? Takes one of them */
	WEATHER_RESET, /* an admin knows better: green */
};

enum weather_state { WEATHER_GREEN, WEATHER_YELLOW, WEATHER_RED, WEATHER_HALF_OPEN, WEATHER_STATES };

extern const char *const weather_state_names[]; /* "green" ... "half_open", NULL */

/* What is about our address or network. Greylisting, full mailboxes and the like are none of these. */
enum weather_event {
	WEATHER_DELIVERED,
	WEATHER_UNKNOWN, /* no such mailbox */
	WEATHER_WARNING, /* too fast, bad reputation: "451 4.7.650" */
	WEATHER_BLOCK,	 /* "550 5.7.1 ... S3150" */
};

/* Of conf.d. Times from 1 s to 7 days; 0 of a number that makes it yellow: never. */
struct weather_rule {
	int64_t open_ms,
		open_most_ms;  /* the first block closes so long; each further one twice as long, at most so long */
	int64_t quiet_ms;      /* so long without a block takes one doubling away */
	int64_t probes;	       /* while half open; as many deliveries end it */
	int64_t probe_wait_ms; /* as many more after so long without an answer */
	int64_t ramp_ms;       /* yellow after half open, before green */
	int64_t warn_ms;       /* yellow after a warning */
	int64_t unknown_hour, unknown_day; /* so many unknown recipients make it yellow */
	int64_t percent, sample;	   /* or so much of the answers of an hour, from so many answers on */
};

#define WEATHER_TEXT_SIZE 61

struct weather_request {
	enum weather_mode mode;
	const struct weather_rule *rule;
	struct span provider;
	struct span egress; /* our address as text */
	struct span token;  /* of the event, or of the message that may be tried again; "" = each time is another */
	int64_t at_ms;	    /* when it happened; 0 = now */
	enum weather_event event;
	int64_t n; /* of EVENT: how many, at least 1; deliveries may be told in sums, with a token for each sum */
	struct span said; /* of WARNING and BLOCK */

	/* the answer */
	enum weather_state state;
	bool changed; /* by this call: another state, or red anew; what time has changed is told by the next EVENT or
			 PROBE */
	bool counted; /* EVENT */
	bool again;   /* EVENT: its token was known */
	bool may_go;  /* PROBE: this message may */
	int64_t since_ms, until_ms;				/* wall clock; until: 0 = open end */
	int64_t blocks;						/* in a row */
	int64_t sent_hour, unknown_hour, sent_day, unknown_day; /* sent: delivered */
	char reason[WEATHER_TEXT_SIZE];

	struct store_words asked;
};

/* For store_run() or store_post(); lives as long as the request and what it points to. */
struct store_request weather_ask(struct weather_request *request, struct store *store);

/* False: it is not known, so nothing may be made of it; the state is then green. `answer` may be NULL. */
bool weather_answer(struct weather_request *request, const struct store_answer *answer);

/* Percent of the answers of the hour that were unknown recipients. */
int64_t weather_share(const struct weather_request *request);

#endif
