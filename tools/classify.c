/*
 * `leumund classify`: what an answer, a line of the MTA's log or a mail about mail means, by the tables of evidence.
 */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bounce/bounce.h"
#include "evidence/evidence.h"
#include "maillog/maillog.h"
#include "outcome.h"
#include "system/clock.h"
#include "tool.h"

#define INPUT_MAX (64 << 20) /* what is longer is refused; of a mail only the begin is read */

struct classify {
	const struct call *call;
	struct evidence_table *table;
	char *bytes;
	size_t len;
	size_t told;
};

/* ---- output ------------------------------------------------------------------------------------ */

static void explain(const struct evidence *evidence)
{
	printf("\tabout %s\t%s", evidence_about_name(evidence->about), evidence_reaction_name(evidence->reaction));
	if (evidence->wait_s > 0)
		printf(" %us", evidence->wait_s);
	if (evidence->rule[0] == '\0') {
		fputs("\tno rule fits: by the code alone", stdout);
		return;
	}
	printf("\trule %s", evidence->rule);
	if (evidence->line > 0)
		printf(", %s:%u", evidence->file, evidence->line);
}

static void tell(struct classify *classify, struct span recipient, const char *status, const struct evidence *evidence)
{
	char bytes[1024];
	struct text text;

	text_init(&text, bytes, sizeof(bytes));
	text_escaped(&text, recipient.at, recipient.len, 320);
	printf("%s\t%s\t%s", evidence_class_name(evidence->class), text.at, status);
	if (classify->call->explain)
		explain(evidence);
	putchar('\n');
	classify->told++;
}

static const char *status_text(const struct enhanced_code *code, char *out, size_t size)
{
	out[0] = '\0';
	if (code->class > 0)
		snprintf(out, size, "%u.%u.%u", code->class, code->subject, code->detail);
	return out;
}

/* ---- kinds ------------------------------------------------------------------------------------- */

static int classify_reply(struct classify *classify)
{
	struct evidence_answer answer;
	struct evidence evidence;
	char status[24];

	evidence_answer_parse(classify->bytes, classify->len, &answer);
	if (classify->call->provider)
		answer.provider = classify->call->provider;
	evidence_classify(classify->table, &answer, &evidence);
	tell(classify, span_of(""), status_text(&answer.enhanced, status, sizeof(status)), &evidence);
	return EX_OK;
}

static int classify_mail(struct classify *classify)
{
	static const struct evidence none = { .class = EVIDENCE_NOT_BOUNCE, .rule = "", .source = "", .file = "" };
	const char *why;
	struct bounce *bounce = bounce_read(classify->table, classify->bytes, classify->len, &why);

	if (!bounce) {
		complain("%s", why);
		return LEUMUND_WITH_GMIME ? EX_DATAERR : EX_UNAVAILABLE;
	}
	for (size_t i = 0; i < bounce_count(bounce); i++) {
		const struct bounce_recipient *recipient = bounce_recipient(bounce, i);
		tell(classify, span_of(recipient->address), recipient->status, &recipient->evidence);
	}
	if (bounce_count(bounce) == 0)
		tell(classify, span_of(""), "", &none);
	bounce_free(&bounce);
	return EX_OK;
}

static void judge_outcome(void *arg, const struct maillog_outcome *outcome)
{
	struct classify *classify = arg;
	struct evidence evidence;
	struct enhanced_code code;
	char status[24];

	outcome_judge(classify->table, outcome, classify->call->provider ? classify->call->provider : "", &evidence,
		      &code);
	tell(classify, outcome->rcpt_to, status_text(&code, status, sizeof(status)), &evidence);
}

/*
 * What one of several hosts said while another may yet take the mail: Postfix logs it without a recipient. And what the
 * reader of logs leaves out: recipients without a domain, lines that were cut or masked before they were pasted.
 */
static void judge_remark(struct classify *classify)
{
	static const char *const signs[] = { ": host ", "SMTP error from remote mail server", ", stat=Deferred",
					     "defer (" };
	struct evidence_answer answer;
	struct evidence evidence;
	char status[24];
	const char *at = NULL;

	for (size_t i = 0; i < sizeof(signs) / sizeof(*signs) && !at; i++)
		at = memmem(classify->bytes, classify->len, signs[i], strlen(signs[i]));
	if (!at)
		return;
	evidence_answer_parse(at, (size_t)(classify->bytes + classify->len - at), &answer);
	if (answer.code == 0)
		answer.code = 450;
	evidence_classify(classify->table, &answer, &evidence);
	tell(classify, span_of(""), status_text(&answer.enhanced, status, sizeof(status)), &evidence);
}

static int classify_log(struct classify *classify)
{
	struct maillog *log = maillog_new(1000, clock_wall_ms(), NULL, NULL);
	const char *at = classify->bytes, *end = at + classify->len;

	if (!log || maillog_outcomes(log, "localhost", judge_outcome, classify) < 0) {
		complain("out of memory");
		maillog_free(&log);
		return EX_OSERR;
	}
	while (at < end) {
		const char *stop = memchr(at, '\n', (size_t)(end - at));
		maillog_line(log, at, (size_t)((stop ? stop : end) - at));
		at = stop ? stop + 1 : end;
	}
	maillog_end(log);
	maillog_free(&log);
	if (classify->told == 0)
		judge_remark(classify);
	return EX_OK;
}

/* ---- the command ------------------------------------------------------------------------------- */

static bool read_input(struct classify *classify)
{
	size_t room = 0;

	for (;;) {
		if (classify->len == room) {
			room = room > 0 ? 2 * room : 65536;
			char *bytes = room <= INPUT_MAX ? realloc(classify->bytes, room) : NULL;
			if (!bytes) {
				complain("standard input is too long: one mail, reply or log line, please");
				return false;
			}
			classify->bytes = bytes;
		}
		const ssize_t got = read(STDIN_FILENO, classify->bytes + classify->len, room - classify->len);
		if (got <= 0)
			return true;
		classify->len += (size_t)got;
	}
}

/* The admin's tables are those of his conf.d; where there is none, the built-in rules serve alone. */
static bool load_table(struct classify *classify)
{
	char error[4096], conf[4096];
	const bool given = classify->call->conf_given;

	if (given && !tool_conf(classify->call, conf, sizeof(conf)))
		return false;
	classify->table = evidence_load(given ? conf : classify->call->conf, error, sizeof(error));
	if (!classify->table)
		complain("%s", error);
	return classify->table != NULL;
}

int command_classify(const struct call *call)
{
	static const struct {
		const char *kind;
		int (*classify)(struct classify *classify);
	} kinds[] = {
		{ "mail", classify_mail },
		{ "report", classify_mail },
		{ "reply", classify_reply },
		{ "log", classify_log },
	};
	struct classify classify = { .call = call };
	int status = EX_CONFIG;
	size_t kind = 0;

	while (kind < sizeof(kinds) / sizeof(*kinds) && (!call->kind || strcmp(call->kind, kinds[kind].kind) != 0))
		kind++;
	if (kind == sizeof(kinds) / sizeof(*kinds)) {
		complain("say what it is that stands on standard input: --kind mail, reply, log or report");
		return EX_USAGE;
	}
	if (load_table(&classify))
		status = read_input(&classify) ? kinds[kind].classify(&classify) : EX_DATAERR;
	evidence_free(&classify.table);
	free(classify.bytes);
	return status;
}
