/*
 * One message on its way through the counters (sending.h).
 */
#include "milters/signup/sending.h"

#include "contact.h"
#include "hash.h"
#include "milters/signup/sketch.h"

/* More recipients than this has nothing that a form sends: the visitor, and a copy or two for its owner. */
#define FORM_RECIPIENTS 3

#define DETAIL_NAME_BYTES 400 /* of what counters are called by */

static const struct span none = { "", 0 };

static const char *account_of(const struct sending *sending)
{
	return sending->view->session->who.account;
}

static bool is_form(const struct sending *sending)
{
	return sending->kind == SIGNUP_CONFIRM || sending->kind == SIGNUP_PROGRAM;
}

/* ---- what is known without the store ----------------------------------------------------------- */

/* How many strangers got nearly this text before; `more` get it now. */
static uint32_t alike_now(const struct sending *sending, uint32_t more)
{
	const uint64_t account = hash_lower(account_of(sending), strlen(account_of(sending)));
	uint32_t before;

	if (sending->view->session->message.recipient_count > FORM_RECIPIENTS)
		return 0;
	pthread_mutex_lock(&sending->texts->lock);
	before = alike_add(sending->texts->alike, account, sending->letter.sketch, more, sending->view->now_ms);
	pthread_mutex_unlock(&sending->texts->lock);
	return before;
}

bool sending_begin(struct sending *sending)
{
	const struct session *session = sending->view->session;

	letter_read(session, &sending->letter);
	sending->letter.facts.alike = alike_now(sending, 0);
	sending->facts.evidence = evidence_of(&sending->letter.facts, sending->words);
	sending->facts.now_ms = sending->view->now_ms;
	sending->kind = signup_kind_of(sending->facts.evidence);
	sending->ledger.facts = &sending->facts;
	sending->ledger.limits = &sending->limits;
	sending->ledger.tried_before = session->message.tried_before;
	if (!strangers_read(&sending->strangers, sending->view, sending->providers,
			    sending->has_secret ? &sending->secret : NULL, span_of(signup_kind_names[sending->kind])))
		return false;
	sending->ledger.token = letter_token(session, sending->secret.key, sending->strangers.sum, sending->token);
	return true;
}

void sending_end(struct sending *sending)
{
	strangers_free(&sending->strangers);
}

/* ---- counters ---------------------------------------------------------------------------------- */

static void add(struct sending *sending, enum signup_rule rule, const char *what, const char *name, const char *about)
{
	char TEXT_BUFFER buffer[DETAIL_NAME_BYTES];
	struct text text;

	text_init(&text, buffer, sizeof(buffer));
	text_mem(&text, name, strnlen(name, DETAIL_NAME_BYTES / 2));
	if (name[0] != '\0')
		text_char(&text, ':');
	text_str(&text, signup_kind_names[sending->kind]);
	ledger_add(&sending->ledger, rule, what, (struct span){ text.at, text.len }, span_of(about));
}

/* A program that logs in is known by its login. */
static const char *script_of(const struct sending *sending)
{
	const struct identity *who = &sending->view->session->who;

	return who->script[0] != '\0' ? who->script : who->mailbox[0] != '\0' ? who->mailbox : who->account;
}

static bool is_listed(const struct sending *sending, size_t before, const char *group)
{
	for (size_t i = 0; i < before; i++)
		if (sending->strangers.at[i].group && !strcmp(sending->strangers.at[i].group, group))
			return true;
	return false;
}

static void add_of_account(struct sending *sending)
{
	const struct identity *who = &sending->view->session->who;
	const struct strangers *strangers = &sending->strangers;
	size_t groups = 0;

	ledger_open(&sending->ledger, span_of(who->account), none);
	if (sending->own_mailbox)
		add(sending, SIGNUP_ACCOUNT, "mailbox", who->mailbox, who->mailbox);
	else
		add(sending, SIGNUP_ACCOUNT, "account", "", who->account);
	if (sending->kind != SIGNUP_PERSON)
		add(sending, SIGNUP_SCRIPT, "script", script_of(sending), script_of(sending));
	for (size_t i = 0; i < strangers->count && groups < LEDGER_GROUPS; i++) {
		const char *group = strangers->at[i].group;

		if (!group || is_listed(sending, i, group))
			continue;
		add(sending, SIGNUP_PROVIDER, "provider", group, group);
		groups++;
	}
	if (sending->kind == SIGNUP_CONFIRM)
		sending->ledger.sale = signup_kind_names[SIGNUP_SALE];
}

static void add_victims(struct sending *sending)
{
	for (size_t i = 0; i < sending->strangers.count && i < LEDGER_VICTIMS; i++) {
		const struct recipient *one = sending->strangers.at[i].recipient;
		const struct mail_path path = stranger_path(one);
		char TEXT_BUFFER buffer[CONTACT_MAX];
		struct text box;

		text_init(&box, buffer, sizeof(buffer));
		contact_box(path.local, path.domain, &box);
		contact_victim(sending->victims[i], &sending->secret, (struct span){ box.at, box.len });
		ledger_open(&sending->ledger, span_of(sending->victims[i]), span_of("victim"));
		ledger_add(&sending->ledger, SIGNUP_VICTIM, "victim", none, span_of(one->rcpt_to));
		ledger_add_bare(&sending->ledger, SIGNUP_VICTIM, "from", span_of(account_of(sending)));
	}
}

