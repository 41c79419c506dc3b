/*
 * What the store says of one recipient (dossier.h).
 */
#include "milters/recipient/dossier.h"

#include <stdlib.h>

#include "contact.h"
#include "directory/directory.h"
#include "store/complaint.h"
#include "store/contact.h"

#define MEMORY_MOST (4u << 20) /* of one message */

static const struct span none = { "", 0 };

/* The questions of one batch: too large for a thread's stack. */
struct questions {
	size_t count;
	struct store_request requests[STORE_BATCH];
	struct dead_rule dead_rule;
	struct weather_rule weather_rule;
	struct dead_request dead;
	struct contact_request contact;
	struct complaint_request complaint;
	struct limit_request share, budget;
	struct weather_request weather[STORE_BATCH];
	bool has_contact, has_share, has_budget;
	unsigned weather_from, weather_count;
};

void dossier_begin(struct dossier *dossier)
{
	*dossier = (struct dossier){ .first = NULL };
	arena_init(&dossier->memory, MEMORY_MOST);
	dossier->end = &dossier->first;
}

void dossier_end(struct dossier *dossier)
{
	arena_free(&dossier->memory);
}

struct span provider_words(const char *name)
{
	static const char *const words[][2] = {
		{ "microsoft", "Microsoft" }, { "office365", "Microsoft 365" },
		{ "google", "Google" },	      { "yahoo", "Yahoo" },
		{ "apple", "Apple" },	      { "united_internet", "GMX, web.de and Ionos" },
		{ "t_online", "T-Online" },
	};

	for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++)
		if (!strcmp(name, words[i][0]))
			return span_of(words[i][1]);
	return span_of(name);
}

/* ---- who is asked about --------------------------------------------------------------------------------------- */

static bool outlook_fill(struct outlook *outlook, struct dossier *dossier, const struct inquirer *inquirer,
			 const struct view *view)
{
	const struct egress_pool *pool =
		egress_pool_of(inquirer->egress, view->session->who.account, view->session->message.sender.domain);
	const unsigned count = pool->count > 0 ? (unsigned)pool->count : 1;
	const char **addresses = arena_alloc(&dossier->memory, count * sizeof(*addresses));

	outlook->egress = arena_alloc(&dossier->memory, count * sizeof(*outlook->egress));
	if (!addresses || !outlook->egress)
		return false;
	memset(outlook->egress, 0, count * sizeof(*outlook->egress));
	for (unsigned i = 0; i < count; i++)
		addresses[i] = pool->count > 0 ? pool->words[i] : REPUTATION_NO_EGRESS;
	outlook->addresses = addresses;
	outlook->egress_count = count;
	outlook->rule = reputation_budget(inquirer->reputation, outlook->name);
	return true;
}

static struct outlook *outlook_of(struct dossier *dossier, const struct inquirer *inquirer, const struct view *view,
				  const char *domain, bool *is_new)
{
	struct outlook *outlook;
	struct provider provider;

	*is_new = false;
	provider_find(inquirer->providers, view->store, domain, 0, &provider);
	for (outlook = dossier->outlooks; outlook; outlook = outlook->next)
		if (!strcmp(outlook->name, provider.name))
			return outlook;
	outlook = arena_alloc(&dossier->memory, sizeof(*outlook));
	if (!outlook)
		return NULL;
	memset(outlook, 0, sizeof(*outlook));
	memcpy(outlook->name, provider.name, sizeof(outlook->name));
	if (!outlook_fill(outlook, dossier, inquirer, view))
		return NULL;
	outlook->next = dossier->outlooks;
	dossier->outlooks = outlook;
	*is_new = true;
	return outlook;
}

static struct addressee *addressee_new(struct dossier *dossier, const struct recipient *recipient)
{
	struct addressee *addressee = arena_alloc(&dossier->memory, sizeof(*addressee));
	char TEXT_BUFFER buffer[CONTACT_MAX];
	struct text text;

	if (!addressee)
		return NULL;
	text_init(&text, buffer, sizeof(buffer));
	contact_box(recipient->path.local, recipient->path.domain, &text);
	*addressee = (struct addressee){ .recipient = recipient };
	addressee->box = (struct span){ arena_copy(&dossier->memory, text.at, text.len), text.len };
	return addressee->box.at ? addressee : NULL;
}

/* ---- questions ------------------------------------------------------------------------------------------------ */

