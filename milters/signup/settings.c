/*
 * The options of `signup` (settings.h). Limits and percentages were tuned on the traffic of test/data/signup.
 */
#include "milters/signup/settings.h"

#include <stdio.h>

#include "exempt.h"
#include "milters/signup/evidence.h"
#include "milters/signup/grant.h"
#include "subject_words.h"

static const char *const failure_names[] = { "local", "accept", "defer", NULL };

static const char *check_packages(const char *value)
{
	return value[0] == '/' ? NULL : "write the file's whole path, such as \"/etc/userplans\"";
}

/* clang-format off */
#define OPTION_AT(member) offsetof(struct signup_options, member)
#define RULE_ROWS(rule, name, preset, what, limit_what) \
	{ OPTION_CHOICE, name, "defer", 0, 0, action_names, NULL, OPTION_AT(action) + (rule) * sizeof(int), what }, \
	{ OPTION_STRING, name "_limit", preset, 0, 0, NULL, grant_check_numbers, \
	  OPTION_AT(limit) + (rule) * sizeof(const char *), limit_what }
#define PERCENT_ROW(evidence, name, preset, what) \
	{ OPTION_NUMBER, name "_percent", preset, 1, 12800, NULL, NULL, OPTION_AT(percent) + (evidence) * sizeof(int64_t), what }

static const struct option rows[] = {
	MILTER_ROWS(struct signup_options, "\"outbound\""),
	RULE_ROWS(SIGNUP_VICTIM, "victim_messages", "\"3/4\"",
	  "Too many messages from forms of all accounts and servers to one recipient: somebody enters a victim's address everywhere.",
	  "Its limit in any hour and in any day."),
	RULE_ROWS(SIGNUP_CLIENT, "client_recipients", "\"5/10\"",
	  "Too many new recipients entered into forms from one client network (IPv4 /24, IPv6 /48), where PHP tells it.",
	  "Its limit in any hour and in any day."),
	RULE_ROWS(SIGNUP_SCRIPT, "script_recipients", "\"20/40\"",
	  "Too many new recipients of one script, or of one login that a program uses.",
	  "Its limit in any hour and in any day, before evidence raises or lowers it."),
	RULE_ROWS(SIGNUP_PROVIDER, "provider_recipients", "\"20/60\"",
	  "Too many new recipients of one account at one large provider.",
	  "Its limit in any hour and in any day, before evidence raises or lowers it."),
	RULE_ROWS(SIGNUP_ACCOUNT, "account_recipients", "\"40/120\"",
	  "Too many new recipients of one account.",
	  "Its limit in any hour and in any day, before evidence raises or lowers it."),
	{ OPTION_LIST, "limits", "{}", 0, 0, NULL, grant_check, OPTION_AT(limits),
	  "Other limits for some: \"package gold account_recipients 100/400\", \"account bob script_recipients 50/200\", "
	  "\"mailbox news@bob.example account_recipients 200/1000\"; the mailbox wins over the account, the account over the package." },
	{ OPTION_LIST, "packages", "{}", 0, 0, NULL, check_packages, OPTION_AT(packages),
	  "Files with lines of the form account: package, watched for changes, such as cPanel's \"/etc/userplans\"." },
	PERCENT_ROW(SIGNUP_MACHINE, "machine", "100",
	  "How much of their limits is left to messages that a program wrote, in percent."),
	PERCENT_ROW(SIGNUP_PERSONAL, "personal", "400",
	  "To those that a person wrote who logged in."),
	PERCENT_ROW(SIGNUP_SUBJECT, "subject", "40",
	  "To those with a word of subject_words in their subject."),
	PERCENT_ROW(SIGNUP_TRADE, "trade", "1600",
	  "To those with a word of trade_words."),
	PERCENT_ROW(SIGNUP_LIST, "list", "10000",
	  "To newsletters and mailing lists (List-Id, List-Unsubscribe)."),
	PERCENT_ROW(SIGNUP_REPLY, "reply", "200",
	  "To answers."),
	PERCENT_ROW(SIGNUP_ALIKE, "alike", "100",
	  "To those of which several strangers have just got nearly the same text."),
	PERCENT_ROW(SIGNUP_RANDOM, "random", "33",
	  "To those whose new recipients look made up, such as xkqzvwpt@."),
	{ OPTION_NUMBER, "usual_percent", "200", 0, 1000, NULL, NULL, OPTION_AT(usual_percent),
	  "An account's limits never fall below so many percent of the new recipients that it has on its usual day; 0 is never mind." },
	{ OPTION_NUMBER, "usual_most", "500", 0, 100000, NULL, NULL, OPTION_AT(usual_most),
	  "The most new recipients that count as usual." },
	{ OPTION_NUMBER, "sales_percent", "75", 0, 1000, NULL, NULL, OPTION_AT(sales_percent),
	  "Who buys may open an account: so many percent of the new recipients of orders come on top of the limits of sign-up mail." },
	{ OPTION_TIME, "calm", "2h", 0, 86400, NULL, NULL, OPTION_AT(calm),
	  "After so long without a refusal the limits of a day are twice as high, so that visitors do not pay for the bots before them; 0 is never." },
	{ OPTION_TIME, "reject_after", "0s", 0, 604800, NULL, NULL, OPTION_AT(reject_after),
	  "After so long of deferring without a day's pause, defer becomes reject; 0 is never." },
	{ OPTION_TIME, "learning", "2w", 0, 7776000, NULL, NULL, OPTION_AT(learning),
	  "So long after the first start all rules only observe, because nobody's recipients are known yet; see leumund learn-contacts." },
	{ OPTION_LIST, "subject_words", subject_words_preset, 0, 0, NULL, stem_check, OPTION_AT(subject_words),
	  "How words begin that show sign-up mail, in the subject." },
	{ OPTION_LIST, "trade_words", trade_words_preset, 0, 0, NULL, stem_check, OPTION_AT(trade_words),
	  "How words begin that show orders, invoices, shipping." },
	{ OPTION_LIST, "copy_words", copy_words_preset, 0, 0, NULL, stem_check, OPTION_AT(copy_words),
	  "How a subject begins whose other words are a visitor's, or a name: they show nothing." },
	{ OPTION_CHOICE, "on_store_failure", "local", 0, 0, failure_names, NULL, OPTION_AT(on_store_failure),
	  "While the store is away: this server's own counts decide, and recipients that it has not lately seen count as new (local); mail passes; or it is deferred." },
	{ OPTION_LIST, "exempt_accounts", "{}", 0, 0, NULL, exempt_check_account, OPTION_AT(exempt_accounts),
	  "Accounts that no rule concerns: \"cp1005 until 2027-01-31: moves its shop\"." },
	{ OPTION_LIST, "exempt_uids", "{\"0-999: the system's own mail\"}", 0, 0, NULL, exempt_check_uid, OPTION_AT(exempt_uids),
	  "Users whose local mail no rule concerns, by name, number or range, such as Mailman's; a web server's user is not exempt by this." },
	{ OPTION_LIST, "exempt_senders", "{}", 0, 0, NULL, exempt_check_address, OPTION_AT(exempt_senders),
	  "Senders that no rule concerns, by MAIL FROM's address or domain (only the milter sender keeps others from using it): \"*-bounces@lists.example: our mailing lists\"." },
	{ .name = NULL }
};
/* clang-format on */

