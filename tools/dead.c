/*
 * `leumund dead` and `leumund release`: mailboxes of which their provider has said that they do not exist.
 */
#include <string.h>

#include "address/address.h"
#include "admin.h"
#include "contact.h"
#include "reputation.h"
#include "system/clock.h"

#define NOBODY "unknown" /* whose history has what is no account's */
#define REMEDY "; write one address, such as info@example.org"

/* In the form that the store has it. False after a complaint. */
static bool box_read(const char *word, char box[CONTACT_MAX])
{
	struct mail_path path;
	struct text text;

	if (mail_path_parse(word, strlen(word), &path) < 0 || path.null || path.domain[0] == '\0') {
		complain_word(word, "no address" REMEDY);
		return false;
	}
	text_init(&text, box, CONTACT_MAX);
	contact_box(path.local, path.domain, &text);
	return true;
}

static enum store_result ask(struct question *question, struct dead_request *request)
{
	const struct store_request asked = dead_ask(request, question->store);
	struct store_answer *answers;
	enum store_result result = store_run(question->store, &asked, 1, &answers, QUESTION_MS);

	if (!dead_answer(request, answers) && result == STORE_OK)
		result = STORE_REFUSED;
	store_answers_free(&answers);
	return result;
}

/* ---- one address ------------------------------------------------------------------------------------------------ */

static void row(const char *name, const char *value)
{
	printf("%-10s ", name);
	print_safe(stdout, value);
	putchar('\n');
}

static void mailbox_words(const char *box, const struct dead_request *dead)
{
	char words[TIME_BOTH_SIZE];

	row("address", box);
	row("state", dead->state == DEAD_DEAD ? "dead: nobody writes to it" : "watched");
	row("said by", dead->by);
	row("words", dead->words);
	printf("%-10s %lld times, refused since: %lld\n", "said", (long long)dead->attempts, (long long)dead->refused);
	row("first", time_both(dead->first_ms, words));
	row("last", time_both(dead->last_ms, words));
	if (dead->state == DEAD_WATCHED)
		row("next", dead->next_ms > 0 ? time_both(dead->next_ms, words) : "now");
	row("kept until", time_both(dead->until_ms, words));
	row("accounts", dead->accounts);
}

static void mailbox_json(const char *box, const struct dead_request *dead)
{
	fputs("{\"address\":", stdout);
	print_json(stdout, box);
	printf(",\"state\":\"%s\",\"said_by\":", dead->state == DEAD_DEAD ? "dead" : "watched");
	print_json(stdout, dead->by);
	fputs(",\"words\":", stdout);
	print_json(stdout, dead->words);
	printf(",\"attempts\":%lld,\"refused\":%lld,\"first_ms\":%lld,\"last_ms\":%lld,\"next_ms\":%lld,\"until_ms\":%"
	       "lld,"
	       "\"accounts\":",
	       (long long)dead->attempts, (long long)dead->refused, (long long)dead->first_ms, (long long)dead->last_ms,
	       (long long)dead->next_ms, (long long)dead->until_ms);
	print_json(stdout, dead->accounts);
	putchar('}');
}

static enum store_result mailbox_show(struct question *question, const char *box)
{
	const struct dead_rule rule = reputation_dead(question->setup.reputation);
	struct dead_request request = { .mode = DEAD_LOOK, .rule = &rule, .address = span_of(box) };
	const enum store_result result = ask(question, &request);

	if (result != STORE_OK || request.state == DEAD_UNKNOWN)
		return result == STORE_OK ? STORE_NONE : result;
	list_separate(question);
	(question->call->json ? mailbox_json : mailbox_words)(box, &request);
	return STORE_OK;
}

/* ---- an account's ----------------------------------------------------------------------------------------------- */

static bool listed(void *arg, const char *address, int64_t last_ms)
{
	struct question *question = arg;
	char words[40];

	list_separate(question);
	if (question->call->json) {
		fputs("{\"address\":", stdout);
		print_json(stdout, address);
		printf(",\"last_ms\":%lld}", (long long)last_ms);
		return true;
	}
	/* as keys hold it there is no quote, comma or control character in an address */
	printf(question->call->csv ? "%s," : "%s  ", time_words(last_ms, words, sizeof(words)));
	print_safe(stdout, address);
	putchar('\n');
	return true;
}

static enum store_result account_show(struct question *question)
{
	const struct dead_of_rule rule = reputation_dead_of(question->setup.reputation);

	if (question->call->csv)
		puts("last,address");
	return dead_of_list(question->store, question->call->account, &rule, listed, question, QUESTION_MS);
}

int command_dead(const struct call *call)
{
	char box[CONTACT_MAX];
	struct question question;
	enum store_result result;
	int status;

	if ((call->count == 1) == (call->account != NULL) || (call->csv && (!call->account || call->json))) {
		complain("write ADDRESS, or --account ACCOUNT with --csv or --json or none of them");
		return EX_USAGE;
	}
	if (call->count == 1 && !box_read(call->words[0], box))
		return EX_USAGE;
	status = question_open(&question, call);
	if (status != 0)
		return status;
	list_begin(&question, "dead");
	result = call->account ? account_show(&question) : mailbox_show(&question, box);
	return question_close(&question, result,
			      call->account ? "this account has written to no dead mailbox"
					    : "nothing is held against this mailbox");
}

/* ---- release ---------------------------------------------------------------------------------------------------- */

static enum store_result mailbox_release(struct question *question, const char *box)
{
	const struct dead_rule rule = reputation_dead(question->setup.reputation);
	struct dead_request request = { .mode = DEAD_CLEAR, .rule = &rule, .address = span_of(box) };
	const enum store_result result = ask(question, &request);
	char buffer[600];
	struct text facts;

	if (result != STORE_OK || !request.counted)
		return result == STORE_OK ? STORE_NONE : result;
	list_separate(question);
	if (question->call->json) {
		print_json(stdout, box);
	} else {
		print_safe(stdout, box);
		puts(": released; what its provider says from now on counts anew");
	}
	text_init(&facts, buffer, sizeof(buffer));
	admin_fact(&facts, "address", box);
	if (!admin_note(question, NOBODY, "release", buffer))
		question->finding = true;
	return STORE_OK;
}

int command_release(const struct call *call)
{
	char box[CONTACT_MAX];
	struct question question;
	enum store_result result;
	int status;

	if (!box_read(call->words[0], box))
		return EX_USAGE;
	status = question_open(&question, call);
	if (status != 0)
		return status;
	list_begin(&question, "released");
	result = mailbox_release(&question, box);
	return question_close(&question, result, "nothing is held against this mailbox");
}
