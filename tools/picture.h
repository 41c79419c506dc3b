/*
 * All that the store knows of an account, for `leumund show`.
 */
#ifndef LEUMUND_TOOLS_PICTURE_H
#define LEUMUND_TOOLS_PICTURE_H

#include "limit_names.h"
#include "question.h"
#include "standing.h"

#define OBJECTIONS 5
#define USUAL STORE_BATCH /* kinds; the store has no more */
#define RULES 70	  /* a hash has no more */
#define FACT 200

/* One of a top list: its day over all kinds of mail. */
struct top {
	char name[LIMIT_SHOWN_SIZE];
	int64_t used_day;
};

struct tops {
	size_t count;
	struct top at[STANDING_LIMITS];
};

/* New recipients of a kind of mail: on the account's usual day, and today (UTC). */
struct usual {
	char kind[32];
	int64_t usual, today;
};

struct rule_count {
	char rule[80];
	int64_t count;
};

struct objection {
	int64_t at_ms;
	char id[FACT], action[FACT], rule[FACT];
};

struct picture {
	struct question *question;
	const char *account;
	int64_t now_ms;
	struct standing standing;
	struct tops scripts, providers;
	struct usual usual[USUAL];
	struct rule_count rules[RULES];
	struct objection objections[OBJECTIONS];
	size_t usual_count, rule_count, objection_count;
};

/* NONE: nothing is known of it. Overrides are no part of it, but make it known. */
enum store_result picture_take(struct picture *picture, struct question *question, const char *account);

#endif
