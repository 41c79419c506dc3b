/*
 * The options of `recipient` (settings.h).
 */
#include "milters/recipient/settings.h"

#include "exempt.h"
#include "stem.h"
#include "subject_words.h"

#define DAY 86400

/* clang-format off */
#define OPTION_AT(member) offsetof(struct recipient_options, member)
#define RULE_ROW(rule, name, preset, text) \
	{ OPTION_CHOICE, name, preset, 0, 0, action_names, NULL, OPTION_AT(action) + (rule) * sizeof(int), text }
#define WAIT_ROW(kind, name, preset, text) \
	{ OPTION_TIME, name, preset, 0, 7 * DAY, NULL, NULL, OPTION_AT(wait) + (kind) * sizeof(int64_t), text }

static const struct option rows[] = {
	MILTER_ROWS(struct recipient_options, "\"outbound\""),
	RULE_ROW(RECIPIENT_DEAD, "dead_mailbox", "reject",
	  "A mailbox of which its provider has said often enough that it does not exist."),
	RULE_ROW(RECIPIENT_WAITING, "dead_waiting", "reject",
	  "One of which it has said so less often, and the next attempt is not due."),
	RULE_ROW(RECIPIENT_COMPLAINED, "complained", "reject",
	  "A newsletter to somebody who has complained about one of this account."),
	RULE_ROW(RECIPIENT_BLOCKED, "provider_blocked", "defer",
	  "Mail to a provider that blocks an address that it may leave from."),
	RULE_ROW(RECIPIENT_SHARE, "account_share", "defer",
	  "Newsletters and first contacts to a provider whose budget of unknown mailboxes the account has used more of than its share."),
	RULE_ROW(RECIPIENT_BUDGET, "provider_budget", "defer",
	  "Newsletters and first contacts to a provider whose budget all accounts together have used up."),
	RULE_ROW(RECIPIENT_WARNED, "provider_warned", "defer",
	  "Newsletters and first contacts to a provider that has warned, or was shown too many unknown mailboxes."),
	WAIT_ROW(RECIPIENT_FIRST, "first_wait", "4h",
	  "How long mail to somebody new may wait; what would wait longer is rejected at once; 0 is never wait."),
	WAIT_ROW(RECIPIENT_KNOWN, "known_wait", "1d",
	  "Mail to those whom the account has written to before."),
	WAIT_ROW(RECIPIENT_ORDER, "order_wait", "8h",
	  "A program's mail about orders, invoices and shipping."),
	WAIT_ROW(RECIPIENT_BULK, "bulk_wait", "3d",
	  "Newsletters and lists."),
	{ OPTION_TIME, "learning", "2w", 0, 90 * DAY, NULL, NULL, OPTION_AT(learning),
	  "So long after the store's first start nobody counts as new, because nobody's recipients are known yet; see leumund learn-contacts." },
	{ OPTION_LIST, "trade_words", trade_words_preset, 0, 0, NULL, stem_check, OPTION_AT(trade_words),
	  "How words begin that show orders, invoices, shipping, in the subject." },
	{ OPTION_LIST, "exempt_accounts", "{}", 0, 0, NULL, exempt_check_account, OPTION_AT(exempt_accounts),
	  "Accounts whose mail only a dead mailbox stops: \"billing: our own invoices\"." },
	{ OPTION_LIST, "exempt_uids", "{\"0-999: the system's own mail\"}", 0, 0, NULL, exempt_check_uid, OPTION_AT(exempt_uids),
	  "The same for the local mail of users, by name, number or range; a web server's user is not exempt by this." },
	{ OPTION_LIST, "exempt_senders", "{}", 0, 0, NULL, exempt_check_address, OPTION_AT(exempt_senders),
	  "The same by MAIL FROM's address or domain (only the milter sender keeps others from using it): \"tickets@host.example until 2027-01-31: our ticket system\"." },
	{ .name = NULL }
};
/* clang-format on */

const struct section recipient_section = {
	.name = "recipient",
	.summary = "Mail is kept from mailboxes that do not exist and from providers that block us.",
	.options = rows,
	.size = sizeof(struct recipient_options),
};

void recipient_settings_limits(const struct recipient_options *options, struct recipient_limits *out)
{
	for (unsigned i = 0; i < RECIPIENT_RULES; i++)
		out->action[i] = (enum action)options->action[i];
	for (unsigned i = 0; i < RECIPIENT_KINDS; i++)
		out->wait_ms[i] = options->wait[i] * 1000;
}
