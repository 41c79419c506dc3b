/*
 * The commands of `leumund` and their options (commands.h).
 */
#include <stddef.h>

#include "commands.h"

#define WORDS 10000 /* as many as a shell gives */

/* clang-format off */
const struct command commands[] = {
	{ "status", "[--json]", 0, 0, TAKES_CONF | TAKES_RUN | TAKES_JSON,
	  "what the services do, and how they are", command_status },
	{ "check", "", 0, 0, TAKES_CONF | TAKES_RUN,
	  "looks for what is wrong, and says what to do", command_check },
	{ "config", "[SECTION] [--json]", 0, 1, TAKES_CONF | TAKES_RUN | TAKES_JSON,
	  "each option's value, and where it comes from", command_config },
	{ "mta", "postfix|sendmail|exim", 1, 1, TAKES_CONF | TAKES_RUN,
	  "the lines that the MTA's configuration needs", command_mta },
	{ "explain", "ID [--json]", 1, 1, TAKES_CONF | TAKES_RUN | TAKES_JSON,
	  "one decision, by the id in the reply or the log", command_explain },
	{ "history", "ACCOUNT [--since 24h] [--max N] [--json]", 1, 1, TAKES_CONF | TAKES_RUN | TAKES_JSON | TAKES_SINCE | TAKES_SPAN,
	  "an account's decisions, newest first", command_history },
	{ "refusals", "[ACCOUNT] [--json]", 0, 1, TAKES_CONF | TAKES_RUN | TAKES_JSON,
	  "who is refused most, and by which rule", command_refusals },
	{ "show", "ACCOUNT [--json]", 1, 1, TAKES_CONF | TAKES_RUN | TAKES_JSON,
	  "where an account stands with its limits now", command_show },
	{ "limit", "ACCOUNT [NAME HOUR/DAY --until DATE --reason TEXT | NAME --drop] | --list [--json]", 0, 3,
	  TAKES_CONF | TAKES_RUN | TAKES_JSON | TAKES_LIMIT,
	  "other limits for an account, for a time", command_limit },
	{ "reset", "ACCOUNT [NAME] | --victim ADDRESS [--json]", 0, 2, TAKES_CONF | TAKES_RUN | TAKES_JSON | TAKES_VICTIM,
	  "forgets what was counted", command_reset },
	{ "dead", "ADDRESS | --account ACCOUNT [--csv] [--json]", 0, 1, TAKES_CONF | TAKES_RUN | TAKES_JSON | TAKES_CSV | TAKES_ACCOUNT,
	  "mailboxes that do not exist, as their provider said", command_dead },
	{ "release", "ADDRESS [--json]", 1, 1, TAKES_CONF | TAKES_RUN | TAKES_JSON,
	  "such a mailbox may be written to again", command_release },
	{ "who", "ADDRESS|LOGIN|DOMAIN [--as ACCOUNT] [--from HEADER] [--json]", 1, 1,
	  TAKES_CONF | TAKES_RUN | TAKES_JSON | TAKES_SENDING,
	  "whose it is, and what would be decided now", command_who },
	{ "spf", "DOMAIN [--egress ADDRESS[,...]] | check IP HELO MAILFROM | check --batch [--dns ADDRESS[:PORT]] [--json]", 1, 4,
	  TAKES_CONF | TAKES_RUN | TAKES_JSON | TAKES_DNS | TAKES_EMPTY | TAKES_BATCH | TAKES_EGRESS,
	  "what SPF says of a domain's mail from here, or of any sender", command_spf },
	{ "audit", "spf [--egress ADDRESS[,...]] [--dns ADDRESS[:PORT]] [--csv|--json]", 1, 1,
	  TAKES_CONF | TAKES_RUN | TAKES_JSON | TAKES_DNS | TAKES_EGRESS | TAKES_CSV,
	  "the same for every domain of the directory", command_audit },
	{ "provider", "DOMAIN ... [--dns ADDRESS[:PORT]] [--json]", 1, WORDS, TAKES_CONF | TAKES_RUN | TAKES_JSON | TAKES_DNS,
	  "which provider takes the mail of a domain, and by what", command_provider },
	{ "notice", "test", 1, 1, TAKES_CONF | TAKES_RUN,
	  "sends a notice by hook, webhook and mail, and says what comes of it", command_notice },
	{ "learn-contacts", "[FILE ...|-] [--since 62d] [--dry-run] [--json]", 0, WORDS,
	  TAKES_CONF | TAKES_RUN | TAKES_JSON | TAKES_SINCE | TAKES_DRY,
	  "whom accounts have written to, from the MTA's logs", command_learn },
	{ "classify", "--kind mail|reply|log|report [--provider NAME] [--explain]", 0, 0,
	  TAKES_CONF | TAKES_RUN | TAKES_EVIDENCE,
	  "what an answer, a log line or a mail about mail means", command_classify },
	{ "run", "[CONF.D RUN] [--detach]", 0, 2, TAKES_CONF | TAKES_RUN | TAKES_DETACH | TAKES_ROOT,
	  "starts the services and keeps them running", command_run },
	{ "stop", "[RUN]", 0, 1, TAKES_CONF | TAKES_RUN,
	  "ends what `run` started, and waits for it", command_stop },
	{ "reload", "[RUN]", 0, 1, TAKES_CONF | TAKES_RUN,
	  "lets the services read their configuration again", command_reload },
	{ "restart", "[RUN]", 0, 1, TAKES_CONF | TAKES_RUN,
	  "replaces the services without losing a message", command_restart },
	{ "help", "[COMMAND]", 0, 1, TAKES_CONF | TAKES_RUN,
	  "this list, or a command's arguments", command_help },
	/* for the makefile: they have no summary and are not listed */
	{ "manual", "SECTION", 1, 1, 0, NULL, command_manual },
	{ "sample", "SECTION", 1, 1, 0, NULL, command_sample },
	{ "completion", "", 0, 0, 0, NULL, command_completion },
	{ NULL, NULL, 0, 0, 0, NULL, NULL },
};
/* clang-format on */

