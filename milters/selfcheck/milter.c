/*
 * `selfcheck`: what will other servers find when they look at our customers' mail? Finds the facts of SPF and DMARC
 * for each address that the mail may leave from; what follows from them is said by the policy.
 *
 * A customer's domain in MAIL FROM is asked about at MAIL, anything else at the end of a message that would pass; the
 * verdict comes from what is known then.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "directory/directory.h"
#include "dns/shared.h"
#include "exempt.h"
#include "milter.h"
#include "milters/selfcheck/book.h"
#include "milters/selfcheck/policy.h"
#include "milters/selfcheck/signature.h"
#include "org_domain.h"
#include "setup.h"
#include "spf/figures.h"
#include "system/clock.h"

#define WARNING_BYTES 480 /* of a header field */

struct selfcheck_options {
	struct milter_options common;
	int action[SELFCHECK_RULES];
	bool dkim_signs;
	int64_t wait_ms;
	struct string_list exempt_accounts;
	struct string_list exempt_senders;
};

struct selfcheck {
	const struct selfcheck_options *options;
	const struct leumund_options *leumund;
	struct selfcheck_limits limits;
	struct exemptions *accounts, *senders;
	struct book *book;
};

/* Of one message: what its facts point into, and what it is warned of. */
struct memo_data {
	struct prospect mail_from, header_from;
	domain_name header_from_domain;
	const char *found; /* what SPF says of MAIL FROM's domain, for the log; NULL: not looked at */
	unsigned warning_count;
	struct verdict warnings[SELFCHECK_RULES];
};

/* clang-format off */
#define OPTION_AT(member) offsetof(struct selfcheck_options, member)
#define RULE_ROW(rule, name, text) \
	{ OPTION_CHOICE, name, "observe", 0, 0, selfcheck_action_names, NULL, OPTION_AT(action) + (rule) * sizeof(int), text }

static const struct option rows[] = {
	MILTER_ROWS(struct selfcheck_options, "\"outbound\""),
	RULE_ROW(SELFCHECK_SPF_FAIL, "spf_fail",
	  "The SPF record of MAIL FROM's domain forbids an address that this mail may leave from."),
	RULE_ROW(SELFCHECK_SPF_SOFTFAIL, "spf_softfail",
	  "It says that this address probably may not."),
	RULE_ROW(SELFCHECK_SPF_PERMERROR, "spf_permerror",
	  "It is broken, or needs more look-ups than allowed."),
	RULE_ROW(SELFCHECK_DMARC_SPF, "dmarc_spf",
	  "From's domain asks others by DMARC to refuse or quarantine mail that fails, and this mail has neither SPF nor its signature."),
	RULE_ROW(SELFCHECK_DMARC_ALIGNMENT, "dmarc_alignment",
	  "The same, because MAIL FROM is of another domain than From."),
	{ OPTION_BOOL, "dkim_signs", "false", 0, 0, NULL, NULL, OPTION_AT(dkim_signs),
	  "Whether the MTA signs all mail with DKIM for From's domain after this milter: DMARC is then content without SPF." },
	{ OPTION_NUMBER, "wait_ms", "100", 0, 2000, NULL, NULL, OPTION_AT(wait_ms),
	  "How long a message waits at its end, in milliseconds, for what is not known yet; it passes then, and the next one is judged." },
	{ OPTION_LIST, "exempt_accounts", "{}", 0, 0, NULL, exempt_check_account, OPTION_AT(exempt_accounts),
	  "Accounts that no rule concerns: \"cp1005 until 2027-01-31: moves its zone\"." },
	{ OPTION_LIST, "exempt_senders", "{}", 0, 0, NULL, exempt_check_address, OPTION_AT(exempt_senders),
	  "Senders that no rule concerns, by address or domain: \"shop.example until 2027-01-31: sends by another relay\"." },
	{ .name = NULL }
};
/* clang-format on */

static const struct section selfcheck_section = {
	.name = "selfcheck",
	.summary = "What other servers will find in SPF and DMARC when our mail comes.",
	.options = rows,
	.size = sizeof(struct selfcheck_options),
};

