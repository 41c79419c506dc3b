/*
 * `leumund who`: whose an address, a login or a domain is, and what the services would decide now if it
 * were used. The judge itself is asked, in this process; nothing is recorded (main() keeps its log line quiet).
 */
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "judge.h"
#include "milters/table.h"
#include "session.h"
#include "tool.h"

#define OWNERS 64

struct inquiry {
	const struct call *call;
	char conf[PATH_MAX];
	struct setup setup;
	struct directory *directory;
	const char *word;
	const char *at; /* of its domain part, or NULL: it has none */
	domain_name domain;
	const char *owners[OWNERS];
	size_t owner_count;
	const char *account; /* who is supposed to send; NULL: nobody */
};

/* A finding of one service. */
struct outcome {
	struct reply reply;
	const char *rule, *action, *milter;
	const struct decision *notes;
	char text[1024]; /* of the reply */
};

static void report_directory(void *unused, bool is_warning, const char *sentence)
{
	(void)unused;
	if (is_warning)
		complain("%s", sentence);
}

/* A word that is an account is taken as one, even where it could be a domain. */
static void word_understand(struct inquiry *inquiry)
{
	const char *sign = strrchr(inquiry->word, '@'), *name = sign ? sign + 1 : inquiry->word;

	if (!sign && directory_account(inquiry->directory, inquiry->word)) {
		inquiry->account = directory_account(inquiry->directory, inquiry->word);
		return;
	}
	if ((!sign && !strchr(name, '.')) || domain_canonical(name, strlen(name), inquiry->domain) < 0)
		return;
	inquiry->at = name;
	inquiry->owner_count = directory_owners(inquiry->directory, inquiry->domain, true, inquiry->owners, OWNERS);
	if (sign)
		inquiry->account = directory_login(inquiry->directory, inquiry->word);
	if (!inquiry->account && inquiry->owner_count > 0)
		inquiry->account = inquiry->owners[0];
}

static size_t owners_listed(const struct inquiry *inquiry)
{
	return inquiry->owner_count < OWNERS ? inquiry->owner_count : OWNERS;
}

/* ---- what would be decided --------------------------------------------------------------------- */

/* As if `account` had submitted it with SMTP AUTH. */
static int session_fill(struct session *session, const struct inquiry *inquiry, const char *address)
{
	const char *from = inquiry->call->from ? inquiry->call->from : address;

	session->message.auth_user = inquiry->account;
	session->message.auth_type = "PLAIN";
	if (message_mail_from(session, address) < 0 || message_header(session, "From", from, true) < 0)
		return -1;
	return 0;
}

static void outcome_take(struct outcome *outcome, const struct judgement *judgement, struct reply reply)
{
	const struct verdict *verdict = &judgement->message.verdict;
	char *id;

	outcome->reply = reply;
	outcome->rule = verdict->rule ? verdict->rule->name : NULL;
	outcome->action = verdict->rule ? action_names[verdict->action] : "accept";
	outcome->milter = judgement->message.milter ? judgement->message.milter : "";
	outcome->notes = &judgement->message;
	snprintf(outcome->text, sizeof(outcome->text), "%s", reply.text ? reply.text : "");
	/* nothing was recorded: it is no id that `leumund explain` knows */
	id = strstr(outcome->text, " (id ");
	if (id)
		*id = '\0';
}

static void outcome_show(const char *service, const struct outcome *outcome)
{
	printf("  %s: %s", service, outcome->action);
	if (outcome->rule)
		printf(" (%s.%s)", outcome->milter, outcome->rule);
	putchar('\n');
	if (outcome->reply.kind == REPLY_REFUSE)
		printf("    %s %s ", outcome->reply.code, outcome->reply.dsn);
	if (outcome->reply.kind != REPLY_ACCEPT)
		print_wrapped(stdout, outcome->text, 4, outcome->reply.kind == REPLY_REFUSE ? 14 : 0);
	for (unsigned i = 0; i < outcome->notes->observed_count; i++)
		printf("    only observed: %s\n", outcome->notes->observed[i].rule->name);
}

static void outcome_json(const char *service, const struct outcome *outcome)
{
	static const char *const kinds[] = { "accept", "hold", "refuse" };

	printf("{\"service\":\"%s\",\"action\":\"%s\",\"rule\":", service, outcome->action);
	if (outcome->rule)
		printf("\"%s\",\"milter\":\"%s\"", outcome->rule, outcome->milter);
	else
		fputs("null", stdout);
	printf(",\"reply\":{\"kind\":\"%s\",\"code\":\"%s\",\"dsn\":\"%s\",\"text\":", kinds[outcome->reply.kind],
	       outcome->reply.code, outcome->reply.dsn);
	print_json(stdout, outcome->text);
	fputs("},\"observed\":[", stdout);
	for (unsigned i = 0; i < outcome->notes->observed_count; i++)
		printf("%s\"%s\"", i ? "," : "", outcome->notes->observed[i].rule->name);
	fputs("]}", stdout);
}

static int service_judge(const struct inquiry *inquiry, const char *service, const char *address)
{
	char error[1024];
	struct house *house = house_load(inquiry->conf, service, milters, error, sizeof(error));
	struct bench bench = { house, inquiry->directory, NULL, NULL };
	struct judgement judgement;
	struct outcome outcome;
	struct session session;
	struct reply reply;

	if (!house) {
		complain("%s", error);
		return -1;
	}
	session_init(&session);
	memset(&judgement, 0, sizeof(judgement));
	if (session_fill(&session, inquiry, address) < 0) {
		reply = judge_failed(&bench, &session, STAGE_END);
	} else {
		judge_mail(&judgement, &bench, &session);
		reply = judge_end(&judgement, &bench, &session);
	}
	outcome_take(&outcome, &judgement, reply);
	(inquiry->call->json ? outcome_json : outcome_show)(service, &outcome);
	session_free(&session);
	house_unref(&house);
	return 0;
}

