/*
 * Takes a reply apart as it stands in logs and reports: its codes, what it answered to, who spoke (evidence.h).
 */
#include <string.h>
#include <strings.h>

#include "evidence/inner.h"

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* ---- what it answered to ----------------------------------------------------------------------- */

enum where { ANYWHERE, AT_BEGIN, AT_END };

/*
 * How MTAs say it. Postfix puts it last, Exim first, and so it is looked for there: what stands elsewhere may be what
 * the other side repeated of a sender's address.
 */
static const struct {
	const char *words;
	enum where where;
	enum evidence_phase phase;
	enum evidence_speaker speaker;
} signs[] = {
	{ "(in reply to RCPT TO command)", AT_END, PHASE_RCPT, SPEAKER_REMOTE },
	{ "(in reply to end of DATA command)", AT_END, PHASE_END, SPEAKER_REMOTE },
	{ "(in reply to DATA command)", AT_END, PHASE_DATA, SPEAKER_REMOTE },
	{ "(in reply to MAIL FROM command)", AT_END, PHASE_MAIL, SPEAKER_REMOTE },
	{ "(in reply to EHLO command)", AT_END, PHASE_HELO, SPEAKER_REMOTE },
	{ "(in reply to HELO command)", AT_END, PHASE_HELO, SPEAKER_REMOTE },
	{ "(in reply to LHLO command)", AT_END, PHASE_HELO, SPEAKER_REMOTE },
	{ "(in reply to STARTTLS command)", AT_END, PHASE_TLS, SPEAKER_REMOTE },
	{ "(in reply to AUTH ", AT_END, PHASE_AUTH, SPEAKER_REMOTE },
	{ "[RCPT_TO]", AT_END, PHASE_RCPT, SPEAKER_REMOTE },
	{ "[MAIL_FROM]", AT_END, PHASE_MAIL, SPEAKER_REMOTE },
	{ "[DATA]", AT_END, PHASE_END, SPEAKER_REMOTE },
	{ "refused to talk to me:", AT_BEGIN, PHASE_CONNECT, SPEAKER_REMOTE },
	{ "after RCPT TO:", AT_BEGIN, PHASE_RCPT, SPEAKER_REMOTE },
	{ "after pipelined RCPT TO:", AT_BEGIN, PHASE_RCPT, SPEAKER_REMOTE },
	{ "after MAIL FROM:", AT_BEGIN, PHASE_MAIL, SPEAKER_REMOTE },
	{ "after pipelined MAIL FROM:", AT_BEGIN, PHASE_MAIL, SPEAKER_REMOTE },
	{ "after initial connection", AT_BEGIN, PHASE_CONNECT, SPEAKER_REMOTE },
	{ "after EHLO", AT_BEGIN, PHASE_HELO, SPEAKER_REMOTE },
	{ "after HELO", AT_BEGIN, PHASE_HELO, SPEAKER_REMOTE },
	{ "after STARTTLS", AT_BEGIN, PHASE_TLS, SPEAKER_REMOTE },
	{ "after AUTH", AT_BEGIN, PHASE_AUTH, SPEAKER_REMOTE },
	{ "after end of data", AT_BEGIN, PHASE_END, SPEAKER_REMOTE },
	{ "after pipelined end of data", AT_BEGIN, PHASE_END, SPEAKER_REMOTE },
	{ "after DATA", AT_BEGIN, PHASE_DATA, SPEAKER_REMOTE },
	{ "after pipelined DATA", AT_BEGIN, PHASE_DATA, SPEAKER_REMOTE },
	{ "but greeting failed", AT_BEGIN, PHASE_CONNECT, SPEAKER_REMOTE },
	{ "but my name was rejected", AT_BEGIN, PHASE_HELO, SPEAKER_REMOTE },
	{ "but sender was rejected", AT_BEGIN, PHASE_MAIL, SPEAKER_REMOTE },
	{ "does not like recipient", AT_BEGIN, PHASE_RCPT, SPEAKER_REMOTE },
	{ "failed on DATA command", AT_BEGIN, PHASE_DATA, SPEAKER_REMOTE },
	{ "failed after I sent the message", AT_BEGIN, PHASE_END, SPEAKER_REMOTE },
	{ "did not like our RCPT TO", AT_BEGIN, PHASE_RCPT, SPEAKER_REMOTE },
	{ "did not like our MAIL FROM", AT_BEGIN, PHASE_MAIL, SPEAKER_REMOTE },
	{ "did not like our EHLO", AT_BEGIN, PHASE_HELO, SPEAKER_REMOTE },
	{ "did not like our DATA", AT_BEGIN, PHASE_DATA, SPEAKER_REMOTE },
	{ "did not like our final DATA", AT_BEGIN, PHASE_END, SPEAKER_REMOTE },
	{ " said:", AT_BEGIN, PHASE_UNKNOWN, SPEAKER_REMOTE },
	{ "delivery temporarily suspended", AT_BEGIN, PHASE_UNKNOWN, SPEAKER_LOCAL },
	{ "connect to ", AT_BEGIN, PHASE_UNKNOWN, SPEAKER_LOCAL },
	{ "lost connection with ", AT_BEGIN, PHASE_UNKNOWN, SPEAKER_LOCAL },
	{ "conversation with ", AT_BEGIN, PHASE_UNKNOWN, SPEAKER_LOCAL },
	{ "Name service error", AT_BEGIN, PHASE_UNKNOWN, SPEAKER_LOCAL },
	{ "retry time", AT_BEGIN, PHASE_UNKNOWN, SPEAKER_LOCAL },
};