static void selfcheck_stop(void *state)
{
	struct selfcheck *selfcheck = state;

	book_close(&selfcheck->book);
	exemptions_free(&selfcheck->accounts);
	exemptions_free(&selfcheck->senders);
	free(selfcheck);
}

static struct book *book_make(const struct setup *setup, char *error, size_t size)
{
	struct egress *egress = egress_new(setup->egress, error, size);
	struct book *book = NULL;
	struct dns *dns;

	if (!egress)
		return NULL;
	dns = dns_share(setup->dns, error, size);
	if (!dns) {
		egress_free(&egress);
		return NULL;
	}
	book = book_open(egress, dns);
	if (!book)
		snprintf(error, size, "selfcheck: out of memory or threads");
	return book;
}

static void *selfcheck_start(const struct setup *setup, const void *options, char *error, size_t size)
{
	struct selfcheck *selfcheck;

	if (setup->egress->addresses.count == 0) {
		snprintf(error, size,
			 "selfcheck: write egress { addresses = {\"192.0.2.1\"} }: the addresses from which "
			 "mail leaves this server");
		return NULL;
	}
	selfcheck = calloc(1, sizeof(*selfcheck));
	if (!selfcheck) {
		snprintf(error, size, "selfcheck: out of memory");
		return NULL;
	}
	selfcheck->options = options;
	selfcheck->leumund = setup->leumund;
	for (int i = 0; i < SELFCHECK_RULES; i++)
		selfcheck->limits.action[i] = (enum selfcheck_action)selfcheck->options->action[i];
	snprintf(error, size, "selfcheck: out of memory");
	selfcheck->accounts = exemptions_new(EXEMPT_ACCOUNT, &selfcheck->options->exempt_accounts);
	selfcheck->senders = exemptions_new(EXEMPT_ADDRESS, &selfcheck->options->exempt_senders);
	if (selfcheck->accounts && selfcheck->senders)
		selfcheck->book = book_make(setup, error, size);
	if (!selfcheck->book) {
		selfcheck_stop(selfcheck);
		return NULL;
	}
	return selfcheck;
}

static void selfcheck_rest(void *state)
{
	struct selfcheck *selfcheck = state;

	book_rest(selfcheck->book);
}

/* ---- whose mail is looked at ------------------------------------------------------------------- */

/* A bounce has no domain of its own: receivers look at the name given with HELO. */
static bool is_judged(const struct view *view)
{
	const struct mail_path *sender = &view->session->message.sender;

	return view->session->who.path != PATH_REMOTE && view->session->who.path != PATH_INTERNAL &&
	       !view->session->message.sender_broken && sender->domain[0] != '\0';
}

static bool is_exempt(const struct selfcheck *selfcheck, const struct view *view)
{
	const struct mail_path *sender = &view->session->message.sender;
	const char *account = view->session->who.account;

	return (account[0] != '\0' && exempt_account(selfcheck->accounts, account, view->now_ms)) ||
	       exempt_address(selfcheck->senders, sender->local, sender->domain, view->now_ms);
}

/* Mail for the server's own customers leaves by no address. */
static bool stays_here(const struct view *view)
{
	const struct recipient *recipient = view->session->message.recipients;
	const char *owner;

	for (; recipient; recipient = recipient->next)
		if (directory_owners(view->directory, recipient->path.domain, false, &owner, 1) == 0)
			return false;
	return view->session->message.recipients != NULL;
}

static const struct egress_pool *pool_of(const struct selfcheck *selfcheck, const struct view *view)
{
	return egress_pool_of(book_egress(selfcheck->book), view->session->who.account,
			      view->session->message.sender.domain);
}

static struct book_subject subject_of(const struct selfcheck *selfcheck, const struct view *view, const char *domain)
{
	const char *owner;

	return (struct book_subject){
		.pool = pool_of(selfcheck, view),
		.domain = domain,
		.is_ours = directory_owners(view->directory, domain, false, &owner, 1) > 0,
	};
}

