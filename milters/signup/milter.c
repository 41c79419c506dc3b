/*
 * `signup`: a form without captcha must not write to the whole world. Counts the first contacts of each account, script
 * and provider, of each form's visitors and of each victim; what follows is said by the policy.
 *
 * All is done at the end of a message that would pass, in count(): what is refused counts nothing.
 */
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#include "directory/directory.h"
#include "exempt.h"
#include "json.h"
#include "milter.h"
#include "milters/signup/grant.h"
#include "milters/signup/newcomers.h"
#include "milters/signup/packages.h"
#include "milters/signup/sending.h"
#include "milters/signup/settings.h"
#include "milters/signup/warning.h"
#include "provider/provider.h"
#include "setup.h"

#define ACCOUNTS_AT_A_TIME 4096 /* whose texts are remembered, 256 bytes each */
#define ACQUAINTANCES 65536	/* for times without the store */

struct figures {
	_Atomic int64_t learning_until_ms; /* 0: not known */
	_Atomic uint64_t messages, strangers, local;
};

struct signup {
	const struct signup_options *options;
	enum language language;
	struct signup_limits limits;
	struct evidence_words words;
	struct stems *subject, *trade, *copy;
	struct texts_sent *texts;
	struct grants *grants;
	struct packages *packages;
	struct newcomers *newcomers;
	struct providers *providers;
	struct acquaintances *acquaintances;
	struct exemptions *accounts, *uids, *senders;
	struct figures *figures; /* what changes */
};

/* Of one message: what its verdicts and its line in the log point into. */
struct memo_data {
	struct sending *sending;
	char details[LEDGER_COUNTERS][DETAIL_BYTES];
};

/* ---- start and end ----------------------------------------------------------------------------- */

static void signup_stop(void *state)
{
	struct signup *signup = state;

	stems_free(&signup->subject);
	stems_free(&signup->trade);
	stems_free(&signup->copy);
	if (signup->texts) {
		alike_free(&signup->texts->alike);
		pthread_mutex_destroy(&signup->texts->lock);
	}
	free(signup->texts);
	grants_free(&signup->grants);
	packages_free(&signup->packages);
	newcomers_free(&signup->newcomers);
	providers_close(&signup->providers);
	acquaintances_free(&signup->acquaintances);
	exemptions_free(&signup->accounts);
	exemptions_free(&signup->uids);
	exemptions_free(&signup->senders);
	free(signup->figures);
	free(signup);
}

static struct texts_sent *texts_new(void)
{
	struct texts_sent *texts = calloc(1, sizeof(*texts));

	if (!texts)
		return NULL;
	pthread_mutex_init(&texts->lock, NULL);
	texts->alike = alike_new(ACCOUNTS_AT_A_TIME);
	if (texts->alike)
		return texts;
	pthread_mutex_destroy(&texts->lock);
	free(texts);
	return NULL;
}

static bool fill(struct signup *signup)
{
	const struct signup_options *options = signup->options;

	signup->subject = stems_new(options->subject_words.at, options->subject_words.count);
	signup->trade = stems_new(options->trade_words.at, options->trade_words.count);
	signup->copy = stems_new(options->copy_words.at, options->copy_words.count);
	signup->words = (struct evidence_words){ signup->subject, signup->trade, signup->copy };
	signup->texts = texts_new();
	signup->grants = grants_new(&options->limits);
	signup->packages = packages_new(&options->packages);
	signup->newcomers = newcomers_new();
	signup->acquaintances = acquaintances_new(ACQUAINTANCES);
	signup->accounts = exemptions_new(EXEMPT_ACCOUNT, &options->exempt_accounts);
	signup->uids = exemptions_new(EXEMPT_UID, &options->exempt_uids);
	signup->senders = exemptions_new(EXEMPT_ADDRESS, &options->exempt_senders);
	signup->figures = calloc(1, sizeof(*signup->figures));
	return signup->subject && signup->trade && signup->copy && signup->texts && signup->grants &&
	       signup->packages && signup->newcomers && signup->acquaintances && signup->accounts && signup->uids &&
	       signup->senders && signup->figures;
}

static void *signup_start(const struct setup *setup, const void *options, char *error, size_t size)
{
	struct signup *signup = calloc(1, sizeof(*signup));

	snprintf(error, size, "signup: out of memory");
	if (!signup)
		return NULL;
	signup->options = options;
	signup->language = (enum language)setup->leumund->language;
	settings_limits(options, &signup->limits);
	if (fill(signup))
		signup->providers = providers_open(setup->provider, setup->dns, error, size);
	if (signup->providers)
		return signup;
	signup_stop(signup);
	return NULL;
}

static void signup_rest(void *state)
{
	struct signup *signup = state;

	providers_rest(signup->providers);
}

