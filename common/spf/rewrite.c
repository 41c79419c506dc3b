/*
 * From a domain's record to one that libspf2 may see (rewrite.h).
 */
#include "spf/rewrite.h"

#include <string.h>

struct writer {
	struct spf_evaluation *evaluation;
	unsigned policy;
	unsigned room; /* terms that may still look something up, and one more, which is the one too many */
	bool closed;   /* no term behind this one can count */
	struct span redirect;
	struct text *out;
};

/* The number of a new step. */
static unsigned add_step(struct writer *writer, const struct spf_term *term)
{
	struct spf_evaluation *evaluation = writer->evaluation;

	evaluation->step[evaluation->steps] = (struct spf_step){
		.kind = term->kind,
		.bits4 = term->bits4,
		.bits6 = term->bits6,
		.policy = writer->policy,
		.target = term->target,
	};
	evaluation->policy[writer->policy].count++;
	writer->room--;
	return ++evaluation->steps;
}

static void write_step(struct writer *writer, const char *name, const struct spf_term *term)
{
	text_str(writer->out, name);
	text_u64(writer->out, add_step(writer, term));
	text_str(writer->out, ".x");
	writer->closed = !writer->room;
}

static bool has_client(const struct spf_client *client, const struct spf_term *term)
{
	if (client->ipv6 != (term->kind == SPF_TERM_IP6))
		return false;
	return spf_client_in(client, term->address, client->ipv6 ? term->bits6 : term->bits4);
}

static void write_term(void *arg, const struct spf_term *term)
{
	struct writer *writer = arg;
	bool network = term->kind == SPF_TERM_IP4 || term->kind == SPF_TERM_IP6;

	if (term->kind == SPF_TERM_EXP)
		writer->evaluation->policy[writer->policy].exp = term->target;
	if (term->kind == SPF_TERM_REDIRECT)
		writer->redirect = term->target;
	if (writer->closed || term->kind >= SPF_TERM_REDIRECT ||
	    (network && !has_client(&writer->evaluation->client, term)))
		return;
	text_char(writer->out, ' ');
	text_char(writer->out, term->qualifier);
	if (term->kind == SPF_TERM_ALL || network) {
		text_str(writer->out, "all");
		writer->closed = true;
		return;
	}
	write_step(writer, term->kind == SPF_TERM_INCLUDE ? "include:" : "exists:", term);
}

/* 6.1: after all mechanisms, wherever it stands, and not beside "all". */
static void write_redirect(struct writer *writer)
{
	struct spf_term redirect = { .kind = SPF_TERM_REDIRECT, .target = writer->redirect };

	if (!writer->redirect.at || writer->closed)
		return;
	write_step(writer, " redirect=", &redirect);
}

/* 4.5: the one record; NULL: stopped */
static const struct span *choose(struct spf_evaluation *evaluation, const char *domain, const struct dns_answer *answer,
				 enum spf_result none)
{
	const struct span *chosen = NULL;

	for (size_t i = 0; i < answer->count; i++) {
		if (!spf_record_is(answer->records[i].txt))
			continue;
		if (chosen)
			return spf_stop(evaluation, SPF_RESULT_PERMERROR, "has more than one SPF record, RFC 7208 4.5",
					domain);
		chosen = &answer->records[i].txt;
	}
	if (!chosen)
		return spf_stop(evaluation, none,
				none == SPF_RESULT_NONE ? "" : "has no SPF record, but another record refers to it",
				domain);
	return chosen;
}

bool spf_rewrite(struct spf_evaluation *evaluation, unsigned policy, const struct dns_answer *answer,
		 enum spf_result none, struct text *out)
{
	struct writer writer = { .evaluation = evaluation, .policy = policy, .out = out };
	const char *domain = evaluation->policy[policy].domain;
	const struct span *record = choose(evaluation, domain, answer, none);
	char problem[160];
	struct text text;

	if (!record)
		return false;
	writer.room = evaluation->limits.terms - evaluation->outcome->terms + 1;
	text_str(out, "v=spf1");
	text_init(&text, problem, sizeof(problem));
	if (!spf_record_read(*record, write_term, &writer, &text)) {
		spf_stop(evaluation, SPF_RESULT_PERMERROR, problem, domain);
		return false;
	}
	write_redirect(&writer);
	return true;
}
