/*
 * One evaluation under way: what it is about, what it has asked and counted, and why it stopped.
 */
#ifndef LEUMUND_SPF_EVALUATION_H
#define LEUMUND_SPF_EVALUATION_H

#include <stdarg.h>

#include "spf/client.h"
#include "spf/macro.h"
#include "spf/name.h"
#include "spf/record.h"
#include "spf/spf.h"

/* libspf2 nests 20 records deep, so no more terms that look something up than that; mx and ptr by SPF_WANTED. */
#define SPF_TERMS_MAX 20
#define SPF_NAMES_MAX 20
#define SPF_QUERIES_MAX 500

/* A record that takes part. */
struct spf_policy {
	spf_name domain;
	struct span exp;
	unsigned first, count; /* its terms */
	unsigned nesting;      /* inside how many include */
};

/* A term that looks something up, and the record it stands in. */
struct spf_step {
	enum spf_term_kind kind;
	uint8_t bits4, bits6;
	unsigned policy;
	struct span target;
};

#define SPF_POLICIES (SPF_TERMS_MAX + 1)
#define SPF_STEPS (SPF_POLICIES * (SPF_TERMS_MAX + 1))

struct spf_evaluation {
	const struct spf_query *query;
	struct spf_limits limits;
	spf_lookup_fn *lookup;
	void *lookup_arg;
	struct spf_outcome *outcome;

	struct spf_client client;
	struct spf_macros macros; /* but for the domain, which is the record's, and %{p} */
	bool local_is_ascii;
	spf_name domain, helo;
	char sender[1024];

	bool stopped;	 /* outcome->result says why: it wins over what libspf2 makes of it */
	bool explaining; /* nothing counts any more */
	bool validated_counted;
	unsigned decider; /* the record that gives the result if no term of it matches: the end of the redirects */
	unsigned policies, steps;
	uint64_t asked[SPF_QUERIES_MAX];
	struct spf_policy policy[SPF_POLICIES];
	struct spf_step step[SPF_STEPS];
};

/* The first stop counts; its problem is in our words. Returns NULL, which is no answer. */
void *spf_stop(struct spf_evaluation *evaluation, enum spf_result result, const char *problem, const char *about);

/*
 * The answer, one without records for a name that cannot exist, or NULL: stopped, because it is not there yet or too
 * many were asked for.
 */
const struct dns_answer *spf_ask(struct spf_evaluation *evaluation, enum dns_type type, const char *name);

/* Adds a question to what is wanted, unless it has been answered. Stops nothing. */
void spf_ask_ahead(struct spf_evaluation *evaluation, enum dns_type type, const char *name);

/* RFC 7208 4.6.4; false: stopped. */
bool spf_count_term(struct spf_evaluation *evaluation);
bool spf_count_void(struct spf_evaluation *evaluation, const char *name);

static inline bool spf_is_void(const struct dns_answer *answer)
{
	return answer->status == DNS_NO_DATA || answer->status == DNS_NO_NAME;
}

/* A or AAAA, as the client has it. */
static inline enum dns_type spf_address_type(const struct spf_evaluation *evaluation)
{
	return evaluation->client.ipv6 ? DNS_AAAA : DNS_A;
}

#endif
