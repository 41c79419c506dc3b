/*
 * How the world judges mail that this server sends for a domain (audit.h).
 */
#include "spf/audit.h"

#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

#include "dns/dns.h"
#include "spf/record.h"

/* ---- the corrected record ---------------------------------------------------------------------- */

/* Of a record whose grammar is good: does pass by an address in front of this term come too late behind it? */
static bool term_decides(struct span term)
{
	static const char redirect[] = "redirect=";
	const size_t len = sizeof(redirect) - 1;

	if (strchr("-~?", term.at[0]))
		return true;
	if (term.len >= len && span_is((struct span){ term.at, len }, redirect))
		return true;
	return span_is(term, "all") || span_is(term, "+all");
}

/* Where it begins; the record's length when no term decides. */
static size_t decider_of(struct span record)
{
	size_t at = 0;

	while (at < record.len) {
		const char *start = record.at + at;
		const char *blank = memchr(start, ' ', record.len - at);
		struct span term = { start, blank ? (size_t)(blank - start) : record.len - at };

		if (term.len > 0 && term_decides(term))
			return at;
		at += term.len + 1;
	}
	return record.len;
}

bool spf_audit_correct(struct span record, const char *terms, struct text *out)
{
	const size_t at = decider_of(record);
	size_t before = at;

	while (before > 0 && record.at[before - 1] == ' ')
		before--;
	text_mem(out, record.at, before);
	text_char(out, ' ');
	text_str(out, terms);
	if (at < record.len) {
		text_char(out, ' ');
		text_mem(out, record.at + at, record.len - at);
	}
	return !out->cut;
}

/* ---- SPF --------------------------------------------------------------------------------------- */

static void note(struct spf_audit *audit, const char *sentence)
{
	if (audit->note_count < SPF_AUDIT_NOTES)
		snprintf(audit->notes[audit->note_count++], sizeof(audit->notes[0]), "%s", sentence);
}

/* Other results have no problem. The evaluator may say the same of each address. */
static void problem_note(struct spf_audit *audit, const struct spf_outcome *outcome)
{
	if (outcome->result != SPF_RESULT_PERMERROR && outcome->result != SPF_RESULT_TEMPERROR)
		return;
	for (unsigned i = 0; i < audit->note_count; i++)
		if (!strcmp(audit->notes[i], outcome->problem))
			return;
	note(audit, outcome->problem);
}

/* What is worst for mail: the larger number. */
static const unsigned badness[SPF_RESULTS] = {
	[SPF_RESULT_PASS] = 0,	    [SPF_RESULT_NEUTRAL] = 1, [SPF_RESULT_NONE] = 2,	  [SPF_RESULT_SOFTFAIL] = 3,
	[SPF_RESULT_TEMPERROR] = 4, [SPF_RESULT_FAIL] = 5,    [SPF_RESULT_PERMERROR] = 6,
};

static bool is_refused(enum spf_result result)
{
	return result != SPF_RESULT_PASS && result != SPF_RESULT_TEMPERROR;
}

/* An address added would change these. */
static bool is_missing(enum spf_result result)
{
	return is_refused(result) && result != SPF_RESULT_PERMERROR;
}

enum spf_result spf_audit_missing(const struct egress_pool *pool, const enum spf_result *results, struct text *missing)
{
	enum spf_result worst = SPF_RESULT_PASS;

	for (size_t i = 0; i < pool->count; i++) {
		if (badness[results[i]] > badness[worst])
			worst = results[i];
		if (!is_missing(results[i]))
			continue;
		if (missing->len > 0)
			text_char(missing, ' ');
		text_str(missing, strchr(pool->words[i], ':') ? "ip6:" : "ip4:");
		text_str(missing, pool->words[i]);
	}
	return worst;
}