/* MAIL costs a sender nothing: for it alone only customers' domains are asked about, and those are numbered. */
static void *selfcheck_begin(const void *state, const struct view *view)
{
	const struct selfcheck *selfcheck = state;
	struct book_subject subject;

	if (!is_judged(view) || is_exempt(selfcheck, view))
		return NULL;
	subject = subject_of(selfcheck, view, view->session->message.sender.domain);
	if (subject.is_ours)
		book_ask(selfcheck->book, view->store, &subject);
	return calloc(1, sizeof(struct memo_data));
}

/* ---- facts ------------------------------------------------------------------------------------- */

static const enum selfcheck_spf results[SPF_RESULTS] = {
	[SPF_RESULT_NONE] = SELFCHECK_SILENT,	      [SPF_RESULT_NEUTRAL] = SELFCHECK_SILENT,
	[SPF_RESULT_PASS] = SELFCHECK_PASS,	      [SPF_RESULT_FAIL] = SELFCHECK_FAIL,
	[SPF_RESULT_SOFTFAIL] = SELFCHECK_SOFTFAIL,   [SPF_RESULT_TEMPERROR] = SELFCHECK_UNKNOWN,
	[SPF_RESULT_PERMERROR] = SELFCHECK_PERMERROR, [SPF_RESULT_PENDING] = SELFCHECK_UNKNOWN,
};

/* author_fn: DMARC looks at the first author's domain, RFC 7489 6.6.1. */
static bool author_take(void *arg, const struct author *author)
{
	memcpy(arg, author->domain, sizeof(domain_name));
	return false;
}

static void author_read(const struct message *message, domain_name domain)
{
	const struct header *from = message_find(message, "From", NULL);

	domain[0] = '\0';
	if (from)
		(void)author_parse(from->value, from->len, author_take, domain);
}

static bool is_signed(const struct selfcheck *selfcheck, const struct message *message, const char *domain)
{
	const struct header *field = NULL;

	if (selfcheck->options->dkim_signs)
		return true;
	while ((field = message_find(message, "DKIM-Signature", field)))
		if (signature_is_of((struct span){ field->value, field->len }, domain))
			return true;
	return false;
}

/* RFC 7489 3.1.2 */
static bool is_aligned(const char *mail_from, const char *header_from, bool strict)
{
	return !strcmp(mail_from, header_from) || (!strict && !strcmp(org_domain(mail_from), org_domain(header_from)));
}

/* A result that is of this mailbox only would say nothing of the next one. */
static bool is_sure(const struct prospect *prospect)
{
	return !prospect->by_mailbox && prospect->result != SPF_RESULT_TEMPERROR;
}

static void find_spf(const struct prospect *prospect, struct selfcheck_facts *facts)
{
	facts->spf = results[prospect->result];
	facts->missing = span_of(prospect->missing);
	facts->problem = span_of(prospect->problem);
}

static void find_dmarc(const struct selfcheck *selfcheck, const struct view *view, const struct memo_data *memo,
		       struct selfcheck_facts *facts)
{
	const struct message *message = &view->session->message;
	const char *domain = memo->header_from_domain;

	facts->header_from = span_of(domain);
	facts->dmarc_bites = memo->header_from.dmarc != DMARC_NONE;
	facts->aligned = is_aligned(message->sender.domain, domain, memo->header_from.strict);
	facts->signed_by_author = facts->dmarc_bites && is_signed(selfcheck, message, domain);
}

/* Both domains are waited for together. */
static struct selfcheck_facts find(const struct selfcheck *selfcheck, const struct view *view, struct memo_data *memo)
{
	const struct message *message = &view->session->message;
	const struct book_subject mail_from = subject_of(selfcheck, view, message->sender.domain);
	const int64_t until_ms = clock_ticks_ms() + selfcheck->options->wait_ms;
	struct selfcheck_facts facts = { .spf = SELFCHECK_UNKNOWN };
	const char *from = memo->header_from_domain;
	struct book_subject header_from;
	bool known;

