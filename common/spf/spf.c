/*
 * One SPF evaluation (spf/spf.h): who is judged, what libspf2 is given and what its result means.
 */
#include "spf/spf.h"

#include <string.h>

#include "spf/evaluation.h"
#include "spf/explain.h"
#include "spf/library.h"
#include "spf/mechanism.h"
#include "spf/rewrite.h"

const char *const spf_result_names[] = {
	[SPF_RESULT_NONE] = "none",	      [SPF_RESULT_NEUTRAL] = "neutral",	  [SPF_RESULT_PASS] = "pass",
	[SPF_RESULT_FAIL] = "fail",	      [SPF_RESULT_SOFTFAIL] = "softfail", [SPF_RESULT_TEMPERROR] = "temperror",
	[SPF_RESULT_PERMERROR] = "permerror", [SPF_RESULT_PENDING] = NULL,
};

/* ---- what libspf2 asks for ---------------------------------------------------------------------- */

static bool is_pending(const struct spf_evaluation *evaluation)
{
	return evaluation->stopped && evaluation->outcome->result == SPF_RESULT_PENDING;
}

static const struct dns_answer *ask_policy(struct spf_evaluation *evaluation, const struct spf_policy *policy)
{
	return spf_ask(evaluation, DNS_TXT, spf_name_is_qualified(policy->domain) ? policy->domain : "");
}

/* The record of a domain, as policy `index`; its terms follow what is there. */
static bool load_policy(struct spf_evaluation *evaluation, unsigned index, enum spf_result none, struct text *out)
{
	struct spf_policy *policy = &evaluation->policy[index];
	const struct dns_answer *answer = ask_policy(evaluation, policy);

	policy->exp = (struct span){ NULL, 0 };
	policy->first = evaluation->steps;
	policy->count = 0;
	if (!answer)
		return false;
	if (answer->status == DNS_FAILED) {
		spf_stop(evaluation, SPF_RESULT_TEMPERROR, "cannot be looked up at the moment", policy->domain);
		return false;
	}
	return spf_rewrite(evaluation, index, answer, none, out);
}

/* include and redirect */
static bool load_target(struct spf_evaluation *evaluation, const struct spf_step *step, struct text *out)
{
	const struct spf_policy *from = &evaluation->policy[step->policy];
	unsigned index = evaluation->policies;
	struct spf_policy *policy = &evaluation->policy[index];

	if (!spf_count_term(evaluation))
		return false;
	switch (spf_target_name(evaluation, step, policy->domain)) {
	case SPF_MATCH_STOPPED:
		return false;
	case SPF_MATCH_NO:
		text_str(out, "v=spf1 ?all");
		return true;
	default:
		break;
	}
	evaluation->policies++;
	policy->nesting = from->nesting + (step->kind == SPF_TERM_INCLUDE);
	if (step->kind == SPF_TERM_REDIRECT && evaluation->decider == step->policy)
		evaluation->decider = index;
	return load_policy(evaluation, index, SPF_RESULT_PERMERROR, out);
}

static bool load(void *arg, unsigned number, struct text *out)
{
	struct spf_evaluation *evaluation = arg;
	bool loaded;

	if (number == SPF_LIBRARY_FIRST)
		return load_policy(evaluation, 0, SPF_RESULT_NONE, out);
	loaded = load_target(evaluation, &evaluation->step[number - 1], out);
	if (is_pending(evaluation))
		spf_look_ahead(evaluation, &evaluation->step[number - 1]);
	return loaded;
}

static enum spf_match match(void *arg, unsigned number)
{
	struct spf_evaluation *evaluation = arg;
	enum spf_match matched = spf_mechanism_match(evaluation, &evaluation->step[number - 1]);

	if (is_pending(evaluation))
		spf_look_ahead(evaluation, &evaluation->step[number - 1]);
	return matched;
}

/* ---- who is judged ------------------------------------------------------------------------------ */

static bool is_ascii(struct span from)
{
	for (size_t i = 0; i < from.len; i++)
		if ((unsigned char)from.at[i] >= 0x80)
			return false;
	return true;
}

/* 2.4, 4.3: the null sender is postmaster@HELO, and so is what has no local part of its own. False: no domain to ask.
 */