static bool settings_check(const void *values, const char **option, char *error, size_t size)
{
	const struct signup_options *options = values;
	const char *twice = grant_twice(&options->limits);

	*option = "limits";
	if (twice) {
		snprintf(error, size, "'%.200s': its limit is given twice; leave one of them", twice);
		return false;
	}
	if (options->packages.count == 0 && grant_needs_packages(&options->limits)) {
		snprintf(error, size,
			 "it names a package, but no file says who has which: write packages = {\"/etc/userplans\"}");
		return false;
	}
	return true;
}

const struct section signup_section = {
	.name = "signup",
	.summary = "Mail to strangers is counted: forms without captcha must not flood the world.",
	.options = rows,
	.size = sizeof(struct signup_options),
	.check = settings_check,
};

void settings_limits(const struct signup_options *options, struct signup_limits *out)
{
	*out = (struct signup_limits){
		.usual_percent = (uint32_t)options->usual_percent,
		.usual_most = (uint32_t)options->usual_most,
		.sales_percent = (uint32_t)options->sales_percent,
		.calm_ms = options->calm * 1000,
		.reject_after_ms = options->reject_after * 1000,
	};
	for (unsigned i = 0; i < SIGNUP_RULES; i++) {
		out->action[i] = (enum action)options->action[i];
		(void)grant_numbers(options->limit[i], out->limit[i]);
	}
	for (unsigned i = 0; i < SIGNUP_EVIDENCES; i++)
		out->weight[i] = (uint32_t)options->percent[i];
}