static void addresses_judge(const struct spf_audit_facts *facts, struct spf_audit *audit, struct text *missing)
{
	enum spf_result results[EGRESS_ADDRESSES] = { SPF_RESULT_NONE };

	for (size_t i = 0; i < facts->pool->count; i++) {
		results[i] = facts->outcomes[i]->result;
		audit->refused += is_refused(results[i]);
		problem_note(audit, facts->outcomes[i]);
	}
	audit->result =
		facts->pool->count > 0 ? spf_audit_missing(facts->pool, results, missing) : facts->whole->result;
	audit->fails = badness[audit->result] >= badness[SPF_RESULT_SOFTFAIL];
}

/* Receivers meet different terms, and some meet all: what is wrong behind the one that matches counts as well. */
static void whole_judge(const struct spf_audit_facts *facts, struct spf_audit *audit)
{
	const struct spf_limits limits = SPF_LIMITS;
	const struct spf_outcome *whole = facts->whole;
	char sentence[256];

	audit->terms = whole->terms;
	audit->voids = whole->voids;
	if (whole->terms > limits.terms && audit->result != SPF_RESULT_PERMERROR) {
		snprintf(
			sentence, sizeof(sentence),
			"%u look-ups when every term is met, %u are allowed (RFC 7208 4.6.4): mail from elsewhere is a "
			"permerror",
			whole->terms, limits.terms);
		note(audit, sentence);
	} else if (whole->voids > limits.voids && audit->result != SPF_RESULT_PERMERROR) {
		snprintf(sentence, sizeof(sentence),
			 "%u look-ups without an answer when every term is met, %u are allowed (RFC 7208 4.6.4)",
			 whole->voids, limits.voids);
		note(audit, sentence);
	} else {
		problem_note(audit, whole);
	}
}

/* The records, and the first of them; at NULL: none. */
static struct span records_count(const struct dns_answer *txt, unsigned *count)
{
	struct span first = { NULL, 0 };

	for (size_t i = 0; i < txt->count; i++) {
		if (!spf_record_is(txt->records[i].txt))
			continue;
		if ((*count)++ == 0)
			first = txt->records[i].txt;
	}
	return first;
}

/* A new record refuses nobody: the domain may send from elsewhere too. */
#define FIRST_RECORD "v=spf1 ~all"

static void term_ignore(void *arg, const struct spf_term *term)
{
	(void)arg;
	(void)term;
}

/*
 * Where there are several nobody knows which of them is meant, and without the domain nothing can be published. The
 * evaluations may have had another answer than this one, so it is not known to be good.
 */
static bool is_correctable(const struct spf_audit *audit, enum dns_status status, struct span record)
{
	char problem[160];
	struct text text;

	if (audit->missing[0] == '\0' || audit->records > 1 || status == DNS_NO_NAME)
		return false;
	text_init(&text, problem, sizeof(problem));
	return !record.at || spf_record_read(record, term_ignore, NULL, &text);
}

static bool record_correct(struct spf_audit *audit, enum dns_status status, struct span record)
{
	struct span from = record.at ? record : (struct span){ FIRST_RECORD, strlen(FIRST_RECORD) };
	const size_t size = from.len + strlen(audit->missing) + 3;
	struct text text;

	audit->publish = malloc(size);
	if (!audit->publish)
		return false;
	text_init(&text, audit->publish, size);
	return !is_correctable(audit, status, record) || spf_audit_correct(from, audit->missing, &text);
}

static bool record_keep(struct spf_audit *audit, struct span record)
{
	const size_t size = record.len * 4 + 1; /* \xNN */
	struct text text;

	audit->record = malloc(size);
	if (!audit->record)
		return false;
	text_init(&text, audit->record, size);
	if (record.at)
		text_escaped(&text, record.at, record.len, record.len);
	return true;
}

