/*
 * The facts of a connection and of the message in it (session.h).
 */
#include <string.h>

#include "session.h"

/*
 * What one message may make us remember. Beyond it the message is deferred, never accepted
 * unseen: 50,000 recipients or a thousand From fields are an attack, not mail.
 */
#define CONNECTION_MEMORY (64UL * 1024)
#define MESSAGE_MEMORY (4UL * 1024 * 1024)
#define HEADERS_KEPT 1000

const char *const mta_names[] = { "unknown", "postfix", "sendmail", "exim" };

static void message_clear(struct message *message)
{
	message->queue_id = message->mail_from = "";
	mail_path_clear(&message->sender);
	message->sender_broken = false;
	message->auth_type = message->auth_user = message->sender_ident = "";
	message->has_originator_uid = false;
	message->originator_uid = 0;
	message->recipients = NULL;
	message->recipients_end = &message->recipients;
	message->recipient_count = message->refused_count = 0;
	message->headers = NULL;
	message->headers_end = &message->headers;
	message->first_header = NULL;
	message->header_count = message->headers_kept = 0;
	message->body = "";
	message->body_len = 0;
	message->headers_cut = message->author_hidden = false;
	message->id[0] = '\0';
	message->memos = NULL;
}

static void memos_end(struct message *message)
{
	for (struct memo *memo = message->memos; memo; memo = memo->next)
		memo->end(memo->data);
	message->memos = NULL;
}

static void identity_clear(struct identity *who)
{
	memset(who, 0, sizeof(*who));
	who->account = who->mailbox = who->script = "";
}

void session_init(struct session *session)
{
	struct connection *connection = &session->connection;

	memset(session, 0, sizeof(*session));
	arena_init(&connection->memory, CONNECTION_MEMORY);
	connection->client_addr = connection->client_name = "";
	connection->helo = connection->daemon_name = "";
	arena_init(&session->message.memory, MESSAGE_MEMORY);
	message_clear(&session->message);
	identity_clear(&session->who);
}

void session_free(struct session *session)
{
	memos_end(&session->message);
	arena_free(&session->connection.memory);
	arena_free(&session->message.memory);
}

void message_reset(struct session *session)
{
	memos_end(&session->message);
	arena_reset(&session->message.memory);
	message_clear(&session->message);
	identity_clear(&session->who);
}

/* One copy serves both: the parsed path points into it, and the text is it without its angle brackets. */
static int path_read(struct arena *memory, const char *path, const char **text, struct mail_path *parsed, bool *broken)
{
	size_t len = strlen(path);
	char *copy = arena_copy(memory, path, len);

	if (!copy)
		return -1;
	*broken = mail_path_parse(copy, len, parsed) < 0;
	if (len >= 2 && copy[0] == '<' && copy[len - 1] == '>') {
		copy[len - 1] = '\0';
		copy++;
	}
	*text = copy;
	return 0;
}

int message_mail_from(struct session *session, const char *mail_from)
{
	struct message *message = &session->message;
	const char *text;

	if (path_read(&message->memory, mail_from, &text, &message->sender, &message->sender_broken) < 0)
		return -1;
	message->mail_from = text;
	return 0;
}

struct recipient *message_rcpt_to(struct session *session, const char *rcpt_to)
{
	struct message *message = &session->message;
	struct recipient *recipient = arena_alloc(&message->memory, sizeof(*recipient));
	bool broken;

	if (!recipient)
		return NULL;
	recipient->refused = false;
	recipient->next = NULL;
	if (path_read(&message->memory, rcpt_to, &recipient->rcpt_to, &recipient->path, &broken) < 0)
		return NULL;
	/* what is no path has no domain: no rule about recipients concerns it, the MTA judges it */
	if (broken)
		mail_path_clear(&recipient->path);
	*message->recipients_end = recipient;
	message->recipients_end = &recipient->next;
	message->recipient_count++;
	return recipient;
}

void message_body(struct session *session, const char *from, size_t len)
{
	struct message *message = &session->message;
	const size_t room = MESSAGE_BODY_KEPT - message->body_len;
	char *body = (char *)(uintptr_t)message->body;

	if (message->body_len == 0)
		body = arena_alloc(&message->memory, MESSAGE_BODY_KEPT);
	if (!body)
		return;
	if (len > room)
		len = room;
	memcpy(body + message->body_len, from, len);
	message->body = body;
	message->body_len += len;
}

int message_header(struct session *session, const char *name, const char *value, bool keep)
{
	struct message *message = &session->message;
	struct header *header = NULL;
	const char *lf = strchrnul(value, '\n'), *cr = strchrnul(value, '\r');
	size_t len = (size_t)((lf > cr ? lf : cr) - value);

	/* nearly every field is one line: both have met its end */
	if (lf != cr) {
		len = strlen(value);
		message->author_hidden |= author_field_within(value, len);
	}
	message->header_count++;
	if (!keep)
		return 0;
	if (message->headers_kept < HEADERS_KEPT)
		header = arena_alloc(&message->memory, sizeof(*header));
	if (header) {
		header->name = arena_copy(&message->memory, name, strlen(name));
		header->value = arena_copy(&message->memory, value, len);
	}
	if (!header || !header->name || !header->value)
		return -1;
	message->headers_kept++;
	header->len = len;
	header->next = NULL;
	if (message->header_count == 1)
		message->first_header = header;
	*message->headers_end = header;
	message->headers_end = &header->next;
	return 0;
}

bool header_name_is(const char *name, const char *wanted)
{
	while (*wanted && ascii_lower(*name) == ascii_lower(*wanted)) {
		name++;
		wanted++;
	}
	if (*wanted)
		return false;
	while ((unsigned char)(*name - 1) < ' ' || *name == 0x7f)
		name++;
	return *name == '\0';
}

const struct header *message_find(const struct message *message, const char *name, const struct header *from)
{
	const struct header *header = from ? from->next : message->headers;

	while (header && !header_name_is(header->name, name))
		header = header->next;
	return header;
}

int message_memo_add(struct message *message, const void *owner, void *data, void (*end)(void *data))
{
	struct memo *memo = arena_alloc(&message->memory, sizeof(*memo));

	if (!memo) {
		end(data);
		return -1;
	}
	*memo = (struct memo){ owner, data, end, message->memos };
	message->memos = memo;
	return 0;
}

void *message_memo(const struct message *message, const void *owner)
{
	for (const struct memo *memo = message->memos; memo; memo = memo->next)
		if (memo->owner == owner)
			return memo->data;
	return NULL;
}

const char *message_sender_text(const struct message *message)
{
	return message->mail_from[0] == '\0' ? "<>" : message->mail_from;
}