	facts.mail_from = span_of(message->sender.domain);
	memo->found = "unknown";
	author_read(message, memo->header_from_domain);
	header_from = subject_of(selfcheck, view, from);
	if (from[0] != '\0')
		book_ask(selfcheck->book, view->store, &header_from);
	known = book_find(selfcheck->book, view->store, &mail_from, until_ms, &memo->mail_from);
	if (known && is_sure(&memo->mail_from)) {
		find_spf(&memo->mail_from, &facts);
		memo->found = spf_result_names[memo->mail_from.result];
	}
	if (from[0] == '\0')
		return facts;
	if (!strcmp(from, message->sender.domain))
		memo->header_from = memo->mail_from;
	else
		known = book_find(selfcheck->book, view->store, &header_from, until_ms, &memo->header_from);
	if (known)
		find_dmarc(selfcheck, view, memo, &facts);
	return facts;
}

static void selfcheck_check(const void *state, const struct view *view, struct decision *decision)
{
	const struct selfcheck *selfcheck = state;
	struct memo_data *memo = view->memo;
	struct selfcheck_facts facts;

	/* what is refused already is not worth a question */
	if (view->stage != STAGE_END || !memo || decision->verdict.action == ACTION_REJECT || stays_here(view) ||
	    is_exempt(selfcheck, view))
		return;
	facts = find(selfcheck, view, memo);
	for (int rule = 0; rule < SELFCHECK_RULES; rule++) {
		const struct verdict verdict = selfcheck_decide((enum selfcheck_rule)rule, &facts, &selfcheck->limits);

		decision_add(decision, verdict);
		if (verdict.rule && selfcheck->limits.action[rule] == SELFCHECK_WARN)
			memo->warnings[memo->warning_count++] = verdict;
	}
}

static bool selfcheck_mark(const void *state, const struct view *view, struct arena *memory, struct marks *marks)
{
	const struct selfcheck *selfcheck = state;
	const struct memo_data *memo = view->memo;
	char TEXT_BUFFER buffer[WARNING_BYTES];
	struct text text;

	for (unsigned i = 0; memo && i < memo->warning_count; i++) {
		const struct verdict *verdict = &memo->warnings[i];

		text_init(&text, buffer, sizeof(buffer));
		text_char(&text, '[');
		text_str(&text, verdict->rule->code);
		text_str(&text, "] ");
		rule_text(verdict->rule, (enum language)selfcheck->leumund->language,
			  setup_own_text(selfcheck->leumund, verdict->rule),
			  &(struct rule_words){ verdict->about, verdict->detail, view->session->who.account, "" },
			  &text);
		if (!marks_add(marks, memory, "X-Leumund-Warning", buffer))
			return false;
	}
	return true;
}

static void selfcheck_note(const void *state, const struct view *view, struct text *line)
{
	const struct memo_data *memo = view->memo;

	(void)state;
	if (!memo || !memo->found)
		return;
	text_str(line, " own_spf=");
	text_str(line, memo->found);
}

static void selfcheck_status(const void *state, struct text *json)
{
	const struct selfcheck *selfcheck = state;

	spf_figures(book_dns(selfcheck->book), json);
}

static const char *const selfcheck_headers[] = { "From", "DKIM-Signature", NULL };

const struct milter milter_selfcheck = {
	.name = "selfcheck",
	.summary = "what other servers will find in SPF and DMARC when our mail comes",
	.section = &selfcheck_section,
	.rules = selfcheck_rules,
	.needs = NEED_RCPT | NEED_HEADERS | NEED_IDENTITY | NEED_MARK,
	.headers = selfcheck_headers,
	.start = selfcheck_start,
	.stop = selfcheck_stop,
	.rest = selfcheck_rest,
	.begin = selfcheck_begin,
	.end = free,
	.check = selfcheck_check,
	.mark = selfcheck_mark,
	.note = selfcheck_note,
	.status = selfcheck_status,
};
