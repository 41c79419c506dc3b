/*
 * From a question in a line to its answer (exim/answer.h): the line's facts, and the steps of judge.h.
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "exim/answer.h"
#include "exim/changes.h"
#include "exim/exim.h"
#include "exim/line.h"
#include "log.h"
#include "marks.h"

/* ---- facts ------------------------------------------------------------------------------------- */

static const char *keep(struct arena *memory, const char *from)
{
	const char *copy = from[0] == '\0' ? "" : arena_copy(memory, from, strlen(from));

	return copy ? copy : "";
}

static void client_read(struct connection *connection, const struct exim_line *line)
{
	struct sockaddr_in in = { .sin_family = AF_INET };
	struct sockaddr_in6 in6 = { .sin6_family = AF_INET6 };
	in_port_t port = htons((uint16_t)strtoul(line->value[EXIM_CLIENT_PORT], NULL, 10));
	const char *address = line->value[EXIM_CLIENT_ADDR];
	char bare[INET6_ADDRSTRLEN];

	/* of a link-local address: the interface behind the % is none of its digits */
	snprintf(bare, sizeof(bare), "%.*s", (int)strcspn(address, "%"), address);
	in.sin_port = in6.sin6_port = port;
	if (inet_pton(AF_INET, bare, &in.sin_addr) == 1)
		memcpy(&connection->client, &in, sizeof(in));
	else if (inet_pton(AF_INET6, bare, &in6.sin6_addr) == 1)
		memcpy(&connection->client, &in6, sizeof(in6));
	connection->client_addr = keep(&connection->memory, address);
}

/* What every question says about connection and message. Local mail that cannot be told "later" can wait by `later=1`.
 */
static int facts_read(struct session *session, const struct exim_line *line, bool is_local)
{
	struct connection *connection = &session->connection;
	struct message *message = &session->message;
	const char *uid = line->value[EXIM_UID];
	unsigned long long number = strtoull(uid, NULL, 10);

	connection->mta = MTA_EXIM;
	connection->local_command = is_local;
	connection->can_wait = is_local && line->value[EXIM_LATER][0] == '1';
	client_read(connection, line);
	connection->client_name = keep(&connection->memory, line->value[EXIM_CLIENT_NAME]);
	connection->helo = keep(&connection->memory, line->value[EXIM_HELO]);
	message->queue_id = keep(&message->memory, line->value[EXIM_QUEUE_ID]);
	message->auth_user = keep(&message->memory, line->value[EXIM_AUTH_USER]);
	message->auth_type = keep(&message->memory, line->value[EXIM_AUTH_TYPE]);
	message->sender_ident = keep(&message->memory, line->value[EXIM_IDENT]);
	if (uid[0] >= '0' && uid[0] <= '9' && number < UINT32_MAX) {
		message->has_originator_uid = true;
		message->originator_uid = (uint32_t)number;
	}
	if (message->has_originator_uid && line->value[EXIM_CLIENT_ADDR][0] == '\0') {
		/* on local mail Exim sets $authenticated_id to the login by itself: that is no SMTP AUTH */
		if (is_local || message->auth_type[0] == '\0')
			message->auth_user = message->auth_type = "";
	}
	return message_mail_from(session, line->value[EXIM_MAIL_FROM]);
}

/* `cut`: the field that the beginning ends in, NULL: none that is kept. */
static int headers_read(struct session *session, const struct house *house, char *block, const struct header **cut)
{
	struct header **last = NULL;
	char *name, *value;
	int result = 0;
	long size = base64_decode(block);

	if (size < 0)
		return -1;
	/* a last line end may be missing; an Exim that shows more shows all */
	session->message.headers_cut =
		(unsigned long)size + 2 >= EXIM_HEADERS_SHOWN && (unsigned long)size <= EXIM_HEADERS_SHOWN;
	/* nothing may hide behind a NUL: as a control character it is seen and refused where it matters */
	for (long i = 0; i < size; i++)
		if (block[i] == '\0')
			block[i] = '\001';
	while (header_field_next(&block, &name, &value)) {
		last = session->message.headers_end;
		if (message_header(session, name, value, house_wants_header(house, session, name)) < 0)
			result = -1;
	}
	*cut = session->message.headers_cut && last ? *last : NULL;
	return result;
}

static int recipients_read(struct session *session, char *list)
{
	char *one;

	if (base64_decode(list) < 0)
		return -1;
	while ((one = exim_recipient_next(&list)))
		if (!message_rcpt_to(session, one))
			return -1;
	return 0;
}

