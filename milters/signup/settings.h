/*
 * The options of `signup`: section `signup` of conf.d.
 */
#ifndef LEUMUND_SIGNUP_SETTINGS_H
#define LEUMUND_SIGNUP_SETTINGS_H

#include "milters/signup/policy.h"
#include "setup.h"

/* What is done with a message while the store cannot be asked. */
enum signup_failure {
	SIGNUP_FAILURE_LOCAL, /* this process' own counts decide, and what it remembers of contacts */
	SIGNUP_FAILURE_ACCEPT,
	SIGNUP_FAILURE_DEFER,
};

struct signup_options {
	struct milter_options common;
	int action[SIGNUP_RULES];
	const char *limit[SIGNUP_RULES]; /* see grant_numbers() */
	int64_t percent[SIGNUP_EVIDENCES];
	int64_t usual_percent, usual_most, sales_percent;
	int64_t calm, reject_after, learning; /* seconds */
	struct string_list subject_words, trade_words, copy_words;
	int on_store_failure;	   /* enum signup_failure */
	struct string_list limits; /* see grant.h */
	struct string_list packages;
	struct string_list exempt_accounts, exempt_uids, exempt_senders;
};

extern const struct section signup_section;

/* What the server's options say, for accounts of which nothing else is said. */
void settings_limits(const struct signup_options *options, struct signup_limits *out);

#endif
