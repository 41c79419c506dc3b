/*
 * What an evaluation asks and counts (evaluation.h).
 */
#include "spf/evaluation.h"

#include <string.h>
#include <strings.h>

#define SHOWN 80 /* of a name, in a problem */

void *spf_stop(struct spf_evaluation *evaluation, enum spf_result result, const char *problem, const char *about)
{
	struct text text;

	if (evaluation->stopped)
		return NULL;
	evaluation->stopped = true;
	evaluation->outcome->result = result;
	text_init(&text, evaluation->outcome->problem, sizeof(evaluation->outcome->problem));
	if (about && problem[0] != '\0') {
		text_escaped(&text, about, strlen(about), SHOWN);
		text_char(&text, ' ');
	}
	text_str(&text, problem);
	return NULL;
}

/* FNV-1a. Two questions that fall together would count as one: the bound of queries is ours and not that exact. */
static uint64_t question_hash(enum dns_type type, const char *name)
{
	uint64_t hash = UINT64_C(0xcbf29ce484222325) ^ (uint64_t)type;

	for (; *name; name++)
		hash = (hash ^ (unsigned char)ascii_lower(*name)) * UINT64_C(0x100000001b3);
	return hash;
}

/* A question counts once, however often it comes. */
static bool count_query(struct spf_evaluation *evaluation, enum dns_type type, const char *name)
{
	uint64_t hash = question_hash(type, name);
	unsigned *count = &evaluation->outcome->queries;

	for (unsigned i = 0; i < *count; i++)
		if (evaluation->asked[i] == hash)
			return true;
	if (*count >= evaluation->limits.queries)
		return false;
	evaluation->asked[(*count)++] = hash;
	return true;
}

static void want(struct spf_outcome *outcome, enum dns_type type, const char *name)
{
	for (size_t i = 0; i < outcome->wanted_count; i++)
		if (outcome->wanted[i].type == type && !strcasecmp(outcome->wanted[i].name, name))
			return;
	if (outcome->wanted_count == SPF_WANTED)
		return;
	outcome->wanted[outcome->wanted_count].type = type;
	memcpy(outcome->wanted[outcome->wanted_count++].name, name, strlen(name) + 1);
}

const struct dns_answer *spf_ask(struct spf_evaluation *evaluation, enum dns_type type, const char *name)
{
	static const struct dns_answer no_name[DNS_TYPES] = {
		[DNS_A] = { .type = DNS_A, .status = DNS_NO_NAME },
		[DNS_AAAA] = { .type = DNS_AAAA, .status = DNS_NO_NAME },
		[DNS_MX] = { .type = DNS_MX, .status = DNS_NO_NAME },
		[DNS_TXT] = { .type = DNS_TXT, .status = DNS_NO_NAME },
		[DNS_PTR] = { .type = DNS_PTR, .status = DNS_NO_NAME },
	};
	const struct dns_answer *answer;

	if (!spf_name_exists(name))
		return &no_name[type];
	if (!count_query(evaluation, type, name))
		return evaluation->explaining ? &no_name[type]
					      : spf_stop(evaluation, SPF_RESULT_PERMERROR, "takes too many DNS queries",
							 evaluation->policy[0].domain);
	answer = evaluation->lookup(evaluation->lookup_arg, type, name);
	if (answer) {
		if (answer->ttl < evaluation->outcome->ttl)
			evaluation->outcome->ttl = answer->ttl;
		return answer;
	}
	want(evaluation->outcome, type, name);
	return spf_stop(evaluation, SPF_RESULT_PENDING, "", NULL);
}

void spf_ask_ahead(struct spf_evaluation *evaluation, enum dns_type type, const char *name)
{
	if (spf_name_exists(name) && !evaluation->lookup(evaluation->lookup_arg, type, name))
		want(evaluation->outcome, type, name);
}

bool spf_count_term(struct spf_evaluation *evaluation)
{
	if (evaluation->explaining || ++evaluation->outcome->terms <= evaluation->limits.terms)
		return true;
	spf_stop(evaluation, SPF_RESULT_PERMERROR, "has too many terms that look something up, RFC 7208 4.6.4",
		 evaluation->policy[0].domain);
	return false;
}

bool spf_count_void(struct spf_evaluation *evaluation, const char *name)
{
	if (evaluation->explaining || ++evaluation->outcome->voids <= evaluation->limits.voids)
		return true;
	spf_stop(evaluation, SPF_RESULT_PERMERROR, "is one look-up too many without an answer, RFC 7208 4.6.4", name);
	return false;
}
