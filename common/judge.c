/*
 * From the facts of a session to what the front must say (judge.h).
 */
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>

#include "judge.h"
#include "log.h"
#include "system/clock.h"

#define REPLY_BYTES 480	 /* a reply line holds 512 bytes with code and CRLF, RFC 5321 4.5.3.1.5 */
#define REASON_BYTES 360 /* so that the id always fits */
#define QUOTE_MAX 150	 /* bytes of somebody else's words */
#define QUOTE_LEAST 20	 /* fewer say nothing */
#define LINE_BYTES 1800
#define VALUE_BYTES 300 /* of one value in the log */
#define RULES_COUNTED 64

static char canary_login[64];

static struct {
	const struct rule *_Atomic rule;
	const char *_Atomic milter;
	_Atomic uint64_t count[ACTIONS];
} counts[RULES_COUNTED];
static _Atomic uint64_t accepted;

/*
 * Tells decisions of one millisecond apart, on all servers of a store: a random start, then every number once
 * (an odd step walks through all 2^32).
 */
static _Atomic uint32_t chance_next;

void judge_start(const char *canary)
{
	uint32_t start = (uint32_t)clock_ticks_ms();

	(void)!getrandom(&start, sizeof(start), GRND_NONBLOCK);
	atomic_store(&chance_next, start);
	snprintf(canary_login, sizeof(canary_login), "%s", canary);
}

bool judge_is_canary(const struct session *session)
{
	const char *login = session->message.auth_user;

	return login[0] != '\0' && login[0] == canary_login[0] && !strcmp(login, canary_login);
}

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

