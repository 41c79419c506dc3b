/*
 * Runs mail through the policy of `signup` as the milter will: facts, limits, verdict, count.
 */
#ifndef LEUMUND_SIGNUP_REPLAY_H
#define LEUMUND_SIGNUP_REPLAY_H

#include "milters/signup/evidence.h"
#include "milters/signup/policy.h"

#include "sample.h"

struct replay;

struct replay_settings {
	struct signup_limits limits;
	int64_t learning_until; /* rules only observe before that */
	bool is_cold;		/* a new installation that was told nothing */
	bool has_no_alike;	/* without the evidence of near-identical texts */
	bool has_no_local;	/* without that of random local parts */
	bool has_no_words;	/* without that of subjects */
};

struct outcome {
	unsigned fresh; /* recipients that are first contacts */
	unsigned evidence;
	struct signup_finding finding; /* the strongest */
};

/* The limits that `signup` is to ship with. */
extern const struct signup_limits replay_defaults;

struct replay *replay_new(const struct replay_settings *settings);
void replay_free(struct replay *replay);

/* Events in the order of time. */
struct outcome replay_line(struct replay *replay, const struct line *line);

#endif
