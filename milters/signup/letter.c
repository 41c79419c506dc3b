/*
 * What a message shows of itself (letter.h).
 */
#include "milters/signup/letter.h"

#include "hash.h"
#include "milters/signup/opening.h"
#include "milters/signup/sketch.h"

/* The names of evidence.h, and what subject, text and token are made of. */
const char *const letter_headers[] = {
	"Auto-Submitted",
	"Precedence",
	"X-Auto-Response-Suppress",
	"X-PHP-Originating-Script",
	"X-PHP-Script",
	"X-AntiAbuse",
	"X-Mailer",
	"List-Id",
	"List-Unsubscribe",
	"In-Reply-To",
	"Subject",
	"Content-Type",
	"Content-Transfer-Encoding",
	"Message-ID",
	"Date",
	NULL,
};

static struct span field_of(const struct session *session, const char *name)
{
	const struct header *field = message_find(&session->message, name, NULL);

	return field ? (struct span){ field->value, field->len } : (struct span){ "", 0 };
}

static void subject_read(const struct session *session, struct letter *out)
{
	struct span value = field_of(session, "Subject");
	struct text text;

	while (value.len > 0 && (value.at[0] == ' ' || value.at[0] == '\t')) {
		value.at++;
		value.len--;
	}
	text_init(&text, out->subject, sizeof(out->subject));
	field_text(value, &text);
	out->facts.subject = (struct span){ text.at, text.len };
}

/*
 * PHP itself writes X-PHP-Script, beside the line by which the account was told; where that was not believed, or the
 * script spoke SMTP itself, a customer could have his rivals' visitors counted.
 */
static void visitor_read(const struct session *session, struct letter *out)
{
	out->visitor[0] = '\0';
	if (session->who.path == PATH_COMMAND && session->who.script[0] != '\0' &&
	    !visitor_network(field_of(session, "X-PHP-Script"), out->visitor))
		out->visitor[0] = '\0';
}

void letter_read(const struct session *session, struct letter *out)
{
	const struct message *message = &session->message;
	const struct span body = { message->body, message->body_len };
	char TEXT_BUFFER opening[SKETCH_BODY_MAX];
	size_t len;

	out->facts = (struct evidence_facts){ .has_login = session->who.path == PATH_AUTH };
	for (const struct header *field = message->headers; field; field = field->next)
		out->facts.headers |= evidence_of_header(field->name, (struct span){ field->value, field->len });
	subject_read(session, out);
	visitor_read(session, out);
	len = opening_read(field_of(session, "Content-Type"), field_of(session, "Content-Transfer-Encoding"), body,
			   opening, sizeof(opening));
	out->sketch = sketch_make(out->facts.subject, (struct span){ opening, len });
}

static void put_hash(struct text *text, const uint64_t key[2], struct span value)
{
	text_u64(text, hash_keyed(key, value.at, value.len));
	text_char(text, ' ');
}

struct span letter_token(const struct session *session, const uint64_t key[2], uint64_t recipients,
			 char out[LETTER_TOKEN_SIZE])
{
	static const char *const names[] = { "Message-ID", "Date", "Subject" };
	const struct message *message = &session->message;
	struct text text;

	text_init(&text, out, LETTER_TOKEN_SIZE);
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		put_hash(&text, key, field_of(session, names[i]));
	put_hash(&text, key, (struct span){ message->body, message->body_len });
	text_u64(&text, recipients);
	return (struct span){ text.at, text.len };
}