void judge_counts(void (*fn)(void *arg, const char *milter, const char *rule, const char *action, uint64_t count),
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

uint64_t judge_accepted(void)
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

/*
 * One decision: one line, one entry of the history, one count. `said` is what the way of
 * submission let us say of it.
 */
static void record(const struct bench *bench, const struct view *view, const struct judgement *judgement,
		   const struct decision *decision, enum action said)
{
	const struct session *session = view->session;
	const struct verdict *verdict = &decision->verdict;
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

	if (verdict->rule)
		count_verdict(decision->milter, verdict->rule, verdict->action);
	else
		atomic_fetch_add(&accepted, 1);
	name = bench->store ? history_name(session, judgement, decision) : NULL;
	if (name) {
		struct store_decision entry = {
			.account = name,
			.id = session->message.id,
			.at_ms = view->now_ms,
			.rule = verdict->rule ? verdict->rule->name : NULL,
			.action = verdict->rule ? action_names[verdict->action] : "accept",
			.text = { line.at + head, line.len - head },
		};

		store_post_decision(bench->store, &entry);
	}
}

static void count_observed(const struct stack *stack, const struct decision *decision)
{
	for (unsigned i = 0; i < decision->observed_count; i++) {
		const struct rule *rule = decision->observed[i].rule;

		count_verdict(stack_milter_of(stack, rule), rule, ACTION_OBSERVE);
	}
}

/* ---- the reply --------------------------------------------------------------------------------- */

static const char *own_text(const struct leumund_options *options, const struct rule *rule)
{
	size_t len = strlen(rule->code);

	for (size_t i = 0; i < options->texts.count; i++)
		if (!strncmp(options->texts.at[i], rule->code, len) && options->texts.at[i][len] == '=')
			return options->texts.at[i] + len + 1;
	return NULL;
}

/* Whatever it says, the reader sees whose words they are, and that they are no line of ours. */
static void quote_put(struct text *reason, struct span quote, enum language language)
{
	static const char *const begins[LANGUAGES] = { "; that domain says: \"", "; diese Domain sagt: \"" };
	static const char cut_end[] = "...\"";
	const char *begin = begins[language];
	size_t room = reason->size - 1 - reason->len, need = strlen(begin) + sizeof(cut_end) - 1;

	if (quote.len == 0 || reason->cut || room < need + QUOTE_LEAST)
		return;
	room = room - need < QUOTE_MAX ? room - need : QUOTE_MAX;
	text_str(reason, begin);
	for (size_t i = 0; i < quote.len && i < room; i++) {
		const char c = quote.at[i];

		text_char(reason, c == '"' ? '\'' : c < ' ' || c > '~' ? '?' : c);
	}
	text_str(reason, quote.len > room ? cut_end : "\"");
}

static struct reply reply_make(const struct bench *bench, struct session *session, const struct verdict *verdict,
			       enum action said)
{
	const struct leumund_options *options = house_setup(bench->house)->leumund;
	const struct rule *rule = verdict->rule;
	char TEXT_BUFFER buffer[REPLY_BYTES], TEXT_BUFFER reason_buffer[REASON_BYTES];
	struct text text, reason;
	struct reply reply = { REPLY_ACCEPT, "250", "2.0.0", "" };

	if (said <= ACTION_OBSERVE)
		return reply;
	text_init(&reason, reason_buffer, sizeof(reason_buffer));
	rule_text(rule, (enum language)options->language, own_text(options, rule),
		  &(struct rule_words){ verdict->about, verdict->detail, session->who.account,
					session->connection.client_addr },
		  &reason);
	quote_put(&reason, verdict->quote, (enum language)options->language);
	text_init(&text, buffer, sizeof(buffer));
	text_char(&text, '[');
	text_str(&text, rule->code);
	text_str(&text, "] ");
	text_mem(&text, reason.at, reason.len);
	text_str(&text, reason.cut ? "... (id " : " (id ");
	text_str(&text, session->message.id);
	text_char(&text, ')');
	if (options->url[0] != '\0') {
		text_char(&text, ' ');
		text_escaped(&text, options->url, strlen(options->url), VALUE_BYTES);
	}
	reply.kind = said == ACTION_HOLD ? REPLY_HOLD : REPLY_REFUSE;
	reply.code = said == ACTION_REJECT ? "550" : "451";
	reply.dsn = said == ACTION_REJECT ? rule->dsn_reject : rule->dsn_defer;
	reply.text = arena_copy(&session->message.memory, text.at, text.len);
	if (!reply.text)
		reply.text = rule->code;
	return reply;
}

/* ---- the steps --------------------------------------------------------------------------------- */

static struct view view_of(const struct judgement *judgement, const struct bench *bench, const struct session *session,
			   enum stage stage, const struct recipient *recipient)
{
	return (struct view){
		.stage = stage,
		.session = session,
		.recipient = recipient,
		.directory = bench->directory,
		.store = bench->store,
		.now_ms = judgement->now_ms,
	};
}

static enum action expressible(const struct bench *bench, const struct session *session, enum stage stage,
			       enum action action)
{
	return stack_expressible(session->connection.mta, session->who.path, session->connection.local_command, stage,
				 action, setup_instead_of_defer(house_setup(bench->house)));
}

/* The canary asks whether the rules see the forgery, not whether they are told to bite. */
static void canary_bites(const struct session *session, struct decision *decision)
{
	if (!judge_is_canary(session) || decision->verdict.action == ACTION_REJECT || decision->observed_count == 0)
		return;
	decision->verdict = decision->observed[0];
	decision->verdict.action = ACTION_REJECT;
}

static void check(const struct judgement *judgement, const struct bench *bench, const struct session *session,
		  enum stage stage, const struct recipient *recipient, struct decision *decision)
{
	struct view view = view_of(judgement, bench, session, stage, recipient);

	stack_check(house_stack(bench->house), &view, decision);
	canary_bites(session, decision);
}

static uint32_t chance(void)
{
	return atomic_fetch_add_explicit(&chance_next, 0x9e3779b1u, memory_order_relaxed);
}

static void judgement_clear(struct judgement *judgement)
{
	decision_clear(&judgement->message);
	decision_clear(&judgement->recipient);
	judgement->marks.first = NULL;
	judgement->mail_checked = judgement->refusal_logged = false;
}

void judge_mail(struct judgement *judgement, const struct bench *bench, struct session *session)
{
	struct view view;

	judgement_clear(judgement);
	judgement->now_ms = clock_wall_ms();
	decision_id(judgement->now_ms, chance(), session->message.id);
	identity_at_mail(session, house_setup(bench->house)->identity, bench->directory);
	if (judge_is_canary(session))
		session->who.account = "leumund-canary";
	view = view_of(judgement, bench, session, STAGE_MAIL, NULL);
	stack_begin(house_stack(bench->house), &view, &session->message);
	if (session->who.settled) {
		check(judgement, bench, session, STAGE_MAIL, NULL, &judgement->message);
		judgement->mail_checked = true;
	}
}

/*
 * sendmail hands sendmail(1)'s mail to itself over SMTP; only its first header line tells
 * it from a script's own SMTP, so what concerns the message waits for the headers.
 */
static bool message_verdict_waits(const struct session *session)
{
	return session->connection.mta == MTA_SENDMAIL && session->who.path == PATH_LOOPBACK;
}

static struct reply refuse_recipient(struct session *session, struct recipient *recipient, struct reply reply)
{
	recipient->refused = true;
	session->message.refused_count++;
	return reply;
}

/* What objects to the whole message is said to each recipient, and recorded once. */
static bool message_refused_at_rcpt(struct judgement *judgement, const struct bench *bench, struct session *session,
				    const struct recipient *recipient)
{
	const struct verdict *verdict = &judgement->message.verdict;
	struct view view;
	enum action said;

	if (judgement->refusal_logged)
		return true;
	if (message_verdict_waits(session))
		return false;
	said = expressible(bench, session, STAGE_RCPT, verdict->action);
	if (said < ACTION_DEFER)
		return false;
	judgement->refusal = reply_make(bench, session, verdict, said);
	judgement->refusal_logged = true;
	if (!judge_is_canary(session)) {
		view = view_of(judgement, bench, session, STAGE_RCPT, recipient);
		record(bench, &view, judgement, &judgement->message, said);
		count_observed(house_stack(bench->house), &judgement->message);
	}
	return true;
}

static void decision_merge(struct decision *into, const struct decision *from)
{
	if (from->verdict.action > into->verdict.action) {
		into->verdict = from->verdict;
		into->milter = from->milter;
	}
	for (unsigned i = 0; i < from->observed_count; i++)
		decision_add(into, from->observed[i]);
}

struct reply judge_rcpt(struct judgement *judgement, const struct bench *bench, struct session *session,
			struct recipient *recipient)
{
	struct decision TEXT_BUFFER decision;
	struct reply reply = { REPLY_ACCEPT, "250", "2.0.0", "" };
	struct view view;
	enum action said;

	judgement->now_ms = clock_wall_ms();
	if (message_refused_at_rcpt(judgement, bench, session, recipient))
		return refuse_recipient(session, recipient, judgement->refusal);
	if (!session->who.settled)
		return reply;
	decision_clear(&decision);
	check(judgement, bench, session, STAGE_RCPT, recipient, &decision);
	said = expressible(bench, session, STAGE_RCPT, decision.verdict.action);
	if (said < ACTION_DEFER) {
		decision_merge(&judgement->recipient, &decision);
		return reply;
	}
	reply = reply_make(bench, session, &decision.verdict, said);
	view = view_of(judgement, bench, session, STAGE_RCPT, recipient);
	if (!judge_is_canary(session))
		record(bench, &view, judgement, &decision, said);
	return refuse_recipient(session, recipient, reply);
}

/* What was put off because only the headers tell whose mail it is. */
static void check_what_waited(struct judgement *judgement, const struct bench *bench, struct session *session)
{
	check(judgement, bench, session, STAGE_MAIL, NULL, &judgement->message);
	for (struct recipient *recipient = session->message.recipients; recipient; recipient = recipient->next)
		if (!recipient->refused)
			check(judgement, bench, session, STAGE_RCPT, recipient, &judgement->recipient);
	judgement->mail_checked = true;
}

struct reply judge_end(struct judgement *judgement, const struct bench *bench, struct session *session)
{
	struct decision *message = &judgement->message;
	struct view view;
	enum action said;

	judgement->now_ms = clock_wall_ms();
	identity_at_headers(session, house_setup(bench->house)->identity);
	if (!judgement->mail_checked)
		check_what_waited(judgement, bench, session);
	check(judgement, bench, session, STAGE_END, NULL, message);
	if (judgement->recipient.verdict.action > message->verdict.action) {
		message->verdict = judgement->recipient.verdict;
		message->milter = judgement->recipient.milter;
	}
	view = view_of(judgement, bench, session, STAGE_END, NULL);
	if (message->verdict.action < ACTION_DEFER &&
	    !stack_mark(house_stack(bench->house), &view, &session->message.memory, &judgement->marks))
		return judge_failed(bench, session, STAGE_END);
	if (!judge_is_canary(session)) {
		stack_count_in(house_stack(bench->house), &view, message);
	}
	said = expressible(bench, session, STAGE_END, message->verdict.action);
	if (!judge_is_canary(session)) {
		record(bench, &view, judgement, message, said);
		count_observed(house_stack(bench->house), message);
		count_observed(house_stack(bench->house), &judgement->recipient);
	}
	return reply_make(bench, session, &message->verdict, said);
}

static const struct rule failure_rule = {
	.name = "failure",
	.code = "LEU00",
	.dsn_reject = "5.3.0",
	.dsn_defer = "4.3.0",
	.text = { "this message is too complex to be checked now; try again later, or send it in parts",
		  "Diese Nachricht kann gerade nicht geprueft werden; bitte spaeter oder in Teilen senden" },
};

struct reply judge_failed(const struct bench *bench, struct session *session, enum stage stage)
{
	struct decision decision = { .verdict = { ACTION_DEFER, &failure_rule, { "", 0 }, { "", 0 } },
				     .milter = "leumund" };
	struct judgement nothing = { .now_ms = clock_wall_ms() };
	struct view view = view_of(&nothing, bench, session, stage, NULL);
	enum action said = expressible(bench, session, stage, ACTION_DEFER);

	record(bench, &view, &nothing, &decision, said);
	return reply_make(bench, session, &decision.verdict, said);
}
