/*
 * `recipient`: what a provider has said of a mailbox, of our addresses and of an account's mail decides whether one
 * more message goes there.
 *
 * At RCPT is said what is about the recipient alone: a dead mailbox, a provider that blocks. What depends on the kind
 * of mail is known with its header, and then concerns the message. At the end of one that passes, attempts, probes and
 * room for first contacts are taken.
 */
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#include "contact.h"
#include "exempt.h"
#include "json.h"
#include "milters/recipient/detail.h"
#include "milters/recipient/dossier.h"
#include "milters/recipient/letter.h"
#include "milters/recipient/parting.h"
#include "milters/recipient/settings.h"
#include "store/contact.h"

struct figures {
	_Atomic uint64_t recipients, dead, blocked, waited, local;
};

struct guard {
	const struct recipient_options *options;
	const struct setup *setup;
	enum language language;
	struct recipient_limits limits;
	struct inquirer inquirer;
	struct stems *trade;
	struct exemptions *accounts, *uids, *senders;
	bool remembers;		 /* no other milter remembers whom accounts write to */
	struct figures *figures; /* what changes */
};

/* ---- start and end -------------------------------------------------------------------------------------------- */

static void guard_stop(void *state)
{
	struct guard *guard = state;

	stems_free(&guard->trade);
	providers_close(&guard->inquirer.providers);
	egress_free(&guard->inquirer.egress);
	known_free(&guard->inquirer.known);
	exemptions_free(&guard->accounts);
	exemptions_free(&guard->uids);
	exemptions_free(&guard->senders);
	free(guard->figures);
	free(guard);
}

static bool fill(struct guard *guard)
{
	const struct recipient_options *options = guard->options;

	guard->trade = stems_new(options->trade_words.at, options->trade_words.count);
	guard->accounts = exemptions_new(EXEMPT_ACCOUNT, &options->exempt_accounts);
	guard->uids = exemptions_new(EXEMPT_UID, &options->exempt_uids);
	guard->senders = exemptions_new(EXEMPT_ADDRESS, &options->exempt_senders);
	guard->inquirer.known = known_new();
	guard->figures = calloc(1, sizeof(*guard->figures));
	return guard->trade && guard->accounts && guard->uids && guard->senders && guard->inquirer.known &&
	       guard->figures;
}

static void *guard_start(const struct setup *setup, const void *options, char *error, size_t size)
{
	const struct milter_options *signup = config_section(setup->config, "signup");
	struct guard *guard = calloc(1, sizeof(*guard));

	snprintf(error, size, "recipient: out of memory");
	if (!guard)
		return NULL;
	guard->options = options;
	guard->setup = setup;
	guard->language = (enum language)setup->leumund->language;
	/* who counts first contacts remembers them himself, after he has looked: not before him */
	guard->remembers = !signup || !signup->enable;
	guard->inquirer.reputation = setup->reputation;
	recipient_settings_limits(options, &guard->limits);
	if (fill(guard))
		guard->inquirer.egress = egress_new(setup->egress, error, size);
	if (guard->inquirer.egress)
		guard->inquirer.providers = providers_open(setup->provider, setup->dns, error, size);
	if (guard->inquirer.providers)
		return guard;
	guard_stop(guard);
	return NULL;
}

static void guard_rest(void *state)
{
	struct guard *guard = state;

	providers_rest(guard->inquirer.providers);
}

static void *guard_begin(const void *state, const struct view *view)
{
	const enum submission_path path = view->session->who.path;
	struct dossier *dossier;

	(void)state;
	if (path == PATH_REMOTE || path == PATH_INTERNAL)
		return NULL;
	dossier = calloc(1, sizeof(*dossier));
	if (dossier)
		dossier_begin(dossier);
	return dossier;
}

static void guard_end(void *memo)
{
	dossier_end(memo);
	free(memo);
}

/* ---- facts ---------------------------------------------------------------------------------------------------- */

static bool is_exempt(const struct guard *guard, const struct view *view)
{
	return exempt_identity(guard->accounts, guard->uids, &view->session->who, view->now_ms) ||
	       exempt_mail_from(guard->senders, &view->session->message, view->now_ms);
}

/* Whom an account knows has to be learnt first. */
static bool counts_new(const struct guard *guard, const struct view *view)
{
	const int64_t since_ms = store_since(view->store);

	return guard->options->learning == 0 ||
	       (since_ms > 0 && view->now_ms >= since_ms + guard->options->learning * 1000);
}

