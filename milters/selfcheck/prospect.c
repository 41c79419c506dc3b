/*
 * What other servers will make of a domain's mail (prospect.h), and how that is kept in the store: see redis/KEYS.
 */
#include "milters/selfcheck/prospect.h"

#include <stdio.h>
#include <string.h>

#include "store/store.h"

/* Customers' zones have TTLs of a minute and of a week; neither suits. */
#define HOLDS_LEAST 300
#define HOLDS_MOST 86400
#define HOLDS_UNKNOWN 60 /* what the DNS did not say is asked for again soon */

#define RECORD_MAX 200 /* of the record, in the store: for people */
#define FACTS 7	       /* arguments of spf_keep.lua in front of the addresses */
#define LOOK_FACTS 5   /* fields of spf_look.lua in front of the results */

/* Cut between two terms, so that nobody publishes half of one. */
static void missing_take(struct prospect *prospect, const char *terms)
{
	static const char more[] = " ...";
	size_t len = strlen(terms);

	if (len >= sizeof(prospect->missing)) {
		len = sizeof(prospect->missing) - sizeof(more);
		while (len > 0 && terms[len] != ' ')
			len--;
	}
	snprintf(prospect->missing, sizeof(prospect->missing), "%.*s%s", (int)len, terms,
		 terms[len] != '\0' ? more : "");
}

/* ---- the DNS ----------------------------------------------------------------------------------- */

static void report_read(const struct domain_report *report, struct prospect *out)
{
	out->result = report->audit.result;
	out->by_mailbox = report->by_mailbox;
	out->dmarc = report->audit.action;
	out->strict = report->audit.policy.strict_spf;
	missing_take(out, report->audit.missing);
	for (size_t i = 0; i < report->pool->count && out->problem[0] == '\0'; i++)
		if (report->addresses[i].result == out->result)
			snprintf(out->problem, sizeof(out->problem), "%s", report->addresses[i].problem);
}

static bool all_is_known(const struct domain_report *report)
{
	for (size_t i = 0; i < report->pool->count; i++)
		if (report->addresses[i].result == SPF_RESULT_TEMPERROR)
			return false;
	return report->audit.dmarc != DMARC_UNKNOWN;
}

static int64_t holds_for(const struct domain_report *report)
{
	return report->ttl < HOLDS_LEAST ? HOLDS_LEAST : report->ttl > HOLDS_MOST ? HOLDS_MOST : report->ttl;
}

int64_t prospect_read(const struct domain_report *report, struct prospect *out, bool *is_known)
{
	memset(out, 0, sizeof(*out));
	report_read(report, out);
	*is_known = all_is_known(report);
	return *is_known ? holds_for(report) : HOLDS_UNKNOWN;
}

/* ---- the store --------------------------------------------------------------------------------- */

void prospect_keep(struct store *store, const struct domain_report *report, const struct prospect *prospect,
		   int64_t seconds)
{
	const struct egress_pool *pool = report->pool;
	char key_buffer[STORE_KEY_SIZE], holds[24], dmarc[32], lookups[16];
	struct span args[FACTS + 2 * EGRESS_ADDRESSES], key;
	size_t count = 0;
	struct text text;

	text_init(&text, key_buffer, sizeof(key_buffer));
	store_key_write(&text, "spf", span_of(report->domain), span_of(""));
	key = (struct span){ text.at, text.len };
	snprintf(holds, sizeof(holds), "%lld", (long long)seconds);
	snprintf(dmarc, sizeof(dmarc), prospect->dmarc == DMARC_NONE ? "none" : "%s %s",
		 dmarc_action_names[prospect->dmarc], prospect->strict ? "strict" : "relaxed");
	snprintf(lookups, sizeof(lookups), "%u", report->audit.terms);
	args[count++] = span_of(holds);
	args[count++] = span_of(dmarc);
	args[count++] = span_of(prospect->problem);
	args[count++] = span_of(prospect->by_mailbox ? "yes" : "");
	args[count++] = span_of(report->audit.included ? pool->include : "");
	args[count++] = (struct span){ report->audit.record, strnlen(report->audit.record, RECORD_MAX) };
	args[count++] = span_of(lookups);
	for (size_t i = 0; i < pool->count; i++) {
		args[count++] = span_of(pool->words[i]);
		args[count++] = span_of(spf_result_names[report->addresses[i].result]);
	}
	store_post(store, &(struct store_request){ STORE_SCRIPT_SPF_KEEP, &key, 1, args, count });
}