static void *signup_begin(const void *state, const struct view *view)
{
	const enum submission_path path = view->session->who.path;

	(void)state;
	return path == PATH_REMOTE || path == PATH_INTERNAL ? NULL : calloc(1, sizeof(struct memo_data));
}

static void signup_end(void *data)
{
	struct memo_data *memo = data;

	if (memo->sending)
		sending_end(memo->sending);
	free(memo->sending);
	free(memo);
}

/* ---- whose mail is counted --------------------------------------------------------------------- */

static bool is_exempt(const struct signup *signup, const struct view *view)
{
	return exempt_identity(signup->accounts, signup->uids, &view->session->who, view->now_ms) ||
	       exempt_mail_from(signup->senders, &view->session->message, view->now_ms);
}

/* What does not count is remembered all the same: when its exemption ends, its recipients are known. */
static void remember(const struct signup *signup, const struct view *view)
{
	struct strangers strangers;
	struct store_secret secret;

	if (view->session->who.account[0] == '\0' || !store_secret(view->store, &secret) ||
	    !strangers_read(&strangers, view, signup->providers, &secret, span_of("")))
		return;
	strangers_meet(&strangers, view->store, signup->acquaintances);
	strangers_free(&strangers);
}

/* ---- decisions --------------------------------------------------------------------------------- */

/*
 * Whom an account knows has to be learnt first. Mail whose account cannot be told is that of many: where a web server's
 * scripts hide theirs, one limit for all of them would keep the honest ones.
 */
static bool is_learning(const struct signup *signup, const struct view *view)
{
	const int64_t learning_ms = signup->options->learning * 1000, since_ms = store_since(view->store);
	const int64_t until_ms = learning_ms > 0 && since_ms > 0 ? since_ms + learning_ms : 0;

	atomic_store(&signup->figures->learning_until_ms, until_ms);
	return view->session->who.account[0] == '\0' || view->now_ms < until_ms;
}

static struct sending *sending_new(const struct signup *signup, const struct view *view)
{
	const struct identity *who = &view->session->who;
	struct sending *sending = calloc(1, sizeof(*sending));
	char package[PACKAGE_SIZE];

	if (!sending)
		return NULL;
	sending->view = view;
	sending->words = &signup->words;
	sending->texts = signup->texts;
	sending->providers = signup->providers;
	sending->acquaintances = signup->acquaintances;
	sending->limits = signup->limits;
	packages_of(signup->packages, who->account, package);
	sending->own_mailbox = grants_apply(signup->grants, package, who->account, who->mailbox, &sending->limits);
	sending->has_secret = store_secret(view->store, &sending->secret);
	sending->facts.learning = is_learning(signup, view);
	if (sending_begin(sending))
		return sending;
	free(sending);
	return NULL;
}

static void add_findings(const struct signup *signup, struct memo_data *memo, struct decision *decision)
{
	const struct sending *sending = memo->sending;
	const struct ledger *ledger = &sending->ledger;

	for (size_t i = 0; i < ledger->counter_count; i++) {
		struct signup_finding finding = ledger->counters[i].finding;
		struct text text;

		if (!finding.verdict.rule)
			continue;
		text_init(&text, memo->details[i], sizeof(memo->details[i]));
		detail_write(&finding, sending->kind, signup->language, sending->facts.now_ms, &text);
		finding.verdict.detail = (struct span){ text.at, text.len };
		decision_add(decision, finding.verdict);
	}
}

/* What is done while the store is away, unless this process decides. True: that was it. */
static bool failure_decide(const struct signup *signup, struct sending *sending, struct decision *decision)
{
	static const char *const words[LANGUAGES] = {
		[LANGUAGE_EN] = "they cannot be counted now; try again later",
		[LANGUAGE_DE] = "sie koennen gerade nicht gezaehlt werden; bitte spaeter erneut senden",
	};

	switch ((enum signup_failure)signup->options->on_store_failure) {
	case SIGNUP_FAILURE_DEFER:
		decision_add(decision, (struct verdict){ sending->facts.learning ? ACTION_OBSERVE : ACTION_DEFER,
							 &signup_rules[SIGNUP_ACCOUNT],
							 span_of(sending->view->session->who.account),
							 span_of(words[signup->language]),
							 { "", 0 },
							 false });
		return true;
	case SIGNUP_FAILURE_ACCEPT:
		sending_pass(sending);
		return true;
	case SIGNUP_FAILURE_LOCAL:
		break;
	}
	return false;
}