static int decisions_show(const struct inquiry *inquiry)
{
	char address[DOMAIN_MAX + 400];
	int status = EX_OK;

	if (!inquiry->at || !inquiry->account)
		return EX_OK;
	snprintf(address, sizeof(address), "%s%s", inquiry->at == inquiry->word ? "someone@" : "", inquiry->word);
	if (!inquiry->call->json) {
		fputs("If ", stdout);
		print_safe(stdout, inquiry->account);
		fputs(" sent now, with SMTP AUTH:\n  MAIL FROM ", stdout);
		print_safe(stdout, address);
		fputs("\n  From      ", stdout);
		print_safe(stdout, inquiry->call->from ? inquiry->call->from : address);
		putchar('\n');
	}
	for (size_t i = 0; i < inquiry->setup.service_count && status == EX_OK; i++) {
		if (inquiry->call->json && i > 0)
			putchar(',');
		if (service_judge(inquiry, inquiry->setup.services[i], address) < 0)
			status = EX_CONFIG;
	}
	return status;
}

/* ---- whose it is ------------------------------------------------------------------------------- */

static void domain_show(void *arg, const char *domain)
{
	size_t *count = arg;

	printf("  %s\n", domain);
	(*count)++;
}

static void account_show(const struct inquiry *inquiry)
{
	size_t count = 0;

	printf("%s is an account. Its domains and logins:\n", inquiry->account);
	directory_domains(inquiry->directory, inquiry->account, domain_show, &count);
	if (count == 0)
		puts("  none");
}

static void owners_show(const struct inquiry *inquiry)
{
	const char *login = directory_login(inquiry->directory, inquiry->word);

	print_safe(stdout, inquiry->word);
	if (login)
		printf(" is a login of account %s\n", login);
	else if (!inquiry->at)
		puts(" is no account, and no domain that mail can be sent from");
	else if (inquiry->owner_count == 0)
		printf(": no account owns %s\n", inquiry->domain);
	else
		printf(" belongs to account %s\n", inquiry->owners[0]);
	if (inquiry->owner_count > 0 && (login || inquiry->owner_count > 1)) {
		printf("Owners of %s:", inquiry->domain);
		for (size_t i = 0; i < owners_listed(inquiry); i++)
			printf(" %s", inquiry->owners[i]);
		puts(inquiry->owner_count > OWNERS ? " ..." : "");
	}
	if (inquiry->at && !inquiry->account && !inquiry->call->as)
		puts("With --as ACCOUNT you see what would be decided if that account used it.");
	if (directory_size(inquiry->directory) == 0)
		puts("The directory knows no domain at all: see leumund.domains");
}

static void domain_json(void *arg, const char *domain)
{
	size_t *count = arg;

	if ((*count)++ > 0)
		putchar(',');
	print_json(stdout, domain);
}

static void owners_json(const struct inquiry *inquiry)
{
	const char *login = inquiry->at ? directory_login(inquiry->directory, inquiry->word) : NULL;
	size_t count = 0;

	fputs("{\"asked\":", stdout);
	print_json(stdout, inquiry->word);
	fputs(",\"login_of\":", stdout);
	print_json(stdout, login ? login : "");
	fputs(",\"domain\":", stdout);
	print_json(stdout, inquiry->at ? inquiry->domain : "");
	fputs(",\"owners\":[", stdout);
	for (size_t i = 0; i < owners_listed(inquiry); i++) {
		fputs(i ? "," : "", stdout);
		print_json(stdout, inquiry->owners[i]);
	}
	fputs("],\"domains\":[", stdout);
	if (!inquiry->at && inquiry->account)
		directory_domains(inquiry->directory, inquiry->account, domain_json, &count);
	fputs("],\"as\":", stdout);
	print_json(stdout, inquiry->account ? inquiry->account : "");
	fputs(",\"decisions\":[", stdout);
}

static int inquiry_answer(struct inquiry *inquiry)
{
	bool is_account, found;
	int status;

	word_understand(inquiry);
	is_account = !inquiry->at && inquiry->account;
	found = inquiry->account != NULL;
	if (inquiry->call->as && !directory_account(inquiry->directory, inquiry->call->as))
		complain("the directory knows no account of the name given with --as");
	if (inquiry->call->as)
		inquiry->account = inquiry->call->as;
	if (inquiry->call->json)
		owners_json(inquiry);
	else if (is_account)
		account_show(inquiry);
	else
		owners_show(inquiry);
	status = decisions_show(inquiry);
	if (inquiry->call->json)
		puts("]}");
	if (status == EX_OK && !found)
		status = EXIT_FINDING;
	return status;
}

int command_who(const struct call *call)
{
	struct inquiry inquiry = { .call = call, .word = call->words[0] };
	int status;

	if (!tool_conf(call, inquiry.conf, sizeof(inquiry.conf)))
		return EX_CONFIG;
	status = tool_setup(call, &inquiry.setup);
	if (status != 0)
		return status;
	inquiry.directory = directory_reload(NULL, &inquiry.setup.domains, report_directory, NULL);
	status = inquiry_answer(&inquiry);
	directory_unref(&inquiry.directory);
	setup_free(&inquiry.setup);
	return status;
}