/* A command's mail that "later" cannot be said to goes the way that the admin has chosen for all milters. */
static enum recipient_path path_of(const struct guard *guard, const struct session *session)
{
	if (session->connection.local_command && !session->connection.can_wait) {
		const enum action instead = setup_instead_of_defer(guard->setup);

		return instead == ACTION_HOLD	  ? RECIPIENT_HELD
		       : instead == ACTION_REJECT ? RECIPIENT_SHOWN
						  : RECIPIENT_QUEUE;
	}
	switch (session->who.path) {
	case PATH_COMMAND:
		return RECIPIENT_QUEUE;
	case PATH_LOOPBACK:
		return RECIPIENT_SHOWN;
	default:
		return RECIPIENT_PERSON;
	}
}

static struct recipient_facts facts_of(const struct guard *guard, const struct view *view,
				       const struct addressee *addressee)
{
	const struct outlook *outlook = addressee->outlook;
	const struct known_mailbox *mailbox = &addressee->mailbox;

	return (struct recipient_facts){
		.address = span_of(addressee->recipient->rcpt_to),
		.domain = span_of(addressee->recipient->path.domain),
		.provider = provider_words(outlook->name),
		.kind = addressee->kind,
		.path = path_of(guard, view->session),
		.mailbox = mailbox->mailbox,
		.said_by = span_of(mailbox->by),
		.said_ms = mailbox->said_ms,
		.next_ms = mailbox->next_ms,
		.egress = outlook->egress,
		.egress_count = outlook->egress_count,
		.share = outlook->share,
		.budget = outlook->budget,
		.complained = addressee->complained,
		.now_ms = view->now_ms,
	};
}

/* ---- decisions ------------------------------------------------------------------------------------------------ */

static void figure(const struct guard *guard, const struct recipient_finding *finding)
{
	switch (finding->verdict.rule - recipient_rules) {
	case RECIPIENT_DEAD:
	case RECIPIENT_WAITING:
		atomic_fetch_add(&guard->figures->dead, 1);
		break;
	case RECIPIENT_BLOCKED:
		atomic_fetch_add(&guard->figures->blocked, 1);
		break;
	default:
		atomic_fetch_add(&guard->figures->waited, 1);
	}
}

/* For its owner's list of dead mailboxes, and the admin: how often somebody still wrote to it. */
static void refusal_post(const struct guard *guard, const struct view *view, const struct addressee *addressee)
{
	const struct dead_rule rule = reputation_dead(guard->inquirer.reputation);
	struct dead_request request = {
		.mode = DEAD_REFUSE,
		.rule = &rule,
		.address = addressee->box,
		.token = span_of(view->session->message.id),
		.account = span_of(view->session->who.account),
	};
	const struct store_request asked = dead_ask(&request, view->store);

	(void)store_post(view->store, &asked);
}

/* True: it objects, with more than a note. */
static bool decide(const struct guard *guard, const struct view *view, enum recipient_rule rule,
		   const struct recipient_facts *facts, struct decision *decision)
{
	struct dossier *dossier = view->memo;
	struct recipient_finding finding = recipient_decide(rule, facts, &guard->limits);
	char *detail;

	if (!finding.verdict.rule)
		return false;
	detail = arena_alloc(&dossier->memory, RECIPIENT_DETAIL_BYTES);
	if (detail) {
		struct text text;

		text_init(&text, detail, RECIPIENT_DETAIL_BYTES);
		recipient_detail_write(&finding, facts, guard->language, &text);
		finding.verdict.detail = (struct span){ text.at, text.len };
	}
	decision_add(decision, finding.verdict);
	if (finding.verdict.action > ACTION_OBSERVE)
		figure(guard, &finding);
	return finding.verdict.action > ACTION_OBSERVE;
}

/* Half open: while others can be told only with the header, those who may be a probe pass here, and are asked at the
 * end. */
static void hope_for_probe(const struct recipient_facts *facts, struct outlook *outlook)
{
	const bool may = recipient_may_probe(facts);

	for (unsigned i = 0; i < outlook->egress_count; i++)
		outlook->egress[i].is_probe = may && outlook->egress[i].weather == WEATHER_IS_HALF_OPEN;
}