/* The index of a word in a list that ends with NULL; the list's length when it is not there. */
static unsigned index_of(const char *const *names, struct span word)
{
	unsigned i = 0;

	while (names[i] && !span_is(word, names[i]))
		i++;
	return i;
}

static bool dmarc_read(struct span value, struct prospect *out)
{
	const char *blank = memchr(value.at, ' ', value.len);
	const struct span action = { value.at, blank ? (size_t)(blank - value.at) : value.len };
	const unsigned index = index_of(dmarc_action_names, action);

	out->dmarc = (enum dmarc_action)index;
	out->strict = blank && span_is((struct span){ blank + 1, value.len - action.len - 1 }, "strict");
	return dmarc_action_names[index] != NULL;
}

/* The results of the addresses, in their order, and what is missing by them. */
static bool results_read(const struct store_answer *answer, const struct egress_pool *pool, struct prospect *out)
{
	const bool included = pool->include[0] != '\0' && span_is(store_field(answer, 4), pool->include);
	enum spf_result results[EGRESS_ADDRESSES] = { SPF_RESULT_NONE };
	char terms[SPF_AUDIT_MISSING_MAX];
	struct text missing;

	for (size_t i = 0; i < pool->count; i++) {
		results[i] = (enum spf_result)index_of(spf_result_names, store_field(answer, LOOK_FACTS + i));
		if (results[i] >= SPF_RESULT_PENDING)
			return false;
	}
	text_init(&missing, terms, sizeof(terms));
	out->result = spf_audit_missing(pool, results, &missing);
	if (missing.len > 0 && pool->include[0] != '\0' && !included) {
		text_init(&missing, terms, sizeof(terms));
		text_str(&missing, "include:");
		text_str(&missing, pool->include);
	}
	missing_take(out, terms);
	return true;
}

static bool answer_read(const struct store_answer *answer, const struct egress_pool *pool, struct prospect *out)
{
	memset(out, 0, sizeof(*out));
	if (answer->count != LOOK_FACTS + pool->count || !dmarc_read(store_field(answer, 1), out))
		return false;
	snprintf(out->problem, sizeof(out->problem), "%.*s", (int)store_field(answer, 2).len,
		 store_field(answer, 2).at);
	out->by_mailbox = span_is(store_field(answer, 3), "yes");
	return results_read(answer, pool, out);
}

int64_t prospect_look(struct store *store, const struct egress_pool *pool, const char *domain, struct prospect *out)
{
	char key_buffer[STORE_KEY_SIZE];
	struct span args[EGRESS_ADDRESSES], key;
	struct store_answer *answers = NULL;
	int64_t seconds = 0;
	struct text text;

	text_init(&text, key_buffer, sizeof(key_buffer));
	store_key_write(&text, "spf", span_of(domain), span_of(""));
	key = (struct span){ text.at, text.len };
	for (size_t i = 0; i < pool->count; i++)
		args[i] = span_of(pool->words[i]);
	if (store_run(store, &(struct store_request){ STORE_SCRIPT_SPF_LOOK, &key, 1, args, pool->count }, 1, &answers,
		      0) == STORE_OK &&
	    answer_read(&answers[0], pool, out))
		seconds = store_field_number(&answers[0], 0);
	store_answers_free(&answers);
	return seconds;
}