/* Names are case-blind, RFC 7208 4.6.1; "+" is what stands for no qualifier. */
static bool includes(struct span record, const char *domain)
{
	char term[sizeof("include:") + 256];
	const size_t len = (size_t)snprintf(term, sizeof(term), "include:%s", domain);
	size_t at = 0;

	while (at < record.len) {
		const char *blank = memchr(record.at + at, ' ', record.len - at);
		struct span word = { record.at + at, blank ? (size_t)(blank - record.at) - at : record.len - at };

		at += word.len + 1;
		if (word.len > 0 && word.at[0] == '+') {
			word.at++;
			word.len--;
		}
		if (word.len == len && !strncasecmp(word.at, term, len))
			return true;
	}
	return false;
}

static bool spf_judge(const struct spf_audit_facts *facts, struct spf_audit *audit)
{
	const struct span record = records_count(facts->txt, &audit->records);
	const char *include = facts->pool->include;
	struct text missing;
	const size_t size = SPF_AUDIT_MISSING_MAX;

	audit->missing = malloc(size);
	if (!audit->missing)
		return false;
	text_init(&missing, audit->missing, size);
	audit->record_unknown = facts->txt->status == DNS_FAILED;
	if (facts->txt->status == DNS_NO_NAME)
		note(audit, "the DNS does not know this domain: many receivers refuse mail that cannot be answered");
	addresses_judge(facts, audit, &missing);
	audit->included = include[0] != '\0' && includes(record, include);
	if (include[0] != '\0' && !audit->included && missing.len > 0) {
		text_init(&missing, audit->missing, size);
		text_str(&missing, "include:");
		text_str(&missing, include);
	}
	if (audit->records > 1)
		note(audit,
		     "join its SPF records into one that begins with v=spf1 once and has one \"all\", at its end");
	whole_judge(facts, audit);
	return record_keep(audit, record) && record_correct(audit, facts->txt->status, record);
}

/* ---- DMARC ------------------------------------------------------------------------------------- */

/* RFC 7489 6.6.3: the domain's own record, else that of its organisation. */
static void dmarc_find(const struct spf_audit_facts *facts, struct spf_audit *audit)
{
	audit->dmarc_domain = facts->domain;
	audit->dmarc = dmarc_answer_read(facts->dmarc, &audit->policy);
	if (audit->dmarc != DMARC_ABSENT || !facts->dmarc_above)
		return;
	audit->dmarc_domain = facts->organisation;
	audit->dmarc = dmarc_answer_read(facts->dmarc_above, &audit->policy);
}

/* MAIL FROM and From have the same domain here, so SPF is aligned where it passes, strict or relaxed. */
static void dmarc_judge(const struct spf_audit_facts *facts, struct spf_audit *audit)
{
	static const char *const wrong[] = {
		[DMARC_REPEATED] = "has more than one DMARC record: none of them counts, RFC 7489 6.6.3",
		[DMARC_INVALID] = "has a DMARC record whose p or sp is no policy: it does not count, RFC 7489 6.6.3",
		[DMARC_UNKNOWN] = "cannot be looked up at the moment",
	};
	char sentence[256];

	dmarc_find(facts, audit);
	if (audit->dmarc == DMARC_FOUND)
		audit->action = dmarc_record_action(&audit->policy, audit->dmarc_domain != facts->domain);
	audit->hits = audit->action != DMARC_NONE && audit->refused > 0;
	if (audit->dmarc <= DMARC_FOUND)
		return;
	snprintf(sentence, sizeof(sentence), "_dmarc.%.140s: %s", audit->dmarc_domain, wrong[audit->dmarc]);
	note(audit, sentence);
}

/* ---- all of it --------------------------------------------------------------------------------- */

bool spf_audit(const struct spf_audit_facts *facts, struct spf_audit *out)
{
	memset(out, 0, sizeof(*out));
	if (!spf_judge(facts, out)) {
		spf_audit_free(out);
		return false;
	}
	dmarc_judge(facts, out);
	return true;
}

void spf_audit_free(struct spf_audit *audit)
{
	free(audit->record);
	free(audit->missing);
	free(audit->publish);
	audit->record = audit->missing = audit->publish = NULL;
}