static void check_recipient(const struct guard *guard, const struct view *view, struct decision *decision)
{
	struct addressee *addressee;
	struct recipient_facts facts;

	if (view->recipient->path.domain[0] == '\0')
		return;
	addressee = dossier_add(view->memo, &guard->inquirer, view, view->recipient, counts_new(guard, view));
	if (!addressee)
		return;
	atomic_fetch_add(&guard->figures->recipients, 1);
	addressee->kind = is_exempt(guard, view) ? RECIPIENT_EXEMPT
			  : addressee->is_new	 ? RECIPIENT_FIRST
						 : RECIPIENT_KNOWN;
	facts = facts_of(guard, view, addressee);
	hope_for_probe(&facts, addressee->outlook);
	if (decide(guard, view, RECIPIENT_DEAD, &facts, decision) ||
	    decide(guard, view, RECIPIENT_WAITING, &facts, decision))
		refusal_post(guard, view, addressee);
	(void)decide(guard, view, RECIPIENT_BLOCKED, &facts, decision);
}

/* What the header tells. */
static void kinds_find(const struct guard *guard, const struct view *view)
{
	const struct dossier *dossier = view->memo;
	const bool is_bulk = recipient_is_bulk(view->session);
	const bool is_order = !is_bulk && recipient_is_order(view->session, guard->trade);

	for (struct addressee *one = dossier->first; one; one = one->next)
		if (one->kind != RECIPIENT_EXEMPT && (is_bulk || is_order))
			one->kind = is_bulk ? RECIPIENT_BULK : RECIPIENT_ORDER;
}

static bool is_half_open(const struct outlook *outlook)
{
	for (unsigned i = 0; i < outlook->egress_count; i++)
		if (outlook->egress[i].weather == WEATHER_IS_HALF_OPEN)
			return true;
	return false;
}

static void check_message(const struct guard *guard, const struct view *view, struct decision *decision)
{
	static const enum recipient_rule rules[] = { RECIPIENT_COMPLAINED, RECIPIENT_SHARE, RECIPIENT_BUDGET,
						     RECIPIENT_WARNED };
	const struct dossier *dossier = view->memo;

	kinds_find(guard, view);
	for (struct addressee *one = dossier->first; one; one = one->next) {
		struct recipient_facts facts;

		if (one->recipient->refused)
			continue;
		facts = facts_of(guard, view, one);
		for (size_t i = 0; i < sizeof(rules) / sizeof(*rules); i++)
			(void)decide(guard, view, rules[i], &facts, decision);
		/* it was hoped to be a probe, and is a newsletter */
		if (one->kind == RECIPIENT_BULK && !one->is_new && is_half_open(one->outlook)) {
			hope_for_probe(&facts, one->outlook);
			(void)decide(guard, view, RECIPIENT_BLOCKED, &facts, decision);
		}
		if (one->is_new && (one->kind == RECIPIENT_FIRST || one->kind == RECIPIENT_BULK))
			one->outlook->strangers++;
	}
}

static void guard_check(const void *state, const struct view *view, struct decision *decision)
{
	const enum submission_path path = view->session->who.path;

	if (!view->memo || path == PATH_REMOTE || path == PATH_INTERNAL)
		return;
	if (view->stage == STAGE_RCPT)
		check_recipient(state, view, decision);
	else if (view->stage == STAGE_END)
		check_message(state, view, decision);
}

/* ---- the end of a message that passes ------------------------------------------------------------------------- */

struct hope {
	const struct guard *guard;
	const struct view *view;
};

static bool may_probe(void *arg, const struct addressee *addressee)
{
	const struct hope *hope = arg;
	const struct recipient_facts facts = facts_of(hope->guard, hope->view, addressee);

	return recipient_may_probe(&facts);
}

/* Doing it twice is the same as once. */
static void remember(const struct view *view, const struct dossier *dossier)
{
	struct contact_request request = { .mode = CONTACT_ADD, .account = span_of(view->session->who.account) };

	for (const struct addressee *one = dossier->first; one; one = one->next) {
		if (one->has_print && !one->recipient->refused)
			request.prints[request.count++] = one->print;
		if (request.count > 0 && (request.count == CONTACTS || !one->next)) {
			const struct store_request asked = contact_ask(&request);

			(void)store_post(view->store, &asked);
			request.count = 0;
		}
	}
}