static void count(const struct signup *signup, struct memo_data *memo, struct decision *decision)
{
	struct sending *sending = memo->sending;
	const struct view *view = sending->view;

	if (sending->strangers.count == 0)
		return;
	if (!sending_look(sending)) {
		atomic_fetch_add(&signup->figures->local, 1);
		if (failure_decide(signup, sending, decision))
			return;
	}
	sending_count(sending);
	add_findings(signup, memo, decision);
	if (!ledger_objects(&sending->ledger))
		sending_pass(sending);
	if (!sending->facts.learning)
		warning_post(view, &sending->ledger, sending->kind);
	if (sending->ledger.tried_before)
		return; /* it is in these figures since its first try */
	atomic_fetch_add(&signup->figures->messages, 1);
	atomic_fetch_add(&signup->figures->strangers, sending->strangers.new_count);
}

static void signup_count(const void *state, const struct view *view, struct decision *decision)
{
	const struct signup *signup = state;
	struct memo_data *memo = view->memo;

	if (!view->store || view->session->who.path == PATH_INTERNAL)
		return;
	if (view->session->who.path == PATH_REMOTE) {
		newcomers_learn(signup->newcomers, view);
		return;
	}
	if (is_exempt(signup, view)) {
		remember(signup, view);
		return;
	}
	if (!memo || memo->sending)
		return;
	memo->sending = sending_new(signup, view);
	if (!memo->sending)
		return;
	count(signup, memo, decision);
	memo->sending->view = NULL; /* it ends with this call */
}

/* ---- what is told ------------------------------------------------------------------------------ */

static void put_evidence(struct text *line, unsigned evidence)
{
	char separator = '=';

	text_str(line, " evidence");
	for (unsigned i = 0; i < SIGNUP_EVIDENCES; i++) {
		if (!SIGNUP_HAS(evidence, i))
			continue;
		text_char(line, separator);
		text_str(line, signup_evidence_names[i]);
		separator = ',';
	}
	if (separator == '=')
		text_str(line, "=none");
}

/* The counter that is nearest to its limit. */
static void put_fullest(struct text *line, const struct ledger *ledger)
{
	uint64_t most = 0, used = 0, limit = 0;
	const struct counter *fullest = NULL;

	for (size_t i = 0; i < ledger->counter_count; i++) {
		const struct counter *counter = &ledger->counters[i];

		for (unsigned window = 0; counter->adds > 0 && window < SIGNUP_WINDOWS; window++) {
			const uint64_t now = counter->tally.used[window];
			const uint64_t of = ledger_limit(ledger, counter, (enum signup_window)window);

			if (of == 0 || (fullest && (now + 1) * 1000 / of <= most))
				continue;
			most = (now + 1) * 1000 / of;
			used = now;
			limit = of;
			fullest = counter;
		}
	}
	if (!fullest)
		return;
	text_str(line, " limit=");
	text_str(line, signup_rules[fullest->rule].name);
	text_char(line, ':');
	text_u64(line, used);
	text_char(line, '/');
	text_u64(line, limit);
}

static void signup_note(const void *state, const struct view *view, struct text *line)
{
	const struct memo_data *memo = view->memo;
	const struct sending *sending = memo ? memo->sending : NULL;

	(void)state;
	if (!sending)
		return;
	text_str(line, " kind=");
	text_str(line, signup_kind_names[sending->kind]);
	text_str(line, " new=");
	text_u64(line, sending->strangers.new_count);
	put_evidence(line, sending->facts.evidence);
	if (sending->strangers.new_count == 0)
		return;
	text_str(line, " percent=");
	text_u64(line, signup_percent(sending->facts.evidence, &sending->limits));
	put_fullest(line, &sending->ledger);
	if (sending->facts.learning)
		text_str(line, " learning=yes");
	if (!sending->strangers.answered)
		text_str(line, " store=away");
}

static void signup_status(const void *state, struct text *json)
{
	const struct signup *signup = state;
	const struct figures *figures = signup->figures;

	json_member_u64(json, "learning_until_ms", (uint64_t)atomic_load(&figures->learning_until_ms));
	json_member_u64(json, "learning_s", (uint64_t)signup->options->learning);
	json_member_u64(json, "messages", atomic_load(&figures->messages));
	json_member_u64(json, "first_contacts", atomic_load(&figures->strangers));
	json_member_u64(json, "without_store", atomic_load(&figures->local));
}

const struct milter milter_signup = {
	.name = "signup",
	.summary = "mail to strangers is counted: forms without captcha must not flood the world",
	.section = &signup_section,
	.rules = signup_rules,
	.needs = NEED_RCPT | NEED_HEADERS | NEED_BODY | NEED_IDENTITY,
	.headers = letter_headers,
	.start = signup_start,
	.stop = signup_stop,
	.rest = signup_rest,
	.begin = signup_begin,
	.end = signup_end,
	.count = signup_count,
	.note = signup_note,
	.status = signup_status,
};