#define BEGIN_SPAN 400 /* bytes before the reply itself: a host name and its address, perhaps a path */

static const char *find_words(const char *at, size_t len, const char *words)
{
	const size_t length = strlen(words);

	for (const char *end = at + len; (size_t)(end - at) >= length; at++)
		if (ascii_lower(*at) == ascii_lower(*words) && strncasecmp(at, words, length) == 0)
			return at;
	return NULL;
}

/* The line is not always the text's last: reports fold it, and a bracket may follow. */
static bool sign_stands(const char *text, size_t len, const char *words, enum where where)
{
	if (where == AT_BEGIN)
		return find_words(text, len < BEGIN_SPAN ? len : BEGIN_SPAN, words) != NULL;
	const size_t tail = strlen(words) + 40;
	const size_t skip = len > tail ? len - tail : 0;
	return find_words(text + skip, len - skip, words) != NULL;
}

static void find_phase(const char *text, size_t len, struct evidence_answer *out)
{
	for (size_t i = 0; i < sizeof(signs) / sizeof(*signs); i++)
		if (sign_stands(text, len, signs[i].words, signs[i].where)) {
			out->phase = signs[i].phase;
			out->speaker = signs[i].speaker;
			return;
		}
}

/* ---- its codes --------------------------------------------------------------------------------- */

/* "5.1.1", "5.7.606"; not part of an address of the network, nor of a longer number. How many bytes; 0: none. */
static size_t enhanced_at(const char *at, const char *end, struct enhanced_code *out)
{
	const char *begin = at;
	unsigned numbers[2] = { 0, 0 };

	if (end - at < 5 || !strchr("245", *at) || at[1] != '.')
		return 0;
	at++;
	for (int i = 0; i < 2; i++) {
		if (at == end || *at++ != '.')
			return 0;
		const char *digits = at;
		while (at < end && is_digit(*at) && at - digits < 3)
			numbers[i] = numbers[i] * 10 + (unsigned)(*at++ - '0');
		if (at == digits)
			return 0;
	}
	if (at < end && (is_digit(*at) || (*at == '.' && at + 1 < end && is_digit(at[1]))))
		return 0;
	*out = (struct enhanced_code){ (uint8_t)(*begin - '0'), (uint16_t)numbers[0], (uint16_t)numbers[1] };
	return (size_t)(at - begin);
}

bool enhanced_code_parse(const char *text, size_t len, struct enhanced_code *out)
{
	*out = (struct enhanced_code){ .class = 0 };
	return len > 0 && enhanced_at(text, text + len, out) == len;
}

static bool is_free(const char *text, const char *at)
{
	return at == text || strchr(" \t\n:;('\"<>,=#/", at[-1]) != NULL;
}