static bool was_objected(const struct decision *decision)
{
	return decision->verdict.action > ACTION_OBSERVE;
}

/* What others were quicker to take. */
static void decide_again(const struct guard *guard, const struct view *view, struct decision *decision)
{
	const struct dossier *dossier = view->memo;

	for (const struct addressee *one = dossier->first; one; one = one->next) {
		struct recipient_facts facts;

		if (one->recipient->refused)
			continue;
		facts = facts_of(guard, view, one);
		if (one->is_taken) {
			(void)decide(guard, view, RECIPIENT_DEAD, &facts, decision);
			(void)decide(guard, view, RECIPIENT_WAITING, &facts, decision);
		}
		if (is_half_open(one->outlook) && recipient_may_probe(&facts))
			(void)decide(guard, view, RECIPIENT_BLOCKED, &facts, decision);
		if (one->outlook->is_taken)
			(void)decide(guard, view, RECIPIENT_BUDGET, &facts, decision);
	}
}

static void guard_count(const void *state, const struct view *view, struct decision *decision)
{
	const struct guard *guard = state;
	struct dossier *dossier = view->memo;
	struct hope hope = { guard, view };
	char token[RECIPIENT_TOKEN_SIZE];

	if (!dossier || !dossier->first)
		return;
	parting_take(dossier, &guard->inquirer, view, recipient_token(view->session, token), may_probe, &hope);
	if (!was_objected(decision))
		decide_again(guard, view, decision);
	if (dossier->without_store)
		atomic_fetch_add(&guard->figures->local, 1);
	if (guard->remembers && !was_objected(decision))
		remember(view, dossier);
}

/* ---- what is told --------------------------------------------------------------------------------------------- */

#define PROVIDERS_NOTED 3

static void put_providers(struct text *line, const struct outlook *outlook)
{
	char separator = '=';

	text_str(line, " provider");
	for (unsigned i = 0; outlook && i < PROVIDERS_NOTED; outlook = outlook->next, i++) {
		text_char(line, separator);
		text_word(line, outlook->name, strlen(outlook->name), DOMAIN_MAX);
		separator = ',';
	}
	if (outlook)
		text_str(line, ",...");
}

static const char *worst_weather(const struct outlook *outlook)
{
	static const char *const words[] = { "unknown", "green", "yellow", "half_open", "red" };
	enum recipient_weather worst = WEATHER_NOT_KNOWN;

	for (; outlook; outlook = outlook->next)
		for (unsigned i = 0; i < outlook->egress_count; i++)
			if (outlook->egress[i].weather > worst)
				worst = outlook->egress[i].weather;
	return words[worst];
}

static void guard_note(const void *state, const struct view *view, struct text *line)
{
	const struct dossier *dossier = view->memo;
	unsigned dead = 0;

	(void)state;
	if (!dossier || !dossier->first)
		return;
	for (const struct addressee *one = dossier->first; one; one = one->next)
		dead += one->mailbox.mailbox >= MAILBOX_WAITING;
	put_providers(line, dossier->outlooks);
	text_str(line, " weather=");
	text_str(line, worst_weather(dossier->outlooks));
	text_str(line, " dead=");
	text_u64(line, dead);
}

static void guard_status(const void *state, struct text *json)
{
	const struct guard *guard = state;
	const struct figures *figures = guard->figures;

	json_member_u64(json, "recipients", atomic_load(&figures->recipients));
	json_member_u64(json, "dead_refused", atomic_load(&figures->dead));
	json_member_u64(json, "blocked", atomic_load(&figures->blocked));
	json_member_u64(json, "waited", atomic_load(&figures->waited));
	json_member_u64(json, "store_away", atomic_load(&figures->local));
}

const struct milter milter_recipient = {
	.name = "recipient",
	.summary = "mail is kept from mailboxes that do not exist and from providers that block us",
	.section = &recipient_section,
	.rules = recipient_rules,
	.needs = NEED_RCPT | NEED_HEADERS | NEED_IDENTITY,
	.headers = recipient_headers,
	.start = guard_start,
	.stop = guard_stop,
	.rest = guard_rest,
	.begin = guard_begin,
	.end = guard_end,
	.check = guard_check,
	.count = guard_count,
	.note = guard_note,
	.status = guard_status,
};