struct question {
	struct exim_line *line;
	struct session *session;
	struct judgement *judgement;
	struct bench bench;
	front_status status;
};

/* ---- header changes ---------------------------------------------------------------------------- */

static _Atomic uint64_t outdated;

/* For `more` bytes beside a reply. False: memory is short. */
static bool answer_enlarge(struct text *answer, size_t more)
{
	const size_t size = answer->size + more;
	char *larger = more < answer->size / 2 ? answer->at : malloc(size);

	if (larger && larger != answer->at)
		text_init(answer, larger, size);
	return larger != NULL;
}

/* What older lines do not know cannot be told to them; whoever has put them there can be told. */
static bool asker_can(const struct exim_line *line, enum exim_key key)
{
	if (line->value[key][0] == '1')
		return true;
	if (atomic_fetch_add(&outdated, 1) == 0)
		log_warning("Exim's lines are of an older version and let no %s: put in those that `leumund mta exim` "
			    "prints now",
			    key == EXIM_LATER ? "local mail wait in its queue"
					      : "milter change header fields, such as Authentication-Results");
	return false;
}

/* What the header shall say, too; NULL: it cannot be said. */
static const char *changes_make(struct question *question, const struct header *cut, struct text *answer)
{
	const struct marks *marks = &question->judgement->marks;
	const char *changes;

	if (!marks->first || !asker_can(question->line, EXIM_HEADER_CHANGES))
		return "";
	changes = exim_changes(&question->session->message, cut, marks);
	return changes && answer_enlarge(answer, strlen(changes)) ? changes : NULL;
}

uint64_t exim_outdated(void)
{
	return atomic_load(&outdated);
}

/* ---- local mail that is put off ---------------------------------------------------------------- */

static bool is_put_off(const struct session *session, const struct reply *reply)
{
	return session->connection.can_wait && reply->kind == REPLY_REFUSE && reply->code[0] == '4';
}

/*
 * The field makes the router ask again. Who writes it himself is asked about more often. It leaves with the message, so
 * strangers read no account and no limit in it: `leumund explain` tells what the id is about.
 */
static const char *put_off(struct question *question, const struct header *cut, struct text *answer)
{
	struct judgement *judgement = question->judgement;

	judgement->marks.first = NULL;
	if (!marks_add(&judgement->marks, &question->session->message.memory, "X-Leumund-Later",
		       question->session->message.id))
		return NULL;
	return changes_make(question, cut, answer);
}

/* ---- the answers ------------------------------------------------------------------------------- */

/* `changes` of a message that passes begin with a blank, or are "". */
static void answer_reply(struct text *answer, const struct reply *reply, const char *changes)
{
	switch (reply->kind) {
	case REPLY_ACCEPT:
		text_str(answer, "accept");
		text_str(answer, changes);
		break;
	case REPLY_HOLD:
		text_str(answer, "hold");
		text_str(answer, changes);
		text_char(answer, ' ');
		text_str(answer, reply->text);
		break;
	case REPLY_REFUSE:
		text_str(answer, reply->code);
		text_char(answer, ' ');
		text_str(answer, reply->dsn);
		text_char(answer, ' ');
		text_str(answer, reply->text);
		break;
	}
}

static void answer_rcpt(struct question *question, struct text *answer)
{
	struct recipient *recipient;
	struct reply reply;

	if (facts_read(question->session, question->line, false) < 0) {
		reply = judge_failed(&question->bench, question->session, STAGE_RCPT);
	} else {
		judge_mail(question->judgement, &question->bench, question->session);
		recipient = message_rcpt_to(question->session, question->line->value[EXIM_RCPT_TO]);
		reply = recipient ? judge_rcpt(question->judgement, &question->bench, question->session, recipient)
				  : judge_failed(&question->bench, question->session, STAGE_RCPT);
	}
	answer_reply(answer, &reply, "");
}

/* The values lie in our own copy of the line and may be taken apart in place. */
static char *writable(const char *value)
{
	return (char *)(uintptr_t)value;
}

/* Header and begin of the body; older lines say nothing of a body. */
static int content_read(struct question *question, const struct header **cut)
{
	char *headers = writable(question->line->value[EXIM_HEADERS]),
	     *body = writable(question->line->value[EXIM_BODY]);
	const long size = base64_decode(body);

	if (size > 0)
		message_body(question->session, body, (size_t)size);
	return size < 0 ? -1 : headers_read(question->session, question->bench.house, headers, cut);
}