static bool read_sender(struct spf_evaluation *evaluation)
{
	const struct spf_query *query = evaluation->query;
	const char *from = *query->mail_from ? query->mail_from : query->helo;
	const char *at = *query->mail_from ? strrchr(from, '@') : NULL;
	struct span domain = span_of(at ? at + 1 : from);
	struct text text;

	if (!spf_name_of_domain(domain, evaluation->domain))
		return false;
	text_init(&text, evaluation->sender, sizeof(evaluation->sender));
	if (at && at > from)
		text_mem(&text, from, (size_t)(at - from));
	else
		text_str(&text, "postmaster");
	evaluation->macros.local = (struct span){ evaluation->sender, text.len };
	evaluation->local_is_ascii = is_ascii(evaluation->macros.local);
	text_char(&text, '@');
	text_str(&text, evaluation->domain);
	evaluation->macros.sender = (struct span){ evaluation->sender, text.len };
	evaluation->macros.sender_domain = evaluation->domain;
	return !text.cut; /* RFC 5321 4.5.3.1.3: a path has 256 octets */
}

static void read_names(struct spf_evaluation *evaluation)
{
	const struct spf_query *query = evaluation->query;
	struct spf_macros *macros = &evaluation->macros;

	macros->client = &evaluation->client;
	macros->helo = is_ascii(span_of(query->helo)) || !spf_name_of_domain(span_of(query->helo), evaluation->helo)
			       ? query->helo
			       : evaluation->helo;
	macros->receiver = query->receiver && *query->receiver ? query->receiver : "unknown";
	macros->validated = NULL;
	macros->now_s = query->now_s;
}

static unsigned at_most(unsigned value, unsigned max)
{
	return value < max ? value : max;
}

static void evaluation_init(struct spf_evaluation *evaluation, const struct spf_query *query, spf_lookup_fn *lookup,
			    void *arg, struct spf_outcome *outcome)
{
	evaluation->query = query;
	evaluation->lookup = lookup;
	evaluation->lookup_arg = arg;
	evaluation->outcome = outcome;
	evaluation->limits = (struct spf_limits){
		.terms = at_most(query->limits.terms, SPF_TERMS_MAX),
		.voids = query->limits.voids,
		.mx = at_most(query->limits.mx, SPF_NAMES_MAX),
		.ptr = at_most(query->limits.ptr, SPF_NAMES_MAX),
		.queries = at_most(query->limits.queries, SPF_QUERIES_MAX),
	};
	evaluation->stopped = evaluation->explaining = evaluation->validated_counted = false;
	evaluation->decider = evaluation->policies = evaluation->steps = 0;
}

/* ---- the whole ---------------------------------------------------------------------------------- */

static void outcome_clear(struct spf_outcome *outcome)
{
	outcome->result = SPF_RESULT_NONE;
	outcome->domain[0] = outcome->explanation[0] = outcome->problem[0] = '\0';
	outcome->terms = outcome->voids = outcome->queries = 0;
	outcome->ttl = UINT32_MAX;
	outcome->by_mailbox = false;
	outcome->wanted_count = 0;
}

/* False: stopped. libspf2 has nothing to do before this record is there. */
static bool first_policy(struct spf_evaluation *evaluation)
{
	struct spf_policy *policy = &evaluation->policy[0];

	evaluation->policies = 1;
	policy->nesting = 0;
	spf_name_finish(evaluation->domain, strlen(evaluation->domain), policy->domain);
	return ask_policy(evaluation, policy) != NULL;
}

static void run(struct spf_evaluation *evaluation)
{
	static const struct spf_library_calls calls = { load, match };
	struct spf_outcome *outcome = evaluation->outcome;
	char result = spf_library_run(&calls, evaluation);

	if (evaluation->stopped)
		return;
	switch (result) {
	case '+':
		outcome->result = SPF_RESULT_PASS;
		break;
	case '-':
		outcome->result = SPF_RESULT_FAIL;
		break;
	case '~':
		outcome->result = SPF_RESULT_SOFTFAIL;
		break;
	case '?':
		outcome->result = SPF_RESULT_NEUTRAL;
		break;
	default:
		spf_stop(evaluation, SPF_RESULT_TEMPERROR, "libspf2 gives no result; is memory short?", NULL);
	}
}

static void say_domain(struct spf_evaluation *evaluation)
{
	const char *from = evaluation->domain;
	char *to = evaluation->outcome->domain;

	while ((*to++ = ascii_lower(*from++)))
		;
}

void spf_evaluate(const struct spf_query *query, spf_lookup_fn *lookup, void *arg, struct spf_outcome *outcome)
{
	struct spf_evaluation TEXT_BUFFER evaluation;

	outcome_clear(outcome);
	evaluation_init(&evaluation, query, lookup, arg, outcome);
	if (!spf_client_read(&evaluation.client, query->client) || !read_sender(&evaluation))
		return;
	read_names(&evaluation);
	say_domain(&evaluation);
	if (!first_policy(&evaluation))
		return;
	run(&evaluation);
	if (!evaluation.stopped && outcome->result == SPF_RESULT_FAIL && query->want_explanation)
		spf_explain(&evaluation);
}
