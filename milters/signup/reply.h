/*
 * The words that a rule's text of `signup` has beside {about}, {account} and {client}: the limit, what was counted,
 * when it is free again.
 */
#ifndef LEUMUND_SIGNUP_REPLY_H
#define LEUMUND_SIGNUP_REPLY_H

#include "milters/signup/policy.h"

#define REPLY_WORDS 6

/* A word in braces and what stands for it. */
struct reply_word {
	const char *name; /* "{limit}" */
	struct span value;
};

/* The values point into it: not to be copied. */
struct reply_words {
	struct reply_word at[REPLY_WORDS + 1]; /* ends with a row whose name is NULL */
	char numbers[3][12];
	char free[160];
};

/*
 * {limit} {used} {adds}   numbers
 * {kind}    "sign-up and password mail", ...
 * {window}  "in one hour", "in 24 hours"
 * {free}    "free again at 14:05 UTC (16:05 CEST)", with the date when that is not today; or what to do where waiting
 *           does not help. Local time is that of the TZ of the process.
 */
void reply_words_make(struct reply_words *words, const struct signup_finding *finding, enum signup_kind kind,
		      enum language language, int64_t now_ms);

#endif