#define AT(member) offsetof(struct request, member)

/* clang-format off */
const struct command_option command_options[] = {
	{ "config",    'c', true,  false, TAKES_CONF,    AT(call.conf) },
	{ "run",       'r', true,  false, TAKES_RUN,     AT(call.run) },
	{ "json",      0,   false, false, TAKES_JSON,    AT(call.json) },
	{ "detach",    0,   false, false, TAKES_DETACH,  AT(call.detach) },
	{ "stay-root", 'S', false, false, TAKES_ROOT,    AT(call.stay_root) },
	{ "since",     0,   true,  false, TAKES_SINCE,   AT(call.since) },
	{ "max",       0,   true,  false, TAKES_SPAN,    AT(call.max) },
	{ "as",        0,   true,  false, TAKES_SENDING, AT(call.as) },
	{ "from",      0,   true,  true,  TAKES_SENDING, AT(call.from) },
	{ "dns",       0,   true,  false, TAKES_DNS,     AT(call.dns) },
	{ "batch",     0,   false, false, TAKES_BATCH,   AT(call.batch) },
	{ "egress",    0,   true,  false, TAKES_EGRESS,  AT(call.egress) },
	{ "csv",       0,   false, false, TAKES_CSV,     AT(call.csv) },
	{ "dry-run",   0,   false, false, TAKES_DRY,     AT(call.dry_run) },
	{ "until",     0,   true,  false, TAKES_LIMIT,   AT(call.until) },
	{ "reason",    0,   true,  false, TAKES_LIMIT,   AT(call.reason) },
	{ "drop",      0,   false, false, TAKES_LIMIT,   AT(call.drop) },
	{ "list",      0,   false, false, TAKES_LIMIT,   AT(call.list) },
	{ "victim",    0,   true,  false, TAKES_VICTIM,  AT(call.victim) },
	{ "account",   0,   true,  false, TAKES_ACCOUNT, AT(call.account) },
	{ "kind",      0,   true,  false, TAKES_EVIDENCE, AT(call.kind) },
	{ "provider",  0,   true,  false, TAKES_EVIDENCE, AT(call.provider) },
	{ "explain",   0,   false, false, TAKES_EVIDENCE, AT(call.explain) },
	{ "help",      'h', false, false, 0,             AT(help) },
	{ "version",   'V', false, false, 0,             AT(version) },
	{ NULL,        0,   false, false, 0,             0 },
};
/* clang-format on */
