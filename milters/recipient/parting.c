/*
 * The end of a message that passes (parting.h).
 */
#include "milters/recipient/parting.h"

#include <stdlib.h>

enum take { TAKE_ATTEMPT, TAKE_PROBE, TAKE_ROOM };

struct question {
	enum take take;
	struct addressee *addressee;
	struct outlook *outlook;
	unsigned egress;
	char token_room[1200];
	union {
		struct dead_request dead;
		struct weather_request weather;
		struct budget_request budget;
	} of;
};

struct parting {
	const struct inquirer *inquirer;
	const struct view *view;
	struct dossier *dossier;
	struct span token;
	struct dead_rule dead_rule;
	struct weather_rule weather_rule;
	size_t count;
	struct store_request requests[STORE_BATCH];
	struct question questions[STORE_BATCH];
};

static void take_answer(struct parting *parting, struct question *question, const struct store_answer *answer)
{
	switch (question->take) {
	case TAKE_ATTEMPT:
		if (dead_answer(&question->of.dead, answer) && !question->of.dead.may_go) {
			question->addressee->mailbox.mailbox =
				question->of.dead.state == DEAD_DEAD ? MAILBOX_DEAD : MAILBOX_WAITING;
			question->addressee->is_taken = true;
			question->addressee->mailbox.next_ms = question->of.dead.next_ms;
		}
		break;
	case TAKE_PROBE:
		question->outlook->egress[question->egress].is_probe =
			weather_answer(&question->of.weather, answer) &&
			(question->of.weather.may_go || question->of.weather.state != WEATHER_HALF_OPEN);
		break;
	case TAKE_ROOM:
		if (budget_answer(&question->of.budget, answer) && !question->of.budget.done)
			question->outlook->budget.is_full = question->outlook->is_taken = true;
		break;
	}
	parting->dossier->without_store |= !answer || answer->result != STORE_OK;
}

static void flush(struct parting *parting)
{
	struct store_answer *answers;

	if (parting->count == 0)
		return;
	(void)store_run(parting->view->store, parting->requests, parting->count, &answers, 0);
	for (size_t i = 0; i < parting->count; i++)
		take_answer(parting, &parting->questions[i], answers ? &answers[i] : NULL);
	store_answers_free(&answers);
	parting->count = 0;
}

/* A place for one more; its token is the message's and `what`, so that one message may take several things. */
static struct question *question_new(struct parting *parting, enum take take, struct span what)
{
	struct question *question;
	struct text text;

	if (parting->count == STORE_BATCH)
		flush(parting);
	question = &parting->questions[parting->count];
	question->take = take;
	text_init(&text, question->token_room, sizeof(question->token_room));
	if (parting->token.len > 0) {
		text_mem(&text, parting->token.at, parting->token.len);
		text_char(&text, ' ');
		text_mem(&text, what.at, what.len);
	}
	return question;
}

static void ask_attempt(struct parting *parting, struct addressee *addressee)
{
	struct question *question = question_new(parting, TAKE_ATTEMPT, addressee->box);

	question->addressee = addressee;
	question->of.dead = (struct dead_request){
		.mode = DEAD_RESERVE,
		.rule = &parting->dead_rule,
		.address = addressee->box,
		.token = span_of(question->token_room),
		.account = span_of(parting->view->session->who.account),
	};
	parting->requests[parting->count++] = dead_ask(&question->of.dead, parting->view->store);
}

static void ask_probe(struct parting *parting, struct outlook *outlook, unsigned egress)
{
	struct question *question = question_new(parting, TAKE_PROBE, span_of(outlook->addresses[egress]));

	question->outlook = outlook;
	question->egress = egress;
	question->of.weather = (struct weather_request){
		.mode = WEATHER_PROBE,
		.rule = &parting->weather_rule,
		.provider = span_of(outlook->name),
		.egress = span_of(outlook->addresses[egress]),
		.token = span_of(question->token_room),
	};
	parting->requests[parting->count++] = weather_ask(&question->of.weather, parting->view->store);
}

static void ask_room(struct parting *parting, struct outlook *outlook)
{
	const struct recipient_tally *budget = &outlook->budget;
	struct question *question = question_new(parting, TAKE_ROOM, span_of(outlook->name));

	question->outlook = outlook;
	question->of.budget = (struct budget_request){
		.mode = BUDGET_TAKE,
		.provider = span_of(outlook->name),
		.token = span_of(question->token_room),
		.n = outlook->strangers,
		.room = budget->limit > budget->used ? budget->limit - budget->used : 0,
		.way_ms = parting->inquirer->reputation->budget_way * 1000,
	};
	parting->requests[parting->count++] = budget_ask(&question->of.budget, parting->view->store);
}

static void ask_probes(struct parting *parting, struct outlook *outlook)
{
	for (unsigned i = 0; i < outlook->egress_count; i++)
		if (outlook->egress[i].weather == WEATHER_IS_HALF_OPEN)
			ask_probe(parting, outlook, i);
}

static bool has_probe(const struct dossier *dossier, const struct outlook *outlook,
		      bool (*may_probe)(void *arg, const struct addressee *addressee), void *arg)
{
	for (const struct addressee *one = dossier->first; one; one = one->next)
		if (one->outlook == outlook && !one->recipient->refused && may_probe(arg, one))
			return true;
	return false;
}

void parting_take(struct dossier *dossier, const struct inquirer *inquirer, const struct view *view, struct span token,
		  bool (*may_probe)(void *arg, const struct addressee *addressee), void *arg)
{
	struct parting *parting = calloc(1, sizeof(*parting));

	if (!parting)
		return;
	parting->inquirer = inquirer;
	parting->view = view;
	parting->dossier = dossier;
	parting->token = token;
	parting->dead_rule = reputation_dead(inquirer->reputation);
	parting->weather_rule = reputation_weather(inquirer->reputation);
	for (struct addressee *one = dossier->first; one; one = one->next)
		if (!one->recipient->refused && one->mailbox.mailbox == MAILBOX_DUE)
			ask_attempt(parting, one);
	for (struct outlook *outlook = dossier->outlooks; outlook; outlook = outlook->next) {
		if (outlook->strangers > 0 && outlook->budget.limit > 0)
			ask_room(parting, outlook);
		if (has_probe(dossier, outlook, may_probe, arg))
			ask_probes(parting, outlook);
	}
	flush(parting);
	free(parting);
}