/* "550 ", "550-", "550\n"; "450 seconds" is none. */
static bool reply_code_at(const char *text, const char *at, const char *end, unsigned *code)
{
	if (end - at < 3 || !is_free(text, at) || at[0] < '2' || at[0] > '5' || at[0] == '3' || !is_digit(at[1]) ||
	    at[1] > '9' || !is_digit(at[2]))
		return false;
	if (end - at > 3 && !strchr(" -\n\r:)]#,;", at[3]))
		return false;
	if (end - at > 5 && at[3] == ' ' && (strncasecmp(at + 4, "sec", 3) == 0 || strncasecmp(at + 4, "min", 3) == 0))
		return false;
	*code = (unsigned)((at[0] - '0') * 100 + (at[1] - '0') * 10 + (at[2] - '0'));
	return true;
}

struct parse {
	struct evidence_answer *answer;
	const char *code_at; /* NULL: there is none */
};

/* The first refusal, else the first reply: a whole talk may stand there, with much that went well before. */
static const char *find_reply(const char *text, const char *end, unsigned *code)
{
	const char *first = NULL;

	for (const char *at = text; at < end; at++) {
		unsigned found;

		if (!is_digit(*at))
			continue;
		if (reply_code_at(text, at, end, &found) && (!first || found >= 400)) {
			first = at;
			*code = found;
			if (found >= 400)
				return first;
		}
		while (at + 1 < end && (is_digit(at[1]) || at[1] == '.'))
			at++;
	}
	return first;
}

/* The first that stands anywhere, but not as part of something else. */
static void find_enhanced(const char *text, const char *end, struct enhanced_code *out)
{
	for (const char *at = text; at < end; at++) {
		if (!is_digit(*at))
			continue;
		if (is_free(text, at) && enhanced_at(at, end, out) > 0)
			return;
		while (at + 1 < end && (is_digit(at[1]) || at[1] == '.'))
			at++;
	}
}

static void find_codes(const char *text, size_t len, struct parse *parse)
{
	struct evidence_answer *out = parse->answer;
	const char *end = text + len, *at;

	parse->code_at = find_reply(text, end, &out->code);
	if (parse->code_at) {
		at = parse->code_at + 3;
		while (at < end && *at != '\0' && strchr(" -\n#", *at))
			at++;
		if (enhanced_at(at, end, &out->enhanced) > 0 && out->enhanced.class == out->code / 100)
			return;
		out->enhanced = (struct enhanced_code){ .class = 0 };
	}
	find_enhanced(text, end, &out->enhanced);
}

/* ---- the other side's own words ---------------------------------------------------------------- */

/* What the MTA put around them also speaks of hosts, connections and errors. */
static void find_text(const char *text, size_t len, const struct parse *parse)
{
	struct evidence_answer *out = parse->answer;
	static const char said[] = " said:", talk[] = "refused to talk to me:";
	const char *begin = find_words(text, len < BEGIN_SPAN ? len : BEGIN_SPAN, said);
	const char *end = text + len, *tail;

	if (begin) {
		begin += sizeof(said) - 1;
	} else if ((begin = find_words(text, len < BEGIN_SPAN ? len : BEGIN_SPAN, talk))) {
		begin += sizeof(talk) - 1;
	} else {
		begin = text;
		if (out->phase != PHASE_UNKNOWN && out->speaker == SPEAKER_REMOTE && out->code > 0 && parse->code_at)
			begin = parse->code_at;
	}
	if (end - begin > 60) {
		tail = find_words(end - 60, 60, "(in reply to ");
		end = tail ? tail : end;
	}
	out->text = (struct span){ begin, (size_t)(end - begin) };
}

void evidence_answer_parse(const char *text, size_t len, struct evidence_answer *out)
{
	struct parse parse = { .answer = out };

	*out = (struct evidence_answer){ .provider = "" };
	while (len > 0 && strchr(" \t\r\n", text[len - 1]) && text[len - 1] != '\0')
		len--;
	if (len > EVIDENCE_TEXT)
		len = EVIDENCE_TEXT;
	find_phase(text, len, out);
	find_codes(text, len, &parse);
	find_text(text, len, &parse);
}
