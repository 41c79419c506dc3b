/*
 * What SPF and DMARC make of a domain's mail (spf/domain.h).
 */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "address/address.h"
#include "dns/dns.h"
#include "org_domain.h"
#include "spf/check.h"
#include "spf/domain.h"
#include "system/clock.h"

/* ---- TXT records ------------------------------------------------------------------------------- */

enum question { OF_DOMAIN, DMARC, DMARC_ABOVE, QUESTIONS };

struct answers {
	pthread_mutex_t lock;
	pthread_cond_t change;
	unsigned awaited;
	struct awaited {
		struct answers *all;
		const struct dns_answer *answer;
	} of[QUESTIONS];
};

/* dns_done_fn */
static void answer_come(void *arg, const struct dns_answer *answer)
{
	struct awaited *awaited = arg;

	pthread_mutex_lock(&awaited->all->lock);
	awaited->answer = dns_ref(answer);
	awaited->all->awaited--;
	pthread_cond_signal(&awaited->all->change);
	pthread_mutex_unlock(&awaited->all->lock);
}

static void answers_ask(struct answers *answers, struct dns *dns, enum question question, const char *before,
			const char *domain)
{
	char name[sizeof("_dmarc.") + DOMAIN_MAX];
	struct text text;

	text_init(&text, name, sizeof(name));
	text_str(&text, before);
	text_str(&text, domain);
	answers->of[question].all = answers;
	pthread_mutex_lock(&answers->lock);
	answers->awaited++;
	pthread_mutex_unlock(&answers->lock);
	dns_ask(dns, DNS_TXT, name, answer_come, &answers->of[question]);
}

/* Each question ends: dns/dns.h bounds tries and their time. */
static void answers_wait(struct answers *answers)
{
	pthread_mutex_lock(&answers->lock);
	while (answers->awaited > 0)
		pthread_cond_wait(&answers->change, &answers->lock);
	pthread_mutex_unlock(&answers->lock);
}

static void answers_start(struct answers *answers, struct dns *dns, const char *domain, const char *organisation)
{
	memset(answers, 0, sizeof(*answers));
	pthread_mutex_init(&answers->lock, NULL);
	pthread_cond_init(&answers->change, NULL);
	answers_ask(answers, dns, OF_DOMAIN, "", domain);
	answers_ask(answers, dns, DMARC, "_dmarc.", domain);
	if (strcmp(domain, organisation) != 0)
		answers_ask(answers, dns, DMARC_ABOVE, "_dmarc.", organisation);
}

static void answers_end(struct answers *answers)
{
	for (size_t i = 0; i < QUESTIONS; i++)
		dns_unref(&answers->of[i].answer);
	pthread_cond_destroy(&answers->change);
	pthread_mutex_destroy(&answers->lock);
}

/* ---- one domain -------------------------------------------------------------------------------- */

static struct spf_check *evaluation_start(struct dns *dns, const union inet_address *client, const char *domain,
					  int64_t deadline_ms, const struct spf_limits *limits)
{
	char mail_from[sizeof("postmaster@") + DOMAIN_MAX];
	const struct spf_query query = {
		.client = &client->any,
		.helo = domain,
		.mail_from = mail_from,
		.receiver = "",
		.now_s = clock_wall_ms() / 1000,
		.limits = *limits,
	};
	struct text text;

	text_init(&text, mail_from, sizeof(mail_from));
	text_str(&text, "postmaster@");
	text_str(&text, domain);
	return spf_check_start(dns, &query, deadline_ms);
}

/* The last evaluation is nobody's. False: no memory. */
static bool evaluations_start(struct spf_check **checks, struct dns *dns, const struct egress_pool *pool,
			      const char *domain, int64_t deadline_ms)
{
	const struct spf_limits whole = SPF_AUDIT_LIMITS, limits = SPF_LIMITS;
	union inet_address nobody;
	bool good;

	inet_address_read(SPF_AUDIT_NOBODY, &nobody);
	checks[pool->count] = evaluation_start(dns, &nobody, domain, deadline_ms, &whole);
	good = checks[pool->count] != NULL;
	for (size_t i = 0; i < pool->count; i++) {
		checks[i] = evaluation_start(dns, &pool->at[i], domain, deadline_ms, &limits);
		good &= checks[i] != NULL;
	}
	return good;
}

static void ttl_take(struct domain_report *report, uint32_t ttl)
{
	if (ttl < report->ttl)
		report->ttl = ttl;
}

static void outcome_take(struct domain_report *report, const struct spf_outcome *outcome)
{
	ttl_take(report, outcome->ttl);
	report->by_mailbox |= outcome->by_mailbox;
}

static void address_take(struct domain_address *address, const struct spf_outcome *outcome)
{
	address->result = outcome->result;
	address->terms = outcome->terms;
	address->voids = outcome->voids;
	memcpy(address->problem, outcome->problem, sizeof(address->problem));
}

static const struct spf_outcome *outcome_of(struct spf_check *check)
{
	while (!spf_check_wait(check, INT64_MAX))
		;
	return spf_check_outcome(check);
}

static bool report_find(struct domain_report *report, struct spf_check **checks, const struct answers *answers,
			const char *organisation)
{
	const struct spf_outcome *outcomes[EGRESS_ADDRESSES];
	const struct spf_audit_facts facts = {
		.domain = report->domain,
		.organisation = organisation,
		.txt = answers->of[OF_DOMAIN].answer,
		.dmarc = answers->of[DMARC].answer,
		.dmarc_above = answers->of[DMARC_ABOVE].answer,
		.pool = report->pool,
		.outcomes = outcomes,
		.whole = outcome_of(checks[report->pool->count]),
	};

	for (size_t i = 0; i < report->pool->count; i++) {
		outcomes[i] = outcome_of(checks[i]);
		address_take(&report->addresses[i], outcomes[i]);
		outcome_take(report, outcomes[i]);
	}
	outcome_take(report, facts.whole);
	for (size_t i = 0; i < QUESTIONS; i++)
		if (answers->of[i].answer)
			ttl_take(report, answers->of[i].answer->ttl);
	return spf_audit(&facts, &report->audit);
}

bool domain_report_make(struct dns *dns, const struct egress_pool *pool, const char *domain, int64_t deadline_ms,
			struct domain_report *out)
{
	const char *organisation = org_domain(domain);
	struct spf_check *checks[EGRESS_ADDRESSES + 1];
	struct answers answers;
	bool good;

	*out = (struct domain_report){ .domain = domain, .pool = pool, .ttl = UINT32_MAX };
	out->addresses = calloc(pool->count + 1, sizeof(*out->addresses));
	answers_start(&answers, dns, domain, organisation);
	good = evaluations_start(checks, dns, pool, domain, deadline_ms) && out->addresses;
	answers_wait(&answers);
	good = good && report_find(out, checks, &answers, organisation);
	for (size_t i = 0; i <= pool->count; i++)
		spf_check_unref(&checks[i]);
	answers_end(&answers);
	return good;
}

void domain_report_free(struct domain_report *report)
{
	spf_audit_free(&report->audit);
	free(report->addresses);
	report->addresses = NULL;
}
