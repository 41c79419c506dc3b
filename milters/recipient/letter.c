/*
 * What a message is by its header (letter.h).
 */
#include "milters/recipient/letter.h"

#define VALUE_MAX 200

const char *const recipient_headers[] = {
	"List-Id",
	"List-Unsubscribe",
	"Precedence",
	"Auto-Submitted",
	"X-Auto-Response-Suppress",
	"X-PHP-Originating-Script",
	"X-Mailer",
	"Subject",
	"Message-ID",
	"Date",
	NULL,
};

static struct span field_of(const struct session *session, const char *name)
{
	const struct header *field = message_find(&session->message, name, NULL);
	struct span value = { "", 0 };

	if (field)
		value = (struct span){ field->value, field->len };
	while (value.len > 0 && (value.at[0] == ' ' || value.at[0] == '\t')) {
		value.at++;
		value.len--;
	}
	return value;
}

static bool begins(struct span value, const char *word)
{
	const size_t len = strlen(word);

	return value.len >= len && span_is((struct span){ value.at, len }, word);
}

/* RFC 2919, RFC 2369, and what list managers wrote before them. */
bool recipient_is_bulk(const struct session *session)
{
	const struct span precedence = field_of(session, "Precedence");

	return message_find(&session->message, "List-Id", NULL) ||
	       message_find(&session->message, "List-Unsubscribe", NULL) || begins(precedence, "bulk") ||
	       begins(precedence, "list") || begins(precedence, "junk");
}

/* A login is a person's unless a field that programs write says otherwise. */
static bool is_programs(const struct session *session)
{
	const struct span mailer = field_of(session, "X-Mailer");

	return session->who.path == PATH_COMMAND || session->who.path == PATH_LOOPBACK ||
	       begins(field_of(session, "Auto-Submitted"), "auto-") ||
	       message_find(&session->message, "X-Auto-Response-Suppress", NULL) || begins(mailer, "PHP") ||
	       begins(mailer, "WPMailSMTP") || begins(mailer, "Drupal");
}

bool recipient_is_order(const struct session *session, const struct stems *trade)
{
	char TEXT_BUFFER buffer[STEM_TEXT_MAX + 1];
	struct text subject;

	if (!is_programs(session))
		return false;
	text_init(&subject, buffer, sizeof(buffer));
	field_text(field_of(session, "Subject"), &subject);
	return stems_find(trade, (struct span){ subject.at, subject.len }) != NULL;
}

static void put(struct text *text, struct span value)
{
	text_mem(text, value.at, value.len < VALUE_MAX ? value.len : VALUE_MAX);
}

struct span recipient_token(const struct session *session, char out[RECIPIENT_TOKEN_SIZE])
{
	const struct span id = field_of(session, "Message-ID");
	struct text text;

	text_init(&text, out, RECIPIENT_TOKEN_SIZE);
	put(&text, id);
	if (id.len == 0) {
		put(&text, field_of(session, "Date"));
		put(&text, field_of(session, "Subject"));
	}
	return (struct span){ text.at, text.len };
}