static void ask_dead(struct questions *questions, const struct addressee *addressee, const struct inquirer *inquirer,
		     struct store *store)
{
	questions->dead_rule = reputation_dead(inquirer->reputation);
	questions->dead.mode = DEAD_LOOK;
	questions->dead.rule = &questions->dead_rule;
	questions->dead.address = addressee->box;
	questions->requests[questions->count++] = dead_ask(&questions->dead, store);
}

/* Its own domains are no strangers. Without the servers' secret there are no fingerprints; then nobody is new, and
 * nobody has complained. */
static void ask_contact(struct questions *questions, struct addressee *addressee, const struct view *view)
{
	const struct mail_path *path = &addressee->recipient->path;
	const struct span account = span_of(view->session->who.account);
	char TEXT_BUFFER buffer[CONTACT_MAX];
	struct store_secret secret;
	struct text text;

	if (account.len == 0 || directory_owns(view->directory, account.at, path->domain, true) ||
	    !store_secret(view->store, &secret))
		return;
	text_init(&text, buffer, sizeof(buffer));
	contact_fold(path->local, path->domain, &text);
	questions->contact.account = questions->complaint.contacts.account = account;
	(void)contact_put(&questions->contact, &secret, (struct span){ text.at, text.len });
	(void)complaint_put(&questions->complaint, &secret, addressee->box);
	addressee->print = questions->contact.prints[0];
	addressee->has_print = questions->has_contact = true;
	questions->complaint.keep_ms = 60000;
	questions->requests[questions->count++] = contact_ask(&questions->contact);
	questions->requests[questions->count++] = complaint_ask(&questions->complaint);
}

static void ask_budgets(struct questions *questions, const struct outlook *outlook, const struct view *view)
{
	const struct span account = span_of(view->session->who.account), name = span_of(outlook->name);

	if (outlook->rule.per_day[BUDGET_UNKNOWN] == 0)
		return;
	budget_limit(&questions->budget, LIMIT_CHECK, &outlook->rule, BUDGET_UNKNOWN, name, none, 1);
	questions->requests[questions->count++] = limit_ask(&questions->budget, view->store);
	questions->has_budget = true;
	if (account.len == 0 || budget_share(&outlook->rule, BUDGET_UNKNOWN) == 0)
		return;
	budget_limit(&questions->share, LIMIT_CHECK, &outlook->rule, BUDGET_UNKNOWN, name, account, 1);
	questions->requests[questions->count++] = limit_ask(&questions->share, view->store);
	questions->has_share = true;
}

static void ask_weather(struct questions *questions, const struct outlook *outlook, const struct inquirer *inquirer,
			struct store *store)
{
	questions->weather_rule = reputation_weather(inquirer->reputation);
	questions->weather_from += questions->weather_count;
	questions->weather_count = 0;
	while (questions->count < STORE_BATCH &&
	       questions->weather_from + questions->weather_count < outlook->egress_count) {
		struct weather_request *request = &questions->weather[questions->weather_count];

		*request = (struct weather_request){
			.mode = WEATHER_LOOK,
			.rule = &questions->weather_rule,
			.provider = span_of(outlook->name),
			.egress = span_of(outlook->addresses[questions->weather_from + questions->weather_count]),
		};
		questions->requests[questions->count++] = weather_ask(request, store);
		questions->weather_count++;
	}
}

/* ---- answers -------------------------------------------------------------------------------------------------- */

static void take_dead(struct dead_request *dead, const struct store_answer *answer, struct addressee *addressee,
		      const struct inquirer *inquirer, const struct view *view)
{
	struct known_mailbox *mailbox = &addressee->mailbox;

	if (!dead_answer(dead, answer)) {
		(void)known_mailbox(inquirer->known, addressee->box, view->now_ms, mailbox);
		return;
	}
	mailbox->mailbox = dead->state == DEAD_DEAD	  ? MAILBOX_DEAD
			   : dead->state != DEAD_WATCHED  ? MAILBOX_UNKNOWN
			   : dead->next_ms > view->now_ms ? MAILBOX_WAITING
							  : MAILBOX_DUE;
	mailbox->said_ms = dead->last_ms;
	mailbox->next_ms = dead->next_ms;
	mailbox->until_ms = dead->until_ms;
	memcpy(mailbox->by, dead->by, sizeof(mailbox->by));
	known_mailbox_put(inquirer->known, addressee->box, mailbox);
}