/* Local mail has no stage of its own for recipients: what is thought of them is said at the end. */
static void recipients_judge(struct question *question)
{
	struct recipient *recipient = question->session->message.recipients;

	for (; recipient; recipient = recipient->next)
		(void)judge_rcpt(question->judgement, &question->bench, question->session, recipient);
}

static void answer_message(struct question *question, bool is_local, struct text *answer)
{
	const struct exim_line *line = question->line;
	struct session *session = question->session;
	const struct header *cut = NULL;
	const char *changes = "";
	struct reply reply;

	if (facts_read(session, line, is_local) < 0 ||
	    recipients_read(session, writable(line->value[EXIM_RECIPIENTS])) < 0 || content_read(question, &cut) < 0) {
		session->connection.can_wait = false;
		reply = judge_failed(&question->bench, session, STAGE_END);
	} else {
		judge_mail(question->judgement, &question->bench, session);
		if (is_local)
			recipients_judge(question);
		reply = judge_end(question->judgement, &question->bench, session);
		if (is_put_off(session, &reply)) {
			changes = put_off(question, cut, answer);
			reply.kind = REPLY_ACCEPT;
		} else if (reply.kind != REPLY_REFUSE) {
			changes = changes_make(question, cut, answer);
		}
		if (!changes) {
			session->connection.can_wait = false;
			reply = judge_failed(&question->bench, session, STAGE_END);
		}
	}
	if (is_local && reply.kind == REPLY_HOLD)
		(void)asker_can(line, EXIM_LATER);
	answer_reply(answer, &reply, changes ? changes : "");
}

static void answer_data(struct question *question, struct text *answer)
{
	answer_message(question, false, answer);
}

static void answer_local(struct question *question, struct text *answer)
{
	answer_message(question, true, answer);
}

/*
 * For one recipient of a message that was put off: as if it were the only one, for each may leave at a time of its
 * own. What is let pass gets no answer, and Exim goes on.
 */
static void answer_route(struct question *question, struct text *answer)
{
	const struct exim_line *line = question->line;
	struct session *session = question->session;
	const struct header *cut = NULL;
	struct recipient *recipient;
	struct reply reply;

	/* where an alias leads is its owner's doing: who wrote to it has been asked about the alias */
	if (line->value[EXIM_LATER][0] != '1' || line->value[EXIM_PARENT][0] != '\0')
		return;
	if (facts_read(session, line, true) < 0 || !(recipient = message_rcpt_to(session, line->value[EXIM_RCPT_TO])) ||
	    content_read(question, &cut) < 0) {
		text_str(answer, ":defer: it cannot be checked now");
		return;
	}
	session->message.tried_before = true;
	judge_mail(question->judgement, &question->bench, session);
	(void)judge_rcpt(question->judgement, &question->bench, session, recipient);
	reply = judge_end(question->judgement, &question->bench, session);
	if (reply.kind == REPLY_ACCEPT)
		return;
	text_str(answer, reply.kind == REPLY_REFUSE && reply.code[0] == '5' ? ":fail: " : ":defer: ");
	text_str(answer, reply.text);
}

static void answer_status(struct question *question, struct text *answer)
{
	if (!question->status(answer->at, answer->size))
		answer->at[0] = '\0';
	answer->len = strlen(answer->at);
}

static const struct verb {
	const char *name;
	void (*answer)(struct question *question, struct text *answer);
} verbs[] = {
	{ "rcpt", answer_rcpt },   { "data", answer_data },	{ "local", answer_local },
	{ "route", answer_route }, { "status", answer_status },
};

void exim_answer(char *line, front_status status, struct text *answer)
{
	struct exim_line parts;
	struct session session;
	struct judgement judgement;
	struct house *house = service_house();
	struct directory *directory = service_directory();
	struct question question = {
		&parts, &session, &judgement, { house, directory, service_store(), service_notices() }, status
	};
	const char *why = exim_line_parse(line, &parts);
	const struct verb *verb = NULL;

	for (size_t i = 0; !why && i < sizeof(verbs) / sizeof(*verbs) && !verb; i++)
		if (!strcmp(parts.verb, verbs[i].name))
			verb = &verbs[i];
	if (verb) {
		session_init(&session);
		verb->answer(&question, answer);
		session_free(&session);
	} else {
		text_str(answer, "error ");
		text_str(answer, why ? why : "unknown verb; rcpt data local route status are known");
	}
	directory_unref(&directory);
	house_unref(&house);
}
