/*
 * What stays of a decision (record.h).
 */
#include <stdatomic.h>
#include <string.h>

#include "log.h"
#include "record.h"

#define LINE_BYTES 1800
#define VALUE_BYTES 300 /* of one value in the log */
#define RULES_COUNTED 64

static struct {
	const struct rule *_Atomic rule;
	const char *_Atomic milter;
	_Atomic uint64_t count[ACTIONS];
} counts[RULES_COUNTED];
static _Atomic uint64_t accepted;

/* ---- counts ------------------------------------------------------------------------------------ */

static void count_verdict(const char *milter, const struct rule *rule, enum action action)
{
	for (size_t i = 0; i < RULES_COUNTED; i++) {
		const struct rule *none = NULL;

		if (atomic_load(&counts[i].rule) == NULL &&
		    atomic_compare_exchange_strong(&counts[i].rule, &none, rule))
			atomic_store(&counts[i].milter, milter ? milter : "");
		if (atomic_load(&counts[i].rule) == rule) {
			atomic_fetch_add(&counts[i].count[action], 1);
			return;
		}
	}
}

void record_counts(void (*fn)(void *arg, const char *milter, const char *rule, const char *action, uint64_t count),
		   void *arg)
{
	for (size_t i = 0; i < RULES_COUNTED; i++) {
		const struct rule *rule = atomic_load(&counts[i].rule);

		for (int action = ACTION_OBSERVE; rule && action < ACTIONS; action++) {
			uint64_t count = atomic_load(&counts[i].count[action]);
			const char *milter = atomic_load(&counts[i].milter);

			if (count > 0)
				fn(arg, milter ? milter : "", rule->name, action_names[action], count);
		}
	}
}

uint64_t record_accepted(void)
{
	return atomic_load(&accepted);
}

/* ---- the log line ------------------------------------------------------------------------------ */

/* " key=" as a literal: its length is known to the compiler */
#define PUT(line, key, value) put(line, " " key "=", sizeof(" " key "=") - 1, value)
#define PUT_U64(line, key, value) (text_mem(line, " " key "=", sizeof(" " key "=") - 1), text_u64(line, value))

/* What is empty is left out; a value has no blanks, so that the line splits at them. */
static void put(struct text *line, const char *key, size_t key_len, const char *value)
{
	if (value[0] == '\0')
		return;
	text_mem(line, key, key_len);
	text_word(line, value, strlen(value), VALUE_BYTES);
}

/* The same for words of our own, which need no escaping. */
#define PUT_WORD(line, key, value) (text_mem(line, " " key "=", sizeof(" " key "=") - 1), text_str(line, value))

static void put_observed(struct text *line, const struct decision *decision, char *separator)
{
	for (unsigned i = 0; i < decision->observed_count; i++) {
		if (*separator == ' ')
			text_str(line, " observed");
		text_char(line, *separator == ' ' ? '=' : ',');
		text_str(line, decision->observed[i].rule->name);
		*separator = ',';
	}
}

static void put_observed_about(struct text *line, const struct decision *decision)
{
	for (unsigned i = 0; i < decision->observed_count; i++) {
		const struct verdict *verdict = &decision->observed[i];

		text_char(line, ' ');
		text_str(line, verdict->rule->name);
		text_char(line, '=');
		text_word(line, verdict->about.at, verdict->about.len, VALUE_BYTES);
		if (verdict->detail.len == 0)
			continue;
		text_char(line, ' ');
		text_str(line, verdict->rule->name);
		text_str(line, "_detail=");
		text_word(line, verdict->detail.at, verdict->detail.len, VALUE_BYTES);
	}
}

static void put_verdict(struct text *line, const struct decision *decision, enum action said)
{
	const struct verdict *verdict = &decision->verdict;

	if (!verdict->rule) {
		PUT_WORD(line, "action", "accept");
		return;
	}
	PUT_WORD(line, "milter", decision->milter);
	PUT_WORD(line, "rule", verdict->rule->name);
	PUT_WORD(line, "action", action_names[verdict->action]);
	if (said != verdict->action)
		PUT(line, "said", said == ACTION_OBSERVE ? "accept" : action_names[said]);
	PUT_WORD(line, "code", verdict->rule->code);
	PUT(line, "dsn", said == ACTION_DEFER ? verdict->rule->dsn_defer : verdict->rule->dsn_reject);
	text_str(line, " about=");
	text_word(line, verdict->about.at, verdict->about.len, VALUE_BYTES);
	if (verdict->detail.len > 0) {
		text_str(line, " detail=");
		text_word(line, verdict->detail.at, verdict->detail.len, VALUE_BYTES);
	}
}