static void tally_take(struct recipient_tally *tally, struct limit_request *request, struct store *store,
		       const struct store_answer *answer)
{
	limit_answer(request, store, answer);
	const struct limit *limit = &request->limits[0];
	*tally = (struct recipient_tally){
		.is_full = !request->fits,
		.used = limit->used_day > LIMIT_MOST ? LIMIT_MOST : (uint32_t)limit->used_day,
		.limit = limit->per_day,
		.free_ms = limit->free_ms > 0 ? limit->free_ms : 0,
	};
}

static void take_weather(struct questions *questions, const struct store_answer *answers, struct outlook *outlook,
			 const struct inquirer *inquirer, int64_t now_ms)
{
	static const enum recipient_weather as[WEATHER_STATES] = { WEATHER_IS_GREEN, WEATHER_IS_YELLOW, WEATHER_IS_RED,
								   WEATHER_IS_HALF_OPEN };
	const struct span name = span_of(outlook->name);

	for (unsigned i = 0; i < questions->weather_count; i++) {
		struct weather_request *request = &questions->weather[i];
		const unsigned at = questions->weather_from + i;
		struct recipient_egress *egress = &outlook->egress[at];

		if (!weather_answer(request, answers ? &answers[i] : NULL)) {
			*egress = known_weather(inquirer->known, name, outlook->addresses[at], now_ms);
			continue;
		}
		*egress = (struct recipient_egress){ as[request->state], false, request->until_ms };
		known_weather_put(inquirer->known, name, outlook->addresses[at], egress->weather, egress->until_ms);
	}
}

static const struct store_answer *next(const struct store_answer **answers)
{
	return *answers ? (*answers)++ : NULL;
}

static void take_first(struct questions *questions, const struct store_answer *answers, struct addressee *addressee,
		       const struct inquirer *inquirer, const struct view *view, bool counts_new)
{
	take_dead(&questions->dead, next(&answers), addressee, inquirer, view);
	if (questions->has_contact) {
		addressee->is_new = contact_answer(&questions->contact, next(&answers)) &&
				    questions->contact.is_new[0] && counts_new;
		addressee->complained =
			complaint_answer(&questions->complaint, next(&answers)) && questions->complaint.had[0];
	}
	if (questions->has_budget)
		tally_take(&addressee->outlook->budget, &questions->budget, view->store, next(&answers));
	if (questions->has_share)
		tally_take(&addressee->outlook->share, &questions->share, view->store, next(&answers));
	take_weather(questions, answers, addressee->outlook, inquirer, view->now_ms);
}

/* A pool of more addresses than fit beside the rest takes a further trip for each eight of them. */
static void ask_on(struct questions *questions, struct outlook *outlook, const struct inquirer *inquirer,
		   const struct view *view)
{
	struct store_answer *answers;

	while (questions->weather_from + questions->weather_count < outlook->egress_count) {
		questions->count = 0;
		ask_weather(questions, outlook, inquirer, view->store);
		(void)store_run(view->store, questions->requests, questions->count, &answers, 0);
		take_weather(questions, answers, outlook, inquirer, view->now_ms);
		store_answers_free(&answers);
	}
}

struct addressee *dossier_add(struct dossier *dossier, const struct inquirer *inquirer, const struct view *view,
			      const struct recipient *recipient, bool counts_new)
{
	struct addressee *addressee = addressee_new(dossier, recipient);
	struct questions *questions = addressee ? calloc(1, sizeof(*questions)) : NULL;
	struct store_answer *answers;
	bool is_new;

	if (!questions)
		return NULL;
	addressee->outlook = outlook_of(dossier, inquirer, view, recipient->path.domain, &is_new);
	if (!addressee->outlook) {
		free(questions);
		return NULL;
	}
	ask_dead(questions, addressee, inquirer, view->store);
	ask_contact(questions, addressee, view);
	if (is_new) {
		ask_budgets(questions, addressee->outlook, view);
		ask_weather(questions, addressee->outlook, inquirer, view->store);
	}
	if (store_run(view->store, questions->requests, questions->count, &answers, 0) != STORE_OK)
		dossier->without_store = true;
	take_first(questions, answers, addressee, inquirer, view, counts_new);
	store_answers_free(&answers);
	if (is_new)
		ask_on(questions, addressee->outlook, inquirer, view);
	free(questions);
	*dossier->end = addressee;
	dossier->end = &addressee->next;
	return addressee;
}
