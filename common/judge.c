/*
 * From the facts of a session to what the front must say (judge.h).
 */
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>

#include "judge.h"
#include "record.h"
#include "system/clock.h"

#define REPLY_BYTES 480	 /* a reply line holds 512 bytes with code and CRLF, RFC 5321 4.5.3.1.5 */
#define REASON_BYTES 360 /* so that the id always fits */
#define QUOTE_MAX 150	 /* bytes of somebody else's words */
#define QUOTE_LEAST 20	 /* fewer say nothing */
#define URL_BYTES 300

static char canary_login[64];

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

/* ---- the reply --------------------------------------------------------------------------------- */

static void quote_write(struct text *out, struct span quote, size_t room, bool in_quotes)
{
	for (size_t i = 0; i < quote.len && i < room; i++) {
		const char c = quote.at[i];

		text_char(out, c == '"' && in_quotes ? '\'' : c < ' ' || c > '~' ? '?' : c);
	}
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
	quote_write(reason, quote, room, true);
	text_str(reason, quote.len > room ? cut_end : "\"");
}

static void reason_put(const struct bench *bench, const struct session *session, const struct verdict *verdict,
		       struct text *reason)
{
	const struct leumund_options *options = house_setup(bench->house)->leumund;

	rule_text(verdict->rule, (enum language)options->language, setup_own_text(options, verdict->rule),
		  &(struct rule_words){ verdict->about, verdict->detail, session->who.account,
					session->connection.client_addr },
		  reason);
}

/* RFC 7208 6.2, as a site may want it. */
static void reply_alone(const struct bench *bench, const struct session *session, const struct verdict *verdict,
			struct text *text)
{
	static const char cut_end[] = "...";
	const size_t room = text->size - sizeof(cut_end);

	if (verdict->quote.len == 0)
		reason_put(bench, session, verdict, text);
	else
		quote_write(text, verdict->quote, room, false);
	if (verdict->quote.len > room)
		text_str(text, cut_end);
}

static void reply_whole(const struct bench *bench, const struct session *session, const struct verdict *verdict,
			struct text *text)
{
	const struct leumund_options *options = house_setup(bench->house)->leumund;
	char TEXT_BUFFER buffer[REASON_BYTES];
	struct text reason;

	text_init(&reason, buffer, sizeof(buffer));
	reason_put(bench, session, verdict, &reason);
	quote_put(&reason, verdict->quote, (enum language)options->language);
	text_char(text, '[');
	text_str(text, verdict->rule->code);
	text_str(text, "] ");
	text_mem(text, reason.at, reason.len);
	text_str(text, reason.cut ? "... (id " : " (id ");
	text_str(text, session->message.id);
	text_char(text, ')');
	if (options->url[0] != '\0') {
		text_char(text, ' ');
		text_escaped(text, options->url, strlen(options->url), URL_BYTES);
	}
}

static struct reply reply_make(const struct bench *bench, struct session *session, const struct verdict *verdict,
			       enum action said)
{
	const struct rule *rule = verdict->rule;
	char TEXT_BUFFER buffer[REPLY_BYTES];
	struct text text;
	struct reply reply = { REPLY_ACCEPT, "250", "2.0.0", "" };

	if (said <= ACTION_OBSERVE)
		return reply;
	text_init(&text, buffer, sizeof(buffer));
	(verdict->alone ? reply_alone : reply_whole)(bench, session, verdict, &text);
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
		.notices = bench->notices,
		.now_ms = judgement->now_ms,
	};
}

static enum action expressible(const struct bench *bench, const struct session *session, enum stage stage,
			       enum action action)
{
	const enum action instead_of_defer =
		session->connection.can_wait ? ACTION_DEFER : setup_instead_of_defer(house_setup(bench->house));

	return stack_expressible(session->connection.mta, session->who.path, session->connection.local_command, stage,
				 action, instead_of_defer);
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
		record_decision(bench, &view, judgement, &judgement->message, said);
		record_observed(house_stack(bench->house), &judgement->message);
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
		record_decision(bench, &view, judgement, &decision, said);
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
		record_decision(bench, &view, judgement, message, said);
		record_observed(house_stack(bench->house), message);
		record_observed(house_stack(bench->house), &judgement->recipient);
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

	record_decision(bench, &view, &nothing, &decision, said);
	return reply_make(bench, session, &decision.verdict, said);
}
