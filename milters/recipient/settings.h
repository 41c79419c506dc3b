/*
 * The options of `recipient`: section `recipient` of conf.d. How long what providers answer counts is
 * common/reputation's.
 */
#ifndef LEUMUND_RECIPIENT_SETTINGS_H
#define LEUMUND_RECIPIENT_SETTINGS_H

#include "milters/recipient/policy.h"
#include "setup.h"

struct recipient_options {
	struct milter_options common;
	int action[RECIPIENT_RULES];
	int64_t wait[RECIPIENT_KINDS]; /* seconds; of EXEMPT: never read */
	int64_t learning;
	struct string_list trade_words;
	struct string_list exempt_accounts, exempt_uids, exempt_senders;
};

extern const struct section recipient_section;

void recipient_settings_limits(const struct recipient_options *options, struct recipient_limits *out);

#endif