static void put_facts(struct text *line, const struct session *session, const struct recipient *recipient)
{
	const struct connection *connection = &session->connection;
	const struct message *message = &session->message;
	const struct identity *who = &session->who;

	PUT(line, "account", who->account);
	if (strcmp(who->mailbox, who->account) != 0)
		PUT(line, "mailbox", who->mailbox);
	if (who->has_uid)
		PUT_U64(line, "uid", who->uid);
	PUT(line, "script", who->script);
	PUT_WORD(line, "path", path_names[who->path]);
	PUT_WORD(line, "known_by", known_by_names[who->known_by]);
	PUT(line, "client", connection->client_addr);
	if (who->path == PATH_REMOTE)
		PUT(line, "helo", connection->helo);
	PUT(line, "mail_from", message_sender_text(message));
	PUT_U64(line, "rcpts", message->recipient_count);
	if (recipient)
		PUT(line, "rcpt_to", recipient->rcpt_to);
	else if (message->recipients)
		PUT(line, "rcpt_to", message->recipients->rcpt_to);
	PUT_WORD(line, "mta", mta_names[connection->mta]);
}

/*
 * Under what name the history keeps it, NULL: not at all. Mail from elsewhere has no account, and there is so much of
 * it that only what a rule objects to is kept.
 */
static const char *history_name(const struct session *session, const struct judgement *judgement,
				const struct decision *decision)
{
	const bool objected = decision->verdict.rule || judgement->message.observed_count > 0 ||
			      judgement->recipient.observed_count > 0;

	if (session->who.path != PATH_REMOTE)
		return session->who.account;
	return objected ? path_names[PATH_REMOTE] : NULL;
}

void record_decision(const struct bench *bench, const struct view *view, const struct judgement *judgement,
		     const struct decision *decision, enum action said)
{
	const struct session *session = view->session;
	const struct verdict *verdict = &decision->verdict;
	/* one message that waits is one refusal, however often the MTA tries it */
	const bool again = session->message.tried_before && verdict->rule && verdict->action == ACTION_DEFER;
	char TEXT_BUFFER buffer[LINE_BYTES], separator = ' ';
	const char *name;
	struct text line;
	size_t head;

	text_init(&line, buffer, sizeof(buffer));
	text_word(&line, session->message.queue_id, strlen(session->message.queue_id), 64);
	if (session->message.queue_id[0] == '\0')
		text_str(&line, "NOQUEUE");
	text_char(&line, ':');
	head = line.len + 1;
	PUT_WORD(&line, "id", session->message.id);
	put_verdict(&line, decision, said);
	put_observed(&line, &judgement->message, &separator);
	put_observed(&line, &judgement->recipient, &separator);
	put_facts(&line, session, view->recipient);
	put_observed_about(&line, &judgement->message);
	put_observed_about(&line, &judgement->recipient);
	if (view->stage == STAGE_END)
		stack_note(house_stack(bench->house), view, &line);
	log_line(LEVEL_INFO, line.at, line.len);

	if (!verdict->rule)
		atomic_fetch_add(&accepted, 1);
	else if (!again)
		count_verdict(decision->milter, verdict->rule, verdict->action);
	name = bench->store ? history_name(session, judgement, decision) : NULL;
	if (name) {
		struct store_decision entry = {
			.account = name,
			.id = session->message.id,
			.at_ms = view->now_ms,
			.rule = verdict->rule && !again ? verdict->rule->name : NULL,
			.action = verdict->rule ? action_names[verdict->action] : "accept",
			.text = { line.at + head, line.len - head },
		};

		store_post_decision(bench->store, &entry);
	}
}

void record_observed(const struct stack *stack, const struct decision *decision)
{
	for (unsigned i = 0; i < decision->observed_count; i++) {
		const struct rule *rule = decision->observed[i].rule;

		count_verdict(stack_milter_of(stack, rule), rule, ACTION_OBSERVE);
	}
}