static void counters_find(struct sending *sending)
{
	add_of_account(sending);
	if (!is_form(sending))
		return;
	if (sending->letter.visitor[0] != '\0') {
		ledger_open(&sending->ledger, span_of(sending->letter.visitor), span_of("client"));
		ledger_add(&sending->ledger, SIGNUP_CLIENT, "client", none, span_of(sending->letter.visitor));
	}
	if (sending->has_secret)
		add_victims(sending);
}

/*
 * Whoever was met minutes ago is a stranger still: a form that is fed the same victim again and again must not go on
 * because it has met him. So whom this account has brought in today is counted on. One whom it has known for longer is
 * not: else a few bots' mails to him would keep the new passwords from him that he asks of all others.
 */
static uint32_t adds_of_victim(const struct sending *sending, const struct counter *from, size_t at)
{
	if (sending->strangers.at[at].is_new)
		return 1;
	return sending->strangers.count == 1 && sending->kind == SIGNUP_CONFIRM && from->tally.used[SIGNUP_DAY] > 0;
}

static uint32_t adds_of_group(const struct sending *sending, struct span group)
{
	uint32_t adds = 0;

	for (size_t i = 0; i < sending->strangers.count; i++) {
		const struct stranger *one = &sending->strangers.at[i];

		adds += one->is_new && one->group && !strcmp(one->group, group.at);
	}
	return adds;
}

static void adds_find(struct sending *sending)
{
	size_t victim = 0;

	for (size_t i = 0; i < sending->ledger.counter_count; i++) {
		struct counter *counter = &sending->ledger.counters[i];

		switch (counter->rule) {
		case SIGNUP_VICTIM: /* and the bare one behind it: see add_victims() */
			if (!counter->is_bare)
				counter[0].adds = counter[1].adds = adds_of_victim(sending, &counter[1], victim++);
			break;
		case SIGNUP_PROVIDER:
			counter->adds = adds_of_group(sending, counter->tally.about);
			break;
		default:
			counter->adds = sending->strangers.new_count;
		}
	}
}

/* ---- trips ------------------------------------------------------------------------------------- */

static bool is_answered(const struct store_answer *answers, size_t count)
{
	for (size_t i = 0; answers && i < count; i++)
		if (answers[i].result != STORE_OK)
			return false;
	return answers != NULL;
}

/* What does not go with the counters goes alone: that many recipients are rare. */
#define LOOKS_ALONE (STRANGERS_LOOKED / CONTACTS)

struct looks {
	size_t count, batches;
	struct store_answer *owned[1 + LOOKS_ALONE]; /* to be given back */
	const struct store_answer *at[LOOKS_ALONE];
};

static bool look_on(struct sending *sending, struct looks *looks)
{
	struct store_request requests[STORE_BATCH];
	size_t count = 0;

	for (; count < STORE_BATCH && looks->count + count < sending->strangers.look_count; count++)
		requests[count] = contact_ask(&sending->strangers.looks[looks->count + count]);
	(void)store_run(sending->view->store, requests, count, &looks->owned[looks->batches++], 0);
	const struct store_answer *answers = looks->owned[looks->batches - 1];
	if (!is_answered(answers, count))
		return false;
	for (size_t i = 0; i < count; i++)
		looks->at[looks->count++] = &answers[i];
	return true;
}

/* The counters, and as many looks as fit. */
static bool look_first(struct sending *sending, struct looks *looks)
{
	struct strangers *strangers = &sending->strangers;
	struct ledger *ledger = &sending->ledger;
	struct store_request requests[STORE_BATCH];
	size_t count = ledger->entity_count;
	bool answered;

	ledger_ask(ledger, sending->view->store, requests);
	for (size_t i = 0; i < strangers->look_count && count < STORE_BATCH; i++)
		requests[count++] = contact_ask(&strangers->looks[i]);
	(void)store_run(sending->view->store, requests, count, &looks->owned[looks->batches++], 0);
	const struct store_answer *answers = looks->owned[0];
	ledger_take(ledger, sending->view->store, answers);
	answered = is_answered(answers, count);
	for (size_t i = ledger->entity_count; answered && i < count; i++)
		looks->at[looks->count++] = &answers[i];
	return answered;
}

bool sending_look(struct sending *sending)
{
	struct strangers *strangers = &sending->strangers;
	struct looks looks = { .count = 0 };
	bool answered;

	counters_find(sending);
	answered = look_first(sending, &looks);
	while (answered && looks.count < strangers->look_count)
		answered = look_on(sending, &looks);
	strangers_take(strangers, answered && sending->has_secret ? looks.at : NULL, sending->acquaintances);
	for (size_t i = 0; i < looks.batches; i++)
		store_answers_free(&looks.owned[i]);
	(void)alike_now(sending, strangers->new_count);
	sending->letter.facts.has_random = strangers->new_count > 0 && strangers_look_random(strangers);
	sending->facts.evidence = evidence_of(&sending->letter.facts, sending->words);
	sending->facts.usual = strangers->usual;
	memcpy(sending->facts.sales, sending->ledger.sales, sizeof(sending->facts.sales));
	if (sending->kind == SIGNUP_SALE)
		sending->facts.sales[SIGNUP_HOUR] = sending->facts.sales[SIGNUP_DAY] = 0;
	adds_find(sending);
	return strangers->answered;
}

void sending_count(struct sending *sending)
{
	ledger_count(&sending->ledger, sending->view->store);
}

void sending_pass(struct sending *sending)
{
	strangers_meet(&sending->strangers, sending->view->store, sending->acquaintances);
	ledger_post(&sending->ledger, sending->view->store);
}
